// SPDX-License-Identifier: BSD-3-Clause
/*
 * A bounded pull reader for the subset of CBOR that CCA tokens use, over libcbor's streaming
 * decoder. It holds no memory of its own, never recurses, and refuses whatever a token cannot
 * contain: indefinite lengths, lengths or integers not in shortest form, floats, simple values.
 *
 * The first failure sticks: later calls return false and leave the first error in place, so a
 * caller may read a whole structure and look once.
 */
#ifndef CCA_READER_H
#define CCA_READER_H

#include "ccatoken.h"

struct reader {
	const uint8_t *data;
	size_t size;
	size_t pos;
	size_t base; /* offset of data[0] in the whole token, for error messages */
	struct cca_error *err;
};

/* Reads from a view; `whole` is the start of the token that the view lies in. */
struct reader reader_of(struct cca_bytes view, const uint8_t *whole, struct cca_error *err);

/* Records a failure at the current position, once. Always returns false. */
bool reader_fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each reads one data item of the kind it names; `what` is used in messages. */
bool read_uint(struct reader *r, const char *what, uint64_t *value);
bool read_int(struct reader *r, const char *what, int64_t *value);
bool read_bytes(struct reader *r, const char *what, struct cca_bytes *value);
bool read_map(struct reader *r, const char *what, size_t *entries);
bool read_array(struct reader *r, const char *what, size_t *entries);
bool read_tag(struct reader *r, const char *what, uint64_t tag);

/* Text; must be printable ASCII, so that it may be shown on a terminal. */
bool read_text(struct reader *r, const char *what, struct cca_bytes *value);

/* A byte string of exactly `size` bytes. */
bool read_bytes_sized(struct reader *r, const char *what, size_t size, struct cca_bytes *value);

/* Fails if anything is left. */
bool read_end(struct reader *r, const char *what);

#endif
