// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on /dev/csm.
 */
#include <linux/file.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guest.h"

/* CSM_IOC_GET_INFO. The values are read one after the other and need not fit each other. */
static long get_info(void __user *arg)
{
	struct csmdev_counts counts = csmdev_obj_count();
	struct csm_ioc_info info = {
		.revision = CSM_GUEST_REVISION,
		.csm_revision = csmdev_realm.revision,
		.realm_id = csmdev_realm.id,
		.window_size = csmdev_window_size(),
		.window_free = csmdev_window_free(),
		.memory_limit = csmdev_region_limit(),
		.memory_used = csmdev_region_used(),
		.regions = counts.regions,
		.attachments = counts.attachments,
		.signals_lost = csmdev_pending_lost(),
	};

	info.flags = (csmdev_signal_has_irq() ? CSM_IOC_INFO_INTERRUPT : 0) |
		     (info.window_size ? CSM_IOC_INFO_WINDOW : 0) |
		     (csmdev_guard_works() ? CSM_IOC_INFO_MMAP : 0);
	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

/* Shows the answer before the file: a program that cannot read it has not got one. */
static long give_file(struct csmdev_obj *obj, void __user *arg, const void *answer, size_t size)
{
	struct file *file;
	int fd = csmdev_file_open(obj, &file);

	if (fd < 0) {
		return fd;
	}
	if (copy_to_user(arg, answer, size)) {
		put_unused_fd(fd);
		fput(file);
		return -EFAULT;
	}
	fd_install(fd, file);
	return fd;
}

/* The object, live now; or an error, with the object ended. */
static struct csmdev_obj *start(struct csmdev_obj *obj, u32 flags)
{
	int ret = csmdev_obj_set_live(obj, flags & CSM_IOC_PERSISTENT);

	if (ret) {
		csmdev_obj_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/* A sharing that its maker cannot get hold of must not persist. */
static long finish(struct csmdev_obj *obj, void __user *arg, const void *answer, size_t size)
{
	long ret;

	kref_get(&obj->refs);
	ret = give_file(obj, arg, answer, size);
	if (ret < 0) {
		csmdev_obj_end(obj, false);
	}
	csmdev_obj_put(obj);
	return ret;
}

/* CSM_IOC_CREATE. A program that does not get its descriptor has no region either. */
static long create(void __user *arg)
{
	struct csm_ioc_create req;
	struct csmdev_obj *obj;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.flags & ~CSM_IOC_PERSISTENT || req.reserved0 || req.region_id ||
	    memchr_inv(req.reserved1, 0, sizeof(req.reserved1))) {
		return -EINVAL;
	}
	obj = csmdev_region_create(req.size, req.label);
	if (!IS_ERR(obj)) {
		obj = start(obj, req.flags);
	}
	if (IS_ERR(obj)) {
		return PTR_ERR(obj);
	}
	req.size = obj->size;
	req.region_id = obj->region;
	return finish(obj, arg, &req, sizeof(req));
}

static struct csmdev_obj *attach_with_policy(const struct csm_ioc_attach *req)
{
	struct rsi_csm_policy *policy;
	struct csmdev_obj *obj;
	int ret = csmdev_policy_get(req->policy, &policy);

	if (ret) {
		return ERR_PTR(ret);
	}
	obj = csmdev_attach_make(req, policy);
	kfree(policy);
	return IS_ERR(obj) ? obj : start(obj, req->flags);
}

/* CSM_IOC_ATTACH. A program that does not get its descriptor has nothing attached either. */
static long attach(void __user *arg)
{
	struct csm_ioc_attach req;
	struct csmdev_obj *obj;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.flags & ~CSM_IOC_PERSISTENT || req.permissions || req.label ||
	    memchr_inv(req.reserved, 0, sizeof(req.reserved))) {
		return -EINVAL;
	}
	obj = attach_with_policy(&req);
	if (IS_ERR(obj)) {
		return PTR_ERR(obj);
	}
	req.size = obj->size;
	req.permissions = obj->permissions;
	req.label = obj->label;
	return finish(obj, arg, &req, sizeof(req));
}

/* CSM_IOC_OPEN. A new file of a sharing that exists here. Errors: see struct csm_ioc_open. */
static long open_existing(void __user *arg)
{
	struct csm_ioc_open req;
	struct csmdev_obj *obj;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (memchr_inv(req.reserved, 0, sizeof(req.reserved))) {
		return -EINVAL;
	}
	obj = csmdev_obj_find(req.provider_id ? req.provider_id : csmdev_realm.id, req.region_id);
	if (IS_ERR(obj)) {
		return PTR_ERR(obj);
	}
	return give_file(obj, arg, &req, 0);
}

/* CSM_IOC_QUERY. Asks the RMM, so the answer is as new as the call. */
static long query(void __user *arg)
{
	struct csm_ioc_query req;
	int ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.region_id || req.label || req.size || req.permissions || req.state ||
	    req.query_flags || req.reserved0 ||
	    memchr_inv(req.reserved1, 0, sizeof(req.reserved1))) {
		return -EINVAL;
	}
	ret = csmdev_query_next(&req);
	if (ret) {
		return ret;
	}
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/* CSM_IOC_PEER. The RMM vouches for the value (RSI_CSM_PEER). */
static long peer(void __user *arg)
{
	struct csm_ioc_peer req;
	struct csmdev_regs regs = {.x = {RSI_CSM_PEER_FID}};
	int ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.index > CSM_PEER_RPV || req.hash_algo ||
	    memchr_inv(req.value, 0, sizeof(req.value)) ||
	    memchr_inv(req.reserved, 0, sizeof(req.reserved))) {
		return -EINVAL;
	}
	regs.x[1] = req.peer_id;
	regs.x[2] = req.index;
	ret = csmdev_rsi_call(&regs);
	if (ret) {
		return ret;
	}
	memcpy(req.value, &regs.x[1], sizeof(req.value));
	req.hash_algo = regs.x[9];
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/* CSM_IOC_NEXT_ATTACHMENT. Waits for a command about that attachment. */
static long next_attachment(void __user *arg)
{
	struct csm_ioc_sharing req;
	struct csmdev_obj *obj;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.size || req.label || req.permissions || req.flags ||
	    memchr_inv(req.reserved, 0, sizeof(req.reserved))) {
		return -EINVAL;
	}
	obj = csmdev_obj_next_attachment(req.provider_id, req.region_id);
	if (obj) {
		req = csmdev_file_describe(obj);
		csmdev_obj_put(obj);
	} else {
		req = (struct csm_ioc_sharing){0};
	}
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/* CSM_IOC_RECORD. Asks the RMM (RSI_CSM_RECORD). */
static long record(void __user *arg)
{
	struct csm_ioc_record req;
	struct csmdev_regs regs = {.x = {RSI_CSM_RECORD_FID}};
	int ret;

	if (copy_from_user(&req, arg, sizeof(req))) {
		return -EFAULT;
	}
	if (req.size || req.permissions || req.state || req.record_flags || req.reserved0 ||
	    memchr_inv(req.reserved1, 0, sizeof(req.reserved1))) {
		return -EINVAL;
	}
	if (csmdev_realm.revision < ABI_REVISION(1, 2)) {
		return -EOPNOTSUPP;
	}
	regs.x[1] = req.kind;
	regs.x[2] = req.peer_id;
	regs.x[3] = req.region_id;
	ret = csmdev_rsi_call(&regs);
	if (ret) {
		return ret;
	}
	req = (struct csm_ioc_record){
		.kind = rsi_csm_record_kind(regs.x[1]),
		.peer_id = regs.x[2],
		.region_id = regs.x[3],
		.size = regs.x[4],
		.permissions = rsi_csm_record_perm(regs.x[1]),
		.state = rsi_csm_record_state(regs.x[1]),
		.record_flags = rsi_csm_record_flags(regs.x[1]),
	};
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/* Calls on /dev/csm. Every call checks its argument completely before it changes anything. */
static long device_ioctl(struct file *file, unsigned int cmd, unsigned long value)
{
	void __user *arg = (void __user *)value;

	switch (cmd) {
	case CSM_IOC_GET_INFO:
		return get_info(arg);
	case CSM_IOC_CREATE:
		return create(arg);
	case CSM_IOC_ATTACH:
		return attach(arg);
	case CSM_IOC_OPEN:
		return open_existing(arg);
	case CSM_IOC_QUERY:
		return query(arg);
	case CSM_IOC_PEER:
		return peer(arg);
	case CSM_IOC_RECORD:
		return record(arg);
	case CSM_IOC_NEXT_ATTACHMENT:
		return next_attachment(arg);
	default:
		return -ENOTTY;
	}
}

const struct file_operations csmdev_device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};
