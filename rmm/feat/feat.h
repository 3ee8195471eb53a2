// SPDX-License-Identifier: BSD-3-Clause
/*
 * What this machine offers to realms, decided once at boot from the CPU's identification registers.
 * Sources: RMM specification B4.4.7 (RmiFeatureRegister0), Arm ARM D24.2.
 */
#ifndef RMM_FEAT_FEAT_H
#define RMM_FEAT_FEAT_H

#include "base/types.h"

/* A realm has at most 2^FEAT_MAX_RECS_ORDER - 1 RECs: a choice, counted in the RD's references. */
#define FEAT_MAX_RECS_ORDER 10U

struct feat {
	uint8_t pa_bits;        /* width of a physical address the CPU can output, at most 52 */
	uint8_t ipa_bits;       /* widest IPA space a realm can have */
	uint8_t breakpoints;    /* number less one, as in the feature register */
	uint8_t watchpoints;    /* number less one */
	uint8_t pmu_counters;   /* event counters; valid if pmu */
	uint8_t sve_vl;         /* longest vector, units of 128 bits, less one; valid if sve */
	uint8_t list_registers; /* GIC list registers, number less one */
	uint8_t gic_priority_bits;
	uint8_t gic_id_bits; /* 16 or 24 */
	bool lpa2;           /* 52-bit addresses with 4 KiB granules, at both stages */
	bool sve;
	bool pmu;
	bool hpmn0; /* a realm with a PMU may have no event counter */
	bool vmid16;
};

/*
 * Reads the registers of this CPU. Returns false if the CPU lacks something the RMM cannot do
 * without: 4 KiB granules at both stages.
 */
bool feat_probe(struct feat *feat);

/* Primary CPU, once: what feat() returns from then on. */
void feat_set(const struct feat *feat);

/*
 * Whether a further CPU offers exactly the same. A realm may be moved between CPUs, so a machine
 * whose CPUs differ is refused.
 */
bool feat_matches(const struct feat *feat);

const struct feat *feat(void);

#endif
