// SPDX-License-Identifier: BSD-3-Clause
#include "sysregs.h"

#define MRS_X0 0xd5300000U
#define MSR_X0 0xd5100000U
#define ISB    0xd5033fdfU
#define RET    0xd65f03c0U

#define ONE(op0, op1, crn, crm, op2) 0x7fff, SYSREG_NAME(op0, op1, crn, crm, op2)
/* Any CRm. */
#define ALL_CRM(op0, op1, crn, op2) (0x7fff & ~(0xf << 3)), SYSREG_NAME(op0, op1, crn, 0, op2)

/* A register that is not simply read and inverted: what is done instead, and why. */
struct exception_to_it {
	unsigned mask, name; /* of those whose name is `name` where the mask is 1 */
	bool unread;
	uint64_t flip; /* bits that a write may change */
	const char *why;
};

static const struct exception_to_it exceptions[] = {
	{ONE(3, 0, 12, 8, 0), true, 0, "ICC_IAR0_EL1: a read acknowledges an interrupt"},
	{ONE(3, 0, 12, 12, 0), true, 0, "ICC_IAR1_EL1: a read acknowledges an interrupt"},
	{ONE(3, 0, 12, 9, 5), true, 0, "ICC_NMIAR1_EL1: a read acknowledges an interrupt"},
	{ONE(3, 3, 2, 4, 0), true, 0, "RNDR: never the same"},
	{ONE(3, 3, 2, 4, 1), true, 0, "RNDRRS: never the same"},
	{ONE(3, 3, 14, 0, 1), true, 0, "CNTPCT_EL0: runs"},
	{ONE(3, 3, 14, 0, 2), true, 0, "CNTVCT_EL0: runs"},
	{ONE(3, 3, 14, 0, 5), true, 0, "CNTPCTSS_EL0: runs"},
	{ONE(3, 3, 14, 0, 6), true, 0, "CNTVCTSS_EL0: runs"},
	{ONE(3, 3, 14, 0, 0), false, 0, "CNTFRQ_EL0: read only"},
	{ALL_CRM(3, 3, 14, 0), true, 0, "CNTx_TVAL_EL0: run"},
	{ALL_CRM(3, 4, 14, 0), true, 0, "CNTHx_TVAL_EL2: run"},
	{ALL_CRM(3, 5, 14, 0), true, 0, "CNTx_TVAL_EL02: run"},
	{ONE(3, 0, 4, 0, 0), true, 0, "SPSR_EL1: of the last exception"},
	{ONE(3, 0, 4, 0, 1), true, 0, "ELR_EL1: of the last exception"},
	{ONE(3, 0, 5, 2, 0), true, 0, "ESR_EL1: of the last exception"},
	{ONE(3, 0, 6, 0, 0), true, 0, "FAR_EL1: of the last exception"},
	{ONE(3, 4, 4, 0, 0), true, 0, "SPSR_EL2: of the last exception"},
	{ONE(3, 4, 4, 0, 1), true, 0, "ELR_EL2: of the last exception"},
	{ONE(3, 4, 5, 2, 0), true, 0, "ESR_EL2: of the last exception"},
	{ONE(3, 4, 6, 0, 0), true, 0, "FAR_EL2: of the last exception"},
	{ONE(3, 4, 6, 0, 4), true, 0, "HPFAR_EL2: of the last exception"},
	{ONE(3, 3, 4, 2, 0), true, 0, "NZCV: part of PSTATE"},
	{ONE(3, 3, 4, 2, 1), false, 0, "DAIF: part of PSTATE, and would let interrupts in"},
	{ONE(3, 0, 4, 2, 0), false, 0, "SPSel: part of PSTATE, and would change the stack"},
	{ONE(3, 0, 4, 2, 3), false, 0, "PAN: part of PSTATE"},
	{ONE(3, 0, 4, 2, 4), false, 0, "UAO: part of PSTATE"},
	{ONE(3, 0, 4, 3, 0), false, 0, "ALLINT: part of PSTATE"},
	{ONE(3, 3, 4, 2, 5), false, 0, "DIT: part of PSTATE"},
	{ONE(3, 3, 4, 2, 6), false, 0, "SSBS: part of PSTATE"},
	{ONE(3, 3, 4, 2, 7), false, 0, "TCO: part of PSTATE"},
	{ONE(3, 0, 12, 0, 0), false, 0, "VBAR_EL1: what cannot be read ends there"},
	{ONE(3, 0, 1, 0, 0), false, 1UL << 26, "SCTLR_EL1: the MMU stays off; UCI"},
	{ONE(3, 0, 1, 0, 2), false, 1UL << 28, "CPACR_EL1: others depend on it; TTA"},
	{ONE(2, 0, 0, 2, 2), false, 1UL << 12, "MDSCR_EL1: no debug exceptions; TDCC"},
	{ALL_CRM(2, 0, 0, 5), false, ~1UL, "DBGBCRn_EL1: not enabled"},
	{ALL_CRM(2, 0, 0, 7), false, ~1UL, "DBGWCRn_EL1: not enabled"},
	{ONE(3, 3, 9, 12, 0), false, 1UL << 5, "PMCR_EL0: nothing counts or is reset; DP"},
	{ONE(3, 3, 9, 12, 2), false, 0, "PMCNTENCLR_EL0: would undo what PMCNTENSET_EL0 got"},
	{ONE(3, 3, 9, 12, 3), false, 0, "PMOVSCLR_EL0: would undo what PMOVSSET_EL0 got"},
	{ONE(3, 0, 9, 14, 2), false, 0, "PMINTENCLR_EL1: would undo what PMINTENSET_EL1 got"},
	{ONE(2, 0, 7, 9, 6), false, 0, "DBGCLAIMCLR_EL1: would undo what DBGCLAIMSET_EL1 got"},
};

