// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Confidential Shared Memory, revision 1.2: host commands, realm commands, exits and structures.
 * docs/csm-spec.md specifies the commands; commands-csm.def lists their failure conditions. Codes
 * are in status.h, the realm id claim is in token.h.
 */
#ifndef ABI_CSM_H
#define ABI_CSM_H

#include "types.h"

#define CSM_REVISION ABI_REVISION(1, 2)

/* RMI_FEATURES and RSI_FEATURES answer CSM_REVISION at this index, zero without CSM. */
#define CSM_FEATURE_INDEX ABI_UL(0x43534D)

/*
 * Host commands. EL3 forwards 0xC4000150..0xC400018F to the RMM; RMM 1.0, 1.1 and 2.0 leave these
 * two numbers free.
 */
#define RMI_APT_CREATE_FID  ABI_U(0xC4000170)
#define RMI_APT_DESTROY_FID ABI_U(0xC4000171)

/*
 * Exit reasons. Notices: the realm's command has taken effect already and the next RMI_REC_ENTER
 * goes on. ripas_base and ripas_top of the exit carry the range [base, base + size); of a signal,
 * ripas_base carries the receiver's RD, or zero for every realm that uses CSM.
 */
#define RMI_EXIT_CSM_PROVIDER ABI_U(0x40)
#define RMI_EXIT_CSM_CONSUMER ABI_U(0x41)
#define RMI_EXIT_CSM_REMOVED  ABI_U(0x42)
#define RMI_EXIT_CSM_SIGNAL   ABI_U(0x43)

/*
 * A request: RSI_CSM_CREATE has not taken effect, because one block entry reaches across an edge of
 * the region. ripas_base and ripas_top carry the IPA range of the entry. The host splits it with
 * RMI_RTT_CREATE; the next RMI_REC_ENTER repeats the command.
 */
#define RMI_EXIT_CSM_SPLIT ABI_U(0x44)

/* Realm commands, in the vendor range. */
#define RSI_CSM_FID_FIRST ABI_U(0xC6000100)
#define RSI_CSM_FID_LAST  ABI_U(0xC600010E)

#define RSI_CSM_SELF_FID            ABI_U(0xC6000100)
#define RSI_CSM_CREATE_FID          ABI_U(0xC6000101)
#define RSI_CSM_SHARE_FID           ABI_U(0xC6000102)
#define RSI_CSM_REVOKE_FID          ABI_U(0xC6000103)
#define RSI_CSM_DESTROY_FID         ABI_U(0xC6000104)
#define RSI_CSM_RESERVE_FID         ABI_U(0xC6000105)
#define RSI_CSM_ATTACH_FID          ABI_U(0xC6000106)
#define RSI_CSM_DETACH_AND_FREE_FID ABI_U(0xC6000107)
#define RSI_CSM_QUERY_FID           ABI_U(0xC6000108)
#define RSI_CSM_SEAL_FID            ABI_U(0xC6000109)
#define RSI_CSM_DIGEST_FID          ABI_U(0xC600010A)
#define RSI_CSM_SIGNAL_FID          ABI_U(0xC600010B)
#define RSI_CSM_SIGNAL_TAKE_FID     ABI_U(0xC600010C)
#define RSI_CSM_PEER_FID            ABI_U(0xC600010D)
#define RSI_CSM_RECORD_FID          ABI_U(0xC600010E)

/* Limits. */
#define CSM_MAX_APT_GRANULES 64
#define CSM_MAX_CONSUMERS    256 /* attached to one region */
#define CSM_MAX_LEAVES       512 /* table entries that one call may touch */
#define CSM_DIGEST_SIZE      64  /* SHA-512 */
#define CSM_REALM_ID_SIZE    8

/* Consumer id of a grant for whoever meets its policy. No realm has it. */
#define CSM_REALM_ANY ABI_UL(0)

