// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on /dev/caec and on realm files: copying in and out, and everything that can be said
 * about an argument by itself.
 */
#include <linux/module.h>
#include <linux/uaccess.h>

#include "caec.h"

/* ------------------------------------------------------------- /dev/caec */

static long get_info(void __user *arg)
{
	struct caec_info info = {
		.revision = CAEC_HOST_REVISION,
		.num_realms = caec_realm_count(),
		.rmi_lower = caec_rmm.lower,
		.rmi_higher = caec_rmm.higher,
		.features0 = caec_rmm.features0,
		.csm_revision = caec_rmm.csm_revision,
		.granules = caec_granules_delegated(),
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long create_realm(void __user *arg)
{
	struct caec_realm_params params;

	if (copy_from_user(&params, arg, sizeof(params))) {
		return -EFAULT;
	}
	return caec_realm_create(&params);
}

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case CAEC_GET_INFO:
		return get_info((void __user *)arg);
	case CAEC_CREATE_REALM:
		return create_realm((void __user *)arg);
	default:
		return -ENOTTY;
	}
}

const struct file_operations caec_device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.llseek = noop_llseek,
};

/* ------------------------------------------------------------ realm files */

static long realm_init_ripas(struct caec_realm *realm, void __user *arg)
{
	struct caec_range range;

	if (copy_from_user(&range, arg, sizeof(range))) {
		return -EFAULT;
	}
	if (memchr_inv(range.reserved, 0, sizeof(range.reserved))) {
		return -EINVAL;
	}
	return realm->state == CAEC_NEW ? caec_mem_init_ripas(realm, &range) : -EPERM;
}

/*
 * CAEC_POPULATE. What has been populated is told in any case, unless the argument has become
 * unwritable. Caller holds realm.lock.
 */
static long realm_populate(struct caec_realm *realm, void __user *arg)
{
	struct caec_populate req;
	long ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (memchr_inv(req.reserved, 0, sizeof(req.reserved)) || req.done != 0 ||
	    req.flags & ~CAEC_POPULATE_MEASURE) {
		return -EINVAL;
	}
	ret = realm->state == CAEC_NEW ? caec_mem_populate(realm, &req) : -EPERM;
	if (copy_to_user(arg, &req, sizeof(req))) {
		return -EFAULT;
	}
	return ret;
}

static long realm_create_vcpu(struct caec_realm *realm, void __user *arg)
{
	struct caec_vcpu_params params;

	if (copy_from_user(&params, arg, sizeof(params))) {
		return -EFAULT;
	}
	if (memchr_inv(params.reserved, 0, sizeof(params.reserved)) ||
	    params.flags & ~CAEC_VCPU_RUNNABLE) {
		return -EINVAL;
	}
	return realm->state == CAEC_NEW ? caec_vcpu_create(realm, &params) : -EPERM;
}

/* CAEC_ADD_APT. The number of granules is told in any case. Caller holds realm.lock. */
static long realm_add_apt(struct caec_realm *realm, void __user *arg)
{
	struct caec_apt req;
	long ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (memchr_inv(req.reserved, 0, sizeof(req.reserved)) || req.total != 0) {
		return -EINVAL;
	}
	ret = caec_csm_add_apt(realm, &req);
	if (copy_to_user(arg, &req, sizeof(req))) {
		return -EFAULT;
	}
	return ret;
}

/*
 * CAEC_GET_STATS. Takes mem_lock. Counts that running vCPUs change may be of slightly different
 * moments. EFAULT.
 */
static long realm_get_stats(struct caec_realm *realm, void __user *arg)
{
	struct caec_stats stats;

	mutex_lock(&realm->mem_lock);
	stats = realm->stats;
	mutex_unlock(&realm->mem_lock);
	stats.apt = realm->num_apt;
	stats.entries = atomic64_read(&realm->counts[CAEC_COUNT_ENTRY]);
	stats.ripas = atomic64_read(&realm->counts[CAEC_COUNT_RIPAS]);
	stats.psci = atomic64_read(&realm->counts[CAEC_COUNT_PSCI]);
	stats.timer_irqs = atomic64_read(&realm->counts[CAEC_COUNT_TIMER]);
	stats.timer_full = atomic64_read(&realm->counts[CAEC_COUNT_TIMER_FULL]);
	stats.refused = atomic64_read(&realm->refused);
	stats.refused_command = READ_ONCE(realm->refused_command);
	stats.refused_status = READ_ONCE(realm->refused_status);
	return copy_to_user(arg, &stats, sizeof(stats)) ? -EFAULT : 0;
}

/* Calls on a realm file. Caller holds realm.lock, and the realm is not dead. */
static long realm_call(struct caec_realm *realm, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case CAEC_INIT_RIPAS:
		return realm_init_ripas(realm, arg);
	case CAEC_POPULATE:
		return realm_populate(realm, arg);
	case CAEC_CREATE_VCPU:
		return realm_create_vcpu(realm, arg);
	case CAEC_ADD_APT:
		return realm_add_apt(realm, arg);
	case CAEC_ACTIVATE:
		return caec_realm_activate(realm);
	case CAEC_GET_STATS:
		return realm_get_stats(realm, arg);
	default:
		return -ENOTTY;
	}
}

static long realm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct caec_realm *realm = file->private_data;
	long ret;

	if (realm->mm != current->mm) {
		return -EIO;
	}
	if (mutex_lock_interruptible(&realm->lock)) {
		return -EINTR;
	}
	ret = realm->state == CAEC_DEAD ? -ESHUTDOWN : realm_call(realm, cmd, (void __user *)arg);
	mutex_unlock(&realm->lock);
	return ret;
}

static int realm_release(struct inode *inode, struct file *file)
{
	caec_realm_file_closed(file->private_data);
	return 0;
}

const struct file_operations caec_realm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = realm_ioctl,
	.mmap = caec_share_mmap,
	.release = realm_release,
	.llseek = noop_llseek,
};
