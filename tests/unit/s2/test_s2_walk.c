// SPDX-License-Identifier: BSD-3-Clause
/* Walks in every shape, `top`, accesses on behalf of a realm. */
#include <stdlib.h>

#include "s2/s2_tables.h"

static const struct s2_entry ram = {.kind = S2_UNASSIGNED, .ripas = S2_RAM};

static const struct {
	uint8_t bits;
	int8_t level;
	uint8_t count;
	bool lpa2;
} shapes[] = {
	{32, 2, 4, false}, {33, 2, 8, false}, {34, 2, 16, true}, {32, 1, 1, false},
	{39, 1, 1, false}, {40, 1, 2, false}, {41, 1, 4, true},  {42, 1, 8, false},
	{43, 1, 16, true}, {40, 0, 1, false}, {48, 0, 1, true},  {49, 0, 2, true},
	{50, 0, 4, true},  {51, 0, 8, true},  {52, 0, 16, true}, {49, -1, 1, true},
	{52, -1, 1, true},
};

/* From every start table to every level, and nothing beside the path is touched. */
static void every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(shapes); i++) {
		struct s2 s2 = tables_make(shapes[i].bits, shapes[i].level, shapes[i].count,
					   shapes[i].lpa2);
		uint64_t step = BIT(s2.ipa_bits) / s2.start_tables;

		for (unsigned int t = 0; t < s2.start_tables; t++) {
			/* The last page that the start table is for. */
			uint64_t ipa = t * step + step - GRANULE_SIZE;
			struct s2_walk walk;

			tables_grow(&s2, ipa, S2_LEVEL_PAGE);
			for (int level = s2.start_level; level <= S2_LEVEL_PAGE; level++) {
				s2_walk(&s2, ipa_of(ipa), level, &walk);
				assert_int_equal(walk.level, level);
				assert_int_equal(walk.entry.kind == S2_TABLE,
						 level < S2_LEVEL_PAGE);
				s2_walk_end(&walk);
			}
			assert_int_equal(sim_refs(TABLES_ROOT + t * GRANULE_SIZE),
					 s2.start_level < S2_LEVEL_PAGE);
			assert_int_equal(walk.index, 511);
		}
		s2_check(&s2);
		sim_reset();
	}
}

/* With 16 start tables the bits above the table's own choose among them. */
static void concatenated(void **state)
{
	struct s2 s2 = tables_make(34, 2, 16, false);

	(void)state;
	for (uint64_t t = 0; t < 16; t++) {
		for (uint64_t index = 0; index < 512; index += 73) {
			uint64_t ipa = t << 30 | index << 21;
			uint64_t *entries = machine_raw(pa_of(TABLES_ROOT + t * GRANULE_SIZE));
			bool protected_half = t < 8;
			struct s2_entry entry = {
				.kind = protected_half ? S2_UNASSIGNED : S2_ASSIGNED_NS,
				.ripas = protected_half ? S2_DESTROYED : S2_EMPTY,
				.pa = {protected_half ? 0 : ipa},
			};

			assert_int_equal(entries[index], 0);
			tables_set(&s2, ipa, 2, entry);
			assert_int_equal(entries[index], s2_encode(&entry, 2, false));
			assert_entry(tables_get(&s2, ipa + GRANULE_SIZE, 3), entry);
		}
	}
	s2_check(&s2);
}

static void stops_early(void **state)
{
	struct s2 s2 = tables_make(40, 0, 1, false);
	struct s2_walk walk;

	(void)state;
	tables_grow(&s2, 0, 1);
	s2_walk(&s2, ipa_of(GRANULE_SIZE), 3, &walk);
	assert_int_equal(walk.level, 1);
	assert_int_equal(walk.index, 0);
	assert_entry(walk.entry, (struct s2_entry){.kind = S2_UNASSIGNED});
	s2_walk_end(&walk);
	tables_set(&s2, UINT64_C(0x40000000), 1, ram);
	assert_entry(tables_get(&s2, UINT64_C(0x7FFFF000), 3), ram);
	assert_entry(tables_get(&s2, BIT(39), 3), (struct s2_entry){.kind = S2_UNASSIGNED_NS});
}

/* One table lock at the end, none after it; the start table is free while a walk is below. */
static void hand_over_hand(void **state)
{
	struct s2 s2 = tables_make(40, 0, 1, false);
	struct s2_walk walk, other;

	(void)state;
	tables_grow(&s2, 0, 3);
	s2_walk_begin(&s2, ipa_of(0), &walk);
	assert_int_equal(walk.level, 0);
	assert_int_equal(granule_pa(walk.table.granule).v, TABLES_ROOT);
	s2_walk_down(&walk, 2);
	assert_int_equal(walk.level, 2);
	s2_walk(&s2, ipa_of(0), 1, &other);
	s2_walk_end(&other);
	s2_walk_down(&walk, 3);
	assert_int_equal(walk.level, 3);
	s2_walk_end(&walk);
	machine_command_end();
}

