// SPDX-License-Identifier: BSD-3-Clause
/*
 * Breakpoints, watchpoints and claim tags. Debug registers trap until the realm first touches one;
 * from then on they are switched on every entry. OS lock and debug ROM registers always trap.
 */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "base/bits.h"
#include "feat/feat.h"

/* The number of a debug register has to be in the instruction: op0 2, op1 0, CRn 0, CRm n. */
#define PAIR_CASES(X) \
	X(0, c0)      \
	X(1, c1)      \
	X(2, c2)      \
	X(3, c3)      \
	X(4, c4)      \
	X(5, c5)      \
	X(6, c6)      \
	X(7, c7)      \
	X(8, c8)      \
	X(9, c9)      \
	X(10, c10)    \
	X(11, c11)    \
	X(12, c12)    \
	X(13, c13)    \
	X(14, c14)    \
	X(15, c15)

/* DBGCLAIMSET_EL1 sets tags, and reads as all of them. DBGCLAIMCLR_EL1 clears, and reads as those
 * that are set. */
#define CLAIM_ALL 0xFFU

/* Reads the registers that this CPU has (ID_AA64DFR0_EL1); the others are undefined. */
static void debug_read(struct arch_debug *debug)
{
	unsigned int breakpoints = feat()->breakpoints + 1U;
	unsigned int watchpoints = feat()->watchpoints + 1U;

#define PAIR_READ(n, crm)                                          \
	if ((n) < breakpoints) {                                   \
		debug->dbgbvr[n] = read_sysreg(s2_0_c0_##crm##_4); \
		debug->dbgbcr[n] = read_sysreg(s2_0_c0_##crm##_5); \
	}                                                          \
	if ((n) < watchpoints) {                                   \
		debug->dbgwvr[n] = read_sysreg(s2_0_c0_##crm##_6); \
		debug->dbgwcr[n] = read_sysreg(s2_0_c0_##crm##_7); \
	}
	debug->dbgclaim = read_sysreg(dbgclaimclr_el1);
	PAIR_CASES(PAIR_READ)
#undef PAIR_READ
}

/* The reverse of debug_read(). The tags are cleared first: writing sets, and never clears, one. */
static void debug_write(const struct arch_debug *debug)
{
	unsigned int breakpoints = feat()->breakpoints + 1U;
	unsigned int watchpoints = feat()->watchpoints + 1U;

#define PAIR_WRITE(n, crm)                                         \
	if ((n) < breakpoints) {                                   \
		write_sysreg(s2_0_c0_##crm##_4, debug->dbgbvr[n]); \
		write_sysreg(s2_0_c0_##crm##_5, debug->dbgbcr[n]); \
	}                                                          \
	if ((n) < watchpoints) {                                   \
		write_sysreg(s2_0_c0_##crm##_6, debug->dbgwvr[n]); \
		write_sysreg(s2_0_c0_##crm##_7, debug->dbgwcr[n]); \
	}
	write_sysreg(dbgclaimclr_el1, CLAIM_ALL);
	write_sysreg(dbgclaimset_el1, debug->dbgclaim);
	PAIR_CASES(PAIR_WRITE)
#undef PAIR_WRITE
}

void debug_load(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	debug_read(&ns->debug);
	debug_write(&vcpu->debug);
	write_sysreg(mdcr_el2, read_sysreg(mdcr_el2) & ~(uint64_t)MDCR_TDA);
	ns->debug_loaded = true;
}

void debug_save(struct arch_vcpu *vcpu, struct ns_state *ns)
{
	debug_read(&vcpu->debug);
	debug_write(&ns->debug);
	ns->debug_loaded = false;
}

/*
 * ISS of a trapped MSR or MRS: Op0 [21:20], Op2 [19:17], Op1 [16:14], CRn [13:10], CRm [4:1]. The
 * registers that MDCR_EL2.TDA traps are op0 2, op1 0, CRn 0, and the claim tags at CRn 7, CRm 8 and
 * 9, op2 6.
 */
bool debug_owns(uint64_t esr)
{
	uint64_t crn = bits_get(esr, 13, 10);
	uint64_t crm = bits_get(esr, 4, 1);
	bool claim = crn == 7 && (crm == 8 || crm == 9) && bits_get(esr, 19, 17) == 6;

	return bits_get(esr, 21, 20) == 2 && bits_get(esr, 16, 14) == 0 && (crn == 0 || claim);
}
