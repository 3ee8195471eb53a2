// SPDX-License-Identifier: BSD-3-Clause
/*
 * Traps of what a realm does not have and no other register keeps from it: memory partitioning
 * (MPAM) and branch records (BRBE). docs/decisions/realm-traps.md.
 */
#ifndef RMM_CORE_TRAPS_H
#define RMM_CORE_TRAPS_H

/*
 * Sets them on this CPU, until it is powered down. Each CPU calls it when it comes up. What EL3
 * does not open to the RMM it does not open to a realm either, so there is no failure.
 */
void traps_boot(void);

#endif
