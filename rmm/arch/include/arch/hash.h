// SPDX-License-Identifier: BSD-3-Clause
/*
 * Seam: the compression functions of SHA-256 and SHA-512 (FIPS 180-4), with the CPU's instructions
 * for them where it has any. Padding and everything else is portable (base/hash.c).
 */
#ifndef ARCH_HASH_H
#define ARCH_HASH_H

#include "base/types.h"

/*
 * Folds `count` blocks at `blocks`, then `tail_count` blocks at `tail`, into the state. A block is
 * 64 or 128 bytes; either count may be 0, its pointer is then not used. No alignment is needed.
 * Two runs of blocks in one call because borrowing the vector registers of the interrupted world
 * has a price; they hold what they held before when the call returns.
 */
void arch_sha256(uint32_t state[8], const void *blocks, size_t count, const void *tail,
		 size_t tail_count);
void arch_sha512(uint64_t state[8], const void *blocks, size_t count, const void *tail,
		 size_t tail_count);

#endif
