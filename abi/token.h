// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * CCA attestation token: CBOR tags, COSE numbers and claim keys (Arm DEN0137 A7.2; RFC 9052, 9053).
 * Constants only. Keys are CBOR integers, negative ones included.
 */
#ifndef ABI_TOKEN_H
#define ABI_TOKEN_H

#include "types.h"

/*
 * The outer map: tag 399, two byte strings, the platform token first. With tag 907 it is a CMW
 * collection (RFC 9999): each byte string is in an array, behind its content format.
 */
#define CCA_TOKEN_TAG      399
#define CCA_TOKEN_TAG_CMW  907
#define CCA_TOKEN_EAT_CWT  263
#define CCA_TOKEN_PLATFORM 44234
#define CCA_TOKEN_REALM    44241
#define CCA_TOKEN_SIZE_MAX 0x1000

/* COSE_Sign1. The realm token is ES384: SHA-384, ECDSA on P-384, signature r then s. */
#define COSE_TAG_SIGN1            18
#define COSE_SIGN1_ELEMENTS       4
#define COSE_SIGN1_CONTEXT        "Signature1"
#define COSE_HEADER_ALG           1
#define COSE_HEADER_KID           4
#define COSE_ALG_ES256            (-7)
#define COSE_ALG_ES384            (-35)
#define COSE_ALG_ES512            (-36)
#define COSE_ES384_SIGNATURE_SIZE 96
#define COSE_ES384_HASH_SIZE      48

/* COSE_Key of the realm attestation key: map of kty, crv, x, y. */
#define COSE_KEY_KTY                  1
#define COSE_KEY_KTY_EC2              2
#define COSE_KEY_EC2_CRV              (-1)
#define COSE_KEY_EC2_X                (-2)
#define COSE_KEY_EC2_Y                (-3)
#define COSE_KEY_CRV_P256             1
#define COSE_KEY_CRV_P384             2
#define COSE_KEY_CRV_P521             3
#define COSE_KEY_P384_COORDINATE_SIZE 48
#define COSE_KEY_P384_SIZE            107

/* Claims in both tokens. */
#define CCA_CLAIM_CHALLENGE 10
#define CCA_CLAIM_PROFILE   265

/* Realm token. */
#define CCA_REALM_PROFILE              "tag:arm.com,2023:realm#1.0.0"
#define CCA_REALM_RPV                  44235
#define CCA_REALM_HASH_ALGO            44236
#define CCA_REALM_PUBLIC_KEY           44237
#define CCA_REALM_RIM                  44238
#define CCA_REALM_REMS                 44239
#define CCA_REALM_PUBLIC_KEY_HASH_ALGO 44240
#define CCA_REALM_REM_COUNT            4
#define CCA_REALM_CHALLENGE_SIZE       64
#define CCA_REALM_RPV_SIZE             64

/*
 * Realm Instance ID (RMM specification 2.0, A7.2.3.1.3): 0x01 and 32 random bytes, of which the
 * first eight are the realm id.
 */
#define CCA_REALM_INSTANCE_ID      256
#define CCA_REALM_INSTANCE_ID_SIZE 33

/* CSM: the realm id, a byte string of 8 bytes, most significant first. Private-use key. */
#define CCA_REALM_CSM_ID      (-70001)
#define CCA_REALM_CSM_ID_SIZE 8

/*
 * CSM: the sharings of the realm, a byte string: SHA-512 of its records (struct rsi_csm_record) in
 * their order, or empty if there are too many. Private-use key.
 */
#define CCA_REALM_CSM_SHARINGS      (-70002)
#define CCA_REALM_CSM_SHARINGS_SIZE 64

/* Names of hash algorithms in claims. */
#define CCA_HASH_SHA_256 "sha-256"
#define CCA_HASH_SHA_384 "sha-384"
#define CCA_HASH_SHA_512 "sha-512"

/* Platform token. Its challenge is the hash of the COSE_Key in the realm's public key claim. */
#define CCA_PLATFORM_PROFILE                "tag:arm.com,2023:cca_platform#1.0.0"
#define CCA_PLATFORM_INSTANCE_ID            256
#define CCA_PLATFORM_LIFECYCLE              2395
#define CCA_PLATFORM_IMPLEMENTATION_ID      2396
#define CCA_PLATFORM_SW_COMPONENTS          2399
#define CCA_PLATFORM_VERIFICATION_SERVICE   2400
#define CCA_PLATFORM_CONFIG                 2401
#define CCA_PLATFORM_HASH_ALGO              2402
#define CCA_PLATFORM_IMPLEMENTATION_ID_SIZE 32
#define CCA_PLATFORM_INSTANCE_ID_SIZE       33
/* A platform in the state "secured" has a lifecycle within this range. */
#define CCA_LIFECYCLE_SECURED_FIRST 0x3000
#define CCA_LIFECYCLE_SECURED_LAST  0x30ff

/* One map per software component. */
#define CCA_SW_COMPONENT_TYPE        1
#define CCA_SW_COMPONENT_MEASUREMENT 2
#define CCA_SW_COMPONENT_VERSION     4
#define CCA_SW_COMPONENT_SIGNER_ID   5
#define CCA_SW_COMPONENT_HASH_ALGO   6

#endif
