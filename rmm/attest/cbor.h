// SPDX-License-Identifier: BSD-3-Clause
/*
 * Writing CBOR (RFC 8949) into a buffer: definite lengths, shortest heads. What does not fit is not
 * written, and the writer says so at the end.
 */
#ifndef RMM_ATTEST_CBOR_H
#define RMM_ATTEST_CBOR_H

#include "base/types.h"

struct cbor {
	uint8_t *buffer;
	size_t size; /* of the buffer */
	size_t used; /* bytes that everything so far needs; more than size: it did not fit */
};

static inline struct cbor cbor_into(void *buffer, size_t size)
{
	return (struct cbor){buffer, size, 0};
}

/* Integers below 2^32 in magnitude, negative ones included. */
void cbor_int(struct cbor *cbor, int64_t value);
/* Byte string and, without its terminating NUL, text. */
void cbor_bytes(struct cbor *cbor, const void *bytes, size_t size);
void cbor_text(struct cbor *cbor, const char *text);
/* The head only; what belongs to it is written next. */
void cbor_bytes_head(struct cbor *cbor, size_t size);
void cbor_array(struct cbor *cbor, size_t count);
void cbor_map(struct cbor *cbor, size_t pairs);
void cbor_tag(struct cbor *cbor, uint64_t tag);
/* Bytes as they are. */
void cbor_raw(struct cbor *cbor, const void *bytes, size_t size);

/* Whether everything fitted; cbor->used bytes of the buffer are then valid. */
static inline bool cbor_fits(const struct cbor *cbor)
{
	return cbor->used <= cbor->size;
}

#endif
