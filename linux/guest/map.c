// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharings in user space: page frames without reference counts, put in on access, 2 MiB at a time
 * where both addresses allow it. Nobody in this kernel can hold on to such a page, so taking them
 * out of all user tables is all there is to do before a sharing ends.
 *
 * The frames of an attachment are beyond this kernel's memory. They are mapped as ordinary memory
 * is: Normal, write-back, in the protected half of the address space.
 */
#include "guest.h"

#include "compat.h"

/*
 * Puts the page, or 2 MiB for order 9, at the faulting address into the table of the program.
 * Caller holds map_lock. VM_FAULT_FALLBACK: not with a block, ask again for the page.
 * VM_FAULT_SIGBUS: beyond the region.
 */
static vm_fault_t insert(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct csmdev_handle *handle = vma->vm_file->private_data;
	unsigned long size = PAGE_SIZE << order;
	unsigned long addr = vmf->address & ~(size - 1);
	unsigned long first = vma->vm_pgoff + ((addr - vma->vm_start) >> PAGE_SHIFT);
	unsigned long pages = handle->obj->size >> PAGE_SHIFT;
	unsigned long pfn = PHYS_PFN(handle->obj->base) + first;

	if (order == 0) {
		return first < pages ? vmf_insert_pfn(vma, addr, pfn) : VM_FAULT_SIGBUS;
	}
	if (addr < vma->vm_start || addr + size > vma->vm_end || !IS_ALIGNED(pfn, 1UL << order) ||
	    first >= pages || pages - first < 1UL << order) {
		return VM_FAULT_FALLBACK;
	}
	return csmdev_insert_block(vmf, pfn, vmf->flags & FAULT_FLAG_WRITE);
}

/*
 * Serves an access to a mapping of a struct csmdev_handle. SIGBUS once csmdev_map_forbid() has been
 * called. Takes map_lock.
 */
vm_fault_t csmdev_map_fault(struct vm_fault *vmf, unsigned int order)
{
	struct csmdev_handle *handle = vmf->vma->vm_file->private_data;
	struct csmdev_obj *obj = handle->obj;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (order != 0 && order != PMD_SHIFT - PAGE_SHIFT) {
		return VM_FAULT_FALLBACK;
	}
	down_read(&obj->map_lock);
	if (obj->mappable) {
		ret = insert(vmf, order);
	}
	up_read(&obj->map_lock);
	return ret;
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	return csmdev_map_fault(vmf, 0);
}

static void vma_open(struct vm_area_struct *vma)
{
	csmdev_guard_get(vma->vm_private_data);
}

static void vma_close(struct vm_area_struct *vma)
{
	csmdev_guard_put(vma->vm_private_data);
}

/* One mapping is one range of addresses for its whole life: that is what the guard knows of it. */
static int vma_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int vma_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct vm_ops = {
	.open = vma_open,
	.close = vma_close,
	.may_split = vma_may_split,
	.mremap = vma_mremap,
	.fault = fault,
	.huge_fault = csmdev_map_fault,
};

/* What mprotect may add later is what mmap could have had. Execution the kernel refuses by itself.
 */
static int check_access(struct csmdev_obj *obj, struct vm_area_struct *vma)
{
	if (READ_ONCE(obj->permissions) & CSM_PERM_WRITE) {
		return 0;
	}
	vm_flags_clear(vma, VM_MAYWRITE);
	return vma->vm_flags & VM_WRITE ? -EACCES : 0;
}

static int check_range(struct csmdev_obj *obj, struct vm_area_struct *vma)
{
	u64 pages = obj->size >> PAGE_SHIFT;

	if (!(vma->vm_flags & VM_SHARED)) {
		return -EINVAL;
	}
	return vma->vm_pgoff > pages || vma_pages(vma) > pages - vma->vm_pgoff ? -EINVAL : 0;
}

/* EINVAL not MAP_SHARED or beyond the end, EACCES not permitted, EOPNOTSUPP no guard, ENOMEM. */
int csmdev_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct csmdev_handle *handle = file->private_data;
	struct csmdev_mapping *mapping;
	int ret;

	if (!csmdev_guard_works()) {
		return -EOPNOTSUPP;
	}
	ret = check_range(handle->obj, vma);
	if (!ret) {
		ret = check_access(handle->obj, vma);
	}
	if (ret) {
		return ret;
	}
	mapping = csmdev_guard_add(vma->vm_mm, vma->vm_start, vma->vm_end);
	if (!mapping) {
		return -ENOMEM;
	}
	vm_flags_set(vma, VM_PFNMAP | VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP);
	vma->vm_private_data = mapping;
	vma->vm_ops = &vm_ops;
	return 0;
}

/* From here on accesses to mappings of the sharing are served. Takes map_lock. */
void csmdev_map_allow(struct csmdev_obj *obj)
{
	down_write(&obj->map_lock);
	obj->mappable = true;
	up_write(&obj->map_lock);
}

/* When this returns no table, the kernel's included, holds a page of the sharing, nor will one. */
void csmdev_map_forbid(struct csmdev_obj *obj)
{
	struct csmdev_handle *handle;

	down_write(&obj->map_lock);
	obj->mappable = false;
	csmfs_view_drop(obj);
	up_write(&obj->map_lock);
	mutex_lock(&obj->files_lock);
	list_for_each_entry (handle, &obj->files, list) {
		unmap_mapping_range(handle->file->f_mapping, 0, 0, 1);
	}
	mutex_unlock(&obj->files_lock);
}
