// SPDX-License-Identifier: BSD-3-Clause
/*
 * The firmware without Confidential Shared Memory: no realm ever has an APT, so nothing but the
 * first function is ever called.
 */
#include "base/assert.h"
#include "base/hash.h"
#include "csm/csm.h"

uint64_t rmm_csm_revision(void)
{
	return 0;
}

struct rmm_csm_held rmm_csm_lock(struct rd *rd)
{
	ASSERT(!rmm_csm_in_use(rd));
	return (struct rmm_csm_held){NULL};
}

void rmm_csm_unlock(struct rmm_csm_held held)
{
	ASSERT(held.rd == NULL);
}

struct rmm_csm_range *rmm_csm_range_at(struct rd *rd, ipa_t page)
{
	(void)page;
	ASSERT(!rmm_csm_in_use(rd));
	return NULL;
}

bool rmm_csm_is_reserved(const struct rmm_csm_range *range)
{
	ASSERT(range == NULL);
	return false;
}

bool rmm_csm_is_taken(struct rmm_csm_held held, ipa_t base, ipa_t top)
{
	(void)base;
	(void)top;
	ASSERT(held.rd == NULL);
	return false;
}

bool rmm_csm_has_edge(struct rmm_csm_held held, ipa_t base, ipa_t top)
{
	return rmm_csm_is_taken(held, base, top);
}

void rmm_csm_page_added(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa, pa_t page)
{
	(void)rd;
	(void)ipa;
	(void)page;
	(void)range;
	ASSERT(false);
}

void rmm_csm_page_lost(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa)
{
	(void)range;
	(void)rd;
	(void)ipa;
	ASSERT(false);
}

enum rmm_csm_fault rmm_csm_fault(struct rd *self, ipa_t page, int *level)
{
	(void)page;
	(void)level;
	ASSERT(!rmm_csm_in_use(self));
	return RMM_CSM_FAULT_NONE;
}

/* Realms share nothing, and their tokens say so. */
bool rmm_csm_sharings(struct rd *self, uint8_t hash[CSM_DIGEST_SIZE])
{
	ASSERT(!rmm_csm_in_use(self));
	hash_of(HASH_SHA_512, "", 0, hash);
	return true;
}
