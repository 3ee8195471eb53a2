// SPDX-License-Identifier: BSD-3-Clause
/* RMI_PSCI_COMPLETE: each condition, and each answer in each state of the target. */
#include "rec_unit.h"

#define ENTRY   UINT64_C(0x20000)
#define CONTEXT UINT64_C(0xC0FFEE)
#define CALLER  0
#define TARGET  1
#define OTHER   2

#define SCTLR_EE BIT(25)

static struct sim_realm realm;
static struct sim_realm stranger;

static struct sim_answer complete(uint64_t status)
{
	return RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], realm.recs[TARGET], status);
}

static void realm_with(bool target_runnable)
{
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_rec_new(&realm, target_runnable ? RMI_REC_FLAG_RUNNABLE : 0, SIM_PC);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
}

static void ask(uint64_t fid)
{
	SIM_EXITS(SIM_SMC(fid, TARGET, fid == PSCI_CPU_ON_FID ? ENTRY : 0, CONTEXT, 4, 5));
	ASSERT_RMI_OK(sim_enter(&realm, CALLER, NULL, NULL));
}

/* A realm whose first REC waits for the host to start the second, which is off. */
static void realm_that_asks(void)
{
	realm_with(false);
	ask(PSCI_CPU_ON_FID);
}

/* The request is still there, and the right answer is still right. */
static void expect_pending(void)
{
	ASSERT_REFUSED(sim_enter(&realm, CALLER, NULL, NULL), RMI_ERROR_REC, rec_psci);
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));
}

static void alias(void **state)
{
	(void)state;
	realm_that_asks();
	ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], realm.recs[CALLER], 0),
		       RMI_ERROR_INPUT, alias);
	ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[TARGET], realm.recs[TARGET], 0),
		       RMI_ERROR_INPUT, alias);
	ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, 1, 1, 0), RMI_ERROR_INPUT, alias);
	expect_pending();
}

static const uint64_t offsets[] = {1, 8, 0x800, GRANULE_SIZE - 1};

static void calling_align(void **state)
{
	(void)state;
	realm_that_asks();
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER] + offsets[i],
				   realm.recs[TARGET], 0),
			       RMI_ERROR_INPUT, calling_align);
	}
	expect_pending();
}

static void target_align(void **state)
{
	(void)state;
	realm_that_asks();
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER],
				   realm.recs[TARGET] + offsets[i], 0),
			       RMI_ERROR_INPUT, target_align);
	}
	expect_pending();
}

static const uint64_t not_delegable[] = {0, SIM_DEVICE, SIM_OWN, SIM_UNLISTED, ~GRANULE_MASK};

static void calling_bound(void **state)
{
	(void)state;
	realm_that_asks();
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, not_delegable[i], realm.recs[TARGET], 0),
			       RMI_ERROR_INPUT, calling_bound);
	}
	expect_pending();
}

static void target_bound(void **state)
{
	(void)state;
	realm_that_asks();
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], not_delegable[i], 0),
			       RMI_ERROR_INPUT, target_bound);
	}
	expect_pending();
}

static void wrong_states(void **state)
{
	(void)state;
	realm_that_asks();
	for (unsigned int wrong = 0; wrong < GRANULE_STATE_COUNT; wrong++) {
		if (wrong == GRANULE_REC) {
			continue;
		}
		sim_make(sim_page(wrong), wrong);
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, sim_page(wrong), realm.recs[TARGET], 0),
			       RMI_ERROR_INPUT, calling_state);
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], sim_page(wrong), 0),
			       RMI_ERROR_INPUT, target_state);
	}
	expect_pending();
}

static void pending_nothing_asked(void **state)
{
	(void)state;
	realm_with(false);
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
	ask(PSCI_VERSION_FID);
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
	ask(PSCI_CPU_SUSPEND_FID);
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
}

static void pending_only_once(void **state)
{
	(void)state;
	realm_that_asks();
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
}

static void pending_caller_runs(void **state)
{
	struct granule_held held;

	(void)state;
	realm_that_asks();
	/* A REC with a reference is another CPU's, whatever its fields say. */
	assert_true(granule_lock(granule_find(pa_of(realm.recs[CALLER])), GRANULE_REC, &held));
	granule_ref(held, 1);
	granule_unlock(held);
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
	granule_unref(granule_find(pa_of(realm.recs[CALLER])), 1);
	expect_pending();
}

