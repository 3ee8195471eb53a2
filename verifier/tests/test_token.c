// SPDX-License-Identifier: BSD-3-Clause
/* Tokens that are accepted, signatures and binding, every bit and every length of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture.h"

static void assert_filled(struct cca_bytes bytes, size_t size, uint8_t start)
{
	uint8_t want[64];

	maker_fill(want, size, start);
	assert_int_equal(bytes.size, size);
	assert_memory_equal(bytes.data, want, size);
}

static void assert_text(struct cca_bytes bytes, const char *text)
{
	assert_int_equal(bytes.size, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.size);
}

static void reads_every_claim(void **state)
{
	const struct cca_platform_claims *p = &token.platform;
	const struct cca_realm_claims *r = &token.realm;

	(void)state;
	fresh();
	build();
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	assert_filled(r->challenge, 64, 0x40);
	assert_filled(r->rpv, 64, 0x80);
	assert_filled(r->rim, 32, 0x10);
	for (uint8_t i = 0; i < CCA_REM_COUNT; i++) {
		assert_filled(r->rem[i], 32, (uint8_t)(0x20 * i));
	}
	assert_int_equal(r->hash, CCA_HASH_SHA256);
	assert_true(r->has_realm_id);
	assert_true(r->realm_id == MAKER_REALM_ID);
	assert_text(r->profile, "tag:arm.com,2023:realm#1.0.0");
	assert_filled(p->implementation_id, 32, 0x50);
	assert_filled(p->instance_id, 33, 0x01);
	assert_filled(p->config, 4, 0xc0);
	assert_int_equal(p->lifecycle, 0x3003);
	assert_string_equal(cca_lifecycle_name(p->lifecycle), "secured");
	assert_text(p->service, "https://verifier.example/");
	assert_int_equal(p->component_count, 2);
	assert_text(p->component[1].type, "RMM");
	assert_text(p->component[1].version, "1.2.3");
	assert_filled(p->component[1].measurement, 32, 0x32);
	assert_filled(p->component[1].signer_id, 32, 0xe0);
}

static void accepts(enum cca_hash hash, enum cca_sign_alg alg)
{
	assert_true(maker_init(&maker, hash, alg));
	build();
	assert_int_equal(accept(), CCA_OK);
	assert_int_equal(token.realm.rim.size, cca_hash_size(hash));
	assert_int_equal(token.platform_sign1.alg, alg);
}

static void accepts_both_realm_hashes_and_all_platform_curves(void **state)
{
	(void)state;
	accepts(CCA_HASH_SHA256, CCA_SIGN_ES384);
	accepts(CCA_HASH_SHA512, CCA_SIGN_ES384);
	accepts(CCA_HASH_SHA256, CCA_SIGN_ES256);
	accepts(CCA_HASH_SHA512, CCA_SIGN_ES512);
}

static void accepts_absent_optional_claims(void **state)
{
	(void)state;
	fresh();
	entry_drop(&maker.realm, REALM_ID);
	entry_drop(&maker.realm, REALM_PROFILE);
	entry_drop(&maker.platform, PLAT_SERVICE);
	build();
	assert_int_equal(accept(), CCA_OK);
	assert_false(token.realm.has_realm_id);
	assert_int_equal(token.realm.profile.size, 0);
}

static void accepts_claims_in_any_order(void **state)
{
	struct blob first;

	(void)state;
	fresh();
	first = maker.realm.entry[0];
	entry_drop(&maker.realm, 0);
	entry_add(&maker.realm, &first);
	build();
	assert_int_equal(accept(), CCA_OK);
}

static void accepts_every_binding_hash(void **state)
{
	(void)state;
	fresh();
	for (int h = CCA_HASH_SHA256; h <= CCA_HASH_SHA512; h++) {
		assert_true(maker_bind(&maker, (enum cca_hash)h));
		build();
		assert_int_equal(accept(), CCA_OK);
	}
}

/* What current tools emit and specification 1.0 does not have. */
static void accepts_collections_key_operations_and_the_mec_policy(void **state)
{
	struct blob entry = {0};

	(void)state;
	fresh();
	maker.cmw = true;
	expect_only_strict_refuses("tag 907, must be 399");
	assert_int_equal(token.tag, 907);
	fresh();
	maker.key_ops = true;
	assert_true(maker_bind(&maker, CCA_HASH_SHA256));
	expect_only_strict_refuses("key operations is not in specification 1.0");
	fresh();
	put_int(&entry, 44243);
	put_uint(&entry, 1);
	entry_add(&maker.realm, &entry);
	expect_only_strict_refuses("realm MEC policy is not in specification 1.0");
	assert_true(token.realm.has_mec_policy && token.realm.mec_policy == 1);
}

