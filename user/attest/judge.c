// SPDX-License-Identifier: BSD-3-Clause
/* Another realm's token, verified by libccatoken in this process. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attest_internal.h"
#include "verifier/policy.h"

/* All that a verification needs: too much for a stack. */
struct judgement {
	struct cca_policy policy;
	struct cca_token token;
	struct cca_error err;
	struct csm_attested *out;
};

int csm_attest_fail(struct csm_attested *out, int ret, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out->why, sizeof(out->why), format, args);
	va_end(args);
	return ret;
}

/* A failure of the library is no verdict on the token. */
static int refuse(struct judgement *j)
{
	const char *kind = "not genuine";

	switch (j->err.status) {
	case CCA_FAILED:
		return csm_attest_fail(j->out, -ENOMEM, "%s", j->err.text);
	case CCA_MALFORMED:
		kind = "malformed";
		break;
	case CCA_UNSUPPORTED:
		kind = "not supported";
		break;
	default:
		break;
	}
	return csm_attest_fail(j->out, -EKEYREJECTED, "the token is refused: %s: %s", kind,
			       j->err.text);
}

/* Adds an expectation that the token does not meet to the reason. */
static void on_mismatch(void *ctx, const char *what, const char *detail)
{
	struct csm_attested *out = ctx;
	size_t used = strlen(out->why);

	snprintf(out->why + used, sizeof(out->why) - used, "%s%s: %s",
		 used == 0 ? "the token is refused: " : "; ", what, detail);
}

/* What the policy expects of a genuine token, and that it is a realm's with an id. */
static int compare(struct judgement *j, const uint8_t *challenge, size_t anchor)
{
	size_t count = 0;

	if (cca_token_check_challenge(&j->token, challenge, CSM_CHALLENGE_SIZE, &j->err) !=
	    CCA_OK) {
		on_mismatch(j->out, "realm.challenge", j->err.text);
		count++;
	}
	count += cca_policy_check(&j->policy, &j->token, on_mismatch, j->out);
	count += cca_policy_check_anchor(&j->policy, anchor, &j->token, on_mismatch, j->out);
	if (count != 0) {
		return -EPERM;
	}
	return j->token.realm.has_realm_id
		       ? 0
		       : csm_attest_fail(j->out, -EPERM,
					 "the token is refused: it contains no realm id");
}

/* Reads the policy. It must say whom to trust, and which realm is meant. */
static int load(struct judgement *j, const char *policy)
{
	if (!cca_policy_load(policy, &j->policy, &j->err)) {
		return csm_attest_fail(j->out, -EINVAL, "%s: %s", policy, j->err.text);
	}
	if (j->policy.anchor_count == 0) {
		return csm_attest_fail(j->out, -EINVAL, "%s: no trust anchor: give \"anchors\"",
				       policy);
	}
	return cca_policy_names_realm(&j->policy)
		       ? 0
		       : csm_attest_fail(j->out, -EPERM,
					 "%s: nothing says which realm is expected: give its "
					 "\"rim\" or \"id\"",
					 policy);
}

static void take_identity(struct csm_attested *out, const struct cca_realm_claims *realm)
{
	out->realm_id = realm->realm_id;
	out->hash_bits = (unsigned int)(8 * realm->rim.size);
	memcpy(out->rim, realm->rim.data, realm->rim.size);
}

int csm_verify_token(const char *policy, const uint8_t challenge[CSM_CHALLENGE_SIZE],
		     const void *token, size_t size, struct csm_attested *out)
{
	struct judgement *j = malloc(sizeof(*j));
	size_t anchor = 0;
	int ret;

	memset(out, 0, sizeof(*out));
	if (j == NULL) {
		return csm_attest_fail(out, -ENOMEM, "out of memory");
	}
	j->out = out;
	ret = load(j, policy);
	if (ret == 0 && (cca_token_parse(token, size, 0, &j->token, &j->err) != CCA_OK ||
			 cca_token_verify(&j->token, j->policy.anchor, j->policy.anchor_count,
					  &anchor, &j->err) != CCA_OK)) {
		ret = refuse(j);
	}
	if (ret == 0) {
		ret = compare(j, challenge, anchor);
	}
	if (ret == 0) {
		take_identity(out, &j->token.realm);
	}
	free(j);
	return ret;
}
