// SPDX-License-Identifier: BSD-3-Clause
/*
 * Shared mappings: memory of a provider in the tables of a consumer, and scans of the entries of a
 * range.
 *
 * The provider's table is read and unlocked before the consumer's is locked; the caller holds the
 * provider's CSM lock, so the pages stay assigned in between. To unmap: make the entries invalid,
 * invalidate the TLBs once, drop the references, clear the entries.
 */
#include "arch/copy.h"
#include "base/assert.h"
#include "map/map.h"
#include "s2/s2_internal.h"

/*
 * Pages that are dealt with together: read from the provider's table before the consumer's is
 * locked. That is 4 KiB of a stack of 32.
 */
#define RUN_MAX S2_TABLE_ENTRIES

/* What a provider maps from one address on. */
struct run {
	int level;           /* of the entry at the address */
	uint64_t pages;      /* of the run, at most RUN_MAX; of a block: to its end */
	unsigned int blocks; /* blocks in a row from the address on, at its level; 1: or a part */
	pa_t pa[RUN_MAX];    /* page level: each page, 0 for none; otherwise each block, or 0 */
};

/* Bits that one of the entries has / that all have. Eight at a time: that is most of a scan. */
static uint64_t any_bits(const uint64_t *entries, unsigned int count)
{
	uint64_t bits = 0;
	unsigned int i = 0;

	for (; count - i >= 8; i += 8) {
		bits |= entries[i] | entries[i + 1] | entries[i + 2] | entries[i + 3];
		bits |= entries[i + 4] | entries[i + 5] | entries[i + 6] | entries[i + 7];
	}
	for (; i < count; i++) {
		bits |= entries[i];
	}
	return bits;
}

static uint64_t common_bits(const uint64_t *entries, unsigned int count)
{
	uint64_t bits = ~UINT64_C(0);
	unsigned int i = 0;

	for (; count - i >= 8; i += 8) {
		bits &= entries[i] & entries[i + 1] & entries[i + 2] & entries[i + 3];
		bits &= entries[i + 4] & entries[i + 5] & entries[i + 6] & entries[i + 7];
	}
	for (; i < count; i++) {
		bits &= entries[i];
	}
	return bits;
}

/* Entry `index` of the walk's table, and where it stands, if what stands at `first` is known. */
static struct arch_s2_loc loc_after(struct arch_s2_loc first, unsigned int index)
{
	first.ipa = ipa_add(first.ipa, index * s2_entry_size(first.level));
	return first;
}

/* Bytes from the walk's IPA to the end of its entry. */
static uint64_t rest_of_entry(const struct s2_walk *walk)
{
	uint64_t size = s2_entry_size(walk->level);

	return size - (walk->ipa.v & (size - 1));
}

/*
 * The pages behind entries with these bits, 0 for others; one at least. Twice, once for each form
 * of an address: loops like this one are what a page costs.
 */
static inline void read_form(const uint64_t *entries, unsigned int count, uint64_t with, bool lpa2,
			     pa_t *pages)
{
	unsigned int i = 0;

	do {
		uint64_t raw = entries[i];

		pages[i] = (raw & with) == with ? s2_raw_address(raw, lpa2) : pa_of(0);
	} while (++i < count);
}

static void read_pages(const uint64_t *entries, unsigned int count, uint64_t with, bool lpa2,
		       pa_t *pages)
{
	if (lpa2) {
		read_form(entries, count, with, true, pages);
	} else {
		read_form(entries, count, with, false, pages);
	}
}

/*
 * How many blocks of up to `pages` pages stand in a row from the walk's entry on, which the walk
 * begins with; where each is. 1 if not one whole block is asked for.
 */
static unsigned int read_blocks(const struct s2_walk *walk, uint64_t pages, pa_t *blocks)
{
	uint64_t wanted = pages / (s2_entry_size(walk->level) >> GRANULE_SHIFT);
	unsigned int most = (unsigned int)min_u64(wanted, S2_TABLE_ENTRIES - walk->index);
	unsigned int count = 1;

	for (; count < most && s2_raw_own(walk->entries[walk->index + count]) &&
	       !s2_raw_table(walk->entries[walk->index + count], walk->level);
	     count++) {
		blocks[count] = s2_raw_address(walk->entries[walk->index + count], walk->s2->lpa2);
	}
	return count;
}

