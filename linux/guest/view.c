// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own view of a sharing, for system calls that copy from it or to it. What is there
 * can vanish at any time, so every access goes through an instruction that has a way out, and the
 * guard leads external aborts there.
 *
 * An own region is seen where this kernel has its memory anyway. An attachment is mapped at the
 * first copy, read-only where the grant is.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "guest.h"

/* NULL: no memory. The frames are beyond this kernel's memory and have no struct page. */
static void *map_attachment(const struct csmdev_obj *obj)
{
	bool writable = READ_ONCE(obj->permissions) & CSM_PERM_WRITE;
	unsigned int count = obj->size >> PAGE_SHIFT, i;
	unsigned long *pfns = kvmalloc_array(count, sizeof(*pfns), GFP_KERNEL_ACCOUNT);
	void *view;

	if (!pfns) {
		return NULL;
	}
	for (i = 0; i < count; i++) {
		pfns[i] = PHYS_PFN(obj->base) + i;
	}
	view = vmap_pfn(pfns, count, writable ? PAGE_KERNEL : PAGE_KERNEL_RO);
	kvfree(pfns);
	return view;
}

static void unmap(struct csmdev_obj *obj, void *view)
{
	if (!obj->own) {
		vunmap(view);
	}
}

/* Caller holds map_lock for writing, and the sharing is mappable. ENOMEM. */
static int make(struct csmdev_obj *obj)
{
	unsigned long start;
	void *view;

	if (obj->view) {
		return 0;
	}
	view = obj->own ? page_address(obj->pages) : map_attachment(obj);
	if (!view) {
		return -ENOMEM;
	}
	start = (unsigned long)view;
	obj->view_guard = csmdev_guard_add(NULL, start, start + obj->size);
	if (!obj->view_guard) {
		unmap(obj, view);
		return -ENOMEM;
	}
	obj->view = view;
	return 0;
}

/*
 * Takes map_lock for reading, with a view there. EOPNOTSUPP: this kernel cannot be guarded; EIO:
 * the sharing has ended; ENOMEM. The lock is not held after an error.
 */
static int enter(struct csmdev_obj *obj)
{
	int ret = csmdev_guard_works() ? 0 : -EOPNOTSUPP;

	while (!ret) {
		down_read(&obj->map_lock);
		if (obj->mappable && obj->view) {
			return 0;
		}
		up_read(&obj->map_lock);
		down_write(&obj->map_lock);
		ret = obj->mappable ? make(obj) : -EIO;
		up_write(&obj->map_lock);
	}
	return ret;
}

/* EIO: memory of the sharing is not there, or cannot be written. */
static int put(char *to, const char *from, size_t size)
{
	for (; size >= sizeof(u64); size -= sizeof(u64)) {
		__put_kernel_nofault(to, from, u64, gone);
		to += sizeof(u64);
		from += sizeof(u64);
	}
	for (; size > 0; size--) {
		__put_kernel_nofault(to, from, u8, gone);
		to++;
		from++;
	}
	return 0;
gone:
	return -EIO;
}

/*
 * Copies size bytes at offset of the sharing to memory of this kernel. The range is within the
 * sharing. EIO: it has ended, or a page of it is gone; some bytes may have been copied. EOPNOTSUPP:
 * this kernel cannot be guarded; ENOMEM. Takes map_lock.
 */
int csmfs_view_read(struct csmdev_obj *obj, u64 offset, void *to, size_t size)
{
	int ret = enter(obj);

	if (!ret) {
		ret = copy_from_kernel_nofault(to, obj->view + offset, size) ? -EIO : 0;
		up_read(&obj->map_lock);
	}
	return ret;
}

/* As csmfs_view_read(), in the other direction. The caller has checked the permission. */
int csmfs_view_write(struct csmdev_obj *obj, u64 offset, const void *from, size_t size)
{
	int ret = enter(obj);

	if (!ret) {
		ret = put(obj->view + offset, from, size);
		up_read(&obj->map_lock);
	}
	return ret;
}

/* Caller holds map_lock for writing and has made the sharing unmappable. */
void csmfs_view_drop(struct csmdev_obj *obj)
{
	if (obj->view) {
		unmap(obj, obj->view);
		csmdev_guard_put(obj->view_guard);
		obj->view = NULL;
	}
}
