// SPDX-License-Identifier: BSD-3-Clause
/*
 * Exception vectors of the host (EL2) and of realms (EL1): exceptions from the level itself. The
 * host runs with HCR_EL2.E2H set, where the names ending in _el1 mean its own registers.
 */
#include "frame.h"

	.macro save_frame
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #FRAME_X]
	stp	x2, x3, [sp, #FRAME_X + 16]
	stp	x4, x5, [sp, #FRAME_X + 32]
	stp	x6, x7, [sp, #FRAME_X + 48]
	stp	x8, x9, [sp, #FRAME_X + 64]
	stp	x10, x11, [sp, #FRAME_X + 80]
	stp	x12, x13, [sp, #FRAME_X + 96]
	stp	x14, x15, [sp, #FRAME_X + 112]
	stp	x16, x17, [sp, #FRAME_X + 128]
	stp	x18, x19, [sp, #FRAME_X + 144]
	stp	x20, x21, [sp, #FRAME_X + 160]
	stp	x22, x23, [sp, #FRAME_X + 176]
	stp	x24, x25, [sp, #FRAME_X + 192]
	stp	x26, x27, [sp, #FRAME_X + 208]
	stp	x28, x29, [sp, #FRAME_X + 224]
	add	x0, sp, #FRAME_SIZE
	stp	x30, x0, [sp, #FRAME_X + 240]
	mrs	x0, elr_el1
	mrs	x1, spsr_el1
	stp	x0, x1, [sp, #FRAME_ELR]
	mrs	x0, esr_el1
	mrs	x1, far_el1
	stp	x0, x1, [sp, #FRAME_ESR]
	.endm

	.macro vector kind
	.balign	0x80
	save_frame
	mov	x0, sp
	mov	x1, #\kind
	b	exception_common
	.endm

	.section .text, "ax"
	.balign	0x800
	.global vectors
vectors:
	.irp	kind, 16, 17, 18, 19, 0, 1, 2, 3, 20, 21, 22, 23, 24, 25, 26, 27
	vector	\kind
	.endr

exception_common:
	bl	exception
	ldp	x0, x1, [sp, #FRAME_ELR]
	msr	elr_el1, x0
	msr	spsr_el1, x1
	ldp	x0, x1, [sp, #FRAME_X]
	ldp	x2, x3, [sp, #FRAME_X + 16]
	ldp	x4, x5, [sp, #FRAME_X + 32]
	ldp	x6, x7, [sp, #FRAME_X + 48]
	ldp	x8, x9, [sp, #FRAME_X + 64]
	ldp	x10, x11, [sp, #FRAME_X + 80]
	ldp	x12, x13, [sp, #FRAME_X + 96]
	ldp	x14, x15, [sp, #FRAME_X + 112]
	ldp	x16, x17, [sp, #FRAME_X + 128]
	ldp	x18, x19, [sp, #FRAME_X + 144]
	ldp	x20, x21, [sp, #FRAME_X + 160]
	ldp	x22, x23, [sp, #FRAME_X + 176]
	ldp	x24, x25, [sp, #FRAME_X + 192]
	ldp	x26, x27, [sp, #FRAME_X + 208]
	ldp	x28, x29, [sp, #FRAME_X + 224]
	ldr	x30, [sp, #FRAME_X + 240]
	add	sp, sp, #FRAME_SIZE
	eret

/*
 * The accesses of probe.h that may fault: an entry in __ex_table sends the fault to its second
 * address.
 */
	.global probe_load
probe_load:
1:	ldr	x2, [x0]
	str	x2, [x1]
	mov	x0, #1
	ret
	.global probe_store
probe_store:
2:	str	x1, [x0]
	dsb	sy
	mov	x0, #1
	ret
probe_failed:
	mov	x0, #0
	ret
	/* An instruction abort is looked up by the return address; the target is anything. */
	.global probe_call
probe_call:
	stp	x29, x30, [sp, #-16]!
	blr	x0
3:	mov	x0, #1
	ldp	x29, x30, [sp], #16
	ret
4:	mov	x0, #0
	ldp	x29, x30, [sp], #16
	ret

/* bool sysreg_call(uint64_t *value, const uint32_t *code): sysregs.h */
	.global sysreg_call
sysreg_call:
	stp	x29, x30, [sp, #-16]!
	mov	x2, x0
	ldr	x0, [x0]
	blr	x1
5:	str	x0, [x2]
	mov	x0, #1
	ldp	x29, x30, [sp], #16
	ret
6:	mov	x0, #0
	ldp	x29, x30, [sp], #16
	ret
	.pushsection __ex_table, "a"
	.quad	1b, probe_failed
	.quad	2b, probe_failed
	.quad	3b, 4b
	.quad	5b, 6b
	.popsection

/* uint64_t resume_set(struct resume *r): 0 now, and 1 when resume_jump(r) comes back here. */
	.global resume_set
resume_set:
	stp	x19, x20, [x0]
	stp	x21, x22, [x0, #16]
	stp	x23, x24, [x0, #32]
	stp	x25, x26, [x0, #48]
	stp	x27, x28, [x0, #64]
	stp	x29, x30, [x0, #80]
	mov	x1, sp
	str	x1, [x0, #96]
	mov	x0, #0
	ret
	.global resume_jump
resume_jump:
	ldp	x19, x20, [x0]
	ldp	x21, x22, [x0, #16]
	ldp	x23, x24, [x0, #32]
	ldp	x25, x26, [x0, #48]
	ldp	x27, x28, [x0, #64]
	ldp	x29, x30, [x0, #80]
	ldr	x1, [x0, #96]
	mov	sp, x1
	mov	x0, #1
	ret
