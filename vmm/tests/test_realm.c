// SPDX-License-Identifier: BSD-3-Clause
/* realm.c with a host module of the test's own. */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#include "realm.h"

int __wrap_ioctl(int fd, unsigned long request, void *argument);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

static unsigned int calls;

/* The call that fails, and how; the command that the RMM refused then, and how. */
static unsigned long failing;
static int failure;
static uint64_t command, status;

/* The module: every third time a signal comes when half is done. */
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	if (request == failing) {
		errno = failure;
		return -1;
	}
	if (request == CAEC_GET_STATS) {
		*(struct caec_stats *)argument = (struct caec_stats){
			.refused = command != 0,
			.refused_command = command,
			.refused_status = status,
		};
		return 0;
	}
	if (request == CAEC_POPULATE) {
		struct caec_populate *p = argument;

		p->done = p->size;
		if (++calls % 3 == 0) {
			p->done = p->size / 2 & ~UINT64_C(4095);
			errno = EINTR;
			return -1;
		}
		return 0;
	}
	return request == CAEC_CREATE_REALM || request == CAEC_CREATE_VCPU ? dup(STDIN_FILENO) : 0;
}

void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	(void)flags;
	(void)fd;
	(void)offset;
	return __real_mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Builds a realm of files of these sizes, or fails to; what it says is in text. */
static const char *log_path; /* of the next realm, NULL: none */

static bool try_build(size_t kernel, size_t initrd, char *text, size_t size)
{
	struct options o = {
		.name = "r", .cpus = 1, .apt = 1, .measurement_log = log_path, .rpv = {0xab}};
	struct layout_config c = {.ram_size = UINT64_C(64) << 20, .cpus = 1};
	uint8_t *image = calloc(1, kernel), *extra = calloc(1, initrd + 1);
	static uint8_t tree[LAYOUT_DTB_MAX];
	struct layout_file dtb = {.data = tree};
	struct layout_error err;
	struct layout layout;
	struct realm r;
	atomic_int end = 0;
	int saved = dup(STDERR_FILENO);
	FILE *said = tmpfile();

	image[17] = 0x40; /* its size in memory: 16 KiB */
	image[24] = 0xa;
	memcpy(image + 56, "ARM\x64", 4);
	memset(extra, 0x5a, initrd);
	c.kernel = (struct layout_file){.data = image, .size = kernel};
	c.initrd = (struct layout_file){.data = extra, .size = initrd};
	assert_true(layout_plan(&c, &layout, &err));
	dtb.size = layout_make_dtb(&c, &layout, tree, sizeof(tree));
	realm_init(&r);
	r.end = &end;
	dup2(fileno(said), STDERR_FILENO);
	bool good = realm_build(&r, &o, &c, &layout, dtb);

	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(said);
	text[fread(text, 1, size - 1, said)] = '\0';
	fclose(said);
	realm_close(&r);
	free(image);
	free(extra);
	return good;
}

static void build(size_t kernel, size_t initrd, char *text, size_t size)
{
	assert_true(try_build(kernel, initrd, text, size));
}

static void rises_to_100(const char *text)
{
	unsigned int last = 0, percent = 0;

	for (const char *at = text; (at = strstr(at, "filled: ")); at++) {
		assert_int_equal(sscanf(at, "filled: %u %%", &percent), 1);
		assert_true(percent > last && percent <= 100);
		last = percent;
	}
	assert_int_equal(last, 100);
}

static void progress(void **state)
{
	static const size_t sizes[][2] = {{64, 0},
					  {5000, 0},
					  {12288, 100},
					  {4096, 4096},
					  {4097, 4097},
					  {3 << 20, 1},
					  {(6 << 20) + 7, 5 << 20}};
	char text[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		build(sizes[i][0], sizes[i][1], text, sizeof(text));
		rises_to_100(text);
	}
}

/* Every call that can fail, every errno of its own meaning: what rvm says names cause and remedy.
 */
