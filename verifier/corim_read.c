// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reading CoRIMs with the tables that read tokens: closed maps, so that nothing that a CoRIM
 * expects is passed over. What only describes (entities, names of vendors) may be there.
 */
#include <stdio.h>
#include <string.h>

#include "claims.h"
#include "corim.h"
#include "corim_keys.h"
#include "sign1.h"

#define KEY_TEXT_MAX 1024

/* The CoRIM being read. */
struct corim {
	struct cca_policy *policy;
	int64_t now;
	bool is_realm; /* the profile, which is known before the tags are read */
	struct cca_bytes tags;
	size_t realms;      /* reference triples of realms */
	bool realm_details; /* one of them has REMs or an RPV */
};

struct environment {
	struct cca_bytes class_id;
	struct cca_bytes instance; /* empty if absent */
};

/* One measurement-map; what is absent is empty or zero. */
struct measured {
	struct cca_bytes key;
	struct cca_bytes version;
	struct cca_bytes name;
	struct cca_bytes signer;
	struct cca_bytes raw;
	struct cca_bytes mask;
	bool masked;
	size_t digest_count;
	struct cca_bytes digest[3];
};

static bool is(struct cca_bytes text, const char *name)
{
	return text.size == strlen(name) && memcmp(text.data, name, text.size) == 0;
}

/* What has no part in a comparison. */
static bool pass_over(struct reader *r, const char *name, void *out)
{
	(void)out;
	return skip_item(r, name);
}

/*
 * Adds a value that the token may have, unless it is there. Unsupported if the set is full or the
 * value too long.
 */
static bool add_value(struct reader *r, const char *what, struct cca_policy_set *set,
		      struct cca_bytes value)
{
	struct cca_policy_value *v = &set->value[set->count];

	for (size_t i = 0; i < set->count; i++) {
		if (set->value[i].size == value.size &&
		    memcmp(set->value[i].data, value.data, value.size) == 0) {
			return true;
		}
	}
	if (set->count == CCA_POLICY_VALUES || value.size > sizeof(v->data)) {
		return reader_unsupported(r, "%s: more than %u values, or longer than %u bytes",
					  what, CCA_POLICY_VALUES, CCA_POLICY_VALUE_SIZE);
	}
	v->size = value.size;
	memcpy(v->data, value.data, value.size);
	set->count++;
	return true;
}

/* --- environments --- */

static bool read_class_id(struct reader *r, const char *name, void *out)
{
	return expect_tag(r, name, TAG_BYTES) &&
	       read_bytes(r, name, &((struct environment *)out)->class_id);
}

static const struct claim class_table[] = {
	{CLASS_ID, "class id", ALWAYS, read_class_id, false},
	{CLASS_VENDOR, "vendor", OPTIONAL, pass_over, false},
	{CLASS_MODEL, "model", OPTIONAL, pass_over, false},
};

static bool read_class(struct reader *r, const char *name, void *out)
{
	return read_closed_claims(r, name, class_table,
				  sizeof(class_table) / sizeof(class_table[0]), out);
}

static bool read_instance(struct reader *r, const char *name, void *out)
{
	struct environment *e = out;

	return expect_tag(r, name, TAG_UEID) &&
	       read_bytes_sized(r, name, CCA_INSTANCE_SIZE, &e->instance);
}

static const struct claim environment_table[] = {
	{ENVIRONMENT_CLASS, "class", ALWAYS, read_class, false},
	{ENVIRONMENT_INSTANCE, "instance", OPTIONAL, read_instance, false},
};

static bool read_environment(struct reader *r, struct environment *e)
{
	return read_closed_claims(r, "environment", environment_table, 2, e);
}

/* --- measurements --- */

static bool read_version_text(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct measured *)out)->version);
}

/* A version-scheme may not be there (endorsements draft, 3.1.3.1). */
static bool read_version(struct reader *r, const char *name, void *out)
{
	static const struct claim table[] = {{0, "version", ALWAYS, read_version_text, false}};

	return read_closed_claims(r, name, table, 1, out);
}

/* Algorithm and value; the size must be the algorithm's. */
static bool read_digest(struct reader *r, const char *name, struct measured *m)
{
	struct cca_bytes value;
	enum cca_hash hash;

	if (!read_hash_name(r, name,
			    1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA384 | 1u << CCA_HASH_SHA512,
			    &hash) ||
	    !read_bytes_sized(r, name, cca_hash_size(hash), &value)) {
		return false;
	}
	if (m->digest_count == sizeof(m->digest) / sizeof(m->digest[0])) {
		return reader_fail(r, "%s: more than one for each algorithm", name);
	}
	m->digest[m->digest_count++] = value;
	return true;
}

