// SPDX-License-Identifier: BSD-3-Clause
/* Hashes, keys and signatures with OpenSSL 3. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto.h"

static void (*no_memory)(void);

/* malloc() and realloc() for the crypto library, which passes the caller's place. */
static void *allocate(size_t size, const char *file, int line)
{
	void *memory = malloc(size);

	(void)file;
	(void)line;
	if (memory == NULL && size != 0) {
		no_memory();
	}
	return memory;
}

static void *reallocate(void *old, size_t size, const char *file, int line)
{
	void *memory = realloc(old, size);

	(void)file;
	(void)line;
	if (memory == NULL && size != 0) {
		no_memory();
	}
	return memory;
}

static void release(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

bool cca_exit_without_memory(void (*out_of_memory)(void))
{
	no_memory = out_of_memory;
	return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}

struct curve {
	enum cca_sign_alg alg;
	int64_t cose;
	size_t size;
	const char *group;
	const char *name;
	enum cca_hash hash;
};

static const struct curve curves[] = {
	{CCA_SIGN_ES256, 1, 32, "prime256v1", "ES256", CCA_HASH_SHA256},
	{CCA_SIGN_ES384, 2, 48, "secp384r1", "ES384", CCA_HASH_SHA384},
	{CCA_SIGN_ES512, 3, 66, "secp521r1", "ES512", CCA_HASH_SHA512},
};

static const struct curve *curve_of(enum cca_sign_alg alg)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].alg == alg) {
			return &curves[i];
		}
	}
	return NULL;
}

enum cca_sign_alg sign_alg_of_curve(int64_t curve)
{
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].cose == curve) {
			return curves[i].alg;
		}
	}
	return CCA_SIGN_NONE;
}

size_t coordinate_size(enum cca_sign_alg alg)
{
	const struct curve *c = curve_of(alg);

	return c != NULL ? c->size : 0;
}

const char *cca_sign_alg_name(enum cca_sign_alg alg)
{
	const struct curve *c = curve_of(alg);

	return c != NULL ? c->name : "none";
}

static const EVP_MD *md_of(enum cca_hash hash)
{
	switch (hash) {
	case CCA_HASH_SHA256:
		return EVP_sha256();
	case CCA_HASH_SHA384:
		return EVP_sha384();
	case CCA_HASH_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static const struct {
	const char *name;
	size_t size;
} hashes[] = {
	[CCA_HASH_NONE] = {"none", 0},
	[CCA_HASH_SHA256] = {"sha-256", 32},
	[CCA_HASH_SHA384] = {"sha-384", 48},
	[CCA_HASH_SHA512] = {"sha-512", 64},
};

size_t cca_hash_size(enum cca_hash hash)
{
	return hashes[hash].size;
}

const char *cca_hash_name(enum cca_hash hash)
{
	return hashes[hash].name;
}

enum cca_hash cca_hash_from_name(const char *name, size_t size)
{
	for (int h = CCA_HASH_SHA256; h <= CCA_HASH_SHA512; h++) {
		if (size == strlen(hashes[h].name) && memcmp(name, hashes[h].name, size) == 0) {
			return (enum cca_hash)h;
		}
	}
	return CCA_HASH_NONE;
}

bool cca_hash(enum cca_hash hash, const void *data, size_t size, uint8_t out[CCA_HASH_MAX])
{
	const EVP_MD *md = md_of(hash);

	return md != NULL && EVP_Digest(data, size, out, NULL, md, NULL) == 1;
}

/*
 * What a failed call means. A verdict on the key or the signature needs evidence: a call that says
 * so (`v`) or an error of OpenSSL's curve arithmetic, and no want of memory. Everything else says
 * nothing about the token.
 */
static enum verdict verdict_of_errors(enum verdict v)
{
	bool out_of_memory = false;
	unsigned long e;

	while ((e = ERR_get_error()) != 0) {
		if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
			out_of_memory = true;
		} else if (ERR_GET_LIB(e) == ERR_LIB_EC) {
			v = VERDICT_BAD;
		}
	}
	return out_of_memory ? VERDICT_FAILED : v;
}

static EVP_PKEY *pkey_from_params(OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		pkey = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* NULL also if the point is not on the curve: OpenSSL refuses it when it reads the key. */
static EVP_PKEY *pkey_of(const struct cca_key *key, const struct curve *c)
{
	uint8_t point[1 + 2 * sizeof(key->x)];
	OSSL_PARAM params[3];

	point[0] = 0x04; /* uncompressed, SEC 1, 2.3.3 */
	memcpy(point + 1, key->x, c->size);
	memcpy(point + 1 + c->size, key->y, c->size);
	params[0] =
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)c->group, 0);
	params[1] =
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * c->size);
	params[2] = OSSL_PARAM_construct_end();
	return pkey_from_params(params);
}

