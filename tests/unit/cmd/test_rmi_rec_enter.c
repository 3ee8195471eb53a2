// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_ENTER: conditions and their order, the record, and what one entry leaves behind. */
#include "feat/feat.h"
#include "rec_unit.h"

static struct sim_realm realm;

static const uint64_t offsets[] = {1, 8, 0x800, GRANULE_SIZE - 1};
static const uint64_t not_delegable[] = {
	0, SIM_DEVICE, SIM_OWN, SIM_UNLISTED, UINT64_C(1) << 48 | SIM_MAIN, ~GRANULE_MASK};

static struct sim_answer enter(uint64_t rec, uint64_t run)
{
	return RMI(RMI_REC_ENTER, rec, run);
}

static struct sim_answer enter_with(unsigned int rec, struct rmi_rec_enter with)
{
	return sim_enter(&realm, rec, &with, NULL);
}

static void ready(unsigned int recs)
{
	sim_realm_ready(&realm, recs);
	SIM_EXITS(SIM_IRQ);
}

static void run_align(void **state)
{
	(void)state;
	ready(1);
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(enter(realm.recs[0], realm.run + offsets[i]), RMI_ERROR_INPUT,
			       run_align);
	}
}

static void run_bound(void **state)
{
	(void)state;
	ready(1);
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(enter(realm.recs[0], not_delegable[i]), RMI_ERROR_INPUT, run_bound);
	}
}

static uint64_t copies_until_fault;

static void fault_later(pa_t pa)
{
	if (copies_until_fault-- == 0) {
		machine_set_pas(pa_of(align_down(pa.v, GRANULE_SIZE)), MACHINE_SECURE);
	}
}

static void run_pas(void **state)
{
	(void)state;
	ready(1);
	for (unsigned int other = GRANULE_DELEGATED; other < GRANULE_STATE_COUNT; other++) {
		sim_make(sim_page(other), other);
		ASSERT_REFUSED(enter(realm.recs[0], sim_page(other)), RMI_ERROR_INPUT, run_pas);
	}
	ASSERT_REFUSED(enter(realm.recs[0], SIM_SECURE), RMI_ERROR_INPUT, run_pas);
	ASSERT_REFUSED(enter(realm.recs[0], SIM_ROOT), RMI_ERROR_INPUT, run_pas);
	assert_int_equal(sim_runs(), 0);
	assert_int_equal(sim_refs(realm.recs[0]), 0);

	/* The page changes worlds while the fields are read. */
	for (unsigned int i = 0; i < 1U + 1U + feat()->list_registers + 1U; i++) {
		copies_until_fault = i;
		machine_on_copy = fault_later;
		ASSERT_REFUSED(enter(realm.recs[0], realm.run), RMI_ERROR_INPUT, run_pas);
		machine_on_copy = NULL;
		machine_set_pas(pa_of(realm.run), MACHINE_NS);
	}
	assert_int_equal(sim_runs(), 0);
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
}

static void take_run_page(struct arch_vcpu *vcpu)
{
	(void)vcpu;
	machine_set_pas(pa_of(realm.run), MACHINE_SECURE);
}

/* The realm has run; the host, who took its own page away, just does not learn of the exit. */
static void run_pas_at_exit(void **state)
{
	(void)state;
	ready(1);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = take_run_page});
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), RMI_ERROR_INPUT, run_pas);
	assert_int_equal(sim_runs(), 1);
	assert_int_equal(sim_refs(realm.recs[0]), 0);
	machine_set_pas(pa_of(realm.run), MACHINE_NS);
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
	assert_int_equal(sim_runs(), 2);
}

static void rec_align(void **state)
{
	(void)state;
	ready(1);
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(enter(realm.recs[0] + offsets[i], realm.run), RMI_ERROR_INPUT,
			       rec_align);
	}
}

static void rec_bound(void **state)
{
	(void)state;
	ready(1);
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(enter(not_delegable[i], realm.run), RMI_ERROR_INPUT, rec_bound);
	}
}

static void rec_gran_state(void **state)
{
	(void)state;
	ready(1);
	for (unsigned int other = 0; other < GRANULE_STATE_COUNT; other++) {
		if (other != GRANULE_REC) {
			sim_make(sim_page(other), other);
			ASSERT_REFUSED(enter(sim_page(other), realm.run), RMI_ERROR_INPUT,
				       rec_gran_state);
		}
	}
}

