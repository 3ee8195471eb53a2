// SPDX-License-Identifier: BSD-3-Clause
/*
 * Claim sets, encodings and headers that a token may not have. Each token is properly signed: only
 * its form is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture.h"

/* --- claim sets --- */

static void refuses_each_missing_mandatory_claim(void **state)
{
	static const size_t realm[] = {REALM_CHALLENGE, REALM_RPV, REALM_KEY, REALM_HASH,
				       REALM_KEY_HASH,  REALM_RIM, REALM_REM};
	static const size_t platform[] = {PLAT_PROFILE, PLAT_CHALLENGE, PLAT_IMPL, PLAT_INSTANCE,
					  PLAT_CONFIG,  PLAT_LIFECYCLE, PLAT_HASH, PLAT_COMPONENTS};

	(void)state;
	for (size_t i = 0; i < sizeof(realm) / sizeof(realm[0]); i++) {
		fresh();
		entry_drop(&maker.realm, realm[i]);
		expect_malformed("realm claims: no ");
	}
	for (size_t i = 0; i < sizeof(platform) / sizeof(platform[0]); i++) {
		fresh();
		entry_drop(&maker.platform, platform[i]);
		expect_malformed("platform claims: no ");
	}
}

static void refuses_each_repeated_claim(void **state)
{
	size_t count;

	(void)state;
	fresh();
	count = maker.realm.count;
	for (size_t i = 0; i < count; i++) {
		fresh();
		entry_add(&maker.realm, &maker.realm.entry[i]);
		expect_malformed("twice");
	}
	fresh();
	count = maker.platform.count;
	for (size_t i = 0; i < count; i++) {
		fresh();
		entry_add(&maker.platform, &maker.platform.entry[i]);
		expect_malformed("twice");
	}
}

static void refuses_sharings_of_another_size(void **state)
{
	static const size_t sizes[] = {1, 32, 63, 65};
	uint8_t value[65] = {0};
	struct blob entry;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		entry.size = 0;
		put_int(&entry, -70002);
		put_bytes(&entry, value, sizes[i]);
		fresh();
		entry_add(&maker.realm, &entry);
		expect_refused(CCA_MALFORMED, "realm sharings");
	}
}

static void strict_refuses_unknown_claims(void **state)
{
	static const int64_t keys[] = {0, 11, -70000, -70003, 44241, INT64_MAX, INT64_MIN};
	struct blob entry;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		entry.size = 0;
		put_int(&entry, keys[i]);
		put_uint(&entry, 1);
		fresh();
		entry_add(&maker.realm, &entry);
		expect_only_strict_refuses("unknown key");
		fresh();
		entry_add(&maker.platform, &entry);
		expect_only_strict_refuses("unknown key");
	}
	entry.size = 0;
	put_text(&entry, "x");
	put_uint(&entry, 1);
	fresh();
	entry_add(&maker.realm, &entry);
	expect_only_strict_refuses("unknown key, which is text");
}

/* Keys of the realm's map that are passed over: whatever is in them must be CBOR, and once. */
static void refuses_unknown_claims_that_are_not_cbor_or_come_twice(void **state)
{
	static const struct {
		const char *text;
		const char *raw;
		size_t size;
	} cases[] = {
		{"data ends here", "\x0b\x82\x81\x00", 4},
		{"beyond the end", "\x0b\x5a\x7f\xff\xff\xff", 6},
		{"more entries than bytes", "\x0b\x9b\xff\xff\xff\xff\xff\xff\xff\xff", 10},
		{"more entries than bytes", "\x0b\xbb\x7f\xff\xff\xff\xff\xff\xff\xff", 10},
		{"indefinite length", "\x0b\x9f\x01\xff", 4},
		{"indefinite length", "\x0b\x7f\x61x\xff", 5},
		{"not CBOR", "\x0b\x1c", 2},
		{"shortest form", "\x0b\xf8\x18", 3},
		{"an unsigned integer expected", "\x41x\x01", 3},
	};
	struct blob entry;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		entry.size = 0;
		put_raw(&entry, cases[i].raw, cases[i].size);
		fresh();
		entry_add(&maker.realm, &entry);
		expect_refused(CCA_MALFORMED, cases[i].text);
	}
	for (int text = 0; text < 2; text++) {
		entry.size = 0;
		text != 0 ? put_text(&entry, "x") : put_uint(&entry, 11);
		put_uint(&entry, 1);
		fresh();
		entry_add(&maker.realm, &entry);
		entry_add(&maker.realm, &entry);
		expect_refused(CCA_MALFORMED, "an unknown key twice");
	}
}

