// SPDX-License-Identifier: BSD-3-Clause
/* The access policy table of a realm: granules of records, and how records are found. */
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "base/wipe.h"
#include "csm/csm_internal.h"
#include "map/map.h"

#define SLOT_BITS              5U
#define NUMBER_OF(slot, index) ((uint16_t)(((slot) << SLOT_BITS) + (index) + 1U))
#define SLOT_OF(number)        (((number) - 1U) >> SLOT_BITS)
#define INDEX_OF(number)       (((number) - 1U) & ((1U << SLOT_BITS) - 1U))
#define ALL_RECORDS            ((1U << CSM_RECORDS) - 1U)

uint64_t csm_revision(void)
{
	return CSM_REVISION;
}

static struct csm_apt *apt_at(const struct rd *rd, unsigned int slot)
{
	struct granule *granule = rd->csm.apt[index_clamp(slot, REALM_APT_GRANULES)];

	ASSERT(granule != NULL && granule_peek(granule) == GRANULE_APT);

	struct csm_apt *apt = map_meta(granule);

	ASSERT(apt->rd == rd->granule && apt->slot == slot);
	return apt;
}

struct csm_record *csm_record(const struct rd *rd, unsigned int number)
{
	ASSERT(number != CSM_NONE && INDEX_OF(number) < CSM_RECORDS);

	struct csm_record *record = &apt_at(rd, SLOT_OF(number))->records[INDEX_OF(number)];

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
	unsigned int slot = number == CSM_NONE ? 0 : SLOT_OF(number);
	unsigned int from = number == CSM_NONE ? 0 : INDEX_OF(number) + 1;

	for (; slot < REALM_APT_GRANULES; slot++, from = 0) {
		if (rd->csm.apt[slot] != NULL) {
			uint32_t left = apt_at(rd, slot)->used >> from << from;

			if (left != 0) {
				return NUMBER_OF(slot, (unsigned int)__builtin_ctz(left));
			}
		}
	}
	return CSM_NONE;
}

/* A realm that goes on would keep a granule from its host otherwise. */
static bool takes_records(const struct rd *rd, unsigned int slot)
{
	return rd->csm.apt[slot] != NULL && !apt_at(rd, slot)->leaving;
}

