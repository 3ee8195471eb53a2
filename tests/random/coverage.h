// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which commands succeeded, which conditions were met, and which states that take many steps were
 * reached. In memory that processes share.
 */
#ifndef TESTS_RANDOM_COVERAGE_H
#define TESTS_RANDOM_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define COVERAGE_COMMANDS   96U
#define COVERAGE_CONDITIONS 20U

enum coverage_state {
	REACHED_DATA_BLOCK,     /* a table of data folded */
	REACHED_DATA_UNFOLDED,  /* and made again from the block */
	REACHED_BLOCK_RIPAS,    /* RIPAS of a block changed for the realm */
	REACHED_NS_BLOCK,       /* a table of unprotected pages folded */
	REACHED_NS_LARGE_BLOCK, /* one of unprotected blocks, to 1 GiB */
	REACHED_NS_TOO_LARGE,   /* one of blocks of 1 GiB, which does not fold */
	REACHED_NS_UNFOLDED,
	REACHED_SECOND_START,  /* a table below a start table that is not the first */
	REACHED_LEVEL_MINUS_1, /* data in a realm that starts at level -1 */
	REACHED_FAR_DATA,      /* data at an address of more than 48 bits */
	REACHED_RUNNING_3,     /* three RECs at once */
	REACHED_RIPAS_PARTLY,  /* a request that was granted in part */
	REACHED_RECORD_LOST,   /* a REC that exits without a page for its record */
	REACHED_COUNT,
};

struct coverage {
	uint64_t states[REACHED_COUNT];
	uint64_t successes[COVERAGE_COMMANDS];
	uint64_t refusals[COVERAGE_COMMANDS][COVERAGE_CONDITIONS];
};

/* Counts in this one from now on. */
void coverage_use(struct coverage *coverage);

/* One outcome of a command: NULL for a success. */
void coverage_note(uint64_t fid, const char *condition);

void coverage_reach(enum coverage_state state);

/*
 * How many conditions are listed / were met; the first command that never succeeded, or NULL; the
 * first state not reached, or NULL.
 */
unsigned int coverage_listed(void);
unsigned int coverage_met(void);
const char *coverage_missing(void);
const char *coverage_unreached(void);

/* A line for every command, and what was not met. */
void coverage_print(FILE *file);

#endif
