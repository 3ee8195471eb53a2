// SPDX-License-Identifier: BSD-3-Clause
#include "signer.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define DER_SIG_MAX 160

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

enum cca_status signer_read(struct cca_bytes pem, struct signer *s, struct cca_error *err)
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
	return CCA_OK;
}

void signer_free(struct signer *s)
{
	EVP_PKEY_free(s->pkey);
	s->pkey = NULL;
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

/* The signature in DER form; its size, 0 if the library fails. */
static size_t sign_der(const struct signer *s, struct pieces message, uint8_t *der, size_t max)
{
	const EVP_MD *md = s->key.alg == CCA_SIGN_ES256   ? EVP_sha256()
			   : s->key.alg == CCA_SIGN_ES384 ? EVP_sha384()
							  : EVP_sha512();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t size = max;
	bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, md, NULL, s->pkey) == 1;

	for (size_t i = 0; ok && i < message.count; i++) {
		ok = EVP_DigestSignUpdate(ctx, message.piece[i].data, message.piece[i].size) == 1;
	}
	ok = ok && EVP_DigestSignFinal(ctx, der, &size) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok ? size : 0;
}

size_t signer_sign(const struct signer *s, struct pieces message, uint8_t out[SIGNATURE_MAX])
{
	size_t half = coordinate_size(s->key.alg);
	uint8_t der[DER_SIG_MAX];
	size_t size = sign_der(s, message, der, sizeof(der));

	return size != 0 && flatten(der, size, half, out) ? 2 * half : 0;
}
