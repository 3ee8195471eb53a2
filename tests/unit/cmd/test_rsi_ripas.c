// SPDX-License-Identifier: BSD-3-Clause
/* RSI_IPA_STATE_SET and RSI_IPA_STATE_GET, with the host's part of a change. */
#include "rec_unit.h"

#define UNPROTECTED (UINT64_C(1) << 39)
#define BASE        UINT64_C(0x200000)
#define PAGES(n)    ((n) * GRANULE_SIZE)

static struct sim_realm realm;

/* RAM in the first eight pages behind BASE, of which the first two exist; a table of level 3. */
static void realm_with_ram(void)
{
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_ram(&realm, BASE, BASE + PAGES(8));
	sim_realm_data(&realm, BASE);
	sim_realm_data(&realm, BASE + PAGES(1));
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
}

static const uint64_t not_aligned[] = {1, 8, 0x800, GRANULE_SIZE - 1};

/* Regions [base, top) of whole pages that are none, or wrap. */
static const uint64_t no_size[][2] = {
	{BASE, BASE},       {BASE + GRANULE_SIZE, BASE}, {0, 0},
	{~GRANULE_MASK, 0}, {~GRANULE_MASK, BASE},
};

/* Regions that are not wholly in the protected half. */
static const uint64_t not_protected[][2] = {
	{UNPROTECTED - GRANULE_SIZE, UNPROTECTED + GRANULE_SIZE},
	{UNPROTECTED, UNPROTECTED + GRANULE_SIZE},
	{BASE, ~GRANULE_MASK},
	{BASE, 2 * UNPROTECTED},
	{2 * UNPROTECTED, 2 * UNPROTECTED + GRANULE_SIZE},
	{UINT64_C(1) << 63 | BASE, UINT64_C(1) << 63 | (BASE + GRANULE_SIZE)},
};

static void set_base_align(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, base_align, RSI_IPA_STATE_SET_FID,
				     BASE + not_aligned[i], BASE + PAGES(4), RSI_RIPAS_RAM, 0);
	}
}

static void set_top_align(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, top_align, RSI_IPA_STATE_SET_FID,
				     BASE, BASE + PAGES(4) + not_aligned[i], RSI_RIPAS_RAM, 0);
	}
}

static void set_size_valid(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(no_size); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, size_valid, RSI_IPA_STATE_SET_FID,
				     no_size[i][0], no_size[i][1], RSI_RIPAS_RAM, 0);
	}
}

static void set_rgn_bound(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, rgn_bound, RSI_IPA_STATE_SET_FID,
				     not_protected[i][0], not_protected[i][1], RSI_RIPAS_RAM, 0);
	}
}

static void set_ripas_valid(void **state)
{
	static const uint64_t values[] = {RSI_RIPAS_DESTROYED, RSI_RIPAS_DEV, 4, 0x80, 0xFF};

	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, ripas_valid, RSI_IPA_STATE_SET_FID,
				     BASE, BASE + GRANULE_SIZE, values[i], 0);
	}
}

/* The realm asks for [base, top): the exit shows exactly that. */
static void ask(uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags)
{
	struct rmi_rec_exit exit;

	SIM_EXITS(SIM_SMC(RSI_IPA_STATE_SET_FID, base, top, ripas, flags));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_RIPAS_CHANGE, .ripas_base = base,
		    .ripas_top = top, .ripas_value = (uint8_t)ripas);
	assert_int_equal(sim_runs(), 1);
}

/* The host carries out the change up to `to`; *made is where the RMM says it has got. */
static uint64_t host_sets(uint64_t base, uint64_t to)
{
	struct sim_answer answer = RMI(RMI_RTT_SET_RIPAS, realm.rd, realm.recs[0], base, to);

	ASSERT_RMI_OK(answer);
	return answer.x[1];
}

