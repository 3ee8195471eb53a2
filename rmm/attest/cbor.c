// SPDX-License-Identifier: BSD-3-Clause
#include "attest/cbor.h"

#include <string.h>

enum major {
	MAJOR_UNSIGNED,
	MAJOR_NEGATIVE,
	MAJOR_BYTES,
	MAJOR_TEXT,
	MAJOR_ARRAY,
	MAJOR_MAP,
	MAJOR_TAG,
};

/* A head with more than its first byte says there how many bytes of the argument follow it. */
#define ARGUMENT_1_BYTE  24U
#define ARGUMENT_2_BYTES 25U
#define ARGUMENT_4_BYTES 26U

void cbor_raw(struct cbor *cbor, const void *bytes, size_t size)
{
	if (size != 0 && cbor->used <= cbor->size && size <= cbor->size - cbor->used) {
		memcpy(cbor->buffer + cbor->used, bytes, size);
	}
	cbor->used += size;
}

/* Writes the head of an item: major type and value, in the shortest form (RFC 8949, 3). */
static void head(struct cbor *cbor, enum major major, uint64_t argument)
{
	uint8_t bytes[5] = {(uint8_t)(major << 5)};
	size_t size = argument < ARGUMENT_1_BYTE ? 0
		      : argument < 0x100         ? 1
		      : argument < 0x10000       ? 2
						 : 4;

	if (size == 0) {
		bytes[0] |= (uint8_t)argument;
	} else {
		bytes[0] |= size == 1   ? ARGUMENT_1_BYTE
			    : size == 2 ? ARGUMENT_2_BYTES
					: ARGUMENT_4_BYTES;
	}
	for (size_t i = 0; i < size; i++) {
		bytes[size - i] = (uint8_t)(argument >> (8 * i));
	}
	cbor_raw(cbor, bytes, 1 + size);
}

void cbor_int(struct cbor *cbor, int64_t value)
{
	if (value >= 0) {
		head(cbor, MAJOR_UNSIGNED, (uint64_t)value);
	} else {
		head(cbor, MAJOR_NEGATIVE, (uint64_t)(-1 - value));
	}
}

void cbor_bytes_head(struct cbor *cbor, size_t size)
{
	head(cbor, MAJOR_BYTES, size);
}

void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size)
{
	head(cbor, MAJOR_BYTES, size);
	cbor_raw(cbor, bytes, size);
}

void cbor_text(struct cbor *cbor, const char *text)
{
	size_t size = strlen(text);

	head(cbor, MAJOR_TEXT, size);
	cbor_raw(cbor, text, size);
}

void cbor_array(struct cbor *cbor, size_t count)
{
	head(cbor, MAJOR_ARRAY, count);
}

void cbor_map(struct cbor *cbor, size_t pairs)
{
	head(cbor, MAJOR_MAP, pairs);
}

void cbor_tag(struct cbor *cbor, uint64_t tag)
{
	head(cbor, MAJOR_TAG, tag);
}
