// SPDX-License-Identifier: BSD-3-Clause
/*
 * RSI_ATTESTATION_TOKEN_INIT and RSI_ATTESTATION_TOKEN_CONTINUE (RMM specification A7.2, B5.3.2,
 * B5.3.1).
 */
#include <string.h>

#include "abi/rsi.h"
#include "attest/attest.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "csm/csm.h"
#include "map/map.h"
#include "realm/id.h"
#include "realm/measure.h"
#include "rec/memory.h"

_Static_assert(REC_ATTEST_PAGES == ATTEST_PAGES, "a REC has the pages that a token needs");
_Static_assert(ATTEST_CHALLENGE_SIZE == RSI_CHALLENGE_SIZE, "x1..x8 are the challenge");

/* The REC's last auxiliary granules. */
static void find_pages(const struct rec *rec, void *pages[ATTEST_PAGES])
{
	unsigned int first = rec->aux_count - ATTEST_PAGES;

	ASSERT(rec->aux_count >= ATTEST_PAGES);
	for (unsigned int i = 0; i < ATTEST_PAGES; i++) {
		pages[i] = map_meta(rec->aux[first + i], GRANULE_REC_AUX);
	}
}

/*
 * RSI_ATTESTATION_TOKEN_INIT (B5.3.2): starts a token in the REC's auxiliary granules and returns
 * its exact size. A token that was started before is dropped.
 */
enum rsi_outcome rsi_attestation_token_init(struct rec *rec, struct rsi_out *out,
					    struct rmi_rec_exit *exit)
{
	struct rd *rd = rec_realm(rec);
	uint8_t measurement[REALM_MEASUREMENTS][REALM_MEASUREMENT_SIZE];
	uint8_t instance_id[REALM_INSTANCE_ID_SIZE];
	uint8_t sharings[CSM_DIGEST_SIZE];
	struct attest_claims claims = {
		.realm_id = rd->id,
		.instance_id = instance_id,
		.hash_algo = rd->hash_algo,
		.rpv = rd->rpv,
		.challenge = (const uint8_t *)&rec->vcpu.gprs[1],
	};
	void *pages[ATTEST_PAGES];
	size_t size;

	(void)exit;
	for (unsigned int i = 0; i < REALM_MEASUREMENTS; i++) {
		realm_measurement_read(rd, i, measurement[i]);
		claims.measurement[i] = measurement[i];
	}
	realm_instance_id(rd, instance_id);
	claims.sharings = rmm_csm_sharings(rd, sharings) ? sharings : NULL;
	find_pages(rec, pages);
	if (!attest_begin(pages, &claims, &size)) {
		out->x[0] = FAIL(unknown, RSI_ERROR_UNKNOWN);
		return RSI_RETURN;
	}
	out->x[0] = RSI_SUCCESS;
	out->x[1] = size;
	return RSI_RETURN;
}

/* Conditions of the buffer: one page, offset and size within it. */
static uint64_t check_buffer(const struct rec *rec, ipa_t addr, uint64_t offset, uint64_t size)
{
	if (!is_aligned(addr.v, GRANULE_SIZE)) {
		return FAIL(addr_align, RSI_ERROR_INPUT);
	}
	if (!s2_ipa_protected(&rec->s2, addr)) {
		return FAIL(addr_bound, RSI_ERROR_INPUT);
	}
	if (offset >= GRANULE_SIZE) {
		return FAIL(offset_bound, RSI_ERROR_INPUT);
	}
	if (offset + size < offset) {
		return FAIL(size_overflow, RSI_ERROR_INPUT);
	}
	if (offset + size > GRANULE_SIZE) {
		return FAIL(size_bound, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

/* Works until the token is there or something else wants the CPU; a piece of work at least. */
static enum attest_progress work(void *const pages[ATTEST_PAGES])
{
	enum attest_progress progress = attest_step(pages);

	while (progress == ATTEST_SIGNING && !arch_interrupt_pending()) {
		progress = attest_step(pages);
	}
	return progress;
}

/* Bytes that cannot be put anywhere are not lost: the realm can name another place. */
static enum rsi_outcome hand_over(struct rec *rec, void *const pages[ATTEST_PAGES],
				  struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t to = ipa_add(ipa_of(rec->vcpu.gprs[1]), rec->vcpu.gprs[2]);
	uint8_t piece[GRANULE_SIZE];
	size_t size = attest_peek(pages, piece, rec->vcpu.gprs[3]);
	bool last;

	switch (rec_memory_write(rec, to, piece, size, exit)) {
	case REC_MEMORY_DONE:
		break;
	case REC_MEMORY_REFUSED:
		out->x[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	case REC_MEMORY_MISSING:
		return RSI_RETRY;
	}
	attest_taken(pages, size, &last);
	out->x[0] = last ? RSI_SUCCESS : RSI_INCOMPLETE;
	out->x[1] = size;
	return RSI_RETURN;
}

/*
 * RSI_ATTESTATION_TOKEN_CONTINUE (B5.3.1): signs, until an interrupt is pending, then returns the
 * next part of the token.
 */
enum rsi_outcome rsi_attestation_token_continue(struct rec *rec, struct rsi_out *out,
						struct rmi_rec_exit *exit)
{
	const uint64_t *args = rec->vcpu.gprs;
	void *pages[ATTEST_PAGES];

	out->x[0] = check_buffer(rec, ipa_of(args[1]), args[2], args[3]);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	find_pages(rec, pages);
	switch (work(pages)) {
	case ATTEST_NONE:
		out->x[0] = FAIL(state, RSI_ERROR_STATE);
		return RSI_RETURN;
	case ATTEST_FAILED:
		out->x[0] = FAIL(unknown, RSI_ERROR_UNKNOWN);
		return RSI_RETURN;
	case ATTEST_SIGNING:
		exit->exit_reason = RMI_EXIT_IRQ;
		out->x[0] = RSI_INCOMPLETE;
		return RSI_EXIT;
	case ATTEST_READY:
		break;
	}
	return hand_over(rec, pages, out, exit);
}
