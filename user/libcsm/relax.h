/* SPDX-License-Identifier: BSD-3-Clause */
/* How a thread waits for a word in shared memory to change, without the host's help. */
#ifndef LIBCSM_RELAX_H
#define LIBCSM_RELAX_H

#include <stdint.h>

#if defined(__aarch64__)
#include <sys/auxv.h>

#ifndef HWCAP_EVTSTRM
#define HWCAP_EVTSTRM (1UL << 2)
#endif

/*
 * The peer's store clears this CPU's monitor, which ends the wait. The event stream bounds it (to
 * about 0.1 ms on Linux); a kernel without one gets a plain yield.
 */
static inline void csm_relax(const uint64_t *word, uint64_t seen)
{
	uint64_t now;

	if (!(getauxval(AT_HWCAP) & HWCAP_EVTSTRM)) {
		__asm__ volatile("yield" ::: "memory");
		return;
	}
	__asm__ volatile("	sevl\n"
			 "	wfe\n"
			 "	ldaxr %0, %1\n"
			 "	eor %0, %0, %2\n"
			 "	cbnz %0, 1f\n"
			 "	wfe\n"
			 "1:"
			 : "=&r"(now)
			 : "Q"(*word), "r"(seen)
			 : "memory");
}
#elif defined(__x86_64__)
static inline void csm_relax(const uint64_t *word, uint64_t seen)
{
	(void)word;
	(void)seen;
	__builtin_ia32_pause();
}
#else
static inline void csm_relax(const uint64_t *word, uint64_t seen)
{
	(void)word;
	(void)seen;
	__asm__ volatile("" ::: "memory");
}
#endif

#endif
