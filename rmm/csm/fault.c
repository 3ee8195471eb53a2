// SPDX-License-Identifier: BSD-3-Clause
/* What happens to pages of regions outside of CSM's own commands: faults, and acts of the host. */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"

/* The attachment at the page, if it has anything to do with faults there. */
static const struct csm_record *attachment_at(const struct rd *self, ipa_t page)
{
	const struct csm_record *record = csm_range_find(self, page.v, page.v + GRANULE_SIZE);

	return record != NULL && record->kind == CSM_ATTACHMENT ? record : NULL;
}

static enum csm_fault decide(const struct csm_record *attachment)
{
	if (attachment == NULL) {
		return CSM_FAULT_NONE;
	}
	switch ((enum csm_state)attachment->state) {
	case CSM_LENDING:
	case CSM_ATTACHED:
		return CSM_FAULT_RETRY;
	case CSM_DEAD:
	case CSM_DETACHING:
		return CSM_FAULT_ABORT;
	default:
		/* Not attached yet: the range is still the consumer's own. */
		return CSM_FAULT_NONE;
	}
}

/* Both locks: everything is looked at anew, and then at most one page or block is mapped. */
static enum csm_fault map_page(const struct csm_pair *pair, ipa_t page, int *level)
{
	const struct csm_record *attachment = attachment_at(pair->self, page);
	enum csm_fault what = decide(attachment);
	unsigned int visited = 0;

	if (what != CSM_FAULT_RETRY) {
		return what;
	}

	const struct csm_record *grant = csm_other(attachment);
	const struct csm_record *region = csm_record(attachment->peer, grant->region);
	uint64_t offset = page.v - attachment->base;

	ASSERT(attachment->peer == pair->peer);
	if (!csm_is_open(region, grant)) {
		return CSM_FAULT_ABORT;
	}

	const struct s2_share loan = csm_loan(pair->peer, region, grant);

	switch (s2_share_map(&loan, &offset, offset + GRANULE_SIZE, level, &visited)) {
	case S2_SHARE_DONE:
		break;
	case S2_SHARE_ABSENT:
		what = CSM_FAULT_ABORT;
		break;
	case S2_SHARE_NO_TABLE:
		what = CSM_FAULT_TABLE;
		break;
	}
	return what;
}

enum csm_fault csm_fault(struct rd *self, ipa_t page, int *level)
{
	struct csm_held held = csm_lock(self);
	const struct csm_record *attachment = attachment_at(self, page);
	enum csm_fault what = decide(attachment);
	uint64_t provider = attachment == NULL ? 0 : attachment->key[0];
	struct csm_pair pair;

	csm_unlock(held);
	if (what != CSM_FAULT_RETRY) {
		return what;
	}
	csm_pair_lock(self, provider, &pair);
	attachment = attachment_at(self, page);
	if (attachment != NULL && attachment->key[0] == provider) {
		what = map_page(&pair, page, level);
	}
	csm_pair_unlock(&pair);
	return what;
}

/* --- acts of the host */

bool csm_is_taken(struct csm_held held, ipa_t base, ipa_t top)
{
	return held.rd != NULL && csm_range_find(held.rd, base.v, top.v) != NULL;
}

bool csm_is_reserved(struct csm_held held, ipa_t page)
{
	return held.rd != NULL && attachment_at(held.rd, page) != NULL;
}

/* The region that the page is in; NULL: none. */
static const struct csm_record *region_at(struct csm_held held, ipa_t ipa)
{
	const struct csm_record *record =
		held.rd == NULL ? NULL : csm_range_find(held.rd, ipa.v, ipa.v + GRANULE_SIZE);

	return record != NULL && record->kind == CSM_REGION ? record : NULL;
}

void csm_page_added(struct csm_held held, ipa_t ipa)
{
	const struct csm_record *region = region_at(held, ipa);
	unsigned int n = region == NULL ? CSM_NONE : region->next_grant;

	while (n != CSM_NONE) {
		const struct csm_record *grant = csm_record(held.rd, n);

		if (csm_is_open(region, grant)) {
			const struct s2_share loan = csm_loan(held.rd, region, grant);
			uint64_t offset = ipa.v - region->base;
			unsigned int visited = 0;
			int level;

			(void)s2_share_map(&loan, &offset, offset + GRANULE_SIZE, &level, &visited);
		}
		n = grant->next_grant;
	}
}

void csm_page_lost(struct csm_held held, ipa_t ipa)
{
	const struct csm_record *region = region_at(held, ipa);
	unsigned int n = region == NULL ? CSM_NONE : region->next_grant;

	while (n != CSM_NONE) {
		const struct csm_record *grant = csm_record(held.rd, n);

		if (grant->state == CSM_ATTACHED) {
			ipa_t at = ipa_of(grant->base + (ipa.v - region->base));
			unsigned int visited = 0;

			s2_share_unmap(&grant->peer->s2, &at, ipa_add(at, GRANULE_SIZE), &visited);
			csm_post(grant->peer, csm_other(grant), CSM_SIGNAL_PAGE_LOST);
		}
		n = grant->next_grant;
	}
}
