// SPDX-License-Identifier: BSD-3-Clause
/*
 * All system registers, op0 2 and 3, whether they have a name or not: what can be read, and what a
 * write changes. sysregs.c lists those that are left alone, each with the reason. One CPU at a
 * time.
 */
#ifndef PAYLOAD_SYSREGS_H
#define PAYLOAD_SYSREGS_H

#include "arch.h"

struct sysreg_sample {
	uint64_t name; /* SYSREG_NAME() */
	uint64_t value;
};

#define SYSREG_NAMES 0x8000U
#define SYSREG_NAME(op0, op1, crn, crm, op2) \
	(((op0) - 2U) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

/* The registers that can be read here, in ascending order of name, but at most `max`. How many. */
unsigned sysregs_sample(struct sysreg_sample *to, unsigned max);
/* Changes as many bits as it can of every register that can be read. */
void sysregs_change(void);

/* `code` is one instruction on x0, which is *value before and after it, and a return. False: the
 * instruction faulted, and *value is unchanged. */
bool sysreg_call(uint64_t *value, const uint32_t *code);

#endif
