// SPDX-License-Identifier: BSD-3-Clause
/*
 * A bounded pull reader for the CBOR (RFC 8949) of CCA tokens. It holds no memory, never recurses,
 * and refuses indefinite lengths, which the token's definition excludes. Lengths and numbers that
 * are not in shortest form are accepted, unless the reading is strict.
 *
 * The first failure sticks: later calls return false and leave the first error in place, so a
 * caller may read a whole structure and look once.
 */
#ifndef CCA_READER_H
#define CCA_READER_H

#include "ccatoken.h"

/* What all readers of one token share. */
struct parse {
	const uint8_t *whole; /* start of the token */
	bool strict;
	enum cca_profile profile; /* CCA_PROFILE_NONE until a map has named one */
	struct cca_error *err;
	struct cca_unknown *unknown; /* CCA_UNKNOWN_MAX of them, */
	size_t *unknown_count;       /* so many in use */
};

struct reader {
	const uint8_t *data;
	size_t size;
	size_t pos;
	struct parse *parse;
};

/* Reads from a view that lies in the token. */
struct reader reader_of(struct cca_bytes view, struct parse *parse);

/* Records a failure at the current position, once: malformed, unsupported. Always return false. */
bool reader_unsupported(struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
bool reader_fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Each reads one data item of the kind it names; `what` is used in messages. */
bool read_uint(struct reader *r, const char *what, uint64_t *value);
bool read_int(struct reader *r, const char *what, int64_t *value);
bool read_bytes(struct reader *r, const char *what, struct cca_bytes *value);
bool read_map(struct reader *r, const char *what, size_t *entries);
bool read_array(struct reader *r, const char *what, size_t *entries);
bool read_tag(struct reader *r, const char *what, uint64_t *tag);
bool read_bool(struct reader *r, const char *what, bool *value);

/* The kind of the next item; false at the end, or if it is not of this kind. Consumes nothing. */
bool at_text(const struct reader *r);
bool at_array(const struct reader *r);
bool at_uint(const struct reader *r);
bool at_bytes(const struct reader *r);
bool at_tag(const struct reader *r);

/* Passes over one data item of any kind, with all that is in it. */
bool skip_item(struct reader *r, const char *what);

/* Text as it is; must not be shown without a look at its characters. */
bool read_any_text(struct reader *r, const char *what, struct cca_bytes *value);

/* Text; must be printable ASCII, so that it may be shown on a terminal. */
bool read_text(struct reader *r, const char *what, struct cca_bytes *value);

/* A byte string of exactly `size` bytes. */
bool read_bytes_sized(struct reader *r, const char *what, size_t size, struct cca_bytes *value);

/* Fails if anything is left. */
bool read_end(struct reader *r, const char *what);

#endif
