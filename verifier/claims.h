// SPDX-License-Identifier: BSD-3-Clause
/* Maps with integer keys, read by table: every key known, none twice, none missing. */
#ifndef CCA_CLAIMS_H
#define CCA_CLAIMS_H

#include "reader.h"

/* Profiles, as bits of struct claim.must. */
#define IN(profile) (1u << (profile))
#define ALWAYS      (~0u)
#define OPTIONAL    0u

/* One key a map may have. read() reads the value into `out`, the structure being filled. */
struct claim {
	int64_t key;
	const char *name;
	unsigned int must; /* profiles in which it must be present */
	bool (*read)(struct reader *r, const char *name, void *out);
	bool later; /* not in specification 1.0: refused when strict */
};

/*
 * Reads a map. A table has at most 32 rows. `what` names the map in messages; it must be a literal.
 * Entries with other keys are passed over and recorded as unknown; strict reading refuses them.
 */
bool read_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
		 void *out);

/* The same for a map in which nothing unknown is let through. */
bool read_closed_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
			void *out);

/*
 * Finds out the profile of the claims at r, without consuming anything, and puts it into r->parse.
 * The first map that names one decides; what another map names must belong to it. Fails with
 * CCA_UNSUPPORTED for a name that is not known, or does not belong. A map may name none.
 */
bool find_profile(struct reader *r, const char *what, bool is_platform);

/*
 * The parts of a token; each reads the whole view and nothing but it. The platform's come first:
 * its profile decides the rules for both.
 */
bool read_realm_claims(struct cca_bytes view, struct parse *parse, struct cca_realm_claims *out);
bool read_platform_claims(struct cca_bytes view, struct parse *parse,
			  struct cca_platform_claims *out);
bool read_cose_key(struct cca_bytes view, struct parse *parse, struct cca_key *out);

/* Reads a hash name; only those in the mask (bits 1 << enum cca_hash) are accepted. */
bool read_hash_name(struct reader *r, const char *what, unsigned int mask, enum cca_hash *hash);

#endif
