// SPDX-License-Identifier: BSD-3-Clause
/*
 * The realm object: what an RD granule holds (RMM specification A2.1).
 *
 * References of the RD granule: one for each REC. Locks: fields under "constant" never change after
 * REALM_CREATE and may be read by whoever keeps the RD alive (its lock, or a REC of the realm);
 * those under "RD lock" need it; the others say what guards them.
 */
#ifndef RMM_REALM_REALM_H
#define RMM_REALM_REALM_H

#include <stdatomic.h>

#include "abi/measurement.h"
#include "base/spinlock.h"
#include "s2/s2.h"

enum realm_state {
	REALM_NEW,
	REALM_ACTIVE,
	REALM_SYSTEM_OFF,
};

#define REALM_MEASUREMENTS     5U /* 0 the RIM, 1..4 the REMs */
#define REALM_MEASUREMENT_SIZE 64U
#define REALM_RPV_SIZE         64U
#define REALM_INSTANCE_REST    3U /* words of the instance id behind the realm id */

/* What a realm was promised at creation. */
struct realm_features {
	bool sve;
	uint8_t sve_vl; /* units of 128 bits, less one */
	bool pmu;
	uint8_t pmu_counters;
	uint8_t breakpoints; /* number less one */
	uint8_t watchpoints; /* number less one */
};

/*
 * What a realm shares by Confidential Shared Memory: its access policy table, the granules in which
 * the records are. All zero without. Only csm/ knows more about it.
 */
#define REALM_APT_GRANULES 64U
#define REALM_CSM_TREES    2U

struct rmm_csm_apt;

struct realm_csm {
	struct spinlock lock; /* ARCH_RANK_CSM; of all below but what says otherwise */
	/* Changes with the RD's lock and this one; with either, or for an early refusal, read. */
	_Atomic uint32_t apt_count;
	struct rmm_csm_apt *apt[REALM_APT_GRANULES];
	uint64_t room;                   /* bit n: granule n takes one more record */
	uint16_t trees[REALM_CSM_TREES]; /* roots: records by id, ranges by base */
	uint64_t gap_base, gap_top;      /* no region or reservation is there; may be empty */
	uint64_t last_region;            /* id last given away */
	/* Granules with records that have signals; those who post hold the peer's lock only. */
	_Atomic uint64_t pending;
};

struct rd {
	/* Constant. */
	struct s2 s2;
	struct realm_features features;
	struct granule *granule; /* the RD's own */
	uint64_t id; /* realm id: random, never 0, unique among live realms (docs/csm-spec.md) */
	uint64_t instance_rest[REALM_INSTANCE_REST]; /* what follows it in the instance id */
	uint8_t rpv[REALM_RPV_SIZE];
	uint16_t vmid;
	uint8_t hash_algo; /* RMI_HASH_... */

	/*
	 * RD lock to change; read without it by a REC, which tolerates the value of a moment ago.
	 */
	_Atomic enum realm_state state;

	/* RD lock. */
	uint64_t rec_index; /* next REC's index; never decreases */

	/*
	 * Slot 0 changes under the RD lock while NEW. Slots 1..4 change under measurement_lock.
	 * A slot is REALM_MEASUREMENT_SIZE bytes, a shorter hash is followed by zeros.
	 */
	uint8_t measurement[REALM_MEASUREMENTS][REALM_MEASUREMENT_SIZE];
	struct spinlock measurement_lock;

	struct rd *next_by_id; /* lock of the index, realm/id.c */
	_Atomic uint32_t pins; /* CPUs that have found the realm in the index and still use it */

	struct realm_csm csm;
};

_Static_assert(sizeof(struct rd) <= GRANULE_SIZE, "an RD is one granule");

/* Once at boot: no realm exists. */
void realm_boot(void);

/* The object in a granule that is in state RD. */
struct rd *realm_of(const struct granule *rd);

/*
 * What RMI_REALM_CREATE has checked: everything here is supported, and the geometry is valid.
 */
struct realm_config {
	struct realm_features features;
	pa_t root;
	uint8_t ipa_bits;
	int8_t start_level;
	uint8_t start_tables;
	bool lpa2;
	uint16_t vmid;
	const uint8_t *rpv; /* REALM_RPV_SIZE bytes */
};

/*
 * Fills in a zeroed RD: a NEW realm. Measurements and realm id are left to realm_measure_init() and
 * realm_id_assign().
 */
void realm_init(struct rd *rd, struct granule *granule, const struct realm_config *config);

/*
 * Granule number i < start_tables of the start tables, in state RTT unless RMI_REALM_CREATE runs.
 */
struct granule *realm_start_table(const struct rd *rd, unsigned int i);

#endif
