// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unprotected half: pages that the realm shares with its virtual machine monitor. They belong
 * to the module, appear at the first touch from either side, and are never delegated.
 */
#include <linux/mm.h>

#include "caec.h"

/* Normal write-back, read and write: MemAttr and S2AP as the host chooses them. */
#define SHARE_ATTRIBUTES                                           \
	(ABI_FIELD_PREP(RMI_DESC_MEMATTR, RMI_MEMATTR_NORMAL_WB) | \
	 ABI_FIELD_PREP(RMI_DESC_S2AP, RMI_S2AP_READ | RMI_S2AP_WRITE))

/*
 * A touch brings the pages around it that are shared too, aligned to this. Bounce buffers are used
 * one after the other: an exit for each of their pages would cost more than the data.
 */
#define AROUND_SIZE SZ_64K

/* For pages that nobody has asked for: no reclaim, and no OOM killer, on their account. */
#define GFP_AROUND (GFP_NOWAIT | __GFP_ACCOUNT)

/*
 * The page shared at ipa (top bit clear), made if need be. Caller holds mem_lock. ENOMEM, or EDQUOT
 * limit of the realm's process reached.
 */
static struct page *get_shared(struct caec_realm *realm, u64 ipa, gfp_t gfp)
{
	struct page *page = xa_load(&realm->shared, ipa >> PAGE_SHIFT);
	int ret;

	if (page) {
		return page;
	}
	ret = caec_charge(realm, 1);
	if (ret) {
		return ERR_PTR(ret);
	}
	page = alloc_page(gfp | __GFP_ZERO);
	if (page && xa_err(xa_store(&realm->shared, ipa >> PAGE_SHIFT, page, gfp))) {
		__free_page(page);
		page = NULL;
	}
	if (!page) {
		caec_uncharge(realm, 1);
		return ERR_PTR(-ENOMEM);
	}
	realm->stats.shared++;
	return page;
}

static int map_unprotected(struct caec_realm *realm, u64 ipa, struct page *page)
{
	u64 status = caec_rmi(RMI_RTT_MAP_UNPROTECTED_FID, caec_rd(realm), realm->alias | ipa,
			      RMI_LEVEL_PAGE, page_to_phys(page) | SHARE_ATTRIBUTES, NULL);

	if (status != RMI_SUCCESS) {
		pr_warn_ratelimited("caec: MAP_UNPROTECTED %#llx: %#llx\n", ipa, status);
		return caec_rmi_refused(realm, RMI_RTT_MAP_UNPROTECTED_FID, status);
	}
	xa_set_mark(&realm->shared, ipa >> PAGE_SHIFT, CAEC_MAPPED);
	realm->stats.share_faults++;
	return 0;
}

/* True when the realm has given up the protected page at ipa: it means to share it, or does. */
static bool is_given_up(struct caec_realm *realm, u64 ipa)
{
	struct caec_rmi_out out;

	return caec_rmi(RMI_RTT_READ_ENTRY_FID, caec_rd(realm), ipa, RMI_LEVEL_PAGE, 0, &out) ==
		       RMI_SUCCESS &&
	       (u8)out.x4 == RMI_RIPAS_EMPTY;
}

/* What is shared around ipa, whose table is there. Pages that cannot be had wait for their own
 * touch. */
static void map_around(struct caec_realm *realm, u64 ipa)
{
	u64 at, base = ipa & ~(u64)(AROUND_SIZE - 1);
	struct page *page;

	for (at = base; at < base + AROUND_SIZE; at += PAGE_SIZE) {
		if (xa_get_mark(&realm->shared, at >> PAGE_SHIFT, CAEC_MAPPED) ||
		    !caec_ram_has(realm, at, PAGE_SIZE) || !is_given_up(realm, at)) {
			continue;
		}
		page = get_shared(realm, at, GFP_AROUND);
		if (IS_ERR(page) || map_unprotected(realm, at, page)) {
			return;
		}
	}
}

/*
 * The realm touched the unprotected alias of its RAM at ipa (top bit clear). 0, ENOMEM, EDQUOT, or
 * EPROTO: the RMM refuses the page.
 */
int caec_share_fault(struct caec_realm *realm, u64 ipa)
{
	struct page *page;
	int ret = 0;

	ipa &= CAEC_PAGE_MASK;
	mutex_lock(&realm->mem_lock);
	page = get_shared(realm, ipa, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(page)) {
		ret = PTR_ERR(page);
	} else if (!xa_get_mark(&realm->shared, ipa >> PAGE_SHIFT, CAEC_MAPPED)) {
		ret = caec_rtt_ensure(realm, realm->alias | ipa, RMI_LEVEL_PAGE);
		if (!ret) {
			ret = map_unprotected(realm, ipa, page);
		}
		if (!ret) {
			map_around(realm, ipa);
		}
	}
	mutex_unlock(&realm->mem_lock);
	return ret;
}

