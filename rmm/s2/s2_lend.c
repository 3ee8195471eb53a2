// SPDX-License-Identifier: BSD-3-Clause
/* Memory of one realm in the tables of another, and what must be known of both for it. */
#include "base/assert.h"
#include "map/map.h"
#include "s2/s2_internal.h"

/* Pages that are read from the owner's table before the borrower's is locked. */
#define RUN_MAX 64U

/* What an owner maps from one address on. */
struct run {
	int level;        /* of the entry at the address */
	uint64_t pages;   /* that the run is long, at most RUN_MAX if level is the page level */
	pa_t pa[RUN_MAX]; /* page level: each page, 0 for none; otherwise the first, or 0 */
};

static pa_t valid_page(const struct s2_walk *walk, unsigned int index)
{
	uint64_t raw = walk->entries[index];
	bool own = s2_raw_valid(raw) && s2_raw_live(raw);

	return own ? s2_raw_address(raw, walk->s2->lpa2) : pa_of(0);
}

/* Bytes from the walk's IPA to the end of its entry. */
static uint64_t rest_of_entry(const struct s2_walk *walk)
{
	uint64_t size = s2_entry_size(walk->level);

	return size - (walk->ipa.v & (size - 1));
}

static void read_run(const struct s2 *s2, ipa_t ipa, uint64_t pages, struct run *run)
{
	struct s2_walk walk;

	s2_walk(s2, ipa, S2_LEVEL_PAGE, &walk);
	run->level = walk.level;
	if (walk.level == S2_LEVEL_PAGE) {
		run->pages = min_u64(min_u64(pages, RUN_MAX), S2_TABLE_ENTRIES - walk.index);
		for (unsigned int i = 0; i < run->pages; i++) {
			run->pa[i] = valid_page(&walk, walk.index + i);
		}
	} else {
		bool valid = walk.entry.kind == S2_ASSIGNED && walk.entry.ripas == S2_RAM;
		uint64_t inside = ipa.v & (s2_entry_size(walk.level) - 1);

		run->pages = min_u64(pages, rest_of_entry(&walk) >> GRANULE_SHIFT);
		run->pa[0] = valid ? pa_add(walk.entry.pa, inside) : pa_of(0);
	}
	s2_walk_end(&walk);
}

static pa_t run_page(const struct run *run, unsigned int i)
{
	if (run->level == S2_LEVEL_PAGE) {
		return run->pa[i];
	}
	return pa_add(run->pa[0], i * GRANULE_SIZE);
}

void s2_borrow(pa_t pa)
{
	struct granule *granule = granule_find(pa);

	ASSERT(granule != NULL);

	struct granule_held held = granule_lock_inner(granule, GRANULE_DATA);

	granule_ref(held, 1);
	granule_unlock(held);
}

static void unborrow(pa_t pa)
{
	struct granule *granule = granule_find(pa);

	ASSERT(granule != NULL && granule_peek(granule) == GRANULE_DATA);
	granule_unref(granule, 1);
}

static bool is_free(uint64_t raw)
{
	return !s2_raw_live(raw) && !s2_raw_lent(raw);
}

static unsigned int lend_pages(struct s2_walk *walk, const struct run *run, uint64_t limits)
{
	uint64_t most = min_u64(run->pages, RUN_MAX);
	unsigned int count = (unsigned int)min_u64(most, S2_TABLE_ENTRIES - walk->index);
	struct s2_entry entry = {.kind = S2_BORROWED, .attr = limits};

	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];

		entry.pa = run_page(run, i);
		if (entry.pa.v != 0 && is_free(*at)) {
			struct arch_s2_place place = s2_place(walk, walk->index + i);

			s2_borrow(entry.pa);
			arch_s2_write(at, s2_encode(&entry, S2_LEVEL_PAGE, walk->s2->lpa2), &place);
		}
	}
	arch_s2_sync();
	return count;
}

/*
 * Where the borrower has no table for the page at `offset`: the whole entry there can be a block if
 * the owner has a block at least as large, both are aligned, and the region covers it. *start is
 * the offset where the block begins.
 */
static bool block_fits(const struct s2_loan *loan, const struct s2_walk *walk,
		       const struct run *run, uint64_t offset, uint64_t *start)
{
	uint64_t size = s2_entry_size(walk->level);
	uint64_t inside = walk->ipa.v & (size - 1);

	if (run->level == S2_LEVEL_PAGE || run->level > walk->level || walk->level < 1) {
		return false;
	}
	*start = offset - inside;
	return offset >= inside && size <= loan->size - *start &&
	       is_aligned(loan->owner_base.v + *start, size);
}