/* Puts `size` bytes where the claim had another number of them. */
static void resize(struct entries *e, size_t index, int64_t key, size_t size)
{
	uint8_t value[128] = {0x01};
	struct blob entry = {0};

	put_int(&entry, key);
	put_bytes(&entry, value, size);
	entry_set(e, index, &entry);
}

static void refuses_wrong_sizes(void **state)
{
	static const struct {
		bool realm;
		size_t index;
		int64_t key;
		size_t sizes[3];
	} cases[] = {
		{true, REALM_CHALLENGE, 10, {0, 63, 65}}, {true, REALM_RPV, 44235, {0, 63, 65}},
		{true, REALM_RIM, 44238, {0, 31, 64}},    {true, REALM_ID, -70001, {0, 7, 9}},
		{false, PLAT_CHALLENGE, 10, {0, 31, 65}}, {false, PLAT_IMPL, 2396, {0, 31, 33}},
		{false, PLAT_INSTANCE, 256, {0, 32, 34}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t j = 0; j < 3; j++) {
			fresh();
			resize(cases[i].realm ? &maker.realm : &maker.platform, cases[i].index,
			       cases[i].key, cases[i].sizes[j]);
			expect_malformed("bytes, ");
		}
	}
}

static struct blob rems(size_t count, size_t size)
{
	uint8_t value[64] = {0};
	struct blob b = {0};

	put_int(&b, 44239);
	put_array(&b, count);
	for (size_t i = 0; i < count; i++) {
		put_bytes(&b, value, size);
	}
	return b;
}

static void refuses_wrong_rems(void **state)
{
	static const struct {
		size_t count;
		size_t size;
	} cases[] = {{0, 32}, {3, 32}, {5, 32}, {4, 31}, {4, 64}, {4, 0}};
	struct blob entry;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fresh();
		entry = rems(cases[i].count, cases[i].size);
		entry_set(&maker.realm, REALM_REM, &entry);
		expect_malformed("realm extensible measurement");
	}
}

static void set_text(struct entries *e, size_t index, int64_t key, const char *text)
{
	struct blob entry = {0};

	put_int(&entry, key);
	put_text(&entry, text);
	entry_set(e, index, &entry);
}

static void refuses_hashes_that_do_not_fit(void **state)
{
	static const char *const realm[] = {"sha-512", "sha-384", "SHA-256", "sha-25", "", "md5"};
	static const char *const any[] = {"sha-1", "SHA-256", "sha-2566", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(realm) / sizeof(realm[0]); i++) {
		fresh();
		set_text(&maker.realm, REALM_HASH, 44236, realm[i]);
		expect_malformed("realm ");
	}
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		fresh();
		set_text(&maker.realm, REALM_KEY_HASH, 44240, any[i]);
		expect_malformed("is not a hash");
		fresh();
		set_text(&maker.platform, PLAT_HASH, 2402, any[i]);
		expect_malformed("is not a hash");
	}
}