/* A list of digests; examples of the draft have a single one without the list around it. */
static bool read_digests(struct reader *r, const char *name, void *out)
{
	size_t entries;
	size_t parts;

	if (!read_array(r, name, &entries)) {
		return false;
	}
	if (entries == 2 && at_text(r)) {
		return read_digest(r, name, out);
	}
	for (size_t i = 0; i < entries; i++) {
		if (!read_array(r, name, &parts) ||
		    (parts != 2 && !reader_fail(r, "%s: must be algorithm and value", name)) ||
		    !read_digest(r, name, out)) {
			return false;
		}
	}
	return entries != 0 || reader_fail(r, "%s: the list is empty", name);
}

static bool read_masked(struct reader *r, const char *name, struct measured *m)
{
	size_t entries;

	if (!read_array(r, name, &entries) || !read_bytes(r, name, &m->raw)) {
		return false;
	}
	m->masked = true;
	return read_bytes(r, name, &m->mask) &&
	       ((entries == 2 && m->mask.size == m->raw.size) ||
		reader_fail(r, "%s: must be a value and a mask of the same size", name));
}

static bool read_raw(struct reader *r, const char *name, void *out)
{
	struct measured *m = out;
	uint64_t tag;

	if (!read_tag(r, name, &tag)) {
		return false;
	}
	return tag == TAG_MASKED_BYTES ? read_masked(r, name, m)
	       : tag == TAG_BYTES
		       ? read_bytes(r, name, &m->raw)
		       : reader_fail(r, "%s: tag %llu, must be %d or %d", name,
				     (unsigned long long)tag, TAG_BYTES, TAG_MASKED_BYTES);
}

static bool read_name(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct measured *)out)->name);
}

static bool read_signer(struct reader *r, const char *name, void *out)
{
	struct measured *m = out;
	size_t entries;

	return read_array(r, name, &entries) &&
	       (entries == 1 || reader_fail(r, "%s: must be one", name)) &&
	       expect_tag(r, name, TAG_BYTES) && read_bytes(r, name, &m->signer) &&
	       (m->signer.size == 32 || m->signer.size == 48 || m->signer.size == 64 ||
		reader_fail(r, "%s: %zu bytes, must be 32, 48 or 64", name, m->signer.size));
}

static const struct claim value_table[] = {
	{VALUE_VERSION, "version", OPTIONAL, read_version, false},
	{VALUE_DIGESTS, "digests", OPTIONAL, read_digests, false},
	{VALUE_RAW, "raw value", OPTIONAL, read_raw, false},
	{VALUE_NAME, "name", OPTIONAL, read_name, false},
	{VALUE_CRYPTOKEYS, "cryptokeys", OPTIONAL, read_signer, false},
};

static bool read_values(struct reader *r, const char *name, void *out)
{
	return read_closed_claims(r, name, value_table,
				  sizeof(value_table) / sizeof(value_table[0]), out);
}

static bool read_mkey(struct reader *r, const char *name, void *out)
{
	return read_text(r, name, &((struct measured *)out)->key);
}

static const struct claim measurement_table[] = {
	{MEASUREMENT_KEY, "measurement key", ALWAYS, read_mkey, false},
	{MEASUREMENT_VALUE, "measurement values", ALWAYS, read_values, false},
};

/* --- what a platform is compared with --- */

/*
 * The policy's entry for a software component, a new one if there is none. NULL, and unsupported,
 * if the name does not fit or there are too many.
 */
static struct cca_policy_component *component_named(struct reader *r, struct cca_policy *p,
						    struct cca_bytes name)
{
	struct cca_policy_component *c;

	for (size_t i = 0; i < p->component_count; i++) {
		if (is(name, p->component[i].type)) {
			return &p->component[i];
		}
	}
	if (name.size == 0 || name.size >= CCA_POLICY_TYPE_SIZE) {
		reader_unsupported(r,
				   "software component: without a name, or with a longer one "
				   "than %u bytes",
				   CCA_POLICY_TYPE_SIZE - 1);
		return NULL;
	}
	if (p->component_count == CCA_POLICY_COMPONENTS) {
		reader_unsupported(r, "more than %u software components", CCA_POLICY_COMPONENTS);
		return NULL;
	}
	c = &p->component[p->component_count++];
	memset(c, 0, sizeof(*c));
	memcpy(c->type, name.data, name.size);
	return c;
}

