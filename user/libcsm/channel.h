/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A channel on memory and a wire of any kind: what csm_channel_open() does for a region, and tests
 * do for ordinary memory.
 */
#ifndef LIBCSM_CHANNEL_H
#define LIBCSM_CHANNEL_H

#include "libcsm.h"
#include "ring.h"

#define CSM_CHANNEL_MAGIC UINT64_C(0x324c4e4843534d43)
#define CSM_CHANNEL_PAGE  4096u
#define CSM_CHANNEL_LEAST (2 * CSM_CHANNEL_PAGE)
#define CSM_CHANNEL_MOST  (UINT64_C(1) << 31) /* bytes of one ring */

/* Shared: the first page. The rings' data follow, half of the rest each. */
struct csm_channel_page {
	uint64_t magic; /* written last by side 0 */
	uint64_t size;  /* of one ring's data; only compared */
	uint8_t pad[CSM_RING_LINE - 2 * sizeof(uint64_t)];
	struct csm_ring_control rings[2]; /* ring n carries what side n sends */
};

struct csm_channel {
	struct csm_ring tx;
	struct csm_ring rx;
	struct csm_wire wire;
	struct csm_channel_page *page;
	unsigned int side;
	void *wire_memory; /* freed with the channel */
	uint64_t rpc_id;
	void *rpc_buffer; /* private copy of a request; made when first needed */
	long rpc_held;    /* size of the request in it that waits to be served, 0: none */
};

/* Where a channel lives. Side 0 lays it out, side 1 waits until it has. */
struct csm_channel_place {
	void *memory; /* aligned to 128 bytes */
	size_t size;
	unsigned int side;
};

/*
 * Waits for `timeout` ms where it has to. -EINVAL too small, -EAGAIN nothing there in time, -EPROTO
 * something else is there, -ENOMEM. Give back with csm_channel_close(). wire_memory is free()d with
 * the channel, or when this fails.
 */
CSM_API int csm_channel_make(const struct csm_channel_place *place, const struct csm_wire *wire,
			     void *wire_memory, int timeout, struct csm_channel **out);

#endif
