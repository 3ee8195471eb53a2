// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/caec-probe: lets root map any page of RAM, as a host that wants to read a realm's memory
 * would. For the demonstration and for tests; not part of the product.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>

static int probe_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != PAGE_SIZE || (vma->vm_flags & VM_WRITE)) {
		return -EINVAL;
	}
	if (!pfn_valid(vma->vm_pgoff)) {
		return -ENXIO;
	}
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, PAGE_SIZE, vma->vm_page_prot);
}

static const struct file_operations probe_fops = {
	.owner = THIS_MODULE,
	.mmap = probe_mmap,
};

static struct miscdevice probe = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "caec-probe",
	.fops = &probe_fops,
	.mode = 0400,
};
module_misc_device(probe);

MODULE_DESCRIPTION("CAEC: maps physical pages, to show that a realm's cannot be read");
MODULE_LICENSE("GPL");
