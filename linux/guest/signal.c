// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals: fetched from the RMM, which vouches for them, and kept for each sharing and peer until a
 * program takes them. The interrupt only says that there may be some; since the host may drop it, a
 * slow timer looks too, and a quicker one where there is no interrupt.
 */
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "guest.h"

#define MAX_PENDING 4096 /* peers for which a sharing keeps signals */
#define MAX_BATCH   256  /* signals fetched in one go */
#define SLOW_MS     250
#define QUICK_MS    10

struct csm_pending {
	struct list_head list;
	u64 peer;
	u64 bits;
};

static int irq = -1;
static u64 lost;
static struct csm_pending *spare; /* under fetch_lock */
static DEFINE_MUTEX(fetch_lock);
static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(looking, look);

/* Signals that nobody took and for which there was no more room, of all sharings together. */
u64 csm_signal_lost(void)
{
	return READ_ONCE(lost);
}

/* ---------------------------------------------------------------- delivery */

/* Caller holds signal_lock. */
static struct csm_pending *find_pending(struct csm_obj *obj, u64 peer)
{
	struct csm_pending *pending;

	list_for_each_entry (pending, &obj->pending, list) {
		if (pending->peer == peer) {
			return pending;
		}
	}
	return NULL;
}

/* Caller holds signal_lock. A new entry, which is the spare one, or the oldest when there are too
 * many. */
static struct csm_pending *new_pending(struct csm_obj *obj, u64 peer)
{
	struct csm_pending *pending = spare;

	if (obj->num_pending < MAX_PENDING) {
		spare = NULL;
		obj->num_pending++;
	} else {
		pending = list_first_entry(&obj->pending, struct csm_pending, list);
		list_del(&pending->list);
		WRITE_ONCE(lost, lost + 1);
	}
	pending->peer = peer;
	pending->bits = 0;
	list_add_tail(&pending->list, &obj->pending);
	return pending;
}

static bool ends_attachment(const struct csm_obj *obj, u64 peer, u64 bits)
{
	return !obj->own && peer == obj->provider &&
	       bits & (CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED);
}

