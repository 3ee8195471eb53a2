// SPDX-License-Identifier: BSD-3-Clause
/* Shapes of the IPA space, against the table of the specification; registers, bit by bit. */
#include "feat/feat.h"
#include "s2/s2_internal.h"
#include "unit.h"

/* One table from `low` to `high` bits, then twice as many for each further bit up to `last`. */
struct shape {
	int64_t level;
	unsigned int low, high, last;
};

/* RMM specification 1.0, B4.3.9; Arm ARM D8.2. No width below 32 exists. */
static const struct shape without_lpa2[] = {
	{2, 32, 30, 34},
	{1, 32, 39, 43},
	{0, 40, 48, 48},
};
static const struct shape with_lpa2[] = {
	{2, 32, 30, 34},
	{1, 32, 39, 43},
	{0, 40, 48, 52},
	{-1, 49, 52, 52},
};

static bool in_shapes(const struct shape *shapes, size_t count, uint64_t bits, int64_t level,
		      uint64_t tables)
{
	for (size_t i = 0; i < count; i++) {
		if (shapes[i].level != level || bits < shapes[i].low || bits > shapes[i].last) {
			continue;
		}
		return tables ==
		       (bits <= shapes[i].high ? 1 : UINT64_C(1) << (bits - shapes[i].high));
	}
	return false;
}

static void each_geometry(bool lpa2)
{
	const struct shape *shapes = lpa2 ? with_lpa2 : without_lpa2;
	size_t count = lpa2 ? ARRAY_LENGTH(with_lpa2) : ARRAY_LENGTH(without_lpa2);
	unsigned int valid = 0;

	for (uint64_t bits = 0; bits < 70; bits++) {
		for (int64_t level = -4; level < 7; level++) {
			for (uint64_t tables = 0; tables < 70; tables++) {
				bool expected = in_shapes(shapes, count, bits, level, tables);

				assert_int_equal(s2_geometry_valid(bits, level, tables, lpa2),
						 expected);
				valid += expected;
			}
		}
	}
	assert_int_equal(valid, lpa2 ? 3 + 12 + 13 + 4 : 3 + 12 + 9);
}

static void geometries(void **state)
{
	(void)state;
	each_geometry(false);
	each_geometry(true);
}

static void wild_numbers(void **state)
{
	static const uint64_t wild[] = {UINT64_C(1) << 32, UINT64_C(1) << 63, ~UINT64_C(0),
					(UINT64_C(1) << 32) + 1, (UINT64_C(1) << 32) + 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(wild); i++) {
		assert_false(s2_geometry_valid(wild[i], 1, 2, false));
		assert_false(s2_geometry_valid(40, (int64_t)wild[i], 2, false));
		assert_false(s2_geometry_valid(40, 1, wild[i], true));
	}
	assert_false(s2_geometry_valid(32, INT64_MIN, 1, true));
	assert_false(s2_geometry_valid(32, INT64_MAX, 1, true));
	assert_false(s2_geometry_valid(40, (int64_t)((UINT64_C(1) << 32) + 1), 2, true));
}

/* A CPU with fewer address bits. */
static void narrow_cpu(void **state)
{
	struct feat narrow = *feat();

	(void)state;
	narrow.pa_bits = 42;
	narrow.ipa_bits = 42;
	narrow.lpa2 = false;
	feat_set(&narrow);
	assert_true(s2_geometry_valid(42, 1, 8, false));
	assert_false(s2_geometry_valid(43, 1, 16, false));
	assert_false(s2_geometry_valid(40, 0, 1, false)); /* no level 0 below 44 bits */
	assert_false(s2_geometry_valid(40, 1, 2, true));
	narrow.pa_bits = 44;
	narrow.ipa_bits = 44;
	feat_set(&narrow);
	assert_true(s2_geometry_valid(40, 0, 1, false));
}

#define VTCR_ALWAYS UINT64_C(0xC0003500) /* RES1, NSA, SH0 inner, ORGN0 and IRGN0 write-back */
#define VTCR_VMID16 BIT(19)
#define ROOT        UINT64_C(0x0000812345670000)

static uint64_t vtcr(uint8_t bits, int8_t level, uint8_t tables, bool lpa2)
{
	struct s2 s2 = {
		.root = {ROOT},
		.ipa_bits = bits,
		.start_level = level,
		.start_tables = tables,
		.lpa2 = lpa2,
	};
	struct arch_s2_context context = s2_context(&s2, 0xA55A);

	assert_int_equal(context.vttbr, UINT64_C(0xA55A) << 48 | ROOT);
	return context.vtcr;
}