#define REALM_NEW_STATUS rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_NEW)
#define REALM_OFF_STATUS rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF)

static void realm_new(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), REALM_NEW_STATUS, realm_new);
}

static void system_off(void **state)
{
	(void)state;
	ready(2);
	SIM_EXITS(SIM_SMC(PSCI_SYSTEM_OFF_FID));
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), REALM_OFF_STATUS, system_off);
	ASSERT_REFUSED(enter(realm.recs[1], realm.run), REALM_OFF_STATUS, system_off);
}

static void rec_state(void **state)
{
	struct granule *granule;
	struct granule_held held;

	(void)state;
	ready(1);
	granule = granule_find(pa_of(realm.recs[0]));
	assert_true(granule_lock(granule, GRANULE_REC, &held));
	granule_ref(held, 1);
	granule_unlock(held);
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), RMI_ERROR_REC, rec_state);
	/* Still the host's mistake first. */
	ASSERT_REFUSED(enter(realm.recs[0], SIM_SECURE), RMI_ERROR_INPUT, run_pas);
	granule_unref(granule, 1);
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
}

static void rec_runnable(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_rec_new(&realm, 0, SIM_PC);
	sim_realm_activate(&realm);
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), RMI_ERROR_REC, rec_runnable);
}

static void rec_psci(void **state)
{
	(void)state;
	ready(2);
	SIM_EXITS(SIM_SMC(PSCI_AFFINITY_INFO_FID, 1, 0));
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
	ASSERT_REFUSED(enter(realm.recs[0], realm.run), RMI_ERROR_REC, rec_psci);
	ASSERT_RMI_OK(enter(realm.recs[1], realm.run));
}

/* After a data abort at an unprotected address that can be emulated, and after nothing else. */
static void rec_mmio(void **state)
{
	const struct rmi_rec_enter emulate = {.flags = RMI_ENTER_FLAG_EMUL_MMIO};
	const uint64_t store = (uint64_t)0x24 << 26 | BIT(24) | (uint64_t)2 << 22 | BIT(6) | 7;

	(void)state;
	ready(1);
	ASSERT_REFUSED(enter_with(0, emulate), RMI_ERROR_REC, rec_mmio);
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));
	ASSERT_REFUSED(enter_with(0, emulate), RMI_ERROR_REC, rec_mmio);

	SIM_EXITS(SIM_SYNC(store, 0, BIT(39)));
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));
	ASSERT_RMI_OK(enter_with(0, emulate));
	ASSERT_REFUSED(enter_with(0, emulate), RMI_ERROR_REC, rec_mmio);

	/* The same access without a description of it cannot be emulated. */
	SIM_EXITS(SIM_SYNC(store & ~BIT(24), 0, BIT(39)));
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));
	ASSERT_REFUSED(enter_with(0, emulate), RMI_ERROR_REC, rec_mmio);

	/* The host may let the realm repeat the access, and then nothing is left to emulate. */
	SIM_EXITS(SIM_SYNC(store, 0, BIT(39)));
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));
	ASSERT_REFUSED(enter_with(0, emulate), RMI_ERROR_REC, rec_mmio);
}

static void rec_gicv3(void **state)
{
	(void)state;
	ready(1);
	/* All the others are in rec/test_enter.c. */
	ASSERT_REFUSED(enter_with(0, (struct rmi_rec_enter){.gicv3_hcr = BIT(8)}), RMI_ERROR_REC,
		       rec_gicv3);
	ASSERT_REFUSED(enter_with(0, (struct rmi_rec_enter){.gicv3_lrs = {BIT(62) | BIT(61)}}),
		       RMI_ERROR_REC, rec_gicv3);
	assert_int_equal(sim_runs(), 0);
}

