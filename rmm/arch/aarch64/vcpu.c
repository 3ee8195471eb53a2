// SPDX-License-Identifier: BSD-3-Clause
#include "arch/vcpu.h"

#include <string.h>

#include "arch/aarch64/layout.h"
#include "arch/aarch64/stage2.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "arch/cpu.h"
#include "base/assert.h"
#include "base/bits.h"

_Static_assert(offsetof(struct arch_vcpu, pc) == VCPU_PC, "run.S");
_Static_assert(offsetof(struct arch_vcpu, pstate) == VCPU_PSTATE, "run.S");
_Static_assert(offsetof(struct arch_vcpu, pauth) == VCPU_PAUTH, "run.S");
_Static_assert(offsetof(struct arch_vcpu, el1.sp_el0) == VCPU_SP_EL0, "run.S");

/* PSTATE after reset: EL1h, DAIF masked. */
#define PSTATE_RESET 0x3C5

/*
 * SCTLR_EL1: MMU and caches off. Set are SA, SA0, CP15BEN, EOS, nTWI, nTWE, TSCXT, EIS, SPAN,
 * nTLSMD and LSMAOE: fields that reset to 1 or are RES1 without their feature.
 */
#define SCTLR_EL1_RESET 0x30D50838

#define MDSCR_TDCC BIT(12)
#define PMCR_LC    BIT(6)
#define PMCR_DP    BIT(5)

#define PAR_F BIT(0)

uint64_t vcpu_enter(struct arch_vcpu *vcpu, void *context);

/* vectors.S */
uint64_t realm_ipa(uint64_t va);

static struct ns_state ns_states[MAX_CPUS];

/* This CPU's. */
static struct ns_state *ns_state(void)
{
	return &ns_states[arch_cpu_index()];
}

void arch_vcpu_reset(struct arch_vcpu *vcpu, const struct arch_vcpu_config *config)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->config = *config;
	vcpu->pstate = PSTATE_RESET;
	vcpu->el1.sctlr_el1 = SCTLR_EL1_RESET;
	vcpu->el1.mdscr_el1 = MDSCR_TDCC;
	vcpu->pmu.pmcr = PMCR_LC | PMCR_DP;
}

/* The keys that the RMM does not use itself stay in the CPU while the realm is loaded; run.S has
 * APIA. */
static void keys_load(const struct arch_pauth *pauth)
{
	write_sysreg(s3_0_c2_c1_2, pauth->apib[0]);
	write_sysreg(s3_0_c2_c1_3, pauth->apib[1]);
	write_sysreg(s3_0_c2_c2_0, pauth->apda[0]);
	write_sysreg(s3_0_c2_c2_1, pauth->apda[1]);
	write_sysreg(s3_0_c2_c2_2, pauth->apdb[0]);
	write_sysreg(s3_0_c2_c2_3, pauth->apdb[1]);
	write_sysreg(s3_0_c2_c3_0, pauth->apga[0]);
	write_sysreg(s3_0_c2_c3_1, pauth->apga[1]);
}

static void keys_save(struct arch_pauth *pauth)
{
	pauth->apib[0] = read_sysreg(s3_0_c2_c1_2);
	pauth->apib[1] = read_sysreg(s3_0_c2_c1_3);
	pauth->apda[0] = read_sysreg(s3_0_c2_c2_0);
	pauth->apda[1] = read_sysreg(s3_0_c2_c2_1);
	pauth->apdb[0] = read_sysreg(s3_0_c2_c2_2);
	pauth->apdb[1] = read_sysreg(s3_0_c2_c2_3);
	pauth->apga[0] = read_sysreg(s3_0_c2_c3_0);
	pauth->apga[1] = read_sysreg(s3_0_c2_c3_1);
}

/*
 * Registers that decide what the realm can do and what traps. EL1's are the realm's already, and
 * VTTBR_EL2, which makes its tables reachable, comes last (stage2.h).
 */
