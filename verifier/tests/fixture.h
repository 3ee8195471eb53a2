// SPDX-License-Identifier: BSD-3-Clause
/* What the token tests share: one token in the making, and what the library says of it. */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "tests/maker.h"

extern struct maker maker;
extern struct maker_token made;
extern struct cca_token token;
extern struct cca_error err;
extern unsigned int parse_flags; /* 0 but while a test changes it */

/* The trust anchor that fits the maker's platform key. */
struct cca_key platform_key(void);

/* A new maker: SHA-256, ES384. Then build(): `made` from it. */
void fresh(void);
void build(void);

/*
 * Parses and verifies a copy of exactly this size, so that the sanitizer sees each overrun. The
 * copy is gone afterwards: in `token`, sizes and numbers may be looked at, not what views refer to.
 */
enum cca_status accept_bytes(const uint8_t *data, size_t size, const struct cca_key *anchor);

/* The same for `made`, with platform_key(). */
enum cca_status accept(void);

/* Builds, and fails the test unless the token is refused with a message that holds `text`. */
void expect_refused(enum cca_status status, const char *text);

/* The same, malformed, with and without CCA_STRICT. */
void expect_malformed(const char *text);

/* Builds; with CCA_STRICT the token is malformed, without it is accepted. */
void expect_only_strict_refuses(const char *text);

#endif