static void owner(void **state)
{
	(void)state;
	realm_that_asks();
	sim_realm_new(&stranger, SIM_PAGES / 4, 2);
	for (unsigned int i = 0; i < 2; i++) {
		sim_rec_new(&stranger, 0, SIM_PC);
		ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], stranger.recs[i], 0),
			       RMI_ERROR_INPUT, owner);
	}
	expect_pending();
}

static void target(void **state)
{
	(void)state;
	realm_that_asks();
	ASSERT_REFUSED(RMI(RMI_PSCI_COMPLETE, realm.recs[CALLER], realm.recs[OTHER], 0),
		       RMI_ERROR_INPUT, target);
	expect_pending();
}

static const int64_t no_answers[] = {
	PSCI_NOT_SUPPORTED,
	PSCI_INVALID_PARAMETERS,
	PSCI_ALREADY_ON,
	PSCI_ON_PENDING,
	PSCI_INTERNAL_FAILURE,
	PSCI_NOT_PRESENT,
	PSCI_DISABLED,
	PSCI_INVALID_ADDRESS,
	1,
	0xFFFFFFFD, /* DENIED, but of 32 bits */
	INT64_C(1) << 32,
	INT64_MAX,
	INT64_MIN,
};

static void status_never(void **state)
{
	(void)state;
	realm_that_asks();
	for (size_t i = 0; i < ARRAY_LENGTH(no_answers); i++) {
		ASSERT_REFUSED(complete((uint64_t)no_answers[i]), RMI_ERROR_INPUT, status);
	}
	expect_pending();
}

static void status_denied(void **state)
{
	(void)state;
	realm_with(true);
	ask(PSCI_CPU_ON_FID);
	ASSERT_REFUSED(complete((uint64_t)PSCI_DENIED), RMI_ERROR_INPUT, status);
	expect_pending();

	ask(PSCI_AFFINITY_INFO_FID);
	ASSERT_REFUSED(complete((uint64_t)PSCI_DENIED), RMI_ERROR_INPUT, status);
	expect_pending();
}

static void status_denied_affinity(void **state)
{
	(void)state;
	realm_with(false);
	ask(PSCI_AFFINITY_INFO_FID);
	ASSERT_REFUSED(complete((uint64_t)PSCI_DENIED), RMI_ERROR_INPUT, status);
	expect_pending();
}

/* The caller goes on behind its call with the result in x0, x1..x3 zero, the rest as it was. */
static void expect_result(int64_t result)
{
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, CALLER, NULL, NULL));
	ASSERT_RESULTS((uint64_t)result, 0, 0, 0);
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC + 4);
	assert_int_equal(sim_saw(0)->vcpu.gprs[4], 4);
	assert_int_equal(sim_saw(0)->vcpu.gprs[5], 5);
	assert_int_equal(sim_saw(0)->vcpu.gprs[6], 0x106);
}

static void on_starts(void **state)
{
	static struct arch_vcpu fresh;
	struct rec *rec;

	(void)state;
	realm_with(false);
	rec = sim_rec(&realm, TARGET);
	/* What the REC had before it was turned off, all of it. */
	memset(rec->vcpu.gprs, 0xAA, sizeof(rec->vcpu.gprs));
	memset(&rec->vcpu.el1, 0xAA, sizeof(rec->vcpu.el1));
	memset(&rec->vcpu.pauth, 0xAA, sizeof(rec->vcpu.pauth));
	memset(&rec->vcpu.timers, 0xAA, sizeof(rec->vcpu.timers));
	memset(&rec->vcpu.gic, 0xAA, sizeof(rec->vcpu.gic));
	memset(&rec->vcpu.pmu, 0xAA, sizeof(rec->vcpu.pmu));
	memset(&rec->vcpu.debug, 0xAA, sizeof(rec->vcpu.debug));
	rec->vcpu.pstate = 0;
	ask(PSCI_CPU_ON_FID);
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));

	arch_vcpu_reset(&fresh, &rec->vcpu.config);
	fresh.pc = ENTRY;
	fresh.gprs[0] = CONTEXT;
	assert_memory_equal(&rec->vcpu, &fresh, sizeof(fresh));
	assert_int_equal(fresh.config.vmpidr, BIT(31) | TARGET);
	expect_result(PSCI_SUCCESS);

	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, TARGET, NULL, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, ENTRY);
	assert_int_equal(sim_saw(0)->vcpu.gprs[0], CONTEXT);
	for (unsigned int i = 1; i < 31; i++) {
		assert_int_equal(sim_saw(0)->vcpu.gprs[i], 0);
	}
}

static void big_endian(struct arch_vcpu *vcpu)
{
	(void)vcpu;
	machine_el1()->sctlr_el1 |= SCTLR_EE | BIT(0);
}

