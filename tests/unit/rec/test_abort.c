// SPDX-License-Identifier: BSD-3-Clause
/* Stage-2 aborts: who gets them, what of them is seen, and how the host answers. */
#include "rec_unit.h"

#define UNPROTECTED BIT(39)
#define OUTSIDE     BIT(40)
#define RAM         UINT64_C(0x200000)   /* a page that is there */
#define MISSING     (RAM + GRANULE_SIZE) /* RAM without a page */
#define DESTROYED   (RAM + 2 * GRANULE_SIZE)
#define EMPTY       (RAM + 3 * GRANULE_SIZE)
#define DEVICE      (UNPROTECTED | 0x9000000)

#define VBAR    UINT64_C(0xFFFF800000010000)
#define ADDRESS UINT64_C(0xFFFF000000ABC678) /* virtual address of an access */

/* Syndrome, by the numbers of the Arm ARM. */
#define DATA       ((uint64_t)0x24 << 26)
#define DATA_SAME  ((uint64_t)0x25 << 26)
#define INSTR      ((uint64_t)0x20 << 26)
#define INSTR_SAME ((uint64_t)0x21 << 26)
#define IL         BIT(25)
#define ISV        BIT(24)
#define SAS(n)     ((uint64_t)(n) << 22)
#define SSE        BIT(21)
#define SRT(n)     ((uint64_t)(n) << 16)
#define SF         BIT(15)
#define AR         BIT(14)
#define VNCR       BIT(13)
#define SET(n)     ((uint64_t)(n) << 11)
#define FNV        BIT(10)
#define EA         BIT(9)
#define CM         BIT(8)
#define S1PTW      BIT(7)
#define WNR        BIT(6)
#define LEVEL3     UINT64_C(0x07) /* translation fault */
#define PERMISSION UINT64_C(0x0F)
#define SEA        UINT64_C(0x10)

/* Everything that never is the host's to know. */
#define PRIVATE (IL | SSE | AR | VNCR | CM | S1PTW)

static struct sim_realm realm;

/* At EL1, PC and vector table known, MMU on. */
static void at_el1(struct arch_vcpu *vcpu)
{
	vcpu->pstate = 0x20000005;
	machine_el1()->vbar_el1 = VBAR;
	machine_el1()->sctlr_el1 |= BIT(0);
}

static void at_el0(struct arch_vcpu *vcpu)
{
	at_el1(vcpu);
	vcpu->pstate = 0;
}

/* One page of each kind of protected memory. */
static void ready(void)
{
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_ram(&realm, RAM, EMPTY);
	sim_realm_data(&realm, RAM);
	sim_realm_data(&realm, DESTROYED);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
	assert_int_equal(RMI(RMI_DATA_DESTROY, realm.rd, DESTROYED).x[0], RMI_SUCCESS);
}

static struct sim_step fault(uint64_t esr, uint64_t ipa)
{
	return (struct sim_step){
		.kind = ARCH_EXIT_SYNC,
		.info = {.esr = esr, .far = ADDRESS, .hpfar = ipa >> 12 << 4},
		.act = at_el1,
	};
}

/* The realm faults once; returns what the host is told. */
static struct rmi_rec_exit run(struct sim_step step)
{
	struct rmi_rec_exit exit;

	sim_exits(&step, 1);
	assert_int_equal(sim_enter(&realm, 0, NULL, &exit).x[0], RMI_SUCCESS);
	return exit;
}

/* The realm went on without the host, at its vector for a synchronous exception. */
static void expect_injected(struct sim_step step, uint64_t esr, uint64_t offset)
{
	uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
	struct rmi_rec_exit exit = run(step);
	const struct sim_view *after;

	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_runs(), 2);
	after = sim_saw(1);
	assert_int_equal(after->vcpu.pc, VBAR + offset);
	assert_int_equal(after->el1.elr_el1, pc);
	assert_int_equal(after->el1.esr_el1, esr);
	assert_int_equal(after->el1.far_el1, ADDRESS);
}

