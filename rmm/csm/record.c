// SPDX-License-Identifier: BSD-3-Clause
/* The record store: granules of the access policy table, and how records are found in them. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/wipe.h"
#include "csm/csm_internal.h"
#include "map/map.h"

#define ALL_RECORDS ((1U << CSM_RECORDS) - 1U)

struct csm_apt *csm_apt_at(const struct rd *rd, unsigned int slot)
{
	struct granule *granule = rd->csm.apt[index_clamp(slot, REALM_APT_GRANULES)];

	ASSERT(granule != NULL && granule_peek(granule) == GRANULE_APT);

	struct csm_apt *apt = map_meta(granule);

	ASSERT(apt->rd == rd->granule && apt->slot == slot);
	return apt;
}

struct csm_record *csm_record(const struct rd *rd, unsigned int number)
{
	ASSERT(number != CSM_NONE && csm_index_of(number) < CSM_RECORDS);

	struct csm_record *record =
		&csm_apt_at(rd, csm_slot_of(number))->records[csm_index_of(number)];

	ASSERT(record->kind != CSM_FREE && record->number == number);
	return record;
}

static unsigned int bucket_of(enum csm_kind kind, uint64_t key0, uint64_t key1)
{
	uint64_t mixed = (key0 + kind) * UINT64_C(0x9E3779B97F4A7C15) ^ key1;

	return (unsigned int)((mixed * UINT64_C(0xBF58476D1CE4E5B9)) >> 56) % REALM_APT_BUCKETS;
}

struct csm_record *csm_find(const struct rd *rd, enum csm_kind kind, uint64_t key0, uint64_t key1)
{
	unsigned int number = rd->csm.buckets[bucket_of(kind, key0, key1)];

	while (number != CSM_NONE) {
		struct csm_record *record = csm_record(rd, number);

		if (record->kind == kind && record->key[0] == key0 && record->key[1] == key1) {
			return record;
		}
		number = record->next_in_bucket;
	}
	return NULL;
}

struct csm_record *csm_range_find(const struct rd *rd, uint64_t base, uint64_t top)
{
	unsigned int number = rd->csm.first_range;

	while (number != CSM_NONE) {
		struct csm_record *record = csm_record(rd, number);

		if (record->base >= top) {
			return NULL;
		}
		if (record->base + record->size > base) {
			return record;
		}
		number = record->next_range;
	}
	return NULL;
}

struct csm_record *csm_find_over(const struct rd *rd, const struct csm_key *key)
{
	struct csm_record *record = csm_find(rd, key->kind, key->key[0], key->key[1]);
	bool over = false;

	if (record != NULL && record->kind == CSM_REGION) {
		over = record->state == CSM_ENDING && record->next_grant == CSM_NONE;
	} else if (record != NULL) {
		over = record->state == CSM_DETACHING && record->peer == NULL;
	}
	return over ? record : NULL;
}

unsigned int csm_next_record(const struct rd *rd, unsigned int number)
{
	unsigned int slot = number == CSM_NONE ? 0 : csm_slot_of(number);
	unsigned int from = number == CSM_NONE ? 0 : csm_index_of(number) + 1;

	for (; slot < REALM_APT_GRANULES; slot++, from = 0) {
		if (rd->csm.apt[slot] != NULL) {
			uint32_t left = csm_apt_at(rd, slot)->used >> from << from;

			if (left != 0) {
				return csm_number_of(slot, (unsigned int)__builtin_ctz(left));
			}
		}
	}
	return CSM_NONE;
}

/* A realm that goes on would keep a granule from its host otherwise. */
static bool takes_records(const struct rd *rd, unsigned int slot)
{
	return rd->csm.apt[slot] != NULL && !csm_apt_at(rd, slot)->leaving;
}

/* A slot with room; the number of slots if there is none. */
static unsigned int find_room(const struct rd *rd)
{
	unsigned int slot = 0;

	while (slot < REALM_APT_GRANULES &&
	       (!takes_records(rd, slot) || csm_apt_at(rd, slot)->used == ALL_RECORDS)) {
		slot++;
	}
	return slot;
}