static void registers(void **state)
{
	uint64_t lpa1 = VTCR_ALWAYS | VTCR_VMID16 | (uint64_t)5 << 16;
	uint64_t lpa2 = VTCR_ALWAYS | VTCR_VMID16 | (uint64_t)6 << 16 | BIT(32);

	(void)state;
	assert_int_equal(vtcr(32, 2, 4, false), lpa1 | 32 | 0 << 6);
	assert_int_equal(vtcr(34, 2, 16, false), lpa1 | 30 | 0 << 6);
	assert_int_equal(vtcr(40, 1, 2, false), lpa1 | 24 | 1 << 6);
	assert_int_equal(vtcr(48, 0, 1, false), lpa1 | 16 | 2 << 6);
	assert_int_equal(vtcr(48, 0, 1, true), lpa2 | 16 | 2 << 6);
	assert_int_equal(vtcr(52, 0, 16, true), lpa2 | 12 | 2 << 6);
	assert_int_equal(vtcr(52, -1, 1, true), lpa2 | 12 | BIT(33));
}

static void registers_of_other_cpus(void **state)
{
	static const struct {
		uint8_t bits;
		uint64_t code;
	} widths[] = {{32, 0}, {36, 1}, {40, 2}, {42, 3}, {44, 4}, {48, 5}, {52, 5}};
	struct feat other = *feat();

	(void)state;
	other.vmid16 = false;
	for (size_t i = 0; i < ARRAY_LENGTH(widths); i++) {
		other.pa_bits = widths[i].bits;
		feat_set(&other);
		assert_int_equal(vtcr(32, 1, 1, false),
				 VTCR_ALWAYS | widths[i].code << 16 | 32 | 1 << 6);
	}
}

static void high_root(void **state)
{
	struct s2 s2 = {
		.root = {UINT64_C(0x000D800040000000)},
		.ipa_bits = 52,
		.start_tables = 1,
		.start_level = -1,
		.lpa2 = true,
	};

	(void)state;
	assert_int_equal(s2_context(&s2, 1).vttbr,
			 BIT(48) | UINT64_C(0x800040000000) | UINT64_C(0xD) << 2);
	s2.lpa2 = false;
	assert_false(s2_pa_fits(&s2, s2.root));
	assert_false(s2_pa_fits(&s2, pa_of(BIT(48))));
	assert_true(s2_pa_fits(&s2, pa_of(BIT(48) - 1)));
	ASSERT_STOPS("panic s2_geometry.c", s2_context(&s2, 1));
}

static void halves(void **state)
{
	(void)state;
	for (uint8_t bits = 32; bits <= 52; bits++) {
		struct s2 s2 = {.ipa_bits = bits};
		uint64_t half = BIT(bits - 1);

		assert_true(s2_ipa_protected(&s2, ipa_of(0)));
		assert_true(s2_ipa_protected(&s2, ipa_of(half - 1)));
		assert_false(s2_ipa_protected(&s2, ipa_of(half)));
		assert_false(s2_ipa_protected(&s2, ipa_of(~UINT64_C(0))));
		assert_true(s2_ipa_valid(&s2, ipa_of(2 * half - 1)));
		assert_false(s2_ipa_valid(&s2, ipa_of(2 * half)));
		assert_false(s2_ipa_valid(&s2, ipa_of(BIT(63))));

		assert_true(s2_range_protected(&s2, ipa_of(0), half));
		assert_true(s2_range_protected(&s2, ipa_of(half - 1), 1));
		assert_false(s2_range_protected(&s2, ipa_of(0), 0));
		assert_false(s2_range_protected(&s2, ipa_of(0), half + 1));
		assert_false(s2_range_protected(&s2, ipa_of(half), 1));
		assert_false(s2_range_protected(&s2, ipa_of(half - 1), ~UINT64_C(0)));
		assert_false(s2_range_protected(&s2, ipa_of(4096), ~UINT64_C(0) - 4095));
	}
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(s2_entry_size(3), 4096);
	assert_int_equal(s2_entry_size(2), 0x200000);
	assert_int_equal(s2_entry_size(1), 0x40000000);
	assert_int_equal(s2_entry_size(0), BIT(39));
	assert_int_equal(s2_entry_size(-1), BIT(48));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("s2_geometry_valid: all widths, levels and numbers of tables", geometries),
		SIM_TEST("s2_geometry_valid: numbers that wrap or truncate", wild_numbers),
		SIM_TEST("s2_geometry_valid: what a narrow CPU cannot do", narrow_cpu),
		SIM_TEST("s2_context: VTCR_EL2 of each shape", registers),
		SIM_TEST("s2_context: VTCR_EL2 on other CPUs", registers_of_other_cpus),
		SIM_TEST("s2_context: VTTBR_EL2 above 2^48", high_root),
		SIM_TEST("s2_ipa_protected, s2_ipa_valid, s2_range_protected: every edge", halves),
		PLAIN_TEST("s2_entry_size", sizes),
	};

	return unit_run(tests);
}