static enum s2_lend lend_block(const struct s2_loan *loan, struct s2_walk *walk,
			       const struct run *run, uint64_t *offset)
{
	uint64_t rest = rest_of_entry(walk);
	uint64_t start;
	enum s2_lend result = S2_LEND_NO_TABLE;

	if (walk->entry.kind == S2_BORROWED) {
		result = S2_LEND_DONE;
	} else if (walk->entry.kind == S2_UNASSIGNED &&
		   block_fits(loan, walk, run, *offset, &start)) {
		struct s2_entry entry = {
			.kind = S2_BORROWED,
			.attr = loan->limits,
			.pa = pa_of(run->pa[0].v - (*offset - start)),
		};

		s2_borrow(entry.pa);
		s2_replace(walk, entry);
		result = S2_LEND_DONE;
	}
	*offset += rest;
	return result;
}

/* Pages that the borrower's tables have no room for are holes to it. */
static void leave_out_far(const struct s2_loan *loan, struct run *run)
{
	uint64_t count = run->level == S2_LEVEL_PAGE ? run->pages : 1;

	if (loan->borrower->lpa2 || !loan->owner->lpa2) {
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!s2_pa_fits(loan->borrower, run->pa[i])) {
			run->pa[i] = pa_of(0);
		}
	}
}

enum s2_lend s2_lend(const struct s2_loan *loan, uint64_t *offset, uint64_t end, int *level,
		     unsigned int *visited)
{
	enum s2_lend result = S2_LEND_DONE;
	struct run run;
	struct s2_walk walk;

	ASSERT(*offset < end && end <= loan->size);
	read_run(loan->owner, ipa_add(loan->owner_base, *offset), (end - *offset) >> GRANULE_SHIFT,
		 &run);
	leave_out_far(loan, &run);
	*visited += 1;
	if (run.pa[0].v == 0) {
		uint64_t skip = run.level == S2_LEVEL_PAGE ? 1 : run.pages;

		*offset += skip << GRANULE_SHIFT;
		return S2_LEND_HOLE;
	}
	s2_walk(loan->borrower, ipa_add(loan->borrower_base, *offset), S2_LEVEL_PAGE, &walk);
	*level = walk.level;
	if (walk.level == S2_LEVEL_PAGE) {
		unsigned int count = lend_pages(&walk, &run, loan->limits);

		*offset += count * GRANULE_SIZE;
		*visited += count;
	} else {
		result = lend_block(loan, &walk, &run, offset);
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

/*
 * Pages go in two passes, so that one invalidation is enough for all: an entry that is on its way
 * out is not valid, but still says which granule it borrowed.
 */
static bool break_loans(struct s2_walk *walk, unsigned int count)
{
	unsigned int first = count;
	unsigned int last = 0;

	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];
		struct arch_s2_place place = s2_place(walk, walk->index + i);

		if (s2_raw_lent(*at)) {
			arch_s2_write(at, *at & ~S2_VALID, &place);
			first = (unsigned int)min_u64(first, i);
			last = i;
		} else if (*at != 0 && !s2_raw_live(*at)) {
			arch_s2_write(at, 0, &place);
		}
	}
	if (first == count) {
		arch_s2_sync();
		return false;
	}

	struct arch_s2_place place = s2_place(walk, walk->index + first);

	arch_tlb_s2_range(&place, last - first + 1);
	return true;
}

static void clear_loans(struct s2_walk *walk, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];

		if (s2_raw_lent(*at)) {
			struct arch_s2_place place = s2_place(walk, walk->index + i);

			unborrow(s2_raw_address(*at, walk->s2->lpa2));
			arch_s2_write(at, 0, &place);
		}
	}
	arch_s2_sync();
}

static void take_back_entry(struct s2_walk *walk, ipa_t top)
{
	const struct s2_entry old = walk->entry;
	uint64_t rest = rest_of_entry(walk);
	bool whole = rest == s2_entry_size(walk->level) && rest <= top.v - walk->ipa.v;

	if (old.kind == S2_BORROWED ||
	    (old.kind == S2_UNASSIGNED && old.ripas != S2_EMPTY && whole)) {
		s2_replace(walk, (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_EMPTY});
	}
	if (old.kind == S2_BORROWED) {
		unborrow(old.pa);
	}
}

void s2_take_back(const struct s2 *s2, ipa_t *at, ipa_t top, unsigned int *visited)
{
	struct s2_walk walk;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	if (walk.level == S2_LEVEL_PAGE) {
		unsigned int count = entries_until(&walk, top);

		if (break_loans(&walk, count)) {
			clear_loans(&walk, count);
		}
		*visited += count;
		*at = ipa_add(*at, count * GRANULE_SIZE);
	} else {
		take_back_entry(&walk, top);
		*visited += 1;
		*at = ipa_add(*at, rest_of_entry(&walk));
	}
	s2_walk_end(&walk);
}

void s2_forget_loans(const struct s2 *s2, struct granule_held table, int level)
{
	const uint64_t *entries = map_meta(table.granule);

	ASSERT(granule_refs(table.granule) == 0 && level > s2->start_level);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		if (s2_raw_lent(entries[i])) {
			unborrow(s2_raw_address(entries[i], s2->lpa2));
		}
	}
}

