// SPDX-License-Identifier: GPL-2.0-only
/*
 * Birth and end of realms. The end happens in a worker: taking a realm apart takes a call to the
 * RMM for each of its pages, too long for the exit path of a killed process.
 */
#include <linux/anon_inodes.h>
#include <linux/ctype.h>
#include <linux/file.h>
#include <linux/idr.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "caec.h"

#define CAEC_MAX_VMID 255 /* every CPU has at least 8 bits; 0 is left alone */

DEFINE_SPINLOCK(caec_realms_lock);
LIST_HEAD(caec_realms);

static DEFINE_IDA(vmids);
static atomic_t next_id;
static struct workqueue_struct *teardown_queue;

/* Realms alive now, including those whose teardown is under way. Takes caec_realms_lock. */
unsigned int caec_realm_count(void)
{
	struct caec_realm *realm;
	unsigned int n = 0;

	spin_lock(&caec_realms_lock);
	list_for_each_entry (realm, &caec_realms, list) {
		n++;
	}
	spin_unlock(&caec_realms_lock);
	return n;
}

/* ---------------------------------------------------------------- teardown */

/* Nobody runs a vCPU and nobody else is in a call of this realm. Idempotent. */
static void teardown(struct caec_realm *realm)
{
	enum caec_state before = realm->state;
	unsigned int i;
	u64 status;

	mutex_lock(&realm->mem_lock);
	realm->state = CAEC_DEAD;
	mutex_unlock(&realm->mem_lock);
	if (before == CAEC_DEAD) {
		return;
	}
	for (i = 0; i < realm->num_vcpus; i++) {
		caec_vcpu_destroy_rec(realm->vcpus[i]);
	}
	caec_csm_destroy_apt(realm);
	mutex_lock(&realm->mem_lock);
	caec_mem_destroy_all(realm);
	caec_rtt_destroy_all(realm);
	status = caec_rmi(RMI_REALM_DESTROY_FID, caec_rd(realm), 0, 0, 0, NULL);
	if (status != RMI_SUCCESS) {
		pr_err("caec: REALM_DESTROY of %s: %#llx\n", realm->name, status);
	}
	caec_granule_free(realm, realm->start);
	caec_granule_free(realm, realm->rd);
	mutex_unlock(&realm->mem_lock);
	if (status == RMI_SUCCESS) {
		ida_free(&vmids, realm->vmid);
	}
}

/* Frees what the module has for a realm that the RMM no longer knows. Nobody refers to it. */
static void free_realm(struct caec_realm *realm)
{
	unsigned int i;

	mutex_lock(&realm->mem_lock);
	caec_share_destroy_all(realm);
	mutex_unlock(&realm->mem_lock);
	xa_destroy(&realm->tables);
	for (i = 0; i < realm->num_vcpus; i++) {
		caec_vcpu_free(realm->vcpus[i]);
	}
	if (realm->bounce) {
		__free_page(realm->bounce);
	}
	WARN_ON_ONCE(atomic64_read(&realm->charged) != atomic64_read(&realm->granules));
	mmdrop(realm->mm);
	kfree(realm);
}

static void teardown_work(struct work_struct *work)
{
	struct caec_realm *realm = container_of(work, struct caec_realm, teardown);

	teardown(realm);
	spin_lock(&caec_realms_lock);
	list_del(&realm->list);
	spin_unlock(&caec_realms_lock);
	free_realm(realm);
}

static void last_put(struct kref *refs)
{
	struct caec_realm *realm = container_of(refs, struct caec_realm, refs);

	queue_work(teardown_queue, &realm->teardown);
}

/* Gives a reference back. The last one starts the teardown in a worker. Any context. */
void caec_realm_put(struct caec_realm *realm)
{
	kref_put(&realm->refs, last_put);
}

/* The realm's file is gone, and with it every mapping of shared pages. */
void caec_realm_file_closed(struct caec_realm *realm)
{
	mutex_lock(&realm->mem_lock);
	realm->file = NULL;
	mutex_unlock(&realm->mem_lock);
	caec_realm_put(realm);
}

