// SPDX-License-Identifier: BSD-3-Clause
/* A stage 2 without a realm around it, for tests of s2/ alone. */
#ifndef TESTS_UNIT_S2_S2_TABLES_H
#define TESTS_UNIT_S2_S2_TABLES_H

#include "s2/s2_check.h"

#define TABLES_ROOT (SIM_HIGH + UINT64_C(0x200000))
#define TABLES_MORE (SIM_HIGH + UINT64_C(0x300000)) /* granules for further tables */
#define TABLES_VMID 0x1234U

static unsigned int tables_used; /* granules taken from TABLES_MORE since tables_make() */

static inline struct s2 tables_make(uint8_t bits, int8_t level, uint8_t count, bool lpa2)
{
	struct s2 s2 = {
		.root = {TABLES_ROOT},
		.ipa_bits = bits,
		.start_level = level,
		.start_tables = count,
		.lpa2 = lpa2,
	};

	assert_true(s2_geometry_valid(bits, level, count, lpa2));
	s2.context = s2_context(&s2, TABLES_VMID);
	for (unsigned int i = 0; i < count; i++) {
		sim_make(TABLES_ROOT + i * GRANULE_SIZE, GRANULE_RTT);
	}
	tables_used = 0;
	return s2;
}

static inline struct granule_held tables_granule(void)
{
	uint64_t pa = TABLES_MORE + tables_used++ * GRANULE_SIZE;
	struct granule_held held;

	sim_delegate(pa);
	assert_true(granule_lock(granule_find(pa_of(pa)), GRANULE_DELEGATED, &held));
	return held;
}

/*
 * Tables down to `level` for ipa. The granules of new tables are locked first, as a command does:
 * from outside, before the tree.
 */
static inline void tables_grow(const struct s2 *s2, uint64_t ipa, int level)
{
	for (int parent = s2->start_level; parent < level; parent++) {
		struct granule_held rtt = tables_granule();
		struct s2_walk walk;

		s2_walk(s2, ipa_of(ipa), parent, &walk);
		assert_int_equal(walk.level, parent);
		if (walk.entry.kind == S2_TABLE) {
			granule_unlock(rtt);
		} else {
			s2_table_add(&walk, rtt);
		}
		s2_walk_end(&walk);
	}
}

static inline void tables_set(const struct s2 *s2, uint64_t ipa, int level, struct s2_entry entry)
{
	struct s2_walk walk;

	s2_walk(s2, ipa_of(ipa), level, &walk);
	assert_int_equal(walk.level, level);
	s2_replace(&walk, entry);
	s2_walk_end(&walk);
}

static inline struct s2_entry tables_get(const struct s2 *s2, uint64_t ipa, int level)
{
	struct s2_walk walk;

	s2_walk(s2, ipa_of(ipa), level, &walk);
	s2_walk_end(&walk);
	return walk.entry;
}

static inline void assert_entry(struct s2_entry left, struct s2_entry right)
{
	assert_int_equal(left.kind, right.kind);
	assert_int_equal(left.ripas, right.ripas);
	assert_int_equal(left.pa.v, right.pa.v);
	assert_int_equal(left.attr, right.attr);
}

#endif
