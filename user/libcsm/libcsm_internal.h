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
};

struct csm_region {
	struct csm *csm;
	int handle;
	uint64_t provider_id;
	uint64_t region_id;
	size_t size;
	unsigned int access; /* granted */
	bool own;
	void *base;          /* NULL: not mapped */
	unsigned int mapped; /* access of the mapping */
};

/* fault.c: SIGBUS reaches csm_protect() from here on. Called whenever memory is mapped. */
void csm_fault_prepare(void);

#endif
