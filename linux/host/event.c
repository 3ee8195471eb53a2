// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to vCPUs and realms, noted: counters, why a run ends, requests to look up.
 * Everything that serves an exit uses this, and it uses nothing.
 */
#include <linux/sched.h>

#include "caec.h"

/* One more event of this kind, for CAEC_GET_STATS and debugfs. Any context. */
void caec_count(struct caec_realm *realm, enum caec_count what)
{
	atomic64_inc(&realm->counts[what]);
}

/* Notes why the run ends; the caller returns the result, CAEC_TO_USER. Caller holds run_lock. */
int caec_to_user(struct caec_vcpu *vcpu, enum caec_exit reason)
{
	vcpu->exit_reason = reason;
	vcpu->last_exit = reason;
	return CAEC_TO_USER;
}

/*
 * Makes the vCPU look at its requests soon. The bit is set before the target is told: a thread that
 * has already looked for the last time has interrupts masked, so the interrupt that kick_process
 * sends waits for it and ends its entry at once. Any context that may take task_lock.
 */
void caec_vcpu_request(struct caec_vcpu *vcpu, int request)
{
	set_bit(request, &vcpu->requests);
	smp_mb__after_atomic();
	wake_up(&vcpu->wait);
	spin_lock(&vcpu->task_lock);
	if (vcpu->task) {
		kick_process(vcpu->task);
	}
	spin_unlock(&vcpu->task_lock);
}

/* The same to every vCPU that the realm has by now. */
void caec_vcpu_request_all(struct caec_realm *realm, int request)
{
	unsigned int i, n = smp_load_acquire(&realm->num_vcpus);

	for (i = 0; i < n; i++) {
		caec_vcpu_request(realm->vcpus[i], request);
	}
}