/*
 * Reads up to `pages` pages of the provider, from ipa on, within one table or entry. run->pa[i] is
 * zero for an absent page. The walk has ended on return; the provider's CSM lock keeps the pages
 * assigned.
 */
static void read_run(const struct s2 *s2, ipa_t ipa, uint64_t pages, struct run *run)
{
	struct s2_walk walk;

	s2_walk(s2, ipa, S2_LEVEL_PAGE, &walk);
	run->level = walk.level;
	run->blocks = 1;
	if (walk.level == S2_LEVEL_PAGE) {
		run->pages = min_u64(min_u64(pages, RUN_MAX), S2_TABLE_ENTRIES - walk.index);
		read_pages(&walk.entries[walk.index], (unsigned int)run->pages, S2_VALID | S2_LIVE,
			   s2->lpa2, run->pa);
	} else {
		bool valid = walk.entry.kind == S2_ASSIGNED && walk.entry.ripas == S2_RAM;
		uint64_t inside = ipa.v & (s2_entry_size(walk.level) - 1);

		run->pages = min_u64(pages, rest_of_entry(&walk) >> GRANULE_SHIFT);
		run->pa[0] = valid ? pa_add(walk.entry.pa, inside) : pa_of(0);
		run->blocks = valid && inside == 0 ? read_blocks(&walk, pages, run->pa) : 1;
	}
	s2_walk_end(&walk);
}

static bool is_free(uint64_t raw)
{
	return !s2_raw_live(raw) && !s2_raw_shared(raw);
}

/* What is behind each page of a block; then the run is one of pages. */
static void spread(struct run *run, unsigned int count)
{
	for (unsigned int i = 1; i < count && run->level != S2_LEVEL_PAGE; i++) {
		run->pa[i] = pa_add(run->pa[0], i * GRANULE_SIZE);
	}
	run->level = S2_LEVEL_PAGE;
}

/* Entries that are the same but for the page; 0: none. */
static inline void write_form(struct s2_walk *walk, const pa_t *pages, unsigned int count,
			      uint64_t limits, bool lpa2)
{
	const struct s2_entry nowhere = {.kind = S2_SHARED, .attr = limits};
	const struct arch_s2_loc loc = s2_loc(walk, walk->index);
	uint64_t common = s2_encode(&nowhere, S2_LEVEL_PAGE, lpa2);
	uint64_t *entries = &walk->entries[walk->index];

	for (unsigned int i = 0; i < count; i++) {
		struct arch_s2_loc there = loc_after(loc, i);

		if (pages[i].v != 0) {
			arch_s2_write(&entries[i], common | s2_raw_place(pages[i], lpa2), &there);
		}
	}
}

/*
 * Maps the pages of a run into the consumer's table at the walk. Returns how many entries were
 * visited; entries that are in use, and absent pages, are skipped. Each mapping holds a reference
 * of its page.
 */
static unsigned int map_pages(struct s2_walk *walk, struct run *run, uint64_t limits)
{
	uint64_t most = min_u64(run->pages, RUN_MAX);
	unsigned int count = (unsigned int)min_u64(most, S2_TABLE_ENTRIES - walk->index);
	const uint64_t *entries = &walk->entries[walk->index];
	uint64_t bits = any_bits(entries, count);

	spread(run, count);
	for (unsigned int i = 0; i < count && !is_free(bits); i++) {
		run->pa[i] = is_free(entries[i]) ? run->pa[i] : pa_of(0);
	}
	s2_share_ref(run->pa, count);
	if (walk->s2->lpa2) {
		write_form(walk, run->pa, count, limits, true);
	} else {
		write_form(walk, run->pa, count, limits, false);
	}
	arch_s2_sync();
	return count;
}

/*
 * Where the consumer has no table for the page at `offset`: the whole entry there can be a block if
 * the provider has a block at least as large, both are aligned, and the region covers it. *start is
 * the offset where the block begins.
 */
