// SPDX-License-Identifier: BSD-3-Clause
/* Arch interface: entropy of the CPU (FEAT_RNG). */
#ifndef ARCH_RANDOM_H
#define ARCH_RANDOM_H

#include "base/types.h"

/* 64 random bits. False if the CPU has no generator or it is exhausted for now: ask again. */
bool arch_random(uint64_t *value);

#endif
