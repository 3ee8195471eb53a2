// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: mappings. Unlike those of /dev/csm they may be inherited, moved and partly unmapped, as
 * those of any file; so the guard watches the whole process.
 *
 * The frames are put in as for /dev/csm, without copies. A private mapping is one of the same
 * frames, read-only for ever: a private copy of a page that has no struct page cannot be made.
 */
#include "csmfs.h"

/* SIGBUS beyond the page in which the file ends, as POSIX has it. */
static vm_fault_t huge_fault(struct vm_fault *vmf, unsigned int order)
{
	loff_t size = i_size_read(file_inode(vmf->vma->vm_file));

	if (vmf->pgoff >= DIV_ROUND_UP_ULL(size, PAGE_SIZE)) {
		return VM_FAULT_SIGBUS;
	}
	return csmdev_map_fault(vmf, order);
}

static vm_fault_t fault(struct vm_fault *vmf)
{
	return huge_fault(vmf, 0);
}

/* A part of a mapping, or a copy of it, perhaps in another process. */
static void vma_open(struct vm_area_struct *vma)
{
	vma->vm_private_data = csmdev_guard_process(vma->vm_mm);
}

static void vma_close(struct vm_area_struct *vma)
{
	csmdev_guard_put(vma->vm_private_data);
}

static const struct vm_operations_struct vm_ops = {
	.open = vma_open,
	.close = vma_close,
	.fault = fault,
	.huge_fault = huge_fault,
};

/*
 * file_operations.mmap. EOPNOTSUPP: private and writable, or this kernel cannot be guarded. Writing
 * to a shared mapping needs a file that is open for writing, as the kernel has checked.
 */
int csmfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!csmdev_guard_works()) {
		return -EOPNOTSUPP;
	}
	if (!(vma->vm_flags & VM_SHARED)) {
		if (vma->vm_flags & VM_WRITE) {
			return -EOPNOTSUPP;
		}
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	vm_flags_set(vma, VM_PFNMAP | VM_DONTDUMP);
	vma->vm_private_data = csmdev_guard_process(vma->vm_mm);
	vma->vm_ops = &vm_ops;
	return 0;
}
