// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_ring.h>

#include "virtio.h"

#define MAGIC  0x74726976u
#define VENDOR 0x43454143u /* "CAEC" */

bool virtio_live(const struct virtio *v)
{
	return (v->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET)) ==
	       VIRTIO_CONFIG_S_DRIVER_OK;
}

static void interrupt(struct virtio *v, uint32_t bit)
{
	v->interrupt_status |= bit;
	v->irq(v->ctx);
}

static void broken(struct virtio *v)
{
	v->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	interrupt(v, VIRTIO_MMIO_INT_CONFIG);
}

void virtio_config_changed(struct virtio *v)
{
	v->config_generation++;
	if (virtio_live(v)) {
		interrupt(v, VIRTIO_MMIO_INT_CONFIG);
	}
}

/* ---------------------------------------------------------------- registers */

static uint64_t offered(const struct virtio *v)
{
	return v->ops->features | VIRTIO_FEATURE(VIRTIO_F_VERSION_1) |
	       VIRTIO_FEATURE(VIRTIO_F_ACCESS_PLATFORM);
}

static uint64_t read_config(const struct virtio *v, uint64_t offset, unsigned int size)
{
	uint64_t value = 0;

	if (offset <= v->config_size && size <= v->config_size - offset) {
		memcpy(&value, (const uint8_t *)v->config + offset, size);
	}
	return value;
}

static const struct virtio_queue *selected(const struct virtio *v)
{
	return v->queue_sel < v->ops->num_queues ? &v->queues[v->queue_sel] : NULL;
}

/* A register of a device that is there. One that is not, or is only written, reads as zero. */
static uint64_t read_device(struct virtio *v, uint64_t offset)
{
	const struct virtio_queue *q = selected(v);

	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES:
		return v->device_features_sel < 2
			       ? (uint32_t)(offered(v) >> (32 * v->device_features_sel))
			       : 0;
	case VIRTIO_MMIO_QUEUE_NUM_MAX:
		return q ? VIRTIO_QUEUE_MAX : 0;
	case VIRTIO_MMIO_QUEUE_READY:
		return q ? q->ready : 0;
	case VIRTIO_MMIO_INTERRUPT_STATUS:
		return v->interrupt_status;
	case VIRTIO_MMIO_STATUS:
		return v->status;
	case VIRTIO_MMIO_CONFIG_GENERATION:
		return v->config_generation;
	default:
		return 0;
	}
}

uint64_t virtio_read(struct virtio *v, uint64_t offset, unsigned int size)
{
	switch (offset) {
	case VIRTIO_MMIO_MAGIC_VALUE:
		return MAGIC;
	case VIRTIO_MMIO_VERSION:
		return 2;
	case VIRTIO_MMIO_DEVICE_ID:
		return v->ops ? v->ops->id : 0;
	case VIRTIO_MMIO_VENDOR_ID:
		return VENDOR;
	default:
		break;
	}
	if (!v->ops) {
		return 0;
	}
	return offset >= VIRTIO_MMIO_CONFIG ? read_config(v, offset - VIRTIO_MMIO_CONFIG, size)
					    : read_device(v, offset);
}

static void reset(struct virtio *v)
{
	v->status = 0;
	v->interrupt_status = 0;
	v->driver_features = 0;
	v->unfinished = 0;
	memset(v->queues, 0, sizeof(v->queues));
	if (v->ops->reset) {
		v->ops->reset(v->device);
	}
}

