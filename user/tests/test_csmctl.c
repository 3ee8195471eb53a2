// SPDX-License-Identifier: BSD-3-Clause
/* csmctl from end to end: two realms, each with a command line. */
#include "command.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------ one side */

static void test_id(void **state)
{
	expect(*state, P, "id",
	       "realm: " ID_P "\ncsm: 1.2\nregions: 0\nattachments: 0\nmemory_used: 0\n"
	       "memory_limit: 67108864\nwindow_free: 67108864\nwindow_size: 67108864\n"
	       "interrupt: yes\nmmap: yes\n");
	expect(*state, C, "--json id",
	       "{\"realm\": \"" ID_C "\", \"csm\": \"1.2\", \"regions\": 0, \"attachments\": 0, "
	       "\"memory_used\": 0, \"memory_limit\": 67108864, \"window_free\": 67108864, "
	       "\"window_size\": 67108864, \"interrupt\": true, \"mmap\": true}\n");
}

static void test_usage(void **state)
{
	refuse(*state, P, "frobnicate", CSMCTL_USAGE,
	       "csmctl: no command frobnicate; see csmctl --help\n");
	refuse(*state, P, "create", CSMCTL_USAGE,
	       "csmctl: create: wrong number of arguments; see csmctl --help\n");
	refuse(*state, P, "create 1 2", CSMCTL_USAGE,
	       "csmctl: create: wrong number of arguments; see csmctl --help\n");
	refuse(*state, P, "create 12Q", CSMCTL_USAGE, "csmctl: 12Q: not a size\n");
	refuse(*state, P, "create 99999999999G", CSMCTL_USAGE,
	       "csmctl: 99999999999G: not a size\n");
	refuse(*state, P, "--bogus id", CSMCTL_USAGE,
	       "csmctl: --bogus: no such option, or a value too many or too few\n");
	refuse(*state, P, "id --timeout", CSMCTL_USAGE,
	       "csmctl: --timeout: no such option, or a value too many or too few\n");
	refuse(*state, P, "id --json=yes", CSMCTL_USAGE,
	       "csmctl: --json=yes: no such option, or a value too many or too few\n");
	refuse(*state, P, "id --rim 12", CSMCTL_USAGE, "csmctl: 12: not understood\n");
	refuse(*state, P, "id --sizes=9-8", CSMCTL_USAGE, "csmctl: 9-8: not understood\n");
	refuse(*state, P, "share 1 nobody", CSMCTL_FAILED,
	       "csmctl: 1: no such region or attachment in this realm\n");
	refuse(*state, P, "seal x", CSMCTL_USAGE,
	       "csmctl: x: not a region (NUMBER or REALM:NUMBER)\n");
	refuse(*state, P, "list 0", CSMCTL_USAGE,
	       "csmctl: 0: not a realm id (list takes REALM alone)\n");
	refuse(*state, P, "attach 1", CSMCTL_USAGE,
	       "csmctl: 1: not another realm's region (REALM:NUMBER)\n");
}

static void test_no_device(void **state)
{
	struct pair *p = *state;

	fake_fail(p->world, ENOENT);
	refuse(p, P, "id", CSMCTL_FAILED,
	       "csmctl: there is no /dev/csm: load the module caec_guest\n");
	fake_fail(p->world, EACCES);
	refuse(p, P, "id", CSMCTL_FAILED, "csmctl: /dev/csm: not allowed to this user\n");
	fake_fail(p->world, 0);
	expect(p, P, "--version", "csmctl " LIBCSM_VERSION "\n");
}

