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
	msr	sp_el0, x20
	ldr	x20, =first_main
	b	1f

	.global secondary_start
secondary_start:
	msr	sp_el0, x20
	ldr	x20, =secondary_main
/* Every register goes to start_registers[vCPU] before any is used; x19 to x21 wait elsewhere. */
1:	msr	tpidr_el0, x19
	msr	tpidr_el1, x21
	mrs	x19, mpidr_el1
	and	x19, x19, #0xf		/* RECs 0..15: Aff0 is the index */
	mov	x21, #START_REGISTERS_SIZE
	mul	x19, x19, x21
	ldr	x21, =start_registers
	add	x21, x21, x19
	stp	x0, x1, [x21]
	stp	x2, x3, [x21, #16]
	stp	x4, x5, [x21, #32]
	stp	x6, x7, [x21, #48]
	stp	x8, x9, [x21, #64]
	stp	x10, x11, [x21, #80]
	stp	x12, x13, [x21, #96]
	stp	x14, x15, [x21, #112]
	stp	x16, x17, [x21, #128]
	str	x18, [x21, #144]
	stp	x22, x23, [x21, #176]
	stp	x24, x25, [x21, #192]
	stp	x26, x27, [x21, #208]
	stp	x28, x29, [x21, #224]
	str	x30, [x21, #240]
	mrs	x9, tpidr_el0
	mrs	x10, sp_el0
	mrs	x11, tpidr_el1
	str	x9, [x21, #152]
	stp	x10, x11, [x21, #160]
	mov	x19, x0
	msr	daifset, #0xf
	msr	spsel, #1
	ldr	x9, =vectors
	msr	vbar_el1, x9
	mov	x9, #CPACR_NO_TRAPS
	msr	cpacr_el1, x9
	isb
	mrs	x9, mpidr_el1
	and	x9, x9, #0xf
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
