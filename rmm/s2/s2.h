// SPDX-License-Identifier: BSD-3-Clause
/*
 * Stage 2 of a realm: its realm translation tables (RTTs), walked and edited under their locks.
 * Sources: RMM specification A5.1-A5.5, B3; Arm ARM VMSAv8-64 stage 2.
 *
 * Terms: the *protected* half of the IPA space is [0, 2^(w-1)), the unprotected one [2^(w-1), 2^w).
 * Level -1..3 as in the Arm ARM; size(L) = 2^(12 + 9*(3-L)) bytes. An entry is *live* if it is
 * ASSIGNED, ASSIGNED_NS or TABLE.
 *
 * What is kept beside a table, in its granule, always under its lock:
 *  - references: its ASSIGNED and TABLE entries. A table may go when there are none.
 *  - live map: bit i is set if and only if one of the entries [32 * i, 32 * i + 32) is live. So
 *    nobody searches what is empty.
 *
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
	pa_t root; /* first of `start_tables` adjacent granules; below 2^48 unless lpa2 */
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
	S2_SHARED, /* valid: a page or block of another realm. Not live; reads as RIPAS EMPTY */
};

/* What an entry of Realm memory does not allow, though it is valid. */
#define S2_READ_ONLY 1U
#define S2_NO_EXEC   2U