/* The length of the protected header in more bytes than it needs; it is signed in shortest form. */
static void accepts_a_long_length_of_the_protected_header(void **state)
{
	static uint8_t data[MAKER_TOKEN_SIZE];
	struct cca_key key;
	size_t at;

	(void)state;
	fresh();
	key = platform_key();
	build();
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	at = (size_t)(token.realm_sign1.protected_header.data - made.data) - 1;
	memcpy(data, made.data, at);
	data[at] = 0x58;
	data[at + 1] = (uint8_t)token.realm_sign1.protected_header.size;
	memcpy(data + at + 2, made.data + at + 1, made.size - at - 1);
	data[at - 3]++; /* low byte of the realm token's length */
	assert_int_equal(accept_bytes(data, made.size + 1, &key), CCA_OK);
	parse_flags = CCA_STRICT;
	assert_int_equal(accept_bytes(data, made.size + 1, &key), CCA_MALFORMED);
	parse_flags = 0;
}

/* --- signatures and binding --- */

static void refuses_wrong_signatures(void **state)
{
	(void)state;
	fresh();
	maker.wrong_realm_signature = true;
	expect_refused(CCA_SIGNATURE, "realm token: not signed");
	fresh();
	maker.wrong_platform_signature = true;
	expect_refused(CCA_SIGNATURE, "not signed by any");
}

/* The values of r and s that no signature may have: zero, and the order of the group or more. */
static void refuses_signatures_out_of_range(void **state)
{
	static const uint8_t order[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2,
		0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
	};
	static const uint8_t zero[48];
	static uint8_t ones[48];
	static const uint8_t *const values[] = {zero, order, ones};
	uint8_t *signature;
	struct cca_key key;

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	fresh();
	key = platform_key();
	for (size_t i = 0; i < 4 * 4 - 1; i++) {
		build();
		signature = made.data + made.size - 96;
		if (i % 4 < 3) {
			memcpy(signature, values[i % 4], 48);
		}
		if (i / 4 < 3) {
			memcpy(signature + 48, values[i / 4], 48);
		}
		assert_int_equal(accept_bytes(made.data, made.size, &key), CCA_SIGNATURE);
	}
}

static void refuses_another_platform_key(void **state)
{
	struct cca_key keys[2];
	size_t which = 9;

	(void)state;
	fresh();
	build();
	keys[1] = platform_key();
	maker.platform_secret[5] ^= 1;
	keys[0] = platform_key();
	assert_int_equal(accept_bytes(made.data, made.size, keys), CCA_SIGNATURE);
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	assert_int_equal(cca_token_verify(&token, keys, 2, &which, &err), CCA_OK);
	assert_int_equal(which, 1);
	assert_int_equal(cca_token_verify(&token, keys, 0, &which, &err), CCA_SIGNATURE);
	assert_int_equal(cca_token_verify_realm(&token, &err), CCA_OK);
}

/* A key of another curve must not be tried with the token's algorithm, nor the token with its. */
static void refuses_an_anchor_of_another_curve(void **state)
{
	struct cca_key key;

	(void)state;
	fresh();
	build();
	key = platform_key();
	key.alg = CCA_SIGN_ES256;
	assert_int_equal(accept_bytes(made.data, made.size, &key), CCA_SIGNATURE);
}

