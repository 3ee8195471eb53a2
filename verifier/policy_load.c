// SPDX-License-Identifier: BSD-3-Clause
/* Policy files: JSON, read with jansson into the fixed structure that the comparison works on. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy.h"

#define POLICY_VERSION 1

/* Where a file is being read. `folder` is the start of the path up to the last '/', for anchors. */
struct loader {
	struct cca_policy *policy;
	struct cca_error *err;
	const char *path;
	size_t folder_size;
};

/* A member a JSON object may have. */
struct member {
	const char *name;
	bool (*load)(struct loader *l, const char *name, const json_t *value);
};

static bool __attribute__((format(printf, 2, 3))) fail(struct cca_error *err, const char *format,
						       ...)
{
	va_list ap;

	*err = (struct cca_error){.status = CCA_MALFORMED};
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return false;
}

/* At most `max` bytes; the caller finds a file too long that has so many. */
static bool read_file(const char *path, uint8_t *data, size_t max, size_t *size,
		      struct cca_error *err)
{
	FILE *file = fopen(path, "rb");
	bool ok;

	if (file == NULL) {
		return fail(err, "%s", strerror(errno));
	}
	errno = 0;
	*size = fread(data, 1, max, file);
	ok = ferror(file) == 0 || fail(err, "%s", errno != 0 ? strerror(errno) : "cannot be read");
	fclose(file);
	return ok;
}

/*
 * Loads each member of an object by its row in the table. Fails at a name that no row has: a
 * misspelt expectation must not be left out.
 */
static bool load_members(struct loader *l, const json_t *object, const char *what,
			 const struct member *table, size_t rows)
{
	const char *name;
	json_t *value;

	if (!json_is_object(object)) {
		return fail(l->err, "%s: must be an object", what);
	}
	json_object_foreach ((json_t *)object, name, value) {
		size_t i = 0;

		while (i < rows && strcmp(table[i].name, name) != 0) {
			i++;
		}
		if (i == rows) {
			return fail(l->err, "%s: unknown member \"%s\"", what, name);
		}
		if (!table[i].load(l, name, value)) {
			return false;
		}
	}
	return true;
}

/* --- values --- */

/*
 * Adds the bytes of a hexadecimal text to the set. Fails, and the set stays, if there is no room
 * or it is no such text.
 */
static bool add_hex(struct loader *l, const char *name, const json_t *value,
		    struct cca_policy_set *set)
{
	struct cca_policy_value *v = &set->value[set->count];

	if (set->count == CCA_POLICY_VALUES) {
		return fail(l->err, "%s: more than %u values", name, CCA_POLICY_VALUES);
	}
	if (!json_is_string(value)) {
		return fail(l->err, "%s: must be hexadecimal text, or a list of such", name);
	}
	v->size = cca_from_hex(json_string_value(value), v->data, sizeof(v->data));
	if (v->size == 0) {
		return fail(l->err, "%s: not hexadecimal digits for 1 to %u bytes", name,
			    CCA_POLICY_VALUE_SIZE);
	}
	set->count++;
	return true;
}

/* A measurement or the hash of a key, of any algorithm. */
static bool add_hash(struct loader *l, const char *name, const json_t *value,
		     struct cca_policy_set *set)
{
	size_t size;

	if (!add_hex(l, name, value, set)) {
		return false;
	}
	size = set->value[set->count - 1].size;
	return size == 32 || size == 48 || size == 64 ||
	       fail(l->err, "%s: %zu bytes, must be 32, 48 or 64", name, size);
}

/*
 * Adds the bytes of a text to the set. Fails, and the set stays, if there is no room or it is
 * empty or too long.
 */
static bool add_text(struct loader *l, const char *name, const json_t *value,
		     struct cca_policy_set *set)
{
	struct cca_policy_value *v = &set->value[set->count];
	size_t size = json_string_length(value);

	if (set->count == CCA_POLICY_VALUES) {
		return fail(l->err, "%s: more than %u values", name, CCA_POLICY_VALUES);
	}
	if (!json_is_string(value) || size == 0 || size > sizeof(v->data)) {
		return fail(l->err, "%s: must be text of 1 to %u bytes, or a list of such", name,
			    CCA_POLICY_VALUE_SIZE);
	}
	v->size = size;
	memcpy(v->data, json_string_value(value), size);
	set->count++;
	return true;
}

typedef bool add_fn(struct loader *l, const char *name, const json_t *value,
		    struct cca_policy_set *set);

/* A list may not be empty: it would accept everything where its writer means nothing. */
static bool load_set(struct loader *l, const char *name, const json_t *value,
		     struct cca_policy_set *set, add_fn *add)
{
	size_t i;
	json_t *each;

