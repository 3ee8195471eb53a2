// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharings: own regions and attachments alike. The list of them, who holds them, and how they end.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "guest.h"

DEFINE_MUTEX(csmdev_lock);
LIST_HEAD(csmdev_objs);

/* In state CSMDEV_MAKING, with one reference that is the caller's. NULL: no memory. */
struct csmdev_obj *csmdev_obj_new(const struct csmdev_kind *kind, u64 provider, u64 region,
				  u64 size, u64 label)
{
	struct csmdev_obj *obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);

	if (!obj) {
		return NULL;
	}
	kref_init(&obj->refs);
	obj->kind = kind;
	obj->provider = provider;
	obj->region = region;
	obj->size = size;
	obj->label = label;
	obj->own = provider == csmdev_realm.id;
	obj->life = CSMDEV_MAKING;
	mutex_init(&obj->lock);
	mutex_init(&obj->files_lock);
	init_rwsem(&obj->map_lock);
	INIT_LIST_HEAD(&obj->files);
	INIT_LIST_HEAD(&obj->list);
	INIT_LIST_HEAD(&obj->pending);
	spin_lock_init(&obj->signal_lock);
	init_waitqueue_head(&obj->wait);
	return obj;
}

/* The sharing of this name, dying or not. Caller holds csmdev_lock. */
struct csmdev_obj *csmdev_obj_peek(u64 provider, u64 region)
{
	struct csmdev_obj *obj;

	list_for_each_entry (obj, &csmdev_objs, list) {
		if (obj->provider == provider && obj->region == region) {
			return obj;
		}
	}
	return NULL;
}

/*
 * From here on signals find the sharing; the caller sees to it that they are looked for
 * (csmdev_signal_watch). EEXIST there is one of this name, EBUSY it is being made
 * or ended, ESHUTDOWN.
 */
int csmdev_obj_add(struct csmdev_obj *obj)
{
	struct csmdev_obj *other;
	int ret = 0;

	mutex_lock(&csmdev_lock);
	other = csmdev_obj_peek(obj->provider, obj->region);
	if (csmdev_realm.stopping) {
		ret = -ESHUTDOWN;
	} else if (other) {
		bool usable = other->life == CSMDEV_LIVE && kref_read(&other->refs) > 0;

		ret = usable ? -EEXIST : -EBUSY;
	} else {
		list_add_tail(&obj->list, &csmdev_objs);
	}
	mutex_unlock(&csmdev_lock);
	return ret;
}

/* Caller holds csmdev_lock. A persistent sharing keeps the module as an open file does. */
static void set_persistent(struct csmdev_obj *obj)
{
	if (!obj->persistent) {
		obj->persistent = true;
		kref_get(&obj->refs);
		__module_get(THIS_MODULE);
	}
}

/* ESHUTDOWN: too late, the caller ends the sharing. */
int csmdev_obj_set_live(struct csmdev_obj *obj, bool persistent)
{
	int ret = 0;

	mutex_lock(&csmdev_lock);
	if (csmdev_realm.stopping) {
		ret = -ESHUTDOWN;
	} else {
		obj->life = CSMDEV_LIVE;
		if (persistent) {
			set_persistent(obj);
		}
	}
	mutex_unlock(&csmdev_lock);
	if (!ret) {
		csmdev_map_allow(obj);
	}
	return ret;
}

/* Caller holds a reference of his own. ENOTCONN: this side has ended it, so nothing can stay. */
int csmdev_obj_set_persistent(struct csmdev_obj *obj, bool persistent)
{
	bool drop = false;
	int ret = 0;

	mutex_lock(&csmdev_lock);
	if (persistent && obj->life == CSMDEV_GONE) {
		ret = -ENOTCONN;
	} else if (persistent) {
		set_persistent(obj);
	} else if (obj->persistent) {
		obj->persistent = false;
		drop = true;
	}
	mutex_unlock(&csmdev_lock);
	if (drop) {
		csmdev_obj_put(obj);
		module_put(THIS_MODULE);
	}
	return ret;
}

/* With a reference for the caller. ENOENT, or EBUSY while it is being made or ended. */
struct csmdev_obj *csmdev_obj_find(u64 provider, u64 region)
{
	struct csmdev_obj *obj;

	mutex_lock(&csmdev_lock);
	obj = csmdev_obj_peek(provider, region);
	if (!obj) {
		obj = ERR_PTR(-ENOENT);
	} else if (obj->life != CSMDEV_LIVE || !kref_get_unless_zero(&obj->refs)) {
		obj = ERR_PTR(-EBUSY);
	}
	mutex_unlock(&csmdev_lock);
	return obj;
}

