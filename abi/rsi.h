// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Realm Services Interface 1.0 (Arm DEN0137 1.0-rel0): the realm's view of the RMM.
 * Arguments, results and failure conditions of each command are in commands.def, codes in status.h.
 */
#ifndef ABI_RSI_H
#define ABI_RSI_H

#include "types.h"

#define RSI_REVISION ABI_REVISION(1, 0)

#define RSI_FID_FIRST ABI_U(0xC4000190)
#define RSI_FID_LAST  ABI_U(0xC4000199)

#define RSI_VERSION_FID                    ABI_U(0xC4000190)
#define RSI_FEATURES_FID                   ABI_U(0xC4000191)
#define RSI_MEASUREMENT_READ_FID           ABI_U(0xC4000192)
#define RSI_MEASUREMENT_EXTEND_FID         ABI_U(0xC4000193)
#define RSI_ATTESTATION_TOKEN_INIT_FID     ABI_U(0xC4000194)
#define RSI_ATTESTATION_TOKEN_CONTINUE_FID ABI_U(0xC4000195)
#define RSI_REALM_CONFIG_FID               ABI_U(0xC4000196)
#define RSI_IPA_STATE_SET_FID              ABI_U(0xC4000197)
#define RSI_IPA_STATE_GET_FID              ABI_U(0xC4000198)
#define RSI_HOST_CALL_FID                  ABI_U(0xC4000199)

/* RsiHashAlgorithm. */
#define RSI_HASH_SHA_256 ABI_U(0)
#define RSI_HASH_SHA_512 ABI_U(1)

/* RsiRipas. DEV is a reserved name: never returned, refused as input. */
#define RSI_RIPAS_EMPTY     ABI_U(0)
#define RSI_RIPAS_RAM       ABI_U(1)
#define RSI_RIPAS_DESTROYED ABI_U(2)
#define RSI_RIPAS_DEV       ABI_U(3)

/* RsiRipasChangeFlags: the change may include pages whose RIPAS is DESTROYED. */
#define RSI_RIPAS_FLAG_CHANGE_DESTROYED (ABI_UL(1) << 0)

/* RsiResponse of RSI_IPA_STATE_SET. */
#define RSI_RESPONSE_ACCEPT ABI_U(0)
#define RSI_RESPONSE_REJECT ABI_U(1)

/* Measurement slots: index 0 is the RIM, 1 to 4 are the REMs. */
#define RSI_MEASUREMENT_RIM       ABI_U(0)
#define RSI_MEASUREMENT_REM_FIRST ABI_U(1)
#define RSI_MEASUREMENT_REM_LAST  ABI_U(4)
#define RSI_MEASUREMENT_SLOTS     5
#define RSI_MEASUREMENT_SIZE      64

#define RSI_CHALLENGE_SIZE   64
#define RSI_RPV_SIZE         64
#define RSI_HOST_CALL_GPRS   31
#define RSI_HOST_CALL_ALIGN  0x100
#define RSI_TOKEN_SIZE_BOUND 0x1000

#ifndef __ASSEMBLER__

/* RsiRealmConfig: written by RSI_REALM_CONFIG over one whole page of the realm. */
struct rsi_realm_config {
	abi_u64 ipa_width; /* bits; the topmost one marks unprotected addresses */
	abi_u8 hash_algo;  /* RSI_HASH_* */
	abi_u8 reserved_009[0x1f7];
	abi_u8 rpv[RSI_RPV_SIZE];
	abi_u8 reserved_240[0xdc0];
};

/* RsiHostCall: read by RSI_HOST_CALL; the host's answer is written to gprs alone. */
struct rsi_host_call {
	abi_u16 imm;
	abi_u8 reserved_02[6];
	abi_u64 gprs[RSI_HOST_CALL_GPRS];
};

#endif
#endif
