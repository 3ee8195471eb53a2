// SPDX-License-Identifier: BSD-3-Clause
/*
 * Normal-world memory of the host, and the ledger of what was delegated. Pages of a test are freed
 * when it ends. A page that is still delegated then is a failure of the test; the framework takes
 * it back, or never uses it again.
 */
#ifndef HOST_MEM_H
#define HOST_MEM_H

#include "payload/common/arch.h"

#define RAM_BASE 0x40000000UL

void mem_init(void);
/* First byte behind RAM, at most 4 GiB. */
uint64_t mem_end(void);

/*
 * A zeroed page; or `pages` pages in a row, aligned to `align` pages, contents unknown. Physical (=
 * virtual) address. Running out of memory abandons the test. Any CPU.
 */
uint64_t page_alloc(void);
uint64_t page_alloc_run(size_t pages, size_t align);
void page_free(uint64_t address, size_t pages);

void page_fill(uint64_t address, uint64_t pattern);
/* True if all words are `pattern`. */
bool page_is(uint64_t address, uint64_t pattern);

/* The ledger; smc() calls these. */
void ledger_delegated(uint64_t address);
void ledger_undelegated(uint64_t address);
long ledger_count(void); /* granules delegated now */

/*
 * End of a test: frees all pages, takes back what is delegated. Returns how many pages were
 * delegated; *first is the lowest of them, *lost how many could not be taken back.
 */
size_t mem_end_test(uint64_t *first, size_t *lost);

#endif