/* The realm goes on with (new_base, response), once. */
static void expect_response(uint64_t flags, uint64_t new_base, uint64_t response)
{
	const struct rmi_rec_enter enter = {.flags = flags};
	uint64_t pc = sim_saw(0)->vcpu.pc + 4;

	SIM_EXITS(SIM_IRQ, SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	ASSERT_RESULTS(RSI_SUCCESS, new_base, response, 0);
	assert_int_equal(sim_saw(0)->vcpu.pc, pc);
	assert_int_equal(sim_rec(&realm, 0)->ripas_base.v, 0);
	assert_int_equal(sim_rec(&realm, 0)->ripas_top.v, 0);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	ASSERT_RESULTS(RSI_SUCCESS, new_base, response, 0);
}

static void expect_ripas(uint64_t ipa, uint64_t ripas)
{
	REALM_CALLS(&realm, RSI_IPA_STATE_GET_FID, ipa, ipa + GRANULE_SIZE);
	ASSERT_RESULTS(RSI_SUCCESS, ipa + GRANULE_SIZE, ripas, 0);
}

static void set_whole(void **state)
{
	(void)state;
	realm_with_ram();
	ask(BASE, BASE + PAGES(3), RSI_RIPAS_EMPTY, 0);
	assert_int_equal(host_sets(BASE, BASE + PAGES(3)), BASE + PAGES(3));
	expect_response(0, BASE + PAGES(3), RSI_RESPONSE_ACCEPT);
	expect_ripas(BASE, RSI_RIPAS_EMPTY);
	expect_ripas(BASE + PAGES(3), RSI_RIPAS_RAM);
}

static void set_part(void **state)
{
	(void)state;
	realm_with_ram();
	ask(BASE, BASE + PAGES(3), RSI_RIPAS_EMPTY, 0);
	assert_int_equal(host_sets(BASE, BASE + PAGES(1)), BASE + PAGES(1));
	expect_response(0, BASE + PAGES(1), RSI_RESPONSE_ACCEPT);
	expect_ripas(BASE, RSI_RIPAS_EMPTY);
	expect_ripas(BASE + PAGES(1), RSI_RIPAS_RAM);
}

static void set_none(void **state)
{
	(void)state;
	realm_with_ram();
	ask(BASE, BASE + PAGES(3), RSI_RIPAS_EMPTY, 0);
	expect_response(0, BASE, RSI_RESPONSE_ACCEPT);
	expect_ripas(BASE, RSI_RIPAS_RAM);
}

/* Rejecting means something only for RAM, and only if something is left of the request. */
static void set_rejected(void **state)
{
	uint64_t base = BASE + PAGES(8);

	(void)state;
	realm_with_ram();
	ask(base, base + PAGES(2), RSI_RIPAS_RAM, 0);
	expect_response(RMI_ENTER_FLAG_RIPAS_REJECT, base, RSI_RESPONSE_REJECT);
	expect_ripas(base, RSI_RIPAS_EMPTY);

	ask(base, base + PAGES(2), RSI_RIPAS_RAM, 0);
	assert_int_equal(host_sets(base, base + PAGES(1)), base + PAGES(1));
	expect_response(RMI_ENTER_FLAG_RIPAS_REJECT, base + PAGES(1), RSI_RESPONSE_REJECT);

	ask(base, base + PAGES(2), RSI_RIPAS_RAM, 0);
	assert_int_equal(host_sets(base, base + PAGES(2)), base + PAGES(2));
	expect_response(RMI_ENTER_FLAG_RIPAS_REJECT, base + PAGES(2), RSI_RESPONSE_ACCEPT);

	ask(BASE, BASE + PAGES(2), RSI_RIPAS_EMPTY, 0);
	expect_response(RMI_ENTER_FLAG_RIPAS_REJECT, BASE, RSI_RESPONSE_ACCEPT);
}

/* The flag is the one of the entry that completes the call. */
static void response_of_the_next_entry(void **state)
{
	const struct rmi_rec_enter reject = {.flags = RMI_ENTER_FLAG_RIPAS_REJECT};
	uint64_t base = BASE + PAGES(8);

	(void)state;
	realm_with_ram();
	SIM_EXITS(SIM_SMC(RSI_IPA_STATE_SET_FID, base, base + PAGES(1), RSI_RIPAS_RAM, 0));
	ASSERT_RMI_OK(sim_enter(&realm, 0, &reject, NULL));
	expect_response(0, base, RSI_RESPONSE_ACCEPT);
}

static void set_uses_a_byte_of_ripas(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	realm_with_ram();
	SIM_EXITS(SIM_SMC(RSI_IPA_STATE_SET_FID, BASE, BASE + PAGES(1), 0x500 | RSI_RIPAS_RAM,
			  ~UINT64_C(0)));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_RIPAS_CHANGE, .ripas_base = BASE,
		    .ripas_top = BASE + PAGES(1), .ripas_value = RMI_RIPAS_RAM);
}

