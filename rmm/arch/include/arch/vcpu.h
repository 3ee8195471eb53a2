// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: the state of a virtual CPU of a realm, and running it.
 *
 * The structs are plain data with the architecture's register names, the same in all builds:
 * portable code (rec/) reads and writes them. The functions move them between memory and the CPU.
 * The host build replaces arch_vcpu_run() by a script that a test provides.
 *
 * One RMI_REC_ENTER: arch_vcpu_load(), then arch_vcpu_run() as often as exits are handled inside
 * the RMM, then arch_vcpu_save(). Between load and save the EL1 state below is in the CPU, not in
 * the struct, except for what the functions say.
 */
#ifndef ARCH_VCPU_H
#define ARCH_VCPU_H

#include "base/types.h"

#define ARCH_MAX_LIST_REGISTERS 16U
#define ARCH_MAX_PMU_COUNTERS   31U
#define ARCH_MAX_DEBUG_PAIRS    16U
#define ARCH_SIMD_PAGES         3U

/*
 * EL1 and EL0 registers of the realm (Arm ARM D24.2). Registers of features that a realm is not
 * offered are missing here because its accesses trap: ACTLR, SCTLR2, TCR2, PIR, POR, SCXTNUM, MTE.
 * What the realm reads as DISR_EL1 is VDISR_EL2.
 */
struct arch_el1 {
	uint64_t sp_el0, sp_el1, elr_el1, spsr_el1, esr_el1, far_el1, afsr0_el1, afsr1_el1;
	uint64_t vbar_el1, vdisr_el2, sctlr_el1, cpacr_el1, csselr_el1, par_el1;
	uint64_t ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1, contextidr_el1;
	uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, cntkctl_el1, mdscr_el1, mdccint_el1;
};

struct arch_timers {
	uint64_t cntp_ctl, cntp_cval, cntv_ctl, cntv_cval;
};

/* Sets of timers. */
#define ARCH_TIMER_VIRTUAL  1U
#define ARCH_TIMER_PHYSICAL 2U

/* The timers that assert their outputs: enabled, not masked, and the condition met (D24.8.10). */
static inline unsigned int arch_timers_asserted(uint64_t cntv_ctl, uint64_t cntp_ctl)
{
	return ((cntv_ctl & 7) == 5 ? ARCH_TIMER_VIRTUAL : 0) |
	       ((cntp_ctl & 7) == 5 ? ARCH_TIMER_PHYSICAL : 0);
}

struct arch_gic {
	uint64_t hcr, vmcr, misr; /* misr: valid after an exit */
	uint64_t lr[ARCH_MAX_LIST_REGISTERS];
	uint64_t ap0r[4], ap1r[4];
};

struct arch_pmu {
	uint64_t pmcr, pmccfiltr, pmccntr, pmcntenset, pmintenset, pmovsset, pmselr, pmuserenr;
	uint64_t pmevcntr[ARCH_MAX_PMU_COUNTERS], pmevtyper[ARCH_MAX_PMU_COUNTERS];
};

struct arch_debug {
	uint64_t dbgbcr[ARCH_MAX_DEBUG_PAIRS], dbgbvr[ARCH_MAX_DEBUG_PAIRS];
	uint64_t dbgwcr[ARCH_MAX_DEBUG_PAIRS], dbgwvr[ARCH_MAX_DEBUG_PAIRS];
	uint64_t dbgclaim; /* the claim tags that are set */
};

struct arch_pauth {
	uint64_t apia[2], apib[2], apda[2], apdb[2], apga[2];
};

/* Constant for the life of a REC. */
struct arch_vcpu_config {
	uint64_t vtcr, vttbr;
	uint64_t vmpidr;
	void *simd[ARCH_SIMD_PAGES]; /* arch_simd_pages() granules of zeroed RMM memory */
	bool sve;
	uint8_t sve_vl; /* units of 128 bits, less one */
	bool pmu;
	uint8_t pmu_counters;
	uint8_t breakpoints, watchpoints; /* number less one */
};