static void control_load(struct arch_vcpu *vcpu)
{
	uint64_t hcr = HCR_REALM;

	if (vcpu->inject_serror) {
		write_sysreg(s3_4_c5_c2_3, vcpu->vsesr); /* VSESR_EL2 */
		hcr |= HCR_VSE;
		vcpu->inject_serror = false;
	}
	hcr |= vcpu->trap_wfi ? HCR_TWI : 0;
	hcr |= vcpu->trap_wfe ? HCR_TWE : 0;
	write_sysreg(hcr_el2, hcr);
	write_sysreg(vtcr_el2, vcpu->config.vtcr);
	write_sysreg(vmpidr_el2, vcpu->config.vmpidr);
	write_sysreg(vpidr_el2, read_sysreg(midr_el1));
	write_sysreg(hstr_el2, 0);
	write_sysreg(cntvoff_el2, 0);
	isb();
	write_sysreg(vttbr_el2, vcpu->config.vttbr);
}

/*
 * Virtual CPUs of a realm share its VMID, but each may mean something else by an ASID, as two CPUs
 * may: one never finds what another has left in this CPU's TLB. What it has left here itself stays
 * true while it runs elsewhere, because HCR_EL2.FB broadcasts its invalidations.
 */
static void forget_others(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	if (ns->last == vcpu) {
		return;
	}
	isb();
	__asm__ volatile("tlbi vmalle1" : : : "memory");
	dsb(nsh);
	ns->last = vcpu;
}

void arch_vcpu_load(struct arch_vcpu *vcpu)
{
	struct ns_state *ns = ns_state();

	ASSERT(!ns->simd_loaded && !ns->debug_loaded);
	keys_load(&vcpu->pauth);
	simd_leave_streaming();
	el1_save(&ns->el1);
	el1_restore(&vcpu->el1);
	control_load(vcpu);
	forget_others(vcpu, ns);
	timers_load(&vcpu->timers, ns);
	pmu_load(vcpu, ns);
	if (vcpu->debug_used) {
		debug_load(vcpu, ns);
	}
	gic_load(&vcpu->gic);
	isb();
}

void arch_vcpu_save(struct arch_vcpu *vcpu)
{
	struct ns_state *ns = ns_state();
	uint64_t sp_el0 = vcpu->el1.sp_el0;

	/*
	 * Invalidations and cache maintenance that the realm has begun here are complete before the
	 * host can let it go on elsewhere, where its own barrier would not wait for them.
	 */
	dsb(ish);
	gic_save(&vcpu->gic);
	keys_save(&vcpu->pauth);
	if (ns->simd_loaded) {
		simd_save(vcpu, ns);
	}
	if (ns->debug_loaded) {
		debug_save(vcpu, ns);
	}
	pmu_save(vcpu, ns);
	timers_save(&vcpu->timers, ns);
	el1_save(&vcpu->el1);
	/* SP_EL0 is the RMM's exception stack by now; run.S has put the realm's aside. */
	vcpu->el1.sp_el0 = sp_el0;
	/* An SError that the realm has not taken yet waits for it. */
	vcpu->inject_serror |= (read_sysreg(hcr_el2) & HCR_VSE) != 0;
	/* The reverse of loading: first nothing can be reached through EL1's registers, then they
	 * change. */
	write_sysreg(vttbr_el2, stage2_empty(0));
	write_sysreg(hcr_el2, HCR_IDLE);
	isb();
	el1_restore(&ns->el1);
	isb();
}

/*
 * Vector and debug registers stay the normal world's until the realm touches them. True if that was
 * all this exit was about.
 */
static bool switch_lazily(struct arch_vcpu *vcpu, uint64_t esr)
{
	struct ns_state *ns = ns_state();
	uint64_t ec = esr >> ESR_EC_SHIFT;

	if (!ns->simd_loaded && (ec == ESR_EC_FP || (ec == ESR_EC_SVE && vcpu->config.sve))) {
		simd_load(vcpu, ns);
		return true;
	}
	if (!ns->debug_loaded && ec == ESR_EC_SYSREG && debug_owns(esr)) {
		vcpu->debug_used = true;
		debug_load(vcpu, ns);
		return true;
	}
	return false;
}

/*
 * HPFAR_EL2 is UNKNOWN after a stage-2 fault of permission, or of an access that the memory does
 * not support, unless a walk of stage 1 met it.
 */
