// SPDX-License-Identifier: BSD-3-Clause
/* RSI_HOST_CALL (RMM specification A4.5, B5.3.4). The next entry of the REC completes it. */
#include "abi/rsi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "rec/memory.h"

_Static_assert(RSI_HOST_CALL_GPRS == RMI_EXIT_GPRS, "each register has its place");
_Static_assert(sizeof(struct rsi_host_call) <= RSI_HOST_CALL_ALIGN, "within a page");

static uint64_t check(const struct rec *rec, ipa_t addr)
{
	if (!is_aligned(addr.v, RSI_HOST_CALL_ALIGN)) {
		return FAIL(addr_align, RSI_ERROR_INPUT);
	}
	if (!s2_ipa_protected(&rec->s2, addr)) {
		return FAIL(addr_bound, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

/*
 * RSI_HOST_CALL (B5.3.4): passes immediate and registers to the host. The next entry of the REC
 * writes the registers back.
 */
enum rsi_outcome rsi_host_call(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t addr = ipa_of(rec->vcpu.gprs[1]);
	const struct rsi_host_call *call;
	struct rec_memory_page page;

	out->x[0] = check(rec, addr);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	switch (rec_memory_open(rec, addr, false, &page, exit)) {
	case REC_MEMORY_DONE:
		break;
	case REC_MEMORY_REFUSED:
		out->x[0] = RSI_ERROR_INPUT;
		return RSI_RETURN;
	case REC_MEMORY_MISSING:
		return RSI_RETRY;
	}

	exit->exit_reason = RMI_EXIT_HOST_CALL;
	call = page.at;
	exit->imm = call->imm;
	rec_copy_gprs(exit->gprs, call->gprs);
	rec_memory_close(&page);
	rec->host_call = addr;
	rec->completion = REC_COMPLETE_HOST_CALL;
	return RSI_EXIT;
}
