// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_PSCI_COMPLETE (RMM specification B4.3.7, A4.4): the host hands in the REC a realm asked for.
 */
#include "abi/psci.h"
#include "abi/rmi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "rec/rec.h"

#define SCTLR_EE BIT(25)

enum {
	SET_CALLING,
	SET_TARGET,
	SET_COUNT,
};

/* What was asked, as far as it decides the answer. */
struct request {
	struct rec *calling;
	struct rec *target;
	bool cpu_on;    /* else AFFINITY_INFO */
	bool target_on; /* runnable, or running: its REC is then another CPU's */
};

/* Conditions of both addresses, before anything is locked. */
static uint64_t check_addresses(uint64_t calling, uint64_t target)
{
	if (calling == target) {
		return FAIL(alias, RMI_ERROR_INPUT);
	}
	if (!is_aligned(calling, GRANULE_SIZE)) {
		return FAIL(calling_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(calling)) == NULL) {
		return FAIL(calling_bound, RMI_ERROR_INPUT);
	}
	if (!is_aligned(target, GRANULE_SIZE)) {
		return FAIL(target_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(target)) == NULL) {
		return FAIL(target_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static uint64_t lock_both(struct granule_wanted *set)
{
	switch (granule_lock_set(set, SET_COUNT)) {
	case -1:
		return RMI_SUCCESS;
	case SET_CALLING:
		return FAIL(calling_state, RMI_ERROR_INPUT);
	default:
		return FAIL(target_state, RMI_ERROR_INPUT);
	}
}

static bool is_target(const struct rec *calling, const struct rec *target)
{
	uint64_t mpidr;

	return rec_mpidr_from_affinity(calling->vcpu.gprs[1], &mpidr) && mpidr == target->mpidr;
}

/* A REC without a reference stays without while its lock is held, so its fields can be read. */
static uint64_t check_request(const struct granule_wanted *set, int64_t status,
			      struct request *request)
{
	struct granule *calling = set[SET_CALLING].held.granule;
	struct granule *target = set[SET_TARGET].held.granule;

	request->calling = rec_of(calling);
	request->target = rec_of(target);
	if (granule_refs(calling) != 0 || !request->calling->psci_pending) {
		return FAIL(pending, RMI_ERROR_INPUT);
	}
	if (request->calling->rd != request->target->rd) {
		return FAIL(owner, RMI_ERROR_INPUT);
	}
	if (!is_target(request->calling, request->target)) {
		return FAIL(target, RMI_ERROR_INPUT);
	}

	uint64_t function = request->calling->vcpu.gprs[0];

	request->cpu_on = function == PSCI_CPU_ON_FID || function == PSCI_CPU_ON_32_FID;
	request->target_on = granule_refs(target) != 0 || request->target->runnable;
	if (status != PSCI_SUCCESS &&
	    !(status == PSCI_DENIED && request->cpu_on && !request->target_on)) {
		return FAIL(status, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* The target starts as a PE after reset, in the byte order of its caller. */
static void start(struct rec *target, const struct arch_vcpu *caller)
{
	const struct arch_vcpu_config config = target->vcpu.config;

	arch_vcpu_reset(&target->vcpu, &config);
	target->vcpu.el1.sctlr_el1 &= ~SCTLR_EE;
	target->vcpu.el1.sctlr_el1 |= caller->el1.sctlr_el1 & SCTLR_EE;
	target->vcpu.pc = caller->gprs[2];
	target->vcpu.gprs[0] = caller->gprs[3];
	target->runnable = true;
}

static int64_t complete(const struct request *request, int64_t status)
{
	if (!request->cpu_on) {
		return request->target_on ? PSCI_AFFINITY_ON : PSCI_AFFINITY_OFF;
	}
	if (request->target_on) {
		return PSCI_ALREADY_ON;
	}
	if (status == PSCI_SUCCESS) {
		start(request->target, &request->calling->vcpu);
	}
	return status;
}

static void commit(const struct request *request, int64_t status)
{
	struct rec *calling = request->calling;

	calling->vcpu.gprs[0] = (uint64_t)complete(request, status);
	for (unsigned int i = 1; i <= 3; i++) {
		calling->vcpu.gprs[i] = 0;
	}
	calling->psci_pending = false;
}

/*
 * RMI_PSCI_COMPLETE (B4.3.7): completes a pending PSCI call with the target REC and the status that
 * the host supplies. Holds the locks of both RECs.
 */
uint64_t rmi_psci_complete(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[SET_COUNT] = {
		[SET_CALLING] = {.pa = pa_of(in->x[1]), .state = GRANULE_REC},
		[SET_TARGET] = {.pa = pa_of(in->x[2]), .state = GRANULE_REC},
	};
	int64_t answer = (int64_t)in->x[3];
	uint64_t status = check_addresses(in->x[1], in->x[2]);
	struct request request;

	(void)out;
	if (status != RMI_SUCCESS) {
		return status;
	}
	status = lock_both(set);
	if (status != RMI_SUCCESS) {
		return status;
	}

	status = check_request(set, answer, &request);
	if (status == RMI_SUCCESS) {
		commit(&request, answer);
	}
	granule_unlock(set[SET_TARGET].held);
	granule_unlock(set[SET_CALLING].held);
	return status;
}
