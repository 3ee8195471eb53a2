// SPDX-License-Identifier: BSD-3-Clause
/*
 * The invariants of a realm's records, for builds that check. The lock of *rd is held; of the peer
 * of a linked record only the pointer is looked at.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"

static void check_range(const struct rd *rd, const struct rmm_csm_range *range)
{
	ASSERT(is_aligned(range->base | range->size, GRANULE_SIZE));
	ASSERT(s2_range_protected(&rd->s2, ipa_of(range->base), range->size));
}

/*
 * The grants of a region: linked in both directions, closed unless the region is LIVE, and counted
 * where they are attached.
 */
static void check_grants_of(const struct rd *rd, const struct rmm_csm_region *region)
{
	const struct rmm_csm_grant *grant;
	unsigned int previous = RMM_CSM_NONE;
	unsigned int attached = 0;

	rmm_csm_for_each_grant (rd, region, grant) {
		ASSERT(grant->region == region->range.record.node.number);
		ASSERT(grant->previous == previous);
		previous = grant->record.node.number;
		ASSERT(grant->record.id.region == region->range.record.id.region);
		ASSERT(region->state == RMM_CSM_REGION_LIVE || grant->revoked);
		attached += grant->state == RMM_CSM_GRANT_ATTACHED;
	}
	ASSERT(attached == region->attached && attached <= CSM_MAX_CONSUMERS);
}

static void check_region(const struct rd *rd, const struct rmm_csm_region *region)
{
	const struct rmm_csm_id *id = &region->range.record.id;
	bool creating = region->state == RMM_CSM_REGION_CREATING;

	check_range(rd, &region->range);
	ASSERT(region->state <= RMM_CSM_REGION_ENDING && region->seal <= RMM_CSM_SEAL_CONSUMERS);
	ASSERT(region->range.progress < region->range.size || region->hashed ||
	       region->state == RMM_CSM_REGION_ENDING);
	ASSERT((id->region == 0) == creating && id->region <= rd->csm.last_region);
	ASSERT(id->provider == (creating ? 0 : rd->id) && id->consumer == 0);
	ASSERT(region->state == RMM_CSM_REGION_LIVE || region->seal == RMM_CSM_SEAL_IDLE);
	check_grants_of(rd, region);
}

static void check_grant(const struct rd *rd, const struct rmm_csm_grant *grant)
{
	bool linked =
		grant->state == RMM_CSM_GRANT_RESERVED || grant->state == RMM_CSM_GRANT_ATTACHED;
	bool any = grant->record.id.consumer == CSM_REALM_ANY;

	ASSERT(grant->state <= RMM_CSM_GRANT_ENDED);
	ASSERT((grant->perm & CSM_PERM_READ) != 0 && (grant->perm & ~CSM_PERM_ALL) == 0);
	ASSERT((grant->consumer != NULL) == linked && grant->consumer != rd);
	ASSERT(!any || (!linked && !grant->via_any && grant->policy.present));
	ASSERT(grant->record.id.provider == rd->id && grant->record.id.consumer != rd->id);
	ASSERT(!grant->revoked || grant->closed);
	ASSERT(grant->state == RMM_CSM_GRANT_ATTACHED || !grant->unmap_for_seal);
	ASSERT(rmm_csm_grant_region(rd, grant)->range.record.id.region == grant->record.id.region);
}

static void check_attachment(const struct rd *rd, const struct rmm_csm_attachment *attachment)
{
	const struct rmm_csm_id *id = &attachment->range.record.id;
	bool linked = attachment->provider != NULL;
	bool over = attachment->state >= RMM_CSM_ATTACHMENT_DEAD;

	check_range(rd, &attachment->range);
	ASSERT(attachment->state <= RMM_CSM_ATTACHMENT_DETACHING);
	ASSERT(attachment->range.progress < attachment->range.size ||
	       attachment->state == RMM_CSM_ATTACHMENT_DETACHING);
	ASSERT(attachment->provider != rd && id->provider != rd->id && id->consumer == rd->id);
	ASSERT(attachment->state != RMM_CSM_ATTACHMENT_DEAD || !linked);
	ASSERT(linked || over);
	ASSERT(attachment->state < RMM_CSM_ATTACHMENT_CLEARING || over || attachment->touched);
}

/* The granules of the table are the realm's; those with room are marked. */
static void check_apt(const struct rd *rd)
{
	for (unsigned int slot = 0; slot < REALM_APT_GRANULES; slot++) {
		const struct rmm_csm_apt *apt = rd->csm.apt[slot];
		bool room = apt != NULL && !apt->leaving && ~apt->used << (32U - RMM_CSM_RECORDS);

		ASSERT((rd->csm.room >> slot & 1) == room);
		ASSERT(apt == NULL || (apt->rd == rd->granule && apt->slot == slot));
	}
}

/* A record's places in the trees. No other range is where it is, and it is in no gap. */
static void check_places(const struct rd *rd, const union rmm_csm_any_record *any)
{
	uint64_t top = any->range.base + any->range.size;

	if (any->record.id.region != 0) {
		rmm_csm_tree_check(rd, RMM_CSM_TREE_IDS, any);
	}
	if (any->record.node.kind != RMM_CSM_KIND_GRANT) {
		rmm_csm_tree_check(rd, RMM_CSM_TREE_RANGES, any);
		ASSERT(top <= rd->csm.gap_base || any->range.base >= rd->csm.gap_top);
	}
}

void rmm_csm_check(const struct rd *rd)
{
	const union rmm_csm_any_record *any;
	struct rmm_csm_record *record;

	check_apt(rd);
	rmm_csm_for_each_record (rd, record) {
		any = (const union rmm_csm_any_record *)record;
		check_places(rd, any);
		switch ((enum rmm_csm_kind)record->node.kind) {
		case RMM_CSM_KIND_REGION:
			check_region(rd, &any->region);
			break;
		case RMM_CSM_KIND_GRANT:
			check_grant(rd, &any->grant);
			break;
		case RMM_CSM_KIND_ATTACHMENT:
			check_attachment(rd, &any->attachment);
			break;
		case RMM_CSM_KIND_FREE:
			ASSERT(false);
			break;
		}
	}
}