/* A software component: digests and signer are expected, and a version if there is one. */
static bool add_component(struct reader *r, struct cca_policy *p, const struct measured *m)
{
	struct cca_policy_component *c = component_named(r, p, m->name);

	if (c == NULL) {
		return false;
	}
	if (m->digest_count == 0 || m->signer.size == 0) {
		return reader_fail(r, "cca.software-component: needs digests and cryptokeys");
	}
	for (size_t i = 0; i < m->digest_count; i++) {
		if (!add_value(r, "digests", &c->measurement, m->digest[i])) {
			return false;
		}
	}
	return add_value(r, "cryptokeys", &c->signer_id, m->signer) &&
	       (m->version.size == 0 || add_value(r, "version", &c->version, m->version));
}

/* A platform configuration: value and mask. Unsupported if two masks differ. */
static bool add_config(struct reader *r, struct cca_policy *p, const struct measured *m)
{
	struct cca_bytes before = {p->config_mask.data, p->config_mask.size};

	if (!m->masked) {
		return reader_fail(r, "cca.platform-config: must have a value and a mask");
	}
	if (p->config.count != 0 &&
	    (before.size != m->mask.size || memcmp(before.data, m->mask.data, before.size) != 0)) {
		return reader_unsupported(r, "cca.platform-config: two with different masks");
	}
	if (!add_value(r, "cca.platform-config", &p->config, m->raw)) {
		return false;
	}
	p->config_mask.size = m->mask.size;
	memcpy(p->config_mask.data, m->mask.data, m->mask.size);
	return true;
}

static bool add_platform(struct reader *r, struct corim *c, const struct measured *m)
{
	if (is(m->key, "cca.software-component")) {
		return add_component(r, c->policy, m);
	}
	if (is(m->key, "cca.platform-config")) {
		return add_config(r, c->policy, m);
	}
	return reader_unsupported(r, "measurement \"%.*s\" is not supported", (int)m->key.size,
				  (const char *)m->key.data);
}

/* --- what a realm is compared with --- */

/*
 * A measurement of a realm: RIM, REM or RPV. The RIM must be the class id as well. Another key is
 * unsupported.
 */
static bool add_realm(struct reader *r, struct corim *c, const struct measured *m,
		      const struct environment *e)
{
	struct cca_policy *p = c->policy;

	if (is(m->key, "cca.rpv")) {
		c->realm_details = true;
		return m->raw.size == CCA_RPV_SIZE && !m->masked
			       ? add_value(r, "cca.rpv", &p->rpv, m->raw)
			       : reader_fail(r, "cca.rpv: must have %u bytes", CCA_RPV_SIZE);
	}
	if (m->digest_count != 1) {
		return reader_unsupported(r, "\"%.*s\": must have one digest", (int)m->key.size,
					  (const char *)m->key.data);
	}
	if (is(m->key, "cca.rim")) {
		return m->digest[0].size == e->class_id.size &&
				       memcmp(m->digest[0].data, e->class_id.data,
					      e->class_id.size) == 0
			       ? add_value(r, "cca.rim", &p->rim, m->digest[0])
			       : reader_fail(r, "cca.rim: is not the class id of the realm");
	}
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		const char name[] = {'c', 'c', 'a', '.', 'r', 'e', 'm', (char)('0' + i), '\0'};

		if (is(m->key, name)) {
			c->realm_details = true;
			return add_value(r, "REM", &p->rem[i], m->digest[0]);
		}
	}
	return reader_unsupported(r, "measurement \"%.*s\" is not supported", (int)m->key.size,
				  (const char *)m->key.data);
}

/* --- triples --- */

