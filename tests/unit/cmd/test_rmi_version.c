// SPDX-License-Identifier: BSD-3-Clause
/* RMI_VERSION and RMI_FEATURES. */
#include "unit.h"

static void version(void **state)
{
	static const uint64_t others[] = {
		0,
		1,
		RMI_REVISION - 1,
		RMI_REVISION + 1,
		ABI_REVISION(1, 0xFFFF),
		ABI_REVISION(2, 0),
		RMI_REVISION | BIT(31),
		RMI_REVISION | BIT(32),
		RMI_REVISION | BIT(63),
		~UINT64_C(0),
	};
	struct sim_answer answer = RMI(RMI_VERSION, RMI_REVISION);

	(void)state;
	assert_int_equal(answer.x[0], RMI_SUCCESS);
	assert_int_equal(answer.x[1], RMI_REVISION);
	assert_int_equal(answer.x[2], RMI_REVISION);
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		answer = RMI(RMI_VERSION, others[i]);
		assert_int_equal(answer.x[0], RMI_ERROR_INPUT);
		assert_int_equal(answer.x[1], RMI_REVISION);
		assert_int_equal(answer.x[2], RMI_REVISION);
	}
}

#define FIELD(value, name) ABI_FIELD_GET(RMI_FEATURE0_##name, value)

static void features(void **state)
{
	struct sim_answer answer = RMI(RMI_FEATURES, 0);
	uint64_t value = answer.x[1];

	(void)state;
	assert_int_equal(answer.x[0], RMI_SUCCESS);
	assert_int_equal(FIELD(value, S2SZ), 52);
	assert_int_equal(FIELD(value, LPA2), 1);
	assert_int_equal(FIELD(value, SVE_EN), 1);
	assert_int_equal(FIELD(value, SVE_VL), 15);
	assert_int_equal(FIELD(value, NUM_BPS), 5);
	assert_int_equal(FIELD(value, NUM_WPS), 3);
	assert_int_equal(FIELD(value, PMU_EN), 1);
	assert_int_equal(FIELD(value, PMU_NUM_CTRS), 6);
	assert_int_equal(FIELD(value, HASH_SHA_256), 1);
	assert_int_equal(FIELD(value, HASH_SHA_512), 1);
	assert_int_equal(FIELD(value, GICV3_NUM_LRS), 3);
	assert_int_equal(FIELD(value, MAX_RECS_ORDER), 10);
	assert_int_equal(value >> 42, 0);
}

static void features_of_a_small_cpu(void **state)
{
	uint64_t value;

	(void)state;
	sim_power_on();
	machine_set_id(ARCH_ID_AA64PFR0, 0);
	machine_set_id(ARCH_ID_AA64DFR0, 6 | 1 << 12 | 1 << 20);
	machine_set_id(ARCH_ID_AA64MMFR0, 4);
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
	value = RMI(RMI_FEATURES, 0).x[1];
	assert_int_equal(FIELD(value, S2SZ), 44);
	assert_int_equal(FIELD(value, LPA2), 0);
	assert_int_equal(FIELD(value, SVE_EN), 0);
	assert_int_equal(FIELD(value, SVE_VL), 0);
	assert_int_equal(FIELD(value, NUM_BPS), 1);
	assert_int_equal(FIELD(value, NUM_WPS), 1);
	assert_int_equal(FIELD(value, PMU_EN), 0);
	assert_int_equal(FIELD(value, PMU_NUM_CTRS), 0);
}

static void other_feature_registers(void **state)
{
	static const uint64_t others[] = {1, 2, BIT(32), BIT(63), ~UINT64_C(0)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(others); i++) {
		struct sim_answer answer = RMI(RMI_FEATURES, others[i]);

		assert_int_equal(answer.x[0], RMI_SUCCESS);
		assert_int_equal(answer.x[1], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_VERSION: 1.0 and everything else", version),
		SIM_TEST("RMI_FEATURES: register 0", features),
		SIM_TEST("RMI_FEATURES: register 0 of a small CPU", features_of_a_small_cpu),
		SIM_TEST("RMI_FEATURES: other registers are zero", other_feature_registers),
	};

	return unit_run(tests);
}
