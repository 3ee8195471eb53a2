// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop of a vCPU. Its thread is not pinned, and nothing of the thread's own state is saved
 * here: the RMM keeps the two worlds apart.
 */
#include <linux/sched.h>

#include "caec.h"
#include "compat.h"

/* ---------------------------------------------------------- the shared page */

/* The user's answer to the last exit, if that asked for one. */
static void take_answer(struct caec_vcpu *vcpu)
{
	struct rmi_rec_enter *enter = &vcpu->run->enter;
	struct caec_run *user = vcpu->user;
	unsigned int i;

	switch (vcpu->last_exit) {
	case CAEC_EXIT_MMIO:
		vcpu->enter_flags &= ~(u64)(RMI_ENTER_FLAG_INJECT_SEA | RMI_ENTER_FLAG_EMUL_MMIO);
		vcpu->enter_flags |= READ_ONCE(user->u.mmio.flags) & CAEC_MMIO_ABORT
					     ? RMI_ENTER_FLAG_INJECT_SEA
					     : RMI_ENTER_FLAG_EMUL_MMIO;
		enter->gprs[0] = READ_ONCE(user->u.mmio.data);
		break;
	case CAEC_EXIT_SYSREG:
		enter->gprs[0] = READ_ONCE(user->u.sysreg.value);
		break;
	case CAEC_EXIT_HOST_CALL:
		for (i = 0; i < RMI_EXIT_GPRS; i++) {
			enter->gprs[i] = READ_ONCE(user->u.host_call.gprs[i]);
		}
		break;
	default:
		break;
	}
}

static void take_input(struct caec_vcpu *vcpu)
{
	struct caec_run *user = vcpu->user;
	unsigned int i;

	for (i = 0; i < CAEC_NUM_LRS; i++) {
		vcpu->lr[i] = READ_ONCE(user->gic_lr[i]);
	}
	vcpu->hcr = READ_ONCE(user->gic_hcr);
	vcpu->timer_enabled = READ_ONCE(user->timer_enabled);
	vcpu->timer_priority[0] = READ_ONCE(user->timer_priority[0]);
	vcpu->timer_priority[1] = READ_ONCE(user->timer_priority[1]);
	take_answer(vcpu);
	vcpu->exit_reason = CAEC_EXIT_NONE;
}

/* What can be said of the user's interrupts without the RMM. */
static bool input_valid(const struct caec_vcpu *vcpu)
{
	return !(vcpu->hcr & ~RMI_GICV3_HCR_HOST_MASK) && caec_lr_valid(vcpu);
}

static void give_output(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	struct caec_run *user = vcpu->user;

	memcpy(user->gic_lr, vcpu->lr, sizeof(user->gic_lr));
	user->num_lrs = caec_rmm.num_lrs;
	user->gic_misr = exit->gicv3_misr;
	user->gic_vmcr = exit->gicv3_vmcr;
	user->cntv_ctl = vcpu->timer[0].ctl;
	user->cntv_cval = vcpu->timer[0].cval;
	user->cntp_ctl = vcpu->timer[1].ctl;
	user->cntp_cval = vcpu->timer[1].cval;
	user->exit_reason = vcpu->exit_reason;
}

/* ------------------------------------------------------------------ entering */

/* Anything that must be seen to before the realm may run. Also looked at with interrupts masked. */
static bool must_look(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	return READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->user->immediate_exit) ||
	       READ_ONCE(realm->ended) || atomic_read(&realm->signal_waits) ||
	       __xfer_to_guest_mode_work_pending();
}

/* True when the RMM was called, and then its status is in *status. */
static bool enter_rec(struct caec_vcpu *vcpu, u64 *status)
{
	local_irq_disable();
	if (must_look(vcpu)) {
		local_irq_enable();
		return false;
	}
	vcpu->on_seq_entry = READ_ONCE(vcpu->on_seq);
	guest_timing_enter_irqoff();
	*status = caec_rmi_enter(page_to_phys(vcpu->rec), page_to_phys(vcpu->run_page));
	/* The interrupt that ended the entry is taken here, while time still counts as the guest's.
	 */
	local_irq_enable();
	isb();
	local_irq_disable();
	guest_timing_exit_irqoff();
	local_irq_enable();
	return true;
}

static void prepare_entry(struct caec_vcpu *vcpu)
{
	struct rmi_rec_enter *enter = &vcpu->run->enter;

	enter->gicv3_hcr = vcpu->hcr;
	caec_timer_inject(vcpu);
	enter->flags = vcpu->enter_flags | RMI_ENTER_FLAG_TRAP_WFI;
	memcpy(enter->gicv3_lrs, vcpu->lr, sizeof(enter->gicv3_lrs));
}

