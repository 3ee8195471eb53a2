// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_LOCK_H
#define ARCH_INLINE_LOCK_H

void machine_lock_take(const void *lock, enum arch_lock_rank rank, uint64_t key);
void machine_lock_release(const void *lock);

static inline void arch_lock_note_take(const void *lock, enum arch_lock_rank rank, uint64_t key)
{
	machine_lock_take(lock, rank, key);
}

static inline void arch_lock_note_release(const void *lock)
{
	machine_lock_release(lock);
}

#endif
