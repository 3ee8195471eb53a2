// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of sharings: copying in and out, and everything that can be said about an argument by
 * itself.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guest.h"

/*
 * A copy of the policy at a user address, NULL for address 0. kmalloc aligns powers of two to
 * themselves, so the copy lies within one granule, as the RMM demands. Its content is the RMM's to
 * judge.
 */
int csmdev_policy_get(u64 address, struct rsi_csm_policy **policy)
{
	BUILD_BUG_ON(sizeof(**policy) != 256);
	*policy = NULL;
	if (address == 0) {
		return 0;
	}
	*policy = memdup_user(u64_to_user_ptr(address), sizeof(**policy));
	return PTR_ERR_OR_ZERO(*policy);
}

/* ------------------------------------------------------------------- calls */

/* Takes obj->lock, so it waits for a command about this sharing. */
struct csm_ioc_sharing csmdev_file_describe(struct csmdev_obj *obj)
{
	struct csm_ioc_sharing sharing = {
		.provider_id = obj->provider,
		.region_id = obj->region,
		.size = obj->size,
		.label = obj->label,
	};

	mutex_lock(&obj->lock);
	sharing.permissions = obj->permissions;
	sharing.flags = (obj->own ? CSM_IOC_SHARING_OWN : 0) |
			(obj->persistent ? CSM_IOC_SHARING_PERSISTENT : 0) |
			(obj->sealed ? CSM_IOC_SHARING_SEALED : 0) |
			(csmdev_obj_check(obj) ? CSM_IOC_SHARING_ENDED : 0);
	mutex_unlock(&obj->lock);
	return sharing;
}

/* CSM_IOC_GET_SHARING. */
static long get_sharing(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_sharing sharing = csmdev_file_describe(obj);

	return copy_to_user(arg, &sharing, sizeof(sharing)) ? -EFAULT : 0;
}

/*
 * CSM_IOC_SHARE on an own region. The policy is copied before the RMM reads it, so that the program
 * cannot change it meanwhile.
 */
static long share(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_share req;
	struct rsi_csm_policy *policy;
	long ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.reserved0 || memchr_inv(req.reserved1, 0, sizeof(req.reserved1)) ||
	    !(req.permissions & CSM_PERM_READ) || req.permissions & ~CSM_PERM_ALL) {
		return -EINVAL;
	}
	ret = csmdev_policy_get(req.policy, &policy);
	if (ret) {
		return ret;
	}
	ret = csmdev_region_share(obj, &req, policy);
	kfree(policy);
	return ret;
}

static long revoke(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_revoke req;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	return req.reserved ? -EINVAL : csmdev_region_revoke(obj, req.consumer_id);
}

static long digest(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_digest value;
	long ret = csmdev_region_digest(obj, &value);

	if (ret) {
		return ret;
	}
	return copy_to_user(arg, &value, sizeof(value)) ? -EFAULT : 0;
}

static long send_signal_to(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_signal req;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (memchr_inv(req.reserved, 0, sizeof(req.reserved))) {
		return -EINVAL;
	}
	return csmdev_signal_send(obj, req.peer_id, req.bits);
}

static long set_eventfd(struct csmdev_obj *obj, void __user *arg)
{
	struct csm_ioc_notify req;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	return req.reserved ? -EINVAL : csmdev_pending_set_eventfd(obj, req.fd);
}

static long set_persist(struct csmdev_obj *obj, unsigned long value)
{
	if (value > 1) {
		return -EINVAL;
	}
	return csmdev_obj_set_persistent(obj, value);
}

/* Calls that only an own region has: ENOTTY on an attachment. */
static long own_ioctl(struct csmdev_obj *obj, unsigned int cmd, void __user *arg)
{
	if (!obj->own) {
		return -ENOTTY;
	}
	switch (cmd) {
	case CSM_IOC_SHARE:
		return share(obj, arg);
	case CSM_IOC_REVOKE:
		return revoke(obj, arg);
	case CSM_IOC_SEAL:
		return csmdev_region_seal(obj);
	default:
		return -ENOTTY;
	}
}

/* Calls on the file of a sharing. */
static long file_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	struct csmdev_handle *handle = file->private_data;
	struct csmdev_obj *obj = handle->obj;
	void __user *arg = (void __user *)value;

	switch (cmd) {
	case CSM_IOC_GET_SHARING:
		return get_sharing(obj, arg);
	case CSM_IOC_END:
		return csmdev_obj_end(obj, true);
	case CSM_IOC_SET_PERSISTENT:
		return set_persist(obj, value);
	case CSM_IOC_DIGEST:
		return digest(obj, arg);
	case CSM_IOC_SIGNAL:
		return send_signal_to(obj, arg);
	case CSM_IOC_TAKE:
		return csmdev_pending_take(obj, arg);
	case CSM_IOC_SET_EVENTFD:
		return set_eventfd(obj, arg);
	default:
		return own_ioctl(obj, cmd, arg);
	}
}

/* -------------------------------------------------------------------- file */

static __poll_t file_poll(struct file *file, poll_table *table)
{
	struct csmdev_handle *handle = file->private_data;

	return csmdev_pending_poll(handle->obj, file, table);
}

/* The last reference to a sharing file or to one of csmfs is gone. Takes files_lock. */
int csmdev_file_release(struct inode *inode, struct file *file)
{
	struct csmdev_handle *handle = file->private_data;
	struct csmdev_obj *obj = handle->obj;

	mutex_lock(&obj->files_lock);
	list_del(&handle->list);
	mutex_unlock(&obj->files_lock);
	kfree(handle);
	csmdev_obj_put(obj);
	return 0;
}

static const struct file_operations sharing_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = file_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.poll = file_poll,
	.mmap = csmdev_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.release = csmdev_file_release,
	.llseek = noop_llseek,
};

/*
 * A file of the sharing, with a descriptor number that is not yet visible: the caller installs it
 * or gives both back. Takes over the caller's reference, also when it fails.
 */
int csmdev_file_open(struct csmdev_obj *obj, struct file **file)
{
	struct csmdev_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	int fd = handle ? get_unused_fd_flags(O_CLOEXEC) : -ENOMEM;

	if (fd < 0) {
		goto no_fd;
	}
	/* An inode of its own, so that unmapping reaches the mappings of this sharing alone. */
	*file = anon_inode_create_getfile("[csm]", &sharing_fops, handle, O_RDWR, NULL);
	if (IS_ERR(*file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(*file);
		goto no_fd;
	}
	handle->obj = obj;
	handle->file = *file;
	mutex_lock(&obj->files_lock);
	list_add_tail(&handle->list, &obj->files);
	mutex_unlock(&obj->files_lock);
	return fd;
no_fd:
	kfree(handle);
	csmdev_obj_put(obj);
	return fd;
}
