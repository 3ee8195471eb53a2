// SPDX-License-Identifier: BSD-3-Clause
/* Trapped system registers, and the identification registers that a realm reads. */
#include "rec_unit.h"

#define READ BIT(0)
#define VBAR UINT64_C(0xFFFF800000010000)

/* The syndrome of an MSR or MRS of this register, Rt in [9:5] (Arm ARM, ISS of class 0x18). */
#define TRAP(op0, op1, crn, crm, op2, rt)                                                        \
	(SIM_ESR(0x18) | (uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 | (uint64_t)(op1) << 14 | \
	 (uint64_t)(crn) << 10 | (uint64_t)(rt) << 5 | (uint64_t)(crm) << 1)

static struct sim_realm realm;

static void set_state(struct arch_vcpu *vcpu)
{
	vcpu->pstate = 5;
	machine_el1()->vbar_el1 = VBAR;
	for (unsigned int i = 0; i < 31; i++) {
		vcpu->gprs[i] = UINT64_C(0xBAD0000000000000) + i;
	}
}

static struct rmi_rec_exit access(uint64_t esr)
{
	struct rmi_rec_exit exit;

	SIM_EXITS({.kind = ARCH_EXIT_SYNC, .info = {.esr = esr}, .act = set_state});
	assert_int_equal(sim_enter(&realm, 0, NULL, &exit).x[0], RMI_SUCCESS);
	return exit;
}

/* The realm goes on behind the instruction; all registers but Rt are as they were. */
static uint64_t expect_read(uint64_t esr, unsigned int rt)
{
	uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
	struct rmi_rec_exit exit = access(esr | READ);
	const struct arch_vcpu *after;

	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_runs(), 2);
	after = &sim_saw(1)->vcpu;
	assert_int_equal(after->pc, pc + 4);
	for (unsigned int i = 0; i < 31; i++) {
		if (i != rt) {
			assert_int_equal(after->gprs[i], UINT64_C(0xBAD0000000000000) + i);
		}
	}
	return rt == 31 ? 0 : after->gprs[rt];
}

static void expect_write_ignored(uint64_t esr)
{
	uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
	struct rmi_rec_exit exit = access(esr);

	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_saw(1)->vcpu.pc, pc + 4);
}

static void expect_undefined(uint64_t esr)
{
	uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
	struct rmi_rec_exit exit = access(esr);

	ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_IRQ);
	assert_int_equal(sim_runs(), 2);
	assert_int_equal(sim_saw(1)->vcpu.pc, VBAR + 0x200);
	assert_int_equal(sim_saw(1)->el1.elr_el1, pc);
	assert_int_equal(sim_saw(1)->el1.esr_el1, BIT(25));
}

static uint64_t read_id(unsigned int crm, unsigned int op2)
{
	return expect_read(TRAP(3, 0, 0, crm, op2, 5), 5);
}

/* The value is in gprs[0], so that the host needs no register of the realm: Rt is not named. */
static void interrupts_go_to_the_host(void **state)
{
	static const uint64_t names[] = {
		TRAP(3, 0, 12, 11, 5, 0), /* ICC_SGI1R_EL1 */
		TRAP(3, 0, 12, 11, 6, 0), /* ICC_ASGI1R_EL1 */
		TRAP(3, 0, 12, 11, 7, 0), /* ICC_SGI0R_EL1 */
		TRAP(3, 0, 12, 11, 1, 0), /* ICC_DIR_EL1 */
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		for (unsigned int rt = 0; rt < 32; rt++) {
			uint64_t esr = names[i] | (uint64_t)rt << 5;
			uint64_t pc = sim_rec(&realm, 0)->vcpu.pc;
			struct rmi_rec_exit exit = access(esr);

			ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC, .esr = names[i],
				    .gprs = {rt == 31 ? 0 : UINT64_C(0xBAD0000000000000) + rt});
			assert_int_equal(sim_rec(&realm, 0)->vcpu.pc, pc + 4);
		}
	}
}

static void interrupts_are_not_read(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	expect_undefined(TRAP(3, 0, 12, 11, 5, 3) | READ);
	expect_undefined(TRAP(3, 0, 12, 11, 1, 3) | READ);
}

static void inert(void **state)
{
	static const uint64_t names[] = {
		TRAP(2, 0, 1, 0, 4, 0), /* OSLAR_EL1 */
		TRAP(2, 0, 1, 1, 4, 0), /* OSLSR_EL1 */
		TRAP(2, 0, 1, 3, 4, 0), /* OSDLR_EL1 */
		TRAP(2, 0, 1, 0, 0, 0), /* MDRAR_EL1 */
		TRAP(3, 0, 1, 0, 1, 0), /* ACTLR_EL1 */
		TRAP(3, 0, 5, 3, 0, 0), /* ERRIDR_EL1 */
		TRAP(3, 0, 5, 3, 1, 0), /* ERRSELR_EL1 */
		TRAP(3, 0, 5, 4, 3, 0), /* ERXADDR_EL1 */
		TRAP(3, 0, 5, 5, 7, 0), /* ERXMISC3_EL1 */
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		assert_int_equal(expect_read(names[i] | 7 << 5, 7), 0);
		(void)expect_read(names[i] | 31 << 5, 31);
		expect_write_ignored(names[i] | 7 << 5);
	}
}

