// SPDX-License-Identifier: GPL-2.0-only
/*
 * Own regions: memory taken from this kernel in one contiguous piece, because a region is one range
 * of addresses, and given to the RMM to share.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "guest.h"

#define BLOCK_PAGES (SZ_2M / PAGE_SIZE)

static unsigned long memory_limit;
module_param(memory_limit, ulong, 0444);
MODULE_PARM_DESC(memory_limit, "MiB that regions may take together (default: half of the memory)");

static u64 used; /* under csmdev_lock */

/*
 * Sets the limit of memory for regions, half of it where the parameter says nothing. EINVAL: the
 * parameter is more than the memory there is.
 */
int csmdev_region_init(void)
{
	u64 all = (u64)totalram_pages() << PAGE_SHIFT;

	if (memory_limit == 0) {
		memory_limit = all / 2 / SZ_1M;
	}
	return memory_limit > all / SZ_1M ? -EINVAL : 0;
}

/* Bytes that regions may have together. */
u64 csmdev_region_limit(void)
{
	return (u64)memory_limit * SZ_1M;
}

/* Bytes that regions have together now. Takes csmdev_lock. */
u64 csmdev_region_used(void)
{
	u64 value;

	mutex_lock(&csmdev_lock);
	value = used;
	mutex_unlock(&csmdev_lock);
	return value;
}

/* ------------------------------------------------------------------ memory */

static int charge(u64 size)
{
	int ret = 0;

	mutex_lock(&csmdev_lock);
	if (size > csmdev_region_limit() - used) {
		ret = -EDQUOT;
	} else {
		used += size;
	}
	mutex_unlock(&csmdev_lock);
	return ret;
}

static void uncharge(u64 size)
{
	mutex_lock(&csmdev_lock);
	used -= size;
	mutex_unlock(&csmdev_lock);
}

static void free_pages_of(struct page *pages, u64 size)
{
	free_contig_range(page_to_pfn(pages), size >> PAGE_SHIFT);
}

/*
 * Pieces of whole 2 MiB blocks are found at multiples of 2 MiB, because the search starts at, and
 * goes on by, multiples of the size. What is beyond the size goes back at once.
 */
static struct page *alloc_large(u64 size)
{
	u64 whole = round_up(size, SZ_2M);
	struct page *pages = alloc_contig_pages(whole >> PAGE_SHIFT, GFP_KERNEL | __GFP_NOWARN,
						numa_mem_id(), NULL);

	if (pages && whole > size) {
		free_pages_of(pages + (size >> PAGE_SHIFT), whole - size);
	}
	return pages;
}

static struct page *alloc_small(u64 size)
{
	void *pages = alloc_pages_exact(size, GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL);

	return pages ? virt_to_page(pages) : NULL;
}

/* Zeroed, so that nothing this kernel had there before goes to a peer. */
static struct page *alloc_memory(u64 size)
{
	struct page *pages = size < SZ_2M ? alloc_small(size) : alloc_large(size);
	u64 i;

	for (i = 0; pages && i < size >> PAGE_SHIFT; i++) {
		clear_highpage(pages + i);
		if (i % BLOCK_PAGES == 0) {
			cond_resched();
		}
	}
	return pages;
}

/* ---------------------------------------------------------------- creation */

/*
 * csmdev_kind.end of an own region. When the RMM does not know the region it has ended it itself,
 * with the same guarantees (the host took the access policy table away).
 */
static int destroy(struct csmdev_obj *obj, bool killable)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_DESTROY_FID, obj->region}};
	int ret;

	if (!obj->pages) {
		return 0;
	}
	ret = csmdev_rsi_finish(&regs, killable);
	if (ret) {
		return ret;
	}
	if (regs.x[0] == RSI_SUCCESS || regs.x[0] == RSI_ERROR_INPUT) {
		free_pages_of(obj->pages, obj->size);
		uncharge(obj->size);
	} else {
		pr_err_once("caec_guest: DESTROY: %#llx, memory stays allocated\n", regs.x[0]);
	}
	obj->pages = NULL;
	return 0;
}

