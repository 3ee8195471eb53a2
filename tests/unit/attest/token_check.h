// SPDX-License-Identifier: BSD-3-Clause
/*
 * A token taken apart by what the specification says about its bytes, without the code that made
 * it, and the making of one in memory of a test.
 */
#ifndef TESTS_UNIT_ATTEST_TOKEN_CHECK_H
#define TESTS_UNIT_ATTEST_TOKEN_CHECK_H

#include "abi/rmi.h"
#include "attest/attest_internal.h"
#include "base/hash.h"
#include "unit.h"

#define TOKEN_MAX 8192U

/* The pages of one REC. */
struct rec_pages {
	uint8_t bytes[ATTEST_PAGES][GRANULE_SIZE] __attribute__((aligned(16)));
	void *list[ATTEST_PAGES];
};

static inline void pages_prepare(struct rec_pages *pages)
{
	memset(pages->bytes, 0, sizeof(pages->bytes));
	for (unsigned int i = 0; i < ATTEST_PAGES; i++) {
		pages->list[i] = pages->bytes[i];
	}
}

static inline void pages_assert_zero(const struct rec_pages *pages)
{
	for (size_t i = 0; i < sizeof(pages->bytes); i++) {
		assert_int_equal(((const uint8_t *)pages->bytes)[i], 0);
	}
}

/* Claims whose values differ with seed. */
struct sample {
	uint8_t rpv[64];
	uint8_t measurement[5][64];
	uint8_t challenge[64];
	uint8_t instance_id[33];
	uint8_t sharings[64];
	struct attest_claims claims;
};

static inline void sample_fill(struct sample *sample, uint8_t hash_algo, uint8_t seed)
{
	for (unsigned int i = 0; i < 64; i++) {
		sample->rpv[i] = (uint8_t)(seed + i);
		sample->challenge[i] = (uint8_t)(seed ^ i);
		for (unsigned int j = 0; j < 5; j++) {
			bool in_hash = i < hash_size(hash_algo);

			sample->measurement[j][i] = in_hash ? (uint8_t)(seed + 3 * i + 50 * j) : 0;
		}
	}
	sample->claims = (struct attest_claims){
		.realm_id = UINT64_C(0x0102030405060700) + seed,
		.hash_algo = hash_algo,
		.rpv = sample->rpv,
		.challenge = sample->challenge,
	};
	for (unsigned int j = 0; j < 5; j++) {
		sample->claims.measurement[j] = sample->measurement[j];
	}
	for (unsigned int i = 0; i < 33; i++) {
		sample->instance_id[i] = (uint8_t)(seed + 5 * i);
	}
	sample->claims.instance_id = sample->instance_id;
	memset(sample->sharings, seed + 7, sizeof(sample->sharings));
	sample->claims.sharings = sample->sharings;
}

/* Steps to the end; the number of steps. */
static inline unsigned int run_to_ready(struct rec_pages *pages)
{
	unsigned int steps = 0;
	enum attest_progress progress;

	do {
		progress = attest_step(pages->list);
		steps++;
	} while (progress == ATTEST_SIGNING);
	assert_int_equal(progress, ATTEST_READY);
	return steps;
}

/* Reads the token in pieces of at most `piece` bytes. */
static inline size_t read_token(struct rec_pages *pages, uint8_t out[TOKEN_MAX], size_t piece)
{
	size_t done = 0;
	bool last = false;

	while (!last) {
		size_t count = attest_peek(pages->list, out + done, piece);

		assert_true(count <= piece && done + count <= TOKEN_MAX);
		attest_taken(pages->list, count, &last);
		done += count;
	}
	return done;
}

