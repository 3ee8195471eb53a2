// SPDX-License-Identifier: BSD-3-Clause
#ifndef TESTS_SIM_INTERNAL_H
#define TESTS_SIM_INTERNAL_H

#include "sim/sim.h"

/* While several CPUs run, a command runs the checkers of its own CPU only. */
void sim_set_parallel(bool on);

#endif
