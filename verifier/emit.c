// SPDX-License-Identifier: BSD-3-Clause
#include "emit.h"

#include <string.h>

void emit_raw(struct emitter *e, const void *data, size_t size)
{
	if (e->size <= e->max && size <= e->max - e->size) {
		memcpy(e->data + e->size, data, size);
	}
	e->size += size;
}

void emit_head(struct emitter *e, enum emit_kind kind, size_t value)
{
	uint8_t head[3] = {(uint8_t)((unsigned int)kind << 5 | (value < 24      ? value
								: value <= 0xff ? 24
										: 25))};

	if (value < 24) {
		emit_raw(e, head, 1);
	} else if (value <= 0xff) {
		head[1] = (uint8_t)value;
		emit_raw(e, head, 2);
	} else {
		head[1] = (uint8_t)(value >> 8);
		head[2] = (uint8_t)value;
		emit_raw(e, head, 3);
	}
}

void emit_uint(struct emitter *e, size_t value)
{
	emit_head(e, EMIT_UINT, value);
}

void emit_bytes(struct emitter *e, const void *data, size_t size)
{
	emit_head(e, EMIT_BYTES, size);
	emit_raw(e, data, size);
}

void emit_text(struct emitter *e, const char *text)
{
	emit_head(e, EMIT_TEXT, strlen(text));
	emit_raw(e, text, strlen(text));
}

void emit_key(struct emitter *e, size_t key, enum emit_kind kind, size_t entries)
{
	emit_uint(e, key);
	emit_head(e, kind, entries);
}
