// SPDX-License-Identifier: BSD-3-Clause
/* libFuzzer: any bytes as a token, and as a key. Views must lie in the input, whatever it is. */
#include <stdlib.h>

#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void within(struct cca_bytes view, const uint8_t *data, size_t size)
{
	if (view.size == 0) {
		return;
	}
	if (view.data < data || view.size > size || (size_t)(view.data - data) > size - view.size) {
		abort();
	}
}

/* Aborts if a view of a parsed token lies outside of the input. */
static void check_views(const struct cca_token *t, const uint8_t *data, size_t size)
{
	within(t->platform_sign1.payload, data, size);
	within(t->platform_sign1.signature, data, size);
	within(t->realm_sign1.payload, data, size);
	within(t->realm_sign1.key_id, data, size);
	within(t->realm.public_key, data, size);
	within(t->realm.rim, data, size);
	for (size_t i = 0; i < CCA_REM_COUNT; i++) {
		within(t->realm.rem[i], data, size);
	}
	within(t->realm.instance_id, data, size);
	within(t->platform.binding, data, size);
	if ((t->has_platform && t->platform.component_count == 0) ||
	    t->platform.component_count > CCA_COMPONENTS_MAX) {
		abort();
	}
	for (size_t i = 0; i < t->platform.component_count; i++) {
		within(t->platform.component[i].measurement, data, size);
		within(t->platform.component[i].type, data, size);
	}
}

/* Nothing a fuzzer makes can be genuine: it holds no key. */
static void try_token(const uint8_t *data, size_t size, unsigned int flags)
{
	static struct cca_policy policy;
	static struct cca_token token;
	struct cca_key nobody = {.alg = CCA_SIGN_ES384};
	struct cca_error err;

	if (cca_token_parse(data, size, flags, &token, &err) != CCA_OK) {
		return;
	}
	check_views(&token, data, size);
	if (cca_token_verify(&token, &nobody, 1, NULL, &err) == CCA_OK) {
		abort();
	}
	cca_policy_init(&policy);
	cca_policy_check(&policy, &token, NULL, NULL);
}

/* A key that is read can be written, so it is a point of its curve. */
static void try_keys(const uint8_t *data, size_t size)
{
	struct cca_key keys[4];
	char pem[CCA_PEM_SIZE];
	struct cca_error err;
	size_t count;

	if (cca_keys_read(data, size, keys, 4, &count, &err) != CCA_OK) {
		return;
	}
	if (count == 0 || count > 4) {
		abort();
	}
	for (size_t i = 0; i < count; i++) {
		if (!cca_key_to_pem(&keys[i], pem)) {
			abort();
		}
	}
}

/* Aborts if any input, as a token or key, breaks what the parsers promise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cca_error err;
	struct cca_key key;

	try_token(data, size, 0);
	try_token(data, size, CCA_STRICT);
	try_token(data, size, CCA_PLATFORM_ONLY);
	try_token(data, size, CCA_REALM_ONLY);
	cca_key_from_cose(data, size, &key, &err);
	cca_key_from_pem(data, size, &key, &err);
	try_keys(data, size);
	return 0;
}