static void not_offered(void **state)
{
	static const uint64_t names[] = {
		TRAP(3, 3, 9, 12, 0, 0),  /* PMCR_EL0 */
		TRAP(3, 3, 9, 13, 0, 0),  /* PMCCNTR_EL0 */
		TRAP(3, 3, 14, 8, 0, 0),  /* PMEVCNTR0_EL0 */
		TRAP(3, 3, 13, 2, 1, 0),  /* AMCFGR_EL0 */
		TRAP(3, 0, 9, 9, 0, 0),   /* PMSCR_EL1 */
		TRAP(3, 0, 9, 11, 0, 0),  /* TRBLIMITR_EL1 */
		TRAP(2, 1, 0, 1, 0, 0),   /* TRCPRGCTLR */
		TRAP(2, 1, 9, 0, 0, 0),   /* BRBCR_EL1 */
		TRAP(3, 0, 10, 5, 0, 0),  /* MPAM1_EL1 */
		TRAP(3, 0, 1, 0, 6, 0),   /* GCR_EL1 */
		TRAP(3, 0, 13, 0, 7, 0),  /* SCXTNUM_EL1 */
		TRAP(3, 0, 2, 0, 3, 0),   /* TCR2_EL1 */
		TRAP(3, 0, 5, 6, 0, 0),   /* TFSR_EL1 */
		TRAP(3, 0, 5, 2, 0, 0),   /* ESR_EL1 */
		TRAP(3, 0, 10, 4, 3, 0),  /* LORC_EL1 */
		TRAP(3, 0, 1, 2, 1, 0),   /* TRFCR_EL1 */
		TRAP(3, 0, 11, 0, 0, 0),  /* implementation defined */
		TRAP(3, 7, 15, 15, 7, 0), /* the same */
		TRAP(1, 0, 11, 0, 0, 0),  /* an instruction of that kind */
		TRAP(3, 4, 1, 1, 0, 0),   /* HCR_EL2 */
		TRAP(3, 0, 0, 0, 0, 0),   /* MIDR_EL1, which does not trap */
		TRAP(3, 1, 0, 0, 0, 0),   /* CCSIDR_EL1, neither */
		TRAP(3, 0, 0, 8, 0, 0),   /* beyond the identification space */
		TRAP(3, 0, 1, 1, 0, 0),
	};

	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		expect_undefined(names[i] | 3 << 5);
		expect_undefined(names[i] | 3 << 5 | READ);
	}
}

static void ids_are_not_written(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	expect_undefined(TRAP(3, 0, 0, 4, 0, 3));
}

#define ALL               ~UINT64_C(0)
#define FIELD(value, low) bits_get(value, (low) + 3, low)

/* All that a CPU could ever claim. */
static void claim_everything(void)
{
	for (unsigned int i = 0; i < ARCH_ID_COUNT; i++) {
		machine_set_id(i, ALL);
	}
}

static void id_pfr0(void **state)
{
	uint64_t value;

	(void)state;
	sim_realm_ready(&realm, 1);
	claim_everything();
	value = read_id(4, 0);
	assert_int_equal(FIELD(value, 0), 1);    /* EL0: AArch64 only */
	assert_int_equal(FIELD(value, 4), 1);    /* EL1 */
	assert_int_equal(FIELD(value, 8), 0);    /* EL2 */
	assert_int_equal(FIELD(value, 16), 0xF); /* FP */
	assert_int_equal(FIELD(value, 20), 0xF); /* Advanced SIMD */
	assert_int_equal(FIELD(value, 24), 0xF); /* GIC */
	assert_int_equal(FIELD(value, 32), 0);   /* SVE */
	assert_int_equal(FIELD(value, 36), 0);   /* secure EL2 */
	assert_int_equal(FIELD(value, 40), 0);   /* MPAM */
	assert_int_equal(FIELD(value, 44), 0);   /* AMU */
	assert_int_equal(FIELD(value, 52), 0);   /* RME */
	assert_int_equal(FIELD(value, 56), 1);   /* CSV2, without its registers */
}