/* A slot with room; the number of slots if there is none. */
static unsigned int find_room(const struct rd *rd)
{
	unsigned int slot = 0;

	while (slot < REALM_APT_GRANULES &&
	       (!takes_records(rd, slot) || apt_at(rd, slot)->used == ALL_RECORDS)) {
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
		    (record->flags & CSM_REVOKED) == 0 && takes_records(rd, SLOT_OF(n))) {
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
		slot = SLOT_OF(ended->number);
		csm_record_free(rd, ended);
	}
	if (slot == REALM_APT_GRANULES) {
		return NULL;
	}

	struct csm_apt *apt = apt_at(rd, slot);
	unsigned int index = (unsigned int)__builtin_ctz(~apt->used);
	struct csm_record *record = &apt->records[index];

	apt->used |= 1U << index;
	record->kind = (uint8_t)kind;
	record->number = NUMBER_OF(slot, index);
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
	struct csm_apt *apt = apt_at(rd, SLOT_OF(record->number));
	uint32_t bit = 1U << INDEX_OF(record->number);

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

/* --- signals */

bool csm_post(struct rd *rd, struct csm_record *record, uint64_t bits)
{
	struct csm_apt *apt = apt_at(rd, SLOT_OF(record->number));
	uint64_t before = atomic_fetch_or_explicit(&record->pending, bits, memory_order_acq_rel);

	atomic_fetch_or_explicit(&apt->pending, 1U << INDEX_OF(record->number),
				 memory_order_acq_rel);
	atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	return before == 0;
}

/*
 * Who posts goes from the word up to the realm's, who takes goes down: a bit above that leads to
 * nothing does no harm, a word that no bit leads to would.
 */
static struct csm_record *take_hint(struct rd *rd, struct csm_apt *apt)
{
	uint32_t bits = atomic_exchange_explicit(&apt->pending, 0, memory_order_acq_rel);
	unsigned int index = bits == 0 ? 0 : (unsigned int)__builtin_ctz(bits);
	uint32_t others = bits & ~(1U << index);

	if (others != 0) {
		atomic_fetch_or_explicit(&apt->pending, others, memory_order_acq_rel);
		atomic_fetch_or_explicit(&rd->csm.pending, BIT(apt->slot), memory_order_acq_rel);
	}
	return bits == 0 ? NULL : &apt->records[index];
}

static void fill_signal(const struct rd *rd, const struct csm_record *record, uint64_t bits,
			struct csm_signal *signal)
{
	bool grant = record->kind == CSM_GRANT;

	signal->peer = grant ? record->key[1] : record->key[0];
	signal->provider = grant ? rd->id : record->key[0];
	signal->region = grant ? record->key[0] : record->key[1];
	signal->bits = bits;
}

uint64_t csm_signal_take(struct rd *self, struct csm_signal *signal)
{
	struct csm_held held = csm_lock(self);
	uint64_t granules;

	*signal = (struct csm_signal){0};
	while (signal->bits == 0 &&
	       (granules = atomic_load_explicit(&self->csm.pending, memory_order_acquire)) != 0) {
		unsigned int slot = (unsigned int)__builtin_ctzll(granules);

		atomic_fetch_and_explicit(&self->csm.pending, ~BIT(slot), memory_order_acq_rel);

		struct csm_record *record = take_hint(self, apt_at(self, slot));
		uint64_t bits = record == NULL ? 0
					       : atomic_exchange_explicit(&record->pending, 0,
									  memory_order_acq_rel);

		if (bits != 0) {
			fill_signal(self, record, bits, signal);
			if (record->state == CSM_ENDED && (record->flags & CSM_REVOKED) == 0) {
				csm_record_free(self, record);
			}
		}
	}

	bool used = csm_in_use(self);

	csm_unlock(held);
	return used ? RSI_SUCCESS : FAIL(apt, CSM_ERROR_NO_APT);
}

/* --- granules */

void csm_apt_add(struct rd *rd, struct granule_held granule, void *page)
{
	struct csm_apt *apt = page;
	unsigned int slot = 0;

	while (slot < REALM_APT_GRANULES && rd->csm.apt[slot] != NULL) {
		slot++;
	}
	ASSERT(slot < REALM_APT_GRANULES);
	apt->rd = rd->granule;
	apt->slot = slot;

	/* Nobody may come across a granule that is not in its state yet. */
	struct csm_held held = csm_lock(rd);

	rd->csm.apt[slot] = granule.granule;
	atomic_fetch_add_explicit(&rd->csm.apt_count, 1, memory_order_relaxed);
	granule_unlock_to(granule, GRANULE_APT);
	csm_unlock(held);
}

bool csm_apt_owned(const struct rd *rd, const struct granule *granule)
{
	const struct csm_apt *apt = map_meta(granule);

	return apt->rd == rd->granule;
}

/* One step towards the end of the record; no lock is held. */
static void end_record(struct rd *rd, const struct csm_key *key, struct csm_work *work)
{
	struct granule *told;
	struct csm_held held;
	struct csm_record *record;

	switch (key->kind) {
	case CSM_GRANT:
		(void)csm_grant_end(rd, key->key[0], key->key[1], work, &told);
		return;
	case CSM_REGION:
		if (!csm_region_end(rd, key->key[0], work)) {
			return;
		}
		break;
	case CSM_ATTACHMENT:
		if (!csm_attachment_end(rd, key, work, &told)) {
			return;
		}
		break;
	case CSM_FREE:
		return;
	}
	held = csm_lock(rd);
	record = csm_find_over(rd, key);
	if (record != NULL) {
		csm_record_free(rd, record);
	}
	csm_unlock(held);
}

/* With the lock: a record of the granule, closed; false if there is none, and it is taken out. */
static bool next_to_end(struct rd *rd, struct csm_apt *apt, struct csm_key *key)
{
	while (apt->used != 0) {
		struct csm_record *record = &apt->records[__builtin_ctz(apt->used)];

		switch ((enum csm_kind)record->kind) {
		case CSM_REGION:
			csm_region_close(rd, record);
			break;
		case CSM_GRANT:
			csm_grant_close(record);
			break;
		case CSM_ATTACHMENT:
			csm_attachment_close(record);
			break;
		case CSM_FREE:
			ASSERT(false);
			break;
		}
		if (record->key[0] != 0) {
			key->kind = record->kind;
			key->key[0] = record->key[0];
			key->key[1] = record->key[1];
			return true;
		}
		csm_record_free(rd, record);
	}
	return false;
}

bool csm_apt_empty(struct rd *rd, struct granule *granule)
{
	struct csm_apt *apt = map_meta(granule);
	struct csm_work work = {.also = CSM_SIGNAL_PEER_ENDED};
	struct csm_key key;
	bool more;

	do {
		struct csm_held held = csm_lock(rd);

		apt->leaving = true;
		more = next_to_end(rd, apt, &key);
		if (!more) {
			rd->csm.apt[index_clamp(apt->slot, REALM_APT_GRANULES)] = NULL;
			atomic_fetch_and_explicit(&rd->csm.pending, ~BIT(apt->slot),
						  memory_order_relaxed);
			atomic_fetch_sub_explicit(&rd->csm.apt_count, 1, memory_order_relaxed);
		}
		csm_unlock(held);
		if (more) {
			end_record(rd, &key, &work);
		}
	} while (more && csm_may_go_on(&work));
	return !more;
}
