// SPDX-License-Identifier: BSD-3-Clause
/* A realm's memory in the shapes that its tables can have, for commands that write there. */
#include "rec_unit.h"

#define DATA_ABORT ((uint64_t)0x24 << 26)
#define BLOCK      UINT64_C(0x200000)
#define PAGES      512U

static struct sim_realm realm;

static void start(void)
{
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
}

/* 52 bits of address: the first table is of level -1, whose fault code is not 4 less one. */
static void level_minus_one(void **state)
{
	const uint64_t ram_top = BIT(48);
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.flags = RMI_REALM_FLAG_LPA2;
	realm.params.s2sz = 52;
	realm.params.rtt_level_start = -1;
	sim_realm_create(&realm);
	ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm.rd, 0, ram_top));
	start();

	SIM_EXITS(SIM_SMC(RSI_REALM_CONFIG_FID, ram_top - GRANULE_SIZE));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA_ABORT | 0x2B,
		    .hpfar = (ram_top - GRANULE_SIZE) >> 8);

	REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, ram_top);
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
	ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_bound, RSI_REALM_CONFIG_FID, BIT(51));
}

/* Every level a walk can end at is the level of the fault. */
static void every_level(void **state)
{
	(void)state;
	for (int level = 0; level <= 3; level++) {
		uint64_t ipa = 511 * s2_entry_size(level) % BIT(38);
		struct rmi_rec_exit exit;

		sim_reset();
		sim_realm_new(&realm, SIM_PAGES / 2, 1);
		ipa = align_down(ipa, s2_entry_size(level));
		sim_realm_tables(&realm, ipa, level);
		ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm.rd, ipa, ipa + s2_entry_size(level)));
		start();
		SIM_EXITS(SIM_SMC(RSI_REALM_CONFIG_FID, ipa));
		ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC,
			    .esr = DATA_ABORT | (0x04 + (uint64_t)level), .hpfar = ipa >> 8);
	}
}

/* A block of 2 MiB, of which a command writes one page. */
static void within_a_block(void **state)
{
	const uint64_t last = (PAGES - 1) * GRANULE_SIZE;
	const uint64_t offsets[] = {0, 300 * GRANULE_SIZE, last};

	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_ram(&realm, BLOCK, 2 * BLOCK);
	for (uint64_t i = 0; i < PAGES * GRANULE_SIZE; i += GRANULE_SIZE) {
		sim_delegate(SIM_HIGH + i);
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, realm.rd, SIM_HIGH + i, BLOCK + i));
	}
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, realm.rd, BLOCK, 3));
	start();

	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, BLOCK + offsets[i]);
		ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
		assert_int_equal(*(uint64_t *)machine_raw(pa_of(SIM_HIGH + offsets[i])), 40);
	}
	assert_true(sim_is_zero(SIM_HIGH + GRANULE_SIZE));
	assert_true(sim_is_zero(SIM_HIGH + 299 * GRANULE_SIZE));
	assert_true(sim_is_zero(SIM_HIGH + last - GRANULE_SIZE));
}

/* No lock and no mapping is left, whatever the outcome; else the checkers stop the next run. */
static void every_outcome_in_one_run(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_ram_page(&realm, BLOCK);
	sim_realm_ram(&realm, BLOCK + GRANULE_SIZE, BLOCK + 2 * GRANULE_SIZE);
	start();
	SIM_EXITS(SIM_SMC(RSI_REALM_CONFIG_FID, BLOCK),
		  SIM_SMC(RSI_REALM_CONFIG_FID, BLOCK + 2 * GRANULE_SIZE),
		  SIM_SMC(RSI_HOST_CALL_FID, BLOCK + 2 * GRANULE_SIZE),
		  SIM_SMC(RSI_REALM_CONFIG_FID, BLOCK),
		  SIM_SMC(RSI_HOST_CALL_FID, BLOCK + GRANULE_SIZE));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA_ABORT | 0x07,
		    .hpfar = (BLOCK + GRANULE_SIZE) >> 8);
	assert_int_equal(sim_runs(), 5);
	sim_realm_destroy(&realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("memory of a realm: a walk that ends at level -1", level_minus_one),
		SIM_TEST("memory of a realm: every level", every_level),
		SIM_TEST("memory of a realm: within a block", within_a_block),
		SIM_TEST("memory of a realm: every outcome in one run", every_outcome_in_one_run),
	};

	return unit_run(tests);
}
