// SPDX-License-Identifier: BSD-3-Clause
/* The shape of the interface: versions, features, unknown numbers, registers that survive. */
#include "abi/csm.h"
#include "abi/el3.h"
#include "abi/rsi.h"
#include "payload/common/probe.h"
#include "payload/host/agent.h"
#include "payload/host/cpu.h"
#include "payload/host/fwcfg.h"
#include "payload/host/mem.h"
#include "payload/host/rmi.h"
#include "payload/host/test.h"

#define ICH_VTR_EL2 "s3_4_c12_c11_1"

static void expect_version(uint64_t requested, uint64_t status)
{
	struct smc_regs r = smc_call(RMI_VERSION_FID, requested);

	CHECK_EQ(r.x[0], status);
	CHECK_EQ(r.x[1], RMI_REVISION);
	CHECK_EQ(r.x[2], RMI_REVISION);
	CHECK_EQ(r.x[3], 0);
}

TEST(version, "RMI_VERSION: 1.0 is the lower and the higher revision, whatever is asked for")
{
	static const uint64_t others[] = {0,
					  1,
					  0xffff,
					  RMI_REVISION - 1,
					  RMI_REVISION + 1,
					  ABI_REVISION(2, 0),
					  ABI_REVISION(0x7fff, 0xffff),
					  RMI_REVISION | 1UL << 31,
					  RMI_REVISION | 1UL << 32,
					  UINT64_MAX};

	expect_version(RMI_REVISION, RMI_SUCCESS);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		expect_version(others[i], RMI_ERROR_INPUT);
	}
}

TEST(features_0, "RMI_FEATURES index 0: reserved bits zero, values that fit this CPU")
{
	struct smc_regs r = smc_call(RMI_FEATURES_FID, 0);
	uint64_t f = r.x[1];
	static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48, 52, 56};

	note("feature register 0: %lx", f);
	CHECK_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[2], 0);
	CHECK_EQ(r.x[3], 0);
	CHECK_EQ(f >> 42, 0);
	CHECK(ABI_FIELD_GET(RMI_FEATURE0_S2SZ, f) >= 40);
	CHECK(ABI_FIELD_GET(RMI_FEATURE0_S2SZ, f) <= pa_bits[sysreg_read("id_aa64mmfr0_el1") & 7]);
	CHECK(ABI_FIELD_GET(RMI_FEATURE0_LPA2, f) || ABI_FIELD_GET(RMI_FEATURE0_S2SZ, f) <= 48);
	CHECK_NE(ABI_FIELD_GET(RMI_FEATURE0_NUM_BPS, f), 0);
	CHECK_NE(ABI_FIELD_GET(RMI_FEATURE0_NUM_WPS, f), 0);
	CHECK(ABI_FIELD_GET(RMI_FEATURE0_NUM_BPS, f) <=
	      ((sysreg_read("id_aa64dfr0_el1") >> 12) & 0xf));
	CHECK(ABI_FIELD_GET(RMI_FEATURE0_NUM_WPS, f) <=
	      ((sysreg_read("id_aa64dfr0_el1") >> 20) & 0xf));
	CHECK_EQ(ABI_FIELD_GET(RMI_FEATURE0_HASH_SHA_256, f), 1);
	CHECK_EQ(ABI_FIELD_GET(RMI_FEATURE0_HASH_SHA_512, f), 1);
	CHECK_EQ(ABI_FIELD_GET(RMI_FEATURE0_GICV3_NUM_LRS, f), sysreg_read(ICH_VTR_EL2) & 0x1f);
	CHECK_NE(ABI_FIELD_GET(RMI_FEATURE0_MAX_RECS_ORDER, f), 0);
}

TEST(features_other, "RMI_FEATURES index other than 0: success, value 0")
{
	static const uint64_t indices[] = {1, 2, 63, 1UL << 32, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		struct smc_regs r = smc_call(RMI_FEATURES_FID, indices[i]);

		CHECK_EQ(r.x[0], RMI_SUCCESS);
		CHECK_EQ(r.x[1], 0);
	}
}

static void expect_unknown(uint64_t fid, uint64_t argument)
{
	struct smc_regs r = smc_call(fid, argument);

	if (!CHECK_EQ(r.x[0], SMCCC_UNKNOWN)) {
		note("function %lx", fid);
	}
}

TEST(unknown_rmi, "RMI: numbers without a command answer -1")
{
	expect_unknown(0xC4000156, 0);
	expect_unknown(0xC4000160, 0);
	expect_unknown(0xC4000163, 0);
	/* Numbers of later RMMs, and those of EL3, beside the two of CSM. */
	for (uint64_t fid = 0xC400016A; fid <= RMI_FID_LAST; fid++) {
		if (fid == RMI_APT_CREATE_FID || fid == RMI_APT_DESTROY_FID) {
			continue;
		}
		expect_unknown(fid, 0);
	}
	expect_unknown(SMCCC_FID_STD32(0x150), RMI_REVISION);
}

TEST(rsi_from_host, "RSI and the EL3 services answer -1 to the normal world, and do nothing")
{
	uint64_t page = page_alloc();
	uint64_t value;

	for (uint64_t fid = RSI_FID_FIRST; fid <= 0xC40001AF; fid++) {
		expect_unknown(fid, page);
	}
	for (uint64_t fid = EL3_GTSI_DELEGATE_FID; fid <= EL3_BOOT_COMPLETE_FID; fid++) {
		expect_unknown(fid, page);
	}
	CHECK(probe_load(page, &value));
	CHECK_EQ(smc_call(RMI_VERSION_FID, RMI_REVISION).x[0], RMI_SUCCESS);
}

/* What the runner says of the firmware it booted. */
static bool has_csm(void)
{
	return fwcfg_number("opt/caec/csm", 1) != 0;
}

