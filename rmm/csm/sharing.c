// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sharings: which grant a realm may use, how a grant and an attachment are linked, and what a
 * linked grant lets the consumer map; ranges and bounded work, which all commands have in common.
 *
 * Nothing here takes a lock. Links change with both CSM locks held; a reader needs either one.
 */
#include "arch/vcpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- ranges and work */

uint64_t csm_check_range(const struct rd *self, ipa_t base, uint64_t size)
{
	if (!is_aligned(base.v, GRANULE_SIZE)) {
		return FAIL(base_align, RSI_ERROR_INPUT);
	}
	if (!is_aligned(size, GRANULE_SIZE)) {
		return FAIL(size_align, RSI_ERROR_INPUT);
	}
	if (size == 0) {
		return FAIL(size_valid, RSI_ERROR_INPUT);
	}
	if (!s2_range_protected(&self->s2, base, size)) {
		return FAIL(rgn_bound, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

void csm_exit_range(struct rmi_rec_exit *exit, uint8_t reason, const struct csm_range *range)
{
	exit->exit_reason = reason;
	exit->ripas_base = range->base;
	exit->ripas_top = range->base + range->size;
}

bool csm_may_continue(const struct csm_work *work)
{
	return work->visited < CSM_MAX_LEAVES && !arch_interrupt_pending();
}

/* --- grants */

struct csm_grant *csm_grant_for(const struct rd *provider, struct rd *consumer, uint64_t region_id)
{
	struct csm_grant *grant = csm_grant_find(provider, region_id, consumer->id);

	if (grant == NULL || grant->state == CSM_GRANT_ENDED) {
		grant = csm_grant_find(provider, region_id, CSM_REALM_ANY);
	}
	if (grant == NULL || grant->revoked || !csm_policy_match(&grant->policy, consumer)) {
		return NULL;
	}
	return grant;
}

void csm_grant_reopen(struct csm_grant *grant)
{
	ASSERT(grant->state == CSM_GRANT_ENDED && grant->consumer == NULL);
	grant->state = CSM_GRANT_IDLE;
	grant->via_any = false;
	grant->closed = false;
	grant->revoked = false;
	grant->wakeup_pending = false;
}

/* --- links */

void csm_link(const struct csm_pair *pair, struct csm_attachment *attachment,
	      struct csm_grant *grant)
{
	ASSERT(attachment->provider == NULL && grant->consumer == NULL && pair->peer != NULL);
	attachment->provider = pair->peer;
	attachment->grant = grant->record.number;
	attachment->state = CSM_ATTACHMENT_RESERVED;
	grant->consumer = pair->self;
	grant->attachment = attachment->range.record.number;
	grant->base = attachment->range.base;
	grant->size = attachment->range.size;
	grant->state = CSM_GRANT_RESERVED;
	grant->unmapped = 0;
}

void csm_unlink(struct rd *provider, struct csm_grant *grant)
{
	struct csm_attachment *attachment = csm_grant_attachment(grant);

	ASSERT(attachment->provider == provider && csm_attachment_grant(attachment) == grant);
	if (grant->state == CSM_GRANT_ATTACHED) {
		csm_grant_region(provider, grant)->attached--;
	}
	attachment->provider = NULL;
	attachment->grant = CSM_NONE;
	if (attachment->state != CSM_ATTACHMENT_DETACHING) {
		attachment->state = CSM_ATTACHMENT_DEAD;
	}
	grant->consumer = NULL;
	grant->attachment = CSM_NONE;
	grant->unmap_for_seal = false;
	grant->closed = grant->revoked;
	grant->state = grant->via_any ? CSM_GRANT_ENDED : CSM_GRANT_IDLE;
}

/* --- what a grant gives */

bool csm_is_open(const struct csm_region *region, const struct csm_grant *grant)
{
	return region->state == CSM_REGION_LIVE && grant->state == CSM_GRANT_ATTACHED &&
	       !grant->closed;
}

uint64_t csm_perm(const struct csm_region *region, const struct csm_grant *grant)
{
	uint64_t perm = grant->perm;

	return region->sealed ? perm & ~CSM_PERM_WRITE : perm;
}

struct s2_share csm_mapping(const struct rd *provider, const struct csm_region *region,
			    const struct csm_grant *grant)
{
	uint64_t perm = csm_perm(region, grant);

	ASSERT(grant->consumer != NULL);
	return (struct s2_share){
		.provider = &provider->s2,
		.consumer = &grant->consumer->s2,
		.provider_base = csm_range_base(&region->range),
		.consumer_base = ipa_of(grant->base),
		.size = region->range.size,
		.limits = ((perm & CSM_PERM_WRITE) == 0 ? S2_READ_ONLY : 0) |
			  ((perm & CSM_PERM_EXEC) == 0 ? S2_NO_EXEC : 0),
	};
}
