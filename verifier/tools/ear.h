// SPDX-License-Identifier: BSD-3-Clause
/*
 * The report as an EAT attestation result (draft-ietf-rats-ear-04), a JWT that the owner of a key
 * signs: what programs of other projects read.
 */
#ifndef CCA_EAR_H
#define CCA_EAR_H

#include "tools/report.h"

/* The claims are the same; profile and names of members differ. */
enum ear_profile {
	EAR_IETF,     /* tag:ietf.org,2026:rats/ear#04 */
	EAR_VERAISON, /* tag:github.com,2023:veraison/ear, which programs in use still expect */
};

/*
 * The claims as JSON, with the time `now` in seconds since 1970. NULL if memory runs out, or the
 * report is incomplete for that reason.
 */
json_t *ear_claims(const struct report *report, enum ear_profile profile, int64_t now);

#endif
