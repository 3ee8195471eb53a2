// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions of other realms, attached here. They appear in a window of addresses above the memory of
 * this realm, which the device tree names: so no memory has to be given back to the host first, and
 * no page that this kernel manages ever changes its owner under it.
 */
#include <linux/ioport.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "guest.h"

#define HOST_PATIENCE_MS 30000
#define HOST_RETRY_MS    5

static struct resource window = {.name = "csm window", .flags = IORESOURCE_MEM};
static bool have_window; /* under csmdev_lock, as the window's children */

/* EBUSY: it overlaps memory or a device, or there is one already. EINVAL: not whole pages. */
int csmdev_window_set(const struct resource *where)
{
	int ret = 0;

	if (!PAGE_ALIGNED(where->start) || !PAGE_ALIGNED(resource_size(where))) {
		return -EINVAL;
	}
	mutex_lock(&csmdev_lock);
	if (have_window || !request_mem_region_exclusive(where->start, resource_size(where),
							 "confidential shared memory")) {
		ret = -EBUSY;
	} else {
		window.start = where->start;
		window.end = where->end;
		have_window = true;
	}
	mutex_unlock(&csmdev_lock);
	return ret;
}

/* Nothing is attached any more. */
void csmdev_window_drop(void)
{
	mutex_lock(&csmdev_lock);
	if (have_window) {
		release_mem_region(window.start, resource_size(&window));
		have_window = false;
	}
	mutex_unlock(&csmdev_lock);
}

/* Bytes of the window for attachments, 0 if there is none. Takes csmdev_lock. */
u64 csmdev_window_size(void)
{
	u64 size;

	mutex_lock(&csmdev_lock);
	size = have_window ? resource_size(&window) : 0;
	mutex_unlock(&csmdev_lock);
	return size;
}

/* Bytes of the window that no attachment occupies. Takes csmdev_lock. */
u64 csmdev_window_free(void)
{
	struct resource *child;
	u64 size;

	mutex_lock(&csmdev_lock);
	size = have_window ? resource_size(&window) : 0;
	for (child = window.child; child; child = child->sibling) {
		size -= resource_size(child);
	}
	mutex_unlock(&csmdev_lock);
	return size;
}

/* The larger the region, the larger the blocks that can map it. */
static resource_size_t alignment(u64 size)
{
	if (size >= SZ_1G) {
		return SZ_1G;
	}
	return size >= SZ_2M ? SZ_2M : PAGE_SIZE;
}

/* Caller holds csmdev_lock. */
static int place(struct resource *where, u64 size)
{
	resource_size_t align = alignment(size);

	while (allocate_resource(&window, where, size, window.start, window.end, align, NULL,
				 NULL)) {
		if (align == PAGE_SIZE) {
			return -EADDRNOTAVAIL;
		}
		align = align == SZ_1G ? SZ_2M : PAGE_SIZE;
	}
	return 0;
}

/*
 * Addresses in the window for an attachment that is being made. ENODEV: no window; EADDRNOTAVAIL:
 * no free range is large enough; ENOMEM. Takes csmdev_lock; give_window() undoes it.
 */
static int take_window(struct csmdev_obj *obj)
{
	struct resource *where = kzalloc(sizeof(*where), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!where) {
		return -ENOMEM;
	}
	where->name = "csm attachment";
	where->flags = IORESOURCE_MEM;
	mutex_lock(&csmdev_lock);
	ret = have_window ? place(where, obj->size) : -ENODEV;
	mutex_unlock(&csmdev_lock);
	if (ret) {
		kfree(where);
		return ret;
	}
	obj->window = where;
	obj->base = where->start;
	return 0;
}

static void give_window(struct csmdev_obj *obj)
{
	mutex_lock(&csmdev_lock);
	release_resource(obj->window);
	mutex_unlock(&csmdev_lock);
	kfree(obj->window);
}

/* ------------------------------------------------------------------ attach */

/*
 * EINVAL: the policy is malformed. EIO: without a policy the RMM refuses the window's addresses.
 * EADDRINUSE: the RMM has a reservation that is not this module's, as a kernel that ran here before
 * may have left it.
 */
static int reserve(struct csmdev_obj *obj, const struct rsi_csm_policy *policy)
{
	struct csmdev_regs regs = {
		.x = {RSI_CSM_RESERVE_FID, obj->provider, obj->region, obj->base, obj->size,
		      policy ? virt_to_phys(policy) : 0},
	};
	int ret = csmdev_rsi_finish(&regs, true);

	if (ret) {
		return ret;
	}
	switch (regs.x[0]) {
	case RSI_ERROR_INPUT:
		return policy ? -EINVAL : -EIO;
	case RSI_ERROR_STATE:
		return -EADDRINUSE;
	default:
		return csmdev_errno(regs.x[0]);
	}
}

