// SPDX-License-Identifier: BSD-3-Clause
#include "unit.h"

#include "libcsm/backend.h"
#include "libcsm/deadline.h"

static void test_label(void **state)
{
	char text[CSM_LABEL_TEXT];

	(void)state;
	assert_int_equal(csm_label("model"), 0x6c65646f6d);
	csm_label_text(csm_label("model"), text);
	assert_string_equal(text, "model");
	csm_label_text(csm_label("ninechars"), text);
	assert_string_equal(text, "ninechar");
	csm_label_text(0, text);
	assert_string_equal(text, "");
}

static void test_label_unprintable(void **state)
{
	char text[CSM_LABEL_TEXT];

	(void)state;
	csm_label_text(UINT64_MAX, text);
	assert_string_equal(text, "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff");
	csm_label_text(0x1b0061, text);
	assert_string_equal(text, "a\\x00\\x1b");
	csm_label_text('\\', text);
	assert_string_equal(text, "\\x5c");
}

static void test_strerror(void **state)
{
	(void)state;
	assert_string_equal(csm_strerror(0), "success");
	assert_string_equal(csm_strerror(-EPIPE), "the peer has closed the channel");
	assert_string_equal(csm_strerror(-EXDEV), strerror(EXDEV));
}

static void test_deadline(void **state)
{
	struct csm_deadline never = csm_deadline_in(-1), now = csm_deadline_in(0);
	struct csm_deadline later = csm_deadline_in(999999);

	(void)state;
	assert_int_equal(csm_deadline_left(&never, 70), 70);
	assert_int_equal(csm_deadline_left(&now, 70), 0);
	assert_in_range(csm_deadline_left(&later, 10000000), 1, 1000000);
	assert_int_equal(csm_deadline_left(&later, 70), 70);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("label: eight characters and back", test_label),
		TEST("label: what cannot be printed is escaped", test_label_unprintable),
		TEST("errors have words", test_strerror),
		TEST("deadlines: never, over, at most", test_deadline),
	};

	return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
