// SPDX-License-Identifier: BSD-3-Clause
/* PSCI of a realm, up to what the host is asked; the host's part is in test_rmi_psci.c. */
#include "abi/smccc.h"
#include "rec_unit.h"

#define UNPROTECTED (UINT64_C(1) << 39)
#define ENTRY       UINT64_C(0x20000)

static struct sim_realm realm;

static void version(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	REALM_CALLS(&realm, PSCI_VERSION_FID, 1, 2, 3);
	ASSERT_RESULTS(0x10001, 0, 0, 0);
}

static void features(void **state)
{
	static const uint64_t there[] = {
		PSCI_VERSION_FID,    PSCI_CPU_SUSPEND_FID,   PSCI_CPU_SUSPEND_32_FID,
		PSCI_CPU_OFF_FID,    PSCI_CPU_ON_FID,        PSCI_CPU_ON_32_FID,
		PSCI_SYSTEM_OFF_FID, PSCI_AFFINITY_INFO_FID, PSCI_AFFINITY_INFO_32_FID,
		PSCI_FEATURES_FID,   PSCI_SYSTEM_RESET_FID,  SMCCC_VERSION_FID,
	};
	static const uint64_t not_there[] = {
		0,          0x84000005, 0x84000006, 0x8400000B /* CPU_FREEZE */,
		0xC4000002, 0xC400000A, 0x84000020, RSI_VERSION_FID,
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(there); i++) {
		REALM_CALLS(&realm, PSCI_FEATURES_FID, there[i] | UINT64_C(7) << 32, 2);
		ASSERT_RESULTS(PSCI_SUCCESS, 0, 0, 0);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_there); i++) {
		REALM_CALLS(&realm, PSCI_FEATURES_FID, not_there[i], 2);
		ASSERT_RESULTS((uint64_t)PSCI_NOT_SUPPORTED, 0, 0, 0);
	}
}

static void cpu_on_entry(void **state)
{
	static const uint64_t entries[] = {UNPROTECTED, UNPROTECTED | ENTRY, 2 * UNPROTECTED,
					   UINT64_C(1) << 48, ~UINT64_C(3)};

	(void)state;
	sim_realm_ready(&realm, 2);
	for (size_t i = 0; i < ARRAY_LENGTH(entries); i++) {
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_ADDRESS, entry, PSCI_CPU_ON_FID, 1,
				     entries[i], 7);
		/* Before the other conditions: nobody, and the caller. */
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_ADDRESS, entry, PSCI_CPU_ON_FID, 9,
				     entries[i], 7);
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_ADDRESS, entry, PSCI_CPU_ON_FID, 0,
				     entries[i], 7);
	}
}

/* Affinities that none of two RECs has. */
static const uint64_t nobody[] = {
	2,
	0xF,
	0x100,
	0x10000,
	UINT64_C(1) << 32,
	UINT64_C(1) << 40 | 1,
	/* REC 1, but for bits that are no affinity: Aff0 has four bits, [31:24] none */
	0x11,
	0x81,
	UINT64_C(1) << 24 | 1,
	UINT64_C(1) << 31 | 1,
	UINT64_C(1) << 63 | 1,
	~UINT64_C(0),
};

static void cpu_on_mpidr(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 2);
	for (size_t i = 0; i < ARRAY_LENGTH(nobody); i++) {
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_PARAMETERS, mpidr, PSCI_CPU_ON_FID,
				     nobody[i], ENTRY, 7);
	}
}

static void cpu_on_self(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 2);
	ASSERT_REALM_REFUSED(&realm, PSCI_ALREADY_ON, runnable, PSCI_CPU_ON_FID, 0, ENTRY, 7);
}

static void affinity_level(void **state)
{
	static const uint64_t levels[] = {1, 2, 3, UINT64_C(1) << 32, ~UINT64_C(0)};

	(void)state;
	sim_realm_ready(&realm, 2);
	for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_PARAMETERS, target_bound,
				     PSCI_AFFINITY_INFO_FID, 1, levels[i]);
	}
}

static void affinity_nobody(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 2);
	for (size_t i = 0; i < ARRAY_LENGTH(nobody); i++) {
		ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_PARAMETERS, target_match,
				     PSCI_AFFINITY_INFO_FID, nobody[i], 0);
	}
}

static void affinity_self(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 2);
	REALM_CALLS(&realm, PSCI_AFFINITY_INFO_FID, 0, 0, 3);
	ASSERT_RESULTS(PSCI_AFFINITY_ON, 0, 0, 0);
}

/* The host is asked, with function and affinity, and may not enter the REC before it answers. */
static void expect_pending(const struct sim_step *call, uint64_t fid, uint64_t mpidr)
{
	struct rmi_rec_exit exit;

	sim_exits(call, 1);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {fid, mpidr});
	ASSERT_REFUSED(sim_enter(&realm, 0, NULL, NULL), RMI_ERROR_REC, rec_psci);
	ASSERT_RMI_OK(RMI(RMI_PSCI_COMPLETE, realm.recs[0], realm.recs[mpidr], 0));
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
}

static void asks_the_host(void **state)
{
	const struct sim_step on = SIM_SMC(PSCI_CPU_ON_FID, 1, ENTRY, 0xC0FFEE);
	const struct sim_step info = SIM_SMC(PSCI_AFFINITY_INFO_FID, 1, 0, 0xC0FFEE);

	(void)state;
	sim_realm_ready(&realm, 2);
	expect_pending(&on, PSCI_CPU_ON_FID, 1);
	expect_pending(&info, PSCI_AFFINITY_INFO_FID, 1);
}

