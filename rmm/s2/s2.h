// SPDX-License-Identifier: BSD-3-Clause
/*
 * Stage 2 of a realm: its realm translation tables (RTTs), walked and edited under their locks.
 * Sources: RMM specification A5.1-A5.5, B3; Arm ARM VMSAv8-64 stage 2.
 *
 * Terms: the *protected* half of the IPA space is [0, 2^(w-1)), the unprotected one [2^(w-1), 2^w).
 * Level -1..3 as in the Arm ARM; size(L) = 2^(12 + 9*(3-L)) bytes.
 *
 * A table granule's references count its live entries: TABLE and ASSIGNED, not ASSIGNED_NS.
 * An entry of all zero is UNASSIGNED with RIPAS EMPTY, or UNASSIGNED_NS in the unprotected half: a
 * wiped granule is a table of them.
 */
#ifndef RMM_S2_S2_H
#define RMM_S2_S2_H

#include "arch/tlb.h"
#include "granule/granule.h"

#define S2_LEVEL_MIN     (-1)
#define S2_LEVEL_PAGE    3
#define S2_TABLE_ENTRIES 512U
#define S2_MAX_START     16U /* concatenated start tables */

/* Constant for the life of a realm; every REC keeps a copy. */
struct s2 {
	struct arch_s2_context context;
	pa_t root; /* first of `start_tables` adjacent granules */
	uint8_t ipa_bits;
	int8_t start_level;
	uint8_t start_tables;
	bool lpa2;
};

enum s2_ripas {
	S2_EMPTY,
	S2_RAM,
	S2_DESTROYED,
};

/* What an entry says; the numbers of the first three are those of RmiRttEntryState. */
enum s2_kind {
	S2_UNASSIGNED,
	S2_ASSIGNED,
	S2_TABLE,
	S2_UNASSIGNED_NS,
	S2_ASSIGNED_NS,
};

struct s2_entry {
	enum s2_kind kind;
	enum s2_ripas ripas; /* UNASSIGNED and ASSIGNED; otherwise S2_EMPTY */
	pa_t pa;             /* ASSIGNED, ASSIGNED_NS: start of page or block; TABLE: next table */
	uint64_t attr; /* ASSIGNED_NS: MemAttr[2:0] at [4:2] and S2AP at [7:6], as the host gave
			  them */
};

/* Bytes one entry at `level` stands for. */
static inline uint64_t s2_entry_size(int level)
{
	return (uint64_t)1 << (GRANULE_SHIFT + 9U * (unsigned int)(S2_LEVEL_PAGE - level));
}

/*
 * Whether (ipa_bits, start_level, start_tables) is a stage 2 that the architecture and this CPU
 * allow (RMM specification, rtt_num_level). All three may be any number of the host's.
 */
bool s2_geometry_valid(uint64_t ipa_bits, int64_t start_level, uint64_t start_tables, bool lpa2);

/* VTCR_EL2 and VTTBR_EL2 for a valid geometry. */
struct arch_s2_context s2_context(const struct s2 *s2, uint16_t vmid);

bool s2_ipa_valid(const struct s2 *s2, ipa_t ipa);     /* ipa < 2^w */
bool s2_ipa_protected(const struct s2 *s2, ipa_t ipa); /* ipa < 2^(w-1) */
/* [base, base + size) lies in the protected half; size 0 or a wrap is false. */
bool s2_range_protected(const struct s2 *s2, ipa_t base, uint64_t size);

/* Where a walk ended, with that table locked. */
struct s2_walk {
	struct granule_held table;
	uint64_t *entries; /* of the table */
	unsigned int index;
	int level;
	struct s2_entry entry;
};

/*
 * Walks to ipa, down to `level` or to the first entry that is not TABLE, hand over hand. The caller
 * guarantees ipa < 2^w and start level <= level <= 3, and either holds the RD's lock or runs on
 * behalf of a REC of the realm (its tables then cannot go). The RD's lock may be released as soon
 * as this returns. Ends with s2_walk_end().
 */
void s2_walk(const struct s2 *s2, ipa_t ipa, int level, struct s2_walk *walk);
void s2_walk_end(struct s2_walk *walk);

/*
 * For commands of a realm that touch its memory, and for the decision on a stage-2 fault.
 *
 * S2_ACCESS_RAM: assigned and RAM; *pa is the page, and its leaf table stays locked until
 * s2_access_end(), so that the page cannot be taken away. All others leave nothing locked.
 */
enum s2_access {
	S2_ACCESS_RAM,
	S2_ACCESS_EMPTY,   /* RIPAS EMPTY */
	S2_ACCESS_MISSING, /* RIPAS RAM without a page, or DESTROYED: the host has to act */
};

/* ipa: protected, any alignment. *level: where the walk stopped, for the fault that is reported. */
enum s2_access s2_access_begin(const struct s2 *s2, ipa_t ipa, struct s2_walk *walk, pa_t *page);
void s2_access_end(struct s2_walk *walk);

#endif
