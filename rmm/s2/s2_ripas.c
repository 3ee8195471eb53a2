// SPDX-License-Identifier: BSD-3-Clause
/* RIPAS of runs of entries in one table: RMI_RTT_{INIT,SET}_RIPAS and RSI_IPA_STATE_GET. */
#include "base/assert.h"
#include "s2/s2_internal.h"

static bool stops_run(uint64_t raw, int level, unsigned int stops)
{
	if (s2_raw_table(raw, level) || s2_raw_shared(raw)) {
		return true;
	}
	if ((stops & S2_STOP_ASSIGNED) != 0 && s2_raw_live(raw)) {
		return true;
	}
	return (stops & S2_STOP_DESTROYED) != 0 && !s2_raw_valid(raw) &&
	       (raw & S2_RIPAS_MASK) == (uint64_t)S2_DESTROYED << S2_RIPAS_LOW;
}

ipa_t s2_run_end(const struct s2_walk *walk, ipa_t top, unsigned int stops)
{
	uint64_t size = s2_entry_size(walk->level);
	ipa_t start = s2_loc(walk, walk->index).ipa;
	uint64_t whole = (top.v - start.v) / size;
	unsigned int index = walk->index;
	unsigned int end = s2_table_length(walk->level);

	ASSERT(top.v > walk->ipa.v);
	end = (unsigned int)min_u64(end, index + whole);
	while (index < end && !stops_run(walk->entries[index], walk->level, stops)) {
		index++;
	}
	return s2_loc(walk, index).ipa;
}

ipa_t s2_ripas_end(const struct s2_walk *walk, ipa_t top)
{
	unsigned int end = s2_table_length(walk->level);
	unsigned int index = walk->index + 1;

	ASSERT(walk->entry.kind != S2_TABLE && s2_ipa_protected(walk->s2, walk->ipa));
	while (index < end && s2_loc(walk, index).ipa.v < top.v) {
		struct s2_entry next =
			s2_decode(walk->entries[index], walk->level, walk->s2->lpa2, true);

		if (next.kind == S2_TABLE || next.ripas != walk->entry.ripas) {
			break;
		}
		index++;
	}
	return ipa_of(min_u64(top.v, s2_loc(walk, index).ipa.v));
}

/* Where translations went, as entries of the table: [first, end). */
struct gone {
	unsigned int first;
	unsigned int end;
};

/* Changes the RIPAS of one entry, and notes the range to invalidate if a mapping goes. */
static void set_one(const struct s2_walk *walk, unsigned int index, enum s2_ripas ripas,
		    struct gone *gone)
{
	uint64_t old = walk->entries[index];
	struct s2_entry entry = s2_decode(old, walk->level, walk->s2->lpa2, true);

	ASSERT(entry.kind == S2_UNASSIGNED || entry.kind == S2_ASSIGNED);
	if (entry.ripas == ripas) {
		return;
	}
	entry.ripas = ripas;

	struct arch_s2_loc loc = s2_loc(walk, index);

	arch_s2_write(&walk->entries[index], s2_encode(&entry, walk->level, walk->s2->lpa2), &loc);
	if (s2_raw_valid(old)) {
		if (gone->end == 0) {
			gone->first = index;
		}
		gone->end = index + 1;
	}
}

void s2_set_ripas(struct s2_walk *walk, ipa_t end, enum s2_ripas ripas)
{
	unsigned int index = walk->index;
	uint64_t size = s2_entry_size(walk->level);
	uint64_t count = (end.v - s2_loc(walk, index).ipa.v) / size;
	struct gone gone = {0, 0};

	ASSERT(ripas != S2_DESTROYED && count <= S2_TABLE_ENTRIES - index);
	for (unsigned int i = 0; i < count; i++) {
		set_one(walk, index + i, ripas, &gone);
	}
	if (gone.end == 0) {
		arch_s2_sync();
		return;
	}

	struct arch_s2_loc loc = s2_loc(walk, gone.first);

	arch_tlb_s2_range(&loc, gone.end - gone.first);
}
