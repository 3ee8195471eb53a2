// SPDX-License-Identifier: BSD-3-Clause
/* RSI_MEASUREMENT_READ and RSI_MEASUREMENT_EXTEND, and the RIM that commands of the host make. */
#include <stdio.h>

#include "rec_unit.h"

#define VALUE_1_TO_8 1, 2, 3, 4, 5, 6, 7, 8

static struct sim_realm realm;

static void one_realm(uint8_t hash_algo)
{
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.hash_algo = hash_algo;
	sim_realm_create(&realm);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(&realm);
}

/* x1..x8 as the realm finds them. */
static const uint8_t *value_read(void)
{
	return (const uint8_t *)&sim_saw(1)->vcpu.gprs[1];
}

/* A hash of 32 bytes fills half of the value: the rest is zero in every slot, extended or not. */
static void read_upper_half(void **state)
{
	uint64_t other[8];

	(void)state;
	memset(other, 0xA5, sizeof(other));
	one_realm(RMI_HASH_SHA_256);
	for (unsigned int times = 0; times < 2; times++) {
		for (uint64_t index = 0; index < 5; index++) {
			REALM_CALLS(&realm, RSI_MEASUREMENT_READ_FID, index, VALUE_1_TO_8);
			assert_int_equal(sim_saw(1)->vcpu.gprs[0], RSI_SUCCESS);
			for (unsigned int i = 32; i < 64; i++) {
				assert_int_equal(value_read()[i], 0);
			}
			if (index != 0) {
				REALM_CALLS(&realm, RSI_MEASUREMENT_EXTEND_FID, index, 64, other[0],
					    other[1], other[2], other[3], other[4], other[5],
					    other[6], other[7]);
				ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
			}
		}
	}
}

static void read_index_bound(void **state)
{
	static const uint64_t indices[] = {5, 6, 64, 255, UINT64_C(1) << 32, ~UINT64_C(0)};

	(void)state;
	one_realm(RMI_HASH_SHA_256);
	for (size_t i = 0; i < ARRAY_LENGTH(indices); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, index_bound, RSI_MEASUREMENT_READ_FID,
				     indices[i], VALUE_1_TO_8);
		/* No result left over, and nothing of the arguments. */
		for (unsigned int j = 1; j <= 8; j++) {
			assert_int_equal(sim_saw(1)->vcpu.gprs[j], 0);
		}
	}
}

static void read_every_slot(void **state)
{
	(void)state;
	one_realm(RMI_HASH_SHA_512);
	for (uint64_t index = 0; index < 5; index++) {
		for (unsigned int i = 0; i < 64; i++) {
			sim_rd(&realm)->measurement[index][i] = (uint8_t)(64 * index + i);
		}
	}
	for (uint64_t index = 0; index < 5; index++) {
		REALM_CALLS(&realm, RSI_MEASUREMENT_READ_FID, index, VALUE_1_TO_8, 9);
		assert_int_equal(sim_saw(1)->vcpu.gprs[0], RSI_SUCCESS);
		assert_memory_equal(value_read(), sim_rd(&realm)->measurement[index], 64);
		/* x9 and x10 are no results. */
		assert_int_equal(sim_saw(1)->vcpu.gprs[9], 8);
		assert_int_equal(sim_saw(1)->vcpu.gprs[10], 9);
	}
}

static void extend_index_bound(void **state)
{
	static const uint64_t indices[] = {0, 5, 6, 255, UINT64_C(1) << 32 | 1, ~UINT64_C(0)};
	uint8_t before[5][64];

	(void)state;
	one_realm(RMI_HASH_SHA_256);
	memcpy(before, sim_rd(&realm)->measurement, sizeof(before));
	for (size_t i = 0; i < ARRAY_LENGTH(indices); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, index_bound,
				     RSI_MEASUREMENT_EXTEND_FID, indices[i], 64, VALUE_1_TO_8);
	}
	assert_memory_equal(before, sim_rd(&realm)->measurement, sizeof(before));
}

static void extend_size_bound(void **state)
{
	static const uint64_t sizes[] = {65, 128, 4096, UINT64_C(1) << 32 | 1, ~UINT64_C(0)};
	uint8_t before[5][64];

	(void)state;
	one_realm(RMI_HASH_SHA_256);
	memcpy(before, sim_rd(&realm)->measurement, sizeof(before));
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		ASSERT_REALM_REFUSED(&realm, RSI_ERROR_INPUT, size_bound,
				     RSI_MEASUREMENT_EXTEND_FID, 1, sizes[i], VALUE_1_TO_8);
	}
	assert_memory_equal(before, sim_rd(&realm)->measurement, sizeof(before));
}

static void assert_hex(const uint8_t *bytes, const char *hex)
{
	char text[129] = {0};

	for (size_t i = 0; i < strlen(hex) / 2; i++) {
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	}
	assert_string_equal(text, hex);
}

