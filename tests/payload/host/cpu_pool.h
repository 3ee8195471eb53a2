// SPDX-License-Identifier: BSD-3-Clause
/* Some CPUs that run some RECs, moved from CPU to CPU at random, a short time each. */
#ifndef HOST_CPU_POOL_H
#define HOST_CPU_POOL_H

#include "realm.h"

#define CPU_POOL     4 /* CPUs that take part, this one among them */
#define CPU_POOL_MAX 32

/* Run fn(arg) on the cpu_pool, here too; limit_ms for the others behind that. */
void on_crew(void (*fn)(void *), void *arg, unsigned limit_ms);

void cpu_pool_begin(void);
void cpu_pool_add(struct rec *rec);
/*
 * Runs all that were added until each is over: its program is done, or it is off. on_call answers
 * host calls for the test. A slice ends after at most so many microseconds.
 */
void cpu_pool_run(void (*on_call)(struct rec *rec), unsigned slice_us, unsigned limit_ms);

#endif
