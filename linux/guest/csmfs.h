/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * csmfs: regions as files. What the files fs*.c offer each other.
 *
 * MOUNT/self is this realm, MOUNT/ID the realm of that id, and a region of it is a file there.
 * Nothing is stored: each lookup asks the RMM (RSI_CSM_QUERY). A region is attached while its file
 * is open.
 *
 * csmfs_super.lock and csmfs_node.lock are taken before all locks of guest.h; csmfs_node.lock
 * before csmfs_super.lock.
 */
#ifndef CSMFS_H
#define CSMFS_H

#include "guest.h"

#include "compat.h"

#define CSMFS_MAGIC 0x43534d46 /* CSMF */
#define CSMFS_NAME  24         /* bytes that hold the name of a region: 20 digits and a zero */
#define CSMFS_LABEL 8          /* the longest name that a label can hold */

struct csmfs_options {
	kuid_t uid;
	kgid_t gid;
	umode_t mode; /* of files that can be written; what else there is follows from it */
	bool keep;    /* attachments stay until the file system is unmounted */
	bool raw;     /* a file is a whole region, whatever its last bytes say */
};

struct csmfs_super {
	struct csmfs_options options;
	struct mutex lock;          /* the lists */
	struct list_head providers; /* struct csmfs_provider: named at mount, or found since */
	struct list_head kept;      /* struct csmfs_kept */
};

struct csmfs_provider {
	struct list_head list;
	u64 id;
};

/* With a reference to the sharing. */
struct csmfs_kept {
	struct list_head list;
	struct csmdev_obj *obj;
};

/* The root has provider 0; a folder or a draft has region 0. */
struct csmfs_node {
	struct inode inode;
	u64 provider;
	u64 region;
	struct mutex lock;
	bool known; /* under lock: i_size is the length of the file; a draft has its writer */

	/* Of a draft. */
	struct file *store; /* its content until it is published; under the inode's lock */
	u64 label;
};

static inline struct csmfs_super *csmfs_super(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct csmfs_node *csmfs_node(struct inode *inode)
{
	return container_of(inode, struct csmfs_node, inode);
}

/* ------------------------------------------------------------------- fs.c */

int csmfs_init(void);
void csmfs_exit(void);

/* ---------------------------------------------------------------- fsdir.c */

extern const struct dentry_operations csmfs_dentry_ops;

struct inode *csmfs_root(struct super_block *sb);

/* ---------------------------------------------------------------- fspub.c */

int csmfs_create(CSMDEV_CREATE_ARGS);
int csmfs_unlink(struct inode *dir, struct dentry *dentry);

/* --------------------------------------------------------------- fsnode.c */

int csmfs_node_init(void);
void csmfs_node_exit(void);
struct inode *csmfs_node_alloc(struct super_block *sb);
void csmfs_node_free(struct inode *inode);
void csmfs_node_evict(struct inode *inode);
struct inode *csmfs_inode_draft(struct super_block *sb, u64 label);
struct inode *csmfs_inode(struct super_block *sb, u64 provider, u64 region, umode_t mode);
void csmfs_provider_add(struct csmfs_super *super, u64 id);

/* --------------------------------------------------------------- fslist.c */

struct csmfs_entry {
	u64 id; /* of a region, or of a realm */
	u64 label;
};

struct csmfs_listing {
	struct csmfs_entry *entries;
	unsigned int count;
	unsigned int room;
};

int csmfs_label(const struct qstr *name, u64 *label);
int csmfs_list_providers(struct csmfs_super *super, struct csmfs_listing *listing);
int csmfs_list_regions(u64 provider, struct csmfs_listing *listing);
void csmfs_list_free(struct csmfs_listing *listing);
unsigned int csmfs_entry_name(const struct csmfs_listing *listing, unsigned int number,
			      char name[CSMFS_NAME]);
int csmfs_find(u64 provider, const struct qstr *name, struct csm_ioc_query *found);

/* --------------------------------------------------------------- fsfile.c */

extern const struct inode_operations csmfs_file_iops;
extern const struct file_operations csmfs_file_fops;

/* ---------------------------------------------------------------- fsuse.c */

struct csmdev_obj *csmfs_use(struct csmfs_node *node);
int csmfs_learn(struct csmfs_node *node, struct csmdev_obj *obj);
void csmfs_forget_all(struct csmfs_super *super);

/* ---------------------------------------------------------------- fsmap.c */

int csmfs_mmap(struct file *file, struct vm_area_struct *vma);

#endif