static void outside(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_walk walk;

	(void)state;
	ASSERT_STOPS("panic s2_walk.c", s2_walk(&s2, ipa_of(BIT(40)), 3, &walk));
	s2 = tables_make(40, 1, 2, false);
	ASSERT_STOPS("panic s2_walk.c", s2_walk(&s2, ipa_of(0), 0, &walk));
	s2 = tables_make(40, 1, 2, false);
	ASSERT_STOPS("panic s2_walk.c", s2_walk(&s2, ipa_of(0), 4, &walk));
}

/* The definition, entry by entry. */
static uint64_t top_by_definition(const struct s2_walk *walk)
{
	uint64_t size = s2_entry_size(walk->level);
	uint64_t table = walk->ipa.v / size / 512 * 512;
	unsigned int index = walk->index;
	unsigned int end = walk->level == -1 ? 16 : 512;

	if (s2_raw_live(walk->entries[index])) {
		return walk->ipa.v;
	}
	while (index < end && !s2_raw_live(walk->entries[index])) {
		index++;
	}
	return (table + index) * size;
}

static void check_tops(const struct s2 *s2, uint64_t base, int level, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t ipa = base + i * s2_entry_size(level);
		struct s2_walk walk;

		if (!s2_ipa_valid(s2, ipa_of(ipa))) {
			continue;
		}
		s2_walk(s2, ipa_of(ipa), level, &walk);
		assert_int_equal(s2_next_live(&walk).v, top_by_definition(&walk));
		s2_walk_end(&walk);
	}
}

/* Random tables, from empty to full and back, in both halves. */
static void top_at_random(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	uint64_t halves[] = {UINT64_C(0x40200000), BIT(39) + UINT64_C(0x600000)};

	(void)state;
	srand(3);
	for (unsigned int h = 0; h < 2; h++) {
		bool filled[512] = {false};
		struct s2_entry empty = {.kind = h == 0 ? S2_UNASSIGNED : S2_UNASSIGNED_NS};
		struct s2_entry live = {.kind = h == 0 ? S2_ASSIGNED : S2_ASSIGNED_NS};

		tables_grow(&s2, halves[h], 3);
		check_tops(&s2, halves[h], 3, 512);
		for (unsigned int round = 0; round < 3000; round++) {
			unsigned int index = (unsigned int)rand() % 512;
			bool fill = (unsigned int)rand() % 3000 > round;
			uint64_t ipa = halves[h] + index * GRANULE_SIZE;

			if (fill != filled[index]) {
				filled[index] = fill;
				live.pa.v = BIT(40) + index * GRANULE_SIZE;
				tables_set(&s2, ipa, 3, fill ? live : empty);
			}
			if (round % 150 == 0) {
				check_tops(&s2, halves[h], 3, 512);
				s2_check(&s2);
			}
		}
	}
}

/* The whole table counts, beyond the half and beyond the IPA space; 16 entries at level -1. */
static void top_of_start_tables(void **state)
{
	struct s2 s2 = tables_make(40, 0, 1, false);
	struct s2_walk walk;

	(void)state;
	s2_walk(&s2, ipa_of(0), 0, &walk);
	assert_int_equal(s2_next_live(&walk).v, BIT(48));
	s2_walk_end(&walk);
	tables_grow(&s2, BIT(39), 1);
	s2_walk(&s2, ipa_of(0), 0, &walk);
	assert_int_equal(s2_next_live(&walk).v, BIT(39));
	s2_walk_end(&walk);

	sim_reset();
	s2 = tables_make(52, -1, 1, true);
	check_tops(&s2, 0, -1, 16);
	s2_walk(&s2, ipa_of(BIT(51)), -1, &walk);
	assert_int_equal(s2_next_live(&walk).v, BIT(52));
	s2_walk_end(&walk);

	sim_reset();
	s2 = tables_make(32, 2, 4, false);
	tables_grow(&s2, UINT64_C(0x40000000), 3);
	s2_walk(&s2, ipa_of(0), 2, &walk);
	assert_int_equal(s2_next_live(&walk).v, UINT64_C(0x40000000)); /* of one table only */
	s2_walk_end(&walk);
}

static enum s2_access access_of(const struct s2 *s2, uint64_t ipa, pa_t *page)
{
	struct s2_walk walk;
	enum s2_access access = s2_access_begin(s2, ipa_of(ipa), NULL, &walk, page);

