// SPDX-License-Identifier: BSD-3-Clause
/*
 * The record store: records in the granules of an access policy table (APT).
 *
 * A record is in up to three places, by number: the tree of ids, the tree of ranges by base
 * (regions, attachments), the list of its region's grants. The functions here need the CSM lock of
 * *rd, take no lock themselves, and call no other file of csm/ but tree.c. A number that is not in
 * use, or leads to a record of another kind, stops the RMM: numbers come from records only.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/wipe.h"
#include "csm/csm_internal.h"

#define ALL_RECORDS ((1U << RMM_CSM_RECORDS) - 1U)

struct rmm_csm_grant *rmm_csm_grant_at(const struct rd *rd, unsigned int number)
{
	return number == RMM_CSM_NONE
		       ? NULL
		       : &rmm_csm_record_at(rd, number, (1U << RMM_CSM_KIND_GRANT))->grant;
}

struct rmm_csm_region *rmm_csm_grant_region(const struct rd *rd, const struct rmm_csm_grant *grant)
{
	return &rmm_csm_record_at(rd, grant->region, (1U << RMM_CSM_KIND_REGION))->region;
}

struct rmm_csm_attachment *rmm_csm_grant_attachment(const struct rmm_csm_grant *grant)
{
	ASSERT(grant->consumer != NULL);
	return &rmm_csm_record_at(grant->consumer, grant->attachment,
				  (1U << RMM_CSM_KIND_ATTACHMENT))
			->attachment;
}

struct rmm_csm_grant *rmm_csm_attachment_grant(const struct rmm_csm_attachment *attachment)
{
	ASSERT(attachment->provider != NULL);
	return rmm_csm_grant_at(attachment->provider, attachment->grant);
}

struct rmm_csm_record *rmm_csm_record_next(const struct rd *rd, const struct rmm_csm_record *after)
{
	unsigned int slot = after == NULL ? 0 : rmm_csm_slot_of(after->node.number);
	unsigned int from = after == NULL ? 0 : rmm_csm_index_of(after->node.number) + 1;

	for (; slot < REALM_APT_GRANULES; slot++, from = 0) {
		if (rd->csm.apt[slot] != NULL) {
			struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, slot);
			uint32_t left = apt->used >> from << from;

			if (left != 0) {
				return &apt->records[__builtin_ctz(left)].record;
			}
		}
	}
	return NULL;
}

/* --- by id */

/* The first record from a key on, or `beyond` it, in the order of the tree; NULL: none. */
static struct rmm_csm_record *search(const struct rd *rd, enum rmm_csm_kind kind, uint64_t peer_id,
				     uint64_t region_id, bool beyond)
{
	unsigned int number = rd->csm.trees[RMM_CSM_TREE_IDS];
	struct rmm_csm_record *found = NULL;

	while (number != RMM_CSM_NONE) {
		struct rmm_csm_record *record =
			&rmm_csm_record_at(rd, number, RMM_CSM_KINDS_ALL)->record;
		bool before = rmm_csm_compare(record, kind, peer_id, region_id) < (beyond ? 1 : 0);

		found = before ? found : record;
		number = record->node.child[before];
	}
	return found;
}

/* The record with this kind and these ids, or NULL. */
static union rmm_csm_any_record *find(const struct rd *rd, enum rmm_csm_kind kind,
				      uint64_t region_id, uint64_t peer_id)
{
	struct rmm_csm_record *record = search(rd, kind, peer_id, region_id, false);
	bool same = record != NULL && rmm_csm_compare(record, kind, peer_id, region_id) == 0;

	return same ? (union rmm_csm_any_record *)record : NULL;
}

struct rmm_csm_record *rmm_csm_record_after(const struct rd *rd, enum rmm_csm_kind kind,
					    uint64_t peer_id, uint64_t after)
{
	struct rmm_csm_record *record = search(rd, kind, peer_id, after, true);
	bool same =
		record != NULL && record->node.kind == kind && rmm_csm_peer_id(record) == peer_id;

	return same ? record : NULL;
}

struct rmm_csm_record *rmm_csm_record_beyond(const struct rd *rd, enum rmm_csm_kind kind,
					     uint64_t peer_id, uint64_t region_id)
{
	return search(rd, kind, peer_id, region_id, true);
}

struct rmm_csm_region *rmm_csm_region_find(const struct rd *rd, uint64_t region_id)
{
	return (struct rmm_csm_region *)find(rd, RMM_CSM_KIND_REGION, region_id, 0);
}

struct rmm_csm_grant *rmm_csm_grant_find(const struct rd *rd, uint64_t region_id,
					 uint64_t consumer_id)
{
	return (struct rmm_csm_grant *)find(rd, RMM_CSM_KIND_GRANT, region_id, consumer_id);
}

