// SPDX-License-Identifier: BSD-3-Clause
/* Exits that are no aborts, and the fields that every exit carries. */
#include "rec_unit.h"

#define IL BIT(25)

static struct sim_realm realm;

static struct rmi_rec_exit run(struct sim_step step)
{
	struct rmi_rec_exit exit;

	sim_exits(&step, 1);
	assert_int_equal(sim_enter(&realm, 0, NULL, &exit).x[0], RMI_SUCCESS);
	return exit;
}

static void fill(struct arch_vcpu *vcpu)
{
	for (unsigned int i = 0; i < 31; i++) {
		vcpu->gprs[i] = UINT64_C(0x7E57000000000000) + i;
	}
}

static void interrupts(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	/* What the hardware left in the syndrome registers is no part of an interrupt. */
	exit = run((struct sim_step){.kind = ARCH_EXIT_IRQ,
				     .info = {.esr = ~UINT64_C(0), .far = 1, .hpfar = 2},
				     .act = fill});
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	exit = run((struct sim_step){.kind = ARCH_EXIT_FIQ,
				     .info = {.esr = ~UINT64_C(0), .far = 1, .hpfar = 2},
				     .act = fill});
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_FIQ);
	assert_int_equal(sim_rec(&realm, 0)->vcpu.pc, SIM_PC);
}

#define WFX      ((uint64_t)0x01 << 26)
#define WFX_RV   BIT(2)
#define WFX_REST (MASK(25, 20) | MASK(4, 3))

static void wfx(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int ti = 0; ti < 4; ti++) {
		for (unsigned int rt = 0; rt < 32; rt++) {
			bool timeout = ti >= 2;
			uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
			uint64_t value = rt == 31 ? 0 : UINT64_C(0x7E57000000000000) + rt;
			struct rmi_rec_exit exit = run((struct sim_step){
				.kind = ARCH_EXIT_SYNC,
				.info = {.esr = WFX | WFX_REST | (uint64_t)rt << 5 |
						(timeout ? WFX_RV : 0) | ti,
					 .far = 5,
					 .hpfar = 6},
				.act = fill});

			ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = WFX | ti,
				    .gprs = {timeout ? value : 0});
			assert_int_equal(sim_rec(&realm, 0)->vcpu.pc, pc + 4);
		}
	}
}

#define PSTATE_DONE (BIT(21) | MASK(11, 10)) /* SS, BTYPE */

static void step_over(struct arch_vcpu *vcpu)
{
	fill(vcpu);
	vcpu->pstate = BIT(30) | PSTATE_DONE | 5;
}

/* What the RMM does in place of an instruction counts as the instruction. */
static void instruction_done(void **state)
{
	static const struct arch_exit_info exits[] = {
		{.esr = WFX},
		{.esr = SIM_ESR(0x18) | 3 << 20 | 4 << 1 | 1}, /* MRS of ID_AA64PFR0_EL1 */
		{.esr = SIM_ESR(0x18) | 3 << 20 | 5 << 17 | 12 << 10 | 11 << 1}, /* ICC_SGI1R */
		{.esr = SIM_ESR(0x17)},
		{.esr = SIM_ESR(0x24) | BIT(24) | 3 << 22 | 7, .hpfar = BIT(39) >> 8}, /* MMIO */
	};

	const struct rmi_rec_enter emulated = {.flags = RMI_ENTER_FLAG_EMUL_MMIO};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(exits); i++) {
		uint64_t pc;

		sim_realm_ready(&realm, 1);
		pc = sim_rec(&realm, 0)->vcpu.pc;
		(void)run((struct sim_step){
			.kind = ARCH_EXIT_SYNC, .info = exits[i], .act = step_over});
		if (i + 1 == ARRAY_LENGTH(exits)) {
			assert_int_equal(sim_rec(&realm, 0)->vcpu.pstate & PSTATE_DONE,
					 PSTATE_DONE);
			SIM_EXITS(SIM_IRQ);
			ASSERT_RMI_OK(sim_enter(&realm, 0, &emulated, NULL));
		}
		assert_int_equal(sim_rec(&realm, 0)->vcpu.pc, pc + 4);
		assert_int_equal(sim_rec(&realm, 0)->vcpu.pstate, BIT(30) | 5);
		sim_realm_destroy(&realm);
	}
}

