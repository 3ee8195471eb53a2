// SPDX-License-Identifier: BSD-3-Clause
/*
 * The granule table: for every granule of memory that the host may delegate, who owns it now.
 *
 * A descriptor is one 32-bit word {lock, state, references, live map}. Sources: RMM specification
 * A2.2 (states), B4.3 (transitions). The rules:
 *
 *  - The state changes only under the lock, and only in granule_unlock_to().
 *  - A lock is held through a struct granule_held; functions that need the lock take it.
 *  - References change under the lock or, where a state allows it, without: see granule_ref().
 *  - A granule in DELEGATED is all zero, in every path that leads there. So what becomes metadata
 *    starts from zero and what goes back to the host carries nothing.
 *  - Lock order: docs/locking.md.
 *
 *      from          to
 *      UNDELEGATED   DELEGATED
 *      DELEGATED     UNDELEGATED RD REC REC_AUX DATA RTT APT
 *      any other     DELEGATED, with no references left
 */
#ifndef RMM_GRANULE_GRANULE_H
#define RMM_GRANULE_GRANULE_H

#include "base/types.h"

enum granule_state {
	GRANULE_UNDELEGATED,
	GRANULE_DELEGATED,
	GRANULE_RD,
	GRANULE_REC,
	GRANULE_REC_AUX,
	GRANULE_DATA,
	GRANULE_RTT,
	GRANULE_APT,
	GRANULE_STATE_COUNT,
};

/* A descriptor. Opaque: its address names the granule. */
struct granule;

/* Proof that this CPU holds the lock of a granule. Passed by value, consumed by an unlock. */
struct granule_held {
	struct granule *granule;
};

/*
 * Fills the table with the given banks (ascending, not overlapping), all granules UNDELEGATED,
 * without those that lie in `own`, the RMM's memory, which nobody can delegate. Called once, before
 * any command. Returns false if the capacity (granule/geometry.h) does not suffice; the table is
 * then empty.
 */
bool granule_table_init(const struct granule_bank *banks, size_t count, struct granule_bank own);

/* Descriptor of the granule at pa; NULL if pa is not aligned or not tracked ("not delegable"). */
struct granule *granule_find(pa_t pa);

/* Physical address of a granule. */
pa_t granule_pa(const struct granule *granule);
/* Position of a granule in the table, which is also its page of the metadata window. */
uint64_t granule_index(const struct granule *granule);

/*
 * Locks a granule whose address the caller of a command named, if it is in state `want`. Returns
 * false with nothing locked otherwise. While such a lock is held only granules at higher addresses
 * may be taken this way: use granule_lock_set() for several.
 */
bool granule_lock(struct granule *granule, enum granule_state want, struct granule_held *held);

/* One granule of a set: what is asked for, and the handle that the caller gets. */
struct granule_wanted {
	pa_t pa;
	enum granule_state state;
	struct granule_held held;
};

/* Largest set: an RD or REC with its auxiliary granules, or a start table of 16 with its RD. */
#define GRANULE_SET_MAX 18U

/*
 * Locks a set of granules in the one order that cannot deadlock (ascending addresses), whatever the
 * order in `set`. Fails with nothing locked, and returns the index in `set` of an entry at fault:
 * an address not tracked, a wrong state, or an address that appears twice (the later of the two in
 * `set`). Returns -1 when all are locked. count <= GRANULE_SET_MAX.
 */
int granule_lock_set(struct granule_wanted *set, size_t count);

/*
 * Locks a granule that was found through another one whose lock is held (a table through its
 * parent, data through its table). Its state is known from there and asserted.
 */
struct granule_held granule_lock_inner(struct granule *granule, enum granule_state state);

/*
 * The same for a granule that was found so some time ago, and may be anything by now: false, with
 * nothing locked, if it is in another state or somebody else has the lock. Does not wait, so that
 * it may be called with any locks but those of other tables and pages.
 */
bool granule_try_lock_inner(struct granule *granule, enum granule_state want,
			    struct granule_held *held);

/* Unlocks; the state stays. */
void granule_unlock(struct granule_held held);

/*
 * Unlocks with a new state; the transition must be one of the table above. On the way to DELEGATED
 * the memory must have been wiped, and unmapped everywhere, before.
 */
void granule_unlock_to(struct granule_held held, enum granule_state state);

/* State without the lock: it may have changed already. For early refusals and statistics only. */
enum granule_state granule_peek(const struct granule *granule);

/*
 * References: RECs of an RD, live entries of an RTT, 1 for a REC that runs, shared mappings of a
 * DATA granule. Counting down needs no lock (a REC stops running, a REC of a realm goes); counting
 * up needs the lock, so that "no references, under the lock" lasts as long as the lock. At most
 * 2,047.
 */
unsigned int granule_refs(const struct granule *granule);

/*
 * Adds or removes `count` references. Adding beyond the limit or removing more than there are stops
 * the RMM.
 */
void granule_ref(struct granule_held held, unsigned int count);
void granule_unref(struct granule *granule, unsigned int count);

/*
 * The same for many granules at once, one reference each. pages[i] 0 is skipped. All others are
 * tracked and in this state, and the caller's locks keep them in it. Each reference is added in one
 * step, as between granule_lock_inner() and granule_unlock(): it waits while another CPU holds the
 * granule's lock.
 */
void granule_ref_pages(const pa_t *pages, size_t count, enum granule_state state);
void granule_unref_pages(const pa_t *pages, size_t count, enum granule_state state);

/*
 * Marks: sixteen bits beside a granule that its owner may use as it likes under the lock; an RTT's
 * say where its live entries are (s2/). Zero in DELEGATED: going there clears them.
 */
uint16_t granule_live_map(struct granule_held held);
void granule_set_live_map(struct granule_held held, uint16_t live_map);

#endif
