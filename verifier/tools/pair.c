// SPDX-License-Identifier: BSD-3-Clause
#include "tools/pair.h"

#include <inttypes.h>
#include <string.h>

/* A region, the grant of it to one realm, and that realm's attachment; kind 0: there is none. */
struct sharing {
	const struct pair_side *provider;
	const struct pair_side *consumer;
	struct cca_record region;
	struct cca_record grant;
	struct cca_record attachment;
};

static uint64_t id_of(const struct pair_side *side)
{
	return side->token->realm.realm_id;
}

/* The record with these ids; kind 0 if there is none. */
static struct cca_record find(const struct pair_side *side, enum cca_record_kind kind,
			      uint64_t peer, uint64_t region)
{
	for (size_t i = 0; i < side->evidence.count; i++) {
		struct cca_record record = cca_evidence_record(&side->evidence, i);

		if (record.kind == kind && record.peer == peer && record.region == region) {
			return record;
		}
	}
	return (struct cca_record){0};
}

/*
 * The next sharing of a region of *provider with *consumer after *at, an index of the provider's
 * records that begins with 0. False: there are no more.
 */
static bool next_sharing(const struct pair_side *provider, const struct pair_side *consumer,
			 size_t *at, struct sharing *out)
{
	while (*at < provider->evidence.count) {
		struct cca_record record = cca_evidence_record(&provider->evidence, (*at)++);

		if (record.kind == CCA_RECORD_GRANT && record.peer == id_of(consumer)) {
			*out = (struct sharing){provider, consumer,
						find(provider, CCA_RECORD_REGION, 0, record.region),
						record,
						find(consumer, CCA_RECORD_ATTACHMENT,
						     id_of(provider), record.region)};
			return true;
		}
	}
	return false;
}

/* Whether both sides say that the consumer has the region now. */
static bool in_force(const struct sharing *s)
{
	return s->region.kind != 0 && !s->region.ending && !s->grant.ending &&
	       s->grant.state == CCA_RECORD_ATTACHED && s->attachment.kind != 0 &&
	       s->attachment.state == CCA_RECORD_ATTACHED && s->attachment.size == s->region.size;
}

/* --- checks */

struct told {
	cca_mismatch_fn *mismatch;
	void *ctx;
	size_t found;
};

static void tell(const struct told *told, const struct sharing *s, const char *what,
		 const char *text)
{
	char detail[200];

	snprintf(detail, sizeof(detail), "region %" PRIu64 " of %016" PRIx64 ": %s",
		 s->region.kind != 0 ? s->region.region : s->grant.region, id_of(s->provider),
		 text);
	told->mismatch(told->ctx, what, detail);
}

/* Nobody but the consumer has a grant of the region. */
static void check_exclusive(const struct told *told, const struct sharing *s)
{
	char text[100];

	for (size_t i = 0; i < s->provider->evidence.count; i++) {
		struct cca_record other = cca_evidence_record(&s->provider->evidence, i);

		if (other.kind != CCA_RECORD_GRANT || other.region != s->region.region ||
		    other.peer == id_of(s->consumer)) {
			continue;
		}
		if (other.peer == 0) {
			snprintf(text, sizeof(text),
				 "is granted to every realm that meets a policy");
		} else {
			snprintf(text, sizeof(text), "is granted to %016" PRIx64 " too",
				 other.peer);
		}
		tell(told, s, "pair.exclusive", text);
	}
}

/* Grants of *provider to *consumer. */
static void check_grants(struct told *told, const struct pair_side *provider,
			 const struct pair_side *consumer)
{
	struct sharing s;
	size_t at = 0;

	while (next_sharing(provider, consumer, &at, &s)) {
		if (!in_force(&s)) {
			tell(told, &s, "pair.attached",
			     "is granted but not attached, by one list or both");
			continue;
		}
		told->found++;
		check_exclusive(told, &s);
	}
}

/* Attachments of *consumer whose grants are gone. */
static void check_attachments(const struct told *told, const struct pair_side *provider,
			      const struct pair_side *consumer)
{
	for (size_t i = 0; i < consumer->evidence.count; i++) {
		struct cca_record record = cca_evidence_record(&consumer->evidence, i);
		const struct sharing s = {.provider = provider, .grant = record};

		if (record.kind == CCA_RECORD_ATTACHMENT && record.peer == id_of(provider) &&
		    find(provider, CCA_RECORD_GRANT, id_of(consumer), record.region).kind == 0) {
			tell(told, &s, "pair.granted",
			     "is attached by the other realm's list, and not granted by this "
			     "one's");
		}
	}
}

