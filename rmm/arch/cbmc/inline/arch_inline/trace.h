// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_TRACE_H
#define ARCH_INLINE_TRACE_H

static inline void arch_trace_fail(const char *condition)
{
	(void)condition;
}

#endif