/* A wrong input is reported before anything that is wrong with realm or REC. */
static void input_first(void **state)
{
	const struct rmi_rec_enter bad = {.gicv3_hcr = BIT(11)};

	(void)state;
	ready(2);
	sim_put(realm.run, &bad, sizeof(bad));
	ASSERT_REFUSED(enter(realm.recs[0] + 8, realm.run), RMI_ERROR_INPUT, rec_align);
	ASSERT_REFUSED(enter(SIM_DEVICE, realm.run), RMI_ERROR_INPUT, rec_bound);
	ASSERT_REFUSED(enter(realm.scratch, realm.run), RMI_ERROR_INPUT, rec_gran_state);

	sim_rec(&realm, 0)->runnable = false;
	ASSERT_REFUSED(enter(realm.recs[0], SIM_SECURE), RMI_ERROR_INPUT, run_pas);
	ASSERT_REFUSED(enter(realm.recs[0], SIM_DEVICE), RMI_ERROR_INPUT, run_bound);
	sim_rd(&realm)->state = REALM_NEW;
	ASSERT_REFUSED(enter(realm.recs[1], SIM_SECURE), RMI_ERROR_INPUT, run_pas);
	ASSERT_REFUSED(enter(realm.recs[1], SIM_DEVICE), RMI_ERROR_INPUT, run_bound);
	sim_rd(&realm)->state = REALM_SYSTEM_OFF;
	ASSERT_REFUSED(enter(realm.recs[1], SIM_SECURE), RMI_ERROR_INPUT, run_pas);
	ASSERT_REFUSED(enter(realm.recs[1], SIM_DEVICE), RMI_ERROR_INPUT, run_bound);
}

/* A refusal changes nothing of the REC, and nothing in the host's page. */
static void refusal_leaves_no_trace(void **state)
{
	static struct rec before;
	struct rmi_rec_run run;

	(void)state;
	ready(2);
	SIM_EXITS(SIM_SMC(RSI_IPA_STATE_SET_FID, 0, GRANULE_SIZE, RSI_RIPAS_RAM, 0));
	ASSERT_RMI_OK(enter_with(0, (struct rmi_rec_enter){.flags = 0}));

	memset(&run, 0x66, sizeof(run));
	sim_put(realm.run, &run, sizeof(run));
	memcpy(&before, sim_rec(&realm, 0), sizeof(before));
	assert_int_not_equal(enter(realm.recs[0], realm.run).x[0], RMI_SUCCESS);
	assert_memory_equal(&before, sim_rec(&realm, 0), sizeof(before));
	assert_memory_equal(machine_raw(pa_of(realm.run)), &run, sizeof(run));
	assert_int_equal(sim_refs(realm.recs[0]), 0);
}

/* Every byte of the exit record is written; registers of the realm are not in it. */
static void whole_record(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	ready(1);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .count = 12, .x = {[0 ... 11] = 0x5EC7E7}});
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	SIM_EXITS({.kind = ARCH_EXIT_FIQ, .count = 12, .x = {[0 ... 11] = 0x5EC7E7}});
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_FIQ);
}

static void scribble(struct arch_vcpu *vcpu)
{
	for (unsigned int i = 0; i < 31; i++) {
		vcpu->gprs[i] = 0x900 + i;
	}
	vcpu->pc = 0x4444;
	vcpu->pstate = 0x60000005;
	machine_el1()->ttbr0_el1 = 0x7777;
	machine_el1()->tpidr_el0 = 0x8888;
	machine_timers()->cntv_cval = 0x9999;
}

/* What the realm has in its registers it has again, whatever the host puts into the record. */
static void registers_survive(void **state)
{
	struct rmi_rec_enter rubbish = {.flags = RMI_ENTER_FLAG_INJECT_SEA | MASK(63, 5)};

	(void)state;
	ready(1);
	memset(rubbish.gprs, 0x31, sizeof(rubbish.gprs));
	memset(rubbish.reserved_008, 0x31, sizeof(rubbish.reserved_008));
	memset(rubbish.reserved_388, 0x31, sizeof(rubbish.reserved_388));
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = scribble}, SIM_IRQ, SIM_IRQ);
	for (unsigned int n = 0; n < 3; n++) {
		ASSERT_RMI_OK(enter_with(0, rubbish));
	}
	for (unsigned int n = 1; n < 3; n++) {
		for (unsigned int i = 0; i < 31; i++) {
			assert_int_equal(sim_saw(n)->vcpu.gprs[i], 0x900 + i);
		}
		assert_int_equal(sim_saw(n)->vcpu.pc, 0x4444);
		assert_int_equal(sim_saw(n)->vcpu.pstate, 0x60000005);
		assert_int_equal(sim_saw(n)->el1.ttbr0_el1, 0x7777);
		assert_int_equal(sim_saw(n)->el1.tpidr_el0, 0x8888);
	}
}

