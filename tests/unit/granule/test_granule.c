// SPDX-License-Identifier: BSD-3-Clause
/* The granule table: which granules it tracks, locks, states, references, live map. */
#include "granule/geometry.h"
#include "unit.h"

#define MIB     UINT64_C(0x100000)
#define NOWHERE ((struct granule_bank){{0}, GRANULE_SIZE})
#define BASE    UINT64_C(0x10000000)
#define LAST_PA (UINT64_C(0x10000000000000) - GRANULE_SIZE) /* of 52 bits */
#define STATES  GRANULE_STATE_COUNT

static struct granule_bank bank(uint64_t base, uint64_t size)
{
	return (struct granule_bank){pa_of(base), size};
}

/* Every granule of [base, base + size) is tracked or none is, with the right address and index. */
static void expect_range(uint64_t base, uint64_t size, bool tracked, uint64_t *index)
{
	for (uint64_t at = base; at < base + size; at += GRANULE_SIZE) {
		const struct granule *granule = granule_find(pa_of(at));

		if (!tracked) {
			assert_null(granule);
			continue;
		}
		assert_non_null(granule);
		assert_int_equal(granule_pa(granule).v, at);
		assert_int_equal(granule_index(granule), (*index)++);
		assert_null(granule_find(pa_of(at + 1)));
		assert_null(granule_find(pa_of(at + GRANULE_SIZE - 1)));
	}
}

static void tracks_banks(void **state)
{
	const struct granule_bank banks[] = {
		bank(0, GRANULE_SIZE),
		bank(BASE, MIB),
		bank(BASE + MIB, 2 * GRANULE_SIZE),
		bank(BASE + 4 * MIB, MIB),
		bank(LAST_PA, GRANULE_SIZE),
	};
	uint64_t index = 0;

	(void)state;
	assert_true(granule_table_init(banks, ARRAY_LENGTH(banks), bank(BASE + 8 * MIB, MIB)));
	expect_range(0, GRANULE_SIZE, true, &index);
	expect_range(GRANULE_SIZE, MIB, false, &index);
	expect_range(BASE - GRANULE_SIZE, GRANULE_SIZE, false, &index);
	expect_range(BASE, MIB + 2 * GRANULE_SIZE, true, &index);
	expect_range(BASE + MIB + 2 * GRANULE_SIZE, MIB, false, &index);
	expect_range(BASE + 4 * MIB, MIB, true, &index);
	expect_range(BASE + 5 * MIB, 4 * MIB, false, &index);
	expect_range(LAST_PA, GRANULE_SIZE, true, &index);
	assert_null(granule_find(pa_of(LAST_PA + GRANULE_SIZE)));
	assert_null(granule_find(pa_of(~GRANULE_MASK)));
	assert_null(granule_find(pa_of(BASE | (uint64_t)1 << 63)));
}

static void empty_table(void **state)
{
	(void)state;
	assert_true(granule_table_init(NULL, 0, NOWHERE));
	assert_null(granule_find(pa_of(0)));
	assert_null(granule_find(pa_of(BASE)));
}

/* The RMM's own memory at every place relative to two banks. */
static void own_memory(void **state)
{
	const uint64_t page = GRANULE_SIZE;
	const struct granule_bank banks[] = {bank(BASE, 8 * page),
					     bank(BASE + 10 * page, 8 * page)};

	(void)state;
	for (uint64_t from = 0; from < 24; from++) {
		for (uint64_t to = from + 1; to <= 24; to++) {
			uint64_t start = BASE - 4 * page;
			uint64_t index = 0;

			assert_true(granule_table_init(
				banks, 2, bank(start + from * page, (to - from) * page)));
			for (uint64_t i = 0; i < 24; i++) {
				bool in_bank = (i >= 4 && i < 12) || (i >= 14 && i < 22);
				bool own = i >= from && i < to;

				expect_range(start + i * page, page, in_bank && !own, &index);
			}
		}
	}
}

