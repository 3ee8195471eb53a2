// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sharings: own regions and attachments alike. The list of them, who holds them, and how they end.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "guest.h"

DEFINE_MUTEX(csm_lock);
LIST_HEAD(csm_objs);

/* In state CSM_MAKING, with one reference that is the caller's. NULL: no memory. */
struct csm_obj *csm_obj_new(const struct csm_kind *kind, u64 provider, u64 region, u64 size,
			    u64 label)
{
	struct csm_obj *obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);

	if (!obj) {
		return NULL;
	}
	kref_init(&obj->refs);
	obj->kind = kind;
	obj->provider = provider;
	obj->region = region;
	obj->size = size;
	obj->label = label;
	obj->own = provider == csm_realm.id;
	obj->life = CSM_MAKING;
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

/* The sharing of this name, dying or not. Caller holds csm_lock. */
struct csm_obj *csm_obj_peek(u64 provider, u64 region)
{
	struct csm_obj *obj;

	list_for_each_entry (obj, &csm_objs, list) {
		if (obj->provider == provider && obj->region == region) {
			return obj;
		}
	}
	return NULL;
}

/*
 * From here on signals find the sharing; the caller sees to it that they are looked for
 * (csm_signal_watch). EEXIST there is one of this name, EBUSY it is being made
 * or ended, ESHUTDOWN.
 */
int csm_obj_add(struct csm_obj *obj)
{
	struct csm_obj *other;
	int ret = 0;

	mutex_lock(&csm_lock);
	other = csm_obj_peek(obj->provider, obj->region);
	if (csm_realm.stopping) {
		ret = -ESHUTDOWN;
	} else if (other) {
		bool usable = other->life == CSM_LIVE && kref_read(&other->refs) > 0;

		ret = usable ? -EEXIST : -EBUSY;
	} else {
		list_add_tail(&obj->list, &csm_objs);
	}
	mutex_unlock(&csm_lock);
	return ret;
}

/* Caller holds csm_lock. A persistent sharing keeps the module as an open file does. */
static void set_persistent(struct csm_obj *obj)
{
	if (!obj->persistent) {
		obj->persistent = true;
		kref_get(&obj->refs);
		__module_get(THIS_MODULE);
	}
}

/* ESHUTDOWN: too late, the caller ends the sharing. */
int csm_obj_set_live(struct csm_obj *obj, bool persistent)
{
	int ret = 0;

	mutex_lock(&csm_lock);
	if (csm_realm.stopping) {
		ret = -ESHUTDOWN;
	} else {
		obj->life = CSM_LIVE;
		if (persistent) {
			set_persistent(obj);
		}
	}
	mutex_unlock(&csm_lock);
	if (!ret) {
		csm_map_allow(obj);
	}
	return ret;
}

/* Caller holds a reference of his own. ENOTCONN: this side has ended it, so nothing can stay. */
int csm_obj_set_persistent(struct csm_obj *obj, bool persistent)
{
	bool drop = false;
	int ret = 0;

	mutex_lock(&csm_lock);
	if (persistent && obj->life == CSM_GONE) {
		ret = -ENOTCONN;
	} else if (persistent) {
		set_persistent(obj);
	} else if (obj->persistent) {
		obj->persistent = false;
		drop = true;
	}
	mutex_unlock(&csm_lock);
	if (drop) {
		csm_obj_put(obj);
		module_put(THIS_MODULE);
	}
	return ret;
}

/* With a reference for the caller. ENOENT, or EBUSY while it is being made or ended. */
struct csm_obj *csm_obj_find(u64 provider, u64 region)
{
	struct csm_obj *obj;

	mutex_lock(&csm_lock);
	obj = csm_obj_peek(provider, region);
	if (!obj) {
		obj = ERR_PTR(-ENOENT);
	} else if (obj->life != CSM_LIVE || !kref_get_unless_zero(&obj->refs)) {
		obj = ERR_PTR(-EBUSY);
	}
	mutex_unlock(&csm_lock);
	return obj;
}

/* Caller holds obj->lock. ENOTCONN once this side, or as far as is known the other, ended it. */
int csm_obj_check(struct csm_obj *obj)
{
	return obj->life != CSM_LIVE || READ_ONCE(obj->hangup) ? -ENOTCONN : 0;
}

/*
 * Takes the sharing down: no user reaches the memory any more, then nobody does, then it is given
 * back. Once only; 0 when that has been done before. EINTR: work is left, call again.
 */
int csm_obj_end(struct csm_obj *obj, bool killable)
{
	int ret = 0;

	mutex_lock(&obj->lock);
	if (obj->life != CSM_GONE) {
		csm_map_forbid(obj);
		ret = obj->kind->end(obj, killable);
		if (!ret) {
			mutex_lock(&csm_lock);
			obj->life = CSM_GONE;
			list_del_init(&obj->list);
			mutex_unlock(&csm_lock);
		}
	}
	mutex_unlock(&obj->lock);
	if (!ret) {
		csm_pending_hangup(obj);
		csm_obj_set_persistent(obj, false);
	}
	return ret;
}

static void release(struct kref *refs)
{
	struct csm_obj *obj = container_of(refs, struct csm_obj, refs);

	/* Not the persistent reference, which would have kept it alive. */
	csm_obj_end(obj, false);
	csm_pending_forget(obj);
	kfree(obj);
}

/* The last reference ends the sharing, which can take as long as its memory is large. */
void csm_obj_put(struct csm_obj *obj)
{
	kref_put(&obj->refs, release);
}

/* Sharings here, including those that are being made or ended. Takes csm_lock. */
struct csm_counts csm_obj_count(void)
{
	struct csm_counts counts = {0};
	struct csm_obj *obj;

	mutex_lock(&csm_lock);
	list_for_each_entry (obj, &csm_objs, list) {
		if (obj->own) {
			counts.regions++;
		} else {
			counts.attachments++;
		}
	}
	mutex_unlock(&csm_lock);
	return counts;
}

/* One that nobody is ending yet, with a reference; NULL: none is left. */
static struct csm_obj *any_live(void)
{
	struct csm_obj *obj, *found = NULL;

	mutex_lock(&csm_lock);
	list_for_each_entry (obj, &csm_objs, list) {
		if (obj->life == CSM_LIVE && kref_get_unless_zero(&obj->refs)) {
			found = obj;
			break;
		}
	}
	mutex_unlock(&csm_lock);
	return found;
}

/* The realm goes down: nothing new, and everything there is ends. */
void csm_obj_end_all(void)
{
	struct csm_obj *obj;
	int patience;

	mutex_lock(&csm_lock);
	csm_realm.stopping = true;
	mutex_unlock(&csm_lock);
	while ((obj = any_live())) {
		csm_obj_end(obj, false);
		csm_obj_put(obj);
	}
	/* Those that others are making or ending just now. */
	for (patience = 0; patience < 100; patience++) {
		struct csm_counts counts = csm_obj_count();

		if (counts.regions + counts.attachments == 0) {
			break;
		}
		msleep(50);
	}
}
