// SPDX-License-Identifier: BSD-3-Clause
/* Changes of entries and tables: contents, references, live map, and what the TLBs are told. */
#include <stdlib.h>

#include "arch/tlb.h"
#include "map/map.h"
#include "s2/s2_tables.h"

#define WB   (RMI_MEMATTR_NORMAL_WB << RMI_DESC_MEMATTR_SHIFT)
#define RW   ((RMI_S2AP_READ | RMI_S2AP_WRITE) << RMI_DESC_S2AP_SHIFT)
#define HALF BIT(39) /* of a 40-bit IPA space */
#define FAR  BIT(40) /* memory that no machine of ours has, aligned to every size */

/* All that an entry can say, but TABLE. */
static const struct s2_entry protected_entries[] = {
	{S2_UNASSIGNED, S2_EMPTY, {0}, 0},     {S2_UNASSIGNED, S2_RAM, {0}, 0},
	{S2_UNASSIGNED, S2_DESTROYED, {0}, 0}, {S2_ASSIGNED, S2_EMPTY, {FAR}, 0},
	{S2_ASSIGNED, S2_RAM, {FAR}, 0},       {S2_ASSIGNED, S2_DESTROYED, {FAR}, 0},
};
static const struct s2_entry unprotected_entries[] = {
	{S2_UNASSIGNED_NS, S2_EMPTY, {0}, 0},
	{S2_ASSIGNED_NS, S2_EMPTY, {FAR}, WB | RW},
};

static unsigned int invalidations(void)
{
	struct machine_tlb_count count = machine_tlb_count();

	return count.entries + count.ranges + count.alls;
}

static struct s2_walk walk_to(const struct s2 *s2, uint64_t ipa, int level)
{
	struct s2_walk walk;

	s2_walk(s2, ipa_of(ipa), level, &walk);
	assert_int_equal(walk.level, level);
	return walk;
}

static void replace_pairs(const struct s2 *s2, uint64_t ipa, int level,
			  const struct s2_entry *entries, size_t count)
{
	for (size_t from = 0; from < count; from++) {
		for (size_t to = 0; to < count; to++) {
			unsigned int before;

			tables_set(s2, ipa, level, entries[from]);
			before = invalidations();
			tables_set(s2, ipa, level, entries[to]);
			assert_int_equal(invalidations() - before,
					 s2_entry_maps(&entries[from]) ? 1 : 0);
			assert_entry(tables_get(s2, ipa, level), entries[to]);
			s2_check(s2);
		}
	}
	tables_set(s2, ipa, level, entries[0]);
}

/*
 * Every pair, at every level that has pages or blocks: one invalidation if it was valid, or none.
 */
static void replace_leaves(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, true);

	(void)state;
	for (int level = 1; level <= S2_LEVEL_PAGE; level++) {
		uint64_t ipa = 3 * s2_entry_size(level);

		tables_grow(&s2, ipa, level);
		tables_grow(&s2, HALF + ipa, level);
		replace_pairs(&s2, ipa, level, protected_entries, ARRAY_LENGTH(protected_entries));
		replace_pairs(&s2, HALF + ipa, level, unprotected_entries,
			      ARRAY_LENGTH(unprotected_entries));
		assert_int_equal(machine_tlb_count().ranges, 0);
		assert_int_equal(machine_tlb_count().alls, 0);
	}
}

/* What entry i of a table says that stands for `parent`. */
static struct s2_entry part_of(struct s2_entry parent, unsigned int i, int level)
{
	if (parent.kind == S2_ASSIGNED || parent.kind == S2_ASSIGNED_NS) {
		parent.pa.v += i * s2_entry_size(level);
	}
	return parent;
}

static void check_parts(const struct s2 *s2, uint64_t base, int level, struct s2_entry parent)
{
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		assert_entry(tables_get(s2, base + i * s2_entry_size(level), level),
			     part_of(parent, i, level));
	}
}

static struct s2_entry fold(const struct s2 *s2, uint64_t ipa, int level)
{
	struct s2_walk walk = walk_to(s2, ipa, level - 1);
	struct granule_held below = s2_table_below(&walk);
	struct s2_entry folded;

