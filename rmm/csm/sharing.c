// SPDX-License-Identifier: BSD-3-Clause
/* A sharing: a grant and an attachment that are linked, and what regions and attachments share. */
#include "arch/vcpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "csm/csm_internal.h"

/* --- links */

struct csm_record *csm_other(const struct csm_record *record)
{
	ASSERT(record->peer != NULL);
	return csm_record(record->peer, record->peer_record);
}

void csm_link(const struct csm_pair *pair, struct csm_record *attachment, struct csm_record *grant)
{
	ASSERT(attachment->peer == NULL && grant->peer == NULL && pair->peer != NULL);
	attachment->peer = pair->peer;
	attachment->peer_record = grant->number;
	attachment->state = CSM_RESERVED;
	grant->peer = pair->self;
	grant->peer_record = attachment->number;
	grant->base = attachment->base;
	grant->state = CSM_RESERVED;
	grant->progress = 0;
}

void csm_unlink(struct csm_record *grant)
{
	struct csm_record *attachment = csm_other(grant);

	ASSERT(csm_other(attachment) == grant);
	attachment->peer = NULL;
	attachment->peer_record = CSM_NONE;
	if (attachment->state != CSM_DETACHING) {
		attachment->state = CSM_DEAD;
	}
	grant->peer = NULL;
	grant->peer_record = CSM_NONE;
	grant->flags &= (uint8_t)~CSM_RECALLED;
	if ((grant->flags & CSM_REVOKED) == 0) {
		grant->flags &= (uint8_t)~CSM_CLOSED;
	}
	grant->state = (grant->flags & CSM_VIA_ANY) != 0 ? CSM_ENDED : CSM_IDLE;
}

/* --- work */

bool csm_may_go_on(const struct csm_work *work)
{
	return work->visited < CSM_MAX_LEAVES && !arch_interrupt_pending();
}

/* --- sharing */

bool csm_is_open(const struct csm_record *region, const struct csm_record *grant)
{
	return region->state == CSM_LIVE && grant->state == CSM_ATTACHED &&
	       (grant->flags & CSM_CLOSED) == 0;
}

uint64_t csm_perm(const struct csm_record *region, const struct csm_record *grant)
{
	uint64_t perm = grant->perm;

	return (region->flags & CSM_IS_SEALED) != 0 ? perm & ~CSM_PERM_WRITE : perm;
}

struct s2_share csm_loan(const struct rd *owner, const struct csm_record *region,
			 const struct csm_record *grant)
{
	uint64_t perm = csm_perm(region, grant);

	ASSERT(grant->peer != NULL);
	return (struct s2_share){
		.provider = &owner->s2,
		.consumer = &grant->peer->s2,
		.provider_base = ipa_of(region->base),
		.consumer_base = ipa_of(grant->base),
		.size = region->size,
		.limits = ((perm & CSM_PERM_WRITE) == 0 ? S2_READ_ONLY : 0) |
			  ((perm & CSM_PERM_EXEC) == 0 ? S2_NO_EXEC : 0),
	};
}

/* --- ranges */

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

void csm_notice(struct rmi_rec_exit *exit, uint8_t reason, const struct csm_record *range)
{
	exit->exit_reason = reason;
	exit->ripas_base = range->base;
	exit->ripas_top = range->base + range->size;
}