static void first_entry(void **state)
{
	(void)state;
	ready(1);
	ASSERT_RMI_OK(enter(realm.recs[0], realm.run));
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
	assert_int_equal(sim_saw(0)->vcpu.pstate, 0x3C5);
	for (unsigned int i = 0; i < 31; i++) {
		assert_int_equal(sim_saw(0)->vcpu.gprs[i], i < 8 ? 0x100 + i : 0);
	}
	assert_int_equal(sim_saw(0)->el1.sctlr_el1 & 0x1005, 0);
	assert_int_equal(sim_saw(0)->el1.mdscr_el1, BIT(12));
}

static void wfx_traps(void **state)
{
	(void)state;
	ready(1);
	for (unsigned int i = 0; i < 4; i++) {
		SIM_EXITS(SIM_IRQ);
		ASSERT_RMI_OK(enter_with(
			0, (struct rmi_rec_enter){.flags = (i & 1 ? RMI_ENTER_FLAG_TRAP_WFI : 0) |
							   (i & 2 ? RMI_ENTER_FLAG_TRAP_WFE : 0)}));
		assert_int_equal(sim_saw(0)->vcpu.trap_wfi, (i & 1) != 0);
		assert_int_equal(sim_saw(0)->vcpu.trap_wfe, (i & 2) != 0);
	}
}

/* Two RECs take turns on one CPU and in one page of the host. */
static void two_recs(void **state)
{
	(void)state;
	ready(2);
	for (unsigned int i = 0; i < 6; i++) {
		SIM_EXITS(SIM_SMC(RSI_VERSION_FID, RSI_REVISION));
		ASSERT_RMI_OK(sim_enter(&realm, i % 2, NULL, NULL));
		assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC + 4 * (i / 2));
		assert_int_equal(sim_saw(0)->vcpu.config.vmpidr, BIT(31) | (i % 2));
	}
}

static void all_comes_back(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_ram_page(&realm, 0x200000);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_rec_new(&realm, 0, SIM_PC);
	sim_realm_activate(&realm);
	SIM_EXITS(SIM_SMC(RSI_HOST_CALL_FID, 0x200000));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	sim_realm_destroy(&realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_REC_ENTER run_align", run_align),
		SIM_TEST("RMI_REC_ENTER run_bound", run_bound),
		SIM_TEST("RMI_REC_ENTER run_pas", run_pas),
		SIM_TEST("RMI_REC_ENTER run_pas when the record is written", run_pas_at_exit),
		SIM_TEST("RMI_REC_ENTER rec_align", rec_align),
		SIM_TEST("RMI_REC_ENTER rec_bound", rec_bound),
		SIM_TEST("RMI_REC_ENTER rec_gran_state", rec_gran_state),
		SIM_TEST("RMI_REC_ENTER realm_new", realm_new),
		SIM_TEST("RMI_REC_ENTER system_off", system_off),
		SIM_TEST("RMI_REC_ENTER rec_state", rec_state),
		SIM_TEST("RMI_REC_ENTER rec_runnable", rec_runnable),
		SIM_TEST("RMI_REC_ENTER rec_mmio", rec_mmio),
		SIM_TEST("RMI_REC_ENTER rec_gicv3", rec_gicv3),
		SIM_TEST("RMI_REC_ENTER rec_psci", rec_psci),
		SIM_TEST("RMI_REC_ENTER, inputs before all else", input_first),
		SIM_TEST("RMI_REC_ENTER, a refusal leaves no trace", refusal_leaves_no_trace),
		SIM_TEST("RMI_REC_ENTER writes the whole record", whole_record),
		SIM_TEST("RMI_REC_ENTER, registers of the realm survive", registers_survive),
		SIM_TEST("RMI_REC_ENTER, first entry", first_entry),
		SIM_TEST("RMI_REC_ENTER, WFx traps as the host likes", wfx_traps),
		SIM_TEST("RMI_REC_ENTER, two RECs take turns", two_recs),
		SIM_TEST("RMI_REC_ENTER, everything comes back", all_comes_back),
	};

	return unit_run(tests);
}
