// SPDX-License-Identifier: BSD-3-Clause
/* Regions that nobody writes to: SEAL and DIGEST. */
#include <string.h>

#include "base/assert.h"
#include "base/fail.h"
#include "base/hash.h"
#include "csm/csm_internal.h"
#include "map/map.h"

/* Pages that one call hashes at most: a page costs about as much as a leaf table. */
#define DIGEST_PAGES 16U

/* --- sealing */

/* Whether all pages are there, as far as this step goes. */
static uint64_t seal_check(struct rd *self, struct csm_record *region, struct csm_work *work)
{
	ipa_t at = ipa_of(region->base + region->progress);
	ipa_t base = ipa_of(region->base);
	ipa_t top = ipa_of(region->base + region->size);

	if (!s2_scan(&self->s2, S2_SCAN_PRESENT, base, top, &at, &work->visited)) {
		region->seal = CSM_SEAL_IDLE;
		return FAIL(pages, CSM_ERROR_PAGES);
	}
	region->progress = at.v - region->base;
	if (at.v >= top.v) {
		/* From here on nothing is lent for writing. */
		region->flags |= CSM_IS_SEALED;
		region->seal = CSM_SEAL_OWN;
		region->progress = 0;
	}
	return RSI_SUCCESS;
}

/* The provider itself writes no more. */
static void seal_own(struct rd *self, struct csm_record *region, struct csm_work *work)
{
	ipa_t at = ipa_of(region->base + region->progress);
	ipa_t base = ipa_of(region->base);
	ipa_t top = ipa_of(region->base + region->size);

	s2_protect(&self->s2, true, base, top, &at, &work->visited);
	region->progress = at.v - region->base;
	if (at.v < top.v) {
		return;
	}
	region->seal = CSM_SEAL_LENT;
	region->progress = 0;
	for (unsigned int n = region->next_grant; n != CSM_NONE;
	     n = csm_record(self, n)->next_grant) {
		struct csm_record *grant = csm_record(self, n);

		if (grant->state == CSM_ATTACHED && (grant->perm & CSM_PERM_WRITE) != 0) {
			grant->flags |= CSM_RECALLED;
			grant->recall = 0;
		}
	}
}

/* What was lent for writing comes back on access, for reading. */
static void seal_lent(struct rd *self, struct csm_record *region, struct csm_work *work)
{
	unsigned int n = region->next_grant;

	while (n != CSM_NONE && (csm_record(self, n)->flags & CSM_RECALLED) == 0) {
		n = csm_record(self, n)->next_grant;
	}
	if (n == CSM_NONE) {
		region->seal = CSM_SEAL_IDLE;
		return;
	}

	struct csm_record *grant = csm_record(self, n);
	ipa_t at = ipa_of(grant->base + grant->recall);
	ipa_t top = ipa_of(grant->base + region->size);

	s2_share_unmap(&grant->peer->s2, &at, top, &work->visited);
	grant->recall = at.v - grant->base;
	if (at.v >= top.v) {
		grant->flags &= (uint8_t)~CSM_RECALLED;
	}
}

static uint64_t seal_step(struct rd *self, struct csm_record *region, struct csm_work *work)
{
	uint64_t status = RSI_SUCCESS;

	switch ((enum csm_seal)region->seal) {
	case CSM_SEAL_IDLE:
		break;
	case CSM_SEAL_CHECK:
		status = seal_check(self, region, work);
		break;
	case CSM_SEAL_OWN:
		seal_own(self, region, work);
		break;
	case CSM_SEAL_LENT:
		seal_lent(self, region, work);
		break;
	}
	return status;
}

static uint64_t begin_seal(const struct rd *self, struct csm_record *region)
{
	if (!csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != CSM_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	if (region->seal == CSM_SEAL_IDLE) {
		if ((region->flags & CSM_IS_SEALED) != 0) {
			return FAIL(sealed, RSI_ERROR_STATE);
		}
		region->seal = CSM_SEAL_CHECK;
		region->progress = 0;
	}
	return RSI_SUCCESS;
}

uint64_t csm_seal(struct rd *self, uint64_t id)
{
	struct csm_work work = {0};
	struct csm_held held = csm_lock(self);
	struct csm_record *region = csm_find(self, CSM_REGION, id, 0);
	uint64_t status = begin_seal(self, region);

	while (status == RSI_SUCCESS && region->seal != CSM_SEAL_IDLE) {
		status = seal_step(self, region, &work);
		if (status == RSI_SUCCESS && region->seal != CSM_SEAL_IDLE &&
		    !csm_may_go_on(&work)) {
			status = RSI_INCOMPLETE;
		}
	}
	csm_unlock(held);
	return status;
}

/* --- digest */

/* Hashes the page at the region's progress; false if the host has taken it. */
static bool hash_page(const struct rd *provider, struct csm_record *region)
{
	pa_t page;

	if (!s2_page_at(&provider->s2, ipa_of(region->base + region->progress), &page)) {
		return false;
	}
	hash_blocks_512(region->hash, region->progress == 0, map_data_open(page), GRANULE_SIZE);
	map_data_close();
	region->progress += GRANULE_SIZE;
	return true;
}

static uint64_t hash_region(const struct rd *provider, struct csm_record *region)
{
	struct csm_work work = {0};
	unsigned int pages = 0;

	do {
		if (pages == DIGEST_PAGES) {
			return RSI_INCOMPLETE;
		}
		if (!hash_page(provider, region)) {
			region->progress = 0;
			return FAIL(pages, CSM_ERROR_PAGES);
		}
		pages++;
		if (region->progress == region->size) {
			hash_finish_512(region->hash, region->size);
			region->flags |= CSM_HASHED;
			return RSI_SUCCESS;
		}
	} while (csm_may_go_on(&work));
	return RSI_INCOMPLETE;
}

/* The region, as its provider or somebody with a sharing of it that stands may name it. */
static struct csm_record *region_for(const struct csm_pair *pair, uint64_t provider, uint64_t id)
{
	const struct csm_record *attachment;
	struct csm_record *region = NULL;

	if (provider == pair->self->id) {
		region = csm_find(pair->self, CSM_REGION, id, 0);
	} else {
		attachment = csm_find(pair->self, CSM_ATTACHMENT, provider, id);
		if (attachment != NULL && attachment->peer != NULL &&
		    (csm_other(attachment)->flags & CSM_CLOSED) == 0) {
			region = csm_find(pair->peer, CSM_REGION, id, 0);
		}
	}
	return region != NULL && region->state == CSM_LIVE ? region : NULL;
}

uint64_t csm_digest(struct rd *self, uint64_t provider, uint64_t id,
		    uint8_t digest[CSM_DIGEST_SIZE])
{
	struct csm_pair pair;
	struct csm_record *region;
	uint64_t status = RSI_SUCCESS;

	csm_pair_lock(self, provider, &pair);
	region = region_for(&pair, provider, id);
	if (!csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (region == NULL) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if ((region->flags & CSM_IS_SEALED) == 0 || region->seal != CSM_SEAL_IDLE) {
		status = FAIL(not_sealed, RSI_ERROR_STATE);
	} else if ((region->flags & CSM_HASHED) == 0) {
		status = hash_region(pair.peer == NULL ? self : pair.peer, region);
	}
	if (status == RSI_SUCCESS) {
		memcpy(digest, region->hash, CSM_DIGEST_SIZE);
	}
	csm_pair_unlock(&pair);
	return status;
}
