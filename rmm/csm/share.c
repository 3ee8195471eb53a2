// SPDX-License-Identifier: BSD-3-Clause
/* What regions, grants and attachments have in common: locks, links, loans, policies, notices. */
#include <string.h>

#include "arch/trace.h"
#include "arch/vcpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/hash.h"
#include "csm/csm_internal.h"
#include "realm/id.h"
#include "realm/measure.h"

_Static_assert(CSM_POLICY_SHA_256 == RMI_HASH_SHA_256 && CSM_POLICY_SHA_512 == RMI_HASH_SHA_512,
	       "a policy names the realm's algorithm");

/* --- locks */

static void take(struct rd *rd)
{
	spinlock_take_as(&rd->csm.lock, ARCH_RANK_CSM, granule_index(rd->granule));
	if (ARCH_CHECKS) {
		csm_check(rd);
	}
}

static void drop(struct rd *rd)
{
	if (ARCH_CHECKS) {
		csm_check(rd);
	}
	spinlock_release(&rd->csm.lock);
}

struct csm_held csm_lock(struct rd *rd)
{
	take(rd);
	return (struct csm_held){rd};
}

void csm_unlock(struct csm_held held)
{
	drop(held.rd);
}

void csm_pair_lock(struct rd *self, uint64_t peer, struct csm_pair *pair)
{
	pair->self = self;
	pair->peer = peer == self->id ? NULL : realm_pin(peer);
	if (pair->peer == NULL) {
		take(self);
	} else if (granule_index(pair->peer->granule) < granule_index(self->granule)) {
		take(pair->peer);
		take(self);
	} else {
		take(self);
		take(pair->peer);
	}
}

void csm_pair_unlock(const struct csm_pair *pair)
{
	drop(pair->self);
	if (pair->peer != NULL) {
		drop(pair->peer);
		realm_unpin(pair->peer);
	}
}

/* --- links */

struct csm_record *csm_other(const struct csm_record *record)
{
	ASSERT(record->peer != NULL);
	return csm_record(record->peer, record->peer_record);
}

void csm_link(const struct csm_pair *pair, struct csm_record *attachment, struct csm_record *grant)
{
	ASSERT(attachment->peer == NULL && grant->peer == NULL && pair->peer != NULL);
	attachment->peer = pair->peer;
	attachment->peer_record = grant->number;
	attachment->state = CSM_RESERVED;
	grant->peer = pair->self;
	grant->peer_record = attachment->number;
	grant->base = attachment->base;
	grant->state = CSM_RESERVED;
	grant->progress = 0;
}

void csm_unlink(struct csm_record *grant)
{
	struct csm_record *attachment = csm_other(grant);

	ASSERT(csm_other(attachment) == grant);
	attachment->peer = NULL;
	attachment->peer_record = CSM_NONE;
	if (attachment->state != CSM_DETACHING) {
		attachment->state = CSM_DEAD;
	}
	grant->peer = NULL;
	grant->peer_record = CSM_NONE;
	grant->flags &= (uint8_t)~CSM_RECALLED;
	if ((grant->flags & CSM_REVOKED) == 0) {
		grant->flags &= (uint8_t)~CSM_CLOSED;
	}
	grant->state = (grant->flags & CSM_VIA_ANY) != 0 ? CSM_ENDED : CSM_IDLE;
}

/* --- work */

bool csm_may_go_on(const struct csm_work *work)
{
	return work->visited < CSM_MAX_LEAVES && !arch_interrupt_pending();
}

/* --- sharing */

bool csm_is_open(const struct csm_record *region, const struct csm_record *grant)
{
	return region->state == CSM_LIVE && grant->state == CSM_ATTACHED &&
	       (grant->flags & CSM_CLOSED) == 0;
}

uint64_t csm_perm(const struct csm_record *region, const struct csm_record *grant)
{
	uint64_t perm = grant->perm;

	return (region->flags & CSM_IS_SEALED) != 0 ? perm & ~CSM_PERM_WRITE : perm;
}

struct s2_share csm_loan(const struct rd *owner, const struct csm_record *region,
			 const struct csm_record *grant)
{
	uint64_t perm = csm_perm(region, grant);

	ASSERT(grant->peer != NULL);
	return (struct s2_share){
		.provider = &owner->s2,
		.consumer = &grant->peer->s2,
		.provider_base = ipa_of(region->base),
		.consumer_base = ipa_of(grant->base),
		.size = region->size,
		.limits = ((perm & CSM_PERM_WRITE) == 0 ? S2_READ_ONLY : 0) |
			  ((perm & CSM_PERM_EXEC) == 0 ? S2_NO_EXEC : 0),
	};
}

/* --- policies */

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

/* --- notices */

void csm_tell(struct rmi_rec_exit *exit, const struct granule *receiver)
{
	exit->exit_reason = RMI_EXIT_CSM_SIGNAL;
	exit->ripas_base = receiver == NULL ? 0 : granule_pa(receiver).v;
}

void csm_notice(struct rmi_rec_exit *exit, uint8_t reason, const struct csm_record *range)
{
	exit->exit_reason = reason;
	exit->ripas_base = range->base;
	exit->ripas_top = range->base + range->size;
}
