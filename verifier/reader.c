// SPDX-License-Identifier: BSD-3-Clause
#include <stdarg.h>
#include <stdio.h>

#include "reader.h"

/* Major types (RFC 8949, 3.1). */
enum item_kind {
	ITEM_UINT = 0,
	ITEM_NEGINT = 1,
	ITEM_BYTES = 2,
	ITEM_TEXT = 3,
	ITEM_ARRAY = 4,
	ITEM_MAP = 5,
	ITEM_TAG = 6,
	ITEM_SIMPLE = 7,
};

static const char *const kind_name[] = {
	[ITEM_UINT] = "an unsigned integer",
	[ITEM_NEGINT] = "a negative integer",
	[ITEM_BYTES] = "a byte string",
	[ITEM_TEXT] = "a text string",
	[ITEM_ARRAY] = "an array",
	[ITEM_MAP] = "a map",
	[ITEM_TAG] = "a tag",
	[ITEM_SIMPLE] = "a simple value or a float",
};

/* Initial byte: three bits of kind, five bits of number or of its size. */
#define KIND_SHIFT   5
#define INFO_MASK    0x1f
#define INFO_1_BYTE  24
#define INFO_8_BYTES 27

/* The simple values that are used, as initial bytes (RFC 8949, 3.3). */
#define BYTE_FALSE 0xf4
#define BYTE_TRUE  0xf5

/* One data item: its head, and for strings the content. `value` is the argument of the head. */
struct item {
	enum item_kind kind;
	uint64_t value;
	const uint8_t *content;
};

struct reader reader_of(struct cca_bytes view, struct parse *parse)
{
	return (struct reader){.data = view.data, .size = view.size, .parse = parse};
}

static void record(struct reader *r, enum cca_status status, const char *format, va_list ap)
{
	struct cca_error *err = r->parse->err;

	if (err->status == CCA_OK) {
		err->status = status;
		err->offset = r->data != NULL ? (size_t)(r->data + r->pos - r->parse->whole) : 0;
		vsnprintf(err->text, sizeof(err->text), format, ap);
	}
}

bool reader_fail(struct reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	record(r, CCA_MALFORMED, format, ap);
	va_end(ap);
	return false;
}

bool reader_unsupported(struct reader *r, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	record(r, CCA_UNSUPPORTED, format, ap);
	va_end(ap);
	return false;
}

