/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A ring of messages in memory shared with somebody who is not trusted: one producer, one consumer,
 * on any memory and any means to wake each other.
 *
 * In shared memory there are two lines of control words, each written by one side alone, and the
 * data, written by the producer alone. So the line of the consumer may lie in other memory than the
 * rest, and each side needs only read permission on what the other side writes. Everything else a
 * side needs is private.
 * Positions count bytes since the beginning and only grow, in steps of eight. A message is a word,
 * length in the lower half, kind in the upper, and its content; it never wraps: the rest of the
 * ring is skipped instead.
 *
 * What the other side wrote is read once, into a private variable, and checked there: positions
 * against what this side knows to be possible, lengths against what has been published. The first
 * breach is remembered, and the ring answers -EPROTO from then on.
 *
 * The functions here touch shared memory and may take SIGBUS: callers are under csm_protect().
 */
#ifndef LIBCSM_RING_H
#define LIBCSM_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CSM_RING_STEP 8u
#define CSM_RING_LINE 128u

/* Shared. One for each side of a ring. */
struct csm_ring_line {
	uint64_t position; /* head: published up to here; tail: given back up to here */
	uint64_t closed;   /* this side is done */
	uint64_t asleep;   /* grows with each sleep and each awakening; odd: this side sleeps */
	uint8_t pad[CSM_RING_LINE - 3 * sizeof(uint64_t)];
};

/* Shared. */
struct csm_ring_control {
	struct csm_ring_line producer;
	struct csm_ring_line consumer;
};

/* How the two sides wake each other. Both return a negative errno when the peer is gone. */
struct csm_wire {
	/* Until woken or `timeout` ms have passed: 0 or more. Spurious returns are fine. */
	int (*wait)(void *ctx, int timeout);
	int (*wake)(void *ctx);
	void *ctx;
};

/* Private: one side of a ring. */
struct csm_ring {
	struct csm_ring_line *producer, *consumer;
	uint8_t *data;
	uint64_t size; /* of the data, a multiple of CSM_RING_STEP */
	const struct csm_wire *wire;
	int error;           /* negative errno for good */
	unsigned long forks; /* of the process that may use it; channel.c looks */

	uint64_t mine;     /* producer: written up to here; consumer: looked at up to here */
	uint64_t offset;   /* mine, as a place in the data */
	uint64_t given;    /* what the other side knows of `mine` */
	uint64_t other;    /* the other side's position as last seen and checked */
	uint64_t sleeps;   /* this side's `asleep` */
	uint64_t woken;    /* the other side's `asleep` when it was woken last */
	uint64_t reserved; /* producer: bytes from `offset` that a reservation may use, 0: none */
	uint64_t skip;     /* producer: of these, to be skipped first */
};

/* Bytes of the longest message in a ring with that much data. */
size_t csm_ring_max(uint64_t size);

/*
 * Begins, or goes on where this side stopped; what it once wrote for itself is not trusted either
 * and must make sense (-EPROTO). `size` is a multiple of CSM_RING_STEP and at least 64.
 */
int csm_ring_init_producer(struct csm_ring *ring);
int csm_ring_init_consumer(struct csm_ring *ring);

/* Producer. 0, -EAGAIN, -EPIPE, -EMSGSIZE, the wire's error, -EPROTO. */
int csm_ring_reserve(struct csm_ring *ring, size_t size, int timeout, void **out);
int csm_ring_commit(struct csm_ring *ring, size_t size, bool more);
int csm_ring_flush(struct csm_ring *ring);
int csm_ring_close_producer(struct csm_ring *ring);
/* Whether the other side says that it has taken everything. */
bool csm_ring_is_taken(struct csm_ring *ring);

/* Consumer. Length, -EAGAIN, -EPIPE, the wire's error, -EPROTO. */
long csm_ring_peek(struct csm_ring *ring, int timeout, const void **out);
/* Undoes the last peek, which gave `size` bytes at `message`. */
void csm_ring_unpeek(struct csm_ring *ring, const void *message, size_t size);
int csm_ring_done(struct csm_ring *ring);
int csm_ring_close_consumer(struct csm_ring *ring);

#endif
