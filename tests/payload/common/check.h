// SPDX-License-Identifier: BSD-3-Clause
/* Checks, the same in host and realm. CHECK goes on after a failure, REQUIRE leaves the test. */
#ifndef PAYLOAD_CHECK_H
#define PAYLOAD_CHECK_H

#include "arch.h"

#define CHECK(cond)    test_check(!!(cond), __FILE__, __LINE__, #cond)
#define CHECK_EQ(a, b) test_check_eq((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a, #b)
#define CHECK_NE(a, b) test_check_ne((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a, #b)
#define REQUIRE(cond)                                                   \
	do {                                                            \
		if (!test_check(!!(cond), __FILE__, __LINE__, #cond)) { \
			test_abandon();                                 \
		}                                                       \
	} while (0)
#define REQUIRE_EQ(a, b)                                                                        \
	do {                                                                                    \
		if (!test_check_eq((uint64_t)(a), (uint64_t)(b), __FILE__, __LINE__, #a, #b)) { \
			test_abandon();                                                         \
		}                                                                               \
	} while (0)

/* All return whether the check held, and may be called on any CPU. */
bool test_check(bool good, const char *file, int line, const char *text);
bool test_check_eq(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb);
bool test_check_ne(uint64_t a, uint64_t b, const char *file, int line, const char *ta,
		   const char *tb);

/*
 * Leave the test (host, CPU 0), the function sent to this CPU (host) or the program (realm); the
 * test counts as failed.
 */
void test_abandon(void) __attribute__((noreturn));
/* A line of output, "# ...". */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
