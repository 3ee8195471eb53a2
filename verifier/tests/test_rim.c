// SPDX-License-Identifier: BSD-3-Clause
/* Measurements against vectors that were derived from the specification's rules, not from code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "policy.h"
#include "rim.h"

static const char *const rim256[] = {
	"045cb3602843a6845cb710fbbfbb92f0c7d611afe0106ac2953e46950a70c42b",
	"fe51fb9503446b57c081fae7081c638c6fc0196ec3a75f568cbb05d54f6ceb27",
	"0bddb31a1907821b4ee1b2b5e75312d87c00998a41ded18a45f9139f5987e0aa",
	"a599041ad64b4596e6335378a8e421c04e8be4f1ac284b151e375ebed2b78391",
	"6d89f0deb00f6315f8afd1ea1570a6cc7b2c9abb8df0d39076d5b0da7538c247",
};

static const char *const rim512[] = {
	"066e19aa2c3418dadc20ef31b5595907c612991952553e1e99731a677b5797c9"
	"898dffb6e3963a20b8e1af6d136cd2fe6fe25f048577dc3d7e5bf3a79a4b1e81",
	"11ead60c17632986d6d833fa5addfd843d2b940d9c74773fb48200da5a2a9f14"
	"1af8e42b553602de73387d27415b1e47d03306ee10415fb2cc0d3ff16f7639e5",
	"49e17aee669bf413b51bdf686a3e8921131a6070ca5c4ffa8bd243fdf3db12c6"
	"4ce7e0577f953f2ea6403928ccd260264fa369dfce4a475da0fb4ea93ba0736f",
	"23e9784ec120ae74c87e57cb1eb010c5ee2858d3511f268dac81655ca2832e96"
	"7a6b0afea78d2e47c85d71edec54f31b42c52335d679526b3a7a4f88951e8585",
	"3ce4d5d09237034869a3e140c47ac85c9715c7d998e07df4653ea9c1d8f66c8e"
	"5473bf67621ec496559e0d38ca6f994aa698e15e9021a2491eb77202bdddad01",
};

static void expect_hex(const struct cca_measurement *m, const char *hex)
{
	char got[2 * CCA_HASH_MAX + 1];

	cca_to_hex((struct cca_bytes){m->value, cca_hash_size(m->hash)}, got, sizeof(got));
	assert_string_equal(got, hex);
	for (size_t i = cca_hash_size(m->hash); i < sizeof(m->value); i++) {
		assert_int_equal(m->value[i], 0);
	}
}

static struct rmi_realm_params vector_params(uint8_t hash)
{
	struct rmi_realm_params p;

	/* What is not measured is filled with noise: it must not matter. */
	memset(&p, 0x5a, sizeof(p));
	p.flags = 0;
	p.s2sz = 40;
	p.sve_vl = 0;
	p.num_bps = 1;
	p.num_wps = 1;
	p.pmu_num_ctrs = 0;
	p.hash_algo = hash;
	return p;
}

static void run_vector(uint8_t hash, const char *const expected[5])
{
	struct rmi_realm_params params = vector_params(hash);
	struct cca_measurement rim;
	struct rmi_rec_params rec;
	uint8_t page[ABI_GRANULE_SIZE];

	memset(page, 0xa5, sizeof(page));
	assert_true(cca_rim_realm_create(&rim, &params));
	expect_hex(&rim, expected[0]);
	assert_true(cca_rim_data_create(&rim, 0, RMI_DATA_FLAG_MEASURE, page));
	expect_hex(&rim, expected[1]);
	assert_true(cca_rim_data_create(&rim, 0x1000, 0, NULL));
	expect_hex(&rim, expected[2]);
	assert_true(cca_rim_init_ripas(&rim, 0x200000, 0x400000, 2));
	expect_hex(&rim, expected[3]);
	memset(&rec, 0x5a, sizeof(rec));
	rec.flags = RMI_REC_FLAG_RUNNABLE;
	rec.pc = 0x1000;
	for (size_t i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		rec.gprs[i] = i;
	}
	assert_true(cca_rim_rec_create(&rim, &rec));
	expect_hex(&rim, expected[4]);
	rec.flags = 0;
	assert_true(cca_rim_rec_create(&rim, &rec));
	expect_hex(&rim, expected[4]);
}

static void vectors_sha256(void **state)
{
	(void)state;
	run_vector(RMI_HASH_SHA_256, rim256);
}

static void vectors_sha512(void **state)
{
	(void)state;
	run_vector(RMI_HASH_SHA_512, rim512);
}

static void rem_vector(enum cca_hash hash, const char *extended, const char *empty)
{
	struct cca_measurement rem = cca_rem_initial(hash);
	uint8_t value[32];

	for (uint8_t i = 0; i < sizeof(value); i++) {
		value[i] = i;
	}
	assert_true(cca_rem_extend(&rem, value, sizeof(value)));
	expect_hex(&rem, extended);
	rem = cca_rem_initial(hash);
	assert_true(cca_rem_extend(&rem, NULL, 0));
	expect_hex(&rem, empty);
}