/* One call of ATTACH. EBUSY: the RMM says "state". */
static int attach_once(struct csmdev_obj *obj)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_ATTACH_FID, obj->provider, obj->region}};
	int ret = csmdev_rsi_finish(&regs, true);

	if (ret) {
		return ret;
	}
	switch (regs.x[0]) {
	case RSI_SUCCESS:
		obj->permissions = regs.x[1] & CSM_PERM_ALL;
		return 0;
	case RSI_ERROR_INPUT: /* the reservation has ended with the access policy table */
		return -ENOTCONN;
	case CSM_ERROR_NO_SPACE:
		return -EUSERS;
	default:
		return csmdev_errno(regs.x[0]);
	}
}

/*
 * Why ATTACH says "state": EBUSY the range is reserved, so the host still has pages of its own
 * there; ENOTCONN the region or the grant has ended; EADDRINUSE it is attached, and not by this
 * call.
 */
static int why_not_attached(const struct csmdev_obj *obj)
{
	struct csm_ioc_query query;
	int ret = csmdev_query_find(obj->provider, obj->region, &query);

	if (ret) {
		return ret;
	}
	switch (query.state) {
	case CSM_STATE_RESERVED:
		return -EBUSY;
	case CSM_STATE_ATTACHED:
		return -EADDRINUSE;
	default:
		return -ENOTCONN;
	}
}

/* The host is given some time to take its pages back. */
static int attach(struct csmdev_obj *obj)
{
	unsigned long end = jiffies + msecs_to_jiffies(HOST_PATIENCE_MS);

	for (;;) {
		int ret = attach_once(obj);

		if (ret == -EBUSY) {
			ret = why_not_attached(obj);
		}
		if (ret != -EBUSY) {
			return ret;
		}
		if (time_after(jiffies, end)) {
			return -ETIMEDOUT;
		}
		if (fatal_signal_pending(current)) {
			return -EINTR;
		}
		schedule_timeout_killable(msecs_to_jiffies(HOST_RETRY_MS));
	}
}

/*
 * csmdev_kind.end of an attachment. RSI_ERROR_INPUT: it was never reserved, or has ended with the
 * APT.
 */
static int detach(struct csmdev_obj *obj, bool killable)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_DETACH_AND_FREE_FID, obj->provider, obj->region}};
	int ret;

	if (!obj->window) {
		return 0;
	}
	ret = csmdev_rsi_finish(&regs, killable);
	if (ret) {
		return ret;
	}
	if (regs.x[0] == RSI_SUCCESS || regs.x[0] == RSI_ERROR_INPUT) {
		give_window(obj);
	} else {
		/* Whatever is mapped there, nothing else may ever appear there. */
		pr_err_once("caec_guest: DETACH_AND_FREE: %#llx, addresses stay taken\n",
			    regs.x[0]);
	}
	obj->window = NULL;
	return 0;
}

static const struct csmdev_kind attachment = {.end = detach};

/*
 * Adds the new attachment, reserves addresses for it and attaches. Caller ends obj when this fails,
 * however far it came. Errors: those of CSM_IOC_ATTACH in the interface.
 */
static int make(struct csmdev_obj *obj, const struct rsi_csm_policy *policy)
{
	int ret = csmdev_obj_add(obj);

	if (ret) {
		return ret;
	}
	csmdev_signal_watch();
	csmdev_signal_begin(obj);
	ret = take_window(obj);
	if (ret) {
		return ret;
	}
	ret = reserve(obj, policy);
	return ret ? ret : attach(obj);
}

/*
 * Not yet live. Errors: those of CSM_IOC_ATTACH in the interface. Ending the object undoes however
 * much was done.
 */
struct csmdev_obj *csmdev_attach_make(const struct csm_ioc_attach *req,
				      const struct rsi_csm_policy *policy)
{
	struct csm_ioc_query query;
	struct csmdev_obj *obj;
	int ret;

	if (req->provider_id == csmdev_realm.id || req->provider_id == 0 || req->region_id == 0) {
		return ERR_PTR(-EINVAL);
	}
	ret = csmdev_query_find(req->provider_id, req->region_id, &query);
	if (ret) {
		return ERR_PTR(ret);
	}
	if (req->size != 0 && req->size != query.size) {
		return ERR_PTR(-EMSGSIZE);
	}
	obj = csmdev_obj_new(&attachment, req->provider_id, req->region_id, query.size,
			     query.label);
	if (!obj) {
		return ERR_PTR(-ENOMEM);
	}
	ret = make(obj, policy);
	if (ret) {
		csmdev_obj_put(obj);
		return ERR_PTR(ret);
	}
	obj->sealed = query.query_flags & CSM_FLAG_SEALED;
	return obj;
}