static bool is_as_asked(enum s2_scan what, const struct s2_entry *entry, bool whole)
{
	bool assigned = entry->kind == S2_ASSIGNED;

	switch (what) {
	case S2_SCAN_RAM:
		return entry->ripas == S2_RAM;
	case S2_SCAN_PRESENT:
		return assigned && entry->ripas == S2_RAM && whole;
	case S2_SCAN_UNOWNED:
		return !assigned && (whole || entry->ripas != S2_RAM);
	}
	return false;
}

bool s2_scan(const struct s2 *s2, enum s2_scan what, ipa_t base, ipa_t top, ipa_t *at,
	     unsigned int *visited)
{
	struct s2_walk walk;
	bool good = true;
	unsigned int count = 1;
	uint64_t size;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	size = s2_entry_size(walk.level);
	if (walk.level == S2_LEVEL_PAGE) {
		count = entries_until(&walk, top);
	}
	for (unsigned int i = 0; i < count && good; i++) {
		struct s2_entry entry =
			s2_decode(walk.entries[walk.index + i], walk.level, s2->lpa2, true);
		uint64_t start = s2_place(&walk, walk.index + i).ipa.v;
		bool whole = start >= base.v && start < top.v && size <= top.v - start;

		good = is_as_asked(what, &entry, whole);
	}
	*visited += count;
	if (good) {
		*at = ipa_add(*at, walk.level == S2_LEVEL_PAGE ? count * GRANULE_SIZE
							       : rest_of_entry(&walk));
	}
	s2_walk_end(&walk);
	return good;
}

static bool is_to_change(uint64_t raw, uint64_t limits, bool lpa2)
{
	struct s2_entry entry = s2_decode(raw, S2_LEVEL_PAGE, lpa2, true);

	return entry.kind == S2_ASSIGNED && entry.ripas == S2_RAM && entry.attr != limits;
}

/* Two passes for one invalidation, as above: what is not valid but looks like RAM comes back. */
static void protect_pages(struct s2_walk *walk, unsigned int count, uint64_t limits)
{
	bool lpa2 = walk->s2->lpa2;
	struct arch_s2_place place = s2_place(walk, walk->index);
	uint64_t marked[S2_TABLE_ENTRIES / 64] = {0};

	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];

		if (is_to_change(*at, limits, lpa2)) {
			place = s2_place(walk, walk->index + i);
			arch_s2_write(at, *at & ~S2_VALID, &place);
			marked[i / 64] |= BIT(i % 64);
		}
	}
	place = s2_place(walk, walk->index);
	arch_tlb_s2_range(&place, count);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t *at = &walk->entries[walk->index + i];

		if ((marked[i / 64] & BIT(i % 64)) != 0) {
			struct s2_entry entry = {
				.kind = S2_ASSIGNED,
				.ripas = S2_RAM,
				.attr = limits,
				.pa = s2_raw_address(*at, lpa2),
			};

			place = s2_place(walk, walk->index + i);
			arch_s2_write(at, s2_encode(&entry, S2_LEVEL_PAGE, lpa2), &place);
		}
	}
	arch_s2_sync();
}

/* The walk's entry. False if it is a block that is not wholly in [base, top). */
static bool protect_block(struct s2_walk *walk, uint64_t limits, ipa_t base, ipa_t top)
{
	struct s2_entry entry = walk->entry;
	uint64_t size = s2_entry_size(walk->level);
	uint64_t start = align_down(walk->ipa.v, size);

	if (entry.kind != S2_ASSIGNED || entry.ripas != S2_RAM) {
		return true;
	}
	if (start < base.v || size > top.v - start) {
		return false;
	}
	if (entry.attr != limits) {
		entry.attr = limits;
		s2_replace(walk, entry);
	}
	return true;
}

bool s2_protect(const struct s2 *s2, bool read_only, ipa_t base, ipa_t top, ipa_t *at,
		unsigned int *visited)
{
	uint64_t limits = read_only ? S2_READ_ONLY : 0;
	unsigned int count = 1;
	bool whole = true;
	struct s2_walk walk;

	s2_walk(s2, *at, S2_LEVEL_PAGE, &walk);
	if (walk.level == S2_LEVEL_PAGE) {
		count = entries_until(&walk, top);
		protect_pages(&walk, count, limits);
		*at = ipa_add(*at, count * GRANULE_SIZE);
	} else {
		whole = protect_block(&walk, limits, base, top);
		*at = ipa_add(*at, rest_of_entry(&walk));
	}
	*visited += count;
	s2_walk_end(&walk);
	return whole;
}

bool s2_page_at(const struct s2 *s2, ipa_t ipa, pa_t *page)
{
	struct run run;

	read_run(s2, ipa, 1, &run);
	*page = run.pa[0];
	return page->v != 0;
}
