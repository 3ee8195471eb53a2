// SPDX-License-Identifier: BSD-3-Clause
/*
 * What every unit test includes: cmocka, the world, and checks in the RMM's terms.
 *
 *     static void delegate_unaligned(void **state)
 *     {
 *             ASSERT_REFUSED(RMI(RMI_GRANULE_DELEGATE, sim_page(0) + 8), RMI_ERROR_INPUT,
 *                            gran_align);
 *     }
 *
 *     int main(void)
 *     {
 *             const struct CMUnitTest tests[] = {
 *                     SIM_TEST("RMI_GRANULE_DELEGATE gran_align", delegate_unaligned),
 *             };
 *             return unit_run(tests);
 *     }
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "base/bits.h"
#include "sim/sim.h"

/* A test that needs nothing / that starts in a freshly booted world, and leaves it in order. */
#define PLAIN_TEST(name, function) {name, function, NULL, NULL, NULL}
#define SIM_TEST(name, function)   {name, function, unit_world_setup, unit_world_teardown, NULL}

#define unit_run(tests)                         \
	(cmocka_set_test_filter(unit_filter()), \
	 cmocka_run_group_tests_name(__FILE_NAME__, tests, unit_setup, NULL))

/* Which tests: a pattern as `make run FILTER=` gives it, NULL for all. */
static inline const char *unit_filter(void)
{
	const char *pattern = getenv("CMOCKA_TEST_FILTER");

	return pattern == NULL || *pattern == '\0' ? NULL : pattern;
}

/* A stop fails the test that is running, unless another thread than the test's own is stopped. */
static __thread bool unit_test_thread;

static inline void unit_on_stop(const char *text)
{
	if (unit_test_thread) {
		fail_msg("stopped: %s", text);
	}
}

static inline int unit_setup(void **state)
{
	(void)state;
	unit_test_thread = true;
	machine_on_stop = unit_on_stop;
	return 0;
}

static inline int unit_world_setup(void **state)
{
	(void)state;
	sim_reset();
	return 0;
}

static inline int unit_world_teardown(void **state)
{
	(void)state;
	machine_command_end();
	sim_check();
	return 0;
}

/* The answer is success. */
#define ASSERT_RMI_OK(answer)                                          \
	do {                                                           \
		struct sim_answer ok_ = (answer);                      \
		if (ok_.condition != NULL) {                           \
			print_error("# refused: %s\n", ok_.condition); \
		}                                                      \
		assert_int_equal(ok_.x[0], RMI_SUCCESS);               \
	} while (0)

/* The answer is the status, and the condition made it so. */
#define ASSERT_REFUSED(answer, status, name)                    \
	do {                                                    \
		struct sim_answer refused_ = (answer);          \
		assert_int_equal(refused_.x[0], status);        \
		assert_non_null(refused_.condition);            \
		assert_string_equal(refused_.condition, #name); \
	} while (0)

/*
 * The statement ends in a stop whose text starts with `text`: "panic granule.c", "LOCKS:". The
 * world is reset afterwards.
 */
#define ASSERT_STOPS(text, statement)                          \
	do {                                                   \
		const char *how_ = MACHINE_STOP_OF(statement); \
		assert_non_null(how_);                         \
		if (strncmp(how_, text, strlen(text)) != 0) {  \
			assert_string_equal(how_, text);       \
		}                                              \
		sim_reset();                                   \
	} while (0)

#endif
