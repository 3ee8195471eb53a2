// SPDX-License-Identifier: BSD-3-Clause
/* Maps with integer keys, read by table: every key known, none twice, none missing. */
#ifndef CCA_CLAIMS_H
#define CCA_CLAIMS_H

#include "reader.h"

/* One key a map may have. read() reads the value into `out`, the structure being filled. */
struct claim {
	int64_t key;
	const char *name;
	bool mandatory;
	bool (*read)(struct reader *r, const char *name, void *out);
};

/* A table has at most 32 rows. `what` names the map in messages. */
bool read_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
		 void *out);

/* The parts of a token; each reads the whole view and nothing but it. */
bool read_realm_claims(struct cca_bytes view, const uint8_t *whole, struct cca_realm_claims *out,
		       struct cca_error *err);
bool read_platform_claims(struct cca_bytes view, const uint8_t *whole,
			  struct cca_platform_claims *out, struct cca_error *err);
bool read_cose_key(struct cca_bytes view, const uint8_t *whole, struct cca_key *out,
		   struct cca_error *err);

/* Reads a hash name; only those in the mask (bits 1 << enum cca_hash) are accepted. */
bool read_hash_name(struct reader *r, const char *what, unsigned int mask, enum cca_hash *hash);

/* Text that must equal `text`. */
bool read_exact_text(struct reader *r, const char *what, const char *text, struct cca_bytes *value);

#endif
