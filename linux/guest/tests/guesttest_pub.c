// SPDX-License-Identifier: GPL-2.0-only
/* csmfs: files that plain programs write in "self", and what becomes of them. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/uapi/csmfs.h"

#include "guesttest.h"

#define SELF   "/csm/self/"
#define LENGTH 300007UL

static char content[LENGTH];

static void begin(void)
{
	mkdir("/csm", 0755);
	CHECK(mount("none", "/csm", "csmfs", 0, "") == 0);
	for (size_t i = 0; i < LENGTH; i++) {
		content[i] = (char)(i * 31 >> 3);
	}
}

static void end(void)
{
	CHECK(info().regions == 0 && info().memory_used == 0);
	CHECK(umount("/csm") == 0);
}

static int create_file(const char *name)
{
	return open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
}

/* A file is published with its close, and read, sealed, removed like any other. */
void test_pub_file(void)
{
	struct csmfs_tail tail;
	struct csm_ioc_query query = {0};
	struct csm_ioc_open open_req = {0};
	char *m, *read_back = malloc(LENGTH);
	int fd;

	begin();
	fd = create_file(SELF "model");
	CHECK(fd >= 0 && info().regions == 0);
	CHECK(write(fd, content, 100000) == 100000);
	CHECK(write(fd, content + 100000, LENGTH - 100000) == LENGTH - 100000);
	CHECK(info().regions == 0 && close(fd) == 0 && info().regions == 1);
	CHECK(ioctl(dev, CSM_IOC_QUERY, &query) == 0 && query.label == 0x6c65646f6d);
	CHECK(query.size == (LENGTH + CSMFS_TAIL_SIZE + 4095) / 4096 * 4096);
	fd = open(SELF "model", O_RDONLY);
	CHECK(read(fd, read_back, LENGTH) == LENGTH && memcmp(read_back, content, LENGTH) == 0);
	CHECK(lseek(fd, 0, SEEK_END) == LENGTH);
	close(fd);
	open_req.region_id = query.region_id;
	fd = ioctl(dev, CSM_IOC_OPEN, &open_req);
	m = map(fd, query.size, PROT_READ);
	memcpy(&tail, m + query.size - sizeof(tail), sizeof(tail));
	CHECK(tail.magic == CSMFS_TAIL_MAGIC && tail.length == LENGTH);
	CHECK(memcmp(m, content, LENGTH) == 0 && m[LENGTH] == 0);
	munmap(m, query.size);
	close(fd);
	CHECK(info().regions == 1);
	CHECK(unlink(SELF "model") == 0);
	FAILS(open(SELF "model", O_RDONLY), ENOENT);
	free(read_back);
	end();
}

static long size_of(const char *name)
{
	struct stat is;

	return stat(name, &is) == 0 ? (long)is.st_size : -1;
}

/* Written out of order, cut, lengthened. */
void test_pub_writing(void)
{
	char byte = 1;
	int fd;

	begin();
	fd = open(SELF "a", O_RDWR | O_CREAT, 0600);
	CHECK(pwrite(fd, "end", 3, 9000) == 3 && pwrite(fd, "begin", 5, 0) == 5);
	CHECK(pread(fd, &byte, 1, 5000) == 1 && byte == 0 && size_of(SELF "a") == 9003);
	CHECK(ftruncate(fd, 100) == 0 && ftruncate(fd, 8000) == 0 && fsync(fd) == 0);
	CHECK(close(fd) == 0 && size_of(SELF "a") == 8000);
	fd = open(SELF "a", O_RDONLY);
	CHECK(pread(fd, &byte, 1, 4) == 1 && byte == 'n');
	CHECK(pread(fd, &byte, 1, 7999) == 1 && byte == 0);
	close(fd);
	CHECK(unlink(SELF "a") == 0);
	CHECK(close(create_file(SELF "empty")) == 0 && size_of(SELF "empty") == 0);
	CHECK(unlink(SELF "empty") == 0);
	end();
}

/* The last of several descriptors counts, in whichever process. */
void test_pub_last_close(void)
{
	int fd, status;
	pid_t child;

	begin();
	fd = create_file(SELF "b");
	child = fork();
	if (child == 0) {
		_exit(write(fd, "child", 5) != 5);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0 && info().regions == 0);
	CHECK(dup2(fd, 60) == 60 && close(fd) == 0 && info().regions == 0);
	CHECK(write(60, " and parent", 11) == 11 && close(60) == 0);
	CHECK(info().regions == 1 && size_of(SELF "b") == 16);
	CHECK(unlink(SELF "b") == 0);
	end();
}

void test_pub_names(void)
{
	static const struct {
		const char *name;
		int error;
	} wrong[] = {
		{"ninechars", ENAMETOOLONG},
		{"model.gguf", ENAMETOOLONG},
		{"a\nb", EINVAL},
		{"\x1b[2J", EINVAL},
		{"\xc3\xa4", EINVAL},
		{".hidden", EINVAL},
		{"17", EINVAL},
	};
	char path[100];
	int fd;

	begin();
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(path, sizeof(path), SELF "%s", wrong[i].name);
		FAILS(create_file(path), wrong[i].error);
	}
	fd = create_file(SELF "8 bytes.");
	FAILS(create_file(SELF "8 bytes."), EBUSY);
	FAILS(open(SELF "8 bytes.", O_RDONLY), EBUSY);
	CHECK(close(fd) == 0);
	FAILS(open(SELF "8 bytes.", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	FAILS(create_file(SELF "8 bytes."), EEXIST);
	FAILS(mkdir(SELF "x", 0700), EPERM);
	FAILS(symlink("x", SELF "x"), EPERM);
	FAILS(rename(SELF "8 bytes.", SELF "x"), EPERM);
	FAILS(unlink("/csm/self"), EISDIR);
	CHECK(unlink(SELF "8 bytes.") == 0);
	end();
}

/* A process that writes a file and then waits to be killed. */
static void killed_writer(void)
{
	int status, ends[2];
	pid_t child;
	char byte;

	CHECK(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		int fd = create_file(SELF "part");

		(void)!write(fd, content, LENGTH);
		(void)!write(ends[1], "", 1);
		pause();
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(ends[0]);
	close(ends[1]);
}

/* What cannot be published leaves nothing, and close() says so. */
void test_pub_fails(void)
{
	char *block = calloc(1, MB);
	int fd, n = 0;

	begin();
	fd = create_file(SELF "large");
	while (n < 200 && write(fd, block, MB) == (ssize_t)MB) {
		n++;
	}
	CHECK(n < 200);
	FAILS(write(fd, block, MB), ENOSPC);
	CHECK(unlink(SELF "large") == 0 && close(fd) == 0 && info().regions == 0);

	fd = create_file(SELF "none");
	CHECK(write(fd, content, LENGTH) == LENGTH);
	force(RSI_CSM_CREATE_FID, CSM_ERROR_NO_SPACE);
	FAILS(close(fd), ENOSPC);
	FAILS(open(SELF "none", O_RDONLY), ENOENT);

	killed_writer();
	FAILS(open(SELF "part", O_RDONLY), ENOENT);
	free(block);
	end();
}
