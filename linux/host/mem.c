// SPDX-License-Identifier: GPL-2.0-only
/*
 * The protected half of a realm: pages that are handed over on demand, and their RIPAS.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "caec.h"

/* ------------------------------------------------------------- INIT_RIPAS */

static bool range_valid(struct caec_realm *realm, u64 base, u64 size)
{
	return size > 0 && PAGE_ALIGNED(base) && PAGE_ALIGNED(size) && base < realm->alias &&
	       size <= realm->alias - base;
}

/*
 * What a refusal of INIT_RIPAS means where a table more does not help (RMM specification, B4.3.18).
 * EEXIST: a page of the range is populated. EPERM: the RMM holds the realm as active.
 */
static int init_ripas_error(struct caec_realm *realm, u64 status)
{
	int ret = caec_rmi_refused(realm, RMI_RTT_INIT_RIPAS_FID, status);

	switch (rmi_status_code(status)) {
	case RMI_ERROR_REALM:
		return -EPERM;
	case RMI_ERROR_RTT:
		return rmi_status_level(status) == RMI_LEVEL_PAGE ? -EEXIST : ret;
	default:
		return ret;
	}
}

/* One INIT_RIPAS: the base of what is left, or a negative errno. */
static s64 init_ripas_step(struct caec_realm *realm, u64 base, u64 top)
{
	struct caec_rmi_out out;
	u64 status = caec_rmi(RMI_RTT_INIT_RIPAS_FID, caec_rd(realm), base, top, 0, &out);
	int level = rmi_status_level(status);
	int ret;

	if (status == RMI_SUCCESS && out.x1 > base && out.x1 <= top) {
		return out.x1;
	}
	if (rmi_status_code(status) != RMI_ERROR_RTT || level >= RMI_LEVEL_PAGE || level < 1) {
		return init_ripas_error(realm, status);
	}
	ret = caec_rtt_ensure(realm, base, level + 1);
	return ret ? ret : base;
}

/* EPROTO: the RMM wants a table that is there. */
static int init_ripas(struct caec_realm *realm, u64 base, u64 top)
{
	unsigned int stuck = 0;

	while (base < top) {
		s64 next = init_ripas_step(realm, base, top);

		if (next < 0) {
			return next;
		}
		stuck = (u64)next == base ? stuck + 1 : 0;
		if (stuck > 3) {
			return caec_rmi_refused(realm, RMI_RTT_INIT_RIPAS_FID, RMI_ERROR_RTT);
		}
		if (fatal_signal_pending(current)) {
			return -EINTR;
		}
		base = next;
		cond_resched();
	}
	return 0;
}

/* Caller holds realm.lock, realm is NEW. */
int caec_mem_init_ripas(struct caec_realm *realm, const struct caec_range *range)
{
	u64 top = range->base + range->size;
	int ret;

	if (!range_valid(realm, range->base, range->size)) {
		return -EINVAL;
	}
	if (caec_ram_overlaps(realm, range->base, top)) {
		return -EEXIST;
	}
	if (realm->num_ram == CAEC_MAX_RAM) {
		return -ENOSPC;
	}
	mutex_lock(&realm->mem_lock);
	ret = init_ripas(realm, range->base, top);
	mutex_unlock(&realm->mem_lock);
	return ret ? ret : caec_ram_add(realm, range->base, top);
}

/* --------------------------------------------------------------- populate */

/*
 * What a refusal of DATA_CREATE or DATA_CREATE_UNKNOWN means (RMM specification, B4.3.1, B4.3.2),
 * given that all tables are there. EPERM: the RMM holds the realm as active. EADDRINUSE: the RMM
 * has something at the address that this module has not put there.
 */
static int assign_error(struct caec_realm *realm, u32 fid, u64 status)
{
	int ret = caec_rmi_refused(realm, fid, status);

	switch (rmi_status_code(status)) {
	case RMI_ERROR_REALM:
		return -EPERM;
	case RMI_ERROR_RTT:
		return rmi_status_level(status) == RMI_LEVEL_PAGE ? -EADDRINUSE : ret;
	default:
		return ret;
	}
}

/*
 * Notes page as the data of ipa, then asks the RMM. On failure the page is freed. EEXIST: there is
 * one already; ENOMEM; or the errors of assign_error().
 */
