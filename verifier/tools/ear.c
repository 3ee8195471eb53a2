// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the checks come to in the terms of AR4SI: each submodule has a vector of claims and a status
 * that is no better than the worst of them. The labels are "CCA Platform" and "CCA Realm".
 */
#include <string.h>

#include "tools/ear.h"

/* Values of a trustworthiness claim (draft-ietf-rats-ar4si, 2.3.4 and 2.3.5). */
enum trust {
	TRUST_NONE = 0,
	TRUST_UNEXPECTED = 1, /* evidence that cannot be parsed */
	TRUST_AFFIRMED = 2,
	TRUST_AFFIRMED_AT_BOOT = 3,
	TRUST_CONTRAINDICATED = 96,
	TRUST_UNRECOGNIZED = 97, /* of an identity, of hardware */
	TRUST_CRYPTO_FAILED = 99,
};

/* A claim of a vector, and the expectations of the policy that it comes from. */
struct rule {
	const char *claim;
	const char *expectation; /* what mismatches of it begin with */
	enum trust met;
	enum trust missed;
};

static const struct rule realm_rules[] = {
	{"instance-identity", "realm.id", TRUST_AFFIRMED, TRUST_UNRECOGNIZED},
	{"instance-identity", "realm.instance-id", TRUST_AFFIRMED, TRUST_UNRECOGNIZED},
	{"instance-identity", "realm.challenge", TRUST_NONE, TRUST_CONTRAINDICATED},
	{"instance-identity", "anchors", TRUST_NONE, TRUST_CRYPTO_FAILED},
	{"executables", "realm.rim", TRUST_AFFIRMED_AT_BOOT, TRUST_CONTRAINDICATED},
	{"executables", "realm.rem", TRUST_NONE, TRUST_CONTRAINDICATED},
	{"configuration", "realm.rpv", TRUST_AFFIRMED, TRUST_CONTRAINDICATED},
	{"configuration", "realm.hash", TRUST_NONE, TRUST_CONTRAINDICATED},
	{"configuration", "profile", TRUST_NONE, TRUST_CONTRAINDICATED},
};

static const struct rule platform_rules[] = {
	{"instance-identity", "anchors", TRUST_AFFIRMED, TRUST_CRYPTO_FAILED},
	{"instance-identity", "platform.instance-id", TRUST_AFFIRMED, TRUST_UNRECOGNIZED},
	{"hardware", "anchors", TRUST_AFFIRMED, TRUST_CRYPTO_FAILED},
	{"hardware", "platform.implementation-id", TRUST_AFFIRMED, TRUST_UNRECOGNIZED},
	{"configuration", "platform.lifecycle", TRUST_NONE, TRUST_CONTRAINDICATED},
	{"configuration", "platform.config", TRUST_AFFIRMED, TRUST_CONTRAINDICATED},
	{"configuration", "platform.hash", TRUST_NONE, TRUST_CONTRAINDICATED},
	{"executables", "platform.components", TRUST_AFFIRMED_AT_BOOT, TRUST_CONTRAINDICATED},
};

static bool missed(const struct report *report, const char *expectation)
{
	size_t i;
	json_t *each;

	json_array_foreach (report->mismatches, i, each) {
		const char *what = json_string_value(json_object_get(each, "what"));

		if (what != NULL && strncmp(what, expectation, strlen(expectation)) == 0) {
			return true;
		}
	}
	return false;
}

struct search {
	const char *what;
	bool found;
};

static void on_unchecked(void *ctx, const char *what, const char *open)
{
	struct search *s = ctx;

	(void)open;
	s->found |= strncmp(what, s->what, strlen(s->what)) == 0;
}

/* Whether the policy had an expectation. Mismatches have been looked for already. */
static bool compared(const struct report *report, const char *expectation)
{
	struct search s = {.what = expectation};

	if (strcmp(expectation, "realm.instance-id") == 0) {
		return report->policy->realm_instance.count != 0;
	}
	cca_policy_unchecked(report->policy, report->token, on_unchecked, &s);
	return !s.found;
}

/* The worse of two: a contraindication beats what is affirmed, which beats nothing said. */
static bool raise_to(json_t *vector, const char *claim, enum trust value)
{
	json_int_t has = json_integer_value(json_object_get(vector, claim));

	return value <= has || json_object_set_new(vector, claim, json_integer(value)) == 0;
}

/* NULL if memory runs out. *worst gets the highest value. */
static json_t *make_vector(const struct report *report, const struct rule *rules, size_t count,
			   enum trust *worst)
{
	json_t *vector = json_object();
	bool ok = vector != NULL;

	*worst = TRUST_NONE;
	for (size_t i = 0; ok && i < count; i++) {
		enum trust value = missed(report, rules[i].expectation)     ? rules[i].missed
				   : compared(report, rules[i].expectation) ? rules[i].met
									    : TRUST_NONE;

		if (value != TRUST_NONE) {
			ok = raise_to(vector, rules[i].claim, value);
		}
		*worst = value > *worst ? value : *worst;
	}
	if (!ok) {
		json_decref(vector);
		vector = NULL;
	}
	return vector;
}

static const char *tier(enum trust worst)
{
	return worst >= TRUST_CONTRAINDICATED ? "contraindicated"
	       : worst >= TRUST_AFFIRMED      ? "affirming"
					      : "none";
}

