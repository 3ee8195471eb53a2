// SPDX-License-Identifier: BSD-3-Clause
#include "unit.h"

static void masks(void **state)
{
	(void)state;
	assert_int_equal(MASK(0, 0), 1);
	assert_int_equal(MASK(63, 0), ~UINT64_C(0));
	assert_int_equal(MASK(63, 63), BIT(63));
	assert_int_equal(MASK(11, 8), 0xF00);
}

static void fields(void **state)
{
	const uint64_t value = UINT64_C(0xFEDCBA9876543210);

	(void)state;
	assert_int_equal(bits_get(value, 3, 0), 0);
	assert_int_equal(bits_get(value, 63, 60), 0xF);
	assert_int_equal(bits_get(value, 63, 0), value);
	assert_int_equal(bits_get(value, 35, 28), 0x87);
}

static void alignment(void **state)
{
	(void)state;
	assert_true(is_aligned(0, 4096));
	assert_true(is_aligned(BIT(63), BIT(63)));
	assert_false(is_aligned(4095, 4096));
	assert_false(is_aligned(BIT(62), BIT(63)));
	assert_int_equal(align_down(8191, 4096), 4096);
	assert_int_equal(align_up(4097, 4096), 8192);
	assert_int_equal(align_up(4096, 4096), 4096);
	assert_int_equal(align_down(~UINT64_C(0), 4096), ~GRANULE_MASK);
}

static void clamp(void **state)
{
	(void)state;
	assert_int_equal(index_clamp(0, 1), 0);
	assert_int_equal(index_clamp(1, 1), 0);
	assert_int_equal(index_clamp(63, 64), 63);
	assert_int_equal(index_clamp(64, 64), 0);
	assert_int_equal(index_clamp(~UINT64_C(0), 64), 0);
	assert_int_equal(index_clamp(5, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("MASK: ends of the word", masks),
		PLAIN_TEST("bits_get", fields),
		PLAIN_TEST("is_aligned, align_down, align_up", alignment),
		PLAIN_TEST("index_clamp: 0 outside", clamp),
	};

	return unit_run(tests);
}
