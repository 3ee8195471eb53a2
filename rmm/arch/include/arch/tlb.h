// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: stage-2 table entries of realms, and the translations that CPUs may hold for
 * them.
 *
 * The decision when to invalidate what is portable (s2/). The host build keeps a ledger: an entry
 * that was valid and is overwritten makes its range stale for that VMID; the calls below clear it;
 * a table lock that is released while one of its translations is stale stops the test.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include "base/types.h"

/* Whose translations: the VTTBR_EL2 and VTCR_EL2 values of the realm. */
struct arch_s2_context {
	uint64_t vttbr;
	uint64_t vtcr;
};

/* Where an entry stands: for the ledger, and for the level hint of an invalidation. */
struct arch_s2_loc {
	struct arch_s2_context context;
	ipa_t ipa; /* of the entry, aligned to its size */
	int level;
};

/*
 * Writes a table entry with one 64-bit store. Orders itself after earlier stores to memory that the
 * entry makes reachable. A valid entry that is replaced needs one of the invalidations below before
 * the new one is valid, and before the table's lock is released; otherwise arch_s2_sync() is
 * enough, once for any number of entries.
 */
static inline void arch_s2_write(uint64_t *entry, uint64_t value, const struct arch_s2_loc *loc);

/* Returns when the hardware walkers of all CPUs see what this CPU wrote. */
static inline void arch_s2_sync(void);

/*
 * Each returns when no CPU holds a translation, or a cached step of a walk, of the stated range in
 * the stated context; stage-1 results built on them are gone too.
 */

/* What one entry at `place` could translate or lead to, if it is a page or block. */
void arch_tlb_s2_entry(const struct arch_s2_loc *loc);

/*
 * count entries at `place` and after it, all at its level, and the tables that led to nothing else
 * but them: one range operation, not one each.
 */
void arch_tlb_s2_range(const struct arch_s2_loc *loc, uint64_t count);

/* Everything of the VMID. */
void arch_tlb_s2_all(const struct arch_s2_context *context);

#include "arch_inline/tlb.h"

#endif
