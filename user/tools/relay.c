// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attest.h"

#define PATH_SIZE 512
#define POLL_MS   100

/* "FOLDER/NAME.KIND", and with ".new" behind it; false if it is too long. */
static bool make_path(char out[PATH_SIZE], const char *folder, const char *name, const char *kind,
		      const char *end)
{
	int length = snprintf(out, PATH_SIZE, "%s/%s.%s%s", folder, name, kind, end);

	return length > 0 && length < PATH_SIZE;
}

/*
 * Writes a new file, whole. 0 or a negative errno. The host makes what it likes in the folder: a
 * link or a device of that name is removed, never opened.
 */
static int write_file(const char *path, const void *data, size_t size)
{
	ssize_t put;
	int ret = 0;
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return -errno;
	}
	put = write(fd, data, size);
	if (put != (ssize_t)size) {
		ret = put < 0 ? -errno : -ENOSPC;
	}
	if (close(fd) != 0 && ret == 0) {
		ret = -errno;
	}
	return ret;
}

/* The file is whole from its first moment under its name. */
int relay_give(const struct relay *relay, const char *name, const char *kind, const void *data,
	       size_t size)
{
	char path[PATH_SIZE];
	char fresh[PATH_SIZE];
	int ret;

	if (!make_path(path, relay->folder, name, kind, "") ||
	    !make_path(fresh, relay->folder, name, kind, ".new")) {
		return complain_file(relay->io, relay->folder, ENAMETOOLONG);
	}
	ret = write_file(fresh, data, size);
	if (ret == 0 && rename(fresh, path) != 0) {
		ret = -errno;
	}
	return ret == 0 ? 0 : complain_file(relay->io, path, -ret);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0 without a byte in it yet, 1, or a negative errno for what is no regular file. */
static int is_filled(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		return -errno;
	}
	return S_ISREG(st.st_mode) ? st.st_size > 0 : -EINVAL;
}

/* A file descriptor as soon as the file is there and not empty, or a negative errno. */
static int wait_for(const char *path, int timeout)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	int64_t end = now_ms() + timeout;

	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

		if (fd >= 0) {
			int filled = is_filled(fd);

			if (filled > 0) {
				return fd;
			}
			close(fd);
			if (filled < 0) {
				return filled;
			}
		} else if (errno != ENOENT) {
			return -errno;
		}
		if (now_ms() >= end) {
			return -ETIMEDOUT;
		}
		nanosleep(&pause, NULL);
	}
}

/* All of an open file, at most *size bytes; 0 or a negative errno. */
static int read_all(int fd, uint8_t *data, size_t *size)
{
	size_t max = *size;
	ssize_t got;

	*size = 0;
	do {
		got = read(fd, data + *size, max - *size);
		*size += got > 0 ? (size_t)got : 0;
	} while (got > 0 && *size < max);
	if (got < 0) {
		return -errno;
	}
	return got > 0 && read(fd, &(uint8_t){0}, 1) > 0 ? -EFBIG : 0;
}

/* A file that is too long is removed as well: it would come again. */
int relay_take(const struct relay *relay, const char *name, const char *kind, void *data,
	       size_t *size)
{
	char path[PATH_SIZE];
	int ret;
	int fd;

	if (!make_path(path, relay->folder, name, kind, "")) {
		return complain_file(relay->io, relay->folder, ENAMETOOLONG);
	}
	fd = wait_for(path, relay->timeout);
	if (fd == -ETIMEDOUT) {
		return out_error(relay->io, CSMCTL_FAILED,
				 "no %s within %d s: does the other realm run, and does the host "
				 "carry files?",
				 path, relay->timeout / 1000);
	}
	if (fd < 0) {
		return complain_file(relay->io, path, -fd);
	}
	ret = read_all(fd, data, size);
	close(fd);
	unlink(path);
	return ret == 0 ? 0 : complain_file(relay->io, path, -ret);
}
