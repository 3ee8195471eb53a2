// SPDX-License-Identifier: BSD-3-Clause
/*
 * Names of trapped system registers, and what the RMM answers (RMM specification A2.1.2, A4.3.5).
 */
#ifndef RMM_REC_SYSREG_H
#define RMM_REC_SYSREG_H

#include "rec/rec.h"

/* A register's name as the syndrome of a trapped MSR or MRS spells it, its other fields zero. */
#define SYSREG(op0, op1, crn, crm, op2)                                          \
	((uint64_t)(op0) << 20 | (uint64_t)(op2) << 17 | (uint64_t)(op1) << 14 | \
	 (uint64_t)(crn) << 10 | (uint64_t)(crm) << 1)

#define SYSREG_NAME_MASK SYSREG(3, 7, 15, 15, 7)

/*
 * What this realm reads from the identification register `name` of the space op0 3, op1 0, CRn 0,
 * CRm 1..7: the CPU's value less everything that realms are not offered. 0 for registers whose
 * features are all hidden.
 */
uint64_t sysreg_identification(const struct rec *rec, uint64_t name);

#endif
