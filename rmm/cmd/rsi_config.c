// SPDX-License-Identifier: BSD-3-Clause
/* RSI_REALM_CONFIG (RMM specification B5.3.9). */
#include <string.h>

#include "abi/rsi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "rec/memory.h"

static uint64_t check(const struct rec *rec, ipa_t addr)
{
	if (!is_aligned(addr.v, GRANULE_SIZE)) {
		return FAIL(addr_align, RSI_ERROR_INPUT);
	}
	if (!s2_ipa_protected(&rec->s2, addr)) {
		return FAIL(addr_bound, RSI_ERROR_INPUT);
	}
	return RSI_SUCCESS;
}

/* All that is told is constant for the life of the realm: no lock. */
static void describe(const struct rec *rec, void *page)
{
	const struct rd *rd = rec_realm(rec);
	struct rsi_realm_config *config = page;

	config->ipa_width = rd->s2.ipa_bits;
	config->hash_algo = rd->hash_algo;
	memcpy(config->rpv, rd->rpv, sizeof(config->rpv));
}

/* RSI_REALM_CONFIG (B5.3.9): writes the configuration to a page of the realm. */
enum rsi_outcome rsi_realm_config(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t addr = ipa_of(rec->vcpu.gprs[1]);

	out->x[0] = check(rec, addr);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	switch (rec_memory_write_page(rec, addr, describe, exit)) {
	case REC_MEMORY_DONE:
		break;
	case REC_MEMORY_REFUSED:
		out->x[0] = RSI_ERROR_INPUT;
		break;
	case REC_MEMORY_MISSING:
		return RSI_RETRY;
	}
	return RSI_RETURN;
}
