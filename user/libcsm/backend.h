/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What libcsm stands on: the calls of abi/uapi/csm_guest.h and the few system calls around them.
 * The kernel is one backend; tests have another, with several realms in one process.
 */
#ifndef LIBCSM_BACKEND_H
#define LIBCSM_BACKEND_H

#include <stddef.h>

#include "libcsm.h"

#define CSM_POLL_EVENT 1
#define CSM_POLL_ENDED 2

struct csm_backend {
	/* A handle of the device; negative errno. */
	int (*open)(void *ctx);
	void (*close)(void *ctx, int handle);
	/* An ioctl: its result, a handle for those that give one; negative errno. */
	int (*call)(void *ctx, int handle, unsigned long request, void *arg);
	/* The first `size` bytes of a sharing; negative errno. */
	int (*map)(void *ctx, int handle, size_t size, unsigned int access, void **out);
	void (*unmap)(void *ctx, void *addr, size_t size);
	/* CSM_POLL_*, 0 when time is over; negative errno. */
	int (*poll)(void *ctx, int handle, int timeout);
};

extern const struct csm_backend csm_kernel_backend;

/* As csm_open(), with the realm that ctx stands for; ctx outlives *out. */
CSM_API int csm_open_backend(const struct csm_backend *backend, void *ctx, struct csm **out);

#endif