static void failures(void **state)
{
	static const struct {
		unsigned long request;
		int error;
		uint64_t command, status;
		const char *says;
	} cases[] = {
		{CAEC_CREATE_REALM, EOPNOTSUPP, 0, 0, "create the realm: .*lacks what was asked"},
		{CAEC_CREATE_REALM, ENOSPC, 0, 0, "no VMID is free"},
		{CAEC_CREATE_REALM, ENOMEM, 0, 0, "cgroup is exhausted: give the realm less"},
		{CAEC_CREATE_REALM, EDQUOT, 0, 0, "ulimit -l"},
		{CAEC_CREATE_REALM, ESHUTDOWN, 0, 0, "the host is going down"},
		{CAEC_CREATE_REALM, EPROTO, 0, 0, "disagree: see dmesg"},
		{CAEC_ADD_APT, EOPNOTSUPP, 0, 0, "leave out --csm"},
		{CAEC_ADD_APT, EREMOTEIO, 0xc4000151, 1,
		 "does not take memory.* 0xc4000151 with status 0x1 .RMI_ERROR_INPUT"},
		{CAEC_INIT_RIPAS, EPERM, 0xc4000168, 2, "0xc4000168 .*RMI_ERROR_REALM"},
		{CAEC_INIT_RIPAS, EEXIST, 0xc4000168, 0x304, "0xc4000168 .*0x304 .RMI_ERROR_RTT"},
		{CAEC_POPULATE, EDQUOT, 0, 0, "fill the realm's memory: .*ulimit -l"},
		{CAEC_POPULATE, EADDRINUSE, 0xc4000153, 0x304, "0xc4000153 .*0x304"},
		{CAEC_CREATE_VCPU, EPROTO, 0xc400015a, 0x777,
		 "create a vCPU: .*disagree.*0xc400015a with status 0x777 .unknown to"},
		{CAEC_ACTIVATE, EPROTO, 0xc4000157, 3, "activate the realm: .*RMI_ERROR_REC"},
		{CAEC_ACTIVATE, EPROTO, 0xc4000157, 0, "activate the realm: .*cannot answer"},
	};
	char text[4096];
	regex_t regex;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing = cases[i].request;
		failure = cases[i].error;
		command = cases[i].command;
		status = cases[i].status;
		assert_false(try_build(64, 0, text, sizeof(text)));
		assert_int_equal(regcomp(&regex, cases[i].says, REG_EXTENDED), 0);
		if (regexec(&regex, text, 0, NULL, 0) != 0) {
			fail_msg("case %zu: \"%s\" is not in: %s", i, cases[i].says, text);
		}
		regfree(&regex);
	}
	failing = 0;
}

/* The text of a file, which is removed. */
static void take_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
	unlink(path);
}

/*
 * Every operation in order, pages with their hash: of 4096 bytes 0x5a, and of one byte 0x5a and
 * zeros (sha256sum says so).
 */
static void logs(void **state)
{
	static const char *const lines[] = {
		"{\"caec-measurement-log\": 1, \"op\": \"realm\", \"hash\": \"sha-256\", "
		"\"s2sz\": 33, \"flags\": 0, \"sve_vl\": 0, \"num_bps\": 1, \"num_wps\": 1, "
		"\"pmu_num_ctrs\": 0, \"rtt_level_start\": 1, \"rpv\": \"ab00",
		"{\"op\": \"ripas\", \"base\": \"0x80000000\", \"size\": \"0x4000000\"}\n"
		"{\"op\": \"data\", \"ipa\": \"0x80000000\", \"flags\": 1, \"content\": \"",
		"{\"op\": \"data\", \"ipa\": \"0x80200000\", \"flags\": 1, \"content\": \"",
		"{\"op\": \"data\", \"ipa\": \"0x80400000\", \"flags\": 1, \"content\": "
		"\"f302957da5220938a7e3e51a8718c79b9e00dc13ab2119e8cfc978f041720382\"}\n"
		"{\"op\": \"data\", \"ipa\": \"0x80401000\", \"flags\": 1, \"content\": "
		"\"01bb7d9e1469459d109dd542b3bb8b57be1e8d6a1e5a35906337f231e10314df\"}\n"
		"{\"op\": \"rec\", \"mpidr\": \"0\", \"flags\": 1, \"pc\": \"0x80000000\", "
		"\"gprs\": [\"0x80200000\", \"0\", \"0\", \"0\", \"0\", \"0\", \"0\", "
		"\"0\"]}\n",
	};
	static char text[65536], said[4096];
	char path[] = "/tmp/caec-log-XXXXXX";
	const char *at = text;

	(void)state;
	close(mkstemp(path));
	log_path = path;
	build(64, 4097, said, sizeof(said));
	log_path = NULL;
	take_file(path, text, sizeof(text));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		at = strstr(at, lines[i]);
		if (!at) {
			fail_msg("%s is not, or not in this place, in: %s", lines[i], text);
		}
		at += strlen(lines[i]);
	}
	assert_string_equal(at, "");
}

/* A realm whose log cannot be written is not started, and the message says so. */
static void logs_fail(void **state)
{
	static const char *const paths[] = {"/dev/full", "/nonexistent/log", "/"};
	char said[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		log_path = paths[i];
		assert_false(try_build(64, 4097, said, sizeof(said)));
		assert_non_null(strstr(said, "--measurement-log /"));
		assert_null(strstr(said, "Success"));
	}
	log_path = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"progress rises to 100 % and no further", progress, NULL, NULL, NULL},
		{"a call that fails: the message names cause and remedy", failures, NULL, NULL,
		 NULL},
		{"measurement log: every operation in order", logs, NULL, NULL, NULL},
		{"measurement log: a realm does not start without it", logs_fail, NULL, NULL, NULL},
	};

	return cmocka_run_group_tests_name("realm", tests, NULL, NULL);
}