static bool block_fits(const struct s2_share *share, const struct s2_walk *walk,
		       const struct run *run, uint64_t offset, uint64_t *start)
{
	uint64_t size = s2_entry_size(walk->level);
	uint64_t inside = walk->ipa.v & (size - 1);

	if (run->level == S2_LEVEL_PAGE || run->level > walk->level || walk->level < 1) {
		return false;
	}
	*start = offset - inside;
	return offset >= inside && size <= share->size - *start &&
	       is_aligned(share->provider_base.v + *start, size);
}

/*
 * Maps the blocks of a run that follow the one at the walk's entry, as long as the consumer's
 * entries are free. Returns how many.
 */
static unsigned int map_more_blocks(const struct s2_share *share, struct s2_walk *walk,
				    const struct run *run)
{
	const struct arch_s2_loc loc = s2_loc(walk, walk->index);
	unsigned int most = run->level == walk->level ? run->blocks : 1;
	uint64_t *entries = &walk->entries[walk->index];
	unsigned int count = 1;

	most = (unsigned int)min_u64(most, S2_TABLE_ENTRIES - walk->index);
	while (count < most && is_free(entries[count])) {
		count++;
	}
	s2_share_ref(&run->pa[1], count - 1);
	for (unsigned int i = 1; i < count; i++) {
		const struct s2_entry entry = {
			.kind = S2_SHARED, .attr = share->limits, .pa = run->pa[i]};
		struct arch_s2_loc there = loc_after(loc, i);

		arch_s2_write(&entries[i], s2_encode(&entry, walk->level, walk->s2->lpa2), &there);
	}
	arch_s2_sync();
	return count - 1;
}

static enum s2_share_result map_block(const struct s2_share *share, struct s2_walk *walk,
				      const struct run *run, uint64_t *offset,
				      unsigned int *visited)
{
	uint64_t rest = rest_of_entry(walk);
	unsigned int more = 0;
	uint64_t start;
	enum s2_share_result result = S2_SHARE_NO_TABLE;

	if (walk->entry.kind == S2_SHARED) {
		result = S2_SHARE_DONE;
	} else if (walk->entry.kind == S2_UNASSIGNED &&
		   block_fits(share, walk, run, *offset, &start)) {
		struct s2_entry entry = {
			.kind = S2_SHARED,
			.attr = share->limits,
			.pa = pa_of(run->pa[0].v - (*offset - start)),
		};

		s2_share_ref(&entry.pa, 1);
		s2_replace(walk, entry);
		if (run->blocks > 1) {
			more = map_more_blocks(share, walk, run);
		}
		result = S2_SHARE_DONE;
	}
	*offset += rest + more * s2_entry_size(walk->level);
	*visited += more;
	return result;
}

/* Pages whose address the consumer's entries cannot hold are absent for it. */
static void drop_unreachable(const struct s2_share *share, struct run *run)
{
	uint64_t count = run->level == S2_LEVEL_PAGE ? run->pages : run->blocks;

	if (share->consumer->lpa2 || !share->provider->lpa2) {
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!s2_pa_fits(share->consumer, run->pa[i])) {
			run->pa[i] = pa_of(0);
			run->blocks = (unsigned int)min_u64(run->blocks, i == 0 ? 1 : i);
		}
	}
}

/* How many pages at the beginning of a run are absent; the first one is. */
static uint64_t count_absent(const struct run *run)
{
	uint64_t count = 1;

	if (run->level != S2_LEVEL_PAGE) {
		return run->pages;
	}
	while (count < run->pages && run->pa[count].v == 0) {
		count++;
	}
	return count;
}

enum s2_share_result s2_share_map(const struct s2_share *share, uint64_t *offset, uint64_t end,
				  int *level, unsigned int *visited)
{
	enum s2_share_result result = S2_SHARE_DONE;
	struct run run;
	struct s2_walk walk;

	ASSERT(*offset < end && end <= share->size);
	read_run(share->provider, ipa_add(share->provider_base, *offset),
		 (end - *offset) >> GRANULE_SHIFT, &run);
	drop_unreachable(share, &run);
	*visited += 1;
	if (run.pa[0].v == 0) {
		uint64_t absent = count_absent(&run);

		*visited += run.level == S2_LEVEL_PAGE ? (unsigned int)absent : 0;
		*offset += absent << GRANULE_SHIFT;
		return S2_SHARE_ABSENT;
	}
	if ((share->limits & S2_NO_EXEC) == 0) {
		/* A consumer that was there before may have executed what it wrote. */
		arch_forget_code();
	}
	s2_walk(share->consumer, ipa_add(share->consumer_base, *offset), S2_LEVEL_PAGE, &walk);
	*level = walk.level;
	if (walk.level == S2_LEVEL_PAGE) {
		unsigned int count = map_pages(&walk, &run, share->limits);

		*offset += count * GRANULE_SIZE;
		*visited += count;
	} else {
		result = map_block(share, &walk, &run, offset, visited);
	}
	s2_walk_end(&walk);
	return result;
}

