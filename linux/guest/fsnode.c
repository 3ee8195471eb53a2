// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: inodes. One for the root, one for each provider, one for each region, whatever it is
 * called. Their numbers follow from the ids, which the RMM chooses: a realm's is random, a region's
 * is a small number.
 */
#include <linux/file.h>
#include <linux/slab.h>

#include "csmfs.h"

static struct kmem_cache *cache;

static void init_once(void *memory)
{
	struct csmfs_node *node = memory;

	inode_init_once(&node->inode);
	mutex_init(&node->lock);
}

/* ENOMEM. */
int csmfs_node_init(void)
{
	cache = kmem_cache_create("csmfs_node", sizeof(struct csmfs_node), 0,
				  SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, init_once);
	return cache ? 0 : -ENOMEM;
}

/* No inode is left, but for those that wait for a grace period. */
void csmfs_node_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(cache);
}

/* super_operations.alloc_inode. NULL: no memory. */
struct inode *csmfs_node_alloc(struct super_block *sb)
{
	struct csmfs_node *node = alloc_inode_sb(sb, cache, GFP_KERNEL);

	if (!node) {
		return NULL;
	}
	node->provider = 0;
	node->region = 0;
	node->known = false;
	node->store = NULL;
	return &node->inode;
}

/* super_operations.free_inode. */
void csmfs_node_free(struct inode *inode)
{
	kmem_cache_free(cache, csmfs_node(inode));
}

/* super_operations.evict_inode: a draft that nobody opened has its store still. */
void csmfs_node_evict(struct inode *inode)
{
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);
	if (csmfs_node(inode)->store) {
		fput(csmfs_node(inode)->store);
	}
}

struct node_key {
	u64 provider;
	u64 region;
};

static int is_it(struct inode *inode, void *data)
{
	const struct csmfs_node *node = csmfs_node(inode);
	const struct node_key *key = data;

	return node->provider == key->provider && node->region == key->region;
}

static int set_it(struct inode *inode, void *data)
{
	struct csmfs_node *node = csmfs_node(inode);
	const struct node_key *key = data;

	node->provider = key->provider;
	node->region = key->region;
	return 0;
}

/*
 * The inode of a region, or of a provider (region 0), or the root (both 0), with a reference. With
 * I_NEW when it did not exist: the caller gives it its operations and unlocks it. ENOMEM.
 */
struct inode *csmfs_inode(struct super_block *sb, u64 provider, u64 region, umode_t mode)
{
	const struct csmfs_options *options = &csmfs_super(sb)->options;
	struct node_key key = {provider, region};
	u64 number = provider ? provider + region : 1;
	struct inode *inode = iget5_locked(sb, number, is_it, set_it, &key);

	if (!inode) {
		return ERR_PTR(-ENOMEM);
	}
	if (csmdev_inode_is_new(inode)) {
		inode->i_ino = number;
		inode->i_mode = mode;
		inode->i_uid = options->uid;
		inode->i_gid = options->gid;
		simple_inode_init_ts(inode);
	}
	return inode;
}

/* A file of this realm that is being written; no folder lists it. ENOMEM, or ENFILE. */
struct inode *csmfs_inode_draft(struct super_block *sb, u64 label)
{
	static atomic64_t number = ATOMIC64_INIT(-1); /* far from what ids add up to */
	const struct csmfs_options *options = &csmfs_super(sb)->options;
	struct file *store = csmdev_memory_file("csmfs");
	struct inode *inode = IS_ERR(store) ? NULL : new_inode(sb);

	if (IS_ERR(store)) {
		return ERR_CAST(store);
	}
	if (!inode) {
		fput(store);
		return ERR_PTR(-ENOMEM);
	}
	inode->i_ino = atomic64_dec_return(&number);
	inode->i_mode = S_IFREG | options->mode;
	inode->i_uid = options->uid;
	inode->i_gid = options->gid;
	simple_inode_init_ts(inode);
	csmfs_node(inode)->provider = csmdev_realm.id;
	csmfs_node(inode)->label = label;
	csmfs_node(inode)->store = store;
	return inode;
}

/* The root folder shows this provider from now on. Without memory it does not. */
void csmfs_provider_add(struct csmfs_super *super, u64 id)
{
	struct csmfs_provider *provider;

	mutex_lock(&super->lock);
	list_for_each_entry (provider, &super->providers, list) {
		if (provider->id == id) {
			goto known;
		}
	}
	provider = kzalloc(sizeof(*provider), GFP_KERNEL_ACCOUNT);
	if (provider) {
		provider->id = id;
		list_add_tail(&provider->list, &super->providers);
	}
known:
	mutex_unlock(&super->lock);
}
