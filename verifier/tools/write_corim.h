/* SPDX-License-Identifier: BSD-3-Clause */
/* cca-measure --corim: what the CoRIM is of, and who signs it. */
#ifndef CCA_WRITE_CORIM_H
#define CCA_WRITE_CORIM_H

#include "corim.h"
#include "tools/measure.h"

struct corim_options {
	const char *key;    /* --sign: file of a private key; NULL: unsigned */
	const char *signer; /* --signer */
	const char *endorse[CCA_POLICY_ANCHORS];
	size_t endorse_count;
	bool has_implementation, has_instance;
	struct cca_policy_owner owner; /* of the endorsed keys */
};

/* What getopt_long() returns for the options of --corim alone. */
#define CORIM_OPTIONS "GNEMI"

/*
 * The options that belong to --corim alone: takes one, and looks whether they go together. False
 * with m->error.
 */
bool corim_take(struct measuring *m, struct corim_options *o, int c, const char *value);
bool corim_check(struct measuring *m, const struct corim_options *o, bool has_corim);

/* Whether the CoRIM is of endorsed keys: then there is no realm to measure. */
bool corim_is_of_keys(const struct corim_options *o);

/* Prints the CoRIM of a realm that was measured, or of keys. False with m->error. */
bool corim_print(struct measuring *m, const struct corim_options *o, const uint8_t *rpv);

#endif
