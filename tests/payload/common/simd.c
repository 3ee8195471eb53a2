// SPDX-License-Identifier: BSD-3-Clause
#include "simd.h"

#define FPCR_RN_UP   (1UL << 22) /* rounding towards plus infinity */
#define FPCR_DN      (1UL << 25)
#define FPSR_FLAGS   0x0800009fUL
#define FP_REGISTERS 32

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void fill(uint8_t *to, uint64_t size, uint64_t seed)
{
	for (uint64_t i = 0; i < size; i++) {
		to[i] = (uint8_t)(mix(seed + i / 8) >> (i % 8 * 8));
	}
}

void vectors_fill(struct vectors *v, bool sve, uint64_t bytes, uint64_t seed)
{
	memset(v, 0, sizeof(*v));
	if (!sve) {
		fill((uint8_t *)v, FP_REGISTERS * 16, seed);
	}
	for (unsigned i = 0; i < 32 && sve; i++) {
		fill(v->z[i], bytes, seed + 1000 * i);
	}
	for (unsigned i = 0; i < 16 && sve; i++) {
		fill(v->p[i], bytes / 8, seed + 100000 + 100 * i);
	}
	/* The first-fault register is ones up to some element. */
	for (uint64_t i = 0; i < bytes / 8 && sve; i++) {
		v->p[16][i] = i < bytes / 16 ? 0xff : 0;
	}
	v->fpcr = seed & 1 ? FPCR_RN_UP : FPCR_DN;
	v->fpsr = mix(seed) & FPSR_FLAGS;
}

bool vectors_equal(const struct vectors *a, const struct vectors *b, bool sve, uint64_t bytes)
{
	bool equal = a->fpcr == b->fpcr && a->fpsr == b->fpsr;

	if (!sve) {
		return equal && !memcmp(a, b, FP_REGISTERS * 16);
	}
	for (unsigned i = 0; i < 32; i++) {
		equal = equal && !memcmp(a->z[i], b->z[i], bytes);
	}
	for (unsigned i = 0; i < 17; i++) {
		equal = equal && !memcmp(a->p[i], b->p[i], bytes / 8);
	}
	return equal;
}
