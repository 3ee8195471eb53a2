// SPDX-License-Identifier: BSD-3-Clause
/* Traps of MPAM and BRBE: on each CPU that has them, and nothing is written on one that has not. */
#include "core/traps.h"

#include "arch/entry.h"
#include "core/boot.h"
#include "unit.h"

#define PFR0_MPAM      BIT(40)
#define PFR1_MPAM_FRAC BIT(16)
#define MMFR0_FGT      BIT(56)
#define DFR0_BRBE      BIT(52)
#define HAS_HCR        BIT(17)
#define HAS_TIDR       BIT(58)

static void add_to_id(enum arch_id_register which, uint64_t bits)
{
	machine_set_id(which, arch_id_register(which) | bits);
}

static int power_on(void **state)
{
	(void)state;
	sim_power_on();
	return 0;
}

static void boot(void)
{
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
}

#define ASSERT_TRAPS(which, expected)                           \
	do {                                                    \
		uint64_t value_;                                \
		assert_true(machine_trap(which, &value_));      \
		assert_int_equal(value_, (uint64_t)(expected)); \
	} while (0)

static void assert_untouched(enum arch_trap_register which)
{
	uint64_t value;

	assert_false(machine_trap(which, &value));
}

static void without(void **state)
{
	(void)state;
	boot();
	for (int which = 0; which < ARCH_TRAP_COUNT; which++) {
		assert_untouched((enum arch_trap_register)which);
	}
}

/* TRAPMPAM0EL1 and TRAPMPAM1EL1; EnMPAMSM is 0. */
static void mpam(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64PFR0, PFR0_MPAM);
	boot();
	ASSERT_TRAPS(ARCH_MPAM2_EL2, BIT(49) | BIT(48));
	assert_untouched(ARCH_MPAMHCR_EL2);
	assert_untouched(ARCH_HDFGRTR_EL2);
}

/* MPAM v0.1 has a fraction only. */
static void mpam_fraction(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64PFR1, PFR1_MPAM_FRAC);
	machine_mpamidr = HAS_TIDR;
	boot();
	ASSERT_TRAPS(ARCH_MPAM2_EL2, BIT(58) | BIT(49) | BIT(48));
	assert_untouched(ARCH_MPAMHCR_EL2);
}

static void mpam_hypervisor(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64PFR0, PFR0_MPAM);
	machine_mpamidr = HAS_HCR;
	boot();
	ASSERT_TRAPS(ARCH_MPAM2_EL2, BIT(49) | BIT(48));
	ASSERT_TRAPS(ARCH_MPAMHCR_EL2, BIT(31));
}

/* EL3 keeps MPAM from the Realm world: MPAMIDR_EL1 is not read then. */
static void refused(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64PFR0, PFR0_MPAM);
	add_to_id(ARCH_ID_AA64MMFR0, MMFR0_FGT);
	add_to_id(ARCH_ID_AA64DFR0, DFR0_BRBE);
	machine_traps_refused = true;
	boot();
	assert_untouched(ARCH_MPAM2_EL2);
	assert_untouched(ARCH_HDFGRTR_EL2);
}

static void no_brbe(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64MMFR0, MMFR0_FGT);
	boot();
	assert_untouched(ARCH_HDFGRTR_EL2);
	assert_untouched(ARCH_HDFGWTR_EL2);
}

/* HDFGRTR_EL2 and HDFGWTR_EL2 are undefined there: EL3 keeps a realm from the records. */
static void brbe_without_fgt(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64DFR0, DFR0_BRBE);
	boot();
	assert_untouched(ARCH_HDFGRTR_EL2);
	assert_untouched(ARCH_HDFGWTR_EL2);
}

static void brbe(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64MMFR0, MMFR0_FGT);
	add_to_id(ARCH_ID_AA64DFR0, DFR0_BRBE);
	boot();
	ASSERT_TRAPS(ARCH_HDFGRTR_EL2, 0);
	ASSERT_TRAPS(ARCH_HDFGWTR_EL2, 0);
	assert_untouched(ARCH_MPAM2_EL2);
}

/* Each CPU has its own; one that was powered down gets them again. */
static void other_cpu(void **state)
{
	(void)state;
	add_to_id(ARCH_ID_AA64PFR0, PFR0_MPAM);
	boot();
	machine_cpu_enter(1);
	assert_untouched(ARCH_MPAM2_EL2);
	assert_int_equal(boot_warm(1), EL3_BOOT_SUCCESS);
	ASSERT_TRAPS(ARCH_MPAM2_EL2, BIT(49) | BIT(48));
	machine_cpu_enter(0);
}

#define TRAP_TEST(name, function) {name, function, power_on, NULL, NULL}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRAP_TEST("traps: a CPU without MPAM and BRBE", without),
		TRAP_TEST("traps: MPAM", mpam),
		TRAP_TEST("traps: MPAM that has its version in the fraction, and TIDR",
			  mpam_fraction),
		TRAP_TEST("traps: MPAM with MPAMHCR_EL2", mpam_hypervisor),
		TRAP_TEST("traps: an EL3 that keeps the registers for itself", refused),
		TRAP_TEST("traps: fine-grained traps without BRBE", no_brbe),
		TRAP_TEST("traps: BRBE without fine-grained traps", brbe_without_fgt),
		TRAP_TEST("traps: BRBE", brbe),
		TRAP_TEST("traps: a CPU that is powered up later", other_cpu),
	};

	return unit_run(tests);
}
