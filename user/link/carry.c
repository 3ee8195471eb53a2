// SPDX-License-Identifier: BSD-3-Clause
/*
 * A session's packets. The calling thread sends what the port has; a second thread receives. Each
 * packet goes through a private buffer: the kernel never touches memory that a peer can withdraw,
 * and the peer cannot change a packet after it was checked.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "session.h"

#define WAIT_MS 200 /* between looks whether the session is to end */
#define BATCH   64  /* packets that are published together */

static bool is_stopping(struct link *link)
{
	return __atomic_load_n(&link->stopping, __ATOMIC_SEQ_CST);
}

/* The first reason counts. Ends both directions. */
static void stop_for(struct link *link, int reason)
{
	int none = 0;
	uint64_t one = 1;

	__atomic_compare_exchange_n(&link->result, &none, reason, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	__atomic_store_n(&link->stopping, true, __ATOMIC_SEQ_CST);
	/* Cannot fail: the counter is far from its limit. */
	if (write(link->ended, &one, sizeof(one)) < 0) {
		return;
	}
}

/* ------------------------------------------------------------------- receive */

/* Runs under csm_protect(): copies the next packet. -EPROTO: it is longer than a packet can be. */
static int take_packet(void *arg)
{
	struct link *link = arg;
	const void *from;
	long size = csm_ring_peek(&link->rx, WAIT_MS, &from);

	if (size < 0) {
		return (int)size;
	}
	if ((size_t)size > sizeof(link->in)) {
		return -EPROTO;
	}
	memcpy(link->in, from, (size_t)size);
	link->in_size = (size_t)size;
	return csm_ring_done(&link->rx);
}

static int check(const struct link *link)
{
	return (link->kind ? link->kind->check : link_packet_check)(link->in, link->in_size);
}

/* A port that takes no packet loses it, as a network card does; a kind without loss ends. */
static void deliver(struct link *link)
{
	struct pollfd port = {.fd = link->port, .events = POLLOUT};
	ssize_t done = -1;

	if (check(link) == 0) {
		do {
			done = write(link->port, link->in, link->in_size);
		} while (done < 0 && errno == EAGAIN && !is_stopping(link) &&
			 poll(&port, 1, WAIT_MS) >= 0);
	}
	link->dropped += done < 0;
	if (done < 0 && link->kind && link->kind->is_lossless) {
		stop_for(link, -EPROTO);
	}
}

static void *receive(void *arg)
{
	struct link *link = arg;

	while (!is_stopping(link)) {
		int ret = csm_protect(take_packet, link);

		if (ret == 0) {
			deliver(link);
		} else if (ret != -EAGAIN) {
			stop_for(link, ret);
		}
	}
	return NULL;
}

/* ---------------------------------------------------------------------- send */

/* Runs under csm_protect(): the packet goes into the ring, to be published with the next flush. */
static int put_packet(void *arg)
{
	struct link *link = arg;
	void *to;
	int ret = csm_ring_reserve(&link->tx, link->out_size, WAIT_MS, &to);

	if (ret == 0) {
		memcpy(to, link->out, link->out_size);
		ret = csm_ring_commit(&link->tx, link->out_size, true);
	}
	return ret;
}

static int flush(void *arg)
{
	struct link *link = arg;

	return csm_ring_flush(&link->tx);
}

static int next_reason(struct link *link)
{
	struct pollfd stop = {.fd = link->stop, .events = POLLIN};

	if (poll(&stop, 1, 0) > 0) {
		return -ECANCELED;
	}
	return is_stopping(link) ? -EPIPE : 0;
}

/* A ring that is full holds the port back: its queue fills, and senders wait. */
static int send_packet(struct link *link)
{
	int ret;

	do {
		ret = csm_protect(put_packet, link);
	} while (ret == -EAGAIN && (ret = next_reason(link)) == 0);
	return ret;
}

/* What the port has, up to a batch. EIO: the interface is down at the moment. */
static int send_batch(struct link *link)
{
	int ret = 0;

	for (int i = 0; i < BATCH && ret == 0; i++) {
		ssize_t size = read(link->port, link->out, sizeof(link->out));

		if (size <= 0) {
			ret = size == 0 || errno == EAGAIN || errno == EINTR || errno == EIO
				      ? -EAGAIN
				      : -errno;
			break;
		}
		link->out_size = (size_t)size;
		ret = send_packet(link);
	}
	if (ret == 0 || ret == -EAGAIN) {
		ret = csm_protect(flush, link);
	}
	return ret;
}

/* Sends until the session ends; returns the reason. */
static int send_all(struct link *link)
{
	struct pollfd fds[] = {{.fd = link->ended, .events = POLLIN},
			       {.fd = link->stop, .events = POLLIN},
			       {.fd = link->port, .events = POLLIN}};
	int ret = 0;

	while (ret == 0) {
		if (poll(fds, 3, -1) < 0) {
			ret = errno == EINTR ? 0 : -errno;
		} else if (fds[0].revents) {
			ret = -EPIPE;
		} else if (fds[1].revents) {
			ret = -ECANCELED;
		} else if (fds[2].revents & (POLLHUP | POLLNVAL)) {
			ret = -ENODEV;
		} else {
			ret = send_batch(link);
		}
	}
	return ret;
}

int link_carry(struct link *link)
{
	pthread_t receiver;
	int ret;

	link->ended = eventfd(0, EFD_CLOEXEC);
	if (link->ended < 0) {
		return -errno;
	}
	ret = pthread_create(&receiver, NULL, receive, link);
	if (ret != 0) {
		return -ret;
	}
	stop_for(link, send_all(link));
	pthread_join(receiver, NULL);
	return link->result;
}
