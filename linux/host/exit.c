// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a realm left for: served here where it is memory, power or sleep, passed to the user where
 * it is a device.
 */
#include <asm/esr.h>
#include <asm/sysreg.h>

#include "caec.h"

static u64 exit_ipa(const struct rmi_rec_exit *exit)
{
	return (exit->hpfar & ~0xfULL) << 8;
}

static int fault_to_user(struct caec_vcpu *vcpu, enum caec_exit reason)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	vcpu->user->u.fault.esr = exit->esr;
	vcpu->user->u.fault.ipa = exit_ipa(exit);
	vcpu->user->u.fault.reason = exit->exit_reason;
	return caec_to_user(vcpu, reason);
}

/* ------------------------------------------------------------------- memory */

static int protected_fault(struct caec_vcpu *vcpu, u64 ipa)
{
	int ret = caec_mem_fault(vcpu->realm, ipa);

	caec_count(vcpu->realm, CAEC_COUNT_FAULT);
	if (ret == -EFAULT) {
		return fault_to_user(vcpu, CAEC_EXIT_FAULT);
	}
	return ret ? ret : CAEC_RESUME;
}

static int shared_fault(struct caec_vcpu *vcpu, u64 ipa)
{
	int ret = caec_share_fault(vcpu->realm, ipa);

	caec_count(vcpu->realm, CAEC_COUNT_SHARE);
	return ret ? ret : CAEC_RESUME;
}

/*
 * An access to a device: to the user, who answers it in caec_run.u.mmio. One without a syndrome
 * gets an abort. Caller holds run_lock.
 */
static int mmio(struct caec_vcpu *vcpu, u64 ipa)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct caec_run *user = vcpu->user;
	bool write = exit->esr & ESR_ELx_WNR;

	caec_count(vcpu->realm, CAEC_COUNT_MMIO);
	if (!(exit->esr & ESR_ELx_ISV)) {
		/* Nothing says what the instruction wanted: no device can answer it. */
		vcpu->enter_flags |= RMI_ENTER_FLAG_INJECT_SEA;
		return CAEC_RESUME;
	}
	user->u.mmio.ipa = ipa | (exit->far & ~CAEC_PAGE_MASK);
	user->u.mmio.data = write ? exit->gprs[0] : 0;
	user->u.mmio.len = 1U << ((exit->esr & ESR_ELx_SAS) >> ESR_ELx_SAS_SHIFT);
	user->u.mmio.flags = write ? CAEC_MMIO_WRITE : 0;
	return caec_to_user(vcpu, CAEC_EXIT_MMIO);
}

/* The address decides, never the syndrome: accesses to shared memory often come without one. */
static int data_abort(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;
	u64 ipa = exit_ipa(&vcpu->run->exit);

	if (!(ipa & realm->alias)) {
		return protected_fault(vcpu, ipa);
	}
	ipa &= realm->alias - 1;
	return caec_ram_has(realm, ipa, PAGE_SIZE) ? shared_fault(vcpu, ipa) : mmio(vcpu, ipa);
}

/* --------------------------------------------------------------- the others */

static int sysreg(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct caec_run *user = vcpu->user;
	bool read = exit->esr & ESR_ELx_SYS64_ISS_DIR_READ;

	caec_count(vcpu->realm, CAEC_COUNT_SYSREG);
	user->u.sysreg.esr = exit->esr;
	user->u.sysreg.value = read ? 0 : exit->gprs[0];
	user->u.sysreg.flags = read ? CAEC_SYSREG_READ : 0;
	user->u.sysreg.reserved = 0;
	return caec_to_user(vcpu, CAEC_EXIT_SYSREG);
}

/*
 * WFIT ends by itself when the counter reaches the value in gprs[0]. Where the CPU did not tell the
 * RMM which register holds it, the field is 0: the realm goes on at once, as WFIT may at any time.
 */
static int wfx(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	bool timed = exit->esr & ESR_ELx_WFx_ISS_WFxT;

	caec_count(vcpu->realm, CAEC_COUNT_WFI);
	return caec_vcpu_idle(vcpu, timed ? exit->gprs[0] : U64_MAX);
}

/* A synchronous exception, by its class (ESR_EL2.EC). */
static int sync_exit(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	switch (ESR_ELx_EC(exit->esr)) {
	case ESR_ELx_EC_WFx:
		return wfx(vcpu);
	case ESR_ELx_EC_SYS64:
		return sysreg(vcpu);
	case ESR_ELx_EC_IABT_LOW:
		return protected_fault(vcpu, exit_ipa(exit));
	case ESR_ELx_EC_DABT_LOW:
		return data_abort(vcpu);
	default:
		caec_count(vcpu->realm, CAEC_COUNT_OTHER);
		return fault_to_user(vcpu, CAEC_EXIT_UNKNOWN);
	}
}

static int host_call(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct caec_run *user = vcpu->user;

	caec_count(vcpu->realm, CAEC_COUNT_HOST_CALL);
	user->u.host_call.imm = exit->imm;
	memcpy(user->u.host_call.gprs, exit->gprs, sizeof(user->u.host_call.gprs));
	return caec_to_user(vcpu, CAEC_EXIT_HOST_CALL);
}

/* A realm may have what it asks for within its memory; memory that it was never given is refused.
 */
static int ripas_change(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	u64 base = exit->ripas_base, top = exit->ripas_top;
	int ret;

	caec_count(vcpu->realm, CAEC_COUNT_RIPAS);
	if (exit->ripas_value == RMI_RIPAS_RAM &&
	    (top <= base || !caec_ram_has(vcpu->realm, base, top - base))) {
		vcpu->enter_flags |= RMI_ENTER_FLAG_RIPAS_REJECT;
		return CAEC_RESUME;
	}
	ret = caec_mem_ripas_change(vcpu, base, top, exit->ripas_value);
	return ret ? ret : CAEC_RESUME;
}

/*
 * Serves the exit that the run page describes (RMM specification, RmiRecExitReason). CAEC_RESUME:
 * on with the realm; CAEC_TO_USER: the reason is noted; or a negative errno. Caller holds run_lock.
 */
int caec_exit_handle(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	switch (vcpu->run->exit.exit_reason) {
	case RMI_EXIT_SYNC:
		return sync_exit(vcpu);
	case RMI_EXIT_IRQ:
		caec_count(realm, CAEC_COUNT_IRQ);
		return CAEC_RESUME;
	case RMI_EXIT_FIQ:
		caec_count(realm, CAEC_COUNT_FIQ);
		return CAEC_RESUME;
	case RMI_EXIT_PSCI:
		return caec_psci_exit(vcpu);
	case RMI_EXIT_RIPAS_CHANGE:
		return ripas_change(vcpu);
	case RMI_EXIT_HOST_CALL:
		return host_call(vcpu);
	case RMI_EXIT_SERROR:
		caec_count(realm, CAEC_COUNT_SERROR);
		return fault_to_user(vcpu, CAEC_EXIT_SERROR);
	default:
		return caec_csm_exit(vcpu);
	}
}
