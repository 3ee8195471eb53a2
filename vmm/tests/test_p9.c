// SPDX-License-Identifier: BSD-3-Clause
/* The file server, spoken to as a kernel does, and as a hostile one does. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "p9.h"
#include "p9_wire.h"

static struct p9 p9;
static char dir[] = "/tmp/p9-test-XXXXXX";
static struct p9_writer out;
static struct p9_reader in;
static unsigned int reply_type;

static void begin(uint8_t type)
{
	out = (struct p9_writer){.start = p9.request, .size = sizeof(p9.request)};
	p9_put(&out, 0, 4);
	p9_put(&out, type, 1);
	p9_put(&out, 1, 2);
}

/* Sends what was put together; 0, or the error of the answer. */
static int call(void)
{
	size_t size = out.used, got;

	out.used = 0;
	p9_put(&out, size, 4);
	got = p9_answer(&p9, size);
	in = (struct p9_reader){.at = p9.reply, .left = got};
	assert_int_equal(p9_get32(&in), got);
	reply_type = (unsigned int)p9_get(&in, 1);
	assert_int_equal(p9_get(&in, 2), 1);
	return reply_type == 7 ? (int)p9_get32(&in) : 0;
}

static int version(uint32_t msize)
{
	begin(100);
	p9_put(&out, msize, 4);
	p9_put_string(&out, "9P2000.L");
	return call();
}

static int attach(uint32_t fid)
{
	begin(104);
	p9_put(&out, fid, 4);
	p9_put(&out, UINT32_MAX, 4);
	p9_put_string(&out, "root");
	p9_put_string(&out, "");
	p9_put(&out, 0, 4);
	return call();
}

static int walk(uint32_t from, uint32_t to, const char *name)
{
	begin(110);
	p9_put(&out, from, 4);
	p9_put(&out, to, 4);
	p9_put(&out, name ? 1 : 0, 2);
	if (name) {
		p9_put_string(&out, name);
	}
	return call();
}

static int open_fid(uint32_t fid, uint32_t flags)
{
	begin(12);
	p9_put(&out, fid, 4);
	p9_put(&out, flags, 4);
	return call();
}

static int create(uint32_t fid, const char *name)
{
	begin(14);
	p9_put(&out, fid, 4);
	p9_put_string(&out, name);
	p9_put(&out, 2, 4);
	p9_put(&out, 0644, 4);
	p9_put(&out, 0, 4);
	return call();
}

static int write_text(uint32_t fid, uint64_t offset, const char *text)
{
	begin(118);
	p9_put(&out, fid, 4);
	p9_put(&out, offset, 8);
	p9_put(&out, strlen(text), 4);
	memcpy(p9_room(&out, strlen(text)), text, strlen(text));
	return call();
}

static int read_fid(uint32_t fid, uint64_t offset, uint32_t count)
{
	begin(116);
	p9_put(&out, fid, 4);
	p9_put(&out, offset, 8);
	p9_put(&out, count, 4);
	return call();
}

static int clunk(uint32_t fid)
{
	begin(120);
	p9_put(&out, fid, 4);
	return call();
}

static int remove_name(uint32_t fid, const char *name)
{
	begin(76);
	p9_put(&out, fid, 4);
	p9_put_string(&out, name);
	p9_put(&out, 0, 4);
	return call();
}

