// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: the compression functions of SHA-256 and SHA-512 (FIPS 180-4), with the CPU's
 * instructions for them where it has any. Padding and everything else is portable (base/hash.c).
 */
#ifndef ARCH_HASH_H
#define ARCH_HASH_H

#include "base/types.h"

#define ARCH_HASH_VECTORS     16U
#define ARCH_HASH_VECTOR_SIZE 256U /* the longest there are */

/*
 * The instructions work on vector registers, and those hold what the interrupted world left in
 * them. They are borrowed for any number of hashes, because that has a price, and hold what they
 * held before when they have been given back. Contents are of no concern to others.
 */
struct arch_hash_ctx {
	uint64_t controls[2];
	uint8_t level; /* of the instructions: 0 none, or the registers could not be had; 1, 2 */
	bool sve;
	uint8_t vectors[ARCH_HASH_VECTORS * ARCH_HASH_VECTOR_SIZE] __attribute__((aligned(16)));
};

/*
 * Saves the vector registers of this CPU, and restores them. In between: the same CPU, no realm
 * runs, and no other context.
 */
void arch_hash_begin(struct arch_hash_ctx *ctx);
void arch_hash_end(const struct arch_hash_ctx *ctx);

/* Folds `count` blocks of 64 or 128 bytes at `blocks`, at any alignment, into the state. */
void arch_sha256(const struct arch_hash_ctx *ctx, uint32_t state[8], const void *blocks,
		 size_t count);
void arch_sha512(const struct arch_hash_ctx *ctx, uint64_t state[8], const void *blocks,
		 size_t count);

#endif
