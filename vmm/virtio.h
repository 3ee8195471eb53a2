// SPDX-License-Identifier: BSD-3-Clause
/*
 * virtio over MMIO (virtio 1.2, section 4.2): one device behind a page of registers, and its split
 * queues in memory that a hostile realm writes. Each descriptor is read once and checked; a ring
 * that makes no sense stops the device (DEVICE_NEEDS_RESET), never the VMM.
 *
 * The caller serializes all functions of one device.
 */
#ifndef VMM_VIRTIO_H
#define VMM_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "guestmem.h"

#define VIRTIO_MAX_QUEUES 8u
#define VIRTIO_QUEUE_MAX  256u                /* entries, largest size offered */
#define VIRTIO_MAX_IOV    128u                /* buffers in one request */
#define VIRTIO_MAX_BYTES  (UINT64_C(1) << 24) /* in one request */

/*
 * What a device takes from its queues in one go, requests or bytes, whichever is reached first (the
 * last request is taken whole). A realm that gives requests back while they are served could keep a
 * device busy for ever otherwise, and with it whoever waits for the lock.
 */
#define VIRTIO_BURST_REQUESTS 64u
#define VIRTIO_BURST_BYTES    (UINT64_C(1) << 20)

/* The bit of a feature; the headers of the kernel number the bits. */
#define VIRTIO_FEATURE(number) (UINT64_C(1) << (number))

struct virtio;

struct virtio_queue {
	uint32_t num;
	bool ready;
	uint64_t desc;
	uint64_t avail;
	uint64_t used;
	uint16_t last_avail;
	uint16_t used_idx;
};

/* One request: what the device reads, and what it writes. Valid until it is given back. */
struct virtio_request {
	uint16_t head;
	unsigned int num_out;
	unsigned int num_in;
	struct iovec out[VIRTIO_MAX_IOV];
	struct iovec in[VIRTIO_MAX_IOV];
	size_t out_bytes;
	size_t in_bytes;
};

/* A kind of device. All callbacks get struct virtio.device. */
struct virtio_ops {
	uint32_t id;
	unsigned int num_queues;
	uint64_t features; /* besides those offered by every device */
	void (*notify)(void *device, unsigned int queue); /* the realm has put something there */
	void (*reset)(void *device);                      /* NULL: nothing to forget */
	void (*write_config)(void *device, uint64_t offset, unsigned int size, uint64_t value);
};

struct virtio {
	const struct virtio_ops *ops;
	void *device;
	const struct guest_mem *mem;
	const void *config; /* of the device, little endian */
	size_t config_size;
	void (*irq)(void *ctx); /* edge */
	void *ctx;

	uint32_t status;
	uint32_t interrupt_status;
	uint32_t device_features_sel;
	uint32_t driver_features_sel;
	uint32_t queue_sel;
	uint32_t config_generation;
	uint64_t driver_features;
	unsigned int burst_requests; /* what is left of the burst */
	size_t burst_bytes;
	uint32_t unfinished; /* queues that had more when the burst was over, one bit each */
	struct virtio_queue queues[VIRTIO_MAX_QUEUES];
};

/* Register accesses; size 1, 2, 4 or 8. ops NULL: an empty slot, which answers as no device. */
uint64_t virtio_read(struct virtio *v, uint64_t offset, unsigned int size);
void virtio_write(struct virtio *v, uint64_t offset, unsigned int size, uint64_t value);

/*
 * Begins a burst: the next VIRTIO_BURST_REQUESTS requests, or VIRTIO_BURST_BYTES, may be popped. A
 * write to QueueNotify and virtio_go_on do that by themselves; whoever pops for another reason,
 * such as input from outside, does it first.
 */
void virtio_begin(struct virtio *v);

/*
 * Goes on with one more burst where the last was over before the queues were empty. True when there
 * is still more: then call again, with the lock released in between.
 */
bool virtio_go_on(struct virtio *v);

/*
 * Takes the next request of queue q: true and *req filled in. False when there is none, the queue
 * is not in use, the burst is over (v->unfinished then has the queue's bit), or the ring is broken
 * (the device has then stopped).
 */
bool virtio_pop(struct virtio *v, unsigned int q, struct virtio_request *req);

/* Puts the request that was popped last back into its place: the next pop finds it again. */
void virtio_unpop(struct virtio *v, unsigned int q);

/* Gives a request back with written bytes in its input buffers. virtio_signal tells the realm. */
void virtio_push(struct virtio *v, unsigned int q, const struct virtio_request *req,
		 size_t written);
void virtio_signal(struct virtio *v);

/* The device's configuration has changed. */
void virtio_config_changed(struct virtio *v);

/* True when the driver is set up and the device has not stopped. */
bool virtio_live(const struct virtio *v);

/*
 * Copies between a request's buffers and local memory, from byte offset on. Returns how much was
 * there to copy.
 */
size_t virtio_copy_from(const struct virtio_request *req, size_t offset, void *to, size_t size);
size_t virtio_copy_to(const struct virtio_request *req, size_t offset, const void *from,
		      size_t size);

/*
 * Cuts [offset, offset + size) out of iov into at most VIRTIO_MAX_IOV pieces; returns their number.
 */
unsigned int virtio_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t size,
			  struct iovec *out);

#endif
