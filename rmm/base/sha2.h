// SPDX-License-Identifier: BSD-3-Clause
/*
 * SHA-256 and SHA-512 in portable C, one run of blocks at a time (FIPS 180-4), and their constants:
 * what arch/hash.h falls back to on a CPU without instructions for them.
 */
#ifndef RMM_BASE_SHA2_H
#define RMM_BASE_SHA2_H

#include "base/types.h"

extern const uint32_t sha256_round_constants[64];
extern const uint64_t sha512_round_constants[80];
extern const uint32_t sha256_start[8];
extern const uint64_t sha512_start[8];

/* Folds count blocks of 64 or 128 bytes at `blocks`, any alignment, into the state. */
void sha256_fold(uint32_t state[8], const uint8_t *blocks, size_t count);
void sha512_fold(uint64_t state[8], const uint8_t *blocks, size_t count);

#endif