static void external_recoverable(void **state)
{
	static const uint64_t codes[] = {SEA, 0x13, 0x14, 0x15, 0x16, 0x17};
	static const uint64_t places[] = {RAM, EMPTY, DEVICE, OUTSIDE};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(places); j++) {
			struct rmi_rec_exit exit =
				run(fault(DATA | PRIVATE | EA | codes[i], places[j]));

			ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC,
				    .esr = DATA | EA | codes[i]);
			/* The realm finds it when the host lets it go on. */
			SIM_EXITS(SIM_IRQ);
			assert_int_equal(sim_enter(&realm, 0, NULL, NULL).x[0], RMI_SUCCESS);
			assert_int_equal(sim_saw(0)->vcpu.pc, VBAR + 0x200);
			assert_int_equal(sim_saw(0)->el1.esr_el1, DATA_SAME | IL | EA | CM | SEA);
			assert_int_equal(sim_saw(0)->el1.far_el1, ADDRESS);
		}
	}
}

static void external_of_instruction(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	ready();
	exit = run(fault(INSTR | IL | S1PTW | FNV | EA | SEA, RAM));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = INSTR | EA | SEA);
}

/* The instruction has not been executed and can be, again. */
static void external_restartable(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	ready();
	exit = run(fault(DATA | PRIVATE | SET(3) | EA | SEA, RAM));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA | SET(3) | EA | SEA);
	SIM_EXITS(SIM_IRQ);
	assert_int_equal(sim_enter(&realm, 0, NULL, NULL).x[0], RMI_SUCCESS);
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
}

static void external_uncontained(void **state)
{
	(void)state;
	ready();
	ASSERT_STOPS("panic abort.c", run(fault(DATA | IL | SET(2) | EA | SEA, RAM)));
}

static void outside(void **state)
{
	static const uint64_t places[] = {OUTSIDE, OUTSIDE | RAM, BIT(47), MASK(51, 12)};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		expect_injected(fault(DATA | IL | WNR | LEVEL3, places[i]),
				DATA_SAME | IL | WNR | 0x03, 0x200);
		expect_injected(fault(INSTR | IL | LEVEL3, places[i]), INSTR_SAME | IL | 0x03,
				0x200);
	}
}

static void mmu_off(struct arch_vcpu *vcpu)
{
	at_el1(vcpu);
	machine_el1()->sctlr_el1 &= ~BIT(0);
}

static void outside_without_mmu(void **state)
{
	struct sim_step step = fault(DATA | IL | LEVEL3, OUTSIDE);

	(void)state;
	ready();
	step.act = mmu_off;
	expect_injected(step, DATA_SAME | IL | 0x00, 0x200);
	step = fault(INSTR | IL | LEVEL3, OUTSIDE);
	step.act = mmu_off;
	expect_injected(step, INSTR_SAME | IL | 0x00, 0x200);
}

static void empty(void **state)
{
	static const uint64_t places[] = {EMPTY, 0, UNPROTECTED - GRANULE_SIZE};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		expect_injected(fault(DATA | PRIVATE | ISV | SAS(3) | SRT(9) | SF | WNR | LEVEL3,
				      places[i]),
				DATA_SAME | IL | CM | WNR | EA | SEA, 0x200);
		expect_injected(fault(INSTR | IL | S1PTW | LEVEL3, places[i]),
				INSTR_SAME | IL | EA | SEA, 0x200);
	}
}

/* From EL0 the class stays, and the vector is that of a lower level. */
static void empty_at_el0(void **state)
{
	struct sim_step step = fault(DATA | IL | LEVEL3, EMPTY);

	(void)state;
	ready();
	step.act = at_el0;
	expect_injected(step, DATA | IL | EA | SEA, 0x400);
	step = fault(INSTR | IL | LEVEL3, EMPTY);
	step.act = at_el0;
	expect_injected(step, INSTR | IL | EA | SEA, 0x400);
}

