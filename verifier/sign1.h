/* SPDX-License-Identifier: BSD-3-Clause */
/* COSE_Sign1 objects (RFC 9052, 4.2 and 4.4): halves of a token, and signed CoRIMs. */
#ifndef CCA_SIGN1_H
#define CCA_SIGN1_H

#include "claims.h"
#include "crypto.h"

#define TAG_COSE_SIGN1 18

/* Fails unless the next item is this tag. */
bool expect_tag(struct reader *r, const char *what, uint64_t want);

/* Reads the protected header into out->alg and ctx, and nothing behind it. */
typedef bool read_header_fn(struct reader *r, struct cca_sign1 *out, void *ctx);

/*
 * A tagged COSE_Sign1 as views into what is read. The signature has the size of its algorithm;
 * nothing is verified. The unprotected header may hold a key id and nothing else.
 */
bool read_sign1(struct cca_bytes view, struct parse *parse, const char *what,
		read_header_fn *read_header, void *ctx, struct cca_sign1 *out);

/* Row functions for protected headers: key 2 "crit" is refused. */
bool read_crit(struct reader *r, const char *name, void *out);

/* The Sig_structure in pieces. Room for what the pieces refer to; the objects must outlive it. */
struct signed_pieces {
	uint8_t head[2][3];
	struct cca_bytes piece[6];
};

/*
 * What is signed: protected header and payload, each of at most 65,535 bytes. *room is used by the
 * result.
 */
struct pieces signed_pieces(struct cca_bytes protected_header, struct cca_bytes payload,
			    struct signed_pieces *room);

/* Verifies with this key; one for another algorithm does not fit (VERDICT_BAD). */
enum verdict verify_sign1(const struct cca_sign1 *s, const struct cca_key *key);

#endif
