// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_ENTER: the run loop of a virtual CPU (RMM specification B4.3.14, A4.2, A4.3). */
#include <string.h>

#include "abi/rmi.h"
#include "arch/trace.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "cmd/rsi.h"
#include "csm/csm.h"
#include "rec/enter.h"
#include "rec/exit.h"
#include "rec/inject.h"
#include "rec/run_page.h"

static uint64_t find_run_page(uint64_t run, struct map_host *page)
{
	if (map_host_find(pa_of(run), page)) {
		return RMI_SUCCESS;
	}
	if (!is_aligned(run, GRANULE_SIZE)) {
		return FAIL(run_align, RMI_ERROR_INPUT);
	}
	return FAIL(run_bound, RMI_ERROR_INPUT);
}

static uint64_t lock_rec(uint64_t rec, struct granule_held *held)
{
	struct granule *granule = granule_find(pa_of(rec));

	if (granule == NULL) {
		return is_aligned(rec, GRANULE_SIZE) ? FAIL(rec_bound, RMI_ERROR_INPUT)
						     : FAIL(rec_align, RMI_ERROR_INPUT);
	}
	if (!granule_lock(granule, GRANULE_REC, held)) {
		return FAIL(rec_gran_state, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* Conditions of a REC that does not run, in the order of the specification. */
static uint64_t check_enterable(const struct rec *rec, const struct rec_entry *entry)
{
	enum realm_state state = atomic_load_explicit(&rec_realm(rec)->state, memory_order_acquire);

	if (state == REALM_NEW) {
		return FAIL(realm_new, rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_NEW));
	}
	if (state == REALM_SYSTEM_OFF) {
		return FAIL(system_off,
			    rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF));
	}
	if (!atomic_load_explicit(&rec->runnable, memory_order_relaxed)) {
		return FAIL(rec_runnable, RMI_ERROR_REC);
	}
	if (rec->psci_pending) {
		return FAIL(rec_psci, RMI_ERROR_REC);
	}
	if ((entry->flags & RMI_ENTER_FLAG_EMUL_MMIO) != 0 &&
	    rec->completion != REC_COMPLETE_MMIO) {
		return FAIL(rec_mmio, RMI_ERROR_REC);
	}
	if (!rec_gic_valid(entry)) {
		return FAIL(rec_gicv3, RMI_ERROR_REC);
	}
	return RMI_SUCCESS;
}

/* With the REC's lock held: whether it may be entered, and what the host hands in. */
static uint64_t check_entry(struct granule_held held, const struct map_host *page,
			    struct rec_entry *entry)
{
	const struct rec *rec = rec_of(held.granule);
	bool running = granule_refs(held.granule) != 0;

	if (!run_page_read(page, !running && rec_wants_gprs(rec), entry)) {
		return FAIL(run_pas, RMI_ERROR_INPUT);
	}
	if (running) {
		return FAIL(rec_state, RMI_ERROR_REC);
	}
	return check_enterable(rec, entry);
}

/* Pages of another realm come by csm/, which rec/ does not know. */
static bool handle_exit(struct rec *rec, enum arch_exit kind, const struct arch_exit_info *info,
			struct rmi_rec_exit *exit)
{
	struct rd *rd = rec_realm(rec);
	enum rmm_csm_fault what = RMM_CSM_FAULT_NONE;
	ipa_t page;
	int level;

	if (rmm_csm_in_use(rd) && rec_is_missing_page(rec, kind, info, &page)) {
		what = rmm_csm_fault(rd, page, &level);
	}
	switch (what) {
	case RMM_CSM_FAULT_NONE:
		break;
	case RMM_CSM_FAULT_RETRY:
		return true;
	case RMM_CSM_FAULT_ABORT:
		inject_sea(rec, info->esr, info->far);
		return true;
	case RMM_CSM_FAULT_TABLE:
		rec_report_missing(rec, info, level, exit);
		return false;
	}
	return rec_handle_exit(rec, kind, info, exit);
}

bool realm_smc(struct arch_vcpu *vcpu, void *context)
{
	struct rec *rec = (struct rec *)((uintptr_t)vcpu - offsetof(struct rec, vcpu));

	return rsi_dispatch(rec, context) && rec_may_run(rec, context);
}

/* Runs the REC until something other than a call ends it. True if it goes on. */
static bool run_once(struct rec *rec, struct rmi_rec_exit *exit)
{
	struct arch_exit_info info;
	enum arch_exit kind;

	if (!rec_may_run(rec, exit)) {
		return false;
	}
	kind = arch_vcpu_run(&rec->vcpu, &info, exit);
	return kind != ARCH_EXIT_SMC && handle_exit(rec, kind, &info, exit);
}

/* Completes the last exit; false if the realm has to leave again, before it has run. */
static bool complete(struct rec *rec, const struct rec_entry *entry, struct rmi_rec_exit *exit)
{
	if (rec_complete(rec, entry, exit)) {
		return true;
	}
	if (!cmd_page_unavailable(rec_realm(rec), exit)) {
		return false;
	}
	memset(exit, 0, sizeof(*exit));
	rec_refuse_host_call(rec);
	return true;
}

/*
 * Runs the realm until an exit is for the host. The caller holds a reference of the REC, no lock.
 */
static void run(struct rec *rec, const struct rec_entry *entry, struct rmi_rec_exit *exit)
{
	if (ARCH_CHECKS) {
		rec_check(rec);
	}
	rec_prepare(rec, entry);
	arch_vcpu_load(&rec->vcpu);
	if (complete(rec, entry, exit)) {
		while (run_once(rec, exit)) {
		}
	}
	arch_vcpu_save(&rec->vcpu);
	rec_report_common(rec, exit);
	if (ARCH_CHECKS) {
		rec_check(rec);
	}
}

/*
 * RMI_REC_ENTER (B4.3.14): enters a REC and reports its exit in the run page. If the page has left
 * the normal world meanwhile, the command fails with run_pas although the REC has run.
 */
uint64_t rmi_rec_enter(const struct smc_regs *in, struct rmi_out *out)
{
	struct map_host page;
	struct granule_held held;
	struct rec_entry entry;
	struct rmi_rec_exit exit;
	uint64_t status = find_run_page(in->x[2], &page);

	(void)out;
	if (status != RMI_SUCCESS) {
		return status;
	}
	status = lock_rec(in->x[1], &held);
	if (status != RMI_SUCCESS) {
		return status;
	}
	status = check_entry(held, &page, &entry);
	if (status != RMI_SUCCESS) {
		granule_unlock(held);
		return status;
	}

	/* From here on the reference keeps the REC, and nobody else touches it. */
	granule_ref(held, 1);
	granule_unlock(held);
	run_page_clear(&exit);
	run(rec_of(held.granule), &entry, &exit);
	granule_unref(held.granule, 1);

	if (!run_page_write(&page, &exit)) {
		return FAIL(run_pas, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}
