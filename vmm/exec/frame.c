// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "frame.h"

#define END     FRAME_END
#define ESC     0xdbu
#define ESC_END 0xdcu
#define ESC_ESC 0xddu

#define HEAD 9u /* type and id */
#define TAIL 4u

/* CRC-32 of IEEE 802.3, continued from crc. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, size_t size)
{
	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (unsigned int bit = 0; bit < 8; bit++) {
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		}
	}
	return ~crc;
}

static void put_le(uint8_t *to, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++) {
		to[i] = (uint8_t)(value >> 8 * i);
	}
}

static uint64_t get_le(const uint8_t *from, unsigned int size)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++) {
		value |= (uint64_t)from[i] << 8 * i;
	}
	return value;
}

static size_t stuff(uint8_t *wire, const uint8_t *data, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == END || data[i] == ESC) {
			wire[at++] = ESC;
			wire[at++] = data[i] == END ? ESC_END : ESC_ESC;
		} else {
			wire[at++] = data[i];
		}
	}
	return at;
}

static size_t encode(uint8_t type, uint64_t id, const uint8_t *data, size_t size, uint8_t *wire)
{
	uint8_t head[HEAD] = {type}, tail[TAIL];
	size_t at = 0;

	put_le(head + 1, id, 8);
	put_le(tail, crc32(crc32(0, head, HEAD), data, size), TAIL);
	wire[at++] = END;
	at += stuff(wire + at, head, HEAD);
	at += stuff(wire + at, data, size);
	at += stuff(wire + at, tail, TAIL);
	wire[at++] = END;
	return at;
}

size_t frame_encode(const struct frame *frame, uint8_t *wire)
{
	return encode(frame->type, frame->id, frame->data, frame->size, wire);
}

size_t frame_encode_bare(uint8_t type, uint64_t id, uint8_t *wire)
{
	return encode(type, id, NULL, 0, wire);
}

/* The frame that END has ended, if it is one. */
static bool finish(struct frame_reader *r, struct frame *frame)
{
	bool good = !r->bad && !r->escaped && r->used >= HEAD + TAIL;
	size_t size = r->used;

	r->used = 0;
	r->bad = false;
	r->escaped = false;
	if (!good || crc32(0, r->raw, size - TAIL) != get_le(r->raw + size - TAIL, TAIL)) {
		return false;
	}
	frame->type = r->raw[0];
	frame->id = get_le(r->raw + 1, 8);
	frame->size = size - HEAD - TAIL;
	memcpy(frame->data, r->raw + HEAD, frame->size);
	return true;
}

bool frame_take(struct frame_reader *r, uint8_t byte, struct frame *frame)
{
	if (byte == END) {
		return finish(r, frame);
	}
	if (byte == ESC && !r->escaped) {
		r->escaped = true;
		return false;
	}
	if (r->escaped) {
		r->bad |= byte != ESC_END && byte != ESC_ESC;
		byte = byte == ESC_END ? END : ESC;
		r->escaped = false;
	}
	if (r->used == FRAME_RAW) {
		r->bad = true;
	} else {
		r->raw[r->used++] = byte;
	}
	return false;
}
