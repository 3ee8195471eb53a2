// SPDX-License-Identifier: BSD-3-Clause
/*
 * SHA-256 and SHA-512 (FIPS 180-4) of what a realm's measurements are made of. The numbers of the
 * algorithms are those of RmiHashAlgorithm.
 */
#ifndef RMM_BASE_HASH_H
#define RMM_BASE_HASH_H

#include "base/types.h"

#define HASH_SHA_256      0U
#define HASH_SHA_512      1U
#define HASH_SIZE_MAX     64U
#define HASH_BLOCK_MAX    128U
#define HASH_SHA_256_SIZE 32U
#define HASH_SHA_512_SIZE 64U

/* A hash in the making. Contents are of no concern to users. */
struct hash {
	union {
		uint32_t w32[8];
		uint64_t w64[8];
	} state;
	uint64_t size; /* bytes so far */
	uint8_t algo;
	uint8_t pending[HASH_BLOCK_MAX]; /* the bytes that do not fill a block yet */
};

/* Bytes of a hash of `algo` (HASH_...). */
size_t hash_size(uint8_t algo);

/*
 * hash_begin(), any number of hash_add(), hash_end(). algo is valid; size < 2^60 bytes in all.
 * hash_end() writes HASH_SIZE_MAX bytes, the hash and then zeros, and wipes *hash.
 */
void hash_begin(struct hash *hash, uint8_t algo);
void hash_add(struct hash *hash, const void *data, size_t size);
void hash_end(struct hash *hash, uint8_t out[HASH_SIZE_MAX]);

/* All three at once, cheaper. */
void hash_of(uint8_t algo, const void *data, size_t size, uint8_t out[HASH_SIZE_MAX]);

/*
 * SHA-512 of whole blocks, for a hash that is made in many calls: only the state has to be kept.
 * `first` starts it. size is a multiple of 128 bytes. hash_finish_512() leaves the hash in the
 * state's place, as bytes; total < 2^60.
 */
void hash_blocks_512(uint64_t state[8], bool first, const void *data, size_t size);
void hash_finish_512(uint64_t state[8], uint64_t total);

#endif
