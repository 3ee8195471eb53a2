// SPDX-License-Identifier: BSD-3-Clause
/*
 * Regions: RSI_CSM_CREATE and RSI_CSM_DESTROY (docs/csm-spec.md section 6).
 *
 * CREATE holds the lock for one call. A call that is not complete leaves a region in state CREATING
 * with its progress, which the same arguments find again. Edges: from the moment that the record
 * exists rmm_csm_has_edge() forbids new blocks across them; the last call finds older ones, and
 * asks the host to split them.
 *
 * DESTROY: begin makes the region ENDING and closes its grants, under one lock. Steps end one grant
 * after the other, then make the provider's own entries writable again; no lock is held between
 * them. Finish asks for the consumers' wake-up, and in another call reports the range and frees the
 * record.
 */
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- CREATE */

/* The region in creation that a call with the same arguments goes on with; NULL: none. */
static struct rmm_csm_region *find_unfinished(struct rd *self, ipa_t base, uint64_t size,
					      uint64_t label)
{
	struct rmm_csm_range *range = rmm_csm_range_find(self, base.v, base.v + size);
	struct rmm_csm_region *region = range == NULL ? NULL : rmm_csm_as_region(&range->record);
	bool same = region != NULL && region->state == RMM_CSM_REGION_CREATING &&
		    range->base == base.v && range->size == size && region->label == label;

	return same ? region : NULL;
}

/* Checks that RIPAS is RAM from *at on, as far as this call may go; false: it is not. */
static bool check_ram(const struct rd *self, ipa_t base, ipa_t top, ipa_t *at)
{
	struct rmm_csm_work work = {0};

	do {
		if (!s2_scan(&self->s2, S2_SCAN_RAM, base, top, at, &work.visited)) {
			return false;
		}
	} while (at->v < top.v && rmm_csm_may_continue(&work));
	return true;
}

/* Frees regions in creation that touch the range: no realm has their ids. False: others do. */
static bool make_room(struct rd *self, ipa_t base, ipa_t top)
{
	struct rmm_csm_range *range = rmm_csm_range_find(self, base.v, top.v);

	while (range != NULL) {
		const struct rmm_csm_region *region = rmm_csm_as_region(&range->record);

		if (region == NULL || region->state != RMM_CSM_REGION_CREATING) {
			return false;
		}
		rmm_csm_record_free(self, &range->record);
		range = rmm_csm_range_find(self, base.v, top.v);
	}
	return true;
}

/* A new record in state CREATING. Fails for `overlap` or `space`. */
static uint64_t reserve_record(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			       struct rmm_csm_region **region)
{
	if (!make_room(self, base, ipa_add(base, size))) {
		return FAIL(overlap, RSI_ERROR_INPUT);
	}
	*region = rmm_csm_region_new(self, base.v, size);
	if (*region == NULL) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	(*region)->state = RMM_CSM_REGION_CREATING;
	(*region)->label = label;
	return RSI_SUCCESS;
}

/*
 * One call of CREATE but for the edges. *region is the record if the status is RSI_SUCCESS or
 * RSI_INCOMPLETE. A range that is not RAM fails for `ripas` and frees the record.
 */
