// SPDX-License-Identifier: BSD-3-Clause
#include "rec/inject.h"

#include "base/assert.h"
#include "rec/esr.h"

#define PSTATE_NZCV  MASK(31, 28)
#define PSTATE_DIT   BIT(24)
#define PSTATE_PAN   BIT(22)
#define PSTATE_SSBS  BIT(12)
#define PSTATE_DAIF  MASK(9, 6)
#define PSTATE_NRW   BIT(4)
#define PSTATE_EL    MASK(3, 2)
#define PSTATE_SPSEL BIT(0)
#define PSTATE_EL1   BIT(2)
#define PSTATE_EL1H  0x5U

#define SCTLR_SPAN  BIT(23)
#define SCTLR_DSSBS BIT(44)

static bool from_el0(const struct rec *rec)
{
	return (rec->vcpu.pstate & PSTATE_EL) == 0;
}

/* Where EL1's vector table handles a synchronous exception from the current state. */
static uint64_t vector_offset(uint64_t pstate)
{
	if ((pstate & PSTATE_EL) != 0) {
		return (pstate & PSTATE_SPSEL) != 0 ? 0x200 : 0x000;
	}
	return (pstate & PSTATE_NRW) != 0 ? 0x600 : 0x400;
}

/* Everything not listed is zero after an exception: IL, SS, BTYPE, UAO, TCO, ALLINT. */
static uint64_t pstate_at_el1(uint64_t pstate, uint64_t sctlr)
{
	uint64_t taken = PSTATE_EL1H | PSTATE_DAIF;

	taken |= pstate & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);
	taken |= (sctlr & SCTLR_SPAN) == 0 ? PSTATE_PAN : 0;
	taken |= (sctlr & SCTLR_DSSBS) != 0 ? PSTATE_SSBS : 0;
	return taken;
}

static void take_to_el1(struct rec *rec, uint64_t esr)
{
	struct arch_vcpu *vcpu = &rec->vcpu;

	/* Nothing is injected into EL2: a realm runs at EL1 and EL0. */
	ASSERT((vcpu->pstate & PSTATE_EL) <= PSTATE_EL1);

	uint64_t sctlr = arch_vcpu_el1_read(vcpu, ARCH_SCTLR_EL1);

	arch_vcpu_el1_write(vcpu, ARCH_ELR_EL1, vcpu->pc);
	arch_vcpu_el1_write(vcpu, ARCH_SPSR_EL1, vcpu->pstate);
	arch_vcpu_el1_write(vcpu, ARCH_ESR_EL1, esr);
	vcpu->pc = arch_vcpu_el1_read(vcpu, ARCH_VBAR_EL1) + vector_offset(vcpu->pstate);
	vcpu->pstate = pstate_at_el1(vcpu->pstate, sctlr);
}

/*
 * The abort that EL1 sees instead of the stage-2 abort: class by where it came from, direction
 * kept, and nothing of what only stage 2 reports.
 */
static uint64_t abort_syndrome(const struct rec *rec, uint64_t esr)
{
	unsigned int ec = esr_ec(esr);
	uint64_t kept = esr & ESR_IL;

	if (ec == EC_DATA_LOWER) {
		kept |= esr & (ESR_WNR | ESR_CM);
		return ESR_EC(from_el0(rec) ? EC_DATA_LOWER : EC_DATA_SAME) | kept;
	}
	return ESR_EC(from_el0(rec) ? EC_INSTR_LOWER : EC_INSTR_SAME) | kept;
}

void inject_sea(struct rec *rec, uint64_t esr, uint64_t far)
{
	arch_vcpu_el1_write(&rec->vcpu, ARCH_FAR_EL1, far);
	take_to_el1(rec, abort_syndrome(rec, esr) | ESR_EA | FSC_SEA);
}

void inject_address_size(struct rec *rec, uint64_t esr, uint64_t far, unsigned int level)
{
	arch_vcpu_el1_write(&rec->vcpu, ARCH_FAR_EL1, far);
	take_to_el1(rec, abort_syndrome(rec, esr) | (FSC_ADDRESS_SIZE + level));
}

void inject_undefined(struct rec *rec)
{
	take_to_el1(rec, ESR_EC(EC_UNKNOWN) | ESR_IL);
}