	assert_true(s2_table_uniform(&walk, below, &folded));
	s2_replace(&walk, folded);
	s2_walk_end(&walk);
	s2_table_free(below);
	return folded;
}

static void unfold_and_fold(const struct s2 *s2, uint64_t ipa, int level, struct s2_entry entry)
{
	bool valid = s2_entry_maps(&entry);
	unsigned int before;

	tables_set(s2, ipa, level - 1, entry);
	before = invalidations();
	tables_grow(s2, ipa, level);
	assert_int_equal(invalidations() - before, valid ? 1 : 0);
	check_parts(s2, ipa, level, entry);
	s2_check(s2);

	before = machine_tlb_count().ranges;
	assert_entry(fold(s2, ipa, level), entry);
	assert_int_equal(machine_tlb_count().ranges - before, 1);
	assert_entry(tables_get(s2, ipa, level - 1), entry);
	s2_check(s2);
	tables_set(s2, ipa, level - 1,
		   (struct s2_entry){.kind = s2_ipa_protected(s2, ipa_of(ipa)) ? S2_UNASSIGNED
									       : S2_UNASSIGNED_NS});
}

/* RMM specification A5.5.6, A5.5.7: each kind of entry, from each level that can hold it. */
static void tables_there_and_back(bool lpa2)
{
	struct s2 s2 = tables_make(40, 0, 1, lpa2);

	for (int level = 1; level <= S2_LEVEL_PAGE; level++) {
		uint64_t ipa = level == 1 ? 0 : 5 * s2_entry_size(level - 1);

		tables_grow(&s2, ipa, level - 1);
		tables_grow(&s2, HALF + ipa, level - 1);
		for (size_t i = 0; i < ARRAY_LENGTH(protected_entries); i++) {
			if (level > 1 || protected_entries[i].kind == S2_UNASSIGNED) {
				unfold_and_fold(&s2, ipa, level, protected_entries[i]);
			}
		}
		for (size_t i = 0; i < ARRAY_LENGTH(unprotected_entries); i++) {
			if (level > 1 || i == 0) {
				unfold_and_fold(&s2, HALF + ipa, level, unprotected_entries[i]);
			}
		}
	}
	assert_int_equal(machine_tlb_count().alls, 0);
	sim_reset();
}

static void unfold_fold(void **state)
{
	(void)state;
	tables_there_and_back(false);
	tables_there_and_back(true);
}

/* Blocks whose addresses need bits [51:50]. */
static void unfold_high_addresses(void **state)
{
	struct s2 s2 = tables_make(52, -1, 1, true);
	struct s2_entry page = {S2_ASSIGNED, S2_RAM, {BIT(51) | BIT(50) | BIT(49)}, 0};
	struct s2_entry ns = {S2_ASSIGNED_NS, S2_EMPTY, {BIT(51) | BIT(30)}, RW};

	(void)state;
	tables_grow(&s2, 0, 1);
	tables_grow(&s2, BIT(51), 1);
	unfold_and_fold(&s2, 0, 2, page);
	unfold_and_fold(&s2, BIT(51), 2, ns);
}

static bool uniform(const struct s2 *s2, uint64_t ipa, int level)
{
	struct s2_walk walk = walk_to(s2, ipa, level - 1);
	struct granule_held below = s2_table_below(&walk);
	struct s2_entry folded;
	bool result = s2_table_uniform(&walk, below, &folded);

	granule_unlock(below);
	s2_walk_end(&walk);
	return result;
}

/* One entry of a uniform table says something else: each place, each other thing. */
static void one_differs(const struct s2 *s2, uint64_t ipa, const struct s2_entry *entries,
			size_t count, struct s2_entry common)
{
	tables_set(s2, ipa, 2, common);
	tables_grow(s2, ipa, 3);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += i == 0 || i == 510 ? 1 : 30) {
		struct s2_entry part = part_of(common, i, 3);

		for (size_t other = 0; other < count; other++) {
			struct s2_entry odd = part_of(entries[other], i, 3);

			tables_set(s2, ipa + i * GRANULE_SIZE, 3, odd);
			assert_int_equal(uniform(s2, ipa, 3),
					 odd.kind == part.kind && odd.ripas == part.ripas);
		}
		tables_set(s2, ipa + i * GRANULE_SIZE, 3, part);
	}
	fold(s2, ipa, 3);
}