/* Entries of the walk's table from its own on, as far as [.., top) reaches. */
static unsigned int entries_until(const struct s2_walk *walk, ipa_t top)
{
	uint64_t left = (top.v - align_down(walk->ipa.v, GRANULE_SIZE)) >> GRANULE_SHIFT;

	return (unsigned int)min_u64(left, S2_TABLE_ENTRIES - walk->index);
}

/* Entries of a table that are being unmapped: [first, end), counted from the walk's entry. */
struct shared_range {
	unsigned int first, end;
};

/* The smallest range of the table that holds all shared mappings. */
static struct shared_range find_shared(const uint64_t *entries, unsigned int count)
{
	struct shared_range broken = {0, count};

	while (broken.first < count && !s2_raw_shared(entries[broken.first])) {
		broken.first++;
	}
	while (broken.end > broken.first && !s2_raw_shared(entries[broken.end - 1])) {
		broken.end--;
	}
	return broken;
}

/*
 * Pages are unmapped in two passes, so that one invalidation is enough for all: between the passes
 * an entry is invalid, but still holds the address of its granule.
 */
static struct shared_range break_shared(struct s2_walk *walk, unsigned int count)
{
	const struct arch_s2_loc loc = s2_loc(walk, walk->index);
	uint64_t *entries = &walk->entries[walk->index];
	struct shared_range broken = find_shared(entries, count);

	for (unsigned int i = 0; i < count; i++) {
		uint64_t raw = entries[i];
		struct arch_s2_loc there = loc_after(loc, i);

		if (s2_raw_shared(raw)) {
			arch_s2_write(&entries[i], raw & ~S2_VALID, &there);
		} else if (raw != 0 && !s2_raw_live(raw)) {
			arch_s2_write(&entries[i], 0, &there);
		}
	}
	if (broken.first == broken.end) {
		arch_s2_sync();
	} else {
		struct arch_s2_loc first = loc_after(loc, broken.first);

		arch_tlb_s2_range(&first, broken.end - broken.first);
	}
	return broken;
}

/*
 * Drops the references of entries that break_shared() made invalid, then clears the entries. Their
 * translations have been invalidated.
 */
static void clear_shared(struct s2_walk *walk, const struct shared_range *broken)
{
	const struct arch_s2_loc loc = s2_loc(walk, walk->index + broken->first);
	uint64_t *entries = &walk->entries[walk->index + broken->first];
	unsigned int count = broken->end - broken->first;
	pa_t pages[RUN_MAX];

	if (count == 0) {
		return;
	}
	read_pages(entries, count, S2_SHARED_BIT, walk->s2->lpa2, pages);
	s2_share_unref(pages, count);
	for (unsigned int i = 0; i < count; i++) {
		struct arch_s2_loc there = loc_after(loc, i);

		if (pages[i].v != 0) {
			arch_s2_write(&entries[i], 0, &there);
		}
	}
	arch_s2_sync();
}

static void unmap_entry(struct s2_walk *walk, ipa_t top)
{
	const struct s2_entry old = walk->entry;
	uint64_t rest = rest_of_entry(walk);
	bool whole = rest == s2_entry_size(walk->level) && rest <= top.v - walk->ipa.v;

	if (old.kind == S2_SHARED ||
	    (old.kind == S2_UNASSIGNED && old.ripas != S2_EMPTY && whole)) {
		s2_replace(walk, (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_EMPTY});
	}
	if (old.kind == S2_SHARED) {
		s2_share_unref(&old.pa, 1);
	}
}

/*
 * Entries of the walk's table from its own on, below `top`, that lie in [walk's ipa, top) as a
 * whole and are no tables. 0: the walk's entry is not one of them.
 */
