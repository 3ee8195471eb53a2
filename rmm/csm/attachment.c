// SPDX-License-Identifier: BSD-3-Clause
/*
 * Attachments: RSI_CSM_RESERVE, RSI_CSM_ATTACH and RSI_CSM_DETACH_AND_FREE (docs/csm-spec.md
 * section 6).
 *
 * RESERVE holds both locks from its first check until grant and attachment are linked; the policy
 * is read in between.
 *
 * ATTACH holds both locks for the steps of one call:
 *
 *   RESERVED -> CHECKING   has the host taken back all granules of the range?
 *   CHECKING -> CLEARING   some entry is not RIPAS EMPTY: makes the range EMPTY, then checks again
 *   CHECKING -> MAPPING    the range is EMPTY: the sharing is attached, the provider has its signal
 *   MAPPING  -> ATTACHED   maps what is present; accesses map the rest
 *
 * DETACH_AND_FREE: begin makes the attachment DETACHING, with the consumer's lock. Steps close the
 * grant and unmap, with both locks while it is linked, then send the signal and unlink. Finish asks
 * for the provider's wake-up, and in another call reports the range and frees the record.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- RESERVE */

/* The conditions that need neither grant nor policy, in order. */
static uint64_t check_reserve(struct rd *self, const struct rmm_csm_reserve *reserve)
{
	ipa_t base = reserve->base;
	uint64_t size = reserve->size;
	uint64_t status;

	if (!rmm_csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	status = rmm_csm_check_range(self, base, size);
	if (status != RSI_SUCCESS) {
		return status;
	}
	if (rmm_csm_range_find(self, base.v, base.v + size) != NULL) {
		return FAIL(overlap, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

uint64_t rmm_csm_reserve_begin(struct rd *self, const struct rmm_csm_reserve *reserve,
			       struct rmm_csm_pair *pair)
{
	uint64_t status;

	rmm_csm_pair_lock(self, reserve->provider, pair);
	status = check_reserve(self, reserve);
	if (status != RSI_SUCCESS) {
		rmm_csm_pair_unlock(pair);
	}
	return status;
}

/*
 * The provider's consent: the grant that self may use of a live region, if the provider matches
 * self's policy, too. NULL: none; the caller must not learn which part is missing.
 */
static struct rmm_csm_grant *find_consent(const struct rmm_csm_pair *pair,
					  const struct rmm_csm_region *region, uint64_t region_id,
					  const struct rmm_csm_policy_digest *policy)
{
	struct rmm_csm_grant *grant;

	if (region == NULL || region->state != RMM_CSM_REGION_LIVE) {
		return NULL;
	}
	grant = rmm_csm_grant_for(pair->peer, pair->self, region_id);
	return grant != NULL && rmm_csm_policy_match(policy, pair->peer) ? grant : NULL;
}

/* Whether both APTs have room: checked before either changes, as room may cost an ENDED grant. */
static bool have_room(const struct rmm_csm_pair *pair, const struct rmm_csm_grant *consent)
{
	bool named =
		rmm_csm_grant_find(pair->peer, consent->record.id.region, pair->self->id) != NULL;

	return rmm_csm_has_room(pair->self) && (named || rmm_csm_has_room(pair->peer));
}

/*
 * The grant to link with: the consent if it names self, else a grant to self that the ANY grant
 * makes, from an ENDED one or a new record. have_room() has made sure that it cannot fail.
 */
static struct rmm_csm_grant *named_grant(const struct rmm_csm_pair *pair,
					 struct rmm_csm_region *region,
					 struct rmm_csm_grant *consent)
{
	struct rmm_csm_grant *grant;

	if (consent->record.id.consumer != CSM_REALM_ANY) {
		return consent;
	}
	grant = rmm_csm_grant_find(pair->peer, consent->record.id.region, pair->self->id);
	if (grant != NULL) {
		rmm_csm_grant_reopen(grant);
	} else {
		grant = rmm_csm_grant_new(pair->peer, region, pair->self->id);
		ASSERT(grant != NULL);
	}
	grant->via_any = true;
	grant->perm = consent->perm;
	grant->policy = consent->policy;
	return grant;
}

uint64_t rmm_csm_reserve_commit(const struct rmm_csm_pair *pair,
				const struct rmm_csm_reserve *reserve, struct rmi_rec_exit *exit)
{
	const struct rmm_csm_policy_digest policy = rmm_csm_policy_digest(reserve->policy);
	struct rmm_csm_region *region =
		pair->peer == NULL ? NULL : rmm_csm_region_find(pair->peer, reserve->region);
	struct rmm_csm_grant *consent = find_consent(pair, region, reserve->region, &policy);
	struct rmm_csm_attachment *attachment;

	if (consent == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	if (region->range.size != reserve->size) {
		return FAIL(size_match, RSI_ERROR_INPUT);
	}
	if (rmm_csm_attachment_find(pair->self, reserve->provider, reserve->region) != NULL) {
		return FAIL(reserved, RSI_ERROR_STATE);
	}
	if (!have_room(pair, consent)) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	attachment = rmm_csm_attachment_new(pair->self, reserve->provider, reserve->region,
					    reserve->base.v, reserve->size);
	ASSERT(attachment != NULL);
	attachment->policy = policy;
	rmm_csm_link(pair, attachment, named_grant(pair, region, consent));
	rmm_csm_exit_range(exit, RMI_EXIT_CSM_CONSUMER, &attachment->range);
	return RSI_SUCCESS;
}

/* --- ATTACH */

/* Whether both realms match each other's policy. Both locks. */
static bool policies_match(const struct rmm_csm_pair *pair, const struct rmm_csm_grant *grant,
			   const struct rmm_csm_attachment *attachment)
{
	return rmm_csm_policy_match(&grant->policy, pair->self) &&
	       rmm_csm_policy_match(&attachment->policy, pair->peer);
}

/*
 * All conditions of RESERVE again, at every call. The policies are compared until the first page is
 * accessible: from MAPPING on only the end of a consent ends the sharing.
 */
static uint64_t check_attach(const struct rmm_csm_pair *pair,
			     const struct rmm_csm_attachment *attachment)
{
	if (!rmm_csm_in_use(pair->self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (attachment == NULL) {
		return FAIL(reservation, RSI_ERROR_INPUT);
	}
	if (attachment->state == RMM_CSM_ATTACHMENT_ATTACHED ||
	    attachment->state == RMM_CSM_ATTACHMENT_DETACHING) {
		return FAIL(attached, RSI_ERROR_STATE);
	}
	if (attachment->provider == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}

	const struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);
	const struct rmm_csm_region *region = rmm_csm_grant_region(pair->peer, grant);

	if (region->state != RMM_CSM_REGION_LIVE || grant->closed ||
	    region->range.size != attachment->range.size ||
	    (attachment->state != RMM_CSM_ATTACHMENT_MAPPING &&
	     !policies_match(pair, grant, attachment))) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	return RSI_SUCCESS;
}

/* Whether the region may have one more consumer; checked before the range changes. */
static uint64_t check_consumers(const struct rmm_csm_attachment *attachment)
{
	const struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);
	const struct rmm_csm_region *region = rmm_csm_grant_region(attachment->provider, grant);

	if (grant->state != RMM_CSM_GRANT_ATTACHED && region->attached >= CSM_MAX_CONSUMERS) {
		return FAIL(consumers, CSM_ERROR_NO_SPACE);
	}
	return RSI_SUCCESS;
}

static void enter_state(struct rmm_csm_attachment *attachment, enum rmm_csm_attachment_state state)
{
	attachment->state = state;
	attachment->range.progress = 0;
}

static void begin_check(struct rmm_csm_attachment *attachment)
{
	enter_state(attachment, RMM_CSM_ATTACHMENT_CHECKING);
	attachment->clean = true;
}

/*
 * The sharing becomes attached: from now on the consumer's accesses map pages. The policies were
 * met under the same locks, and the provider's signal is pending before the first access.
 */
static void begin_mapping(struct rmm_csm_attachment *attachment, struct rmm_csm_work *work)
{
	struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);

	grant->state = RMM_CSM_GRANT_ATTACHED;
	rmm_csm_grant_region(attachment->provider, grant)->attached++;
	enter_state(attachment, RMM_CSM_ATTACHMENT_MAPPING);
	work->wakeup =
		rmm_csm_signal_post(attachment->provider, &grant->record, CSM_SIGNAL_ATTACHED);
}

/*
 * One step of CHECKING. Fails for `own_granule`, back in RESERVED, if a granule is still assigned.
 * An entry that is EMPTY cannot change except to DESTROYED, with its table, and neither is
 * accessible. The host may fold others into a block beyond the range before they are cleared, so
 * the range is checked again after CLEARING.
 */
static uint64_t check_step(const struct rd *self, struct rmm_csm_attachment *attachment,
			   struct rmm_csm_work *work)
{
	struct rmm_csm_range *range = &attachment->range;
	ipa_t base = rmm_csm_range_base(range);
	ipa_t top = rmm_csm_range_top(range);
	ipa_t at = rmm_csm_range_position(range);

	if (!s2_scan(&self->s2, S2_SCAN_EMPTY, base, top, &at, &work->visited)) {
		attachment->clean = false;
		if (!s2_scan(&self->s2, S2_SCAN_UNOWNED, base, top, &at, &work->visited)) {
			enter_state(attachment, RMM_CSM_ATTACHMENT_RESERVED);
			return FAIL(own_granule, RSI_ERROR_STATE);
		}
	}
	range->progress = at.v - base.v;
	if (at.v < top.v) {
		return RSI_SUCCESS;
	}
	attachment->touched = true;
	if (attachment->clean) {
		begin_mapping(attachment, work);
	} else {
		enter_state(attachment, RMM_CSM_ATTACHMENT_CLEARING);
	}
	return RSI_SUCCESS;
}

/* Makes one table's entries RIPAS EMPTY, and unmaps shared ones; true at the end of the range. */
static bool clear_step(const struct rd *self, struct rmm_csm_attachment *attachment,
		       struct rmm_csm_work *work)
{
	struct rmm_csm_range *range = &attachment->range;
	ipa_t at = rmm_csm_range_position(range);
	ipa_t top = rmm_csm_range_top(range);

	s2_share_unmap(&self->s2, &at, top, &work->visited);
	range->progress = at.v - range->base;
	return at.v >= top.v;
}

/* One step of MAPPING. Absent pages and missing tables are left out: an access asks for those. */
static void map_step(struct rmm_csm_attachment *attachment, struct rmm_csm_work *work)
{
	const struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);
	const struct rmm_csm_region *region = rmm_csm_grant_region(attachment->provider, grant);
	const struct s2_share share = rmm_csm_mapping(attachment->provider, region, grant);
	int level;

	(void)s2_share_map(&share, &attachment->range.progress, share.size, &level, &work->visited);
	if (attachment->range.progress >= share.size) {
		enter_state(attachment, RMM_CSM_ATTACHMENT_ATTACHED);
	}
}

/* One step, as the state says. Only checking can fail. The attachment is linked and not ATTACHED.
 */
static uint64_t attach_step(struct rd *self, struct rmm_csm_attachment *attachment,
			    struct rmm_csm_work *work)
{
	switch (attachment->state) {
	case RMM_CSM_ATTACHMENT_RESERVED:
		begin_check(attachment);
		return check_step(self, attachment, work);
	case RMM_CSM_ATTACHMENT_CHECKING:
		return check_step(self, attachment, work);
	case RMM_CSM_ATTACHMENT_CLEARING:
		if (clear_step(self, attachment, work)) {
			begin_check(attachment);
		}
		break;
	case RMM_CSM_ATTACHMENT_MAPPING:
		map_step(attachment, work);
		break;
	default:
		ASSERT(false);
	}
	return RSI_SUCCESS;
}

/* One call of ATTACH, with both locks. The exit wakes the provider if its word was empty. */
static uint64_t attach_locked(struct rmm_csm_pair *pair, struct rmm_csm_attachment *attachment,
			      struct rmi_rec_exit *exit)
{
	struct rmm_csm_work work = {0};
	uint64_t status = check_attach(pair, attachment);

	if (status == RSI_SUCCESS) {
		status = check_consumers(attachment);
	}
	while (status == RSI_SUCCESS && attachment->state != RMM_CSM_ATTACHMENT_ATTACHED) {
		status = attach_step(pair->self, attachment, &work);
		if (status == RSI_SUCCESS && attachment->state != RMM_CSM_ATTACHMENT_ATTACHED &&
		    !rmm_csm_may_continue(&work)) {
			status = RSI_INCOMPLETE;
		}
	}
	if (work.wakeup) {
		rmm_csm_exit_signal(exit, pair->peer->granule);
	}
	return status;
}

uint64_t rmm_csm_attach(struct rd *self, uint64_t provider_id, uint64_t region_id, uint64_t *perm,
			struct rmi_rec_exit *exit)
{
	struct rmm_csm_pair pair;
	struct rmm_csm_attachment *attachment;
	uint64_t status;

	rmm_csm_pair_lock(self, provider_id, &pair);
	attachment = rmm_csm_attachment_find(self, provider_id, region_id);
	status = attach_locked(&pair, attachment, exit);
	if (status == RSI_SUCCESS) {
		const struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);

		*perm = rmm_csm_perm(rmm_csm_grant_region(pair.peer, grant), grant);
	}
	rmm_csm_pair_unlock(&pair);
	return status;
}

/* --- the end of an attachment */

void rmm_csm_attachment_close(struct rmm_csm_attachment *attachment)
{
	if (attachment->state != RMM_CSM_ATTACHMENT_DETACHING) {
		enter_state(attachment, RMM_CSM_ATTACHMENT_DETACHING);
	}
}

struct rmm_csm_attachment *rmm_csm_attachment_find_drained(const struct rd *self,
							   uint64_t provider_id, uint64_t region_id)
{
	struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find(self, provider_id, region_id);
	bool drained = attachment != NULL && attachment->state == RMM_CSM_ATTACHMENT_DETACHING &&
		       attachment->provider == NULL;

	return drained ? attachment : NULL;
}

/*
 * A step of rmm_csm_attachment_end(); both locks if it is linked. Closes the grant before anything
 * is unmapped, so that nothing is mapped behind the progress.
 */
static bool end_step(struct rd *self, struct rmm_csm_attachment *attachment,
		     struct rmm_csm_work *work, struct granule **wakeup)
{
	struct rd *provider = attachment->provider;
	struct rmm_csm_grant *grant =
		provider == NULL ? NULL : rmm_csm_attachment_grant(attachment);

	if (grant != NULL) {
		grant->closed = true;
	}
	if (attachment->touched && attachment->range.progress < attachment->range.size &&
	    !clear_step(self, attachment, work)) {
		return false;
	}
	if (grant != NULL) {
		if (rmm_csm_signal_post(provider, &grant->record,
					CSM_SIGNAL_DETACHED | work->extra_bits)) {
			*wakeup = provider->granule;
		}
		rmm_csm_unlink(provider, grant);
	}
	return true;
}

/* An attachment that another REC has freed meanwhile is at its end, too. */
bool rmm_csm_attachment_end(struct rd *self, uint64_t provider_id, uint64_t region_id,
			    struct rmm_csm_work *work, struct granule **wakeup)
{
	struct rmm_csm_pair pair;
	struct rmm_csm_attachment *attachment;
	bool done = true;

	rmm_csm_pair_lock(self, provider_id, &pair);
	attachment = rmm_csm_attachment_find(self, provider_id, region_id);
	if (attachment != NULL && attachment->state == RMM_CSM_ATTACHMENT_DETACHING) {
		ASSERT(attachment->provider == NULL || attachment->provider == pair.peer);
		done = end_step(self, attachment, work, wakeup);
	}
	rmm_csm_pair_unlock(&pair);
	return done;
}

/* --- DETACH_AND_FREE */

/* Checks the conditions of DETACH_AND_FREE, and closes the attachment. */
static uint64_t begin_detach(struct rd *self, uint64_t provider_id, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find(self, provider_id, region_id);
	uint64_t status = RSI_SUCCESS;

	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		rmm_csm_attachment_close(attachment);
	}
	rmm_csm_unlock(held);
	return status;
}

/* Reports the range to the host and frees the record; `reservation` if another REC has. */
static uint64_t finish_detach(struct rd *self, uint64_t provider_id, uint64_t region_id,
			      struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find_drained(self, provider_id, region_id);
	uint64_t status = RSI_SUCCESS;

	if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		rmm_csm_exit_range(exit, RMI_EXIT_CSM_REMOVED, &attachment->range);
		rmm_csm_record_free(self, &attachment->range.record);
	}
	rmm_csm_unlock(held);
	return status;
}

/* One call has one exit: a wake-up of the provider comes first, and the call is not complete. */
uint64_t rmm_csm_detach(struct rd *self, uint64_t provider_id, uint64_t region_id,
			struct rmi_rec_exit *exit)
{
	struct rmm_csm_work work = {0};
	struct granule *wakeup = NULL;
	uint64_t status = begin_detach(self, provider_id, region_id);

	if (status != RSI_SUCCESS) {
		return status;
	}
	while (!rmm_csm_attachment_end(self, provider_id, region_id, &work, &wakeup)) {
		if (!rmm_csm_may_continue(&work)) {
			return RSI_INCOMPLETE;
		}
	}
	if (wakeup != NULL) {
		rmm_csm_exit_signal(exit, wakeup);
		return RSI_INCOMPLETE;
	}
	return finish_detach(self, provider_id, region_id, exit);
}
