// SPDX-License-Identifier: BSD-3-Clause
/*
 * Confidential Shared Memory, the realm's side: every command as a function that returns x0, and
 * calls again while the answer is RSI_INCOMPLETE. Outputs go where the last arguments point.
 */
#ifndef REALM_CSM_H
#define REALM_CSM_H

#include "abi/csm.h"
#include "runtime.h"

struct smc_regs csm_call_args(uint64_t fid, const uint64_t *args, unsigned count);
#define CSM(command, ...)                                                                \
	csm_call_args(RSI_CSM_##command##_FID, (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		      sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)

uint64_t csm_self(void); /* the realm's id */

uint64_t csm_create(uint64_t base, uint64_t size, uint64_t label, uint64_t *region);
uint64_t csm_share(uint64_t region, uint64_t consumer, uint64_t perm,
		   const struct rsi_csm_policy *p);
uint64_t csm_revoke(uint64_t region, uint64_t consumer);
uint64_t csm_destroy(uint64_t region);
uint64_t csm_seal(uint64_t region);

uint64_t csm_reserve(uint64_t provider, uint64_t region, uint64_t base, uint64_t size,
		     const struct rsi_csm_policy *p);
uint64_t csm_attach(uint64_t provider, uint64_t region, uint64_t *perm);
uint64_t csm_detach(uint64_t provider, uint64_t region);

struct csm_signal {
	uint64_t peer, provider, region, bits;
};
uint64_t csm_signal(const struct csm_signal *signal);
/* peer 0: nothing is pending. */
uint64_t csm_signal_take(struct csm_signal *signal);

#endif