static void capacity(void **state)
{
	const uint64_t all = GRANULE_CAPACITY * GRANULE_SIZE;
	struct granule_bank banks[2] = {bank(BASE, all), bank(BASE + all, GRANULE_SIZE)};

	(void)state;
	assert_true(granule_table_init(banks, 1, NOWHERE));
	assert_int_equal(granule_index(granule_find(pa_of(BASE + all - GRANULE_SIZE))),
			 GRANULE_CAPACITY - 1);
	assert_false(granule_table_init(banks, 2, NOWHERE));
	assert_null(granule_find(pa_of(BASE)));
	banks[0].size += GRANULE_SIZE;
	assert_false(granule_table_init(banks, 1, NOWHERE));
	assert_null(granule_find(pa_of(BASE)));
	/* What the RMM occupies itself needs no place. */
	assert_true(granule_table_init(banks, 1, bank(BASE + MIB, GRANULE_SIZE)));
	banks[0].size = UINT64_C(1) << 51;
	assert_false(granule_table_init(banks, 1, NOWHERE));
}

static void bank_count(void **state)
{
	static struct granule_bank banks[GRANULE_MAX_BANKS + 1];
	uint64_t index = 0;

	(void)state;
	for (uint64_t i = 0; i < ARRAY_LENGTH(banks); i++) {
		banks[i] = bank(BASE + i * 4 * GRANULE_SIZE, 3 * GRANULE_SIZE);
	}
	for (size_t count = 1; count <= GRANULE_MAX_BANKS; count++) {
		assert_true(granule_table_init(banks, count, NOWHERE));
		index = 0;
		for (size_t i = 0; i < count; i++) {
			expect_range(banks[i].base.v, banks[i].size, true, &index);
			expect_range(banks[i].base.v + banks[i].size, GRANULE_SIZE, false, &index);
		}
	}
	assert_false(granule_table_init(banks, GRANULE_MAX_BANKS + 1, NOWHERE));
	/* The RMM splits one of as many banks as a manifest can have, but not one of too many. */
	assert_true(granule_table_init(banks, GRANULE_MAX_BANKS - 1,
				       bank(BASE + GRANULE_SIZE, GRANULE_SIZE)));
	assert_false(granule_table_init(banks, GRANULE_MAX_BANKS,
					bank(BASE + GRANULE_SIZE, GRANULE_SIZE)));
}

static void init_forgets(void **state)
{
	const struct granule_bank banks[] = {bank(BASE, MIB)};
	struct granule_held held;

	(void)state;
	assert_true(granule_table_init(banks, 1, NOWHERE));
	assert_true(granule_lock(granule_find(pa_of(BASE)), GRANULE_UNDELEGATED, &held));
	granule_unlock_to(held, GRANULE_DELEGATED);
	assert_int_equal(granule_peek(granule_find(pa_of(BASE))), GRANULE_DELEGATED);
	assert_true(granule_table_init(banks, 1, NOWHERE));
	assert_int_equal(granule_peek(granule_find(pa_of(BASE))), GRANULE_UNDELEGATED);
}

/* --- states: a table without memory behind it */

static struct granule *granule_in(enum granule_state state)
{
	const struct granule_bank banks[] = {bank(BASE, MIB)};
	struct granule_held held;
	struct granule *granule;

	assert_true(granule_table_init(banks, 1, NOWHERE));
	granule = granule_find(pa_of(BASE));
	if (state != GRANULE_UNDELEGATED) {
		assert_true(granule_lock(granule, GRANULE_UNDELEGATED, &held));
		granule_unlock_to(held, GRANULE_DELEGATED);
	}
	if (state > GRANULE_DELEGATED) {
		assert_true(granule_lock(granule, GRANULE_DELEGATED, &held));
		granule_unlock_to(held, state);
	}
	return granule;
}

/* The table of transitions, pair by pair. */
static const bool may_become[STATES][STATES] = {
	/*                        UNDEL  DEL    RD     REC    AUX    DATA   RTT    APT */
	[GRANULE_UNDELEGATED] = {false, true, false, false, false, false, false, false},
	[GRANULE_DELEGATED] = {true, false, true, true, true, true, true, true},
	[GRANULE_RD] = {false, true, false, false, false, false, false, false},
	[GRANULE_REC] = {false, true, false, false, false, false, false, false},
	[GRANULE_REC_AUX] = {false, true, false, false, false, false, false, false},
	[GRANULE_DATA] = {false, true, false, false, false, false, false, false},
	[GRANULE_RTT] = {false, true, false, false, false, false, false, false},
	[GRANULE_APT] = {false, true, false, false, false, false, false, false},
};

