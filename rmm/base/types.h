// SPDX-License-Identifier: BSD-3-Clause
/*
 * Typed addresses and the sizes everything is counted in.
 *
 * A physical address, an intermediate physical address and a pointer of the RMM are three
 * different types, so that one cannot be passed for another: a realm's or host's number becomes
 * memory only through map/.
 */
#ifndef RMM_BASE_TYPES_H
#define RMM_BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GRANULE_SHIFT 12U
#define GRANULE_SIZE  ((uint64_t)1 << GRANULE_SHIFT)
#define GRANULE_MASK  (GRANULE_SIZE - 1)

/* Physical address, any alignment, any physical address space. */
typedef struct {
	uint64_t v;
} pa_t;

/* Intermediate physical address: what a realm believes to be physical. */
typedef struct {
	uint64_t v;
} ipa_t;

/* A range of memory. base and size are multiples of GRANULE_SIZE, size is not 0. */
struct granule_bank {
	pa_t base;
	uint64_t size;
};

static inline pa_t pa_of(uint64_t v)
{
	return (pa_t){v};
}

static inline ipa_t ipa_of(uint64_t v)
{
	return (ipa_t){v};
}

static inline pa_t pa_add(pa_t pa, uint64_t bytes)
{
	return (pa_t){pa.v + bytes};
}

static inline ipa_t ipa_add(ipa_t ipa, uint64_t bytes)
{
	return (ipa_t){ipa.v + bytes};
}

#endif
