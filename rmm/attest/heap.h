// SPDX-License-Identifier: BSD-3-Clause
/*
 * The memory that the crypto library allocates from: pages that somebody has set aside for one
 * purpose, the boot or the token of one REC. No allocation is larger than a page. A freed block is
 * zero, so when everything is freed the pages hold nothing of the secrets that went through them.
 */
#ifndef RMM_ATTEST_HEAP_H
#define RMM_ATTEST_HEAP_H

#include "base/types.h"

#define HEAP_MAX_PAGES 4U

struct heap {
	void *pages[HEAP_MAX_PAGES]; /* zeroed before first use, aligned to 16 bytes */
	unsigned int count;
};

/* Primary CPU, once: no heap is open on any CPU. */
void heap_boot(void);

/*
 * From here to heap_close() this CPU allocates from *heap; no other CPU does, and no other heap is
 * open on this one.
 */
void heap_open(const struct heap *heap);
void heap_close(void);

/* As in the C library, on this CPU's open heap. NULL if no page has room. */
void *heap_calloc(size_t count, size_t size);
void heap_free(void *memory);

#endif
