// SPDX-License-Identifier: BSD-3-Clause
/*
 * Images of the vector registers in memory. They take up to three granules, which need not be
 * adjacent, so that a realm's can live in auxiliary granules of its REC:
 *
 *     FP    first: Q0..Q31, at SIMD_CONTROL_FP FPCR and FPSR
 *     SVE   first: Z0..Z15; second: Z16..Z31; third: P0..P15 and FFR, at SIMD_CONTROL_SVE FPCR,
 * FPSR and ZCR_EL1, all at the vector length in force
 */
#ifndef ARCH_AARCH64_SIMD_H
#define ARCH_AARCH64_SIMD_H

#define SIMD_CONTROL_FP  512
#define SIMD_CONTROL_SVE 1024

#ifndef __ASSEMBLER__

struct simd_area {
	void *granule[3];
};

/* The CPU must allow vector instructions at EL2. */
void simd_fp_save(const struct simd_area *area);
void simd_fp_restore(const struct simd_area *area);

/* At the vector length in force (ZCR_EL2). ZCR_EL1 is the one below EL2. */
void simd_sve_save(const struct simd_area *area);
void simd_sve_restore(const struct simd_area *area);

/* Zeroes vectors, predicates and FFR over the whole length. */
void simd_sve_clear(void);

#endif
#endif