static int assign(struct caec_realm *realm, u64 ipa, struct page *page, bool copy, u64 flags)
{
	u64 pa = page_to_phys(page);
	u32 fid = copy ? RMI_DATA_CREATE_FID : RMI_DATA_CREATE_UNKNOWN_FID;
	u64 status;
	int ret;

	ret = xa_insert(&realm->data, ipa >> PAGE_SHIFT, page, GFP_KERNEL_ACCOUNT);
	if (ret) {
		caec_granule_free(realm, page);
		return ret == -EBUSY ? -EEXIST : ret;
	}
	if (copy) {
		status = caec_rmi_data_create(caec_rd(realm), pa, ipa, page_to_phys(realm->bounce),
					      flags);
	} else {
		status = caec_rmi(fid, caec_rd(realm), pa, ipa, 0, NULL);
	}
	if (status == RMI_SUCCESS) {
		realm->stats.data++;
		return 0;
	}
	xa_erase(&realm->data, ipa >> PAGE_SHIFT);
	caec_granule_free(realm, page);
	pr_debug("caec: DATA_CREATE %#llx: %#llx\n", ipa, status);
	return assign_error(realm, fid, status);
}

static int populate_page(struct caec_realm *realm, u64 ipa, u64 flags)
{
	struct page *page;
	int ret;

	mutex_lock(&realm->mem_lock);
	ret = caec_rtt_ensure(realm, ipa, RMI_LEVEL_PAGE);
	if (!ret) {
		page = caec_granule_alloc(realm);
		ret = IS_ERR(page) ? PTR_ERR(page) : assign(realm, ipa, page, true, flags);
	}
	mutex_unlock(&realm->mem_lock);
	return ret;
}

/* Caller holds realm.lock, realm is NEW. req->done counts what succeeded, whatever is returned. */
int caec_mem_populate(struct caec_realm *realm, struct caec_populate *req)
{
	void *bounce = page_address(realm->bounce);
	u64 flags = req->flags & CAEC_POPULATE_MEASURE ? RMI_DATA_FLAG_MEASURE : 0;
	int ret;

	req->done = 0;
	if (!range_valid(realm, req->ipa, req->size)) {
		return -EINVAL;
	}
	while (req->done < req->size) {
		if (copy_from_user(bounce, u64_to_user_ptr(req->user_addr + req->done),
				   PAGE_SIZE)) {
			return -EFAULT;
		}
		ret = populate_page(realm, req->ipa + req->done, flags);
		if (ret) {
			return ret;
		}
		req->done += PAGE_SIZE;
		if ((signal_pending(current) || caec_rmm.stopping) && req->done < req->size) {
			return -EINTR;
		}
		cond_resched();
	}
	return 0;
}

/* ------------------------------------------------------------------ faults */

/*
 * True when part of [ipa, ipa + size) is reserved for pages of another realm. Caller holds
 * mem_lock.
 */
bool caec_mem_is_consumed(struct caec_realm *realm, u64 ipa, u64 size)
{
	unsigned long index = ipa >> PAGE_SHIFT;

	return mt_find(&realm->consumed, &index, (ipa + size - 1) >> PAGE_SHIFT);
}

static bool block_possible(struct caec_realm *realm, u64 base)
{
	unsigned long index = base >> PAGE_SHIFT;

	return caec_ram_has(realm, base, CAEC_BLOCK_SIZE) &&
	       !xa_find(&realm->data, &index, index + CAEC_BLOCK_PAGES - 1, XA_PRESENT) &&
	       !caec_mem_is_consumed(realm, base, CAEC_BLOCK_SIZE);
}

/* 0 when the page at ipa is there, whatever became of its neighbours. */
static int fault_block(struct caec_realm *realm, u64 ipa)
{
	u64 base = ipa & ~(u64)(CAEC_BLOCK_SIZE - 1);
	struct page *first;
	unsigned int i;
	int ret;

	ret = caec_rtt_ensure(realm, base, RMI_LEVEL_PAGE);
	if (!ret) {
		ret = caec_granule_alloc_block(realm, &first);
	}
	if (ret) {
		return ret;
	}
	for (i = 0; i < CAEC_BLOCK_PAGES; i++) {
		ret = assign(realm, base + i * PAGE_SIZE, first + i, false, 0);
		if (ret) {
			/* assign has freed page i; the rest has not been used. */
			while (++i < CAEC_BLOCK_PAGES) {
				caec_granule_free(realm, first + i);
			}
			return xa_load(&realm->data, ipa >> PAGE_SHIFT) ? 0 : ret;
		}
	}
	caec_rtt_try_fold(realm, base);
	return 0;
}

