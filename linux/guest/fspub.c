// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: publishing. A region has one size, which is known only when its file is complete. So a new
 * file in "self" is a draft in memory of this kernel; with the last close() of the program that
 * writes it, its content moves into a region that persists, and close() says how that went. A
 * program that is killed publishes nothing.
 */
#include <linux/file.h>
#include <linux/mount.h>
#include <linux/shmem_fs.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>

#include "csmfs.h"

#include "abi/uapi/csmfs.h"

#define CHUNK SZ_64K

/* The store of a draft; NULL: there is none any more. */
static struct file *store_of(struct file *file)
{
	return csmfs_node(file_inode(file))->store;
}

/* -------------------------------------------------------------- publishing */

/* All bytes of the draft, and the record of its length. The region is not live yet. */
static int fill(struct csmdev_obj *obj, struct file *store, u64 length)
{
	struct csmfs_tail tail = {.magic = CSMFS_TAIL_MAGIC, .length = length};
	void *buffer = kmalloc(CHUNK, GFP_KERNEL_ACCOUNT);
	int ret = buffer ? 0 : -ENOMEM;
	loff_t pos = 0;

	while (!ret && pos < length) {
		u64 at = pos;
		ssize_t got = kernel_read(store, buffer, min_t(u64, CHUNK, length - at), &pos);

		if (got <= 0) {
			ret = got ? got : -EIO;
		} else {
			ret = csmfs_view_write(obj, at, buffer, got);
		}
		cond_resched();
	}
	kfree_sensitive(buffer);
	return ret ? ret : csmfs_view_write(obj, obj->size - sizeof(tail), &tail, sizeof(tail));
}

/*
 * A region that persists, with the content of a draft. ENOSPC: the memory for regions or the access
 * policy table is full; ENOMEM: no contiguous memory; ENXIO, EIO, ESHUTDOWN, EOPNOTSUPP. Nothing is
 * left then.
 */
static int publish(struct file *store, u64 length, u64 label)
{
	struct csmdev_obj *obj = csmdev_region_create(length + CSMFS_TAIL_SIZE, label);
	int ret;

	if (IS_ERR(obj)) {
		return PTR_ERR(obj) == -EDQUOT ? -ENOSPC : PTR_ERR(obj);
	}
	csmdev_map_allow(obj); /* for this kernel: nobody else can find it before it is live */
	ret = fill(obj, store, length);
	if (!ret) {
		ret = csmdev_obj_set_live(obj, true);
	}
	csmdev_obj_put(obj);
	return ret;
}

/* True: the program that closes the file dies of a signal. */
static bool is_killed(void)
{
	return current->flags & PF_EXITING && current->exit_code & 0x7f;
}

/* Once for each draft, whatever comes of it. The errors of publish(). */
static int finish(struct file *file)
{
	struct csmfs_node *node = csmfs_node(file_inode(file));
	struct dentry *dentry = file->f_path.dentry;
	struct file *store;
	int ret = 0;

	inode_lock(&node->inode);
	store = node->store;
	node->store = NULL;
	if (store && node->inode.i_nlink > 0 && !is_killed()) {
		ret = publish(store, i_size_read(&node->inode), node->label);
	}
	inode_unlock(&node->inode);
	d_drop(dentry);
	if (store) {
		fput(store);
	}
	return ret;
}

/* With the last descriptor of the file. The errors of publish(), for close(). */
static int draft_flush(struct file *file, fl_owner_t id)
{
	return file_count(file) == 1 ? finish(file) : 0;
}

/* Two threads that close two descriptors at once have both seen another one. */
static int draft_release(struct inode *inode, struct file *file)
{
	int ret = finish(file);

	if (ret) {
		pr_warn_ratelimited("caec_guest: csmfs: a file could not be published: %d\n", ret);
	}
	return 0;
}

/* ----------------------------------------------------------------- content */

/* EBUSY: the draft is another program's. */
static int draft_open(struct inode *inode, struct file *file)
{
	struct csmfs_node *node = csmfs_node(inode);
	int ret = 0;

	mutex_lock(&node->lock);
	if (node->known || !node->store) {
		ret = -EBUSY;
	}
	node->known = true; /* its length, and its writer */
	mutex_unlock(&node->lock);
	return ret;
}

/* As far as there is memory for regions. ENOSPC: not one byte. */
static ssize_t room_for(loff_t pos, size_t count)
{
	u64 used = csmdev_region_used() + CSMFS_TAIL_SIZE, limit = csmdev_region_limit();

	if (used >= limit || pos >= limit - used) {
		return -ENOSPC;
	}
	return min_t(u64, count, limit - used - pos);
}

/* One piece of at most CHUNK bytes; the bytes written, or an errno. */
static ssize_t write_piece(struct file *store, struct kiocb *iocb, struct iov_iter *from,
			   void *buffer)
{
	ssize_t room = room_for(iocb->ki_pos, min_t(size_t, iov_iter_count(from), CHUNK));
	size_t copied;

	if (room < 0) {
		return room;
	}
	copied = copy_from_iter(buffer, room, from);
	return copied ? kernel_write(store, buffer, copied, &iocb->ki_pos) : -EFAULT;
}

