// SPDX-License-Identifier: BSD-3-Clause
/* Policies: reading them strictly, and each expectation met and not met. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy.h"
#include "tests/maker.h"

static char folder[] = "/tmp/ccapolicyXXXXXX";
static char path[128];
static struct maker maker;
static struct maker_token made;
static struct cca_token token;
static struct cca_policy policy;
static struct cca_error err;
static char mismatches[4096];

static void write_text(const char *name, const char *text)
{
	char full[160];
	FILE *out;

	snprintf(full, sizeof(full), "%s/%s", folder, name);
	out = fopen(full, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
}

static bool load(const char *text)
{
	write_text("policy.json", text);
	return cca_policy_load(path, &policy, &err);
}

static void expect_load_error(const char *json, const char *text)
{
	assert_false(load(json));
	if (strstr(err.text, text) == NULL) {
		print_message("expected \"%s\" in \"%s\"\n", text, err.text);
		fail();
	}
}

static void collect(void *ctx, const char *what, const char *detail)
{
	size_t used = strlen(mismatches);

	(void)ctx;
	snprintf(mismatches + used, sizeof(mismatches) - used, "%s: %s\n", what, detail);
}

/* Loads the policy and compares the token with it. */
static size_t check(const char *json)
{
	if (!load(json)) {
		print_message("%s\n", err.text);
		fail();
	}
	mismatches[0] = '\0';
	return cca_policy_check(&policy, &token, collect, NULL);
}

static void expect_mismatch(const char *json, const char *what)
{
	assert_int_equal(check(json), 1);
	if (strncmp(mismatches, what, strlen(what)) != 0) {
		print_message("expected \"%s\" in \"%s\"\n", what, mismatches);
		fail();
	}
}

/* Hexadecimal of the bytes the maker fills with. */
static const char *filled(size_t size, uint8_t start)
{
	static char hex[4][2 * 64 + 1];
	static size_t turn;
	uint8_t bytes[64];

	turn = (turn + 1) % 4;
	maker_fill(bytes, size, start);
	cca_to_hex((struct cca_bytes){bytes, size}, hex[turn], sizeof(hex[turn]));
	return hex[turn];
}

static const char *realm_policy(const char *name, const char *value)
{
	static char json[1024];

	snprintf(json, sizeof(json), "{\"caec-policy\": 1, \"realm\": {\"%s\": %s}}", name, value);
	return json;
}

static const char *platform_policy(const char *name, const char *value)
{
	static char json[1024];

	snprintf(json, sizeof(json), "{\"caec-policy\": 1, \"platform\": {\"%s\": %s}}", name,
		 value);
	return json;
}

static const char *quoted(const char *text)
{
	static char out[2][256];
	static size_t turn;

	turn = (turn + 1) % 2;
	snprintf(out[turn], sizeof(out[turn]), "\"%s\"", text);
	return out[turn];
}

static void no_expectation_but_a_secured_platform(void **state)
{
	(void)state;
	assert_int_equal(check("{\"caec-policy\": 1}"), 0);
	token.platform.lifecycle = 0x4001;
	expect_mismatch("{\"caec-policy\": 1}", "platform.lifecycle: state non-platform-rot-debug");
	token.platform.lifecycle = 0x3100;
	expect_mismatch("{\"caec-policy\": 1}", "platform.lifecycle: state reserved");
	token.platform.lifecycle = 0xf000;
	expect_mismatch("{\"caec-policy\": 1}", "platform.lifecycle: state reserved");
	token.platform.lifecycle = 0x3003;
}

static void lifecycles_that_the_policy_lists(void **state)
{
	(void)state;
	assert_int_equal(check(platform_policy("lifecycle", "[\"unknown\", \"secured\"]")), 0);
	expect_mismatch(platform_policy("lifecycle", "[\"decommissioned\"]"), "platform.lifecycle");
	expect_load_error(platform_policy("lifecycle", "[]"), "list of states");
	expect_load_error(platform_policy("lifecycle", "[\"reserved\"]"), "no lifecycle state");
	expect_load_error(platform_policy("lifecycle", "[3]"), "no lifecycle state");
}

static void realm_expectations_met(void **state)
{
	(void)state;
	assert_int_equal(check(realm_policy("rim", quoted(filled(32, 0x10)))), 0);
	assert_int_equal(check(realm_policy("rem0", quoted(filled(32, 0x00)))), 0);
	assert_int_equal(check(realm_policy("rem1", quoted(filled(32, 0x20)))), 0);
	assert_int_equal(check(realm_policy("rem2", quoted(filled(32, 0x40)))), 0);
	assert_int_equal(check(realm_policy("rem3", quoted(filled(32, 0x60)))), 0);
	assert_int_equal(check(realm_policy("rpv", quoted(filled(64, 0x80)))), 0);
	assert_int_equal(check(realm_policy("id", "\"1122334455667788\"")), 0);
	assert_int_equal(check(realm_policy("hash", "\"sha-256\"")), 0);
}

