// SPDX-License-Identifier: BSD-3-Clause
/* RSI and PSCI as a realm sees them, but measurements and tokens. */
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define UNPROTECTED 0x80000000UL                    /* of realm_default() */
#define PAGE        (REALM_RAM_TOP - 2 * PAGE_SIZE) /* RAM that the image does not use */

/* The SMC answers with x0 to x3 as given, and everything else comes back as it went. */
static void expect_regs(struct smc_regs r, uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	CHECK_EQ(r.x[0], x0);
	CHECK_EQ(r.x[1], x1);
	CHECK_EQ(r.x[2], x2);
	CHECK_EQ(r.x[3], x3);
}

#define expect_rsi(rec, x0, x1, x2, fid, ...) \
	expect_regs(agent_smc((rec), (fid), ##__VA_ARGS__), (x0), (x1), (x2), 0)

TEST(rsi_version, "RSI_VERSION: 1.0 is the lower and the higher revision, whatever is asked for")
{
	struct rec *rec = &agent_realm(1)->recs[0];
	static const uint64_t others[] = {0,
					  RSI_REVISION + 1,
					  RSI_REVISION - 1,
					  ABI_REVISION(2, 0),
					  RSI_REVISION | 1UL << 31,
					  UINT64_MAX};

	expect_rsi(rec, RSI_SUCCESS, RSI_REVISION, RSI_REVISION, RSI_VERSION_FID, RSI_REVISION);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		expect_rsi(rec, RSI_ERROR_INPUT, RSI_REVISION, RSI_REVISION, RSI_VERSION_FID,
			   others[i]);
	}
}

TEST(rsi_features, "RSI_FEATURES: 0 for indices without a meaning")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	for (uint64_t index = 0; index < 8; index++) {
		expect_rsi(rec, RSI_SUCCESS, 0, 0, RSI_FEATURES_FID, index);
	}
	expect_rsi(rec, RSI_SUCCESS, 0, 0, RSI_FEATURES_FID, UINT64_MAX);
}

TEST(rsi_unknown, "unsupported SMC: RMI, EL3, TRNG, vendor and unknown RSI numbers answer -1 in a "
		  "realm; SMCCC_VERSION is 1.2; the SVE hint changes nothing")
{
	struct rec *rec = &agent_realm(1)->recs[0];
	static const uint64_t fids[] = {RMI_VERSION_FID,
					RMI_GRANULE_DELEGATE_FID,
					RMI_REC_ENTER_FID,
					0xC400019A,
					0xC40001B0,
					0xC40001CF,
					0x84000050,
					0x84000005,
					0x84000006,
					0x8400001f,
					0xC4000008,
					0xC400001f,
					0xC6000000,
					0x80000001,
					0,
					0x7fffffff,
					SMCCC_FID_STD32(0x190)};

	for (unsigned i = 0; i < sizeof(fids) / sizeof(fids[0]); i++) {
		expect_rsi(rec, SMCCC_UNKNOWN, 0, 0, fids[i], REALM_RAM_BASE, 1, 2);
	}
	expect_rsi(rec, SMCCC_VERSION_1_2, 0, 0, SMCCC_VERSION_FID);
	expect_rsi(rec, RSI_SUCCESS, RSI_REVISION, RSI_REVISION,
		   RSI_VERSION_FID | SMCCC_FID_SVE_HINT, RSI_REVISION);
	expect_rsi(rec, SMCCC_UNKNOWN, 0, 0, 0xC400019A | SMCCC_FID_SVE_HINT);
}

/* Addresses that no structure of a realm may be at. */
static void bad_addresses(struct rec *rec, uint64_t fid, uint64_t align)
{
	const uint64_t bad[] = {PAGE + 1,
				PAGE + align / 2,
				UNPROTECTED,
				UNPROTECTED + PAGE_SIZE,
				1UL << 32,
				1UL << 48,
				UINT64_MAX - align + 1,
				UNPROTECTED - align + 1};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, fid, bad[i]);
	}
}

TEST(rsi_realm_config,
     "RSI_REALM_CONFIG addr_align, addr_bound; a page that is EMPTY; success fills "
     "the page, zeros included")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	bad_addresses(rec, RSI_REALM_CONFIG_FID, PAGE_SIZE);
	expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, RSI_REALM_CONFIG_FID, REALM_RAM_TOP);
	agent_order(rec, AGENT_FILL, PAGE, PAGE + PAGE_SIZE, UINT64_MAX);
	expect_rsi(rec, RSI_SUCCESS, 0, 0, RSI_REALM_CONFIG_FID, PAGE);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE), 32);
	for (uint64_t at = 8; at < PAGE_SIZE; at += 8) {
		REQUIRE_EQ(agent_get(rec, INSN_LDR_X, PAGE + at), 0);
	}
}

