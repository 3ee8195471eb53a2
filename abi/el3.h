// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * RMM and EL3: how EL3 starts the RMM, how requests reach it, and the services it may call
 * (RMM-EL3 communication interface 0.4, boot manifest 0.3, as in TF-A 2.12).
 */
#ifndef ABI_EL3_H
#define ABI_EL3_H

#include "types.h"

/* x1 at cold boot. 0.3 is the least that has what the RMM calls; 0.4 adds EL3_FEATURES. */
#define EL3_INTERFACE_MAJOR     0
#define EL3_INTERFACE_MINOR_MIN 3
#define EL3_MANIFEST_MAJOR      0
#define EL3_MANIFEST_MINOR_MIN  3

/*
 * Ends a request: x1..x5 become the caller's x0..x4, and the next return is the next request.
 * The same number coming from the normal world is an RMI command (RMI_APT_DESTROY of CSM).
 */
#define EL3_RMI_REQ_COMPLETE_FID ABI_U(0xC400018F)

#define EL3_GTSI_DELEGATE_FID         ABI_U(0xC40001B0) /* x1 PA */
#define EL3_GTSI_UNDELEGATE_FID       ABI_U(0xC40001B1) /* x1 PA */
#define EL3_ATTEST_GET_REALM_KEY_FID  ABI_U(0xC40001B2) /* x1 PA, x2 size, x3 curve -> x1 size */
#define EL3_ATTEST_GET_PLAT_TOKEN_FID ABI_U(0xC40001B3) /* x1 PA, x2 size, x3 challenge size */
#define EL3_FEATURES_FID              ABI_U(0xC40001B4) /* x1 index -> x1 value */
#define EL3_TOKEN_SIGN_FID            ABI_U(0xC40001B5) /* x1 opcode, x2 PA, x3 size, x4 curve */
#define EL3_BOOT_COMPLETE_FID         ABI_U(0xC40001CF) /* x1 EL3_BOOT_* */

/* Answer of a service: x0, signed 32 bits. */
#define EL3_OK          0
#define EL3_UNKNOWN     (-1)
#define EL3_BAD_ADDRESS (-2)
#define EL3_BAD_PAS     (-3)
#define EL3_NO_MEMORY   (-4)
#define EL3_INVALID     (-5)
#define EL3_AGAIN       (-6)

/* x1 of EL3_BOOT_COMPLETE. Any failure on any CPU closes the realm world. */
#define EL3_BOOT_SUCCESS          0
#define EL3_BOOT_UNKNOWN          (-1)
#define EL3_BOOT_VERSION          (-2)
#define EL3_BOOT_CPUS             (-3)
#define EL3_BOOT_CPU_ID           (-4)
#define EL3_BOOT_SHARED_BUFFER    (-5)
#define EL3_BOOT_MANIFEST_VERSION (-6)
#define EL3_BOOT_MANIFEST_DATA    (-7)

/* The page shared by EL3 and all CPUs of the RMM; the boot manifest is at its start. */
#define EL3_SHARED_BUFFER_SIZE ABI_GRANULE_SIZE

/* EL3_ATTEST_GET_REALM_KEY: the only curve, and its private scalar (raw, big endian). */
#define EL3_CURVE_SECP384R1 ABI_U(0)
#define EL3_REALM_KEY_SIZE  48

/* EL3_ATTEST_GET_PLAT_TOKEN: challenge sizes in bytes. */
#define EL3_CHALLENGE_SHA256 32
#define EL3_CHALLENGE_SHA384 48
#define EL3_CHALLENGE_SHA512 64

/* EL3_FEATURES, index 0. */
#define EL3_FEATURE0_TOKEN_SIGN (ABI_UL(1) << 0)

/* EL3_TOKEN_SIGN. */
#define EL3_TOKEN_SIGN_PUSH       ABI_U(1)
#define EL3_TOKEN_SIGN_PULL       ABI_U(2)
#define EL3_TOKEN_SIGN_PUBLIC_KEY ABI_U(3)
#define EL3_SIGN_ECDSA_P384       ABI_U(0)
#define EL3_HASH_SHA384           ABI_U(1)

#define EL3_CONSOLE_NAME_SIZE 8

#ifndef __ASSEMBLER__

/*
 * Count, array and checksum: the 64-bit sum of all three and of every word of the array is zero.
 * TF-A 2.12 leaves name and flags of a console out of the sum, later ones do not: accept both.
 */
struct el3_dram_info {
	abi_u64 num_banks;
	abi_u64 banks; /* PA of struct el3_dram_bank[num_banks], in the shared buffer */
	abi_u64 checksum;
};

struct el3_dram_bank {
	abi_u64 base;
	abi_u64 size;
};

struct el3_console_info {
	abi_u64 num_consoles;
	abi_u64 consoles; /* PA of struct el3_console[num_consoles], in the shared buffer */
	abi_u64 checksum;
};

struct el3_console {
	abi_u64 base;                     /* PA of the device */
	abi_u64 map_pages;                /* granules to map from there */
	char name[EL3_CONSOLE_NAME_SIZE]; /* filled up with NUL, not always terminated */
	abi_u64 clk_in_hz;
	abi_u64 baud_rate;
	abi_u64 flags; /* zero */
};

struct el3_boot_manifest {
	abi_u32 version;
	abi_u32 reserved_04;
	abi_u64 plat_data; /* PA or zero */
	struct el3_dram_info plat_dram;
	struct el3_console_info plat_console;
};

/* EL3_TOKEN_SIGN, push: rec_granule and req_ticket come back as they went. */
struct el3_token_sign_request {
	abi_u32 sig_alg_id;
	abi_u32 reserved_04;
	abi_u64 rec_granule;
	abi_u64 req_ticket;
	abi_u32 hash_alg_id;
	abi_u32 reserved_1c;
	abi_u8 hash[48];
};

/* EL3_TOKEN_SIGN, pull. */
struct el3_token_sign_response {
	abi_u64 rec_granule;
	abi_u64 req_ticket;
	abi_u16 sig_len;
	abi_u8 signature[96];
	abi_u8 reserved_72[6];
};

/* The x0 of a service as the signed 32-bit number it is. */
static inline abi_s32 el3_status(abi_u64 x0)
{
	return (abi_s32)(abi_u32)x0;
}

#endif
#endif