static void on_keeps_byte_order(void **state)
{
	uint64_t reset;

	(void)state;
	realm_with(false);
	reset = sim_rec(&realm, TARGET)->vcpu.el1.sctlr_el1;
	assert_int_equal(reset & (SCTLR_EE | BIT(0)), 0);
	SIM_EXITS({.kind = ARCH_EXIT_SYNC,
		   .info = {.esr = SIM_ESR(0x17)},
		   .count = 4,
		   .x = {PSCI_CPU_ON_FID, TARGET, ENTRY, CONTEXT},
		   .act = big_endian});
	ASSERT_RMI_OK(sim_enter(&realm, CALLER, NULL, NULL));
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));
	assert_int_equal(sim_rec(&realm, TARGET)->vcpu.el1.sctlr_el1, reset | SCTLR_EE);
}

/* After CPU_OFF, as often as the realm likes. */
static void on_again(void **state)
{
	(void)state;
	realm_that_asks();
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));
	for (unsigned int i = 0; i < 3; i++) {
		SIM_EXITS(SIM_SMC(PSCI_CPU_OFF_FID));
		ASSERT_RMI_OK(sim_enter(&realm, TARGET, NULL, NULL));
		ASSERT_REFUSED(sim_enter(&realm, TARGET, NULL, NULL), RMI_ERROR_REC, rec_runnable);
		ask(PSCI_CPU_ON_FID);
		ASSERT_RMI_OK(complete(PSCI_SUCCESS));
		SIM_EXITS(SIM_IRQ);
		ASSERT_RMI_OK(sim_enter(&realm, TARGET, NULL, NULL));
		assert_int_equal(sim_saw(0)->vcpu.pc, ENTRY);
	}
}

static void expect_target_unchanged(uint64_t fid, uint64_t status, int64_t result)
{
	static struct rec before;

	ask(fid);
	memcpy(&before, sim_rec(&realm, TARGET), sizeof(before));
	ASSERT_RMI_OK(complete(status));
	assert_memory_equal(&before, sim_rec(&realm, TARGET), sizeof(before));
	expect_result(result);
}

static void on_already(void **state)
{
	(void)state;
	realm_with(true);
	expect_target_unchanged(PSCI_CPU_ON_FID, PSCI_SUCCESS, PSCI_ALREADY_ON);
}

static void on_denied(void **state)
{
	(void)state;
	realm_with(false);
	expect_target_unchanged(PSCI_CPU_ON_FID, (uint64_t)PSCI_DENIED, PSCI_DENIED);
	ASSERT_REFUSED(sim_enter(&realm, TARGET, NULL, NULL), RMI_ERROR_REC, rec_runnable);
}

static void info_on(void **state)
{
	(void)state;
	realm_with(true);
	expect_target_unchanged(PSCI_AFFINITY_INFO_FID, PSCI_SUCCESS, PSCI_AFFINITY_ON);
}

static void info_off(void **state)
{
	(void)state;
	realm_with(false);
	expect_target_unchanged(PSCI_AFFINITY_INFO_FID, PSCI_SUCCESS, PSCI_AFFINITY_OFF);
}

/* A REC that another CPU runs is on, even if it has just turned itself off. */
static void running_target(uint64_t fid, int64_t result)
{
	struct granule_held held;

	realm_with(false);
	assert_true(granule_lock(granule_find(pa_of(realm.recs[TARGET])), GRANULE_REC, &held));
	granule_ref(held, 1);
	granule_unlock(held);
	ask(fid);
	ASSERT_REFUSED(complete((uint64_t)PSCI_DENIED), RMI_ERROR_INPUT, status);
	ASSERT_RMI_OK(complete(PSCI_SUCCESS));
	assert_false(sim_rec(&realm, TARGET)->runnable);
	granule_unref(granule_find(pa_of(realm.recs[TARGET])), 1);
	expect_result(result);
}

static void on_running(void **state)
{
	(void)state;
	running_target(PSCI_CPU_ON_FID, PSCI_ALREADY_ON);
}

static void info_running(void **state)
{
	(void)state;
	running_target(PSCI_AFFINITY_INFO_FID, PSCI_AFFINITY_ON);
}

/* Whichever of the two objects lies higher. */
static void either_order(void **state)
{
	(void)state;
	realm_with(true);
	SIM_EXITS(SIM_SMC(PSCI_AFFINITY_INFO_FID, 0, 0));
	ASSERT_RMI_OK(sim_enter(&realm, OTHER, NULL, NULL));
	assert_true(realm.recs[OTHER] > realm.recs[0]);
	ASSERT_RMI_OK(RMI(RMI_PSCI_COMPLETE, realm.recs[OTHER], realm.recs[0], 0));
}