/* DESTROYED becomes RAM only if the realm says that it knows. */
static void set_destroyed(void **state)
{
	(void)state;
	realm_with_ram();
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, realm.rd, BASE));
	expect_ripas(BASE, RSI_RIPAS_DESTROYED);

	ask(BASE, BASE + PAGES(1), RSI_RIPAS_RAM, 0);
	ASSERT_REFUSED(RMI(RMI_RTT_SET_RIPAS, realm.rd, realm.recs[0], BASE, BASE + PAGES(1)),
		       rmi_status_rtt(3), no_progress);
	expect_response(0, BASE, RSI_RESPONSE_ACCEPT);
	expect_ripas(BASE, RSI_RIPAS_DESTROYED);

	ask(BASE, BASE + PAGES(1), RSI_RIPAS_RAM, RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	assert_int_equal(host_sets(BASE, BASE + PAGES(1)), BASE + PAGES(1));
	expect_response(0, BASE + PAGES(1), RSI_RESPONSE_ACCEPT);
	expect_ripas(BASE, RSI_RIPAS_RAM);
}

/* Once the realm goes on the host has nothing more to decide. */
static void set_is_over(void **state)
{
	(void)state;
	realm_with_ram();
	ask(BASE, BASE + PAGES(3), RSI_RIPAS_EMPTY, 0);
	expect_response(0, BASE, RSI_RESPONSE_ACCEPT);
	ASSERT_REFUSED(RMI(RMI_RTT_SET_RIPAS, realm.rd, realm.recs[0], BASE, BASE + PAGES(1)),
		       RMI_ERROR_INPUT, base_bound);
	expect_ripas(BASE, RSI_RIPAS_RAM);
}

static void get_base_align(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, base_align, RSI_IPA_STATE_GET_FID,
				     BASE + not_aligned[i], BASE + PAGES(4));
	}
}

static void get_end_align(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, end_align, RSI_IPA_STATE_GET_FID,
				     BASE, BASE + PAGES(4) + not_aligned[i]);
	}
}

static void get_size_valid(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(no_size); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, size_valid, RSI_IPA_STATE_GET_FID,
				     no_size[i][0], no_size[i][1]);
	}
}

static void get_rgn_bound(void **state)
{
	(void)state;
	realm_with_ram();
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, rgn_bound, RSI_IPA_STATE_GET_FID,
				     not_protected[i][0], not_protected[i][1]);
	}
}

#define ASSERT_RUN(base, top, out_top, ripas)                             \
	do {                                                              \
		REALM_CALLS(&realm, RSI_IPA_STATE_GET_FID, base, top, 7); \
		ASSERT_RESULTS(RSI_SUCCESS, out_top, ripas, 0);           \
	} while (0)

