// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: the lock checker. Taking a lock is portable code (granule/granule.c); the machine
 * only sees of it. The firmware compiles the notes away; the host build keeps for each thread the
 * locks it holds and stops at a lock taken twice, out of order, or held at the end of a command.
 */
#ifndef ARCH_LOCK_H
#define ARCH_LOCK_H

#include <stdint.h>

/*
 * Lock order (docs/locking.md): ranks are taken in ascending order, and within ARCH_RANK_EXTERNAL
 * and ARCH_RANK_CSM in ascending order of key, a granule's place in its table, which ascends as its
 * address does.
 * Within ARCH_RANK_INTERNAL the order is the tree's own: parent before child.
 */
enum arch_lock_rank {
	ARCH_RANK_EXTERNAL, /* granules whose address the caller named */
	ARCH_RANK_CSM,      /* what a realm shares; key: its RD */
	ARCH_RANK_INTERNAL, /* granules found through a locked one: tables, data */
	ARCH_RANK_LEAF,     /* nothing else is taken while it is held */
};

/* lock is about to be waited for / has been released by this CPU. */
static inline void arch_lock_note_take(const void *lock, enum arch_lock_rank rank, uint64_t key);
static inline void arch_lock_note_release(const void *lock);

#include "arch_inline/lock.h"

#endif
