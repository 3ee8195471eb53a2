// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power control of vCPUs. The RMM knows who is runnable; "on" here only says whether it is worth
 * trying, and is never wrong for long: see caec_psci_stay_off.
 */
#include "caec.h"

/* The vCPU that an MPIDR_EL1 affinity value names, or NULL. */
static struct caec_vcpu *find(struct caec_realm *realm, u64 affinity)
{
	u64 index = (affinity & 0xf) | ((affinity >> 8 & 0xff) << 4);

	if (affinity & ~0xff0fULL || index >= realm->num_vcpus) {
		return NULL;
	}
	return realm->vcpus[index];
}

/*
 * The vCPU has turned itself off. A CPU_ON that came in between (on_seq has moved since the entry)
 * wins: then the entry is tried, and if the RMM refuses it this is asked again.
 */
void caec_psci_stay_off(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	vcpu->off_pending = true;
	spin_lock(&realm->cpu_lock);
	if (vcpu->on_seq == vcpu->on_seq_entry) {
		vcpu->on = false;
	}
	spin_unlock(&realm->cpu_lock);
}

static void turn_on(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	spin_lock(&realm->cpu_lock);
	vcpu->on = true;
	vcpu->on_seq++;
	spin_unlock(&realm->cpu_lock);
	caec_vcpu_request(vcpu, CAEC_REQ_WAKE);
}

/*
 * Answers PSCI_CPU_ON or PSCI_AFFINITY_INFO for the RMM, which has checked the arguments and knows
 * the power state (RMM specification, A4.4). CAEC_RESUME or a negative errno.
 */
static int complete_call(struct caec_vcpu *vcpu, bool cpu_on)
{
	struct caec_vcpu *target = find(vcpu->realm, vcpu->run->exit.gprs[1]);
	u64 status;

	/* The RMM reports existing vCPUs other than the caller only. */
	if (!target || target == vcpu) {
		return caec_rmi_refused(vcpu->realm, RMI_REC_ENTER_FID, RMI_SUCCESS);
	}
	status = caec_rmi(RMI_PSCI_COMPLETE_FID, page_to_phys(vcpu->rec), page_to_phys(target->rec),
			  PSCI_SUCCESS, 0, NULL);
	if (status != RMI_SUCCESS) {
		pr_warn_ratelimited("caec: PSCI_COMPLETE: %#llx\n", status);
		return caec_rmi_refused(vcpu->realm, RMI_PSCI_COMPLETE_FID, status);
	}
	if (cpu_on) {
		turn_on(target);
	}
	return CAEC_RESUME;
}

static int system_event(struct caec_vcpu *vcpu, enum caec_exit reason)
{
	WRITE_ONCE(vcpu->realm->ended, reason);
	caec_vcpu_request_all(vcpu->realm, CAEC_REQ_WAKE);
	return caec_to_user(vcpu, reason);
}

/*
 * Serves a PSCI call that the RMM passes on. CAEC_RESUME, CAEC_TO_USER for off and reset, or a
 * negative errno. Caller holds run_lock; takes cpu_lock.
 */
int caec_psci_exit(struct caec_vcpu *vcpu)
{
	caec_count(vcpu->realm, CAEC_COUNT_PSCI);
	switch (vcpu->run->exit.gprs[0]) {
	case PSCI_CPU_ON_FID:
	case PSCI_CPU_ON_32_FID:
		return complete_call(vcpu, true);
	case PSCI_AFFINITY_INFO_FID:
	case PSCI_AFFINITY_INFO_32_FID:
		return complete_call(vcpu, false);
	case PSCI_CPU_OFF_FID:
		caec_psci_stay_off(vcpu);
		return CAEC_RESUME;
	case PSCI_CPU_SUSPEND_FID:
	case PSCI_CPU_SUSPEND_32_FID:
		return caec_vcpu_idle(vcpu, U64_MAX);
	case PSCI_SYSTEM_OFF_FID:
		return system_event(vcpu, CAEC_EXIT_SYSTEM_OFF);
	case PSCI_SYSTEM_RESET_FID:
		return system_event(vcpu, CAEC_EXIT_SYSTEM_RESET);
	default:
		/* An RMM that passes on more than we know: the realm gets its answer from the RMM.
		 */
		return CAEC_RESUME;
	}
}
