// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a realm learns of others: RSI_CSM_QUERY and RSI_CSM_PEER (docs/csm-spec.md sections 6 and
 * 12).
 *
 * Both read records under both CSM locks and change nothing. What the caller may not know gets the
 * same answer as what does not exist.
 */
#include <string.h>

#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"
#include "realm/measure.h"

/* --- QUERY */

/* The lower of two ids, of which 0 means none. */
static uint64_t lower_id(uint64_t a, uint64_t b)
{
	return a == 0 || b == 0 ? a | b : min_u64(a, b);
}

/* The region id of a record; 0 for none. */
static uint64_t region_id_of(const struct rmm_csm_record *record)
{
	return record == NULL ? 0 : record->id.region;
}

/* The lowest id above `after` of all regions of the realm; 0: none. */
static uint64_t next_own(const struct rd *self, uint64_t after)
{
	return region_id_of(rmm_csm_record_after(self, RMM_CSM_KIND_REGION, 0, after));
}

/* Whether a region of *owner may be shown to `self`. */
static bool is_visible(const struct rd *owner, struct rd *self, uint64_t region_id)
{
	const struct rmm_csm_region *region = rmm_csm_region_find(owner, region_id);

	return region != NULL && region->state == RMM_CSM_REGION_LIVE &&
	       rmm_csm_grant_for(owner, self, region_id) != NULL;
}

/*
 * The lowest id above `after` of the regions of *owner that `self` may know of and that have a
 * grant for consumer_id, its own id or ANY; 0: none.
 */
static uint64_t next_granted(const struct rd *owner, struct rd *self, uint64_t consumer_id,
			     uint64_t after)
{
	uint64_t id = after;

	do {
		id = region_id_of(rmm_csm_record_after(owner, RMM_CSM_KIND_GRANT, consumer_id, id));
	} while (id != 0 && !is_visible(owner, self, id));
	return id;
}

/* The lowest id above `after` of *owner's regions that any grant shows to `self`; 0: none. */
static uint64_t next_region(const struct rd *owner, struct rd *self, uint64_t after)
{
	return lower_id(next_granted(owner, self, self->id, after),
			next_granted(owner, self, CSM_REALM_ANY, after));
}

/* The same of the provider's regions that self has an attachment for, in whatever state. */
static uint64_t next_attachment(const struct rd *self, uint64_t provider_id, uint64_t after)
{
	return region_id_of(
		rmm_csm_record_after(self, RMM_CSM_KIND_ATTACHMENT, provider_id, after));
}

static uint64_t next_id(const struct rmm_csm_pair *pair, uint64_t realm_id, uint64_t after)
{
	if (realm_id == pair->self->id) {
		return next_own(pair->self, after);
	}

	uint64_t granted = pair->peer == NULL ? 0 : next_region(pair->peer, pair->self, after);

	return lower_id(granted, next_attachment(pair->self, realm_id, after));
}

/* Whether SEAL is complete: until then a consumer may still have write permission. */
static bool is_sealed(const struct rmm_csm_region *region)
{
	return region->sealed && region->seal == RMM_CSM_SEAL_IDLE;
}

static uint64_t region_flags(const struct rmm_csm_region *region)
{
	return (is_sealed(region) ? CSM_FLAG_SEALED : 0) |
	       (region->state == RMM_CSM_REGION_ENDING ? CSM_FLAG_ENDING : 0);
}

static void describe_own(const struct rmm_csm_region *region, struct rmm_csm_answer *answer)
{
	uint64_t sealed = is_sealed(region) ? CSM_PERM_WRITE : 0;

	answer->label = region->label;
	answer->size = region->range.size;
	answer->base = region->range.base;
	answer->packed =
		rsi_csm_query_pack(CSM_PERM_ALL & ~sealed, CSM_STATE_OWN, region_flags(region));
}

/* The state as RSI_CSM_QUERY reports it. attachment: NULL if there is none. */
static unsigned int attachment_state(const struct rmm_csm_attachment *attachment)
{
	if (attachment == NULL) {
		return CSM_STATE_GRANTED;
	}
	if (attachment->provider == NULL || attachment->state == RMM_CSM_ATTACHMENT_DETACHING) {
		return CSM_STATE_ENDED;
	}
	return attachment->state == RMM_CSM_ATTACHMENT_ATTACHED ||
			       attachment->state == RMM_CSM_ATTACHMENT_MAPPING
		       ? CSM_STATE_ATTACHED
		       : CSM_STATE_RESERVED;
}

/*
 * Describes a region of another realm: by the attachment if there is one, else by the grant that
 * shows the region. A dead attachment has size and base only: its grant may be gone.
 */