static void not_uniform(void **state)
{
	struct s2 s2 = tables_make(40, 2 - 1, 2, false);

	(void)state;
	tables_grow(&s2, 0, 2);
	tables_grow(&s2, HALF, 2);
	for (size_t i = 0; i < ARRAY_LENGTH(protected_entries); i++) {
		one_differs(&s2, 0, protected_entries, ARRAY_LENGTH(protected_entries),
			    protected_entries[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(unprotected_entries); i++) {
		one_differs(&s2, HALF, unprotected_entries, ARRAY_LENGTH(unprotected_entries),
			    unprotected_entries[i]);
	}
	s2_check(&s2);
}

/* Pages that do not make a block: swapped, misaligned, from elsewhere; attributes that differ. */
static void not_contiguous(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct s2_entry ram = {S2_ASSIGNED, S2_RAM, {FAR}, 0};
	struct s2_entry ns = {S2_ASSIGNED_NS, S2_EMPTY, {FAR}, WB | RW};

	(void)state;
	tables_set(&s2, 0, 1, (struct s2_entry){.kind = S2_UNASSIGNED});
	tables_grow(&s2, 0, 3);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		ram.pa.v = FAR + (i + 1) * GRANULE_SIZE;
		tables_set(&s2, i * GRANULE_SIZE, 3, ram);
	}
	assert_false(uniform(&s2, 0, 3));
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		ram.pa.v = FAR + (i ^ 1) * GRANULE_SIZE;
		tables_set(&s2, i * GRANULE_SIZE, 3, ram);
	}
	assert_false(uniform(&s2, 0, 3));
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		ram.pa.v = FAR + i * GRANULE_SIZE;
		tables_set(&s2, i * GRANULE_SIZE, 3, ram);
	}
	assert_true(uniform(&s2, 0, 3));
	ram.pa.v += BIT(21);
	tables_set(&s2, 511 * GRANULE_SIZE, 3, ram);
	assert_false(uniform(&s2, 0, 3));

	tables_grow(&s2, HALF, 2);
	tables_set(&s2, HALF, 2, ns);
	tables_grow(&s2, HALF, 3);
	assert_true(uniform(&s2, HALF, 3));
	for (unsigned int bit = 2; bit <= 7; bit++) {
		struct s2_entry odd = part_of(ns, 77, 3);

		if (bit == 5) {
			continue;
		}
		odd.attr ^= BIT(bit);
		tables_set(&s2, HALF + 77 * GRANULE_SIZE, 3, odd);
		assert_false(uniform(&s2, HALF, 3));
	}
}

/* A table of tables, a table of 1 GiB blocks. */
static void never_uniform(void **state)
{
	struct s2 s2 = tables_make(40, 0, 1, false);

	(void)state;
	tables_grow(&s2, 0, 2);
	assert_false(uniform(&s2, 0, 1));
	tables_grow(&s2, HALF, 1);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		struct s2_entry block = {S2_ASSIGNED_NS, S2_EMPTY, {i * BIT(30)}, RW};

		tables_set(&s2, HALF + i * BIT(30), 1, block);
	}
	assert_false(uniform(&s2, HALF, 1));
	s2_check(&s2);
}

static void all_tables(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);

	(void)state;
	tables_grow(&s2, 0, 2);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		tables_grow(&s2, i * BIT(21), 3);
	}
	assert_false(uniform(&s2, 0, 2));
}

/* --- runs of RIPAS --- */

static uint64_t run_end(const struct s2 *s2, uint64_t base, uint64_t top, unsigned int stops)
{
	struct s2_walk walk;
	uint64_t end;

	s2_walk(s2, ipa_of(base), 3, &walk);
	end = s2_run_end(&walk, ipa_of(top), stops).v;
	s2_walk_end(&walk);
	return end;
}

