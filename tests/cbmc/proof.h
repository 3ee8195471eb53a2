// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a proof is made of. A proof is one program, proof_NAME.c, that includes the source it is
 * about; its head states the bounds. Everything that is not set is any value.
 *
 * PROVE(condition) must hold for all of them. REACHED() marks a place that must be reachable:
 * each proof runs a second time to show that its assumptions leave something to be proved.
 */
#ifndef TESTS_CBMC_PROOF_H
#define TESTS_CBMC_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/cpu.h"
#include "arch/lock.h"

/* CBMC knows these two; a compiler that checks the headers does not. */
#ifndef __CPROVER__
void __CPROVER_assert(bool holds, const char *text);
void __CPROVER_assume(bool holds);
#endif

#define ASSUME(condition) __CPROVER_assume(condition)

#ifdef PROOF_REACH
#define PROVE(condition) ((void)(condition))
#define REACHED()        __CPROVER_assert(0, "reached")
#else
#define PROVE(condition) __CPROVER_assert(condition, #condition)
#define REACHED()        ((void)0)
#endif

int proof_locks_held;

/* Set where the RMM must stop: going on is then what is wrong. */
static bool proof_panic_wanted;

_Noreturn void arch_panic(const char *file, int line)
{
	(void)file;
	(void)line;
#ifndef PROOF_REACH
	__CPROVER_assert(proof_panic_wanted, "no assertion of the RMM is broken");
#endif
	__CPROVER_assume(0);
	for (;;) {
	}
}

uint64_t nondet_u64(void);
uint32_t nondet_u32(void);
uint16_t nondet_u16(void);
size_t nondet_size(void);
unsigned int nondet_unsigned(void);
bool nondet_bool(void);

int main(void);

#endif
