// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "claims.h"

/* A map being read. `seen` has a bit for each row of the table. */
struct claims {
	const char *what;
	const struct claim *table;
	size_t rows;
	bool closed;
	uint32_t seen;
	struct cca_bytes map;
};

static bool same_key(const struct cca_unknown *a, const struct cca_unknown *b)
{
	if (a->map.data != b->map.data || a->is_text != b->is_text || a->number != b->number) {
		return false;
	}
	return a->text.size == b->text.size &&
	       (a->text.size == 0 || memcmp(a->text.data, b->text.data, a->text.size) == 0);
}

/*
 * Skips the value of an unknown key and keeps the key for the report. Fails if the key came before
 * in this map, or if there are more than CCA_UNKNOWN_MAX.
 */
static bool record_unknown(struct reader *r, const struct cca_unknown *unknown)
{
	struct parse *p = r->parse;

	for (size_t i = 0; i < *p->unknown_count; i++) {
		if (same_key(&p->unknown[i], unknown)) {
			return reader_fail(r, "%s: an unknown key twice", unknown->where);
		}
	}
	if (*p->unknown_count == CCA_UNKNOWN_MAX) {
		return reader_fail(r, "%s: more than %u unknown keys", unknown->where,
				   CCA_UNKNOWN_MAX);
	}
	p->unknown[(*p->unknown_count)++] = *unknown;
	return skip_item(r, unknown->where);
}

static bool pass_over(struct reader *r, const struct claims *c, struct cca_unknown *unknown)
{
	if (r->parse->strict || c->closed) {
		return unknown->is_text ? reader_fail(r, "%s: unknown key, which is text", c->what)
					: reader_fail(r, "%s: unknown key %" PRId64, c->what,
						      unknown->number);
	}
	unknown->where = c->what;
	unknown->map = c->map;
	return record_unknown(r, unknown);
}

static bool read_known(struct reader *r, struct claims *c, size_t i, void *out)
{
	if (c->table[i].later && r->parse->strict) {
		return reader_fail(r, "%s: %s is not in specification 1.0", c->what,
				   c->table[i].name);
	}
	if (c->seen & (UINT32_C(1) << i)) {
		return reader_fail(r, "%s: %s twice", c->what, c->table[i].name);
	}
	c->seen |= UINT32_C(1) << i;
	return c->table[i].read(r, c->table[i].name, out);
}

/* One key and its value: a row of the table reads it, or it is passed over as unknown. */
static bool read_claim(struct reader *r, struct claims *c, void *out)
{
	struct cca_unknown key = {.is_text = at_text(r)};

	if (key.is_text) {
		return read_any_text(r, c->what, &key.text) && pass_over(r, c, &key);
	}
	if (!read_int(r, c->what, &key.number)) {
		return false;
	}
	for (size_t i = 0; i < c->rows; i++) {
		if (c->table[i].key == key.number) {
			return read_known(r, c, i, out);
		}
	}
	return pass_over(r, c, &key);
}

/* A whole map. Fails if a claim that the profile demands is absent. */
static bool read_all(struct reader *r, struct claims *c, void *out)
{
	size_t entries;

	if (!read_map(r, c->what, &entries)) {
		return false;
	}
	c->map = (struct cca_bytes){r->data + r->pos, 0};
	for (size_t i = 0; i < entries; i++) {
		if (!read_claim(r, c, out)) {
			return false;
		}
	}
	for (size_t i = 0; i < c->rows; i++) {
		if (c->table[i].must & IN(r->parse->profile) && !(c->seen & (UINT32_C(1) << i))) {
			return reader_fail(r, "%s: no %s", c->what, c->table[i].name);
		}
	}
	return true;
}

bool read_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
		 void *out)
{
	struct claims c = {.what = what, .table = table, .rows = rows};

	return read_all(r, &c, out);
}

bool read_closed_claims(struct reader *r, const char *what, const struct claim *table, size_t rows,
			void *out)
{
	struct claims c = {.what = what, .table = table, .rows = rows, .closed = true};

	return read_all(r, &c, out);
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
