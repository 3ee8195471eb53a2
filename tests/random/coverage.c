// SPDX-License-Identifier: BSD-3-Clause
#include "coverage.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

struct command {
	uint64_t fid;
	const char *name;
	const char *conditions; /* separated by ", "; "none" */
};

static const struct command commands[] = {
#define RMI_COMMAND(fid, name, handler, inputs, outputs, ...)  {fid, #name, #__VA_ARGS__},
#define RSI_COMMAND(fid, name, handler, inputs, outputs, ...)  {fid, #name, #__VA_ARGS__},
#define PSCI_COMMAND(fid, name, handler, inputs, outputs, ...) {fid, #name, #__VA_ARGS__},
#include "abi/commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

#define COUNT (sizeof(commands) / sizeof(commands[0]))
_Static_assert(COUNT <= COVERAGE_COMMANDS, "room for every command");

static const char *const states[REACHED_COUNT] = {
	[REACHED_DATA_BLOCK] = "a block of data",
	[REACHED_DATA_UNFOLDED] = "a block of data unfolded",
	[REACHED_BLOCK_RIPAS] = "RIPAS of a block changed",
	[REACHED_NS_BLOCK] = "an unprotected block of 2 MiB, folded",
	[REACHED_NS_LARGE_BLOCK] = "an unprotected block of 1 GiB, folded",
	[REACHED_NS_TOO_LARGE] = "a table of blocks of 1 GiB, not folded",
	[REACHED_NS_UNFOLDED] = "an unprotected block unfolded",
	[REACHED_SECOND_START] = "tables below a further start table",
	[REACHED_LEVEL_MINUS_1] = "data below level -1",
	[REACHED_FAR_DATA] = "data beyond 48 bits",
	[REACHED_RUNNING_3] = "three RECs running",
	[REACHED_RIPAS_PARTLY] = "a RIPAS change granted in part",
	[REACHED_RECORD_LOST] = "an exit without a page for its record",
};

static struct coverage *counts;

void coverage_use(struct coverage *coverage)
{
	counts = coverage;
}

/* Steps through a list of conditions: false at its end. */
static bool next_condition(const char **at, char name[32])
{
	size_t size = strcspn(*at, ",");

	if (size == 0 || size >= 32 || strcmp(*at, "none") == 0) {
		return false;
	}
	memcpy(name, *at, size);
	name[size] = '\0';
	*at += size;
	*at += strspn(*at, ", ");
	return true;
}

void coverage_note(uint64_t fid, const char *condition)
{
	char name[32];

	for (size_t i = 0; i < COUNT; i++) {
		const char *at = commands[i].conditions;

		if (commands[i].fid != fid) {
			continue;
		}
		if (condition == NULL) {
			counts->successes[i]++;
			return;
		}
		for (size_t k = 0; k < COVERAGE_CONDITIONS && next_condition(&at, name); k++) {
			if (strcmp(name, condition) == 0) {
				counts->refusals[i][k]++;
			}
		}
	}
}

void coverage_reach(enum coverage_state state)
{
	counts->states[state]++;
}

const char *coverage_unreached(void)
{
	for (size_t i = 0; i < REACHED_COUNT; i++) {
		if (counts->states[i] == 0) {
			return states[i];
		}
	}
	return NULL;
}

static unsigned int count(bool met)
{
	unsigned int total = 0;
	char name[32];

	for (size_t i = 0; i < COUNT; i++) {
		const char *at = commands[i].conditions;

		for (size_t k = 0; k < COVERAGE_CONDITIONS && next_condition(&at, name); k++) {
			total += !met || counts->refusals[i][k] != 0;
		}
	}
	return total;
}

unsigned int coverage_listed(void)
{
	return count(false);
}

unsigned int coverage_met(void)
{
	return count(true);
}

const char *coverage_missing(void)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (counts->successes[i] == 0) {
			return commands[i].name;
		}
	}
	return NULL;
}

void coverage_print(FILE *file)
{
	char name[32];

	for (size_t i = 0; i < COUNT; i++) {
		const char *at = commands[i].conditions;
		const char *before = "; never met: ";

		fprintf(file, "# %-34s %8" PRIu64 " times", commands[i].name, counts->successes[i]);
		for (size_t k = 0; k < COVERAGE_CONDITIONS && next_condition(&at, name); k++) {
			if (counts->refusals[i][k] == 0) {
				fprintf(file, "%s%s", before, name);
				before = ", ";
			}
		}
		fputc('\n', file);
	}
	for (size_t i = 0; i < REACHED_COUNT; i++) {
		fprintf(file, "# %-42s %8" PRIu64 " times\n", states[i], counts->states[i]);
	}
}
