// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_SPACE_H
#define ARCH_INLINE_SPACE_H

#define ARCH_SPACE_PA_BITS 52U

void *machine_window_at(uint64_t index);

static inline void *arch_window_at(uint64_t index)
{
	return machine_window_at(index);
}

#endif
