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

#endif
