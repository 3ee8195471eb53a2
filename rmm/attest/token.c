// SPDX-License-Identifier: BSD-3-Clause
/*
 * A token is four byte strings, one after the other: the beginning of the outer map, the platform
 * token, the head of the second entry, the realm token. Only the last is made for the REC.
 *
 * A realm token is a COSE_Sign1: its payload is written where it stays, signed, and the signature
 * put behind it.
 */
#include <string.h>

#include "abi/rmi.h"
#include "attest/attest_internal.h"
#include "attest/cbor.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/hash.h"
#include "base/wipe.h"

#define CLAIM_COUNT    11U
#define SIG_HEADER_MAX 32U

/* The protected header: {1: -35}, ES384. */
static const uint8_t protected_header[] = {0xA1, 0x01, 0x38, 0x22};

static struct attest *attest_of(void *const pages[ATTEST_PAGES])
{
	return pages[0];
}

static void open_heap(void *const pages[ATTEST_PAGES])
{
	struct heap heap = {.count = ATTEST_PAGES - 1};

	for (unsigned int i = 0; i < heap.count; i++) {
		heap.pages[i] = pages[1 + i];
	}
	heap_open(&heap);
}

static void put_rems(struct cbor *cbor, const struct attest_claims *claims, size_t size)
{
	cbor_int(cbor, CCA_REALM_REMS);
	cbor_array(cbor, CCA_REALM_REM_COUNT);
	for (unsigned int i = 0; i < CCA_REALM_REM_COUNT; i++) {
		cbor_bytes(cbor, claims->measurement[1 + i], size);
	}
}

static void put_realm_id(struct cbor *cbor, uint64_t id)
{
	uint64_t big_endian = __builtin_bswap64(id);

	cbor_int(cbor, CCA_REALM_CSM_ID);
	cbor_bytes(cbor, &big_endian, sizeof(big_endian));
}

/* Writes the claims of the realm token, in the order of docs/decisions/attestation.md. */
static void put_claims(struct cbor *cbor, const struct attest_claims *claims)
{
	size_t size = hash_size(claims->hash_algo);

	cbor_map(cbor, CLAIM_COUNT);
	cbor_int(cbor, CCA_CLAIM_CHALLENGE);
	cbor_bytes(cbor, claims->challenge, CCA_REALM_CHALLENGE_SIZE);
	cbor_int(cbor, CCA_REALM_RPV);
	cbor_bytes(cbor, claims->rpv, CCA_REALM_RPV_SIZE);
	cbor_int(cbor, CCA_REALM_PUBLIC_KEY);
	cbor_bytes(cbor, attest_platform()->public_key, COSE_KEY_P384_SIZE);
	cbor_int(cbor, CCA_REALM_HASH_ALGO);
	cbor_text(cbor,
		  claims->hash_algo == RMI_HASH_SHA_512 ? CCA_HASH_SHA_512 : CCA_HASH_SHA_256);
	cbor_int(cbor, CCA_REALM_PUBLIC_KEY_HASH_ALGO);
	cbor_text(cbor, CCA_HASH_SHA_256);
	cbor_int(cbor, CCA_CLAIM_PROFILE);
	cbor_text(cbor, CCA_REALM_PROFILE);
	cbor_int(cbor, CCA_REALM_RIM);
	cbor_bytes(cbor, claims->measurement[0], size);
	put_rems(cbor, claims, size);
	cbor_int(cbor, CCA_REALM_INSTANCE_ID);
	cbor_bytes(cbor, claims->instance_id, CCA_REALM_INSTANCE_ID_SIZE);
	put_realm_id(cbor, claims->realm_id);
	cbor_int(cbor, CCA_REALM_CSM_SHARINGS);
	cbor_bytes(cbor, claims->sharings,
		   claims->sharings == NULL ? 0 : CCA_REALM_CSM_SHARINGS_SIZE);
}

/* How long the claims are: a payload's head, written before it, needs that. */
static size_t claims_size(const struct attest_claims *claims)
{
	struct cbor cbor = cbor_into(NULL, 0);

	put_claims(&cbor, claims);
	return cbor.used;
}

/* Hash of the Sig_structure (RFC 9052, 4.4), which says what is signed. */
static bool hash_to_sign(const uint8_t *payload, size_t size, uint8_t hash[CRYPTO_SHA_384_SIZE])
{
	uint8_t header[SIG_HEADER_MAX];
	struct cbor cbor = cbor_into(header, sizeof(header));

	cbor_array(&cbor, 4);
	cbor_text(&cbor, COSE_SIGN1_CONTEXT);
	cbor_bytes(&cbor, protected_header, sizeof(protected_header));
	cbor_bytes(&cbor, NULL, 0);
	cbor_bytes_head(&cbor, size);
	ASSERT(cbor_fits(&cbor));
	return crypto_sha384(header, cbor.used, payload, size, hash);
}

