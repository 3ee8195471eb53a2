// SPDX-License-Identifier: BSD-3-Clause
/* Arch interface: calls to EL3 (RMM-EL3 communication interface 0.4). */
#ifndef ARCH_EL3_H
#define ARCH_EL3_H

#include "base/smc.h"
#include "base/types.h"

struct arch_el3_result {
	int64_t status; /* EL3_OK or a negative EL3_E_... of abi/el3.h */
	uint64_t x1;
	uint64_t x2;
	uint64_t x3;
};

/*
 * An EL3 service that returns to its caller (function ids 0xC40001B0...). Never changes worlds;
 * any CPU, any time after the MMU is on.
 */
struct arch_el3_result arch_el3_call(uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
				     uint64_t x4);

/*
 * Leaves the Realm world with x0..x5 of regs (RMM_BOOT_COMPLETE or RMM_RMI_REQ_COMPLETE) and
 * returns with x0..x7 of the host's next call in its place.
 */
void arch_el3_yield(struct smc_regs *regs);

#endif