/*
 * Signals of what has ended do not keep the table full for ever: a record of them, or NULL. A
 * REVOKE that is under way frees its own.
 */
static struct csm_record *find_ended(const struct rd *rd)
{
	for (unsigned int n = csm_next_record(rd, CSM_NONE); n != CSM_NONE;
	     n = csm_next_record(rd, n)) {
		struct csm_record *record = csm_record(rd, n);

		if (record->kind == CSM_GRANT && record->state == CSM_ENDED &&
		    (record->flags & CSM_REVOKED) == 0 && takes_records(rd, csm_slot_of(n))) {
			return record;
		}
	}
	return NULL;
}

bool csm_has_room(const struct rd *rd)
{
	return find_room(rd) != REALM_APT_GRANULES || find_ended(rd) != NULL;
}

struct csm_record *csm_record_new(struct rd *rd, enum csm_kind kind)
{
	unsigned int slot = find_room(rd);
	struct csm_record *ended = slot == REALM_APT_GRANULES ? find_ended(rd) : NULL;

	if (ended != NULL) {
		slot = csm_slot_of(ended->number);
		csm_record_free(rd, ended);
	}
	if (slot == REALM_APT_GRANULES) {
		return NULL;
	}

	struct csm_apt *apt = csm_apt_at(rd, slot);
	unsigned int index = (unsigned int)__builtin_ctz(~apt->used);
	struct csm_record *record = &apt->records[index];

	apt->used |= 1U << index;
	record->kind = (uint8_t)kind;
	record->number = csm_number_of(slot, index);
	return record;
}

void csm_record_key(struct rd *rd, struct csm_record *record, uint64_t key0, uint64_t key1)
{
	uint16_t *bucket = &rd->csm.buckets[bucket_of(record->kind, key0, key1)];

	ASSERT(key0 != 0 && record->key[0] == 0);
	record->key[0] = key0;
	record->key[1] = key1;
	record->next_in_bucket = *bucket;
	*bucket = record->number;
}

void csm_range_insert(struct rd *rd, struct csm_record *record)
{
	uint16_t *link = &rd->csm.first_range;

	while (*link != CSM_NONE && csm_record(rd, *link)->base < record->base) {
		link = &csm_record(rd, *link)->next_range;
	}
	record->next_range = *link;
	*link = record->number;
}

void csm_grant_insert(struct csm_record *region, struct csm_record *grant)
{
	grant->region = region->number;
	grant->next_grant = region->next_grant;
	region->next_grant = grant->number;
}

static void leave_bucket(struct rd *rd, struct csm_record *record)
{
	uint16_t *link = &rd->csm.buckets[bucket_of(record->kind, record->key[0], record->key[1])];

	while (*link != record->number) {
		link = &csm_record(rd, *link)->next_in_bucket;
	}
	*link = record->next_in_bucket;
}

static void leave_ranges(struct rd *rd, struct csm_record *record)
{
	uint16_t *link = &rd->csm.first_range;

	while (*link != record->number) {
		link = &csm_record(rd, *link)->next_range;
	}
	*link = record->next_range;
}

static void leave_region(struct rd *rd, struct csm_record *grant)
{
	uint16_t *link = &csm_record(rd, grant->region)->next_grant;

	while (*link != grant->number) {
		link = &csm_record(rd, *link)->next_grant;
	}
	*link = grant->next_grant;
}

void csm_record_free(struct rd *rd, struct csm_record *record)
{
	struct csm_apt *apt = csm_apt_at(rd, csm_slot_of(record->number));
	uint32_t bit = 1U << csm_index_of(record->number);

	ASSERT(record->peer == NULL && (apt->used & bit) != 0);
	if (record->key[0] != 0) {
		leave_bucket(rd, record);
	}
	if (record->kind == CSM_GRANT) {
		leave_region(rd, record);
	} else {
		ASSERT(record->kind != CSM_REGION || record->next_grant == CSM_NONE);
		leave_ranges(rd, record);
	}
	apt->used &= ~bit;
	atomic_fetch_and_explicit(&apt->pending, ~bit, memory_order_relaxed);
	wipe(record, sizeof(*record));
}
