// SPDX-License-Identifier: BSD-3-Clause
/* The CSM lock of one realm, and of two. */
#include "arch/trace.h"
#include "csm/csm_internal.h"
#include "realm/id.h"

static void take(struct rd *rd)
{
	spinlock_take_as(&rd->csm.lock, ARCH_RANK_CSM, granule_index(rd->granule));
	if (ARCH_CHECKS) {
		csm_check(rd);
	}
}

static void drop(struct rd *rd)
{
	if (ARCH_CHECKS) {
		csm_check(rd);
	}
	spinlock_release(&rd->csm.lock);
}

struct csm_held csm_lock(struct rd *rd)
{
	take(rd);
	return (struct csm_held){rd};
}

void csm_unlock(struct csm_held held)
{
	drop(held.rd);
}

void csm_pair_lock(struct rd *self, uint64_t peer, struct csm_pair *pair)
{
	pair->self = self;
	pair->peer = peer == self->id ? NULL : realm_pin(peer);
	if (pair->peer == NULL) {
		take(self);
	} else if (granule_index(pair->peer->granule) < granule_index(self->granule)) {
		take(pair->peer);
		take(self);
	} else {
		take(self);
		take(pair->peer);
	}
}

void csm_pair_unlock(const struct csm_pair *pair)
{
	drop(pair->self);
	if (pair->peer != NULL) {
		drop(pair->peer);
		realm_unpin(pair->peer);
	}
}
