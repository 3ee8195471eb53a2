// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>

#include <cbor.h>

#include "reader.h"

enum item_kind {
	ITEM_OTHER,
	ITEM_UINT,
	ITEM_NEGINT,
	ITEM_BYTES,
	ITEM_TEXT,
	ITEM_ARRAY,
	ITEM_MAP,
	ITEM_TAG
};

static const char *const kind_name[] = {
	[ITEM_OTHER] = "an item that tokens do not use",
	[ITEM_UINT] = "an unsigned integer",
	[ITEM_NEGINT] = "a negative integer",
	[ITEM_BYTES] = "a byte string",
	[ITEM_TEXT] = "a text string",
	[ITEM_ARRAY] = "an array",
	[ITEM_MAP] = "a map",
	[ITEM_TAG] = "a tag",
};

/* One data item: its head, and for strings the content. `value` is the argument of the head. */
struct item {
	enum item_kind kind;
	uint64_t value;
	const uint8_t *content;
};

static void set(void *ctx, enum item_kind kind, uint64_t value, const uint8_t *content)
{
	*(struct item *)ctx = (struct item){.kind = kind, .value = value, .content = content};
}

static void on_uint8(void *ctx, uint8_t v)
{
	set(ctx, ITEM_UINT, v, NULL);
}

static void on_uint16(void *ctx, uint16_t v)
{
	set(ctx, ITEM_UINT, v, NULL);
}

static void on_uint32(void *ctx, uint32_t v)
{
	set(ctx, ITEM_UINT, v, NULL);
}

static void on_uint64(void *ctx, uint64_t v)
{
	set(ctx, ITEM_UINT, v, NULL);
}

static void on_negint8(void *ctx, uint8_t v)
{
	set(ctx, ITEM_NEGINT, v, NULL);
}

static void on_negint16(void *ctx, uint16_t v)
{
	set(ctx, ITEM_NEGINT, v, NULL);
}

static void on_negint32(void *ctx, uint32_t v)
{
	set(ctx, ITEM_NEGINT, v, NULL);
}

static void on_negint64(void *ctx, uint64_t v)
{
	set(ctx, ITEM_NEGINT, v, NULL);
}

static void on_bytes(void *ctx, cbor_data content, uint64_t size)
{
	set(ctx, ITEM_BYTES, size, content);
}

static void on_text(void *ctx, cbor_data content, uint64_t size)
{
	set(ctx, ITEM_TEXT, size, content);
}

static void on_array(void *ctx, uint64_t entries)
{
	set(ctx, ITEM_ARRAY, entries, NULL);
}

static void on_map(void *ctx, uint64_t entries)
{
	set(ctx, ITEM_MAP, entries, NULL);
}

static void on_tag(void *ctx, uint64_t tag)
{
	set(ctx, ITEM_TAG, tag, NULL);
}

/* Every callback that is not about one of our kinds leaves the item as ITEM_OTHER. */
static struct cbor_callbacks callbacks(void)
{
	struct cbor_callbacks c = cbor_empty_callbacks;

	c.uint8 = on_uint8;
	c.uint16 = on_uint16;
	c.uint32 = on_uint32;
	c.uint64 = on_uint64;
	c.negint8 = on_negint8;
	c.negint16 = on_negint16;
	c.negint32 = on_negint32;
	c.negint64 = on_negint64;
	c.byte_string = on_bytes;
	c.string = on_text;
	c.array_start = on_array;
	c.map_start = on_map;
	c.tag = on_tag;
	return c;
}

struct reader reader_of(struct cca_bytes view, const uint8_t *whole, struct cca_error *err)
{
	return (struct reader){
		.data = view.data,
		.size = view.size,
		.base = (size_t)(view.data - whole),
		.err = err,
	};
}

bool reader_fail(struct reader *r, const char *format, ...)
{
	va_list ap;

	if (r->err->status == CCA_OK) {
		r->err->status = CCA_MALFORMED;
		r->err->offset = r->base + r->pos;
		va_start(ap, format);
		vsnprintf(r->err->text, sizeof(r->err->text), format, ap);
		va_end(ap);
	}
	return false;
}

/* Bytes of the shortest head that carries `value` (RFC 8949, 3 and 4.2.1). */
static size_t head_size(uint64_t value)
{
	if (value < 24) {
		return 1;
	}
	if (value <= UINT8_MAX) {
		return 2;
	}
	if (value <= UINT16_MAX) {
		return 3;
	}
	return value <= UINT32_MAX ? 5 : 9;
}

/*
 * libcbor refuses tags 6 to 20 when they stand in the initial byte ("unassigned"), and 18 is
 * COSE_Sign1: so one-byte tags are taken apart here.
 */
static struct cbor_decoder_result decode(const struct reader *r, struct item *item)
{
	struct cbor_callbacks cb = callbacks();
	uint8_t initial = r->data[r->pos];