static int setup(void **state)
{
	(void)state;
	memset(&p9, 0, sizeof(p9));
	strcpy(dir, "/tmp/p9-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_true(p9_init(&p9, dir));
	assert_int_equal(version(P9_MSIZE), 0);
	assert_int_equal(attach(1), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	p9_close(&p9);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void file_life(void **state)
{
	(void)state;
	assert_int_equal(walk(1, 2, NULL), 0);
	assert_int_equal(create(2, "file"), 0);
	assert_int_equal(write_text(2, 0, "hello"), 0);
	assert_int_equal(p9_get32(&in), 5);
	assert_int_equal(write_text(2, 5, " world"), 0);
	assert_int_equal(read_fid(2, 0, 100), 0);
	assert_int_equal(p9_get32(&in), 11);
	assert_memory_equal(in.at, "hello world", 11);
	assert_int_equal(clunk(2), 0);
	assert_int_equal(clunk(2), EBADF);
	assert_int_equal(walk(1, 2, "file"), 0);
	assert_int_equal(read_fid(2, 0, 1), EINVAL);
	assert_int_equal(open_fid(2, 0), 0);
	assert_int_equal(read_fid(2, 6, 100), 0);
	assert_int_equal(p9_get32(&in), 5);
	assert_int_equal(write_text(2, 0, "x"), EBADF);
	assert_int_equal(remove_name(1, "file"), 0);
	assert_int_equal(walk(1, 3, "file"), ENOENT);
}

static void directory(void **state)
{
	unsigned int entries = 0;

	(void)state;
	begin(72);
	p9_put(&out, 1, 4);
	p9_put_string(&out, "sub");
	p9_put(&out, 0755, 4);
	p9_put(&out, 0, 4);
	assert_int_equal(call(), 0);
	assert_int_equal(walk(1, 2, "sub"), 0);
	for (char name[2] = "a"; name[0] < 'k'; name[0]++) {
		assert_int_equal(walk(2, 3, NULL), 0);
		assert_int_equal(create(3, name), 0);
		assert_int_equal(clunk(3), 0);
	}
	assert_int_equal(open_fid(2, 0200000), 0);
	for (uint64_t offset = 0;;) {
		begin(40);
		p9_put(&out, 2, 4);
		p9_put(&out, offset, 8);
		p9_put(&out, 100, 4);
		assert_int_equal(call(), 0);
		if (p9_get32(&in) == 0) {
			break;
		}
		while (in.left > 0) {
			char name[16];

			p9_take(&in, 13);
			offset = p9_get(&in, 8);
			p9_take(&in, 1);
			p9_get_string(&in, name, sizeof(name));
			entries++;
		}
		assert_false(in.bad);
	}
	assert_int_equal(entries, 12); /* and the two dots */
}

/* A way out of the directory: names with slashes, dots, links. */
static void no_way_out(void **state)
{
	static const char *const names[] = {"..", ".", "", "/", "../etc", "a/b", "/etc/passwd"};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_not_equal(walk(1, 2, names[i]), 0);
		assert_int_equal(walk(1, 2, NULL), 0);
		assert_int_not_equal(create(2, names[i]), 0);
		assert_int_not_equal(remove_name(2, names[i]), 0);
		assert_int_equal(clunk(2), 0);
	}
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink("/etc", path), 0);
	assert_int_equal(walk(1, 2, "link"), 0);
	assert_int_not_equal(open_fid(2, 0), 0);
	assert_int_not_equal(walk(2, 3, "passwd"), 0);
	assert_int_not_equal(create(2, "passwd2"), 0);
}

static void device_files(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/fifo", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(walk(1, 2, "fifo"), 0);
	assert_int_equal(open_fid(2, 0), EPERM);
}

static int open_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(list);
	while (readdir(list)) {
		count++;
	}
	closedir(list);
	return count;
}

/* Files that are open, and files that the realm's kernel remembers, as `ls -l` with cache=loose. */
static void many_files(void **state)
{
	const uint32_t files = 3000;
	struct rlimit limit;
	int before = open_descriptors();

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(limit.rlim_cur, limit.rlim_max);
	for (uint32_t i = 0; i < files; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(walk(1, 2 + i, NULL), 0);
		assert_int_equal(create(2 + i, name), 0);
		assert_int_equal(write_text(2 + i, 0, name), 0);
	}
	for (uint32_t i = 0; i < files; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(read_fid(2 + i, 0, 100), 0);
		assert_int_equal(p9_get32(&in), strlen(name));
		assert_memory_equal(in.at, name, strlen(name));
	}
	for (uint32_t i = 0; i < files; i++) {
		assert_int_equal(clunk(2 + i), 0);
		assert_int_equal(clunk(2 + i), EBADF);
	}
	assert_int_equal(open_descriptors(), before);
}

static void fid_limits(void **state)
{
	int error = 0;
	uint32_t fid;

	(void)state;
	p9.fids.limit = 1000;
	assert_int_equal(walk(1, 1, NULL), 0);
	for (fid = 2; fid < 2000 && !error; fid++) {
		error = walk(1, fid * 64, NULL);
	}
	assert_int_equal(error, ENFILE);
	assert_int_equal(fid, 1002);
	assert_int_equal(attach(5), ENFILE);
	/* The share lives on: what is there works, and what is given back can be had again. */
	assert_int_equal(walk(1, 1, NULL), 0);
	assert_int_equal(clunk(2 * 64), 0);
	assert_int_equal(walk(1, 5, NULL), 0);
	assert_int_equal(create(5, "file"), 0);
	assert_int_equal(write_text(5, 0, "text"), 0);
	/* A number that is taken is not given twice. */
	assert_int_equal(clunk(3 * 64), 0);
	assert_int_equal(walk(1, 5, NULL), EBADF);
	assert_int_equal(version(8192), 0);
	assert_int_equal(clunk(5), EBADF);
}