static unsigned int whole_entries(const struct s2_walk *walk, ipa_t top)
{
	unsigned int shift = GRANULE_SHIFT + 9U * (unsigned int)(S2_LEVEL_PAGE - walk->level);
	uint64_t left = (top.v - walk->ipa.v) >> shift;
	unsigned int most = (unsigned int)min_u64(left, S2_TABLE_ENTRIES - walk->index);
	unsigned int count = 0;

	if (walk->level == S2_LEVEL_PAGE) {
		return most;
	}
	while (is_aligned(walk->ipa.v, s2_entry_size(walk->level)) && count < most &&
	       !s2_raw_table(walk->entries[walk->index + count], walk->level)) {
		count++;
	}
	return count;
}

void s2_share_unmap(const struct s2 *s2, ipa_t *at, ipa_t top, unsigned int *visited)
{
	struct s2_walk walk;
	unsigned int count;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	count = whole_entries(&walk, top);
	if (count != 0) {
		struct shared_range broken = break_shared(&walk, count);

		clear_shared(&walk, &broken);
		*visited += count;
		*at = ipa_add(*at, count * s2_entry_size(walk.level));
	} else {
		unmap_entry(&walk, top);
		*visited += 1;
		*at = ipa_add(*at, rest_of_entry(&walk));
	}
	s2_walk_end(&walk);
}

void s2_share_page(const struct s2 *s2, ipa_t ipa, pa_t page, unsigned int limits)
{
	const struct s2_entry entry = {.kind = S2_SHARED, .attr = limits, .pa = page};
	struct s2_walk walk;

	if (!s2_pa_fits(s2, page)) {
		return;
	}
	if ((limits & S2_NO_EXEC) == 0) {
		arch_forget_code();
	}
	s2_walk(s2, ipa, S2_LEVEL_PAGE, &walk);
	if (walk.level == S2_LEVEL_PAGE && walk.entry.kind == S2_UNASSIGNED) {
		s2_share_ref(&page, 1);
		s2_replace(&walk, entry);
	}
	s2_walk_end(&walk);
}

void s2_share_take_page(const struct s2 *s2, ipa_t ipa)
{
	struct s2_walk walk;

	s2_walk(s2, ipa, S2_LEVEL_PAGE, &walk);
	unmap_entry(&walk, ipa_add(ipa, GRANULE_SIZE));
	s2_walk_end(&walk);
}

void s2_share_drop(const struct s2 *s2, struct granule_held table, int level)
{
	const uint64_t *entries = map_meta(table.granule, GRANULE_RTT);

	ASSERT(granule_refs(table.granule) == 0 && level > s2->start_level);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		if (s2_raw_shared(entries[i])) {
			pa_t pa = s2_raw_address(entries[i], s2->lpa2);

			s2_share_unref(&pa, 1);
		}
	}
}

/* An entry that is no page. whole: it lies in the range. */
static bool entry_is(const struct s2_entry *entry, enum s2_scan what, bool whole)
{
	bool assigned = entry->kind == S2_ASSIGNED;

	switch (what) {
	case S2_SCAN_RAM:
		return entry->ripas == S2_RAM;
	case S2_SCAN_PRESENT:
		return assigned && entry->ripas == S2_RAM;
	case S2_SCAN_UNOWNED:
		return !assigned && (whole || entry->ripas != S2_RAM);
	case S2_SCAN_EMPTY:
		return entry->kind == S2_UNASSIGNED &&
		       (entry->ripas == S2_EMPTY || (entry->ripas == S2_DESTROYED && !whole));
	}
	return false;
}

static bool all_ram(const uint64_t *entries, unsigned int count)
{
	bool ram = true;

	for (unsigned int i = 0; i < count; i++) {
		ram = ram && s2_raw_ram(entries[i]);
	}
	return ram;
}

/* Pages lie in the range. */
static bool pages_are(const uint64_t *entries, unsigned int count, enum s2_scan what)
{
	switch (what) {
	case S2_SCAN_RAM:
		return s2_raw_own(common_bits(entries, count)) || all_ram(entries, count);
	case S2_SCAN_PRESENT:
		return s2_raw_own(common_bits(entries, count));
	case S2_SCAN_UNOWNED:
		return !s2_raw_live(any_bits(entries, count));
	case S2_SCAN_EMPTY:
		return any_bits(entries, count) == 0;
	}
	return false;
}

