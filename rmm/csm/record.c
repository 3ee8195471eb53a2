// SPDX-License-Identifier: BSD-3-Clause
/*
 * The record store: records in the granules of an access policy table (APT).
 *
 * A record is in up to three lists, by number: the bucket of its id, the ranges of its realm by
 * base (regions, attachments), the grants of its region. The functions here need the CSM lock of
 * *rd, take no lock themselves, and call no other file of csm/. A number that is not in use, or
 * leads to a record of another kind, stops the RMM: numbers come from records only.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/wipe.h"
#include "csm/csm_internal.h"
#include "map/map.h"

#define ALL_RECORDS ((1U << RMM_CSM_RECORDS) - 1U)

struct rmm_csm_apt *rmm_csm_apt_at(const struct rd *rd, unsigned int slot)
{
	struct granule *granule = rd->csm.apt[index_clamp(slot, REALM_APT_GRANULES)];

	ASSERT(granule != NULL && granule_peek(granule) == GRANULE_APT);

	struct rmm_csm_apt *apt = map_meta(granule);

	ASSERT(apt->rd == rd->granule && apt->slot == slot);
	return apt;
}

/* Sets of kinds. */
#define REGION     (1U << RMM_CSM_KIND_REGION)
#define GRANT      (1U << RMM_CSM_KIND_GRANT)
#define ATTACHMENT (1U << RMM_CSM_KIND_ATTACHMENT)
#define RANGES     (REGION | ATTACHMENT)
#define ALL        (REGION | GRANT | ATTACHMENT)

/* The record with that number, of one of the kinds; NULL for RMM_CSM_NONE. */
static union rmm_csm_any_record *record_at(const struct rd *rd, unsigned int number,
					   unsigned int kinds)
{
	if (number == RMM_CSM_NONE) {
		return NULL;
	}
	ASSERT(rmm_csm_index_of(number) < RMM_CSM_RECORDS);

	union rmm_csm_any_record *any =
		&rmm_csm_apt_at(rd, rmm_csm_slot_of(number))->records[rmm_csm_index_of(number)];

	ASSERT((1U << any->record.kind & kinds) != 0 && any->record.number == number);
	return any;
}

struct rmm_csm_range *rmm_csm_range_at(const struct rd *rd, unsigned int number)
{
	return (struct rmm_csm_range *)record_at(rd, number, RANGES);
}

struct rmm_csm_grant *rmm_csm_grant_at(const struct rd *rd, unsigned int number)
{
	return (struct rmm_csm_grant *)record_at(rd, number, GRANT);
}

struct rmm_csm_region *rmm_csm_grant_region(const struct rd *rd, const struct rmm_csm_grant *grant)
{
	return (struct rmm_csm_region *)record_at(rd, grant->region, REGION);
}

struct rmm_csm_attachment *rmm_csm_grant_attachment(const struct rmm_csm_grant *grant)
{
	ASSERT(grant->consumer != NULL);
	return (struct rmm_csm_attachment *)record_at(grant->consumer, grant->attachment,
						      ATTACHMENT);
}

struct rmm_csm_grant *rmm_csm_attachment_grant(const struct rmm_csm_attachment *attachment)
{
	ASSERT(attachment->provider != NULL);
	return rmm_csm_grant_at(attachment->provider, attachment->grant);
}

