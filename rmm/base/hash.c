// SPDX-License-Identifier: BSD-3-Clause
#include "base/hash.h"

#include <string.h>

#include "arch/hash.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/sha2.h"
#include "base/wipe.h"

/* Room for the bytes of an unfinished block and the padding after them. */
#define TAIL_MAX (2 * HASH_BLOCK_MAX)

static size_t block_size(uint8_t algo)
{
	return algo == HASH_SHA_512 ? 128 : 64;
}

size_t hash_size(uint8_t algo)
{
	return algo == HASH_SHA_512 ? HASH_SHA_512_SIZE : HASH_SHA_256_SIZE;
}

/* size: a multiple of the block's. */
static void fold(const struct arch_hash_ctx *ctx, uint8_t algo, union hash_state *state,
		 const void *data, size_t size)
{
	if (algo == HASH_SHA_512) {
		arch_sha512(ctx, state->w64, data, size / 128);
	} else {
		arch_sha256(ctx, state->w32, data, size / 64);
	}
}

/* The same where nothing else is to be hashed. */
static void fold_alone(struct hash *hash, const void *data, size_t size)
{
	struct arch_hash_ctx ctx;

	arch_hash_begin(&ctx);
	fold(&ctx, hash->algo, &hash->state, data, size);
	arch_hash_end(&ctx);
}

static void start(union hash_state *state, uint8_t algo)
{
	if (algo == HASH_SHA_512) {
		memcpy(state->w64, sha512_start, sizeof(sha512_start));
	} else {
		memcpy(state->w32, sha256_start, sizeof(sha256_start));
	}
}

void hash_begin(struct hash *hash, uint8_t algo)
{
	ASSERT(algo <= HASH_SHA_512);
	hash->algo = algo;
	hash->size = 0;
	start(&hash->state, algo);
}

/* Bytes in hash->pending. */
static size_t pending_size(const struct hash *hash)
{
	return hash->size & (block_size(hash->algo) - 1);
}

/* Moves bytes to hash->pending until a block is full; returns how many. */
static size_t fill_pending(struct hash *hash, const uint8_t *data, size_t size)
{
	size_t used = pending_size(hash);
	size_t count = min_u64(size, block_size(hash->algo) - used);

	memcpy(hash->pending + used, data, count);
	hash->size += count;
	return count;
}

void hash_add(struct hash *hash, const void *data, size_t size)
{
	const uint8_t *from = data;
	size_t block = block_size(hash->algo);

	if (pending_size(hash) != 0) {
		size_t moved = fill_pending(hash, from, size);

		from += moved;
		size -= moved;
		if (pending_size(hash) != 0) {
			return;
		}
		fold_alone(hash, hash->pending, block);
	}

	size_t whole = size & ~(block - 1);

	if (whole != 0) {
		fold_alone(hash, from, whole);
		hash->size += whole;
	}
	if (size != whole) {
		(void)fill_pending(hash, from + whole, size - whole);
	}
}

/*
 * The last bytes of the message, a one bit, zeros, and the length in bits as a big-endian number of
 * 64 or 128 bits at the end of a block. Returns the size, one or two blocks.
 */
static size_t make_tail(uint8_t algo, const uint8_t *rest, uint64_t message_size, uint8_t *tail)
{
	size_t block = block_size(algo);
	size_t used = message_size & (block - 1);
	size_t size = used + 1 + block / 8 > block ? 2 * block : block;
	uint64_t bits = __builtin_bswap64(message_size * 8);

	if (used != 0) {
		/* There is a rest: NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
		memcpy(tail, rest, used);
	}
	memset(tail + used, 0, size - used);
	tail[used] = 0x80;
	memcpy(tail + size - sizeof(bits), &bits, sizeof(bits));
	return size;
}

/* Two words of SHA-256 at a time: each in its own byte order, where it was. */
static uint64_t swap_each_half(uint64_t words)
{
	uint64_t swapped = __builtin_bswap64(words);

	return swapped >> 32 | swapped << 32;
}

/* The hash as bytes, from the words of the state, in words that may be those of any object. */
typedef uint64_t __attribute__((may_alias)) any_word;

static void write_words(const union hash_state *state, uint8_t algo, any_word out[8])
{
	if (algo == HASH_SHA_512) {
		for (size_t i = 0; i < 8; i++) {
			out[i] = __builtin_bswap64(state->w64[i]);
		}
		return;
	}
	out[0] = swap_each_half(state->w64[0]);
	out[1] = swap_each_half(state->w64[1]);
	out[2] = swap_each_half(state->w64[2]);
	out[3] = swap_each_half(state->w64[3]);
	out[4] = out[5] = out[6] = out[7] = 0;
}

static void write_out(const struct hash *hash, uint8_t out[HASH_SIZE_MAX])
{
	uint64_t words[8];

	write_words(&hash->state, hash->algo, words);
	memcpy(out, words, sizeof(words));
}

void hash_end(struct hash *hash, uint8_t out[HASH_SIZE_MAX])
{
	uint8_t tail[TAIL_MAX];
	size_t tail_size = make_tail(hash->algo, hash->pending, hash->size, tail);

	fold_alone(hash, tail, tail_size);
	write_out(hash, out);
	wipe(hash, sizeof(*hash));
	wipe(tail, sizeof(tail));
}

void hash_of(uint8_t algo, const void *data, size_t size, uint8_t out[HASH_SIZE_MAX])
{
	struct arch_hash_ctx ctx;
	struct hash hash;
	uint8_t tail[TAIL_MAX];
	size_t whole = size & ~(block_size(algo) - 1);

	hash_begin(&hash, algo);

	size_t tail_size = make_tail(algo, (const uint8_t *)data + whole, size, tail);

	arch_hash_begin(&ctx);
	fold(&ctx, algo, &hash.state, data, whole);
	fold(&ctx, algo, &hash.state, tail, tail_size);
	arch_hash_end(&ctx);
	write_out(&hash, out);
}

void hash_series_begin(struct hash_series *series, uint8_t algo, size_t size)
{
	ASSERT(algo <= HASH_SHA_512 && size % HASH_BLOCK_MAX == 0);
	series->algo = algo;
	series->size = size;
	(void)make_tail(algo, NULL, size, series->tail);
	arch_hash_begin(&series->ctx);
}

void hash_series_next(const struct hash_series *series, const void *message, void *out)
{
	union hash_state state;

	start(&state, series->algo);
	fold(&series->ctx, series->algo, &state, message, series->size);
	fold(&series->ctx, series->algo, &state, series->tail, block_size(series->algo));
	write_words(&state, series->algo, out);
}

void hash_series_end(const struct hash_series *series)
{
	arch_hash_end(&series->ctx);
}

void hash_blocks_512(uint64_t state[8], bool first, const void *data, size_t size)
{
	struct arch_hash_ctx ctx;

	ASSERT(size % HASH_BLOCK_MAX == 0);
	if (first) {
		memcpy(state, sha512_start, sizeof(sha512_start));
	}
	arch_hash_begin(&ctx);
	arch_sha512(&ctx, state, data, size / HASH_BLOCK_MAX);
	arch_hash_end(&ctx);
}

void hash_finish_512(uint64_t state[8], uint64_t total)
{
	struct hash hash = {.algo = HASH_SHA_512, .size = total};

	memcpy(hash.state.w64, state, sizeof(hash.state.w64));
	hash_end(&hash, (uint8_t *)state);
}
