// SPDX-License-Identifier: BSD-3-Clause
/*
 * Into a realm and out again: general registers, SP_EL0, PC, PSTATE and the key that the RMM signs
 * its own return addresses with. Everything else has been loaded by C code and stays in the CPU.
 * Every call of a realm goes through here, so what need not be here is not.
 *
 * During an SMC the realm's x19 to x28 stay in the CPU, as a caller's do: the functions that carry
 * it out may put them on this CPU's stack, as any.
 */
#include "arch/aarch64/layout.h"
#include "arch/aarch64/sysreg.h"

#define APIAKEYLO s3_0_c2_c1_0
#define APIAKEYHI s3_0_c2_c1_1

/* Frame while the realm runs: what a function call preserves, and below it: */
#define FRAME_VCPU  96	/* and at 104 the context of its SMCs */
#define FRAME_X0_X1 112 /* of the realm, in the first moments after an exit */
#define FRAME_SIZE  128

#define EXIT_SYNC   0 /* enum arch_exit */
#define EXIT_IRQ    1
#define EXIT_FIQ    2
#define EXIT_SERROR 3
#define EXIT_SMC    4

	// x20 to x27, which a function preserves: apart from the others, for an SMC keeps them.
	.macro	preserved, op
	\op	x20, x21, [x0, #160]
	\op	x22, x23, [x0, #176]
	\op	x24, x25, [x0, #192]
	\op	x26, x27, [x0, #208]
	.endm

	.section .text
/*
 * enum arch_exit vcpu_enter(struct arch_vcpu *vcpu, void *context);
 *
 * ERET makes all that was written to system registers before it true for the realm: no ISB. Never
 * called through a pointer: no BTI.
 */
	.global	vcpu_enter
vcpu_enter:
	stp	x29, x30, [sp, #-FRAME_SIZE]!
	stp	x19, x20, [sp, #16]
	stp	x21, x22, [sp, #32]
	stp	x23, x24, [sp, #48]
	stp	x25, x26, [sp, #64]
	stp	x27, x28, [sp, #80]
	stp	x0, x1, [sp, #FRAME_VCPU]
	preserved ldp

	// x0: the virtual CPU. x20 to x27 are the realm's.
resume:
	ldp	x3, x4, [x0, #VCPU_PC]
	msr	elr_el2, x3
	msr	spsr_el2, x4
	ldr	x3, [x0, #VCPU_SP_EL0]
	msr	sp_el0, x3
	ldp	x1, x2, [x0, #VCPU_PAUTH]
	msr	APIAKEYLO, x1
	msr	APIAKEYHI, x2
	ldp	x2, x3, [x0, #16]
	ldp	x4, x5, [x0, #32]
	ldp	x6, x7, [x0, #48]
	ldp	x8, x9, [x0, #64]
	ldp	x10, x11, [x0, #80]
	ldp	x12, x13, [x0, #96]
	ldp	x14, x15, [x0, #112]
	ldp	x16, x17, [x0, #128]
	ldp	x18, x19, [x0, #144]
	ldp	x28, x29, [x0, #224]
	ldr	x30, [x0, #240]
	ldp	x0, x1, [x0]
	eret
	sb

	.macro	exit, name, number
	.global	\name
\name:
	stp	x0, x1, [sp, #FRAME_X0_X1]
	mov	w1, #\number
	.endm

	exit	exit_irq, EXIT_IRQ
	b	leave
	exit	exit_fiq, EXIT_FIQ
	b	leave
	exit	exit_serror, EXIT_SERROR
	b	leave
	exit	exit_sync, EXIT_SYNC

	// The RMM's key comes back last of what is switched: nothing is called before.
leave:
	msr	dit, #1				// the realm's choice comes back with its PSTATE
	ldr	x0, [sp, #FRAME_VCPU]
	stp	x2, x3, [x0, #16]
	stp	x4, x5, [x0, #32]
	stp	x6, x7, [x0, #48]
	stp	x8, x9, [x0, #64]
	stp	x10, x11, [x0, #80]
	stp	x12, x13, [x0, #96]
	stp	x14, x15, [x0, #112]
	stp	x16, x17, [x0, #128]
	stp	x18, x19, [x0, #144]
	stp	x28, x29, [x0, #224]
	str	x30, [x0, #240]
	ldp	x2, x3, [sp, #FRAME_X0_X1]
	stp	x2, x3, [x0]
	mrs	x2, elr_el2
	mrs	x3, spsr_el2
	stp	x2, x3, [x0, #VCPU_PC]
	mrs	x2, sp_el0
	str	x2, [x0, #VCPU_SP_EL0]
	mrs	x2, APIAKEYLO
	mrs	x3, APIAKEYHI
	stp	x2, x3, [x0, #VCPU_PAUTH]
	movn	x2, #((~EXC_STACK_TOP >> 16) & 0xFFFF), lsl #16
	movk	x2, #(EXC_STACK_TOP & 0xFFFF)
	msr	sp_el0, x2
	ldp	x2, x3, [x2]			// where entry.S has put it
	msr	APIAKEYLO, x2
	msr	APIAKEYHI, x3
	isb
	cbnz	w1, return

	// An SMC is carried out here: the realm mostly goes on at once.
	mrs	x2, esr_el2
	lsr	x2, x2, #ESR_EC_SHIFT
	cmp	x2, #ESR_EC_SMC
	b.ne	return
	ldr	x1, [sp, #(FRAME_VCPU + 8)]
	bl	realm_smc
	mov	w2, w0
	ldr	x0, [sp, #FRAME_VCPU]
	tbnz	w2, #0, resume
	mov	w1, #EXIT_SMC

	// x0: the virtual CPU, w1: the exit.
return:
	preserved stp
	mov	w0, w1
	ldp	x19, x20, [sp, #16]
	ldp	x21, x22, [sp, #32]
	ldp	x23, x24, [sp, #48]
	ldp	x25, x26, [sp, #64]
	ldp	x27, x28, [sp, #80]
	ldp	x29, x30, [sp], #FRAME_SIZE
	ret
	sb

#if (EXC_STACK_TOP >> 32) != 0xFFFFFFFF
#error "two instructions make no such address"
#endif

	.section .note.GNU-stack, "", %progbits
