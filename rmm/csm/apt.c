// SPDX-License-Identifier: BSD-3-Clause
/* Granules of an access policy table: added, and taken away with everything in them. */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"
#include "map/map.h"

uint64_t csm_revision(void)
{
	return CSM_REVISION;
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
