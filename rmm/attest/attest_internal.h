// SPDX-License-Identifier: BSD-3-Clause
/* Between the files of this folder, and for its tests. */
#ifndef RMM_ATTEST_ATTEST_INTERNAL_H
#define RMM_ATTEST_ATTEST_INTERNAL_H

#include "abi/token.h"
#include "attest/attest.h"
#include "attest/crypto.h"
#include "attest/heap.h"

/* Longest platform token that is kept. */
#define PLATFORM_TOKEN_MAX 4096U

/* What the boot has left behind, constant from then on. platform_size 0: no tokens. */
struct attest_platform {
	uint8_t token[PLATFORM_TOKEN_MAX];
	size_t token_size;
	uint8_t public_key[COSE_KEY_P384_SIZE]; /* COSE_Key, as the realm's claim has it */
	bool ready;
};

const struct attest_platform *attest_platform(void);

/* The tag of the collection of both tokens; make firmware TOKEN_TAG=907 chooses the other one. */
#ifndef ATTEST_TOKEN_TAG
#define ATTEST_TOKEN_TAG CCA_TOKEN_TAG
#endif

#define ATTEST_HEAD_MAX 16U /* of one entry of the outer map */

/*
 * The part of an entry of the outer map that is before its token; with_map: and of the map. Returns
 * its size.
 */
size_t attest_entry_head(uint8_t head[ATTEST_HEAD_MAX], unsigned int tag, bool with_map,
			 int64_t key, size_t token_size);

/* Longest realm token: with SHA-512, and room for what a later claim may need. */
#define REALM_TOKEN_MAX 1024U

/* The first page. All zero: none in the making. */
struct attest {
	enum attest_progress state;
	struct crypto_signing signing;
	size_t realm_size; /* of the realm token, with its signature */
	size_t sent;       /* bytes of the whole token that have been taken */
	uint8_t realm[REALM_TOKEN_MAX];
};

_Static_assert(sizeof(struct attest) <= GRANULE_SIZE, "it lies in the first page");
_Static_assert(ATTEST_PAGES > 1 && ATTEST_PAGES - 1 <= HEAP_MAX_PAGES,
	       "the other pages are the heap");

#endif
