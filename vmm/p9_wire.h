// SPDX-License-Identifier: BSD-3-Clause
/* Reading and writing the fields of 9P messages: little endian, strings with a 16-bit length. */
#ifndef VMM_P9_WIRE_H
#define VMM_P9_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Once something did not fit, bad stays set and every value read is zero. */
struct p9_reader {
	const uint8_t *at;
	size_t left;
	bool bad;
};

struct p9_writer {
	uint8_t *start;
	size_t size;
	size_t used;
	bool bad;
};

static inline const uint8_t *p9_take(struct p9_reader *r, size_t size)
{
	const uint8_t *at = r->at;

	if (r->bad || size > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += size;
	r->left -= size;
	return at;
}

static inline uint64_t p9_get(struct p9_reader *r, size_t bytes)
{
	const uint8_t *at = p9_take(r, bytes);
	uint64_t value = 0;

	for (size_t i = bytes; at && i-- > 0;) {
		value = value << 8 | at[i];
	}
	return value;
}

static inline uint32_t p9_get32(struct p9_reader *r)
{
	return (uint32_t)p9_get(r, 4);
}

/* A string of at most size - 1 bytes without zeros, copied and ended. */
static inline void p9_get_string(struct p9_reader *r, char *text, size_t size)
{
	size_t len = (size_t)p9_get(r, 2);
	const uint8_t *at = p9_take(r, len);

	if (!at || len >= size || memchr(at, 0, len)) {
		r->bad = true;
		text[0] = '\0';
		return;
	}
	memcpy(text, at, len);
	text[len] = '\0';
}

static inline uint8_t *p9_room(struct p9_writer *w, size_t size)
{
	if (w->bad || size > w->size - w->used) {
		w->bad = true;
		return NULL;
	}
	w->used += size;
	return w->start + w->used - size;
}

static inline void p9_put(struct p9_writer *w, uint64_t value, size_t bytes)
{
	uint8_t *at = p9_room(w, bytes);

	for (size_t i = 0; at && i < bytes; i++) {
		at[i] = (uint8_t)(value >> (8 * i));
	}
}

static inline void p9_put_string(struct p9_writer *w, const char *text)
{
	size_t len = strlen(text);
	uint8_t *at;

	p9_put(w, len, 2);
	at = p9_room(w, len);
	if (at) {
		memcpy(at, text, len);
	}
}

#endif
