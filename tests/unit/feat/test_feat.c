// SPDX-License-Identifier: BSD-3-Clause
/* What is offered for each content of the identification registers. */
#include "feat/feat.h"

#include "unit.h"

static struct feat probe(void)
{
	struct feat has;

	assert_true(feat_probe(&has));
	return has;
}

static void address_widths(void **state)
{
	static const uint8_t widths[16] = {32, 36, 40, 42, 44, 48, 52, 52,
					   52, 52, 52, 52, 52, 52, 52, 52};

	(void)state;
	for (uint64_t range = 0; range < 16; range++) {
		machine_set_id(ARCH_ID_AA64MMFR0, (uint64_t)1 << 28 | (uint64_t)3 << 40 | range);
		assert_int_equal(probe().pa_bits, widths[range]);
		assert_int_equal(probe().ipa_bits, widths[range]);
		machine_set_id(ARCH_ID_AA64MMFR0, range);
		assert_int_equal(probe().ipa_bits, widths[range] > 48 ? 48 : widths[range]);
	}
}

/* Stage 1 field, stage 2 field: 4 KiB granules at all, and with 52 bits at both stages. */
static void granule_sizes(void **state)
{
	(void)state;
	for (uint64_t stage1 = 0; stage1 < 16; stage1++) {
		for (uint64_t stage2 = 0; stage2 < 4; stage2++) {
			bool works = stage1 <= 1 && stage2 != 1;
			bool lpa2 = stage1 == 1 && (stage2 == 0 || stage2 == 3);
			struct feat has;

			machine_set_id(ARCH_ID_AA64MMFR0, stage1 << 28 | stage2 << 40 | 6);
			assert_int_equal(feat_probe(&has), works);
			assert_true(!works || has.lpa2 == lpa2);
		}
	}
}

static void breakpoints(void **state)
{
	(void)state;
	for (uint64_t version = 6; version < 16; version++) {
		for (uint64_t count = 1; count < 16; count++) {
			machine_set_id(ARCH_ID_AA64DFR0,
				       version | count << 12 | (16 - count) << 20);
			machine_set_id(ARCH_ID_AA64DFR1, (uint64_t)40 << 8 | (uint64_t)200 << 16);
			bool extended = version >= 11;

			assert_int_equal(probe().breakpoints, extended && count == 15 ? 40 : count);
			assert_int_equal(probe().watchpoints,
					 extended && count == 1 ? 63 : 16 - count);
		}
	}
	machine_set_id(ARCH_ID_AA64DFR0, 11 | 15 << 12);
	machine_set_id(ARCH_ID_AA64DFR1, 0);
	assert_int_equal(probe().breakpoints, 15);
}

static void pmu(void **state)
{
	(void)state;
	machine_set_id(ARCH_ID_PMCR, (uint64_t)31 << 11 | 0x7FF);
	for (uint64_t version = 0; version < 16; version++) {
		bool there = version != 0 && version != 15;

		machine_set_id(ARCH_ID_AA64DFR0, version << 8);
		assert_int_equal(probe().pmu, there);
		assert_int_equal(probe().pmu_counters, there ? 31 : 0);
		assert_false(probe().hpmn0);
	}
	machine_set_id(ARCH_ID_AA64DFR0, (uint64_t)1 << 60 | 6 << 8);
	assert_true(probe().hpmn0);
}

static void sve(void **state)
{
	(void)state;
	machine_set_id(ARCH_ID_AA64PFR0, 0);
	assert_false(probe().sve);
	assert_int_equal(probe().sve_vl, 0);
	machine_set_id(ARCH_ID_AA64PFR0, (uint64_t)1 << 32);
	machine_set_id(ARCH_ID_SVE_MAX_LENGTH, 3);
	assert_true(probe().sve);
	assert_int_equal(probe().sve_vl, 3);
}

static void gic_and_vmid(void **state)
{
	(void)state;
	machine_set_id(ARCH_ID_ICH_VTR, (uint64_t)7 << 29 | (uint64_t)1 << 23 | 31);
	assert_int_equal(probe().list_registers, 15);
	assert_int_equal(probe().gic_priority_bits, 8);
	assert_int_equal(probe().gic_id_bits, 24);
	machine_set_id(ARCH_ID_ICH_VTR, (uint64_t)4 << 29 | 3);
	assert_int_equal(probe().list_registers, 3);
	assert_int_equal(probe().gic_priority_bits, 5);
	assert_int_equal(probe().gic_id_bits, 16);
	assert_true(probe().vmid16);
	machine_set_id(ARCH_ID_AA64MMFR1, 0);
	assert_false(probe().vmid16);
}

static void cpus_must_match(void **state)
{
	struct feat has;

	(void)state;
	has = probe();
	assert_true(feat_matches(&has));
	machine_set_id(ARCH_ID_SVE_MAX_LENGTH, 1);
	has = probe();
	assert_false(feat_matches(&has));
	assert_int_equal(feat()->sve_vl, 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("feat_probe: address widths", address_widths),
		SIM_TEST("feat_probe: 4 KiB granules, LPA2", granule_sizes),
		SIM_TEST("feat_probe: breakpoints and watchpoints", breakpoints),
		SIM_TEST("feat_probe: PMU", pmu),
		SIM_TEST("feat_probe: SVE", sve),
		SIM_TEST("feat_probe: GIC, VMID", gic_and_vmid),
		SIM_TEST("feat_matches: a CPU that differs", cpus_must_match),
	};

	return unit_run(tests);
}
