// SPDX-License-Identifier: BSD-3-Clause
/* Commands of Confidential Shared Memory, but those with a policy (docs/csm-spec.md section 6). */
#include <string.h>

#include "cmd/rsi.h"
#include "csm/csm.h"

/* The result is in the registers already; the command leaves to the host if it filled the exit. */
static enum rsi_outcome outcome(const struct rmi_rec_exit *exit)
{
	return exit->exit_reason == 0 ? RSI_RETURN : RSI_EXIT;
}

/* RSI_CSM_SELF: returns the realm id. Needs no APT. */
enum rsi_outcome rsi_csm_self(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)exit;
	out->x[0] = RSI_SUCCESS;
	out->x[1] = rec_realm(rec)->id;
	return RSI_RETURN;
}

/* RSI_CSM_CREATE: creates a region. */
enum rsi_outcome rsi_csm_create(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;

	out->x[0] = rmm_csm_create(rec_realm(rec), ipa_of(x[1]), x[2], x[3], &out->x[1], exit);
	return exit->exit_reason == RMI_EXIT_CSM_SPLIT ? RSI_RETRY : outcome(exit);
}

/* RSI_CSM_REVOKE: ends a grant. */
enum rsi_outcome rsi_csm_revoke(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	out->x[0] = rmm_csm_revoke(rec_realm(rec), rec->vcpu.gprs[1], rec->vcpu.gprs[2], exit);
	return outcome(exit);
}

/* RSI_CSM_DESTROY: ends a region and its grants. */
enum rsi_outcome rsi_csm_destroy(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	out->x[0] = rmm_csm_destroy(rec_realm(rec), rec->vcpu.gprs[1], exit);
	return outcome(exit);
}

/* RSI_CSM_ATTACH: maps a reserved region. */
enum rsi_outcome rsi_csm_attach(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;

	out->x[0] = rmm_csm_attach(rec_realm(rec), x[1], x[2], &out->x[1], exit);
	return outcome(exit);
}

/* RSI_CSM_DETACH_AND_FREE: ends a reservation or attachment. */
enum rsi_outcome rsi_csm_detach_and_free(struct rec *rec, struct rsi_out *out,
					 struct rmi_rec_exit *exit)
{
	out->x[0] = rmm_csm_detach(rec_realm(rec), rec->vcpu.gprs[1], rec->vcpu.gprs[2], exit);
	return outcome(exit);
}

/* RSI_CSM_QUERY: returns the region after a cursor. */
enum rsi_outcome rsi_csm_query(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	struct rmm_csm_answer answer;

	(void)exit;
	out->x[0] = rmm_csm_query(rec_realm(rec), rec->vcpu.gprs[1], rec->vcpu.gprs[2], &answer);
	if (out->x[0] == RSI_SUCCESS) {
		out->x[1] = answer.region;
		out->x[2] = answer.label;
		out->x[3] = answer.size;
		out->x[4] = answer.packed;
		out->x[5] = answer.base;
		out->x[6] = answer.next;
	}
	return RSI_RETURN;
}

/* RSI_CSM_SEAL: makes a region read-only. */
enum rsi_outcome rsi_csm_seal(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	(void)exit;
	out->x[0] = rmm_csm_seal(rec_realm(rec), rec->vcpu.gprs[1]);
	return RSI_RETURN;
}

/* RSI_CSM_DIGEST: returns the SHA-512 of a sealed region. */
enum rsi_outcome rsi_csm_digest(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	uint8_t digest[CSM_DIGEST_SIZE];

	(void)exit;
	out->x[0] = rmm_csm_digest(rec_realm(rec), rec->vcpu.gprs[1], rec->vcpu.gprs[2], digest);
	if (out->x[0] == RSI_SUCCESS) {
		memcpy(&out->x[1], digest, sizeof(digest));
	}
	return RSI_RETURN;
}

/* RSI_CSM_SIGNAL: makes bits pending for the other side of a sharing. */
enum rsi_outcome rsi_csm_signal(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;
	const struct rmm_csm_signal signal = {x[1], x[2], x[3], x[4]};

	out->x[0] = rmm_csm_signal(rec_realm(rec), &signal, exit);
	return outcome(exit);
}

/* RSI_CSM_SIGNAL_TAKE: returns and clears pending bits of one sharing. */
enum rsi_outcome rsi_csm_signal_take(struct rec *rec, struct rsi_out *out,
				     struct rmi_rec_exit *exit)
{
	struct rmm_csm_signal signal;

	(void)exit;
	out->x[0] = rmm_csm_signal_take(rec_realm(rec), &signal);
	if (out->x[0] == RSI_SUCCESS) {
		out->x[1] = signal.peer;
		out->x[2] = signal.provider;
		out->x[3] = signal.region;
		out->x[4] = signal.bits;
	}
	return RSI_RETURN;
}

/* RSI_CSM_PEER: returns a measurement of a peer. */
enum rsi_outcome rsi_csm_peer(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	uint8_t value[REALM_MEASUREMENT_SIZE];
	uint64_t hash_algo = 0;

	(void)exit;
	out->x[0] = rmm_csm_peer(rec_realm(rec), rec->vcpu.gprs[1], rec->vcpu.gprs[2], value,
				 &hash_algo);
	if (out->x[0] == RSI_SUCCESS) {
		memcpy(&out->x[1], value, sizeof(value));
		out->x[9] = hash_algo;
	}
	return RSI_RETURN;
}

/* RSI_CSM_RECORD: returns the caller's record after a cursor. */
enum rsi_outcome rsi_csm_record(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	const uint64_t *x = rec->vcpu.gprs;
	struct rsi_csm_record record;

	(void)exit;
	out->x[0] = rmm_csm_list_record(rec_realm(rec), x[1], x[2], x[3], &record);
	if (out->x[0] == RSI_SUCCESS) {
		out->x[1] = record.packed;
		out->x[2] = record.peer;
		out->x[3] = record.region;
		out->x[4] = record.size;
	}
	return RSI_RETURN;
}
