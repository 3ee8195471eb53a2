// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy.h"

struct check {
	cca_mismatch_fn *mismatch;
	void *ctx;
	size_t count;
};

static void report(struct check *c, const char *what, const char *detail)
{
	c->count++;
	if (c->mismatch != NULL) {
		c->mismatch(c->ctx, what, detail);
	}
}

static bool in_set(const struct cca_policy_set *set, struct cca_bytes actual)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct cca_policy_value *v = &set->value[i];

		if (v->size == actual.size && memcmp(v->data, actual.data, v->size) == 0) {
			return true;
		}
	}
	return false;
}

/* Reports a value that is none of the set's. An empty set expects nothing. */
static void check_set(struct check *c, const char *what, const struct cca_policy_set *set,
		      struct cca_bytes actual)
{
	char expected[2 * CCA_POLICY_VALUE_SIZE + 1];
	char found[2 * CCA_POLICY_VALUE_SIZE + 1];
	char detail[384];

	if (set->count == 0 || in_set(set, actual)) {
		return;
	}
	cca_to_hex((struct cca_bytes){set->value[0].data, set->value[0].size}, expected,
		   sizeof(expected));
	cca_to_hex(actual, found, sizeof(found));
	if (set->count == 1) {
		snprintf(detail, sizeof(detail), "expected %s, token has %s", expected, found);
	} else {
		snprintf(detail, sizeof(detail), "expected one of %zu values, token has %s",
			 set->count, found);
	}
	report(c, what, detail);
}

static void check_hash(struct check *c, const char *what, enum cca_hash expected,
		       enum cca_hash actual)
{
	char detail[64];

	if (expected == CCA_HASH_NONE || expected == actual) {
		return;
	}
	snprintf(detail, sizeof(detail), "expected %s, token has %s", cca_hash_name(expected),
		 cca_hash_name(actual));
	report(c, what, detail);
}

static void check_realm_id(struct check *c, const struct cca_policy_set *set,
			   const struct cca_realm_claims *realm)
{
	uint8_t id[sizeof(realm->realm_id)];

	if (set->count != 0 && !realm->has_realm_id) {
		report(c, "realm.id", "the token carries none (not a CAEC firmware?)");
		return;
	}
	for (size_t i = 0; i < sizeof(id); i++) {
		id[i] = (uint8_t)(realm->realm_id >> (8 * (sizeof(id) - 1 - i)));
	}
	check_set(c, "realm.id", set, (struct cca_bytes){id, sizeof(id)});
}

static void check_lifecycle(struct check *c, uint32_t accepted, uint16_t actual)
{
	bool defined = (actual & 0x0f00) == 0;
	char detail[96];

	if (defined && accepted & UINT32_C(1) << (actual >> 12)) {
		return;
	}
	snprintf(detail, sizeof(detail), "state %s (%#06x) is not accepted",
		 cca_lifecycle_name(actual), actual);
	report(c, "platform.lifecycle", detail);
}

static bool has_type(const struct cca_component *component, const char *type)
{
	return component->type.size == strlen(type) &&
	       memcmp(component->type.data, type, component->type.size) == 0;
}

/* Text of a token is printable, as the reader has seen to; a version may be absent. */
static void check_version(struct check *c, const char *what, const struct cca_policy_set *set,
			  struct cca_bytes actual)
{
	char detail[256];
	char found[80] = "none";
	int used;

	if (set->count == 0 || in_set(set, actual)) {
		return;
	}
	if (actual.size != 0) {
		snprintf(found, sizeof(found), "\"%.*s\"%s",
			 (int)(actual.size < 64 ? actual.size : 64), (const char *)actual.data,
			 actual.size < 64 ? "" : "...");
	}
	if (set->count == 1) {
		used = snprintf(detail, sizeof(detail), "expected \"%.*s\"",
				(int)set->value[0].size, (const char *)set->value[0].data);
	} else {
		used = snprintf(detail, sizeof(detail), "expected one of %zu versions", set->count);
	}
	snprintf(detail + used, sizeof(detail) - (size_t)used, ", token has %s", found);
	report(c, what, detail);
}