struct rmm_csm_record *rmm_csm_record_next(const struct rd *rd, const struct rmm_csm_record *after)
{
	unsigned int slot = after == NULL ? 0 : rmm_csm_slot_of(after->number);
	unsigned int from = after == NULL ? 0 : rmm_csm_index_of(after->number) + 1;

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

/* The other realm of a grant or attachment; 0 of a region and an ANY grant. */
static uint64_t peer_id_of(const struct rmm_csm_record *record)
{
	return record->kind == RMM_CSM_KIND_ATTACHMENT ? record->id.provider : record->id.consumer;
}

static unsigned int bucket_of(enum rmm_csm_kind kind, uint64_t region_id, uint64_t peer_id)
{
	uint64_t mixed = (region_id + kind) * UINT64_C(0x9E3779B97F4A7C15) ^ peer_id;

	return (unsigned int)((mixed * UINT64_C(0xBF58476D1CE4E5B9)) >> 56) % REALM_APT_BUCKETS;
}

/* The record with this kind and these ids, or NULL. The CSM lock. */
static struct rmm_csm_record *find(const struct rd *rd, enum rmm_csm_kind kind, uint64_t region_id,
				   uint64_t peer_id)
{
	unsigned int number = rd->csm.buckets[bucket_of(kind, region_id, peer_id)];

	while (number != RMM_CSM_NONE) {
		struct rmm_csm_record *record = &record_at(rd, number, ALL)->record;

		if (record->kind == kind && record->id.region == region_id &&
		    peer_id_of(record) == peer_id) {
			return record;
		}
		number = record->next_in_bucket;
	}
	return NULL;
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

static uint16_t *bucket_for(struct rd *rd, const struct rmm_csm_record *record)
{
	unsigned int bucket = bucket_of(record->kind, record->id.region, peer_id_of(record));

	return &rd->csm.buckets[bucket];
}

static void enter_bucket(struct rd *rd, struct rmm_csm_record *record)
{
	uint16_t *bucket = bucket_for(rd, record);

	record->next_in_bucket = *bucket;
	*bucket = record->number;
}

static void leave_bucket(struct rd *rd, struct rmm_csm_record *record)
{
	uint16_t *link = bucket_for(rd, record);

	while (*link != record->number) {
		link = &record_at(rd, *link, ALL)->record.next_in_bucket;
	}
	*link = record->next_in_bucket;
}

/* --- by address */

struct rmm_csm_range *rmm_csm_range_find(const struct rd *rd, uint64_t base, uint64_t top)
{
	struct rmm_csm_range *range;

	rmm_csm_for_each_range(rd, range)
	{
		if (range->base >= top) {
			return NULL;
		}
		if (range->base + range->size > base) {
			return range;
		}
	}
	return NULL;
}

static void enter_ranges(struct rd *rd, struct rmm_csm_range *range)
{
	uint16_t *link = &rd->csm.first_range;

	while (*link != RMM_CSM_NONE && rmm_csm_range_at(rd, *link)->base < range->base) {
		link = &rmm_csm_range_at(rd, *link)->next;
	}
	range->next = *link;
	*link = range->record.number;
}

static void leave_ranges(struct rd *rd, struct rmm_csm_range *range)
{
	uint16_t *link = &rd->csm.first_range;

	while (*link != range->record.number) {
		link = &rmm_csm_range_at(rd, *link)->next;
	}
	*link = range->next;
}

static void leave_region(struct rd *rd, struct rmm_csm_grant *grant)
{
	uint16_t *link = &rmm_csm_grant_region(rd, grant)->first_grant;

	while (*link != grant->record.number) {
		link = &rmm_csm_grant_at(rd, *link)->next;
	}
	*link = grant->next;
}

/* --- new records */

/* Whether the granule may get a record: RMI_APT_DESTROY would not end otherwise. */
static bool takes_records(const struct rd *rd, unsigned int slot)
{
	return rd->csm.apt[slot] != NULL && !rmm_csm_apt_at(rd, slot)->leaving;
}

/* A slot with room; the number of slots if there is none. */
static unsigned int find_room(const struct rd *rd)
{
	unsigned int slot = 0;

	while (slot < REALM_APT_GRANULES &&
	       (!takes_records(rd, slot) || rmm_csm_apt_at(rd, slot)->used == ALL_RECORDS)) {
		slot++;
	}
	return slot;
}

/*
 * An ENDED grant in a granule that takes records; NULL: none. Its signals must not keep the table
 * full for ever. One that REVOKE is ending stays: REVOKE frees it.
 */
static struct rmm_csm_grant *find_ended(const struct rd *rd)
{
	struct rmm_csm_record *record;

	rmm_csm_for_each_record(rd, record)
	{
		struct rmm_csm_grant *grant = rmm_csm_as_grant(record);

		if (grant != NULL && grant->state == RMM_CSM_GRANT_ENDED && !grant->revoked &&
		    takes_records(rd, rmm_csm_slot_of(record->number))) {
			return grant;
		}
	}
	return NULL;
}

bool rmm_csm_has_room(const struct rd *rd)
{
	return find_room(rd) != REALM_APT_GRANULES || find_ended(rd) != NULL;
}

/* A zeroed record in no list; NULL: the APT is full. Frees an ENDED grant if it has to. */
static union rmm_csm_any_record *record_new(struct rd *rd, enum rmm_csm_kind kind)
{
	unsigned int slot = find_room(rd);
	struct rmm_csm_grant *ended = slot == REALM_APT_GRANULES ? find_ended(rd) : NULL;

	if (ended != NULL) {
		slot = rmm_csm_slot_of(ended->record.number);
		rmm_csm_record_free(rd, &ended->record);
	}
	if (slot == REALM_APT_GRANULES) {
		return NULL;
	}

	struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, slot);
	unsigned int index = (unsigned int)__builtin_ctz(~apt->used);
	union rmm_csm_any_record *any = &apt->records[index];

	apt->used |= 1U << index;
	any->record.kind = (uint8_t)kind;
	any->record.number = rmm_csm_number_of(slot, index);
	return any;
}

struct rmm_csm_region *rmm_csm_region_new(struct rd *rd, uint64_t base, uint64_t size)
{
	union rmm_csm_any_record *any = record_new(rd, RMM_CSM_KIND_REGION);

