// SPDX-License-Identifier: BSD-3-Clause
/* What always holds of the records of a realm, for builds that check. */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"

static void check_range(const struct rd *rd, const struct csm_record *record)
{
	ASSERT(is_aligned(record->base | record->size, GRANULE_SIZE));
	ASSERT(s2_range_protected(&rd->s2, ipa_of(record->base), record->size));
	ASSERT(record->progress < record->size || record->state == CSM_ENDING ||
	       record->state == CSM_DETACHING || (record->flags & CSM_HASHED) != 0);
}

static void check_region(const struct rd *rd, const struct csm_record *region)
{
	unsigned int attached = 0;

	check_range(rd, region);
	ASSERT(region->state <= CSM_ENDING && region->seal <= CSM_SEAL_LENT);
	ASSERT(region->peer == NULL && region->key[1] == 0);
	ASSERT((region->key[0] == 0) == (region->state == CSM_CREATING));
	ASSERT(region->key[0] <= rd->csm.last_region);
	ASSERT(region->state == CSM_LIVE || region->seal == CSM_SEAL_IDLE);
	for (unsigned int n = region->next_grant; n != CSM_NONE;
	     n = csm_record(rd, n)->next_grant) {
		const struct csm_record *grant = csm_record(rd, n);

		ASSERT(grant->kind == CSM_GRANT && grant->region == region->number);
		ASSERT(grant->key[0] == region->key[0] && grant->size == region->size);
		ASSERT(region->state == CSM_LIVE || (grant->flags & CSM_REVOKED) != 0);
		attached += grant->state == CSM_ATTACHED;
	}
	ASSERT(attached == region->attached && attached <= CSM_MAX_CONSUMERS);
}

static void check_grant(const struct rd *rd, const struct csm_record *grant)
{
	bool linked = grant->state == CSM_RESERVED || grant->state == CSM_ATTACHED;
	bool any = grant->key[1] == CSM_REALM_ANY;

	ASSERT(grant->state >= CSM_IDLE && grant->state <= CSM_ENDED);
	ASSERT((grant->perm & CSM_PERM_READ) != 0 && (grant->perm & ~CSM_PERM_ALL) == 0);
	ASSERT((grant->peer != NULL) == linked && grant->peer != rd);
	ASSERT(!any || (!linked && grant->terms.present));
	ASSERT(grant->key[1] != rd->id);
	ASSERT((grant->flags & CSM_REVOKED) == 0 || (grant->flags & CSM_CLOSED) != 0);
	ASSERT(grant->state == CSM_ATTACHED || (grant->flags & CSM_RECALLED) == 0);
	ASSERT(csm_record(rd, grant->region)->kind == CSM_REGION);
}

static void check_attachment(const struct rd *rd, const struct csm_record *attachment)
{
	bool linked = attachment->peer != NULL;

	check_range(rd, attachment);
	ASSERT(attachment->peer != rd && attachment->key[0] != rd->id);
	ASSERT(attachment->state != CSM_DEAD || !linked);
	ASSERT(linked || attachment->state == CSM_DEAD || attachment->state == CSM_DETACHING);
	ASSERT((attachment->flags & CSM_CLOSED) == 0);
	ASSERT(attachment->state < CSM_CLEARING || attachment->state == CSM_DEAD ||
	       attachment->state == CSM_DETACHING || (attachment->flags & CSM_TOUCHED) != 0);
}

static void check_ranges(const struct rd *rd)
{
	uint64_t end = 0;

	for (unsigned int n = rd->csm.first_range; n != CSM_NONE;
	     n = csm_record(rd, n)->next_range) {
		const struct csm_record *record = csm_record(rd, n);

		ASSERT(record->kind == CSM_REGION || record->kind == CSM_ATTACHMENT);
		ASSERT(record->base >= end);
		end = record->base + record->size;
	}
}

void csm_check(const struct rd *rd)
{
	check_ranges(rd);
	for (unsigned int n = csm_next_record(rd, CSM_NONE); n != CSM_NONE;
	     n = csm_next_record(rd, n)) {
		const struct csm_record *record = csm_record(rd, n);

		switch ((enum csm_kind)record->kind) {
		case CSM_REGION:
			check_region(rd, record);
			break;
		case CSM_GRANT:
			check_grant(rd, record);
			break;
		case CSM_ATTACHMENT:
			check_attachment(rd, record);
			break;
		case CSM_FREE:
			ASSERT(false);
			break;
		}
	}
}