/* A realm token of another realm, or of another platform: each is genuine, the pair is not. */
static void refuses_halves_of_two_tokens(void **state)
{
	struct maker other;

	(void)state;
	fresh();
	other = maker;
	other.realm_secret[3] ^= 1;
	assert_true(maker_bind(&other, CCA_HASH_SHA256));
	maker.platform = other.platform;
	expect_refused(CCA_SIGNATURE, "binding");
}

static void refuses_a_challenge_of_another_hash(void **state)
{
	struct maker longer;

	(void)state;
	fresh();
	longer = maker;
	assert_true(maker_bind(&longer, CCA_HASH_SHA512));
	maker.platform = longer.platform;
	expect_refused(CCA_SIGNATURE, "binding");
}

static void refuses_a_realm_key_off_the_curve(void **state)
{
	struct blob *key = &maker.realm.entry[REALM_KEY];

	(void)state;
	fresh();
	key->data[key->size - 1] ^= 1;
	expect_refused(CCA_SIGNATURE, "realm token");
}

static void compares_the_challenge(void **state)
{
	uint8_t challenge[65];

	(void)state;
	fresh();
	build();
	maker_fill(challenge, sizeof(challenge), 0x40);
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 64, &err), CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 32, &err), CCA_MISMATCH);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 65, &err), CCA_MISMATCH);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 0, &err), CCA_MISMATCH);
	challenge[63] ^= 1;
	assert_int_equal(cca_token_check_challenge(&token, challenge, 64, &err), CCA_MISMATCH);
}

static void pads_a_short_challenge_with_zeros(void **state)
{
	uint8_t challenge[64] = {1, 2, 3};
	struct blob entry = {0};

	(void)state;
	fresh();
	put_int(&entry, 10);
	put_bytes(&entry, challenge, sizeof(challenge));
	entry_set(&maker.realm, REALM_CHALLENGE, &entry);
	build();
	assert_int_equal(accept(), CCA_OK);
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 3, &err), CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, challenge, 2, &err), CCA_MISMATCH);
}

/* --- every bit, every length --- */

static void put_key_id(struct blob *header)
{
	header->size = 0;
	put_map(header, 1);
	put_int(header, 4);
	put_bytes(header, "\xaa\xbb\xcc\xdd", 4);
}

static void refuses_every_truncation(void **state)
{
	struct cca_key key;

	(void)state;
	fresh();
	build();
	key = platform_key();
	for (size_t size = 0; size < made.size; size++) {
		assert_int_equal(accept_bytes(made.data, size, &key), CCA_MALFORMED);
	}
}

/* Flips each bit in turn; returns how many flips were accepted, and in [first, last] where. */
static size_t flip_all(size_t *first, size_t *last)
{
	struct cca_key key = platform_key();
	size_t accepted = 0;

	*first = SIZE_MAX;
	*last = 0;
	for (size_t bit = 0; bit < 8 * made.size; bit++) {
		made.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		if (accept_bytes(made.data, made.size, &key) == CCA_OK) {
			accepted++;
			*first = bit / 8 < *first ? bit / 8 : *first;
			*last = bit / 8;
		}
		made.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	return accepted;
}

static void refuses_every_bit_flip(void **state)
{
	size_t first;
	size_t last;

	(void)state;
	fresh();
	build();
	assert_int_equal(flip_all(&first, &last), 0);
}

/*
 * A key id is not signed and nothing depends on it: flips of its four bytes, and only those, go
 * unnoticed, and every claim is read as before.
 */
static void only_key_id_bytes_may_change(void **state)
{
	static struct cca_token before;
	struct cca_bytes id;
	size_t first;
	size_t last;

	(void)state;
	fresh();
	put_key_id(&maker.realm_unprotected);
	build();
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &before, &err), CCA_OK);
	id = before.realm_sign1.key_id;
	assert_int_equal(id.size, 4);
	assert_int_equal(flip_all(&first, &last), 8 * id.size);
	assert_ptr_equal(made.data + first, id.data);
	assert_ptr_equal(made.data + last, id.data + id.size - 1);
	made.data[first] ^= 1;
	assert_int_equal(cca_token_parse(made.data, made.size, 0, &token, &err), CCA_OK);
	assert_memory_equal(&before, &token, sizeof(token));
}

