// SPDX-License-Identifier: BSD-3-Clause
/* RSI_REALM_CONFIG and RSI_HOST_CALL: commands of a realm that name its memory. */
#include "rec_unit.h"

/* The half of the address space that a realm of 40 bits shares starts here. */
#define UNPROTECTED (UINT64_C(1) << 39)
#define PAGE        UINT64_C(0x200000)

static struct sim_realm realm;

/* A realm with one page of RAM at PAGE, one page of RAM that is not there, and one REC. */
static uint64_t realm_with_page(void)
{
	uint64_t pa;

	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	pa = sim_realm_ram_page(&realm, PAGE);
	sim_realm_ram(&realm, PAGE + GRANULE_SIZE, PAGE + 2 * GRANULE_SIZE);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
	return pa;
}

/* What an exit says that the realm's page at ipa is not there, though its table at level 3 is. */
#define ASSERT_EXIT_MISSING(exit, ipa, level)           \
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, \
		    .esr = (uint64_t)0x24 << 26 | (0x04 + (level)), .hpfar = (ipa) >> 8)

static void config_addr_align(void **state)
{
	static const uint64_t offsets[] = {1, 8, 0x100, 0x800, GRANULE_SIZE - 1};

	(void)state;
	realm_with_page();
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_align, RSI_REALM_CONFIG_FID,
				     PAGE + offsets[i]);
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_align, RSI_REALM_CONFIG_FID,
				     UNPROTECTED + offsets[i]);
	}
}

static const uint64_t not_protected[] = {
	UNPROTECTED,
	UNPROTECTED | PAGE,
	2 * UNPROTECTED,
	UINT64_C(1) << 48 | PAGE,
	UINT64_C(1) << 63 | PAGE,
	~GRANULE_MASK,
};

static void config_addr_bound(void **state)
{
	(void)state;
	realm_with_page();
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_bound, RSI_REALM_CONFIG_FID,
				     not_protected[i]);
	}
}

static void config_is_written(void **state)
{
	struct rsi_realm_config expected = {.ipa_width = 40, .hash_algo = RSI_HASH_SHA_512};
	uint64_t pa;

	(void)state;
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.hash_algo = RMI_HASH_SHA_512;
	for (unsigned int i = 0; i < RMI_RPV_SIZE; i++) {
		realm.params.rpv[i] = (uint8_t)(i + 1);
		expected.rpv[i] = (uint8_t)(i + 1);
	}
	sim_realm_create(&realm);
	pa = sim_realm_ram_page(&realm, PAGE);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);

	memset(machine_raw(pa_of(pa)), 0xEE, GRANULE_SIZE);
	REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, PAGE, 2, 3);
	ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
	assert_memory_equal(machine_raw(pa_of(pa)), &expected, sizeof(expected));
}

static void config_empty(void **state)
{
	(void)state;
	realm_with_page();
	/* With a table and without one. */
	REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, PAGE + 2 * GRANULE_SIZE);
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
	REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, UNPROTECTED - GRANULE_SIZE);
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
}

/*
 * The call ends in an exit for the host, and is made again, with all registers, by the next entry.
 */
static void expect_repeated(uint64_t fid, uint64_t ipa, int level)
{
	struct rmi_rec_exit exit;

	SIM_EXITS(SIM_SMC(fid, ipa, 2, 3));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT_MISSING(exit, align_down(ipa, GRANULE_SIZE), level);
	assert_int_equal(sim_runs(), 1);

	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
	ASSERT_RESULTS(fid, ipa, 2, 3);
}

static void config_missing(void **state)
{
	uint64_t pa;

	(void)state;
	realm_with_page();
	expect_repeated(RSI_REALM_CONFIG_FID, PAGE + GRANULE_SIZE, 3);

	pa = sim_realm_data(&realm, PAGE + GRANULE_SIZE);
	REALM_CALLS(&realm, RSI_REALM_CONFIG_FID, PAGE + GRANULE_SIZE);
	ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
	assert_int_equal(*(uint64_t *)machine_raw(pa_of(pa)), 40);
}

