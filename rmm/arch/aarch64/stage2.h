// SPDX-License-Identifier: BSD-3-Clause
/*
 * Stage 2 of this CPU while no realm is loaded, and while EL1 registers and translation tables are
 * not of one realm: a table without any entry. Some CPUs execute address translation instructions
 * speculatively (erratum 1165522 of Cortex-A76, and others like it) and keep what they find. They
 * find nothing, as long as these rules hold; HCR_EL2.VM is 1 all the time.
 *
 *  - EL1 registers change only while VTTBR_EL2 names this table, with an ISB on both sides.
 *  - VTCR_EL2 changes only then, too: the table is empty in every format.
 */
#ifndef ARCH_AARCH64_STAGE2_H
#define ARCH_AARCH64_STAGE2_H

#include "base/types.h"

/* VTTBR_EL2 with the empty table and the VMID of another value of it; 0 for none. */
uint64_t stage2_empty(uint64_t vttbr);

/* Once after a CPU comes up: makes all this true. */
void stage2_boot(void);

#endif
