// SPDX-License-Identifier: BSD-3-Clause
/* virtio block device backed by a file. Requests are served at once. The caller serializes. */
#ifndef VMM_BLOCK_H
#define VMM_BLOCK_H

#include <linux/virtio_blk.h>

#include "virtio.h"

struct block {
	struct virtio virtio;
	struct virtio_blk_config config;
	int fd; /* the caller closes it */
	bool read_only;
	uint64_t size;     /* of the file in bytes when it was opened */
	unsigned int tail; /* bytes of it beyond the last whole sector */
};

struct block_error {
	char text[120];
};

/*
 * Opens a regular file or a block device of at least one sector, and sets up block->virtio's ops,
 * device and config for it. False, with the reason in words, for anything else. Does not wait as
 * opening a FIFO would. Bytes beyond the last whole sector (block->tail) cannot be reached: the
 * caller says so.
 *
 * It takes a lock (flock(2)), shared for a disk that is read only: false if others hold one that
 * does not go with it. The lock lasts as long as the descriptor.
 */
bool block_open(struct block *block, const char *path, bool read_only, struct block_error *err);

/* The same for a file that is open already. False with errno if its size cannot be found out. */
bool block_init(struct block *block, int fd, bool read_only);

#endif