#define UPPER (UINT64_C(0xDEAD) << 32)

/* A 32-bit call: what is in the upper halves, and the hint, is not part of it. */
static void asks_the_host_in_32_bits(void **state)
{
	const struct sim_step on = SIM_SMC(UPPER | SMCCC_FID_SVE_HINT | PSCI_CPU_ON_32_FID,
					   UPPER | 1, UPPER | ENTRY, UPPER | 7);
	const struct sim_step info = SIM_SMC(PSCI_AFFINITY_INFO_32_FID, UPPER | 1, UPPER);

	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_rec_new(&realm, 0, SIM_PC);
	sim_realm_activate(&realm);
	expect_pending(&on, PSCI_CPU_ON_32_FID, 1);
	ASSERT_RESULTS(PSCI_SUCCESS, 0, 0, 0);
	expect_pending(&info, PSCI_AFFINITY_INFO_32_FID, 1);
	ASSERT_RESULTS(PSCI_AFFINITY_ON, 0, 0, 0);

	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 1, NULL, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, ENTRY);
	assert_int_equal(sim_saw(0)->vcpu.gprs[0], 7);
}

/* Aff3 0x12, Aff2 0x34, Aff1 0x56, Aff0 7, as a realm writes it, is REC number 0x1234567. */
static void affinity_fields(void **state)
{
	const uint64_t affinity = UINT64_C(0x1200345607);
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	sim_rd(&realm)->rec_index = 0x1234567;
	ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_PARAMETERS, target_match, PSCI_AFFINITY_INFO_FID,
			     affinity, 0);
	sim_rd(&realm)->rec_index = 0x1234568;
	ASSERT_REALM_REFUSED(&realm, PSCI_INVALID_PARAMETERS, target_match, PSCI_AFFINITY_INFO_FID,
			     affinity + 1, 0);
	SIM_EXITS(SIM_SMC(PSCI_AFFINITY_INFO_FID, affinity, 0));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {PSCI_AFFINITY_INFO_FID, affinity});
}

static void suspend(void **state)
{
	static const uint64_t fids[] = {PSCI_CPU_SUSPEND_FID, PSCI_CPU_SUSPEND_32_FID};
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(fids); i++) {
		SIM_EXITS(SIM_SMC(fids[i], 0x40000000, UNPROTECTED, 3, 4), SIM_IRQ);
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {fids[i]});
		assert_int_equal(sim_runs(), 1);
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
		rec_unit_behind_call();
		ASSERT_RESULTS(PSCI_SUCCESS, 0, 0, 0);
		assert_int_equal(sim_saw(1)->vcpu.gprs[4], 4);
	}
}

static void off(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 2);
	SIM_EXITS(SIM_SMC(PSCI_CPU_OFF_FID, 1, 2, 3));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {PSCI_CPU_OFF_FID});
	assert_int_equal(sim_runs(), 1);
	ASSERT_REFUSED(sim_enter(&realm, 0, NULL, NULL), RMI_ERROR_REC, rec_runnable);

	/* The others go on. */
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 1, NULL, NULL));
}

static void realm_ends(uint64_t fid)
{
	struct rmi_rec_exit exit;

	sim_realm_ready(&realm, 2);
	SIM_EXITS(SIM_SMC(fid, 1, 2, 3));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {fid});
	assert_int_equal(sim_runs(), 1);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_REFUSED(sim_enter(&realm, i, NULL, NULL),
			       rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF),
			       system_off);
	}
	ASSERT_REFUSED(RMI(RMI_REALM_ACTIVATE, realm.rd), RMI_ERROR_REALM, realm_state);
	sim_realm_destroy(&realm);
}

static void system_off(void **state)
{
	(void)state;
	realm_ends(PSCI_SYSTEM_OFF_FID);
}

static void system_reset(void **state)
{
	(void)state;
	realm_ends(PSCI_SYSTEM_RESET_FID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("PSCI_VERSION", version),
		SIM_TEST("PSCI_FEATURES", features),
		SIM_TEST("PSCI_CPU_ON entry", cpu_on_entry),
		SIM_TEST("PSCI_CPU_ON mpidr", cpu_on_mpidr),
		SIM_TEST("PSCI_CPU_ON runnable: the caller", cpu_on_self),
		SIM_TEST("PSCI_AFFINITY_INFO target_bound", affinity_level),
		SIM_TEST("PSCI_AFFINITY_INFO target_match", affinity_nobody),
		SIM_TEST("PSCI_AFFINITY_INFO of the caller", affinity_self),
		SIM_TEST("PSCI_CPU_ON and PSCI_AFFINITY_INFO ask the host", asks_the_host),
		SIM_TEST("PSCI_CPU_ON and PSCI_AFFINITY_INFO of 32 bits", asks_the_host_in_32_bits),
		SIM_TEST("PSCI_AFFINITY_INFO, fields of an affinity", affinity_fields),
		SIM_TEST("PSCI_CPU_SUSPEND", suspend),
		SIM_TEST("PSCI_CPU_OFF", off),
		SIM_TEST("PSCI_SYSTEM_OFF", system_off),
		SIM_TEST("PSCI_SYSTEM_RESET", system_reset),
	};

	return unit_run(tests);
}
