// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * The part of PSCI (Arm DEN0022) that a realm is offered, and the codes that a host hands to
 * RMI_PSCI_COMPLETE. Functions with a 32-bit and a 64-bit identifier accept both.
 */
#ifndef ABI_PSCI_H
#define ABI_PSCI_H

#include "types.h"

#define PSCI_REVISION ABI_REVISION(1, 1)

/* All identifiers 0..PSCI_FUNC_LAST of the standard range are PSCI, known or not. */
#define PSCI_FUNC_LAST 0x1f

#define PSCI_VERSION_FID          ABI_U(0x84000000)
#define PSCI_CPU_SUSPEND_32_FID   ABI_U(0x84000001)
#define PSCI_CPU_SUSPEND_FID      ABI_U(0xC4000001)
#define PSCI_CPU_OFF_FID          ABI_U(0x84000002)
#define PSCI_CPU_ON_32_FID        ABI_U(0x84000003)
#define PSCI_CPU_ON_FID           ABI_U(0xC4000003)
#define PSCI_AFFINITY_INFO_32_FID ABI_U(0x84000004)
#define PSCI_AFFINITY_INFO_FID    ABI_U(0xC4000004)
#define PSCI_SYSTEM_OFF_FID       ABI_U(0x84000008)
#define PSCI_SYSTEM_RESET_FID     ABI_U(0x84000009)
#define PSCI_FEATURES_FID         ABI_U(0x8400000A)

/* PsciReturnCode: signed, all of x0. */
#define PSCI_SUCCESS            0
#define PSCI_NOT_SUPPORTED      (-1)
#define PSCI_INVALID_PARAMETERS (-2)
#define PSCI_DENIED             (-3)
#define PSCI_ALREADY_ON         (-4)
#define PSCI_ON_PENDING         (-5)
#define PSCI_INTERNAL_FAILURE   (-6)
#define PSCI_NOT_PRESENT        (-7)
#define PSCI_DISABLED           (-8)
#define PSCI_INVALID_ADDRESS    (-9)

/* Results of AFFINITY_INFO. */
#define PSCI_AFFINITY_ON  0
#define PSCI_AFFINITY_OFF 1

#endif
