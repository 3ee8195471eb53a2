// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: folders. What the RMM says is asked for at each lookup, so that a region is there as soon
 * as it is offered, and no longer than that.
 */
#include <linux/namei.h>
#include <linux/slab.h>

#include "csmfs.h"

/*
 * Read permission on a file is permission to list a folder and to go through it; write permission
 * is permission to make files in "self".
 */
static umode_t dir_mode(const struct csmfs_options *options, u64 provider)
{
	umode_t read = options->mode & 0444;

	return S_IFDIR | read | read >> 2 |
	       (provider == csmdev_realm.id ? options->mode & 0222 : 0);
}

static umode_t file_mode(const struct csmfs_options *options, u32 permissions)
{
	return S_IFREG | (options->mode & (permissions & CSM_PERM_WRITE ? 0666 : 0444));
}

/* True: the realm is this one, or offers something to it. */
static bool offers(u64 provider)
{
	struct csm_ioc_query query = {.realm_id = provider};

	return provider == csmdev_realm.id || csmdev_query_next(&query) == 0;
}

/* ----------------------------------------------------------------- listing */

static int dir_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct csmfs_listing), GFP_KERNEL_ACCOUNT);
	return file->private_data ? 0 : -ENOMEM;
}

static int dir_release(struct inode *inode, struct file *file)
{
	csmfs_list_free(file->private_data);
	kfree(file->private_data);
	return 0;
}

/* What is there now, taken when a program begins to read the folder. */
static int take_listing(struct file *file, struct dir_context *ctx)
{
	struct csmfs_node *node = csmfs_node(file_inode(file));
	struct csmfs_listing *listing = file->private_data;
	int ret;

	if (ctx->pos != 2 && listing->entries) {
		return 0;
	}
	csmfs_list_free(listing);
	if (!node->provider) {
		return csmfs_list_providers(csmfs_super(file_inode(file)->i_sb), listing);
	}
	ret = csmfs_list_regions(node->provider, listing);
	return ret == -EACCES ? 0 : ret;
}

/* False: the caller's buffer is full. */
static bool emit_provider(struct dir_context *ctx, u64 id)
{
	char name[CSMFS_NAME];
	int length = snprintf(name, sizeof(name), "%016llx", id);

	return id == csmdev_realm.id || !offers(id) || dir_emit(ctx, name, length, id, DT_DIR);
}

static bool emit_region(struct dir_context *ctx, u64 provider, const struct csmfs_listing *listing,
			unsigned int number)
{
	char name[CSMFS_NAME];
	unsigned int length = csmfs_entry_name(listing, number, name);

	return dir_emit(ctx, name, length, provider + listing->entries[number].id, DT_REG);
}

/*
 * file_operations.iterate_shared: names from ctx->pos on, until the buffer is full. The kernel
 * holds the lock of the folder. Errors: those of take_listing().
 */
static int iterate(struct file *file, struct dir_context *ctx)
{
	const struct csmfs_node *node = csmfs_node(file_inode(file));
	const struct csmfs_listing *listing = file->private_data;
	unsigned int before = node->provider ? 2 : 3; /* ".", ".." and "self" */
	int ret;

	if (!dir_emit_dots(file, ctx)) {
		return 0;
	}
	ret = take_listing(file, ctx);
	if (ret) {
		return ret;
	}
	if (!node->provider && ctx->pos == 2) {
		if (!dir_emit(ctx, "self", 4, csmdev_realm.id, DT_DIR)) {
			return 0;
		}
		ctx->pos++;
	}
	for (; ctx->pos - before < listing->count; ctx->pos++) {
		unsigned int number = ctx->pos - before;

		if (!(node->provider ? emit_region(ctx, node->provider, listing, number)
				     : emit_provider(ctx, listing->entries[number].id))) {
			break;
		}
	}
	return 0;
}

static const struct file_operations dir_fops = {
	.open = dir_open,
	.release = dir_release,
	.iterate_shared = iterate,
	.read = generic_read_dir,
	.llseek = generic_file_llseek,
	.fsync = noop_fsync,
};

/* ------------------------------------------------------------------ lookup */

static struct inode *region_inode(struct super_block *sb, u64 provider,
				  const struct csm_ioc_query *query)
{
	struct csmfs_super *super = csmfs_super(sb);
	struct inode *inode = csmfs_inode(sb, provider, query->region_id,
					  file_mode(&super->options, query->permissions));

	if (!IS_ERR(inode) && csmdev_inode_is_new(inode)) {
		inode->i_op = &csmfs_file_iops;
		inode->i_fop = &csmfs_file_fops;
		unlock_new_inode(inode);
	}
	return inode;
}

