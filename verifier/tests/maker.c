// SPDX-License-Identifier: BSD-3-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cbor.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <psa/crypto.h>

#include "tests/maker.h"

/* A fault of the test itself. */
static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "maker: %s\n", what);
		abort();
	}
}

static uint8_t *room(struct blob *b, size_t size)
{
	must(size <= sizeof(b->data) - b->size, "blob is full");
	return b->data + b->size;
}

void put_raw(struct blob *b, const void *data, size_t size)
{
	memcpy(room(b, size), data, size);
	b->size += size;
}

void put_uint(struct blob *b, uint64_t value)
{
	b->size += cbor_encode_uint(value, room(b, 9), 9);
}

void put_int(struct blob *b, int64_t value)
{
	if (value >= 0) {
		put_uint(b, (uint64_t)value);
	} else {
		b->size += cbor_encode_negint((uint64_t)(-1 - value), room(b, 9), 9);
	}
}

void put_bytes(struct blob *b, const void *data, size_t size)
{
	b->size += cbor_encode_bytestring_start(size, room(b, 9), 9);
	put_raw(b, data, size);
}

void put_text(struct blob *b, const char *text)
{
	b->size += cbor_encode_string_start(strlen(text), room(b, 9), 9);
	put_raw(b, text, strlen(text));
}

void put_array(struct blob *b, size_t entries)
{
	b->size += cbor_encode_array_start(entries, room(b, 9), 9);
}

void put_map(struct blob *b, size_t entries)
{
	b->size += cbor_encode_map_start(entries, room(b, 9), 9);
}

void entry_drop(struct entries *e, size_t index)
{
	memmove(&e->entry[index], &e->entry[index + 1],
		(e->count - index - 1) * sizeof(e->entry[0]));
	e->count--;
}

void entry_set(struct entries *e, size_t index, const struct blob *entry)
{
	e->entry[index] = *entry;
}

void entry_add(struct entries *e, const struct blob *entry)
{
	must(e->count < MAKER_ENTRIES, "too many entries");
	e->entry[e->count++] = *entry;
}

void maker_fill(uint8_t *out, size_t size, uint8_t start)
{
	for (size_t i = 0; i < size; i++) {
		out[i] = (uint8_t)(start + i);
	}
}

/* --- keys --- */

static size_t secret_size(enum cca_sign_alg alg)
{
	return alg == CCA_SIGN_ES256 ? 32 : alg == CCA_SIGN_ES384 ? 48 : 66;
}

static psa_algorithm_t hash_of(enum cca_sign_alg alg)
{
	return alg == CCA_SIGN_ES256   ? PSA_ALG_SHA_256
	       : alg == CCA_SIGN_ES384 ? PSA_ALG_SHA_384
				       : PSA_ALG_SHA_512;
}

static psa_key_id_t import(enum cca_sign_alg alg, const uint8_t *secret)
{
	psa_key_attributes_t a = PSA_KEY_ATTRIBUTES_INIT;
	psa_key_id_t id = 0;

	psa_set_key_usage_flags(&a, PSA_KEY_USAGE_SIGN_MESSAGE);
	psa_set_key_algorithm(&a, PSA_ALG_DETERMINISTIC_ECDSA(hash_of(alg)));
	psa_set_key_type(&a, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	must(psa_import_key(&a, secret, secret_size(alg), &id) == PSA_SUCCESS, "import key");
	return id;
}

bool maker_key(enum cca_sign_alg alg, const uint8_t *secret, struct cca_key *key)
{
	size_t half = secret_size(alg);
	psa_key_id_t id = import(alg, secret);
	uint8_t point[133];
	size_t size;
	bool ok = psa_export_public_key(id, point, sizeof(point), &size) == PSA_SUCCESS &&
		  size == 1 + 2 * half;

	memset(key, 0, sizeof(*key));
	key->alg = alg;
	memcpy(key->x, point + 1, half);
	memcpy(key->y, point + 1 + half, half);
	psa_destroy_key(id);
	return ok;
}

static const char *group_name(enum cca_sign_alg alg)
{
	return alg == CCA_SIGN_ES256   ? "prime256v1"
	       : alg == CCA_SIGN_ES384 ? "secp384r1"
				       : "secp521r1";
}

bool maker_pem(const struct cca_key *key, char *pem, size_t size)
{
	size_t half = secret_size(key->alg);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[3];
	uint8_t point[133];
	int n = 0;

	point[0] = 4;
	memcpy(point + 1, key->x, half);
	memcpy(point + 1 + half, key->y, half);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						     (char *)group_name(key->alg), 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * half);
	params[2] = OSSL_PARAM_construct_end();
	if (EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) == 1 &&
	    PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		n = BIO_read(bio, pem, (int)size - 1);
	}
	pem[n > 0 ? n : 0] = '\0';
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	BIO_free(bio);
	return n > 0;
}

