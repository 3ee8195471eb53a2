// SPDX-License-Identifier: BSD-3-Clause
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "tools/report.h"

#define TITLE_WIDTH 22

static void line(FILE *out, const char *title, const char *text)
{
	fprintf(out, "  %-*s %s\n", TITLE_WIDTH, title, text);
}

static void text_line(FILE *out, const char *title, struct cca_bytes text)
{
	fprintf(out, "  %-*s %.*s\n", TITLE_WIDTH, title, (int)text.size, (const char *)text.data);
}

/* 32 bytes to a line. */
static void hex_line(FILE *out, const char *title, struct cca_bytes bytes)
{
	char hex[2 * 32 + 1];
	size_t at = 0;

	do {
		size_t rest = bytes.size - at;

		cca_to_hex((struct cca_bytes){bytes.data + at, rest < 32 ? rest : 32}, hex,
			   sizeof(hex));
		line(out, at == 0 ? title : "", hex);
		at += 32;
	} while (at < bytes.size);
}

static bool is_zero(struct cca_bytes bytes)
{
	for (size_t i = 0; i < bytes.size; i++) {
		if (bytes.data[i] != 0) {
			return false;
		}
	}
	return true;
}

static void measured_line(FILE *out, const char *title, struct cca_bytes bytes)
{
	if (is_zero(bytes)) {
		line(out, title, "zero");
	} else {
		hex_line(out, title, bytes);
	}
}

/* The start of an RPV, if it is text padded with zeros; otherwise 0. */
static size_t text_size(struct cca_bytes rpv)
{
	size_t size = 0;

	while (size < rpv.size && rpv.data[size] >= 0x20 && rpv.data[size] <= 0x7e) {
		size++;
	}
	return is_zero((struct cca_bytes){rpv.data + size, rpv.size - size}) ? size : 0;
}

/* The claims of a genuine token's realm half. */
static void print_realm(const struct cca_token *t, FILE *out)
{
	const struct cca_realm_claims *c = &t->realm;
	char id[32] = "none in the token";
	char name[8];

	fprintf(out, "realm\n");
	if (c->has_realm_id) {
		snprintf(id, sizeof(id), "%016" PRIx64, c->realm_id);
	}
	line(out, "id", id);
	line(out, "hash", cca_hash_name(c->hash));
	hex_line(out, "rim", c->rim);
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		snprintf(name, sizeof(name), "rem%zu", i);
		measured_line(out, name, c->rem[i]);
	}
	if (text_size(c->rpv) != 0) {
		text_line(out, "rpv (text)", (struct cca_bytes){c->rpv.data, text_size(c->rpv)});
	} else {
		measured_line(out, "rpv", c->rpv);
	}
	hex_line(out, "challenge", c->challenge);
	if (c->instance_id.size != 0) {
		hex_line(out, "instance id", c->instance_id);
	}
	if (c->has_mec_policy) {
		snprintf(id, sizeof(id), "%" PRIu64, c->mec_policy);
		line(out, "mec policy", id);
	}
	if (c->has_lfa_policy) {
		line(out, "lfa policy", c->lfa_policy != 0 ? "allow" : "disallow");
	}
	if (c->devices_hash.size != 0) {
		hex_line(out, "devices token hash", c->devices_hash);
	}
	if (c->has_sharings && c->sharings.size != 0) {
		hex_line(out, "sharings", c->sharings);
	} else if (c->has_sharings) {
		line(out, "sharings", "too many for a hash");
	}
	line(out, "signature", cca_sign_alg_name(t->realm_sign1.alg));
	if (c->profile.size != 0) {
		text_line(out, "profile", c->profile);
	}
}

static void print_component(const struct cca_component *c, FILE *out)
{
	char hex[2 * CCA_HASH_MAX + 1];

	cca_to_hex(c->measurement, hex, sizeof(hex));
	fprintf(out, "    %-*.*s %s%s\n", TITLE_WIDTH - 2, (int)c->type.size,
		c->type.size != 0 ? (const char *)c->type.data : "", hex,
		c->live_activation ? " (can be replaced while running)" : "");
}