/* ENAMETOOLONG, EINTR, ENXIO, EIO, ENOMEM. No region of that name: a dentry without an inode. */
static struct dentry *lookup_region(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct csm_ioc_query query;
	struct inode *inode = NULL;
	int ret;

	if (dentry->d_name.len >= CSMFS_NAME) {
		return ERR_PTR(-ENAMETOOLONG);
	}
	ret = csmfs_find(csmfs_node(dir)->provider, &dentry->d_name, &query);
	if (ret && ret != -ENOENT) {
		return ERR_PTR(ret);
	}
	if (!ret) {
		inode = region_inode(dir->i_sb, csmfs_node(dir)->provider, &query);
	}
	return d_splice_alias(inode, dentry);
}

static const struct inode_operations dir_iops = {
	.lookup = lookup_region,
};

static const struct inode_operations self_iops = {
	.lookup = lookup_region,
	.create = csmfs_create,
	.unlink = csmfs_unlink,
};

/* A realm id as csmctl prints it, and no other spelling, so that a folder has one name. */
static bool parse_provider(const struct qstr *name, u64 *id)
{
	char text[CSMFS_NAME], again[CSMFS_NAME];

	if (name->len != 16) {
		return false;
	}
	memcpy(text, name->name, 16);
	text[16] = 0;
	if (kstrtou64(text, 16, id)) {
		return false;
	}
	snprintf(again, sizeof(again), "%016llx", *id);
	return strcmp(text, again) == 0 && *id != 0 && *id != csmdev_realm.id;
}

/* With I_NEW handled: a folder, ready for use. */
static struct inode *dir_inode(struct super_block *sb, u64 provider,
			       const struct inode_operations *iops)
{
	struct inode *inode =
		csmfs_inode(sb, provider, 0, dir_mode(&csmfs_super(sb)->options, provider));

	if (!IS_ERR(inode) && csmdev_inode_is_new(inode)) {
		inode->i_op = iops;
		inode->i_fop = &dir_fops;
		set_nlink(inode, 2);
		unlock_new_inode(inode);
	}
	return inode;
}

/* ENAMETOOLONG, ENOMEM. No such realm, or it offers nothing: a dentry without an inode. */
static struct dentry *lookup_provider(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	const struct qstr *name = &dentry->d_name;
	struct inode *inode = NULL;
	u64 id = 0;

	if (name->len > NAME_MAX) {
		return ERR_PTR(-ENAMETOOLONG);
	}
	if (name->len == 4 && memcmp(name->name, "self", 4) == 0) {
		id = csmdev_realm.id;
	} else if (!parse_provider(name, &id) || !offers(id)) {
		id = 0;
	}
	if (id) {
		csmfs_provider_add(csmfs_super(dir->i_sb), id);
		inode = dir_inode(dir->i_sb, id, id == csmdev_realm.id ? &self_iops : &dir_iops);
	}
	return d_splice_alias(inode, dentry);
}

static const struct inode_operations root_iops = {
	.lookup = lookup_provider,
};

/* The root folder of a file system that is being mounted. ENOMEM. */
struct inode *csmfs_root(struct super_block *sb)
{
	return dir_inode(sb, 0, &root_iops);
}

/* True: the name still leads there. What was not there may be by now. */
static bool is_there(const struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct csm_ioc_query query;
	const struct csmfs_node *node;

	if (!inode) {
		return false;
	}
	node = csmfs_node(inode);
	if (S_ISREG(inode->i_mode) && !node->region) {
		return node->store;
	}
	if (!node->region) {
		return !node->provider || offers(node->provider);
	}
	return csmfs_find(node->provider, &dentry->d_name, &query) == 0 &&
	       query.region_id == node->region;
}

static int revalidate(CSMDEV_REVALIDATE_ARGS)
{
	return flags & LOOKUP_RCU ? -ECHILD : is_there(dentry);
}

/* The name of a draft goes with its file. */
static int is_transient(const struct dentry *dentry)
{
	const struct inode *inode = d_inode(dentry);

	return inode && S_ISREG(inode->i_mode) && !csmfs_node(d_inode(dentry))->region;
}

const struct dentry_operations csmfs_dentry_ops = {
	.d_delete = is_transient,
	.d_revalidate = revalidate,
};