	if (initial >> 5 == CBOR_TYPE_TAG && (initial & 0x1f) < 24) {
		on_tag(item, initial & 0x1f);
		return (struct cbor_decoder_result){.read = 1, .status = CBOR_DECODER_FINISHED};
	}
	return cbor_stream_decode(r->data + r->pos, r->size - r->pos, &cb, item);
}

static bool next(struct reader *r, const char *what, enum item_kind kind, struct item *item)
{
	struct cbor_decoder_result result;
	size_t content;

	if (r->err->status != CCA_OK) {
		return false;
	}
	*item = (struct item){.kind = ITEM_OTHER};
	if (r->pos == r->size) {
		return reader_fail(r, "%s: the data ends here", what);
	}
	result = decode(r, item);
	if (result.status == CBOR_DECODER_NEDATA) {
		return reader_fail(r, "%s: cut off, or a length beyond the end", what);
	}
	if (result.status != CBOR_DECODER_FINISHED) {
		return reader_fail(r, "%s: not CBOR", what);
	}
	if (item->kind != kind) {
		return reader_fail(r, "%s: %s expected, found %s", what, kind_name[kind],
				   kind_name[item->kind]);
	}
	content = item->content != NULL ? (size_t)item->value : 0;
	if (result.read - content != head_size(item->value)) {
		return reader_fail(r, "%s: length or number not in shortest form", what);
	}
	r->pos += result.read;
	return true;
}

bool read_uint(struct reader *r, const char *what, uint64_t *value)
{
	struct item item;

	if (!next(r, what, ITEM_UINT, &item)) {
		return false;
	}
	*value = item.value;
	return true;
}

static bool at_negative(const struct reader *r)
{
	return r->pos < r->size && r->data[r->pos] >> 5 == CBOR_TYPE_NEGINT;
}

bool read_int(struct reader *r, const char *what, int64_t *value)
{
	bool negative = at_negative(r);
	struct item item;

	if (!next(r, what, negative ? ITEM_NEGINT : ITEM_UINT, &item)) {
		return false;
	}
	if (item.value > INT64_MAX) {
		return reader_fail(r, "%s: number out of range", what);
	}
	*value = negative ? -1 - (int64_t)item.value : (int64_t)item.value;
	return true;
}

bool read_bytes(struct reader *r, const char *what, struct cca_bytes *value)
{
	struct item item;

	if (!next(r, what, ITEM_BYTES, &item)) {
		return false;
	}
	*value = (struct cca_bytes){item.content, (size_t)item.value};
	return true;
}

bool read_text(struct reader *r, const char *what, struct cca_bytes *value)
{
	struct item item;

	if (!next(r, what, ITEM_TEXT, &item)) {
		return false;
	}
	for (size_t i = 0; i < item.value; i++) {
		if (item.content[i] < 0x20 || item.content[i] > 0x7e) {
			return reader_fail(r, "%s: text that is not printable ASCII", what);
		}
	}
	*value = (struct cca_bytes){item.content, (size_t)item.value};
	return true;
}

bool read_bytes_sized(struct reader *r, const char *what, size_t size, struct cca_bytes *value)
{
	struct cca_bytes got;

	if (!read_bytes(r, what, &got)) {
		return false;
	}
	if (got.size != size) {
		return reader_fail(r, "%s: %zu bytes, must be %zu", what, got.size, size);
	}
	*value = got;
	return true;
}

/* An entry takes at least one byte, so a count beyond what is left is refused before any loop. */
static bool read_count(struct reader *r, const char *what, enum item_kind kind, size_t *entries)
{
	struct item item;

	if (!next(r, what, kind, &item)) {
		return false;
	}
	if (item.value > r->size - r->pos) {
		return reader_fail(r, "%s: more entries than bytes", what);
	}
	*entries = (size_t)item.value;
	return true;
}

bool read_map(struct reader *r, const char *what, size_t *entries)
{
	return read_count(r, what, ITEM_MAP, entries);
}

bool read_array(struct reader *r, const char *what, size_t *entries)
{
	return read_count(r, what, ITEM_ARRAY, entries);
}

bool read_tag(struct reader *r, const char *what, uint64_t tag)
{
	struct item item;

	if (!next(r, what, ITEM_TAG, &item)) {
		return false;
	}
	if (item.value != tag) {
		return reader_fail(r, "%s: tag %llu, must be %llu", what,
				   (unsigned long long)item.value, (unsigned long long)tag);
	}
	return true;
}

bool read_end(struct reader *r, const char *what)
{
	if (r->err->status != CCA_OK) {
		return false;
	}
	if (r->pos != r->size) {
		return reader_fail(r, "%s: %zu bytes too many", what, r->size - r->pos);
	}
	return true;
}
