/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host module's own types and what its files offer each other.
 *
 * Locks, in the order in which they are taken:
 *   caec_vcpu.run_lock   one thread runs a vCPU; held for the whole of CAEC_VCPU_RUN
 *   caec_realm.lock      set-up calls of a realm: populate, vCPU creation, activation, APT
 *   mmap_lock            (copy_from_user under realm.lock, page faults)
 *   caec_realm.mem_lock  pages and tables of a realm; no user access under it
 *   caec_realms_lock     spinlock: the list of realms
 *   caec_realm.cpu_lock  spinlock: power state of vCPUs
 *   caec_vcpu.task_lock  spinlock: who runs the vCPU
 *
 * A delegated page is never freed: it is undelegated first, or it stays allocated for ever and is
 * counted as leaked. Only granule.c delegates, undelegates and frees.
 */
#ifndef CAEC_CAEC_H
#define CAEC_CAEC_H

#include <linux/fs.h>
#include <linux/ioctl.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "abi/psci.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "abi/uapi/caec_host.h"

#define CAEC_PAGE_MASK   (~(u64)(PAGE_SIZE - 1))
#define CAEC_BLOCK_SIZE  SZ_2M
#define CAEC_BLOCK_ORDER 9
#define CAEC_BLOCK_PAGES 512

/* Where a realm is in its life. Guarded by caec_realm.lock; read elsewhere as a hint only. */
enum caec_state { CAEC_NEW, CAEC_ACTIVE, CAEC_DEAD };

/* Events: exits by reason, and what else is worth counting. */
enum caec_count {
	CAEC_COUNT_IRQ,
	CAEC_COUNT_FIQ,
	CAEC_COUNT_WFI,
	CAEC_COUNT_FAULT,
	CAEC_COUNT_SHARE,
	CAEC_COUNT_MMIO,
	CAEC_COUNT_SYSREG,
	CAEC_COUNT_PSCI,
	CAEC_COUNT_RIPAS,
	CAEC_COUNT_HOST_CALL,
	CAEC_COUNT_SERROR,
	CAEC_COUNT_CSM,
	CAEC_COUNT_OTHER,
	CAEC_COUNT_ENTRY,
	CAEC_COUNT_TIMER,
	CAEC_COUNT_TIMER_FULL,
	CAEC_COUNTS
};

struct caec_ram {
	u64 base;
	u64 top;
};

struct caec_realm {
	struct kref refs; /* realm file and vCPU files */
	struct list_head list;
	struct work_struct teardown;
	struct mm_struct *mm; /* held by mmgrab: whom the realm answers to and who is charged */
	struct file *file;    /* of the realm, not held; under mem_lock, NULL once closed */
	char name[CAEC_NAME_SIZE];
	pid_t pid;
	unsigned int id;
	int vmid;
	unsigned int ipa_width;
	u64 alias; /* top bit of the IPA space: set in unprotected addresses */

	struct mutex lock;
	enum caec_state state;
	struct page *rd;
	struct page *start;
	struct page *bounce; /* source of DATA_CREATE, parameters; normal world */
	struct caec_ram ram[CAEC_MAX_RAM];
	unsigned int num_ram;
	struct caec_vcpu *vcpus[CAEC_MAX_VCPUS];
	unsigned int num_vcpus;
	struct page *apt[CAEC_MAX_APT];
	unsigned int num_apt;

	struct mutex mem_lock;
	struct xarray data; /* IPA >> 12 -> struct page, delegated */
	struct xarray
		shared; /* IPA >> 12 -> struct page; mark CAEC_MAPPED: in the realm's tables */
	struct xarray tables;       /* caec_table_key -> struct page, delegated */
	struct xarray blocks;       /* IPA >> 21 -> value: the level-3 table is folded away */
	struct maple_tree consumed; /* IPA >> 12: ranges that the realm takes from other realms */
	struct page *spare; /* a delegated granule so that teardown can always unfold a block */

	spinlock_t cpu_lock;
	u32 ended; /* CAEC_EXIT_SYSTEM_OFF or _RESET once the realm asked for it */
	atomic_t signal_waits;
	u64 provided; /* base of the range last given to others, for debugfs; 0 if none */

	atomic64_t granules;     /* delegated for this realm */
	atomic64_t charged;      /* pages charged to mm */
	struct caec_stats stats; /* the part that lives under mem_lock or lock */
	atomic64_t refused;      /* commands that the RMM refused, and the last of them */
	u32 refused_command;
	u64 refused_status;
	atomic64_t counts[CAEC_COUNTS];
};