static void id_features(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	claim_everything();
	/* PFR1: BT, SSBS; no MTE, SME, MPAM, CSV2_frac, NMI. */
	assert_int_equal(FIELD(read_id(4, 1), 0), 0xF);
	assert_int_equal(read_id(4, 1) & (MASK(11, 8) | MASK(63, 16)), 0);
	assert_int_equal(read_id(4, 4), 0); /* ZFR0 without SVE */
	assert_int_equal(read_id(4, 5), 0); /* SMFR0 */
	/* DFR0: no trace, SPE, TRBE, BRBE, context comparators, PMU. */
	assert_int_equal(read_id(5, 0) & (MASK(11, 4) | MASK(35, 24) | MASK(63, 40)), 0);
	assert_int_equal(FIELD(read_id(5, 0), 12), 1); /* as the realm was promised */
	assert_int_equal(FIELD(read_id(5, 0), 20), 1);
	assert_int_equal(read_id(5, 1), 0);
	/* ISAR0 and ISAR1: all but TME and LS64. */
	assert_int_equal(read_id(6, 0), ~MASK(27, 24));
	assert_int_equal(read_id(6, 1), ~MASK(63, 60));
	/* MMFR1: no VHE, LORegions. MMFR2: no nested virtualization. */
	assert_int_equal(read_id(7, 1) & (MASK(11, 8) | MASK(19, 16)), 0);
	assert_int_equal(FIELD(read_id(7, 2), 24), 0);
}

/* Registers for AArch32, later ones, and those that no architecture has yet. */
static void id_others(void **state)
{
	static const unsigned int shown[][2] = {{4, 0}, {4, 1}, {4, 4}, {5, 0}, {6, 0},
						{6, 1}, {7, 0}, {7, 1}, {7, 2}};

	(void)state;
	sim_realm_ready(&realm, 1);
	claim_everything();
	for (unsigned int crm = 1; crm < 8; crm++) {
		for (unsigned int op2 = 0; op2 < 8; op2++) {
			bool is_shown = false;

			for (size_t i = 0; i < ARRAY_LENGTH(shown); i++) {
				is_shown = is_shown || (shown[i][0] == crm && shown[i][1] == op2);
			}
			if (!is_shown) {
				assert_int_equal(read_id(crm, op2), 0);
			}
		}
	}
}

static void id_what_the_cpu_has(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (unsigned int i = 0; i < ARCH_ID_COUNT; i++) {
		machine_set_id(i, 0);
	}
	machine_set_id(ARCH_ID_AA64ISAR0, 0x0010000000000020);
	machine_set_id(ARCH_ID_AA64MMFR0, 0x5);
	assert_int_equal(read_id(6, 0), 0x0010000000000020);
	assert_int_equal(read_id(6, 1), 0);
	assert_int_equal(read_id(7, 0), 0x5);
	assert_int_equal(FIELD(read_id(4, 0), 56), 0);
	assert_int_equal(FIELD(read_id(4, 0), 32), 0);
}

static void id_of_promised_features(void **state)
{
	(void)state;
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.flags = RMI_REALM_FLAG_SVE | RMI_REALM_FLAG_PMU;
	realm.params.sve_vl = 1;
	realm.params.pmu_num_ctrs = 4;
	realm.params.num_bps = 3;
	realm.params.num_wps = 2;
	sim_realm_create(&realm);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
	machine_set_id(ARCH_ID_AA64ZFR0, 0x1234);
	assert_int_equal(FIELD(read_id(4, 0), 32), 1);
	assert_int_equal(read_id(4, 4), 0x1234);
	assert_int_equal(FIELD(read_id(5, 0), 8), 6);
	assert_int_equal(FIELD(read_id(5, 0), 12), 3);
	assert_int_equal(FIELD(read_id(5, 0), 20), 2);
	assert_int_equal(FIELD(read_id(5, 0), 28), 0);
}

static void id_into_every_register(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	machine_set_id(ARCH_ID_AA64ISAR0, 0x77);
	for (unsigned int rt = 0; rt < 32; rt++) {
		assert_int_equal(expect_read(TRAP(3, 0, 0, 6, 0, rt), rt), rt == 31 ? 0 : 0x77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("system registers: writes of interrupts go to the host without Rt",
			 interrupts_go_to_the_host),
		SIM_TEST("system registers: those are not read", interrupts_are_not_read),
		SIM_TEST("system registers: inert ones", inert),
		SIM_TEST("system registers: not offered, undefined", not_offered),
		SIM_TEST("system registers: identification is not written", ids_are_not_written),
		SIM_TEST("identification: ID_AA64PFR0_EL1 of a CPU that has everything", id_pfr0),
		SIM_TEST("identification: the others of such a CPU", id_features),
		SIM_TEST("identification: all other registers are zero", id_others),
		SIM_TEST("identification: what the CPU has", id_what_the_cpu_has),
		SIM_TEST("identification: what the realm was promised", id_of_promised_features),
		SIM_TEST("identification: into every register", id_into_every_register),
	};

	return unit_run(tests);
}
