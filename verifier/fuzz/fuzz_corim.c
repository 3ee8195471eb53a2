// SPDX-License-Identifier: BSD-3-Clause
/* CoRIMs, signed or not: none may do harm, and a policy that was read stays within its bounds. */
#include <stdlib.h>

#include "corim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts if a CoRIM leads a policy out of its bounds, or fails without a reason. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cca_policy policy;
	static const struct cca_token none;
	static const struct cca_key key = {.alg = CCA_SIGN_ES256, .x = {1}, .y = {1}};
	struct cca_bytes corim;
	struct cca_error err;
	size_t which;

	/* Nothing is signed with a point that is not on the curve. */
	if (cca_corim_verify((struct cca_bytes){data, size}, 1800000000,
			     (struct cca_corim_keys){&key, 1}, &corim, &which, &err) == CCA_OK ||
	    err.text[0] == '\0') {
		abort();
	}

	cca_policy_init(&policy);
	if (cca_corim_read(data, size, 1800000000, &policy, &err) != err.status) {
		abort();
	}
	if (policy.anchor_count > CCA_POLICY_ANCHORS || policy.rim.count > CCA_POLICY_VALUES ||
	    policy.component_count > CCA_POLICY_COMPONENTS ||
	    (err.status != CCA_OK && err.text[0] == '\0')) {
		abort();
	}
	cca_policy_check(&policy, &none, NULL, NULL);
	return 0;
}