/* The walk's entry and those after it that are no tables, below top: how many are as asked. */
static unsigned int blocks_are(const struct s2_walk *walk, enum s2_scan what, ipa_t base, ipa_t top)
{
	uint64_t size = s2_entry_size(walk->level);
	uint64_t start = align_down(walk->ipa.v, size);
	unsigned int count = 0;

	for (unsigned int i = walk->index; i < S2_TABLE_ENTRIES && start < top.v; i++) {
		struct s2_entry entry =
			s2_decode(walk->entries[i], walk->level, walk->s2->lpa2, true);
		bool whole = start >= base.v && size <= top.v - start;

		if (entry.kind == S2_TABLE || !entry_is(&entry, what, whole)) {
			break;
		}
		start += size;
		count++;
	}
	return count;
}

bool s2_scan(const struct s2 *s2, enum s2_scan what, ipa_t base, ipa_t top, ipa_t *at,
	     unsigned int *visited)
{
	struct s2_walk walk;
	unsigned int count;
	bool good;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	if (walk.level == S2_LEVEL_PAGE) {
		count = entries_until(&walk, top);
		good = pages_are(&walk.entries[walk.index], count, what);
	} else {
		count = blocks_are(&walk, what, base, top);
		good = count != 0;
	}
	if (good) {
		*at = ipa_add(s2_loc(&walk, walk.index).ipa, count * s2_entry_size(walk.level));
	}
	*visited += good ? count : 1;
	s2_walk_end(&walk);
	return good;
}

/* Two passes for one invalidation, as above: what is marked was valid, and comes back. */
static void protect_pages(struct s2_walk *walk, unsigned int count, uint64_t limits)
{
	const struct arch_s2_loc loc = s2_loc(walk, walk->index);
	uint64_t wanted = s2_limits(limits);
	uint64_t marked[S2_TABLE_ENTRIES / 64] = {0};

	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];
		uint64_t raw = *at;

		if (s2_raw_own(raw) && (raw & S2_LIMITS_MASK) != wanted) {
			struct arch_s2_loc there = loc_after(loc, i);

			arch_s2_write(at, raw & ~S2_VALID, &there);
			marked[i / 64] |= BIT(i % 64);
		}
	}
	arch_tlb_s2_range(&loc, count);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];

		if ((marked[i / 64] & BIT(i % 64)) != 0) {
			struct arch_s2_loc there = loc_after(loc, i);

			arch_s2_write(at, (*at & ~S2_LIMITS_MASK) | wanted | S2_VALID, &there);
		}
	}
	arch_s2_sync();
}

/* The walk's entry; a block lies in [base, top). */
static void protect_block(struct s2_walk *walk, uint64_t limits, ipa_t base, ipa_t top)
{
	struct s2_entry entry = walk->entry;
	uint64_t size = s2_entry_size(walk->level);
	uint64_t start = align_down(walk->ipa.v, size);

	if (entry.kind != S2_ASSIGNED || entry.ripas != S2_RAM) {
		return;
	}
	ASSERT(start >= base.v && size <= top.v - start);
	if (entry.attr != limits) {
		entry.attr = limits;
		s2_replace(walk, entry);
	}
}

void s2_protect(const struct s2 *s2, bool read_only, ipa_t base, ipa_t top, ipa_t *at,
		unsigned int *visited)
{
	uint64_t limits = read_only ? S2_READ_ONLY : 0;
	unsigned int count = 1;
	struct s2_walk walk;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	if (walk.level == S2_LEVEL_PAGE) {
		count = entries_until(&walk, top);
		protect_pages(&walk, count, limits);
		*at = ipa_add(*at, count * GRANULE_SIZE);
	} else {
		protect_block(&walk, limits, base, top);
		*at = ipa_add(*at, rest_of_entry(&walk));
	}
	*visited += count;
	s2_walk_end(&walk);
}

bool s2_page_at(const struct s2 *s2, ipa_t ipa, pa_t *page)
{
	struct run run;

	read_run(s2, ipa, 1, &run);
	*page = run.pa[0];
	return page->v != 0;
}
