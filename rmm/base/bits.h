// SPDX-License-Identifier: BSD-3-Clause
/* Bit fields and alignment, as functions where the types matter and macros where constants do. */
#ifndef RMM_BASE_BITS_H
#define RMM_BASE_BITS_H

#include "base/types.h"

#define BIT(n)              ((uint64_t)1 << (n))
#define MASK(high, low)     ((~(uint64_t)0 >> (63U - (high))) & (~(uint64_t)0 << (low)))
#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Bits [high:low] of value, moved down to bit 0. */
static inline uint64_t bits_get(uint64_t value, unsigned int high, unsigned int low)
{
	return (value & MASK(high, low)) >> low;
}

/* size is a power of two. */
static inline bool is_aligned(uint64_t value, uint64_t size)
{
	return (value & (size - 1)) == 0;
}

static inline uint64_t align_down(uint64_t value, uint64_t size)
{
	return value & ~(size - 1);
}

/* The caller knows that value + size does not wrap. */
static inline uint64_t align_up(uint64_t value, uint64_t size)
{
	return (value + size - 1) & ~(size - 1);
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * index where index < limit, 0 otherwise, without a branch that the CPU could speculate past:
 * for every number of a caller that indexes a table.
 */
static inline uint64_t index_clamp(uint64_t index, uint64_t limit)
{
	uint64_t inside;

	/* What the compiler knows from a check made before must not make this one needless. */
	__asm__("" : "+r"(index));
	inside = (uint64_t)0 - (uint64_t)(index < limit);
	__asm__("" : "+r"(inside));
	return index & inside;
}

#endif