/* --- keys --- */

static void cose_key_hash_vector(void **state)
{
	/* The encoding of a published sample key, whose hash is known. */
	static const uint8_t x[] = {
		0x76, 0xf9, 0x88, 0x09, 0x1b, 0xe5, 0x85, 0xed, 0x41, 0x80, 0x1a, 0xec,
		0xfa, 0xb8, 0x58, 0x54, 0x8c, 0x63, 0x05, 0x7e, 0x16, 0xb0, 0xe6, 0x76,
		0x12, 0x0b, 0xbd, 0x0d, 0x2f, 0x9c, 0x29, 0xe0, 0x56, 0xc5, 0xd4, 0x1a,
		0x01, 0x30, 0xeb, 0x9c, 0x21, 0x51, 0x78, 0x99, 0xdc, 0x23, 0x14, 0x6b,
	};
	static const uint8_t y[] = {
		0x28, 0xe1, 0xb0, 0x62, 0xbd, 0x3e, 0xa4, 0xb3, 0x15, 0xfd, 0x21, 0x9f,
		0x1c, 0xbb, 0x52, 0x8c, 0xb6, 0xe7, 0x4c, 0xa4, 0x9b, 0xe1, 0x67, 0x73,
		0x73, 0x4f, 0x61, 0xa1, 0xca, 0x61, 0x03, 0x1b, 0x2b, 0xbf, 0x3d, 0x91,
		0x8f, 0x2f, 0x94, 0xff, 0xc4, 0x22, 0x8e, 0x50, 0x91, 0x95, 0x44, 0xae,
	};
	static const uint8_t hash[] = {
		0x0d, 0x22, 0xe0, 0x8a, 0x98, 0x46, 0x90, 0x58, 0x48, 0x63, 0x18,
		0x28, 0x34, 0x89, 0xbd, 0xb3, 0x6f, 0x09, 0xdb, 0xef, 0xeb, 0x18,
		0x64, 0xdf, 0x43, 0x3f, 0xa6, 0xe5, 0x4e, 0xa2, 0xd7, 0x11,
	};
	struct blob b = {0};
	uint8_t digest[CCA_HASH_MAX];
	struct cca_key key;

	(void)state;
	put_raw(&b, "\xa4\x01\x02\x20\x02\x21", 6);
	put_bytes(&b, x, sizeof(x));
	put_raw(&b, "\x22", 1);
	put_bytes(&b, y, sizeof(y));
	assert_int_equal(b.size, 107);
	assert_true(cca_hash(CCA_HASH_SHA256, b.data, b.size, digest));
	assert_memory_equal(digest, hash, sizeof(hash));
	assert_int_equal(cca_key_from_cose(b.data, b.size, &key, &err), CCA_OK);
	assert_int_equal(key.alg, CCA_SIGN_ES384);
	assert_memory_equal(key.x, x, sizeof(x));
	assert_memory_equal(key.y, y, sizeof(y));
}

struct raw_key {
	int64_t type;
	int64_t curve;
	int64_t alg; /* 0: not there */
	size_t x;
	size_t y;
};

static enum cca_status read_raw_key(const struct raw_key *raw)
{
	static const uint8_t coordinate[80];
	struct blob b = {0};
	struct cca_key key;

	put_map(&b, raw->alg != 0 ? 5 : 4);
	put_int(&b, 1);
	put_int(&b, raw->type);
	put_int(&b, -1);
	put_int(&b, raw->curve);
	put_int(&b, -2);
	put_bytes(&b, coordinate, raw->x);
	put_int(&b, -3);
	put_bytes(&b, coordinate, raw->y);
	if (raw->alg != 0) {
		put_int(&b, 3);
		put_int(&b, raw->alg);
	}
	return cca_key_from_cose(b.data, b.size, &key, &err);
}

