// SPDX-License-Identifier: BSD-3-Clause
/* The beginning and the end of a session: two regions, each attached by the other realm. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "libcsm/deadline.h"
#include "session.h"

#define LOOK_MS  100 /* between looks for the peer's region */
#define WAKE_BIT 1u

/* ------------------------------------------------------------------- waking */

/* An event that ends the sharing is an end here: a session has new regions each time. */
static int wire_wait(void *ctx, int timeout)
{
	const struct link_wire *wire = ctx;
	uint64_t end = CSM_EVENT_ENDED | CSM_EVENT_PEER_GONE | CSM_EVENT_DETACHED;
	struct csm_event event;
	int ret = csm_wait(wire->region, timeout, &event);

	return ret > 0 && event.bits & end ? -ENOTCONN : ret;
}

static int wire_wake(void *ctx)
{
	const struct link_wire *wire = ctx;
	int ret = csm_signal(wire->region, wire->peer, WAKE_BIT);

	return ret == -EACCES ? -ENOTCONN : ret;
}

/* ---------------------------------------------------------------- own region */

static uint64_t random_number(void)
{
	uint64_t number = 0;

	while (number == 0) {
		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number)) {
			number = 0;
		}
	}
	return number;
}

/* Runs under csm_protect(). The region is new: all other words are zero. */
static int write_page(void *arg)
{
	struct link *link = arg;

	link->mine->revision = LINK_REVISION;
	link->mine->session = link->session;
	__atomic_store_n(&link->mine->magic, LINK_MAGIC, __ATOMIC_SEQ_CST);
	return 0;
}

static uint64_t label_of(const struct link *link)
{
	return csm_label(link->kind ? link->kind->label : LINK_LABEL);
}

int link_begin(struct link *link)
{
	void *memory = NULL;
	int ret;

	link->ended = -1;
	link->result = 0;
	link->stopping = false;
	link->session = random_number();
	ret = csm_create(link->csm, LINK_SIZE, label_of(link), 0, &link->own);
	if (ret == 0) {
		ret = csm_map(link->own, CSM_READ | CSM_WRITE, &memory);
	}
	if (ret == 0) {
		link->mine = memory;
		ret = csm_protect(write_page, link);
	}
	/* Offered when it is complete: whoever attaches it finds a page that is valid. */
	return ret ? ret : csm_share(link->own, link->peer, CSM_READ, link->policy);
}

/* ------------------------------------------------------------- peer's region */

/* The peer's region, by its label; 0: it offers none. */
static int find(struct link *link, uint64_t *region)
{
	uint64_t cursor = 0, label = label_of(link);
	struct csm_entry entry;
	int ret;

	*region = 0;
	while ((ret = csm_list(link->csm, link->peer, &cursor, &entry)) > 0) {
		if (entry.label == label && !entry.ending && entry.state != CSM_ENDED) {
			*region = entry.region_id;
		}
	}
	return ret == -EACCES ? 0 : ret;
}

struct look {
	struct link *link;
	uint64_t revision, session, joined;
};

/* Runs under csm_protect(): 0, or -EPROTO if the region holds no link of this revision. */
static int read_page(void *arg)
{
	struct look *look = arg;
	const struct link_page *page = look->link->other;

	if (__atomic_load_n(&page->magic, __ATOMIC_SEQ_CST) != LINK_MAGIC) {
		look->revision = 0;
		return -EPROTO;
	}
	look->revision = __atomic_load_n(&page->revision, __ATOMIC_SEQ_CST);
	look->session = __atomic_load_n(&page->session, __ATOMIC_SEQ_CST);
	look->joined = __atomic_load_n(&page->joined, __ATOMIC_SEQ_CST);
	return look->revision == LINK_REVISION ? 0 : -EPROTO;
}

/* Runs under csm_protect(): tells the peer which of its regions is attached. */
static int write_joined(void *arg)
{
	const struct look *look = arg;

	__atomic_store_n(&look->link->mine->joined, look->session, __ATOMIC_SEQ_CST);
	return 0;
}

static void let_go(struct link *link)
{
	csm_release(link->theirs);
	link->theirs = NULL;
	link->other = NULL;
}

