// SPDX-License-Identifier: BSD-3-Clause
/*
 * bool agent_insn(enum agent_insn insn, uint64_t address, uint64_t *value): executes one
 * instruction of AGENT_INSNS. False: it faulted, and *value is unchanged.
 */
#include "payload/common/agent.h"

	.section .text, "ax"
	.balign	8
	.global agent_insn
agent_insn:
	mov	x5, x2
	ldr	x3, [x2]
	adr	x6, stubs
	add	x6, x6, x0, lsl #3
	br	x6
insn_done:
	str	x3, [x5]
	mov	x0, #1
	ret
insn_faulted:
	mov	x0, #0
	ret

/* Eight bytes each. */
#define STUB(name, ...)                                                          \
	77: __VA_ARGS__; b insn_done; .pushsection __ex_table, "a"; .quad 77b, insn_faulted; \
	.popsection;

	.balign	8
	.global stubs
stubs:
	AGENT_INSNS(STUB)

/*
 * void fetch_el0(uint64_t address): goes there at EL0, interrupts masked. The exception that it
 * ends with comes back to fetch_el0_done.
 */
	.section .text, "ax"
	.global fetch_el0
fetch_el0:
	stp	x29, x30, [sp, #-16]!
	mov	x1, #0x3c0
	msr	elr_el1, x0
	msr	spsr_el1, x1
	eret
	.global fetch_el0_done
fetch_el0_done:
	ldp	x29, x30, [sp], #16
	ret
