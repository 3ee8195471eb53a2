// SPDX-License-Identifier: BSD-3-Clause
/* Changes to tables. The order in each: what leads to the old goes, then the old, then the new. */
#include "base/assert.h"
#include "map/map.h"
#include "s2/s2_internal.h"

#define ALL_LIVE 0xFFFFU

static void mark(struct granule_held table, unsigned int index)
{
	unsigned int bit = 1U << (index / S2_MARK_ENTRIES);
	unsigned int live_map = granule_live_map(table);

	granule_set_live_map(table, (uint16_t)(live_map | bit));
}

/* Bits that some of the entries have; count is a multiple of 8. */
static uint64_t bits_in(const uint64_t *entries, unsigned int count)
{
	uint64_t bits = 0;

	for (unsigned int i = 0; i < count; i += 8) {
		bits |= entries[i] | entries[i + 1] | entries[i + 2] | entries[i + 3];
		bits |= entries[i + 4] | entries[i + 5] | entries[i + 6] | entries[i + 7];
	}
	return bits;
}

static void unmark_if_empty(struct granule_held table, const uint64_t *entries, unsigned int index)
{
	const uint64_t *group = &entries[index / S2_MARK_ENTRIES * S2_MARK_ENTRIES];
	unsigned int bit = 1U << (index / S2_MARK_ENTRIES);

	if (!s2_raw_live(bits_in(group, S2_MARK_ENTRIES))) {
		granule_set_live_map(table, (uint16_t)(granule_live_map(table) & ~bit));
	}
}

/* References and live_map after the walk's entry went from `old` to what it is now. */
static void account(struct s2_walk *walk, uint64_t old, const struct s2_entry *entry)
{
	bool counted = s2_entry_counts(&walk->entry);
	bool live = s2_raw_live(walk->entries[walk->index]);

	if (s2_entry_counts(entry) && !counted) {
		granule_ref(walk->table, 1);
	} else if (!s2_entry_counts(entry) && counted) {
		granule_unref(walk->table.granule, 1);
	}
	if (live && !s2_raw_live(old)) {
		mark(walk->table, walk->index);
	} else if (!live && s2_raw_live(old)) {
		unmark_if_empty(walk->table, walk->entries, walk->index);
	}
}

/* No CPU can use the old entry, or what it led to, when this returns. */
static void forget(const struct s2_walk *walk, const struct arch_s2_loc *loc)
{
	if (walk->entry.kind == S2_TABLE) {
		struct arch_s2_loc first = *loc;

		first.level++;
		arch_tlb_s2_range(&first, S2_TABLE_ENTRIES);
	} else {
		arch_tlb_s2_entry(loc);
	}
}

void s2_replace(struct s2_walk *walk, struct s2_entry entry)
{
	struct arch_s2_loc loc = s2_loc(walk, walk->index);
	uint64_t *at = &walk->entries[walk->index];
	uint64_t old = *at;
	uint64_t new = s2_encode(&entry, walk->level, walk->s2->lpa2);

	if (s2_raw_valid(old)) {
		arch_s2_write(at, s2_raw_valid(new) ? 0 : new, &loc);
		forget(walk, &loc);
	}
	if (s2_raw_valid(new) || !s2_raw_valid(old)) {
		arch_s2_write(at, new, &loc);
		arch_s2_sync();
	}
	account(walk, old, &entry);
	walk->entry = entry;
}

/* first, first + step, first + 2 * step ... Eight at a time: this is most of RMI_RTT_CREATE. */
static void fill(uint64_t *entries, uint64_t first, uint64_t step)
{
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += 8, first += 8 * step) {
		entries[i] = first;
		entries[i + 1] = first + step;
		entries[i + 2] = first + 2 * step;
		entries[i + 3] = first + 3 * step;
		entries[i + 4] = first + 4 * step;
		entries[i + 5] = first + 5 * step;
		entries[i + 6] = first + 6 * step;
		entries[i + 7] = first + 7 * step;
	}
}

static void fill_same(uint64_t *entries, uint64_t value)
{
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += 8) {
		entries[i] = value;
		entries[i + 1] = value;
		entries[i + 2] = value;
		entries[i + 3] = value;
		entries[i + 4] = value;
		entries[i + 5] = value;
		entries[i + 6] = value;
		entries[i + 7] = value;
	}
}

