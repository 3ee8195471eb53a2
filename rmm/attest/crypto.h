// SPDX-License-Identifier: BSD-3-Clause
/*
 * What tokens need of cryptography, over PSA as Mbed TLS has it. Only attest/ sees this header.
 *
 * Everything allocates from the calling CPU's open heap (attest/heap.h). The key and the random
 * number generators are made once, at boot, in a heap of their own.
 */
#ifndef RMM_ATTEST_CRYPTO_H
#define RMM_ATTEST_CRYPTO_H

#include "base/types.h"

/* The library is compiled with this configuration; whoever sees its types must see it too. */
#ifndef MBEDTLS_CONFIG_FILE
#define MBEDTLS_CONFIG_FILE "attest/mbedtls_config.h"
#endif
#include <psa/crypto.h>

#define CRYPTO_KEY_SIZE       48U /* the private scalar of P-384, big endian */
#define CRYPTO_POINT_SIZE     97U /* 0x04, x, y */
#define CRYPTO_SHA_384_SIZE   48U
#define CRYPTO_SIGNATURE_SIZE 96U /* r, s */

/*
 * Primary CPU, once: seeds the generators of all CPUs, takes over the signing key and computes its
 * public point. False if the CPU has no entropy, the key is not one of P-384, or memory is short.
 * The caller wipes its copy of the key.
 */
bool crypto_boot(const uint8_t key[CRYPTO_KEY_SIZE], uint8_t point[CRYPTO_POINT_SIZE]);

/* The opposite: the key is wiped and nothing of a boot is left. Before any boot it does nothing. */
void crypto_forget(void);

/* SHA-384 of two byte strings, one after the other. False if memory is short. */
bool crypto_sha384(const void *first, size_t first_size, const void *second, size_t second_size,
		   uint8_t hash[CRYPTO_SHA_384_SIZE]);

/* A signature in the making, moved on by the CPU that holds its REC. Zero: none. */
struct crypto_signing {
	psa_sign_hash_interruptible_operation_t operation;
};

enum crypto_progress {
	CRYPTO_WORKING,
	CRYPTO_DONE,
	CRYPTO_FAILED, /* out of memory or entropy */
};

/* Begins an ECDSA signature with the boot's key. False if it failed; nothing is then left. */
bool crypto_sign_begin(struct crypto_signing *signing, const uint8_t hash[CRYPTO_SHA_384_SIZE]);

/*
 * Does a bounded piece of it, some hundred microseconds on current CPUs. After CRYPTO_DONE the
 * signature is there; after that or CRYPTO_FAILED everything has been freed and wiped.
 */
enum crypto_progress crypto_sign_step(struct crypto_signing *signing,
				      uint8_t signature[CRYPTO_SIGNATURE_SIZE]);

/* Gives up a signature at any point: frees and wipes. */
void crypto_sign_abort(struct crypto_signing *signing);

#endif
