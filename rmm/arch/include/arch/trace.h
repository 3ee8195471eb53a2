// SPDX-License-Identifier: BSD-3-Clause
/* Arch interface: what a developer sees. Release firmware keeps nothing, prints one banner line. */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H

/*
 * Remembers the failure condition that ends the current command on this CPU. condition is a string
 * constant: an identifier of abi/commands.def. Compiled away in the firmware.
 */
static inline void arch_trace_fail(const char *condition);

/*
 * ARCH_CHECKS: 1 where objects are checked against their invariants each time they are looked up
 * (the host build and the proofs), 0 in the firmware. For use in `if`, not `#if`.
 */

/* Prints text as it is; no line ending is added. Silent before the console is known. */
void arch_trace_print(const char *text);

#include "arch_inline/trace.h"

#endif
