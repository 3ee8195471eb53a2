// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_TRACE_H
#define ARCH_INLINE_TRACE_H

#define ARCH_CHECKS 1

extern __thread const char *machine_failure;

static inline void arch_trace_fail(const char *condition)
{
	machine_failure = condition;
}

#endif
