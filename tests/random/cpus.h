// SPDX-License-Identifier: BSD-3-Clause
/*
 * CPUs of the host, one of which runs at a time. A realm that runs stands still on its CPU until
 * it is told what to do, and the others go on meanwhile: what comes after what is the driver's
 * choice alone.
 */
#ifndef TESTS_RANDOM_CPUS_H
#define TESTS_RANDOM_CPUS_H

#include "model.h"

/* After the boot, in a process that has no such CPUs yet. CPU 0 is the caller. */
void cpus_start(void);

/* Whether a realm stands on the CPU. */
bool cpus_in_realm(unsigned int cpu);

/* A command on a CPU that runs no realm. *seen: its answer, or the realm that is about to run. */
void cpus_call(unsigned int cpu, uint64_t fid, const uint64_t args[5], struct m_seen *seen);

/* Lets the realm on the CPU do this. */
void cpus_act(unsigned int cpu, const struct m_action *action, struct m_seen *seen);

#endif
