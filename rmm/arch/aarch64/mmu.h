// SPDX-License-Identifier: BSD-3-Clause
/* Stage-1 tables of the RMM, for the entry code. */
#ifndef ARCH_AARCH64_MMU_H
#define ARCH_AARCH64_MMU_H

#include "base/types.h"

/*
 * Builds all tables: image, window (empty) and the space of every CPU. Runs once on the primary
 * with the MMU off.
 */
void mmu_build(void);

#endif