static bool same(struct cca_bytes a, struct cca_bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* The realm's key is drawn at each start of the platform, and endorsed by its token. */
static void check_places(const struct told *told, const struct pair_side sides[2])
{
	const struct cca_token *a = sides[0].token, *b = sides[1].token;

	if (!same(a->platform.implementation_id, b->platform.implementation_id) ||
	    !same(a->platform.instance_id, b->platform.instance_id) ||
	    !same(a->realm.public_key, b->realm.public_key)) {
		told->mismatch(told->ctx, "pair.platform",
			       "the tokens are of two machines, or of two starts of one");
	}
	if (!a->realm.has_realm_id || !b->realm.has_realm_id ||
	    a->realm.realm_id == b->realm.realm_id) {
		told->mismatch(told->ctx, "pair.realms", "the tokens are not of two realms");
	}
}

void pair_check(const struct pair_side sides[2], cca_mismatch_fn *mismatch, void *ctx)
{
	struct told told = {mismatch, ctx, 0};

	check_places(&told, sides);
	for (size_t i = 0; i < 2; i++) {
		check_grants(&told, &sides[i], &sides[1 - i]);
		check_attachments(&told, &sides[i], &sides[1 - i]);
	}
	if (told.found == 0) {
		mismatch(ctx, "pair.sharing", "neither realm has attached a region of the other");
	}
}

/* --- output */

static const char *permissions_text(unsigned int permissions)
{
	static const char *const texts[] = {
		"no access",    "read-only",        "write-only",     "read and write",
		"execute only", "read and execute", "write, execute", "read, write and execute"};

	return texts[permissions & 7];
}

/* One sharing that is in force: a line, and one for the digest if the region is sealed. */
static void print_sharing(const struct sharing *s, FILE *out)
{
	char hex[2 * CCA_DIGEST_SIZE + 1] = "not computed";

	if (s->region.has_digest) {
		cca_to_hex((struct cca_bytes){s->region.digest, CCA_DIGEST_SIZE}, hex, sizeof(hex));
	}
	fprintf(out,
		"  %016" PRIx64 " provides region %" PRIu64 ", %" PRIu64
		" bytes, %s, %s to %016" PRIx64 "\n",
		id_of(s->provider), s->region.region, s->region.size,
		s->region.sealed ? "sealed" : "not sealed", permissions_text(s->grant.permissions),
		id_of(s->consumer));
	if (s->region.sealed) {
		fprintf(out, "    sha-512 %s\n", hex);
	}
}

static void print_realm(const struct pair_side *side, FILE *out)
{
	char rim[2 * CCA_HASH_MAX + 1];

	cca_to_hex(side->token->realm.rim, rim, sizeof(rim));
	fprintf(out, "realm %016" PRIx64 "\n  rim %s\n", id_of(side), rim);
}

void pair_print(const struct pair_side sides[2], FILE *out)
{
	struct sharing s;

	print_realm(&sides[0], out);
	print_realm(&sides[1], out);
	fprintf(out, "sharings of the two\n");
	for (size_t i = 0; i < 2; i++) {
		size_t at = 0;

		while (next_sharing(&sides[i], &sides[1 - i], &at, &s)) {
			if (in_force(&s)) {
				print_sharing(&s, out);
			}
		}
	}
}

static json_t *sharing_to_json(const struct sharing *s)
{
	char hex[2 * CCA_DIGEST_SIZE + 1];
	char provider[17];
	char consumer[17];

	snprintf(provider, sizeof(provider), "%016" PRIx64, id_of(s->provider));
	snprintf(consumer, sizeof(consumer), "%016" PRIx64, id_of(s->consumer));
	cca_to_hex((struct cca_bytes){s->region.digest, CCA_DIGEST_SIZE}, hex, sizeof(hex));
	return json_pack("{s:s, s:s, s:I, s:I, s:b, s:o, s:i}", "provider", provider, "consumer",
			 consumer, "region", (json_int_t)s->region.region, "size",
			 (json_int_t)s->region.size, "sealed", (int)s->region.sealed, "digest",
			 s->region.has_digest ? json_string(hex) : json_null(), "permissions",
			 (int)s->grant.permissions);
}

json_t *pair_sharings(const struct pair_side sides[2])
{
	json_t *list = json_array();
	struct sharing s;

	for (size_t i = 0; i < 2; i++) {
		size_t at = 0;

		while (next_sharing(&sides[i], &sides[1 - i], &at, &s)) {
			if (in_force(&s) && json_array_append_new(list, sharing_to_json(&s)) != 0) {
				json_decref(list);
				return NULL;
			}
		}
	}
	return list;
}