static void realm_expectations_not_met(void **state)
{
	static const char *const names[] = {"rim", "rem0", "rem1", "rem2", "rem3"};
	char what[32];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(what, sizeof(what), "realm.%s: expected 99", names[i]);
		expect_mismatch(realm_policy(names[i], quoted(filled(32, 0x99))), what);
	}
	expect_mismatch(realm_policy("rim", quoted(filled(64, 0x10))), "realm.rim");
	expect_mismatch(realm_policy("rpv", quoted(filled(64, 0x81))), "realm.rpv");
	expect_mismatch(realm_policy("rpv-text", "\"hello\""), "realm.rpv");
	expect_mismatch(realm_policy("id", "\"1122334455667789\""), "realm.id");
	expect_mismatch(realm_policy("hash", "\"sha-512\""), "realm.hash");
	token.realm.has_realm_id = false;
	expect_mismatch(realm_policy("id", "\"1122334455667788\""), "realm.id: the token carries");
	token.realm.has_realm_id = true;
}

static void one_of_several_values_is_enough(void **state)
{
	char list[512];

	(void)state;
	snprintf(list, sizeof(list), "[\"%s\", \"%s\"]", filled(32, 0x99), filled(32, 0x10));
	assert_int_equal(check(realm_policy("rim", list)), 0);
	snprintf(list, sizeof(list), "[\"%s\", \"%s\"]", filled(32, 0x99), filled(32, 0x11));
	expect_mismatch(realm_policy("rim", list), "realm.rim: expected one of 2 values");
}

static void text_rpv_is_padded_with_zeros(void **state)
{
	uint8_t padded[64] = "model owner";
	struct cca_bytes kept = token.realm.rpv;

	(void)state;
	token.realm.rpv = (struct cca_bytes){padded, sizeof(padded)};
	assert_int_equal(check(realm_policy("rpv-text", "\"model owner\"")), 0);
	padded[63] = 1;
	expect_mismatch(realm_policy("rpv-text", "\"model owner\""), "realm.rpv");
	token.realm.rpv = kept;
}

static void platform_expectations(void **state)
{
	(void)state;
	assert_int_equal(check(platform_policy("implementation-id", quoted(filled(32, 0x50)))), 0);
	assert_int_equal(check(platform_policy("instance-id", quoted(filled(33, 0x01)))), 0);
	assert_int_equal(check(platform_policy("config", quoted(filled(4, 0xc0)))), 0);
	assert_int_equal(check(platform_policy("hash", "\"sha-256\"")), 0);
	expect_mismatch(platform_policy("implementation-id", quoted(filled(32, 0x51))),
			"platform.implementation-id");
	expect_mismatch(platform_policy("instance-id", quoted(filled(33, 0x02))),
			"platform.instance-id");
	expect_mismatch(platform_policy("config", quoted(filled(5, 0xc0))), "platform.config");
	expect_mismatch(platform_policy("hash", "\"sha-384\""), "platform.hash");
}

static const char *component_policy(const char *type, uint8_t start)
{
	static char value[256];

	snprintf(value, sizeof(value), "{\"%s\": \"%s\"}", type, filled(32, start));
	return platform_policy("components", value);
}

static void software_components(void **state)
{
	(void)state;
	assert_int_equal(check(component_policy("RMM", 0x32)), 0);
	expect_mismatch(component_policy("RMM", 0x33), "platform.components.RMM: expected");
	expect_mismatch(component_policy("RM", 0x32),
			"platform.components.RM: the platform has no");
}

