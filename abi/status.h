// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Result codes in x0: RMI (packed), RSI, and what CSM adds to both. PSCI codes are in psci.h, those
 * of the EL3 services in el3.h.
 */
#ifndef ABI_STATUS_H
#define ABI_STATUS_H

#include "types.h"

/* RmiStatusCode: bits [7:0] of x0. */
#define RMI_SUCCESS     ABI_U(0)
#define RMI_ERROR_INPUT ABI_U(1)
#define RMI_ERROR_REALM ABI_U(2)
#define RMI_ERROR_REC   ABI_U(3)
#define RMI_ERROR_RTT   ABI_U(4)
/* CSM: work is left, nothing is wrong; call again with the same arguments. */
#define CSM_INCOMPLETE ABI_U(0x80)

#define RMI_STATUS_CODE_SHIFT  0
#define RMI_STATUS_CODE_WIDTH  8
#define RMI_STATUS_INDEX_SHIFT 8
#define RMI_STATUS_INDEX_WIDTH 8

/* Index that goes with RMI_ERROR_REALM from RMI_REC_ENTER. */
#define RMI_REALM_INDEX_NEW        ABI_U(0)
#define RMI_REALM_INDEX_SYSTEM_OFF ABI_U(1)

/*
 * RsiCommandReturnCode: all of x0. In the kernel its own definitions stand, with the same values.
 */
#ifndef RSI_SUCCESS
#define RSI_SUCCESS       ABI_U(0)
#define RSI_ERROR_INPUT   ABI_U(1)
#define RSI_ERROR_STATE   ABI_U(2)
#define RSI_INCOMPLETE    ABI_U(3)
#define RSI_ERROR_UNKNOWN ABI_U(4)
#endif
/* One answer for no such provider, no such region, no grant and no match: nothing can be probed. */
#define CSM_ERROR_ACCESS   ABI_U(0x100)
#define CSM_ERROR_NO_SPACE ABI_U(0x101)
#define CSM_ERROR_NO_APT   ABI_U(0x102)
/* A page of the region is not there: the host took it, or has never brought it. */
#define CSM_ERROR_PAGES ABI_U(0x103)

#ifndef __ASSEMBLER__

/* The x0 of an RMI command: code and index, everything above bit 15 zero. */
static inline abi_u64 rmi_status_pack(abi_u8 code, abi_u8 index)
{
	return (abi_u64)code | ((abi_u64)index << RMI_STATUS_INDEX_SHIFT);
}

/* RMI_ERROR_RTT with the level at which the walk stopped (-1..3; level -1 is reported as 0xFF). */
static inline abi_u64 rmi_status_rtt(abi_s64 level)
{
	return rmi_status_pack(RMI_ERROR_RTT, (abi_u8)((abi_u64)level & 0xff));
}

static inline abi_u8 rmi_status_code(abi_u64 x0)
{
	return (abi_u8)(x0 & 0xff);
}

static inline abi_u8 rmi_status_index(abi_u64 x0)
{
	return (abi_u8)((x0 >> RMI_STATUS_INDEX_SHIFT) & 0xff);
}

/* The level that goes with RMI_ERROR_RTT: the index read as a signed byte. */
static inline int rmi_status_level(abi_u64 x0)
{
	int index = rmi_status_index(x0);

	return index < 0x80 ? index : index - 0x100;
}

#endif
#endif