static void test_sizes(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 1 --label model", "provider: " ID_P "\nregion: 1\nsize: 4096\n");
	expect(p, P, "create 2m", "provider: " ID_P "\nregion: 2\nsize: 2097152\n");
	refuse(p, P, "create 1G", CSMCTL_FAILED,
	       "csmctl: create: the memory limit for regions is reached (memory_limit of "
	       "caec_guest)\n");
	expect(p, P, "list",
	       "provider " ID_P "  region 1  label model  size 4096  permissions rw  state own  "
	       "sealed no  any no\n"
	       "provider " ID_P "  region 2  label   size 2097152  permissions rw  state own  "
	       "sealed no  any no\n");
	expect(p, P, "destroy 1", "");
	expect(p, P, "--json list",
	       "{\"regions\": [{\"provider\": \"" ID_P "\", \"region\": 2, \"label\": \"\", "
	       "\"size\": 2097152, \"permissions\": \"rw\", \"state\": \"own\", "
	       "\"sealed\": false, \"any\": false}], \"attachments\": []}\n");
	expect(p, P, "destroy 2", "");
	refuse(p, P, "destroy 2", CSMCTL_FAILED,
	       "csmctl: 2: no such region or attachment in this realm\n");
}

/* ----------------------------------------------------------------- two sides */

