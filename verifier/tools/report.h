// SPDX-License-Identifier: BSD-3-Clause
/* What cca-verify tells about a token, for people or as JSON. */
#ifndef CCA_REPORT_H
#define CCA_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "policy.h"

/* A CoRIM that expectations came from. */
struct corim_source {
	const char *file;
	const char *key; /* name of the one that has signed it; NULL: it is not signed */
};

/* The outcome of all checks on one token. */
struct report {
	const struct cca_token *token; /* NULL: nothing in it may be shown */
	const char *result; /* "ok", "unidentified", "mismatch", "invalid", "unsupported" */
	const char *anchor; /* name of the one that fitted, or NULL */
	const struct cca_policy *policy;
	const struct corim_source *corims;
	size_t corim_count;
	bool challenge_checked;
	size_t mismatch_count; /* the verdict depends on this number, not on the list below */
	json_t *mismatches;    /* array of objects { what, detail }; NULL when memory ran out */
	bool not_genuine;      /* "invalid" for a signature or the binding */
	const char *error;     /* for "invalid" and "unsupported" */
};

/* The half of a genuine token as JSON; NULL if memory runs out. */
json_t *report_realm(const struct cca_token *token);
json_t *report_platform(const struct cca_token *token);

/* As text, for people. The caller looks for errors of `out`. */
void report_print(const struct report *report, FILE *out);

/* False if memory ran out or `out` could not be written. */
bool report_print_json(const struct report *report, FILE *out);

#endif
