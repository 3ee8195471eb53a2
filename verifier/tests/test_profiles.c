// SPDX-License-Identifier: BSD-3-Clause
/* Profiles by name, each with its own rules, and halves of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fixture.h"

/* Positions of what maker_profile() appends for the profiles of specification 2.0. */
#define REALM_MEC      9
#define REALM_INSTANCE 10

static void fresh_profile(enum cca_profile profile)
{
	fresh();
	assert_true(maker_profile(&maker, profile));
}

static void set_text(struct entries *e, size_t index, int64_t key, const char *text)
{
	struct blob b = {0};

	put_int(&b, key);
	put_text(&b, text);
	entry_set(e, index, &b);
}

static void add_raw(struct entries *e, int64_t key, const char *value, size_t size)
{
	struct blob b = {0};

	put_int(&b, key);
	put_raw(&b, value, size);
	entry_add(e, &b);
}

#define ADD(entries, key, text) add_raw(&(entries), key, text, sizeof(text) - 1)

static void accepts_each_profile_by_its_name(void **state)
{
	(void)state;
	for (int p = CCA_PROFILE_PRE_1_0; p <= CCA_PROFILE_2026; p++) {
		fresh_profile((enum cca_profile)p);
		build();
		assert_int_equal(accept(), CCA_OK);
		assert_int_equal(token.profile, p);
		assert_int_equal(cca_profile_from_name(cca_profile_name(token.profile)), p);
		maker.cmw = true;
		build();
		assert_int_equal(accept(), CCA_OK);
	}
}

static void strict_accepts_profile_1_0_alone(void **state)
{
	(void)state;
	parse_flags = CCA_STRICT;
	for (int p = CCA_PROFILE_2024; p <= CCA_PROFILE_2026; p++) {
		fresh_profile((enum cca_profile)p);
		expect_refused(CCA_UNSUPPORTED, "is not that of RMM 1.0");
	}
	fresh_profile(CCA_PROFILE_PRE_1_0);
	expect_refused(CCA_UNSUPPORTED, "profile pre-1.0 is not that of RMM 1.0");
	fresh_profile(CCA_PROFILE_1_0);
	build();
	assert_int_equal(accept(), CCA_OK);
	parse_flags = 0;
}

static void a_realm_profile_must_belong_to_the_platforms(void **state)
{
	(void)state;
	fresh_profile(CCA_PROFILE_2024);
	set_text(&maker.realm, REALM_PROFILE, 265, "tag:arm.com,2026:realm#2.0.0");
	expect_refused(CCA_UNSUPPORTED, "is not supported behind a platform token of profile 2024");
	fresh_profile(CCA_PROFILE_2026);
	set_text(&maker.platform, PLAT_PROFILE, 265,
		 "tag:arm.com,2026:cca_platform#2.0.0;delegated");
	build();
	assert_int_equal(accept(), CCA_OK);
	set_text(&maker.platform, PLAT_PROFILE, 265, "tag:arm.com,2026:cca_platform#2.0.0;direct");
	expect_refused(CCA_UNSUPPORTED, ";direct is not supported");
}

static void each_profile_demands_its_claims(void **state)
{
	(void)state;
	for (int p = CCA_PROFILE_2024; p <= CCA_PROFILE_2026; p++) {
		fresh_profile((enum cca_profile)p);
		entry_drop(&maker.realm, REALM_MEC);
		expect_refused(CCA_MALFORMED, "no realm MEC policy");
	}
	fresh_profile(CCA_PROFILE_2024);
	entry_drop(&maker.realm, REALM_INSTANCE);
	build();
	assert_int_equal(accept(), CCA_OK);
	fresh_profile(CCA_PROFILE_2026);
	entry_drop(&maker.realm, REALM_INSTANCE);
	expect_refused(CCA_MALFORMED, "no realm instance id");
	fresh_profile(CCA_PROFILE_2026);
	entry_drop(&maker.platform, PLAT_CHALLENGE);
	expect_refused(CCA_MALFORMED, "no platform workload binding");
	fresh_profile(CCA_PROFILE_2024);
	entry_drop(&maker.platform, PLAT_CHALLENGE);
	expect_refused(CCA_MALFORMED, "no platform challenge");
}