#define SERROR ((uint64_t)0x2F << 26)
#define IDS    BIT(24)
#define AET(n) ((uint64_t)(n) << 10)
#define EA     BIT(9)
#define ASYNC  UINT64_C(0x11)

/* The realm learns of an error that concerns it, at its next entry and once. */
static void expect_serror(uint64_t esr, uint64_t visible, bool injected)
{
	struct rmi_rec_exit exit = run((struct sim_step){
		.kind = ARCH_EXIT_SERROR, .info = {.esr = esr, .far = 5, .hpfar = 6}, .act = fill});

	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SERROR, .esr = visible);
	SIM_EXITS(SIM_IRQ, SIM_IRQ);
	assert_int_equal(sim_rec(&realm, 0)->vcpu.inject_serror, injected);
	if (injected) {
		assert_int_equal(sim_rec(&realm, 0)->vcpu.vsesr, esr & (AET(7) | ASYNC));
	}
	assert_int_equal(sim_enter(&realm, 0, NULL, NULL).x[0], RMI_SUCCESS);
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
	assert_false(sim_rec(&realm, 0)->vcpu.inject_serror);
}

static void serror(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	expect_serror(SERROR | IL | AET(1) | EA | ASYNC, SERROR | AET(1) | EA | ASYNC, true);
	expect_serror(SERROR | IL | AET(3) | EA | ASYNC, SERROR | AET(3) | EA | ASYNC, true);
	expect_serror(SERROR | IL | AET(2) | ASYNC, SERROR | AET(2) | ASYNC, false);
	expect_serror(SERROR | IL | AET(6) | ASYNC, SERROR | AET(6) | ASYNC, false);
	/* Not the architecture's: reported, with nothing for the realm. */
	expect_serror(SERROR | IL | IDS | AET(3), SERROR | IDS | AET(3), false);
}

static void serror_uncontained(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	ASSERT_STOPS("panic exit.c",
		     run((struct sim_step){.kind = ARCH_EXIT_SERROR,
					   .info = {.esr = SERROR | AET(0) | ASYNC}}));
}

/* --- GIC --- */

static void use_gic(struct arch_vcpu *vcpu)
{
	assert_int_equal(vcpu->gic.hcr, 0x40FE);
	assert_int_equal(vcpu->gic.lr[0], BIT(62) | 27);
	assert_int_equal(vcpu->gic.lr[1], 0);
	assert_int_equal(vcpu->gic.lr[3], BIT(63) | 1019);
	/* As the hardware would: one has become active, deactivations were counted, VMCR set. */
	vcpu->gic.lr[0] = BIT(63) | 27;
	vcpu->gic.hcr = 0xFFFFFFFF;
	vcpu->gic.vmcr = 0xF0000202;
	vcpu->gic.ap1r[0] = 0x80;
	vcpu->gic.lr[7] = 0x5EC7E7;
}

static void gic_record(void **state)
{
	const struct rmi_rec_enter enter = {
		.gicv3_hcr = 0x40FE,
		/* Not valid, so not checked and not used; and registers that are not there. */
		.gicv3_lrs = {BIT(62) | 27, BIT(61) | 5, 0, BIT(63) | 1019, BIT(62), ~0UL}};
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = use_gic}, SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .gicv3_hcr = 0xF80040FE,
		    .gicv3_lrs = {[0] = BIT(63) | 27, [3] = BIT(63) | 1019},
		    .gicv3_vmcr = 0xF0000202);

	/* VMCR and active priorities are the realm's and stay; list registers are the host's. */
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .gicv3_vmcr = 0xF0000202);
	assert_int_equal(sim_saw(1)->vcpu.gic.vmcr, 0xF0000202);
	assert_int_equal(sim_saw(1)->vcpu.gic.ap1r[0], 0x80);
	assert_int_equal(sim_saw(1)->vcpu.gic.lr[0], 0);
	assert_int_equal(sim_saw(1)->vcpu.gic.hcr, 0);
}

