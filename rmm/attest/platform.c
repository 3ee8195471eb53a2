// SPDX-License-Identifier: BSD-3-Clause
/*
 * Boot: key and platform token from EL3 (RMM-EL3 communication interface 0.4). The platform vouches
 * for the realm key because the challenge of its token is the hash of that key's COSE_Key (RMM
 * specification A7.2.3.1).
 */
#include <string.h>

#include "abi/el3.h"
#include "arch/el3.h"
#include "arch/space.h"
#include "attest/attest_internal.h"
#include "attest/cbor.h"
#include "base/hash.h"
#include "base/wipe.h"

/* EL3 may be busy with the token: how often it is asked before it counts as failed. */
#define BUSY_TRIES 100000U

/* The heap that keys and generators stay in. */
#define BOOT_HEAP_PAGES HEAP_MAX_PAGES

static uint8_t boot_pages[BOOT_HEAP_PAGES][GRANULE_SIZE] __attribute__((aligned(16)));
static struct attest_platform platform;

const struct attest_platform *attest_platform(void)
{
	return &platform;
}

/* The page that EL3 and the RMM share, and where this CPU sees it. */
struct shared {
	pa_t pa;
	uint8_t *bytes;
};

static bool fetch_key(const struct shared *shared, uint8_t key[CRYPTO_KEY_SIZE])
{
	struct arch_el3_result result =
		arch_el3_call(EL3_ATTEST_GET_REALM_KEY_FID, shared->pa.v, EL3_SHARED_BUFFER_SIZE,
			      EL3_CURVE_SECP384R1, 0);
	bool good = result.status == EL3_OK && result.x1 == EL3_REALM_KEY_SIZE;

	if (good) {
		memcpy(key, shared->bytes, CRYPTO_KEY_SIZE);
	}
	wipe(shared->bytes, EL3_SHARED_BUFFER_SIZE);
	return good;
}

/* COSE_Key of an uncompressed point. */
static void encode_public_key(const uint8_t point[CRYPTO_POINT_SIZE])
{
	struct cbor cbor = cbor_into(platform.public_key, sizeof(platform.public_key));

	cbor_map(&cbor, 4);
	cbor_int(&cbor, COSE_KEY_KTY);
	cbor_int(&cbor, COSE_KEY_KTY_EC2);
	cbor_int(&cbor, COSE_KEY_EC2_CRV);
	cbor_int(&cbor, COSE_KEY_CRV_P384);
	cbor_int(&cbor, COSE_KEY_EC2_X);
	cbor_bytes(&cbor, point + 1, COSE_KEY_P384_COORDINATE_SIZE);
	cbor_int(&cbor, COSE_KEY_EC2_Y);
	cbor_bytes(&cbor, point + 1 + COSE_KEY_P384_COORDINATE_SIZE, COSE_KEY_P384_COORDINATE_SIZE);
}

static struct arch_el3_result fetch_hunk(const struct shared *shared, size_t challenge_size)
{
	struct arch_el3_result result;
	unsigned int tries = 0;

	do {
		result = arch_el3_call(EL3_ATTEST_GET_PLAT_TOKEN_FID, shared->pa.v,
				       EL3_SHARED_BUFFER_SIZE, challenge_size, 0);
	} while (result.status == EL3_AGAIN && ++tries < BUSY_TRIES);
	return result;
}

/* One hunk after the other, until EL3 says that nothing is left. */
static bool fetch_token(const struct shared *shared)
{
	size_t challenge_size = EL3_CHALLENGE_SHA256;
	uint64_t left;

	platform.token_size = 0;
	do {
		struct arch_el3_result result = fetch_hunk(shared, challenge_size);

		if (result.status != EL3_OK || result.x1 == 0 ||
		    result.x1 > EL3_SHARED_BUFFER_SIZE ||
		    result.x1 > PLATFORM_TOKEN_MAX - platform.token_size) {
			return false;
		}
		memcpy(platform.token + platform.token_size, shared->bytes, result.x1);
		platform.token_size += result.x1;
		left = result.x2;
		challenge_size = 0;
	} while (left != 0);
	return true;
}

static void open_boot_heap(void)
{
	struct heap heap = {.count = BOOT_HEAP_PAGES};

	for (unsigned int i = 0; i < BOOT_HEAP_PAGES; i++) {
		heap.pages[i] = boot_pages[i];
	}
	heap_open(&heap);
}

/*
 * Imports the attestation key of the realm world and derives its public part. False if EL3 gave
 * none, or a bad one.
 */
static bool make_key(const struct shared *shared)
{
	uint8_t key[CRYPTO_KEY_SIZE];
	uint8_t point[CRYPTO_POINT_SIZE];
	bool good = fetch_key(shared, key);

	if (good) {
		open_boot_heap();
		good = crypto_boot(key, point);
		heap_close();
	}
	wipe(key, sizeof(key));
	if (good) {
		encode_public_key(point);
	}
	return good;
}

static bool bind_token(const struct shared *shared)
{
	uint8_t challenge[HASH_SIZE_MAX];
	bool good;

	hash_of(HASH_SHA_256, platform.public_key, sizeof(platform.public_key), challenge);
	memcpy(shared->bytes, challenge, EL3_CHALLENGE_SHA256);
	good = fetch_token(shared);
	wipe(shared->bytes, EL3_SHARED_BUFFER_SIZE);
	return good;
}

bool attest_boot(pa_t shared_page)
{
	struct shared shared = {
		.pa = shared_page,
		.bytes = arch_slot_map(ARCH_SLOT_SHARED, shared_page, ARCH_PAS_REALM),
	};

	heap_boot();
	platform.ready = make_key(&shared) && bind_token(&shared);
	arch_slot_unmap(ARCH_SLOT_SHARED);
	if (!platform.ready) {
		open_boot_heap();
		crypto_forget();
		heap_close();
	}
	return platform.ready;
}