struct rmm_csm_attachment *rmm_csm_attachment_find(const struct rd *rd, uint64_t provider_id,
						   uint64_t region_id)
{
	return (struct rmm_csm_attachment *)find(rd, RMM_CSM_KIND_ATTACHMENT, region_id,
						 provider_id);
}

/* --- by address */

/*
 * As rmm_csm_record_at(), for the search that every page of a realm with an APT pays for: a grant
 * has no number where a range has that of its place.
 */
static inline struct rmm_csm_range *range_at(const struct rd *rd, unsigned int number)
{
	struct rmm_csm_apt *apt = rd->csm.apt[rmm_csm_slot_of(number) % REALM_APT_GRANULES];
	/* The place counts from one: the record before the first is part of the address only. */
	uintptr_t above = (uintptr_t)apt + rmm_csm_place_of(number) * sizeof(apt->records[0]);
	union rmm_csm_any_record *any =
		(union rmm_csm_any_record *)(above + offsetof(struct rmm_csm_apt, records) -
					     sizeof(apt->records[0]));

	ASSERT(any->range.by_base.number == number);
	return &any->range;
}

/* A host brings pages one after the other: the next one mostly lies in the gap of the last one. */
struct rmm_csm_range *rmm_csm_range_find(struct rd *rd, uint64_t base, uint64_t top)
{
	unsigned int number = rd->csm.trees[RMM_CSM_TREE_RANGES];
	struct rmm_csm_range *found = NULL;
	uint64_t before = 0;

	if (base >= rd->csm.gap_base && top <= rd->csm.gap_top) {
		return NULL;
	}
	while (number != RMM_CSM_NONE) {
		struct rmm_csm_range *range = range_at(rd, number);
		uint64_t end = range->base + range->size;

		if (end <= base) {
			before = end;
			number = range->by_base.child[1];
		} else {
			found = range;
			number = range->by_base.child[0];
		}
	}
	if (found != NULL && found->base < top) {
		return found;
	}
	rd->csm.gap_base = before;
	rd->csm.gap_top = found == NULL ? UINT64_MAX : found->base;
	return NULL;
}

/* Adds a region or attachment to the tree. */
static void enter_ranges(struct rd *rd, union rmm_csm_any_record *any, uint64_t base, uint64_t size)
{
	any->range.base = base;
	any->range.size = size;
	any->range.by_base.kind = any->record.node.kind;
	any->range.by_base.number = any->record.node.number;
	rmm_csm_tree_add(rd, RMM_CSM_TREE_RANGES, any);
	rd->csm.gap_top = 0;
}

/* --- by region */

static void enter_region(const struct rd *rd, struct rmm_csm_region *region,
			 struct rmm_csm_grant *grant)
{
	struct rmm_csm_grant *next = rmm_csm_grant_at(rd, region->first_grant);

	grant->region = region->range.record.node.number;
	grant->next = region->first_grant;
	region->first_grant = grant->record.node.number;
	if (next != NULL) {
		next->previous = grant->record.node.number;
	}
}

static void leave_region(const struct rd *rd, const struct rmm_csm_grant *grant)
{
	struct rmm_csm_grant *next = rmm_csm_grant_at(rd, grant->next);
	struct rmm_csm_grant *previous = rmm_csm_grant_at(rd, grant->previous);

	if (next != NULL) {
		next->previous = grant->previous;
	}
	if (previous != NULL) {
		previous->next = grant->next;
	} else {
		rmm_csm_grant_region(rd, grant)->first_grant = grant->next;
	}
}

/* --- new records */

/*
 * An ENDED grant in a granule that takes records; NULL: none. Its signals must not keep the table
 * full for ever. One that REVOKE is ending stays: REVOKE frees it.
 */
static struct rmm_csm_grant *find_ended(const struct rd *rd)
{
	struct rmm_csm_record *record;

	rmm_csm_for_each_record (rd, record) {
		struct rmm_csm_grant *grant = rmm_csm_as_grant(record);

		if (grant != NULL && grant->state == RMM_CSM_GRANT_ENDED && !grant->revoked &&
		    !rmm_csm_apt_at(rd, rmm_csm_slot_of(record->node.number))->leaving) {
			return grant;
		}
	}
	return NULL;
}

bool rmm_csm_has_room(const struct rd *rd)
{
	return rd->csm.room != 0 || find_ended(rd) != NULL;
}

/* A zeroed record in no list; NULL: the APT is full. Frees an ENDED grant if it has to. */
static union rmm_csm_any_record *record_new(struct rd *rd, enum rmm_csm_kind kind)
{
	struct rmm_csm_grant *ended = rd->csm.room == 0 ? find_ended(rd) : NULL;

