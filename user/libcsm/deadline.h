/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LIBCSM_DEADLINE_H
#define LIBCSM_DEADLINE_H

#include <stdbool.h>
#include <time.h>

/* A point in time after which one no longer waits. */
struct csm_deadline {
	bool never;
	struct timespec at;
};

struct csm_deadline csm_deadline_in(int timeout);
/* Milliseconds left, rounded up, at most `most`; 0: over. */
int csm_deadline_left(const struct csm_deadline *deadline, int most);

#endif
