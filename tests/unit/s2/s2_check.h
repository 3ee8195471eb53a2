// SPDX-License-Identifier: BSD-3-Clause
/* Whether all tables of a stage 2 are in order, read past the RMM. No command may run. */
#ifndef TESTS_UNIT_S2_S2_CHECK_H
#define TESTS_UNIT_S2_S2_CHECK_H

#include "s2/s2_internal.h"
#include "unit.h"

static inline void s2_check_pages(const struct s2_entry *entry, int level)
{
	for (uint64_t at = 0; at < s2_entry_size(level); at += GRANULE_SIZE) {
		const struct granule *page = granule_find(pa_add(entry->pa, at));

		/* A test may assign memory that no machine has, for blocks of 1 GiB. */
		if (page == NULL) {
			return;
		}
		assert_int_equal(granule_peek(page), GRANULE_DATA);
	}
}

/* The table at pa for the IPAs from `base`: state, references, live map; then what it leads to. */
static inline void s2_check_table(const struct s2 *s2, uint64_t pa, int level, uint64_t base)
{
	const uint64_t *entries = machine_raw(pa_of(pa));
	struct granule_held held = {granule_find(pa_of(pa))};
	unsigned int refs = 0;
	unsigned int live_map = 0;

	assert_int_equal(sim_state(pa), GRANULE_RTT);
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		uint64_t ipa = base + i * s2_entry_size(level);
		struct s2_entry entry =
			s2_decode(entries[i], level, s2->lpa2, s2_ipa_protected(s2, ipa_of(ipa)));

		if (entries[i] != 0) {
			assert_true(s2_ipa_valid(s2, ipa_of(ipa)));
			assert_int_equal(s2_encode(&entry, level, s2->lpa2), entries[i]);
		}
		refs += s2_entry_counts(&entry);
		live_map |= (unsigned int)s2_raw_live(entries[i]) << (i / 32);
		if (entry.kind == S2_TABLE) {
			s2_check_table(s2, entry.pa.v, level + 1, ipa);
		} else if (entry.kind == S2_ASSIGNED) {
			s2_check_pages(&entry, level);
		}
	}
	assert_int_equal(sim_refs(pa), refs);
	assert_int_equal(granule_live_map(held), live_map);
}

static inline void s2_check(const struct s2 *s2)
{
	uint64_t span = s2_entry_size(s2->start_level) * S2_TABLE_ENTRIES;

	for (unsigned int i = 0; i < s2->start_tables; i++) {
		s2_check_table(s2, s2->root.v + i * GRANULE_SIZE, s2->start_level, i * span);
	}
}

#endif
