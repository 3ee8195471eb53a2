// SPDX-License-Identifier: BSD-3-Clause
#include "rec/exit.h"

#include "base/assert.h"
#include "feat/feat.h"
#include "rec/esr.h"
#include "rec/inject.h"

#define PMCR_E BIT(0)

#define AET_UC  0U
#define AET_UEU 1U
#define AET_UER 3U

bool rec_may_run(struct rec *rec, struct rmi_rec_exit *exit)
{
	if (arch_vcpu_timers(&rec->vcpu) == rec->timers_reported) {
		return true;
	}
	exit->exit_reason = RMI_EXIT_IRQ;
	return false;
}

static bool pmu_overflow(const struct arch_vcpu *vcpu)
{
	const struct arch_pmu *pmu = &vcpu->pmu;

	return vcpu->config.pmu && (pmu->pmcr & PMCR_E) != 0 &&
	       (pmu->pmovsset & pmu->pmintenset & pmu->pmcntenset) != 0;
}

void rec_report_common(struct rec *rec, struct rmi_rec_exit *exit)
{
	const struct arch_vcpu *vcpu = &rec->vcpu;

	exit->gicv3_hcr =
		vcpu->gic.hcr & (RMI_GICV3_HCR_HOST_MASK | ABI_FIELD_MASK(RMI_GICV3_HCR_EOICOUNT));
	exit->gicv3_misr = vcpu->gic.misr;
	exit->gicv3_vmcr = vcpu->gic.vmcr;
	for (unsigned int i = 0; i <= feat()->list_registers; i++) {
		exit->gicv3_lrs[i] = vcpu->gic.lr[i];
	}
	exit->cntp_ctl = vcpu->timers.cntp_ctl;
	exit->cntp_cval = vcpu->timers.cntp_cval;
	exit->cntv_ctl = vcpu->timers.cntv_ctl;
	exit->cntv_cval = vcpu->timers.cntv_cval;
	rec->timers_reported =
		(uint8_t)arch_timers_asserted(vcpu->timers.cntv_ctl, vcpu->timers.cntp_ctl);
	exit->pmu_ovf_status =
		pmu_overflow(vcpu) ? RMI_PMU_OVERFLOW_ACTIVE : RMI_PMU_OVERFLOW_NOT_ACTIVE;
}

static bool handle_wfx(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	rec_step(rec);
	exit->exit_reason = RMI_EXIT_SYNC;
	exit->esr = esr & (ESR_EC_MASK | ESR_WFX_TI);
	if ((esr & ESR_WFX_TI_TIMEOUT) != 0 && (esr & ESR_WFX_RV) != 0) {
		exit->gprs[0] = rec_register(rec, bits_get(esr, 9, 5));
	}
	return false;
}

/* Distributes a synchronous exception by its class. True if the realm continues. */
static bool handle_sync(struct rec *rec, const struct arch_exit_info *info,
			struct rmi_rec_exit *exit)
{
	switch (esr_ec(info->esr)) {
	case EC_WFX:
		return handle_wfx(rec, info->esr, exit);
	case EC_SYSREG:
		return rec_handle_sysreg(rec, info->esr, exit);
	case EC_INSTR_LOWER:
	case EC_DATA_LOWER:
		return rec_handle_abort(rec, info, exit);
	case EC_HVC:
		/* Taken as if executed: the return address lies behind it. */
		rec->vcpu.pc -= 4;
		inject_undefined(rec);
		return true;
	default:
		/* Vector instructions that the realm does not have, and whatever else traps. */
		inject_undefined(rec);
		return true;
	}
}

/*
 * A contained error is the realm's and the host's affair. After an uncontained one nothing in this
 * CPU can be trusted, the RMM's own state included.
 */
static bool handle_serror(struct rec *rec, uint64_t esr, struct rmi_rec_exit *exit)
{
	uint64_t severity = bits_get(esr, 12, 10);
	bool architectural = (esr & ESR_IDS) == 0 && esr_fsc(esr) == FSC_SERROR;

	ASSERT(!architectural || severity != AET_UC);
	if (architectural && (severity == AET_UEU || severity == AET_UER)) {
		rec->vcpu.inject_serror = true;
		rec->vcpu.vsesr = esr & (ESR_AET | ESR_FSC);
	}
	exit->exit_reason = RMI_EXIT_SERROR;
	exit->esr = esr & (ESR_EC_MASK | ESR_IDS | ESR_AET | ESR_EA | ESR_FSC);
	return false;
}

bool rec_handle_exit(struct rec *rec, enum arch_exit kind, const struct arch_exit_info *info,
		     struct rmi_rec_exit *exit)
{
	switch (kind) {
	case ARCH_EXIT_SYNC:
		return handle_sync(rec, info, exit);
	case ARCH_EXIT_IRQ:
		exit->exit_reason = RMI_EXIT_IRQ;
		return false;
	case ARCH_EXIT_FIQ:
		exit->exit_reason = RMI_EXIT_FIQ;
		return false;
	case ARCH_EXIT_SERROR:
		return handle_serror(rec, info->esr, exit);
	case ARCH_EXIT_SMC:
		break;
	}
	ASSERT(kind != ARCH_EXIT_SMC);
	return false;
}
