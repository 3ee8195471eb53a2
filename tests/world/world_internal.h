// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_WORLD_INTERNAL_H
#define TESTS_WORLD_INTERNAL_H

#include "world/world.h"

/* While several CPUs run, a command looks at its own books only. */
void world_set_parallel(bool on);

#endif
