// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realm claims: RMM specification 1.0, A7.2.3, and CAEC's realm id (docs/csm-spec.md section 11).
 */
#include "claims.h"

#define REALM_PROFILE "tag:arm.com,2023:realm#1.0.0"

static bool read_challenge(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_bytes_sized(r, name, CCA_CHALLENGE_SIZE, &c->challenge);
}

static bool read_rpv(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_bytes_sized(r, name, CCA_RPV_SIZE, &c->rpv);
}

static bool read_public_key(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_bytes(r, name, &c->public_key);
}

static bool read_realm_hash(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_hash_name(r, name, 1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA512, &c->hash);
}

static bool read_key_hash(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_hash_name(r, name,
			      1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA384 | 1u << CCA_HASH_SHA512,
			      &c->public_key_hash);
}

static bool read_profile(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_text(r, name, &c->profile);
}

static bool read_rim(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	return read_bytes(r, name, &c->rim);
}

static bool read_rems(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;
	size_t entries;

	if (!read_array(r, name, &entries)) {
		return false;
	}
	if (entries != CCA_REM_COUNT) {
		return reader_fail(r, "%s: %zu entries, must be %u", name, entries, CCA_REM_COUNT);
	}
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		if (!read_bytes(r, name, &c->rem[i])) {
			return false;
		}
	}
	return true;
}

static bool read_realm_id(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;
	struct cca_bytes id;

	if (!read_bytes_sized(r, name, sizeof(c->realm_id), &id)) {
		return false;
	}
	for (size_t i = 0; i < id.size; i++) {
		c->realm_id = c->realm_id << 8 | id.data[i];
	}
	if (c->realm_id == 0) {
		return reader_fail(r, "%s: zero, which is no realm's id", name);
	}
	c->has_realm_id = true;
	return true;
}

static bool read_mec_policy(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	if (!read_uint(r, name, &c->mec_policy)) {
		return false;
	}
	c->has_mec_policy = true;
	return c->mec_policy <= INT64_MAX || reader_fail(r, "%s: number out of range", name);
}

static const struct claim realm_table[] = {
	{10, "realm challenge", true, read_challenge, false},
	{44235, "realm personalization value", true, read_rpv, false},
	{44237, "realm public key", true, read_public_key, false},
	{44236, "realm hash algorithm", true, read_realm_hash, false},
	{44240, "realm public key hash algorithm", true, read_key_hash, false},
	{265, "realm profile", false, read_profile, false},
	{44238, "realm initial measurement", true, read_rim, false},
	{44239, "realm extensible measurements", true, read_rems, false},
	{44243, "realm MEC policy", false, read_mec_policy, true},
	{-70001, "realm id", false, read_realm_id, false},
};

/* The algorithm may stand behind the measurements, so their sizes are judged at the end. */
static bool check_sizes(struct reader *r, const struct cca_realm_claims *c)
{
	size_t size = cca_hash_size(c->hash);

	if (c->rim.size != size) {
		return reader_fail(r, "realm initial measurement: %zu bytes, but %s has %zu",
				   c->rim.size, cca_hash_name(c->hash), size);
	}
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		if (c->rem[i].size != size) {
			return reader_fail(
				r, "realm extensible measurement %zu: %zu bytes, but %s has %zu", i,
				c->rem[i].size, cca_hash_name(c->hash), size);
		}
	}
	return true;
}

/* Before specification 1.0 the claim was an uncompressed point (SEC 1, 2.3.3), 0x04 x y. */
static bool check_key_form(struct reader *r, const struct cca_realm_claims *c)
{
	size_t size = c->public_key.size;

	if ((size == 65 || size == 97 || size == 133) && c->public_key.data[0] == 0x04) {
		return reader_unsupported(
			r, "realm public key: in the form used before RMM 1.0 (a raw point), which "
			   "is not supported");
	}
	return true;
}

bool read_realm_claims(struct cca_bytes view, struct parse *parse, struct cca_realm_claims *out)
{
	struct reader r = reader_of(view, parse);

	return check_profile(&r, "realm claims", REALM_PROFILE) &&
	       read_claims(&r, "realm claims", realm_table,
			   sizeof(realm_table) / sizeof(realm_table[0]), out) &&
	       read_end(&r, "realm claims") && check_sizes(&r, out) && check_key_form(&r, out) &&
	       read_cose_key(out->public_key, parse, &out->key);
}