struct s2_entry {
	enum s2_kind kind;
	enum s2_ripas ripas; /* UNASSIGNED and ASSIGNED; otherwise S2_EMPTY */
	pa_t pa; /* ASSIGNED, ASSIGNED_NS, SHARED: start of page or block; TABLE: next table */
	/*
	 * ASSIGNED_NS: MemAttr[2:0] at [4:2] and S2AP at [7:6], as the host gave them. SHARED:
	 * S2_READ_ONLY, S2_NO_EXEC. ASSIGNED, RAM: S2_READ_ONLY.
	 */
	uint64_t attr;
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

/* Whether the realm's tables can hold this address: below 2^48 unless lpa2. */
bool s2_pa_fits(const struct s2 *s2, pa_t pa);

/*
 * The form in which the host names entries (RMM specification B4.3.19, B4.3.20): output address,
 * and for ASSIGNED_NS MemAttr[2:0] at [4:2] and S2AP at [7:6]. With lpa2, OA[51:50] are at [9:8].
 */
uint64_t s2_host_descriptor(const struct s2_entry *entry, bool lpa2);

/*
 * Reads an unprotected mapping that the host asks for. False if a bit is set that is not the host's
 * or MemAttr is reserved. The address may be too wide for the realm (s2_pa_fits()).
 */
bool s2_host_descriptor_parse(uint64_t desc, bool lpa2, struct s2_entry *entry);

/* Where a walk has got to, with that table locked. */
struct s2_walk {
	const struct s2 *s2;
	ipa_t ipa; /* as given */
	struct granule_held table;
	uint64_t *entries; /* of the table */
	unsigned int index;
	int level;
	struct s2_entry entry; /* after s2_walk_down() */
};

/*
 * A walk to ipa: begin locks the start table that ipa selects, `down` goes hand over hand to the
 * entry at `level`, or to the first entry that is not TABLE, and reads it. The caller guarantees
 * ipa < 2^w and start level <= level <= 3. Ends with s2_walk_end().
 *
 * s2_walk_begin() needs the RD's lock, or to run on behalf of a REC of the realm. After it the RD's
 * lock may be released: a realm is not destroyed without the locks of all its start tables, nor
 * while one of them has a reference, so *s2 and all tables above stay as long as the walk.
 */
void s2_walk_begin(const struct s2 *s2, ipa_t ipa, struct s2_walk *walk);
void s2_walk_down(struct s2_walk *walk, int level);
void s2_walk_end(struct s2_walk *walk);

/* Both steps. */
void s2_walk(const struct s2 *s2, ipa_t ipa, int level, struct s2_walk *walk);

/*
 * `top` of the commands that remove something: the walk's ipa if its entry is live, else the IPA of
 * the next live entry of this table, else the first IPA after the table.
 */
ipa_t s2_next_live(const struct s2_walk *walk);

/*
 * Replaces the walk's entry; references and live map of the table follow. Breaks before it makes,
 * and returns when no CPU holds a translation of the old one: for a table, of anything below it.
 * The new entry's table or page must be ready to be used. Cannot fail.
 */
void s2_replace(struct s2_walk *walk, struct s2_entry entry);

/*
 * RMI_RTT_CREATE: makes of a granule, locked and in DELEGATED, the table that says what the walk's
 * entry says (not TABLE), one level further down. It is unlocked as an RTT. Cannot fail.
 */
void s2_table_add(struct s2_walk *walk, struct granule_held rtt);

/* Locks the table that the walk's entry, a TABLE, leads to. */
struct granule_held s2_table_below(const struct s2_walk *walk);

/*
 * RMI_RTT_FOLD: whether all entries of the table below the walk's entry say the same so that one
 * entry can say it, and which (RMM specification A5.5.7).
 */
bool s2_table_uniform(const struct s2_walk *walk, struct granule_held below,
		      struct s2_entry *folded);

/* Wipes a table that nothing leads to any more, and makes the granule DELEGATED. */
void s2_table_free(struct granule_held table);

/* What ends a run of entries, besides TABLE, the end of the table, and `top`. */
#define S2_STOP_ASSIGNED  1U
#define S2_STOP_DESTROYED 2U

/*
 * IPA where the run ends that begins with the walk's entry, which is not TABLE; top is above the
 * walk's ipa. It is a multiple of the entry's size; at most the walk's ipa if no whole entry can be
 * taken.
 */
ipa_t s2_run_end(const struct s2_walk *walk, ipa_t top, unsigned int stops);

/*
 * IPA where the RIPAS of the walk's entry ends, as far as its table says: above the walk's ipa, at
 * most top. The entry is protected and not TABLE, top is protected.
 */
ipa_t s2_ripas_end(const struct s2_walk *walk, ipa_t top);

/*
 * Gives the run that ends at `end` the RIPAS (S2_EMPTY or S2_RAM), all protected and none TABLE.
 * Returns when no CPU holds a translation that this took away. Leaves walk->entry as it was.
 */
void s2_set_ripas(struct s2_walk *walk, ipa_t end, enum s2_ripas ripas);

/*
 * For commands of a realm that touch its memory, and for the decision on a stage-2 fault.
 *
 * S2_ACCESS_RAM: assigned and RAM; *page is the page, and its leaf table stays locked until
 * s2_access_end(), so that the page cannot be taken away. All others leave nothing locked.
 */
enum s2_access {
	S2_ACCESS_RAM,
	S2_ACCESS_EMPTY,   /* RIPAS EMPTY */
	S2_ACCESS_MISSING, /* RIPAS RAM without a page, or DESTROYED: the host has to act */
};

/*
 * Where the last access of a REC ended: its next one, if in the same table, begins there instead of
 * at the start table. Zero: nowhere. Belongs to accesses of one realm only.
 */
struct s2_hint {
	struct granule *table; /* at S2_LEVEL_PAGE */
	uint64_t block;        /* number of the 2 MiB that it translates */
	uint64_t freed;        /* how many tables had been freed when the walk led to this one */
};

/*
 * ipa: protected, any alignment. walk->level: where the walk stopped, for the fault reported.
 * hint: read and set; NULL: none.
 */
enum s2_access s2_access_begin(const struct s2 *s2, ipa_t ipa, struct s2_hint *hint,
			       struct s2_walk *walk, pa_t *page);
void s2_access_end(struct s2_walk *walk);

/*
 * --- shared mappings: a provider's memory in the tables of a consumer (docs/csm-spec.md section 8)
 *
 * A shared mapping is an entry of kind SHARED, at any level that has blocks. It is one reference of
 * the DATA granule that its address names; a block is a reference of its first granule. It is not
 * live, so no command of the host on the consumer finds it. s2_table_add() splits its references
 * with the block.
 *
 * Each function here works on the entries of at most one table of each tree, and locks one tree at
 * a time. The caller guarantees that the provider's pages stay assigned and both trees stay alive.
 */
struct s2_share {
	const struct s2 *provider;
	const struct s2 *consumer;
	ipa_t provider_base;
	ipa_t consumer_base;
	uint64_t size;
	unsigned int limits;
};

enum s2_share_result {
	S2_SHARE_DONE,     /* the consumer can access the page at the offset */
	S2_SHARE_ABSENT,   /* the provider has no page there that the consumer's tables can hold */
	S2_SHARE_NO_TABLE, /* the consumer has no table for it: *level is where its walk stopped */
};

/*
 * Maps pages of the provider from *offset on in one table of the consumer. Advances *offset to the
 * next offset to map: above the old one, and above `end` where a block ends there. The result is
 * that of the first page. Changes UNASSIGNED entries only. Adds the entries looked at to *visited.
 */
enum s2_share_result s2_share_map(const struct s2_share *share, uint64_t *offset, uint64_t end,
				  int *level, unsigned int *visited);

/*
 * Removes the shared mappings in [*at, top), as far as the table of *at reaches. When it returns no
 * CPU can access the pages through them, and their references are dropped. A block is removed
 * whole. UNASSIGNED entries that lie wholly below top become RIPAS EMPTY. Advances *at.
 */
void s2_share_unmap(const struct s2 *s2, ipa_t *at, ipa_t top, unsigned int *visited);

/*
 * The same for one page of the consumer, whose tables are *s2. Maps `page` if there is a table and
 * an UNASSIGNED entry for ipa, and the tables can hold its address; limits as in struct s2_share.
 * Takes back what s2_share_unmap() would of [ipa, ipa + 4 KiB).
 */
void s2_share_page(const struct s2 *s2, ipa_t ipa, pa_t page, unsigned int limits);
void s2_share_take_page(const struct s2 *s2, ipa_t ipa);

/* Drops the references of shared mappings in a table that is out of its tree and still locked. */
void s2_share_drop(const struct s2 *s2, struct granule_held table, int level);

/* What s2_scan() asks of every entry of [base, top). */
enum s2_scan {
	S2_SCAN_RAM,     /* RIPAS RAM */
	S2_SCAN_PRESENT, /* assigned and RAM */
	S2_SCAN_UNOWNED, /* not assigned; no RAM that is partly outside */
	S2_SCAN_EMPTY, /* as s2_share_unmap() leaves it: UNASSIGNED and RIPAS EMPTY, or DESTROYED in
			* an entry that is partly outside */
};

/* Looks at the entries from *at to top in one table. *at moves on while the answer is true. */
bool s2_scan(const struct s2 *s2, enum s2_scan what, ipa_t base, ipa_t top, ipa_t *at,
	     unsigned int *visited);

/*
 * Makes what is assigned and RAM at *at and after it, in one table, read-only or not. Returns when
 * no CPU has a translation that says otherwise. *at moves on. No block may reach beyond [base,
 * top).
 */
void s2_protect(const struct s2 *s2, bool read_only, ipa_t base, ipa_t top, ipa_t *at,
		unsigned int *visited);

/* The page at ipa if the realm's own access to it would succeed; false otherwise. */
bool s2_page_at(const struct s2 *s2, ipa_t ipa, pa_t *page);

#endif
