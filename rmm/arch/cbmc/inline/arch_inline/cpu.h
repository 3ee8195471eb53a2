// SPDX-License-Identifier: BSD-3-Clause
/* One CPU; nobody else can hold a lock, so a wait for one never ends well. */
#ifndef ARCH_INLINE_CPU_H
#define ARCH_INLINE_CPU_H

static inline unsigned int arch_cpu_index(void)
{
	return 0;
}

static inline void arch_cpu_relax(void)
{
	__CPROVER_assert(0, "waits for a lock that this CPU holds");
	__CPROVER_assume(0);
}

_Noreturn void arch_panic(const char *file, int line);

#endif