/* Underflow is asked for, and at most one list register is in use. */
static void gic_misr(void **state)
{
	struct rmi_rec_exit exit;
	const struct rmi_rec_enter enter = {.gicv3_hcr = BIT(1), .gicv3_lrs = {BIT(62) | 40}};

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .gicv3_hcr = BIT(1),
		    .gicv3_lrs = {BIT(62) | 40}, .gicv3_misr = BIT(1));
}

/* --- timers --- */

#define ENABLE  UINT64_C(1)
#define IMASK   UINT64_C(2)
#define ISTATUS UINT64_C(4)

static void set_timers(struct arch_vcpu *vcpu)
{
	(void)vcpu;
	machine_counter = 1000;
	*machine_timers() = (struct arch_timers){.cntp_ctl = ENABLE,
						 .cntp_cval = 1500,
						 .cntv_ctl = ENABLE | IMASK,
						 .cntv_cval = 900};
}

static void timers_record(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = set_timers}, SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .cntp_ctl = ENABLE, .cntp_cval = 1500,
		    .cntv_ctl = ENABLE | IMASK | ISTATUS, .cntv_cval = 900);
}

/*
 * The output of a timer changes between two entries: the host is told with an IRQ exit, and the
 * realm does not run before it has been. Then it runs, as long as nothing changes again.
 */
static void timer_change_is_told(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = set_timers}, SIM_IRQ, SIM_IRQ, SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_runs(), 1);

	machine_counter = 1500;
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .cntp_ctl = ENABLE | ISTATUS,
		    .cntp_cval = 1500, .cntv_ctl = ENABLE | IMASK | ISTATUS, .cntv_cval = 900);
	assert_int_equal(sim_runs(), 1);

	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_runs(), 2);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_runs(), 3);

	/* And when it drops. */
	machine_counter = 1400;
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	assert_int_equal(exit.cntp_ctl, ENABLE);
	assert_int_equal(sim_runs(), 3);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_runs(), 4);
}

static void timer_fires(struct arch_vcpu *vcpu)
{
	(void)vcpu;
	*machine_timers() = (struct arch_timers){.cntv_ctl = ENABLE, .cntv_cval = 10};
	machine_counter = 20;
}

/* The same while the RMM handles the realm's calls without the host. */
static void timer_change_within_an_entry(void **state)
{
	struct sim_step call = SIM_SMC(RSI_VERSION_FID, RSI_REVISION);
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 1);
	call.act = timer_fires;
	exit = run(call);
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .cntv_ctl = ENABLE | ISTATUS,
		    .cntv_cval = 10);
	assert_int_equal(sim_runs(), 1);
	/* The call itself has been answered. */
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_runs(), 1);
	ASSERT_RESULTS(RSI_SUCCESS, RSI_REVISION, RSI_REVISION, 0);
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC + 4);
}

static void timer_is_masked(struct arch_vcpu *vcpu)
{
	timer_fires(vcpu);
	machine_timers()->cntv_ctl |= IMASK;
}

static void timer_masked_or_off_is_no_change(void **state)
{
	struct sim_step call = SIM_SMC(RSI_VERSION_FID, RSI_REVISION);

	(void)state;
	sim_realm_ready(&realm, 1);
	call.act = timer_is_masked;
	(void)run(call);
	assert_int_equal(sim_runs(), 2);
}

/* --- PMU --- */

static struct arch_pmu pmu_now;

static void set_pmu(struct arch_vcpu *vcpu)
{
	vcpu->pmu = pmu_now;
}

static void realm_with_pmu(void)
{
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.flags = RMI_REALM_FLAG_PMU;
	realm.params.pmu_num_ctrs = 4;
	sim_realm_create(&realm);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
}

