// SPDX-License-Identifier: BSD-3-Clause
/* virtio block device backed by a file. Requests are served at once. The caller serializes. */
#ifndef VMM_BLOCK_H
#define VMM_BLOCK_H

#include "virtio.h"

/* Layout of the specification; the 64-bit field comes first, nothing needs packing. */
struct block_config {
	uint64_t capacity; /* in 512-byte sectors */
	uint32_t size_max;
	uint32_t seg_max;
};

struct block {
	struct virtio virtio;
	struct block_config config;
	int fd; /* owned by the caller */
	bool read_only;
};

/*
 * Sets up block->virtio's ops, device and config for the open file fd. False with errno if its size
 * cannot be found out.
 */
bool block_init(struct block *block, int fd, bool read_only);

#endif
