// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which VMIDs are in use. The host picks the number, the RMM sees that no two realms share one:
 * they would share translations. Any CPU, no lock.
 */
#ifndef RMM_REALM_VMID_H
#define RMM_REALM_VMID_H

#include "base/types.h"

/* Once at boot: all are free. */
void vmid_boot(void);

/* False if the CPU has no such VMID (more than 8 bits without FEAT_VMID16) or a realm has it. */
bool vmid_reserve(uint16_t vmid);

/* Gives back a reserved one, of which no CPU holds a translation any more. */
void vmid_release(uint16_t vmid);

#endif