/* Whatever else such a token has: the answer is the profile's name. */
static void names_profiles_that_are_not_supported(void **state)
{
	(void)state;
	fresh();
	set_text(&maker.realm, REALM_PROFILE, 265, "tag:arm.com,2024:realm#2.0.0");
	entry_drop(&maker.realm, REALM_CHALLENGE);
	expect_refused(CCA_UNSUPPORTED, "profile tag:arm.com,2024:realm#2.0.0 is not supported");
	fresh();
	set_text(&maker.platform, PLAT_PROFILE, 265, "http://arm.com/CCA-SSD/2.0.0");
	expect_refused(CCA_UNSUPPORTED, "profile http://arm.com/CCA-SSD/2.0.0 is not supported");
	fresh();
	set_text(&maker.realm, REALM_PROFILE, 265, "\x1b[2J");
	expect_malformed("not printable ASCII");
}

static void names_the_realm_key_of_earlier_firmware(void **state)
{
	uint8_t point[97] = {0x04};
	struct blob entry = {0};

	(void)state;
	fresh();
	put_int(&entry, 44237);
	put_bytes(&entry, point, sizeof(point));
	entry_set(&maker.realm, REALM_KEY, &entry);
	expect_refused(CCA_UNSUPPORTED, "form used before RMM 1.0");
}

static void refuses_text_that_could_steer_a_terminal(void **state)
{
	static const char *const texts[] = {"\x1b[2J", "a\nb", "\x7f", "\xc3\xa9"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fresh();
		set_text(&maker.platform, PLAT_SERVICE, 2400, texts[i]);
		expect_malformed("not printable ASCII");
	}
}

static void refuses_wrong_types(void **state)
{
	static const struct {
		bool realm;
		size_t index;
		int64_t key;
	} bytes_claims[] = {
		{true, REALM_CHALLENGE, 10}, {true, REALM_RPV, 44235},
		{true, REALM_KEY, 44237},    {true, REALM_HASH, 44236},
		{true, REALM_PROFILE, 265},  {true, REALM_RIM, 44238},
		{true, REALM_REM, 44239},    {true, REALM_ID, -70001},
		{false, PLAT_CHALLENGE, 10}, {false, PLAT_IMPL, 2396},
		{false, PLAT_CONFIG, 2401},  {false, PLAT_COMPONENTS, 2399},
	};
	struct blob entry;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes_claims) / sizeof(bytes_claims[0]); i++) {
		entry.size = 0;
		put_int(&entry, bytes_claims[i].key);
		put_int(&entry, -1);
		fresh();
		entry_set(bytes_claims[i].realm ? &maker.realm : &maker.platform,
			  bytes_claims[i].index, &entry);
		expect_malformed("found a negative integer");
	}
	set_text(&maker.platform, PLAT_LIFECYCLE, 2395, "secured");
	fresh();
	set_text(&maker.platform, PLAT_LIFECYCLE, 2395, "secured");
	expect_malformed("found a text string");
}

static void refuses_a_zero_realm_id_and_a_wide_lifecycle(void **state)
{
	uint8_t zero[8] = {0};
	struct blob entry = {0};

	(void)state;
	fresh();
	put_int(&entry, -70001);
	put_bytes(&entry, zero, sizeof(zero));
	entry_set(&maker.realm, REALM_ID, &entry);
	expect_malformed("zero");
	fresh();
	entry.size = 0;
	put_int(&entry, 2395);
	put_uint(&entry, 0x10000);
	entry_set(&maker.platform, PLAT_LIFECYCLE, &entry);
	expect_malformed("beyond 16 bits");
}

/* --- encodings --- */

/* Replaces a realm claim's value by raw bytes. */
static void raw_value(size_t index, int64_t key, const char *value, size_t size)
{
	struct blob entry = {0};

	put_int(&entry, key);
	put_raw(&entry, value, size);
	entry_set(&maker.realm, index, &entry);
}

#define RAW(index, key, text) raw_value(index, key, text, sizeof(text) - 1)

static void strict_refuses_what_is_not_in_shortest_form(void **state)
{
	(void)state;
	fresh();
	RAW(REALM_HASH, 44236, "\x78\x07sha-256");
	expect_only_strict_refuses("shortest form");
	fresh();
	RAW(REALM_HASH, 44236, "\x7b\0\0\0\0\0\0\0\x07sha-256");
	expect_only_strict_refuses("shortest form");
}

