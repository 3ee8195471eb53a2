// SPDX-License-Identifier: GPL-2.0-only
/*
 * csmfs: the sharing behind a file, for as long as somebody uses it, and the length that its
 * provider has recorded.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "csmfs.h"

#include "abi/uapi/csmfs.h"

#define PATIENCE_MS 30000
#define RETRY_MS    5

/* One try. EBUSY: another program is attaching or ending it just now. */
static struct csmdev_obj *find_or_attach(u64 provider, u64 region)
{
	const struct csm_ioc_attach req = {.provider_id = provider, .region_id = region};
	struct csmdev_obj *obj = csmdev_obj_find(provider, region);
	int ret;

	if (PTR_ERR_OR_ZERO(obj) != -ENOENT) {
		return obj;
	}
	if (provider == csmdev_realm.id) {
		return ERR_PTR(-EADDRINUSE); /* of a kernel before this one */
	}
	obj = csmdev_attach_make(&req, NULL);
	if (IS_ERR(obj)) {
		return PTR_ERR(obj) == -EEXIST ? ERR_PTR(-EBUSY) : obj;
	}
	ret = csmdev_obj_set_live(obj, false);
	if (ret) {
		csmdev_obj_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/* Without those that have ended. */
static int keep(struct csmfs_super *super, struct csmdev_obj *obj)
{
	struct csmfs_kept *kept, *next, *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	LIST_HEAD(ended);

	if (!new) {
		return -ENOMEM;
	}
	mutex_lock(&super->lock);
	list_for_each_entry_safe (kept, next, &super->kept, list) {
		if (READ_ONCE(kept->obj->hangup)) {
			list_move(&kept->list, &ended);
		} else if (kept->obj == obj) {
			kfree(new);
			new = NULL;
		}
	}
	if (new) {
		new->obj = obj;
		kref_get(&obj->refs);
		list_add_tail(&new->list, &super->kept);
	}
	mutex_unlock(&super->lock);
	list_for_each_entry_safe (kept, next, &ended, list) {
		csmdev_obj_put(kept->obj);
		kfree(kept);
	}
	return 0;
}

/*
 * The sharing of a file, attached if it was not, with a reference for the caller: the last one
 * detaches. ESTALE: it has ended, so the name may lead to another by now. EADDRINUSE: an earlier
 * kernel has left it; EINTR, ENOMEM, and the errors of CSM_IOC_ATTACH.
 */
struct csmdev_obj *csmfs_use(struct csmfs_node *node)
{
	unsigned long end = jiffies + msecs_to_jiffies(PATIENCE_MS);
	struct csmfs_super *super = csmfs_super(node->inode.i_sb);
	struct csmdev_obj *obj;
	int ret = 0;

	while ((obj = find_or_attach(node->provider, node->region)) == ERR_PTR(-EBUSY) &&
	       time_before(jiffies, end)) {
		if (fatal_signal_pending(current)) {
			return ERR_PTR(-EINTR);
		}
		schedule_timeout_killable(msecs_to_jiffies(RETRY_MS));
	}
	if (IS_ERR(obj)) {
		return obj;
	}
	if (READ_ONCE(obj->hangup)) {
		ret = -ESTALE;
	} else if (super->options.keep && !obj->own) {
		ret = keep(super, obj);
	}
	if (ret) {
		csmdev_obj_put(obj);
		return ERR_PTR(ret);
	}
	return obj;
}

/* Detaches what was kept, unless somebody else uses it. Nothing is mounted any more. */
void csmfs_forget_all(struct csmfs_super *super)
{
	struct csmfs_kept *kept, *next;

	list_for_each_entry_safe (kept, next, &super->kept, list) {
		csmdev_obj_put(kept->obj);
		kfree(kept);
	}
	INIT_LIST_HEAD(&super->kept);
}

/*
 * The length of the file in a region. EUCLEAN: there is no file in it, or its record is wrong; EIO:
 * the end of the region is gone; EOPNOTSUPP, ENOMEM. The record is the provider's word, read once.
 */
static int read_length(struct csmdev_obj *obj, u64 *length)
{
	u64 room = obj->size - CSMFS_TAIL_SIZE;
	struct csmfs_tail tail;
	int ret;

	BUILD_BUG_ON(sizeof(tail) != CSMFS_TAIL_SIZE);
	ret = csmfs_view_read(obj, room, &tail, sizeof(tail));
	if (ret) {
		return ret;
	}
	if (tail.magic != CSMFS_TAIL_MAGIC || tail.length > room) {
		return -EUCLEAN;
	}
	*length = tail.length;
	return 0;
}

/* Sets the size of the inode to that of the file, obj being its sharing. As read_length(). */
int csmfs_learn(struct csmfs_node *node, struct csmdev_obj *obj)
{
	u64 length = obj->size;
	int ret = 0;

	if (!csmfs_super(node->inode.i_sb)->options.raw) {
		ret = read_length(obj, &length);
	}
	if (ret && ret != -EUCLEAN) {
		return ret;
	}
	mutex_lock(&node->lock);
	i_size_write(&node->inode, ret ? 0 : length);
	node->known = true;
	mutex_unlock(&node->lock);
	return ret;
}