/*
 * Compares each component of the wanted type with what the policy expects. Reports a type that the
 * platform lacks.
 */
static void check_component(struct check *c, const struct cca_policy_component *want,
			    const struct cca_platform_claims *platform)
{
	char what[CCA_POLICY_TYPE_SIZE + 32];
	char signer[sizeof(what) + 16];
	char version[sizeof(what) + 16];
	bool found = false;

	snprintf(what, sizeof(what), "platform.components.%s", want->type);
	snprintf(signer, sizeof(signer), "%s.signer-id", what);
	snprintf(version, sizeof(version), "%s.version", what);
	for (size_t i = 0; i < platform->component_count; i++) {
		const struct cca_component *has = &platform->component[i];

		if (has_type(has, want->type)) {
			found = true;
			check_set(c, what, &want->measurement, has->measurement);
			check_set(c, signer, &want->signer_id, has->signer_id);
			check_version(c, version, &want->version, has->version);
		}
	}
	if (!found) {
		report(c, what, "the platform has no such software component");
	}
}

static void check_realm(struct check *c, const struct cca_policy *p,
			const struct cca_realm_claims *realm)
{
	static const char *const rem_name[CCA_REM_COUNT] = {"realm.rem0", "realm.rem1",
							    "realm.rem2", "realm.rem3"};

	check_hash(c, "realm.hash", p->realm_hash, realm->hash);
	check_set(c, "realm.rim", &p->rim, realm->rim);
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		check_set(c, rem_name[i], &p->rem[i], realm->rem[i]);
	}
	check_set(c, "realm.rpv", &p->rpv, realm->rpv);
	check_realm_id(c, &p->realm_id, realm);
	check_set(c, "realm.instance-id", &p->realm_instance, realm->instance_id);
}

/* The set's values and the mask are as long as each other. */
static void check_config(struct check *c, const struct cca_policy *p, struct cca_bytes actual)
{
	const struct cca_policy_value *mask = &p->config_mask;

	if (mask->size == 0 || mask->size != actual.size) {
		check_set(c, "platform.config", &p->config, actual);
		return;
	}
	for (size_t i = 0; i < p->config.count; i++) {
		bool same = p->config.value[i].size == mask->size;

		for (size_t j = 0; same && j < mask->size; j++) {
			same = ((actual.data[j] ^ p->config.value[i].data[j]) & mask->data[j]) == 0;
		}
		if (same) {
			return;
		}
	}
	report(c, "platform.config", "differs in the bits that the CoRIM compares");
}

size_t cca_policy_check_anchor(const struct cca_policy *policy, size_t which,
			       const struct cca_token *token, cca_mismatch_fn *mismatch, void *ctx)
{
	const struct cca_policy_owner *owner = &policy->anchor_owner[which];
	const struct cca_platform_claims *platform = &token->platform;
	struct check c = {.mismatch = mismatch, .ctx = ctx};

	if (owner->bound &&
	    (!token->has_platform ||
	     memcmp(owner->implementation_id, platform->implementation_id.data, CCA_IMPL_ID_SIZE) !=
		     0 ||
	     memcmp(owner->instance_id, platform->instance_id.data, CCA_INSTANCE_SIZE) != 0)) {
		report(&c, "anchors", "the key is endorsed for another platform");
	}
	return c.count;
}

bool cca_policy_expects_realm(const struct cca_policy *p)
{
	size_t rems = 0;

	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		rems += p->rem[i].count;
	}
	return rems + p->rim.count + p->rpv.count + p->realm_id.count + p->realm_instance.count !=
		       0 ||
	       p->realm_hash != CCA_HASH_NONE;
}

