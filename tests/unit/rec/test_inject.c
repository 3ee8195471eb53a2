// SPDX-License-Identifier: BSD-3-Clause
/* Exceptions that the RMM delivers to a realm at EL1: where from, where to, in which state. */
#include "rec_unit.h"

#define PC    UINT64_C(0xFFFF000000040100)
#define VBAR  UINT64_C(0xFFFF800000010000)
#define HVC   (SIM_ESR(0x16) | 0x1234)
#define UNDEF (BIT(25)) /* class 0, IL */

#define EL0         0x0U
#define EL1T        0x4U
#define EL1H        0x5U
#define EL0_AARCH32 0x10U
#define DAIF        MASK(9, 6)

#define N     BIT(31)
#define Z     BIT(30)
#define C     BIT(29)
#define V     BIT(28)
#define TCO   BIT(25)
#define DIT   BIT(24)
#define UAO   BIT(23)
#define PAN   BIT(22)
#define SS    BIT(21)
#define IL    BIT(20)
#define SSBS  BIT(12)
#define BTYPE MASK(11, 10)

#define SPAN  BIT(23)
#define DSSBS BIT(44)

static struct sim_realm realm;
static uint64_t pstate_now;
static uint64_t sctlr_now;

static void set_state(struct arch_vcpu *vcpu)
{
	vcpu->pc = PC;
	vcpu->pstate = pstate_now;
	machine_el1()->sctlr_el1 = sctlr_now;
	machine_el1()->vbar_el1 = VBAR;
	machine_el1()->far_el1 = 0xFA0FA0;
	machine_el1()->elr_el1 = 0xE10E10;
	machine_el1()->spsr_el1 = 0x590590;
}

/* An exception from `pstate` under `sctlr`; what the realm finds. */
static const struct sim_view *take(uint64_t esr, uint64_t pstate, uint64_t sctlr)
{
	pstate_now = pstate;
	sctlr_now = sctlr;
	SIM_EXITS({.kind = ARCH_EXIT_SYNC, .info = {.esr = esr}, .act = set_state});
	assert_int_equal(sim_enter(&realm, 0, NULL, NULL).x[0], RMI_SUCCESS);
	assert_int_equal(sim_runs(), 2);
	return sim_saw(1);
}

static void vectors(void **state)
{
	static const uint64_t froms[][2] = {
		{EL1T, 0x000}, {EL1H, 0x200}, {EL0, 0x400}, {EL0_AARCH32, 0x600}};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(froms); i++) {
		const struct sim_view *view = take(SIM_ESR(0x1D), froms[i][0], SPAN);

		assert_int_equal(view->vcpu.pc, VBAR + froms[i][1]);
		assert_int_equal(view->vcpu.pstate, EL1H | DAIF);
		assert_int_equal(view->el1.spsr_el1, froms[i][0]);
		assert_int_equal(view->el1.elr_el1, PC);
		assert_int_equal(view->el1.esr_el1, UNDEF);
		assert_int_equal(view->el1.far_el1, 0xFA0FA0);
	}
}

/* The instruction pointer behind an HVC is not where a realm without a hypervisor expects it. */
static void hvc(void **state)
{
	const struct sim_view *view;

	(void)state;
	sim_realm_ready(&realm, 1);
	view = take(HVC, EL1H, SPAN);
	assert_int_equal(view->el1.elr_el1, PC - 4);
	assert_int_equal(view->el1.esr_el1, UNDEF);
	assert_int_equal(view->vcpu.pc, VBAR + 0x200);
}

static void pstate_bits(void **state)
{
	static const struct {
		uint64_t before, sctlr, after;
	} cases[] = {
		{N | Z | C | V, SPAN, N | Z | C | V},
		{DIT, SPAN, DIT},
		{TCO | UAO | SS | IL | BTYPE, SPAN, 0},
		{SSBS, SPAN, 0},
		{0, SPAN | DSSBS, SSBS},
		{SSBS, SPAN | DSSBS, SSBS},
		{PAN, SPAN, PAN},
		{0, SPAN, 0},
		{0, 0, PAN},
		{PAN, 0, PAN},
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		const struct sim_view *view =
			take(SIM_ESR(0x19), cases[i].before | EL1H, cases[i].sctlr);

		assert_int_equal(view->vcpu.pstate, cases[i].after | EL1H | DAIF);
		assert_int_equal(view->el1.spsr_el1, cases[i].before | EL1H);
	}
}

/* Whatever traps and is not known: an undefined instruction, never an exit. */
static void other_classes(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (uint64_t ec = 0; ec < 64; ec++) {
		const struct sim_view *view;

		if (ec == 0x01 || ec == 0x16 || ec == 0x17 || ec == 0x18 || ec == 0x20 ||
		    ec == 0x24) {
			continue;
		}
		view = take(SIM_ESR(ec) | 0x1FF, EL0, SPAN);
		assert_int_equal(view->vcpu.pc, VBAR + 0x400);
		assert_int_equal(view->el1.elr_el1, PC);
		assert_int_equal(view->el1.esr_el1, UNDEF);
	}
}

static void registers_stay(void **state)
{
	const struct sim_view *view;

	(void)state;
	sim_realm_ready(&realm, 1);
	view = take(HVC, EL1H, SPAN);
	for (unsigned int i = 0; i < 31; i++) {
		assert_int_equal(view->vcpu.gprs[i], i < 8 ? 0x100 + i : 0);
	}
	assert_int_equal(view->el1.vbar_el1, VBAR);
	assert_int_equal(view->el1.sctlr_el1, SPAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("injection: vector and syndrome from each level", vectors),
		SIM_TEST("injection: HVC", hvc),
		SIM_TEST("injection: bits of PSTATE", pstate_bits),
		SIM_TEST("injection: every exception class that is not handled", other_classes),
		SIM_TEST("injection: other registers stay", registers_stay),
	};

	return unit_run(tests);
}
