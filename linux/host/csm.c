// SPDX-License-Identifier: GPL-2.0-only
/*
 * Confidential shared memory, the host's part: giving the RMM granules for its records, and
 * following the notices about ranges that a realm gives to others or takes from them.
 */
#include <linux/sched/signal.h>

#include "abi/csm.h"
#include "caec.h"

/* -------------------------------------------------------------------- APT */

/* Gives the RMM one more granule for the access policy table (RMI_APT_CREATE). */
static int add_one(struct caec_realm *realm)
{
	struct page *page = caec_granule_alloc(realm);
	u64 status;

	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	status = caec_rmi(RMI_APT_CREATE_FID, caec_rd(realm), page_to_phys(page), 0, 0, NULL);
	if (status != RMI_SUCCESS) {
		int ret = caec_rmi_refused(realm, RMI_APT_CREATE_FID, status);

		caec_granule_free(realm, page);
		return rmi_status_code(status) == RMI_ERROR_REALM ? -EPERM : ret;
	}
	realm->apt[realm->num_apt++] = page;
	return 0;
}

/* Caller holds realm.lock. */
int caec_csm_add_apt(struct caec_realm *realm, struct caec_apt *req)
{
	unsigned int i;
	int ret = 0;

	req->total = realm->num_apt;
	if (!caec_rmm.csm_revision) {
		return -EOPNOTSUPP;
	}
	if (req->count > CAEC_MAX_APT - realm->num_apt) {
		return -ENOSPC;
	}
	for (i = 0; i < req->count && !ret; i++) {
		ret = add_one(realm);
	}
	req->total = realm->num_apt;
	return ret;
}

/* Teardown: ends every region, grant and attachment of the realm. */
void caec_csm_destroy_apt(struct caec_realm *realm)
{
	while (realm->num_apt > 0) {
		struct page *page = realm->apt[--realm->num_apt];
		u64 status;

		do {
			status = caec_rmi(RMI_APT_DESTROY_FID, caec_rd(realm), page_to_phys(page),
					  0, 0, NULL);
			cond_resched();
		} while (rmi_status_code(status) == CSM_INCOMPLETE);
		if (status != RMI_SUCCESS) {
			pr_err("caec: APT_DESTROY of %s: %#llx\n", realm->name, status);
		}
		caec_granule_free(realm, page);
	}
}

/* ----------------------------------------------------------------- notices */

/* Another realm will look at the range: nothing in it should be missing. */
static int provide(struct caec_vcpu *vcpu, u64 base, u64 top)
{
	struct caec_realm *realm = vcpu->realm;
	u64 ipa;

	WRITE_ONCE(realm->provided, base);
	for (ipa = base; ipa < top; ipa += PAGE_SIZE) {
		int ret;

		if (xa_load(&realm->data, ipa >> PAGE_SHIFT)) {
			continue;
		}
		ret = caec_mem_fault(realm, ipa);
		if (ret) {
			/* A hole harms the realm's peers only: they get an abort there. */
			return ret == -EFAULT ? 0 : ret;
		}
		if (fatal_signal_pending(current)) {
			return -EINTR;
		}
	}
	return 0;
}

/*
 * A block reaches across the edge of a region: with a table of its own the realm's command goes on.
 * The RMM folds no such table afterwards. Another vCPU can have been faster.
 */
static int split(struct caec_vcpu *vcpu, u64 base)
{
	struct caec_realm *realm = vcpu->realm;
	int ret;

	mutex_lock(&realm->mem_lock);
	ret = caec_rtt_ensure(realm, base, RMI_LEVEL_PAGE);
	mutex_unlock(&realm->mem_lock);
	return ret;
}

static void wake_for_signal(struct caec_realm *realm)
{
	unsigned int i, n = smp_load_acquire(&realm->num_vcpus);

	atomic_set(&realm->signal_waits, 1);
	for (i = 0; i < n; i++) {
		if (READ_ONCE(realm->vcpus[i]->on)) {
			caec_vcpu_request(realm->vcpus[i], CAEC_REQ_WAKE);
			return;
		}
	}
}

/* rd is the receiver's, or 0 for every realm that uses CSM. */
static void raise_signal(u64 rd)
{
	struct caec_realm *realm;

	spin_lock(&caec_realms_lock);
	list_for_each_entry (realm, &caec_realms, list) {
		if (READ_ONCE(realm->state) == CAEC_ACTIVE &&
		    (rd ? caec_rd(realm) == rd : READ_ONCE(realm->num_apt) > 0)) {
			wake_for_signal(realm);
		}
	}
	spin_unlock(&caec_realms_lock);
}

static bool range_ok(const struct caec_vcpu *vcpu, u64 base, u64 top)
{
	return base < top && top <= vcpu->realm->alias;
}

/* An exit record that the RMM cannot give according to its specification. EPROTO. */
static int bad_exit(struct caec_vcpu *vcpu)
{
	return caec_rmi_refused(vcpu->realm, RMI_REC_ENTER_FID, RMI_SUCCESS);
}

/*
 * Serves an exit that concerns shared regions, and those that the module does not know.
 * CAEC_RESUME, CAEC_TO_USER, or a negative errno for CAEC_VCPU_RUN. Caller holds run_lock; takes
 * mem_lock.
 */
int caec_csm_exit(struct caec_vcpu *vcpu)
{
	const struct rmi_rec_exit *exit = &vcpu->run->exit;
	u64 base = exit->ripas_base, top = exit->ripas_top;
	int ret = 0;

	caec_count(vcpu->realm, CAEC_COUNT_CSM);
	switch (exit->exit_reason) {
	case RMI_EXIT_CSM_PROVIDER:
		ret = provide(vcpu, base, top);
		break;
	case RMI_EXIT_CSM_CONSUMER:
		ret = range_ok(vcpu, base, top) ? caec_mem_reserve(vcpu->realm, base, top)
						: bad_exit(vcpu);
		break;
	case RMI_EXIT_CSM_REMOVED:
		caec_mem_unreserve(vcpu->realm, base);
		break;
	case RMI_EXIT_CSM_SIGNAL:
		raise_signal(base);
		break;
	case RMI_EXIT_CSM_SPLIT:
		ret = range_ok(vcpu, base, top) ? split(vcpu, base) : bad_exit(vcpu);
		break;
	default:
		vcpu->user->u.fault.esr = exit->esr;
		vcpu->user->u.fault.ipa = 0;
		vcpu->user->u.fault.reason = exit->exit_reason;
		return caec_to_user(vcpu, CAEC_EXIT_UNKNOWN);
	}
	return ret ? ret : CAEC_RESUME;
}
