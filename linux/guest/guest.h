/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest module's own types and what its files offer each other.
 *
 * Locks, in the order in which they are taken:
 *   csm_obj.lock        one command about a sharing at a time, and its state
 *   csm_obj.files_lock  the files of a sharing; unmapping goes through them
 *   mmap_lock           (page faults)
 *   csm_obj.map_lock    whether pages may be put into user tables
 *   csm_lock            list of sharings, use counts, window, persistence
 *   csm_obj.signal_lock spinlock: what is pending for a sharing
 *
 * The kernel itself never touches shared memory: it clears pages before the RMM learns of them, and
 * frees them after the RMM has said that nobody reaches them any more. Pages for which the RMM does
 * not say so stay allocated for ever.
 */
#ifndef CSM_GUEST_H
#define CSM_GUEST_H

#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/ioport.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "abi/csm.h"
#include "abi/rsi.h"
#include "abi/status.h"
#include "abi/uapi/csm_guest.h"

/* Registers of an RSI command, in and out: x[0] is the function, then the status. */
#define CSM_REGS 10
struct csm_regs {
	u64 x[CSM_REGS];
};

/* A sharing is being made, is in order, or has been taken down by this side. */
enum csm_life { CSM_MAKING, CSM_LIVE, CSM_GONE };

struct csm_obj;

/* What differs between own regions and attachments. */
struct csm_kind {
	/*
	 * Has the RMM end the sharing, and gives back its memory or addresses. Caller holds
	 * obj->lock and has taken the sharing out of all user tables. 0, also when that has been
	 * done before; EINTR, with killable only: a fatal signal came while work was left, call
	 * again.
	 */
	int (*end)(struct csm_obj *obj, bool killable);
};

struct csm_obj {
	const struct csm_kind *kind;
	struct kref refs; /* files; one more while persistent */
	u64 provider;
	u64 region;
	u64 size;
	u64 label;
	bool own;

	struct mutex lock;
	u32 permissions;
	bool sealed;
	phys_addr_t base;
	struct page *pages;      /* of an own region */
	struct resource *window; /* of an attachment */

	struct mutex files_lock;
	struct list_head files;

	struct rw_semaphore map_lock;
	bool mappable;

	/* Under csm_lock. */
	struct list_head list;
	enum csm_life life; /* also changed under lock only */
	bool persistent;

	spinlock_t signal_lock;
	struct list_head pending; /* struct csm_pending */
	unsigned int num_pending;
	bool hangup; /* region, grant or provider is gone, or this side took the sharing down */
	struct eventfd_ctx *eventfd;
	wait_queue_head_t wait;
};

/* A file of a sharing. */
struct csm_handle {
	struct csm_obj *obj;
	struct file *file;
	struct list_head list;
};

/* ------------------------------------------------------------------ rsi.c */

int csm_rsi_detect(u64 *revision);
void csm_rsi(struct csm_regs *regs);

/* --------------------------------------------------------------- status.c */

int csm_rsi_finish(struct csm_regs *regs, bool killable);
int csm_errno(u64 status);
int csm_rsi_call(struct csm_regs *regs);

/* ---------------------------------------------------------------- query.c */

int csm_query_next(struct csm_query *query);
int csm_query_find(u64 provider, u64 region, struct csm_query *query);

/* -------------------------------------------------------------- sharing.c */

extern struct mutex csm_lock;
extern struct list_head csm_objs;

struct csm_counts {
	u32 regions;
	u32 attachments;
};

struct csm_obj *csm_obj_new(const struct csm_kind *kind, u64 provider, u64 region, u64 size,
			    u64 label);
int csm_obj_add(struct csm_obj *obj);
int csm_obj_set_live(struct csm_obj *obj, bool persistent);
struct csm_obj *csm_obj_find(u64 provider, u64 region);
struct csm_obj *csm_obj_peek(u64 provider, u64 region);
int csm_obj_end(struct csm_obj *obj, bool killable);
void csm_obj_put(struct csm_obj *obj);
int csm_obj_set_persistent(struct csm_obj *obj, bool persistent);
int csm_obj_check(struct csm_obj *obj);
struct csm_counts csm_obj_count(void);
void csm_obj_end_all(void);

/* --------------------------------------------------------------- region.c */

int csm_region_init(void);
struct csm_obj *csm_region_create(u64 size, u64 label);
int csm_region_share(struct csm_obj *obj, const struct csm_share *req,
		     const struct rsi_csm_policy *policy);
int csm_region_revoke(struct csm_obj *obj, u64 consumer);
int csm_region_seal(struct csm_obj *obj);
int csm_region_digest(struct csm_obj *obj, struct csm_digest *digest);
u64 csm_region_limit(void);
u64 csm_region_used(void);

/* --------------------------------------------------------------- attach.c */

int csm_window_set(const struct resource *where);
void csm_window_drop(void);
u64 csm_window_size(void);
u64 csm_window_free(void);
struct csm_obj *csm_attach_make(const struct csm_attach *req, const struct rsi_csm_policy *policy);

/* ------------------------------------------------------------------ map.c */

int csm_mmap(struct file *file, struct vm_area_struct *vma);
void csm_map_allow(struct csm_obj *obj);
void csm_map_forbid(struct csm_obj *obj);

/* ---------------------------------------------------------------- guard.c */

struct csm_mapping;

void csm_guard_init(void);
void csm_guard_exit(void);
bool csm_guard_works(void);
struct csm_mapping *csm_guard_add(struct mm_struct *mm, unsigned long start, unsigned long end);
void csm_guard_get(struct csm_mapping *mapping);
void csm_guard_put(struct csm_mapping *mapping);

/* -------------------------------------------------------------- pending.c */

struct csm_pending;

u64 csm_pending_lost(void);
struct csm_pending *csm_pending_room(void);
bool csm_pending_add(struct csm_obj *obj, u64 peer, u64 bits, struct csm_pending **room);
int csm_pending_take(struct csm_obj *obj, void __user *arg);
int csm_pending_set_eventfd(struct csm_obj *obj, int fd);
__poll_t csm_pending_poll(struct csm_obj *obj, struct file *file, poll_table *table);
void csm_pending_hangup(struct csm_obj *obj);
void csm_pending_begin(struct csm_obj *obj);
void csm_pending_forget(struct csm_obj *obj);

/* --------------------------------------------------------------- signal.c */

void csm_signal_exit(void);
int csm_signal_use_irq(unsigned int irq);
void csm_signal_drop_irq(void);
bool csm_signal_has_irq(void);
void csm_signal_watch(void);
int csm_signal_send(struct csm_obj *obj, u64 peer, u64 bits);
void csm_signal_begin(struct csm_obj *obj);

/* ----------------------------------------------------------------- file.c */

int csm_file_open(struct csm_obj *obj, struct file **file);
int csm_policy_get(u64 address, struct rsi_csm_policy **policy);

/* --------------------------------------------------------------- device.c */

extern const struct file_operations csm_device_fops;

/* ----------------------------------------------------------------- main.c */

struct csm_realm {
	u64 revision; /* of CSM in the RMM */
	u64 id;
	bool stopping; /* under csm_lock; set once, when the realm goes down */
};

extern struct csm_realm csm_realm;

#endif
