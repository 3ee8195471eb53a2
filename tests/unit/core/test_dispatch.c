// SPDX-License-Identifier: BSD-3-Clause
/* Function identifiers, and which registers come back how. */
#include "abi/smccc.h"
#include "core/dispatch.h"
#include "unit.h"

static struct smc_regs call(uint64_t x0, uint64_t x1)
{
	struct smc_regs regs = {.x = {x0, x1, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77}};

	dispatch(&regs);
	machine_command_end();
	assert_int_equal(regs.x[0], EL3_RMI_REQ_COMPLETE_FID);
	return regs;
}

static void expect_unknown(uint64_t x0)
{
	struct smc_regs regs = call(x0, 0x11);

	assert_int_equal(regs.x[1], SMCCC_UNKNOWN);
	assert_int_equal(regs.x[2], 0);
	assert_int_equal(regs.x[3], 0);
	assert_int_equal(regs.x[4], 0);
	assert_int_equal(regs.x[5], 0x44);
}

static void unknown_numbers(void **state)
{
	(void)state;
	for (uint64_t fid = RMI_FID_FIRST - 16; fid <= RMI_FID_LAST + 48; fid++) {
		if (sim_command(fid) == NULL) {
			expect_unknown(fid);
			expect_unknown(fid | SMCCC_FID_SVE_HINT);
		}
	}
}

static void not_quite_a_command(void **state)
{
	static const uint64_t flips[] = {BIT(31), BIT(30), BIT(29), BIT(24), BIT(17),
					 BIT(15), BIT(12), BIT(9),  BIT(8)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(flips); i++) {
		expect_unknown(RMI_VERSION_FID ^ flips[i]);
	}
	expect_unknown(0);
	expect_unknown(~UINT64_C(0));
}

static void sve_hint(void **state)
{
	(void)state;
	assert_int_equal(call(RMI_VERSION_FID | SMCCC_FID_SVE_HINT, RMI_REVISION).x[1],
			 RMI_SUCCESS);
	assert_int_equal(call(RMI_GRANULE_DELEGATE_FID | SMCCC_FID_SVE_HINT, sim_page(0)).x[1],
			 RMI_SUCCESS);
}

/* An identifier is a 32-bit number; the upper half of x0 is not part of it. */
static void upper_half_of_x0(void **state)
{
	(void)state;
	for (unsigned int bit = 32; bit < 64; bit++) {
		assert_int_equal(call(RMI_VERSION_FID | BIT(bit), RMI_REVISION).x[1], RMI_SUCCESS);
		expect_unknown((RMI_FID_FIRST - 1) | BIT(bit));
	}
}

static void registers_of_a_success(void **state)
{
	struct smc_regs regs = call(RMI_VERSION_FID, RMI_REVISION);

	(void)state;
	assert_int_equal(regs.x[2], RMI_REVISION);
	assert_int_equal(regs.x[3], RMI_REVISION);
	assert_int_equal(regs.x[4], 0);
	assert_int_equal(regs.x[5], 0x44);
	regs = call(RMI_GRANULE_DELEGATE_FID, sim_page(0));
	for (unsigned int i = 1; i < 5; i++) {
		assert_int_equal(regs.x[i], 0);
	}
	assert_int_equal(regs.x[5], 0x44);
}

static void registers_of_a_failure(void **state)
{
	struct smc_regs regs = call(RMI_GRANULE_UNDELEGATE_FID, sim_page(0));

	(void)state;
	assert_int_equal(regs.x[1], RMI_ERROR_INPUT);
	for (unsigned int i = 2; i < 5; i++) {
		assert_int_equal(regs.x[i], 0);
	}
	assert_int_equal(regs.x[5], 0x44);
}

/* Whatever the arguments, a command leaves CPU and checkers in order, and x4 where it belongs. */
static void every_command_with_wild_arguments(void **state)
{
	static const uint64_t wild[] = {0,       1,       SIM_MAIN,     SIM_HIGH,    SIM_SECURE,
					BIT(63), BIT(48), GRANULE_MASK, ~UINT64_C(0)};

	(void)state;
	for (size_t i = 0; sim_command_at(i) != NULL; i++) {
		for (size_t j = 0; j < ARRAY_LENGTH(wild); j++) {
			uint64_t args[7];

			for (size_t k = 0; k < ARRAY_LENGTH(args); k++) {
				args[k] = wild[(j + k * (j + 1)) % ARRAY_LENGTH(wild)];
			}
			sim_call(sim_command_at(i)->fid, args, ARRAY_LENGTH(args));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("dispatch: every number that is no command", unknown_numbers),
		SIM_TEST("dispatch: other owners, 32-bit and yielding calls", not_quite_a_command),
		SIM_TEST("dispatch: SVE hint", sve_hint),
		SIM_TEST("dispatch: upper half of x0", upper_half_of_x0),
		SIM_TEST("dispatch: registers after a success", registers_of_a_success),
		SIM_TEST("dispatch: registers after a failure", registers_of_a_failure),
		SIM_TEST("dispatch: every command with wild arguments",
			 every_command_with_wild_arguments),
	};

	return unit_run(tests);
}
