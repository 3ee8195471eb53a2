// SPDX-License-Identifier: BSD-3-Clause
/*
 * Part of every test program that Meson builds: CMOCKA_TEST_FILTER in the environment selects tests
 * by name, with * and ?. cmocka itself does not read the variable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void set_filter(void)
{
	const char *filter = getenv("CMOCKA_TEST_FILTER");

	if (filter != NULL && *filter != '\0') {
		cmocka_set_test_filter(filter);
	}
}