static void rem_vectors(void **state)
{
	(void)state;
	rem_vector(CCA_HASH_SHA256,
		   "bb2275c49f28ad52cae6d55e34a974a58c7a3ba26f976e8ecbbe7a536918dc73",
		   "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
	rem_vector(CCA_HASH_SHA512,
		   "1b3f258fc7df037a1324b4952aaf709dcfc46aaf1af751e62808b48ab70de5ab"
		   "4a98f4738472bdf0b708229d955f592d1b8fbbe4d134c65a0b9c6fce562778aa",
		   "7be9fda48f4179e611c698a73cff09faf72869431efee6eaad14de0cb44bbf66"
		   "503f752b7a8eb17083355f3ce6eb7d2806f236b25af96a24e22b887405c20081");
}

static struct cca_measurement fresh(void)
{
	struct rmi_realm_params params = vector_params(RMI_HASH_SHA_256);
	struct cca_measurement rim;

	assert_true(cca_rim_realm_create(&rim, &params));
	return rim;
}

/* The rule for a whole range, spelled out as single entries. */
static void ripas_range_takes_the_largest_entries(void **state)
{
	const uint64_t gib = 0x40000000;
	struct cca_measurement a = fresh();
	struct cca_measurement b = fresh();

	(void)state;
	assert_true(cca_rim_init_ripas_range(&a, gib - 0x201000, 2 * gib + 0x201000, 1));
	assert_true(cca_rim_init_ripas(&b, gib - 0x201000, gib - 0x200000, 3));
	assert_true(cca_rim_init_ripas(&b, gib - 0x200000, gib, 2));
	assert_true(cca_rim_init_ripas(&b, gib, 2 * gib, 1));
	assert_true(cca_rim_init_ripas(&b, 2 * gib, 2 * gib + 0x200000, 2));
	assert_true(cca_rim_init_ripas(&b, 2 * gib + 0x200000, 2 * gib + 0x201000, 3));
	assert_memory_equal(a.value, b.value, sizeof(a.value));
}

/* No entry is larger than those of the level at which the tables start. */
static void ripas_range_depends_on_the_start_level(void **state)
{
	const uint64_t gib = 0x40000000;

	(void)state;
	for (int start = 0; start <= 3; start++) {
		struct cca_measurement a = fresh();
		struct cca_measurement b = fresh();

		assert_true(cca_rim_init_ripas_range(&a, 0, start == 0 ? 512 * gib : gib, start));
		assert_true(cca_rim_init_ripas(&b, 0, start == 0 ? 512 * gib : gib, start));
		assert_memory_equal(a.value, b.value, sizeof(a.value));
	}
}

static void start_level_of_a_host_with_few_tables(void **state)
{
	static const struct {
		unsigned int bits;
		int level;
	} cases[] = {{32, 2}, {33, 2}, {34, 2}, {35, 1}, {40, 1}, {43, 1}, {44, 0}, {48, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cca_rim_start_level(cases[i].bits), cases[i].level);
	}
}

static void ripas_level_matters(void **state)
{
	struct cca_measurement a = fresh();
	struct cca_measurement b = fresh();

	(void)state;
	assert_true(cca_rim_init_ripas(&a, 0, 0x200000, 2));
	assert_true(cca_rim_init_ripas(&b, 0, 0x200000, 3));
	assert_memory_not_equal(a.value, b.value, sizeof(a.value));
}

static void order_matters(void **state)
{
	struct cca_measurement a = fresh();
	struct cca_measurement b = fresh();

	(void)state;
	assert_true(cca_rim_data_create(&a, 0, 0, NULL));
	assert_true(cca_rim_data_create(&a, 0x1000, 0, NULL));
	assert_true(cca_rim_data_create(&b, 0x1000, 0, NULL));
	assert_true(cca_rim_data_create(&b, 0, 0, NULL));
	assert_memory_not_equal(a.value, b.value, sizeof(a.value));
}

static void refusals_change_nothing(void **state)
{
	struct rmi_realm_params params = vector_params(2);
	struct cca_measurement rim = fresh();
	const struct cca_measurement before = rim;
	uint8_t value[65] = {0};

	(void)state;
	assert_false(cca_rim_realm_create(&rim, &params));
	assert_false(cca_rim_init_ripas(&rim, 0x1000, 0x200000, 2));
	assert_false(cca_rim_init_ripas(&rim, 0, 0x201000, 2));
	assert_false(cca_rim_init_ripas(&rim, 0, 0, 2));
	assert_false(cca_rim_init_ripas(&rim, 0, 0x200000, 0));
	assert_false(cca_rim_init_ripas(&rim, 0, 0x200000, -1));
	assert_false(cca_rim_init_ripas(&rim, 0, 0x200000, 4));
	assert_false(cca_rim_init_ripas_range(&rim, 0x1000, 0x1000, 1));
	assert_false(cca_rim_init_ripas_range(&rim, 0x1, 0x1001, 1));
	assert_false(cca_rim_init_ripas_range(&rim, 0, 0x1000, 4));
	assert_false(cca_rim_init_ripas_range(&rim, 0, 0x1000, -1));
	assert_false(cca_rem_extend(&rim, value, sizeof(value)));
	assert_memory_equal(&rim, &before, sizeof(rim));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_sha256),
		cmocka_unit_test(vectors_sha512),
		cmocka_unit_test(rem_vectors),
		cmocka_unit_test(ripas_range_takes_the_largest_entries),
		cmocka_unit_test(ripas_range_depends_on_the_start_level),
		cmocka_unit_test(start_level_of_a_host_with_few_tables),
		cmocka_unit_test(ripas_level_matters),
		cmocka_unit_test(order_matters),
		cmocka_unit_test(refusals_change_nothing),
	};

	return cmocka_run_group_tests_name("measurement", tests, NULL, NULL);
}
