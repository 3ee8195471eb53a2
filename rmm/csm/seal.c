// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sealed regions: RSI_CSM_SEAL and RSI_CSM_DIGEST (docs/csm-spec.md section 6).
 *
 * SEAL keeps the provider's lock for the steps of one call, and its progress in the region:
 *
 *   CHECK      are all pages present? Then `sealed` is set: nothing more is mapped for writing
 *   PROVIDER   the provider's own entries become read-only
 *   CONSUMERS  for each grant with unmap_for_seal, the consumer's mappings are removed; they come
 *              back read-only on access. The provider's lock keeps the consumers' tables
 *
 * QUERY reports SEALED, and DIGEST works, when SEAL is IDLE again.
 */
#include <string.h>

#include "base/assert.h"
#include "base/fail.h"
#include "base/hash.h"
#include "csm/csm_internal.h"
#include "map/map.h"

/* Pages that one call hashes at most: a page costs about as much as a leaf table. */
#define DIGEST_PAGES 16U

/* --- SEAL */

/* One step of CHECK. Fails for `pages`, and SEAL is over, if a page is absent. */
static uint64_t seal_check(struct rd *self, struct rmm_csm_region *region,
			   struct rmm_csm_work *work)
{
	struct rmm_csm_range *range = &region->range;
	ipa_t at = rmm_csm_range_position(range);
	ipa_t base = rmm_csm_range_base(range);
	ipa_t top = rmm_csm_range_top(range);

	if (!s2_scan(&self->s2, S2_SCAN_PRESENT, base, top, &at, &work->visited)) {
		region->seal = RMM_CSM_SEAL_IDLE;
		return FAIL(pages, CSM_ERROR_PAGES);
	}
	range->progress = at.v - base.v;
	if (at.v >= top.v) {
		region->sealed = true;
		region->seal = RMM_CSM_SEAL_PROVIDER;
		range->progress = 0;
	}
	return RSI_SUCCESS;
}

/* Marks the consumers whose mappings with write permission RMM_CSM_SEAL_CONSUMERS removes. */
static void begin_consumers(struct rd *self, struct rmm_csm_region *region)
{
	struct rmm_csm_grant *grant;

	region->seal = RMM_CSM_SEAL_CONSUMERS;
	region->range.progress = 0;
	rmm_csm_for_each_grant (self, region, grant) {
		if (grant->state == RMM_CSM_GRANT_ATTACHED && (grant->perm & CSM_PERM_WRITE) != 0) {
			grant->unmap_for_seal = true;
			grant->unmapped_for_seal = 0;
		}
	}
}

/* One step of PROVIDER. */
static void seal_provider(struct rd *self, struct rmm_csm_region *region, struct rmm_csm_work *work)
{
	struct rmm_csm_range *range = &region->range;
	ipa_t at = rmm_csm_range_position(range);
	ipa_t base = rmm_csm_range_base(range);
	ipa_t top = rmm_csm_range_top(range);

	s2_protect(&self->s2, true, base, top, &at, &work->visited);
	range->progress = at.v - base.v;
	if (at.v >= top.v) {
		begin_consumers(self, region);
	}
}

static struct rmm_csm_grant *next_to_unmap(struct rd *self, const struct rmm_csm_region *region)
{
	struct rmm_csm_grant *grant;

	rmm_csm_for_each_grant (self, region, grant) {
		if (grant->unmap_for_seal) {
			return grant;
		}
	}
	return NULL;
}

/* One step of CONSUMERS: one table of one consumer. SEAL is complete when no grant is left. */
static void seal_consumers(struct rd *self, struct rmm_csm_region *region,
			   struct rmm_csm_work *work)
{
	struct rmm_csm_grant *grant = next_to_unmap(self, region);

	if (grant == NULL) {
		region->seal = RMM_CSM_SEAL_IDLE;
		return;
	}

	ipa_t at = ipa_of(grant->base + grant->unmapped_for_seal);
	ipa_t top = ipa_of(grant->base + region->range.size);

	s2_share_unmap(&grant->consumer->s2, &at, top, &work->visited);
	grant->unmapped_for_seal = at.v - grant->base;
	if (at.v >= top.v) {
		grant->unmap_for_seal = false;
	}
}

/* One step, as the region's `seal` says. Only the first one, CHECK, can fail. */
static uint64_t seal_step(struct rd *self, struct rmm_csm_region *region, struct rmm_csm_work *work)
{
	uint64_t status = RSI_SUCCESS;

	switch (region->seal) {
	case RMM_CSM_SEAL_IDLE:
		break;
	case RMM_CSM_SEAL_CHECK:
		status = seal_check(self, region, work);
		break;
	case RMM_CSM_SEAL_PROVIDER:
		seal_provider(self, region, work);
		break;
	case RMM_CSM_SEAL_CONSUMERS:
		seal_consumers(self, region, work);
		break;
	}
	return status;
}