	if (!json_is_array(value)) {
		return add(l, name, value, set);
	}
	if (json_array_size(value) == 0) {
		return fail(l->err, "%s: the list is empty", name);
	}
	json_array_foreach ((json_t *)value, i, each) {
		if (!add(l, name, each, set)) {
			return false;
		}
	}
	return true;
}

static bool check_size(struct loader *l, const char *name, const struct cca_policy_set *set,
		       size_t size)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->value[i].size != size) {
			return fail(l->err, "%s: %zu bytes, must be %zu", name, set->value[i].size,
				    size);
		}
	}
	return true;
}

static bool load_hash(struct loader *l, const char *name, const json_t *value, enum cca_hash *hash)
{
	const char *text = json_string_value(value);

	*hash = text != NULL ? cca_hash_from_name(text, strlen(text)) : CCA_HASH_NONE;
	return *hash != CCA_HASH_NONE ||
	       fail(l->err, "%s: must be \"sha-256\", \"sha-384\" or \"sha-512\"", name);
}

/* --- realm --- */

static bool load_rim(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->rim, add_hash);
}

static bool load_rem(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->rem[name[3] - '0'], add_hash);
}

static bool load_rpv(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->rpv, add_hex) &&
	       check_size(l, name, &l->policy->rpv, CCA_RPV_SIZE);
}

static bool load_rpv_text(struct loader *l, const char *name, const json_t *value)
{
	struct cca_policy_set *set = &l->policy->rpv;
	struct cca_policy_value *v = &set->value[set->count];
	size_t size = json_string_length(value);

	if (!json_is_string(value) || size > CCA_RPV_SIZE || set->count == CCA_POLICY_VALUES) {
		return fail(l->err, "%s: must be text of at most %u bytes", name, CCA_RPV_SIZE);
	}
	*v = (struct cca_policy_value){.size = CCA_RPV_SIZE};
	memcpy(v->data, json_string_value(value), size);
	set->count++;
	return true;
}

static bool load_realm_id(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->realm_id, add_hex) &&
	       check_size(l, name, &l->policy->realm_id, 8);
}

static bool load_realm_instance(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->realm_instance, add_hex) &&
	       check_size(l, name, &l->policy->realm_instance, CCA_INSTANCE_SIZE);
}

static bool load_realm_hash(struct loader *l, const char *name, const json_t *value)
{
	return load_hash(l, name, value, &l->policy->realm_hash);
}

static bool load_realm(struct loader *l, const char *name, const json_t *value)
{
	static const struct member table[] = {
		{"rim", load_rim},           {"rem0", load_rem},
		{"rem1", load_rem},          {"rem2", load_rem},
		{"rem3", load_rem},          {"rpv", load_rpv},
		{"id", load_realm_id},       {"hash", load_realm_hash},
		{"rpv-text", load_rpv_text}, {"instance-id", load_realm_instance},
	};

	return load_members(l, value, name, table, sizeof(table) / sizeof(table[0]));
}

/* --- platform --- */

static bool load_implementation(struct loader *l, const char *name, const json_t *value)
{
	struct cca_policy_set *set = &l->policy->implementation_id;

	return load_set(l, name, value, set, add_hex) && check_size(l, name, set, CCA_IMPL_ID_SIZE);
}

static bool load_instance(struct loader *l, const char *name, const json_t *value)
{
	struct cca_policy_set *set = &l->policy->instance_id;

	return load_set(l, name, value, set, add_hex) &&
	       check_size(l, name, set, CCA_INSTANCE_SIZE);
}

static bool load_config(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &l->policy->config, add_hex);
}

static bool load_platform_hash(struct loader *l, const char *name, const json_t *value)
{
	return load_hash(l, name, value, &l->policy->platform_hash);
}

static bool add_lifecycle(struct loader *l, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);

	for (unsigned int state = 0; text != NULL && state < 7; state++) {
		if (strcmp(text, cca_lifecycle_name((uint16_t)(state << 12))) == 0) {
			l->policy->lifecycles |= UINT32_C(1) << state;
			return true;
		}
	}
	return fail(l->err, "%s: \"%s\" is no lifecycle state", name, text != NULL ? text : "?");
}

/* The list of accepted states, in place of the default. */
static bool load_lifecycle(struct loader *l, const char *name, const json_t *value)
{
	size_t i;
	json_t *each;

	if (!json_is_array(value) || json_array_size(value) == 0) {
		return fail(l->err, "%s: must be a list of states", name);
	}
	l->policy->lifecycles = 0;
	json_array_foreach ((json_t *)value, i, each) {
		if (!add_lifecycle(l, name, each)) {
			return false;
		}
	}
	return true;
}