static bool hpfar_valid(uint64_t esr)
{
	uint64_t ec = esr >> ESR_EC_SHIFT;
	uint64_t status = esr & ESR_DFSC_MASK;
	bool without =
		(status & ~(uint64_t)3) == ESR_DFSC_PERMISSION || status == ESR_DFSC_UNSUPPORTED;

	return (ec != ESR_EC_DABT_LOWER && ec != ESR_EC_IABT_LOWER) || !without ||
	       (esr & ESR_S1PTW) != 0;
}

/*
 * FAR_EL2 and HPFAR_EL2 of an exit. False if the address is not to be had, because the realm's
 * stage 1 is no longer what it was: it tries again, and finds out itself.
 */
static bool find_address(struct arch_exit_info *info)
{
	uint64_t par_el1;
	uint64_t found;

	info->far = read_sysreg(far_el2);
	info->hpfar = read_sysreg(hpfar_el2);
	if (hpfar_valid(info->esr)) {
		return true;
	}
	par_el1 = read_sysreg(par_el1);
	found = realm_ipa(info->far);
	write_sysreg(par_el1, par_el1);
	info->hpfar = bits_get(found, 51, 12) << 4;
	return (found & PAR_F) == 0;
}

/* Apart from the run itself, so that a realm's calls do not pay for what only others need. */
static __attribute__((noinline)) bool goes_on(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	return switch_lazily(vcpu, info->esr) || !find_address(info);
}

enum arch_exit arch_vcpu_run(struct arch_vcpu *vcpu, struct arch_exit_info *info, void *context)
{
	enum arch_exit exit;

	do {
		exit = (enum arch_exit)vcpu_enter(vcpu, context);
		if (exit == ARCH_EXIT_SMC) {
			break;
		}
		*info = (struct arch_exit_info){.esr = read_sysreg(esr_el2)};
	} while (exit == ARCH_EXIT_SYNC && goes_on(vcpu, info));
	return exit;
}

bool arch_interrupt_pending(void)
{
	return read_sysreg(isr_el1) != 0;
}

uint64_t arch_vcpu_el1_read(const struct arch_vcpu *vcpu, enum arch_el1_register which)
{
	(void)vcpu;
	switch (which) {
	case ARCH_SCTLR_EL1:
		return read_sysreg(sctlr_el12);
	case ARCH_VBAR_EL1:
		return read_sysreg(vbar_el12);
	case ARCH_ELR_EL1:
		return read_sysreg(elr_el12);
	case ARCH_SPSR_EL1:
		return read_sysreg(spsr_el12);
	case ARCH_ESR_EL1:
		return read_sysreg(esr_el12);
	case ARCH_FAR_EL1:
		return read_sysreg(far_el12);
	case ARCH_TCR_EL1:
		return read_sysreg(tcr_el12);
	case ARCH_TTBR0_EL1:
		return read_sysreg(ttbr0_el12);
	case ARCH_TTBR1_EL1:
		return read_sysreg(ttbr1_el12);
	}
	return 0;
}

void arch_vcpu_el1_write(struct arch_vcpu *vcpu, enum arch_el1_register which, uint64_t value)
{
	(void)vcpu;
	switch (which) {
	case ARCH_SCTLR_EL1:
		write_sysreg(sctlr_el12, value);
		break;
	case ARCH_VBAR_EL1:
		write_sysreg(vbar_el12, value);
		break;
	case ARCH_ELR_EL1:
		write_sysreg(elr_el12, value);
		break;
	case ARCH_SPSR_EL1:
		write_sysreg(spsr_el12, value);
		break;
	case ARCH_ESR_EL1:
		write_sysreg(esr_el12, value);
		break;
	case ARCH_FAR_EL1:
		write_sysreg(far_el12, value);
		break;
	case ARCH_TCR_EL1:
		write_sysreg(tcr_el12, value);
		break;
	case ARCH_TTBR0_EL1:
		write_sysreg(ttbr0_el12, value);
		break;
	case ARCH_TTBR1_EL1:
		write_sysreg(ttbr1_el12, value);
		break;
	}
}
