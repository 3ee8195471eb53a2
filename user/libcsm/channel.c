// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "deadline.h"
#include "libcsm_internal.h"
#include "relax.h"

#define WAKE_BIT   1u
#define JOIN_MS    5
#define MOST_STALE 4096 /* peers for which events of one sharing are kept */

/* ------------------------------------------------------------------- layout */

static uint64_t ring_size(size_t memory)
{
	uint64_t size = (memory - CSM_CHANNEL_PAGE) / 2 & ~UINT64_C(127);

	return size < CSM_CHANNEL_MOST ? size : CSM_CHANNEL_MOST;
}

struct setup {
	struct csm_channel *channel;
	struct csm_channel_page *page;
	uint64_t size;
	unsigned int side;
	int timeout;
};

/*
 * Initialises the channel page. The magic number is cleared first and set last, so that a peer
 * joins a complete layout only.
 */
static void lay_out(struct csm_channel_page *page, uint64_t size)
{
	__atomic_store_n(&page->magic, 0, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < 2; i++) {
		struct csm_ring_line *lines[] = {&page->rings[i].producer,
						 &page->rings[i].consumer};

		for (unsigned int j = 0; j < 2; j++) {
			__atomic_store_n(&lines[j]->position, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&lines[j]->closed, 0, __ATOMIC_RELAXED);
			__atomic_store_n(&lines[j]->asleep, 0, __ATOMIC_RELAXED);
		}
	}
	__atomic_store_n(&page->size, size, __ATOMIC_RELAXED);
	__atomic_store_n(&page->magic, CSM_CHANNEL_MAGIC, __ATOMIC_SEQ_CST);
}

/* The wire may bring nothing for this: side 0 does not know yet that somebody waits. */
static int join(const struct setup *setup)
{
	struct csm_deadline deadline = csm_deadline_in(setup->timeout);
	const struct csm_wire *wire = &setup->channel->wire;

	while (__atomic_load_n(&setup->page->magic, __ATOMIC_SEQ_CST) != CSM_CHANNEL_MAGIC) {
		int left = csm_deadline_left(&deadline, JOIN_MS);
		int ret = left ? wire->wait(wire->ctx, left) : -EAGAIN;

		if (ret < 0 && ret != -EINTR) {
			return ret;
		}
	}
	return __atomic_load_n(&setup->page->size, __ATOMIC_RELAXED) == setup->size ? 0 : -EPROTO;
}

static void bind(struct csm_ring *ring, const struct setup *setup, unsigned int number)
{
	ring->producer = &setup->page->rings[number].producer;
	ring->consumer = &setup->page->rings[number].consumer;
	ring->data = (uint8_t *)setup->page + CSM_CHANNEL_PAGE + number * setup->size;
	ring->size = setup->size;
	ring->wire = &setup->channel->wire;
	ring->forks = csm_forks();
}

/*
 * Runs under csm_protect(): initialises or joins the channel and binds both rings. A negative errno
 * if the memory is gone, the peer is late, or its layout is invalid.
 */
static int set_up(void *arg)
{
	const struct setup *setup = arg;
	struct csm_channel *channel = setup->channel;
	int ret = 0;

	if (setup->side == 0) {
		lay_out(setup->page, setup->size);
	} else {
		ret = join(setup);
	}
	if (ret < 0) {
		return ret;
	}
	bind(&channel->tx, setup, setup->side);
	bind(&channel->rx, setup, 1 - setup->side);
	ret = csm_ring_init_producer(&channel->tx);
	return ret ? ret : csm_ring_init_consumer(&channel->rx);
}

int csm_channel_make(const struct csm_channel_place *place, const struct csm_wire *wire,
		     void *wire_memory, int timeout, struct csm_channel **out)
{
	struct setup setup = {.page = place->memory, .side = place->side, .timeout = timeout};
	int ret = -EINVAL;

	if (place->size >= CSM_CHANNEL_LEAST) {
		setup.size = ring_size(place->size);
		setup.channel = calloc(1, sizeof(*setup.channel));
		ret = setup.channel ? 0 : -ENOMEM;
	}
	if (ret == 0) {
		setup.channel->wire = *wire;
		setup.channel->page = place->memory;
		setup.channel->side = place->side;
		setup.channel->wire_memory = wire_memory;
		ret = csm_protect(set_up, &setup);
	}
	if (ret < 0) {
		free(setup.channel);
		free(wire_memory);
		return ret;
	}
	*out = setup.channel;
	return 0;
}

