// SPDX-License-Identifier: BSD-3-Clause
/* The lock checker: what each CPU holds, and in which order it took it. */
#include "arch/lock.h"

#include "arch/host/machine_internal.h"

#define MAX_HELD 64U

struct held {
	const void *lock;
	enum arch_lock_rank rank;
	uint64_t key;
};

static __thread struct held held[MAX_HELD];
static __thread unsigned int held_count;

void (*machine_on_unlocked)(void);

static void check_after(const struct held *one, enum arch_lock_rank rank, uint64_t key)
{
	if (one->rank == ARCH_RANK_LEAF) {
		machine_stop("LOCKS: a lock is taken while a leaf is held");
	}
	if (one->rank > rank) {
		machine_stop("LOCKS: rank %d is taken while rank %d is held", (int)rank,
			     (int)one->rank);
	}
	if (rank <= ARCH_RANK_CSM && one->rank == rank && one->key >= key) {
		machine_stop("LOCKS: %s %lu is taken while %lu is held",
			     rank == ARCH_RANK_CSM ? "CSM" : "external", (unsigned long)key,
			     (unsigned long)one->key);
	}
}

static bool holds_external_only(void)
{
	bool only = true;

	for (unsigned int i = 0; i < held_count; i++) {
		only = only && held[i].rank == ARCH_RANK_EXTERNAL;
	}
	return only;
}

/*
 * Before a lock is taken. Stops if it is held, or if the order of ranks and keys forbids it
 * (docs/locking.md).
 */
void machine_lock_take(const void *lock, enum arch_lock_rank rank, uint64_t key)
{
	if (machine_on_unlocked != NULL && holds_external_only()) {
		machine_on_unlocked();
	}
	if (held_count == MAX_HELD) {
		machine_stop("LOCKS: more than %u are held", MAX_HELD);
	}
	for (unsigned int i = 0; i < held_count; i++) {
		if (held[i].lock == lock) {
			machine_stop("LOCKS: one lock is taken twice");
		}
		check_after(&held[i], rank, key);
	}
	held[held_count++] = (struct held){lock, rank, key};
}

/*
 * Before a lock is released. Stops if this CPU does not hold it, maps realm data, or leaves a
 * stale translation in the table that it guards.
 */
void machine_lock_release(const void *lock)
{
	for (unsigned int i = 0; i < held_count; i++) {
		if (held[i].lock == lock) {
			if (held[i].rank != ARCH_RANK_LEAF && machine_data_is_mapped()) {
				machine_stop("LOCKS: one is released while realm data is mapped");
			}
			machine_tlb_check(held[i].key);
			held[i] = held[--held_count];
			return;
		}
	}
	machine_stop("LOCKS: a lock is released that this CPU does not hold");
}

bool machine_locks_held(void)
{
	return held_count != 0 && holds_external_only();
}

void machine_locks_reset(void)
{
	machine_on_unlocked = NULL;
}

void machine_locks_forget(void)
{
	held_count = 0;
}

void machine_locks_check(void)
{
	if (held_count != 0) {
		machine_stop("LOCKS: %u held at the end of a command", held_count);
	}
}
