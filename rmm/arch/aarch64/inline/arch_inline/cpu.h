// SPDX-License-Identifier: BSD-3-Clause
/* TPIDR_EL2 holds the linear index; EL3 keeps it apart from the normal world's. */
#ifndef ARCH_INLINE_CPU_H
#define ARCH_INLINE_CPU_H

static inline unsigned int arch_cpu_index(void)
{
	uint64_t index;

	__asm__("mrs %0, tpidr_el2" : "=r"(index));
	return (unsigned int)index;
}

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("yield" : : : "memory");
}

/*
 * One instruction and no call: a function needs no frame for what it asserts. The exception that it
 * takes prints the line, and where in the image it is.
 */
static inline __attribute__((always_inline)) _Noreturn void arch_panic(const char *file, int line)
{
	(void)file;
	__asm__ volatile("brk %0" : : "i"(line));
	__builtin_unreachable();
}

#endif