static void get_runs(void **state)
{
	(void)state;
	realm_with_ram();
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, realm.rd, BASE + PAGES(1)));

	/* Pages with and without memory are one run; other states end it. */
	ASSERT_RUN(BASE, BASE + PAGES(16), BASE + PAGES(1), RSI_RIPAS_RAM);
	ASSERT_RUN(BASE + PAGES(1), BASE + PAGES(16), BASE + PAGES(2), RSI_RIPAS_DESTROYED);
	ASSERT_RUN(BASE + PAGES(2), BASE + PAGES(16), BASE + PAGES(8), RSI_RIPAS_RAM);
	ASSERT_RUN(BASE + PAGES(4), BASE + PAGES(7), BASE + PAGES(7), RSI_RIPAS_RAM);
	/* The end of the table ends it too. */
	ASSERT_RUN(BASE + PAGES(8), UNPROTECTED, BASE + 0x200000, RSI_RIPAS_EMPTY);
	/* And the way down to a table, whatever that says. */
	ASSERT_RUN(0, UNPROTECTED, BASE, RSI_RIPAS_EMPTY);
	/* Entries of higher levels, from within one. */
	ASSERT_RUN(BASE + 0x200000 + PAGES(3), UNPROTECTED, UINT64_C(1) << 30, RSI_RIPAS_EMPTY);
	ASSERT_RUN(UINT64_C(5) << 30 | BASE, UNPROTECTED, UNPROTECTED, RSI_RIPAS_EMPTY);
	ASSERT_RUN(UNPROTECTED - GRANULE_SIZE, UNPROTECTED, UNPROTECTED, RSI_RIPAS_EMPTY);
	ASSERT_RUN(BASE + 0x200000 + PAGES(3), BASE + 0x200000 + PAGES(4),
		   BASE + 0x200000 + PAGES(4), RSI_RIPAS_EMPTY);
}

/* A walk through all of the half, as a guest does it, comes to its end. */
static void get_everything(void **state)
{
	uint64_t base = 0;
	unsigned int calls = 0;

	(void)state;
	realm_with_ram();
	while (base < UNPROTECTED) {
		REALM_CALLS(&realm, RSI_IPA_STATE_GET_FID, base, UNPROTECTED);
		assert_int_equal(sim_saw(1)->vcpu.gprs[0], RSI_SUCCESS);
		assert_true(sim_saw(1)->vcpu.gprs[1] > base);
		base = sim_saw(1)->vcpu.gprs[1];
		assert_true(++calls < 10);
	}
	assert_int_equal(base, UNPROTECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RSI_IPA_STATE_SET base_align", set_base_align),
		SIM_TEST("RSI_IPA_STATE_SET top_align", set_top_align),
		SIM_TEST("RSI_IPA_STATE_SET size_valid", set_size_valid),
		SIM_TEST("RSI_IPA_STATE_SET rgn_bound", set_rgn_bound),
		SIM_TEST("RSI_IPA_STATE_SET ripas_valid", set_ripas_valid),
		SIM_TEST("RSI_IPA_STATE_SET, all of it", set_whole),
		SIM_TEST("RSI_IPA_STATE_SET, a part of it", set_part),
		SIM_TEST("RSI_IPA_STATE_SET, nothing of it", set_none),
		SIM_TEST("RSI_IPA_STATE_SET, rejected", set_rejected),
		SIM_TEST("RSI_IPA_STATE_SET, response of the next entry",
			 response_of_the_next_entry),
		SIM_TEST("RSI_IPA_STATE_SET, width of RIPAS and flags", set_uses_a_byte_of_ripas),
		SIM_TEST("RSI_IPA_STATE_SET from DESTROYED", set_destroyed),
		SIM_TEST("RSI_IPA_STATE_SET is over with the next entry", set_is_over),
		SIM_TEST("RSI_IPA_STATE_GET base_align", get_base_align),
		SIM_TEST("RSI_IPA_STATE_GET end_align", get_end_align),
		SIM_TEST("RSI_IPA_STATE_GET size_valid", get_size_valid),
		SIM_TEST("RSI_IPA_STATE_GET rgn_bound", get_rgn_bound),
		SIM_TEST("RSI_IPA_STATE_GET, runs", get_runs),
		SIM_TEST("RSI_IPA_STATE_GET, everything", get_everything),
	};

	return unit_run(tests);
}