static void components_by_signer_and_version(void **state)
{
	static const struct {
		const char *value;
		const char *mismatch; /* NULL: none */
	} cases[] = {
		{"{\"RMM\": {\"version\": \"1.2.3\"}}", NULL},
		{"{\"RMM\": {\"version\": [\"1.2.2\", \"1.2.3\"]}}", NULL},
		{"{\"RMM\": {\"version\": \"1.2\"}}",
		 "platform.components.RMM.version: expected \"1.2\", token has \"1.2.3\"\n"},
		{"{\"BL31\": {\"version\": \"1.2.30\"}}",
		 "platform.components.BL31.version: expected \"1.2.30\", token has \"1.2.3\"\n"},
		{"{\"RMM\": {\"version\": [\"1\", \"2\"]}}",
		 "platform.components.RMM.version: expected one of 2 versions, token has "
		 "\"1.2.3\"\n"},
		{"{\"RM\": {\"version\": \"1.2.3\"}}",
		 "platform.components.RM: the platform has no such software component\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *json = platform_policy("components", cases[i].value);

		assert_int_equal(check(json), cases[i].mismatch != NULL);
		assert_string_equal(mismatches, cases[i].mismatch != NULL ? cases[i].mismatch : "");
	}
}

static const char *signer_policy(uint8_t measurement, uint8_t signer)
{
	static char value[512];

	snprintf(value, sizeof(value),
		 "{\"RMM\": {\"measurement\": \"%s\", \"signer-id\": [\"%s\"]}}",
		 filled(32, measurement), filled(32, signer));
	return platform_policy("components", value);
}

static void components_by_measurement_and_signer(void **state)
{
	char wanted[256];

	(void)state;
	assert_int_equal(check(signer_policy(0x32, 0xe0)), 0);
	snprintf(wanted, sizeof(wanted),
		 "platform.components.RMM.signer-id: expected %s, token has %s\n", filled(32, 0xe1),
		 filled(32, 0xe0));
	assert_int_equal(check(signer_policy(0x32, 0xe1)), 1);
	assert_string_equal(mismatches, wanted);
	expect_mismatch(signer_policy(0x33, 0xe0), "platform.components.RMM: expected");
	assert_int_equal(check(signer_policy(0x33, 0xe1)), 2);
}

static void a_component_without_a_version_does_not_meet_one(void **state)
{
	struct cca_component *c = &token.platform.component[1];
	struct cca_bytes kept = c->version;

	(void)state;
	c->version = (struct cca_bytes){NULL, 0};
	expect_mismatch(platform_policy("components", "{\"RMM\": {\"version\": \"1.2.3\"}}"),
			"platform.components.RMM.version: expected \"1.2.3\", token has none");
	c->version = kept;
}

/* Every component of a type must be as expected, not one of them. */
static void each_component_of_a_type_is_compared(void **state)
{
	struct cca_component *c = &token.platform.component[0];
	struct cca_bytes kept = c->type;

	(void)state;
	c->type = token.platform.component[1].type;
	expect_mismatch(signer_policy(0x32, 0xe0), "platform.components.RMM: expected");
	assert_int_equal(check(signer_policy(0x32, 0xe1)), 3);
	c->type = kept;
}

static void refuses_components_that_say_nothing_or_too_much(void **state)
{
	static const struct {
		const char *value;
		const char *text;
	} cases[] = {
		{"{\"RMM\": {}}", "components.RMM: the object is empty"},
		{"{\"RMM\": {\"signer\": \"00\"}}", "unknown member \"signer\""},
		{"{\"RMM\": {\"signer-id\": \"00\"}}",
		 "components.RMM: signer-id: 1 bytes, must be 32, 48 or 64"},
		{"{\"RMM\": \"00\"}", "components.RMM: measurement: 1 bytes, must be 32, 48 or 64"},
		{"{\"RMM\": {\"signer-id\": []}}", "signer-id: the list is empty"},
		{"{\"RMM\": {\"version\": []}}", "version: the list is empty"},
		{"{\"RMM\": {\"version\": 1}}", "version: must be text of 1 to 64 bytes"},
		{"{\"RMM\": {\"version\": \"\"}}", "version: must be text of 1 to 64 bytes"},
		{"{\"RMM\": {\"version\": [\"1\", null]}}", "version: must be text"},
		{"{\"RMM\": null}", "components.RMM: measurement: must be hexadecimal text"},
		{"{\"\": {\"version\": \"1\"}}", "a name must have 1 to 63 bytes"},
		{"{\"RMM\": {\"version\": \"1\", \"version\": \"2\"}}", "duplicate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		expect_load_error(platform_policy("components", cases[i].value), cases[i].text);
	}
}

static void every_mismatch_is_told(void **state)
{
	(void)state;
	assert_int_equal(check("{\"caec-policy\": 1, \"realm\": {\"hash\": \"sha-512\","
			       "\"id\": \"0000000000000001\"},"
			       "\"platform\": {\"hash\": \"sha-512\"}}"),
			 3);
	assert_non_null(strstr(mismatches, "realm.hash"));
	assert_non_null(strstr(mismatches, "realm.id"));
	assert_non_null(strstr(mismatches, "platform.hash"));
}

static void refuses_what_it_does_not_know(void **state)
{
	(void)state;
	expect_load_error("{\"caec-policy\": 1, \"relm\": {}}", "unknown member \"relm\"");
	expect_load_error(realm_policy("rIm", "\"00\""), "unknown member \"rIm\"");
	expect_load_error(realm_policy("rem4", "\"00\""), "unknown member \"rem4\"");
	expect_load_error(platform_policy("id", "\"00\""), "unknown member \"id\"");
	expect_load_error("{\"caec-policy\": 2}", "knows version 1");
	expect_load_error("{}", "no \"caec-policy\"");
	expect_load_error("[]", "must be an object");
	expect_load_error("{\"caec-policy\": 1, \"caec-policy\": 1}", "duplicate");
	expect_load_error("{\"caec-policy\": 1, \"realm\": []}", "must be an object");
	expect_load_error("{\"caec-policy\": 1,", "line 1");
}

static void refuses_wrong_values(void **state)
{
	(void)state;
	expect_load_error(realm_policy("rim", "\"0g\""), "not hexadecimal");
	expect_load_error(realm_policy("rim", "\"\""), "not hexadecimal");
	expect_load_error(realm_policy("rim", "\"000\""), "not hexadecimal");
	expect_load_error(realm_policy("rim", "\"0011\""), "2 bytes, must be 32, 48 or 64");
	expect_load_error(realm_policy("rim", "[]"), "empty");
	expect_load_error(realm_policy("rim", "5"), "hexadecimal text");
	expect_load_error(realm_policy("rim", "null"), "hexadecimal text");
	expect_load_error(realm_policy("rpv", "\"0011\""), "2 bytes, must be 64");
	expect_load_error(realm_policy("id", "\"11\""), "1 bytes, must be 8");
	expect_load_error(realm_policy("hash", "\"sha256\""), "must be \"sha-256\"");
	expect_load_error("{\"caec-policy\": 1, \"challenge\": \"xy\"}", "not hexadecimal");
	expect_load_error("{\"caec-policy\": 1, \"anchors\": [\"missing.pem\"]}", "No such file");
	expect_load_error("{\"caec-policy\": 1, \"anchors\": [\"policy.json\"]}", "public key");
}

static void anchors_from_files_and_text(void **state)
{
	char json[2048];
	char pem[1024];
	char text[1024];
	struct cca_key key;
	size_t n = 0;

	(void)state;
	assert_true(maker_key(CCA_SIGN_ES384, maker.platform_secret, &key));
	assert_true(maker_pem(&key, pem, sizeof(pem)));
	write_text("key.pem", pem);
	for (const char *p = pem; *p != '\0'; p++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, *p == '\n' ? "\\n" : "%c", *p);
	}
	snprintf(json, sizeof(json), "{\"caec-policy\": 1, \"anchors\": [\"key.pem\", \"%s\"]}",
		 text);
	assert_true(load(json));
	assert_int_equal(policy.anchor_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_memory_equal(&policy.anchor[i], &key, sizeof(key));
		assert_int_equal(cca_token_verify(&token, &policy.anchor[i], 1, NULL, &err),
				 CCA_OK);
	}
}

static int setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL) {
		return -1;
	}
	snprintf(path, sizeof(path), "%s/policy.json", folder);
	if (!maker_init(&maker, CCA_HASH_SHA256, CCA_SIGN_ES384) || !maker_build(&maker, &made)) {
		return -1;
	}
	return cca_token_parse(made.data, made.size, 0, &token, &err) == CCA_OK ? 0 : -1;
}

static int teardown(void **state)
{
	char full[160];

	(void)state;
	unlink(path);
	snprintf(full, sizeof(full), "%s/key.pem", folder);
	unlink(full);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_expectation_but_a_secured_platform),
		cmocka_unit_test(lifecycles_that_the_policy_lists),
		cmocka_unit_test(realm_expectations_met),
		cmocka_unit_test(realm_expectations_not_met),
		cmocka_unit_test(one_of_several_values_is_enough),
		cmocka_unit_test(text_rpv_is_padded_with_zeros),
		cmocka_unit_test(platform_expectations),
		cmocka_unit_test(software_components),
		cmocka_unit_test(components_by_signer_and_version),
		cmocka_unit_test(components_by_measurement_and_signer),
		cmocka_unit_test(a_component_without_a_version_does_not_meet_one),
		cmocka_unit_test(each_component_of_a_type_is_compared),
		cmocka_unit_test(refuses_components_that_say_nothing_or_too_much),
		cmocka_unit_test(every_mismatch_is_told),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(refuses_wrong_values),
		cmocka_unit_test(anchors_from_files_and_text),
	};

	return cmocka_run_group_tests_name("policy", tests, setup, teardown);
}