/* The reference of a shared block becomes one reference for each of its parts. */
static void split_shared(pa_t block, uint64_t part)
{
	pa_t parts[S2_MARK_ENTRIES];

	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += S2_MARK_ENTRIES) {
		for (unsigned int j = 0; j < S2_MARK_ENTRIES; j++) {
			parts[j] = pa_add(block, (i + j) * part);
		}
		s2_share_ref(parts, S2_MARK_ENTRIES);
	}
	s2_share_unref(&block, 1);
}

void s2_table_add(struct s2_walk *walk, struct granule_held rtt)
{
	const struct s2_entry *parent = &walk->entry;
	int level = walk->level + 1;
	uint64_t *entries = map_meta_open(rtt);
	uint64_t first = s2_encode(parent, level, walk->s2->lpa2);

	ASSERT(parent->kind != S2_TABLE);
	if (s2_raw_live(first)) {
		/* A block is aligned to its size: adding to the address carries into nothing. */
		fill(entries, first, s2_entry_size(level));
		granule_set_live_map(rtt, ALL_LIVE);
	} else if (s2_raw_shared(first)) {
		fill(entries, first, s2_entry_size(level));
		split_shared(parent->pa, s2_entry_size(level));
	} else if (first != 0) {
		fill_same(entries, first);
	}
	if (s2_entry_counts(parent)) {
		granule_ref(rtt, S2_TABLE_ENTRIES);
	}
	s2_replace(walk, (struct s2_entry){.kind = S2_TABLE, .pa = granule_pa(rtt.granule)});
	granule_unlock_to(rtt, GRANULE_RTT);
}

/* Two entries at a time: the CPU has a comparison for that. */
static inline bool pair_is(const uint64_t *entries, unsigned int at, uint64_t first,
			   uint64_t second)
{
	return (entries[at] == first) & (entries[at + 1] == second);
}

static bool all_are(const uint64_t *entries, uint64_t value)
{
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += 8) {
		if (!pair_is(entries, i, value, value) || !pair_is(entries, i + 2, value, value) ||
		    !pair_is(entries, i + 4, value, value) ||
		    !pair_is(entries, i + 6, value, value)) {
			return false;
		}
	}
	return true;
}

/* first, first + step, first + 2 * step ... */
static bool all_follow(const uint64_t *entries, uint64_t first, uint64_t step)
{
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i += 4, first += 4 * step) {
		if (!pair_is(entries, i, first, first + step) ||
		    !pair_is(entries, i + 2, first + 2 * step, first + 3 * step)) {
			return false;
		}
	}
	return true;
}

bool s2_table_uniform(const struct s2_walk *walk, struct granule_held below,
		      struct s2_entry *folded)
{
	const uint64_t *entries = map_meta(below.granule, GRANULE_RTT);
	int level = walk->level + 1;
	unsigned int live_map = granule_live_map(below);
	struct s2_entry first =
		s2_decode(entries[0], level, walk->s2->lpa2, s2_ipa_protected(walk->s2, walk->ipa));

	if (live_map != (s2_raw_live(entries[0]) ? ALL_LIVE : 0) || first.kind == S2_TABLE) {
		return false;
	}
	/* What is sealed is opened again region by region. */
	if (first.kind == S2_ASSIGNED && first.attr != 0) {
		return false;
	}
	/* Blocks exist at levels 1 and 2 only, and are aligned to their size. */
	if (live_map != 0 &&
	    (walk->level < 1 || !is_aligned(first.pa.v, s2_entry_size(walk->level)))) {
		return false;
	}
	*folded = first;
	if (live_map != 0) {
		return all_follow(entries, entries[0], s2_entry_size(level));
	}
	if (!all_are(entries, entries[0])) {
		return false;
	}
	/* No page is shared twice within a table, so shared mappings are never alike throughout. */
	ASSERT(!s2_raw_shared(entries[0]));
	return true;
}

void s2_table_free(struct granule_held table)
{
	atomic_fetch_add_explicit(&s2_tables_freed, 1, memory_order_relaxed);
	granule_unref(table.granule, granule_refs(table.granule));
	map_meta_close(table);
	granule_unlock_to(table, GRANULE_DELEGATED);
}
