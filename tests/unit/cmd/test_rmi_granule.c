// SPDX-License-Identifier: BSD-3-Clause
/* RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE: each condition, and what holds afterwards. */
#include "arch/el3.h"
#include "unit.h"

static const uint64_t not_aligned[] = {
	SIM_MAIN + 1, SIM_MAIN + GRANULE_SIZE - 1, SIM_MAIN + GRANULE_SIZE / 2, SIM_DEVICE + 8,
	~UINT64_C(0),
};

static const uint64_t not_delegable[] = {
	0,
	SIM_DEVICE,
	SIM_MAIN - GRANULE_SIZE,
	SIM_OWN,
	SIM_SHARED_PAGE,
	SIM_MAIN + SIM_MAIN_SIZE,
	SIM_UNLISTED,
	SIM_HIGH + SIM_HIGH_SIZE,
	/* a delegable address, but for one bit above all memory */
	SIM_MAIN | (uint64_t)1 << 48,
	SIM_MAIN | (uint64_t)1 << 63,
	~GRANULE_MASK,
};

static void delegate_align(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, not_aligned[i]), RMI_ERROR_INPUT,
			       gran_align);
	}
	assert_int_equal(sim_state(SIM_MAIN), GRANULE_UNDELEGATED);
}

static void delegate_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, not_delegable[i]), RMI_ERROR_INPUT,
			       gran_bound);
	}
	assert_int_equal(machine_pas(pa_of(SIM_UNLISTED)), MACHINE_NS);
}

static void delegate_state(void **state)
{
	(void)state;
	for (unsigned int from = GRANULE_DELEGATED; from < GRANULE_STATE_COUNT; from++) {
		sim_make(sim_page(from), from);
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, sim_page(from)), RMI_ERROR_INPUT,
			       gran_state);
		assert_int_equal(sim_state(sim_page(from)), from);
	}
}

static void delegate_gpt(void **state)
{
	static const uint64_t refused[] = {
		SIM_SECURE,
		SIM_SECURE + SIM_GUARD_SIZE - GRANULE_SIZE,
		SIM_ROOT,
		SIM_HOLE,
	};
	enum machine_pas pas;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
		pas = machine_pas(pa_of(refused[i]));
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, refused[i]), RMI_ERROR_INPUT, gran_gpt);
		assert_int_equal(sim_state(refused[i]), GRANULE_UNDELEGATED);
		assert_int_equal(machine_pas(pa_of(refused[i])), pas);
	}

	/* EL3 takes the page away after boot, and gives it back. */
	sim_fill(sim_page(0), 1);
	machine_set_pas(pa_of(sim_page(0)), MACHINE_SECURE);
	ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, sim_page(0)), RMI_ERROR_INPUT, gran_gpt);
	assert_true(sim_is_filled(sim_page(0), 1));
	machine_set_pas(pa_of(sim_page(0)), MACHINE_NS);
	ASSERT_RMI_OK(RMI(RMI_GRANULE_DELEGATE, sim_page(0)));
}

/* The manifest and EL3 know a page, but nothing answers there. */
static void delegate_gpt_no_memory(void **state)
{
	(void)state;
	machine_deaf = true;
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, sim_page(0)), RMI_ERROR_INPUT, gran_gpt);
		assert_int_equal(sim_state(sim_page(0)), GRANULE_UNDELEGATED);
		assert_int_equal(machine_pas(pa_of(sim_page(0))), MACHINE_NS);
	}
	machine_deaf = false;
	ASSERT_RMI_OK(RMI(RMI_GRANULE_DELEGATE, sim_page(0)));
}

static int64_t answer_of_el3;

static bool el3_answers(uint64_t fid, uint64_t x1, struct arch_el3_result *result)
{
	(void)fid;
	(void)x1;
	result->status = answer_of_el3;
	return true;
}

static void delegate_gpt_any_error(void **state)
{
	(void)state;
	for (answer_of_el3 = EL3_UNKNOWN; answer_of_el3 >= EL3_AGAIN; answer_of_el3--) {
		machine_on_el3 = el3_answers;
		ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, sim_page(0)), RMI_ERROR_INPUT, gran_gpt);
		machine_on_el3 = NULL;
		assert_int_equal(sim_state(sim_page(0)), GRANULE_UNDELEGATED);
	}
}

static void delegate_takes_the_page(void **state)
{
	uint64_t page = sim_page(3);
	uint64_t word = 1;

	(void)state;
	sim_fill(page, 1);
	ASSERT_RMI_OK(RMI(RMI_GRANULE_DELEGATE, page));
	assert_int_equal(sim_state(page), GRANULE_DELEGATED);
	assert_int_equal(machine_pas(pa_of(page)), MACHINE_REALM);
	assert_true(sim_is_zero(page));
	assert_false(machine_host_read(pa_of(page), &word, sizeof(word)));
	assert_false(machine_host_write(pa_of(page), &word, sizeof(word)));
	assert_true(sim_is_zero(page));
	assert_int_equal(sim_state(sim_page(2)), GRANULE_UNDELEGATED);
	assert_int_equal(sim_state(sim_page(4)), GRANULE_UNDELEGATED);
}