TEST(rsi_config_512, "RSI_REALM_CONFIG: width, hash algorithm and personalization value of another "
		     "realm")
{
	struct realm_config config = realm_default(PROGRAM_agent);
	struct rec *rec;

	config.ipa_width = 40;
	config.start_level = 0;
	config.hash = RMI_HASH_SHA_512;
	memset(config.rpv, 0x7e, sizeof(config.rpv));
	rec = &agent_realm_of(&config)->recs[0];
	expect_rsi(rec, RSI_SUCCESS, 0, 0, RSI_REALM_CONFIG_FID, PAGE);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE), 40);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE + 8), RSI_HASH_SHA_512);
	for (uint64_t at = 0; at < RMI_RPV_SIZE; at += 8) {
		CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE + 0x200 + at), 0x7e7e7e7e7e7e7e7e);
	}
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE + 0x240), 0);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE + 0x1f8), 0);
}

TEST(rsi_config_missing, "RSI_REALM_CONFIG of a page that is not there: a data abort exit with the "
			 "page's address and nothing else; then the call is made again")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];

	agent_prepare(rec, AGENT_SMC, RSI_REALM_CONFIG_FID, PAGE, 0);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr, 0x24UL << 26 | 0x07);
	CHECK_EQ(rec->run->exit.hpfar, PAGE >> 8);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	REQUIRE(realm_data_unknown(realm, PAGE));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_smc_end(rec).x[0], RSI_SUCCESS);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGE), 32);
}

static const uint64_t bad_regions[][2] = {
	{PAGE + 1, PAGE + PAGE_SIZE},
	{PAGE, PAGE + PAGE_SIZE + 1},
	{PAGE, PAGE + 0x800},
	{PAGE, PAGE},
	{PAGE + PAGE_SIZE, PAGE},
	{PAGE, 0},
	{UNPROTECTED, UNPROTECTED + PAGE_SIZE},
	{UNPROTECTED - PAGE_SIZE, UNPROTECTED + PAGE_SIZE},
	{0, 1UL << 32},
	{PAGE, UINT64_MAX - PAGE_SIZE + 1},
	{1UL << 32, (1UL << 32) + PAGE_SIZE},
	{1UL << 63, (1UL << 63) + PAGE_SIZE},
};
#define BAD_REGIONS (sizeof(bad_regions) / sizeof(bad_regions[0]))

TEST(rsi_state_get_input, "RSI_IPA_STATE_GET base_align, end_align, size_valid, rgn_bound")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	for (unsigned i = 0; i < BAD_REGIONS; i++) {
		expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, RSI_IPA_STATE_GET_FID, bad_regions[i][0],
			   bad_regions[i][1]);
	}
}

TEST(rsi_state_get,
     "RSI_IPA_STATE_GET: the state, and where it ends: RAM, EMPTY, DESTROYED, blocks")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];

	expect_rsi(rec, RSI_SUCCESS, PAGE + PAGE_SIZE, RSI_RIPAS_RAM, RSI_IPA_STATE_GET_FID, PAGE,
		   PAGE + PAGE_SIZE);
	expect_rsi(rec, RSI_SUCCESS, REALM_RAM_TOP, RSI_RIPAS_RAM, RSI_IPA_STATE_GET_FID,
		   REALM_RAM_BASE, UNPROTECTED);
	expect_rsi(rec, RSI_SUCCESS, 0x1000, RSI_RIPAS_EMPTY, RSI_IPA_STATE_GET_FID, 0, 0x1000);
	expect_rsi(rec, RSI_SUCCESS, REALM_RAM_BASE, RSI_RIPAS_EMPTY, RSI_IPA_STATE_GET_FID, 0,
		   UNPROTECTED);
	expect_rsi(rec, RSI_SUCCESS, UNPROTECTED, RSI_RIPAS_EMPTY, RSI_IPA_STATE_GET_FID,
		   0x40000000, UNPROTECTED);
	expect_rsi(rec, RSI_SUCCESS, 0x40005000, RSI_RIPAS_EMPTY, RSI_IPA_STATE_GET_FID, 0x40003000,
		   0x40005000);
	REQUIRE(realm_data_unknown(realm, PAGE));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, realm->rd, PAGE).x[1]);
	expect_rsi(rec, RSI_SUCCESS, PAGE + PAGE_SIZE, RSI_RIPAS_DESTROYED, RSI_IPA_STATE_GET_FID,
		   PAGE, REALM_RAM_TOP);
	expect_rsi(rec, RSI_SUCCESS, PAGE, RSI_RIPAS_RAM, RSI_IPA_STATE_GET_FID,
		   PAGE - 3 * PAGE_SIZE, REALM_RAM_TOP);
}