/* Caller holds fetch_lock and a reference. */
static void deliver(struct csm_obj *obj, u64 peer, u64 bits)
{
	struct csm_pending *pending;
	bool end = ends_attachment(obj, peer, bits);

	spin_lock(&obj->signal_lock);
	pending = find_pending(obj, peer);
	if (!pending) {
		pending = new_pending(obj, peer);
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
	if (end) {
		csm_map_forbid(obj);
	}
}

/* One that is being made is not found by csm_obj_find(), and yet its first signal may be here. */
static struct csm_obj *receiver(u64 provider, u64 region)
{
	struct csm_obj *obj;

	mutex_lock(&csm_lock);
	obj = csm_obj_peek(provider, region);
	if (obj && !kref_get_unless_zero(&obj->refs)) {
		obj = NULL;
	}
	mutex_unlock(&csm_lock);
	return obj;
}

static void dispatch(const struct csm_regs *signal)
{
	struct csm_obj *obj = receiver(signal->x[2], signal->x[3]);

	if (obj) {
		deliver(obj, signal->x[1], signal->x[4]);
		csm_obj_put(obj);
	}
}

/* ---------------------------------------------------------------- fetching */

/* False: nothing is left. The room for a signal is there before it is fetched. */
static bool fetch_one(void)
{
	struct csm_regs regs = {.x = {RSI_CSM_SIGNAL_TAKE_FID}};

	if (!spare) {
		spare = kzalloc(sizeof(*spare), GFP_KERNEL);
	}
	if (!spare) {
		return false;
	}
	csm_rsi(&regs);
	if (regs.x[0] != RSI_SUCCESS || regs.x[1] == 0) {
		return false;
	}
	dispatch(&regs);
	return true;
}

/* True: there may be more. */
static bool fetch(void)
{
	bool more = true;
	int i;

	mutex_lock(&fetch_lock);
	for (i = 0; i < MAX_BATCH && more; i++) {
		more = fetch_one();
	}
	mutex_unlock(&fetch_lock);
	return more;
}

static void look_again(unsigned int ms)
{
	mod_delayed_work(system_unbound_wq, &looking, msecs_to_jiffies(ms));
}

static void look(struct work_struct *work)
{
	struct csm_counts counts;

	if (fetch()) {
		look_again(0);
		return;
	}
	counts = csm_obj_count();
	if (counts.regions + counts.attachments > 0) {
		look_again(irq >= 0 ? SLOW_MS : QUICK_MS);
	}
}

/* There is a sharing: signals may come. */
void csm_signal_watch(void)
{
	look_again(irq >= 0 ? SLOW_MS : QUICK_MS);
}

/* --------------------------------------------------------------- interrupt */

static irqreturn_t on_interrupt(int number, void *unused)
{
	look_again(0);
	return IRQ_HANDLED;
}

/*
 * From here on this interrupt starts a look for signals, besides the timer. Errors: those of
 * request_irq(), and polling goes on.
 */
int csm_signal_use_irq(unsigned int number)
{
	int ret = request_irq(number, on_interrupt, 0, "csm", &irq);

	if (!ret) {
		irq = number;
	}
	return ret;
}

/* Undoes csm_signal_use_irq(); harmless where there is no interrupt. */
void csm_signal_drop_irq(void)
{
	if (irq >= 0) {
		free_irq(irq, &irq);
	}
	irq = -1;
}

/* True: signals are announced by an interrupt. */
bool csm_signal_has_irq(void)
{
	return irq >= 0;
}

/* After the last sharing, with no interrupt any more. */
void csm_signal_exit(void)
{
	cancel_delayed_work_sync(&looking);
	kfree(spare);
	spare = NULL;
}

/* ------------------------------------------------------------ user's side */

/*
 * Sets bits for a peer of the sharing, 0 for the provider of an attachment (RSI_CSM_SIGNAL).
 * Errors: those of CSM_SIGNAL in the interface.
 */
int csm_signal_send(struct csm_obj *obj, u64 peer, u64 bits)
{
	struct csm_regs regs = {
		.x = {RSI_CSM_SIGNAL_FID, peer ? peer : obj->provider, obj->provider, obj->region,
		      bits},
	};

	if (READ_ONCE(obj->hangup)) {
		return -ENOTCONN;
	}
	if (bits == 0 || bits & ~CSM_SIGNAL_USER_MASK || (peer == 0 && obj->own)) {
		return -EINVAL;
	}
	return csm_rsi_call(&regs);
}

static struct csm_pending *take_oldest(struct csm_obj *obj)
{
	struct csm_pending *pending;

	spin_lock(&obj->signal_lock);
	pending = list_first_entry_or_null(&obj->pending, struct csm_pending, list);
	if (pending) {
		list_del(&pending->list);
		obj->num_pending--;
	}
	spin_unlock(&obj->signal_lock);
	return pending;
}

/* The program has not got it: it is the oldest again, with what came from that peer meanwhile. */
static void give_back(struct csm_obj *obj, struct csm_pending *pending)
{
	struct csm_pending *later;

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
int csm_signal_take(struct csm_obj *obj, void __user *arg)
{
	struct csm_pending *pending = take_oldest(obj);
	struct csm_signal signal = {0};

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
int csm_signal_set_eventfd(struct csm_obj *obj, int fd)
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
__poll_t csm_signal_poll(struct csm_obj *obj, struct file *file, poll_table *table)
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
void csm_signal_hangup(struct csm_obj *obj)
{
	spin_lock(&obj->signal_lock);
	obj->hangup = true;
	if (obj->eventfd) {
		eventfd_signal(obj->eventfd);
	}
	spin_unlock(&obj->signal_lock);
	wake_up_all(&obj->wait);
}

static void drop_pending(struct csm_obj *obj)
{
	struct csm_pending *pending, *next;

	list_for_each_entry_safe (pending, next, &obj->pending, list) {
		list_del(&pending->list);
		kfree(pending);
	}
	obj->num_pending = 0;
}

/*
 * It can be found, and is not reserved yet. A signal that is here already was fetched for a sharing
 * of the same name that has ended since: the end it may tell of is not this one's.
 */
void csm_signal_begin(struct csm_obj *obj)
{
	mutex_lock(&fetch_lock);
	spin_lock(&obj->signal_lock);
	drop_pending(obj);
	obj->hangup = false;
	spin_unlock(&obj->signal_lock);
	mutex_unlock(&fetch_lock);
}

/* Nobody refers to the sharing any more. */
void csm_signal_forget(struct csm_obj *obj)
{
	drop_pending(obj);
	if (obj->eventfd) {
		eventfd_ctx_put(obj->eventfd);
	}
}