/* The measurements of one environment, into the policy. A realm must have a RIM among them. */
static bool read_measurements(struct reader *r, struct corim *c, const struct environment *e)
{
	bool has_rim = false;
	size_t entries;

	if (!read_array(r, "measurements", &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		struct measured m = {0};

		if (!read_closed_claims(r, "measurement", measurement_table, 2, &m) ||
		    !(c->is_realm ? add_realm(r, c, &m, e) : add_platform(r, c, &m))) {
			return false;
		}
		has_rim |= is(m.key, "cca.rim");
	}
	return !c->is_realm || has_rim || reader_fail(r, "realm: no \"cca.rim\"");
}

/* A reference triple: [environment, measurements]. */
static bool read_reference(struct reader *r, struct corim *c)
{
	struct environment e = {0};
	size_t entries;

	if (!read_array(r, "reference triple", &entries) || !read_environment(r, &e)) {
		return false;
	}
	if (entries != 2) {
		return reader_fail(r, "reference triple: must be environment and measurements");
	}
	if (c->is_realm) {
		c->realms++;
	} else if (e.class_id.size != CCA_IMPL_ID_SIZE) {
		return reader_fail(r, "class id: %zu bytes, must be %u", e.class_id.size,
				   CCA_IMPL_ID_SIZE);
	} else if (!add_value(r, "class id", &c->policy->implementation_id, e.class_id) ||
		   (e.instance.size != 0 &&
		    !add_value(r, "instance", &c->policy->instance_id, e.instance))) {
		return false;
	}
	return read_measurements(r, c, &e);
}

/* The base64 of a SubjectPublicKeyInfo becomes PEM if it is not. */
static bool add_key(struct reader *r, struct corim *c, struct cca_bytes text,
		    const struct environment *e)
{
	struct cca_policy *p = c->policy;
	char pem[KEY_TEXT_MAX + 64];
	struct cca_error why;
	bool is_pem = text.size >= 10 && memcmp(text.data, "-----BEGIN", 10) == 0;
	size_t at = p->anchor_count;

	if (text.size > KEY_TEXT_MAX || at == CCA_POLICY_ANCHORS) {
		return reader_unsupported(r, "more than %u keys, or one that is too long",
					  CCA_POLICY_ANCHORS);
	}
	snprintf(pem, sizeof(pem), "%s%.*s%s", is_pem ? "" : "-----BEGIN PUBLIC KEY-----\n",
		 (int)text.size, (const char *)text.data,
		 is_pem ? "" : "\n-----END PUBLIC KEY-----\n");
	if (cca_key_from_pem(pem, strlen(pem), &p->anchor[at], &why) != CCA_OK) {
		return reader_fail(r, "key: %s", why.text);
	}
	snprintf(p->anchor_name[at], CCA_POLICY_NAME_SIZE, "CoRIM");
	p->anchor_owner[at] = (struct cca_policy_owner){.bound = true};
	memcpy(p->anchor_owner[at].implementation_id, e->class_id.data, CCA_IMPL_ID_SIZE);
	memcpy(p->anchor_owner[at].instance_id, e->instance.data, CCA_INSTANCE_SIZE);
	p->anchor_count++;
	return true;
}

/*
 * A key triple: the platform's environment, with an instance, and its one key becomes an anchor
 * that is bound to this platform.
 */
static bool read_attest_key(struct reader *r, struct corim *c)
{
	struct environment e = {0};
	struct cca_bytes text;
	size_t entries;
	size_t keys;

	if (!read_array(r, "key triple", &entries) || !read_environment(r, &e) ||
	    !read_array(r, "key triple", &keys)) {
		return false;
	}
	if (entries != 2 || keys != 1 || e.class_id.size != CCA_IMPL_ID_SIZE ||
	    e.instance.size == 0) {
		return reader_fail(r, "key triple: must be implementation and instance id, and one "
				      "key");
	}
	return expect_tag(r, "key", TAG_PKIX_KEY) && read_any_text(r, "key", &text) &&
	       add_key(r, c, text, &e);
}

static bool read_list(struct reader *r, const char *name, struct corim *c,
		      bool (*read)(struct reader *r, struct corim *c))
{
	size_t entries;

	if (!read_array(r, name, &entries)) {
		return false;
	}
	for (size_t i = 0; i < entries; i++) {
		if (!read(r, c)) {
			return false;
		}
	}
	return true;
}

static bool read_references(struct reader *r, const char *name, void *out)
{
	return read_list(r, name, out, read_reference);
}

static bool read_attest_keys(struct reader *r, const char *name, void *out)
{
	struct corim *c = out;

	return c->is_realm ? reader_fail(r, "%s: not in the realm profile", name)
			   : read_list(r, name, c, read_attest_key);
}

static const struct claim triples_table[] = {
	{TRIPLES_REFERENCE, "reference triples", OPTIONAL, read_references, false},
	{TRIPLES_ATTEST_KEY, "attest key triples", OPTIONAL, read_attest_keys, false},
};

static bool read_triples(struct reader *r, const char *name, void *out)
{
	return read_closed_claims(r, name, triples_table, 2, out);
}

static const struct claim comid_table[] = {
	{COMID_LANGUAGE, "language", OPTIONAL, pass_over, false},
	{COMID_IDENTITY, "tag identity", ALWAYS, pass_over, false},
	{COMID_ENTITIES, "entities", OPTIONAL, pass_over, false},
	{COMID_TRIPLES, "triples", ALWAYS, read_triples, false},
};

static bool read_comid(struct reader *r, struct corim *c)
{
	struct cca_bytes bytes;
	struct reader inner;

	if (!expect_tag(r, "tag of the CoRIM", TAG_COMID) || !read_bytes(r, "CoMID", &bytes)) {
		return false;
	}
	inner = reader_of(bytes, r->parse);
	return read_closed_claims(&inner, "CoMID", comid_table,
				  sizeof(comid_table) / sizeof(comid_table[0]), c) &&
	       read_end(&inner, "CoMID");
}

/* --- the CoRIM --- */

/* Profile and tags may come in either order, so the tags are read when both are known. */
static bool keep_tags(struct reader *r, const char *name, void *out)
{
	struct corim *c = out;
	size_t start = r->pos;

	if (!skip_item(r, name)) {
		return false;
	}
	c->tags = (struct cca_bytes){r->data + start, r->pos - start};
	return true;
}

static bool read_profile(struct reader *r, const char *name, void *out)
{
	struct corim *c = out;
	struct cca_bytes text;

	if (!expect_tag(r, name, TAG_URI) || !read_text(r, name, &text)) {
		return false;
	}
	c->is_realm = is(text, PROFILE_REALM) || is(text, PROFILE_REALM_OLD);
	return c->is_realm || is(text, PROFILE_PLATFORM) || is(text, PROFILE_PLATFORM_OLD) ||
	       reader_unsupported(r, "CoRIM profile %.*s is not supported",
				  (int)(text.size < 96 ? text.size : 96), (const char *)text.data);
}

struct validity {
	int64_t not_before;
	int64_t not_after;
};

static bool read_time(struct reader *r, const char *name, int64_t *seconds)
{
	return expect_tag(r, name, TAG_TIME) && read_int(r, name, seconds);
}

static bool read_not_before(struct reader *r, const char *name, void *out)
{
	return read_time(r, name, &((struct validity *)out)->not_before);
}

static bool read_not_after(struct reader *r, const char *name, void *out)
{
	return read_time(r, name, &((struct validity *)out)->not_after);
}

static bool read_validity(struct reader *r, const char *name, void *out)
{
	static const struct claim table[] = {
		{0, "not before", OPTIONAL, read_not_before, false},
		{1, "not after", ALWAYS, read_not_after, false},
	};
	struct validity v = {.not_before = INT64_MIN};
	struct corim *c = out;

	return read_closed_claims(r, name, table, 2, &v) &&
	       ((c->now >= v.not_before && c->now <= v.not_after) ||
		reader_fail(r, "CoRIM: not valid at this time"));
}

static const struct claim corim_table[] = {
	{CORIM_ID, "CoRIM id", ALWAYS, pass_over, false},
	{CORIM_TAGS, "tags", ALWAYS, keep_tags, false},
	{CORIM_PROFILE, "CoRIM profile", ALWAYS, read_profile, false},
	{CORIM_VALIDITY, "validity", OPTIONAL, read_validity, false},
	{CORIM_ENTITIES, "entities", OPTIONAL, pass_over, false},
};

/*
 * The whole CoRIM, unsigned. Fails if it is malformed, not valid now, or says something that a
 * policy cannot express.
 */
static bool read_corim(struct reader *r, struct corim *c)
{
	struct reader tags;
	uint64_t tag;

	if (!read_tag(r, "CoRIM", &tag)) {
		return false;
	}
	if (tag == TAG_COSE_SIGN1) {
		return reader_unsupported(r, "CoRIM: signed: give a key to check it with");
	}
	if (tag != TAG_CORIM) {
		return reader_fail(r, "CoRIM: tag %llu, must be %d", (unsigned long long)tag,
				   TAG_CORIM);
	}
	if (!read_closed_claims(r, "CoRIM", corim_table,
				sizeof(corim_table) / sizeof(corim_table[0]), c) ||
	    !read_end(r, "CoRIM")) {
		return false;
	}
	tags = reader_of(c->tags, r->parse);
	return read_list(&tags, "tags", c, read_comid) &&
	       (c->realms < 2 || !c->realm_details ||
		reader_unsupported(r, "CoRIM: REMs or RPV of one realm among several"));
}

enum cca_status cca_corim_read(const void *data, size_t size, int64_t now,
			       struct cca_policy *policy, struct cca_error *err)
{
	struct cca_unknown unknown[1];
	size_t unknown_count = 0;
	struct parse parse = {
		.whole = data,
		.err = err,
		.unknown = unknown,
		.unknown_count = &unknown_count,
	};
	struct reader r = reader_of((struct cca_bytes){data, size}, &parse);
	struct corim c = {.policy = policy, .now = now};

	memset(err, 0, sizeof(*err));
	if (size > CCA_CORIM_MAX) {
		*err = (struct cca_error){.status = CCA_MALFORMED};
		snprintf(err->text, sizeof(err->text), "CoRIM: longer than %u bytes",
			 CCA_CORIM_MAX);
	} else {
		read_corim(&r, &c);
	}
	return err->status;
}
