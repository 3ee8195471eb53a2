// SPDX-License-Identifier: BSD-3-Clause
/*
 * Regions and reservations outside of CSM's own commands: stage-2 faults of a consumer, and
 * commands of the host on pages of a region (docs/csm-spec.md sections 8 and 10).
 *
 * A fault needs both locks to map. It first learns the provider's id with the consumer's lock
 * alone, and looks everything up again when it has both. The host's commands hold the lock of the
 * realm that they work on; if that is a provider, it keeps the tables of its consumers, too.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "csm/csm_internal.h"

/* The attachment at the page; NULL: none. */
static const struct rmm_csm_attachment *attachment_at(struct rd *self, ipa_t page)
{
	struct rmm_csm_range *range = rmm_csm_range_at(self, page);

	return range == NULL ? NULL : rmm_csm_as_attachment(&range->record);
}

/* --- faults */

/* What a fault at an attachment means before the provider is looked at; RETRY: map the page. */
static enum rmm_csm_fault decide(const struct rmm_csm_attachment *attachment)
{
	if (attachment == NULL) {
		return RMM_CSM_FAULT_NONE;
	}
	switch (attachment->state) {
	case RMM_CSM_ATTACHMENT_RESERVED:
	case RMM_CSM_ATTACHMENT_CHECKING:
	case RMM_CSM_ATTACHMENT_CLEARING:
		/* Not attached yet: the range is still the consumer's own. */
		break;
	case RMM_CSM_ATTACHMENT_MAPPING:
	case RMM_CSM_ATTACHMENT_ATTACHED:
		return RMM_CSM_FAULT_RETRY;
	case RMM_CSM_ATTACHMENT_DEAD:
	case RMM_CSM_ATTACHMENT_DETACHING:
		return RMM_CSM_FAULT_ABORT;
	}
	return RMM_CSM_FAULT_NONE;
}

/* Maps the page, or the block that it is in, if the sharing is open. Both locks. */
static enum rmm_csm_fault map_page(const struct rmm_csm_pair *pair,
				   const struct rmm_csm_attachment *attachment, ipa_t page,
				   int *level)
{
	const struct rmm_csm_grant *grant = rmm_csm_attachment_grant(attachment);
	const struct rmm_csm_region *region = rmm_csm_grant_region(attachment->provider, grant);
	uint64_t offset = page.v - attachment->range.base;
	unsigned int visited = 0;

	ASSERT(attachment->provider == pair->peer);
	if (!rmm_csm_is_open(region, grant)) {
		return RMM_CSM_FAULT_ABORT;
	}

	const struct s2_share share = rmm_csm_mapping(pair->peer, region, grant);

	switch (s2_share_map(&share, &offset, offset + GRANULE_SIZE, level, &visited)) {
	case S2_SHARE_DONE:
		break;
	case S2_SHARE_ABSENT:
		return RMM_CSM_FAULT_ABORT;
	case S2_SHARE_NO_TABLE:
		return RMM_CSM_FAULT_TABLE;
	}
	return RMM_CSM_FAULT_RETRY;
}

/*
 * The realm retries the access if, between the two locks, the attachment became one of another
 * provider or was freed: the next fault finds what is there then.
 */
enum rmm_csm_fault rmm_csm_fault(struct rd *self, ipa_t page, int *level)
{
	struct rmm_csm_held held = rmm_csm_lock(self);
	const struct rmm_csm_attachment *attachment = attachment_at(self, page);
	enum rmm_csm_fault what = decide(attachment);
	uint64_t provider_id = attachment == NULL ? 0 : attachment->range.record.id.provider;
	struct rmm_csm_pair pair;

	rmm_csm_unlock(held);
	if (what != RMM_CSM_FAULT_RETRY) {
		return what;
	}
	rmm_csm_pair_lock(self, provider_id, &pair);
	attachment = attachment_at(self, page);
	if (attachment != NULL && attachment->range.record.id.provider == provider_id) {
		what = decide(attachment);
		if (what == RMM_CSM_FAULT_RETRY) {
			what = map_page(&pair, attachment, page, level);
		}
	}
	rmm_csm_pair_unlock(&pair);
	return what;
}

/* --- commands of the host */

struct rmm_csm_range *rmm_csm_range_at(struct rd *rd, ipa_t page)
{
	return rmm_csm_range_find(rd, page.v, page.v + GRANULE_SIZE);
}

bool rmm_csm_is_taken(struct rmm_csm_held held, ipa_t base, ipa_t top)
{
	return held.rd != NULL && rmm_csm_range_find(held.rd, base.v, top.v) != NULL;
}

bool rmm_csm_is_reserved(const struct rmm_csm_range *range)
{
	return range != NULL && range->record.node.kind == RMM_CSM_KIND_ATTACHMENT;
}

/*
 * Where a consumer has no table nothing is mapped: an access asks for the page later. So it does
 * for the consumers that are left when an interrupt becomes pending.
 */
void rmm_csm_page_added(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa, pa_t page)
{
	const struct rmm_csm_region *region = rmm_csm_as_region(&range->record);
	const struct rmm_csm_grant *grant;
	struct rmm_csm_work work = {0};

	if (region == NULL) {
		return;
	}
	rmm_csm_for_each_grant (rd, region, grant) {
		if (!rmm_csm_may_continue(&work)) {
			return;
		}
		if (rmm_csm_is_open(region, grant)) {
			s2_share_page(&grant->consumer->s2,
				      ipa_of(grant->base + (ipa.v - range->base)), page,
				      rmm_csm_limits(region, grant));
		}
	}
}

/* Consumers get PAGE_LOST, whether the page was mapped for them or not. */
void rmm_csm_page_lost(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa)
{
	const struct rmm_csm_region *region = rmm_csm_as_region(&range->record);
	const struct rmm_csm_grant *grant;

	if (region == NULL) {
		return;
	}
	rmm_csm_for_each_grant (rd, region, grant) {
		if (grant->state == RMM_CSM_GRANT_ATTACHED) {
			s2_share_take_page(&grant->consumer->s2,
					   ipa_of(grant->base + (ipa.v - range->base)));
			rmm_csm_signal_post(grant->consumer,
					    &rmm_csm_grant_attachment(grant)->range.record,
					    CSM_SIGNAL_PAGE_LOST);
		}
	}
}