/* Stops the vCPUs of a realm that is still in use, waits for them, and takes it apart. */
static void end_realm(struct caec_realm *realm)
{
	unsigned int i;

	caec_vcpu_request_all(realm, CAEC_REQ_DEAD);
	mutex_lock(&realm->lock);
	/* The number of vCPUs is final now: their run locks come one by one, none nests in another.
	 */
	for (i = 0; i < realm->num_vcpus; i++) {
		caec_vcpu_request(realm->vcpus[i], CAEC_REQ_DEAD);
		mutex_lock(&realm->vcpus[i]->run_lock);
		mutex_unlock(&realm->vcpus[i]->run_lock);
	}
	teardown(realm);
	mutex_unlock(&realm->lock);
}

static struct caec_realm *first_living(void)
{
	struct caec_realm *realm;

	list_for_each_entry (realm, &caec_realms, list) {
		if (realm->state != CAEC_DEAD && kref_get_unless_zero(&realm->refs)) {
			return realm;
		}
	}
	return NULL;
}

/* Before the machine goes down or another kernel starts: no granule may stay with the RMM. */
void caec_realm_end_all(void)
{
	struct caec_realm *realm;

	spin_lock(&caec_realms_lock);
	while ((realm = first_living())) {
		spin_unlock(&caec_realms_lock);
		end_realm(realm);
		caec_realm_put(realm);
		spin_lock(&caec_realms_lock);
	}
	spin_unlock(&caec_realms_lock);
	flush_workqueue(teardown_queue);
}

/* ------------------------------------------------------------------- birth */

/* What can be said about the parameters without the RMM: see struct caec_realm_params. */
static bool params_valid(const struct caec_realm_params *p)
{
	size_t len = strnlen(p->name, CAEC_NAME_SIZE);
	size_t i;

	if (len == 0 || len == CAEC_NAME_SIZE ||
	    memchr_inv(p->name + len, 0, CAEC_NAME_SIZE - len)) {
		return false;
	}
	for (i = 0; i < len; i++) {
		if (!isascii(p->name[i]) || !isgraph(p->name[i]) || p->name[i] == '/') {
			return false;
		}
	}
	return !(p->flags & ~(CAEC_REALM_SVE | CAEC_REALM_PMU)) && p->ipa_width >= 32 &&
	       p->ipa_width <= 39 && p->hash_algo <= RMI_HASH_SHA_512 &&
	       !memchr_inv(p->reserved0, 0, sizeof(p->reserved0)) &&
	       !memchr_inv(p->reserved1, 0, sizeof(p->reserved1));
}

/*
 * The module's part of a realm: one reference, which is the caller's, and no granule yet. NULL: no
 * memory.
 */
static struct caec_realm *new_realm(const struct caec_realm_params *params)
{
	struct caec_realm *realm = kzalloc(sizeof(*realm), GFP_KERNEL_ACCOUNT);

	if (!realm) {
		return NULL;
	}
	kref_init(&realm->refs);
	mutex_init(&realm->lock);
	mutex_init(&realm->mem_lock);
	spin_lock_init(&realm->cpu_lock);
	INIT_WORK(&realm->teardown, teardown_work);
	INIT_LIST_HEAD(&realm->list);
	xa_init(&realm->data);
	xa_init(&realm->shared);
	xa_init(&realm->tables);
	xa_init(&realm->blocks);
	mt_init(&realm->consumed);
	memcpy(realm->name, params->name, sizeof(realm->name));
	realm->id = atomic_inc_return(&next_id);
	realm->pid = task_tgid_nr(current);
	realm->ipa_width = params->ipa_width;
	realm->alias = 1ULL << (params->ipa_width - 1);
	realm->mm = current->mm;
	mmgrab(realm->mm);
	return realm;
}

/*
 * The parameters as the RMM reads them, in the bounce page (RMM specification, RmiRealmParams).
 */
static void fill_params(struct caec_realm *realm, const struct caec_realm_params *from)
{
	struct rmi_realm_params *to = page_address(realm->bounce);

	memset(to, 0, sizeof(*to));
	to->flags = from->flags;
	to->s2sz = from->ipa_width;
	to->sve_vl = from->sve_vl;
	to->num_bps = from->num_bps;
	to->num_wps = from->num_wps;
	to->pmu_num_ctrs = from->pmu_num_ctrs;
	to->hash_algo = from->hash_algo;
	memcpy(to->rpv, from->rpv, sizeof(to->rpv));
	to->vmid = realm->vmid;
	to->rtt_base = page_to_phys(realm->start);
	to->rtt_level_start = 1;
	to->rtt_num_start = 1;
}

/*
 * The bounce page, and granules for RD and start table. On failure create_rd() gives back what
 * there is.
 */