bool cca_policy_expects_platform(const struct cca_policy *p)
{
	return p->implementation_id.count + p->instance_id.count + p->config.count +
			       p->component_count !=
		       0 ||
	       p->platform_hash != CCA_HASH_NONE;
}

static void check_platform(struct check *c, const struct cca_policy *p,
			   const struct cca_platform_claims *platform)
{
	check_set(c, "platform.implementation-id", &p->implementation_id,
		  platform->implementation_id);
	check_set(c, "platform.instance-id", &p->instance_id, platform->instance_id);
	check_config(c, p, platform->config);
	check_hash(c, "platform.hash", p->platform_hash, platform->hash);
	check_lifecycle(c, p->lifecycles, platform->lifecycle);
	for (size_t i = 0; i < p->component_count; i++) {
		check_component(c, &p->component[i], platform);
	}
}

static void check_token_profile(struct check *c, uint32_t accepted, enum cca_profile actual)
{
	char detail[64];

	if (!(accepted & UINT32_C(1) << actual)) {
		snprintf(detail, sizeof(detail), "profile %s is not accepted",
			 cca_profile_name(actual));
		report(c, "profile", detail);
	}
}

/* A half that the token lacks meets no expectation. */
size_t cca_policy_check(const struct cca_policy *policy, const struct cca_token *token,
			cca_mismatch_fn *mismatch, void *ctx)
{
	struct check c = {.mismatch = mismatch, .ctx = ctx};

	check_token_profile(&c, policy->profiles, token->profile);
	if (token->has_realm) {
		check_realm(&c, policy, &token->realm);
	} else if (cca_policy_expects_realm(policy)) {
		report(&c, "realm", "expected, but the token has no realm part");
	}
	if (token->has_platform) {
		check_platform(&c, policy, &token->platform);
	} else if (cca_policy_expects_platform(policy)) {
		report(&c, "platform", "expected, but the token has no platform part");
	}
	return c.count;
}

bool cca_policy_names_realm(const struct cca_policy *policy)
{
	return policy->rim.count + policy->realm_id.count + policy->realm_instance.count != 0;
}

/* A part of a token; `half` is whether the token has the half that it belongs to. */
struct part {
	bool half;
	bool checked;
	const char *what;
	const char *open;
};

size_t cca_policy_unchecked(const struct cca_policy *policy, const struct cca_token *token,
			    cca_unchecked_fn *unchecked, void *ctx)
{
	const struct cca_policy *p = policy;
	const bool realm = token->has_realm;
	const bool platform = token->has_platform;
	const struct part parts[] = {
		{true, p->challenge_size != 0, "challenge", "the token may be an old one"},
		{true, realm, "realm", "the token has no such half"},
		{true, platform, "platform", "the token has no such half"},
		{realm, p->rim.count != 0, "realm.rim", "any image may run in the realm"},
		{realm, p->rem[0].count != 0, "realm.rem0", "what the realm has measured itself"},
		{realm, p->rem[1].count != 0, "realm.rem1", "what the realm has measured itself"},
		{realm, p->rem[2].count != 0, "realm.rem2", "what the realm has measured itself"},
		{realm, p->rem[3].count != 0, "realm.rem3", "what the realm has measured itself"},
		{realm, p->rpv.count != 0, "realm.rpv", "the host may have given any value"},
		{realm, p->realm_id.count + p->realm_instance.count != 0, "realm.id",
		 "any realm that fits the rest"},
		{platform, p->implementation_id.count != 0, "platform.implementation-id",
		 "any platform that the anchor's owner signs for"},
		{platform, p->instance_id.count != 0, "platform.instance-id",
		 "any machine of the platform"},
		{platform, p->config.count != 0, "platform.config",
		 "any configuration of the platform"},
		{platform, p->component_count != 0, "platform.components",
		 "any firmware, also an old one"},
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].half && !parts[i].checked) {
			unchecked(ctx, parts[i].what, parts[i].open);
			count++;
		}
	}
	return count;
}
