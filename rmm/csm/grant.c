// SPDX-License-Identifier: BSD-3-Clause
/*
 * Grants: RSI_CSM_SHARE and RSI_CSM_REVOKE (docs/csm-spec.md section 6).
 *
 * SHARE holds the provider's lock from its first check until the grant exists; the policy is read
 * in between.
 *
 * REVOKE: begin closes the grant, and with the ANY grant all grants that it made, under one lock,
 * so that nothing more is mapped while they end. Steps end one grant after the other, each with
 * both locks: unmap, send the signal, unlink, free. The ANY grant ends last, because it remembers
 * that some consumer is to be woken. Finish asks the host for that wake-up.
 */
#include "base/assert.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- SHARE */

/* The conditions that need no policy, in order. The provider's lock. */
static uint64_t check_share(const struct rd *self, const struct rmm_csm_share *share)
{
	const struct rmm_csm_region *region = rmm_csm_region_find(self, share->region);

	if (!rmm_csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != RMM_CSM_REGION_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	if ((share->perm & CSM_PERM_READ) == 0 || (share->perm & ~CSM_PERM_ALL) != 0) {
		return FAIL(perm_valid, RSI_ERROR_INPUT);
	}
	if ((share->perm & CSM_PERM_WRITE) != 0 && region->sealed) {
		return FAIL(perm_sealed, RSI_ERROR_INPUT);
	}
	if (share->consumer == self->id) {
		return FAIL(self, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

uint64_t rmm_csm_share_begin(struct rd *self, const struct rmm_csm_share *share,
			     struct rmm_csm_held *held)
{
	uint64_t status;

	*held = rmm_csm_lock(self);
	status = check_share(self, share);
	if (status != RSI_SUCCESS) {
		rmm_csm_unlock(*held);
	}
	return status;
}

/* An ENDED grant to the same consumer becomes the new one: signals that it has stay pending. */
uint64_t rmm_csm_share_commit(struct rmm_csm_held held, const struct rmm_csm_share *share)
{
	struct rmm_csm_region *region = rmm_csm_region_find(held.rd, share->region);
	struct rmm_csm_grant *grant = rmm_csm_grant_find(held.rd, share->region, share->consumer);

	if (share->consumer == CSM_REALM_ANY && share->policy == NULL) {
		return FAIL(policy_any, RSI_ERROR_INPUT);
	}
	/* The host chooses the RPV and a realm extends its own REMs: neither identifies a realm. */
	if (share->consumer == CSM_REALM_ANY && (share->policy->flags & CSM_POLICY_RIM) == 0) {
		return FAIL(policy_rim, RSI_ERROR_INPUT);
	}
	if (grant != NULL && grant->state != RMM_CSM_GRANT_ENDED) {
		return FAIL(grant_live, RSI_ERROR_STATE);
	}
	if (grant != NULL) {
		rmm_csm_grant_reopen(grant);
	} else if ((grant = rmm_csm_grant_new(held.rd, region, share->consumer)) == NULL) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	grant->perm = (uint8_t)share->perm;
	grant->policy = rmm_csm_policy_digest(share->policy);
	return RSI_SUCCESS;
}

/* --- the end of a grant */

void rmm_csm_grant_close(struct rmm_csm_grant *grant)
{
	grant->closed = true;
	grant->revoked = true;
}

/* Unmaps one table's pages from the consumer of a linked grant; true when all are unmapped. */
static bool unmap_step(struct rmm_csm_grant *grant, struct rmm_csm_work *work)
{
	ipa_t at = ipa_of(grant->base + grant->unmapped);
	ipa_t top = ipa_of(grant->base + grant->size);

	if (grant->state == RMM_CSM_GRANT_ATTACHED && at.v < top.v) {
		s2_share_unmap(&grant->consumer->s2, &at, top, &work->visited);
		grant->unmapped = at.v - grant->base;
		return at.v >= top.v;
	}
	return true;
}

/* A step of rmm_csm_grant_end(). Both locks; if the grant is not linked, that of self is enough. */
static enum rmm_csm_end end_step(struct rd *self, struct rmm_csm_grant *grant,
				 struct rmm_csm_work *work, struct granule **wakeup)
{
	struct rd *consumer = grant->consumer;
	enum rmm_csm_end end = RMM_CSM_END_DONE;

	work->visited++;
	if (consumer != NULL) {
		if (!unmap_step(grant, work)) {
			return RMM_CSM_END_MORE;
		}
		if (rmm_csm_signal_post(consumer, &rmm_csm_grant_attachment(grant)->range.record,
					CSM_SIGNAL_REGION_ENDED | work->extra_bits)) {
			*wakeup = consumer->granule;
			end = RMM_CSM_END_WAKEUP;
		}
		rmm_csm_unlink(self, grant);
	}
	rmm_csm_record_free(self, &grant->record);
	return end;
}

/*
 * Looks the grant up again: another REC may have ended it, or SHARE may have made a new one since
 * the last step. Then there is nothing to do.
 */
enum rmm_csm_end rmm_csm_grant_end(struct rd *self, uint64_t region_id, uint64_t consumer_id,
				   struct rmm_csm_work *work, struct granule **wakeup)
{
	struct rmm_csm_pair pair;
	struct rmm_csm_grant *grant;
	enum rmm_csm_end end = RMM_CSM_END_DONE;

	rmm_csm_pair_lock(self, consumer_id, &pair);
	grant = rmm_csm_grant_find(self, region_id, consumer_id);
	if (grant != NULL && grant->revoked) {
		ASSERT(grant->consumer == NULL || grant->consumer == pair.peer);
		end = end_step(self, grant, work, wakeup);
	}
	rmm_csm_pair_unlock(&pair);
	return end;
}

/* --- REVOKE */

/* Closes all grants at once that the ANY grant made and whose consumers have not detached. */
static void close_made_by_any(struct rd *self, const struct rmm_csm_region *region)
{
	struct rmm_csm_grant *grant;

	rmm_csm_for_each_grant (self, region, grant) {
		if (grant->via_any && grant->state != RMM_CSM_GRANT_ENDED) {
			rmm_csm_grant_close(grant);
		}
	}
}

/* Checks the conditions of REVOKE in order, and closes what it ends. The lock of self. */
static uint64_t begin_revoke(struct rd *self, uint64_t region_id, uint64_t consumer_id)
{
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	struct rmm_csm_grant *grant = rmm_csm_grant_find(self, region_id, consumer_id);

	if (!rmm_csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != RMM_CSM_REGION_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	/* If the consumer detached while REVOKE was incomplete, the record stays for REVOKE. */
	if (grant == NULL || (grant->state == RMM_CSM_GRANT_ENDED && !grant->revoked)) {
		return FAIL(grant, RSI_ERROR_INPUT);
	}
	rmm_csm_grant_close(grant);
	if (consumer_id == CSM_REALM_ANY) {
		close_made_by_any(self, region);
	}
	return RSI_SUCCESS;
}

/*
 * The consumer of a grant that the ANY grant made and that is being revoked, also one that has
 * detached meanwhile; ANY when there is none left. A grant that is not revoked was made by a later
 * ANY grant, after another REC finished this REVOKE: it stays.
 */
static uint64_t next_made_by_any(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	const struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	const struct rmm_csm_grant *grant = NULL;
	uint64_t consumer_id = CSM_REALM_ANY;

	if (region != NULL) {
		rmm_csm_for_each_grant (self, region, grant) {
			if (grant->via_any && grant->revoked) {
				consumer_id = grant->record.id.consumer;
				break;
			}
		}
	}
	rmm_csm_unlock(held);
	return consumer_id;
}

/* Remembers in the ANY grant, across calls of REVOKE, that a consumer is to be woken. */
static void set_wakeup_pending(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_grant *any = rmm_csm_grant_find(self, region_id, CSM_REALM_ANY);

	if (any != NULL) {
		any->wakeup_pending = true;
	}
	rmm_csm_unlock(held);
}

static bool is_wakeup_pending(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	const struct rmm_csm_grant *any = rmm_csm_grant_find(self, region_id, CSM_REALM_ANY);
	bool pending = any != NULL && any->wakeup_pending;

	rmm_csm_unlock(held);
	return pending;
}

/*
 * Steps and finish of REVOKE of the ANY grant: ends the grants that it made, then itself. One exit
 * asks for all wake-ups. RSI_INCOMPLETE while grants are left.
 */
static uint64_t revoke_any(struct rd *self, uint64_t region_id, struct rmi_rec_exit *exit)
{
	struct rmm_csm_work work = {0};
	struct granule *ignored = NULL;
	uint64_t consumer_id = next_made_by_any(self, region_id);
	bool wakeup;

	while (consumer_id != CSM_REALM_ANY) {
		if (rmm_csm_grant_end(self, region_id, consumer_id, &work, &ignored) ==
		    RMM_CSM_END_WAKEUP) {
			set_wakeup_pending(self, region_id);
		}
		if (!rmm_csm_may_continue(&work)) {
			return RSI_INCOMPLETE;
		}
		consumer_id = next_made_by_any(self, region_id);
	}
	wakeup = is_wakeup_pending(self, region_id);
	(void)rmm_csm_grant_end(self, region_id, CSM_REALM_ANY, &work, &ignored);
	if (wakeup) {
		rmm_csm_exit_signal(exit, NULL);
	}
	return RSI_SUCCESS;
}

/* Steps and finish of REVOKE of a grant that names its consumer. RSI_INCOMPLETE: call again. */
static uint64_t revoke_one(struct rd *self, uint64_t region_id, uint64_t consumer_id,
			   struct rmi_rec_exit *exit)
{
	struct rmm_csm_work work = {0};
	struct granule *wakeup = NULL;
	enum rmm_csm_end end = rmm_csm_grant_end(self, region_id, consumer_id, &work, &wakeup);

	while (end == RMM_CSM_END_MORE) {
		if (!rmm_csm_may_continue(&work)) {
			return RSI_INCOMPLETE;
		}
		end = rmm_csm_grant_end(self, region_id, consumer_id, &work, &wakeup);
	}
	if (end == RMM_CSM_END_WAKEUP) {
		rmm_csm_exit_signal(exit, wakeup);
	}
	return RSI_SUCCESS;
}

uint64_t rmm_csm_revoke(struct rd *self, uint64_t region_id, uint64_t consumer_id,
			struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	uint64_t status = begin_revoke(self, region_id, consumer_id);

	rmm_csm_unlock(held);
	if (status != RSI_SUCCESS) {
		return status;
	}
	return consumer_id == CSM_REALM_ANY ? revoke_any(self, region_id, exit)
					    : revoke_one(self, region_id, consumer_id, exit);
}