static void run_ends(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	uint64_t table = BIT(30);
	uint64_t other = 2 * BIT(30);

	(void)state;
	tables_grow(&s2, table, 3); /* at level 2, index 0 leads to a table */
	assert_int_equal(run_end(&s2, table, BIT(38), 0), table + BIT(21));
	assert_int_equal(run_end(&s2, table + 4096, table + 8192, 0), table + 8192);
	assert_int_equal(run_end(&s2, table + 4096, table + 8191, 0), table + 4096);
	assert_int_equal(run_end(&s2, table + BIT(21), BIT(38), 0), 2 * BIT(30));
	tables_grow(&s2, table + 9 * BIT(21), 3);
	assert_int_equal(run_end(&s2, table + BIT(21), BIT(38), 0), table + 9 * BIT(21));
	assert_int_equal(run_end(&s2, table + BIT(21), table + 8 * BIT(21) - 1, 0),
			 table + 7 * BIT(21));
	/* Smaller than an entry, and from the middle of one. */
	assert_int_equal(run_end(&s2, other, other + 4096, 0), other);
	assert_int_equal(run_end(&s2, other + 4096, other + 8192, 0), other);
	assert_int_equal(run_end(&s2, other + 4096, other + BIT(30), 0), other + BIT(30));

	tables_set(&s2, table + 5 * 4096, 3, protected_entries[4]);
	tables_set(&s2, table + 7 * 4096, 3, protected_entries[2]);
	tables_set(&s2, table + 9 * 4096, 3, protected_entries[5]);
	assert_int_equal(run_end(&s2, table, BIT(38), S2_STOP_ASSIGNED), table + 5 * 4096);
	assert_int_equal(run_end(&s2, table, BIT(38), S2_STOP_DESTROYED), table + 7 * 4096);
	assert_int_equal(run_end(&s2, table + 8 * 4096, BIT(38), S2_STOP_DESTROYED),
			 table + 9 * 4096);
	assert_int_equal(run_end(&s2, table + 9 * 4096, BIT(38), S2_STOP_ASSIGNED),
			 table + 9 * 4096);
	assert_int_equal(run_end(&s2, table, BIT(38), 0), table + BIT(21));
}

static void set_ripas(const struct s2 *s2, uint64_t base, uint64_t end, enum s2_ripas ripas)
{
	struct s2_walk walk;

	s2_walk(s2, ipa_of(base), 3, &walk);
	s2_set_ripas(&walk, ipa_of(end), ripas);
	s2_walk_end(&walk);
}

/* Each kind of entry to each RIPAS; HIPAS, address, references and live map stay. */
static void set_each(void **state)
{
	static const enum s2_ripas wanted[] = {S2_EMPTY, S2_RAM};
	struct s2 s2 = tables_make(40, 1, 2, true);

	(void)state;
	tables_grow(&s2, 0, 3);
	for (size_t i = 0; i < ARRAY_LENGTH(protected_entries); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(wanted); j++) {
			struct s2_entry before = part_of(protected_entries[i], 100, 3);
			bool gone = before.kind == S2_ASSIGNED && before.ripas == S2_RAM &&
				    wanted[j] != S2_RAM;
			unsigned int count;

			tables_set(&s2, 100 * 4096, 3, before);
			count = invalidations();
			set_ripas(&s2, 100 * 4096, 101 * 4096, wanted[j]);
			assert_int_equal(invalidations() - count, gone ? 1 : 0);
			before.ripas = wanted[j];
			assert_entry(tables_get(&s2, 100 * 4096, 3), before);
			assert_int_equal(tables_get(&s2, 99 * 4096, 3).ripas, S2_EMPTY);
			assert_int_equal(tables_get(&s2, 101 * 4096, 3).ripas, S2_EMPTY);
			s2_check(&s2);
		}
	}
}

