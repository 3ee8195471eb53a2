// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

static uint64_t hostile_number(struct hostile *h, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0 && h->left > 0) {
		value = value << 8 | *h->bytes++;
		h->left--;
	}
	return value;
}

/* Small steps around what is there are what gets past the first check. */
static void hostile_write(struct hostile *h)
{
	static const uint16_t words[] = {
		offsetof(struct csm_channel_page, rings[0].producer.position),
		offsetof(struct csm_channel_page, rings[0].consumer.position),
		offsetof(struct csm_channel_page, rings[1].producer.position),
		offsetof(struct csm_channel_page, rings[1].consumer.position),
		offsetof(struct csm_channel_page, rings[0].consumer.closed),
		offsetof(struct csm_channel_page, rings[1].producer.closed),
		offsetof(struct csm_channel_page, rings[0].consumer.asleep),
		offsetof(struct csm_channel_page, rings[1].producer.asleep),
	};
	unsigned int what = (unsigned int)hostile_number(h, 1);
	uint64_t *word, value;

	if (what & 0x80) {
		word = (uint64_t *)(void *)(h->memory + 4096 + hostile_number(h, 2) % 512 * 8);
		value = (uint64_t)(what & 3) << 32 | hostile_number(h, 2);
	} else {
		word = (uint64_t *)(void *)(h->memory + words[what % 8]);
		value = what & 0x40 ? hostile_number(h, 8)
				    : *word + hostile_number(h, 1) * 8 - 64 * (what >> 4 & 1);
	}
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

static void hostile_check(struct hostile *h, const void *message, long size)
{
	const uint8_t *at = message;

	if (size < 0) {
		h->refused += size == -EPROTO;
		return;
	}
	h->received++;
	if (at < h->memory + 4096 || at + size > h->memory + HOSTILE_MEMORY ||
	    (size_t)size > csm_channel_max(h->channel)) {
		abort();
	}
	memcpy(h->copy, message, (size_t)size);
}

void hostile_receive(struct hostile *h, unsigned int how)
{
	const void *message;
	long size;

	if (how & 1) {
		size = csm_channel_recv(h->channel, h->copy, how & 2 ? 16 : sizeof(h->copy), 0);
		if (size > (long)csm_channel_max(h->channel)) {
			abort();
		}
		h->refused += size == -EPROTO;
	} else {
		size = csm_channel_peek(h->channel, 0, &message);
		hostile_check(h, message, size);
	}
	if (how & 4) {
		csm_channel_done(h->channel);
	}
}

void hostile_transmit(struct hostile *h, unsigned int how)
{
	size_t size = hostile_number(h, 2) % (csm_channel_max(h->channel) + 8);
	void *to;
	int ret = csm_channel_reserve(h->channel, size, 0, &to);

	if (ret == 0) {
		memset(to, 0xa5, size);
		hostile_check(h, to, (long)size);
		ret = csm_channel_commit(h->channel, how & 1 ? size : size / 2, how & 2);
	}
	h->refused += ret == -EPROTO;
}

static long hostile_handler(void *arg, const void *request, size_t size, void *response,
			    size_t room)
{
	(void)arg;
	memmove(response, request, size < room ? size : room);
	return (long)size;
}

static void hostile_step(struct hostile *h)
{
	unsigned int what = (unsigned int)hostile_number(h, 1);
	struct csm_rpc call = {
		.request = "question", .size = 8, .response = h->copy, .room = sizeof(h->copy)};

	switch (what & 7) {
	case 0:
		hostile_receive(h, what >> 3);
		break;
	case 1:
		hostile_transmit(h, what >> 3);
		break;
	case 2:
		csm_rpc_serve(h->channel, hostile_handler, NULL, 0);
		break;
	case 3:
		csm_rpc_call(h->channel, &call, 0);
		break;
	default:
		hostile_write(h);
		break;
	}
}

void hostile_run(struct hostile *h)
{
	struct csm_wire wire = plain_no_wire();
	struct csm_channel_place place = {.size = HOSTILE_MEMORY};

	place.side = (unsigned int)hostile_number(h, 1) & 1;
	place.memory = h->memory = plain_memory(HOSTILE_MEMORY);
	while (h->left > 0) {
		unsigned long before = h->refused;

		if (place.side == 1) {
			struct csm_channel_page *page = (void *)h->memory;

			page->magic = CSM_CHANNEL_MAGIC;
			page->size = (HOSTILE_MEMORY - 4096) / 2;
		}
		if (csm_channel_make(&place, &wire, NULL, 0, &h->channel) != 0) {
			h->refused++;
			memset(h->memory, 0, HOSTILE_MEMORY);
			hostile_write(h);
			continue;
		}
		while (h->left > 0 && h->refused - before < 4) {
			hostile_step(h);
		}
		csm_channel_close(h->channel);
	}
	plain_memory_free(h->memory, HOSTILE_MEMORY);
}