static void cose_key_types_curves_and_sizes(void **state)
{
	static const struct raw_key good[] = {
		{2, 1, 0, 32, 32},  {2, 2, 0, 48, 48},   {2, 3, 0, 66, 66},
		{2, 1, -7, 32, 32}, {2, 2, -35, 48, 48}, {2, 3, -36, 66, 66},
	};
	static const struct raw_key bad[] = {
		{1, 2, 0, 48, 48},  {3, 2, 0, 48, 48},  {2, 0, 0, 48, 48},   {2, 4, 0, 48, 48},
		{2, -1, 0, 48, 48}, {2, 2, 0, 47, 48},  {2, 2, 0, 48, 47},   {2, 2, 0, 48, 49},
		{2, 2, 0, 49, 48},  {2, 2, 0, 0, 0},    {2, 1, 0, 48, 48},   {2, 3, 0, 48, 48},
		{2, 3, 0, 80, 80},  {2, 2, -7, 48, 48}, {2, 2, -36, 48, 48}, {2, 1, -35, 32, 32},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(read_raw_key(&good[i]), CCA_OK);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_raw_key(&bad[i]), CCA_MALFORMED);
	}
}

static void pem_and_cose_give_the_same_key(void **state)
{
	static const enum cca_sign_alg algs[] = {CCA_SIGN_ES256, CCA_SIGN_ES384, CCA_SIGN_ES512};
	char pem[1024];
	struct cca_key read;
	struct cca_key key;

	(void)state;
	fresh();
	for (size_t i = 0; i < 3; i++) {
		assert_true(maker_key(algs[i], maker.platform_secret, &key));
		assert_true(maker_pem(&key, pem, sizeof(pem)));
		assert_int_equal(cca_key_from_pem(pem, strlen(pem), &read, &err), CCA_OK);
		assert_memory_equal(&read, &key, sizeof(key));
	}
}

static void refuses_what_is_no_key(void **state)
{
	static const char rubbish[] =
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
	struct cca_key key;

	(void)state;
	assert_int_equal(cca_key_from_pem(rubbish, sizeof(rubbish) - 1, &key, &err), CCA_MALFORMED);
	assert_int_equal(cca_key_from_pem("", 0, &key, &err), CCA_MALFORMED);
	assert_int_equal(cca_key_from_cose("", 0, &key, &err), CCA_MALFORMED);
	assert_int_equal(cca_key_from_cose("\xa0", 1, &key, &err), CCA_MALFORMED);
	assert_int_equal(key.alg, CCA_SIGN_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_claim),
		cmocka_unit_test(accepts_both_realm_hashes_and_all_platform_curves),
		cmocka_unit_test(accepts_absent_optional_claims),
		cmocka_unit_test(accepts_claims_in_any_order),
		cmocka_unit_test(accepts_every_binding_hash),
		cmocka_unit_test(accepts_collections_key_operations_and_the_mec_policy),
		cmocka_unit_test(accepts_a_long_length_of_the_protected_header),
		cmocka_unit_test(refuses_wrong_signatures),
		cmocka_unit_test(refuses_signatures_out_of_range),
		cmocka_unit_test(refuses_another_platform_key),
		cmocka_unit_test(refuses_an_anchor_of_another_curve),
		cmocka_unit_test(refuses_halves_of_two_tokens),
		cmocka_unit_test(refuses_a_challenge_of_another_hash),
		cmocka_unit_test(refuses_a_realm_key_off_the_curve),
		cmocka_unit_test(compares_the_challenge),
		cmocka_unit_test(pads_a_short_challenge_with_zeros),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_every_bit_flip),
		cmocka_unit_test(only_key_id_bytes_may_change),
		cmocka_unit_test(cose_key_hash_vector),
		cmocka_unit_test(cose_key_types_curves_and_sizes),
		cmocka_unit_test(pem_and_cose_give_the_same_key),
		cmocka_unit_test(refuses_what_is_no_key),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
