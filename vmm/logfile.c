// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logfile.h"

static int open_log(const char *path, int flags)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
}

bool logfile_open(struct logfile *log, const char *path, bool goes_on)
{
	snprintf(log->path, sizeof(log->path), "%s", path);
	log->fd = open_log(path, goes_on ? 0 : O_TRUNC);
	return log->fd >= 0;
}

/* The descriptors keep their numbers, so that threads can use them meanwhile. */
static void begin_anew(struct logfile *log)
{
	char old[sizeof(log->path) + 2];
	int fd;

	snprintf(old, sizeof(old), "%s.1", log->path);
	if (rename(log->path, old) < 0) {
		return;
	}
	fd = open_log(log->path, O_EXCL);
	if (fd < 0) {
		return;
	}
	dup3(fd, log->fd, O_CLOEXEC);
	if (log->is_output) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	close(fd);
}

ssize_t logfile_write(struct logfile *log, const void *data, size_t size)
{
	struct stat st;

	if (fstat(log->fd, &st) == 0 && st.st_size >= (off_t)LOGFILE_MAX) {
		begin_anew(log);
	}
	return write(log->fd, data, size);
}

void logfile_close(struct logfile *log)
{
	if (log->fd >= 0) {
		close(log->fd);
		log->fd = -1;
	}
}
