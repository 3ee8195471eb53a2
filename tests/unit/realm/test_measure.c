// SPDX-License-Identifier: BSD-3-Clause
/* The vectors of the measurement rules, and what must not matter to a measurement. */
#include <stdio.h>

#include "base/hash.h"
#include "realm/measure.h"
#include "unit.h"

#define REM_COUNT 4U

/* After RMI_REALM_CREATE, two RMI_DATA_CREATE, RMI_RTT_INIT_RIPAS, RMI_REC_CREATE: see build(). */
static const char *const rim_sha_256[] = {
	"045cb3602843a6845cb710fbbfbb92f0c7d611afe0106ac2953e46950a70c42b",
	"fe51fb9503446b57c081fae7081c638c6fc0196ec3a75f568cbb05d54f6ceb27",
	"0bddb31a1907821b4ee1b2b5e75312d87c00998a41ded18a45f9139f5987e0aa",
	"a599041ad64b4596e6335378a8e421c04e8be4f1ac284b151e375ebed2b78391",
	"6d89f0deb00f6315f8afd1ea1570a6cc7b2c9abb8df0d39076d5b0da7538c247",
};

static const char *const rim_sha_512[] = {
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

/* A REM of zeros extended with 32 bytes 0, 1, 2..., and with nothing. */
static const char *const rem_sha_256[] = {
	"bb2275c49f28ad52cae6d55e34a974a58c7a3ba26f976e8ecbbe7a536918dc73",
	"66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
};

static const char *const rem_sha_512[] = {
	"1b3f258fc7df037a1324b4952aaf709dcfc46aaf1af751e62808b48ab70de5ab"
	"4a98f4738472bdf0b708229d955f592d1b8fbbe4d134c65a0b9c6fce562778aa",
	"7be9fda48f4179e611c698a73cff09faf72869431efee6eaad14de0cb44bbf66"
	"503f752b7a8eb17083355f3ce6eb7d2806f236b25af96a24e22b887405c20081",
};

static struct rd rd;

static void assert_hash(const uint8_t *slot, const char *hex)
{
	char text[2 * REALM_MEASUREMENT_SIZE + 1] = {0};
	size_t size = strlen(hex) / 2;

	for (size_t i = 0; i < size; i++) {
		snprintf(text + 2 * i, 3, "%02x", slot[i]);
	}
	assert_string_equal(text, hex);
	for (size_t i = size; i < REALM_MEASUREMENT_SIZE; i++) {
		assert_int_equal(slot[i], 0);
	}
}

static struct rmi_realm_params realm_params(uint8_t algo)
{
	return (struct rmi_realm_params){
		.s2sz = 40,
		.num_bps = 1,
		.num_wps = 1,
		.hash_algo = algo,
	};
}

static struct rmi_rec_params rec_params(void)
{
	return (struct rmi_rec_params){
		.flags = RMI_REC_FLAG_RUNNABLE,
		.pc = 0x1000,
		.gprs = {0, 1, 2, 3, 4, 5, 6, 7},
	};
}

static void check_rim_sequence(uint8_t algo, const char *const *expected)
{
	struct rmi_realm_params realm = realm_params(algo);
	struct rmi_rec_params rec = rec_params();
	uint8_t content[GRANULE_SIZE];

	memset(&rd, 0, sizeof(rd));
	memset(content, 0xA5, sizeof(content));
	realm_measure_init(&rd, &realm);
	assert_hash(rd.measurement[0], expected[0]);
	realm_measure_data(&rd, ipa_of(0), RMI_DATA_FLAG_MEASURE, content);
	assert_hash(rd.measurement[0], expected[1]);
	realm_measure_data(&rd, ipa_of(0x1000), 0, NULL);
	assert_hash(rd.measurement[0], expected[2]);
	realm_measure_ripas(&rd, ipa_of(0x200000), ipa_of(0x400000), 0x200000);
	assert_hash(rd.measurement[0], expected[3]);
	realm_measure_rec(&rd, &rec);
	assert_hash(rd.measurement[0], expected[4]);
}

static void rim_256(void **state)
{
	(void)state;
	check_rim_sequence(RMI_HASH_SHA_256, rim_sha_256);
}

static void rim_512(void **state)
{
	(void)state;
	check_rim_sequence(RMI_HASH_SHA_512, rim_sha_512);
}

static void check_rem(uint8_t algo, const char *const *expected)
{
	struct rmi_realm_params realm = realm_params(algo);
	uint8_t value[32];
	uint8_t read[REALM_MEASUREMENT_SIZE];

	for (unsigned int i = 0; i < sizeof(value); i++) {
		value[i] = (uint8_t)i;
	}
	memset(&rd, 0, sizeof(rd));
	realm_measure_init(&rd, &realm);
	for (unsigned int index = 1; index <= REM_COUNT; index++) {
		realm_measurement_read(&rd, index, read);
		assert_hash(read, "");
		realm_extend_rem(&rd, index, value, index % 2 == 1 ? sizeof(value) : 0);
		realm_measurement_read(&rd, index, read);
		assert_hash(read, expected[index % 2 == 1 ? 0 : 1]);
	}
}

static void rem_256(void **state)
{
	(void)state;
	check_rem(RMI_HASH_SHA_256, rem_sha_256);
}

static void rem_512(void **state)
{
	(void)state;
	check_rem(RMI_HASH_SHA_512, rem_sha_512);
}

/* All sizes of a value, against the definition: H(old hash, value). */
static void rem_every_size(void **state)
{
	uint8_t value[REALM_MEASUREMENT_SIZE];
	uint8_t expected[REALM_MEASUREMENT_SIZE];
	uint8_t before[REALM_MEASUREMENT_SIZE];

	(void)state;
	memset(value, 0x3C, sizeof(value));
	for (unsigned int algo = RMI_HASH_SHA_256; algo <= RMI_HASH_SHA_512; algo++) {
		struct rmi_realm_params realm = realm_params((uint8_t)algo);

		memset(&rd, 0, sizeof(rd));
		realm_measure_init(&rd, &realm);
		for (size_t size = 0; size <= sizeof(value); size++) {
			struct hash hash;

			realm_measurement_read(&rd, 2, before);
			hash_begin(&hash, (uint8_t)algo);
			hash_add(&hash, before, hash_size((uint8_t)algo));
			hash_add(&hash, value, size);
			hash_end(&hash, expected);
			realm_extend_rem(&rd, 2, value, size);
			assert_memory_equal(rd.measurement[2], expected, sizeof(expected));
		}
		realm_measurement_read(&rd, 1, before);
		assert_hash(before, "");
		realm_measurement_read(&rd, 3, before);
		assert_hash(before, "");
	}
}

static void first_rim(const struct rmi_realm_params *params, uint8_t *rim)
{
	memset(&rd, 0, sizeof(rd));
	realm_measure_init(&rd, params);
	memcpy(rim, rd.measurement[0], REALM_MEASUREMENT_SIZE);
}

#define RIM_CHANGES(change)                                           \
	do {                                                          \
		struct rmi_realm_params params = realm_params(0);     \
		uint8_t without[REALM_MEASUREMENT_SIZE];              \
		uint8_t with[REALM_MEASUREMENT_SIZE];                 \
		first_rim(&params, without);                          \
		change;                                               \
		first_rim(&params, with);                             \
		assert_memory_not_equal(without, with, sizeof(with)); \
	} while (0)

#define RIM_STAYS(change)                                         \
	do {                                                      \
		struct rmi_realm_params params = realm_params(0); \
		uint8_t without[REALM_MEASUREMENT_SIZE];          \
		uint8_t with[REALM_MEASUREMENT_SIZE];             \
		first_rim(&params, without);                      \
		change;                                           \
		first_rim(&params, with);                         \
		assert_memory_equal(without, with, sizeof(with)); \
	} while (0)

static void rim_measures_parameters(void **state)
{
	(void)state;
	RIM_CHANGES(params.flags = RMI_REALM_FLAG_SVE);
	RIM_CHANGES(params.flags = (uint64_t)1 << 63);
	RIM_CHANGES(params.s2sz = 41);
	RIM_CHANGES(params.sve_vl = 1);
	RIM_CHANGES(params.num_bps = 2);
	RIM_CHANGES(params.num_wps = 2);
	RIM_CHANGES(params.pmu_num_ctrs = 1);
	RIM_CHANGES(params.hash_algo = 1);
	RIM_STAYS(params.rpv[0] = 1);
	RIM_STAYS(params.vmid = 1);
	RIM_STAYS(params.rtt_base = 0x40000000);
	RIM_STAYS(params.rtt_level_start = 1);
	RIM_STAYS(params.rtt_num_start = 2);
	RIM_STAYS(memset(params.reserved_009, 0xFF, sizeof(params.reserved_009)));
	RIM_STAYS(memset(params.reserved_81c, 0xFF, sizeof(params.reserved_81c)));
}

/* What a REC is measured by, and what is the host's business. */
static void rim_measures_rec(void **state)
{
	struct rmi_realm_params realm = realm_params(0);
	uint8_t plain[REALM_MEASUREMENT_SIZE];

	(void)state;
	for (unsigned int variant = 0; variant < 7; variant++) {
		struct rmi_rec_params rec = rec_params();
		bool measured = variant > 3;

		rec.mpidr = variant == 1;
		rec.num_aux = variant == 2 ? 4 : 0;
		rec.aux[0] = variant == 3 ? 0x1000 : 0;
		rec.flags |= variant == 4 ? 2 : 0;
		rec.pc += variant == 5 ? 4 : 0;
		rec.gprs[7] += variant == 6;
		memset(&rd, 0, sizeof(rd));
		realm_measure_init(&rd, &realm);
		realm_measure_rec(&rd, &rec);
		if (variant == 0) {
			memcpy(plain, rd.measurement[0], sizeof(plain));
		}
		assert_int_equal(memcmp(plain, rd.measurement[0], sizeof(plain)) != 0, measured);
	}
}

static void measured_content_and_flag_agree(void **state)
{
	uint8_t content[GRANULE_SIZE] = {0};
	struct rmi_realm_params realm = realm_params(0);

	(void)state;
	realm_measure_init(&rd, &realm);
	ASSERT_STOPS("panic measure.c", realm_measure_data(&rd, ipa_of(0), 0, content));
	ASSERT_STOPS("panic measure.c",
		     realm_measure_data(&rd, ipa_of(0), RMI_DATA_FLAG_MEASURE, NULL));
	ASSERT_STOPS("panic measure.c", realm_extend_rem(&rd, 0, content, 1));
	ASSERT_STOPS("panic measure.c", realm_extend_rem(&rd, 5, content, 1));
	ASSERT_STOPS("panic measure.c", realm_extend_rem(&rd, 1, content, 65));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_TEST("RIM vectors with SHA-256", rim_256),
		PLAIN_TEST("RIM vectors with SHA-512", rim_512),
		PLAIN_TEST("REM vectors with SHA-256", rem_256),
		PLAIN_TEST("REM vectors with SHA-512", rem_512),
		PLAIN_TEST("REM with values of every size", rem_every_size),
		PLAIN_TEST("RIM depends on the measured parameters alone", rim_measures_parameters),
		PLAIN_TEST("RIM depends on the measured part of a REC alone", rim_measures_rec),
		SIM_TEST("measuring stops at a wrong use", measured_content_and_flag_agree),
	};

	return unit_run(tests);
}