static const struct csmdev_kind own_region = {.end = destroy};

/* The RMM's part. It cannot be left half-way, and what it does is bounded by the size. */
static int create(struct csmdev_obj *obj)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_CREATE_FID, obj->base, obj->size, obj->label}};

	csmdev_rsi_finish(&regs, false);
	if (regs.x[0] != RSI_SUCCESS) {
		return csmdev_errno(regs.x[0]);
	}
	obj->region = regs.x[1];
	return 0;
}

/*
 * Memory for the region, and its creation by the RMM. On failure both are undone and the charge is
 * given back. EDQUOT, ENOMEM, or the errors of RSI_CSM_CREATE.
 */
static int make(struct csmdev_obj *obj)
{
	int ret = charge(obj->size);

	if (ret) {
		return ret;
	}
	obj->pages = alloc_memory(obj->size);
	if (!obj->pages) {
		uncharge(obj->size);
		return -ENOMEM;
	}
	obj->base = page_to_phys(obj->pages);
	ret = create(obj);
	if (ret) {
		free_pages_of(obj->pages, obj->size);
		obj->pages = NULL;
		uncharge(obj->size);
	}
	return ret;
}

/* Not yet live. Errors: those of CSM_IOC_CREATE in the interface. */
struct csmdev_obj *csmdev_region_create(u64 size, u64 label)
{
	struct csmdev_obj *obj;
	int ret;

	if (size == 0) {
		return ERR_PTR(-EINVAL);
	}
	if (size > csmdev_region_limit()) {
		return ERR_PTR(-EDQUOT);
	}
	obj = csmdev_obj_new(&own_region, csmdev_realm.id, 0, PAGE_ALIGN(size), label);
	if (!obj) {
		return ERR_PTR(-ENOMEM);
	}
	obj->permissions = CSM_PERM_READ | CSM_PERM_WRITE;
	ret = make(obj);
	if (!ret) {
		ret = csmdev_obj_add(obj);
	}
	if (!ret) {
		csmdev_signal_watch();
	} else {
		csmdev_obj_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/* ---------------------------------------------------------------- commands */

/*
 * What the RMM says about an own region after it has refused a command with RSI_ERROR_STATE: 0, or
 * ENOTCONN it has no such region any more, EINPROGRESS it is being destroyed, EINTR. Caller holds
 * obj->lock, so no command of this module about the region is under way.
 */
static int ask(const struct csmdev_obj *obj, struct csm_ioc_query *query)
{
	int ret = csmdev_query_find(obj->provider, obj->region, query);

	if (ret == -EACCES && obj->own) {
		return -ENOTCONN;
	}
	if (!ret && obj->own && query->query_flags & CSM_FLAG_ENDING) {
		return -EINPROGRESS;
	}
	return ret;
}

/* RSI_ERROR_INPUT, about an own region: ENOTCONN it has gone, or what the caller says it means. */
static int input_error(const struct csmdev_obj *obj, int otherwise)
{
	struct csm_ioc_query query;
	int ret = csmdev_query_find(obj->provider, obj->region, &query);

	if (ret == -EACCES) {
		return -ENOTCONN;
	}
	return ret ? ret : otherwise;
}

static int share_error(const struct csmdev_obj *obj, u64 status)
{
	struct csm_ioc_query query;
	int ret;

	switch (status) {
	case RSI_ERROR_INPUT:
		return input_error(obj, -EINVAL);
	case RSI_ERROR_STATE:
		ret = ask(obj, &query);
		return ret ? ret : -EEXIST;
	default:
		return csmdev_errno(status);
	}
}

/* The RMM reads the policy at its address here; policy is NULL or from csmdev_policy_get(). */
int csmdev_region_share(struct csmdev_obj *obj, const struct csm_ioc_share *req,
			const struct rsi_csm_policy *policy)
{
	struct csmdev_regs regs = {
		.x = {RSI_CSM_SHARE_FID, obj->region, req->consumer_id, req->permissions,
		      policy ? virt_to_phys(policy) : 0},
	};
	int ret;

	mutex_lock(&obj->lock);
	ret = csmdev_obj_check(obj);
	if (!ret && obj->sealed && req->permissions & CSM_PERM_WRITE) {
		ret = -EPERM;
	}
	if (!ret) {
		ret = csmdev_rsi_finish(&regs, true);
	}
	if (!ret) {
		ret = share_error(obj, regs.x[0]);
	}
	mutex_unlock(&obj->lock);
	return ret;
}

static int revoke_error(const struct csmdev_obj *obj, u64 status)
{
	struct csm_ioc_query query;
	int ret;

	switch (status) {
	case RSI_ERROR_INPUT:
		return input_error(obj, -ENOENT);
	case RSI_ERROR_STATE:
		ret = ask(obj, &query);
		return ret ? ret : -EIO;
	default:
		return csmdev_errno(status);
	}
}

/*
 * Ends the grant of consumer, CSM_REALM_ANY for the one to whoever meets its policy
 * (RSI_CSM_REVOKE). Takes obj->lock. Errors: those of CSM_IOC_REVOKE in the interface.
 */
int csmdev_region_revoke(struct csmdev_obj *obj, u64 consumer)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_REVOKE_FID, obj->region, consumer}};
	int ret;

	mutex_lock(&obj->lock);
	ret = csmdev_obj_check(obj);
	if (!ret) {
		ret = csmdev_rsi_finish(&regs, true);
	}
	if (!ret) {
		ret = revoke_error(obj, regs.x[0]);
	}
	mutex_unlock(&obj->lock);
	return ret;
}

