// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: the RMM's own stage-1 address space. map/ decides what is mapped and when; here
 * are the descriptor writes and the invalidation of the RMM's own TLB.
 *
 * Two kinds of place exist:
 *  - the window, shared by all CPUs: one page for every tracked granule, valid only while the
 *    granule is metadata of the RMM (docs/decisions/metadata-window.md);
 *  - slots, private to a CPU: for memory that is the host's or a realm's, for as long as one
 *    command wipes, copies or measures it.
 */
#ifndef ARCH_SPACE_H
#define ARCH_SPACE_H

#include "base/types.h"

enum arch_pas {
	ARCH_PAS_REALM,
	ARCH_PAS_NS,
};

enum arch_slot {
	ARCH_SLOT_NS,     /* the host's page last used: arch_host_map() only */
	ARCH_SLOT_WIPE,   /* a granule on its way to or from DELEGATED */
	ARCH_SLOT_DATA,   /* a realm's page */
	ARCH_SLOT_SHARED, /* the page shared with EL3 */
	ARCH_SLOT_COUNT,
};

/* Number of pages in the window. */
#define ARCH_WINDOW_PAGES ((uint64_t)1 << 20)

/*
 * Maps the granule at pa (aligned), read and write, never executable, into the slot of this CPU and
 * returns where. The slot must be free. Valid until arch_slot_unmap on the same CPU.
 */
void *arch_slot_map(enum arch_slot slot, pa_t pa, enum arch_pas pas);

/* Undoes arch_slot_map: no translation that this CPU could use is left when it returns. */
void arch_slot_unmap(enum arch_slot slot);

/*
 * Maps a host page (aligned), as non-secure, at ARCH_SLOT_NS of this CPU and returns where. Stays
 * mapped when the command ends, until another page is asked for: asking for the same one again
 * invalidates nothing. That is safe because the page was and is the host's to read and write; if it
 * changes worlds meanwhile an access faults (arch/copy.h).
 */
void *arch_host_map(pa_t pa);

/*
 * Opens page index of the window (index < ARCH_WINDOW_PAGES) on the Realm granule at pa, for all
 * CPUs, and returns where. The page must be closed.
 */
void *arch_window_open(uint64_t index, pa_t pa);

/* Closes page index: no CPU has a translation for it when it returns. The page must be open. */
void arch_window_close(uint64_t index);

/* ARCH_SPACE_PA_BITS: no address that needs more bits can be mapped in slots or window. */

/* Where page index of the window is, open or not. */
static inline void *arch_window_at(uint64_t index);

#include "arch_inline/space.h"

#endif
