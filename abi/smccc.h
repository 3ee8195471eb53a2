// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Function identifiers of the SMC calling convention (Arm DEN0028), as far as CAEC uses them.
 */
#ifndef ABI_SMCCC_H
#define ABI_SMCCC_H

#include "types.h"

/* Fields of a function identifier; bits [63:32] of x0 are not part of it. */
#define SMCCC_FID_FAST        (ABI_U(1) << 31)
#define SMCCC_FID_64          (ABI_U(1) << 30)
#define SMCCC_FID_OWNER_SHIFT 24
#define SMCCC_FID_OWNER_WIDTH 6
/* The caller has no live SVE state. A hint: mask it before comparing identifiers. */
#define SMCCC_FID_SVE_HINT   (ABI_U(1) << 16)
#define SMCCC_FID_FUNC_SHIFT 0
#define SMCCC_FID_FUNC_WIDTH 16

#define SMCCC_OWNER_ARCH       0
#define SMCCC_OWNER_STANDARD   4
#define SMCCC_OWNER_VENDOR_HYP 6

/* Fast calls: standard service in its 32-bit and 64-bit form, and the vendor range of CSM. */
#define SMCCC_FID_STD32(n)    (ABI_U(0x84000000) + (n))
#define SMCCC_FID_STD64(n)    (ABI_U(0xC4000000) + (n))
#define SMCCC_FID_VENDOR64(n) (ABI_U(0xC6000000) + (n))

#define SMCCC_VERSION_FID ABI_U(0x80000000)
#define SMCCC_VERSION_1_2 ABI_REVISION(1, 2)

/* x0 for a function that does not exist: -1. */
#define SMCCC_UNKNOWN (~ABI_UL(0))

#endif
