/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines of csmctl in the realms of a pair: run one, and compare what it says. */
#ifndef TESTS_COMMAND_H
#define TESTS_COMMAND_H

#include "pair.h"

#include <stdlib.h>

#include "tools/csmctl.h"

#define WORDS 16

/*
 * Where the output of the next command goes instead; closed by it. One command at a time sets it.
 */
static _Thread_local FILE *output;

struct result {
	int status;
	char *out, *err;
};

static inline void forget(struct result *result)
{
	free(result->out);
	free(result->err);
}

/*
 * Runs "csmctl LINE" in a realm; words are separated by single blanks. Complaints go to err, which
 * is closed, or, if that is NULL, into the result.
 */
static inline struct result run_loud(struct pair *p, unsigned int realm, const char *input,
				     const char *line, FILE *err)
{
	struct result result = {0};
	char *argv[WORDS + 1] = {"csmctl"}, *copy = strdup(line), *rest = copy, *word;
	size_t out_size, err_size;
	struct io io = {
		.in = fmemopen((void *)(uintptr_t)input, strlen(input), "r"),
		.out = output ? output : open_memstream(&result.out, &out_size),
		.err = err ? err : open_memstream(&result.err, &err_size),
	};
	int argc = 1;

	while ((word = strsep(&rest, " ")) && argc < WORDS) {
		argv[argc++] = word;
	}
	result.status = csmctl_run(argc, argv, &fake_backend, fake_realm(p->world, realm), &io);
	if (io.in) {
		fclose(io.in);
	}
	fclose(io.out);
	fclose(io.err);
	free(copy);
	return result;
}

static inline struct result run(struct pair *p, unsigned int realm, const char *input,
				const char *line)
{
	return run_loud(p, realm, input, line, NULL);
}

/* It works, and says `out`; NULL: whatever it says. */
static inline void expect(struct pair *p, unsigned int realm, const char *line, const char *out)
{
	struct result result = run(p, realm, "", line);

	assert_string_equal(result.err, "");
	if (out) {
		assert_string_equal(result.out, out);
	}
	assert_int_equal(result.status, CSMCTL_OK);
	forget(&result);
}

static inline void refuse(struct pair *p, unsigned int realm, const char *line, int status,
			  const char *err)
{
	struct result result = run(p, realm, "", line);

	assert_string_equal(result.err, err);
	assert_string_equal(result.out, "");
	assert_int_equal(result.status, status);
	forget(&result);
}

#define ID_P  "a1b2c3d4e5f60000"
#define ID_C  "a1b2c3d4e5f60001"
#define ID_X  "a1b2c3d4e5f60002"
#define LONG  " --timeout 600"
#define RIM_C "1111111111111111111111111111111111111111111111111111111111111111"

#endif