static void config_destroyed(void **state)
{
	(void)state;
	realm_with_page();
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, realm.rd, PAGE));
	expect_repeated(RSI_REALM_CONFIG_FID, PAGE, 3);
}

/* RAM said by one entry of 2 MiB: the walk ends at level 2. */
static void missing_above_page_level(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_tables(&realm, PAGE, 2);
	ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm.rd, PAGE, PAGE + 0x200000));
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
	expect_repeated(RSI_REALM_CONFIG_FID, PAGE + 5 * GRANULE_SIZE, 2);
	expect_repeated(RSI_HOST_CALL_FID, PAGE + 5 * GRANULE_SIZE + 0x300, 2);
}

static void call_addr_align(void **state)
{
	static const uint64_t offsets[] = {1, 8, 0x80, 0xFF, 0x1F8};

	(void)state;
	realm_with_page();
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_align, RSI_HOST_CALL_FID,
				     PAGE + offsets[i]);
	}
}

static void call_addr_bound(void **state)
{
	(void)state;
	realm_with_page();
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, addr_bound, RSI_HOST_CALL_FID,
				     not_protected[i]);
	}
}

static void call_empty(void **state)
{
	(void)state;
	realm_with_page();
	REALM_CALLS(&realm, RSI_HOST_CALL_FID, PAGE + 2 * GRANULE_SIZE + 0x100);
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
}

static void call_missing(void **state)
{
	(void)state;
	realm_with_page();
	expect_repeated(RSI_HOST_CALL_FID, PAGE + GRANULE_SIZE + 0xF00, 3);
}

static struct rsi_host_call *call_at(uint64_t pa, uint64_t offset)
{
	return machine_raw(pa_of(pa + offset));
}

/* A structure of which every byte is known, at offset of the page. */
static struct rsi_host_call make_call(uint64_t pa, uint64_t offset)
{
	struct rsi_host_call call = {.imm = 0xABCD};

	memset(call.reserved_02, 0x77, sizeof(call.reserved_02));
	for (unsigned int i = 0; i < RSI_HOST_CALL_GPRS; i++) {
		call.gprs[i] = UINT64_C(0x1111111100000000) + i;
	}
	*call_at(pa, offset) = call;
	return call;
}

static struct rmi_rec_exit exit_of_call(const struct rsi_host_call *call)
{
	struct rmi_rec_exit exit = {.exit_reason = RMI_EXIT_HOST_CALL, .imm = call->imm};

	memcpy(exit.gprs, call->gprs, sizeof(exit.gprs));
	return exit;
}

static struct rmi_rec_enter answer_of_host(void)
{
	struct rmi_rec_enter enter = {.flags = 0};

	for (unsigned int i = 0; i < RMI_EXIT_GPRS; i++) {
		enter.gprs[i] = UINT64_C(0x2222222200000000) + i;
	}
	return enter;
}

static void expect_exit_of_call(uint64_t offset, const struct rsi_host_call *call)
{
	const struct rmi_rec_exit expected = exit_of_call(call);
	struct rmi_rec_exit exit;

	SIM_EXITS(SIM_SMC(RSI_HOST_CALL_FID, PAGE + offset, 2, 3, 4));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	assert_memory_equal(&exit, &expected, sizeof(exit));
	assert_int_equal(sim_runs(), 1);
}

static void call_and_answer(void **state)
{
	static const uint64_t offsets[] = {0, 0x100, 0xF00};
	uint64_t pa = realm_with_page();
	const struct rmi_rec_enter enter = answer_of_host();

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		struct rsi_host_call call = make_call(pa, offsets[i]);
		uint64_t pc = SIM_PC + 4 * (i + 1);

		expect_exit_of_call(offsets[i], &call);
		SIM_EXITS(SIM_IRQ);
		ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
		ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
		assert_int_equal(sim_saw(0)->vcpu.gprs[4], 4);
		assert_int_equal(sim_saw(0)->vcpu.pc, pc);
		/* Of the structure only the registers are written. */
		memcpy(call.gprs, enter.gprs, sizeof(call.gprs));
		assert_memory_equal(call_at(pa, offsets[i]), &call, sizeof(call));
	}
}

