/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that differs between kernel versions, and nothing else. Oldest kernel: 6.13, the first
 * that runs in a realm.
 */
#ifndef CSM_COMPAT_H
#define CSM_COMPAT_H

#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/shmem_fs.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#error "the CAEC guest module needs Linux 6.13 or later"
#endif

/* Page frame numbers lost their own type in 6.17. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
static inline vm_fault_t csmdev_insert_block(struct vm_fault *vmf, unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), write);
}
#else
static inline vm_fault_t csmdev_insert_block(struct vm_fault *vmf, unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pmd(vmf, pfn, write);
}
#endif

/* Flags of a mapping got a type of their own in 7.0. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define csmdev_memory_file(name) shmem_file_setup(name, 0, VM_NORESERVE)
#else
#define csmdev_memory_file(name) shmem_file_setup(name, 0, mk_vma_flags(VMA_NORESERVE_BIT))
#endif

/* What a dentry operation is told, and how a file system sets them, changed in 6.14 and 6.17. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define CSMDEV_REVALIDATE_ARGS struct dentry *dentry, unsigned int flags
#else
#define CSMDEV_REVALIDATE_ARGS \
	struct inode *dir, const struct qstr *name, struct dentry *dentry, unsigned int flags
#endif
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define csmdev_set_dentry_ops(sb, ops) ((sb)->s_d_op = (ops))
#else
#define csmdev_set_dentry_ops(sb, ops) set_default_d_op(sb, ops)
#endif

/* inode_operations.create is called for exclusive creation alike from 7.0 on. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 0, 0)
#define CSMDEV_CREATE_ARGS                                                               \
	struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode, \
		bool exclusive
#else
#define CSMDEV_CREATE_ARGS \
	struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode
#endif

/* The state of an inode got a type of its own in 6.19. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define csmdev_inode_is_new(inode) ((inode)->i_state & I_NEW)
#else
#define csmdev_inode_is_new(inode) (inode_state_read_once(inode) & I_NEW)
#endif

#endif