/* 32 bytes 0, 1, 2... into one REM, nothing into another: the vectors of the measurement rules. */
static void extend_vectors(void **state)
{
	(void)state;
	one_realm(RMI_HASH_SHA_256);
	REALM_CALLS(&realm, RSI_MEASUREMENT_EXTEND_FID, 1, 32, UINT64_C(0x0706050403020100),
		    UINT64_C(0x0F0E0D0C0B0A0908), UINT64_C(0x1716151413121110),
		    UINT64_C(0x1F1E1D1C1B1A1918), 5, 6, 7, 8);
	ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);
	REALM_CALLS(&realm, RSI_MEASUREMENT_EXTEND_FID, 4, 0, VALUE_1_TO_8);
	ASSERT_RESULTS(RSI_SUCCESS, 0, 0, 0);

	REALM_CALLS(&realm, RSI_MEASUREMENT_READ_FID, 1);
	assert_hex(value_read(),
		   "bb2275c49f28ad52cae6d55e34a974a58c7a3ba26f976e8ecbbe7a536918dc73"
		   "0000000000000000000000000000000000000000000000000000000000000000");
	REALM_CALLS(&realm, RSI_MEASUREMENT_READ_FID, 4);
	assert_hex(value_read(),
		   "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
		   "0000000000000000000000000000000000000000000000000000000000000000");
	REALM_CALLS(&realm, RSI_MEASUREMENT_READ_FID, 2);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(value_read()[i], 0);
	}
}

static void assert_rim(const char *hex)
{
	assert_hex(sim_rd(&realm)->measurement[0], hex);
}

/* The sequence of the measurement rules, by commands: creation, two pages, RIPAS, a REC. */
static void rim_of_commands(void **state)
{
	struct rmi_rec_params rec = {.flags = RMI_REC_FLAG_RUNNABLE, .pc = 0x1000};
	uint8_t content[GRANULE_SIZE];
	uint64_t src;
	uint64_t page;

	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	assert_rim("045cb3602843a6845cb710fbbfbb92f0c7d611afe0106ac2953e46950a70c42b");

	sim_realm_tables(&realm, 0, 3);
	src = sim_realm_page(&realm);
	memset(content, 0xA5, sizeof(content));
	sim_put(src, content, sizeof(content));
	page = sim_realm_delegated(&realm);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE, realm.rd, page, 0, src, RMI_DATA_FLAG_MEASURE));
	assert_rim("fe51fb9503446b57c081fae7081c638c6fc0196ec3a75f568cbb05d54f6ceb27");
	page = sim_realm_delegated(&realm);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE, realm.rd, page, 0x1000, src, 0));
	assert_rim("0bddb31a1907821b4ee1b2b5e75312d87c00998a41ded18a45f9139f5987e0aa");

	/* Refused commands are not measured. */
	ASSERT_REFUSED(RMI(RMI_DATA_CREATE, realm.rd, page, 0x1000, src, 0), RMI_ERROR_INPUT,
		       data_state);
	ASSERT_REFUSED(RMI(RMI_RTT_INIT_RIPAS, realm.rd, 0x200000, 0x200000), RMI_ERROR_INPUT,
		       size_valid);

	ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm.rd, 0x200000, 0x400000));
	assert_rim("a599041ad64b4596e6335378a8e421c04e8be4f1ac284b151e375ebed2b78391");

	rec.num_aux = RMI(RMI_REC_AUX_COUNT, realm.rd).x[1];
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		rec.gprs[i] = i;
	}
	for (unsigned int i = 0; i < rec.num_aux; i++) {
		rec.aux[i] = sim_realm_delegated(&realm);
	}
	sim_put(src, &rec, sizeof(rec));
	ASSERT_RMI_OK(RMI(RMI_REC_CREATE, realm.rd, sim_realm_delegated(&realm), src));
	assert_rim("6d89f0deb00f6315f8afd1ea1570a6cc7b2c9abb8df0d39076d5b0da7538c247");

	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, realm.rd));
	assert_rim("6d89f0deb00f6315f8afd1ea1570a6cc7b2c9abb8df0d39076d5b0da7538c247");
}

/* A REC that does not run at first, unmeasured contents' bytes, and pages unknown: no trace. */
static void rim_without_a_trace(void **state)
{
	uint8_t before[64];

	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_realm_tables(&realm, 0, 3);
	memcpy(before, sim_rd(&realm)->measurement[0], sizeof(before));
	sim_rec_new(&realm, 0, SIM_PC);
	sim_realm_data(&realm, 0x3000);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, realm.rd, 0x3000));
	assert_memory_equal(before, sim_rd(&realm)->measurement[0], sizeof(before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RSI_MEASUREMENT_READ index_bound", read_index_bound),
		SIM_TEST("RSI_MEASUREMENT_READ of every slot", read_every_slot),
		SIM_TEST("RSI_MEASUREMENT_READ with SHA-256: the upper half is zero",
			 read_upper_half),
		SIM_TEST("RSI_MEASUREMENT_EXTEND index_bound", extend_index_bound),
		SIM_TEST("RSI_MEASUREMENT_EXTEND size_bound", extend_size_bound),
		SIM_TEST("RSI_MEASUREMENT_EXTEND vectors", extend_vectors),
		SIM_TEST("RIM of a sequence of commands", rim_of_commands),
		SIM_TEST("RIM: what leaves no trace", rim_without_a_trace),
	};

	return unit_run(tests);
}
