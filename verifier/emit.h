/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing CBOR with definite lengths below 65536, in shortest form. */
#ifndef CCA_EMIT_H
#define CCA_EMIT_H

#include <stddef.h>
#include <stdint.h>

/* What does not fit is not written, but counted in `size`: look at both at the end. */
struct emitter {
	uint8_t *data;
	size_t max;
	size_t size;
};

enum emit_kind {
	EMIT_UINT = 0,
	EMIT_NEGATIVE = 1, /* of n: -1 - n */
	EMIT_BYTES = 2,
	EMIT_TEXT = 3,
	EMIT_ARRAY = 4,
	EMIT_MAP = 5,
	EMIT_TAG = 6,
};

/* Appends bytes as they are. */
void emit_raw(struct emitter *e, const void *data, size_t size);

/* Appends the head of an item with this value or length, below 65536. */
void emit_head(struct emitter *e, enum emit_kind kind, size_t value);

/* Appends a number below 65536. */
void emit_uint(struct emitter *e, size_t value);

/* Appends a byte string of `size` bytes. */
void emit_bytes(struct emitter *e, const void *data, size_t size);

/* Appends text, without its zero. */
void emit_text(struct emitter *e, const char *text);

/* The start of a map entry whose value is an array or a map with so many entries. */
void emit_key(struct emitter *e, size_t key, enum emit_kind kind, size_t entries);

#endif