static const struct exception_to_it *exception_of(unsigned name)
{
	for (unsigned i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
		if ((name & exceptions[i].mask) == exceptions[i].name) {
			return &exceptions[i];
		}
	}
	return NULL;
}

/* The instruction has to carry the register's name, so it is made when it is needed. */
static bool access(uint32_t instruction, unsigned name, uint64_t *value)
{
	static uint32_t code[16] __attribute__((aligned(64)));

	code[0] = instruction | (uint32_t)name << 5;
	code[1] = ISB;
	code[2] = RET;
	__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(code)
			 : "memory");
	return sysreg_call(value, code);
}

/* At EL1 what has op1 4 and above is undefined, as it belongs to EL2, to EL3 or to another world.
 */
static bool may_exist(unsigned name)
{
	return sysreg_read("currentel") != 1 << 2 || (name >> 11 & 7) < 4;
}

static bool can_read(unsigned name, uint64_t *value)
{
	const struct exception_to_it *e = exception_of(name);

	return may_exist(name) && (!e || !e->unread) && access(MRS_X0, name, value);
}

unsigned sysregs_sample(struct sysreg_sample *to, unsigned max)
{
	unsigned count = 0;
	uint64_t value = 0;

	for (unsigned name = 0; name < SYSREG_NAMES && count < max; name++) {
		if (can_read(name, &value)) {
			to[count++] = (struct sysreg_sample){name, value};
		}
	}
	return count;
}

/* DBGCLAIMSET_EL1 reads as ones: to invert it would set nothing. */
#define CLAIMSET SYSREG_NAME(2, 0, 7, 8, 6)

void sysregs_change(void)
{
	uint64_t value = 0;

	for (unsigned name = 0; name < SYSREG_NAMES; name++) {
		const struct exception_to_it *e = exception_of(name);
		uint64_t flip = e ? e->flip : ~0UL;

		if (flip && can_read(name, &value)) {
			value = name == CLAIMSET ? 0xa5 : value ^ flip;
			(void)access(MSR_X0, name, &value);
		}
	}
}
