// SPDX-License-Identifier: BSD-3-Clause
/*
 * Makes steps that lead somewhere: it looks at the model, and asks mostly for what should succeed,
 * one word in five wild. A seed gives the same steps every time.
 */
#ifndef TESTS_RANDOM_GENERATE_H
#define TESTS_RANDOM_GENERATE_H

#include "steps.h"

void generate_start(uint64_t seed);

/* Which machine: the first step. */
struct step generate_world(void);

/* The next step / the next of those that take everything down; false: all is gone. */
struct step generate_step(void);
bool generate_end(struct step *step);

#endif