/* r and s to the DER form that OpenSSL wants. The result is OpenSSL's memory; 0 if it failed. */
static int der_signature(struct cca_bytes raw, unsigned char **der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.data, (int)(raw.size / 2), NULL);
	BIGNUM *s = BN_bin2bn(raw.data + raw.size / 2, (int)(raw.size / 2), NULL);
	int size = 0;

	*der = NULL;
	if (sig == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		size = i2d_ECDSA_SIG(sig, der);
	}
	ECDSA_SIG_free(sig);
	return size > 0 ? size : 0;
}

/* 0 means that the signature does not fit, unless memory ran out on the way to it. */
static enum verdict verdict_of_final(int result)
{
	return result == 1 ? VERDICT_GOOD
			   : verdict_of_errors(result == 0 ? VERDICT_BAD : VERDICT_FAILED);
}

/*
 * Verifies a signature in DER form over the pieces. VERDICT_FAILED if the library fails, for
 * instance out of memory: that says nothing of the signature.
 */
static enum verdict digest_verify(EVP_PKEY *pkey, const EVP_MD *md, struct pieces message,
				  struct cca_bytes der)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1;
	enum verdict v = VERDICT_FAILED;

	for (size_t i = 0; ok && i < message.count; i++) {
		ok = EVP_DigestVerifyUpdate(ctx, message.piece[i].data, message.piece[i].size) == 1;
	}
	if (ok) {
		v = verdict_of_final(EVP_DigestVerifyFinal(ctx, der.data, der.size));
	}
	EVP_MD_CTX_free(ctx);
	return v;
}

enum verdict verify_ecdsa(const struct cca_key *key, struct pieces message,
			  struct cca_bytes signature)
{
	const struct curve *c = curve_of(key->alg);
	enum verdict v = VERDICT_FAILED;
	unsigned char *der;
	EVP_PKEY *pkey;
	int size;

	if (c == NULL || signature.size != 2 * c->size) {
		return VERDICT_BAD;
	}
	ERR_clear_error();
	pkey = pkey_of(key, c);
	if (pkey == NULL) {
		return verdict_of_errors(VERDICT_FAILED);
	}
	size = der_signature(signature, &der);
	if (size != 0) {
		v = digest_verify(pkey, md_of(c->hash), message,
				  (struct cca_bytes){der, (size_t)size});
	}
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return v;
}

enum cca_status key_fail(struct cca_error *err, enum cca_status status, const char *format, ...)
{
	va_list ap;

	*err = (struct cca_error){.status = status};
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return status;
}

enum cca_status check_point(const struct cca_key *key, struct cca_error *err)
{
	EVP_PKEY *pkey;

	ERR_clear_error();
	pkey = pkey_of(key, curve_of(key->alg));
	if (pkey == NULL) {
		return verdict_of_errors(VERDICT_FAILED) == VERDICT_BAD
			       ? key_fail(err, CCA_MALFORMED, "the point is not on its curve")
			       : key_fail(err, CCA_FAILED,
					  "crypto library: cannot check the point");
	}
	EVP_PKEY_free(pkey);
	return CCA_OK;
}

/* NULL also if something follows. */
static EVP_PKEY *pkey_from_der(struct cca_bytes der)
{
	const unsigned char *at = der.data;
	EVP_PKEY *pkey = d2i_PUBKEY(NULL, &at, (long)der.size);
	X509 *cert;

	if (pkey == NULL) {
		at = der.data;
		cert = d2i_X509(NULL, &at, (long)der.size);
		pkey = cert != NULL ? X509_get_pubkey(cert) : NULL;
		X509_free(cert);
	}
	if (pkey != NULL && at != der.data + der.size) {
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	return pkey;
}

/* A "PUBLIC KEY", or the key of a certificate; NULL if the block is neither. */
static EVP_PKEY *pkey_from_block(const char *label, struct cca_bytes der)
{
	return strcmp(label, PEM_STRING_PUBLIC) == 0 || strcmp(label, PEM_STRING_X509) == 0
		       ? pkey_from_der(der)
		       : NULL;
}

/* The first block that gives a key. Blocks that are encrypted give none: nobody is asked. */
static EVP_PKEY *pkey_from_pem(struct cca_bytes pem)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
	EVP_PKEY *pkey = NULL;
	unsigned char *data;
	char *header;
	char *label;
	long size;

	while (pkey == NULL && bio != NULL &&
	       PEM_read_bio(bio, &label, &header, &data, &size) == 1) {
		pkey = pkey_from_block(label, (struct cca_bytes){data, (size_t)size});
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	BIO_free(bio);
	return pkey;
}

static bool get_coordinates(const EVP_PKEY *pkey, const struct curve *c, struct cca_key *key)
{
	BIGNUM *x = NULL;
	BIGNUM *y = NULL;
	bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
		  EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1 &&
		  BN_bn2binpad(x, key->x, (int)c->size) == (int)c->size &&
		  BN_bn2binpad(y, key->y, (int)c->size) == (int)c->size;

	BN_free(x);
	BN_free(y);
	key->alg = ok ? c->alg : CCA_SIGN_NONE;
	return ok;
}

static bool key_from_pkey(const EVP_PKEY *pkey, struct cca_key *key)
{
	char group[64];

	if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group),
					   NULL) != 1) {
		return false;
	}
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(group, curves[i].group) == 0) {
			return get_coordinates(pkey, &curves[i], key);
		}
	}
	return false;
}