/* A run that takes mappings away here and there: one invalidation covers them. */
static void set_run(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);
	struct machine_tlb_count before;

	(void)state;
	tables_grow(&s2, 0, 3);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		tables_set(&s2, i * 4096, 3, part_of(protected_entries[i % 6], i, 3));
	}
	before = machine_tlb_count();
	set_ripas(&s2, 2 * 4096, 500 * 4096, S2_EMPTY);
	assert_int_equal(machine_tlb_count().ranges - before.ranges, 1);
	assert_int_equal(machine_tlb_count().entries, before.entries);
	set_ripas(&s2, 3 * 4096, 499 * 4096, S2_RAM);
	assert_int_equal(machine_tlb_count().ranges - before.ranges, 1);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		struct s2_entry entry = part_of(protected_entries[i % 6], i, 3);

		if (i >= 2 && i < 500) {
			entry.ripas = i == 2 || i == 499 ? S2_EMPTY : S2_RAM;
		}
		assert_entry(tables_get(&s2, i * 4096, 3), entry);
	}
	s2_check(&s2);
}

static void set_blocks(void **state)
{
	struct s2 s2 = tables_make(40, 1, 2, false);

	(void)state;
	tables_set(&s2, BIT(30), 1, protected_entries[4]);
	tables_set(&s2, 3 * BIT(30), 1, part_of(protected_entries[4], 1, 1));
	set_ripas(&s2, 0, 4 * BIT(30), S2_EMPTY);
	assert_int_equal(tables_get(&s2, BIT(30), 1).kind, S2_ASSIGNED);
	assert_int_equal(tables_get(&s2, BIT(30), 1).ripas, S2_EMPTY);
	assert_int_equal(invalidations(), 1);
	set_ripas(&s2, 0, 4 * BIT(30), S2_RAM);
	assert_int_equal(tables_get(&s2, BIT(30), 1).ripas, S2_RAM);
	assert_int_equal(tables_get(&s2, BIT(30), 1).pa.v, FAR);
	assert_int_equal(invalidations(), 1);
}

/* --- the TLB checker that these tests rely on --- */

static void write_raw(struct s2_walk *walk, uint64_t raw)
{
	struct arch_s2_loc place = s2_loc(walk, walk->index);

	arch_s2_write(&walk->entries[walk->index], raw, &place);
}

static void checker_notices(void **state)
{
	struct s2 s2;
	struct s2_walk walk;

	(void)state;
#define FRESH()                                              \
	do {                                                 \
		s2 = tables_make(40, 1, 2, false);           \
		tables_grow(&s2, 0, 3);                      \
		tables_set(&s2, 0, 3, protected_entries[4]); \
		walk = walk_to(&s2, 0, 3);                   \
	} while (0)

	FRESH();
	ASSERT_STOPS("TLB: a valid entry is replaced", write_raw(&walk, 3));
	FRESH();
	write_raw(&walk, 0);
	arch_s2_sync();
	ASSERT_STOPS("TLB: IPA 0 is stale", s2_walk_end(&walk));
	FRESH();
	write_raw(&walk, 0);
	ASSERT_STOPS("TLB: an entry is made before", write_raw(&walk, 3));
	FRESH();
	walk.index++;
	write_raw(&walk, 3);
	ASSERT_STOPS("TLB: walkers may not see", s2_walk_end(&walk));
#undef FRESH
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("s2_replace: each leaf by each, one invalidation or none", replace_leaves),
		SIM_TEST("s2_table_add, fold: each kind of entry at each level", unfold_fold),
		SIM_TEST("s2_table_add, fold: addresses above 2^48", unfold_high_addresses),
		SIM_TEST("s2_table_uniform: one entry differs", not_uniform),
		SIM_TEST("s2_table_uniform: pages that make no block", not_contiguous),
		SIM_TEST("s2_table_uniform: 1 GiB blocks and tables below", never_uniform),
		SIM_TEST("s2_table_uniform: nothing but tables", all_tables),
		SIM_TEST("s2_run_end: tables, DESTROYED, ASSIGNED, top", run_ends),
		SIM_TEST("s2_set_ripas: each entry to each RIPAS", set_each),
		SIM_TEST("s2_set_ripas: one invalidation for a run", set_run),
		SIM_TEST("s2_set_ripas: blocks of 1 GiB", set_blocks),
		SIM_TEST("TLB checker: stale, made before broken, not seen by walkers",
			 checker_notices),
	};

	return unit_run(tests);
}
