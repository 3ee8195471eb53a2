// SPDX-License-Identifier: BSD-3-Clause
#include <sys/random.h>

#include <linux/virtio_ids.h>

#include "entropy.h"

#define MOST 256u /* per request; getrandom() gives that much without interruption */

/* Fills each request, its first MOST bytes at most. Needs the machine's lock. */
static void notify(void *device, unsigned int queue)
{
	struct virtio *v = device;
	struct virtio_request req;
	uint8_t bytes[MOST];
	bool pushed = false;

	while (virtio_pop(v, queue, &req)) {
		ssize_t got = getrandom(bytes, req.in_bytes < MOST ? req.in_bytes : MOST, 0);
		size_t size = got > 0 ? virtio_copy_to(&req, 0, bytes, (size_t)got) : 0;

		virtio_push(v, queue, &req, size);
		pushed = true;
	}
	if (pushed) {
		virtio_signal(v);
	}
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_RNG,
	.num_queues = 1,
	.notify = notify,
};

void entropy_init(struct virtio *v)
{
	v->ops = &ops;
	v->device = v;
}