static void cose_key(const struct cca_key *key, bool key_ops, struct blob *b)
{
	static const int curve[] = {1, 2, 3};
	size_t half = secret_size(key->alg);

	put_map(b, key_ops ? 5 : 4);
	put_int(b, 1);
	put_int(b, 2);
	if (key_ops) {
		put_raw(b, "\x04\x81\x02", 3);
	}
	put_int(b, -1);
	put_int(b, curve[half == 32 ? 0 : half == 48 ? 1 : 2]);
	put_int(b, -2);
	put_bytes(b, key->x, half);
	put_int(b, -3);
	put_bytes(b, key->y, half);
}

/* --- claims --- */

static struct blob entry_bytes(int64_t key, const void *data, size_t size)
{
	struct blob b = {0};

	put_int(&b, key);
	put_bytes(&b, data, size);
	return b;
}

static struct blob entry_text(int64_t key, const char *text)
{
	struct blob b = {0};

	put_int(&b, key);
	put_text(&b, text);
	return b;
}

static void add_filled(struct entries *e, int64_t key, size_t size, uint8_t start)
{
	uint8_t value[64];
	struct blob b;

	maker_fill(value, size, start);
	b = entry_bytes(key, value, size);
	entry_add(e, &b);
}

static void add_text(struct entries *e, int64_t key, const char *text)
{
	struct blob b = entry_text(key, text);

	entry_add(e, &b);
}

static void add_rems(struct entries *e, size_t size)
{
	struct blob b = {0};
	uint8_t rem[64];

	put_int(&b, 44239);
	put_array(&b, 4);
	for (uint8_t i = 0; i < 4; i++) {
		maker_fill(rem, size, (uint8_t)(0x20 * i));
		put_bytes(&b, rem, size);
	}
	entry_add(e, &b);
}

