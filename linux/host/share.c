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

/* The page shared at ipa (top bit clear), made if need be. Caller holds mem_lock. */
static struct page *get_shared(struct caec_realm *realm, u64 ipa)
{
	struct page *page = xa_load(&realm->shared, ipa >> PAGE_SHIFT);

	if (page || caec_charge(realm, 1)) {
		return page;
	}
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (page && xa_err(xa_store(&realm->shared, ipa >> PAGE_SHIFT, page, GFP_KERNEL_ACCOUNT))) {
		__free_page(page);
		page = NULL;
	}
	if (!page) {
		caec_uncharge(realm, 1);
		return NULL;
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
		return -EIO;
	}
	xa_set_mark(&realm->shared, ipa >> PAGE_SHIFT, CAEC_MAPPED);
	realm->stats.share_faults++;
	return 0;
}

/* The realm touched the unprotected alias of its RAM at ipa (top bit clear). 0, ENOMEM, EIO. */
int caec_share_fault(struct caec_realm *realm, u64 ipa)
{
	struct page *page;
	int ret = 0;

	ipa &= CAEC_PAGE_MASK;
	mutex_lock(&realm->mem_lock);
	page = get_shared(realm, ipa);
	if (!page) {
		ret = -ENOMEM;
	} else if (!xa_get_mark(&realm->shared, ipa >> PAGE_SHIFT, CAEC_MAPPED)) {
		ret = caec_rtt_ensure(realm, realm->alias | ipa, RMI_LEVEL_PAGE);
		if (!ret) {
			ret = map_unprotected(realm, ipa, page);
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

	xa_for_each_range(&realm->shared, index, page, base >> PAGE_SHIFT, last)
	{
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

	xa_for_each(&realm->shared, index, page)
	{
		free_shared(realm, index, page);
		cond_resched();
	}
	xa_destroy(&realm->shared);
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
	if (realm->state != CAEC_DEAD && caec_mem_is_ram(realm, ipa, PAGE_SIZE)) {
		page = get_shared(realm, ipa);
		ret = page ? vm_insert_page(vmf->vma, vmf->address & PAGE_MASK, page) : -ENOMEM;
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
