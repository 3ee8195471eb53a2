/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of libcsm share with each other. */
#ifndef LIBCSM_INTERNAL_H
#define LIBCSM_INTERNAL_H

#include "backend.h"

struct csm {
	const struct csm_backend *backend;
	void *ctx;
	int handle;
	uint64_t id;
	unsigned long forks; /* csm_forks() when it was opened */
};

/* An ioctl on the device, in the process that has opened it: -ESTALE in another. */
int csm_device_call(struct csm *csm, unsigned long request, void *arg);

struct csm_region {
	struct csm *csm;
	unsigned long forks; /* csm_forks() when it was opened */
	int handle;
	uint64_t provider_id;
	uint64_t region_id;
	size_t size;
	unsigned int access; /* granted */
	bool own;
	void *base;          /* NULL: not mapped */
	unsigned int mapped; /* access of the mapping */
};

/*
 * fault.c: SIGBUS in these bytes reaches csm_protect() from here on, until they are unmapped.
 * -ENOMEM.
 */
int csm_fault_add(void *start, size_t size);
void csm_fault_remove(void *start);

/*
 * fault.c: how many forks lie between this process and the one that the library began in. Handles
 * remember it: in a child they have no memory behind them.
 */
void csm_fork_watch(void);
unsigned long csm_forks(void);

#endif
