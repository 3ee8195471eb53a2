// SPDX-License-Identifier: BSD-3-Clause
/*
 * PSCI for realms (RMM specification A4.4, B6). What starts or looks at another REC asks the host,
 * who knows where its REC object is: the answer comes through RMI_PSCI_COMPLETE.
 */
#include "abi/psci.h"

#include "abi/smccc.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"

/* A PSCI result fills x0, whatever the width of the call. */
#define RESULT(code) ((uint64_t)(int64_t)(code))

/* PSCI_VERSION (B6): returns the revision of PSCI. Cannot fail. */
enum rsi_outcome psci_version(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)rec;
	(void)exit;
	out->x[0] = PSCI_REVISION;
	return RSI_RETURN;
}

/* PSCI_FEATURES also tells whether SMCCC_VERSION can be called (DEN0022, 5.1.15). */
static bool is_supported(uint32_t fid)
{
	switch (fid) {
#define RMI_COMMAND(fid, name, handler, ...)
#define RSI_COMMAND(fid, name, handler, ...)
#define PSCI_COMMAND(fid, name, handler, ...) case (fid):
#include "abi/commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
	case SMCCC_VERSION_FID:
		return true;
	default:
		return false;
	}
}

/* PSCI_FEATURES (B6): whether a realm can call the function in x1. */
enum rsi_outcome psci_features(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)exit;
	/*
	 * Success is a word of feature flags: the only ones defined are of CPU_SUSPEND, and zero.
	 */
	out->x[0] = RESULT(PSCI_NOT_SUPPORTED);
	if (is_supported((uint32_t)rec->vcpu.gprs[1])) {
		out->x[0] = PSCI_SUCCESS;
	}
	return RSI_RETURN;
}

/* Function id of the call, and argument n: a 32-bit call has 32-bit arguments. */
static uint64_t function_of(const struct rec *rec)
{
	return (uint32_t)rec->vcpu.gprs[0] & ~SMCCC_FID_SVE_HINT;
}

static uint64_t argument(const struct rec *rec, unsigned int n)
{
	uint64_t value = rec->vcpu.gprs[n];

	return (function_of(rec) & SMCCC_FID_64) != 0 ? value : (uint32_t)value;
}

/* The host is told which function was called; nothing else of the realm's registers. */
static void tell_host(const struct rec *rec, struct rmi_rec_exit *exit)
{
	exit->exit_reason = RMI_EXIT_PSCI;
	exit->gprs[0] = function_of(rec);
}

/*
 * The host is asked to complete the call. Until then x0..x3 keep the call, as RMI_PSCI_COMPLETE
 * reads it: without hint and in the width of the call.
 */
static enum rsi_outcome ask_host(struct rec *rec, struct rmi_rec_exit *exit)
{
	uint64_t arguments[] = {argument(rec, 1), argument(rec, 2), argument(rec, 3)};

	rec->vcpu.gprs[0] = function_of(rec);
	for (unsigned int i = 0; i < ARRAY_LENGTH(arguments); i++) {
		rec->vcpu.gprs[i + 1] = arguments[i];
	}
	rec->psci_pending = true;
	tell_host(rec, exit);
	exit->gprs[1] = arguments[0];
	return RSI_DEFERRED;
}

/*
 * Whether the realm has, or had, a REC with this affinity; *index is its place in the order of
 * creation. RECs are created while the realm is NEW, and a REC that runs is proof that it no longer
 * is: their number is constant by now and read without the RD's lock.
 */
static bool find_rec(const struct rec *rec, uint64_t affinity, uint64_t *index)
{
	uint64_t mpidr;

	if (!rec_mpidr_from_affinity(affinity, &mpidr)) {
		return false;
	}
	*index = rmi_mpidr_to_index(mpidr);
	return *index < rec_realm(rec)->rec_index;
}

/*
 * Conditions of PSCI_CPU_ON that need no answer of the host, in the order entry, mpidr, runnable.
 */
static uint64_t check_cpu_on(const struct rec *rec)
{
	uint64_t index;

	if (!s2_ipa_protected(&rec->s2, ipa_of(argument(rec, 2)))) {
		return FAIL(entry, RESULT(PSCI_INVALID_ADDRESS));
	}
	if (!find_rec(rec, argument(rec, 1), &index)) {
		return FAIL(mpidr, RESULT(PSCI_INVALID_PARAMETERS));
	}
	/* Whether another REC runs is for RMI_PSCI_COMPLETE to say; the caller does. */
	if (index == rec->index) {
		return FAIL(runnable, RESULT(PSCI_ALREADY_ON));
	}
	return PSCI_SUCCESS;
}

/* PSCI_CPU_ON (B6): the host completes a valid call with RMI_PSCI_COMPLETE. */
enum rsi_outcome psci_cpu_on(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	out->x[0] = check_cpu_on(rec);
	return out->x[0] == PSCI_SUCCESS ? ask_host(rec, exit) : RSI_RETURN;
}

/* PSCI_AFFINITY_INFO (B6): answers for the caller itself; otherwise the host completes the call. */
enum rsi_outcome psci_affinity_info(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	uint64_t index;

	if (argument(rec, 2) != 0) {
		out->x[0] = FAIL(target_bound, RESULT(PSCI_INVALID_PARAMETERS));
		return RSI_RETURN;
	}
	if (!find_rec(rec, argument(rec, 1), &index)) {
		out->x[0] = FAIL(target_match, RESULT(PSCI_INVALID_PARAMETERS));
		return RSI_RETURN;
	}
	if (index == rec->index) {
		out->x[0] = PSCI_AFFINITY_ON;
		return RSI_RETURN;
	}
	return ask_host(rec, exit);
}

/* Every power state is a standby: the realm goes on behind the call, whenever the host likes. */
enum rsi_outcome psci_cpu_suspend(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	out->x[0] = PSCI_SUCCESS;
	tell_host(rec, exit);
	return RSI_EXIT;
}

/* PSCI_CPU_OFF (B6): the REC cannot be entered again until a PSCI_CPU_ON starts it. */
enum rsi_outcome psci_cpu_off(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)out;
	rec->runnable = false;
	tell_host(rec, exit);
	return RSI_NO_RETURN;
}

static enum rsi_outcome system_off(struct rec *rec, struct rmi_rec_exit *exit)
{
	struct granule_held rd;
	bool locked = granule_lock(rec->rd, GRANULE_RD, &rd);

	ASSERT(locked);
	rec_realm(rec)->state = REALM_SYSTEM_OFF;
	granule_unlock(rd);
	tell_host(rec, exit);
	return RSI_NO_RETURN;
}

/*
 * PSCI_SYSTEM_OFF (B6): no REC of the realm can be entered from now on. Takes the lock of the RD.
 */
enum rsi_outcome psci_system_off(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)out;
	return system_off(rec, exit);
}

/* PSCI_SYSTEM_RESET (B6): as PSCI_SYSTEM_OFF; the host sees which function was called. */
enum rsi_outcome psci_system_reset(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)out;
	return system_off(rec, exit);
}