static void instruction_unprotected(void **state)
{
	(void)state;
	ready();
	expect_injected(fault(INSTR | IL | LEVEL3, DEVICE), INSTR_SAME | IL | EA | SEA, 0x200);
	expect_injected(fault(INSTR | IL | PERMISSION, UNPROTECTED), INSTR_SAME | IL | EA | SEA,
			0x200);
}

static void instruction_protected(void **state)
{
	static const uint64_t places[] = {MISSING, DESTROYED};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		struct rmi_rec_exit exit =
			run(fault(INSTR | IL | FNV | S1PTW | SET(3) | EA | LEVEL3, places[i]));

		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = INSTR | SET(3) | EA | LEVEL3,
			    .hpfar = places[i] >> 8);
		SIM_EXITS(SIM_IRQ);
		assert_int_equal(sim_enter(&realm, 0, NULL, NULL).x[0], RMI_SUCCESS);
		assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
	}
}

static void data_protected(void **state)
{
	static const uint64_t places[] = {MISSING, DESTROYED};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		/* A load and a store whose description is complete: it is not the host's. */
		struct rmi_rec_exit exit = run(
			fault(DATA | PRIVATE | ISV | SAS(2) | SRT(3) | SF | SET(3) | FNV | LEVEL3,
			      places[i] + 0x678));

		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA | SET(3) | FNV | LEVEL3,
			    .hpfar = places[i] >> 8);
		exit = run(fault(DATA | PRIVATE | ISV | SAS(2) | SRT(3) | SF | WNR | LEVEL3,
				 places[i] + 0x678));
		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA | LEVEL3,
			    .hpfar = places[i] >> 8);
	}
}

/* Emulation and injection are for unprotected addresses alone. */
static void data_protected_is_not_emulated(void **state)
{
	const struct rmi_rec_enter sea = {.flags = RMI_ENTER_FLAG_INJECT_SEA};
	const struct rmi_rec_enter emulate = {.flags = RMI_ENTER_FLAG_EMUL_MMIO};

	(void)state;
	ready();
	(void)run(fault(DATA | ISV | SAS(2) | LEVEL3, MISSING));
	ASSERT_REFUSED(sim_enter(&realm, 0, &emulate, NULL), RMI_ERROR_REC, rec_mmio);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &sea, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
}

/* The host has mended it on another CPU before this one looked. */
static void mended_meanwhile(void **state)
{
	struct rmi_rec_exit exit;

	(void)state;
	ready();
	exit = run(fault(DATA | LEVEL3, RAM));
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_runs(), 2);
	assert_int_equal(sim_saw(1)->vcpu.pc, SIM_PC);
}

static void data_unprotected_not_described(void **state)
{
	static const uint64_t codes[] = {LEVEL3, PERMISSION, 0x04, 0x05, 0x06};

	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(codes); i++) {
		struct rmi_rec_exit exit = run(fault(
			DATA | PRIVATE | SAS(3) | SRT(7) | SF | WNR | codes[i], DEVICE | 0x678));

		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = DATA | codes[i],
			    .hpfar = DEVICE >> 8);
	}
}

static void fill_registers(struct arch_vcpu *vcpu)
{
	at_el1(vcpu);
	for (unsigned int i = 0; i < 31; i++) {
		vcpu->gprs[i] = UINT64_C(0xA1B2C3D4E5F60700) + i;
	}
}

static uint64_t size_mask(unsigned int sas)
{
	return sas == 3 ? ~UINT64_C(0) : (UINT64_C(1) << (8 << sas)) - 1;
}

