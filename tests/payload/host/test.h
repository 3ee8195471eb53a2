// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests of the bare-metal host. A test is a function on CPU 0; its text is the TAP line and names
 * what it shows. A check that fails is printed with place and values, and the test goes on;
 * REQUIRE abandons it. All pages and realms are taken back by the framework.
 */
#ifndef HOST_TEST_H
#define HOST_TEST_H

#include "payload/common/check.h"

struct test {
	const char *name; /* C identifier, unique */
	const char *shows;
	unsigned cpus; /* left out on a machine with fewer */
	void (*fn)(void);
};

#define TEST(id, text) TEST_CPUS(id, 1, text)
#define TEST_CPUS(id, least_cpus, text)                                                         \
	static void test_##id(void);                                                            \
	static const struct test test_record_##id                                               \
		__attribute__((used, section("__tests"))) = {#id, text, least_cpus, test_##id}; \
	static void test_##id(void)

/* End this test as skipped. CPU 0 only. */
#define SKIP(reason) test_skip(reason)

void test_skip(const char *reason) __attribute__((noreturn));
/* The test has failed already. */
bool test_failing(void);

/* This test may take so many seconds of the runner's clock, instead of five minutes. */
void test_limit(unsigned seconds);

/* Run when the test ends, however it ends, last registered first. At most 128. */
void test_cleanup(void (*fn)(void *), void *arg);

/* Pseudo random numbers: the same in every run of a test with the same seed. Any CPU. */
uint64_t random64(void);
uint64_t random_below(uint64_t bound);

/*
 * True if one of the comma separated words of list is part of the test's name or text. A word with
 * a '-' in front excludes. An empty list selects all.
 */
bool test_selected(const struct test *test, const char *list);

/* Run the selected tests and power off. */
void test_main(void) __attribute__((noreturn));
/* The host cannot go on: fail the running test, end the run. */
void test_crash(const char *why) __attribute__((noreturn));

#endif