/* ------------------------------------------------------------- over a region */

struct region_wire {
	struct csm_region *region;
	uint64_t peer;
	bool heard;    /* the peer has been heard of since the channel was opened */
	uint64_t gone; /* bits that say so; both threads of a channel may come across them */
};

static bool is_attached(const struct region_wire *wire)
{
	return csm_signal(wire->region, wire->peer, WAKE_BIT) != -EACCES;
}

/*
 * Bits of one peer add up in one word until they are fetched, and the kernel may fetch late. So the
 * first word after the channel was opened can still tell how an earlier attachment ended: then the
 * peer that has come back answers for itself. Whatever follows is of this one.
 */
static uint64_t end_bits(struct region_wire *wire, uint64_t bits)
{
	bool heard = __atomic_exchange_n(&wire->heard, true, __ATOMIC_SEQ_CST);
	uint64_t end = bits & (CSM_EVENT_PEER_GONE | CSM_EVENT_ENDED);

	if (!csm_is_own(wire->region)) {
		return end;
	}
	end |= bits & CSM_EVENT_DETACHED;
	return end && !heard && is_attached(wire) ? 0 : end;
}

/* Any event is a wake-up; those that end the sharing, from this peer, are kept. */
static int region_wait(void *ctx, int timeout)
{
	struct region_wire *wire = ctx;
	struct csm_event event;
	int ret = csm_wait(wire->region, timeout, &event);

	if (ret > 0 && event.peer_id == wire->peer) {
		__atomic_or_fetch(&wire->gone, end_bits(wire, event.bits), __ATOMIC_SEQ_CST);
	}
	return __atomic_load_n(&wire->gone, __ATOMIC_SEQ_CST) ? -ENOTCONN : ret;
}

/* What is here before a channel of one's own region is opened is not about its peer as it is. */
static void forget_events(struct csm_region *region)
{
	struct csm_event event;

	for (int i = 0; i < MOST_STALE && csm_wait(region, 0, &event) > 0; i++) {
	}
}

static int region_wake(void *ctx)
{
	struct region_wire *wire = ctx;
	int ret = csm_signal(wire->region, wire->peer, WAKE_BIT);

	return ret == -EACCES ? -ENOTCONN : ret;
}

int csm_channel_open(struct csm_region *region, uint64_t peer_id, int timeout,
		     struct csm_channel **out)
{
	struct csm_wire wire = {.wait = region_wait, .wake = region_wake};
	struct region_wire *ctx;
	struct csm_channel_place place = {.size = csm_size(region), .side = !csm_is_own(region)};
	int ret = csm_map(region, CSM_READ | CSM_WRITE, &place.memory);

	if (ret == 0 && csm_is_own(region) == (peer_id == 0)) {
		ret = -EINVAL;
	}
	if (ret < 0) {
		return ret;
	}
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx) {
		return -ENOMEM;
	}
	ctx->region = region;
	ctx->peer = peer_id ? peer_id : csm_provider_id(region);
	wire.ctx = ctx;
	if (csm_is_own(region)) {
		forget_events(region);
	}
	return csm_channel_make(&place, &wire, ctx, timeout, out);
}

/* -------------------------------------------------------------------- calls */

/* Arguments and results of a call under csm_protect(). */
struct call {
	struct csm_channel *channel;
	struct csm_ring *ring;
	const void *from;
	void *to;
	size_t size;
	int timeout;
	bool more;
	long result;
};

/* Runs fn; the end of the sharing ends the ring too. */
static long run(int (*fn)(void *), struct call *call)
{
	int ret;

	if (call->ring->forks != csm_forks()) {
		return -ESTALE;
	}
	ret = csm_protect(fn, call);
	if (ret == -ENOTCONN) {
		call->ring->error = -ENOTCONN;
	}
	return ret < 0 ? ret : call->result;
}

static int do_reserve(void *arg)
{
	struct call *call = arg;

	return csm_ring_reserve(call->ring, call->size, call->timeout, &call->to);
}

int csm_channel_reserve(struct csm_channel *channel, size_t size, int timeout, void **out)
{
	struct call call = {.ring = &channel->tx, .size = size, .timeout = timeout};
	int ret = (int)run(do_reserve, &call);

	*out = call.to;
	return ret;
}