/* The claim that binds is that of the profile; the other one does not take its place. */
static void the_binding_is_in_the_claim_of_the_profile(void **state)
{
	struct blob entry;

	(void)state;
	fresh_profile(CCA_PROFILE_2026);
	entry = maker.platform.entry[PLAT_CHALLENGE];
	fresh_profile(CCA_PROFILE_2024);
	maker.platform.entry[PLAT_CHALLENGE].data[10] ^= 1;
	entry_add(&maker.platform, &entry);
	expect_refused(CCA_SIGNATURE, "binding: the platform challenge");
	fresh_profile(CCA_PROFILE_2026);
	maker.platform.entry[PLAT_CHALLENGE].data[10] ^= 1;
	expect_refused(CCA_SIGNATURE, "binding: the platform's workload binding");
}

static void only_profile_1_0_has_no_sha384_realms(void **state)
{
	(void)state;
	for (int p = CCA_PROFILE_PRE_1_0; p <= CCA_PROFILE_2026; p++) {
		assert_true(maker_init(&maker, CCA_HASH_SHA384, CCA_SIGN_ES384));
		assert_true(maker_profile(&maker, (enum cca_profile)p));
		if (p == CCA_PROFILE_1_0) {
			expect_refused(CCA_MALFORMED, "is not a hash for this place");
		} else {
			build();
			assert_int_equal(accept(), CCA_OK);
		}
	}
}

static void the_form_of_the_realm_key_is_that_of_the_profile(void **state)
{
	struct blob raw;

	(void)state;
	fresh_profile(CCA_PROFILE_PRE_1_0);
	raw = maker.realm.entry[REALM_KEY];
	maker.profile = CCA_PROFILE_1_0;
	assert_true(maker_bind(&maker, CCA_HASH_SHA256));
	expect_refused(CCA_MALFORMED, "must be a raw point");
	for (int p = CCA_PROFILE_1_0; p <= CCA_PROFILE_2026; p++) {
		fresh_profile((enum cca_profile)p);
		entry_set(&maker.realm, REALM_KEY, &raw);
		expect_refused(CCA_UNSUPPORTED, "in the form used before RMM 1.0");
	}
}

static void reads_the_claims_of_specification_2_0(void **state)
{
	(void)state;
	fresh_profile(CCA_PROFILE_2024);
	ADD(maker.realm, 44244, "\x01");
	ADD(maker.realm, 44257,
	    "\x58\x20"
	    "0123456789abcdef0123456789abcdef");
	ADD(maker.platform, 2394, "\x20");
	ADD(maker.platform, 2403, "\x42\xab\xcd");
	build();
	assert_int_equal(accept(), CCA_OK);
	assert_int_equal(token.unknown_count, 0);
	assert_true(token.realm.has_lfa_policy && token.realm.lfa_policy == 1);
	assert_int_equal(token.realm.devices_hash.size, 32);
	assert_int_equal(token.realm.instance_id.size, CCA_INSTANCE_SIZE);
	assert_true(token.platform.has_client_id && token.platform.client_id == -1);
	assert_int_equal(token.platform.manufacturing.size, 2);
}

