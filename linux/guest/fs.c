// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: mounting. The superblock holds the options and two lists; there is nothing else to keep.
 */
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "csmfs.h"

/* ---------------------------------------------------------------- options */

enum { OPT_UID, OPT_GID, OPT_MODE, OPT_KEEP, OPT_RAW, OPT_PROVIDER };

static const struct fs_parameter_spec parameters[] = {
	fsparam_uid("uid", OPT_UID),
	fsparam_gid("gid", OPT_GID),
	fsparam_u32oct("mode", OPT_MODE),
	fsparam_flag("keep", OPT_KEEP),
	fsparam_flag("raw", OPT_RAW),
	fsparam_string("provider", OPT_PROVIDER),
	{},
};

static int add_provider(struct fs_context *fc, const char *text)
{
	u64 id;

	if (kstrtou64(text, 16, &id) || id == 0) {
		return invalf(fc, "csmfs: provider: a realm id is up to 16 hexadecimal digits");
	}
	csmfs_provider_add(fc->s_fs_info, id);
	return 0;
}

/* EINVAL and a message for the caller of mount: an option or its value is unknown. */
static int parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct csmfs_super *super = fc->s_fs_info;
	struct fs_parse_result result;
	int option = fs_parse(fc, parameters, param, &result);

	switch (option) {
	case OPT_UID:
		super->options.uid = result.uid;
		return 0;
	case OPT_GID:
		super->options.gid = result.gid;
		return 0;
	case OPT_MODE:
		if (result.uint_32 & ~0666) {
			return invalf(fc, "csmfs: mode: only read and write permissions");
		}
		super->options.mode = result.uint_32;
		return 0;
	case OPT_KEEP:
		super->options.keep = true;
		return 0;
	case OPT_RAW:
		super->options.raw = true;
		return 0;
	case OPT_PROVIDER:
		return add_provider(fc, param->string);
	default:
		return option;
	}
}

static int show_options(struct seq_file *out, struct dentry *root)
{
	const struct csmfs_options *options = &csmfs_super(root->d_sb)->options;

	seq_printf(out, ",uid=%u,gid=%u,mode=%04o", from_kuid_munged(&init_user_ns, options->uid),
		   from_kgid_munged(&init_user_ns, options->gid), options->mode);
	seq_puts(out, options->keep ? ",keep" : "");
	seq_puts(out, options->raw ? ",raw" : "");
	return 0;
}

/* ------------------------------------------------------------- superblock */

static const struct super_operations super_ops = {
	.alloc_inode = csmfs_node_alloc,
	.free_inode = csmfs_node_free,
	.evict_inode = csmfs_node_evict,
	.statfs = simple_statfs,
	.show_options = show_options,
};

static void free_super(struct csmfs_super *super)
{
	struct csmfs_provider *provider, *next;

	if (!super) {
		return;
	}
	csmfs_forget_all(super);
	list_for_each_entry_safe (provider, next, &super->providers, list) {
		kfree(provider);
	}
	kfree(super);
}

/* An empty file system with its options in sb->s_fs_info. ENOMEM; the caller takes it down. */
static int fill_super(struct super_block *sb, struct fs_context *fc)
{
	struct inode *root;

	sb->s_magic = CSMFS_MAGIC;
	sb->s_op = &super_ops;
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_time_gran = 1;
	csmdev_set_dentry_ops(sb, &csmfs_dentry_ops);
	root = csmfs_root(sb);
	if (IS_ERR(root)) {
		return PTR_ERR(root);
	}
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

static int get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, fill_super);
}

/* What the superblock has not taken over. */
static void free_context(struct fs_context *fc)
{
	free_super(fc->s_fs_info);
}

static const struct fs_context_operations context_ops = {
	.parse_param = parse_param,
	.get_tree = get_tree,
	.free = free_context,
};

/* The options of a mount that is being made, at their defaults. ENOMEM. */
static int init_context(struct fs_context *fc)
{
	struct csmfs_super *super = kzalloc(sizeof(*super), GFP_KERNEL_ACCOUNT);

	if (!super) {
		return -ENOMEM;
	}
	mutex_init(&super->lock);
	INIT_LIST_HEAD(&super->providers);
	INIT_LIST_HEAD(&super->kept);
	super->options.uid = GLOBAL_ROOT_UID;
	super->options.gid = GLOBAL_ROOT_GID;
	super->options.mode = 0600;
	fc->s_fs_info = super;
	fc->ops = &context_ops;
	return 0;
}

static void kill_super(struct super_block *sb)
{
	struct csmfs_super *super = csmfs_super(sb);

	kill_anon_super(sb);
	free_super(super);
}

static struct file_system_type type = {
	.owner = THIS_MODULE,
	.name = "csmfs",
	.parameters = parameters,
	.init_fs_context = init_context,
	.kill_sb = kill_super,
};
MODULE_ALIAS_FS("csmfs");

/* ----------------------------------------------------------------- module */

/* ENOMEM, or EBUSY: another module has this name. Nothing is registered then. */
int csmfs_init(void)
{
	int ret = csmfs_node_init();

	if (!ret) {
		ret = register_filesystem(&type);
		if (ret) {
			csmfs_node_exit();
		}
	}
	return ret;
}

/* Nothing is mounted. */
void csmfs_exit(void)
{
	unregister_filesystem(&type);
	csmfs_node_exit();
}