/* Everything of the realm token but the bytes of the signature, which come last. */
static bool write_realm_token(struct attest *attest, const struct attest_claims *claims,
			      uint8_t hash[CRYPTO_SHA_384_SIZE])
{
	struct cbor cbor = cbor_into(attest->realm, sizeof(attest->realm));
	size_t size = claims_size(claims);
	size_t payload;

	cbor_tag(&cbor, COSE_TAG_SIGN1);
	cbor_array(&cbor, COSE_SIGN1_ELEMENTS);
	cbor_bytes(&cbor, protected_header, sizeof(protected_header));
	cbor_map(&cbor, 0);
	cbor_bytes_head(&cbor, size);
	payload = cbor.used;
	put_claims(&cbor, claims);
	cbor_bytes_head(&cbor, CRYPTO_SIGNATURE_SIZE);
	attest->realm_size = cbor.used + CRYPTO_SIGNATURE_SIZE;
	ASSERT(attest->realm_size <= sizeof(attest->realm));
	return hash_to_sign(attest->realm + payload, size, hash);
}

size_t attest_entry_head(uint8_t head[ATTEST_HEAD_MAX], unsigned int tag, bool with_map,
			 int64_t key, size_t token_size)
{
	struct cbor cbor = cbor_into(head, ATTEST_HEAD_MAX);

	if (with_map) {
		cbor_tag(&cbor, tag);
		cbor_map(&cbor, 2);
	}
	cbor_int(&cbor, key);
	if (tag == CCA_TOKEN_TAG_CMW) {
		cbor_array(&cbor, 2);
		cbor_int(&cbor, CCA_TOKEN_EAT_CWT);
	}
	cbor_bytes_head(&cbor, token_size);
	ASSERT(cbor_fits(&cbor));
	return cbor.used;
}

/* The four parts of the whole token. */
struct parts {
	uint8_t first[ATTEST_HEAD_MAX];
	uint8_t second[ATTEST_HEAD_MAX];
	struct {
		const uint8_t *bytes;
		size_t size;
	} part[4];
	size_t total;
};

/*
 * Computes where the parts of the token begin. The size of each part is known before it is written.
 */
static void find_parts(const struct attest *attest, struct parts *parts)
{
	const struct attest_platform *platform = attest_platform();

	parts->part[0].bytes = parts->first;
	parts->part[0].size = attest_entry_head(parts->first, ATTEST_TOKEN_TAG, true,
						CCA_TOKEN_PLATFORM, platform->token_size);
	parts->part[1].bytes = platform->token;
	parts->part[1].size = platform->token_size;
	parts->part[2].bytes = parts->second;
	parts->part[2].size = attest_entry_head(parts->second, ATTEST_TOKEN_TAG, false,
						CCA_TOKEN_REALM, attest->realm_size);
	parts->part[3].bytes = attest->realm;
	parts->part[3].size = attest->realm_size;
	parts->total = 0;
	for (unsigned int i = 0; i < ARRAY_LENGTH(parts->part); i++) {
		parts->total += parts->part[i].size;
	}
}

/* Nothing of a token, made or half made, is left. The heap is open. */
static void forget(struct attest *attest)
{
	if (attest->state == ATTEST_SIGNING) {
		crypto_sign_abort(&attest->signing);
	}
	wipe(attest, sizeof(*attest));
}

bool attest_begin(void *const pages[ATTEST_PAGES], const struct attest_claims *claims, size_t *size)
{
	struct attest *attest = attest_of(pages);
	uint8_t hash[CRYPTO_SHA_384_SIZE];
	struct parts parts;
	bool begun;

	open_heap(pages);
	forget(attest);
	begun = attest_platform()->ready && write_realm_token(attest, claims, hash) &&
		crypto_sign_begin(&attest->signing, hash);
	if (begun) {
		attest->state = ATTEST_SIGNING;
		find_parts(attest, &parts);
		*size = parts.total;
	} else {
		forget(attest);
	}
	heap_close();
	return begun;
}

enum attest_progress attest_step(void *const pages[ATTEST_PAGES])
{
	struct attest *attest = attest_of(pages);
	enum crypto_progress progress;

	if (attest->state != ATTEST_SIGNING) {
		return attest->state;
	}
	open_heap(pages);
	progress = crypto_sign_step(&attest->signing,
				    attest->realm + attest->realm_size - CRYPTO_SIGNATURE_SIZE);
	heap_close();
	switch (progress) {
	case CRYPTO_WORKING:
		return ATTEST_SIGNING;
	case CRYPTO_DONE:
		attest->state = ATTEST_READY;
		return ATTEST_READY;
	case CRYPTO_FAILED:
		break;
	}
	wipe(attest, sizeof(*attest));
	return ATTEST_FAILED;
}

size_t attest_peek(void *const pages[ATTEST_PAGES], void *dst, size_t size)
{
	const struct attest *attest = attest_of(pages);
	size_t skip = attest->sent;
	size_t done = 0;
	struct parts parts;

	ASSERT(attest->state == ATTEST_READY);
	find_parts(attest, &parts);
	for (unsigned int i = 0; i < ARRAY_LENGTH(parts.part); i++) {
		size_t skipped = min_u64(skip, parts.part[i].size);
		size_t count = min_u64(size - done, parts.part[i].size - skipped);

		memcpy((uint8_t *)dst + done, parts.part[i].bytes + skipped, count);
		skip -= skipped;
		done += count;
	}
	return done;
}

void attest_taken(void *const pages[ATTEST_PAGES], size_t size, bool *last)
{
	struct attest *attest = attest_of(pages);
	struct parts parts;

	ASSERT(attest->state == ATTEST_READY);
	find_parts(attest, &parts);
	ASSERT(size <= parts.total - attest->sent);
	attest->sent += size;
	*last = attest->sent == parts.total;
	if (*last) {
		wipe(attest, sizeof(*attest));
	}
}