TEST(rsi_state_set_input, "RSI_IPA_STATE_SET base_align, top_align, size_valid, rgn_bound, "
			  "ripas_valid: no exit")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	for (unsigned i = 0; i < BAD_REGIONS; i++) {
		expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, RSI_IPA_STATE_SET_FID, bad_regions[i][0],
			   bad_regions[i][1], RSI_RIPAS_RAM, 0);
	}
	for (uint64_t ripas = RSI_RIPAS_DESTROYED; ripas < 256; ripas += ripas < 4 ? 1 : 63) {
		expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, RSI_IPA_STATE_SET_FID, PAGE,
			   PAGE + PAGE_SIZE, ripas, 0);
	}
}

TEST(rsi_host_call_input, "RSI_HOST_CALL addr_align, addr_bound; a structure in an EMPTY page")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	bad_addresses(rec, RSI_HOST_CALL_FID, RSI_HOST_CALL_ALIGN);
	expect_rsi(rec, RSI_ERROR_INPUT, 0, 0, RSI_HOST_CALL_FID, REALM_RAM_TOP);
}

TEST(rsi_host_call,
     "RSI_HOST_CALL: imm and all 31 registers go out, all 31 come back, nothing else "
     "of the realm shows")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	uint64_t at = PAGE + 0x300;

	agent_order(rec, AGENT_FILL, PAGE, PAGE + PAGE_SIZE, 0xabcd1234abcd1234);
	REQUIRE(agent_do(rec, INSN_STR_H, at, 0xbeef));
	agent_prepare(rec, AGENT_SMC, RSI_HOST_CALL_FID, at, 0);
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	CHECK_EQ(rec->run->exit.imm, 0xbeef);
	for (unsigned i = 0; i < 31; i++) {
		CHECK_EQ(rec->run->exit.gprs[i], 0xabcd1234abcd1234 ^ (at + 8 + 8 * i));
		rec->run->enter.gprs[i] = 0x1000 + i;
	}
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_smc_end(rec).x[0], RSI_SUCCESS);
	for (unsigned i = 0; i < 31; i++) {
		CHECK_EQ(agent_get(rec, INSN_LDR_X, at + 8 + 8 * i), 0x1000 + i);
	}
	CHECK_EQ(agent_get(rec, INSN_LDR_H, at), 0xbeef);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, at + 0x100), 0xabcd1234abcd1234 ^ (at + 0x100));
	CHECK_EQ(agent_get(rec, INSN_LDR_X, at - 8), 0xabcd1234abcd1234 ^ (at - 8));
}

TEST(rsi_host_call_lost,
     "RSI_HOST_CALL: the page goes while the host answers: an abort exit, and the "
     "call stays open until the page is back")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];

	agent_order(rec, AGENT_FILL, PAGE, PAGE + 0x100, 0);
	agent_prepare(rec, AGENT_SMC, RSI_HOST_CALL_FID, PAGE, 0);
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	granule_give(smc_call(RMI_DATA_DESTROY_FID, realm->rd, PAGE).x[1]);
	for (unsigned i = 0; i < 2; i++) {
		expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
		CHECK_EQ(rec->run->exit.esr, 0x24UL << 26 | 0x07);
		CHECK_EQ(rec->run->exit.hpfar, PAGE >> 8);
	}
}

