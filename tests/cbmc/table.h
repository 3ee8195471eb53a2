// SPDX-License-Identifier: BSD-3-Clause
/* Any granule table that granule_table_init() makes, with the small geometry. */
#ifndef TESTS_CBMC_TABLE_H
#define TESTS_CBMC_TABLE_H

#include "granule/granule.c"
#include "proof.h"

#define BANKS   2U
#define PA_BITS 20U

static struct granule_bank any_banks[BANKS];
static size_t any_bank_count;
static struct granule_bank any_own;

/* Any range of whole granules below 2^PA_BITS. */
static inline struct granule_bank any_range(void)
{
	struct granule_bank range = {{nondet_u64()}, nondet_u64()};

	ASSUME(is_aligned(range.base.v, GRANULE_SIZE) && is_aligned(range.size, GRANULE_SIZE));
	ASSUME(range.size != 0 && range.base.v < BIT(PA_BITS) &&
	       range.size <= BIT(PA_BITS) - range.base.v);
	return range;
}

/* As manifest_parse() lets them through: ascending, not overlapping. */
static inline void choose_banks(void)
{
	any_bank_count = nondet_size();
	ASSUME(any_bank_count >= 1 && any_bank_count <= BANKS);
	for (size_t i = 0; i < BANKS; i++) {
		any_banks[i] = any_range();
		ASSUME(i == 0 ||
		       any_banks[i].base.v >= any_banks[i - 1].base.v + any_banks[i - 1].size);
	}
	any_own = any_range();
}

static inline bool in_range(struct granule_bank range, uint64_t pa)
{
	return pa >= range.base.v && pa - range.base.v < range.size;
}

/* Whether the granule at pa belongs in the table. */
static inline bool delegable(uint64_t pa)
{
	bool in_bank = false;

	for (size_t i = 0; i < any_bank_count; i++) {
		in_bank = in_bank || in_range(any_banks[i], pa);
	}
	return in_bank && !in_range(any_own, pa) && is_aligned(pa, GRANULE_SIZE);
}

/* Any content of a granule's word that is not locked. */
static inline struct granule *any_granule(void)
{
	uint64_t index = nondet_u64();
	uint32_t word = nondet_u32();

	ASSUME(index < GRANULE_CAPACITY);
	ASSUME((word & WORD_LOCK) == 0 && state_of(word) < GRANULE_STATE_COUNT);
	ASSUME(state_of(word) > GRANULE_DELEGATED || word >> WORD_REFS_LOW == 0);
	table[index].word = word;
	return &table[index];
}

#endif
