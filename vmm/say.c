// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/*
 * Standard error, opened once more: O_NONBLOCK set on the descriptor itself would hold for
 * everybody who has it. -1 where that cannot be done or is not needed.
 */
static int open_again(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) < 0 || !(S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode))) {
		return -1;
	}
	return open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* A message that cannot be written is lost: there is nowhere to say so. */
static void put(int fd, const char *text, int size)
{
	ssize_t done = write(fd, text, (size_t)size);

	(void)done;
}

void say(const char *format, ...)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	char text[500];
	va_list args;
	int size, fd;

	va_start(args, format);
	size = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (size < 0) {
		return;
	}
	size = size < (int)sizeof(text) ? size : (int)sizeof(text) - 1;
	fd = open_again();
	if (fd >= 0) {
		put(fd, text, size);
		close(fd);
		return;
	}
	if (send(STDERR_FILENO, text, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    poll(&p, 1, 0) == 1 && (p.revents & POLLOUT)) {
		put(STDERR_FILENO, text, size);
	}
}