static void fill_realm(struct maker *m, enum cca_hash hash)
{
	static const uint8_t id[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	struct blob b;

	add_filled(&m->realm, 10, 64, 0x40);
	add_filled(&m->realm, 44235, 64, 0x80);
	add_filled(&m->realm, 44237, 1, 0); /* replaced by maker_bind() */
	add_text(&m->realm, 44236, cca_hash_name(hash));
	add_text(&m->realm, 44240, "sha-256");
	add_text(&m->realm, 265, "tag:arm.com,2023:realm#1.0.0");
	add_filled(&m->realm, 44238, cca_hash_size(hash), 0x10);
	add_rems(&m->realm, cca_hash_size(hash));
	b = entry_bytes(-70001, id, sizeof(id));
	entry_add(&m->realm, &b);
}

static void add_component(struct blob *b, const char *type, uint8_t start)
{
	uint8_t value[32];

	put_map(b, 5);
	put_int(b, 1);
	put_text(b, type);
	put_int(b, 5);
	maker_fill(value, 32, 0xe0);
	put_bytes(b, value, 32);
	put_int(b, 4);
	put_text(b, "1.2.3");
	put_int(b, 2);
	maker_fill(value, 32, start);
	put_bytes(b, value, 32);
	put_int(b, 6);
	put_text(b, "sha-256");
}

static void fill_platform(struct maker *m)
{
	struct blob b = {0};

	add_text(&m->platform, 265, "tag:arm.com,2023:cca_platform#1.0.0");
	add_filled(&m->platform, 10, 32, 0); /* replaced by maker_bind() */
	add_filled(&m->platform, 2396, 32, 0x50);
	add_filled(&m->platform, 256, 33, 0x01);
	add_filled(&m->platform, 2401, 4, 0xc0);
	put_int(&b, 2395);
	put_uint(&b, 0x3003);
	entry_add(&m->platform, &b);
	add_text(&m->platform, 2402, "sha-256");
	add_text(&m->platform, 2400, "https://verifier.example/");
	b.size = 0;
	put_int(&b, 2399);
	put_array(&b, 2);
	add_component(&b, "BL31", 0x31);
	add_component(&b, "RMM", 0x32);
	entry_add(&m->platform, &b);
}

bool maker_bind(struct maker *m, enum cca_hash key_hash)
{
	uint8_t digest[CCA_HASH_MAX];
	struct blob encoded = {0};
	struct blob entry;
	struct cca_key key;

	if (!maker_key(m->realm_alg, m->realm_secret, &key)) {
		return false;
	}
	if (m->profile == CCA_PROFILE_PRE_1_0) {
		put_raw(&encoded, "\x04", 1);
		put_raw(&encoded, key.x, secret_size(key.alg));
		put_raw(&encoded, key.y, secret_size(key.alg));
	} else {
		cose_key(&key, m->key_ops, &encoded);
	}
	entry = entry_bytes(44237, encoded.data, encoded.size);
	entry_set(&m->realm, REALM_KEY, &entry);
	entry = entry_text(44240, cca_hash_name(key_hash));
	entry_set(&m->realm, REALM_KEY_HASH, &entry);
	if (!cca_hash(key_hash, encoded.data, encoded.size, digest)) {
		return false;
	}
	entry = entry_bytes(m->profile == CCA_PROFILE_2026 ? 2408 : 10, digest,
			    cca_hash_size(key_hash));
	entry_set(&m->platform, PLAT_CHALLENGE, &entry);
	return true;
}

static void set_profiles(struct maker *m, const char *platform, const char *realm)
{
	struct blob b = entry_text(265, platform);

	entry_set(&m->platform, PLAT_PROFILE, &b);
	b = entry_text(265, realm);
	entry_set(&m->realm, REALM_PROFILE, &b);
}

bool maker_profile(struct maker *m, enum cca_profile profile)
{
	uint8_t instance[33] = {0x01, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	struct blob b = {0};

	m->profile = profile;
	if (profile == CCA_PROFILE_PRE_1_0) {
		set_profiles(m, "http://arm.com/CCA-SSD/1.0.0", "");
		b = entry_bytes(-75008, "", 0); /* in place of a profile: not known */
		entry_set(&m->realm, REALM_PROFILE, &b);
	} else if (profile != CCA_PROFILE_1_0) {
		set_profiles(m,
			     profile == CCA_PROFILE_2024 ? "tag:arm.com,2024:cca_platform#2.0.0"
							 : "tag:arm.com,2026:cca_platform#2.0.0",
			     profile == CCA_PROFILE_2024 ? "tag:arm.com,2024:realm#2.0.0"
							 : "tag:arm.com,2026:realm#2.0.0");
		put_int(&b, 44243);
		put_uint(&b, 0);
		entry_add(&m->realm, &b);
		maker_fill(instance + 9, sizeof(instance) - 9, 0x60);
		b = entry_bytes(256, instance, sizeof(instance));
		entry_add(&m->realm, &b);
	}
	return maker_bind(m, CCA_HASH_SHA256);
}

static struct blob protected_header(enum cca_sign_alg alg)
{
	struct blob b = {0};

	put_map(&b, 1);
	put_int(&b, 1);
	put_int(&b, alg);
	return b;
}

bool maker_init(struct maker *m, enum cca_hash realm_hash, enum cca_sign_alg platform_alg)
{
	must(psa_crypto_init() == PSA_SUCCESS, "psa_crypto_init");
	memset(m, 0, sizeof(*m));
	m->platform_alg = platform_alg;
	m->realm_alg = CCA_SIGN_ES384;
	maker_fill(m->realm_secret, sizeof(m->realm_secret), 0x01);
	maker_fill(m->platform_secret, sizeof(m->platform_secret), 0x77);
	m->platform_secret[0] = 0; /* below the order of P-521 */
	m->realm_protected = protected_header(CCA_SIGN_ES384);
	m->platform_protected = protected_header(platform_alg);
	put_map(&m->realm_unprotected, 0);
	put_map(&m->platform_unprotected, 0);
	fill_realm(m, realm_hash);
	fill_platform(m);
	return maker_bind(m, CCA_HASH_SHA256);
}

/* --- assembly --- */

struct big {
	size_t size;
	uint8_t data[MAKER_TOKEN_SIZE];
};

static void big_raw(struct big *b, const void *data, size_t size)
{
	must(size <= sizeof(b->data) - b->size, "token is full");
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void big_blob(struct big *b, const struct blob *blob)
{
	big_raw(b, blob->data, blob->size);
}

static void big_bytes(struct big *b, const void *data, size_t size)
{
	uint8_t head[9];

	big_raw(b, head, cbor_encode_bytestring_start(size, head, sizeof(head)));
	big_raw(b, data, size);
}

static void big_map(struct big *b, const struct entries *e)
{
	struct blob head = {0};

	put_map(&head, e->count);
	big_blob(b, &head);
	for (size_t i = 0; i < e->count; i++) {
		big_blob(b, &e->entry[i]);
	}
}

static bool sign(enum cca_sign_alg alg, const uint8_t *secret, const struct big *message,
		 struct blob *signature)
{
	psa_key_id_t id = import(alg, secret);
	bool ok = psa_sign_message(id, PSA_ALG_DETERMINISTIC_ECDSA(hash_of(alg)), message->data,
				   message->size, signature->data, sizeof(signature->data),
				   &signature->size) == PSA_SUCCESS;

	psa_destroy_key(id);
	return ok;
}

struct signer {
	enum cca_sign_alg alg;
	const uint8_t *secret;
	const struct blob *protected_header;
	const struct blob *unprotected;
	bool wrong;
};

static bool sign1(const struct signer *s, const struct entries *claims, struct big *out)
{
	struct big payload = {0};
	struct big message = {0};
	struct blob signature = {0};

	big_map(&payload, claims);
	big_raw(&message, "\x84\x6aSignature1", 12);
	big_bytes(&message, s->protected_header->data, s->protected_header->size);
	big_raw(&message, "\x40", 1); /* external data: none */
	big_bytes(&message, payload.data, payload.size);
	if (!sign(s->alg, s->secret, &message, &signature)) {
		return false;
	}
	signature.data[0] ^= s->wrong;
	big_raw(out, "\xd2\x84", 2);
	big_bytes(out, s->protected_header->data, s->protected_header->size);
	big_blob(out, s->unprotected);
	big_bytes(out, payload.data, payload.size);
	big_bytes(out, signature.data, signature.size);
	return true;
}

static void wrap(const struct maker *m, const struct big *platform, const struct big *realm,
		 struct maker_token *token)
{
	static const char record[] = "\x82\x19\x01\x07"; /* array(2), 263 */
	const struct big *half[] = {platform, realm};
	static const char *const key[] = {"\x19\xac\xca", "\x19\xac\xd1"};
	struct big whole = {0};

	if (!m->bare) {
		big_raw(&whole, m->cmw ? "\xd9\x03\x8b" : "\xd9\x01\x8f", 3);
		big_raw(&whole, m->half == MAKER_WHOLE ? "\xa2" : "\xa1", 1);
	}
	for (int i = 0; i < 2; i++) {
		if (m->half == (i == 0 ? MAKER_REALM : MAKER_PLATFORM)) {
			continue;
		}
		if (m->bare) {
			big_raw(&whole, half[i]->data, half[i]->size);
			continue;
		}
		big_raw(&whole, key[i], 3);
		big_raw(&whole, record, m->cmw ? 4 : 0);
		big_bytes(&whole, half[i]->data, half[i]->size);
	}
	token->size = whole.size;
	memcpy(token->data, whole.data, whole.size);
}

bool maker_build(const struct maker *m, struct maker_token *token)
{
	const struct signer realm_signer = {m->realm_alg, m->realm_secret, &m->realm_protected,
					    &m->realm_unprotected, m->wrong_realm_signature};
	const struct signer platform_signer = {m->platform_alg, m->platform_secret,
					       &m->platform_protected, &m->platform_unprotected,
					       m->wrong_platform_signature};
	struct big platform = {0};
	struct big realm = {0};

	if (m->platform_token != NULL) {
		big_raw(&platform, m->platform_token, m->platform_token_size);
	} else if (!sign1(&platform_signer, &m->platform, &platform)) {
		return false;
	}
	if (!sign1(&realm_signer, &m->realm, &realm)) {
		return false;
	}
	wrap(m, &platform, &realm, token);
	return true;
}