static void undelegate_align(void **state)
{
	(void)state;
	sim_delegate(SIM_MAIN);
	for (size_t i = 0; i < ARRAY_LENGTH(not_aligned); i++) {
		ASSERT_REFUSED(RMI(RMI_GRANULE_UNDELEGATE, not_aligned[i]), RMI_ERROR_INPUT,
			       gran_align);
	}
	assert_int_equal(sim_state(SIM_MAIN), GRANULE_DELEGATED);
}

static void undelegate_bound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_GRANULE_UNDELEGATE, not_delegable[i]), RMI_ERROR_INPUT,
			       gran_bound);
	}
	assert_int_equal(machine_pas(pa_of(SIM_SHARED_PAGE)), MACHINE_REALM);
}

static void undelegate_state(void **state)
{
	(void)state;
	for (unsigned int from = 0; from < GRANULE_STATE_COUNT; from++) {
		if (from == GRANULE_DELEGATED) {
			continue;
		}
		sim_make(sim_page(from), from);
		ASSERT_REFUSED(RMI(RMI_GRANULE_UNDELEGATE, sim_page(from)), RMI_ERROR_INPUT,
			       gran_state);
		assert_int_equal(sim_state(sim_page(from)), from);
	}
}

static void undelegate_returns_the_page(void **state)
{
	uint64_t page = SIM_HIGH + SIM_HIGH_SIZE - GRANULE_SIZE;
	uint64_t word = 1;

	(void)state;
	sim_fill(page, 1);
	sim_delegate(page);
	ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, page));
	assert_int_equal(sim_state(page), GRANULE_UNDELEGATED);
	assert_true(machine_host_read(pa_of(page), &word, sizeof(word)));
	assert_int_equal(word, 0);
	assert_true(sim_is_zero(page));
	sim_fill(page, 2);
	assert_true(sim_is_filled(page, 2));
}

/* What a realm left in a page never comes back to the host, by any way a page can take. */
static void undelegate_after_every_state(void **state)
{
	(void)state;
	for (unsigned int via = GRANULE_DELEGATED; via < GRANULE_STATE_COUNT; via++) {
		uint64_t page = sim_page(via);

		sim_make(page, via);
		if (via != GRANULE_DELEGATED) {
			memset(machine_raw(pa_of(page)), 0x5A, GRANULE_SIZE);
			sim_unmake(page);
		}
		ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, page));
		assert_true(sim_is_zero(page));
	}
}

/* EL3 and the RMM disagree about a granule of the RMM: nothing can be trusted any more. */
static void undelegate_el3_refuses(void **state)
{
	(void)state;
	sim_delegate(sim_page(0));
	machine_set_pas(pa_of(sim_page(0)), MACHINE_ROOT);
	ASSERT_STOPS("panic rmi_granule.c", RMI(RMI_GRANULE_UNDELEGATE, sim_page(0)));
}

static void every_page_of_a_bank(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < SIM_PAGES; i += 7) {
		ASSERT_RMI_OK(RMI(RMI_GRANULE_DELEGATE, sim_page(i)));
	}
	sim_check();
	for (uint64_t i = 0; i < SIM_PAGES; i += 7) {
		ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, sim_page(i)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_GRANULE_DELEGATE gran_align", delegate_align),
		SIM_TEST("RMI_GRANULE_DELEGATE gran_bound", delegate_bound),
		SIM_TEST("RMI_GRANULE_DELEGATE gran_state", delegate_state),
		SIM_TEST("RMI_GRANULE_DELEGATE gran_gpt", delegate_gpt),
		SIM_TEST("RMI_GRANULE_DELEGATE gran_gpt: no memory behind the address",
			 delegate_gpt_no_memory),
		SIM_TEST("RMI_GRANULE_DELEGATE gran_gpt, every error of EL3",
			 delegate_gpt_any_error),
		SIM_TEST("RMI_GRANULE_DELEGATE takes the page from the host, wiped",
			 delegate_takes_the_page),
		SIM_TEST("RMI_GRANULE_UNDELEGATE gran_align", undelegate_align),
		SIM_TEST("RMI_GRANULE_UNDELEGATE gran_bound", undelegate_bound),
		SIM_TEST("RMI_GRANULE_UNDELEGATE gran_state", undelegate_state),
		SIM_TEST("RMI_GRANULE_UNDELEGATE gives the page back, wiped",
			 undelegate_returns_the_page),
		SIM_TEST("RMI_GRANULE_UNDELEGATE after every state: wiped",
			 undelegate_after_every_state),
		SIM_TEST("RMI_GRANULE_UNDELEGATE: EL3 refuses a granule of the RMM",
			 undelegate_el3_refuses),
		SIM_TEST("RMI_GRANULE_DELEGATE: many pages at once", every_page_of_a_bank),
	};

	return unit_run(tests);
}