static void refuses_wrong_claims_of_specification_2_0(void **state)
{
	(void)state;
	fresh_profile(CCA_PROFILE_2024);
	ADD(maker.realm, 44244, "\x02");
	expect_refused(CCA_MALFORMED, "realm LFA policy: must be 0 or 1");
	fresh_profile(CCA_PROFILE_2024);
	ADD(maker.realm, 44257, "\x41\x00");
	expect_refused(CCA_MALFORMED, "1 bytes, must be 32, 48 or 64");
	fresh_profile(CCA_PROFILE_2024);
	maker.realm.entry[REALM_INSTANCE].data[5] = 0x02;
	expect_refused(CCA_MALFORMED, "realm instance id: type 0x2, must be 0x1");
	fresh_profile(CCA_PROFILE_2024);
	maker.realm.entry[REALM_INSTANCE].data[6] ^= 1;
	expect_refused(CCA_MALFORMED, "realm id: is not the beginning of the realm instance id");
}

/* --- components --- */

static void set_component(const char *entries, size_t size)
{
	struct blob b = {0};

	put_int(&b, 2399);
	put_array(&b, 1);
	put_raw(&b, entries, size);
	entry_set(&maker.platform, PLAT_COMPONENTS, &b);
}

#define HASH32     \
	"\x58\x20" \
	"0123456789abcdef0123456789abcdef"
#define COMPONENT(text) set_component(text, sizeof(text) - 1)

static void reads_what_2_0_says_of_components(void **state)
{
	(void)state;
	fresh_profile(CCA_PROFILE_2024);
	COMPONENT("\xa4\x02" HASH32 "\x05" HASH32 "\x07\xf5\x08\x82" HASH32 HASH32);
	build();
	assert_int_equal(accept(), CCA_OK);
	assert_true(token.platform.component[0].has_live_activation);
	assert_true(token.platform.component[0].live_activation);
	COMPONENT("\xa3\x02" HASH32 "\x05" HASH32 "\x07\x01");
	expect_refused(CCA_MALFORMED, "component live activation: a simple value");
	COMPONENT("\xa3\x02" HASH32 "\x05" HASH32 "\x07\xf9\x00\x15");
	expect_refused(CCA_MALFORMED, "must be true or false");
	COMPONENT("\xa3\x02" HASH32 "\x05" HASH32 "\x08\x80");
	expect_refused(CCA_MALFORMED, "countersigners: the list is empty");
	COMPONENT("\xa3\x02" HASH32 "\x05" HASH32 "\x08\x81\x41\x00");
	expect_refused(CCA_MALFORMED, "countersigners: 1 bytes");
}

/* --- halves --- */

static void reads_one_half_where_asked_to(void **state)
{
	static const unsigned int flag[] = {
		[MAKER_PLATFORM] = CCA_PLATFORM_ONLY, [MAKER_REALM] = CCA_REALM_ONLY};
	struct cca_key realm_key;
	struct cca_key key;

	(void)state;
	for (int p = CCA_PROFILE_PRE_1_0; p <= CCA_PROFILE_2026; p++) {
		for (int half = MAKER_PLATFORM; half <= MAKER_REALM; half++) {
			for (int form = 0; form < 4; form++) {
				fresh_profile((enum cca_profile)p);
				assert_true(
					maker_key(maker.realm_alg, maker.realm_secret, &realm_key));
				key = half == MAKER_REALM ? realm_key : platform_key();
				maker.half = form == 3 ? MAKER_WHOLE : (enum maker_half)half;
				maker.bare = form == 0;
				maker.cmw = form == 1;
				build();
				parse_flags = flag[half];
				assert_int_equal(accept_bytes(made.data, made.size, &key), CCA_OK);
				assert_int_equal(token.has_platform, half == MAKER_PLATFORM);
				assert_int_equal(token.has_realm, half == MAKER_REALM);
				assert_int_equal(token.profile, p);
				parse_flags = 0;
			}
		}
	}
}

static void half_a_token_is_no_token_without_asking(void **state)
{
	(void)state;
	fresh();
	maker.half = MAKER_PLATFORM;
	expect_malformed("CCA token: no realm token");
	maker.half = MAKER_REALM;
	expect_malformed("CCA token: no platform token");
	maker.bare = true;
	expect_malformed("tag 18, must be 399");
	parse_flags = CCA_PLATFORM_ONLY;
	maker.bare = false;
	expect_refused(CCA_MALFORMED, "CCA token: no platform token");
	parse_flags = 0;
}

