// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a peer takes back can vanish at any time, and the next access to it takes a synchronous
 * external abort. A program then gets SIGBUS from the kernel as it is. But when the kernel itself
 * is copying from or to the program's memory at that moment, a stock kernel dies, although each
 * such copy has a way out for bad addresses. This file leads the abort there: a probe on do_sea()
 * looks whether the kernel was accessing a mapping of this module, and if so the system call fails
 * with EFAULT. The same holds for the module's own views of shared memory (view.c). Aborts of all
 * other kinds and places go their usual way.
 *
 * Where the probe cannot be placed sharings cannot be mapped.
 */
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <asm/esr.h>

#include "guest.h"

struct csmdev_mapping {
	struct list_head list; /* written under mappings_lock, read under RCU */
	struct rcu_head rcu;
	refcount_t refs;
	struct mm_struct *mm; /* compared only; NULL: the range is the kernel's own */
	unsigned long start;
	unsigned long end;
};

static LIST_HEAD(mappings);
static DEFINE_SPINLOCK(mappings_lock);

/* The kernel's own: continue at the way out of the access at regs, false if it has none. */
static bool (*fixup)(struct pt_regs *regs, unsigned long esr);
static bool works;

/* True: aborts inside system calls are led to their way out, so sharings may be mapped. */
bool csmdev_guard_works(void)
{
	return works;
}

/* -------------------------------------------------------------- mappings */

/* With one reference; NULL: no memory, which gfp can exclude. Takes mappings_lock. */
static struct csmdev_mapping *add(struct mm_struct *mm, unsigned long start, unsigned long end,
				  gfp_t gfp)
{
	struct csmdev_mapping *mapping = kzalloc(sizeof(*mapping), gfp);

	if (!mapping) {
		return NULL;
	}
	refcount_set(&mapping->refs, 1);
	mapping->mm = mm;
	mapping->start = start;
	mapping->end = end;
	spin_lock(&mappings_lock);
	list_add_rcu(&mapping->list, &mappings);
	spin_unlock(&mappings_lock);
	return mapping;
}

/*
 * With one reference; NULL: no memory. Caller keeps mm while the mapping exists; mm NULL: the
 * kernel's own addresses.
 */
struct csmdev_mapping *csmdev_guard_add(struct mm_struct *mm, unsigned long start,
					unsigned long end)
{
	return add(mm, start, end, GFP_KERNEL_ACCOUNT);
}

/* The mapping that is all of mm, with a reference; NULL: there is none. */
static struct csmdev_mapping *find_whole(struct mm_struct *mm)
{
	struct csmdev_mapping *mapping, *found = NULL;

	spin_lock(&mappings_lock);
	list_for_each_entry (mapping, &mappings, list) {
		if (mapping->mm == mm && mapping->start == 0 &&
		    refcount_inc_not_zero(&mapping->refs)) {
			found = mapping;
			break;
		}
	}
	spin_unlock(&mappings_lock);
	return found;
}

/*
 * Guards all addresses of a process, for mappings that can be split, moved and inherited: any
 * external abort that a system call takes on memory of this process then ends in EFAULT. Never
 * fails, because a fork cannot. Two callers at once may add two mappings, which does no harm.
 */
struct csmdev_mapping *csmdev_guard_process(struct mm_struct *mm)
{
	struct csmdev_mapping *mapping = find_whole(mm);

	return mapping ? mapping : add(mm, 0, TASK_SIZE_MAX, GFP_KERNEL | __GFP_NOFAIL);
}

/* One more user of the mapping, which the caller already holds. */
void csmdev_guard_get(struct csmdev_mapping *mapping)
{
	refcount_inc(&mapping->refs);
}

/* Gives a reference back. With the last one the range of addresses is no longer guarded. */
void csmdev_guard_put(struct csmdev_mapping *mapping)
{
	if (refcount_dec_and_test(&mapping->refs)) {
		spin_lock(&mappings_lock);
		list_del_rcu(&mapping->list);
		spin_unlock(&mappings_lock);
		kfree_rcu(mapping, rcu);
	}
}

/* True: addr is in a mapping of the current process, or in a view of the kernel. Takes no lock. */
static bool is_mapped(unsigned long addr)
{
	struct csmdev_mapping *mapping;
	bool found = false;

	rcu_read_lock();
	list_for_each_entry_rcu (mapping, &mappings, list) {
		if ((!mapping->mm || mapping->mm == current->mm) && addr >= mapping->start &&
		    addr < mapping->end) {
			found = true;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}
NOKPROBE_SYMBOL(is_mapped);

/* ----------------------------------------------------------------- probe */

/* Entry of do_sea(far, esr, regs). 1: as if it had run and returned 0. */
static int on_abort(struct kprobe *probe, struct pt_regs *call)
{
	unsigned long far = untagged_addr(call->regs[0]);
	unsigned long esr = call->regs[1];
	struct pt_regs *regs = (struct pt_regs *)call->regs[2];

	if (user_mode(regs) || esr & ESR_ELx_FnV || !is_mapped(far)) {
		return 0;
	}
	if (!fixup(regs, esr)) {
		return 0;
	}
	call->regs[0] = 0;
	instruction_pointer_set(call, call->regs[30]);
	return 1;
}
NOKPROBE_SYMBOL(on_abort);

static struct kprobe probe = {.symbol_name = "do_sea", .pre_handler = on_abort};

/* The address of a function that is not exported; a probe on it would tell, placed or not. */
static void *find(const char *name)
{
	struct kprobe finder = {.symbol_name = name};

	if (register_kprobe(&finder) == 0) {
		unregister_kprobe(&finder);
	}
	return finder.addr;
}

/* Never fails: without the guard the module is of less use, which it says. */
void csmdev_guard_init(void)
{
	int ret;

	fixup = find("fixup_exception");
	ret = fixup ? register_kprobe(&probe) : -ENOENT;
	works = ret == 0;
	if (!works) {
		pr_warn("caec_guest: no probe on external aborts (%d): no mmap of shared memory\n",
			ret);
	}
}

/* Undoes csmdev_guard_init(). No mapping is left. */
void csmdev_guard_exit(void)
{
	if (works) {
		unregister_kprobe(&probe);
	}
	works = false;
}
