// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_LOCK_H
#define ARCH_INLINE_LOCK_H

static inline void arch_lock_note_take(const void *lock, enum arch_lock_rank rank, uint64_t key)
{
	(void)lock;
	(void)rank;
	(void)key;
}

static inline void arch_lock_note_release(const void *lock)
{
	(void)lock;
}

#endif