TEST(psci_version, "PSCI_VERSION at least 1.1, PSCI_FEATURES: what there is and what there is not")
{
	struct rec *rec = &agent_realm(1)->recs[0];
	struct smc_regs r = agent_smc(rec, PSCI_VERSION_FID);
	static const uint64_t there[] = {
		PSCI_AFFINITY_INFO_FID,  PSCI_AFFINITY_INFO_32_FID, PSCI_CPU_ON_FID,
		PSCI_CPU_ON_32_FID,      PSCI_CPU_OFF_FID,          PSCI_CPU_SUSPEND_FID,
		PSCI_CPU_SUSPEND_32_FID, PSCI_SYSTEM_OFF_FID,       PSCI_SYSTEM_RESET_FID,
		PSCI_FEATURES_FID,       PSCI_VERSION_FID,          SMCCC_VERSION_FID};
	static const uint64_t missing[] = {0x8400000B, 0xC400000C, 0x84000005,      0x84000006,
					   0xC400000E, 0x84000012, RSI_VERSION_FID, 0};

	CHECK(r.x[0] >= PSCI_REVISION);
	CHECK_EQ(r.x[0] >> 31, 0);
	for (unsigned i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		expect_rsi(rec, 0, 0, 0, PSCI_FEATURES_FID, there[i]);
	}
	for (unsigned i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		expect_rsi(rec, (uint64_t)PSCI_NOT_SUPPORTED, 0, 0, PSCI_FEATURES_FID, missing[i]);
	}
}

TEST(psci_cpu_on, "PSCI_CPU_ON entry, mpidr, runnable: unprotected entry, unknown REC, itself; no "
		  "exit")
{
	struct rec *rec = &agent_realm(2)->recs[0];
	static const uint64_t nobody[] = {2,       15,        0x10,       0x100,
					  0x10000, 1UL << 32, 0x80000001, 1UL << 40};

	expect_rsi(rec, (uint64_t)PSCI_INVALID_ADDRESS, 0, 0, PSCI_CPU_ON_FID, 1, UNPROTECTED, 0);
	expect_rsi(rec, (uint64_t)PSCI_INVALID_ADDRESS, 0, 0, PSCI_CPU_ON_FID, 1, 1UL << 48, 0);
	for (unsigned i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		expect_rsi(rec, (uint64_t)PSCI_INVALID_PARAMETERS, 0, 0, PSCI_CPU_ON_FID, nobody[i],
			   REALM_RAM_BASE, 0);
	}
	expect_rsi(rec, (uint64_t)PSCI_ALREADY_ON, 0, 0, PSCI_CPU_ON_FID, 0, REALM_RAM_BASE, 0);
}

TEST(psci_cpu_on_exit,
     "PSCI_CPU_ON of a runnable REC: an exit all the same, then ALREADY_ON; DENIED "
     "by the host is DENIED")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];

	agent_prepare(rec, AGENT_SMC, PSCI_CPU_ON_FID, 1, REALM_RAM_BASE);
	expect_exit(rec, RMI_EXIT_PSCI, EXIT_GPR0 | EXIT_GPR1);
	CHECK_EQ(rec->run->exit.gprs[0], PSCI_CPU_ON_FID);
	CHECK_EQ(rec->run->exit.gprs[1], 1);
	REQUIRE_EQ(smc_call(RMI_PSCI_COMPLETE_FID, rec->granule, realm->recs[1].granule,
			    (uint64_t)PSCI_DENIED)
			   .x[0],
		   RMI_SUCCESS);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	expect_regs(agent_smc_end(rec), (uint64_t)PSCI_DENIED, 0, 0, 0);
	agent_start_rec(realm, 1);
	expect_rsi(rec, (uint64_t)PSCI_ALREADY_ON, 0, 0, PSCI_CPU_ON_FID, 1, REALM_RAM_BASE, 0);
	agent_get(&realm->recs[1], INSN_MPIDR, 0);
}

TEST(psci_cpu_on_32,
     "PSCI_CPU_ON and AFFINITY_INFO, 32 bits: the upper halves do not count, and the "
     "host does not see them")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];
	uint64_t junk = 0xabcdef0100000000;

	agent_prepare(rec, AGENT_SMC, PSCI_AFFINITY_INFO_32_FID | SMCCC_FID_SVE_HINT, junk | 1,
		      junk);
	expect_exit(rec, RMI_EXIT_PSCI, EXIT_GPR0 | EXIT_GPR1);
	CHECK_EQ(rec->run->exit.gprs[0], PSCI_AFFINITY_INFO_32_FID);
	CHECK_EQ(rec->run->exit.gprs[1], 1);
	REQUIRE_EQ(
		smc_call(RMI_PSCI_COMPLETE_FID, rec->granule, realm->recs[1].granule, PSCI_SUCCESS)
			.x[0],
		RMI_SUCCESS);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	expect_regs(agent_smc_end(rec), PSCI_AFFINITY_OFF, 0, 0, 0);
}