/* The claims of a genuine token's platform half. */
static void print_platform(const struct cca_token *t, FILE *out)
{
	const struct cca_platform_claims *c = &t->platform;
	char text[64];

	fprintf(out, "platform\n");
	hex_line(out, "implementation id", c->implementation_id);
	hex_line(out, "instance id", c->instance_id);
	snprintf(text, sizeof(text), "%s (%#06x)", cca_lifecycle_name(c->lifecycle), c->lifecycle);
	line(out, "lifecycle", text);
	line(out, "hash", cca_hash_name(c->hash));
	hex_line(out, "config", c->config);
	if (c->has_client_id) {
		snprintf(text, sizeof(text), "%" PRId64, c->client_id);
		line(out, "client id", text);
	}
	if (c->manufacturing.size != 0) {
		hex_line(out, "manufacturing config", c->manufacturing);
	}
	if (c->service.size != 0) {
		text_line(out, "verification service", c->service);
	}
	line(out, "signature", cca_sign_alg_name(t->platform_sign1.alg));
	text_line(out, "profile", c->profile);
	line(out, "software", "");
	for (size_t i = 0; i < c->component_count; i++) {
		print_component(&c->component[i], out);
	}
}

/* The key of a claim that is not known: a number, or text that may hold anything. */
static void key_name(const struct cca_unknown *u, char *out, size_t size)
{
	size_t printable = 0;

	if (!u->is_text) {
		snprintf(out, size, "%" PRId64, u->number);
		return;
	}
	while (printable < u->text.size && u->text.data[printable] >= 0x20 &&
	       u->text.data[printable] <= 0x7e) {
		printable++;
	}
	if (printable == u->text.size) {
		snprintf(out, size, "\"%.*s\"", (int)(printable < 64 ? printable : 64),
			 printable != 0 ? (const char *)u->text.data : "");
	} else {
		cca_to_hex(u->text, out, size);
	}
}

static void print_unknown(const struct cca_token *t, FILE *out)
{
	char key[160];

	for (size_t i = 0; i < t->unknown_count; i++) {
		key_name(&t->unknown[i], key, sizeof(key));
		fprintf(out, "  %-*s %s: %s\n", TITLE_WIDTH, "not understood", t->unknown[i].where,
			key);
	}
}

static void print_unchecked(void *ctx, const char *what, const char *open)
{
	fprintf(ctx, "  %-*s %s: %s\n", TITLE_WIDTH, "not compared", what, open);
}

/* What was checked, and what the policy leaves open or the verifier does not know. */
static void print_checks(const struct report *report, FILE *out)
{
	const struct cca_token *t = report->token;

	fprintf(out, "checks\n");
	line(out, "profile", cca_profile_name(t->profile));
	if (t->has_realm) {
		line(out, "realm signature", "good");
	}
	if (t->has_realm && t->has_platform) {
		line(out, "binding", "good");
	}
	if (t->has_platform) {
		line(out, "platform signature",
		     report->anchor != NULL ? "good" : "NOT CHECKED: anyone can have made this");
	} else if (report->anchor == NULL) {
		line(out, "realm key", "NOT CHECKED: anyone can have made this");
	}
	if (report->anchor != NULL) {
		line(out, "trust anchor", report->anchor);
	}
	for (size_t i = 0; i < report->corim_count; i++) {
		char text[CCA_POLICY_NAME_SIZE * 3];

		snprintf(text, sizeof(text), "%s, %s%s", report->corims[i].file,
			 report->corims[i].key != NULL ? "signed with " : "not signed",
			 report->corims[i].key != NULL ? report->corims[i].key : "");
		line(out, "reference values", text);
	}
	if (report->challenge_checked) {
		line(out, "challenge", "compared");
	}
	cca_policy_unchecked(report->policy, t, print_unchecked, out);
	print_unknown(report->token, out);
}

void report_print(const struct report *report, FILE *out)
{
	if (report->token != NULL) {
		if (report->token->has_realm) {
			print_realm(report->token, out);
		}
		if (report->token->has_platform) {
			print_platform(report->token, out);
		}
		print_checks(report, out);
	}
	fprintf(out, "result: %s\n", report->result);
}

static json_t *json_hex(struct cca_bytes bytes)
{
	char hex[2 * CCA_TOKEN_MAX_SIZE + 1];

	cca_to_hex(bytes, hex, sizeof(hex));
	return json_string(hex);
}

/* A list that lacks an element for want of memory becomes NULL, and so does what it goes into. */
static void append(json_t **list, json_t *element)
{
	if (json_array_append_new(*list, element) != 0) {
		json_decref(*list);
		*list = NULL;
	}
}

/* Absent text is null. */
static json_t *json_text(struct cca_bytes text)
{
	return text.size != 0 ? json_stringn((const char *)text.data, text.size) : json_null();
}

/* Absent bytes are null. */
static json_t *json_maybe_hex(struct cca_bytes bytes)
{
	return bytes.size != 0 ? json_hex(bytes) : json_null();
}