static uint64_t create_locked(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			      struct rmm_csm_region **region)
{
	ipa_t top = ipa_add(base, size);
	ipa_t at = base;
	uint64_t status;

	if (!rmm_csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	status = rmm_csm_check_range(self, base, size);
	if (status != RSI_SUCCESS) {
		return status;
	}
	*region = find_unfinished(self, base, size, label);
	if (*region != NULL) {
		at = rmm_csm_range_position(&(*region)->range);
	}
	if (!check_ram(self, base, top, &at)) {
		if (*region != NULL) {
			rmm_csm_record_free(self, &(*region)->range.record);
		}
		return FAIL(ripas, RSI_ERROR_INPUT);
	}
	if (*region == NULL) {
		status = reserve_record(self, base, size, label, region);
	}
	if (status == RSI_SUCCESS && at.v < top.v) {
		(*region)->range.progress = at.v - base.v;
		status = RSI_INCOMPLETE;
	}
	return status;
}

/* --- edges */

bool rmm_csm_has_edge(struct rmm_csm_held held, ipa_t base, ipa_t top)
{
	const struct rmm_csm_range *range =
		held.rd == NULL ? NULL : rmm_csm_range_find(held.rd, base.v, top.v);

	while (range != NULL) {
		if (range->record.node.kind == RMM_CSM_KIND_REGION &&
		    (range->base > base.v || range->base + range->size < top.v)) {
			return true;
		}
		range = rmm_csm_range_find(held.rd, range->base + range->size, top.v);
	}
	return false;
}

/* If a block maps `at` and reaches beyond the region, fills the exit that asks to split it. */
static bool is_cut(const struct rd *self, const struct rmm_csm_range *range, uint64_t at,
		   struct rmi_rec_exit *exit)
{
	struct s2_walk walk;
	uint64_t size;
	uint64_t start;
	bool mapped;

	s2_walk(&self->s2, ipa_of(at), S2_LEVEL_PAGE, &walk);
	size = s2_entry_size(walk.level);
	start = align_down(at, size);
	mapped = walk.entry.kind == S2_ASSIGNED;
	s2_walk_end(&walk);
	if (!mapped || (start >= range->base && start + size <= range->base + range->size)) {
		return false;
	}
	exit->exit_reason = RMI_EXIT_CSM_SPLIT;
	exit->ripas_base = start;
	exit->ripas_top = start + size;
	return true;
}

/* Whether a block that is older than the record reaches across one of the region's edges. */
static bool wants_split(const struct rd *self, const struct rmm_csm_range *range,
			struct rmi_rec_exit *exit)
{
	uint64_t last = range->base + range->size - GRANULE_SIZE;

	return is_cut(self, range, range->base, exit) || is_cut(self, range, last, exit);
}

uint64_t rmm_csm_create(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			uint64_t *region_id, struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = NULL;
	uint64_t status = create_locked(self, base, size, label, &region);

	if (status == RSI_SUCCESS && wants_split(self, &region->range, exit)) {
		status = RSI_INCOMPLETE;
	} else if (status == RSI_SUCCESS) {
		region->state = RMM_CSM_REGION_LIVE;
		region->range.progress = 0;
		*region_id = ++self->csm.last_region;
		rmm_csm_region_set_id(self, region, *region_id);
		rmm_csm_exit_range(exit, RMI_EXIT_CSM_PROVIDER, &region->range);
	}
	rmm_csm_unlock(held);
	return status;
}

/* --- the end of a region */

void rmm_csm_region_close(struct rd *self, struct rmm_csm_region *region)
{
	struct rmm_csm_grant *grant;

	if (region->state != RMM_CSM_REGION_LIVE) {
		return;
	}
	region->state = RMM_CSM_REGION_ENDING;
	region->seal = RMM_CSM_SEAL_IDLE;
	region->range.progress = 0;
	rmm_csm_for_each_grant (self, region, grant) {
		rmm_csm_grant_close(grant);
	}
}

struct rmm_csm_region *rmm_csm_region_find_drained(const struct rd *self, uint64_t region_id)
{
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	bool drained = region != NULL && region->state == RMM_CSM_REGION_ENDING &&
		       region->first_grant == RMM_CSM_NONE;

	return drained ? region : NULL;
}

/* Makes entries of a sealed region writable for the provider again; true when all of them are. */
static bool unseal_step(struct rd *self, struct rmm_csm_region *region, struct rmm_csm_work *work)
{
	struct rmm_csm_range *range = &region->range;
	ipa_t at = rmm_csm_range_position(range);
	ipa_t base = rmm_csm_range_base(range);
	ipa_t top = rmm_csm_range_top(range);

	if (!region->sealed || at.v >= top.v) {
		return true;
	}
	s2_protect(&self->s2, false, base, top, &at, &work->visited);
	range->progress = at.v - base.v;
	return at.v >= top.v;
}

/* Remembers in the region, across calls of DESTROY, that a consumer is to be woken. */
static void set_wakeup_pending(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);

	if (region != NULL) {
		region->wakeup_pending = true;
	}
	rmm_csm_unlock(held);
}

/*
 * Ends one grant, or, when there are none left, makes one table's entries writable. A region that
 * another REC has freed meanwhile is at its end, too.
 */
bool rmm_csm_region_end(struct rd *self, uint64_t region_id, struct rmm_csm_work *work)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	const struct rmm_csm_grant *grant =
		region == NULL ? NULL : rmm_csm_grant_at(self, region->first_grant);
	uint64_t consumer_id = grant == NULL ? 0 : grant->record.id.consumer;
	bool done = grant == NULL && (region == NULL || unseal_step(self, region, work));
	struct granule *ignored = NULL;

	rmm_csm_unlock(held);
	if (grant != NULL &&
	    rmm_csm_grant_end(self, region_id, consumer_id, work, &ignored) == RMM_CSM_END_WAKEUP) {
		set_wakeup_pending(self, region_id);
	}
	return done;
}

/* --- DESTROY */

/* Checks the conditions of DESTROY, and closes the region unless an earlier call has. */
static uint64_t begin_destroy(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	uint64_t status = RSI_SUCCESS;

	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (region == NULL) {
		status = FAIL(region, RSI_ERROR_INPUT);
	} else {
		rmm_csm_region_close(self, region);
	}
	rmm_csm_unlock(held);
	return status;
}

/*
 * One call has one exit: the first asks the host to wake consumers, and returns RSI_INCOMPLETE; the
 * last reports that the range is free. Fails for `region` if another REC has finished DESTROY.
 */
static uint64_t finish_destroy(struct rd *self, uint64_t region_id, struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = rmm_csm_region_find_drained(self, region_id);
	uint64_t status = RSI_SUCCESS;

	if (region == NULL) {
		status = FAIL(region, RSI_ERROR_INPUT);
	} else if (region->wakeup_pending && !region->wakeup_sent) {
		region->wakeup_sent = true;
		rmm_csm_exit_signal(exit, NULL);
		status = RSI_INCOMPLETE;
	} else {
		rmm_csm_exit_range(exit, RMI_EXIT_CSM_REMOVED, &region->range);
		rmm_csm_record_free(self, &region->range.record);
	}
	rmm_csm_unlock(held);
	return status;
}

uint64_t rmm_csm_destroy(struct rd *self, uint64_t region_id, struct rmi_rec_exit *exit)
{
	struct rmm_csm_work work = {0};
	uint64_t status = begin_destroy(self, region_id);

	if (status != RSI_SUCCESS) {
		return status;
	}
	while (!rmm_csm_region_end(self, region_id, &work)) {
		if (!rmm_csm_may_continue(&work)) {
			return RSI_INCOMPLETE;
		}
	}
	return finish_destroy(self, region_id, exit);
}
