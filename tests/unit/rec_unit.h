// SPDX-License-Identifier: BSD-3-Clause
/*
 * For tests of RECs: one realm, its entries and exits, and checks of the whole exit record.
 *
 *     SIM_EXITS(SIM_SMC(RSI_HOST_CALL_FID, 0x2000));
 *     ASSERT_RMI_OK(sim_enter(&realm, 0, NULL, &exit));
 *     ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_HOST_CALL, .imm = 7);
 */
#ifndef TESTS_REC_UNIT_H
#define TESTS_REC_UNIT_H

#include "sim/realm.h"
#include "unit.h"

/* The exit record holds the named fields, and zero in every other byte. */
#define ASSERT_EXIT(exit, ...)                                                           \
	do {                                                                             \
		const struct rmi_rec_exit expected_ = {__VA_ARGS__};                     \
		rec_unit_compare((const uint8_t *)&(exit), (const uint8_t *)&expected_); \
	} while (0)

/* Byte by byte, for a message that names the place. */
static inline void rec_unit_compare(const uint8_t *exit, const uint8_t *expected)
{
	for (size_t i = 0; i < sizeof(struct rmi_rec_exit); i++) {
		if (exit[i] != expected[i]) {
			fail_msg("byte 0x%zx of the exit record is 0x%02x and not 0x%02x", i,
				 exit[i], expected[i]);
		}
	}
}

/*
 * Enters REC 0 of `realm` for one SMC, x0.. as given, which the realm survives: an IRQ ends the run
 * behind it. Registers as the realm finds them then are in sim_saw(1).
 */
#define REALM_CALLS(realm, ...)                                   \
	do {                                                      \
		struct rmi_rec_exit exit_;                        \
		SIM_EXITS(SIM_SMC(__VA_ARGS__));                  \
		ASSERT_RMI_OK(sim_enter(realm, 0, NULL, &exit_)); \
		ASSERT_EXIT(exit_, .exit_reason = RMI_EXIT_IRQ);  \
		assert_int_equal(sim_runs(), 2);                  \
		rec_unit_behind_call();                           \
	} while (0)

/* The realm is behind its SMC and has x4..x30 as they were before. */
static inline void rec_unit_behind_call(void)
{
	const struct arch_vcpu *before = &sim_saw(0)->vcpu;
	const struct arch_vcpu *after = &sim_saw(1)->vcpu;

	assert_int_equal(after->pc, before->pc + 4);
	assert_int_equal(after->pstate, before->pstate);
	for (unsigned int i = SIM_EXIT_MAX_X; i < 31; i++) {
		assert_int_equal(after->gprs[i], before->gprs[i]);
	}
}

/* x0..x3 as the realm finds them. */
#define ASSERT_RESULTS(x0, x1, x2, x3)                                      \
	do {                                                                \
		const uint64_t *gprs_ = sim_saw(sim_runs() - 1)->vcpu.gprs; \
		assert_int_equal(gprs_[0], x0);                             \
		assert_int_equal(gprs_[1], x1);                             \
		assert_int_equal(gprs_[2], x2);                             \
		assert_int_equal(gprs_[3], x3);                             \
	} while (0)

/* The call in x0.. gets `status`, because of the condition, and nothing else. */
#define ASSERT_REALM_REFUSED(realm, status, name, ...)                \
	do {                                                          \
		REALM_CALLS(realm, __VA_ARGS__);                      \
		ASSERT_RESULTS((uint64_t)(int64_t)(status), 0, 0, 0); \
		assert_non_null(machine_last_failure());              \
		assert_string_equal(machine_last_failure(), #name);   \
	} while (0)

#endif