static void describe_other(const struct rmm_csm_pair *pair, uint64_t provider_id,
			   uint64_t region_id, struct rmm_csm_answer *answer)
{
	const struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find(pair->self, provider_id, region_id);
	const struct rmm_csm_grant *grant = NULL;
	uint64_t perm = 0;
	uint64_t flags = 0;

	if (attachment != NULL) {
		answer->size = attachment->range.size;
		answer->base = attachment->range.base;
		grant = attachment->provider == NULL ? NULL : rmm_csm_attachment_grant(attachment);
	} else if (pair->peer != NULL) {
		grant = rmm_csm_grant_for(pair->peer, pair->self, region_id);
	}
	if (grant != NULL) {
		const struct rmm_csm_region *region = rmm_csm_grant_region(pair->peer, grant);
		bool any = grant->record.id.consumer == CSM_REALM_ANY || grant->via_any;

		answer->label = region->label;
		answer->size = region->range.size;
		perm = rmm_csm_perm(region, grant);
		flags = region_flags(region) | (any ? CSM_FLAG_ANY : 0) |
			(grant->revoked ? CSM_FLAG_ENDING : 0);
	}
	answer->packed = rsi_csm_query_pack(perm, attachment_state(attachment), flags);
}

uint64_t rmm_csm_query(struct rd *self, uint64_t realm_id, uint64_t cursor,
		       struct rmm_csm_answer *answer)
{
	struct rmm_csm_pair pair;
	uint64_t status = RSI_SUCCESS;

	memset(answer, 0, sizeof(*answer));
	rmm_csm_pair_lock(self, realm_id, &pair);
	answer->region = next_id(&pair, realm_id, cursor);
	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (answer->region == 0 && realm_id != self->id) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (answer->region != 0) {
		if (realm_id == self->id) {
			describe_own(rmm_csm_region_find(self, answer->region), answer);
		} else {
			describe_other(&pair, realm_id, answer->region, answer);
		}
		if (next_id(&pair, realm_id, answer->region) != 0) {
			answer->next = answer->region;
		}
	}
	rmm_csm_pair_unlock(&pair);
	return status;
}

/* --- PEER */

/* The grant of a sharing of the two realms that this record of self belongs to; NULL: none. */
static const struct rmm_csm_grant *sharing_with(struct rmm_csm_record *record,
						const struct rd *peer)
{
	const struct rmm_csm_grant *grant = rmm_csm_as_grant(record);
	const struct rmm_csm_attachment *attachment = rmm_csm_as_attachment(record);

	if (grant != NULL) {
		return grant->consumer == peer ? grant : NULL;
	}
	if (attachment != NULL && attachment->provider == peer) {
		return rmm_csm_attachment_grant(attachment);
	}
	return NULL;
}

/* Whether records of this kind make a sharing of the two realms that is not closed. Both locks. */
static bool have_sharing_of(const struct rmm_csm_pair *pair, enum rmm_csm_kind kind)
{
	struct rmm_csm_record *record = rmm_csm_record_after(pair->self, kind, pair->peer->id, 0);

	while (record != NULL) {
		const struct rmm_csm_grant *grant = sharing_with(record, pair->peer);

		if (grant != NULL && !grant->closed) {
			return true;
		}
		record = rmm_csm_record_after(pair->self, kind, pair->peer->id, record->id.region);
	}
	return false;
}

/* The same in either direction. */
static bool have_sharing(const struct rmm_csm_pair *pair)
{
	return pair->peer != NULL && (have_sharing_of(pair, RMM_CSM_KIND_GRANT) ||
				      have_sharing_of(pair, RMM_CSM_KIND_ATTACHMENT));
}

uint64_t rmm_csm_peer(struct rd *self, uint64_t peer_id, uint64_t index,
		      uint8_t value[REALM_MEASUREMENT_SIZE], uint64_t *hash_algo)
{
	struct rmm_csm_pair pair;
	uint64_t status = RSI_SUCCESS;

	rmm_csm_pair_lock(self, peer_id, &pair);
	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (!have_sharing(&pair)) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (index > CSM_PEER_RPV) {
		status = FAIL(index_bound, RSI_ERROR_INPUT);
	} else {
		*hash_algo = pair.peer->hash_algo;
		if (index == CSM_PEER_RPV) {
			memcpy(value, pair.peer->rpv, REALM_RPV_SIZE);
		} else {
			realm_measurement_read(pair.peer,
					       (unsigned int)index_clamp(index, REALM_MEASUREMENTS),
					       value);
		}
	}
	rmm_csm_pair_unlock(&pair);
	return status;
}