static void emulated_store(void **state)
{
	(void)state;
	ready();
	for (unsigned int sas = 0; sas < 4; sas++) {
		for (unsigned int rt = 0; rt < 32; rt++) {
			uint64_t value = rt == 31 ? 0 : UINT64_C(0xA1B2C3D4E5F60700) + rt;
			uint64_t esr = DATA | ISV | SAS(sas) | (sas == 3 ? SF : 0) | WNR | LEVEL3;
			struct sim_step step = fault(esr | PRIVATE | SRT(rt), DEVICE | 0x678);
			struct rmi_rec_exit exit;

			step.act = fill_registers;
			exit = run(step);
			ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = esr, .far = 0x678,
				    .hpfar = DEVICE >> 8, .gprs = {value & size_mask(sas)});
		}
	}
}

/* After a store the realm is behind it, with all registers as they were. */
static void emulated_store_completes(void **state)
{
	struct rmi_rec_enter enter = {.flags = RMI_ENTER_FLAG_EMUL_MMIO};
	struct sim_step step = fault(DATA | ISV | SAS(2) | SRT(4) | WNR | LEVEL3, DEVICE);

	(void)state;
	ready();
	memset(enter.gprs, 0x5C, sizeof(enter.gprs));
	step.act = fill_registers;
	(void)run(step);
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC + 4);
	for (unsigned int i = 0; i < 31; i++) {
		assert_int_equal(sim_saw(0)->vcpu.gprs[i], UINT64_C(0xA1B2C3D4E5F60700) + i);
	}
}

struct load {
	unsigned int sas;
	uint64_t extend; /* SSE, SF */
	uint64_t from_host;
	uint64_t loaded;
};

static const struct load loads[] = {
	{0, 0, 0xFFFFFFFFFFFFFF80, 0x80},
	{0, SF, 0xFFFFFFFFFFFFFF80, 0x80},
	{0, SSE, 0x1234567890ABCD80, 0xFFFFFF80},
	{0, SSE | SF, 0x1234567890ABCD80, 0xFFFFFFFFFFFFFF80},
	{0, SSE | SF, 0x1234567890ABCD7F, 0x7F},
	{1, 0, 0xFFFFFFFFFFFF8001, 0x8001},
	{1, SSE, 0x8001, 0xFFFF8001},
	{1, SSE | SF, 0x8001, 0xFFFFFFFFFFFF8001},
	{1, SSE | SF, 0xFFFF7001, 0x7001},
	{2, 0, 0xFFFFFFFF87654321, 0x87654321},
	{2, SF, 0xFFFFFFFF87654321, 0x87654321},
	{2, SSE | SF, 0x87654321, 0xFFFFFFFF87654321},
	{2, SSE | SF, 0xFFFFFFFF07654321, 0x07654321},
	{2, SSE, 0x87654321, 0x87654321},
	{3, SF, 0x8765432112345678, 0x8765432112345678},
	{3, SF | SSE, 0x8765432112345678, 0x8765432112345678},
	{3, 0, 0x8765432112345678, 0x12345678},
};

static void expect_load(const struct load *load, unsigned int rt)
{
	struct rmi_rec_enter enter = {.flags = RMI_ENTER_FLAG_EMUL_MMIO};
	uint64_t esr = DATA | ISV | SAS(load->sas) | LEVEL3;
	struct sim_step step = fault(esr | load->extend | SRT(rt) | IL | AR, DEVICE | 0x678);
	uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
	struct rmi_rec_exit exit;

	memset(enter.gprs, 0x5C, sizeof(enter.gprs));
	enter.gprs[0] = load->from_host;
	step.act = fill_registers;
	exit = run(step);
	/* Of the extension the host learns the width of the register only. */
	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = esr | (load->extend & SF),
		    .far = 0x678, .hpfar = DEVICE >> 8);

	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, pc + 4);
	for (unsigned int i = 0; i < 31; i++) {
		assert_int_equal(sim_saw(0)->vcpu.gprs[i],
				 i == rt ? load->loaded : UINT64_C(0xA1B2C3D4E5F60700) + i);
	}
}

static void emulated_load(void **state)
{
	(void)state;
	ready();
	for (size_t i = 0; i < ARRAY_LENGTH(loads); i++) {
		expect_load(&loads[i], 0);
		expect_load(&loads[i], 17);
		expect_load(&loads[i], 30);
		expect_load(&loads[i], 31);
	}
}

