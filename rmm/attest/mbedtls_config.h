// SPDX-License-Identifier: BSD-3-Clause
/*
 * Mbed TLS as the RMM uses it (MBEDTLS_CONFIG_FILE): PSA with ECDSA on P-384, deterministic, that
 * can stop half way; SHA-256 and SHA-384; a DRBG. No files, no clock, no entropy of its own, no
 * memory but attest/heap.h.
 */
#ifndef RMM_ATTEST_MBEDTLS_CONFIG_H
#define RMM_ATTEST_MBEDTLS_CONFIG_H

#include "attest/heap.h"

#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_PSA_KEY_SLOT_COUNT 2

#define MBEDTLS_BIGNUM_C
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_RESTARTABLE
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C

#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_HMAC_DRBG_C

#define MBEDTLS_HAVE_ASM
#define MBEDTLS_NO_UDBL_DIVISION
#define MBEDTLS_DEPRECATED_REMOVED

#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_CALLOC_MACRO heap_calloc
#define MBEDTLS_PLATFORM_FREE_MACRO   heap_free
#define MBEDTLS_PLATFORM_ZEROIZE_ALT

/* Nobody else writes to the buffers that the RMM passes: no copies of them are made. */
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS

#endif
