// SPDX-License-Identifier: BSD-3-Clause
/* What the user of rvm asks for. */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTIONS_MAX_DISKS 4u
#define OPTIONS_MAX_PATH  256u

struct options_disk {
	char path[OPTIONS_MAX_PATH];
	bool read_only;
};

/* Strings point into argv. */
struct options {
	const char *name;
	const char *kernel;
	const char *initrd; /* NULL: none */
	const char *cmdline;
	const char *console;         /* "stdio", "none", "attach", "file:PATH" or "unix:PATH" */
	const char *share;           /* NULL: none */
	const char *measurement_log; /* NULL: none */
	struct options_disk disks[OPTIONS_MAX_DISKS];
	unsigned int num_disks;
	bool detach;
	uint64_t mem;
	uint64_t csm;
	unsigned int cpus;
	unsigned int apt;
	uint8_t hash; /* RMI_HASH_* */
	uint8_t rpv[64];
	unsigned int sve; /* vector length in bits, 0: no SVE */
	unsigned int pmu; /* counters, 0: no PMU */
	bool no_measure;
	bool measure_only;
	bool quiet;
};

struct options_error {
	char text[200];
};

/*
 * Parses the words after "rvm run". False, with the reason, for anything unknown, missing or out of
 * range. Sets defaults: 256 MiB, 1 vCPU, SHA-256, console stdio.
 */
bool options_parse(int argc, char **argv, struct options *options, struct options_error *err);

/* True for a name that can be part of a file name: letters, digits, '.', '_', '-', at most 31. */
bool options_name_ok(const char *name);

extern const char options_help[];

#endif
