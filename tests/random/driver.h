// SPDX-License-Identifier: BSD-3-Clause
/* A sequence on the firmware and on the model, side by side. */
#ifndef TESTS_RANDOM_DRIVER_H
#define TESTS_RANDOM_DRIVER_H

#include "steps.h"

/* A new machine, booted, and a model of it. */
void driver_start(uint64_t options);

/*
 * Makes the step on both, and then compares a sample of entries and granules. NULL, or what is
 * wrong. A step that cannot be made now (its CPU runs a realm, or runs none) is left out.
 */
const char *driver_step(const struct step *step);

/* Compares every granule, and what RMI_RTT_READ_ENTRY says of every entry of every table. */
const char *driver_check_all(void);

/* Whether every granule is UNDELEGATED again; checks the whole machine. */
const char *driver_check_end(void);

/* Tables of the realm, one at random below any other: `seed` decides. */
struct m_table *driver_pick_table(const struct m_realm *realm, uint64_t *seed);
uint64_t driver_random(uint64_t *seed, uint64_t below);

#endif
