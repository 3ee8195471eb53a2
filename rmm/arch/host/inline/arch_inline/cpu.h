// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_CPU_H
#define ARCH_INLINE_CPU_H

extern __thread unsigned int machine_cpu;
void machine_relax(void);

static inline unsigned int arch_cpu_index(void)
{
	return machine_cpu;
}

static inline void arch_cpu_relax(void)
{
	machine_relax();
}

_Noreturn void arch_panic(const char *file, int line);

#endif
