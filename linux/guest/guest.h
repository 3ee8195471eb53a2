/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest module's own types and what its files offer each other.
 *
 * Locks, in the order in which they are taken:
 *   csmdev_obj.lock        one command about a sharing at a time, and its state
 *   csmdev_obj.files_lock  the files of a sharing; unmapping goes through them
 *   mmap_lock           (page faults)
 *   csmdev_obj.map_lock    whether pages may be put into user tables; the kernel's own view
 *   csmdev_lock            list of sharings, use counts, window, persistence
 *   csmdev_obj.signal_lock spinlock: what is pending for a sharing
 *
 * The kernel itself touches shared memory in view.c alone, where it survives that the memory is
 * gone. It clears pages before the RMM learns of them, and frees them after the RMM has said that
 * nobody reaches them any more. Pages for which the RMM does not say so stay allocated for ever.
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
#define CSMDEV_REGS 10
struct csmdev_regs {
	u64 x[CSMDEV_REGS];
};

/* A sharing is being made, is in order, or has been taken down by this side. */
enum csmdev_life { CSMDEV_MAKING, CSMDEV_LIVE, CSMDEV_GONE };

struct csmdev_obj;
struct csmdev_mapping;

/* What differs between own regions and attachments. */
struct csmdev_kind {
	/*
	 * Has the RMM end the sharing, and gives back its memory or addresses. Caller holds
	 * obj->lock and has taken the sharing out of all user tables. 0, also when that has been
	 * done before; EINTR, with killable only: a fatal signal came while work was left, call
	 * again.
	 */
	int (*end)(struct csmdev_obj *obj, bool killable);
};

struct csmdev_obj {
	const struct csmdev_kind *kind;
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
	void *view; /* where the kernel itself sees the memory; NULL: nowhere */
	struct csmdev_mapping *view_guard;

	/* Under csmdev_lock. */
	struct list_head list;
	enum csmdev_life life; /* also changed under lock only */
	bool persistent;

	spinlock_t signal_lock;
	struct list_head pending; /* struct csmdev_pending */
	unsigned int num_pending;
	bool hangup; /* region, grant or provider is gone, or this side took the sharing down */
	struct eventfd_ctx *eventfd;
	wait_queue_head_t wait;
};

/* A file of a sharing. */
struct csmdev_handle {
	struct csmdev_obj *obj;
	struct file *file;
	struct list_head list;
};

/* ------------------------------------------------------------------ rsi.c */

int csmdev_rsi_detect(u64 *revision);
void csmdev_rsi(struct csmdev_regs *regs);

/* --------------------------------------------------------------- status.c */

int csmdev_rsi_finish(struct csmdev_regs *regs, bool killable);
int csmdev_errno(u64 status);
int csmdev_rsi_call(struct csmdev_regs *regs);

/* ---------------------------------------------------------------- query.c */

int csmdev_query_next(struct csm_ioc_query *query);
int csmdev_query_find(u64 provider, u64 region, struct csm_ioc_query *query);

/* -------------------------------------------------------------- sharing.c */

extern struct mutex csmdev_lock;
extern struct list_head csmdev_objs;

struct csmdev_counts {
	u32 regions;
	u32 attachments;
};

struct csmdev_obj *csmdev_obj_new(const struct csmdev_kind *kind, u64 provider, u64 region,
				  u64 size, u64 label);
int csmdev_obj_add(struct csmdev_obj *obj);
int csmdev_obj_set_live(struct csmdev_obj *obj, bool persistent);
struct csmdev_obj *csmdev_obj_find(u64 provider, u64 region);
struct csmdev_obj *csmdev_obj_peek(u64 provider, u64 region);
struct csmdev_obj *csmdev_obj_next_attachment(u64 provider, u64 region);
int csmdev_obj_end(struct csmdev_obj *obj, bool killable);
void csmdev_obj_put(struct csmdev_obj *obj);
int csmdev_obj_set_persistent(struct csmdev_obj *obj, bool persistent);
int csmdev_obj_check(struct csmdev_obj *obj);
struct csmdev_counts csmdev_obj_count(void);
void csmdev_obj_end_all(void);

