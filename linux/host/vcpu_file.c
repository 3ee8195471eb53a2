// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of vCPUs: running, kicking, and the page that is shared with the user.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "caec.h"

static void set_task(struct caec_vcpu *vcpu, struct task_struct *task)
{
	spin_lock(&vcpu->task_lock);
	vcpu->task = task;
	spin_unlock(&vcpu->task_lock);
}

/* CAEC_VCPU_RUN. EBUSY: another thread runs the vCPU; EPERM: the realm is not active. */
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
	vcpu = caec_vcpu_new(realm, params);
	if (IS_ERR(vcpu)) {
		return PTR_ERR(vcpu);
	}
	ret = open_vcpu(vcpu);
	if (ret < 0) {
		caec_vcpu_destroy_rec(vcpu);
		caec_vcpu_free(vcpu);
	}
	return ret;
}
