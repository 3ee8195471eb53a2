/* SPDX-License-Identifier: BSD-3-Clause */
/* Signing with a private key of the user's. */
#ifndef CCA_SIGNER_H
#define CCA_SIGNER_H

#include <openssl/evp.h>

#include "crypto.h"

#define SIGNATURE_MAX (2 * 66)

struct signer {
	EVP_PKEY *pkey;
	struct cca_key key; /* the public half */
};

/*
 * Reads a private key in PEM form without a passphrase, for P-256, P-384 or P-521. The caller calls
 * signer_free(), also after a failure. CCA_MALFORMED: it is none.
 */
enum cca_status signer_read(struct cca_bytes pem, struct signer *s, struct cca_error *err);
void signer_free(struct signer *s);

/*
 * ECDSA over the pieces with the hash of the key's algorithm: r and s side by side. Returns the
 * size of the signature, 0 if the library fails.
 */
size_t signer_sign(const struct signer *s, struct pieces message, uint8_t out[SIGNATURE_MAX]);

#endif
