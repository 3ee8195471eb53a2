// SPDX-License-Identifier: BSD-3-Clause
/*
 * The port of caec-agent as Linux has it, on a terminal that fake_realm.c holds the other end of.
 * A terminal cannot say that nobody is at the host's side for the moment: fake_realm.c says it in a
 * byte of memory that both processes map, the descriptor FAKE_PORT. Then poll() has POLLHUP, read()
 * returns 0 once what had arrived is read, and write() fails with EAGAIN.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fake_port.h"

#define SLICE_MS 10 /* after so long a change is noticed */

/* The linker puts these in the place of poll(), read() and write() (Makefile). */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __real_write(int fd, const void *data, size_t size);

static bool host_left(void)
{
	static const volatile uint8_t *there;

	if (!there) {
		there = mmap(NULL, 1, PROT_READ, MAP_SHARED, FAKE_PORT, 0);
	}
	return there != MAP_FAILED && *there == 0;
}

/* The port is the first of the agent's descriptors. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	for (;;) {
		bool left = host_left();
		bool once = left || (timeout >= 0 && timeout <= SLICE_MS);
		int slice = left ? 0 : once ? timeout : SLICE_MS;
		int ready = __real_poll(fds, count, slice);

		if (left && ready >= 0 && fds[0].fd >= 0) {
			ready += fds[0].revents == 0;
			fds[0].revents = (short)((fds[0].revents & ~POLLOUT) | POLLIN | POLLHUP);
		}
		if (ready != 0 || once) {
			return ready;
		}
		timeout -= timeout > 0 ? SLICE_MS : 0;
	}
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
	ssize_t got = __real_read(fd, data, size);
	int error = errno;

	if (got < 0 && error == EAGAIN && isatty(fd) && host_left()) {
		return 0;
	}
	errno = error;
	return got;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	if (isatty(fd) && host_left()) {
		errno = EAGAIN;
		return -1;
	}
	return __real_write(fd, data, size);
}
