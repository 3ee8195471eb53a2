// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals that a program has still to take: kept for each sharing and peer, oldest first, and what
 * a program waits for with poll or an eventfd.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "guest.h"

#define MAX_PENDING 4096 /* peers for which a sharing keeps signals */

struct csmdev_pending {
	struct list_head list;
	u64 peer;
	u64 bits;
};

static u64 lost;

/* Signals that nobody took and for which there was no more room, of all sharings together. */
u64 csmdev_pending_lost(void)
{
	return READ_ONCE(lost);
}

/* ---------------------------------------------------------------- delivery */

/* Room for one signal, to be had before it is fetched. NULL: no memory. kfree() gives it back. */
struct csmdev_pending *csmdev_pending_room(void)
{
	return kzalloc(sizeof(struct csmdev_pending), GFP_KERNEL);
}

/* Caller holds signal_lock. */
static struct csmdev_pending *find_pending(struct csmdev_obj *obj, u64 peer)
{
	struct csmdev_pending *pending;

	list_for_each_entry (pending, &obj->pending, list) {
		if (pending->peer == peer) {
			return pending;
		}
	}
	return NULL;
}

/*
 * Caller holds signal_lock. A new entry, which is *room, or the oldest when there are too many.
 * Uses up what *room holds in the first case.
 */
static struct csmdev_pending *new_pending(struct csmdev_obj *obj, u64 peer,
					  struct csmdev_pending **room)
{
	struct csmdev_pending *pending = *room;

	if (obj->num_pending < MAX_PENDING) {
		*room = NULL;
		obj->num_pending++;
	} else {
		pending = list_first_entry(&obj->pending, struct csmdev_pending, list);
		list_del(&pending->list);
		WRITE_ONCE(lost, lost + 1);
	}
	pending->peer = peer;
	pending->bits = 0;
	list_add_tail(&pending->list, &obj->pending);
	return pending;
}

static bool ends_attachment(const struct csmdev_obj *obj, u64 peer, u64 bits)
{
	return !obj->own && peer == obj->provider &&
	       bits & (CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED);
}

/*
 * Adds bits from peer to what is pending, and wakes who waits. *room is from csmdev_pending_room(),
 * and NULL afterwards when it was needed; one caller at a time, which also guards the count of what
 * is lost. True: the attachment has ended with this signal, so nothing of it may be mapped any
 * more.
 */
bool csmdev_pending_add(struct csmdev_obj *obj, u64 peer, u64 bits, struct csmdev_pending **room)
{
	struct csmdev_pending *pending;
	bool end = ends_attachment(obj, peer, bits);

	spin_lock(&obj->signal_lock);
	pending = find_pending(obj, peer);
	if (!pending) {
		pending = new_pending(obj, peer, room);
	}
	pending->bits |= bits;
	if (end) {
		obj->hangup = true;
	}
	if (obj->eventfd) {
		eventfd_signal(obj->eventfd);
	}
	spin_unlock(&obj->signal_lock);
	wake_up_all(&obj->wait);
	return end;
}

/* ------------------------------------------------------------ user's side */

static struct csmdev_pending *take_oldest(struct csmdev_obj *obj)
{
	struct csmdev_pending *pending;

	spin_lock(&obj->signal_lock);
	pending = list_first_entry_or_null(&obj->pending, struct csmdev_pending, list);
	if (pending) {
		list_del(&pending->list);
		obj->num_pending--;
	}
	spin_unlock(&obj->signal_lock);
	return pending;
}

/* The program has not got it: it is the oldest again, with what came from that peer meanwhile. */
static void give_back(struct csmdev_obj *obj, struct csmdev_pending *pending)
{
	struct csmdev_pending *later;

	spin_lock(&obj->signal_lock);
	later = find_pending(obj, pending->peer);
	if (later) {
		pending->bits |= later->bits;
		list_del(&later->list);
		obj->num_pending--;
	}
	list_add(&pending->list, &obj->pending);
	obj->num_pending++;
	if (obj->eventfd) {
		eventfd_signal(obj->eventfd);
	}
	spin_unlock(&obj->signal_lock);
	wake_up_all(&obj->wait);
	kfree(later);
}

/* EAGAIN: nothing is pending. EFAULT: the signal stays pending. */
int csmdev_pending_take(struct csmdev_obj *obj, void __user *arg)
{
	struct csmdev_pending *pending = take_oldest(obj);
	struct csm_ioc_signal signal = {0};

	if (!pending) {
		return -EAGAIN;
	}
	signal.peer_id = pending->peer;
	signal.bits = pending->bits;
	if (copy_to_user(arg, &signal, sizeof(signal))) {
		give_back(obj, pending);
		return -EFAULT;
	}
	kfree(pending);
	return 0;
}

/* fd -1: none. What is pending already counts at once. */
int csmdev_pending_set_eventfd(struct csmdev_obj *obj, int fd)
{
	struct eventfd_ctx *new = NULL, *old;

	if (fd < -1) {
		return -EINVAL;
	}
	if (fd >= 0) {
		new = eventfd_ctx_fdget(fd);
		if (IS_ERR(new)) {
			return PTR_ERR(new);
		}
	}
	spin_lock(&obj->signal_lock);
	old = obj->eventfd;
	obj->eventfd = new;
	if (new && (!list_empty(&obj->pending) || obj->hangup)) {
		eventfd_signal(new);
	}
	spin_unlock(&obj->signal_lock);
	if (old) {
		eventfd_ctx_put(old);
	}
	return 0;
}

/*
 * poll: EPOLLIN while a signal is pending, EPOLLHUP once the sharing has ended. Takes signal_lock.
 */
__poll_t csmdev_pending_poll(struct csmdev_obj *obj, struct file *file, poll_table *table)
{
	__poll_t events = 0;

	poll_wait(file, &obj->wait, table);
	spin_lock(&obj->signal_lock);
	if (!list_empty(&obj->pending)) {
		events |= EPOLLIN | EPOLLRDNORM;
	}
	if (obj->hangup) {
		events |= EPOLLHUP;
	}
	spin_unlock(&obj->signal_lock);
	return events;
}

/* This side has ended the sharing. */
void csmdev_pending_hangup(struct csmdev_obj *obj)
{
	spin_lock(&obj->signal_lock);
	obj->hangup = true;
	if (obj->eventfd) {
		eventfd_signal(obj->eventfd);
	}
	spin_unlock(&obj->signal_lock);
	wake_up_all(&obj->wait);
}

static void drop_pending(struct csmdev_obj *obj)
{
	struct csmdev_pending *pending, *next;

	list_for_each_entry_safe (pending, next, &obj->pending, list) {
		list_del(&pending->list);
		kfree(pending);
	}
	obj->num_pending = 0;
}

/* A sharing that is being made: forgets signals that were meant for one of its name before it. */
void csmdev_pending_begin(struct csmdev_obj *obj)
{
	spin_lock(&obj->signal_lock);
	drop_pending(obj);
	obj->hangup = false;
	spin_unlock(&obj->signal_lock);
}

/* Nobody refers to the sharing any more. */
void csmdev_pending_forget(struct csmdev_obj *obj)
{
	drop_pending(obj);
	if (obj->eventfd) {
		eventfd_ctx_put(obj->eventfd);
	}
}
