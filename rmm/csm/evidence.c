// SPDX-License-Identifier: BSD-3-Clause
/*
 * A realm's records as evidence for others: RSI_CSM_RECORD lists them, and the realm's token has
 * their hash (docs/csm-spec.md sections 6 and 11).
 *
 * Both read the records of one realm under its CSM lock, in the order of their tree: regions,
 * grants, attachments; each by the other realm, then by region. What is only kept for its signals
 * is no sharing, and left out. A grant's state and permissions are the provider's to tell, so an
 * attachment has none.
 */
#include <string.h>

#include "base/fail.h"
#include "base/hash.h"
#include "csm/csm_internal.h"

/* A place in the order of the tree: what comes after the record with these ids. */
struct place {
	uint64_t kind; /* any number: beyond CSM_RECORD_ATTACHMENT there is nothing */
	uint64_t peer;
	uint64_t region;
};

_Static_assert((unsigned int)RMM_CSM_KIND_REGION == CSM_RECORD_REGION &&
		       (unsigned int)RMM_CSM_KIND_GRANT == CSM_RECORD_GRANT &&
		       (unsigned int)RMM_CSM_KIND_ATTACHMENT == CSM_RECORD_ATTACHMENT,
	       "kinds as the ABI has them");

static uint64_t describe_region(const struct rmm_csm_region *region, struct rsi_csm_record *out)
{
	bool sealed = region->sealed && region->seal == RMM_CSM_SEAL_IDLE;
	bool ending = region->state == RMM_CSM_REGION_ENDING;

	out->size = region->range.size;
	if (region->hashed) {
		memcpy(out->digest, region->hash, sizeof(out->digest));
	}
	return rsi_csm_record_pack(CSM_RECORD_REGION, CSM_PERM_ALL & ~(sealed ? CSM_PERM_WRITE : 0),
				   CSM_STATE_OWN,
				   (sealed ? CSM_FLAG_SEALED : 0) | (ending ? CSM_FLAG_ENDING : 0) |
					   (region->hashed ? CSM_FLAG_DIGEST : 0));
}

/* As it is for its consumer, whether that realm has attached it or not. The lock of *rd. */
static uint64_t describe_grant(const struct rd *rd, const struct rmm_csm_grant *grant,
			       struct rsi_csm_record *out)
{
	static const uint8_t states[] = {
		[RMM_CSM_GRANT_IDLE] = CSM_STATE_GRANTED,
		[RMM_CSM_GRANT_RESERVED] = CSM_STATE_RESERVED,
		[RMM_CSM_GRANT_ATTACHED] = CSM_STATE_ATTACHED,
		[RMM_CSM_GRANT_ENDED] = CSM_STATE_ENDED,
	};
	const struct rmm_csm_region *region = rmm_csm_grant_region(rd, grant);
	bool any = grant->record.id.consumer == CSM_REALM_ANY || grant->via_any;

	out->size = region->range.size;
	return rsi_csm_record_pack(
		CSM_RECORD_GRANT, rmm_csm_perm(region, grant), states[grant->state],
		(any ? CSM_FLAG_ANY : 0) | (grant->closed ? CSM_FLAG_ENDING : 0));
}

static uint64_t describe_attachment(const struct rmm_csm_attachment *attachment,
				    struct rsi_csm_record *out)
{
	uint64_t state = CSM_STATE_RESERVED;

	if (attachment->provider == NULL || attachment->state == RMM_CSM_ATTACHMENT_DETACHING) {
		state = CSM_STATE_ENDED;
	} else if (attachment->state == RMM_CSM_ATTACHMENT_ATTACHED ||
		   attachment->state == RMM_CSM_ATTACHMENT_MAPPING) {
		state = CSM_STATE_ATTACHED;
	}
	out->size = attachment->range.size;
	return rsi_csm_record_pack(CSM_RECORD_ATTACHMENT, 0, state, 0);
}

static bool is_listed(struct rmm_csm_record *record)
{
	const struct rmm_csm_grant *grant = rmm_csm_as_grant(record);

	return grant == NULL || grant->state != RMM_CSM_GRANT_ENDED;
}

/* The next record after *place, which moves there. False: there is none. The lock of *rd. */
static bool next_record(const struct rd *rd, struct place *place, struct rsi_csm_record *out)
{
	struct rmm_csm_record *record;

	do {
		record = place->kind > CSM_RECORD_ATTACHMENT
				 ? NULL
				 : rmm_csm_record_beyond(rd, (enum rmm_csm_kind)place->kind,
							 place->peer, place->region);
		if (record == NULL) {
			return false;
		}
		*place = (struct place){record->node.kind, rmm_csm_peer_id(record),
					record->id.region};
	} while (!is_listed(record));

	memset(out, 0, sizeof(*out));
	out->peer = place->peer;
	out->region = place->region;
	if (place->kind == CSM_RECORD_REGION) {
		out->packed = describe_region(rmm_csm_as_region(record), out);
	} else if (place->kind == CSM_RECORD_GRANT) {
		out->packed = describe_grant(rd, rmm_csm_as_grant(record), out);
	} else {
		out->packed = describe_attachment(rmm_csm_as_attachment(record), out);
	}
	return true;
}

uint64_t rmm_csm_list_record(struct rd *self, uint64_t kind, uint64_t peer_id, uint64_t region_id,
			     struct rsi_csm_record *record)
{
	struct place place = {kind, peer_id, region_id};
	struct rmm_csm_held held = rmm_csm_lock(self);
	uint64_t status = RSI_SUCCESS;

	memset(record, 0, sizeof(*record));
	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else {
		(void)next_record(self, &place, record);
	}
	rmm_csm_unlock(held);
	return status;
}

bool rmm_csm_sharings(struct rd *self, uint8_t hash[CSM_DIGEST_SIZE])
{
	struct rmm_csm_held held = rmm_csm_enter(self);
	struct place place = {0, 0, 0};
	struct rsi_csm_record record;
	unsigned int count = 0;
	struct hash sum;

	hash_begin(&sum, HASH_SHA_512);
	while (held.rd != NULL && count <= CSM_RECORDS_MAX && next_record(self, &place, &record)) {
		count++;
		if (count <= CSM_RECORDS_MAX) {
			hash_add(&sum, &record, sizeof(record));
		}
	}
	rmm_csm_leave(held);
	hash_end(&sum, hash);
	return count <= CSM_RECORDS_MAX;
}
