// SPDX-License-Identifier: BSD-3-Clause
/*
 * Parts of a world switch. Each part has a pair: `load` keeps the normal world's registers aside
 * and puts the realm's in, `save` does the reverse. All run on one CPU with interrupts masked.
 */
#ifndef ARCH_AARCH64_VCPU_INTERNAL_H
#define ARCH_AARCH64_VCPU_INTERNAL_H

#include "arch/vcpu.h"

/* Normal-world state of one CPU while a realm is loaded on it. */
struct ns_state {
	struct arch_el1 el1;
	struct arch_timers timers;
	struct arch_pmu pmu;
	struct arch_debug debug;
	uint64_t zcr_el2;
	const struct arch_vcpu *last; /* loaded last; only compared */
	bool simd_loaded;             /* the realm's vectors are in the CPU, ours to give back */
	bool debug_loaded;            /* likewise breakpoints and watchpoints */
};

/* EL1 and EL0 registers, one way each: the caller says whose they are. */
void el1_save(struct arch_el1 *el1);
void el1_restore(const struct arch_el1 *el1);

/* List registers, active priorities and control (RMM specification A6.1). */
void gic_load(const struct arch_gic *gic);
void gic_save(struct arch_gic *gic);

/* EL1 timers (RMM specification A6.2). A timer whose output is asserted is loaded masked. */
void timers_load(const struct arch_timers *timers, struct ns_state *ns);
void timers_save(struct arch_timers *timers, const struct ns_state *ns);

/* Also programs MDCR_EL2. The normal world's counters stand still while a realm is loaded. */
void pmu_load(const struct arch_vcpu *vcpu, struct ns_state *ns);
void pmu_save(struct arch_vcpu *vcpu, const struct ns_state *ns);

/* Debug registers. They trap in the realm while the normal world's are in the CPU. */
void debug_load(const struct arch_vcpu *vcpu, struct ns_state *ns);
void debug_save(struct arch_vcpu *vcpu, struct ns_state *ns);
/*
 * Whether a trapped system register access is one of those that debug_load() makes the realm's own.
 */
bool debug_owns(uint64_t esr);

/*
 * Before a realm is loaded: the CPU leaves streaming mode, in which most vector instructions do not
 * exist, neither for the realm nor for what follows here.
 */
void simd_leave_streaming(void);

/* Vector registers. They trap in the realm while the normal world's are in the CPU. */
void simd_load(const struct arch_vcpu *vcpu, struct ns_state *ns);
void simd_save(const struct arch_vcpu *vcpu, struct ns_state *ns);

#endif
