// SPDX-License-Identifier: BSD-3-Clause
/* What one side of a sharing may learn of the other: QUERY and PEER. */
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"
#include "realm/measure.h"

/* --- QUERY */

/* The grant by which self may know of the region: one that names it, or ANY if it meets it. */
static const struct csm_record *visible_grant(const struct rd *provider, struct rd *self,
					      uint64_t id)
{
	const struct csm_record *grant = csm_find(provider, CSM_GRANT, id, self->id);

	if (grant == NULL || grant->state == CSM_ENDED) {
		grant = csm_find(provider, CSM_GRANT, id, CSM_REALM_ANY);
	}
	if (grant == NULL || (grant->flags & CSM_REVOKED) != 0 ||
	    !csm_terms_met(&grant->terms, self)) {
		return NULL;
	}
	return grant;
}

/* Regions of *owner that `self` may know of, with an id above `after`: the lowest, 0 for none. */
static uint64_t next_region(const struct rd *owner, struct rd *self, uint64_t after)
{
	uint64_t next = 0;

	for (unsigned int n = csm_next_record(owner, CSM_NONE); n != CSM_NONE;
	     n = csm_next_record(owner, n)) {
		const struct csm_record *record = csm_record(owner, n);
		uint64_t id = record->key[0];

		if (record->kind == CSM_REGION && id > after && (next == 0 || id < next) &&
		    (owner == self ||
		     (record->state == CSM_LIVE && visible_grant(owner, self, id) != NULL))) {
			next = id;
		}
	}
	return next;
}

/* The same for what self has reserved of a provider, whether that is still there or not. */
static uint64_t next_attachment(const struct rd *self, uint64_t provider, uint64_t after)
{
	uint64_t next = 0;

	for (unsigned int n = csm_next_record(self, CSM_NONE); n != CSM_NONE;
	     n = csm_next_record(self, n)) {
		const struct csm_record *record = csm_record(self, n);
		uint64_t id = record->key[1];

		if (record->kind == CSM_ATTACHMENT && record->key[0] == provider && id > after &&
		    (next == 0 || id < next)) {
			next = id;
		}
	}
	return next;
}

static uint64_t next_id(const struct csm_pair *pair, uint64_t realm, uint64_t after)
{
	uint64_t granted = pair->peer == NULL ? 0 : next_region(pair->peer, pair->self, after);
	uint64_t reserved = next_attachment(pair->self, realm, after);

	if (realm == pair->self->id) {
		return next_region(pair->self, pair->self, after);
	}
	if (granted == 0 || reserved == 0) {
		return granted | reserved;
	}
	return min_u64(granted, reserved);
}

/* To the end of SEAL: before, somebody may write yet, and nobody must take the content for good. */
static bool is_sealed(const struct csm_record *region)
{
	return (region->flags & CSM_IS_SEALED) != 0 && region->seal == CSM_SEAL_IDLE;
}

static uint64_t region_flags(const struct csm_record *region)
{
	return (is_sealed(region) ? CSM_FLAG_SEALED : 0) |
	       (region->state == CSM_ENDING ? CSM_FLAG_ENDING : 0);
}

static void describe_own(const struct csm_record *region, struct csm_answer *answer)
{
	uint64_t sealed = is_sealed(region) ? CSM_PERM_WRITE : 0;

	answer->label = region->label;
	answer->size = region->size;
	answer->base = region->base;
	answer->packed =
		csm_query_pack(CSM_PERM_ALL & ~sealed, CSM_STATE_OWN, region_flags(region));
}

static unsigned int attachment_state(const struct csm_record *attachment)
{
	if (attachment == NULL) {
		return CSM_STATE_GRANTED;
	}
	if (attachment->peer == NULL || attachment->state == CSM_DETACHING) {
		return CSM_STATE_ENDED;
	}
	return attachment->state == CSM_ATTACHED || attachment->state == CSM_LENDING
		       ? CSM_STATE_ATTACHED
		       : CSM_STATE_RESERVED;
}

static void describe_other(const struct csm_pair *pair, uint64_t provider, uint64_t id,
			   struct csm_answer *answer)
{
	const struct csm_record *attachment = csm_find(pair->self, CSM_ATTACHMENT, provider, id);
	const struct csm_record *grant = NULL;
	uint64_t perm = 0;
	uint64_t flags = 0;

	if (attachment != NULL) {
		answer->size = attachment->size;
		answer->base = attachment->base;
		grant = attachment->peer == NULL ? NULL : csm_other(attachment);
	} else if (pair->peer != NULL) {
		grant = visible_grant(pair->peer, pair->self, id);
	}
	if (grant != NULL) {
		const struct csm_record *region = csm_record(pair->peer, grant->region);
		bool any = grant->key[1] == CSM_REALM_ANY || (grant->flags & CSM_VIA_ANY) != 0;

		answer->label = region->label;
		answer->size = region->size;
		perm = csm_perm(region, grant);
		flags = region_flags(region) | (any ? CSM_FLAG_ANY : 0) |
			((grant->flags & CSM_REVOKED) != 0 ? CSM_FLAG_ENDING : 0);
	}
	answer->packed = csm_query_pack(perm, attachment_state(attachment), flags);
}

uint64_t csm_query(struct rd *self, uint64_t realm, uint64_t cursor, struct csm_answer *answer)
{
	struct csm_pair pair;
	uint64_t status = RSI_SUCCESS;

	memset(answer, 0, sizeof(*answer));
	csm_pair_lock(self, realm, &pair);
	answer->region = next_id(&pair, realm, cursor);
	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (answer->region == 0 && realm != self->id) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (answer->region != 0) {
		if (realm == self->id) {
			describe_own(csm_find(self, CSM_REGION, answer->region, 0), answer);
		} else {
			describe_other(&pair, realm, answer->region, answer);
		}
		if (next_id(&pair, realm, answer->region) != 0) {
			answer->next = answer->region;
		}
	}
	csm_pair_unlock(&pair);
	return status;
}

/* --- PEER */

/* Whether some sharing of the two stands, in either direction. */
static bool have_sharing(const struct csm_pair *pair)
{
	for (unsigned int n = csm_next_record(pair->self, CSM_NONE); n != CSM_NONE;
	     n = csm_next_record(pair->self, n)) {
		const struct csm_record *record = csm_record(pair->self, n);

		if (record->peer != NULL && record->peer == pair->peer) {
			const struct csm_record *grant =
				record->kind == CSM_GRANT ? record : csm_other(record);

			if ((grant->flags & CSM_CLOSED) == 0) {
				return true;
			}
		}
	}
	return false;
}

uint64_t csm_peer(struct rd *self, uint64_t peer, uint64_t index,
		  uint8_t value[REALM_MEASUREMENT_SIZE], uint64_t *hash_algo)
{
	struct csm_pair pair;
	uint64_t status = RSI_SUCCESS;

	csm_pair_lock(self, peer, &pair);
	if (!csm_in_use(self)) {
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
	csm_pair_unlock(&pair);
	return status;
}