static bool unmap_unprotected(struct caec_realm *realm, u64 ipa)
{
	struct caec_rmi_out out;
	u64 status = caec_rmi(RMI_RTT_UNMAP_UNPROTECTED_FID, caec_rd(realm), realm->alias | ipa,
			      RMI_LEVEL_PAGE, 0, &out);

	if (status != RMI_SUCCESS) {
		pr_warn_ratelimited("caec: UNMAP_UNPROTECTED %#llx: %#llx\n", ipa, status);
	}
	return status == RMI_SUCCESS;
}

static void free_shared(struct caec_realm *realm, unsigned long index, struct page *page)
{
	xa_erase(&realm->shared, index);
	realm->stats.shared--;
	/* A user may still hold the page, for input or output that is under way. */
	put_page(page);
	caec_uncharge(realm, 1);
}

/* Unshares [base, top): from the realm, from all user mappings, then frees. Caller holds mem_lock.
 */
void caec_share_drop(struct caec_realm *realm, u64 base, u64 top)
{
	unsigned long index, last = (top >> PAGE_SHIFT) - 1;
	struct page *page;
	bool zapped = false;

	xa_for_each_range (&realm->shared, index, page, base >> PAGE_SHIFT, last) {
		if (!zapped && realm->file) {
			unmap_mapping_range(realm->file->f_mapping, base, top - base, 1);
			zapped = true;
		}
		if (xa_get_mark(&realm->shared, index, CAEC_MAPPED) &&
		    !unmap_unprotected(realm, (u64)index << PAGE_SHIFT)) {
			continue;
		}
		free_shared(realm, index, page);
		cond_resched();
	}
}

/* Teardown, after the realm and all mappings are gone. */
void caec_share_destroy_all(struct caec_realm *realm)
{
	unsigned long index;
	struct page *page;

	xa_for_each (&realm->shared, index, page) {
		free_shared(realm, index, page);
		cond_resched();
	}
	xa_destroy(&realm->shared);
}

/* Pages around ipa that are there already. One that cannot be put in waits for its own touch. */
static void insert_around(struct caec_realm *realm, struct vm_fault *vmf, u64 ipa)
{
	struct vm_area_struct *vma = vmf->vma;
	u64 first = ipa & ~(u64)(AROUND_SIZE - 1);
	unsigned long index, addr;
	struct page *page;

	xa_for_each_range (&realm->shared, index, page, first >> PAGE_SHIFT,
			   (first + AROUND_SIZE - 1) >> PAGE_SHIFT) {
		if (index < vma->vm_pgoff || index - vma->vm_pgoff >= vma_pages(vma)) {
			continue;
		}
		addr = vma->vm_start + ((index - vma->vm_pgoff) << PAGE_SHIFT);
		vm_insert_page(vma, addr, page); /* EBUSY: it is in */
	}
}

/*
 * The page is put into the caller's table under mem_lock, so that an unshare on another CPU either
 * comes before and gives this access a new page, or comes after and takes this mapping away.
 */
static vm_fault_t share_vm_fault(struct vm_fault *vmf)
{
	struct caec_realm *realm = vmf->vma->vm_private_data;
	u64 ipa = (u64)vmf->pgoff << PAGE_SHIFT;
	struct page *page;
	int ret = -EFAULT;

	mutex_lock(&realm->mem_lock);
	if (realm->state != CAEC_DEAD && caec_ram_has(realm, ipa, PAGE_SIZE)) {
		page = get_shared(realm, ipa, GFP_KERNEL_ACCOUNT);
		ret = IS_ERR(page) ? PTR_ERR(page)
				   : vm_insert_page(vmf->vma, vmf->address & PAGE_MASK, page);
		if (!ret) {
			insert_around(realm, vmf, ipa);
		}
	}
	mutex_unlock(&realm->mem_lock);
	return !ret || ret == -EBUSY ? VM_FAULT_NOPAGE : VM_FAULT_SIGBUS;
}

static const struct vm_operations_struct share_vm_ops = {
	.fault = share_vm_fault,
};

/* mmap of a realm file: the realm lives on while the mapping does, since that holds the file. */
int caec_share_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct caec_realm *realm = file->private_data;

	if (realm->mm != current->mm) {
		return -EIO;
	}
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC)) {
		return -EINVAL;
	}
	vm_flags_mod(vma, VM_MIXEDMAP | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP, VM_MAYEXEC);
	vma->vm_private_data = realm;
	vma->vm_ops = &share_vm_ops;
	return 0;
}