/* Attaches the peer's region if it offers one. 0: attached or not offered; negative: an error. */
static int attach(struct link *link)
{
	uint64_t region;
	void *memory;
	int ret = find(link, &region);

	if (ret < 0 || region == 0) {
		return ret;
	}
	ret = csm_attach(link->csm, link->peer, region, link->policy, 0, &link->theirs);
	/* Gone since it was found; or the policy is not met, which the RMM does not tell apart. */
	if (ret == -EACCES || ret == -EBUSY || ret == -ENOTCONN) {
		return 0;
	}
	if (ret == 0 && csm_size(link->theirs) != LINK_SIZE) {
		ret = -EPROTO;
	}
	if (ret == 0) {
		ret = csm_map(link->theirs, CSM_READ, &memory);
	}
	if (ret == 0) {
		link->other = memory;
	}
	return ret;
}

/* One look at the peer: 1 it has joined, 0 not yet, or a negative errno. */
static int look_at(struct link *link, uint64_t *revision)
{
	struct look look = {.link = link};
	int ret = link->theirs ? 0 : attach(link);

	if (ret < 0 || !link->theirs) {
		return ret;
	}
	ret = csm_protect(read_page, &look);
	*revision = look.revision;
	if (ret == 0) {
		ret = csm_protect(write_joined, &look);
	}
	if (ret == -ENOTCONN) {
		/* That peer has ended meanwhile; another may come. */
		let_go(link);
		return 0;
	}
	return ret < 0 ? ret : look.joined == link->session;
}

/* --------------------------------------------------------------------- rings */

static void bind_ring(struct csm_ring *ring, const void *page, const struct csm_wire *wire)
{
	ring->data = (uint8_t *)(uintptr_t)page + LINK_PAGE;
	ring->size = LINK_SIZE - LINK_PAGE;
	ring->wire = wire;
}

/* Runs under csm_protect(). Only lines of `mine` are written. */
static int start_rings(void *arg)
{
	struct link *link = arg;
	struct link_page *other = (struct link_page *)(uintptr_t)link->other;
	int ret;

	link->tx_end = (struct link_wire){.region = link->own, .peer = link->peer};
	link->rx_end = (struct link_wire){.region = link->theirs};
	link->tx_wire = (struct csm_wire){wire_wait, wire_wake, &link->tx_end};
	link->rx_wire = (struct csm_wire){wire_wait, wire_wake, &link->rx_end};
	bind_ring(&link->tx, link->mine, &link->tx_wire);
	link->tx.producer = &link->mine->producer;
	link->tx.consumer = &other->consumer;
	bind_ring(&link->rx, link->other, &link->rx_wire);
	link->rx.producer = &other->producer;
	link->rx.consumer = &link->mine->consumer;
	ret = csm_ring_init_producer(&link->tx);
	return ret ? ret : csm_ring_init_consumer(&link->rx);
}

/* What has come until now may be about a process of the peer that ended while this one waited. */
static void forget_events(struct link *link)
{
	struct csm_event event;

	for (int i = 0; i < 64 && csm_wait(link->own, 0, &event) > 0; i++) {
	}
}

static bool is_stopped(const struct link *link, int timeout)
{
	struct pollfd stop = {.fd = link->stop, .events = POLLIN};

	return poll(&stop, 1, timeout) > 0;
}

int link_join(struct link *link, int timeout, uint64_t *revision)
{
	struct csm_deadline deadline = csm_deadline_in(timeout);
	int ret;

	while ((ret = look_at(link, revision)) == 0) {
		int left = csm_deadline_left(&deadline, LOOK_MS);

		if (left == 0) {
			return -EAGAIN;
		}
		if (is_stopped(link, left)) {
			return -ECANCELED;
		}
	}
	if (ret < 0) {
		return ret;
	}
	forget_events(link);
	return csm_protect(start_rings, link);
}

/* Runs under csm_protect(). */
static int close_rings(void *arg)
{
	struct link *link = arg;

	csm_ring_close_producer(&link->tx);
	return csm_ring_close_consumer(&link->rx);
}

void link_end(struct link *link)
{
	if (link->tx.wire) {
		csm_protect(close_rings, link);
	}
	let_go(link);
	csm_release(link->own);
	if (link->ended >= 0) {
		close(link->ended);
	}
	link->own = NULL;
	link->mine = NULL;
	link->ended = -1;
	memset(&link->tx, 0, sizeof(link->tx));
	memset(&link->rx, 0, sizeof(link->rx));
}