/* Why OpenSSL made no key of encoded data, by the errors that it left behind. */
static enum cca_status undecoded(const char *form, struct cca_error *err)
{
	bool out_of_memory = false;
	bool decoded = false; /* the structure is there, but the point in it is not taken */
	unsigned long e;

	while ((e = ERR_get_error()) != 0) {
		out_of_memory |= ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
		decoded |= ERR_GET_LIB(e) == ERR_LIB_EVP && ERR_GET_REASON(e) == EVP_R_DECODE_ERROR;
	}
	if (out_of_memory) {
		return key_fail(err, CCA_FAILED, "crypto library: out of memory");
	}
	if (decoded) {
		return key_fail(err, CCA_MALFORMED,
				"a public key, but the point is not on its curve");
	}
	return key_fail(err, CCA_MALFORMED, "no public key or certificate in %s form", form);
}

/* Frees pkey, which may be NULL. */
static enum cca_status take_pkey(EVP_PKEY *pkey, const char *form, struct cca_key *key,
				 struct cca_error *err)
{
	memset(key, 0, sizeof(*key));
	memset(err, 0, sizeof(*err));
	if (pkey == NULL) {
		undecoded(form, err);
	} else if (!key_from_pkey(pkey, key)) {
		memset(key, 0, sizeof(*key));
		key_fail(err, CCA_MALFORMED, "a public key, but not for P-256, P-384 or P-521");
	}
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return err->status;
}

enum cca_status key_from_pem(struct cca_bytes pem, struct cca_key *key, struct cca_error *err)
{
	ERR_clear_error();
	return take_pkey(pkey_from_pem(pem), "PEM", key, err);
}

enum cca_status key_from_der(struct cca_bytes der, struct cca_key *key, struct cca_error *err)
{
	ERR_clear_error();
	return take_pkey(pkey_from_der(der), "DER", key, err);
}

bool is_private_der(struct cca_bytes der)
{
	const unsigned char *at = der.data;
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &at, (long)der.size);
	bool is_private = pkey != NULL;

	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return is_private;
}

bool cca_key_to_pem(const struct cca_key *key, char pem[CCA_PEM_SIZE])
{
	const struct curve *c = curve_of(key->alg);
	EVP_PKEY *pkey = c != NULL ? pkey_of(key, c) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	int size = 0;

	if (pkey != NULL && bio != NULL && PEM_write_bio_PUBKEY(bio, pkey) == 1) {
		size = BIO_read(bio, pem, (int)CCA_PEM_SIZE - 1);
	}
	pem[size > 0 ? size : 0] = '\0';
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return size > 0;
}

size_t base64url_decode(const char *text, uint8_t *out, size_t max)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t length = strlen(text);
	unsigned char standard[128];
	unsigned char bytes[96];

	if (length == 0 || length % 4 == 1 || length > sizeof(standard) ||
	    strspn(text, alphabet) != length || length * 3 / 4 > max) {
		return 0;
	}
	memset(standard, '=', sizeof(standard));
	for (size_t i = 0; i < length; i++) {
		standard[i] = (unsigned char)(text[i] == '-'   ? '+'
					      : text[i] == '_' ? '/'
							       : text[i]);
	}
	if (EVP_DecodeBlock(bytes, standard, (int)((length + 3) / 4 * 4)) < 0) {
		return 0;
	}
	memcpy(out, bytes, length * 3 / 4);
	return length * 3 / 4;
}
