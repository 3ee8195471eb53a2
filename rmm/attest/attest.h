// SPDX-License-Identifier: BSD-3-Clause
/*
 * CCA attestation tokens (RMM specification A7.2, C1.11; RFC 9052; docs/csm-spec.md section 11):
 * the platform's token, fetched from EL3 at boot, and behind it the realm's, made and signed for a
 * REC that asks. The layout is in abi/token.h.
 *
 * What one REC's token needs is in memory of that REC: any number of them can be in the making, and
 * each goes on on whatever CPU its REC runs. The CPU that runs the REC owns it; no lock is needed.
 */
#ifndef RMM_ATTEST_ATTEST_H
#define RMM_ATTEST_ATTEST_H

#include "base/types.h"

/* Pages of a REC, zero at first, that need not be adjacent. All zero: no token in the making. */
#define ATTEST_PAGES 2U

#define ATTEST_CHALLENGE_SIZE 64U

/*
 * Primary CPU, once: takes the attestation key and the platform token from EL3 through the page
 * they share. False if that did not work out: the RMM serves realms, but makes no tokens. The page
 * holds nothing of either afterwards.
 */
bool attest_boot(pa_t shared_page);

/* What a realm's token says about the realm. */
struct attest_claims {
	uint64_t realm_id;
	const uint8_t *instance_id;    /* CCA_REALM_INSTANCE_ID_SIZE bytes, realm_id in them */
	uint8_t hash_algo;             /* RMI_HASH_... */
	const uint8_t *rpv;            /* 64 bytes */
	const uint8_t *measurement[5]; /* RIM, then REMs; 64 bytes each */
	const uint8_t *challenge;      /* ATTEST_CHALLENGE_SIZE bytes */
	const uint8_t *sharings;       /* CCA_REALM_CSM_SHARINGS_SIZE bytes; NULL: too many */
};

/*
 * Begins a token, and forgets the one in the making if there is one. *size: of the whole token.
 * False, with none in the making, if there is no key, or memory is short.
 */
bool attest_begin(void *const pages[ATTEST_PAGES], const struct attest_claims *claims,
		  size_t *size);

enum attest_progress {
	ATTEST_NONE,    /* none in the making */
	ATTEST_SIGNING, /* step again */
	ATTEST_READY,   /* the token can be read */
	ATTEST_FAILED,  /* no token came of it; none is in the making any more */
};

/* Does a bounded piece of the work, if there is work left. */
enum attest_progress attest_step(void *const pages[ATTEST_PAGES]);

/*
 * After ATTEST_READY: the next bytes of the token, at most `size`; returns how many, which is not
 * more than are left. attest_taken() then moves behind them: so a reader who could not put them
 * anywhere can ask for them again. After the last byte the pages are wiped, *last is set.
 */
size_t attest_peek(void *const pages[ATTEST_PAGES], void *dst, size_t size);
void attest_taken(void *const pages[ATTEST_PAGES], size_t size, bool *last);

#endif
