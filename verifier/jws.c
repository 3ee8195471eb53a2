// SPDX-License-Identifier: BSD-3-Clause
/* Signing JSON Web Signatures (RFC 7515) with ECDSA (RFC 7518, 3.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "crypto.h"
#include "signer.h"

#define THUMBPRINT_SIZE 43 /* SHA-256 in base64url */

/* The private key and what the header tells about it. */
struct jws {
	struct signer signer;
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

/* The key's thumbprint (RFC 7638) names it: members in this order, without blanks. */
static bool take_thumbprint(struct jws *j)
{
	static const char *const curve[] = {"P-256", "P-384", "P-521"};
	size_t size = coordinate_size(j->signer.key.alg);
	uint8_t digest[CCA_HASH_MAX];
	char x[92];
	char y[92];
	char text[256];
	int length;

	base64url(j->signer.key.x, size, x);
	base64url(j->signer.key.y, size, y);
	length = snprintf(text, sizeof(text),
			  "{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
			  curve[size == 32   ? 0
				: size == 48 ? 1
					     : 2],
			  x, y);
	if (!cca_hash(CCA_HASH_SHA256, text, (size_t)length, digest)) {
		return false;
	}
	base64url(digest, 32, j->thumbprint);
	return true;
}

/* Appends '.' and the signature to `text`, which has room. */
static bool append_signature(const struct jws *j, char *text)
{
	size_t length = strlen(text);
	const struct cca_bytes piece = {(const uint8_t *)text, length};
	uint8_t flat[SIGNATURE_MAX];
	size_t size = signer_sign(&j->signer, (struct pieces){&piece, 1}, flat);

	if (size == 0) {
		return false;
	}
	text[length] = '.';
	base64url(flat, size, text + length + 1);
	return true;
}

/*
 * The JWT in compact form (RFC 7515, 7.1), which the caller frees. NULL if memory runs out or the
 * library cannot sign.
 */
static char *sign(const struct jws *j, const char *payload, size_t size, struct cca_error *err)
{
	char header[160];
	char *text = malloc(sizeof(header) * 2 + size / 3 * 4 + 4 + SIGNATURE_MAX * 2);
	int length =
		snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}",
			 cca_sign_alg_name(j->signer.key.alg), j->thumbprint);

	if (text == NULL) {
		key_fail(err, CCA_FAILED, "out of memory");
		return NULL;
	}
	base64url((const uint8_t *)header, (size_t)length, text);
	memcpy(text + strlen(text), ".", sizeof("."));
	base64url((const uint8_t *)payload, size, text + strlen(text));
	if (!append_signature(j, text)) {
		key_fail(err, CCA_FAILED, "crypto library: cannot sign");
		free(text);
		return NULL;
	}
	return text;
}

char *cca_jwt_sign(const void *pem, size_t pem_size, const char *payload, size_t size,
		   struct cca_error *err)
{
	struct jws j = {0};
	char *text = NULL;

	memset(err, 0, sizeof(*err));
	if (pem_size > CCA_KEY_FILE_MAX || size > CCA_JWT_MAX) {
		key_fail(err, CCA_MALFORMED, "%s: too long",
			 size > CCA_JWT_MAX ? "claims" : "private key");
		return NULL;
	}
	if (signer_read((struct cca_bytes){pem, pem_size}, &j.signer, err) == CCA_OK) {
		if (take_thumbprint(&j)) {
			text = sign(&j, payload, size, err);
		} else {
			key_fail(err, CCA_FAILED, "crypto library: no hash");
		}
	}
	signer_free(&j.signer);
	return text;
}