/* Descriptors run out first: the rest of rvm keeps some, and the share goes on. */
static void descriptor_limit(void **state)
{
	int error = 0, before = open_descriptors();
	uint32_t fid;

	(void)state;
	p9.fids.descriptors = 200;
	assert_int_equal(walk(1, 1000, NULL), 0);
	assert_int_equal(create(1000, "file"), 0);
	assert_int_equal(clunk(1000), 0);
	for (fid = 2; fid < 400 && !error; fid++) {
		error = walk(1, fid, "file");
	}
	assert_int_equal(error, EMFILE);
	assert_true(open_descriptors() <= 203);
	error = 0;
	while (!error) {
		error = attach(fid++); /* one descriptor, where a walk has two for a moment */
	}
	assert_int_equal(error, EMFILE);
	assert_int_equal(open_fid(2, 0), EMFILE);
	assert_int_equal(create(1, "other"), EMFILE);
	assert_int_equal(clunk(3), 0);
	assert_int_equal(open_fid(2, 0), 0);
	assert_int_equal(read_fid(2, 0, 1), 0);
	for (fid = 4; fid < 7; fid++) {
		assert_int_equal(clunk(fid), 0);
	}
	assert_int_equal(walk(1, 4, NULL), 0);
	assert_int_equal(create(4, "other"), 0); /* there is nothing left of the first attempt */
	assert_int_equal(version(8192), 0);
	assert_true(open_descriptors() < before);
}

static void fid_numbers(void **state)
{
	static const uint32_t numbers[] = {0, 64, 128, UINT32_MAX, UINT32_MAX - 64, 1u << 31};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(walk(1, numbers[i], NULL), 0);
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_int_equal(clunk(numbers[i]), 0);
		assert_int_equal(clunk(numbers[i]), EBADF);
	}
}

static uint64_t qid_of_walk(const char *name)
{
	uint64_t path;

	assert_int_equal(walk(1, 2, name), 0);
	assert_int_equal(p9_get(&in, 2), 1);
	p9_take(&in, 5);
	path = p9_get(&in, 8);
	assert_int_equal(clunk(2), 0);
	return path;
}

/*
 * Two file systems below the directory may use an inode number each for a file of its own. One of
 * them is the root's, and keeps its numbers: the device of the root is changed under it for that.
 */
static void devices(void **state)
{
	uint64_t own, other;
	char path[64];
	struct stat st;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	close(fd);
	own = qid_of_walk("file");
	assert_int_equal(own, st.st_ino);
	p9.device = st.st_dev + 1;
	other = qid_of_walk("file");
	assert_int_not_equal(other, st.st_ino);
	assert_int_equal(other, qid_of_walk("file"));
}

static void message_limits(void **state)
{
	(void)state;
	assert_int_equal(version(100), EINVAL);
	assert_int_equal(version(UINT32_MAX), 0);
	assert_int_equal(p9_get32(&in), P9_MSIZE);
	assert_int_equal(version(8192), 0);
	assert_int_equal(attach(1), 0);
	assert_int_equal(walk(1, 2, NULL), 0);
	assert_int_equal(create(2, "big"), 0);
	assert_int_equal(write_text(2, 100000, "end"), 0);
	assert_int_equal(read_fid(2, 0, UINT32_MAX), 0);
	assert_true(p9_get32(&in) <= 8192 - 11);
	assert_int_equal(read_fid(2, UINT64_MAX, 1), EINVAL);
	begin(99);
	assert_int_equal(call(), EOPNOTSUPP);
}

/* Every message cut off everywhere, and random bytes behind a good header. */
static void noise(void **state)
{
	uint64_t seed = 3;

	(void)state;
	for (unsigned int i = 0; i < 60000; i++) {
		static const uint8_t types[] = {8,  12, 14, 22,  24,  26,  30,  40,  50,  72,
						74, 76, 99, 104, 108, 110, 116, 118, 120, 122};
		size_t size = 7 + (seed >> 33) % 60;

		begin(types[(seed >> 20) % sizeof(types)]);
		for (size_t at = 7; at < size; at++) {
			seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
			/* Mostly small numbers: valid fids, short lengths. */
			p9_put(&out, seed >> 60 < 10 ? seed >> 62 : seed >> 56, 1);
		}
		call();
		if (i % 100 == 0) {
			assert_int_equal(version(8192), 0);
			assert_int_equal(attach(1), 0);
		}
	}
	for (size_t size = 0; size < 7; size++) {
		assert_true(p9_answer(&p9, size) >= 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"9p: a file from creation to removal", file_life, setup, teardown, NULL},
		{"9p: directories in pieces", directory, setup, teardown, NULL},
		{"9p: no way out of the directory", no_way_out, setup, teardown, NULL},
		{"9p: nothing but files and directories is opened", device_files, setup, teardown,
		 NULL},
		{"9p: thousands of files are open at the same time", many_files, setup, teardown,
		 NULL},
		{"9p: fids run out with ENFILE, are not given twice, end with a new session",
		 fid_limits, setup, teardown, NULL},
		{"9p: descriptors run out with EMFILE, and the share goes on", descriptor_limit,
		 setup, teardown, NULL},
		{"9p: fids of any number", fid_numbers, setup, teardown, NULL},
		{"9p: equal inodes of two devices are two files", devices, setup, teardown, NULL},
		{"9p: message sizes", message_limits, setup, teardown, NULL},
		{"9p: noise", noise, setup, teardown, NULL},
	};

	return cmocka_run_group_tests_name("9p", tests, NULL, NULL);
}
