// SPDX-License-Identifier: BSD-3-Clause
/* RSI_IPA_STATE_SET and RSI_IPA_STATE_GET (RMM specification A5.4, B5.3.5, B5.3.6). */
#include "abi/rsi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "csm/csm.h"

_Static_assert((int)S2_EMPTY == RSI_RIPAS_EMPTY && (int)S2_RAM == RSI_RIPAS_RAM &&
		       (int)S2_DESTROYED == RSI_RIPAS_DESTROYED,
	       "an RsiRipas names the state");

/*
 * What both commands demand of [base, top), but alignment, whose conditions have their own names.
 */
static uint64_t check_region(const struct rec *rec, ipa_t base, ipa_t top)
{
	if (top.v <= base.v) {
		return FAIL(size_valid, RSI_ERROR_INPUT);
	}
	if (!s2_range_protected(&rec->s2, base, top.v - base.v)) {
		return FAIL(rgn_bound, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

/* What is shared stays what it is until the sharing has ended. */
static uint64_t check_not_shared(struct rd *rd, ipa_t base, ipa_t top)
{
	struct rmm_csm_held held = rmm_csm_enter(rd);
	bool taken = rmm_csm_is_taken(held, base, top);

	rmm_csm_leave(held);
	return taken ? FAIL(csm_range, RSI_ERROR_STATE) : RSI_SUCCESS;
}

/* Conditions of RSI_IPA_STATE_SET, in the order of the specification. */
static uint64_t check_set(const struct rec *rec, ipa_t base, ipa_t top, uint8_t ripas)
{
	if (!is_aligned(base.v, GRANULE_SIZE)) {
		return FAIL(base_align, RSI_ERROR_INPUT);
	}
	if (!is_aligned(top.v, GRANULE_SIZE)) {
		return FAIL(top_align, RSI_ERROR_INPUT);
	}

	uint64_t status = check_region(rec, base, top);

	if (status != RSI_SUCCESS) {
		return status;
	}
	if (ripas != RSI_RIPAS_EMPTY && ripas != RSI_RIPAS_RAM) {
		return FAIL(ripas_valid, RSI_ERROR_INPUT);
	}
	return check_not_shared(rec_realm(rec), base, top);
}

/* The host decides, with RMI_RTT_SET_RIPAS; the next entry of the REC gives the answer. */
enum rsi_outcome rsi_ipa_state_set(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t base = ipa_of(rec->vcpu.gprs[1]);
	ipa_t top = ipa_of(rec->vcpu.gprs[2]);
	uint8_t ripas = (uint8_t)rec->vcpu.gprs[3];

	out->x[0] = check_set(rec, base, top, ripas);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	rec->ripas_base = base;
	rec->ripas_top = top;
	rec->ripas_value = (enum s2_ripas)ripas;
	rec->ripas_change_destroyed = (rec->vcpu.gprs[4] & RSI_RIPAS_FLAG_CHANGE_DESTROYED) != 0;
	rec->completion = REC_COMPLETE_RIPAS;
	exit->exit_reason = RMI_EXIT_RIPAS_CHANGE;
	exit->ripas_base = base.v;
	exit->ripas_top = top.v;
	exit->ripas_value = ripas;
	return RSI_EXIT;
}

static uint64_t check_get(const struct rec *rec, ipa_t base, ipa_t top)
{
	if (!is_aligned(base.v, GRANULE_SIZE)) {
		return FAIL(base_align, RSI_ERROR_INPUT);
	}
	if (!is_aligned(top.v, GRANULE_SIZE)) {
		return FAIL(end_align, RSI_ERROR_INPUT);
	}
	return check_region(rec, base, top);
}

/* RSI_IPA_STATE_GET (B5.3.5): returns the RIPAS at base, and where it ends. */
enum rsi_outcome rsi_ipa_state_get(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t base = ipa_of(rec->vcpu.gprs[1]);
	ipa_t top = ipa_of(rec->vcpu.gprs[2]);
	struct s2_walk walk;

	(void)exit;
	out->x[0] = check_get(rec, base, top);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	s2_walk(&rec->s2, base, S2_LEVEL_PAGE, &walk);
	out->x[1] = s2_ripas_end(&walk, top).v;
	out->x[2] = walk.entry.ripas;
	s2_walk_end(&walk);
	return RSI_RETURN;
}
