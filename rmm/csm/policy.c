// SPDX-License-Identifier: BSD-3-Clause
/*
 * Policies: the measurements that a consent requires of the peer (docs/csm-spec.md section 7).
 *
 * A record keeps a SHA-256 digest of the required values, not the values. A realm matches if the
 * digest of its own values is the same. No lock is needed: each measurement is read under the
 * peer's measurement lock.
 */
#include <string.h>

#include "base/hash.h"
#include "csm/csm_internal.h"
#include "realm/measure.h"

_Static_assert(CSM_POLICY_SHA_256 == RMI_HASH_SHA_256 && CSM_POLICY_SHA_512 == RMI_HASH_SHA_512,
	       "a policy names the realm's algorithm");

static bool is_zero(const uint8_t *bytes, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++) {
		any |= bytes[i];
	}
	return any == 0;
}

bool rmm_csm_policy_valid(const struct rsi_csm_policy *policy)
{
	uint32_t rems = policy->flags & CSM_POLICY_REM_MASK;

	return policy->version == CSM_POLICY_VERSION && policy->flags != 0 &&
	       (policy->flags & ~CSM_POLICY_FLAGS_MASK) == 0 && (rems & (rems - 1)) == 0 &&
	       policy->hash_algo <= CSM_POLICY_SHA_512 &&
	       is_zero(policy->reserved_09, sizeof(policy->reserved_09)) &&
	       policy->reserved_10 == 0 &&
	       is_zero(policy->reserved_18, sizeof(policy->reserved_18));
}

/* The values that are compared, as they are hashed; those that the flags leave out are zero. */
struct policy_values {
	uint8_t hash_algo;
	uint8_t flags;
	uint8_t values[3][CSM_POLICY_VALUE_SIZE]; /* RIM, REM, RPV */
};

static void digest_of(const struct policy_values *values, uint8_t digest[32])
{
	uint8_t out[HASH_SIZE_MAX];

	hash_of(HASH_SHA_256, values, sizeof(*values), out);
	memcpy(digest, out, HASH_SHA_256_SIZE);
}

/* Hashes the required values only: bytes of a policy that its flags leave out do not count. */
struct rmm_csm_policy_digest rmm_csm_policy_digest(const struct rsi_csm_policy *policy)
{
	struct rmm_csm_policy_digest kept = {.present = policy != NULL};
	struct policy_values required;

	if (policy == NULL) {
		return kept;
	}
	memset(&required, 0, sizeof(required));
	required.hash_algo = policy->hash_algo;
	required.flags = (uint8_t)policy->flags;
	if ((policy->flags & CSM_POLICY_RIM) != 0) {
		memcpy(required.values[0], policy->rim, CSM_POLICY_VALUE_SIZE);
	}
	if ((policy->flags & CSM_POLICY_REM_MASK) != 0) {
		memcpy(required.values[1], policy->rem, CSM_POLICY_VALUE_SIZE);
	}
	if ((policy->flags & CSM_POLICY_RPV) != 0) {
		memcpy(required.values[2], policy->rpv, CSM_POLICY_VALUE_SIZE);
	}
	kept.hash_algo = required.hash_algo;
	kept.flags = required.flags;
	digest_of(&required, kept.digest);
	return kept;
}

/* Hashes the peer's values in place of the required ones, and compares the digests. */
bool rmm_csm_policy_match(const struct rmm_csm_policy_digest *policy, struct rd *peer)
{
	struct policy_values measured;
	uint8_t digest[32];

	if (!policy->present) {
		return true;
	}
	memset(&measured, 0, sizeof(measured));
	measured.hash_algo = peer->hash_algo;
	measured.flags = policy->flags;
	if ((policy->flags & CSM_POLICY_RIM) != 0) {
		realm_measurement_read(peer, 0, measured.values[0]);
	}
	for (unsigned int n = 0; n < REALM_MEASUREMENTS - 1; n++) {
		if ((policy->flags & CSM_POLICY_REM(n)) != 0) {
			realm_measurement_read(peer, n + 1, measured.values[1]);
		}
	}
	if ((policy->flags & CSM_POLICY_RPV) != 0) {
		memcpy(measured.values[2], peer->rpv, CSM_POLICY_VALUE_SIZE);
	}
	digest_of(&measured, digest);
	return memcmp(digest, policy->digest, sizeof(digest)) == 0;
}