static bool is_before(u64 provider, u64 region, const struct csmdev_obj *obj)
{
	return provider < obj->provider || (provider == obj->provider && region < obj->region);
}

/*
 * The first attachment after that name, in the order of provider and region, with a reference for
 * the caller. Those that are being made or ended do not count. NULL: there is none.
 */
struct csmdev_obj *csmdev_obj_next_attachment(u64 provider, u64 region)
{
	struct csmdev_obj *obj, *next = NULL;

	mutex_lock(&csmdev_lock);
	list_for_each_entry (obj, &csmdev_objs, list) {
		/* Without references its end has begun, though it is not marked yet. */
		if (!obj->own && obj->life == CSMDEV_LIVE && kref_read(&obj->refs) > 0 &&
		    is_before(provider, region, obj) &&
		    (!next || is_before(obj->provider, obj->region, next))) {
			next = obj;
		}
	}
	if (next && !kref_get_unless_zero(&next->refs)) {
		next = NULL;
	}
	mutex_unlock(&csmdev_lock);
	return next;
}

/* Caller holds obj->lock. ENOTCONN once this side, or as far as is known the other, ended it. */
int csmdev_obj_check(struct csmdev_obj *obj)
{
	return obj->life != CSMDEV_LIVE || READ_ONCE(obj->hangup) ? -ENOTCONN : 0;
}

/*
 * Takes the sharing down: no user reaches the memory any more, then nobody does, then it is given
 * back. Once only; 0 when that has been done before. EINTR: work is left, call again.
 */
int csmdev_obj_end(struct csmdev_obj *obj, bool killable)
{
	int ret = 0;

	mutex_lock(&obj->lock);
	if (obj->life != CSMDEV_GONE) {
		csmdev_map_forbid(obj);
		ret = obj->kind->end(obj, killable);
		if (!ret) {
			mutex_lock(&csmdev_lock);
			obj->life = CSMDEV_GONE;
			list_del_init(&obj->list);
			mutex_unlock(&csmdev_lock);
		}
	}
	mutex_unlock(&obj->lock);
	if (!ret) {
		csmdev_pending_hangup(obj);
		csmdev_obj_set_persistent(obj, false);
	}
	return ret;
}

static void release(struct kref *refs)
{
	struct csmdev_obj *obj = container_of(refs, struct csmdev_obj, refs);

	/* Not the persistent reference, which would have kept it alive. */
	csmdev_obj_end(obj, false);
	csmdev_pending_forget(obj);
	kfree(obj);
}

/* The last reference ends the sharing, which can take as long as its memory is large. */
void csmdev_obj_put(struct csmdev_obj *obj)
{
	kref_put(&obj->refs, release);
}

/* Sharings here, including those that are being made or ended. Takes csmdev_lock. */
struct csmdev_counts csmdev_obj_count(void)
{
	struct csmdev_counts counts = {0};
	struct csmdev_obj *obj;

	mutex_lock(&csmdev_lock);
	list_for_each_entry (obj, &csmdev_objs, list) {
		if (obj->own) {
			counts.regions++;
		} else {
			counts.attachments++;
		}
	}
	mutex_unlock(&csmdev_lock);
	return counts;
}

/* One that nobody is ending yet, with a reference; NULL: none is left. */
static struct csmdev_obj *any_live(void)
{
	struct csmdev_obj *obj, *found = NULL;

	mutex_lock(&csmdev_lock);
	list_for_each_entry (obj, &csmdev_objs, list) {
		if (obj->life == CSMDEV_LIVE && kref_get_unless_zero(&obj->refs)) {
			found = obj;
			break;
		}
	}
	mutex_unlock(&csmdev_lock);
	return found;
}

/* The realm goes down: nothing new, and everything there is ends. */
void csmdev_obj_end_all(void)
{
	struct csmdev_obj *obj;
	int patience;

	mutex_lock(&csmdev_lock);
	csmdev_realm.stopping = true;
	mutex_unlock(&csmdev_lock);
	while ((obj = any_live())) {
		csmdev_obj_end(obj, false);
		csmdev_obj_put(obj);
	}
	/* Those that others are making or ending just now. */
	for (patience = 0; patience < 100; patience++) {
		struct csmdev_counts counts = csmdev_obj_count();

		if (counts.regions + counts.attachments == 0) {
			break;
		}
		msleep(50);
	}
}
