// SPDX-License-Identifier: BSD-3-Clause
/* SMC to EL3 with every register in sight, with the numbers that the host itself calls. */
#ifndef HOST_SMC_H
#define HOST_SMC_H

#include "abi/psci.h"
#include "abi/smccc.h"
#include "payload/common/smc_regs.h"

/*
 * Issue the call in r->x and leave the registers that came back there. Successful delegations and
 * undelegations are entered in the ledger of mem.h.
 */
void smc(struct smc_regs *r);

/* The same for the common case: the arguments not given are zero. Returns all registers. */
struct smc_regs smc_args(uint64_t fid, const uint64_t *args, unsigned count);
#define smc_call(fid, ...)                                        \
	smc_args((fid), (const uint64_t[]){0, ##__VA_ARGS__} + 1, \
		 sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t) - 1)

#endif
