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
static uint64_t check_reserve(const struct rd *self, const struct csm_reserve *reserve)
{
	ipa_t base = reserve->base;
	uint64_t size = reserve->size;
	uint64_t status;

	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	status = csm_check_range(self, base, size);
	if (status != RSI_SUCCESS) {
		return status;
	}
	if (csm_range_find(self, base.v, base.v + size) != NULL) {
		return FAIL(overlap, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

uint64_t csm_reserve_begin(struct rd *self, const struct csm_reserve *reserve,
			   struct csm_pair *pair)
{
	uint64_t status;

	csm_pair_lock(self, reserve->provider, pair);
	status = check_reserve(self, reserve);
	if (status != RSI_SUCCESS) {
		csm_pair_unlock(pair);
	}
	return status;
}

/*
 * The provider's consent: the grant that self may use of a live region, if the provider matches
 * self's policy, too. NULL: none; the caller must not learn which part is missing.
 */
static struct csm_grant *find_consent(const struct csm_pair *pair, const struct csm_region *region,
				      uint64_t region_id, const struct csm_policy_digest *policy)
{
	struct csm_grant *grant;

	if (region == NULL || region->state != CSM_REGION_LIVE) {
		return NULL;
	}
	grant = csm_grant_for(pair->peer, pair->self, region_id);
	return grant != NULL && csm_policy_match(policy, pair->peer) ? grant : NULL;
}

/* Whether both APTs have room: checked before either changes, as room may cost an ENDED grant. */
static bool have_room(const struct csm_pair *pair, const struct csm_grant *consent)
{
	bool named = csm_grant_find(pair->peer, consent->record.id.region, pair->self->id) != NULL;

	return csm_has_room(pair->self) && (named || csm_has_room(pair->peer));
}

/*
 * The grant to link with: the consent if it names self, else a grant to self that the ANY grant
 * makes, from an ENDED one or a new record. have_room() has made sure that it cannot fail.
 */
static struct csm_grant *named_grant(const struct csm_pair *pair, struct csm_region *region,
				     struct csm_grant *consent)
{
	struct csm_grant *grant;

	if (consent->record.id.consumer != CSM_REALM_ANY) {
		return consent;
	}
	grant = csm_grant_find(pair->peer, consent->record.id.region, pair->self->id);
	if (grant != NULL) {
		csm_grant_reopen(grant);
	} else {
		grant = csm_grant_new(pair->peer, region, pair->self->id);
		ASSERT(grant != NULL);
	}
	grant->via_any = true;
	grant->perm = consent->perm;
	grant->policy = consent->policy;
	return grant;
}

uint64_t csm_reserve_commit(const struct csm_pair *pair, const struct csm_reserve *reserve,
			    struct rmi_rec_exit *exit)
{
	const struct csm_policy_digest policy = csm_policy_digest(reserve->policy);
	struct csm_region *region =
		pair->peer == NULL ? NULL : csm_region_find(pair->peer, reserve->region);
	struct csm_grant *consent = find_consent(pair, region, reserve->region, &policy);
	struct csm_attachment *attachment;

	if (consent == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	if (region->range.size != reserve->size) {
		return FAIL(size_match, RSI_ERROR_INPUT);
	}
	if (csm_attachment_find(pair->self, reserve->provider, reserve->region) != NULL) {
		return FAIL(reserved, RSI_ERROR_STATE);
	}
	if (!have_room(pair, consent)) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	attachment = csm_attachment_new(pair->self, reserve->provider, reserve->region,
					reserve->base.v, reserve->size);
	ASSERT(attachment != NULL);
	attachment->policy = policy;
	csm_link(pair, attachment, named_grant(pair, region, consent));
	csm_exit_range(exit, RMI_EXIT_CSM_CONSUMER, &attachment->range);
	return RSI_SUCCESS;
}

/* --- ATTACH */

/* Whether both realms match each other's policy. Both locks. */
static bool policies_match(const struct csm_pair *pair, const struct csm_grant *grant,
			   const struct csm_attachment *attachment)
{
	return csm_policy_match(&grant->policy, pair->self) &&
	       csm_policy_match(&attachment->policy, pair->peer);
}

/*
 * All conditions of RESERVE again, at every call. The policies are compared until the first page is
 * accessible: from MAPPING on only the end of a consent ends the sharing.
 */
static uint64_t check_attach(const struct csm_pair *pair, const struct csm_attachment *attachment)
{
	if (!csm_in_use(pair->self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (attachment == NULL) {
		return FAIL(reservation, RSI_ERROR_INPUT);
	}
	if (attachment->state == CSM_ATTACHMENT_ATTACHED ||
	    attachment->state == CSM_ATTACHMENT_DETACHING) {
		return FAIL(attached, RSI_ERROR_STATE);
	}
	if (attachment->provider == NULL) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}

	const struct csm_grant *grant = csm_attachment_grant(attachment);
	const struct csm_region *region = csm_grant_region(pair->peer, grant);

	if (region->state != CSM_REGION_LIVE || grant->closed ||
	    region->range.size != attachment->range.size ||
	    (attachment->state != CSM_ATTACHMENT_MAPPING &&
	     !policies_match(pair, grant, attachment))) {
		return FAIL(access, CSM_ERROR_ACCESS);
	}
	return RSI_SUCCESS;
}

/* Whether the region may have one more consumer; checked before the range changes. */
static uint64_t check_consumers(const struct csm_attachment *attachment)
{
	const struct csm_grant *grant = csm_attachment_grant(attachment);
	const struct csm_region *region = csm_grant_region(attachment->provider, grant);

	if (grant->state != CSM_GRANT_ATTACHED && region->attached >= CSM_MAX_CONSUMERS) {
		return FAIL(consumers, CSM_ERROR_NO_SPACE);
	}
	return RSI_SUCCESS;
}

static void enter_state(struct csm_attachment *attachment, enum csm_attachment_state state)
{
	attachment->state = state;
	attachment->range.progress = 0;
}

static void begin_check(struct csm_attachment *attachment)
{
	enter_state(attachment, CSM_ATTACHMENT_CHECKING);
	attachment->clean = true;
}

/*
 * The sharing becomes attached: from now on the consumer's accesses map pages. The policies were
 * met under the same locks, and the provider's signal is pending before the first access.
 */
static void begin_mapping(struct csm_attachment *attachment, struct csm_work *work)
{
	struct csm_grant *grant = csm_attachment_grant(attachment);

	grant->state = CSM_GRANT_ATTACHED;
	csm_grant_region(attachment->provider, grant)->attached++;
	enter_state(attachment, CSM_ATTACHMENT_MAPPING);
	work->wakeup = csm_signal_post(attachment->provider, &grant->record, CSM_SIGNAL_ATTACHED);
}

/*
 * One step of CHECKING. Fails for `own_granule`, back in RESERVED, if a granule is still assigned.
 * An entry that is EMPTY cannot change except to DESTROYED, with its table, and neither is
 * accessible. The host may fold others into a block beyond the range before they are cleared, so
 * the range is checked again after CLEARING.
 */
static uint64_t check_step(const struct rd *self, struct csm_attachment *attachment,
			   struct csm_work *work)
{
	struct csm_range *range = &attachment->range;
	ipa_t base = csm_range_base(range);
	ipa_t top = csm_range_top(range);
	ipa_t at = csm_range_position(range);

	if (!s2_scan(&self->s2, S2_SCAN_EMPTY, base, top, &at, &work->visited)) {
		attachment->clean = false;
		if (!s2_scan(&self->s2, S2_SCAN_UNOWNED, base, top, &at, &work->visited)) {
			enter_state(attachment, CSM_ATTACHMENT_RESERVED);
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
		enter_state(attachment, CSM_ATTACHMENT_CLEARING);
	}
	return RSI_SUCCESS;
}

/* Makes one table's entries RIPAS EMPTY, and unmaps shared ones; true at the end of the range. */
static bool clear_step(const struct rd *self, struct csm_attachment *attachment,
		       struct csm_work *work)
{
	struct csm_range *range = &attachment->range;
	ipa_t at = csm_range_position(range);
	ipa_t top = csm_range_top(range);

	s2_share_unmap(&self->s2, &at, top, &work->visited);
	range->progress = at.v - range->base;
	return at.v >= top.v;
}

/* One step of MAPPING. Absent pages and missing tables are left out: an access asks for those. */
static void map_step(struct csm_attachment *attachment, struct csm_work *work)
{
	const struct csm_grant *grant = csm_attachment_grant(attachment);
	const struct csm_region *region = csm_grant_region(attachment->provider, grant);
	const struct s2_share share = csm_mapping(attachment->provider, region, grant);
	int level;

	(void)s2_share_map(&share, &attachment->range.progress, share.size, &level, &work->visited);
	if (attachment->range.progress >= share.size) {
		enter_state(attachment, CSM_ATTACHMENT_ATTACHED);
	}
}

/* One step, as the state says. Only checking can fail. The attachment is linked and not ATTACHED.
 */
static uint64_t attach_step(struct rd *self, struct csm_attachment *attachment,
			    struct csm_work *work)
{
	switch (attachment->state) {
	case CSM_ATTACHMENT_RESERVED:
		begin_check(attachment);
		return check_step(self, attachment, work);
	case CSM_ATTACHMENT_CHECKING:
		return check_step(self, attachment, work);
	case CSM_ATTACHMENT_CLEARING:
		if (clear_step(self, attachment, work)) {
			begin_check(attachment);
		}
		break;
	case CSM_ATTACHMENT_MAPPING:
		map_step(attachment, work);
		break;
	default:
		ASSERT(false);
	}
	return RSI_SUCCESS;
}

/* One call of ATTACH, with both locks. The exit wakes the provider if its word was empty. */
static uint64_t attach_locked(struct csm_pair *pair, struct csm_attachment *attachment,
			      struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	uint64_t status = check_attach(pair, attachment);

	if (status == RSI_SUCCESS) {
		status = check_consumers(attachment);
	}
	while (status == RSI_SUCCESS && attachment->state != CSM_ATTACHMENT_ATTACHED) {
		status = attach_step(pair->self, attachment, &work);
		if (status == RSI_SUCCESS && attachment->state != CSM_ATTACHMENT_ATTACHED &&
		    !csm_may_continue(&work)) {
			status = RSI_INCOMPLETE;
		}
	}
	if (work.wakeup) {
		csm_exit_signal(exit, pair->peer->granule);
	}
	return status;
}

uint64_t csm_attach(struct rd *self, uint64_t provider_id, uint64_t region_id, uint64_t *perm,
		    struct rmi_rec_exit *exit)
{
	struct csm_pair pair;
	struct csm_attachment *attachment;
	uint64_t status;

	csm_pair_lock(self, provider_id, &pair);
	attachment = csm_attachment_find(self, provider_id, region_id);
	status = attach_locked(&pair, attachment, exit);
	if (status == RSI_SUCCESS) {
		const struct csm_grant *grant = csm_attachment_grant(attachment);

		*perm = csm_perm(csm_grant_region(pair.peer, grant), grant);
	}
	csm_pair_unlock(&pair);
	return status;
}

/* --- the end of an attachment */

void csm_attachment_close(struct csm_attachment *attachment)
{
	if (attachment->state != CSM_ATTACHMENT_DETACHING) {
		enter_state(attachment, CSM_ATTACHMENT_DETACHING);
	}
}

struct csm_attachment *csm_attachment_find_drained(const struct rd *self, uint64_t provider_id,
						   uint64_t region_id)
{
	struct csm_attachment *attachment = csm_attachment_find(self, provider_id, region_id);
	bool drained = attachment != NULL && attachment->state == CSM_ATTACHMENT_DETACHING &&
		       attachment->provider == NULL;

	return drained ? attachment : NULL;
}

/*
 * A step of csm_attachment_end(); both locks if it is linked. Closes the grant before anything is
 * unmapped, so that nothing is mapped behind the progress.
 */
static bool end_step(struct rd *self, struct csm_attachment *attachment, struct csm_work *work,
		     struct granule **wakeup)
{
	struct rd *provider = attachment->provider;
	struct csm_grant *grant = provider == NULL ? NULL : csm_attachment_grant(attachment);

	if (grant != NULL) {
		grant->closed = true;
	}
	if (attachment->touched && attachment->range.progress < attachment->range.size &&
	    !clear_step(self, attachment, work)) {
		return false;
	}
	if (grant != NULL) {
		if (csm_signal_post(provider, &grant->record,
				    CSM_SIGNAL_DETACHED | work->extra_bits)) {
			*wakeup = provider->granule;
		}
		csm_unlink(provider, grant);
	}
	return true;
}

/* An attachment that another REC has freed meanwhile is at its end, too. */
bool csm_attachment_end(struct rd *self, uint64_t provider_id, uint64_t region_id,
			struct csm_work *work, struct granule **wakeup)
{
	struct csm_pair pair;
	struct csm_attachment *attachment;
	bool done = true;

	csm_pair_lock(self, provider_id, &pair);
	attachment = csm_attachment_find(self, provider_id, region_id);
	if (attachment != NULL && attachment->state == CSM_ATTACHMENT_DETACHING) {
		ASSERT(attachment->provider == NULL || attachment->provider == pair.peer);
		done = end_step(self, attachment, work, wakeup);
	}
	csm_pair_unlock(&pair);
	return done;
}

/* --- DETACH_AND_FREE */

/* Checks the conditions of DETACH_AND_FREE, and closes the attachment. */
static uint64_t begin_detach(struct rd *self, uint64_t provider_id, uint64_t region_id)
{
	struct csm_held held = csm_lock(self);
	struct csm_attachment *attachment = csm_attachment_find(self, provider_id, region_id);
	uint64_t status = RSI_SUCCESS;

	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		csm_attachment_close(attachment);
	}
	csm_unlock(held);
	return status;
}

/* Reports the range to the host and frees the record; `reservation` if another REC has. */
static uint64_t finish_detach(struct rd *self, uint64_t provider_id, uint64_t region_id,
			      struct rmi_rec_exit *exit)
{
	struct csm_held held = csm_lock(self);
	struct csm_attachment *attachment =
		csm_attachment_find_drained(self, provider_id, region_id);
	uint64_t status = RSI_SUCCESS;

	if (attachment == NULL) {
		status = FAIL(reservation, RSI_ERROR_INPUT);
	} else {
		csm_exit_range(exit, RMI_EXIT_CSM_REMOVED, &attachment->range);
		csm_record_free(self, &attachment->range.record);
	}
	csm_unlock(held);
	return status;
}

/* One call has one exit: a wake-up of the provider comes first, and the call is not complete. */
uint64_t csm_detach(struct rd *self, uint64_t provider_id, uint64_t region_id,
		    struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	struct granule *wakeup = NULL;
	uint64_t status = begin_detach(self, provider_id, region_id);

	if (status != RSI_SUCCESS) {
		return status;
	}
	while (!csm_attachment_end(self, provider_id, region_id, &work, &wakeup)) {
		if (!csm_may_continue(&work)) {
			return RSI_INCOMPLETE;
		}
	}
	if (wakeup != NULL) {
		csm_exit_signal(exit, wakeup);
		return RSI_INCOMPLETE;
	}
	return finish_detach(self, provider_id, region_id, exit);
}
