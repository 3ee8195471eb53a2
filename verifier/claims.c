// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "claims.h"

static bool read_claim(struct reader *r, const char *what, const struct claim *table, size_t rows,
		       uint32_t *seen, void *out)
{
	size_t start = r->pos;
	int64_t key;
	size_t i = 0;

	if (!read_int(r, what, &key)) {
		return false;
	}
	while (i < rows && table[i].key != key) {
		i++;
	}
	if (i == rows) {
		r->pos = start;
		return reader_fail(r, "%s: unknown key %" PRId64, what, key);
	}
	if (*seen & (UINT32_C(1) << i)) {
		r->pos = start;
		return reader_fail(r, "%s: %s twice", what, table[i].name);
	}
	*seen |= UINT32_C(1) << i;
	return table[i].read(r, table[i].name, out);
}

bool read_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
		 void *out)
{
	uint32_t seen = 0;
	size_t entries;

	if (!read_map(r, what, &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		if (!read_claim(r, what, table, rows, &seen, out)) {
			return false;
		}
	}
	for (size_t i = 0; i < rows; i++) {
		if (table[i].mandatory && !(seen & (UINT32_C(1) << i))) {
			return reader_fail(r, "%s: no %s", what, table[i].name);
		}
	}
	return true;
}

bool read_hash_name(struct reader *r, const char *what, unsigned int mask, enum cca_hash *hash)
{
	struct cca_bytes text;

	if (!read_text(r, what, &text)) {
		return false;
	}
	*hash = cca_hash_from_name((const char *)text.data, text.size);
	if (*hash == CCA_HASH_NONE || !(mask & (1u << *hash))) {
		return reader_fail(r, "%s: \"%.*s\" is not a hash for this place", what,
				   (int)(text.size < 32 ? text.size : 32), (const char *)text.data);
	}
	return true;
}

bool read_exact_text(struct reader *r, const char *what, const char *text, struct cca_bytes *value)
{
	if (!read_text(r, what, value)) {
		return false;
	}
	if (value->size != strlen(text) || memcmp(value->data, text, value->size) != 0) {
		return reader_fail(r, "%s: \"%.*s\", must be \"%s\"", what,
				   (int)(value->size < 48 ? value->size : 48),
				   (const char *)value->data, text);
	}
	return true;
}