static void call_answered_once(void **state)
{
	uint64_t pa = realm_with_page();
	struct rmi_rec_enter enter = answer_of_host();
	struct rsi_host_call call = make_call(pa, 0x100);

	(void)state;
	expect_exit_of_call(0x100, &call);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	enter.gprs[0] = 0xDEAD;
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	assert_int_equal(call_at(pa, 0x100)->gprs[0], UINT64_C(0x2222222200000000));
}

/* What another REC of the realm may have done to PAGE meanwhile. */
static void set_ripas(enum s2_ripas ripas)
{
	struct s2_walk walk;

	s2_walk(&sim_rd(&realm)->s2, ipa_of(PAGE), 3, &walk);
	s2_set_ripas(&walk, ipa_of(PAGE + GRANULE_SIZE), ripas);
	s2_walk_end(&walk);
}

/* The host takes the page before it answers: the answer waits until there is a page again. */
static void call_page_goes(void **state)
{
	uint64_t pa = realm_with_page();
	const struct rmi_rec_enter enter = answer_of_host();
	struct rsi_host_call call = make_call(pa, 0x200);
	struct rmi_rec_exit exit;
	uint64_t rec = realm.recs[0];

	(void)state;
	expect_exit_of_call(0x200, &call);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, realm.rd, PAGE));
	SIM_EXITS(SIM_IRQ);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, &exit));
		ASSERT_EXIT_MISSING(exit, PAGE, 3);
		assert_int_equal(sim_runs(), 0);
		assert_int_equal(sim_refs(rec), 0);
	}

	/* Another REC has it made RAM again, with the same page. */
	pa = sim_realm_data(&realm, PAGE);
	set_ripas(S2_RAM);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
	assert_memory_equal(call_at(pa, 0x200)->gprs, enter.gprs, sizeof(enter.gprs));
}

/* The realm cannot be asked any more, so the answer is an error, and the realm goes on. */
static void call_page_becomes_empty(void **state)
{
	uint64_t pa = realm_with_page();
	const struct rmi_rec_enter enter = answer_of_host();
	struct rsi_host_call call = make_call(pa, 0x200);

	(void)state;
	expect_exit_of_call(0x200, &call);
	set_ripas(S2_EMPTY);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	ASSERT_RESULTS(RSI_ERROR_INPUT, 0, 0, 0);
	assert_memory_equal(call_at(pa, 0x200), &call, sizeof(call));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RSI_REALM_CONFIG addr_align", config_addr_align),
		SIM_TEST("RSI_REALM_CONFIG addr_bound", config_addr_bound),
		SIM_TEST("RSI_REALM_CONFIG writes the whole page", config_is_written),
		SIM_TEST("RSI_REALM_CONFIG at RIPAS EMPTY", config_empty),
		SIM_TEST("RSI_REALM_CONFIG without a page: the host, and again", config_missing),
		SIM_TEST("RSI_REALM_CONFIG at RIPAS DESTROYED", config_destroyed),
		SIM_TEST("RSI commands without a page: level of the walk",
			 missing_above_page_level),
		SIM_TEST("RSI_HOST_CALL addr_align", call_addr_align),
		SIM_TEST("RSI_HOST_CALL addr_bound", call_addr_bound),
		SIM_TEST("RSI_HOST_CALL at RIPAS EMPTY", call_empty),
		SIM_TEST("RSI_HOST_CALL without a page: the host, and again", call_missing),
		SIM_TEST("RSI_HOST_CALL and the host's answer", call_and_answer),
		SIM_TEST("RSI_HOST_CALL is answered once", call_answered_once),
		SIM_TEST("RSI_HOST_CALL whose page the host takes", call_page_goes),
		SIM_TEST("RSI_HOST_CALL whose page becomes EMPTY", call_page_becomes_empty),
	};

	return unit_run(tests);
}