static void refuses_indefinite_lengths_floats_and_simple_values(void **state)
{
	(void)state;
	fresh();
	RAW(REALM_HASH, 44236, "\x7f\x67sha-256\xff");
	expect_malformed("indefinite length");
	fresh();
	RAW(REALM_REM, 44239, "\x9f\xff");
	expect_malformed("indefinite length");
	fresh();
	RAW(REALM_ID, -70001, "\xfb\0\0\0\0\0\0\0\x01");
	expect_malformed("a simple value or a float");
	fresh();
	RAW(REALM_ID, -70001, "\xf6");
	expect_malformed("a simple value or a float");
	fresh();
	RAW(REALM_ID, -70001, "\xc1\x48\0\0\0\0\0\0\0\x01");
	expect_malformed("found a tag");
}

static void refuses_lengths_beyond_the_end(void **state)
{
	(void)state;
	fresh();
	RAW(REALM_ID, -70001, "\x5b\xff\xff\xff\xff\xff\xff\xff\xff");
	expect_malformed("beyond the end");
	fresh();
	RAW(REALM_ID, -70001, "\x5a\x7f\xff\xff\xff");
	expect_malformed("beyond the end");
	fresh();
	RAW(REALM_REM, 44239, "\x9b\xff\xff\xff\xff\xff\xff\xff\xff");
	expect_malformed("more entries than bytes");
}

/* Depth is fixed by the grammar: the first level too many is refused, whatever follows. */
static void refuses_deep_nesting(void **state)
{
	static uint8_t deep[CCA_TOKEN_MAX_SIZE];
	static const uint8_t starts[] = {0x81, 0x9f, 0xa1, 0xbf, 0xc0, 0xd8, 0x5f};
	struct cca_key key;

	(void)state;
	fresh();
	key = platform_key();
	for (size_t i = 0; i < sizeof(starts); i++) {
		memset(deep, starts[i], sizeof(deep));
		assert_int_equal(accept_bytes(deep, sizeof(deep), &key), CCA_MALFORMED);
		memcpy(deep, "\xd9\x01\x8f", 3);
		assert_int_equal(accept_bytes(deep, sizeof(deep), &key), CCA_MALFORMED);
	}
	RAW(REALM_REM, 44239, "\x84\x81\x81\x81\x81\x81\x81\x81\x81");
	expect_malformed("found an array");
}

static void refuses_more_than_the_largest_token(void **state)
{
	static uint8_t big[CCA_TOKEN_MAX_SIZE + 1];
	struct cca_key key;

	(void)state;
	fresh();
	build();
	key = platform_key();
	memcpy(big, made.data, made.size);
	assert_int_equal(accept_bytes(big, sizeof(big), &key), CCA_MALFORMED);
	assert_non_null(strstr(err.text, "longer than"));
}

static void refuses_trailing_bytes(void **state)
{
	struct cca_key key;

	(void)state;
	fresh();
	build();
	key = platform_key();
	made.data[made.size] = 0;
	assert_int_equal(accept_bytes(made.data, made.size + 1, &key), CCA_MALFORMED);
	assert_non_null(strstr(err.text, "1 bytes too many"));
}

static void set_component_count(size_t count)
{
	uint8_t hash[32] = {0};
	struct blob b = {0};

	put_int(&b, 2399);
	put_array(&b, count);
	for (size_t i = 0; i < count && i < 2; i++) {
		put_map(&b, 2);
		put_int(&b, 2);
		put_bytes(&b, hash, sizeof(hash));
		put_int(&b, 5);
		put_bytes(&b, hash, sizeof(hash));
	}
	entry_set(&maker.platform, PLAT_COMPONENTS, &b);
}