/* ENOSPC: no more memory for regions; EPERM: it has been published; EFAULT, ENOMEM. */
static ssize_t draft_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	void *buffer = kmalloc(CHUNK, GFP_KERNEL_ACCOUNT);
	ssize_t ret = buffer ? 0 : -ENOMEM, done = 0;

	inode_lock(inode);
	if (!ret) {
		ret = store_of(iocb->ki_filp) ? generic_write_checks(iocb, from) : -EPERM;
	}
	while (ret > 0 && iov_iter_count(from) > 0) {
		ret = write_piece(store_of(iocb->ki_filp), iocb, from, buffer);
		done += max(ret, 0);
		cond_resched();
	}
	if (done && iocb->ki_pos > i_size_read(inode)) {
		i_size_write(inode, iocb->ki_pos);
	}
	inode_unlock(inode);
	kfree_sensitive(buffer);
	return done ? done : ret;
}

/* What the program has written so far. */
static ssize_t draft_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	size_t size = min_t(size_t, iov_iter_count(to), CHUNK);
	void *buffer = kmalloc(CHUNK, GFP_KERNEL_ACCOUNT);
	ssize_t ret = buffer ? 0 : -ENOMEM;
	loff_t pos = iocb->ki_pos;

	inode_lock(inode);
	if (!ret) {
		ret = store_of(iocb->ki_filp)
			      ? kernel_read(store_of(iocb->ki_filp), buffer, size, &pos)
			      : -EPERM;
	}
	inode_unlock(inode);
	if (ret > 0) {
		ret = copy_to_iter(buffer, ret, to);
		iocb->ki_pos += ret;
		ret = ret ? ret : -EFAULT;
	}
	kfree_sensitive(buffer);
	return ret;
}

static const struct file_operations draft_fops = {
	.open = draft_open,
	.flush = draft_flush,
	.release = draft_release,
	.read_iter = draft_read,
	.write_iter = draft_write,
	.splice_read = copy_splice_read,
	.splice_write = iter_file_splice_write,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
};

/* -------------------------------------------------------------- attributes */

/* The caller holds the lock of the inode. ENOSPC, EPERM: it has been published. */
static int set_length(struct csmfs_node *node, loff_t length)
{
	struct iattr attr = {.ia_valid = ATTR_SIZE, .ia_size = length};
	int ret = node->store ? 0 : -EPERM;

	if (!ret && length > 0 && room_for(length - 1, 1) < 0) {
		ret = -ENOSPC;
	}
	if (ret) {
		return ret;
	}
	inode_lock_nested(file_inode(node->store), I_MUTEX_CHILD);
	ret = notify_change(&nop_mnt_idmap, node->store->f_path.dentry, &attr, NULL);
	inode_unlock(file_inode(node->store));
	if (!ret) {
		i_size_write(&node->inode, length);
	}
	return ret;
}

/* EPERM: mode or owner is changed. Times are forgotten. */
static int draft_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	int ret = setattr_prepare(idmap, dentry, attr);

	if (!ret && attr->ia_valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) {
		ret = -EPERM;
	}
	if (!ret && attr->ia_valid & ATTR_SIZE) {
		ret = set_length(csmfs_node(d_inode(dentry)), attr->ia_size);
	}
	return ret;
}

static const struct inode_operations draft_iops = {
	.setattr = draft_setattr,
};

/*
 * inode_operations.create in "self". ENAMETOOLONG: more than eight bytes; EINVAL: a name that
 * csmfs_entry_name() would not show; EOPNOTSUPP: this kernel cannot be guarded; ENOMEM.
 */
int csmfs_create(CSMDEV_CREATE_ARGS)
{
	u64 label;
	int ret = csmdev_guard_works() ? csmfs_label(&dentry->d_name, &label) : -EOPNOTSUPP;
	struct inode *inode = ret ? NULL : csmfs_inode_draft(dir->i_sb, label);

	if (ret) {
		return ret;
	}
	if (IS_ERR(inode)) {
		return PTR_ERR(inode);
	}
	inode->i_op = &draft_iops;
	inode->i_fop = &draft_fops;
	d_instantiate(dentry, inode);
	return 0;
}

/*
 * inode_operations.unlink in "self": the region is destroyed, whoever has it open, and a draft is
 * not published. EBUSY: it is being made or ended; EADDRINUSE: of a kernel before this one; EINTR.
 */
int csmfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct csmfs_node *node = csmfs_node(d_inode(dentry));
	struct csmdev_obj *obj;
	int ret = 0;

	if (node->region) {
		obj = csmdev_obj_find(node->provider, node->region);
		if (IS_ERR(obj)) {
			return PTR_ERR(obj) == -ENOENT ? -EADDRINUSE : PTR_ERR(obj);
		}
		ret = csmdev_obj_end(obj, true);
		csmdev_obj_put(obj);
	}
	if (!ret) {
		clear_nlink(&node->inode);
	}
	return ret;
}
