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

uint64_t rmm_csm_check_range(const struct rd *self, ipa_t base, uint64_t size)
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

void rmm_csm_exit_range(struct rmi_rec_exit *exit, uint8_t reason,
			const struct rmm_csm_range *range)
{
	exit->exit_reason = reason;
	exit->ripas_base = range->base;
	exit->ripas_top = range->base + range->size;
}

bool rmm_csm_may_continue(const struct rmm_csm_work *work)
{
	return work->visited < CSM_MAX_LEAVES && !arch_interrupt_pending();
}

/* --- grants */

struct rmm_csm_grant *rmm_csm_grant_for(const struct rd *provider, struct rd *consumer,
					uint64_t region_id)
{
	struct rmm_csm_grant *grant = rmm_csm_grant_find(provider, region_id, consumer->id);

	if (grant == NULL || grant->state == RMM_CSM_GRANT_ENDED) {
		grant = rmm_csm_grant_find(provider, region_id, CSM_REALM_ANY);
	}
	if (grant == NULL || grant->revoked || !rmm_csm_policy_match(&grant->policy, consumer)) {
		return NULL;
	}
	return grant;
}

void rmm_csm_grant_reopen(struct rmm_csm_grant *grant)
{
	ASSERT(grant->state == RMM_CSM_GRANT_ENDED && grant->consumer == NULL);
	grant->state = RMM_CSM_GRANT_IDLE;
	grant->via_any = false;
	grant->closed = false;
	grant->revoked = false;
	grant->wakeup_pending = false;
}

/* --- links */

void rmm_csm_link(const struct rmm_csm_pair *pair, struct rmm_csm_attachment *attachment,
		  struct rmm_csm_grant *grant)
{
	ASSERT(attachment->provider == NULL && grant->consumer == NULL && pair->peer != NULL);
	attachment->provider = pair->peer;
	attachment->grant = grant->record.node.number;
	attachment->state = RMM_CSM_ATTACHMENT_RESERVED;
	grant->consumer = pair->self;
	grant->attachment = attachment->range.record.node.number;
	grant->base = attachment->range.base;
	grant->size = attachment->range.size;
	grant->state = RMM_CSM_GRANT_RESERVED;
	grant->unmapped = 0;
}

void rmm_csm_unlink(struct rd *provider, struct rmm_csm_grant *grant)
{
	struct rmm_csm_attachment *attachment = rmm_csm_grant_attachment(grant);

	ASSERT(attachment->provider == provider && rmm_csm_attachment_grant(attachment) == grant);
	if (grant->state == RMM_CSM_GRANT_ATTACHED) {
		rmm_csm_grant_region(provider, grant)->attached--;
	}
	attachment->provider = NULL;
	attachment->grant = RMM_CSM_NONE;
	if (attachment->state != RMM_CSM_ATTACHMENT_DETACHING) {
		attachment->state = RMM_CSM_ATTACHMENT_DEAD;
	}
	grant->consumer = NULL;
	grant->attachment = RMM_CSM_NONE;
	grant->unmap_for_seal = false;
	grant->closed = grant->revoked;
	grant->state = grant->via_any ? RMM_CSM_GRANT_ENDED : RMM_CSM_GRANT_IDLE;
}

/* --- what a grant gives */

bool rmm_csm_is_open(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant)
{
	return region->state == RMM_CSM_REGION_LIVE && grant->state == RMM_CSM_GRANT_ATTACHED &&
	       !grant->closed;
}

uint64_t rmm_csm_perm(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant)
{
	uint64_t perm = grant->perm;

	return region->sealed ? perm & ~CSM_PERM_WRITE : perm;
}

unsigned int rmm_csm_limits(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant)
{
	uint64_t perm = rmm_csm_perm(region, grant);

	return ((perm & CSM_PERM_WRITE) == 0 ? S2_READ_ONLY : 0) |
	       ((perm & CSM_PERM_EXEC) == 0 ? S2_NO_EXEC : 0);
}

struct s2_share rmm_csm_mapping(const struct rd *provider, const struct rmm_csm_region *region,
				const struct rmm_csm_grant *grant)
{
	ASSERT(grant->consumer != NULL);
	return (struct s2_share){
		.provider = &provider->s2,
		.consumer = &grant->consumer->s2,
		.provider_base = rmm_csm_range_base(&region->range),
		.consumer_base = ipa_of(grant->base),
		.size = region->range.size,
		.limits = rmm_csm_limits(region, grant),
	};
}
