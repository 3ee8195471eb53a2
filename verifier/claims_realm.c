// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realm claims: RMM specification 1.0, A7.2.3; 2.0 (beta), A7.2.3.1; and CAEC's realm id
 * (docs/csm-spec.md section 11).
 */
#include <string.h>

#include "claims.h"
#include "crypto.h"

#define INSTANCE_RANDOM 0x01 /* the type of an EAT's UEID that is random (RFC 9711, 4.2.1) */
#define RAW_POINT       0x04 /* an uncompressed point (SEC 1, 2.3.3) */

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

	return read_hash_name(r, name,
			      r->parse->profile == CCA_PROFILE_1_0
				      ? 1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA512
				      : 1u << CCA_HASH_SHA256 | 1u << CCA_HASH_SHA384 |
						1u << CCA_HASH_SHA512,
			      &c->hash);
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

/* The list of exactly four REMs. RMM specification 1.0, A7.2.3. */
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

/* CAEC's claim: 8 bytes, a big-endian number. docs/csm-spec.md section 11. */
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

static bool read_sharings(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	if (!read_bytes(r, name, &c->sharings)) {
		return false;
	}
	c->has_sharings = true;
	return c->sharings.size == 0 || c->sharings.size == 64 ||
	       reader_fail(r, "%s: %zu bytes, must be 0 or 64", name, c->sharings.size);
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

static bool read_lfa_policy(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	if (!read_uint(r, name, &c->lfa_policy)) {
		return false;
	}
	c->has_lfa_policy = true;
	return c->lfa_policy <= 1 || reader_fail(r, "%s: must be 0 or 1", name);
}

static bool read_instance(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	if (!read_bytes_sized(r, name, CCA_INSTANCE_SIZE, &c->instance_id)) {
		return false;
	}
	return c->instance_id.data[0] == INSTANCE_RANDOM ||
	       reader_fail(r, "%s: type %#x, must be 0x1 (random)", name, c->instance_id.data[0]);
}

static bool read_devices(struct reader *r, const char *name, void *out)
{
	struct cca_realm_claims *c = out;

	if (!read_bytes(r, name, &c->devices_hash)) {
		return false;
	}
	return c->devices_hash.size == 32 || c->devices_hash.size == 48 ||
	       c->devices_hash.size == 64 ||
	       reader_fail(r, "%s: %zu bytes, must be 32, 48 or 64", name, c->devices_hash.size);
}

/* The instance id is demanded where no draft of the profile is without it. */
static const struct claim realm_table[] = {
	{10, "realm challenge", ALWAYS, read_challenge, false},
	{44235, "realm personalization value", ALWAYS, read_rpv, false},
	{44237, "realm public key", ALWAYS, read_public_key, false},
	{44236, "realm hash algorithm", ALWAYS, read_realm_hash, false},
	{44240, "realm public key hash algorithm", ALWAYS, read_key_hash, false},
	{265, "realm profile", OPTIONAL, read_profile, false},
	{44238, "realm initial measurement", ALWAYS, read_rim, false},
	{44239, "realm extensible measurements", ALWAYS, read_rems, false},
	{44243, "realm MEC policy", IN(CCA_PROFILE_2024) | IN(CCA_PROFILE_2026), read_mec_policy,
	 true},
	{44244, "realm LFA policy", OPTIONAL, read_lfa_policy, true},
	{44257, "realm devices token hash", OPTIONAL, read_devices, true},
	{256, "realm instance id", IN(CCA_PROFILE_2026), read_instance, false},
	{-70001, "realm id", OPTIONAL, read_realm_id, false},
	{-70002, "realm sharings", OPTIONAL, read_sharings, false},
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

static bool is_raw_point(struct cca_bytes key)
{
	return (key.size == 65 || key.size == 97 || key.size == 133) && key.data[0] == RAW_POINT;
}

/* The size of the point tells the curve. */
static bool read_raw_point(struct reader *r, struct cca_bytes point, struct cca_key *out)
{
	size_t size = (point.size - 1) / 2;

	if (!is_raw_point(point)) {
		return reader_fail(r, "realm public key: must be a raw point, 0x04 and two "
				      "coordinates, in profile pre-1.0");
	}
	out->alg = sign_alg_of_curve(point.size == 65 ? 1 : point.size == 97 ? 2 : 3);
	memcpy(out->x, point.data + 1, size);
	memcpy(out->y, point.data + 1 + size, size);
	return true;
}

static bool read_key(struct reader *r, struct cca_realm_claims *c)
{
	if (r->parse->profile == CCA_PROFILE_PRE_1_0) {
		return read_raw_point(r, c->public_key, &c->key);
	}
	if (is_raw_point(c->public_key)) {
		return reader_unsupported(
			r,
			"realm public key: in the form used before RMM 1.0 (a raw point), which "
			"profile %s does not have",
			cca_profile_name(r->parse->profile));
	}
	return read_cose_key(c->public_key, r->parse, &c->key);
}

/* CAEC's realm id is the beginning of the instance id, when a token has both. */
static bool check_ids(struct reader *r, const struct cca_realm_claims *c)
{
	uint64_t start = 0;

	if (!c->has_realm_id || c->instance_id.size == 0) {
		return true;
	}
	for (size_t i = 0; i < sizeof(start); i++) {
		start = start << 8 | c->instance_id.data[1 + i];
	}
	return start == c->realm_id ||
	       reader_fail(r, "realm id: is not the beginning of the realm instance id");
}

/* A realm half alone, without a profile: the form of its key is what tells the two apart. */
static void guess_profile(struct parse *parse, struct cca_bytes key)
{
	if (parse->profile == CCA_PROFILE_NONE) {
		parse->profile = is_raw_point(key) ? CCA_PROFILE_PRE_1_0 : CCA_PROFILE_1_0;
	}
}

bool read_realm_claims(struct cca_bytes view, struct parse *parse, struct cca_realm_claims *out)
{
	struct reader r = reader_of(view, parse);

	if (!find_profile(&r, "realm claims", false) ||
	    !read_claims(&r, "realm claims", realm_table,
			 sizeof(realm_table) / sizeof(realm_table[0]), out)) {
		return false;
	}
	guess_profile(parse, out->public_key);
	if (parse->profile == CCA_PROFILE_1_0 && out->hash == CCA_HASH_SHA384) {
		return reader_fail(&r, "realm hash algorithm: \"sha-384\" is not in profile 1.0");
	}
	return read_end(&r, "realm claims") && check_sizes(&r, out) && check_ids(&r, out) &&
	       read_key(&r, out);
}