static void transitions(void **state)
{
	struct granule_held held;

	(void)state;
	for (unsigned int from = 0; from < STATES; from++) {
		for (unsigned int to = 0; to < STATES; to++) {
			struct granule *granule = granule_in(from);

			assert_true(granule_lock(granule, from, &held));
			if (may_become[from][to]) {
				granule_unlock_to(held, to);
				assert_int_equal(granule_peek(granule), to);
				assert_int_equal(granule_refs(granule), 0);
			} else {
				ASSERT_STOPS("panic granule.c", granule_unlock_to(held, to));
			}
		}
	}
}

static void no_such_state(void **state)
{
	struct granule_held held;

	(void)state;
	for (unsigned int to = STATES; to < 20; to++) {
		assert_true(granule_lock(granule_in(GRANULE_DELEGATED), GRANULE_DELEGATED, &held));
		ASSERT_STOPS("panic granule.c", granule_unlock_to(held, to));
	}
}

static void lock_wants_a_state(void **state)
{
	struct granule_held held;

	(void)state;
	for (unsigned int is = 0; is < STATES; is++) {
		struct granule *granule = granule_in(is);

		for (unsigned int want = 0; want < STATES; want++) {
			assert_int_equal(granule_lock(granule, want, &held), want == is);
			if (want == is) {
				assert_ptr_equal(held.granule, granule);
				granule_unlock(held);
			}
			machine_command_end();
			assert_int_equal(granule_peek(granule), is);
		}
	}
}

static void inner_lock_knows_the_state(void **state)
{
	(void)state;
	for (unsigned int is = 0; is < STATES; is++) {
		granule_unlock(granule_lock_inner(granule_in(is), is));
		machine_command_end();
		ASSERT_STOPS("panic granule.c",
			     granule_lock_inner(granule_in(is), (is + 1) % STATES));
	}
}

static void unlock_needs_the_lock(void **state)
{
	struct granule_held held = {granule_in(GRANULE_DELEGATED)};

	(void)state;
	ASSERT_STOPS("LOCKS:", granule_unlock(held));
	held.granule = granule_in(GRANULE_DELEGATED);
	ASSERT_STOPS("panic granule.c", granule_unlock_to(held, GRANULE_RD));
	held.granule = granule_in(GRANULE_RD);
	ASSERT_STOPS("panic granule.c", granule_ref(held, 1));
	held.granule = granule_in(GRANULE_RD);
	ASSERT_STOPS("panic granule.c", granule_set_live_map(held, 1));
}

/* --- references and live map */

#define MAX_REFS 2047U

static void references(void **state)
{
	struct granule *granule = granule_in(GRANULE_RTT);
	struct granule_held held;

	(void)state;
	assert_true(granule_lock(granule, GRANULE_RTT, &held));
	granule_ref(held, 1);
	granule_ref(held, MAX_REFS - 1);
	granule_unlock(held);
	assert_int_equal(granule_refs(granule), MAX_REFS);
	assert_int_equal(granule_peek(granule), GRANULE_RTT);
	granule_unref(granule, MAX_REFS - 2);
	assert_int_equal(granule_refs(granule), 2);
	granule_unref(granule, 2);
	assert_int_equal(granule_refs(granule), 0);
	assert_int_equal(granule_peek(granule), GRANULE_RTT);
}

static void too_many_references(void **state)
{
	struct granule_held held;

	(void)state;
	assert_true(granule_lock(granule_in(GRANULE_RD), GRANULE_RD, &held));
	granule_ref(held, MAX_REFS);
	ASSERT_STOPS("panic granule.c", granule_ref(held, 1));
	assert_true(granule_lock(granule_in(GRANULE_RD), GRANULE_RD, &held));
	ASSERT_STOPS("panic granule.c", granule_ref(held, MAX_REFS + 1));
	assert_true(granule_lock(granule_in(GRANULE_RD), GRANULE_RD, &held));
	ASSERT_STOPS("panic granule.c", granule_ref(held, ~0U));
	ASSERT_STOPS("panic granule.c", granule_unref(granule_in(GRANULE_RD), 1));
}