/* --------------------------------------------------------------- region.c */

int csmdev_region_init(void);
struct csmdev_obj *csmdev_region_create(u64 size, u64 label);
int csmdev_region_share(struct csmdev_obj *obj, const struct csm_ioc_share *req,
			const struct rsi_csm_policy *policy);
int csmdev_region_revoke(struct csmdev_obj *obj, u64 consumer);
int csmdev_region_seal(struct csmdev_obj *obj);
int csmdev_region_digest(struct csmdev_obj *obj, struct csm_ioc_digest *digest);
u64 csmdev_region_limit(void);
u64 csmdev_region_used(void);

/* --------------------------------------------------------------- attach.c */

int csmdev_window_set(const struct resource *where);
void csmdev_window_drop(void);
u64 csmdev_window_size(void);
u64 csmdev_window_free(void);
struct csmdev_obj *csmdev_attach_make(const struct csm_ioc_attach *req,
				      const struct rsi_csm_policy *policy);

/* ------------------------------------------------------------------ map.c */

int csmdev_mmap(struct file *file, struct vm_area_struct *vma);
vm_fault_t csmdev_map_fault(struct vm_fault *vmf, unsigned int order);
void csmdev_map_allow(struct csmdev_obj *obj);
void csmdev_map_forbid(struct csmdev_obj *obj);

/* ----------------------------------------------------------------- view.c */

int csmfs_view_read(struct csmdev_obj *obj, u64 offset, void *to, size_t size);
int csmfs_view_write(struct csmdev_obj *obj, u64 offset, const void *from, size_t size);
void csmfs_view_drop(struct csmdev_obj *obj);

/* ---------------------------------------------------------------- guard.c */

void csmdev_guard_init(void);
void csmdev_guard_exit(void);
bool csmdev_guard_works(void);
struct csmdev_mapping *csmdev_guard_add(struct mm_struct *mm, unsigned long start,
					unsigned long end);
struct csmdev_mapping *csmdev_guard_process(struct mm_struct *mm);
void csmdev_guard_get(struct csmdev_mapping *mapping);
void csmdev_guard_put(struct csmdev_mapping *mapping);

/* -------------------------------------------------------------- pending.c */

struct csmdev_pending;

u64 csmdev_pending_lost(void);
struct csmdev_pending *csmdev_pending_room(void);
bool csmdev_pending_add(struct csmdev_obj *obj, u64 peer, u64 bits, struct csmdev_pending **room);
int csmdev_pending_take(struct csmdev_obj *obj, void __user *arg);
int csmdev_pending_set_eventfd(struct csmdev_obj *obj, int fd);
__poll_t csmdev_pending_poll(struct csmdev_obj *obj, struct file *file, poll_table *table);
void csmdev_pending_hangup(struct csmdev_obj *obj);
void csmdev_pending_begin(struct csmdev_obj *obj);
void csmdev_pending_forget(struct csmdev_obj *obj);

/* --------------------------------------------------------------- signal.c */

void csmdev_signal_exit(void);
int csmdev_signal_use_irq(unsigned int irq);
void csmdev_signal_drop_irq(void);
bool csmdev_signal_has_irq(void);
void csmdev_signal_watch(void);
int csmdev_signal_send(struct csmdev_obj *obj, u64 peer, u64 bits);
void csmdev_signal_begin(struct csmdev_obj *obj);

/* ----------------------------------------------------------------- file.c */

int csmdev_file_open(struct csmdev_obj *obj, struct file **file);
int csmdev_file_release(struct inode *inode, struct file *file);
struct csm_ioc_sharing csmdev_file_describe(struct csmdev_obj *obj);
int csmdev_policy_get(u64 address, struct rsi_csm_policy **policy);

/* --------------------------------------------------------------- device.c */

extern const struct file_operations csmdev_device_fops;

/* ----------------------------------------------------------------- main.c */

struct csmdev_realm {
	u64 revision; /* of CSM in the RMM */
	u64 id;
	bool stopping; /* under csmdev_lock; set once, when the realm goes down */
};

extern struct csmdev_realm csmdev_realm;

#endif
