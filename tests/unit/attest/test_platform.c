// SPDX-License-Identifier: BSD-3-Clause
/* Boot: key and platform token from EL3, and an EL3 that has none, or none that is right. */
#include "arch/el3.h"
#include "attest/token_check.h"

/* The sample key of TF-A's QEMU platform, and the hash of its public half as a COSE_Key. */
static const uint8_t sample_key[] = {
	0x20, 0x11, 0xc7, 0xf0, 0x3c, 0xee, 0x43, 0x25, 0x17, 0x6e, 0x52, 0x4f,
	0x03, 0x3c, 0x0c, 0xe1, 0xe2, 0x1a, 0x76, 0xe6, 0xc1, 0xa4, 0xf0, 0xb8,
	0x39, 0xaa, 0x1d, 0xf6, 0x1e, 0x0e, 0x8a, 0x5c, 0x8a, 0x05, 0x74, 0x0f,
	0x9b, 0x69, 0xef, 0xa7, 0xeb, 0x1a, 0x41, 0x85, 0xbd, 0x11, 0x7f, 0x68,
};
static const uint8_t sample_challenge[] = {
	0x0d, 0x22, 0xe0, 0x8a, 0x98, 0x46, 0x90, 0x58, 0x48, 0x63, 0x18,
	0x28, 0x34, 0x89, 0xbd, 0xb3, 0x6f, 0x09, 0xdb, 0xef, 0xeb, 0x18,
	0x64, 0xdf, 0x43, 0x3f, 0xa6, 0xe5, 0x4e, 0xa2, 0xd7, 0x11,
};

static struct rec_pages rec;

static bool can_begin(void)
{
	struct sample sample;
	size_t size;

	pages_prepare(&rec);
	sample_fill(&sample, RMI_HASH_SHA_256, 1);
	return attest_begin(rec.list, &sample.claims, &size);
}

/* Boots after `change`: always with success, because realms can do without tokens. */
#define BOOT_WITH(change)                                       \
	do {                                                    \
		sim_power_on();                                 \
		change;                                         \
		assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS); \
		assert_true(sim_is_zero(SIM_SHARED_PAGE));      \
	} while (0)

#define NO_TOKENS_AFTER(change)                                       \
	do {                                                          \
		BOOT_WITH(change);                                    \
		assert_false(attest_platform()->ready);               \
		assert_false(can_begin());                            \
		pages_assert_zero(&rec);                              \
		assert_int_equal(attest_step(rec.list), ATTEST_NONE); \
	} while (0)

static void sample_of_tf_a(void **state)
{
	(void)state;
	BOOT_WITH(memcpy(machine_el3.key, sample_key, sizeof(sample_key)));
	assert_true(attest_platform()->ready);
	assert_memory_equal(attest_platform()->public_key, "\xa4\x01\x02\x20\x02\x21\x58\x30", 8);
	assert_memory_equal(attest_platform()->token, sample_challenge, sizeof(sample_challenge));
}

static void token_in_hunks(void **state)
{
	static uint8_t token[TOKEN_MAX];
	static const size_t hunks[] = {1, 100, 759, 1517, 1518, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(hunks); i++) {
		struct sample sample;
		size_t size;

		BOOT_WITH(machine_el3.hunk_size = hunks[i]);
		pages_prepare(&rec);
		sample_fill(&sample, RMI_HASH_SHA_256, (uint8_t)i);
		assert_true(attest_begin(rec.list, &sample.claims, &size));
		run_to_ready(&rec);
		check_token(token, read_token(&rec, token, TOKEN_MAX), &sample);
	}
}

static void token_of_any_size(void **state)
{
	static uint8_t token[TOKEN_MAX];
	static const size_t sizes[] = {256, 4095, 4096};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(sizes); i++) {
		struct sample sample;
		size_t size;

		BOOT_WITH(machine_el3.token_size = sizes[i]);
		pages_prepare(&rec);
		sample_fill(&sample, RMI_HASH_SHA_512, (uint8_t)i);
		assert_true(attest_begin(rec.list, &sample.claims, &size));
		run_to_ready(&rec);
		check_token(token, read_token(&rec, token, 1000), &sample);
	}
	NO_TOKENS_AFTER(machine_el3.token_size = 4097);
	NO_TOKENS_AFTER(machine_el3.token_size = 100000);
	NO_TOKENS_AFTER(machine_el3.token_size = 0);
}

static void busy(void **state)
{
	(void)state;
	BOOT_WITH(machine_el3.busy_calls = 1000);
	assert_true(can_begin());
	NO_TOKENS_AFTER(machine_el3.busy_calls = UINT32_MAX);
}

static void bad_keys(void **state)
{
	(void)state;
	NO_TOKENS_AFTER(memset(machine_el3.key, 0, 48));
	NO_TOKENS_AFTER(memset(machine_el3.key, 0xFF, 48));
	NO_TOKENS_AFTER(machine_el3.key_size = 47);
	NO_TOKENS_AFTER(machine_el3.key_size = 0);
	NO_TOKENS_AFTER(machine_el3.key_size = 4097);
}

static uint64_t refused_fid;

static bool refuse(uint64_t fid, uint64_t x1, struct arch_el3_result *result)
{
	(void)x1;
	result->status = EL3_UNKNOWN;
	return fid == refused_fid;
}

static void refused(void **state)
{
	(void)state;
	refused_fid = EL3_ATTEST_GET_REALM_KEY_FID;
	NO_TOKENS_AFTER(machine_on_el3 = refuse);
	refused_fid = EL3_ATTEST_GET_PLAT_TOKEN_FID;
	NO_TOKENS_AFTER(machine_on_el3 = refuse);
}

static void no_entropy(void **state)
{
	(void)state;
	NO_TOKENS_AFTER(machine_random_empty = true);
}

/* Key and generators fit their memory with room to spare, whatever came before. */
static void boots_again_and_again(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		BOOT_WITH(machine_el3.token_size = i % 3 == 0 ? 0 : 1518);
		assert_int_equal(can_begin(), i % 3 != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("attestation boot: the sample of TF-A", sample_of_tf_a),
		SIM_TEST("attestation boot: platform token in hunks", token_in_hunks),
		SIM_TEST("attestation boot: platform token of any size", token_of_any_size),
		SIM_TEST("attestation boot: EL3 is busy", busy),
		SIM_TEST("attestation boot: bad keys", bad_keys),
		SIM_TEST("attestation boot: EL3 refuses", refused),
		SIM_TEST("attestation boot: no entropy", no_entropy),
		SIM_TEST("attestation boot: again and again", boots_again_and_again),
	};

	return unit_run(tests);
}