/* Pages of several banks, in any order, and places without one. */
static void references_of_pages(void **state)
{
	const pa_t pages[] = {pa_of(sim_page(3)), pa_of(0), pa_of(SIM_HIGH), pa_of(sim_page(2)),
			      pa_of(sim_page(3))};
	const unsigned int refs[] = {2, 0, 1, 1, 2};

	(void)state;
	sim_make(sim_page(2), GRANULE_DATA);
	sim_make(sim_page(3), GRANULE_DATA);
	sim_make(SIM_HIGH, GRANULE_DATA);
	granule_ref_pages(pages, ARRAY_LENGTH(pages), GRANULE_DATA);
	for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
		assert_true(pages[i].v == 0 || sim_refs(pages[i].v) == refs[i]);
	}
	assert_int_equal(sim_refs(sim_page(4)), 0);
	granule_unref_pages(pages, ARRAY_LENGTH(pages), GRANULE_DATA);
	for (unsigned int i = 0; i < ARRAY_LENGTH(pages); i++) {
		assert_true(pages[i].v == 0 || sim_refs(pages[i].v) == 0);
	}
	granule_ref_pages(pages, 0, GRANULE_DATA);
	assert_int_equal(sim_refs(sim_page(3)), 0);
}

static void references_of_others(void **state)
{
	const pa_t page = pa_of(sim_page(2));
	const pa_t nowhere = pa_of(SIM_UNLISTED);
	const pa_t between = pa_add(page, 8);

	(void)state;
	sim_make(page.v, GRANULE_DATA);
	ASSERT_STOPS("panic granule.c", granule_ref_pages(&page, 1, GRANULE_RTT));
	sim_make(page.v, GRANULE_DATA);
	ASSERT_STOPS("panic granule.c", granule_ref_pages(&nowhere, 1, GRANULE_DATA));
	ASSERT_STOPS("panic granule.c", granule_ref_pages(&between, 1, GRANULE_DATA));
	ASSERT_STOPS("panic granule.c", granule_unref_pages(&nowhere, 1, GRANULE_DATA));
	sim_make(page.v, GRANULE_DATA);
	ASSERT_STOPS("panic granule.c", granule_unref_pages(&page, 1, GRANULE_DATA));
	sim_make(page.v, GRANULE_DATA);
	ASSERT_STOPS("panic granule.c", granule_unref_pages(&page, 1, GRANULE_RTT));
	sim_make(page.v, GRANULE_DATA);
	for (unsigned int i = 0; i < MAX_REFS; i++) {
		granule_ref_pages(&page, 1, GRANULE_DATA);
	}
	assert_int_equal(sim_refs(page.v), MAX_REFS);
	ASSERT_STOPS("panic granule.c", granule_ref_pages(&page, 1, GRANULE_DATA));
}

static void no_way_out_with_references(void **state)
{
	struct granule_held held;

	(void)state;
	for (unsigned int from = GRANULE_RD; from < STATES; from++) {
		assert_true(granule_lock(granule_in(from), from, &held));
		granule_ref(held, 1);
		ASSERT_STOPS("panic granule.c", granule_unlock_to(held, GRANULE_DELEGATED));
	}
}

static void live_map(void **state)
{
	static const uint16_t values[] = {0, 0xFFFF, 0x8001, 0x7FFE, 1};
	struct granule *granule = granule_in(GRANULE_RTT);
	struct granule_held held;

	(void)state;
	assert_true(granule_lock(granule, GRANULE_RTT, &held));
	granule_ref(held, 5);
	for (size_t i = 0; i < ARRAY_LENGTH(values); i++) {
		granule_set_live_map(held, values[i]);
		assert_int_equal(granule_live_map(held), values[i]);
		assert_int_equal(granule_refs(granule), 5);
		assert_int_equal(granule_peek(granule), GRANULE_RTT);
	}
	granule_unlock(held);
	assert_true(granule_lock(granule, GRANULE_RTT, &held));
	assert_int_equal(granule_live_map(held), 1);
	granule_unref(granule, 5);
	granule_unlock_to(held, GRANULE_DELEGATED);
	assert_true(granule_lock(granule, GRANULE_DELEGATED, &held));
	assert_int_equal(granule_live_map(held), 0);
	granule_unlock(held);
}

/* --- sets */

static struct granule_wanted want(uint64_t page, enum granule_state state)
{
	return (struct granule_wanted){.pa = pa_of(BASE + page * GRANULE_SIZE), .state = state};
}

static void unlock_set(const struct granule_wanted *set, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(set[i].held.granule, granule_find(set[i].pa));
		granule_unlock(set[i].held);
	}
	machine_command_end();
}

