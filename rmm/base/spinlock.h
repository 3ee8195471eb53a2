// SPDX-License-Identifier: BSD-3-Clause
/*
 * A lock for a few instructions, the last one taken (ARCH_RANK_LEAF): nothing else is locked, and
 * nothing waited for, while it is held. All zero is unlocked. Others than leaves say their rank.
 */
#ifndef RMM_BASE_SPINLOCK_H
#define RMM_BASE_SPINLOCK_H

#include <stdatomic.h>

#include "arch/cpu.h"
#include "arch/lock.h"

struct spinlock {
	_Atomic uint32_t taken;
};

static inline void spinlock_take_as(struct spinlock *lock, enum arch_lock_rank rank, uint64_t key)
{
	arch_lock_note_take(lock, rank, key);
	while (atomic_exchange_explicit(&lock->taken, 1, memory_order_acquire) != 0) {
		while (atomic_load_explicit(&lock->taken, memory_order_relaxed) != 0) {
			arch_cpu_relax();
		}
	}
}

static inline void spinlock_take(struct spinlock *lock)
{
	spinlock_take_as(lock, ARCH_RANK_LEAF, 0);
}

static inline void spinlock_release(struct spinlock *lock)
{
	arch_lock_note_release(lock);
	atomic_store_explicit(&lock->taken, 0, memory_order_release);
}

#endif
