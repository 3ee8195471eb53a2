// SPDX-License-Identifier: BSD-3-Clause
#ifndef PAYLOAD_SMC_REGS_H
#define PAYLOAD_SMC_REGS_H

#include "arch.h"

struct smc_regs {
	uint64_t x[31];
};

/*
 * Loads x0..x30 from r, executes SMC #0, stores x0..x30 to r. Host tests use smc() instead, which
 * keeps the ledger.
 */
void smc_regs(struct smc_regs *r);

#endif
