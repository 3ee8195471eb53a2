// SPDX-License-Identifier: BSD-3-Clause
#include "test.h"

#include "abi/rmi.h"
#include "layout/values.h"
#include "options.h"

#define MAX_WORDS 40

static struct options options;
static struct options_error err;

/* Parses a line of words separated by single spaces. */
static bool parse(const char *line)
{
	static char text[1024];
	char *argv[MAX_WORDS], *save;
	int argc = 0;

	strncpy(text, line, sizeof(text) - 1);
	for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < MAX_WORDS);
		argv[argc++] = word;
	}
	memset(&err, 0, sizeof(err));
	return options_parse(argc, argv, &options, &err);
}

static void defaults(void **state)
{
	(void)state;
	assert_true(parse("--name a --kernel Image"));
	assert_string_equal(options.kernel, "Image");
	assert_null(options.initrd);
	assert_int_equal(options.mem, 256u << 20);
	assert_int_equal(options.cpus, 1);
	assert_int_equal(options.hash, RMI_HASH_SHA_256);
	assert_string_equal(options.console, "stdio");
	assert_int_equal(options.apt, 0);
}

static void everything(void **state)
{
	(void)state;
	assert_true(parse(
		"--name web.1 --kernel k --initrd i --cmdline quiet --mem 1G --cpus 64 "
		"--csm 64M --apt 9 --disk a.img --disk b.img,ro --share /srv --console "
		"unix:/tmp/c --rpv 0x00fF --hash sha512 --sve 256 --pmu 4 --no-measure --quiet "
		"--measurement-log a.log"));
	assert_int_equal(options.mem, UINT64_C(1) << 30);
	assert_int_equal(options.cpus, 64);
	assert_int_equal(options.csm, 64u << 20);
	assert_int_equal(options.apt, 9);
	assert_int_equal(options.num_disks, 2);
	assert_string_equal(options.disks[0].path, "a.img");
	assert_false(options.disks[0].read_only);
	assert_string_equal(options.disks[1].path, "b.img");
	assert_true(options.disks[1].read_only);
	assert_string_equal(options.share, "/srv");
	assert_int_equal(options.rpv[0], 0);
	assert_int_equal(options.rpv[1], 0xff);
	assert_int_equal(options.rpv[2], 0);
	assert_int_equal(options.hash, RMI_HASH_SHA_512);
	assert_true(options.sve == 256 && options.pmu == 4 && options.no_measure && options.quiet);
	assert_false(options.measure_only);
	assert_string_equal(options.measurement_log, "a.log");
}

static void apt_follows_window(void **state)
{
	(void)state;
	assert_true(parse("--name a --kernel k --csm 2M"));
	assert_true(options.apt > 0);
}

static void text_rpv(void **state)
{
	(void)state;
	assert_true(parse("--name a --kernel k --rpv owner-1"));
	assert_memory_equal(options.rpv, "owner-1\0", 8);
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t size;
	} cases[] = {
		{"0", true, 0},
		{"4096", true, 4096},
		{"1k", true, 1024},
		{"16m", true, 16u << 20},
		{"16M", true, 16u << 20},
		{"2g", true, UINT64_C(2) << 30},
		{"3M", true, 3u << 20},
		{"17G", true, UINT64_C(17) << 30},
		{"18446744073709551615", true, UINT64_MAX},
		{"", false, 0},
		{"M", false, 0},
		{"-1", false, 0},
		{" 1", false, 0},
		{"1MB", false, 0},
		{"1T", false, 0},
		{"18446744073709551616", false, 0},
		{"17179869184G", false, 0},
		{"0x10", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t size = 0;

		assert_int_equal(layout_parse_size(cases[i].text, &size), cases[i].good);
		if (cases[i].good) {
			assert_int_equal(size, cases[i].size);
		}
	}
}

static void rpv_values(void **state)
{
	static const char *const bad[] = {
		"0x0", "0xzz", "0x0g",
		"0123456789012345678901234567890123456789012345678901234567890123x"};
	uint8_t rpv[LAYOUT_RPV_SIZE], untouched[LAYOUT_RPV_SIZE];

	(void)state;
	memset(rpv, 0xee, sizeof(rpv));
	assert_true(layout_parse_rpv("0xDEADbeef", rpv));
	assert_memory_equal(rpv, "\xde\xad\xbe\xef\0\0", 6);
	assert_true(layout_parse_rpv("deadbeef", rpv));
	assert_memory_equal(rpv, "deadbeef\0", 9);
	assert_int_equal(rpv[63], 0);
	assert_true(layout_parse_rpv("", rpv));
	assert_int_equal(rpv[0], 0);
	memset(untouched, 0xee, sizeof(untouched));
	memset(rpv, 0xee, sizeof(rpv));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(layout_parse_rpv(bad[i], rpv));
		assert_memory_equal(rpv, untouched, sizeof(rpv));
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(options_name_ok("a"));
	assert_true(options_name_ok("Web-1_x.y"));
	assert_true(options_name_ok("abcdefghijklmnopqrstuvwxyz01234"));
	assert_false(options_name_ok("abcdefghijklmnopqrstuvwxyz012345"));
	assert_false(options_name_ok(""));
	assert_false(options_name_ok(".."));
	assert_false(options_name_ok("a/b"));
	assert_false(options_name_ok("a b"));
}

static void refused(void **state)
{
	static const char *const lines[] = {
		"--kernel k",
		"--name a",
		"--name a/b --kernel k",
		"--name a --kernel",
		"--name a --kernel k extra",
		"--name a --kernel k --unknown 1",
		"--name a --kernel k --unknown",
		"--name a --kernel k --mem x",
		"--name a --kernel k --cpus 0",
		"--name a --kernel k --cpus 65",
		"--name a --kernel k --cpus 1K",
		"--name a --kernel k --apt 65",
		"--name a --kernel k --hash md5",
		"--name a --kernel k --sve 100",
		"--name a --kernel k --sve 4096",
		"--name a --kernel k --pmu 32",
		"--name a --kernel k --rpv 0x1",
		"--name a --kernel k --rpv 0xgg",
		"--name a --kernel k --console tcp:1",
		"--name a --kernel k --console file:",
		"--name a --kernel k --disk ,ro",
		"--name a --kernel k --disk 1 --disk 2 --disk 3 --disk 4 --disk 5",
		"--name a --kernel k --rpv "
		"12345678901234567890123456789012345678901234567890123456789012345",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (parse(lines[i])) {
			fail_msg("accepted: %s", lines[i]);
		}
		assert_true(strlen(err.text) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"options: defaults", defaults, NULL, NULL, NULL},
		{"options: all of them", everything, NULL, NULL, NULL},
		{"options: a CSM window brings records with it", apt_follows_window, NULL, NULL,
		 NULL},
		{"options: personalization value as text", text_rpv, NULL, NULL, NULL},
		{"options: sizes", sizes, NULL, NULL, NULL},
		{"options: personalization values, text and bytes", rpv_values, NULL, NULL, NULL},
		{"options: names", names, NULL, NULL, NULL},
		{"options: what is refused, each with a reason", refused, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
