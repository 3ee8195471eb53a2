// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals: fetched from the RMM, which vouches for them, and given to the sharing that they are
 * about (pending.c). The interrupt only says that there may be some; since the host may drop it, a
 * slow timer looks too, and a quicker one where there is no interrupt.
 */
#include <linux/interrupt.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "guest.h"

#define MAX_BATCH 256 /* signals fetched in one go */
#define SLOW_MS   250
#define QUICK_MS  10

static int irq = -1;
static struct csmdev_pending *spare; /* under fetch_lock */
static DEFINE_MUTEX(fetch_lock);
static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(looking, look);

/* csmdev_obj_find() does not find one that is being made, but its first signal may be here. */
static struct csmdev_obj *receiver(u64 provider, u64 region)
{
	struct csmdev_obj *obj;

	mutex_lock(&csmdev_lock);
	obj = csmdev_obj_peek(provider, region);
	if (obj && !kref_get_unless_zero(&obj->refs)) {
		obj = NULL;
	}
	mutex_unlock(&csmdev_lock);
	return obj;
}

/* Caller holds fetch_lock. */
static void dispatch(const struct csmdev_regs *signal)
{
	struct csmdev_obj *obj = receiver(signal->x[2], signal->x[3]);

	if (obj) {
		if (csmdev_pending_add(obj, signal->x[1], signal->x[4], &spare)) {
			csmdev_map_forbid(obj);
		}
		csmdev_obj_put(obj);
	}
}

/* ---------------------------------------------------------------- fetching */

/* False: nothing is left. The room for a signal is there before it is fetched. */
static bool fetch_one(void)
{
	struct csmdev_regs regs = {.x = {RSI_CSM_SIGNAL_TAKE_FID}};

	if (!spare) {
		spare = csmdev_pending_room();
	}
	if (!spare) {
		return false;
	}
	csmdev_rsi(&regs);
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
	struct csmdev_counts counts;

	if (fetch()) {
		look_again(0);
		return;
	}
	counts = csmdev_obj_count();
	if (counts.regions + counts.attachments > 0) {
		look_again(irq >= 0 ? SLOW_MS : QUICK_MS);
	}
}

/* There is a sharing: signals may come. */
void csmdev_signal_watch(void)
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
int csmdev_signal_use_irq(unsigned int number)
{
	int ret = request_irq(number, on_interrupt, 0, "csm", &irq);

	if (!ret) {
		irq = number;
	}
	return ret;
}

/* Undoes csmdev_signal_use_irq(); harmless where there is no interrupt. */
void csmdev_signal_drop_irq(void)
{
	if (irq >= 0) {
		free_irq(irq, &irq);
	}
	irq = -1;
}

/* True: signals are announced by an interrupt. */
bool csmdev_signal_has_irq(void)
{
	return irq >= 0;
}

/* After the last sharing, with no interrupt any more. */
void csmdev_signal_exit(void)
{
	cancel_delayed_work_sync(&looking);
	kfree(spare);
	spare = NULL;
}

/* ------------------------------------------------------------ user's side */

/*
 * Sets bits for a peer of the sharing, 0 for the provider of an attachment (RSI_CSM_SIGNAL).
 * Errors: those of CSM_IOC_SIGNAL in the interface.
 */
int csmdev_signal_send(struct csmdev_obj *obj, u64 peer, u64 bits)
{
	struct csmdev_regs regs = {
		.x = {RSI_CSM_SIGNAL_FID, peer ? peer : obj->provider, obj->provider, obj->region,
		      bits},
	};

	if (READ_ONCE(obj->hangup)) {
		return -ENOTCONN;
	}
	if (bits == 0 || bits & ~CSM_SIGNAL_USER_MASK || (peer == 0 && obj->own)) {
		return -EINVAL;
	}
	return csmdev_rsi_call(&regs);
}

/*
 * The sharing can be found, and is not reserved yet. A signal that is here already was fetched for
 * one of the same name that has ended since: the end it may tell of is not this one's.
 */
void csmdev_signal_begin(struct csmdev_obj *obj)
{
	mutex_lock(&fetch_lock);
	csmdev_pending_begin(obj);
	mutex_unlock(&fetch_lock);
}
