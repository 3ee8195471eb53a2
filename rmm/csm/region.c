// SPDX-License-Identifier: BSD-3-Clause
/* Regions: CREATE and DESTROY. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* The unfinished region that a call with the same arguments goes on with. */
static struct csm_record *find_unfinished(const struct rd *self, ipa_t base, uint64_t size,
					  uint64_t label)
{
	struct csm_record *record = csm_range_find(self, base.v, base.v + size);
	bool same = record != NULL && record->kind == CSM_REGION && record->state == CSM_CREATING &&
		    record->base == base.v && record->size == size && record->label == label;

	return same ? record : NULL;
}

/* Looks at RIPAS from *at on as far as this call may; false: it is not RAM. */
static bool look_for_ram(const struct rd *self, ipa_t base, ipa_t top, ipa_t *at)
{
	struct csm_work work = {0};

	do {
		if (!s2_scan(&self->s2, S2_SCAN_RAM, base, top, at, &work.visited)) {
			return false;
		}
	} while (at->v < top.v && csm_may_go_on(&work));
	return true;
}

/* A region that was never finished has no id, so nobody can want it: it gives way. */
static bool make_room(struct rd *self, ipa_t base, ipa_t top)
{
	struct csm_record *other = csm_range_find(self, base.v, top.v);

	while (other != NULL && other->kind == CSM_REGION && other->state == CSM_CREATING) {
		csm_record_free(self, other);
		other = csm_range_find(self, base.v, top.v);
	}
	return other == NULL;
}

static uint64_t reserve_record(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			       struct csm_record **region)
{
	if (!make_room(self, base, ipa_add(base, size))) {
		return FAIL(overlap, RSI_ERROR_INPUT);
	}
	*region = csm_record_new(self, CSM_REGION);
	if (*region == NULL) {
		return FAIL(space, CSM_ERROR_NO_SPACE);
	}
	(*region)->state = CSM_CREATING;
	(*region)->base = base.v;
	(*region)->size = size;
	(*region)->label = label;
	csm_range_insert(self, *region);
	return RSI_SUCCESS;
}

static uint64_t create_locked(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			      struct csm_record **region)
{
	ipa_t top = ipa_add(base, size);
	ipa_t at = base;
	uint64_t status;

	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	status = csm_check_range(self, base, size);
	if (status != RSI_SUCCESS) {
		return status;
	}
	*region = find_unfinished(self, base, size, label);
	if (*region != NULL) {
		at = ipa_add(base, (*region)->progress);
	}
	if (!look_for_ram(self, base, top, &at)) {
		if (*region != NULL) {
			csm_record_free(self, *region);
		}
		return FAIL(ripas, RSI_ERROR_INPUT);
	}
	if (*region == NULL) {
		status = reserve_record(self, base, size, label, region);
	}
	if (status == RSI_SUCCESS && at.v < top.v) {
		(*region)->progress = at.v - base.v;
		status = RSI_INCOMPLETE;
	}
	return status;
}

bool csm_has_edge(struct csm_held held, ipa_t base, ipa_t top)
{
	const struct csm_record *record =
		held.rd == NULL ? NULL : csm_range_find(held.rd, base.v, top.v);
	unsigned int next;

	while (record != NULL && record->base < top.v) {
		if (record->kind == CSM_REGION &&
		    (record->base > base.v || record->base + record->size < top.v)) {
			return true;
		}
		next = record->next_range;
		record = next == CSM_NONE ? NULL : csm_record(held.rd, next);
	}
	return false;
}

/* If the page at `at` is mapped by a block that reaches beyond the region, the host has to act. */
static bool is_cut(const struct rd *self, const struct csm_record *region, uint64_t at,
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
	if (!mapped || (start >= region->base && start + size <= region->base + region->size)) {
		return false;
	}
	exit->exit_reason = RMI_EXIT_CSM_SPLIT;
	exit->ripas_base = start;
	exit->ripas_top = start + size;
	return true;
}

/*
 * From when the record exists no new block reaches across an edge: csm_has_edge() forbids it. Here
 * the older ones are found.
 */
static bool wants_split(const struct rd *self, const struct csm_record *region,
			struct rmi_rec_exit *exit)
{
	uint64_t last = region->base + region->size - GRANULE_SIZE;

	return is_cut(self, region, region->base, exit) || is_cut(self, region, last, exit);
}

