// SPDX-License-Identifier: BSD-3-Clause
/* What the verifier needs from a crypto library; crypto.c is the only file that knows which. */
#ifndef CCA_CRYPTO_H
#define CCA_CRYPTO_H

#include "ccatoken.h"

enum verdict {
	VERDICT_GOOD,
	VERDICT_BAD,    /* the signature is not by this key, or the key is not on its curve */
	VERDICT_FAILED, /* the library could not tell */
};

/* COSE curve number (RFC 9053, 7.1) to the one algorithm used with it, CCA_SIGN_NONE if unknown. */
enum cca_sign_alg sign_alg_of_curve(int64_t curve);

/* Bytes of a coordinate, also of each half of a signature; 0 for CCA_SIGN_NONE. */
size_t coordinate_size(enum cca_sign_alg alg);

/* A message in pieces, hashed one after the other. */
struct pieces {
	const struct cca_bytes *piece;
	size_t count;
};

/* ECDSA over the pieces, signature as r then s. The key's algorithm decides curve and hash. */
enum verdict verify_ecdsa(const struct cca_key *key, struct pieces message,
			  struct cca_bytes signature);

/* Sets *err, its offset to 0; returns the status. */
enum cca_status key_fail(struct cca_error *err, enum cca_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * CCA_OK if the coordinates are a point of the curve that key->alg tells (not CCA_SIGN_NONE).
 * CCA_MALFORMED if they are not, CCA_FAILED if the library could not tell.
 */
enum cca_status check_point(const struct cca_key *key, struct cca_error *err);

/*
 * The first "PUBLIC KEY" or certificate in PEM text that gives a key; or a DER
 * SubjectPublicKeyInfo (RFC 5480, 2) or certificate with nothing behind it. Data of at most
 * CCA_KEY_FILE_MAX bytes. CCA_MALFORMED if there is none, or it is for another curve than P-256,
 * P-384 and P-521; CCA_FAILED without memory. *key is then all zero.
 */
enum cca_status key_from_pem(struct cca_bytes pem, struct cca_key *key, struct cca_error *err);
enum cca_status key_from_der(struct cca_bytes der, struct cca_key *key, struct cca_error *err);

/* Whether DER data is an unencrypted private key (RFC 5208, RFC 5915). */
bool is_private_der(struct cca_bytes der);

/*
 * Base64url without padding (RFC 4648, 5; RFC 7515, 2): at most `max` and 96 bytes. Returns their
 * number, 0 if the text is none or too long.
 */
size_t base64url_decode(const char *text, uint8_t *out, size_t max);

#endif