	if (any == NULL) {
		return NULL;
	}
	any->range.base = base;
	any->range.size = size;
	enter_ranges(rd, &any->range);
	return &any->region;
}

void rmm_csm_region_set_id(struct rd *rd, struct rmm_csm_region *region, uint64_t region_id)
{
	struct rmm_csm_record *record = &region->range.record;

	ASSERT(region_id != 0 && record->id.region == 0);
	record->id.provider = rd->id;
	record->id.region = region_id;
	enter_bucket(rd, record);
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
	enter_bucket(rd, &any->record);
	any->grant.region = region->range.record.number;
	any->grant.next = region->first_grant;
	region->first_grant = any->record.number;
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
	enter_bucket(rd, &any->record);
	any->range.base = base;
	any->range.size = size;
	enter_ranges(rd, &any->range);
	return &any->attachment;
}

/* Takes a record out of the lists of its kind; nothing may refer to it. */
static void leave_lists(struct rd *rd, union rmm_csm_any_record *any)
{
	switch ((enum rmm_csm_kind)any->record.kind) {
	case RMM_CSM_KIND_REGION:
		ASSERT(any->region.first_grant == RMM_CSM_NONE);
		leave_ranges(rd, &any->range);
		break;
	case RMM_CSM_KIND_GRANT:
		ASSERT(any->grant.consumer == NULL);
		leave_region(rd, &any->grant);
		break;
	case RMM_CSM_KIND_ATTACHMENT:
		ASSERT(any->attachment.provider == NULL);
		leave_ranges(rd, &any->range);
		break;
	case RMM_CSM_KIND_FREE:
		ASSERT(false);
		break;
	}
	if (any->record.id.region != 0) {
		leave_bucket(rd, &any->record);
	}
}

void rmm_csm_record_free(struct rd *rd, struct rmm_csm_record *record)
{
	struct rmm_csm_apt *apt = rmm_csm_apt_at(rd, rmm_csm_slot_of(record->number));
	union rmm_csm_any_record *any = (union rmm_csm_any_record *)record;
	uint32_t bit = 1U << rmm_csm_index_of(record->number);

	ASSERT((apt->used & bit) != 0);
	leave_lists(rd, any);
	apt->used &= ~bit;
	atomic_fetch_and_explicit(&apt->pending, ~bit, memory_order_relaxed);
	wipe(any, sizeof(*any));
}
