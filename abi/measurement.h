// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * What is hashed into the realm initial measurement (Arm DEN0137 A7.1, C1.11 to C1.13).
 *
 * The RIM starts as the hash of a zero struct rmi_realm_params with flags, s2sz, sve_vl, num_bps,
 * num_wps, pmu_num_ctrs and hash_algo filled in. Each step then hashes one descriptor, 256 bytes,
 * zero but for the fields named here; a 32-byte hash fills the first half of its field. The content
 * of a REC is the hash of a zero struct rmi_rec_params with flags, pc and gprs filled in.
 */
#ifndef ABI_MEASUREMENT_H
#define ABI_MEASUREMENT_H

#include "types.h"

#define MEASUREMENT_SIZE        64 /* a slot, in bytes */
#define MEASUREMENT_SIZE_SHA256 32
#define MEASUREMENT_SIZE_SHA512 64

/* desc_type. */
#define MEASUREMENT_DESC_DATA  ABI_U(0)
#define MEASUREMENT_DESC_REC   ABI_U(1)
#define MEASUREMENT_DESC_RIPAS ABI_U(2)

/* len of every descriptor, and its size. */
#define MEASUREMENT_DESC_SIZE 0x100

#ifndef __ASSEMBLER__

struct measurement_desc_data {
	abi_u8 desc_type;
	abi_u8 reserved_01[7];
	abi_u64 len;
	abi_u8 rim[MEASUREMENT_SIZE]; /* before this step */
	abi_u64 ipa;
	abi_u64 flags;                    /* as given to RMI_DATA_CREATE */
	abi_u8 content[MEASUREMENT_SIZE]; /* zero without RMI_DATA_FLAG_MEASURE */
	abi_u8 reserved_a0[0x60];
};

struct measurement_desc_rec {
	abi_u8 desc_type;
	abi_u8 reserved_01[7];
	abi_u64 len;
	abi_u8 rim[MEASUREMENT_SIZE];
	abi_u8 content[MEASUREMENT_SIZE];
	abi_u8 reserved_90[0x70];
};

/* One per table entry that RMI_RTT_INIT_RIPAS changes, in ascending order. */
struct measurement_desc_ripas {
	abi_u8 desc_type;
	abi_u8 reserved_01[7];
	abi_u64 len;
	abi_u8 rim[MEASUREMENT_SIZE];
	abi_u64 base;
	abi_u64 top;
	abi_u8 reserved_60[0xa0];
};

#endif
#endif
