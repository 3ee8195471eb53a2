// SPDX-License-Identifier: BSD-3-Clause
/*
 * Images of the vector registers in memory, for C and assembly.
 *
 *     FP    Q0..Q31, FPCR, FPSR
 *     SVE   Z0..Z31, P0..P15, FFR at the vector length in force, then FPCR, FPSR, ZCR_EL1
 */
#ifndef ARCH_AARCH64_SIMD_H
#define ARCH_AARCH64_SIMD_H

#define SIMD_FP_SIZE (32 * 16 + 16)
/* quads: vector length in units of 128 bits. 32 vectors, and 17 predicates of an eighth of one. */
#define SIMD_SVE_SIZE(quads) (32 * 16 * (quads) + 17 * 2 * (quads) + 48)
#define SIMD_SVE_MAX         8800

#ifndef __ASSEMBLER__

/* The CPU must allow vector instructions at EL2; area is 16-byte aligned. */
void simd_fp_save(void *area);
void simd_fp_restore(const void *area);

/* At the vector length in force (ZCR_EL2). ZCR_EL1 is the one below EL2. */
void simd_sve_save(void *area);
void simd_sve_restore(const void *area);

/* Zeroes vectors, predicates and FFR over the whole length. */
void simd_sve_clear(void);

#endif
#endif
