// SPDX-License-Identifier: BSD-3-Clause
/*
 * SHA-256 and SHA-512 (FIPS 180-4) of what a realm's measurements are made of. The numbers of the
 * algorithms are those of RmiHashAlgorithm.
 */
#ifndef RMM_BASE_HASH_H
#define RMM_BASE_HASH_H

#include "arch/hash.h"
#include "base/types.h"

#define HASH_SHA_256      0U
#define HASH_SHA_512      1U
#define HASH_SIZE_MAX     64U
#define HASH_BLOCK_MAX    128U
#define HASH_SHA_256_SIZE 32U
#define HASH_SHA_512_SIZE 64U

union hash_state {
	uint32_t w32[8];
	uint64_t w64[8];
};

/* A hash in the making. Contents are of no concern to users. */
struct hash {
	union hash_state state;
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
 * Hashes of messages one after the other, all of `size` bytes, a multiple of 128: what the first
 * needs the others have. The contents of a series are of no concern to users. Between begin and end
 * nothing else is hashed, and the command stays on its CPU and out of realms.
 */
struct hash_series {
	struct arch_hash_ctx ctx;
	uint8_t algo;
	size_t size;
	uint8_t tail[HASH_BLOCK_MAX];
};

/* hash_series_next(): out, HASH_SIZE_MAX bytes as above, is aligned to 8, and may be in message. */
void hash_series_begin(struct hash_series *series, uint8_t algo, size_t size);
void hash_series_next(const struct hash_series *series, const void *message, void *out);
void hash_series_end(const struct hash_series *series);

/*
 * SHA-512 of whole blocks, for a hash that is made in many calls: only the state has to be kept.
 * `first` starts it. size is a multiple of 128 bytes. hash_finish_512() leaves the hash in the
 * state's place, as bytes; total < 2^60.
 */
void hash_blocks_512(uint64_t state[8], bool first, const void *data, size_t size);
void hash_finish_512(uint64_t state[8], uint64_t total);

#endif
