/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A peer that writes what it likes into a channel's memory, whenever it likes, against a side that
 * must neither crash, nor hang, nor hand out a message that is not wholly inside the ring. Driven
 * by bytes: from a fuzzer, or from a generator.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

#include "plain.h"

#define HOSTILE_MEMORY 8192u

struct hostile {
	const uint8_t *bytes;
	size_t left;
	uint8_t *memory;
	struct csm_channel *channel;
	uint8_t copy[HOSTILE_MEMORY];
	unsigned long received; /* messages that the side accepted */
	unsigned long refused;  /* breaches that it found */
};

/* Runs until the bytes are used up. A side that has found a breach starts again. */
void hostile_run(struct hostile *h);

/* One step of the side that is attacked, on h->channel in h->memory; `how` chooses variants. */
void hostile_receive(struct hostile *h, unsigned int how);
void hostile_transmit(struct hostile *h, unsigned int how);

#endif