/* What is left to compare. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

static inline void expect(struct cursor *cursor, const void *bytes, size_t size)
{
	assert_true(size <= cursor->left);
	assert_memory_equal(cursor->at, bytes, size);
	cursor->at += size;
	cursor->left -= size;
}

#define EXPECT(cursor, text) expect(cursor, text, sizeof(text) - 1)

/* The claims map, in order, byte for byte. */
static inline void expect_claims(struct cursor *cursor, const struct sample *sample,
				 const uint8_t key[COSE_KEY_P384_SIZE])
{
	bool long_hash = sample->claims.hash_algo == RMI_HASH_SHA_512;
	size_t size = long_hash ? 64 : 32;
	uint64_t id = __builtin_bswap64(sample->claims.realm_id);

	EXPECT(cursor, "\xab\x0a\x58\x40");
	expect(cursor, sample->challenge, 64);
	EXPECT(cursor, "\x19\xac\xcb\x58\x40");
	expect(cursor, sample->rpv, 64);
	EXPECT(cursor, "\x19\xac\xcd\x58\x6b");
	expect(cursor, key, COSE_KEY_P384_SIZE);
	EXPECT(cursor, "\x19\xac\xcc\x67");
	expect(cursor, long_hash ? "sha-512" : "sha-256", 7);
	EXPECT(cursor, "\x19\xac\xd0\x67sha-256");
	EXPECT(cursor, "\x19\x01\x09\x78\x1ctag:arm.com,2023:realm#1.0.0");
	EXPECT(cursor, "\x19\xac\xce\x58");
	expect(cursor, &(uint8_t){(uint8_t)size}, 1);
	expect(cursor, sample->measurement[0], size);
	EXPECT(cursor, "\x19\xac\xcf\x84");
	for (unsigned int i = 1; i < 5; i++) {
		EXPECT(cursor, "\x58");
		expect(cursor, &(uint8_t){(uint8_t)size}, 1);
		expect(cursor, sample->measurement[i], size);
	}
	EXPECT(cursor, "\x19\x01\x00\x58\x21");
	expect(cursor, sample->instance_id, 33);
	EXPECT(cursor, "\x3a\x00\x01\x11\x70\x48");
	expect(cursor, &id, 8);
	EXPECT(cursor, "\x3a\x00\x01\x11\x71\x58\x40");
	expect(cursor, sample->sharings, 64);
}

/* ECDSA on P-384 with SHA-384 over the Sig_structure, by the public key of the COSE_Key. */
static inline bool signature_holds(const uint8_t key[COSE_KEY_P384_SIZE], const uint8_t *payload,
				   size_t payload_size, const uint8_t signature[96])
{
	static uint8_t arena[2][GRANULE_SIZE] __attribute__((aligned(16)));
	const struct heap heap = {{arena[0], arena[1]}, 2};
	uint8_t message[1024] = "\x84\x6aSignature1\x44\xa1\x01\x38\x22\x40\x59";
	uint8_t point[97] = {4};
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
	uint8_t hash[48];
	psa_key_id_t id;
	bool holds;

	memcpy(point + 1, key + 8, 48);
	memcpy(point + 49, key + 59, 48);
	message[19] = (uint8_t)(payload_size >> 8);
	message[20] = (uint8_t)payload_size;
	memcpy(message + 21, payload, payload_size);
	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
	psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_384));
	memset(arena, 0, sizeof(arena));
	heap_open(&heap);
	assert_true(crypto_sha384(message, 21 + payload_size, NULL, 0, hash));
	assert_int_equal(psa_import_key(&attributes, point, sizeof(point), &id), PSA_SUCCESS);
	holds = psa_verify_hash(id, PSA_ALG_ECDSA(PSA_ALG_SHA_384), hash, sizeof(hash), signature,
				96) == PSA_SUCCESS;
	assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
	heap_close();
	return holds;
}

/*
 * The whole token: the platform's as the machine's EL3 gives it, bound to the key in the realm's;
 * the sample's claims; a signature that holds.
 */
static inline void check_token(const uint8_t *token, size_t size, const struct sample *sample)
{
	struct cursor cursor = {token, size};
	const uint8_t *key = attest_platform()->public_key;
	size_t payload_size = sample->claims.hash_algo == RMI_HASH_SHA_512 ? 764 : 604;
	size_t realm_size = payload_size + 109;
	uint8_t challenge[HASH_SIZE_MAX];
	const uint8_t *payload;

	hash_of(HASH_SHA_256, key, COSE_KEY_P384_SIZE, challenge);
	EXPECT(&cursor, "\xd9\x01\x8f\xa2\x19\xac\xca\x59");
	expect(&cursor,
	       (uint8_t[]){(uint8_t)(machine_el3.token_size >> 8), (uint8_t)machine_el3.token_size},
	       2);
	expect(&cursor, challenge, 32);
	for (size_t i = 32; i < machine_el3.token_size; i++) {
		expect(&cursor, &(uint8_t){(uint8_t)i}, 1);
	}
	EXPECT(&cursor, "\x19\xac\xd1\x59");
	expect(&cursor, (uint8_t[]){(uint8_t)(realm_size >> 8), (uint8_t)realm_size}, 2);
	EXPECT(&cursor, "\xd2\x84\x44\xa1\x01\x38\x22\xa0\x59");
	expect(&cursor, (uint8_t[]){(uint8_t)(payload_size >> 8), (uint8_t)payload_size}, 2);
	payload = cursor.at;
	expect_claims(&cursor, sample, key);
	assert_int_equal(cursor.at - payload, payload_size);
	EXPECT(&cursor, "\x58\x60");
	assert_int_equal(cursor.left, 96);
	assert_true(signature_holds(key, payload, payload_size, cursor.at));
}

#endif