#define CAEC_MAPPED XA_MARK_0

/* Reasons to leave the run loop, bits of caec_vcpu.requests. */
#define CAEC_REQ_KICK 0 /* somebody asked for CAEC_EXIT_KICK */
#define CAEC_REQ_DEAD 1 /* the host is going down */
#define CAEC_REQ_WAKE 2 /* look at the power state and at the realm's state again */

struct caec_timer {
	u64 ctl;
	u64 cval;
};

struct caec_vcpu {
	struct caec_realm *realm;
	unsigned int index;
	u64 mpidr;
	struct page *rec;
	struct page *aux[RMI_MAX_AUX];
	unsigned int num_aux;
	struct page *run_page; /* what the RMM reads and writes */
	struct rmi_rec_run *run;
	struct page *user_page; /* what user space sees */
	struct caec_run *user;

	struct mutex run_lock;
	struct task_struct *task; /* under task_lock: who runs it */
	spinlock_t task_lock;
	unsigned long requests;
	wait_queue_head_t wait;

	/* Under run_lock. */
	u32 exit_reason;  /* enum caec_exit of this run */
	u32 last_exit;    /* enum caec_exit whose answer the next entry carries in */
	u64 enter_flags;  /* RMI_ENTER_FLAG_* for the next entry, gone once it has happened */
	bool off_pending; /* the last exit was CPU_OFF */
	u32 on_seq_entry;
	u64 lr[CAEC_NUM_LRS];
	u64 hcr;
	u32 timer_enabled;
	u8 timer_priority[2];
	struct caec_timer timer[2]; /* virtual, physical: as the realm left them */

	/* Under realm.cpu_lock. */
	bool on;
	u32 on_seq;
};

/* Result of a step of the run loop: a negative errno, back to the user, or on with the realm. */
enum caec_next { CAEC_TO_USER = 0, CAEC_RESUME = 1 };

/* ------------------------------------------------------------------ rmi.c */

/* Results of the calls that return more than a status. */
struct caec_rmi_out {
	u64 x1;
	u64 x2;
	u64 x3;
	u64 x4;
};

u64 caec_rmi(u32 fid, u64 x1, u64 x2, u64 x3, u64 x4, struct caec_rmi_out *out);
u64 caec_rmi_data_create(u64 rd, u64 data, u64 ipa, u64 src, u64 flags);
u64 caec_rmi_enter(u64 rec, u64 run);
int caec_rmi_refused(struct caec_realm *realm, u32 fid, u64 status);

/* ---------------------------------------------------------------- granule.c */

int caec_charge(struct caec_realm *realm, long pages);
void caec_uncharge(struct caec_realm *realm, long pages);
struct page *caec_granule_alloc(struct caec_realm *realm);
int caec_granule_alloc_block(struct caec_realm *realm, struct page **first);
void caec_granule_free(struct caec_realm *realm, struct page *page);
u64 caec_granules_delegated(void);
u64 caec_granules_leaked(void);

/* ------------------------------------------------------------------ event.c */

void caec_count(struct caec_realm *realm, enum caec_count what);
int caec_to_user(struct caec_vcpu *vcpu, enum caec_exit reason);
void caec_vcpu_request(struct caec_vcpu *vcpu, int request);
void caec_vcpu_request_all(struct caec_realm *realm, int request);

/* -------------------------------------------------------------------- ram.c */

bool caec_ram_has(struct caec_realm *realm, u64 ipa, u64 size);
bool caec_ram_overlaps(struct caec_realm *realm, u64 base, u64 top);
int caec_ram_add(struct caec_realm *realm, u64 base, u64 top);

/* -------------------------------------------------------------------- rtt.c */

int caec_rtt_ensure(struct caec_realm *realm, u64 ipa, int level);
void caec_rtt_try_fold(struct caec_realm *realm, u64 ipa);
void caec_rtt_fold_empty(struct caec_realm *realm, u64 ipa);
void caec_rtt_destroy_one(struct caec_realm *realm, u64 base, int level);
void caec_rtt_destroy_all(struct caec_realm *realm);

/* -------------------------------------------------------------------- mem.c */