static void test_story(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 4K --label \"a\\b", "provider: " ID_P "\nregion: 1\nsize: 4096\n");
	refuse(p, C, "attach " ID_P ":1", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such realm, region or grant, or not permitted\n");
	expect(p, P, "share 1 0x" ID_C " --write", "");
	refuse(p, P, "share 1 " ID_C, CSMCTL_FAILED, "csmctl: 1: exists already\n");
	expect(p, C, "--json list " ID_P,
	       "{\"regions\": [{\"provider\": \"" ID_P "\", \"region\": 1, "
	       "\"label\": \"\\\"a\\\\x5cb\", \"size\": 4096, \"permissions\": \"rw\", "
	       "\"state\": \"granted\", \"sealed\": false, \"any\": false}]}\n");
	expect(p, C, "attach " ID_P ":1",
	       "provider: " ID_P "\nregion: 1\nsize: 4096\npermissions: rw\n");
	expect(p, P, "--json wait 1",
	       "{\"peer\": \"" ID_C "\", \"events\": [\"attached\"], \"bits\": 0}\n");
	refuse(p, C, "destroy " ID_P ":1", CSMCTL_USAGE,
	       "csmctl: " ID_P ":1 is another realm's region: use detach\n");
	refuse(p, C, "seal " ID_P ":1", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: only the owner of the region can do this\n");
	refuse(p, X, "attach " ID_P ":1", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such realm, region or grant, or not permitted\n");
	expect(p, P, "revoke 1 " ID_C, "");
	refuse(p, P, "revoke 1 " ID_C, CSMCTL_FAILED,
	       "csmctl: 1: no such region or attachment in this realm\n");
	refuse(p, C, "detach " ID_P ":1", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such region or attachment in this realm\n");
	expect(p, P, "destroy 1", "");
}

static void test_peer(void **state)
{
	struct pair *p = *state;
	struct result result;

	expect(p, P, "create 4K", "provider: " ID_P "\nregion: 1\nsize: 4096\n");
	expect(p, P, "share 1 " ID_C, "");
	expect(p, C, "attach " ID_P ":1",
	       "provider: " ID_P "\nregion: 1\nsize: 4096\npermissions: r\n");
	result = run(p, P, "", "peer " ID_C);
	assert_int_equal(result.status, CSMCTL_OK);
	assert_non_null(strstr(result.out, "hash: sha-256\nrim: " RIM_C "\n"));
	forget(&result);
	refuse(p, P, "peer " ID_X, CSMCTL_FAILED,
	       "csmctl: " ID_X ": no sharing with that realm: attach a region of it, or let it "
	       "attach one, first\n");
	expect(p, C, "detach " ID_P ":1", "");
	expect(p, P, "destroy 1", "");
}

static void test_policy(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 4K", "provider: " ID_P "\nregion: 1\nsize: 4096\n");
	refuse(p, P, "share 1 any", CSMCTL_USAGE,
	       "csmctl: share with any needs --rim: without it a realm of any software gets in\n");
	expect(p, P, "share 1 any --rim " RIM_C, "");
	refuse(p, X, "attach " ID_P ":1", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such realm, region or grant, or not permitted\n");
	refuse(p, C, "attach " ID_P ":1 --rim " RIM_C, CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such realm, region or grant, or not permitted\n");
	expect(p, C, "attach " ID_P ":1",
	       "provider: " ID_P "\nregion: 1\nsize: 4096\npermissions: r\n");
	expect(p, P, "destroy 1", "");
}

/* --------------------------------------------------------------------- files */

static void write_file(char *name, const void *data, size_t size)
{
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static void test_files(void **state)
{
	static const size_t sizes[] = {0, 1, 4032, 4033, 4096, 300000};
	struct pair *p = *state;
	uint8_t data[300000];
	char line[200];

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	}
	for (unsigned int i = 0; i < COUNT(sizes); i++) {
		char name[] = "/tmp/csmctl-test-XXXXXX";
		struct result result;

		write_file(name, data, sizes[i]);
		snprintf(line, sizeof(line), "put %s --seal --to " ID_C " --label file", name);
		result = run(p, P, "", line);
		assert_int_equal(result.status, CSMCTL_OK);
		forget(&result);
		unlink(name);

		snprintf(line, sizeof(line), "get " ID_P ":%u %s", i + 1, name);
		result = run(p, C, "", line);
		assert_int_equal(result.status, CSMCTL_OK);
		forget(&result);
		FILE *file = fopen(name, "rb");
		uint8_t back[sizeof(data) + 1];

		assert_int_equal(fread(back, 1, sizeof(back), file), sizes[i]);
		assert_memory_equal(back, data, sizes[i]);
		fclose(file);
		unlink(name);
	}
}

static void test_files_refused(void **state)
{
	struct pair *p = *state;

	refuse(p, P, "put /nowhere/file", CSMCTL_FAILED,
	       "csmctl: /nowhere/file: No such file or directory\n");
	refuse(p, P, "put /dev/null", CSMCTL_FAILED, "csmctl: /dev/null: not a regular file\n");
	expect(p, P, "create 8K", "provider: " ID_P "\nregion: 1\nsize: 8192\n");
	expect(p, P, "share 1 " ID_C, "");
	refuse(p, C, "get " ID_P ":1 -", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: there is no file in this region\n");
	refuse(p, X, "get " ID_P ":1 -", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: no such realm, region or grant, or not permitted\n");
	expect(p, P, "destroy 1", "");
}

/* The length is what the provider says: more than the region holds is refused. */
static void test_hostile_length(void **state)
{
	struct pair *p = *state;
	const uint64_t lie[2] = {UINT64_C(0x454c49464d5343), 8192 - 64 + 1};
	struct csm_region *region;

	assert_int_equal(csm_create(p->csm[P], 8192, 0, 0, &region), 0);
	assert_int_equal(csm_write(region, 8192 - 64, lie, sizeof(lie)), 0);
	assert_int_equal(csm_share(region, fake_id(C), CSM_READ, NULL), 0);
	refuse(p, C, "get " ID_P ":1 -", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: there is no file in this region\n");
	csm_release(region);
}

static void test_digest(void **state)
{
	struct pair *p = *state;
	struct result own, theirs;

	expect(p, P, "create 4K", "provider: " ID_P "\nregion: 1\nsize: 4096\n");
	expect(p, P, "share 1 " ID_C, "");
	refuse(p, P, "digest 1", CSMCTL_FAILED, "csmctl: 1: the region is not sealed\n");
	expect(p, P, "seal 1", "");
	refuse(p, P, "seal 1", CSMCTL_FAILED, "csmctl: 1: sealed already\n");
	own = run(p, P, "", "digest 1");
	theirs = run(p, C, "", "digest " ID_P ":1");
	assert_int_equal(own.status + theirs.status, CSMCTL_OK);
	assert_string_equal(own.out, theirs.out);
	assert_non_null(strstr(own.out, "sha512: "));
	forget(&own);
	forget(&theirs);
	expect(p, P, "destroy 1", "");
}

/* ------------------------------------------------------------- at the same time */

struct other {
	struct pair *pair;
	unsigned int realm;
	const char *input, *line;
	FILE *err;
	struct result result;
};

static void *run_other(void *arg)
{
	struct other *other = arg;

	other->result = run_loud(other->pair, other->realm, other->input, other->line, other->err);
	return NULL;
}

static void test_messages(void **state)
{
	struct pair *p = *state;
	struct other recv = {.pair = p, .realm = C, .input = "", .line = "recv " ID_P ":1" LONG};
	struct result send;
	pthread_t thread;

	expect(p, P, "create 64K", "provider: " ID_P "\nregion: 1\nsize: 65536\n");
	expect(p, P, "share 1 " ID_C " --write", "");
	pthread_create(&thread, NULL, run_other, &recv);
	send = run(p, P, "one\n\nthree", "send 1 --to " ID_C LONG);
	pthread_join(thread, NULL);
	assert_string_equal(send.err, "");
	assert_int_equal(send.status, CSMCTL_OK);
	assert_string_equal(recv.result.err, "");
	assert_string_equal(recv.result.out, "one\n\nthree\n");
	forget(&send);
	forget(&recv.result);
	expect(p, P, "destroy 1", "");
}

static double number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	assert_non_null(at);
	return strtod(at + strlen(key), NULL);
}

/* Round trip and throughput are those of the totals. */
static void check_ping(const char *out)
{
	double us = number_after(out, "\"microseconds\": ");
	double bytes = number_after(out, "\"bytes_each_way\": ");

	assert_true(us > 0 && bytes >= 500 * 64);
	assert_double_equal(number_after(out, "\"round_trip_us\": "), us / 500, 0.001);
	assert_double_equal(number_after(out, "\"mb_per_s\": "), 2 * bytes / us, 0.001);
}

/* Twice, on the same region, as one does by hand. */
static void test_ping(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 1M", "provider: " ID_P "\nregion: 1\nsize: 1048576\n");
	expect(p, P, "share 1 " ID_C " --write", "");
	for (unsigned int i = 0; i < 2; i++) {
		struct other echo = {
			.pair = p, .realm = C, .input = "", .line = "echo " ID_P ":1" LONG};
		struct result ping;
		pthread_t thread;

		pthread_create(&thread, NULL, run_other, &echo);
		ping = run(p, P, "", "--json ping 1 --to " ID_C " --count 500 --sizes 64-32K" LONG);
		pthread_join(thread, NULL);
		assert_string_equal(ping.err, "");
		assert_int_equal(strncmp(ping.out, "{\"messages\": 500, ", 18), 0);
		check_ping(ping.out);
		assert_string_equal(echo.result.err, "");
		assert_int_equal(echo.result.status, CSMCTL_OK);
		forget(&ping);
		forget(&echo.result);
	}
	refuse(p, P, "ping 1", CSMCTL_USAGE, "csmctl: ping: an own region needs one --to REALM\n");
	expect(p, P, "destroy 1", "");
}

static void test_watch(void **state)
{
	struct pair *p = *state;
	struct other watch = {.pair = p, .realm = C, .input = "", .line = "watch " ID_P ":1" LONG};
	struct result attached;
	char said[64] = "";
	pthread_t thread;
	int pipes[2];

	assert_int_equal(pipe(pipes), 0);
	watch.err = fdopen(pipes[1], "w");
	setvbuf(watch.err, NULL, _IONBF, 0);
	expect(p, P, "create 64K", "provider: " ID_P "\nregion: 1\nsize: 65536\n");
	expect(p, P, "share 1 " ID_C, "");
	pthread_create(&thread, NULL, run_other, &watch);
	attached = run(p, P, "", "wait 1" LONG);
	assert_int_equal(attached.status, CSMCTL_OK);
	forget(&attached);
	assert_true(read(pipes[0], said, sizeof(said) - 1) > 0);
	assert_string_equal(said, "csmctl: reading " ID_P ":1\n");
	expect(p, P, "revoke 1 " ID_C, "");
	pthread_join(thread, NULL);
	close(pipes[0]);
	assert_int_equal(watch.result.status, CSMCTL_OK);
	assert_non_null(strstr(watch.result.out, "end: SIGBUS: access was taken away\n"));
	forget(&watch.result);
	expect(p, P, "destroy 1", "");
}

static void test_time_over(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 64K", "provider: " ID_P "\nregion: 1\nsize: 65536\n");
	refuse(p, P, "wait 1 --timeout 0", CSMCTL_FAILED, "csmctl: 1: timed out\n");
	refuse(p, P, "send 1 --to " ID_C " --timeout 0", CSMCTL_FAILED,
	       "csmctl: send: timed out\n");
	expect(p, P, "destroy 1", "");
}

/* ------------------------------------------------- output that goes nowhere */

/* "csmctl LINE" with an output that takes nothing fails, and says so. */
static void full_disk(struct pair *p, unsigned int realm, const char *line)
{
	struct result result;

	output = fopen("/dev/full", "w");
	result = run(p, realm, "", line);
	output = NULL;
	assert_string_equal(result.err,
			    strncmp(line, "--json", 6) == 0
				    ? "{\"error\": \"standard output: No space left on device\", "
				      "\"status\": 1}\n"
				    : "csmctl: standard output: No space left on device\n");
	assert_int_equal(result.status, CSMCTL_FAILED);
	forget(&result);
}

static void test_full_disk(void **state)
{
	struct pair *p = *state;
	char name[] = "/tmp/csmctl-test-XXXXXX", line[100];

	write_file(name, "text", 4);
	snprintf(line, sizeof(line), "put %s", name);
	full_disk(p, P, "--help");
	full_disk(p, P, "--version");
	full_disk(p, P, "id");
	full_disk(p, P, "--json id");
	/* What nobody was told of does not stay. */
	full_disk(p, P, "create 4K");
	full_disk(p, P, line);
	expect(p, P, "list", "");
	snprintf(line, sizeof(line), "put %s --to " ID_C, name);
	expect(p, P, line, "provider: " ID_P "\nregion: 3\nsize: 4096\nlength: 4\n");
	full_disk(p, P, "list");
	full_disk(p, C, "list " ID_P);
	full_disk(p, C, "attach " ID_P ":3");
	refuse(p, C, "detach " ID_P ":3", CSMCTL_FAILED,
	       "csmctl: " ID_P ":3: no such region or attachment in this realm\n");
	full_disk(p, C, "get " ID_P ":3 -");
	snprintf(line, sizeof(line), "get " ID_P ":3 %s", name);
	full_disk(p, C, line);
	expect(p, C, "attach " ID_P ":3",
	       "provider: " ID_P "\nregion: 3\nsize: 4096\npermissions: r\n");
	full_disk(p, P, "peer " ID_C);
	full_disk(p, P, "wait 3");
	expect(p, P, "seal 3", "");
	full_disk(p, P, "digest 3");
	expect(p, P, "destroy 3", "");
	unlink(name);
}

static void test_full_target(void **state)
{
	struct pair *p = *state;

	expect(p, P, "create 64K", "provider: " ID_P "\nregion: 1\nsize: 65536\n");
	expect(p, P, "share 1 " ID_C, "");
	refuse(p, C, "get " ID_P ":1 /dev/full", CSMCTL_FAILED,
	       "csmctl: " ID_P ":1: there is no file in this region\n");
	expect(p, P, "destroy 1", "");
	expect(p, P, "put /bin/sh --to " ID_C, NULL);
	refuse(p, C, "get " ID_P ":2 /dev/full", CSMCTL_FAILED,
	       "csmctl: /dev/full: No space left on device\n");
	refuse(p, C, "get " ID_P ":2 /nowhere/file", CSMCTL_FAILED,
	       "csmctl: /nowhere/file: No such file or directory\n");
	expect(p, P, "destroy 2", "");
}

static void holds(const char *name, const char *text)
{
	char back[100] = "";
	FILE *file = fopen(name, "rb");

	assert_non_null(file);
	assert_int_equal(fread(back, 1, sizeof(back) - 1, file), strlen(text));
	assert_string_equal(back, text);
	fclose(file);
}

/* What was there is there, until the new content is complete: then that is, with the old mode. */
static void test_get_keeps(void **state)
{
	char folder[] = "/tmp/csmctl-test-XXXXXX", name[60], alias[60], line[200];
	struct pair *p = *state;
	struct stat info;

	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/file", folder);
	snprintf(alias, sizeof(alias), "%s/alias", folder);
	FILE *file = fopen(name, "wb");

	fputs("what was there", file);
	fclose(file);
	assert_int_equal(chmod(name, 0640), 0);
	assert_int_equal(symlink("file", alias), 0);
	expect(p, P, "create 8K", "provider: " ID_P "\nregion: 1\nsize: 8192\n");
	expect(p, P, "share 1 " ID_C, "");
	snprintf(line, sizeof(line), "get " ID_P ":1 %s", name);
	refuse(p, C, line, CSMCTL_FAILED, "csmctl: " ID_P ":1: there is no file in this region\n");
	holds(name, "what was there");

	/* The region goes while it is read. */
	snprintf(line, sizeof(line), "put /bin/sh --to " ID_C);
	expect(p, P, line, NULL);
	fake_lose_page(p->world, true);
	snprintf(line, sizeof(line), "get " ID_P ":2 %s", name);
	refuse(p, C, line, CSMCTL_FAILED,
	       "csmctl: " ID_P ":2: the sharing has ended: region, grant or peer is gone\n");
	fake_lose_page(p->world, false);
	holds(name, "what was there");

	snprintf(line, sizeof(line), "put %s --to " ID_C, name);
	expect(p, P, line, NULL);
	file = fopen(name, "wb");
	fputs("older", file);
	fclose(file);
	snprintf(line, sizeof(line), "get " ID_P ":3 %s", alias);
	expect(p, C, line, NULL);
	holds(name, "what was there");
	assert_int_equal(lstat(alias, &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	assert_int_equal(stat(name, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	unlink(alias);
	unlink(name);
	assert_int_equal(rmdir(folder), 0); /* nothing else is left in it */
}

/* Attached by a program already, it stays when that program ends. */
static void test_attach_stays(void **state)
{
	struct pair *p = *state;
	struct csm_region *r[2];

	pair_share(p, CSM_READ, r);
	expect(p, C, "attach " ID_P ":1",
	       "provider: " ID_P "\nregion: 1\nsize: 65536\npermissions: r\n");
	csm_release(r[1]);
	expect(p, C, "detach " ID_P ":1", "");
	csm_release(r[0]);
}

/* Sends while realm C is attached by this test, which then does what `end` says. */
static struct result send_to(struct pair *p, void (*end)(struct pair *p, struct csm_region *theirs))
{
	struct other send = {
		.pair = p, .realm = P, .input = "one\ntwo", .line = "send 1 --to " ID_C LONG};
	struct csm_region *theirs;
	pthread_t thread;

	expect(p, P, "create 64K", "provider: " ID_P "\nregion: 1\nsize: 65536\n");
	expect(p, P, "share 1 " ID_C " --write", "");
	assert_int_equal(csm_attach(p->csm[C], fake_id(P), 1, NULL, 0, &theirs), 0);
	pthread_create(&thread, NULL, run_other, &send);
	end(p, theirs);
	pthread_join(thread, NULL);
	return send.result;
}

static void take_all_then_die(struct pair *p, struct csm_region *theirs)
{
	struct csm_channel *channel;
	char line[16];

	assert_int_equal(csm_channel_open(theirs, 0, 600000, &channel), 0);
	assert_int_equal(csm_channel_recv(channel, line, sizeof(line), 600000), 3);
	fake_kill(fake_realm(p->world, C));
	csm_channel_close(channel);
	csm_release(theirs);
}

static void close_early(struct pair *p, struct csm_region *theirs)
{
	struct csm_channel *channel;
	const void *from;

	(void)p;
	assert_int_equal(csm_channel_open(theirs, 0, 600000, &channel), 0);
	assert_int_equal(csm_channel_peek(channel, 600000, &from), 3);
	assert_int_equal(csm_channel_peek(channel, 600000, &from), 3);
	assert_int_equal(csm_channel_peek(channel, 600000, &from), -EPIPE);
	csm_channel_close(channel);
	csm_release(theirs);
}

static void test_send_to_dead(void **state)
{
	struct pair *p = *state;
	struct result result = send_to(p, take_all_then_die);

	assert_string_equal(result.err,
			    "csmctl: send: the sharing has ended: region, grant or peer is gone\n");
	assert_int_equal(result.status, CSMCTL_FAILED);
	forget(&result);
	expect(p, P, "destroy 1", "");
}

static void test_send_not_taken(void **state)
{
	struct pair *p = *state;
	struct result result = send_to(p, close_early);

	assert_string_equal(
		result.err,
		"csmctl: send: the peer closed the channel before it had taken every message\n");
	assert_int_equal(result.status, CSMCTL_FAILED);
	forget(&result);
	expect(p, P, "destroy 1", "");
}

static void receive_nowhere(struct pair *p, struct csm_region *theirs)
{
	struct result result;

	csm_release(theirs);
	output = fopen("/dev/full", "w");
	result = run(p, C, "", "recv " ID_P ":1" LONG);
	output = NULL;
	assert_string_equal(result.err, "csmctl: standard output: No space left on device\n");
	assert_int_equal(result.status, CSMCTL_FAILED);
	forget(&result);
}

/* Both sides learn that a message was not written. */
static void test_recv_full_disk(void **state)
{
	struct pair *p = *state;
	struct result result = send_to(p, receive_nowhere);

	assert_string_equal(
		result.err,
		"csmctl: send: the peer closed the channel before it had taken every message\n");
	assert_int_equal(result.status, CSMCTL_FAILED);
	forget(&result);
	expect(p, P, "destroy 1", "");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		PAIR("csmctl: id, for people and as JSON", test_id),
		PAIR("csmctl: wrong use is explained", test_usage),
		PAIR("csmctl: no device is explained", test_no_device),
		PAIR("csmctl: create, list, destroy", test_sizes),
		PAIR("csmctl: share, attach, revoke", test_story),
		PAIR("csmctl: peer", test_peer),
		PAIR("csmctl: sharing by policy", test_policy),
		PAIR("csmctl: put and get files of all sizes", test_files),
		PAIR("csmctl: put and get refuse", test_files_refused),
		PAIR("csmctl: get refuses a hostile length", test_hostile_length),
		PAIR("csmctl: seal and digest", test_digest),
		PAIR("csmctl: send and recv", test_messages),
		PAIR("csmctl: echo and ping", test_ping),
		PAIR("csmctl: watch sees revocation", test_watch),
		PAIR("csmctl: waits end", test_time_over),
		PAIR("csmctl: a full disk is an error of every command", test_full_disk),
		PAIR("csmctl: get to what takes nothing", test_full_target),
		PAIR("csmctl: get leaves the old file until the new one is complete",
		     test_get_keeps),
		PAIR("csmctl: attach of what is attached already", test_attach_stays),
		PAIR("csmctl: send to a peer that dies", test_send_to_dead),
		PAIR("csmctl: send to a peer that has not taken all", test_send_not_taken),
		PAIR("csmctl: recv to a full disk", test_recv_full_disk),
	};

	return cmocka_run_group_tests_name("csmctl", tests, NULL, NULL);
}
