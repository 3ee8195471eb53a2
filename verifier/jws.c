// SPDX-License-Identifier: BSD-3-Clause
/* Signing JSON Web Signatures (RFC 7515) with ECDSA (RFC 7518, 3.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto.h"

#define THUMBPRINT_SIZE 43 /* SHA-256 in base64url */
#define DER_SIG_MAX     160

/* The private key and what the header tells about it. */
struct signer {
	EVP_PKEY *pkey;
	struct cca_key key;
	char thumbprint[THUMBPRINT_SIZE + 1];
};

/* Text of 4 * ((size + 2) / 3) + 1 bytes at most goes to `out`. */
static void base64url(const uint8_t *data, size_t size, char *out)
{
	int length = EVP_EncodeBlock((unsigned char *)out, data, (int)size);

	while (length > 0 && out[length - 1] == '=') {
		length--;
	}
	out[length] = '\0';
	for (int i = 0; i < length; i++) {
		out[i] = (char)(out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i]);
	}
}

/* Nobody is asked for a passphrase. */
static int no_passphrase(char *out, int size, int rwflag, void *ctx)
{
	(void)out;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

/* The public half, in the form in which the rest of the library has keys. */
static bool take_public(struct signer *s, struct cca_error *err)
{
	unsigned char *der = NULL;
	int size = i2d_PUBKEY(s->pkey, &der);
	bool ok = size > 0 &&
		  key_from_der((struct cca_bytes){der, (size_t)size}, &s->key, err) == CCA_OK;

	OPENSSL_free(der);
	return ok;
}

/* The key's thumbprint (RFC 7638) names it: members in this order, without blanks. */
static bool take_thumbprint(struct signer *s)
{
	static const char *const curve[] = {"P-256", "P-384", "P-521"};
	size_t size = coordinate_size(s->key.alg);
	uint8_t digest[CCA_HASH_MAX];
	char x[92];
	char y[92];
	char text[256];
	int length;

	base64url(s->key.x, size, x);
	base64url(s->key.y, size, y);
	length = snprintf(text, sizeof(text),
			  "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
			  curve[size == 32   ? 0
				: size == 48 ? 1
					     : 2],
			  x, y);
	if (!cca_hash(CCA_HASH_SHA256, text, (size_t)length, digest)) {
		return false;
	}
	base64url(digest, 32, s->thumbprint);
	return true;
}

/* Reads a private key without a passphrase. The caller frees s->pkey, also after a failure. */
static enum cca_status read_signer(struct cca_bytes pem, struct signer *s, struct cca_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);

	s->pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (s->pkey == NULL) {
		return key_fail(err, CCA_MALFORMED,
				"no private key in PEM form, or one with a passphrase");
	}
	if (!take_public(s, err)) {
		return key_fail(err, CCA_MALFORMED,
				"a private key, but not for P-256, P-384 or P-521");
	}
	return take_thumbprint(s) ? CCA_OK : key_fail(err, CCA_FAILED, "crypto library: no hash");
}

/* r and s side by side, from the DER form that OpenSSL makes (RFC 7518, 3.4). */
static bool flatten(const uint8_t *der, size_t size, size_t half, uint8_t *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)size);
	bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)half) == (int)half &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, (int)half) == (int)half;

	ECDSA_SIG_free(sig);
	return ok;
}

/* Appends '.' and the signature to `text`, which has room. */
static bool append_signature(const struct signer *s, char *text)
{
	const EVP_MD *md = s->key.alg == CCA_SIGN_ES256   ? EVP_sha256()
			   : s->key.alg == CCA_SIGN_ES384 ? EVP_sha384()
							  : EVP_sha512();
	size_t half = coordinate_size(s->key.alg);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t length = strlen(text);
	uint8_t der[DER_SIG_MAX];
	size_t size = sizeof(der);
	uint8_t flat[2 * 66];
	bool ok;

	ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, md, NULL, s->pkey) == 1 &&
	     EVP_DigestSign(ctx, der, &size, (const unsigned char *)text, length) == 1 &&
	     flatten(der, size, half, flat);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	if (ok) {
		text[length] = '.';
		base64url(flat, 2 * half, text + length + 1);
	}
	return ok;
}

/*
 * The JWT in compact form (RFC 7515, 7.1), which the caller frees. NULL if memory runs out or the
 * library cannot sign.
 */
static char *sign(const struct signer *s, const char *payload, size_t size, struct cca_error *err)
{
	char header[160];
	char *text = malloc(sizeof(header) * 2 + size / 3 * 4 + 4 + DER_SIG_MAX * 2);
	int length =
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
			 cca_sign_alg_name(s->key.alg), s->thumbprint);

	if (text == NULL) {
		key_fail(err, CCA_FAILED, "out of memory");
		return NULL;
	}
	base64url((const uint8_t *)header, (size_t)length, text);
	memcpy(text + strlen(text), ".", sizeof("."));
	base64url((const uint8_t *)payload, size, text + strlen(text));
	if (!append_signature(s, text)) {
		key_fail(err, CCA_FAILED, "crypto library: cannot sign");
		free(text);
		return NULL;
	}
	return text;
}

char *cca_jwt_sign(const void *pem, size_t pem_size, const char *payload, size_t size,
		   struct cca_error *err)
{
	struct signer s = {0};
	char *text = NULL;

	memset(err, 0, sizeof(*err));
	if (pem_size > CCA_KEY_FILE_MAX || size > CCA_JWT_MAX) {
		key_fail(err, CCA_MALFORMED, "%s: too long",
			 size > CCA_JWT_MAX ? "claims" : "private key");
		return NULL;
	}
	if (read_signer((struct cca_bytes){pem, pem_size}, &s, err) == CCA_OK) {
		text = sign(&s, payload, size, err);
	}
	EVP_PKEY_free(s.pkey);
	return text;
}
