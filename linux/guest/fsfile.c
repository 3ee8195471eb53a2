// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: files. There is no page cache: reading copies from the region, mapping shows it.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "csmfs.h"

#define CHUNK SZ_64K

/* -------------------------------------------------------------------- open */

/* Takes over the reference to obj, also when it fails. */
static int add_file(struct file *file, struct csmdev_obj *obj)
{
	struct csmdev_handle *handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);

	if (!handle) {
		csmdev_obj_put(obj);
		return -ENOMEM;
	}
	handle->obj = obj;
	handle->file = file;
	file->private_data = handle;
	mutex_lock(&obj->files_lock);
	list_add_tail(&handle->list, &obj->files);
	mutex_unlock(&obj->files_lock);
	return 0;
}

/* EACCES: to be written, and the grant is read-only; EUCLEAN and others: see fsuse.c. */
static int file_open(struct inode *inode, struct file *file)
{
	struct csmdev_obj *obj = csmfs_use(csmfs_node(inode));
	int ret;

	if (IS_ERR(obj)) {
		return PTR_ERR(obj);
	}
	ret = csmfs_learn(csmfs_node(inode), obj);
	if (!ret && file->f_mode & FMODE_WRITE && !(READ_ONCE(obj->permissions) & CSM_PERM_WRITE)) {
		ret = -EACCES;
	}
	if (ret) {
		csmdev_obj_put(obj);
		return ret;
	}
	return add_file(file, obj);
}

/* ----------------------------------------------------------------- content */

/* One piece. Through a buffer, because the program's memory may be a mapping of the same region. */
static ssize_t read_piece(struct csmdev_obj *obj, loff_t pos, struct iov_iter *to, void *buffer,
			  size_t size)
{
	int ret = csmfs_view_read(obj, pos, buffer, size);
	size_t copied;

	if (ret) {
		return ret;
	}
	copied = copy_to_iter(buffer, size, to);
	return copied ? copied : -EFAULT;
}

static ssize_t write_piece(struct csmdev_obj *obj, loff_t pos, struct iov_iter *from, void *buffer,
			   size_t size)
{
	size_t copied = copy_from_iter(buffer, size, from);
	int ret = copied ? csmfs_view_write(obj, pos, buffer, copied) : -EFAULT;

	return ret ? ret : copied;
}

/*
 * Copies up to count bytes at iocb->ki_pos, all within the file. The bytes copied, or why there are
 * none: EIO the memory is gone, EFAULT, EINTR, ENOMEM, EOPNOTSUPP.
 */
static ssize_t copy(struct kiocb *iocb, struct iov_iter *iter, size_t count,
		    ssize_t (*piece)(struct csmdev_obj *obj, loff_t pos, struct iov_iter *iter,
				     void *buffer, size_t size))
{
	struct csmdev_handle *handle = iocb->ki_filp->private_data;
	size_t most = min_t(size_t, count, CHUNK), done = 0;
	void *buffer = kmalloc(most, GFP_KERNEL_ACCOUNT);
	ssize_t ret = buffer ? 0 : -ENOMEM;

	while (!ret && done < count) {
		ret = piece(handle->obj, iocb->ki_pos, iter, buffer, min(count - done, most));
		if (ret > 0) {
			iocb->ki_pos += ret;
			done += ret;
			ret = fatal_signal_pending(current) ? -EINTR : 0;
		}
		cond_resched();
	}
	kfree_sensitive(buffer);
	return done ? done : ret;
}

static ssize_t read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	loff_t size = i_size_read(file_inode(iocb->ki_filp));
	size_t count = iov_iter_count(to);

	if (iocb->ki_pos >= size || count == 0) {
		return 0;
	}
	return copy(iocb, to, min_t(u64, count, size - iocb->ki_pos), read_piece);
}

/* ENOSPC: at the end of the file. A region has one size for its life. */
static ssize_t write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t ret;

	inode_lock(inode);
	ret = generic_write_checks(iocb, from);
	if (ret > 0) {
		loff_t size = i_size_read(inode);

		ret = iocb->ki_pos < size
			      ? copy(iocb, from, min_t(u64, ret, size - iocb->ki_pos), write_piece)
			      : -ENOSPC;
	}
	inode_unlock(inode);
	return ret;
}

/* -------------------------------------------------------------- attributes */

/* Attaches the region for a moment if its length is not known. No file in it: length 0. */
static int learn(struct csmfs_node *node)
{
	struct csmdev_obj *obj;
	int ret;

	if (READ_ONCE(node->known)) {
		return 0;
	}
	obj = csmfs_use(node);
	if (IS_ERR(obj)) {
		return PTR_ERR(obj);
	}
	ret = csmfs_learn(node, obj);
	csmdev_obj_put(obj);
	return ret == -EUCLEAN ? 0 : ret;
}

static int getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask,
		   unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);
	int ret = mask & (STATX_SIZE | STATX_BLOCKS) ? learn(csmfs_node(inode)) : 0;

	if (ret) {
		return ret;
	}
	generic_fillattr(idmap, mask, inode, stat);
	stat->blocks = DIV_ROUND_UP_ULL(stat->size, 512);
	return 0;
}

/* Times can be set, and are forgotten. EEXIST: O_TRUNC; EPERM: all else, a length included. */
static int setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	int ret = setattr_prepare(idmap, dentry, attr);

	if (ret) {
		return ret;
	}
	if (attr->ia_valid & ATTR_OPEN) {
		return -EEXIST;
	}
	if (attr->ia_valid & (ATTR_SIZE | ATTR_MODE | ATTR_UID | ATTR_GID)) {
		return -EPERM;
	}
	setattr_copy(idmap, d_inode(dentry), attr);
	return 0;
}

const struct inode_operations csmfs_file_iops = {
	.getattr = getattr,
	.setattr = setattr,
};

const struct file_operations csmfs_file_fops = {
	.owner = THIS_MODULE,
	.open = file_open,
	.release = csmdev_file_release,
	.read_iter = read_iter,
	.write_iter = write_iter,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.mmap = csmfs_mmap,
	.get_unmapped_area = thp_get_unmapped_area,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
};