/*
 * What a refusal of REC_ENTER means (RMM specification, B4.3.14). Two are none: the realm has asked
 * to be turned off, and the vCPU has turned itself off. EPERM: the RMM holds the realm as new.
 * EBADR: RMI_ERROR_REC, which stands for a list register that this machine cannot have (all else
 * that a user chooses is checked by input_valid()) and for a REC that may not run.
 */
static int enter_failed(struct caec_vcpu *vcpu, u64 status)
{
	int ret;

	if (status == rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF)) {
		return caec_to_user(vcpu, CAEC_EXIT_ENDED);
	}
	if (rmi_status_code(status) == RMI_ERROR_REC && vcpu->off_pending) {
		caec_psci_stay_off(vcpu);
		return CAEC_RESUME;
	}
	pr_debug("caec: REC_ENTER of %s/%u: %#llx\n", vcpu->realm->name, vcpu->index, status);
	ret = caec_rmi_refused(vcpu->realm, RMI_REC_ENTER_FID, status);
	switch (rmi_status_code(status)) {
	case RMI_ERROR_REALM:
		return -EPERM;
	case RMI_ERROR_REC:
		return -EBADR;
	default:
		return ret;
	}
}

static void save_timers(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;

	vcpu->timer[0] = (struct caec_timer){.ctl = exit->cntv_ctl, .cval = exit->cntv_cval};
	vcpu->timer[1] = (struct caec_timer){.ctl = exit->cntp_ctl, .cval = exit->cntp_cval};
}

/*
 * One entry and what follows from its exit. CAEC_RESUME, CAEC_TO_USER, or a negative errno. Caller
 * holds run_lock.
 */
static int enter_once(struct caec_vcpu *vcpu)
{
	bool maintenance;
	u64 status;
	int ret;

	prepare_entry(vcpu);
	if (!enter_rec(vcpu, &status)) {
		return CAEC_RESUME;
	}
	if (status != RMI_SUCCESS) {
		return enter_failed(vcpu, status);
	}
	vcpu->off_pending = false;
	vcpu->enter_flags = 0;
	vcpu->last_exit = CAEC_EXIT_NONE;
	caec_count(vcpu->realm, CAEC_COUNT_ENTRY);
	save_timers(vcpu);
	maintenance = caec_lr_collect(vcpu);
	ret = caec_exit_handle(vcpu);
	if (ret == CAEC_RESUME && maintenance) {
		return caec_to_user(vcpu, CAEC_EXIT_GIC);
	}
	return ret;
}

/* ------------------------------------------------------------------ the loop */

/* CAEC_RESUME when nothing keeps the vCPU from being entered. */
static int before_entry(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	clear_bit(CAEC_REQ_WAKE, &vcpu->requests);
	if (test_bit(CAEC_REQ_DEAD, &vcpu->requests)) {
		return -ESHUTDOWN;
	}
	if (READ_ONCE(realm->ended)) {
		return caec_to_user(vcpu, CAEC_EXIT_ENDED);
	}
	if (test_and_clear_bit(CAEC_REQ_KICK, &vcpu->requests) ||
	    READ_ONCE(vcpu->user->immediate_exit)) {
		vcpu->exit_reason = CAEC_EXIT_KICK;
		return CAEC_TO_USER;
	}
	if (atomic_xchg(&realm->signal_waits, 0)) {
		vcpu->exit_reason = CAEC_EXIT_CSM_SIGNAL;
		return CAEC_TO_USER;
	}
	if (__xfer_to_guest_mode_work_pending()) {
		int ret = caec_handle_work();

		if (ret) {
			return ret;
		}
	}
	return CAEC_RESUME;
}

/* 0 with an exit reason in the shared page, or a negative errno. Caller holds run_lock. */
int caec_vcpu_run(struct caec_vcpu *vcpu)
{
	int ret;

	take_input(vcpu);
	ret = input_valid(vcpu) ? CAEC_RESUME : -EINVAL;
	while (ret == CAEC_RESUME) {
		ret = before_entry(vcpu);
		if (ret == CAEC_RESUME) {
			ret = READ_ONCE(vcpu->on) ? enter_once(vcpu)
						  : caec_vcpu_wait_until_on(vcpu);
		}
	}
	if (ret < 0) {
		vcpu->exit_reason = CAEC_EXIT_NONE;
	}
	give_output(vcpu);
	return ret;
}