/* "ear.status" or "ear_status" */
static const char *name(enum ear_profile profile, const char *rest, char out[40])
{
	snprintf(out, 40, "ear%c%s", profile == EAR_IETF ? '_' : '.', rest);
	for (char *c = out; profile == EAR_VERAISON && *c != '\0'; c++) {
		if (*c == '_') {
			*c = '-';
		}
	}
	return out;
}

/* Text of 8 to 64 bytes in base64url without padding goes to `out`. */
static void encode_nonce(struct cca_bytes nonce, char out[CCA_CHALLENGE_SIZE * 2])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned int bits = 0;
	unsigned int count = 0;
	size_t length = 0;

	for (size_t i = 0; i < nonce.size; i++) {
		bits = bits << 8 | nonce.data[i];
		count += 8;
		while (count >= 6) {
			count -= 6;
			out[length++] = digits[bits >> count & 0x3f];
		}
	}
	if (count != 0) {
		out[length++] = digits[bits << (6 - count) & 0x3f];
	}
	out[length] = '\0';
}

static bool add_evidence(json_t *submod, enum ear_profile profile, json_t *claims,
			 struct cca_bytes challenge)
{
	char text[CCA_CHALLENGE_SIZE * 2];
	char key[40];

	encode_nonce(challenge, text);
	return json_object_set_new(submod,
				   profile == EAR_IETF ? name(profile, "attester_claims", key)
						       : "ear.veraison.annotated-evidence",
				   claims) == 0 &&
	       (profile != EAR_IETF ||
		json_object_set_new(submod, "eat_nonce", json_string(text)) == 0);
}

/* One attester. Takes `vector`. */
static json_t *make_submod(enum ear_profile profile, json_t *vector, enum trust worst)
{
	char status[40];
	char trust[40];

	return json_pack("{s:s, s:o}", name(profile, "status", status), tier(worst),
			 name(profile, "trustworthiness_vector", trust), vector);
}

/*
 * Adds one half of the token, its trustworthiness vector and its claims. Raises *worst to its
 * tier. False if memory runs out.
 */
static bool add_half(json_t *submods, const struct report *report, enum ear_profile profile,
		     bool is_realm, enum trust *worst)
{
	const struct cca_token *t = report->token;
	json_t *submod;
	json_t *vector;
	enum trust own;

	vector = is_realm ? make_vector(report, realm_rules,
					sizeof(realm_rules) / sizeof(realm_rules[0]), &own)
			  : make_vector(report, platform_rules,
					sizeof(platform_rules) / sizeof(platform_rules[0]), &own);
	submod = make_submod(profile, vector, own);
	*worst = own > *worst ? own : *worst;
	return json_object_set_new(submods, is_realm ? "CCA Realm" : "CCA Platform", submod) == 0 &&
	       add_evidence(submod, profile, is_realm ? report_realm(t) : report_platform(t),
			    is_realm ? t->realm.challenge : t->platform.challenge);
}

/* Nothing of a token that is not genuine is told but that: one submodule without evidence. */
static bool add_refused(json_t *submods, const struct report *report, enum ear_profile profile)
{
	enum trust why = report->not_genuine ? TRUST_CRYPTO_FAILED : TRUST_UNEXPECTED;
	json_t *vector = json_pack("{s:i}", "instance-identity", (int)why);

	return json_object_set_new(submods, "CCA",
				   make_submod(profile, vector, TRUST_CONTRAINDICATED)) == 0;
}

/*
 * Adds a submodule for each half, or one without evidence for a token that is not genuine. False
 * if memory runs out.
 */
static bool add_submods(json_t *root, const struct report *report, enum ear_profile profile)
{
	json_t *submods = json_object();
	enum trust worst = TRUST_NONE;
	bool unknown = strcmp(report->result, "unidentified") == 0;
	char key[40];

	if (json_object_set_new(root, "submods", submods) != 0) {
		return false;
	}
	if (report->token == NULL) {
		worst = TRUST_CONTRAINDICATED;
		if (!add_refused(submods, report, profile)) {
			return false;
		}
	} else if ((report->token->has_platform &&
		    !add_half(submods, report, profile, false, &worst)) ||
		   (report->token->has_realm &&
		    !add_half(submods, report, profile, true, &worst))) {
		return false;
	}
	return profile != EAR_IETF ||
	       json_object_set_new(root, name(profile, "status", key),
				   json_string(unknown ? "none" : tier(worst))) == 0;
}

json_t *ear_claims(const struct report *report, enum ear_profile profile, int64_t now)
{
	char key[40];
	json_t *root = json_pack("{s:s, s:I, s:{s:s, s:s}}", "eat_profile",
				 profile == EAR_IETF ? "tag:ietf.org,2026:rats/ear#04"
						     : "tag:github.com,2023:veraison/ear",
				 "iat", (json_int_t)now, name(profile, "verifier_id", key),
				 "developer", "CAEC", "build", "cca-verify " CAEC_VERSION);

	if (root == NULL || json_array_size(report->mismatches) != report->mismatch_count ||
	    !add_submods(root, report, profile)) {
		json_decref(root);
		return NULL;
	}
	return root;
}
