// SPDX-License-Identifier: BSD-3-Clause
/* RSI_REALM_CONFIG (RMM specification B5.3.9). */
#include <string.h>

#include "abi/rsi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "rec/memory.h"

/* The part of an RsiRealmConfig that is not zero. */
#define CONFIG_SIZE offsetof(struct rsi_realm_config, reserved_240)

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
static void describe(const struct rec *rec, uint8_t config[CONFIG_SIZE])
{
	const struct rd *rd = rec_realm(rec);
	uint64_t width = rd->s2.ipa_bits;

	memset(config, 0, CONFIG_SIZE);
	memcpy(config + offsetof(struct rsi_realm_config, ipa_width), &width, sizeof(width));
	config[offsetof(struct rsi_realm_config, hash_algo)] = rd->hash_algo;
	memcpy(config + offsetof(struct rsi_realm_config, rpv), rd->rpv, sizeof(rd->rpv));
}

enum rsi_outcome rsi_realm_config(struct rec *rec, struct rsi_out *out, struct rmi_rec_exit *exit)
{
	ipa_t addr = ipa_of(rec->vcpu.gprs[1]);
	uint8_t config[CONFIG_SIZE];

	out->x[0] = check(rec, addr);
	if (out->x[0] != RSI_SUCCESS) {
		return RSI_RETURN;
	}

	describe(rec, config);
	switch (rec_memory_write_page(rec, addr, config, sizeof(config), exit)) {
	case REC_MEMORY_DONE:
		break;
	case REC_MEMORY_REFUSED:
		out->x[0] = RSI_ERROR_INPUT;
		break;
	case REC_MEMORY_MISSING:
		return RSI_AGAIN;
	}
	return RSI_RETURN;
}
