// SPDX-License-Identifier: BSD-3-Clause
/* How a realm's SMC gets to its handler and back, and the commands without memory. */
#include "abi/csm.h"
#include "abi/smccc.h"
#include "rec_unit.h"

static struct sim_realm realm;

static void numbers_that_are_no_function(void **state)
{
	static const uint64_t numbers[] = {
		0,
		0x80000001, /* SMCCC_ARCH_FEATURES */
		0x8000FFFF,
		0x84000005, /* MIGRATE */
		0x84000006, /* MIGRATE_INFO_TYPE */
		0x84000007,
		0x8400000B, /* CPU_FREEZE */
		0xC400000E, /* SYSTEM_SUSPEND */
		0xC4000012, /* SYSTEM_RESET2 */
		0x8400001F,
		0x84000020,
		0xC400001F,
		0xC4000020,
		0x84000050, /* TRNG_VERSION */
		0xC4000000, /* PSCI_VERSION has no 64-bit form */
		0xC4000008,
		0x84000190, /* nor RSI a 32-bit one */
		RSI_FID_FIRST - 1,
		RSI_FID_LAST + 1,
		RMI_FID_FIRST,
		RMI_REC_ENTER_FID,
		RMI_FID_LAST,
		0xC5000190,
		0x04000190, /* not a fast call */
		0x44000190,
		RSI_VERSION_FID | 0x20000,
		0xFFFFFFFF,
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		REALM_CALLS(&realm, numbers[i], 1, 2, 3, 4);
		ASSERT_RESULTS(SMCCC_UNKNOWN, 0, 0, 0);
		assert_int_equal(sim_saw(1)->vcpu.gprs[4], 4);
	}
}

static void every_number_of_psci(void **state)
{
	unsigned int known = 0;

	(void)state;
	sim_realm_ready(&realm, 1);
	for (uint64_t fid = 0; fid <= PSCI_FUNC_LAST; fid++) {
		REALM_CALLS(&realm, PSCI_FEATURES_FID, SMCCC_FID_STD32(0) + fid);
		known += sim_saw(1)->vcpu.gprs[0] == 0;
		REALM_CALLS(&realm, PSCI_FEATURES_FID, SMCCC_FID_STD64(0) + fid);
		known += sim_saw(1)->vcpu.gprs[0] == 0;
	}
	assert_int_equal(known, 11);
}

static void hint_and_upper_half(void **state)
{
	static const uint64_t added[] = {SMCCC_FID_SVE_HINT, UINT64_C(1) << 32,
					 UINT64_C(0xFFFFFFFF00010000)};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(added); i++) {
		REALM_CALLS(&realm, RSI_VERSION_FID | added[i], RSI_REVISION);
		ASSERT_RESULTS(RSI_SUCCESS, RSI_REVISION, RSI_REVISION, 0);
		REALM_CALLS(&realm, PSCI_VERSION_FID | added[i]);
		ASSERT_RESULTS(PSCI_REVISION, 0, 0, 0);
	}
}

static void immediate_is_ignored(void **state)
{
	struct sim_step step = SIM_SMC(RSI_VERSION_FID, RSI_REVISION);

	(void)state;
	sim_realm_ready(&realm, 1);
	step.info.esr |= 0xBEEF;
	sim_exits(&step, 1);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	ASSERT_RESULTS(RSI_SUCCESS, RSI_REVISION, RSI_REVISION, 0);
}

static void smccc_version(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	REALM_CALLS(&realm, SMCCC_VERSION_FID, 1, 2, 3);
	ASSERT_RESULTS(SMCCC_VERSION_1_2, 0, 0, 0);
}

static void many_calls_in_one_run(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS(SIM_SMC(RSI_VERSION_FID, RSI_REVISION), SIM_SMC(RMI_VERSION_FID),
		  SIM_SMC(PSCI_VERSION_FID), SIM_SMC(RSI_FEATURES_FID, 0));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_runs(), 5);
	for (unsigned int i = 0; i < sim_runs(); i++) {
		assert_int_equal(sim_saw(i)->vcpu.pc, SIM_PC + 4 * i);
	}
}

static void rsi_version_all(void **state)
{
	static const uint64_t others[] = {0, 1, 0x10001, 0x20000, 0x80010000, 0x100010000};

	(void)state;
	sim_realm_ready(&realm, 1);
	REALM_CALLS(&realm, RSI_VERSION_FID, RSI_REVISION);
	ASSERT_RESULTS(RSI_SUCCESS, RSI_REVISION, RSI_REVISION, 0);
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		REALM_CALLS(&realm, RSI_VERSION_FID, others[i]);
		ASSERT_RESULTS(RSI_ERROR_INPUT, RSI_REVISION, RSI_REVISION, 0);
	}
}

static void rsi_features_all(void **state)
{
	static const uint64_t indices[] = {0, 1, 2, 63, UINT64_C(1) << 32, ~UINT64_C(0)};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(indices); i++) {
		REALM_CALLS(&realm, RSI_FEATURES_FID, indices[i], 2, 3);
		ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("SMC of a realm: numbers that are no function",
			 numbers_that_are_no_function),
		SIM_TEST("PSCI_FEATURES: every number of PSCI", every_number_of_psci),
		SIM_TEST("SMC of a realm: SVE hint and upper half of x0", hint_and_upper_half),
		SIM_TEST("SMC of a realm: the immediate is ignored", immediate_is_ignored),
		SIM_TEST("SMC of a realm: SMCCC_VERSION", smccc_version),
		SIM_TEST("SMC of a realm: many in one run", many_calls_in_one_run),
		SIM_TEST("RSI_VERSION", rsi_version_all),
		SIM_TEST("RSI_FEATURES", rsi_features_all),
	};

	return unit_run(tests);
}