/* The lock checker stops a set that is not taken in ascending order. */
static void set_in_any_order(void **state)
{
	struct granule_wanted set[GRANULE_SET_MAX];

	(void)state;
	granule_in(GRANULE_UNDELEGATED);
	for (size_t count = 0; count <= GRANULE_SET_MAX; count++) {
		for (size_t step = 1; step < 19; step++) {
			for (size_t i = 0; i < count; i++) {
				set[i] = want((i * step + 5) % 19, GRANULE_UNDELEGATED);
			}
			assert_int_equal(granule_lock_set(set, count), -1);
			unlock_set(set, count);
		}
	}
}

static void set_duplicates(void **state)
{
	struct granule_wanted set[4];

	(void)state;
	granule_in(GRANULE_UNDELEGATED);
	for (unsigned int first = 0; first < 4; first++) {
		for (unsigned int second = first + 1; second < 4; second++) {
			for (unsigned int i = 0; i < 4; i++) {
				set[i] = want(9 - i, GRANULE_UNDELEGATED);
			}
			set[second] = set[first];
			assert_int_equal(granule_lock_set(set, 4), second);
			machine_command_end();
		}
	}
}

/* Each entry in turn is untracked, misaligned or in the wrong state; nothing stays locked. */
static void set_refuses_one(void **state)
{
	struct granule_wanted set[5];
	struct granule_held held;

	(void)state;
	granule_in(GRANULE_UNDELEGATED);
	for (unsigned int bad = 0; bad < 5; bad++) {
		for (unsigned int how = 0; how < 3; how++) {
			for (unsigned int i = 0; i < 5; i++) {
				set[i] = want((i * 3) % 5, GRANULE_UNDELEGATED);
			}
			if (how == 0) {
				set[bad].pa = pa_of(BASE + 100 * MIB);
			} else if (how == 1) {
				set[bad].pa.v += 8;
			} else {
				set[bad].state = GRANULE_DELEGATED;
			}
			assert_int_equal(granule_lock_set(set, 5), bad);
			machine_command_end();
			for (unsigned int i = 0; i < 5; i++) {
				assert_true(granule_lock(granule_find(want(i, 0).pa),
							 GRANULE_UNDELEGATED, &held));
				granule_unlock(held);
			}
		}
	}
}

static void set_too_large(void **state)
{
	struct granule_wanted set[GRANULE_SET_MAX + 1];

	(void)state;
	granule_in(GRANULE_UNDELEGATED);
	for (unsigned int i = 0; i < ARRAY_LENGTH(set); i++) {
		set[i] = want(i, GRANULE_UNDELEGATED);
	}
	ASSERT_STOPS("panic granule.c", granule_lock_set(set, ARRAY_LENGTH(set)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("granule_find: banks, and what lies between", tracks_banks),
		PLAIN_TEST("granule_find: empty table", empty_table),
		PLAIN_TEST("granule_table_init: own memory at every place", own_memory),
		PLAIN_TEST("granule_table_init: capacity", capacity),
		PLAIN_TEST("granule_table_init: 1 to 253 banks", bank_count),
		PLAIN_TEST("granule_table_init: forgets all states", init_forgets),
		SIM_TEST("granule_unlock_to: every transition from every state", transitions),
		SIM_TEST("granule_unlock_to: no such state", no_such_state),
		SIM_TEST("granule_lock: every state wanted in every state", lock_wants_a_state),
		SIM_TEST("granule_lock_inner: a wrong state stops", inner_lock_knows_the_state),
		SIM_TEST("granule_unlock: without the lock stops", unlock_needs_the_lock),
		SIM_TEST("granule_ref, granule_unref: up to 2,047", references),
		SIM_TEST("granule_ref, granule_unref: beyond the limits stops",
			 too_many_references),
		SIM_TEST("granule_ref_pages, granule_unref_pages", references_of_pages),
		SIM_TEST("granule_ref_pages, granule_unref_pages: what is not as said stops",
			 references_of_others),
		SIM_TEST("granule_unlock_to: DELEGATED with references stops",
			 no_way_out_with_references),
		SIM_TEST("granule_set_live_map: beside state and references", live_map),
		SIM_TEST("granule_lock_set: in any order", set_in_any_order),
		SIM_TEST("granule_lock_set: duplicates", set_duplicates),
		SIM_TEST("granule_lock_set: one at fault, nothing stays locked", set_refuses_one),
		SIM_TEST("granule_lock_set: too large stops", set_too_large),
	};

	return unit_run(tests);
}
