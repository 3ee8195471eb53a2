// SPDX-License-Identifier: BSD-3-Clause
/* The registers that carry a call between the host, EL3 and the RMM. */
#ifndef RMM_BASE_SMC_H
#define RMM_BASE_SMC_H

#include <stdint.h>

/* x0..x7: the function id and up to seven arguments, or x0..x5 of an answer. */
struct smc_regs {
	uint64_t x[8];
};

#endif
