// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "claims.h"

#define KEY_PROFILE 265

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
		if (c->table[i].mandatory && !(c->seen & (UINT32_C(1) << i))) {
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

/* The key of the entry at r, 0 if it is no number (0 is the key of no claim that is looked for). */
static bool peek_key(struct reader *r, const char *what, int64_t *key)
{
	*key = 0;
	return at_text(r) ? skip_item(r, what) : read_int(r, what, key);
}

/* The text of the profile claim in the map at r; empty if there is none. */
static bool find_profile(struct reader *r, const char *what, struct cca_bytes *found)
{
	size_t entries;
	int64_t key;

	if (!read_map(r, what, &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		if (!peek_key(r, what, &key)) {
			return false;
		}
		if (key == KEY_PROFILE && at_text(r)) {
			return read_text(r, what, found);
		}
		if (!skip_item(r, what)) {
			return false;
		}
	}
	return true;
}

/* What is wrong with the map besides is found, and told better, by those who read it. */
bool check_profile(struct reader *r, const char *what, const char *text)
{
	struct cca_error ignored = {0};
	struct parse scan = {.whole = r->parse->whole, .err = &ignored};
	struct reader ahead = *r;
	struct cca_bytes found = {0};

	ahead.parse = &scan;
	if (!find_profile(&ahead, what, &found) || found.size == 0 ||
	    (found.size == strlen(text) && memcmp(found.data, text, found.size) == 0)) {
		return true;
	}
	return reader_unsupported(r, "%s: profile %.*s is not supported", what,
				  (int)(found.size < 96 ? found.size : 96),
				  (const char *)found.data);
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
