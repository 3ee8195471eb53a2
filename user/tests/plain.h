/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ordinary memory as shared memory, and condition variables as the wire: channels without realms.
 */
#ifndef TESTS_PLAIN_H
#define TESTS_PLAIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "libcsm/channel.h"

/* Memory between two pages that nobody may touch. */
void *plain_memory(size_t size);
void plain_memory_free(void *memory, size_t size);

/* One end of a wire: what the other end wakes. */
struct plain_end {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool woken;
	int error; /* given to the next waits */
	unsigned long wakes;
	struct plain_end *other;
};

void plain_connect(struct plain_end ends[2]);
void plain_disconnect(struct plain_end ends[2]);
/* The peer is gone: waits on this end fail with a negative errno from now on. */
void plain_break(struct plain_end *end, int error);
struct csm_wire plain_wire(struct plain_end *end);

/* A wire that never waits and never fails. */
struct csm_wire plain_no_wire(void);

/* The same numbers on every run. */
uint32_t plain_random(uint64_t *state);

#endif
