// SPDX-License-Identifier: BSD-3-Clause
/* cca-measure: what its two modes share. */
#ifndef CCA_MEASURE_H
#define CCA_MEASURE_H

#include <stdio.h>

#include "rim.h"
#include "vmm/layout/layout.h"

/* A realm being measured. `steps` is where each step is told, NULL for nowhere. */
struct measuring {
	struct cca_measurement rim;
	struct cca_measurement rem[CCA_REM_COUNT];
	bool created;
	int start_level; /* of the realm's tables; not measured, but it bounds the entries' size */
	FILE *steps;
	const char
		*folder; /* names of files in a script are relative to it; ends with '/' or empty */
	char error[256];
};

/* Records why measuring failed; always returns false. */
bool measure_fail(struct measuring *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Tells of a step, if steps are wanted. */
void measure_step(struct measuring *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* DATA_CREATE of every page that `data` touches from `ipa` on; the last one is padded with zeros.
 */
bool measure_data(struct measuring *m, uint64_t ipa, struct layout_file data, uint64_t flags);

/*
 * Measures the realm that a script describes, read from `script`. False with m->error if a line is
 * not understood or a file it names cannot be read.
 */
bool measure_script(struct measuring *m, FILE *script);

/* Measures the realm that `rvm run` would make. The device tree goes to dtb_path too, if not NULL.
 */
bool measure_image(struct measuring *m, const struct layout_config *config, const char *dtb_path);

/*
 * Maps a file, which must be a regular one and not empty, as rvm wants its images; it is never
 * waited for. False with m->error if it cannot. unload_file() gives it back, and does nothing for a
 * file that is all zero.
 */
bool load_file(struct measuring *m, const char *path, struct layout_file *file);
void unload_file(struct layout_file *file);

#endif
