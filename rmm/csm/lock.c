// SPDX-License-Identifier: BSD-3-Clause
/*
 * The CSM lock of one realm, and of two (docs/locking.md): rank 2, taken after external granules
 * and before tables. Two are taken in the order of their RDs, whichever realm is the provider.
 * Builds that check verify the realm's records at each lock and unlock.
 */
#include "arch/trace.h"
#include "csm/csm_internal.h"
#include "realm/id.h"

static void lock_records(struct rd *rd)
{
	spinlock_take_as(&rd->csm.lock, ARCH_RANK_CSM, granule_index(rd->granule));
	if (ARCH_CHECKS) {
		rmm_csm_check(rd);
	}
}

static void unlock_records(struct rd *rd)
{
	if (ARCH_CHECKS) {
		rmm_csm_check(rd);
	}
	spinlock_release(&rd->csm.lock);
}

struct rmm_csm_held rmm_csm_lock(struct rd *rd)
{
	lock_records(rd);
	return (struct rmm_csm_held){rd};
}

void rmm_csm_unlock(struct rmm_csm_held held)
{
	unlock_records(held.rd);
}

/* Pins the peer before any lock: a pinned realm is not freed, and its lock can be waited for. */
void rmm_csm_pair_lock(struct rd *self, uint64_t peer_id, struct rmm_csm_pair *pair)
{
	pair->self = self;
	pair->peer = peer_id == self->id ? NULL : realm_pin(peer_id);
	if (pair->peer == NULL) {
		lock_records(self);
	} else if (granule_index(pair->peer->granule) < granule_index(self->granule)) {
		lock_records(pair->peer);
		lock_records(self);
	} else {
		lock_records(self);
		lock_records(pair->peer);
	}
}

void rmm_csm_pair_unlock(const struct rmm_csm_pair *pair)
{
	unlock_records(pair->self);
	if (pair->peer != NULL) {
		unlock_records(pair->peer);
		realm_unpin(pair->peer);
	}
}