static int do_commit(void *arg)
{
	const struct call *call = arg;

	return csm_ring_commit(call->ring, call->size, call->more);
}

int csm_channel_commit(struct csm_channel *channel, size_t size, bool more)
{
	struct call call = {.ring = &channel->tx, .size = size, .more = more};

	return (int)run(do_commit, &call);
}

static int do_flush(void *arg)
{
	const struct call *call = arg;

	return csm_ring_flush(call->ring);
}

int csm_channel_flush(struct csm_channel *channel)
{
	struct call call = {.ring = &channel->tx};

	return (int)run(do_flush, &call);
}

static int do_send(void *arg)
{
	struct call *call = arg;
	int ret = csm_ring_reserve(call->ring, call->size, call->timeout, &call->to);

	if (ret < 0) {
		return ret;
	}
	if (call->size) {
		memcpy(call->to, call->from, call->size);
	}
	return csm_ring_commit(call->ring, call->size, false);
}

int csm_channel_send(struct csm_channel *channel, const void *data, size_t size, int timeout)
{
	struct call call = {.ring = &channel->tx, .from = data, .size = size, .timeout = timeout};

	return (int)run(do_send, &call);
}

static int do_peek(void *arg)
{
	struct call *call = arg;

	call->result = csm_ring_peek(call->ring, call->timeout, &call->from);
	return call->result < 0 ? (int)call->result : 0;
}

long csm_channel_peek(struct csm_channel *channel, int timeout, const void **out)
{
	struct call call = {.ring = &channel->rx, .timeout = timeout};
	long ret = run(do_peek, &call);

	*out = call.from;
	return ret;
}

static int do_done(void *arg)
{
	const struct call *call = arg;

	return csm_ring_done(call->ring);
}

int csm_channel_done(struct csm_channel *channel)
{
	struct call call = {.ring = &channel->rx};

	return (int)run(do_done, &call);
}

/*
 * Runs under csm_protect(): copies the next message. If it is longer than the buffer, it stays in
 * the ring (-EMSGSIZE).
 */
static int do_recv(void *arg)
{
	struct call *call = arg;
	int ret = do_peek(call);

	if (ret < 0) {
		return ret;
	}
	if ((size_t)call->result > call->size) {
		csm_ring_unpeek(call->ring, call->from, (size_t)call->result);
		return -EMSGSIZE;
	}
	if (call->result) {
		memcpy(call->to, call->from, (size_t)call->result);
	}
	return csm_ring_done(call->ring);
}

long csm_channel_recv(struct csm_channel *channel, void *data, size_t size, int timeout)
{
	struct call call = {.ring = &channel->rx, .to = data, .size = size, .timeout = timeout};

	return run(do_recv, &call);
}

size_t csm_channel_max(const struct csm_channel *channel)
{
	return csm_ring_max(channel->tx.size);
}

/* ---------------------------------------------------------------------- end */

static int do_shutdown(void *arg)
{
	const struct call *call = arg;

	return csm_ring_close_producer(call->ring);
}

int csm_channel_shutdown(struct csm_channel *channel)
{
	struct call call = {.ring = &channel->tx};

	return (int)run(do_shutdown, &call);
}

static int do_look(void *arg)
{
	const struct call *call = arg;

	return csm_ring_is_taken(call->ring);
}

int csm_channel_is_taken(struct csm_channel *channel)
{
	struct call call = {.ring = &channel->tx};
	int ret;

	if (call.ring->forks != csm_forks()) {
		return -ESTALE;
	}
	ret = csm_protect(do_look, &call);
	return ret;
}

/* Side 0 takes the layout away, so that whoever comes next waits for the next one. */
static int do_close(void *arg)
{
	const struct call *call = arg;

	if (call->channel->side == 0) {
		__atomic_store_n(&call->channel->page->magic, 0, __ATOMIC_SEQ_CST);
	}
	return csm_ring_close_consumer(call->ring);
}

void csm_channel_close(struct csm_channel *channel)
{
	struct call call;

	if (!channel) {
		return;
	}
	call = (struct call){.channel = channel, .ring = &channel->rx};
	csm_channel_shutdown(channel);
	run(do_close, &call);
	free(channel->wire_memory);
	free(channel->rpc_buffer);
	free(channel);
}
