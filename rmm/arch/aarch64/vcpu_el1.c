// SPDX-License-Identifier: BSD-3-Clause
/* EL1 and EL0 registers, under their EL2 names (VHE: _EL12 reaches EL1's from EL2). */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"

/*
 * Fields of struct arch_el1 with the names of their registers, two neighbours at a time: pairs are
 * what memory is read and written by. SP_EL1 has no neighbour: SP_EL0 is run.S's, or EL3's for the
 * normal world.
 */
#define EL1_PAIRS(X)                                              \
	X(elr_el1, elr_el12, spsr_el1, spsr_el12)                 \
	X(esr_el1, esr_el12, far_el1, far_el12)                   \
	X(afsr0_el1, afsr0_el12, afsr1_el1, afsr1_el12)           \
	X(vbar_el1, vbar_el12, vdisr_el2, s3_4_c12_c1_1)          \
	X(sctlr_el1, sctlr_el12, cpacr_el1, cpacr_el12)           \
	X(csselr_el1, csselr_el1, par_el1, par_el1)               \
	X(ttbr0_el1, ttbr0_el12, ttbr1_el1, ttbr1_el12)           \
	X(tcr_el1, tcr_el12, mair_el1, mair_el12)                 \
	X(amair_el1, amair_el12, contextidr_el1, contextidr_el12) \
	X(tpidr_el0, tpidr_el0, tpidrro_el0, tpidrro_el0)         \
	X(tpidr_el1, tpidr_el1, cntkctl_el1, cntkctl_el12)        \
	X(mdscr_el1, mdscr_el1, mdccint_el1, mdccint_el1)

void el1_save(struct arch_el1 *el1)
{
	el1->sp_el1 = read_sysreg(sp_el1);
#define SAVE(field, name, next_field, next_name)              \
	{                                                     \
		uint64_t first = read_sysreg(name);           \
		uint64_t second = read_sysreg(next_name);     \
                                                              \
		el1->field = first, el1->next_field = second; \
	}
	EL1_PAIRS(SAVE)
#undef SAVE
}

void el1_restore(const struct arch_el1 *el1)
{
	write_sysreg(sp_el1, el1->sp_el1);
#define RESTORE(field, name, next_field, next_name)                    \
	{                                                              \
		uint64_t first = el1->field, second = el1->next_field; \
                                                                       \
		write_sysreg(name, first);                             \
		write_sysreg(next_name, second);                       \
	}
	EL1_PAIRS(RESTORE)
#undef RESTORE
}
