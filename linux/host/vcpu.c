// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs from birth to end: the REC with its auxiliary granules.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "caec.h"

/* Gives back REC and auxiliary granules, which the RMM holds as DELEGATED. */
static void free_granules(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;
	unsigned int i;

	for (i = 0; i < vcpu->num_aux; i++) {
		caec_granule_free(realm, vcpu->aux[i]);
	}
	realm->stats.recs -= vcpu->num_aux;
	vcpu->num_aux = 0;
	if (vcpu->rec) {
		caec_granule_free(realm, vcpu->rec);
		vcpu->rec = NULL;
		realm->stats.recs--;
	}
}

/* Nobody runs the vCPU. Idempotent. */
void caec_vcpu_destroy_rec(struct caec_vcpu *vcpu)
{
	u64 status;

	if (!vcpu->rec) {
		return;
	}
	status = caec_rmi(RMI_REC_DESTROY_FID, page_to_phys(vcpu->rec), 0, 0, 0, NULL);
	if (status != RMI_SUCCESS) {
		pr_err("caec: REC_DESTROY of %s/%u: %#llx\n", vcpu->realm->name, vcpu->index,
		       status);
	}
	free_granules(vcpu);
}

/* The REC is gone or never was. */
void caec_vcpu_free(struct caec_vcpu *vcpu)
{
	if (vcpu->user_page) {
		put_page(vcpu->user_page);
	}
	if (vcpu->run_page) {
		__free_page(vcpu->run_page);
	}
	kfree(vcpu);
}

/*
 * The module's part of a vCPU with the next index: no granule yet. NULL: no memory.
 * caec_vcpu_free() frees it.
 */
static struct caec_vcpu *new_vcpu(struct caec_realm *realm, const struct caec_vcpu_params *params)
{
	struct caec_vcpu *vcpu = kzalloc(sizeof(*vcpu), GFP_KERNEL_ACCOUNT);

	if (!vcpu) {
		return NULL;
	}
	vcpu->realm = realm;
	vcpu->index = realm->num_vcpus;
	vcpu->mpidr = params->mpidr;
	vcpu->on = params->flags & CAEC_VCPU_RUNNABLE;
	mutex_init(&vcpu->run_lock);
	spin_lock_init(&vcpu->task_lock);
	init_waitqueue_head(&vcpu->wait);
	vcpu->run_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	vcpu->user_page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!vcpu->run_page || !vcpu->user_page) {
		caec_vcpu_free(vcpu);
		return NULL;
	}
	vcpu->run = page_address(vcpu->run_page);
	vcpu->user = page_address(vcpu->user_page);
	return vcpu;
}

/*
 * Granules for the REC, as many auxiliary ones as the RMM asks for. On failure free_granules()
 * gives back what there is.
 */
static int alloc_granules(struct caec_vcpu *vcpu)
{
	struct caec_realm *realm = vcpu->realm;
	struct caec_rmi_out out;
	struct page *page;
	u64 status = caec_rmi(RMI_REC_AUX_COUNT_FID, caec_rd(realm), 0, 0, 0, &out);

	if (status != RMI_SUCCESS || out.x1 > RMI_MAX_AUX) {
		return caec_rmi_refused(realm, RMI_REC_AUX_COUNT_FID, status);
	}
	page = caec_granule_alloc(realm);
	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	vcpu->rec = page;
	realm->stats.recs++;
	while (vcpu->num_aux < out.x1) {
		page = caec_granule_alloc(realm);
		if (IS_ERR(page)) {
			return PTR_ERR(page);
		}
		vcpu->aux[vcpu->num_aux++] = page;
		realm->stats.recs++;
	}
	return 0;
}

/*
 * RMI_REC_CREATE. EPERM: the RMM holds the realm as active. EPROTO: it refuses for another reason;
 * everything that the user chooses and the RMM checks has been checked before (RMM specification,
 * B4.3.12).
 */
static int create_rec(struct caec_vcpu *vcpu, const struct caec_vcpu_params *from)
{
	struct rmi_rec_params *to = page_address(vcpu->realm->bounce);
	unsigned int i;
	u64 status;
	int ret;

	memset(to, 0, sizeof(*to));
	to->flags = from->flags & CAEC_VCPU_RUNNABLE ? RMI_REC_FLAG_RUNNABLE : 0;
	to->mpidr = from->mpidr;
	to->pc = from->pc;
	memcpy(to->gprs, from->gprs, sizeof(to->gprs));
	to->num_aux = vcpu->num_aux;
	for (i = 0; i < vcpu->num_aux; i++) {
		to->aux[i] = page_to_phys(vcpu->aux[i]);
	}
	status = caec_rmi(RMI_REC_CREATE_FID, caec_rd(vcpu->realm), page_to_phys(vcpu->rec),
			  page_to_phys(vcpu->realm->bounce), 0, NULL);
	if (status == RMI_SUCCESS) {
		return 0;
	}
	ret = caec_rmi_refused(vcpu->realm, RMI_REC_CREATE_FID, status);
	return rmi_status_code(status) == RMI_ERROR_REALM ? -EPERM : ret;
}

/*
 * A vCPU with the realm's next index, whose REC exists; it is not yet among the realm's vCPUs.
 * Caller holds realm.lock, realm is NEW. Errors: ENOMEM, EDQUOT, EREMOTEIO, EPERM, EPROTO, and
 * nothing is left then.
 */
struct caec_vcpu *caec_vcpu_new(struct caec_realm *realm, const struct caec_vcpu_params *params)
{
	struct caec_vcpu *vcpu = new_vcpu(realm, params);
	int ret;

	if (!vcpu) {
		return ERR_PTR(-ENOMEM);
	}
	ret = alloc_granules(vcpu);
	if (!ret) {
		ret = create_rec(vcpu, params);
	}
	if (ret) {
		free_granules(vcpu);
		caec_vcpu_free(vcpu);
		return ERR_PTR(ret);
	}
	return vcpu;
}