static int fault_page(struct caec_realm *realm, u64 ipa)
{
	struct page *page;
	int ret = caec_rtt_ensure(realm, ipa, RMI_LEVEL_PAGE);

	if (ret) {
		return ret;
	}
	page = caec_granule_alloc(realm);
	return IS_ERR(page) ? PTR_ERR(page) : assign(realm, ipa, page, false, 0);
}

/*
 * Supplies protected memory at ipa, a whole 2 MiB where nothing is there yet and memory allows.
 * In a range that the realm takes from another one only the table is made: its pages are not ours.
 * 0 (also when somebody else was faster), EFAULT outside RAM, or the errors of caec_granule_alloc()
 * and of assign().
 */
int caec_mem_fault(struct caec_realm *realm, u64 ipa)
{
	int ret;

	ipa &= CAEC_PAGE_MASK;
	mutex_lock(&realm->mem_lock);
	if (caec_mem_is_consumed(realm, ipa, PAGE_SIZE)) {
		ret = caec_rtt_ensure(realm, ipa, RMI_LEVEL_PAGE);
	} else if (!caec_ram_has(realm, ipa, PAGE_SIZE)) {
		ret = -EFAULT;
	} else if (xa_load(&realm->data, ipa >> PAGE_SHIFT)) {
		ret = 0;
	} else {
		ret = -ENOMEM;
		if (block_possible(realm, ipa & ~(u64)(CAEC_BLOCK_SIZE - 1))) {
			ret = fault_block(realm, ipa);
		}
		if (ret) {
			ret = fault_page(realm, ipa);
		}
		realm->stats.faults++;
	}
	mutex_unlock(&realm->mem_lock);
	return ret;
}

/* ----------------------------------------------------------------- destroy */

/* Takes the page at ipa back and frees it. Caller holds mem_lock. ENOENT when there is none. */
int caec_mem_data_destroy(struct caec_realm *realm, u64 ipa)
{
	struct page *page = xa_load(&realm->data, ipa >> PAGE_SHIFT);
	struct caec_rmi_out out;
	u64 status;
	int ret;

	if (!page) {
		return -ENOENT;
	}
	/* A block has no entry of its own for the page: take it apart first. */
	ret = caec_rtt_ensure(realm, ipa, RMI_LEVEL_PAGE);
	if (ret) {
		return ret;
	}
	status = caec_rmi(RMI_DATA_DESTROY_FID, caec_rd(realm), ipa, 0, 0, &out);
	if (status != RMI_SUCCESS || WARN_ON_ONCE(out.x1 != page_to_phys(page))) {
		pr_warn_ratelimited("caec: DATA_DESTROY %#llx: %#llx\n", ipa, status);
		return caec_rmi_refused(realm, RMI_DATA_DESTROY_FID, status);
	}
	xa_erase(&realm->data, ipa >> PAGE_SHIFT);
	realm->stats.data--;
	caec_granule_free(realm, page);
	return 0;
}

/*
 * Takes back what the realm has in [base, top) and makes the tables for somebody else's pages: none
 * of level 3 where a whole 2 MiB may become one block. What cannot be taken back stays, and the
 * RMM then refuses the attachment. Caller holds mem_lock.
 */
static void take_back(struct caec_realm *realm, u64 base, u64 top)
{
	struct page *page;
	unsigned long index;
	u64 at;

	xa_for_each_range (&realm->data, index, page, base >> PAGE_SHIFT, (top >> PAGE_SHIFT) - 1) {
		if (caec_mem_data_destroy(realm, (u64)index << PAGE_SHIFT)) {
			return;
		}
		cond_resched();
	}
	for (at = base; at < top; at = (at | (CAEC_BLOCK_SIZE - 1)) + 1) {
		bool whole = !(at & (CAEC_BLOCK_SIZE - 1)) && top - at >= CAEC_BLOCK_SIZE;

		if (caec_rtt_ensure(realm, at, whole ? 2 : RMI_LEVEL_PAGE)) {
			return;
		}
		if (whole) {
			caec_rtt_fold_empty(realm, at);
		}
		cond_resched();
	}
}

/*
 * The realm has reserved [base, top) for pages of another one: its own there are taken back, and
 * are not supplied again until caec_mem_unreserve(). Takes mem_lock. 0, also for a range that is
 * reserved already; ENOMEM.
 */