	if (ended != NULL) {
		rmm_csm_record_free(rd, &ended->record);
	}
	if (rd->csm.room == 0) {
		return NULL;
	}

	unsigned int slot = (unsigned int)__builtin_ctzll(rd->csm.room);
	struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, slot);
	unsigned int index = (unsigned int)__builtin_ctz(~apt->used);
	union rmm_csm_any_record *any = &apt->records[index];

	ASSERT(!apt->leaving && index < RMM_CSM_RECORDS);
	apt->used |= 1U << index;
	if (apt->used == ALL_RECORDS) {
		rd->csm.room &= ~BIT(slot);
	}
	any->record.node.kind = (uint8_t)kind;
	any->record.node.number = rmm_csm_number_of(slot, index);
	return any;
}

struct rmm_csm_region *rmm_csm_region_new(struct rd *rd, uint64_t base, uint64_t size)
{
	union rmm_csm_any_record *any = record_new(rd, RMM_CSM_KIND_REGION);

	if (any == NULL) {
		return NULL;
	}
	enter_ranges(rd, any, base, size);
	return &any->region;
}

void rmm_csm_region_set_id(struct rd *rd, struct rmm_csm_region *region, uint64_t region_id)
{
	struct rmm_csm_record *record = &region->range.record;

	ASSERT(region_id != 0 && record->id.region == 0);
	record->id.provider = rd->id;
	record->id.region = region_id;
	rmm_csm_tree_add(rd, RMM_CSM_TREE_IDS, (union rmm_csm_any_record *)record);
}

struct rmm_csm_grant *rmm_csm_grant_new(struct rd *rd, struct rmm_csm_region *region,
					uint64_t consumer_id)
{
	union rmm_csm_any_record *any = record_new(rd, RMM_CSM_KIND_GRANT);

	if (any == NULL) {
		return NULL;
	}
	any->record.id.provider = rd->id;
	any->record.id.region = region->range.record.id.region;
	any->record.id.consumer = consumer_id;
	rmm_csm_tree_add(rd, RMM_CSM_TREE_IDS, any);
	enter_region(rd, region, &any->grant);
	return &any->grant;
}

struct rmm_csm_attachment *rmm_csm_attachment_new(struct rd *rd, uint64_t provider_id,
						  uint64_t region_id, uint64_t base, uint64_t size)
{
	union rmm_csm_any_record *any = record_new(rd, RMM_CSM_KIND_ATTACHMENT);

	if (any == NULL) {
		return NULL;
	}
	any->record.id.provider = provider_id;
	any->record.id.region = region_id;
	any->record.id.consumer = rd->id;
	rmm_csm_tree_add(rd, RMM_CSM_TREE_IDS, any);
	enter_ranges(rd, any, base, size);
	return &any->attachment;
}

/* Takes a record out of the lists of its kind; nothing may refer to it. */
static void leave_lists(struct rd *rd, union rmm_csm_any_record *any)
{
	switch ((enum rmm_csm_kind)any->record.node.kind) {
	case RMM_CSM_KIND_REGION:
		ASSERT(any->region.first_grant == RMM_CSM_NONE);
		rmm_csm_tree_remove(rd, RMM_CSM_TREE_RANGES, any);
		break;
	case RMM_CSM_KIND_GRANT:
		ASSERT(any->grant.consumer == NULL);
		leave_region(rd, &any->grant);
		break;
	case RMM_CSM_KIND_ATTACHMENT:
		ASSERT(any->attachment.provider == NULL);
		rmm_csm_tree_remove(rd, RMM_CSM_TREE_RANGES, any);
		break;
	case RMM_CSM_KIND_FREE:
		ASSERT(false);
		break;
	}
	if (any->record.id.region != 0) {
		rmm_csm_tree_remove(rd, RMM_CSM_TREE_IDS, any);
	}
}

void rmm_csm_record_free(struct rd *rd, struct rmm_csm_record *record)
{
	unsigned int slot = rmm_csm_slot_of(record->node.number);
	struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, slot);
	union rmm_csm_any_record *any = (union rmm_csm_any_record *)record;
	uint32_t bit = 1U << rmm_csm_index_of(record->node.number);

	ASSERT((apt->used & bit) != 0);
	leave_lists(rd, any);
	apt->used &= ~bit;
	if (!apt->leaving) {
		rd->csm.room |= BIT(slot);
	}
	atomic_fetch_and_explicit(&apt->pending, ~bit, memory_order_relaxed);
	wipe(any, sizeof(*any));
}

void rmm_csm_apt_leave(struct rd *rd, struct rmm_csm_apt *apt)
{
	apt->leaving = true;
	rd->csm.room &= ~BIT(apt->slot);
}
