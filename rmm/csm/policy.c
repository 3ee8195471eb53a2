// SPDX-License-Identifier: BSD-3-Clause
/* Policies: what a consent requires of the peer. */
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

bool csm_policy_valid(const struct csm_policy *policy)
{
	uint32_t rems = policy->flags & CSM_POLICY_REM_MASK;

	return policy->version == CSM_POLICY_VERSION && policy->flags != 0 &&
	       (policy->flags & ~CSM_POLICY_FLAGS_MASK) == 0 && (rems & (rems - 1)) == 0 &&
	       policy->hash_algo <= CSM_POLICY_SHA_512 &&
	       is_zero(policy->reserved_09, sizeof(policy->reserved_09)) &&
	       policy->reserved_10 == 0 &&
	       is_zero(policy->reserved_18, sizeof(policy->reserved_18));
}

/* The part of a policy that decides; what is not asked for is zero. */
struct demanded {
	uint8_t hash_algo;
	uint8_t flags;
	uint8_t values[3][CSM_POLICY_VALUE_SIZE]; /* RIM, REM, RPV */
};

static void digest_of(const struct demanded *demanded, uint8_t digest[32])
{
	uint8_t out[HASH_SIZE_MAX];

	hash_of(HASH_SHA_256, demanded, sizeof(*demanded), out);
	memcpy(digest, out, HASH_SHA_256_SIZE);
}

struct csm_terms csm_terms_of(const struct csm_policy *policy)
{
	struct csm_terms terms = {.present = policy != NULL};
	struct demanded demanded;

	if (policy == NULL) {
		return terms;
	}
	memset(&demanded, 0, sizeof(demanded));
	demanded.hash_algo = policy->hash_algo;
	demanded.flags = (uint8_t)policy->flags;
	if ((policy->flags & CSM_POLICY_RIM) != 0) {
		memcpy(demanded.values[0], policy->rim, CSM_POLICY_VALUE_SIZE);
	}
	if ((policy->flags & CSM_POLICY_REM_MASK) != 0) {
		memcpy(demanded.values[1], policy->rem, CSM_POLICY_VALUE_SIZE);
	}
	if ((policy->flags & CSM_POLICY_RPV) != 0) {
		memcpy(demanded.values[2], policy->rpv, CSM_POLICY_VALUE_SIZE);
	}
	terms.hash_algo = demanded.hash_algo;
	terms.flags = demanded.flags;
	digest_of(&demanded, terms.digest);
	return terms;
}

bool csm_terms_met(const struct csm_terms *terms, struct rd *peer)
{
	struct demanded offered;
	uint8_t digest[32];

	if (!terms->present) {
		return true;
	}
	memset(&offered, 0, sizeof(offered));
	offered.hash_algo = peer->hash_algo;
	offered.flags = terms->flags;
	if ((terms->flags & CSM_POLICY_RIM) != 0) {
		realm_measurement_read(peer, 0, offered.values[0]);
	}
	for (unsigned int n = 0; n < REALM_MEASUREMENTS - 1; n++) {
		if ((terms->flags & CSM_POLICY_REM(n)) != 0) {
			realm_measurement_read(peer, n + 1, offered.values[1]);
		}
	}
	if ((terms->flags & CSM_POLICY_RPV) != 0) {
		memcpy(offered.values[2], peer->rpv, CSM_POLICY_VALUE_SIZE);
	}
	digest_of(&offered, digest);
	return memcmp(digest, terms->digest, sizeof(digest)) == 0;
}

bool csm_mutual(const struct csm_record *grant, struct rd *provider,
		const struct csm_record *attachment, struct rd *consumer)
{
	return csm_terms_met(&grant->terms, consumer) &&
	       csm_terms_met(&attachment->terms, provider);
}