static void expect_no_csm(uint64_t page)
{
	struct rec *rec = &agent_realm(1)->recs[0];
	uint64_t rd = rec->realm->rd;

	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	for (uint64_t fid = RMI_APT_CREATE_FID; fid <= RMI_APT_DESTROY_FID; fid++) {
		struct smc_regs r = smc_call(fid, rd, page);

		CHECK_EQ(r.x[0], SMCCC_UNKNOWN);
		CHECK_EQ(r.x[1] | r.x[2] | r.x[3], 0);
	}
	CHECK_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
	for (uint64_t fid = RSI_CSM_FID_FIRST; fid <= RSI_CSM_FID_LAST; fid++) {
		struct smc_regs r = agent_smc(rec, fid, REALM_RAM_TOP - PAGE_SIZE, PAGE_SIZE);

		CHECK_EQ(r.x[0], SMCCC_UNKNOWN);
		CHECK_EQ(r.x[1] | r.x[2] | r.x[3], 0);
	}
}

TEST(features_csm,
     "RMI_FEATURES, RSI_FEATURES: the revision of CSM at its index, to host and realm; from a "
     "firmware without it 0, and its commands, RMI_APT and RSI_CSM, answer -1 and do nothing")
{
	uint64_t revision = has_csm() ? CSM_REVISION : 0;
	struct smc_regs r = smc_call(RMI_FEATURES_FID, CSM_FEATURE_INDEX);

	CHECK_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[1], revision);
	r = agent_smc(&agent_realm(1)->recs[0], RSI_FEATURES_FID, CSM_FEATURE_INDEX);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], revision);
	for (uint64_t fid = RSI_CSM_FID_FIRST; fid <= RSI_CSM_FID_LAST; fid++) {
		expect_unknown(fid, 0);
	}
	if (!has_csm()) {
		expect_no_csm(page_alloc());
	}
}

/* Every register from x1 up holds its own pattern. */
static struct smc_regs patterned(uint64_t fid)
{
	struct smc_regs r;

	r.x[0] = fid;
	for (unsigned i = 1; i < 31; i++) {
		r.x[i] = random64() | 1;
	}
	return r;
}

static void expect_kept(const struct smc_regs *before, const struct smc_regs *after, unsigned from)
{
	for (unsigned i = from; i < 31; i++) {
		if (!CHECK_EQ(after->x[i], before->x[i])) {
			note("register x%u of %lx", i, before->x[0]);
		}
	}
}

/*
 * Issues the call with patterns in all other registers: `outputs` results, the rest as specified.
 */
static void check_registers(uint64_t fid, uint64_t x1, unsigned outputs, uint64_t status)
{
	struct smc_regs before = patterned(fid);
	struct smc_regs after;

	before.x[1] = x1;
	after = before;
	smc(&after);
	CHECK_EQ(after.x[0], status);
	for (unsigned i = outputs + 1; i <= 3; i++) {
		CHECK_EQ(after.x[i], 0);
	}
	expect_kept(&before, &after, 4);
}

TEST(registers_kept, "RMI: x4 and up come back as they went, x1 to x3 zero unless an output")
{
	uint64_t page = page_alloc();

	check_registers(RMI_VERSION_FID, RMI_REVISION, 2, RMI_SUCCESS);
	check_registers(RMI_VERSION_FID, 0, 2, RMI_ERROR_INPUT);
	check_registers(RMI_FEATURES_FID, 0, 1, RMI_SUCCESS);
	check_registers(RMI_GRANULE_DELEGATE_FID, page, 0, RMI_SUCCESS);
	check_registers(RMI_GRANULE_DELEGATE_FID, page, 0, RMI_ERROR_INPUT);
	check_registers(RMI_GRANULE_UNDELEGATE_FID, page, 0, RMI_SUCCESS);
	check_registers(RMI_GRANULE_UNDELEGATE_FID, page, 0, RMI_ERROR_INPUT);
	check_registers(0xC4000156, page, 0, SMCCC_UNKNOWN);
}

TEST(sve_hint, "RMI: the SVE hint in the function number changes nothing")
{
	uint64_t page = page_alloc();

	check_registers(RMI_VERSION_FID | SMCCC_FID_SVE_HINT, RMI_REVISION, 2, RMI_SUCCESS);
	check_registers(RMI_VERSION_FID | SMCCC_FID_SVE_HINT, 0, 2, RMI_ERROR_INPUT);
	check_registers(0xC4000156 | SMCCC_FID_SVE_HINT, 0, 0, SMCCC_UNKNOWN);
	check_registers(RMI_GRANULE_DELEGATE_FID | SMCCC_FID_SVE_HINT, page, 0, RMI_SUCCESS);
	check_registers(RMI_GRANULE_UNDELEGATE_FID | SMCCC_FID_SVE_HINT, page, 0, RMI_SUCCESS);
}

static void version_here(void *arg)
{
	uint64_t *features = arg;

	expect_version(RMI_REVISION, RMI_SUCCESS);
	expect_version(0, RMI_ERROR_INPUT);
	CHECK_EQ(smc_call(RMI_FEATURES_FID, 0).x[1], *features);
}

TEST_CPUS(warm_boot, 2, "boot: every CPU was warm booted into the RMM and gets the same answers")
{
	uint64_t features = smc_call(RMI_FEATURES_FID, 0).x[1];

	for (unsigned n = 1; n < cpu_count(); n++) {
		on_cpu(n, version_here, &features);
	}
	for (unsigned n = 1; n < cpu_count(); n++) {
		cpu_start(n, version_here, &features);
	}
	version_here(&features);
	for (unsigned n = 1; n < cpu_count(); n++) {
		CHECK(cpu_join(n, PATIENCE_MS));
	}
}