json_t *report_realm(const struct cca_token *t)
{
	const struct cca_realm_claims *c = &t->realm;
	json_t *rems = json_array();
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, c->realm_id);
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		append(&rems, json_hex(c->rem[i]));
	}
	return json_pack(
		"{s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
		c->has_realm_id ? json_string(id) : json_null(), "hash", cca_hash_name(c->hash),
		"rim", json_hex(c->rim), "rem", rems, "rpv", json_hex(c->rpv), "challenge",
		json_hex(c->challenge), "signature", cca_sign_alg_name(t->realm_sign1.alg),
		"public-key-hash", cca_hash_name(c->public_key_hash), "public-key",
		json_hex(c->public_key), "profile", json_text(c->profile), "mec-policy",
		c->has_mec_policy ? json_integer((json_int_t)c->mec_policy) : json_null(),
		"instance-id", json_maybe_hex(c->instance_id), "lfa-policy",
		c->has_lfa_policy ? json_integer((json_int_t)c->lfa_policy) : json_null(),
		"devices-token-hash", json_maybe_hex(c->devices_hash), "sharings",
		c->has_sharings ? json_hex(c->sharings) : json_null());
}

static json_t *component_to_json(const struct cca_component *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "type", json_text(c->type),
			 "measurement", json_hex(c->measurement), "version", json_text(c->version),
			 "signer-id", json_hex(c->signer_id), "hash", json_text(c->hash),
			 "live-activation",
			 c->has_live_activation ? json_boolean(c->live_activation) : json_null());
}

json_t *report_platform(const struct cca_token *t)
{
	const struct cca_platform_claims *c = &t->platform;
	json_t *components = json_array();

	for (size_t i = 0; i < c->component_count; i++) {
		append(&components, component_to_json(&c->component[i]));
	}
	return json_pack("{s:o, s:o, s:s, s:i, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
			 "implementation-id", json_hex(c->implementation_id), "instance-id",
			 json_hex(c->instance_id), "lifecycle", cca_lifecycle_name(c->lifecycle),
			 "lifecycle-value", (int)c->lifecycle, "hash", cca_hash_name(c->hash),
			 "config", json_hex(c->config), "verification-service",
			 json_text(c->service), "signature",
			 cca_sign_alg_name(t->platform_sign1.alg), "profile", json_text(c->profile),
			 "components", components, "client-id",
			 c->has_client_id ? json_integer(c->client_id) : json_null(),
			 "manufacturing-config", json_maybe_hex(c->manufacturing));
}

static void list_unchecked(void *ctx, const char *what, const char *open)
{
	(void)open;
	append(ctx, json_string(what));
}

static json_t *unknown_to_json(const struct cca_token *t)
{
	json_t *list = json_array();
	char key[160];

	for (size_t i = 0; i < t->unknown_count; i++) {
		key_name(&t->unknown[i], key, sizeof(key));
		append(&list, json_pack("{s:s, s:s}", "where", t->unknown[i].where, "key", key));
	}
	return list;
}

/* The CoRIMs and who has signed them; NULL if memory runs out. */
static json_t *corims_to_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->corim_count; i++) {
		const struct corim_source *c = &report->corims[i];

		if (json_array_append_new(list, json_pack("{s:s, s:s?}", "file", c->file,
							  "signed-with", c->key)) != 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Adds the claims of a genuine token and what was not compared. False if memory runs out. */
static bool add_token(json_t *root, const struct report *report)
{
	const struct cca_token *t = report->token;
	json_t *unchecked = json_array();

	cca_policy_unchecked(report->policy, t, list_unchecked, &unchecked);
	return json_object_set_new(root, "not-compared", unchecked) == 0 &&
	       json_object_set_new(root, "reference-values", corims_to_json(report)) == 0 &&
	       json_object_set_new(root, "not-understood", unknown_to_json(t)) == 0 &&
	       json_object_set_new(root, "tag", json_integer((json_int_t)t->tag)) == 0 &&
	       json_object_set_new(root, "profile", json_string(cca_profile_name(t->profile))) ==
		       0 &&
	       json_object_set_new(root, "realm", t->has_realm ? report_realm(t) : json_null()) ==
		       0 &&
	       json_object_set_new(root, "platform",
				   t->has_platform ? report_platform(t) : json_null()) == 0;
}

bool report_print_json(const struct report *report, FILE *out)
{
	json_t *root = json_pack("{s:s, s:s?, s:s?, s:b, s:O}", "result", report->result, "error",
				 report->error, "anchor", report->anchor, "challenge-checked",
				 (int)report->challenge_checked, "mismatches", report->mismatches);
	bool ok = root != NULL && json_array_size(report->mismatches) == report->mismatch_count &&
		  (report->token == NULL || add_token(root, report));

	ok = ok && json_dumpf(root, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
	json_decref(root);
	return ok;
}