struct arch_vcpu {
	uint64_t gprs[31];
	uint64_t pc, pstate;
	struct arch_pauth pauth;
	struct arch_el1 el1;
	struct arch_vcpu_config config;
	struct arch_timers timers;
	struct arch_gic gic;
	struct arch_pmu pmu;
	struct arch_debug debug;
	bool trap_wfi, trap_wfe;
	bool inject_serror; /* consumed when it is loaded next */
	uint64_t vsesr;     /* its syndrome */
	bool debug_used;    /* has touched a debug register: they are switched from then on */
};

enum arch_exit {
	ARCH_EXIT_SYNC, /* but for SMC */
	ARCH_EXIT_IRQ,
	ARCH_EXIT_FIQ,
	ARCH_EXIT_SERROR,
	ARCH_EXIT_SMC,
};

/* What the hardware said about the exit. Not set for ARCH_EXIT_SMC. */
struct arch_exit_info {
	uint64_t esr, far, hpfar;
};

/* Granules of vector state a realm with or without SVE needs, at most ARCH_SIMD_PAGES. */
unsigned int arch_simd_pages(bool sve);

/*
 * State of a PE after reset into AArch64 EL1 (RMM specification A2.3, D13 of the Arm ARM), with
 * everything that the specification leaves open zero. *config is copied; gprs and pc are the
 * caller's to set afterwards.
 */
void arch_vcpu_reset(struct arch_vcpu *vcpu, const struct arch_vcpu_config *config);

/*
 * Keeps the normal world's EL1 state on this CPU aside and puts the realm's in its place. gic.hcr
 * and gic.lr are what the host asked for, already checked. Timers whose output `timers` says to be
 * asserted do not interrupt while it is loaded, so the realm must not run unless they still are.
 */
void arch_vcpu_load(struct arch_vcpu *vcpu);

/*
 * Runs the realm until an exception reaches the RMM. gprs, pc, pstate go to the CPU and come back.
 * Lazy parts (vectors) are switched in here without the caller seeing it. Never fails.
 *
 * Calls realm_smc() with `context` for each SMC of the realm, and lets the realm go on as long as
 * that is true. So ARCH_EXIT_SMC means that it was false.
 */
enum arch_exit arch_vcpu_run(struct arch_vcpu *vcpu, struct arch_exit_info *info, void *context);

/*
 * Called by arch_vcpu_run(), provided by cmd/rmi_rec_enter.c: carries out an SMC of the realm. True
 * if the realm runs on at once. Of gprs, 0 to 18 are the realm's, and may be changed; the others
 * are still in the CPU, where a function preserves them, and must not be looked at.
 */
bool realm_smc(struct arch_vcpu *vcpu, void *context);

/*
 * Brings the realm's state back into the struct (gic.misr and the timers included) and the normal
 * world's into the CPU; no register of the realm is left in it.
 */
void arch_vcpu_save(struct arch_vcpu *vcpu);

/*
 * While loaded: the EL1 registers that the RMM itself reads or writes, between memory and CPU.
 */
enum arch_el1_register {
	ARCH_SCTLR_EL1,
	ARCH_VBAR_EL1,
	ARCH_ELR_EL1,
	ARCH_SPSR_EL1,
	ARCH_ESR_EL1,
	ARCH_FAR_EL1,
	ARCH_TCR_EL1,
	ARCH_TTBR0_EL1,
	ARCH_TTBR1_EL1,
};
uint64_t arch_vcpu_el1_read(const struct arch_vcpu *vcpu, enum arch_el1_register which);
void arch_vcpu_el1_write(struct arch_vcpu *vcpu, enum arch_el1_register which, uint64_t value);

/* While loaded: the timers that assert their outputs now. */
unsigned int arch_vcpu_timers(const struct arch_vcpu *vcpu);

/* Whether a physical interrupt waits for this CPU (ISR_EL1). */
bool arch_interrupt_pending(void);

#endif
