// SPDX-License-Identifier: BSD-3-Clause
/* Grants: SHARE and REVOKE. */
#include "base/assert.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

static uint64_t check_share(const struct rd *self, const struct csm_share *share)
{
	const struct csm_record *region = csm_find(self, CSM_REGION, share->region, 0);

	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != CSM_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	if ((share->perm & CSM_PERM_READ) == 0 || (share->perm & ~CSM_PERM_ALL) != 0) {
		return FAIL(perm_valid, RSI_ERROR_INPUT);
	}
	if ((share->perm & CSM_PERM_WRITE) != 0 && (region->flags & CSM_IS_SEALED) != 0) {
		return FAIL(perm_sealed, RSI_ERROR_INPUT);
	}
	if (share->consumer == self->id) {
		return FAIL(self, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

uint64_t csm_share_begin(struct rd *self, const struct csm_share *share, struct csm_held *held)
{
	uint64_t status;

	*held = csm_lock(self);
	status = check_share(self, share);
	if (status != RSI_SUCCESS) {
		csm_unlock(*held);
	}
	return status;
}

uint64_t csm_share_commit(struct csm_held held, const struct csm_share *share)
{
	struct csm_record *region = csm_find(held.rd, CSM_REGION, share->region, 0);
	struct csm_record *grant = csm_find(held.rd, CSM_GRANT, share->region, share->consumer);

	if (share->consumer == CSM_REALM_ANY && share->policy == NULL) {
		return FAIL(policy_any, RSI_ERROR_INPUT);
	}
	/* The host chooses the RPV and a realm extends its own REMs: neither identifies a realm. */
	if (share->consumer == CSM_REALM_ANY && (share->policy->flags & CSM_POLICY_RIM) == 0) {
		return FAIL(policy_rim, RSI_ERROR_INPUT);
	}
	if (grant != NULL && grant->state != CSM_ENDED) {
		return FAIL(grant_live, RSI_ERROR_STATE);
	}
	if (grant == NULL) {
		grant = csm_record_new(held.rd, CSM_GRANT);
		if (grant == NULL) {
			return FAIL(space, CSM_ERROR_NO_SPACE);
		}
		csm_record_key(held.rd, grant, share->region, share->consumer);
		csm_grant_insert(region, grant);
	}
	grant->state = CSM_IDLE;
	grant->flags = 0;
	grant->perm = (uint8_t)share->perm;
	grant->size = region->size;
	grant->terms = csm_terms_of(share->policy);
	return RSI_SUCCESS;
}

/* --- the end */

void csm_grant_close(struct csm_record *grant)
{
	grant->flags |= CSM_CLOSED | CSM_REVOKED;
}

/* Takes back from the consumer; true when nothing is mapped any more. */
static bool take_back(struct csm_record *grant, struct csm_work *work)
{
	ipa_t at = ipa_of(grant->base + grant->progress);
	ipa_t top = ipa_of(grant->base + grant->size);

	if (grant->state == CSM_ATTACHED && at.v < top.v) {
		s2_share_unmap(&grant->peer->s2, &at, top, &work->visited);
		grant->progress = at.v - grant->base;
		return at.v >= top.v;
	}
	return true;
}

/* Both locks, or only that of self if the grant is not linked. */
static enum csm_end end_locked(struct rd *self, struct csm_record *grant, struct csm_work *work,
			       struct granule **told)
{
	enum csm_end end = CSM_END_DONE;

	work->visited++;
	if (grant->peer != NULL) {
		struct rd *consumer = grant->peer;

		if (!take_back(grant, work)) {
			return CSM_END_MORE;
		}
		if (grant->state == CSM_ATTACHED) {
			csm_record(self, grant->region)->attached--;
		}
		if (csm_post(consumer, csm_other(grant), CSM_SIGNAL_REGION_ENDED | work->also)) {
			*told = consumer->granule;
			end = CSM_END_TELL;
		}
		csm_unlink(grant);
	}
	csm_record_free(self, grant);
	return end;
}

enum csm_end csm_grant_end(struct rd *self, uint64_t region, uint64_t consumer,
			   struct csm_work *work, struct granule **told)
{
	struct csm_pair pair;
	struct csm_record *grant;
	enum csm_end end = CSM_END_DONE;

	csm_pair_lock(self, consumer, &pair);
	grant = csm_find(self, CSM_GRANT, region, consumer);
	if (grant != NULL && (grant->flags & CSM_REVOKED) != 0) {
		ASSERT(grant->peer == NULL || grant->peer == pair.peer);
		end = end_locked(self, grant, work, told);
	}
	csm_pair_unlock(&pair);
	return end;
}

/* --- REVOKE */

/* Of a realm that came in by the ANY grant, and has not left. */
static bool is_by_any(const struct csm_record *grant)
{
	return (grant->flags & CSM_VIA_ANY) != 0 && grant->state != CSM_ENDED;
}

/* All at once, so that nobody gets more while others are on their way out. */
static void close_by_any(struct rd *self, const struct csm_record *region)
{
	for (unsigned int n = region->next_grant; n != CSM_NONE;
	     n = csm_record(self, n)->next_grant) {
		struct csm_record *grant = csm_record(self, n);

		if (is_by_any(grant)) {
			csm_grant_close(grant);
		}
	}
}

static uint64_t begin_revoke(struct rd *self, uint64_t id, uint64_t consumer)
{
	struct csm_record *region = csm_find(self, CSM_REGION, id, 0);
	struct csm_record *grant = csm_find(self, CSM_GRANT, id, consumer);

	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != CSM_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	/* If the consumer detached while REVOKE was incomplete, the record stays for REVOKE. */
	if (grant == NULL || (grant->state == CSM_ENDED && (grant->flags & CSM_REVOKED) == 0)) {
		return FAIL(grant, RSI_ERROR_INPUT);
	}
	csm_grant_close(grant);
	if (consumer == CSM_REALM_ANY) {
		close_by_any(self, region);
	}
	return RSI_SUCCESS;
}

/*
 * The consumer of a sharing that came from the ANY grant and is being revoked, also one that has
 * detached meanwhile; ANY when there is none left. Without CSM_REVOKED the sharing came from a
 * later ANY grant, made after another REC finished this REVOKE: it stays.
 */
static uint64_t next_by_any(struct rd *self, uint64_t id)
{
	struct csm_held held = csm_lock(self);
	const struct csm_record *region = csm_find(self, CSM_REGION, id, 0);
	unsigned int n = region == NULL ? CSM_NONE : region->next_grant;
	uint64_t consumer = CSM_REALM_ANY;

	while (n != CSM_NONE && consumer == CSM_REALM_ANY) {
		const struct csm_record *grant = csm_record(self, n);

		if ((grant->flags & CSM_VIA_ANY) != 0 && (grant->flags & CSM_REVOKED) != 0) {
			consumer = grant->key[1];
		}
		n = grant->next_grant;
	}
	csm_unlock(held);
	return consumer;
}

/* Remembers on the ANY grant that somebody is to be woken / whether somebody is. */
static void note_told(struct rd *self, uint64_t id)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *any = csm_find(self, CSM_GRANT, id, CSM_REALM_ANY);

	if (any != NULL) {
		any->flags |= CSM_TOLD;
	}
	csm_unlock(held);
}

static bool is_told(struct rd *self, uint64_t id)
{
	struct csm_held held = csm_lock(self);
	const struct csm_record *any = csm_find(self, CSM_GRANT, id, CSM_REALM_ANY);
	bool told = any != NULL && (any->flags & CSM_TOLD) != 0;

	csm_unlock(held);
	return told;
}

/* Those who came by the ANY grant, one after the other; then itself, and then the host hears. */
static uint64_t revoke_any(struct rd *self, uint64_t id, struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	struct granule *told = NULL;
	uint64_t consumer = next_by_any(self, id);
	bool tell;

	while (consumer != CSM_REALM_ANY) {
		if (csm_grant_end(self, id, consumer, &work, &told) == CSM_END_TELL) {
			note_told(self, id);
		}
		if (!csm_may_go_on(&work)) {
			return RSI_INCOMPLETE;
		}
		consumer = next_by_any(self, id);
	}
	tell = is_told(self, id);
	(void)csm_grant_end(self, id, CSM_REALM_ANY, &work, &told);
	if (tell) {
		csm_tell(exit, NULL);
	}
	return RSI_SUCCESS;
}

static uint64_t revoke_one(struct rd *self, uint64_t id, uint64_t consumer,
			   struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	struct granule *told = NULL;
	enum csm_end end = csm_grant_end(self, id, consumer, &work, &told);

	while (end == CSM_END_MORE) {
		if (!csm_may_go_on(&work)) {
			return RSI_INCOMPLETE;
		}
		end = csm_grant_end(self, id, consumer, &work, &told);
	}
	if (end == CSM_END_TELL) {
		csm_tell(exit, told);
	}
	return RSI_SUCCESS;
}

uint64_t csm_revoke(struct rd *self, uint64_t region, uint64_t consumer, struct rmi_rec_exit *exit)
{
	struct csm_held held = csm_lock(self);
	uint64_t status = begin_revoke(self, region, consumer);

	csm_unlock(held);
	if (status != RSI_SUCCESS) {
		return status;
	}
	return consumer == CSM_REALM_ANY ? revoke_any(self, region, exit)
					 : revoke_one(self, region, consumer, exit);
}