	if (access == S2_ACCESS_RAM) {
		s2_access_end(&walk);
	}
	machine_command_end();
	return access;
}

/* HIPAS and RIPAS of a protected IPA (RMM specification A5.2), as a page. */
static void accesses(void **state)
{
	static const struct {
		enum s2_kind kind;
		enum s2_ripas ripas;
		enum s2_access access;
	} rows[] = {
		{S2_UNASSIGNED, S2_EMPTY, S2_ACCESS_EMPTY},
		{S2_UNASSIGNED, S2_RAM, S2_ACCESS_MISSING},
		{S2_UNASSIGNED, S2_DESTROYED, S2_ACCESS_MISSING},
		{S2_ASSIGNED, S2_EMPTY, S2_ACCESS_EMPTY},
		{S2_ASSIGNED, S2_RAM, S2_ACCESS_RAM},
		{S2_ASSIGNED, S2_DESTROYED, S2_ACCESS_MISSING},
	};
	struct s2 s2 = tables_make(40, 1, 2, false);

	(void)state;
	tables_grow(&s2, 0, 3);
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct s2_entry entry = {.kind = rows[i].kind, .ripas = rows[i].ripas};
		pa_t page = {1};

		entry.pa.v = entry.kind == S2_ASSIGNED ? BIT(40) : 0;
		tables_set(&s2, 5 * GRANULE_SIZE, 3, entry);
		assert_int_equal(access_of(&s2, 5 * GRANULE_SIZE + 0x123, &page), rows[i].access);
		assert_int_equal(page.v, rows[i].access == S2_ACCESS_RAM ? BIT(40) : 1);
	}
}

static void access_in_blocks(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_entry block = {S2_ASSIGNED, S2_RAM, {BIT(40)}, 0};
	pa_t page;

	(void)state;
	tables_set(&s2, BIT(31), 1, block);
	assert_int_equal(access_of(&s2, BIT(31) + 0x12345678, &page), S2_ACCESS_RAM);
	assert_int_equal(page.v, BIT(40) + 0x12345000);
	tables_grow(&s2, 0, 2);
	tables_set(&s2, 0x200000, 2, block);
	assert_int_equal(access_of(&s2, 0x200000, &page), S2_ACCESS_RAM);
	assert_int_equal(page.v, BIT(40));
	assert_int_equal(access_of(&s2, 0x3FFFFF, &page), S2_ACCESS_RAM);
	assert_int_equal(page.v, BIT(40) + 0x1FF000);
	assert_int_equal(access_of(&s2, 0x400000, &page), S2_ACCESS_EMPTY);
}

/*
 * While the access lasts its leaf table is locked; the level is left for a fault that is reported.
 */