int caec_mem_reserve(struct caec_realm *realm, u64 base, u64 top)
{
	int ret;

	mutex_lock(&realm->mem_lock);
	ret = mtree_insert_range(&realm->consumed, base >> PAGE_SHIFT, (top >> PAGE_SHIFT) - 1,
				 xa_mk_value(1), GFP_KERNEL_ACCOUNT);
	if (!ret || ret == -EEXIST) {
		take_back(realm, base, top);
		ret = 0;
	}
	mutex_unlock(&realm->mem_lock);
	return ret;
}

/*
 * The reservation that begins at base has ended. Reservations end as they were made: the entry that
 * holds base is the range. Takes mem_lock.
 */
void caec_mem_unreserve(struct caec_realm *realm, u64 base)
{
	mutex_lock(&realm->mem_lock);
	mtree_erase(&realm->consumed, base >> PAGE_SHIFT);
	mutex_unlock(&realm->mem_lock);
}

/*
 * Teardown: all data. The table of each 2 MiB goes as soon as its last page has gone, so that one
 * spare granule is enough to take apart every block, however short memory is.
 */
void caec_mem_destroy_all(struct caec_realm *realm)
{
	const u64 none = ~0ULL;
	struct page *page;
	unsigned long index;
	u64 last = none;

	xa_for_each (&realm->data, index, page) {
		u64 ipa = (u64)index << PAGE_SHIFT;
		u64 base = ipa & ~(u64)(CAEC_BLOCK_SIZE - 1);

		if (last != none && last != base) {
			caec_rtt_destroy_one(realm, last, RMI_LEVEL_PAGE);
		}
		last = base;
		if (caec_mem_data_destroy(realm, ipa)) {
			caec_granule_free(realm,
					  page); /* fails too, most likely, and counts it as lost */
		}
		cond_resched();
	}
	xa_destroy(&realm->data);
	xa_destroy(&realm->blocks);
	mtree_destroy(&realm->consumed);
}

/* ------------------------------------------------------------------- RIPAS */

/*
 * One SET_RIPAS: the base of what is left, or a negative errno (RMM specification, B4.3.21). Caller
 * holds mem_lock.
 */
static s64 set_ripas_step(struct caec_vcpu *vcpu, u64 base, u64 top)
{
	struct caec_realm *realm = vcpu->realm;
	struct caec_rmi_out out;
	u64 status = caec_rmi(RMI_RTT_SET_RIPAS_FID, caec_rd(realm), page_to_phys(vcpu->rec), base,
			      top, &out);
	int level = rmi_status_level(status);
	int ret;

	if (status == RMI_SUCCESS && out.x1 > base && out.x1 <= top) {
		return out.x1;
	}
	/* The range ends or begins inside a bigger entry: a table there makes it smaller. */
	if (rmi_status_code(status) != RMI_ERROR_RTT || level >= RMI_LEVEL_PAGE || level < 1) {
		return caec_rmi_refused(realm, RMI_RTT_SET_RIPAS_FID, status);
	}
	ret = caec_rtt_ensure(realm, base, level + 1);
	return ret ? ret : base;
}

/*
 * Carries out what the realm asked for by RSI_IPA_STATE_SET, as far as it goes: the realm learns
 * how far that was and asks again. Shared pages go when the range becomes private; private pages
 * stay when it becomes shared, since a realm that shares for a moment usually wants them back.
 */
int caec_mem_ripas_change(struct caec_vcpu *vcpu, u64 base, u64 top, u8 value)
{
	struct caec_realm *realm = vcpu->realm;
	u64 at = base;
	unsigned int stuck = 0;
	s64 next = 0;

	mutex_lock(&realm->mem_lock);
	while (at < top) {
		next = set_ripas_step(vcpu, at, top);
		if (next < 0 || fatal_signal_pending(current)) {
			break;
		}
		stuck = (u64)next == at ? stuck + 1 : 0;
		if (stuck > 3) {
			next = caec_rmi_refused(realm, RMI_RTT_SET_RIPAS_FID, RMI_ERROR_RTT);
			break;
		}
		at = next;
		cond_resched();
	}
	if (value == RMI_RIPAS_RAM && at > base) {
		caec_share_drop(realm, base, at);
	}
	mutex_unlock(&realm->mem_lock);
	return next < 0 && at == base ? (int)next : 0;
}
