// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU that waits: for an interrupt, or to be turned on.
 */
#include <linux/sched.h>
#include <linux/wait.h>

#include "caec.h"

static bool wake_condition(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;

	return READ_ONCE(vcpu->requests) || READ_ONCE(vcpu->user->immediate_exit) ||
	       READ_ONCE(realm->ended) || atomic_read(&realm->signal_waits);
}

/*
 * WFI: sleeps until an interrupt can be pending, a timer expires, the counter reaches `until`
 * (U64_MAX: never), or there is a request or signal. Always CAEC_RESUME: what woke it is looked at
 * before the next entry (run.c). Caller holds run_lock.
 */
int caec_vcpu_idle(struct caec_vcpu *vcpu, u64 until)
{
	if (!caec_timer_interrupt_pending(vcpu) &&
	    wait_event_interruptible_hrtimeout(vcpu->wait, wake_condition(vcpu),
					       caec_timer_sleep_time(vcpu, until)) == -ETIME) {
		caec_timer_expire(vcpu);
	}
	return CAEC_RESUME;
}

/* Sleeps until a CPU_ON, or one of the requests. CAEC_RESUME, or EINTR: a signal came. */
int caec_vcpu_wait_until_on(struct caec_vcpu *vcpu)
{
	if (wait_event_interruptible(vcpu->wait, READ_ONCE(vcpu->on) || wake_condition(vcpu))) {
		return -EINTR;
	}
	return CAEC_RESUME;
}