static struct cca_policy_component *component_of(const struct loader *l)
{
	return &l->policy->component[l->policy->component_count];
}

static bool load_measurement(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &component_of(l)->measurement, add_hash);
}

static bool load_signer(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &component_of(l)->signer_id, add_hash);
}

static bool load_component_version(struct loader *l, const char *name, const json_t *value)
{
	return load_set(l, name, value, &component_of(l)->version, add_text);
}

/* The values of a measurement alone, or an object. */
static bool load_component(struct loader *l, const char *type, const json_t *value)
{
	static const struct member table[] = {
		{"measurement", load_measurement},
		{"signer-id", load_signer},
		{"version", load_component_version},
	};
	struct cca_error why;
	struct loader inner = *l;
	bool ok;

	if (json_is_object(value) && json_object_size(value) == 0) {
		return fail(l->err, "components.%s: the object is empty", type);
	}
	inner.err = &why;
	ok = json_is_object(value)
		     ? load_members(&inner, value, type, table, sizeof(table) / sizeof(table[0]))
		     : load_measurement(&inner, "measurement", value);
	return ok || fail(l->err, "components.%s: %s", type, why.text);
}

/* Members are the types of components, their values what is expected of each. */
static bool load_components(struct loader *l, const char *name, const json_t *value)
{
	const char *type;
	json_t *expected;

	if (!json_is_object(value)) {
		return fail(l->err, "%s: must be an object", name);
	}
	json_object_foreach ((json_t *)value, type, expected) {
		struct cca_policy_component *c = &l->policy->component[l->policy->component_count];

		if (l->policy->component_count == CCA_POLICY_COMPONENTS) {
			return fail(l->err, "%s: more than %u", name, CCA_POLICY_COMPONENTS);
		}
		if (type[0] == '\0' || strlen(type) >= sizeof(c->type)) {
			return fail(l->err, "%s: a name must have 1 to %u bytes", name,
				    CCA_POLICY_TYPE_SIZE - 1);
		}
		snprintf(c->type, sizeof(c->type), "%s", type);
		if (!load_component(l, type, expected)) {
			return false;
		}
		l->policy->component_count++;
	}
	return true;
}

static bool load_platform(struct loader *l, const char *name, const json_t *value)
{
	static const struct member table[] = {
		{"implementation-id", load_implementation},
		{"instance-id", load_instance},
		{"config", load_config},
		{"hash", load_platform_hash},
		{"lifecycle", load_lifecycle},
		{"components", load_components},
	};

	return load_members(l, value, name, table, sizeof(table) / sizeof(table[0]));
}

/* --- anchors --- */

/* Adds all keys in `data`. `what` names it in messages, and reports name the anchor so. */
static bool add_anchors(struct cca_policy *p, const void *data, size_t size, const char *what,
			struct cca_error *err)
{
	struct cca_error why;
	size_t count;

	if (p->anchor_count == CCA_POLICY_ANCHORS) {
		return fail(err, "%s: more than %u trust anchors", what, CCA_POLICY_ANCHORS);
	}
	if (cca_keys_read(data, size, &p->anchor[p->anchor_count],
			  CCA_POLICY_ANCHORS - p->anchor_count, &count, &why) != CCA_OK) {
		return fail(err, "%s: %s", what, why.text);
	}
	for (size_t i = 0; i < count; i++) {
		snprintf(p->anchor_name[p->anchor_count], CCA_POLICY_NAME_SIZE, "%s", what);
		p->anchor_owner[p->anchor_count].bound = false;
		p->anchor_count++;
	}
	return true;
}

bool cca_policy_add_anchor_file(struct cca_policy *policy, const char *path, struct cca_error *err)
{
	uint8_t data[CCA_KEY_FILE_MAX + 1];
	struct cca_error why;
	size_t size;

	if (!read_file(path, data, sizeof(data), &size, &why)) {
		return fail(err, "%s: %s", path, why.text);
	}
	return add_anchors(policy, data, size, path, err);
}

/* A JWK or JWK set as an object of the policy. */
static bool load_jwk(struct loader *l, const char *name, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	bool ok = text != NULL ? add_anchors(l->policy, text, strlen(text), name, l->err)
			       : fail(l->err, "%s: out of memory", name);

	free(text);
	return ok;
}