static int alloc_rd(struct caec_realm *realm)
{
	struct page *page;

	realm->bounce = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!realm->bounce) {
		return -ENOMEM;
	}
	page = caec_granule_alloc(realm);
	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	realm->rd = page;
	page = caec_granule_alloc(realm);
	if (IS_ERR(page)) {
		return PTR_ERR(page);
	}
	realm->start = page;
	return 0;
}

/*
 * What a refusal of REALM_CREATE means (RMM specification, B4.3.9). EOPNOTSUPP: what the parameters
 * ask for is more than this RMM or machine has. There is no realm yet that could keep the status,
 * so EPROTO is explained in the log.
 */
static int create_error(u64 status)
{
	if (status == RMI_ERROR_INPUT) {
		return -EOPNOTSUPP;
	}
	pr_warn_ratelimited("caec: REALM_CREATE refused: %#llx\n", status);
	return -EPROTO;
}

/* The RMM's part: RD and start table. Undone completely on failure. ENOSPC: no VMID is free. */
static int create_rd(struct caec_realm *realm, const struct caec_realm_params *params)
{
	u64 status;
	int ret = alloc_rd(realm);

	if (ret) {
		goto out;
	}
	ret = ida_alloc_range(&vmids, 1, CAEC_MAX_VMID, GFP_KERNEL);
	if (ret < 0) {
		goto out;
	}
	realm->vmid = ret;
	fill_params(realm, params);
	status = caec_rmi(RMI_REALM_CREATE_FID, caec_rd(realm), page_to_phys(realm->bounce), 0, 0,
			  NULL);
	if (status == RMI_SUCCESS) {
		return 0;
	}
	ida_free(&vmids, realm->vmid);
	ret = create_error(status);
out:
	if (realm->start) {
		caec_granule_free(realm, realm->start);
	}
	if (realm->rd) {
		caec_granule_free(realm, realm->rd);
	}
	realm->state = CAEC_DEAD;
	return ret;
}

static int list_realm(struct caec_realm *realm)
{
	int ret = 0;

	spin_lock(&caec_realms_lock);
	if (caec_rmm.stopping) {
		ret = -ESHUTDOWN;
	} else {
		list_add_tail(&realm->list, &caec_realms);
	}
	spin_unlock(&caec_realms_lock);
	return ret;
}

/* Gives the new realm a file; from here on the file's release ends it. */
static int open_realm(struct caec_realm *realm)
{
	struct file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0) {
		return fd;
	}
	file = anon_inode_create_getfile("[caec-realm]", &caec_realm_fops, realm, O_RDWR, NULL);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	realm->file = file;
	fd_install(fd, file);
	return fd;
}

/* A new realm file, or a negative errno and nothing left behind. */
int caec_realm_create(const struct caec_realm_params *params)
{
	struct caec_realm *realm;
	int ret;

	if (!params_valid(params)) {
		return -EINVAL;
	}
	realm = new_realm(params);
	if (!realm) {
		return -ENOMEM;
	}
	ret = create_rd(realm, params);
	if (!ret) {
		ret = list_realm(realm);
	}
	if (ret) {
		teardown(realm);
		free_realm(realm);
		return ret;
	}
	ret = open_realm(realm);
	if (ret < 0) {
		caec_realm_put(realm);
	}
	return ret;
}

/* Caller holds realm.lock. EPERM: not a new realm. EPROTO: the RMM refuses for another reason. */
int caec_realm_activate(struct caec_realm *realm)
{
	u64 status;

	if (realm->state != CAEC_NEW) {
		return -EPERM;
	}
	status = caec_rmi(RMI_REALM_ACTIVATE_FID, caec_rd(realm), 0, 0, 0, NULL);
	if (status != RMI_SUCCESS) {
		int ret = caec_rmi_refused(realm, RMI_REALM_ACTIVATE_FID, status);

		return rmi_status_code(status) == RMI_ERROR_REALM ? -EPERM : ret;
	}
	WRITE_ONCE(realm->state, CAEC_ACTIVE);
	return 0;
}

/* ENOMEM, or 0 and realms can be made. */
int caec_realms_init(void)
{
	teardown_queue = alloc_workqueue("caec", WQ_UNBOUND, 0);
	return teardown_queue ? 0 : -ENOMEM;
}

/* Waits for every teardown under way; no file is open any more. */
void caec_realms_exit(void)
{
	destroy_workqueue(teardown_queue);
	ida_destroy(&vmids);
}
