// SPDX-License-Identifier: BSD-3-Clause
/*
 * RSI_CSM_SHARE and RSI_CSM_RESERVE (docs/csm-spec.md section 6): consent of the provider and of
 * the consumer. Each may have a policy in the caller's memory. It is copied once, after the
 * conditions that come before it in the list, while the CSM locks are held.
 */
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "csm/csm.h"
#include "rec/memory.h"

/* Copies the policy at ipa. *missing: its page is missing, and *exit asks the host for it. */
static uint64_t read_policy(struct rec *rec, ipa_t ipa, struct rsi_csm_policy *policy,
			    bool *missing, struct rmi_rec_exit *exit)
{
	enum rec_memory memory = REC_MEMORY_REFUSED;
	bool good = is_aligned(ipa.v, CSM_POLICY_ALIGN) && s2_ipa_protected(&rec->s2, ipa) &&
		    (ipa.v & GRANULE_MASK) <= GRANULE_SIZE - sizeof(*policy);

	if (good) {
		memory = rec_memory_read(rec, ipa, policy, sizeof(*policy), exit);
	}
	*missing = memory == REC_MEMORY_MISSING;
	if (memory == REC_MEMORY_REFUSED) {
		return FAIL(policy_access, RSI_ERROR_INPUT);
	}
	if (!*missing && !rmm_csm_policy_valid(policy)) {
		return FAIL(policy_valid, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

/* RSI_CSM_SHARE: adds a grant. Reads the policy before it takes a lock. */
enum rsi_outcome rsi_csm_share(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;
	struct rmm_csm_share share = {.region = x[1], .consumer = x[2], .perm = x[3]};
	struct rsi_csm_policy policy;
	struct rmm_csm_held held;
	bool missing = false;
	uint64_t status = rmm_csm_share_begin(rec_realm(rec), &share, &held);

	out->x[0] = status;
	if (status != RSI_SUCCESS) {
		return RSI_RETURN;
	}
	if (x[4] != 0) {
		status = read_policy(rec, ipa_of(x[4]), &policy, &missing, exit);
		share.policy = &policy;
	}
	if (status == RSI_SUCCESS && !missing) {
		status = rmm_csm_share_commit(held, &share);
	}
	rmm_csm_unlock(held);
	out->x[0] = status;
	return missing ? RSI_RETRY : RSI_RETURN;
}

/* RSI_CSM_RESERVE: records the consumer's consent. Reads the policy before it takes a lock. */
enum rsi_outcome rsi_csm_reserve(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;
	struct rmm_csm_reserve reserve = {
		.provider = x[1],
		.region = x[2],
		.base = ipa_of(x[3]),
		.size = x[4],
	};
	struct rsi_csm_policy policy;
	struct rmm_csm_pair pair;
	bool missing = false;
	uint64_t status = rmm_csm_reserve_begin(rec_realm(rec), &reserve, &pair);

	out->x[0] = status;
	if (status != RSI_SUCCESS) {
		return RSI_RETURN;
	}
	if (x[5] != 0) {
		status = read_policy(rec, ipa_of(x[5]), &policy, &missing, exit);
		reserve.policy = &policy;
	}
	if (status == RSI_SUCCESS && !missing) {
		status = rmm_csm_reserve_commit(&pair, &reserve, exit);
	}
	rmm_csm_pair_unlock(&pair);
	out->x[0] = status;
	if (missing) {
		return RSI_RETRY;
	}
	return status == RSI_SUCCESS ? RSI_EXIT : RSI_RETURN;
}
