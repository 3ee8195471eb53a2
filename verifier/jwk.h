// SPDX-License-Identifier: BSD-3-Clause
/* JSON Web Keys (RFC 7517; RFC 7518, 6.2). */
#ifndef CCA_JWK_H
#define CCA_JWK_H

#include "ccatoken.h"

/*
 * Reads the text of a JWK of type EC, or of a JWK set, as cca_keys_read() does and with its
 * results.
 */
enum cca_status jwk_read(struct cca_bytes text, struct cca_key *keys, size_t max, size_t *count,
			 struct cca_error *err);

#endif
