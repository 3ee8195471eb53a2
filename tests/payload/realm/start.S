// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entry points of the realm payload at R-EL1: _start (first REC, x0..x7 from the REC's parameters)
 * and secondary_start (PSCI CPU_ON, x0 = its context). The MMU is off; stage 2 makes memory
 * cacheable all the same.
 */
#include "realm_offsets.h"

#define CPACR_NO_TRAPS (3 << 20)	/* FPEN; SVE stays trapped until a program wants it */

	.section .text.start, "ax"
	.global _start
_start:
	ldr	x9, =first_args
	stp	x0, x1, [x9]
	stp	x2, x3, [x9, #16]
	stp	x4, x5, [x9, #32]
	stp	x6, x7, [x9, #48]
	ldr	x20, =first_main
	b	1f

	.global secondary_start
secondary_start:
	ldr	x20, =secondary_main
1:	mov	x19, x0
	msr	daifset, #0xf
	msr	spsel, #1
	ldr	x9, =vectors
	msr	vbar_el1, x9
	mov	x9, #CPACR_NO_TRAPS
	msr	cpacr_el1, x9
	isb
	mrs	x9, mpidr_el1
	and	x9, x9, #0xf		/* RECs 0..15: Aff0 is the index */
	add	x9, x9, #1
	mov	x10, #STACK_SIZE
	ldr	x11, =stacks
	madd	x9, x9, x10, x11
	mov	sp, x9
	mov	x29, xzr
	mov	x0, x19
	blr	x20
	b	.
	.ltorg
