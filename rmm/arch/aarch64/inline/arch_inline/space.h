// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_SPACE_H
#define ARCH_INLINE_SPACE_H

#include "arch/aarch64/layout.h"

#define ARCH_SPACE_PA_BITS 48U /* TCR_EL2.DS is 0 */

static inline void *arch_window_at(uint64_t index)
{
	return (void *)(WINDOW_BASE + (index << GRANULE_SHIFT));
}

#endif
