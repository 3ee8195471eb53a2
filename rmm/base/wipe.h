// SPDX-License-Identifier: BSD-3-Clause
/* Removing secrets from memory that is about to be forgotten, where a compiler would see no use. */
#ifndef RMM_BASE_WIPE_H
#define RMM_BASE_WIPE_H

#include <string.h>

#include "base/types.h"

static inline void wipe(void *memory, size_t size)
{
	memset(memory, 0, size);
	__asm__ volatile("" : : "r"(memory) : "memory");
}

#endif