int caec_mem_init_ripas(struct caec_realm *realm, const struct caec_range *range);
int caec_mem_populate(struct caec_realm *realm, struct caec_populate *req);
int caec_mem_fault(struct caec_realm *realm, u64 ipa);
int caec_mem_data_destroy(struct caec_realm *realm, u64 ipa);
void caec_mem_destroy_all(struct caec_realm *realm);
bool caec_mem_is_consumed(struct caec_realm *realm, u64 ipa, u64 size);
int caec_mem_reserve(struct caec_realm *realm, u64 base, u64 top);
void caec_mem_unreserve(struct caec_realm *realm, u64 base);
int caec_mem_ripas_change(struct caec_vcpu *vcpu, u64 base, u64 top, u8 value);

/* ------------------------------------------------------------------ share.c */

int caec_share_fault(struct caec_realm *realm, u64 ipa);
void caec_share_drop(struct caec_realm *realm, u64 base, u64 top);
void caec_share_destroy_all(struct caec_realm *realm);
int caec_share_mmap(struct file *file, struct vm_area_struct *vma);

/* ------------------------------------------------------------------ realm.c */

extern spinlock_t caec_realms_lock;
extern struct list_head caec_realms;

int caec_realm_create(const struct caec_realm_params *params);
int caec_realm_activate(struct caec_realm *realm);
void caec_realm_file_closed(struct caec_realm *realm);
void caec_realm_put(struct caec_realm *realm);
unsigned int caec_realm_count(void);
void caec_realm_end_all(void);
int caec_realms_init(void);
void caec_realms_exit(void);

/* ------------------------------------------------------------------ ioctl.c */

extern const struct file_operations caec_realm_fops;
extern const struct file_operations caec_device_fops;

/* ------------------------------------------------------------------- vcpu.c */

struct caec_vcpu *caec_vcpu_new(struct caec_realm *realm, const struct caec_vcpu_params *params);
void caec_vcpu_destroy_rec(struct caec_vcpu *vcpu);
void caec_vcpu_free(struct caec_vcpu *vcpu);

/* -------------------------------------------------------------- vcpu_file.c */

int caec_vcpu_create(struct caec_realm *realm, const struct caec_vcpu_params *params);

/* ---------------------------------------------------- wait.c, run.c, exit.c */

int caec_vcpu_idle(struct caec_vcpu *vcpu, u64 until);
int caec_vcpu_wait_until_on(struct caec_vcpu *vcpu);
int caec_vcpu_run(struct caec_vcpu *vcpu);
int caec_exit_handle(struct caec_vcpu *vcpu);

/* ------------------------------------------------------------------ timer.c */

void caec_timer_inject(struct caec_vcpu *vcpu);
bool caec_timer_interrupt_pending(struct caec_vcpu *vcpu);
ktime_t caec_timer_sleep_time(struct caec_vcpu *vcpu, u64 until);
void caec_timer_expire(struct caec_vcpu *vcpu);
bool caec_lr_valid(const struct caec_vcpu *vcpu);
bool caec_lr_collect(struct caec_vcpu *vcpu);

/* ------------------------------------------------------------------- psci.c */

int caec_psci_exit(struct caec_vcpu *vcpu);
void caec_psci_stay_off(struct caec_vcpu *vcpu);

/* -------------------------------------------------------------------- csm.c */

int caec_csm_add_apt(struct caec_realm *realm, struct caec_apt *req);
void caec_csm_destroy_apt(struct caec_realm *realm);
int caec_csm_exit(struct caec_vcpu *vcpu);

/* -------------------------------------------------------------------- ppi.c */

int caec_ppi_init(void);
void caec_ppi_exit(void);

/* ---------------------------------------------------------------- debugfs.c */

void caec_debug_init(void);
void caec_debug_exit(void);

/* ------------------------------------------------------------------- main.c */

struct caec_rmm {
	u64 lower;
	u64 higher;
	u64 features0;
	u64 csm_revision;
	unsigned int num_lrs;
	bool stopping; /* set once by the reboot notifier */
};

extern struct caec_rmm caec_rmm;

static inline u64 caec_table_key(u64 ipa, int level)
{
	return (ipa >> PAGE_SHIFT) << 2 | (u64)level;
}

/* Bytes that one entry of a table of this level covers. */
static inline u64 caec_level_size(int level)
{
	return 1ULL << (PAGE_SHIFT + 9 * (3 - level));
}

static inline u64 caec_rd(const struct caec_realm *realm)
{
	return page_to_phys(realm->rd);
}

#endif
