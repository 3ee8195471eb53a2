// SPDX-License-Identifier: BSD-3-Clause
/*
 * Vector registers by hand: host and realm are compiled without them, so what is loaded stays there
 * until somebody else changes it.
 */
#ifndef PAYLOAD_SIMD_H
#define PAYLOAD_SIMD_H

#define SIMD_Z_MAX 256 /* bytes of the longest vector */
#define SIMD_P_MAX 32

/* Places in struct vectors, in 4 KiB. */
#define SIMD_P_1       2
#define SIMD_CONTROL_1 3

#ifndef __ASSEMBLER__
#include "arch.h"

/* fp_*: 32 Q registers in a row at the start, FPCR, FPSR. sve_*: Z, P, FFR (p[16]), FPCR, FPSR. */
struct vectors {
	uint8_t z[32][SIMD_Z_MAX];
	uint8_t p[17][SIMD_P_MAX];
	uint8_t pad[4096 - 17 * SIMD_P_MAX];
	uint64_t fpcr, fpsr;
};

_Static_assert(offsetof(struct vectors, p) == SIMD_P_1 * 4096, "simd_regs.S");
_Static_assert(offsetof(struct vectors, fpcr) == SIMD_CONTROL_1 * 4096, "simd_regs.S");

void fp_load(const struct vectors *from);
void fp_store(struct vectors *to);
void sve_load(const struct vectors *from);
void sve_store(struct vectors *to);
/* Length of a Z register as the control registers allow it now. */
uint64_t sve_bytes(void);

/* Registers of `bytes` bytes get values made from seed: those of fp_load(), or of sve_load(). */
void vectors_fill(struct vectors *v, bool sve, uint64_t bytes, uint64_t seed);
bool vectors_equal(const struct vectors *a, const struct vectors *b, bool sve, uint64_t bytes);
#endif
#endif