static void access_holds_the_table(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_walk walk;
	pa_t page;

	(void)state;
	tables_grow(&s2, 0, 3);
	tables_set(&s2, 0, 3, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	assert_int_equal(s2_access_begin(&s2, ipa_of(0), NULL, &walk, &page), S2_ACCESS_RAM);
	ASSERT_STOPS("LOCKS:", machine_command_end());

	s2 = tables_make(40, 1, 2, false);
	tables_grow(&s2, 0, 2);
	assert_int_equal(s2_access_begin(&s2, ipa_of(0), NULL, &walk, &page), S2_ACCESS_EMPTY);
	assert_int_equal(walk.level, 2);
	assert_int_equal(s2_access_begin(&s2, ipa_of(BIT(38)), NULL, &walk, &page),
			 S2_ACCESS_EMPTY);
	assert_int_equal(walk.level, 1);
}

/* --- hints. Zero in the root, behind the RMM's back, shows whether a walk began there. */

static void hint_access(const struct s2 *s2, uint64_t ipa, struct s2_hint *hint, uint64_t expected)
{
	struct s2_walk walk;
	pa_t page;
	enum s2_access access = s2_access_begin(s2, ipa_of(ipa), hint, &walk, &page);

	assert_int_equal(access, expected != 0 ? S2_ACCESS_RAM : S2_ACCESS_EMPTY);
	if (access == S2_ACCESS_RAM) {
		assert_int_equal(page.v, expected);
		s2_access_end(&walk);
	}
	machine_command_end();
}

static void hint_leads_to_the_same_table(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_hint hint = {0};
	uint64_t *root = machine_raw(s2.root);
	uint64_t entry;

	(void)state;
	tables_grow(&s2, 0, 3);
	tables_set(&s2, 0, 3, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	tables_set(&s2, 511 * GRANULE_SIZE, 3,
		   (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(41)}, 0});
	hint_access(&s2, 0, &hint, BIT(40));
	entry = root[0];
	root[0] = 0;
	hint_access(&s2, 0, &hint, BIT(40));
	hint_access(&s2, 511 * GRANULE_SIZE, &hint, BIT(41));
	hint_access(&s2, GRANULE_SIZE, &hint, 0);
	hint_access(&s2, 0, NULL, 0);
	/* The next 2 MiB, and the first ones without a hint. */
	hint_access(&s2, 512 * GRANULE_SIZE, &hint, 0);
	hint_access(&s2, 0, &hint, 0);
	root[0] = entry;
	hint_access(&s2, 0, &hint, BIT(40));
}

/* A block is no table to remember, but one may be below its entry later. */
static void hint_is_never_a_block(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_hint hint = {0};

	(void)state;
	tables_grow(&s2, 0, 2);
	tables_set(&s2, 0, 2, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	hint_access(&s2, GRANULE_SIZE, &hint, BIT(40) + GRANULE_SIZE);
	assert_null(hint.table);
	tables_grow(&s2, 0, 3);
	hint_access(&s2, GRANULE_SIZE, &hint, BIT(40) + GRANULE_SIZE);
	assert_non_null(hint.table);
}

/* Out of the tree and into that of another realm: its pages are not ours. */
static void hint_to_a_table_that_was_freed(void **state)
{
	const struct s2_entry theirs = {S2_ASSIGNED, S2_RAM, {BIT(41)}, 0};
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2 other = s2;
	struct s2_hint hint = {0};
	struct granule_held table;
	struct s2_walk walk;

	(void)state;
	other.root = pa_of(TABLES_ROOT + 16 * GRANULE_SIZE);
	sim_make(other.root.v, GRANULE_RTT);
	tables_grow(&s2, 0, 3);
	tables_grow(&other, 0, 2);
	tables_set(&s2, 0, 3, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	hint_access(&s2, 0, &hint, BIT(40));

	s2_walk(&s2, ipa_of(0), 2, &walk);
	table = s2_table_below(&walk);
	s2_replace(&walk, (struct s2_entry){.kind = S2_UNASSIGNED});
	s2_walk_end(&walk);
	s2_table_free(table);
	/* Another state now. */
	hint_access(&s2, 0, &hint, 0);

	/* As after the first access: what it left is what the test is about. */
	hint.table = table.granule;
	hint.block = 0;
	hint.freed = s2_tables_freed - 1;
	assert_true(granule_lock(table.granule, GRANULE_DELEGATED, &table));
	s2_walk(&other, ipa_of(0), 2, &walk);
	s2_table_add(&walk, table);
	s2_walk_end(&walk);
	tables_set(&other, 0, 3, theirs);
	hint_access(&other, 0, NULL, BIT(41));
	hint_access(&s2, 0, &hint, 0);
}

/* Whoever has the lock may need one that this CPU has: the walk does not wait. */
static void hint_to_a_table_that_is_locked(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_hint hint = {0};
	struct granule_held held;
	struct granule *table;

	(void)state;
	tables_grow(&s2, 0, 3);
	tables_set(&s2, 0, 3, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	hint_access(&s2, 0, &hint, BIT(40));
	table = hint.table;
	assert_true(granule_lock(table, GRANULE_RTT, &held));
	assert_false(granule_try_lock_inner(table, GRANULE_RTT, &held));
	granule_unlock(held);
	assert_false(granule_try_lock_inner(table, GRANULE_DATA, &held));
	assert_true(granule_try_lock_inner(table, GRANULE_RTT, &held));
	granule_unlock(held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("s2_walk: every shape, start table and level", every_shape),
		SIM_TEST("s2_walk: all 16 concatenated start tables", concatenated),
		SIM_TEST("s2_walk: stops at the first entry that is no table", stops_early),
		SIM_TEST("s2_walk: hand over hand", hand_over_hand),
		SIM_TEST("s2_walk: never outside the IPA space or the levels", outside),
		SIM_TEST("s2_next_live: random tables in both halves", top_at_random),
		SIM_TEST("s2_next_live: start tables", top_of_start_tables),
		SIM_TEST("s2_access_begin: each HIPAS with each RIPAS", accesses),
		SIM_TEST("s2_access_begin: pages within blocks", access_in_blocks),
		SIM_TEST("s2_access_begin: holds the table only for RAM", access_holds_the_table),
		SIM_TEST("s2_access_begin: a hint to the same table", hint_leads_to_the_same_table),
		SIM_TEST("s2_access_begin: no hint to a block", hint_is_never_a_block),
		SIM_TEST("s2_access_begin: a hint to a freed table",
			 hint_to_a_table_that_was_freed),
		SIM_TEST("s2_access_begin: a hint to a locked table",
			 hint_to_a_table_that_is_locked),
	};

	return unit_run(tests);
}
