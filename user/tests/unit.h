/* SPDX-License-Identifier: BSD-3-Clause */
/* What every test program includes first. */
#ifndef TESTS_USER_UNIT_H
#define TESTS_USER_UNIT_H

/* cmocka.h needs the first four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array)     (sizeof(array) / sizeof((array)[0]))
#define TEST(what, func) {.name = (what), .test_func = (func)}

#endif