/* The key's form tells pre-1.0 and 1.0 apart; what 1.0 does not have is refused all the same. */
static void a_realm_half_without_a_profile_is_pre_1_0_or_1_0(void **state)
{
	struct cca_key key;

	(void)state;
	parse_flags = CCA_REALM_ONLY;
	for (int hash = CCA_HASH_SHA256; hash <= CCA_HASH_SHA512; hash++) {
		assert_true(maker_init(&maker, (enum cca_hash)hash, CCA_SIGN_ES384));
		assert_true(maker_key(maker.realm_alg, maker.realm_secret, &key));
		entry_drop(&maker.realm, REALM_PROFILE);
		maker.half = MAKER_REALM;
		build();
		assert_int_equal(accept_bytes(made.data, made.size, &key),
				 hash == CCA_HASH_SHA384 ? CCA_MALFORMED : CCA_OK);
		assert_int_equal(token.profile,
				 hash == CCA_HASH_SHA384 ? CCA_PROFILE_NONE : CCA_PROFILE_1_0);
	}
	parse_flags = 0;
}

/* Anybody can sign a realm token with a key of his own; the anchor must be that key. */
static void a_realm_half_needs_its_key_as_an_anchor(void **state)
{
	struct cca_key other;

	(void)state;
	fresh();
	other = platform_key();
	maker.half = MAKER_REALM;
	build();
	parse_flags = CCA_REALM_ONLY;
	assert_int_equal(accept_bytes(made.data, made.size, &other), CCA_SIGNATURE);
	assert_string_equal(err.text, "realm token: its key is none of the trust anchors");
	maker.wrong_realm_signature = true;
	build();
	assert_true(maker_key(maker.realm_alg, maker.realm_secret, &other));
	assert_int_equal(accept_bytes(made.data, made.size, &other), CCA_SIGNATURE);
	parse_flags = 0;
}

static void compares_the_challenge_of_the_half_that_is_there(void **state)
{
	uint8_t binding[32];

	(void)state;
	fresh();
	memcpy(binding, maker.platform.entry[PLAT_CHALLENGE].data + 3, sizeof(binding));
	build();
	assert_int_equal(cca_token_parse(made.data, made.size, CCA_PLATFORM_ONLY, &token, &err),
			 CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, binding, sizeof(binding), &err), CCA_OK);
	assert_int_equal(cca_token_check_challenge(&token, binding, 31, &err), CCA_MISMATCH);
	binding[0] ^= 1;
	assert_int_equal(cca_token_check_challenge(&token, binding, sizeof(binding), &err),
			 CCA_MISMATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_each_profile_by_its_name),
		cmocka_unit_test(strict_accepts_profile_1_0_alone),
		cmocka_unit_test(a_realm_profile_must_belong_to_the_platforms),
		cmocka_unit_test(each_profile_demands_its_claims),
		cmocka_unit_test(the_binding_is_in_the_claim_of_the_profile),
		cmocka_unit_test(only_profile_1_0_has_no_sha384_realms),
		cmocka_unit_test(the_form_of_the_realm_key_is_that_of_the_profile),
		cmocka_unit_test(reads_the_claims_of_specification_2_0),
		cmocka_unit_test(refuses_wrong_claims_of_specification_2_0),
		cmocka_unit_test(reads_what_2_0_says_of_components),
		cmocka_unit_test(reads_one_half_where_asked_to),
		cmocka_unit_test(half_a_token_is_no_token_without_asking),
		cmocka_unit_test(a_realm_half_without_a_profile_is_pre_1_0_or_1_0),
		cmocka_unit_test(a_realm_half_needs_its_key_as_an_anchor),
		cmocka_unit_test(compares_the_challenge_of_the_half_that_is_there),
	};

	return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
