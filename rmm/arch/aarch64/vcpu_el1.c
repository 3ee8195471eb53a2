// SPDX-License-Identifier: BSD-3-Clause
/* EL1 and EL0 registers, under their EL2 names (VHE: _EL12 reaches EL1's from EL2). */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"

/*
 * field of struct arch_el1, name of the register. SP_EL0 is run.S's, or EL3's for the normal world.
 */
#define EL1_REGISTERS(X)                   \
	X(sp_el1, sp_el1)                  \
	X(elr_el1, elr_el12)               \
	X(spsr_el1, spsr_el12)             \
	X(esr_el1, esr_el12)               \
	X(far_el1, far_el12)               \
	X(afsr0_el1, afsr0_el12)           \
	X(afsr1_el1, afsr1_el12)           \
	X(vbar_el1, vbar_el12)             \
	X(vdisr_el2, s3_4_c12_c1_1)        \
	X(sctlr_el1, sctlr_el12)           \
	X(cpacr_el1, cpacr_el12)           \
	X(csselr_el1, csselr_el1)          \
	X(par_el1, par_el1)                \
	X(ttbr0_el1, ttbr0_el12)           \
	X(ttbr1_el1, ttbr1_el12)           \
	X(tcr_el1, tcr_el12)               \
	X(mair_el1, mair_el12)             \
	X(amair_el1, amair_el12)           \
	X(contextidr_el1, contextidr_el12) \
	X(tpidr_el0, tpidr_el0)            \
	X(tpidrro_el0, tpidrro_el0)        \
	X(tpidr_el1, tpidr_el1)            \
	X(cntkctl_el1, cntkctl_el12)       \
	X(mdscr_el1, mdscr_el1)            \
	X(mdccint_el1, mdccint_el1)

void el1_save(struct arch_el1 *el1)
{
#define SAVE(field, name) el1->field = read_sysreg(name);
	EL1_REGISTERS(SAVE)
#undef SAVE
}

void el1_restore(const struct arch_el1 *el1)
{
#define RESTORE(field, name) write_sysreg(name, el1->field);
	EL1_REGISTERS(RESTORE)
#undef RESTORE
}