static uint64_t pmu_status(uint64_t pmcr, uint64_t overflow, uint64_t interrupt, uint64_t enabled)
{
	struct rmi_rec_exit exit;

	pmu_now = (struct arch_pmu){.pmcr = pmcr,
				    .pmovsset = overflow,
				    .pmintenset = interrupt,
				    .pmcntenset = enabled,
				    .pmccntr = 0x5EC7E7};
	exit = run((struct sim_step){.kind = ARCH_EXIT_IRQ, .act = set_pmu});
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ, .pmu_ovf_status = exit.pmu_ovf_status);
	return exit.pmu_ovf_status;
}

static void pmu_overflow(void **state)
{
	const uint64_t cycle = BIT(31);

	(void)state;
	realm_with_pmu();
	assert_int_equal(pmu_status(1, cycle, cycle, cycle), RMI_PMU_OVERFLOW_ACTIVE);
	assert_int_equal(pmu_status(1, 3, 6, 2), RMI_PMU_OVERFLOW_ACTIVE);
	assert_int_equal(pmu_status(0x40, cycle, cycle, cycle), RMI_PMU_OVERFLOW_NOT_ACTIVE);
	assert_int_equal(pmu_status(1, 0, cycle, cycle), RMI_PMU_OVERFLOW_NOT_ACTIVE);
	assert_int_equal(pmu_status(1, cycle, 0, cycle), RMI_PMU_OVERFLOW_NOT_ACTIVE);
	assert_int_equal(pmu_status(1, cycle, cycle, 0), RMI_PMU_OVERFLOW_NOT_ACTIVE);
	assert_int_equal(pmu_status(1, 1, 2, 3), RMI_PMU_OVERFLOW_NOT_ACTIVE);
}

static void pmu_not_offered(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	assert_int_equal(pmu_status(1, 1, 1, 1), RMI_PMU_OVERFLOW_NOT_ACTIVE);
}

/* --- what every exit carries, also those that come without a run --- */

static void every_exit_carries_them(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	sim_realm_ready(&realm, 2);
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = set_timers}, SIM_SMC(PSCI_CPU_SUSPEND_FID),
		  SIM_SMC(RSI_IPA_STATE_SET_FID, 0, GRANULE_SIZE, RSI_RIPAS_RAM, 0));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_PSCI, .gprs = {PSCI_CPU_SUSPEND_FID},
		    .cntp_ctl = ENABLE, .cntp_cval = 1500, .cntv_ctl = ENABLE | IMASK | ISTATUS,
		    .cntv_cval = 900);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_RIPAS_CHANGE, .ripas_top = GRANULE_SIZE,
		    .ripas_value = RMI_RIPAS_RAM, .cntp_ctl = ENABLE, .cntp_cval = 1500,
		    .cntv_ctl = ENABLE | IMASK | ISTATUS, .cntv_cval = 900);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("exit: IRQ and FIQ", interrupts),
		SIM_TEST("exit: WFI, WFE, WFIT, WFET", wfx),
		SIM_TEST("exit: an instruction that the RMM does ends PSTATE.SS and BTYPE",
			 instruction_done),
		SIM_TEST("exit: SError", serror),
		SIM_TEST("exit: SError that is not contained", serror_uncontained),
		SIM_TEST("exit: GIC state in the record", gic_record),
		SIM_TEST("exit: GIC maintenance in the record", gic_misr),
		SIM_TEST("exit: timers in the record", timers_record),
		SIM_TEST("timers: the host is told of a change before the realm runs",
			 timer_change_is_told),
		SIM_TEST("timers: a change within an entry", timer_change_within_an_entry),
		SIM_TEST("timers: a masked timer changes nothing",
			 timer_masked_or_off_is_no_change),
		SIM_TEST("PMU: overflow", pmu_overflow),
		SIM_TEST("PMU: no overflow without a PMU", pmu_not_offered),
		SIM_TEST("exit: every reason carries the common fields", every_exit_carries_them),
	};

	return unit_run(tests);
}