uint64_t csm_create(struct rd *self, ipa_t base, uint64_t size, uint64_t label, uint64_t *id,
		    struct rmi_rec_exit *exit)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *region = NULL;
	uint64_t status = create_locked(self, base, size, label, &region);

	if (status == RSI_SUCCESS && wants_split(self, region, exit)) {
		status = RSI_INCOMPLETE;
	} else if (status == RSI_SUCCESS) {
		region->state = CSM_LIVE;
		region->progress = 0;
		*id = ++self->csm.last_region;
		csm_record_key(self, region, *id, 0);
		csm_notice(exit, RMI_EXIT_CSM_PROVIDER, region);
	}
	csm_unlock(held);
	return status;
}

/* --- the end */

void csm_region_close(struct rd *self, struct csm_record *region)
{
	if (region->state == CSM_LIVE) {
		region->state = CSM_ENDING;
		region->seal = CSM_SEAL_IDLE;
		region->progress = 0;
		for (unsigned int n = region->next_grant; n != CSM_NONE;
		     n = csm_record(self, n)->next_grant) {
			csm_grant_close(csm_record(self, n));
		}
	}
}

/* The provider may write to its own memory again. True when all of it is done. */
static bool open_own(struct rd *self, struct csm_record *region, struct csm_work *work)
{
	ipa_t at = ipa_of(region->base + region->progress);
	ipa_t base = ipa_of(region->base);
	ipa_t top = ipa_of(region->base + region->size);

	if ((region->flags & CSM_IS_SEALED) == 0 || at.v >= top.v) {
		return true;
	}
	s2_protect(&self->s2, false, base, top, &at, &work->visited);
	region->progress = at.v - region->base;
	return at.v >= top.v;
}

bool csm_region_end(struct rd *self, uint64_t id, struct csm_work *work)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *region = csm_find(self, CSM_REGION, id, 0);
	unsigned int first = region == NULL ? CSM_NONE : region->next_grant;
	uint64_t consumer = first == CSM_NONE ? 0 : csm_record(self, first)->key[1];
	bool done = first == CSM_NONE && (region == NULL || open_own(self, region, work));
	struct granule *told = NULL;

	csm_unlock(held);
	if (first == CSM_NONE) {
		return done;
	}
	if (csm_grant_end(self, id, consumer, work, &told) == CSM_END_TELL) {
		held = csm_lock(self);
		region = csm_find(self, CSM_REGION, id, 0);
		if (region != NULL) {
			region->flags |= CSM_TOLD;
		}
		csm_unlock(held);
	}
	return false;
}

/* Everything is withdrawn: first the host hears of signals, then the provider of success. */
static uint64_t finish_destroy(struct rd *self, uint64_t id, struct rmi_rec_exit *exit)
{
	struct csm_held held = csm_lock(self);
	const struct csm_key key = {CSM_REGION, {id, 0}};
	struct csm_record *region = csm_find_over(self, &key);
	uint64_t status = RSI_SUCCESS;

	if (region == NULL) {
		status = FAIL(region, RSI_ERROR_INPUT);
	} else if ((region->flags & (CSM_TOLD | CSM_SIGNALLED)) == CSM_TOLD) {
		region->flags |= CSM_SIGNALLED;
		csm_tell(exit, NULL);
		status = RSI_INCOMPLETE;
	} else {
		csm_notice(exit, RMI_EXIT_CSM_REMOVED, region);
		csm_record_free(self, region);
	}
	csm_unlock(held);
	return status;
}

static uint64_t begin_destroy(struct rd *self, uint64_t id)
{
	struct csm_held held = csm_lock(self);
	struct csm_record *region = csm_find(self, CSM_REGION, id, 0);
	uint64_t status = RSI_SUCCESS;

	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (region == NULL) {
		status = FAIL(region, RSI_ERROR_INPUT);
	} else {
		csm_region_close(self, region);
	}
	csm_unlock(held);
	return status;
}

uint64_t csm_destroy(struct rd *self, uint64_t id, struct rmi_rec_exit *exit)
{
	struct csm_work work = {0};
	uint64_t status = begin_destroy(self, id);

	if (status != RSI_SUCCESS) {
		return status;
	}
	while (!csm_region_end(self, id, &work)) {
		if (!csm_may_go_on(&work)) {
			return RSI_INCOMPLETE;
		}
	}
	return finish_destroy(self, id, exit);
}
