// SPDX-License-Identifier: BSD-3-Clause
/*
 * Granules of an access policy table: RMI_APT_CREATE and RMI_APT_DESTROY (docs/csm-spec.md section
 * 4).
 *
 * The granule's external lock and the RD are held throughout. DESTROY marks the granule as leaving,
 * so that it takes no new records. Then, in turn: with the CSM lock, closes the first record that
 * is left; without a lock, does one step towards its end, as the realm's own command would; frees
 * the record when it is drained. When no record is left the granule leaves the table under the same
 * lock under which that was seen.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"
#include "map/map.h"

uint64_t rmm_csm_revision(void)
{
	return CSM_REVISION;
}

/* The granule changes its state under the CSM lock: the slot never leads to one in another state.
 */
void rmm_csm_apt_add(struct rd *rd, struct granule_held granule, void *page)
{
	struct rmm_csm_apt *apt = page;
	struct rmm_csm_held held;
	unsigned int slot = 0;

	while (slot < REALM_APT_GRANULES && rd->csm.apt[slot] != NULL) {
		slot++;
	}
	ASSERT(slot < REALM_APT_GRANULES);
	apt->rd = rd->granule;
	apt->slot = slot;
	held = rmm_csm_lock(rd);
	rd->csm.apt[slot] = apt;
	rd->csm.room |= BIT(slot);
	atomic_fetch_add_explicit(&rd->csm.apt_count, 1, memory_order_relaxed);
	granule_unlock_to(granule, GRANULE_APT);
	rmm_csm_unlock(held);
}

bool rmm_csm_apt_owned(const struct rd *rd, const struct granule *granule)
{
	const struct rmm_csm_apt *apt = map_meta(granule, GRANULE_APT);

	return apt->rd == rd->granule;
}

/* --- the end of a granule */

/* A record, for as long as its lock is not held. */
struct ending {
	enum rmm_csm_kind kind;
	struct rmm_csm_id id;
};

static void free_drained_region(struct rd *rd, uint64_t region_id)
{
	struct rmm_csm_held held = rmm_csm_lock(rd);
	struct rmm_csm_region *region = rmm_csm_region_find_drained(rd, region_id);

	if (region != NULL) {
		rmm_csm_record_free(rd, &region->range.record);
	}
	rmm_csm_unlock(held);
}

static void free_drained_attachment(struct rd *rd, const struct rmm_csm_id *id)
{
	struct rmm_csm_held held = rmm_csm_lock(rd);
	struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find_drained(rd, id->provider, id->region);

	if (attachment != NULL) {
		rmm_csm_record_free(rd, &attachment->range.record);
	}
	rmm_csm_unlock(held);
}

/* One step towards the end of a record, and frees it when it is drained. No CSM lock is held. */
static void end_record(struct rd *rd, const struct ending *ending, struct rmm_csm_work *work)
{
	const struct rmm_csm_id *id = &ending->id;
	struct granule *ignored;

	switch (ending->kind) {
	case RMM_CSM_KIND_REGION:
		if (rmm_csm_region_end(rd, id->region, work)) {
			free_drained_region(rd, id->region);
		}
		break;
	case RMM_CSM_KIND_GRANT:
		(void)rmm_csm_grant_end(rd, id->region, id->consumer, work, &ignored);
		break;
	case RMM_CSM_KIND_ATTACHMENT:
		if (rmm_csm_attachment_end(rd, id->provider, id->region, work, &ignored)) {
			free_drained_attachment(rd, id);
		}
		break;
	case RMM_CSM_KIND_FREE:
		break;
	}
}

/* Closes a record of any kind: from now on nothing more is mapped through it. The CSM lock. */
static void close_record(struct rd *rd, union rmm_csm_any_record *any)
{
	switch ((enum rmm_csm_kind)any->record.node.kind) {
	case RMM_CSM_KIND_REGION:
		rmm_csm_region_close(rd, &any->region);
		break;
	case RMM_CSM_KIND_GRANT:
		rmm_csm_grant_close(&any->grant);
		break;
	case RMM_CSM_KIND_ATTACHMENT:
		rmm_csm_attachment_close(&any->attachment);
		break;
	case RMM_CSM_KIND_FREE:
		ASSERT(false);
		break;
	}
}

/*
 * Closes the granule's first record, and says which it is; false: no record is left. A region that
 * has no id yet is freed at once. The CSM lock.
 */
static bool next_to_end(struct rd *rd, struct rmm_csm_apt *apt, struct ending *ending)
{
	while (apt->used != 0) {
		union rmm_csm_any_record *any = &apt->records[__builtin_ctz(apt->used)];

		close_record(rd, any);
		if (any->record.id.region != 0) {
			ending->kind = any->record.node.kind;
			ending->id = any->record.id;
			return true;
		}
		rmm_csm_record_free(rd, &any->record);
	}
	return false;
}

/* Takes an empty granule out of the table. The CSM lock. */
static void remove_granule(struct rd *rd, const struct rmm_csm_apt *apt)
{
	rd->csm.apt[index_clamp(apt->slot, REALM_APT_GRANULES)] = NULL;
	atomic_fetch_and_explicit(&rd->csm.pending, ~BIT(apt->slot), memory_order_relaxed);
	atomic_fetch_sub_explicit(&rd->csm.apt_count, 1, memory_order_relaxed);
}

bool rmm_csm_apt_empty(struct rd *rd, struct granule *granule)
{
	struct rmm_csm_apt *apt = map_meta(granule, GRANULE_APT);
	struct rmm_csm_work work = {.extra_bits = CSM_SIGNAL_PEER_ENDED};
	struct ending ending;
	bool more;

	do {
		struct rmm_csm_held held = rmm_csm_lock(rd);

		rmm_csm_apt_leave(rd, apt);
		more = next_to_end(rd, apt, &ending);
		if (!more) {
			remove_granule(rd, apt);
		}
		rmm_csm_unlock(held);
		if (more) {
			end_record(rd, &ending, &work);
		}
	} while (more && rmm_csm_may_continue(&work));
	return !more;
}