/* Permissions. Read is always set. */
#define CSM_PERM_READ  (ABI_UL(1) << 0)
#define CSM_PERM_WRITE (ABI_UL(1) << 1)
#define CSM_PERM_EXEC  (ABI_UL(1) << 2)
#define CSM_PERM_ALL   (CSM_PERM_READ | CSM_PERM_WRITE | CSM_PERM_EXEC)

/* x4 of RSI_CSM_QUERY: permissions | state << 8 | flags << 16. */
#define CSM_QUERY_PERM_SHIFT  0
#define CSM_QUERY_PERM_WIDTH  8
#define CSM_QUERY_STATE_SHIFT 8
#define CSM_QUERY_STATE_WIDTH 8
#define CSM_QUERY_FLAGS_SHIFT 16
#define CSM_QUERY_FLAGS_WIDTH 16

/* State of a region as the caller of RSI_CSM_QUERY stands to it. */
#define CSM_STATE_OWN      ABI_U(0) /* the caller's own */
#define CSM_STATE_GRANTED  ABI_U(1) /* granted, nothing done yet */
#define CSM_STATE_RESERVED ABI_U(2)
#define CSM_STATE_ATTACHED ABI_U(3)
#define CSM_STATE_ENDED    ABI_U(4) /* region or grant is gone; only DETACH_AND_FREE is left */

#define CSM_FLAG_SEALED (ABI_U(1) << 0)
#define CSM_FLAG_ANY    (ABI_U(1) << 1) /* the consent in force is the ANY grant */
#define CSM_FLAG_ENDING (ABI_U(1) << 2) /* REVOKE or DESTROY is under way */
#define CSM_FLAG_DIGEST (ABI_U(1) << 3) /* of RSI_CSM_RECORD: the digest is known */

/*
 * Records as RSI_CSM_RECORD and the sharings claim have them: word 0 is kind | permissions << 8 |
 * state << 16 | flags << 24.
 */
#define CSM_RECORD_KIND_SHIFT  0
#define CSM_RECORD_KIND_WIDTH  8
#define CSM_RECORD_PERM_SHIFT  8
#define CSM_RECORD_PERM_WIDTH  8
#define CSM_RECORD_STATE_SHIFT 16
#define CSM_RECORD_STATE_WIDTH 8
#define CSM_RECORD_FLAGS_SHIFT 24
#define CSM_RECORD_FLAGS_WIDTH 8
#define CSM_RECORD_NONE        ABI_U(0)
#define CSM_RECORD_REGION      ABI_U(1)
#define CSM_RECORD_GRANT       ABI_U(2)
#define CSM_RECORD_ATTACHMENT  ABI_U(3)
#define CSM_RECORD_SIZE        0x80
#define CSM_RECORDS_MAX        64 /* that the claim covers */

/* Signals: bits [47:0] belong to the realms, the others are set by the RMM alone. */
#define CSM_SIGNAL_USER_MASK    ((ABI_UL(1) << 48) - 1)
#define CSM_SIGNAL_PEER_ENDED   (ABI_UL(1) << 63)
#define CSM_SIGNAL_REGION_ENDED (ABI_UL(1) << 62) /* region destroyed or grant revoked */
#define CSM_SIGNAL_ATTACHED     (ABI_UL(1) << 61)
#define CSM_SIGNAL_DETACHED     (ABI_UL(1) << 60)
#define CSM_SIGNAL_PAGE_LOST    (ABI_UL(1) << 59)

/* Index of RSI_CSM_PEER: a measurement slot (0 RIM, 1 to 4 REM), or the personalization value. */
#define CSM_PEER_RIM       ABI_U(0)
#define CSM_PEER_REM_FIRST ABI_U(1)
#define CSM_PEER_REM_LAST  ABI_U(4)
#define CSM_PEER_RPV       ABI_U(5)

