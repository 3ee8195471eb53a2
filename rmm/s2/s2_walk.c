// SPDX-License-Identifier: BSD-3-Clause
#include "base/assert.h"
#include "map/map.h"
#include "s2/s2_internal.h"

static unsigned int shift_of(int level)
{
	return GRANULE_SHIFT + 9U * (unsigned int)(S2_LEVEL_PAGE - level);
}

static struct granule_held lock_table(pa_t pa)
{
	struct granule *granule = granule_find(pa);

	ASSERT(granule != NULL);
	return granule_lock_inner(granule, GRANULE_RTT);
}

static void arrive(struct s2_walk *walk, struct granule_held table, int level)
{
	walk->table = table;
	walk->entries = map_meta(table.granule, GRANULE_RTT);
	walk->level = level;
	walk->index = (unsigned int)(walk->ipa.v >> shift_of(level)) % S2_TABLE_ENTRIES;
}

void s2_walk_begin(const struct s2 *s2, ipa_t ipa, struct s2_walk *walk)
{
	uint64_t number = ipa.v >> shift_of(s2->start_level) >> 9;

	ASSERT(s2_ipa_valid(s2, ipa));
	walk->s2 = s2;
	walk->ipa = ipa;
	number = index_clamp(number, s2->start_tables);
	arrive(walk, lock_table(pa_add(s2->root, number << GRANULE_SHIFT)), s2->start_level);
}

/* Only the entry where the walk ends is read in full. */
void s2_walk_down(struct s2_walk *walk, int level)
{
	uint64_t raw = walk->entries[walk->index];
	bool lpa2 = walk->s2->lpa2;

	ASSERT(level >= walk->level && level <= S2_LEVEL_PAGE);
	while (walk->level < level && s2_raw_table(raw, walk->level)) {
		struct granule_held child = lock_table(s2_raw_address(raw, lpa2));

		granule_unlock(walk->table);
		arrive(walk, child, walk->level + 1);
		raw = walk->entries[walk->index];
	}
	walk->entry = s2_decode(raw, walk->level, lpa2, s2_ipa_protected(walk->s2, walk->ipa));
}

void s2_walk(const struct s2 *s2, ipa_t ipa, int level, struct s2_walk *walk)
{
	s2_walk_begin(s2, ipa, walk);
	s2_walk_down(walk, level);
}

void s2_walk_end(struct s2_walk *walk)
{
	granule_unlock(walk->table);
}

struct granule_held s2_table_below(const struct s2_walk *walk)
{
	ASSERT(walk->entry.kind == S2_TABLE);
	return lock_table(walk->entry.pa);
}

struct arch_s2_loc s2_loc(const struct s2_walk *walk, unsigned int index)
{
	uint64_t table = align_down(walk->ipa.v, s2_entry_size(walk->level) * S2_TABLE_ENTRIES);

	return (struct arch_s2_loc){
		.context = walk->s2->context,
		.ipa = ipa_of(table + ((uint64_t)index << shift_of(walk->level))),
		.level = walk->level,
	};
}

/* The first live entry in [from, end), or end. */
static unsigned int find_live(const uint64_t *entries, unsigned int from, unsigned int end)
{
	while (from < end && !s2_raw_live(entries[from])) {
		from++;
	}
	return from;
}

ipa_t s2_next_live(const struct s2_walk *walk)
{
	unsigned int live_map = granule_live_map(walk->table);
	unsigned int mark = walk->index / S2_MARK_ENTRIES;
	unsigned int end = (mark + 1) * S2_MARK_ENTRIES;
	unsigned int found = end;

	if (s2_raw_live(walk->entries[walk->index])) {
		return walk->ipa;
	}
	if ((live_map >> mark & 1) != 0) {
		found = find_live(walk->entries, walk->index + 1, end);
	}
	if (found == end) {
		unsigned int later = live_map >> mark >> 1;

		if (later == 0) {
			return s2_loc(walk, s2_table_length(walk->level)).ipa;
		}
		end += S2_MARK_ENTRIES * (unsigned int)__builtin_ctz(later);
		found = find_live(walk->entries, end, end + S2_MARK_ENTRIES);
		ASSERT(found < end + S2_MARK_ENTRIES);
	}
	return s2_loc(walk, found).ipa;
}

_Atomic uint64_t s2_tables_freed;

static uint64_t tables_freed(void)
{
	return atomic_load_explicit(&s2_tables_freed, memory_order_relaxed);
}

static uint64_t block_of(ipa_t ipa)
{
	return ipa.v >> shift_of(S2_LEVEL_PAGE - 1);
}

/*
 * Begins a walk at the table of the hint. False, with nothing locked, if the hint is not for ipa or
 * is no longer good.
 *
 * With its lock held, a table that has not been freed since it was part of the tree still is, at
 * the same place: freeing is the only way out of the tree, and counts before it unlocks
 * (s2_table_free()). So a count that is as it was proves it, though the counter is read without
 * other locks: a table that was freed was locked then, and its lock orders the count before.
 */
static bool begin_at_hint(const struct s2 *s2, ipa_t ipa, const struct s2_hint *hint,
			  struct s2_walk *walk)
{
	struct granule_held table;

	if (hint->table == NULL || hint->block != block_of(ipa) ||
	    !granule_try_lock_inner(hint->table, GRANULE_RTT, &table)) {
		return false;
	}
	if (hint->freed != tables_freed()) {
		granule_unlock(table);
		return false;
	}
	walk->s2 = s2;
	walk->ipa = ipa;
	arrive(walk, table, S2_LEVEL_PAGE);
	return true;
}

/* Walks to the page of ipa, from the hint if it is good, and sets it where a table of pages is. */
static void walk_by_hint(const struct s2 *s2, ipa_t ipa, struct s2_hint *hint, struct s2_walk *walk)
{
	if (hint == NULL) {
		s2_walk(s2, ipa, S2_LEVEL_PAGE, walk);
		return;
	}
	if (begin_at_hint(s2, ipa, hint, walk)) {
		s2_walk_down(walk, S2_LEVEL_PAGE);
		return;
	}
	s2_walk(s2, ipa, S2_LEVEL_PAGE, walk);
	*hint = (struct s2_hint){0};
	if (walk->level == S2_LEVEL_PAGE) {
		*hint = (struct s2_hint){walk->table.granule, block_of(ipa), tables_freed()};
	}
}

enum s2_access s2_access_begin(const struct s2 *s2, ipa_t ipa, struct s2_hint *hint,
			       struct s2_walk *walk, pa_t *page)
{
	ASSERT(s2_ipa_protected(s2, ipa));
	walk_by_hint(s2, ipa, hint, walk);
	if (walk->entry.kind == S2_ASSIGNED && walk->entry.ripas == S2_RAM) {
		uint64_t offset = ipa.v & (s2_entry_size(walk->level) - 1);

		*page = pa_add(walk->entry.pa, align_down(offset, GRANULE_SIZE));
		return S2_ACCESS_RAM;
	}
	s2_walk_end(walk);
	return walk->entry.ripas == S2_EMPTY ? S2_ACCESS_EMPTY : S2_ACCESS_MISSING;
}

void s2_access_end(struct s2_walk *walk)
{
	s2_walk_end(walk);
}
