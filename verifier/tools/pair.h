// SPDX-License-Identifier: BSD-3-Clause
/* cca-verify --pair: what two realms share, by their evidence. */
#ifndef CCA_PAIR_H
#define CCA_PAIR_H

#include <jansson.h>
#include <stdio.h>

#include "evidence.h"
#include "policy.h"

/* One side; token and evidence have been verified and checked. */
struct pair_side {
	const struct cca_token *token;
	struct cca_evidence evidence;
};

/*
 * Whether the two are different realms of one machine since one start of its firmware, each of
 * their sharings is in both lists, at least one is, and its region is granted to nobody else.
 * mismatch() is told of each thing that is not so. Regions that are for others alone do not matter.
 */
void pair_check(const struct pair_side sides[2], cca_mismatch_fn *mismatch, void *ctx);

/* Both realms, and a line for each sharing of the two. */
void pair_print(const struct pair_side sides[2], FILE *out);

/* The same as a list of JSON objects; NULL if memory runs out. */
json_t *pair_sharings(const struct pair_side sides[2]);

#endif