/* Only on the RMM's word: programs rely on it that nobody writes any more. */
static void set_sealed(struct csmdev_obj *obj)
{
	obj->sealed = true;
	obj->permissions &= ~(u32)CSM_PERM_WRITE;
}

/* RSI_ERROR_STATE stands for a region that is sealed, and for one that is being destroyed. */
static int seal_error(struct csmdev_obj *obj, u64 status)
{
	struct csm_ioc_query query;
	int ret;

	switch (status) {
	case RSI_SUCCESS:
		set_sealed(obj);
		return 0;
	case RSI_ERROR_INPUT:
		return input_error(obj, -EIO);
	case RSI_ERROR_STATE:
		ret = ask(obj, &query);
		if (!ret && query.query_flags & CSM_FLAG_SEALED) {
			set_sealed(obj);
			ret = -EALREADY;
		}
		return ret ? ret : -EIO;
	default:
		return csmdev_errno(status);
	}
}

/*
 * Nobody writes to the region any more (RSI_CSM_SEAL). Takes obj->lock. Errors: those of
 * CSM_IOC_SEAL in the interface; the region counts as sealed only on the word of the RMM.
 */
int csmdev_region_seal(struct csmdev_obj *obj)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_SEAL_FID, obj->region}};
	int ret;

	mutex_lock(&obj->lock);
	ret = csmdev_obj_check(obj);
	if (!ret) {
		ret = csmdev_rsi_finish(&regs, true);
	}
	if (!ret) {
		ret = seal_error(obj, regs.x[0]);
	}
	mutex_unlock(&obj->lock);
	return ret;
}

static int digest_error(const struct csmdev_obj *obj, u64 status)
{
	struct csm_ioc_query query;
	int ret;

	if (status != RSI_ERROR_STATE) {
		return csmdev_errno(status);
	}
	ret = ask(obj, &query);
	if (ret) {
		return ret;
	}
	return query.query_flags & CSM_FLAG_SEALED ? -EIO : -ENODATA;
}

/* Of an attachment too. */
int csmdev_region_digest(struct csmdev_obj *obj, struct csm_ioc_digest *digest)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_DIGEST_FID, obj->provider, obj->region}};
	int ret;

	mutex_lock(&obj->lock);
	ret = csmdev_obj_check(obj);
	if (!ret) {
		ret = csmdev_rsi_finish(&regs, true);
	}
	if (!ret) {
		ret = digest_error(obj, regs.x[0]);
	}
	mutex_unlock(&obj->lock);
	if (!ret) {
		memcpy(digest->value, &regs.x[1], sizeof(digest->value));
	}
	return ret;
}