/* Policy. At most one REM is checked. */
#define CSM_POLICY_VERSION    ABI_U(1)
#define CSM_POLICY_SIZE       0x100
#define CSM_POLICY_ALIGN      8
#define CSM_POLICY_RIM        (ABI_U(1) << 0)
#define CSM_POLICY_REM(n)     (ABI_U(1) << (1 + (n))) /* n = 0..3: measurement slot n + 1 */
#define CSM_POLICY_REM_MASK   (ABI_U(0xf) << 1)
#define CSM_POLICY_RPV        (ABI_U(1) << 5)
#define CSM_POLICY_FLAGS_MASK ABI_U(0x3f)
#define CSM_POLICY_SHA_256    ABI_U(0)
#define CSM_POLICY_SHA_512    ABI_U(1)
#define CSM_POLICY_VALUE_SIZE 64

#ifndef __ASSEMBLER__

/*
 * What a consent demands of the peer. In the caller's memory, aligned to 8 bytes, within a granule.
 * Reserved fields must be zero. A 32-byte hash fills the first half of its field, the rest is zero.
 */
struct rsi_csm_policy {
	abi_u32 version; /* CSM_POLICY_VERSION */
	abi_u32 flags;   /* CSM_POLICY_RIM, _REM(n), _RPV: which values are compared */
	abi_u8 hash_algo;
	abi_u8 reserved_09[7];
	abi_u64 reserved_10;
	abi_u8 reserved_18[0x28];
	abi_u8 rim[CSM_POLICY_VALUE_SIZE];
	abi_u8 rem[CSM_POLICY_VALUE_SIZE];
	abi_u8 rpv[CSM_POLICY_VALUE_SIZE];
};

/*
 * A record as it is hashed for the sharings claim; numbers are little endian. peer: the other realm
 * of a grant (0: ANY) or attachment, zero of a region. digest: SHA-512 of a region with
 * CSM_FLAG_DIGEST, else zero.
 */
struct rsi_csm_record {
	abi_u64 packed;
	abi_u64 peer;
	abi_u64 region;
	abi_u64 size;
	abi_u8 reserved_20[0x20];
	abi_u8 digest[CSM_DIGEST_SIZE];
};

static inline abi_u64 rsi_csm_record_pack(abi_u64 kind, abi_u64 perm, abi_u64 state, abi_u64 flags)
{
	return ABI_FIELD_PREP(CSM_RECORD_KIND, kind) | ABI_FIELD_PREP(CSM_RECORD_PERM, perm) |
	       ABI_FIELD_PREP(CSM_RECORD_STATE, state) | ABI_FIELD_PREP(CSM_RECORD_FLAGS, flags);
}

static inline abi_u64 rsi_csm_record_kind(abi_u64 packed)
{
	return ABI_FIELD_GET(CSM_RECORD_KIND, packed);
}

static inline abi_u64 rsi_csm_record_perm(abi_u64 packed)
{
	return ABI_FIELD_GET(CSM_RECORD_PERM, packed);
}

static inline abi_u64 rsi_csm_record_state(abi_u64 packed)
{
	return ABI_FIELD_GET(CSM_RECORD_STATE, packed);
}

static inline abi_u64 rsi_csm_record_flags(abi_u64 packed)
{
	return ABI_FIELD_GET(CSM_RECORD_FLAGS, packed);
}

static inline abi_u64 rsi_csm_query_pack(abi_u64 perm, abi_u64 state, abi_u64 flags)
{
	return ABI_FIELD_PREP(CSM_QUERY_PERM, perm) | ABI_FIELD_PREP(CSM_QUERY_STATE, state) |
	       ABI_FIELD_PREP(CSM_QUERY_FLAGS, flags);
}

static inline abi_u64 rsi_csm_query_perm(abi_u64 x4)
{
	return ABI_FIELD_GET(CSM_QUERY_PERM, x4);
}

static inline abi_u64 rsi_csm_query_state(abi_u64 x4)
{
	return ABI_FIELD_GET(CSM_QUERY_STATE, x4);
}

static inline abi_u64 rsi_csm_query_flags(abi_u64 x4)
{
	return ABI_FIELD_GET(CSM_QUERY_FLAGS, x4);
}

#endif
#endif
