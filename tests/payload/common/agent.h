// SPDX-License-Identifier: BSD-3-Clause
/*
 * The agent: a realm program that does what the host's test tells it to, one step per host call.
 * The answer to its host call is the order: gprs[0] enum agent_op, gprs[1...] arguments. Its next
 * host call is the report: gprs[0] 1 if it was done and 0 if it faulted, the rest by order.
 */
#ifndef PAYLOAD_AGENT_H
#define PAYLOAD_AGENT_H

#define AGENT_CALL_REGS 18 /* x0..x17 of AGENT_CALL */

/*
 * Single instructions. x1 is the order's address, x3 its value; x3 is what comes back. One that
 * faults reports it.
 */
#define AGENT_INSNS(X)                           \
	X(LDR_X, ldr x3, [x1])                   \
	X(LDR_W, ldr w3, [x1])                   \
	X(LDR_H, ldrh w3, [x1])                  \
	X(LDR_B, ldrb w3, [x1])                  \
	X(LDRSW_X, ldrsw x3, [x1])               \
	X(LDRSH_X, ldrsh x3, [x1])               \
	X(LDRSH_W, ldrsh w3, [x1])               \
	X(LDRSB_X, ldrsb x3, [x1])               \
	X(LDRSB_W, ldrsb w3, [x1])               \
	X(LDR_ZR, ldr xzr, [x1])                 \
	X(STR_X, str x3, [x1])                   \
	X(STR_W, str w3, [x1])                   \
	X(STR_H, strh w3, [x1])                  \
	X(STR_B, strb w3, [x1])                  \
	X(STR_ZR, str xzr, [x1])                 \
	X(LDXR, ldxr x3, [x1])                   \
	X(STXR, stxr w4, x3, [x1])               \
	X(LDP, ldp x3, x4, [x1])                 \
	X(STP, stp x3, x3, [x1])                 \
	X(LDADD, ldadd x3, x3, [x1])             \
	X(IC, ic iallu)                          \
	X(HVC, hvc 0)                            \
	X(WFI, wfi)                              \
	X(WFE, wfe)                              \
	X(WFIT, msr s0_3_c1_c0_1, x3)            \
	X(ISB, isb)                              \
	X(IMPDEF, mrs x3, s3_0_c15_c0_0)         \
	X(SVE, .inst 0x04bf5023)                 \
	X(SME, .inst 0xd503477f)                 \
	X(LORID, mrs x3, s3_0_c10_c4_7)          \
	X(W_CPACR, msr cpacr_el1, x3)            \
	X(PMSCR, mrs x3, s3_0_c9_c9_0)           \
	X(AMCR, mrs x3, s3_3_c13_c2_0)           \
	X(OSLSR, mrs x3, oslsr_el1)              \
	X(OSLAR, msr oslar_el1, x3)              \
	X(ACTLR, mrs x3, actlr_el1)              \
	X(MIDR, mrs x3, midr_el1)                \
	X(MPIDR, mrs x3, mpidr_el1)              \
	X(PFR0, mrs x3, id_aa64pfr0_el1)         \
	X(PFR1, mrs x3, id_aa64pfr1_el1)         \
	X(DFR0, mrs x3, id_aa64dfr0_el1)         \
	X(MMFR0, mrs x3, id_aa64mmfr0_el1)       \
	X(ZFR0, mrs x3, s3_0_c0_c4_4)            \
	X(SMFR0, mrs x3, s3_0_c0_c4_5)           \
	X(R_SCTLR, mrs x3, sctlr_el1)            \
	X(R_TCR, mrs x3, tcr_el1)                \
	X(W_TCR, msr tcr_el1, x3)                \
	X(R_TPIDR, mrs x3, tpidr_el1)            \
	X(R_PMCR, mrs x3, pmcr_el0)              \
	X(R_PMCCNTR, mrs x3, pmccntr_el0)        \
	X(W_PMCR, msr pmcr_el0, x3)              \
	X(W_PMCCNTR, msr pmccntr_el0, x3)        \
	X(W_PMCCFILTR, msr pmccfiltr_el0, x3)    \
	X(W_PMINTENSET, msr pmintenset_el1, x3)  \
	X(W_PMCNTENSET, msr pmcntenset_el0, x3)  \
	X(R_PMOVSSET, mrs x3, pmovsset_el0)      \
	X(W_PMOVSCLR, msr pmovsclr_el0, x3)      \
	X(W_PMOVSSET, msr pmovsset_el0, x3)      \
	X(W_PMSELR, msr pmselr_el0, x3)          \
	X(W_PMXEVCNTR, msr pmxevcntr_el0, x3)    \
	X(R_PMXEVCNTR, mrs x3, pmxevcntr_el0)    \
	X(R_CNTPCT, mrs x3, cntpct_el0)          \
	X(R_CNTVCT, mrs x3, cntvct_el0)          \
	X(R_CNTP_CTL, mrs x3, cntp_ctl_el0)      \
	X(W_CNTP_CTL, msr cntp_ctl_el0, x3)      \
	X(R_CNTP_CVAL, mrs x3, cntp_cval_el0)    \
	X(W_CNTP_CVAL, msr cntp_cval_el0, x3)    \
	X(R_CNTV_CTL, mrs x3, cntv_ctl_el0)      \
	X(W_CNTV_CTL, msr cntv_ctl_el0, x3)      \
	X(R_CNTV_CVAL, mrs x3, cntv_cval_el0)    \
	X(W_CNTV_CVAL, msr cntv_cval_el0, x3)    \
	X(R_ICC_IAR1, mrs x3, s3_0_c12_c12_0)    \
	X(W_ICC_EOIR1, msr s3_0_c12_c12_1, x3)   \
	X(W_ICC_DIR, msr s3_0_c12_c11_1, x3)     \
	X(W_ICC_SGI1R, msr s3_0_c12_c11_5, x3)   \
	X(R_ICC_SGI1R, mrs x3, s3_0_c12_c11_5)   \
	X(R_ICC_PMR, mrs x3, s3_0_c4_c6_0)       \
	X(W_ICC_PMR, msr s3_0_c4_c6_0, x3)       \
	X(R_ICC_BPR0, mrs x3, s3_0_c12_c8_3)     \
	X(W_ICC_BPR0, msr s3_0_c12_c8_3, x3)     \
	X(R_ICC_CTLR, mrs x3, s3_0_c12_c12_4)    \
	X(W_ICC_CTLR, msr s3_0_c12_c12_4, x3)    \
	X(R_ICC_IGRPEN1, mrs x3, s3_0_c12_c12_7) \
	X(W_ICC_IGRPEN1, msr s3_0_c12_c12_7, x3) \
	X(R_MDSCR, mrs x3, mdscr_el1)            \
	X(W_MDSCR, msr mdscr_el1, x3)            \
	X(R_DBGBVR0, mrs x3, dbgbvr0_el1)        \
	X(W_DBGBVR0, msr dbgbvr0_el1, x3)        \
	X(R_DBGBCR0, mrs x3, dbgbcr0_el1)        \
	X(W_DBGBCR0, msr dbgbcr0_el1, x3)        \
	X(R_DBGWVR0, mrs x3, dbgwvr0_el1)        \
	X(W_DBGWVR0, msr dbgwvr0_el1, x3)        \
	X(R_DBGWCR0, mrs x3, dbgwcr0_el1)        \
	X(W_DBGWCR0, msr dbgwcr0_el1, x3)        \
	X(R_CLAIM, mrs x3, dbgclaimclr_el1)      \
	X(R_CLAIMSET, mrs x3, dbgclaimset_el1)   \
	X(W_CLAIMSET, msr dbgclaimset_el1, x3)   \
	X(W_CLAIMCLR, msr dbgclaimclr_el1, x3)