/* Bytes of the shortest head that carries `value` (RFC 8949, 3 and 4.2.1). */
static size_t head_size(uint64_t value)
{
	if (value < INFO_1_BYTE) {
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

/* The head at the current position; its size, or 0 after a failure. */
static size_t decode_head(struct reader *r, const char *what, struct item *item)
{
	uint8_t info = r->data[r->pos] & INFO_MASK;
	size_t follow = info < INFO_1_BYTE ? 0 : (size_t)1 << (info - INFO_1_BYTE);

	*item = (struct item){.kind = r->data[r->pos] >> KIND_SHIFT};
	if (info > INFO_8_BYTES) {
		reader_fail(r, "%s: %s", what,
			    info == INFO_MASK ? "indefinite length, which tokens do not use"
					      : "not CBOR");
		return 0;
	}
	if (follow > r->size - r->pos - 1) {
		reader_fail(r, "%s: cut off", what);
		return 0;
	}
	item->value = follow == 0 ? info : 0;
	for (size_t i = 0; i < follow; i++) {
		item->value = item->value << 8 | r->data[r->pos + 1 + i];
	}
	return 1 + follow;
}

/* A simple value below 32 may not stand in a byte of its own (RFC 8949, 3.3). */
static bool head_is_good(const struct reader *r, const struct item *item, size_t size)
{
	if (item->kind == ITEM_SIMPLE) {
		return size != 2 || item->value >= 32;
	}
	return !r->parse->strict || size == head_size(item->value);
}

/* Reads an item of any kind. Of arrays, maps and tags only the head is consumed. */
static bool next_any(struct reader *r, const char *what, struct item *item)
{
	size_t head;

	if (r->parse->err->status != CCA_OK) {
		return false;
	}
	if (r->pos == r->size) {
		return reader_fail(r, "%s: the data ends here", what);
	}
	head = decode_head(r, what, item);
	if (head == 0) {
		return false;
	}
	if (!head_is_good(r, item, head)) {
		return reader_fail(r, "%s: length or number not in shortest form", what);
	}
	if (item->kind == ITEM_BYTES || item->kind == ITEM_TEXT) {
		if (item->value > r->size - r->pos - head) {
			return reader_fail(r, "%s: cut off, or a length beyond the end", what);
		}
		item->content = r->data + r->pos + head;
		head += (size_t)item->value;
	}
	r->pos += head;
	return true;
}

static bool next(struct reader *r, const char *what, enum item_kind kind, struct item *item)
{
	size_t start = r->pos;

	if (!next_any(r, what, item)) {
		return false;
	}
	if (item->kind != kind) {
		r->pos = start;
		return reader_fail(r, "%s: %s expected, found %s", what, kind_name[kind],
				   kind_name[item->kind]);
	}
	return true;
}

static bool at(const struct reader *r, enum item_kind kind)
{
	return r->pos < r->size && r->data[r->pos] >> KIND_SHIFT == (int)kind;
}

bool at_text(const struct reader *r)
{
	return at(r, ITEM_TEXT);
}

bool at_array(const struct reader *r)
{
	return at(r, ITEM_ARRAY);
}

bool at_uint(const struct reader *r)
{
	return at(r, ITEM_UINT);
}

bool at_bytes(const struct reader *r)
{
	return at(r, ITEM_BYTES);
}

bool at_tag(const struct reader *r)
{
	return at(r, ITEM_TAG);
}

/*
 * `left` counts items that are still to come, so nesting needs no stack. Every item takes a byte:
 * a count beyond the bytes left is refused before it is added, and the loop ends.
 */
bool skip_item(struct reader *r, const char *what)
{
	uint64_t left = 1;
	struct item item;

	while (left != 0) {
		if (!next_any(r, what, &item)) {
			return false;
		}
		left--;
		if (item.kind == ITEM_TAG) {
			left++;
		} else if (item.kind == ITEM_ARRAY || item.kind == ITEM_MAP) {
			if (item.value > r->size - r->pos) {
				return reader_fail(r, "%s: more entries than bytes", what);
			}
			left += item.kind == ITEM_MAP ? 2 * item.value : item.value;
		}
	}
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

bool read_int(struct reader *r, const char *what, int64_t *value)
{
	bool negative = at(r, ITEM_NEGINT);
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

bool read_any_text(struct reader *r, const char *what, struct cca_bytes *value)
{
	struct item item;

	if (!next(r, what, ITEM_TEXT, &item)) {
		return false;
	}
	*value = (struct cca_bytes){item.content, (size_t)item.value};
	return true;
}

bool read_text(struct reader *r, const char *what, struct cca_bytes *value)
{
	struct cca_bytes text;

	if (!read_any_text(r, what, &text)) {
		return false;
	}
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < 0x20 || text.data[i] > 0x7e) {
			return reader_fail(r, "%s: text that is not printable ASCII", what);
		}
	}
	*value = text;
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

bool read_tag(struct reader *r, const char *what, uint64_t *tag)
{
	struct item item;

	if (!next(r, what, ITEM_TAG, &item)) {
		return false;
	}
	*tag = item.value;
	return true;
}

bool read_bool(struct reader *r, const char *what, bool *value)
{
	size_t start = r->pos;
	struct item item;

	if (!next(r, what, ITEM_SIMPLE, &item)) {
		return false;
	}
	*value = r->data[start] == BYTE_TRUE; /* not item.value, which may be that of a float */
	return *value || r->data[start] == BYTE_FALSE ||
	       reader_fail(r, "%s: must be true or false", what);
}

bool read_end(struct reader *r, const char *what)
{
	if (r->parse->err->status != CCA_OK) {
		return false;
	}
	if (r->pos != r->size) {
		return reader_fail(r, "%s: %zu bytes too many", what, r->size - r->pos);
	}
	return true;
}
