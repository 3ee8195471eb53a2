// SPDX-License-Identifier: BSD-3-Clause
/* What cca-verify tells about a token, for people or as JSON. */
#ifndef CCA_REPORT_H
#define CCA_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "ccatoken.h"

/* The outcome of all checks on one token. */
struct report {
	const struct cca_token *token; /* NULL: nothing in it may be shown */
	const char *result;            /* "ok", "mismatch", "unanchored", "invalid" */
	const char *anchor;            /* name of the one that fitted, or NULL */
	bool challenge_checked;
	json_t *mismatches; /* array of objects { what, detail } */
	const char *error;  /* for "invalid" */
};

void report_print(const struct report *report, FILE *out);

/* False if memory ran out or `out` could not be written. */
bool report_print_json(const struct report *report, FILE *out);

#endif
