// SPDX-License-Identifier: BSD-3-Clause
/*
 * Into a realm and out again: general registers, SP_EL0, PC, PSTATE and the key that the RMM signs
 * its own return addresses with. Everything else has been loaded by C code and stays in the CPU.
 */
#include "arch/aarch64/layout.h"

#define APIAKEYLO s3_0_c2_c1_0
#define APIAKEYHI s3_0_c2_c1_1
	.section .text
/*
 * enum arch_exit vcpu_enter(struct arch_vcpu *vcpu, bool keys);
 *
 * Frame while the realm runs: [sp] = vcpu, [sp, #8] = keys, then what a function call preserves and
 * the RMM's own key A.
 */
	.global	vcpu_enter
vcpu_enter:
	hint	#34				// BTI c
	stp	x29, x30, [sp, #-128]!
	stp	x19, x20, [sp, #32]
	stp	x21, x22, [sp, #48]
	stp	x23, x24, [sp, #64]
	stp	x25, x26, [sp, #80]
	stp	x27, x28, [sp, #96]
	cbz	w1, 1f
	mrs	x2, APIAKEYLO
	mrs	x3, APIAKEYHI
	stp	x2, x3, [sp, #112]
1:	stp	x0, x1, [sp, #-16]!

	ldp	x3, x4, [x0, #VCPU_PC]
	msr	elr_el2, x3
	msr	spsr_el2, x4
	ldr	x3, [x0, #VCPU_SP_EL0]
	msr	sp_el0, x3
	cbz	w1, 2f
	ldp	x1, x2, [x0, #VCPU_PAUTH]
	msr	APIAKEYLO, x1
	msr	APIAKEYHI, x2
2:	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x20, x21, [x0, #160]
	ldp	x22, x23, [x0, #176]
	ldp	x24, x25, [x0, #192]
	ldp	x26, x27, [x0, #208]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	// No speculation past the return into what follows.
	dsb	nsh
	isb

	.macro	exit, name, number
	.global	\name
\name:
	stp	x0, x1, [sp, #-16]!
	mov	w1, #\number
	b	leave
	.endm

	exit	exit_sync, 0
	exit	exit_irq, 1
	exit	exit_fiq, 2
	exit	exit_serror, 3

leave:
	msr	dit, #1				// the realm's choice comes back with its PSTATE
	ldr	x0, [sp, #16]			// vcpu
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x20, x21, [x0, #160]
	stp	x22, x23, [x0, #176]
	stp	x24, x25, [x0, #192]
	stp	x26, x27, [x0, #208]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x2, x3, [sp], #16
	stp	x2, x3, [x0]
	ldr	x4, [sp, #8]			// keys
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #VCPU_PC]
	mrs	x2, sp_el0
	str	x2, [x0, #VCPU_SP_EL0]
	movz	x2, #(EXC_STACK_TOP & 0xFFFF)
	movk	x2, #((EXC_STACK_TOP >> 16) & 0xFFFF), lsl #16
	movk	x2, #((EXC_STACK_TOP >> 32) & 0xFFFF), lsl #32
	movk	x2, #((EXC_STACK_TOP >> 48) & 0xFFFF), lsl #48
	msr	sp_el0, x2
	add	sp, sp, #16
	cbz	w4, 3f
	mrs	x2, APIAKEYLO
	mrs	x3, APIAKEYHI
	stp	x2, x3, [x0, #VCPU_PAUTH]
	ldp	x2, x3, [sp, #112]
	msr	APIAKEYLO, x2
	msr	APIAKEYHI, x3
	isb
3:	mov	w0, w1
	ldp	x19, x20, [sp, #32]
	ldp	x21, x22, [sp, #48]
	ldp	x23, x24, [sp, #64]
	ldp	x25, x26, [sp, #80]
	ldp	x27, x28, [sp, #96]
	ldp	x29, x30, [sp], #128
	ret

	.section .note.GNU-stack, "", %progbits
