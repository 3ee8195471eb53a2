// SPDX-License-Identifier: GPL-2.0-only
/*
 * vCPUs: the REC with its auxiliary granules, the file, and how others get its attention.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "caec.h"

/* --------------------------------------------------------------- requests */

/*
 * Makes the vCPU look at its requests soon. The bit is set before the target is told: a thread that
 * has already looked for the last time has interrupts masked, so the interrupt that kick_process
 * sends waits for it and ends its entry at once.
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

/* caec_vcpu_request() for every vCPU that the realm has by now. */
void caec_vcpu_request_all(struct caec_realm *realm, int request)
{
	unsigned int i, n = smp_load_acquire(&realm->num_vcpus);

	for (i = 0; i < n; i++) {
		caec_vcpu_request(realm->vcpus[i], request);
	}
}

/* -------------------------------------------------------------------- file */

static void set_task(struct caec_vcpu *vcpu, struct task_struct *task)
{
	spin_lock(&vcpu->task_lock);
	vcpu->task = task;
	spin_unlock(&vcpu->task_lock);
}

/*
 * CAEC_VCPU_RUN. EBUSY: another thread runs the vCPU; EPERM: the realm is not active; EIO: it has
 * ended.
 */
static long vcpu_run(struct caec_vcpu *vcpu)
{
	long ret;

	if (!mutex_trylock(&vcpu->run_lock)) {
		return -EBUSY;
	}
	set_task(vcpu, current);
	switch (READ_ONCE(vcpu->realm->state)) {
	case CAEC_ACTIVE:
		ret = caec_vcpu_run(vcpu);
		break;
	case CAEC_NEW:
		ret = -EPERM;
		break;
	default:
		ret = -ESHUTDOWN;
		break;
	}
	set_task(vcpu, NULL);
	mutex_unlock(&vcpu->run_lock);
	return ret;
}

/* Calls on a vCPU file, from the process that made the realm only. */
static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct caec_vcpu *vcpu = file->private_data;

	if (vcpu->realm->mm != current->mm) {
		return -EIO;
	}
	switch (cmd) {
	case CAEC_VCPU_RUN:
		return arg ? -EINVAL : vcpu_run(vcpu);
	case CAEC_VCPU_KICK:
		caec_vcpu_request(vcpu, CAEC_REQ_KICK);
		return 0;
	default:
		return -ENOTTY;
	}
}

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct caec_vcpu *vcpu = file->private_data;

	if (vcpu->realm->mm != current->mm) {
		return -EIO;
	}
	if (vma->vm_pgoff != 0 || vma_pages(vma) != 1 || !(vma->vm_flags & VM_SHARED) ||
	    (vma->vm_flags & VM_EXEC)) {
		return -EINVAL;
	}
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP, VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, vcpu->user_page);
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct caec_vcpu *vcpu = file->private_data;

	caec_realm_put(vcpu->realm);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

/* -------------------------------------------------------------- life of REC */

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

/* A file for a vCPU whose REC exists. The file holds the realm. */
static int open_vcpu(struct caec_vcpu *vcpu)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0) {
		return fd;
	}
	file = anon_inode_getfile("[caec-vcpu]", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	kref_get(&vcpu->realm->refs);
	vcpu->realm->vcpus[vcpu->index] = vcpu;
	smp_store_release(&vcpu->realm->num_vcpus, vcpu->index + 1);
	fd_install(fd, file);
	return fd;
}

/*
 * Caller holds realm.lock, realm is NEW. A new vCPU file, or a negative errno. When the REC was
 * made but its file was not, its index is used up: the realm cannot have further vCPUs.
 */
int caec_vcpu_create(struct caec_realm *realm, const struct caec_vcpu_params *params)
{
	struct caec_vcpu *vcpu;
	int ret;

	if (realm->num_vcpus == CAEC_MAX_VCPUS) {
		return -ENOSPC;
	}
	if (params->mpidr != rmi_mpidr_from_index(realm->num_vcpus)) {
		return -EINVAL;
	}
	vcpu = new_vcpu(realm, params);
	if (!vcpu) {
		return -ENOMEM;
	}
	ret = alloc_granules(vcpu);
	if (!ret) {
		ret = create_rec(vcpu, params);
	}
	if (ret) {
		free_granules(vcpu);
		caec_vcpu_free(vcpu);
		return ret;
	}
	ret = open_vcpu(vcpu);
	if (ret < 0) {
		caec_vcpu_destroy_rec(vcpu);
		caec_vcpu_free(vcpu);
	}
	return ret;
}