static void write_status(struct virtio *v, uint32_t value)
{
	if (value == 0) {
		reset(v);
		return;
	}
	/* A driver that does not take VERSION_1, or takes what is not there, is refused. */
	if ((value & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (!(v->driver_features & VIRTIO_FEATURE(VIRTIO_F_VERSION_1)) ||
	     (v->driver_features & ~offered(v)))) {
		value &= ~(uint32_t)VIRTIO_CONFIG_S_FEATURES_OK;
	}
	v->status = value | (v->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

static void put_half(uint64_t *reg, bool high, uint32_t value)
{
	unsigned int shift = high ? 32 : 0;

	*reg = (*reg & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static bool ring_ok(const struct virtio *v, const struct virtio_queue *q)
{
	return q->num > 0 && q->num <= VIRTIO_QUEUE_MAX && (q->num & (q->num - 1)) == 0 &&
	       q->desc % 16 == 0 && q->avail % 2 == 0 && q->used % 4 == 0 &&
	       guest_ptr(v->mem, q->desc, sizeof(struct vring_desc) * q->num) &&
	       guest_ptr(v->mem, q->avail, 6 + 2 * (uint64_t)q->num) &&
	       guest_ptr(v->mem, q->used, 6 + 8 * (uint64_t)q->num);
}

static void write_ready(struct virtio *v, struct virtio_queue *q, bool ready)
{
	q->ready = ready && ring_ok(v, q);
	q->last_avail = 0;
	q->used_idx = 0;
	if (ready && !q->ready) {
		broken(v);
	}
}

/* A register of the queue that is selected; ignored where there is none. */
static void write_queue(struct virtio *v, uint64_t offset, uint32_t value)
{
	struct virtio_queue *q;

	if (!selected(v)) {
		return;
	}
	q = &v->queues[v->queue_sel];
	if (offset == VIRTIO_MMIO_QUEUE_READY) {
		write_ready(v, q, value & 1);
		return;
	}
	/* Addresses and size are settled once the queue is ready. */
	if (q->ready) {
		return;
	}
	switch (offset) {
	case VIRTIO_MMIO_QUEUE_NUM:
		q->num = value;
		break;
	case VIRTIO_MMIO_QUEUE_DESC_LOW:
	case VIRTIO_MMIO_QUEUE_DESC_HIGH:
		put_half(&q->desc, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
	case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
		put_half(&q->avail, offset & 4, value);
		break;
	case VIRTIO_MMIO_QUEUE_USED_LOW:
	case VIRTIO_MMIO_QUEUE_USED_HIGH:
		put_half(&q->used, offset & 4, value);
		break;
	default:
		break;
	}
}

/* A register of a device that is there. May run the device's notify. */
static void write_device(struct virtio *v, uint64_t offset, uint32_t value)
{
	switch (offset) {
	case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
		v->device_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
		v->driver_features_sel = value;
		break;
	case VIRTIO_MMIO_DRIVER_FEATURES:
		if (v->driver_features_sel < 2 && !(v->status & VIRTIO_CONFIG_S_FEATURES_OK)) {
			put_half(&v->driver_features, v->driver_features_sel, value);
		}
		break;
	case VIRTIO_MMIO_QUEUE_SEL:
		v->queue_sel = value;
		break;
	case VIRTIO_MMIO_QUEUE_NOTIFY:
		if (value < v->ops->num_queues && virtio_live(v)) {
			virtio_begin(v);
			v->ops->notify(v->device, value);
		}
		break;
	case VIRTIO_MMIO_INTERRUPT_ACK:
		v->interrupt_status &= ~value;
		break;
	case VIRTIO_MMIO_STATUS:
		write_status(v, value);
		break;
	default:
		write_queue(v, offset, value);
		break;
	}
}

void virtio_write(struct virtio *v, uint64_t offset, unsigned int size, uint64_t value)
{
	if (!v->ops) {
		return;
	}
	if (offset < VIRTIO_MMIO_CONFIG) {
		if (size == 4) {
			write_device(v, offset, (uint32_t)value);
		}
	} else if (v->ops->write_config) {
		v->ops->write_config(v->device, offset - VIRTIO_MMIO_CONFIG, size, value);
	}
}

/* ------------------------------------------------------------------- queues */

/* Rings were checked when the queue became ready; their addresses have not changed since. */
static uint16_t avail_idx(const struct virtio *v, const struct virtio_queue *q)
{
	const uint16_t *idx = guest_ptr(v->mem, q->avail + 2, 2);

	return __atomic_load_n(idx, __ATOMIC_ACQUIRE);
}

static uint16_t avail_entry(const struct virtio *v, const struct virtio_queue *q, uint16_t at)
{
	const uint16_t *entry = guest_ptr(v->mem, q->avail + 4 + 2 * (uint64_t)(at % q->num), 2);

	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

static void read_desc(const struct virtio *v, const struct virtio_queue *q, uint16_t index,
		      struct vring_desc *copy)
{
	memcpy(copy, guest_ptr(v->mem, q->desc + sizeof(*copy) * (uint64_t)index, sizeof(*copy)),
	       sizeof(*copy));
}

/*
 * Adds one descriptor to a request. False if it leaves guest memory, if a buffer that the device
 * reads follows one that it writes, or if the request becomes too large.
 */
static bool add_buffer(const struct virtio *v, const struct vring_desc *d,
		       struct virtio_request *req)
{
	void *ptr = guest_ptr(v->mem, d->addr, d->len);
	bool in = d->flags & VRING_DESC_F_WRITE;
	unsigned int *count = in ? &req->num_in : &req->num_out;
	size_t *bytes = in ? &req->in_bytes : &req->out_bytes;

	/* What the device reads comes first. */
	if (!ptr || *count == VIRTIO_MAX_IOV || (!in && req->num_in > 0)) {
		return false;
	}
	(in ? req->in : req->out)[(*count)++] = (struct iovec){.iov_base = ptr, .iov_len = d->len};
	*bytes += d->len;
	return req->in_bytes + req->out_bytes <= VIRTIO_MAX_BYTES;
}

/* Fills in req from the chain of descriptors at req->head. False: the ring makes no sense. */
static bool read_chain(const struct virtio *v, const struct virtio_queue *q,
		       struct virtio_request *req)
{
	uint16_t index = req->head;
	struct vring_desc d;

	for (uint32_t steps = 0; steps < q->num; steps++) {
		if (index >= q->num) {
			return false;
		}
		read_desc(v, q, index, &d);
		if ((d.flags & ~(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE)) ||
		    !add_buffer(v, &d, req)) {
			return false;
		}
		if (!(d.flags & VRING_DESC_F_NEXT)) {
			return true;
		}
		index = d.next;
	}
	return false; /* a loop */
}

void virtio_begin(struct virtio *v)
{
	v->burst_requests = VIRTIO_BURST_REQUESTS;
	v->burst_bytes = VIRTIO_BURST_BYTES;
}

bool virtio_go_on(struct virtio *v)
{
	uint32_t queues = v->unfinished;

	v->unfinished = 0;
	if (queues != 0) {
		virtio_begin(v);
	}
	for (unsigned int q = 0; queues >> q != 0; q++) {
		if ((queues >> q & 1) && virtio_live(v)) {
			v->ops->notify(v->device, q);
		}
	}
	return v->unfinished != 0;
}

static bool within_burst(struct virtio *v)
{
	return v->burst_requests > 0 && v->burst_bytes > 0;
}

static void count_request(struct virtio *v, size_t bytes)
{
	v->burst_requests--;
	v->burst_bytes -= bytes < v->burst_bytes ? bytes : v->burst_bytes;
}

bool virtio_pop(struct virtio *v, unsigned int qi, struct virtio_request *req)
{
	struct virtio_queue *q = &v->queues[qi];
	uint16_t waiting;

	if (!q->ready || !virtio_live(v)) {
		return false;
	}
	waiting = (uint16_t)(avail_idx(v, q) - q->last_avail);
	if (waiting == 0) {
		return false;
	}
	if (waiting > q->num) {
		broken(v);
		return false;
	}
	if (!within_burst(v)) {
		v->unfinished |= 1u << qi;
		return false;
	}
	req->num_out = 0;
	req->num_in = 0;
	req->out_bytes = 0;
	req->in_bytes = 0;
	req->head = avail_entry(v, q, q->last_avail);
	if (!read_chain(v, q, req)) {
		broken(v);
		return false;
	}
	count_request(v, req->in_bytes + req->out_bytes);
	q->last_avail++;
	return true;
}

void virtio_unpop(struct virtio *v, unsigned int qi)
{
	v->queues[qi].last_avail--;
}

void virtio_push(struct virtio *v, unsigned int qi, const struct virtio_request *req,
		 size_t written)
{
	struct virtio_queue *q = &v->queues[qi];
	struct vring_used_elem elem = {.id = req->head, .len = (uint32_t)written};
	uint16_t *idx;

	if (!q->ready) {
		return;
	}
	memcpy(guest_ptr(v->mem, q->used + 4 + 8 * (uint64_t)(q->used_idx % q->num), 8), &elem,
	       sizeof(elem));
	q->used_idx++;
	idx = guest_ptr(v->mem, q->used + 2, 2);
	__atomic_store_n(idx, q->used_idx, __ATOMIC_RELEASE);
}

void virtio_signal(struct virtio *v)
{
	if (virtio_live(v)) {
		interrupt(v, VIRTIO_MMIO_INT_VRING);
	}
}

/* ------------------------------------------------------------------ buffers */

unsigned int virtio_slice(const struct iovec *iov, unsigned int count, size_t offset, size_t size,
			  struct iovec *out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count && size > 0; i++) {
		size_t len = iov[i].iov_len;

		if (offset >= len) {
			offset -= len;
			continue;
		}
		len -= offset;
		len = len < size ? len : size;
		out[n++] = (struct iovec){.iov_base = (uint8_t *)iov[i].iov_base + offset,
					  .iov_len = len};
		size -= len;
		offset = 0;
	}
	return n;
}

size_t virtio_copy_from(const struct virtio_request *req, size_t offset, void *to, size_t size)
{
	struct iovec part[VIRTIO_MAX_IOV];
	unsigned int n = virtio_slice(req->out, req->num_out, offset, size, part);
	size_t done = 0;

	for (unsigned int i = 0; i < n; i++) {
		memcpy((uint8_t *)to + done, part[i].iov_base, part[i].iov_len);
		done += part[i].iov_len;
	}
	return done;
}

size_t virtio_copy_to(const struct virtio_request *req, size_t offset, const void *from,
		      size_t size)
{
	struct iovec part[VIRTIO_MAX_IOV];
	unsigned int n = virtio_slice(req->in, req->num_in, offset, size, part);
	size_t done = 0;

	for (unsigned int i = 0; i < n; i++) {
		memcpy(part[i].iov_base, (const uint8_t *)from + done, part[i].iov_len);
		done += part[i].iov_len;
	}
	return done;
}
