// SPDX-License-Identifier: BSD-3-Clause
/* Performance monitors (RMM specification A8; Arm ARM D13). */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "base/bits.h"

#define ALL_COUNTERS 0xFFFFFFFFU

/* The bits of a set/clear pair of registers become exactly `value`. */
#define set_exactly(set, clear, value)             \
	do {                                       \
		write_sysreg(clear, ALL_COUNTERS); \
		write_sysreg(set, value);          \
	} while (0)

static unsigned int counters_implemented(void)
{
	return (unsigned int)bits_get(read_sysreg(pmcr_el0), 15, 11);
}

/* One event counter is reached through the selection register, whatever its number. */
static void event_read(unsigned int n, struct arch_pmu *pmu)
{
	write_sysreg(pmselr_el0, n);
	isb();
	pmu->pmevcntr[n] = read_sysreg(pmxevcntr_el0);
	pmu->pmevtyper[n] = read_sysreg(pmxevtyper_el0);
}

static void event_write(unsigned int n, const struct arch_pmu *pmu)
{
	write_sysreg(pmselr_el0, n);
	isb();
	write_sysreg(pmxevcntr_el0, pmu->pmevcntr[n]);
	write_sysreg(pmxevtyper_el0, pmu->pmevtyper[n]);
}

/* Stops all counters, then reads the PMU with the event counters below `counters`. */
static void pmu_read(struct arch_pmu *pmu, unsigned int counters)
{
	pmu->pmcr = read_sysreg(pmcr_el0);
	pmu->pmcntenset = read_sysreg(pmcntenset_el0);
	write_sysreg(pmcntenclr_el0, ALL_COUNTERS);
	isb();
	pmu->pmintenset = read_sysreg(pmintenset_el1);
	pmu->pmovsset = read_sysreg(pmovsset_el0);
	pmu->pmuserenr = read_sysreg(pmuserenr_el0);
	pmu->pmselr = read_sysreg(pmselr_el0);
	pmu->pmccntr = read_sysreg(pmccntr_el0);
	pmu->pmccfiltr = read_sysreg(pmccfiltr_el0);
	for (unsigned int n = 0; n < counters; n++) {
		event_read(n, pmu);
	}
}

/*
 * All counters stand still: pmu_read() came before. PMCR is written before what raises the
 * interrupt: QEMU looks at its enable bit only when the overflow status or the interrupt enables
 * change, and an overflow from before would stay unheard.
 */
static void pmu_write(const struct arch_pmu *pmu, unsigned int counters)
{
	for (unsigned int n = 0; n < counters; n++) {
		event_write(n, pmu);
	}
	write_sysreg(pmccfiltr_el0, pmu->pmccfiltr);
	write_sysreg(pmccntr_el0, pmu->pmccntr);
	write_sysreg(pmselr_el0, pmu->pmselr);
	write_sysreg(pmuserenr_el0, pmu->pmuserenr);
	write_sysreg(pmcr_el0, pmu->pmcr & ~(uint64_t)6); /* P and C would reset counters */
	set_exactly(pmovsset_el0, pmovsclr_el0, pmu->pmovsset);
	set_exactly(pmintenset_el1, pmintenclr_el1, pmu->pmintenset);
	set_exactly(pmcntenset_el0, pmcntenclr_el0, pmu->pmcntenset);
}

/*
 * Without a PMU of its own the realm only has to find the normal world's counters standing still.
 */
void pmu_load(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	unsigned int implemented = counters_implemented();

	if (!vcpu->config.pmu) {
		write_sysreg(mdcr_el2, MDCR_REALM | implemented);
		ns->pmu.pmcntenset = read_sysreg(pmcntenset_el0);
		write_sysreg(pmcntenclr_el0, ALL_COUNTERS);
		return;
	}
	write_sysreg(mdcr_el2, MDCR_REALM | implemented);
	isb();
	pmu_read(&ns->pmu, implemented);
	pmu_write(&vcpu->pmu, vcpu->config.pmu_counters);
	write_sysreg(mdcr_el2, (MDCR_REALM & ~(MDCR_TPM | MDCR_TPMCR)) | vcpu->config.pmu_counters);
}

void pmu_save(struct arch_vcpu *vcpu, const struct ns_state *ns)
{
	if (!vcpu->config.pmu) {
		write_sysreg(pmcntenset_el0, ns->pmu.pmcntenset);
		return;
	}
	pmu_read(&vcpu->pmu, vcpu->config.pmu_counters);
	write_sysreg(mdcr_el2, MDCR_REALM | bits_get(ns->pmu.pmcr, 15, 11));
	isb();
	pmu_write(&ns->pmu, (unsigned int)bits_get(ns->pmu.pmcr, 15, 11));
}