/* A destroyed REC stays known by its affinity, but nobody can be handed in for it. */
static void target_is_gone(void **state)
{
	(void)state;
	realm_that_asks();
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[TARGET]));
	ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, target_state);
	ASSERT_REFUSED(sim_enter(&realm, CALLER, NULL, NULL), RMI_ERROR_REC, rec_psci);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[CALLER]));
}

/*
 * The realm ends while a CPU_ON waits for the host: no REC runs again, whether the host answers or
 * not, and all of it can be taken down.
 */
static void realm_ends_while_asking(void **state)
{
	static const uint64_t ends[] = {PSCI_SYSTEM_OFF_FID, PSCI_SYSTEM_RESET_FID};

	(void)state;
	for (unsigned int i = 0; i < 2 * ARRAY_LENGTH(ends); i++) {
		sim_reset();
		realm_that_asks();
		SIM_EXITS(SIM_SMC(ends[i / 2]));
		ASSERT_RMI_OK(sim_enter(&realm, OTHER, NULL, NULL));
		if (i % 2 != 0) {
			ASSERT_RMI_OK(complete(PSCI_SUCCESS));
			ASSERT_REFUSED(complete(PSCI_SUCCESS), RMI_ERROR_INPUT, pending);
		}
		for (unsigned int rec = CALLER; rec <= OTHER; rec++) {
			ASSERT_REFUSED(sim_enter(&realm, rec, NULL, NULL),
				       rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF),
				       system_off);
		}
		sim_realm_destroy(&realm);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_PSCI_COMPLETE alias", alias),
		SIM_TEST("RMI_PSCI_COMPLETE calling_align", calling_align),
		SIM_TEST("RMI_PSCI_COMPLETE calling_bound", calling_bound),
		SIM_TEST("RMI_PSCI_COMPLETE calling_state, RMI_PSCI_COMPLETE target_state",
			 wrong_states),
		SIM_TEST("RMI_PSCI_COMPLETE target_align", target_align),
		SIM_TEST("RMI_PSCI_COMPLETE target_bound", target_bound),
		SIM_TEST("RMI_PSCI_COMPLETE pending: nothing was asked", pending_nothing_asked),
		SIM_TEST("RMI_PSCI_COMPLETE pending: only once", pending_only_once),
		SIM_TEST("RMI_PSCI_COMPLETE pending: the caller runs", pending_caller_runs),
		SIM_TEST("RMI_PSCI_COMPLETE owner", owner),
		SIM_TEST("RMI_PSCI_COMPLETE target", target),
		SIM_TEST("RMI_PSCI_COMPLETE status: codes that are never an answer", status_never),
		SIM_TEST("RMI_PSCI_COMPLETE status: DENIED for a REC that is on", status_denied),
		SIM_TEST("RMI_PSCI_COMPLETE status: DENIED for AFFINITY_INFO",
			 status_denied_affinity),
		SIM_TEST("RMI_PSCI_COMPLETE starts a REC as after reset", on_starts),
		SIM_TEST("RMI_PSCI_COMPLETE keeps the caller's byte order", on_keeps_byte_order),
		SIM_TEST("RMI_PSCI_COMPLETE again after CPU_OFF", on_again),
		SIM_TEST("RMI_PSCI_COMPLETE CPU_ON of a REC that is on", on_already),
		SIM_TEST("RMI_PSCI_COMPLETE CPU_ON denied", on_denied),
		SIM_TEST("RMI_PSCI_COMPLETE CPU_ON of a REC that runs", on_running),
		SIM_TEST("RMI_PSCI_COMPLETE AFFINITY_INFO of a REC that is on", info_on),
		SIM_TEST("RMI_PSCI_COMPLETE AFFINITY_INFO of a REC that is off", info_off),
		SIM_TEST("RMI_PSCI_COMPLETE AFFINITY_INFO of a REC that runs", info_running),
		SIM_TEST("RMI_PSCI_COMPLETE in either order of addresses", either_order),
		SIM_TEST("RMI_PSCI_COMPLETE for a REC that is gone", target_is_gone),
		SIM_TEST("SYSTEM_OFF and SYSTEM_RESET while a CPU_ON waits for RMI_PSCI_COMPLETE",
			 realm_ends_while_asking),
	};

	return unit_run(tests);
}
