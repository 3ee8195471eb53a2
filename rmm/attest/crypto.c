// SPDX-License-Identifier: BSD-3-Clause
#include "attest/crypto.h"

#include <mbedtls/hmac_drbg.h>
#include <mbedtls/platform_util.h>

#include "arch/cpu.h"
#include "arch/random.h"
#include "base/assert.h"
#include "base/spinlock.h"
#include "base/wipe.h"

/* Point multiplications are cut into pieces of this many of the library's operations. */
#define SIGN_PIECE 200U

#define ENTROPY_TRIES 1000U

#define KEY_ALGORITHM PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_384)

static mbedtls_hmac_drbg_context generators[ARCH_MAX_CPUS];
static psa_key_id_t key_id;

/* The library's table of keys is not made for several CPUs. */
static struct spinlock key_lock;

/* Mbed TLS calls this to wipe secrets; the compiler must not remove it. */
void mbedtls_platform_zeroize(void *buf, size_t len)
{
	wipe(buf, len);
}

static bool random_word(uint64_t *word)
{
	for (unsigned int tries = 0; tries < ENTROPY_TRIES; tries++) {
		if (arch_random(word)) {
			return true;
		}
		arch_cpu_relax();
	}
	return false;
}

/* Entropy source of the generators. */
static int entropy(void *context, unsigned char *out, size_t size)
{
	uint64_t word = 0;
	int result = 0;

	(void)context;
	for (size_t i = 0; i < size && result == 0; i++) {
		if (i % sizeof(word) == 0 && !random_word(&word)) {
			result = MBEDTLS_ERR_HMAC_DRBG_ENTROPY_SOURCE_FAILED;
		}
		out[i] = (unsigned char)(word >> (8 * (i % sizeof(word))));
	}
	wipe(&word, sizeof(word));
	return result;
}

/* Random numbers of the library: blinding, and the check of what it computes. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
					     uint8_t *output, size_t output_size,
					     size_t *output_length)
{
	(void)context;
	*output_length = 0;
	if (mbedtls_hmac_drbg_random(&generators[arch_cpu_index()], output, output_size) != 0) {
		return PSA_ERROR_INSUFFICIENT_ENTROPY;
	}
	*output_length = output_size;
	return PSA_SUCCESS;
}

static bool seed_generators(void)
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);

	for (unsigned int cpu = 0; cpu < ARCH_MAX_CPUS; cpu++) {
		uint8_t name = (uint8_t)cpu;

		mbedtls_hmac_drbg_init(&generators[cpu]);
		if (mbedtls_hmac_drbg_seed(&generators[cpu], sha256, entropy, NULL, &name,
					   sizeof(name)) != 0) {
			return false;
		}
	}
	return true;
}

static bool take_key(const uint8_t key[CRYPTO_KEY_SIZE])
{
	psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

	psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
	psa_set_key_bits(&attributes, 384);
	psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
	psa_set_key_algorithm(&attributes, KEY_ALGORITHM);
	return psa_import_key(&attributes, key, CRYPTO_KEY_SIZE, &key_id) == PSA_SUCCESS;
}

bool crypto_boot(const uint8_t key[CRYPTO_KEY_SIZE], uint8_t point[CRYPTO_POINT_SIZE])
{
	size_t size;

	crypto_forget();
	if (!seed_generators() || psa_crypto_init() != PSA_SUCCESS || !take_key(key) ||
	    psa_export_public_key(key_id, point, CRYPTO_POINT_SIZE, &size) != PSA_SUCCESS ||
	    size != CRYPTO_POINT_SIZE) {
		crypto_forget();
		return false;
	}
	psa_interruptible_set_max_ops(SIGN_PIECE);
	return true;
}

void crypto_forget(void)
{
	if (key_id != 0) {
		(void)psa_destroy_key(key_id);
		key_id = 0;
	}
	mbedtls_psa_crypto_free();
	for (unsigned int cpu = 0; cpu < ARCH_MAX_CPUS; cpu++) {
		mbedtls_hmac_drbg_free(&generators[cpu]);
	}
}

bool crypto_sha384(const void *first, size_t first_size, const void *second, size_t second_size,
		   uint8_t hash[CRYPTO_SHA_384_SIZE])
{
	psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
	size_t size = 0;
	bool done = psa_hash_setup(&operation, PSA_ALG_SHA_384) == PSA_SUCCESS &&
		    psa_hash_update(&operation, first, first_size) == PSA_SUCCESS &&
		    psa_hash_update(&operation, second, second_size) == PSA_SUCCESS &&
		    psa_hash_finish(&operation, hash, CRYPTO_SHA_384_SIZE, &size) == PSA_SUCCESS;

	(void)psa_hash_abort(&operation);
	return done && size == CRYPTO_SHA_384_SIZE;
}

bool crypto_sign_begin(struct crypto_signing *signing, const uint8_t hash[CRYPTO_SHA_384_SIZE])
{
	psa_status_t status;

	*signing = (struct crypto_signing){PSA_SIGN_HASH_INTERRUPTIBLE_OPERATION_INIT};
	spinlock_take(&key_lock);
	status = psa_sign_hash_start(&signing->operation, key_id, KEY_ALGORITHM, hash,
				     CRYPTO_SHA_384_SIZE);
	spinlock_release(&key_lock);
	if (status != PSA_SUCCESS) {
		crypto_sign_abort(signing);
	}
	return status == PSA_SUCCESS;
}

enum crypto_progress crypto_sign_step(struct crypto_signing *signing,
				      uint8_t signature[CRYPTO_SIGNATURE_SIZE])
{
	size_t size = 0;
	psa_status_t status = psa_sign_hash_complete(&signing->operation, signature,
						     CRYPTO_SIGNATURE_SIZE, &size);

	if (status == PSA_OPERATION_INCOMPLETE) {
		return CRYPTO_WORKING;
	}
	crypto_sign_abort(signing);
	return status == PSA_SUCCESS && size == CRYPTO_SIGNATURE_SIZE ? CRYPTO_DONE : CRYPTO_FAILED;
}

void crypto_sign_abort(struct crypto_signing *signing)
{
	(void)psa_sign_hash_abort(&signing->operation);
	wipe(signing, sizeof(*signing));
}