#ifndef __ASSEMBLER__

enum agent_op {
	AGENT_DO,        /* instruction, address, value -> value, ESR, FAR, address of the insn */
	AGENT_FETCH,     /* address: call the code there -> -, ESR, FAR */
	AGENT_FETCH_EL0, /* address: go there at EL0, which must fault -> -, ESR, FAR */
	AGENT_SMC,       /* x0..x17 -> x0..x17 at gprs[1] and up */
	AGENT_MMU_ON,    /* identity map, caches on */
	AGENT_MAP,   /* address, descriptor bits: that 1 GiB gets them -> address of the descriptor
		       */
	AGENT_START, /* vCPU: becomes an agent -> PSCI status */
	AGENT_WAIT,  /* address: until there is something other than 0 */
	AGENT_FILL,  /* base, top, value: each word value ^ its address */
	AGENT_CHECK, /* the same -> words that differ, address of the first */
	AGENT_IRQ_COUNT, /* open interrupts for so many ticks -> interrupts taken, last INTID */
	/* address, how many fit there: all system registers that can be read -> how many */
	AGENT_SYSREGS,
	AGENT_SYSREGS_CHANGE, /* other values into all that can be written; -> - */
	AGENT_DEBUG_ON,       /* breakpoint at the instruction `value`; -> - */
	/* address, where to say so once begun: load until it faults -> loads, ESR, FAR */
	AGENT_LOADS,
	AGENT_STORES, /* base, top: a count to each page in turn, likewise -> stores, ESR, FAR */
	/* base, top, ticks, fid, x1, x2: a command of CSM, and behind it no page's first word
	 * changes any more -> status, words that changed */
	AGENT_STILL,
	/* peer, provider, region, turns, first: signals 1, 2, 3..., by turns, and waits for the
	 * peer's in WFI -> signals taken, interrupts, empty wake-ups */
	AGENT_TURNS,
	AGENT_OPS
};

#define AGENT_INSN_NUMBER(name, ...) INSN_##name,
enum agent_insn { AGENT_INSNS(AGENT_INSN_NUMBER) INSN_COUNT };

#endif
#endif