/* Checks the conditions of SEAL, and starts it unless an earlier call has. region: may be NULL. */
static uint64_t begin_seal(const struct rd *self, struct rmm_csm_region *region)
{
	if (!rmm_csm_in_use(self)) {
		return FAIL(apt, CSM_ERROR_NO_APT);
	}
	if (region == NULL) {
		return FAIL(region, RSI_ERROR_INPUT);
	}
	if (region->state != RMM_CSM_REGION_LIVE) {
		return FAIL(region_state, RSI_ERROR_STATE);
	}
	if (region->seal == RMM_CSM_SEAL_IDLE) {
		if (region->sealed) {
			return FAIL(sealed, RSI_ERROR_STATE);
		}
		region->seal = RMM_CSM_SEAL_CHECK;
		region->range.progress = 0;
	}
	return RSI_SUCCESS;
}

uint64_t rmm_csm_seal(struct rd *self, uint64_t region_id)
{
	struct rmm_csm_work work = {0};
	struct rmm_csm_held held = rmm_csm_lock(self);
	struct rmm_csm_region *region = rmm_csm_region_find(self, region_id);
	uint64_t status = begin_seal(self, region);

	while (status == RSI_SUCCESS && region->seal != RMM_CSM_SEAL_IDLE) {
		status = seal_step(self, region, &work);
		if (status == RSI_SUCCESS && region->seal != RMM_CSM_SEAL_IDLE &&
		    !rmm_csm_may_continue(&work)) {
			status = RSI_INCOMPLETE;
		}
	}
	rmm_csm_unlock(held);
	return status;
}

/* --- DIGEST */

/* Hashes the page at the region's progress; false if the host has taken it back. */
static bool hash_page(const struct rd *provider, struct rmm_csm_region *region)
{
	uint64_t progress = region->range.progress;
	pa_t page;

	if (!s2_page_at(&provider->s2, rmm_csm_range_position(&region->range), &page)) {
		return false;
	}
	hash_blocks_512(region->hash, progress == 0, map_data_open(page), GRANULE_SIZE);
	map_data_close();
	region->range.progress = progress + GRANULE_SIZE;
	return true;
}

/*
 * Hashes pages until the digest is complete, DIGEST_PAGES are done, or an interrupt is pending. An
 * absent page fails the command for `pages`, and the next call begins anew. The provider's lock
 * keeps the pages; provider and consumers go on with the same intermediate state.
 */
static uint64_t hash_region(const struct rd *provider, struct rmm_csm_region *region)
{
	struct rmm_csm_work work = {0};
	unsigned int pages = 0;

	do {
		if (pages == DIGEST_PAGES) {
			return RSI_INCOMPLETE;
		}
		if (!hash_page(provider, region)) {
			region->range.progress = 0;
			return FAIL(pages, CSM_ERROR_PAGES);
		}
		pages++;
		if (region->range.progress == region->range.size) {
			hash_finish_512(region->hash, region->range.size);
			region->hashed = true;
			return RSI_SUCCESS;
		}
	} while (rmm_csm_may_continue(&work));
	return RSI_INCOMPLETE;
}

/*
 * The region that the caller may take the digest of: its own, or one that it has a sharing of which
 * is not closed. NULL: none, or the region is not live. Both locks.
 */
static struct rmm_csm_region *digest_region(const struct rmm_csm_pair *pair, uint64_t provider_id,
					    uint64_t region_id)
{
	const struct rmm_csm_attachment *attachment;
	struct rmm_csm_region *region = NULL;

	if (provider_id == pair->self->id) {
		region = rmm_csm_region_find(pair->self, region_id);
	} else {
		attachment = rmm_csm_attachment_find(pair->self, provider_id, region_id);
		if (attachment != NULL && attachment->provider != NULL &&
		    !rmm_csm_attachment_grant(attachment)->closed) {
			region = rmm_csm_region_find(pair->peer, region_id);
		}
	}
	return region != NULL && region->state == RMM_CSM_REGION_LIVE ? region : NULL;
}

uint64_t rmm_csm_digest(struct rd *self, uint64_t provider_id, uint64_t region_id,
			uint8_t digest[CSM_DIGEST_SIZE])
{
	struct rmm_csm_pair pair;
	struct rmm_csm_region *region;
	uint64_t status = RSI_SUCCESS;

	rmm_csm_pair_lock(self, provider_id, &pair);
	region = digest_region(&pair, provider_id, region_id);
	if (!rmm_csm_in_use(self)) {
		status = FAIL(apt, CSM_ERROR_NO_APT);
	} else if (region == NULL) {
		status = FAIL(access, CSM_ERROR_ACCESS);
	} else if (!region->sealed || region->seal != RMM_CSM_SEAL_IDLE) {
		status = FAIL(not_sealed, RSI_ERROR_STATE);
	} else if (!region->hashed) {
		status = hash_region(pair.peer == NULL ? self : pair.peer, region);
	}
	if (status == RSI_SUCCESS) {
		memcpy(digest, region->hash, CSM_DIGEST_SIZE);
	}
	rmm_csm_pair_unlock(&pair);
	return status;
}
