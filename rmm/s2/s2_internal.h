// SPDX-License-Identifier: BSD-3-Clause
/*
 * Table entries as the hardware and this folder read them (Arm ARM D8.3, RMM specification
 * A5.5.11).
 *
 *   bit    ASSIGNED, RAM       ASSIGNED_NS         TABLE           everything else: not valid
 *   [1:0]  01 block, 11 page   01 block, 11 page   11              00
 *   [5:2]  0110                0, then the host's                  0, but [6:5]: RIPAS
 *   [7:6]  11; read-only: 01   the host's                          of UNASSIGNED and ASSIGNED
 *   [9:8]  shareability; with LPA2 address bits [51:50], whatever the entry
 *   10     1                   1                                   0
 *   [47:12] address, with LPA2 [49:12]                             of ASSIGNED
 *   [54:53] 00                 10: execute never                   00
 *   55     0                   1: non-secure                       0
 *   56     live: 1             1                   1               1 for ASSIGNED
 *   57     0                   0                   0               0
 *
 * SHARED is as ASSIGNED and RAM, but bit 57 is set instead of bit 56, and [54:53] are 10 where
 * execution is not allowed.
 *
 * Bits [58:56] are software's in leaf entries, and ignored in table entries.
 */
#ifndef RMM_S2_S2_INTERNAL_H
#define RMM_S2_S2_INTERNAL_H

#include <stdatomic.h>

#include "base/bits.h"
#include "s2/s2.h"

#define S2_VALID      BIT(0)
#define S2_TYPE       MASK(1, 0)
#define S2_TYPE_BLOCK ((uint64_t)1)
#define S2_TYPE_LONG  ((uint64_t)3) /* a table, or a page at level 3 */
#define S2_LIVE       BIT(56)
#define S2_SHARED_BIT BIT(57)

#define S2_RIPAS_LOW  5U
#define S2_RIPAS_MASK MASK(6, 5) /* of entries that are not valid */

/* Who may do what with realm memory: S2_READ_ONLY and S2_NO_EXEC as they stand in valid entries. */
#define S2_LIMITS_MASK (MASK(7, 6) | MASK(54, 53))

#define S2_ADDRESS_LPA1       MASK(47, 12)
#define S2_ADDRESS_LPA2       MASK(49, 12)
#define S2_ADDRESS_TOP        MASK(51, 50)
#define S2_ADDRESS_TOP_SHIFT  42U /* from bits [51:50] of the address to [9:8] of the entry */
#define S2_ADDRESS_TOP_PLACED MASK(9, 8)

/* Entries that one mark stands for. */
#define S2_MARK_ENTRIES (S2_TABLE_ENTRIES / 16U)

static inline bool s2_raw_valid(uint64_t raw)
{
	return (raw & S2_VALID) != 0;
}

static inline bool s2_raw_live(uint64_t raw)
{
	return (raw & S2_LIVE) != 0;
}

/* A shared mapping, also one that s2_share_unmap() has made invalid and not cleared yet. */
static inline bool s2_raw_shared(uint64_t raw)
{
	return (raw & S2_SHARED_BIT) != 0;
}

static inline bool s2_raw_table(uint64_t raw, int level)
{
	return (raw & S2_TYPE) == S2_TYPE_LONG && level != S2_LEVEL_PAGE;
}

static inline pa_t s2_raw_address(uint64_t raw, bool lpa2)
{
	if (!lpa2) {
		return pa_of(raw & S2_ADDRESS_LPA1);
	}
	return pa_of((raw & S2_ADDRESS_LPA2) | (raw & S2_ADDRESS_TOP_PLACED)
						       << S2_ADDRESS_TOP_SHIFT);
}

/* The other way: what an entry of the address has of it. */
static inline uint64_t s2_raw_place(pa_t pa, bool lpa2)
{
	if (!lpa2) {
		return pa.v & S2_ADDRESS_LPA1;
	}
	return (pa.v & S2_ADDRESS_LPA2) | (pa.v & S2_ADDRESS_TOP) >> S2_ADDRESS_TOP_SHIFT;
}

/* The realm's own memory, which it reaches. */
static inline bool s2_raw_own(uint64_t raw)
{
	return (raw & (S2_VALID | S2_LIVE)) == (S2_VALID | S2_LIVE);
}

/* RIPAS RAM, of an entry in the protected half that is no TABLE. */
static inline bool s2_raw_ram(uint64_t raw)
{
	uint64_t unmapped = raw & (S2_VALID | S2_SHARED_BIT | S2_RIPAS_MASK);

	return s2_raw_own(raw) || unmapped == (uint64_t)S2_RAM << S2_RIPAS_LOW;
}

/* The entry says that hardware may use it. */
static inline bool s2_entry_maps(const struct s2_entry *entry)
{
	return entry->kind == S2_TABLE || entry->kind == S2_ASSIGNED_NS ||
	       entry->kind == S2_SHARED || (entry->kind == S2_ASSIGNED && entry->ripas == S2_RAM);
}

/* The entry is one of its table's references. */
static inline bool s2_entry_counts(const struct s2_entry *entry)
{
	return entry->kind == S2_TABLE || entry->kind == S2_ASSIGNED;
}

/* pa: aligned to the entry's size, and fits (s2_pa_fits()). */
uint64_t s2_encode(const struct s2_entry *entry, int level, bool lpa2);
/* The bits under S2_LIMITS_MASK. */
uint64_t s2_limits(uint64_t limits);
struct s2_entry s2_decode(uint64_t raw, int level, bool lpa2, bool protected_half);

/* Entries in a table: 512, but 16 at level -1. */
static inline unsigned int s2_table_length(int level)
{
	return level == S2_LEVEL_MIN ? 16U : S2_TABLE_ENTRIES;
}

/* Adds / drops a reference of each DATA granule, for shared mappings; 0: no granule. */
static inline void s2_share_ref(const pa_t *pages, unsigned int count)
{
	granule_ref_pages(pages, count, GRANULE_DATA);
}

static inline void s2_share_unref(const pa_t *pages, unsigned int count)
{
	granule_unref_pages(pages, count, GRANULE_DATA);
}

/* How many tables s2_table_free() has freed, of all realms. It changes with that table's lock. */
extern _Atomic uint64_t s2_tables_freed;

/* Where the walk's entry stands, and where number `index` of its table does. */
struct arch_s2_loc s2_loc(const struct s2_walk *walk, unsigned int index);

#endif
