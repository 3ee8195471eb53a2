// SPDX-License-Identifier: BSD-3-Clause
/*
 * The firmware without Confidential Shared Memory: no realm ever has an APT, so nothing but the
 * first function is ever called.
 */
#include "base/assert.h"
#include "csm/csm.h"

uint64_t csm_revision(void)
{
	return 0;
}

struct csm_held csm_lock(struct rd *rd)
{
	ASSERT(!csm_in_use(rd));
	return (struct csm_held){NULL};
}

void csm_unlock(struct csm_held held)
{
	ASSERT(held.rd == NULL);
}

bool csm_is_reserved(struct csm_held held, ipa_t page)
{
	(void)page;
	ASSERT(held.rd == NULL);
	return false;
}

bool csm_is_taken(struct csm_held held, ipa_t base, ipa_t top)
{
	(void)top;
	return csm_is_reserved(held, base);
}

bool csm_has_edge(struct csm_held held, ipa_t base, ipa_t top)
{
	return csm_is_taken(held, base, top);
}

void csm_page_added(struct csm_held held, ipa_t ipa)
{
	(void)ipa;
	ASSERT(held.rd == NULL);
}

void csm_page_lost(struct csm_held held, ipa_t ipa)
{
	(void)ipa;
	ASSERT(held.rd == NULL);
}

enum csm_fault csm_fault(struct rd *self, ipa_t page, int *level)
{
	(void)page;
	(void)level;
	ASSERT(!csm_in_use(self));
	return CSM_FAULT_NONE;
}