TEST(psci_affinity_info,
     "PSCI_AFFINITY_INFO target_bound, target_match; itself; OFF, ON and OFF again "
     "of another REC")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];

	for (uint64_t level = 1; level < 5; level++) {
		expect_rsi(rec, (uint64_t)PSCI_INVALID_PARAMETERS, 0, 0, PSCI_AFFINITY_INFO_FID, 1,
			   level);
	}
	expect_rsi(rec, (uint64_t)PSCI_INVALID_PARAMETERS, 0, 0, PSCI_AFFINITY_INFO_FID, 2, 0);
	expect_rsi(rec, PSCI_AFFINITY_ON, 0, 0, PSCI_AFFINITY_INFO_FID, 0, 0);
	expect_rsi(rec, PSCI_AFFINITY_OFF, 0, 0, PSCI_AFFINITY_INFO_FID, 1, 0);
	agent_start_rec(realm, 1);
	expect_rsi(rec, PSCI_AFFINITY_ON, 0, 0, PSCI_AFFINITY_INFO_FID, 1, 0);
	REQUIRE_EQ(agent_smc_begin(&realm->recs[1], PSCI_CPU_OFF_FID, NULL, 0), REC_OFF);
	expect_rsi(rec, PSCI_AFFINITY_OFF, 0, 0, PSCI_AFFINITY_INFO_FID, 1, 0);
}

TEST(psci_cpu_off, "PSCI_CPU_OFF: exit with the function number alone, then not runnable; CPU_ON "
		   "starts the REC anew, registers zero but for the context")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[1];

	agent_start_rec(realm, 1);
	agent_set(rec, INSN_W_TCR, 0x123);
	CHECK_EQ(agent_get(rec, INSN_R_TCR, 0), 0x123);
	agent_prepare(rec, AGENT_SMC, PSCI_CPU_OFF_FID, 0x1111, 0x2222);
	expect_exit(rec, RMI_EXIT_PSCI, EXIT_GPR0);
	CHECK_EQ(rec->run->exit.gprs[0], PSCI_CPU_OFF_FID);
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	agent_start_rec(realm, 1);
	CHECK_EQ(agent_get(rec, INSN_MPIDR, 0) & 0xff, 1);
	CHECK_EQ(agent_get(rec, INSN_R_TCR, 0), 0);
}

TEST(psci_suspend,
     "PSCI_CPU_SUSPEND: exit with the function number alone; x0 is SUCCESS on the next "
     "entry, whatever the host puts into enter.gprs")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	static const uint64_t fids[] = {PSCI_CPU_SUSPEND_32_FID, PSCI_CPU_SUSPEND_FID};

	for (unsigned i = 0; i < 2; i++) {
		agent_prepare(rec, AGENT_SMC, fids[i], 0x3333, REALM_RAM_BASE);
		expect_exit(rec, RMI_EXIT_PSCI, EXIT_GPR0);
		CHECK_EQ(rec->run->exit.gprs[0], fids[i]);
		memset(rec->run->enter.gprs, 0x99, sizeof(rec->run->enter.gprs));
		REQUIRE_EQ(rec_run(rec), REC_CALL);
		expect_regs(agent_smc_end(rec), PSCI_SUCCESS, 0, 0, 0);
	}
}

TEST(psci_system_off,
     "PSCI_SYSTEM_OFF and SYSTEM_RESET: exit with the function number alone; no REC of "
     "the realm is entered again")
{
	static const uint64_t fids[] = {PSCI_SYSTEM_OFF_FID, PSCI_SYSTEM_RESET_FID};

	for (unsigned i = 0; i < 2; i++) {
		struct realm *realm = agent_realm(2);
		struct rec *rec = &realm->recs[0];

		agent_start_rec(realm, 1);
		agent_prepare(rec, AGENT_SMC, fids[i], 0x3333, 0x4444);
		expect_exit(rec, RMI_EXIT_PSCI, EXIT_GPR0);
		CHECK_EQ(rec->run->exit.gprs[0], fids[i]);
		CHECK_EQ(rec_enter(rec), rmi_status_pack(RMI_ERROR_REALM, 1));
		CHECK_EQ(rec_enter(&realm->recs[1]), rmi_status_pack(RMI_ERROR_REALM, 1));
		realm_destroy(realm);
	}
}