/* One anchor: a JWK object, PEM text, or a file, whose name is relative to the policy's folder. */
static bool load_anchor(struct loader *l, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	char path[4096];
	int n;

	if (json_is_object(value)) {
		return load_jwk(l, name, value);
	}
	if (text == NULL) {
		return fail(l->err, "%s: must be file names, PEM text or JWK objects", name);
	}
	if (strncmp(text, "-----BEGIN", 10) == 0) {
		return add_anchors(l->policy, text, strlen(text), name, l->err);
	}
	n = snprintf(path, sizeof(path), "%.*s%s", text[0] == '/' ? 0 : (int)l->folder_size,
		     l->path, text);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return fail(l->err, "%s: file name too long", name);
	}
	return cca_policy_add_anchor_file(l->policy, path, l->err);
}

static bool load_anchors(struct loader *l, const char *name, const json_t *value)
{
	size_t i;
	json_t *each;

	if (!json_is_array(value)) {
		return fail(l->err, "%s: must be a list", name);
	}
	json_array_foreach ((json_t *)value, i, each) {
		if (!load_anchor(l, name, each)) {
			return false;
		}
	}
	return true;
}

/* --- the whole --- */

static bool load_version(struct loader *l, const char *name, const json_t *value)
{
	return (json_is_integer(value) && json_integer_value(value) == POLICY_VERSION) ||
	       fail(l->err, "%s: this program knows version %d", name, POLICY_VERSION);
}

static bool load_challenge(struct loader *l, const char *name, const json_t *value)
{
	struct cca_policy *p = l->policy;

	p->challenge_size = json_is_string(value) ? cca_from_hex(json_string_value(value),
								 p->challenge, sizeof(p->challenge))
						  : 0;
	return p->challenge_size != 0 ||
	       fail(l->err, "%s: not hexadecimal digits for 1 to 64 bytes", name);
}

static bool add_profile(struct loader *l, const char *name, const json_t *value)
{
	const char *text = json_string_value(value);
	enum cca_profile profile = text != NULL ? cca_profile_from_name(text) : CCA_PROFILE_NONE;

	l->policy->profiles |= UINT32_C(1) << profile;
	return profile != CCA_PROFILE_NONE ||
	       fail(l->err, "%s: must be \"pre-1.0\", \"1.0\", \"2024\" or \"2026\"", name);
}

/* The list of accepted profiles, in place of the default, which is all. */
static bool load_profiles(struct loader *l, const char *name, const json_t *value)
{
	size_t i;
	json_t *each;

	if (!json_is_array(value) || json_array_size(value) == 0) {
		return fail(l->err, "%s: must be a list of profiles", name);
	}
	l->policy->profiles = 0;
	json_array_foreach ((json_t *)value, i, each) {
		if (!add_profile(l, name, each)) {
			return false;
		}
	}
	return true;
}

static bool load_root(struct loader *l, const json_t *root)
{
	static const struct member table[] = {
		{"caec-policy", load_version}, {"anchors", load_anchors},
		{"challenge", load_challenge}, {"realm", load_realm},
		{"platform", load_platform},   {"profiles", load_profiles},
	};

	if (!load_members(l, root, "policy", table, sizeof(table) / sizeof(table[0]))) {
		return false;
	}
	return json_object_get(root, "caec-policy") != NULL ||
	       fail(l->err, "policy: no \"caec-policy\": %d", POLICY_VERSION);
}

void cca_policy_init(struct cca_policy *policy)
{
	memset(policy, 0, sizeof(*policy));
	policy->lifecycles = UINT32_C(1) << 3;
	policy->profiles = UINT32_MAX;
}

/* NULL, with the reason, if the file has no JSON in it that could be a policy. */
static json_t *read_json(const char *path, struct cca_error *err)
{
	uint8_t *data = malloc(CCA_POLICY_FILE_MAX + 1);
	json_t *root = NULL;
	json_error_t why;
	size_t size;

	if (data == NULL) {
		fail(err, "out of memory");
		return NULL;
	}
	if (!read_file(path, data, CCA_POLICY_FILE_MAX + 1, &size, err)) {
		free(data);
		return NULL;
	}
	if (size > CCA_POLICY_FILE_MAX) {
		fail(err, "longer than %u bytes, which no policy is", CCA_POLICY_FILE_MAX);
	} else {
		root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why);
		if (root == NULL) {
			fail(err, "line %d: %s", why.line, why.text);
		}
	}
	free(data);
	return root;
}

bool cca_policy_load(const char *path, struct cca_policy *policy, struct cca_error *err)
{
	const char *slash = strrchr(path, '/');
	struct loader l = {
		.policy = policy,
		.err = err,
		.path = path,
		.folder_size = slash != NULL ? (size_t)(slash - path) + 1 : 0,
	};
	json_t *root;
	bool ok;

	cca_policy_init(policy);
	root = read_json(path, err);
	ok = root != NULL && load_root(&l, root);
	json_decref(root);
	return ok;
}