static void bounds_software_components(void **state)
{
	(void)state;
	fresh();
	set_component_count(2);
	build();
	assert_int_equal(accept(), CCA_OK);
	set_component_count(0);
	expect_malformed("0 entries");
	set_component_count(CCA_COMPONENTS_MAX + 1);
	expect_malformed("33 entries");
}

/* --- headers --- */

static void refuses_other_protected_headers(void **state)
{
	static const int64_t algs[] = {0, -8, -37, -257, 5};

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		fresh();
		maker.realm_protected.size = 0;
		put_map(&maker.realm_protected, 1);
		put_int(&maker.realm_protected, 1);
		put_int(&maker.realm_protected, algs[i]);
		expect_malformed("signature algorithm");
	}
	fresh();
	maker.realm_protected.size = 0;
	expect_malformed("protected header: the data ends");
	fresh();
	maker.realm_protected.data[0] = 0xa2;
	put_int(&maker.realm_protected, 3);
	put_uint(&maker.realm_protected, 60);
	expect_only_strict_refuses("protected header: unknown key 3");
	fresh();
	maker.realm_protected.data[0] = 0xa2;
	put_raw(&maker.realm_protected, "\x02\x81\x0b", 3);
	expect_malformed("critical parameters");
}

/* ES384 in the header over a P-256 key, and the other way round. */
static void refuses_an_algorithm_that_does_not_fit_the_key(void **state)
{
	(void)state;
	fresh();
	maker.realm_alg = CCA_SIGN_ES256;
	assert_true(maker_bind(&maker, CCA_HASH_SHA256));
	expect_malformed("signature: 64 bytes, must be 96");
	maker.realm_protected.size = 0;
	put_map(&maker.realm_protected, 1);
	put_int(&maker.realm_protected, 1);
	put_int(&maker.realm_protected, CCA_SIGN_ES256);
	build();
	assert_int_equal(accept(), CCA_OK);
}

static void refuses_other_unprotected_headers(void **state)
{
	(void)state;
	fresh();
	maker.realm_unprotected.size = 0;
	put_map(&maker.realm_unprotected, 1);
	put_int(&maker.realm_unprotected, 1);
	put_int(&maker.realm_unprotected, -35);
	expect_malformed("unprotected header: unknown key 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_each_missing_mandatory_claim),
		cmocka_unit_test(refuses_each_repeated_claim),
		cmocka_unit_test(strict_refuses_unknown_claims),
		cmocka_unit_test(refuses_sharings_of_another_size),
		cmocka_unit_test(refuses_unknown_claims_that_are_not_cbor_or_come_twice),
		cmocka_unit_test(refuses_wrong_sizes),
		cmocka_unit_test(refuses_wrong_rems),
		cmocka_unit_test(refuses_hashes_that_do_not_fit),
		cmocka_unit_test(names_profiles_that_are_not_supported),
		cmocka_unit_test(names_the_realm_key_of_earlier_firmware),
		cmocka_unit_test(refuses_text_that_could_steer_a_terminal),
		cmocka_unit_test(refuses_wrong_types),
		cmocka_unit_test(refuses_a_zero_realm_id_and_a_wide_lifecycle),
		cmocka_unit_test(strict_refuses_what_is_not_in_shortest_form),
		cmocka_unit_test(refuses_indefinite_lengths_floats_and_simple_values),
		cmocka_unit_test(refuses_lengths_beyond_the_end),
		cmocka_unit_test(refuses_deep_nesting),
		cmocka_unit_test(refuses_more_than_the_largest_token),
		cmocka_unit_test(refuses_trailing_bytes),
		cmocka_unit_test(bounds_software_components),
		cmocka_unit_test(refuses_other_protected_headers),
		cmocka_unit_test(refuses_an_algorithm_that_does_not_fit_the_key),
		cmocka_unit_test(refuses_other_unprotected_headers),
	};

	return cmocka_run_group_tests_name("malformed", tests, NULL, NULL);
}
