// SPDX-License-Identifier: BSD-3-Clause
/* The backend that is the guest module. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend.h"

static int kernel_open(void *ctx)
{
	int fd = open("/dev/csm", O_RDWR | O_CLOEXEC);

	(void)ctx;
	return fd < 0 ? -errno : fd;
}

static void kernel_close(void *ctx, int handle)
{
	(void)ctx;
	close(handle);
}

static int kernel_call(void *ctx, int handle, unsigned long request, void *arg)
{
	int ret = ioctl(handle, request, arg);

	(void)ctx;
	return ret < 0 ? -errno : ret;
}

static int kernel_map(void *ctx, int handle, size_t size, unsigned int access, void **out)
{
	int prot = PROT_READ | (access & CSM_WRITE ? PROT_WRITE : 0);
	void *addr = mmap(NULL, size, prot, MAP_SHARED, handle, 0);

	(void)ctx;
	if (addr == MAP_FAILED) {
		return -errno;
	}
	*out = addr;
	return 0;
}

static void kernel_unmap(void *ctx, void *addr, size_t size)
{
	(void)ctx;
	munmap(addr, size);
}

static int kernel_poll(void *ctx, int handle, int timeout)
{
	struct pollfd fd = {.fd = handle, .events = POLLIN};
	int ret = poll(&fd, 1, timeout);

	(void)ctx;
	if (ret <= 0) {
		return ret < 0 ? -errno : 0;
	}
	return (fd.revents & POLLIN ? CSM_POLL_EVENT : 0) |
	       (fd.revents & (POLLHUP | POLLERR | POLLNVAL) ? CSM_POLL_ENDED : 0);
}

const struct csm_backend csm_kernel_backend = {
	.open = kernel_open,
	.close = kernel_close,
	.call = kernel_call,
	.map = kernel_map,
	.unmap = kernel_unmap,
	.poll = kernel_poll,
};