/* Neither flag: the realm repeats its access. */
static void not_answered(void **state)
{
	(void)state;
	ready();
	(void)run(fault(DATA | ISV | SAS(2) | LEVEL3, DEVICE));
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, SIM_PC);
}

static void expect_sea_from_host(uint64_t esr, uint64_t flags)
{
	const struct rmi_rec_enter enter = {.flags = flags};

	(void)run(fault(esr, DEVICE));
	SIM_EXITS(SIM_IRQ);
	ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, VBAR + 0x200);
	assert_int_equal(sim_saw(0)->el1.esr_el1, DATA_SAME | (esr & (IL | WNR | CM)) | EA | SEA);
	assert_int_equal(sim_saw(0)->el1.far_el1, ADDRESS);

	/* Once. */
	SIM_EXITS({.kind = ARCH_EXIT_IRQ, .act = at_el1});
	ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, NULL));
	assert_int_equal(sim_saw(0)->vcpu.pc, VBAR + 0x200);
	sim_rec(&realm, 0)->vcpu.pc = SIM_PC;
}

static void sea_from_host(void **state)
{
	uint64_t described = DATA | IL | ISV | SAS(2) | SRT(3) | LEVEL3;
	uint64_t bare = DATA | IL | LEVEL3;

	(void)state;
	ready();
	expect_sea_from_host(described, RMI_ENTER_FLAG_INJECT_SEA);
	expect_sea_from_host(described | WNR, RMI_ENTER_FLAG_INJECT_SEA);
	expect_sea_from_host(bare, RMI_ENTER_FLAG_INJECT_SEA);
	/* Both answers: the abort wins. */
	expect_sea_from_host(described, RMI_ENTER_FLAG_INJECT_SEA | RMI_ENTER_FLAG_EMUL_MMIO);
}

static void sea_from_host_without_abort(void **state)
{
	const struct rmi_rec_enter enter = {.flags = RMI_ENTER_FLAG_INJECT_SEA};

	(void)state;
	ready();
	SIM_EXITS(SIM_IRQ, SIM_IRQ);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_RMI_OK(sim_enter(&realm, 0, &enter, NULL));
		assert_int_equal(sim_saw(i)->vcpu.pc, SIM_PC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("abort row 1: external, recoverable", external_recoverable),
		SIM_TEST("abort row 1: external, of an instruction", external_of_instruction),
		SIM_TEST("abort row 1: external, restartable", external_restartable),
		SIM_TEST("abort row 1: external, not contained", external_uncontained),
		SIM_TEST("abort row 2: outside of the address space", outside),
		SIM_TEST("abort row 2: outside, MMU off", outside_without_mmu),
		SIM_TEST("abort row 3: RIPAS EMPTY", empty),
		SIM_TEST("abort row 3: RIPAS EMPTY, from EL0", empty_at_el0),
		SIM_TEST("abort row 4: instruction at an unprotected address",
			 instruction_unprotected),
		SIM_TEST("abort row 5: instruction without a page", instruction_protected),
		SIM_TEST("abort row 6: data without a page", data_protected),
		SIM_TEST("abort row 6: never emulated, never injected",
			 data_protected_is_not_emulated),
		SIM_TEST("abort row 6: mended meanwhile", mended_meanwhile),
		SIM_TEST("abort row 7: store, every register and size", emulated_store),
		SIM_TEST("abort row 7: store, completed", emulated_store_completes),
		SIM_TEST("abort row 7: load, every size and extension", emulated_load),
		SIM_TEST("abort row 7: not answered", not_answered),
		SIM_TEST("abort row 8: data at an unprotected address, not described",
			 data_unprotected_not_described),
		SIM_TEST("inject_sea after an abort at an unprotected address", sea_from_host),
		SIM_TEST("inject_sea after no such abort", sea_from_host_without_abort),
	};

	return unit_run(tests);
}
