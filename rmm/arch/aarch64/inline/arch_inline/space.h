// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_SPACE_H
#define ARCH_INLINE_SPACE_H

#include "arch/aarch64/layout.h"

static inline void *arch_window_at(uint64_t index)
{
	return (void *)(WINDOW_BASE + (index << GRANULE_SHIFT));
}

#endif
