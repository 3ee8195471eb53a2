// SPDX-License-Identifier: BSD-3-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture.h"

struct maker maker;
struct maker_token made;
struct cca_token token;
struct cca_error err;
unsigned int parse_flags;

struct cca_key platform_key(void)
{
	struct cca_key key;

	assert_true(maker_key(maker.platform_alg, maker.platform_secret, &key));
	return key;
}

void fresh(void)
{
	assert_true(maker_init(&maker, CCA_HASH_SHA256, CCA_SIGN_ES384));
}

void build(void)
{
	assert_true(maker_build(&maker, &made));
}

/* Runs a copy of exactly this size through everything, so that the sanitizer sees each overrun. */
enum cca_status accept_bytes(const uint8_t *data, size_t size, const struct cca_key *anchor)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);
	enum cca_status status;

	assert_non_null(copy);
	memcpy(copy, data, size);
	status = cca_token_parse(copy, size, parse_flags, &token, &err);
	if (status == CCA_OK) {
		status = cca_token_verify(&token, anchor, 1, NULL, &err);
	}
	assert_int_equal(status, err.status);
	free(copy);
	return status;
}

enum cca_status accept(void)
{
	struct cca_key key = platform_key();

	return accept_bytes(made.data, made.size, &key);
}

void expect_refused(enum cca_status status, const char *text)
{
	build();
	assert_int_equal(accept(), status);
	if (strstr(err.text, text) == NULL) {
		print_message("expected \"%s\" in \"%s\"\n", text, err.text);
		fail();
	}
}

void expect_malformed(const char *text)
{
	expect_refused(CCA_MALFORMED, text);
	parse_flags = CCA_STRICT;
	expect_refused(CCA_MALFORMED, text);
	parse_flags = 0;
}

void expect_only_strict_refuses(const char *text)
{
	parse_flags = CCA_STRICT;
	expect_refused(CCA_MALFORMED, text);
	parse_flags = 0;
	assert_int_equal(accept(), CCA_OK);
}
