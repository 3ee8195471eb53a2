// SPDX-License-Identifier: BSD-3-Clause
#ifndef PAYLOAD_SPINLOCK_H
#define PAYLOAD_SPINLOCK_H

#include "arch.h"

/* Taken with interrupts masked, which is how the host runs except while it waits. */
struct spinlock {
	uint32_t taken;
};

static inline void spin_lock(struct spinlock *lock)
{
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED)) {
			cpu_relax();
		}
	}
}

static inline void spin_unlock(struct spinlock *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

#endif
