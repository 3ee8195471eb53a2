// SPDX-License-Identifier: BSD-3-Clause
/*
 * Exceptions of the RMM itself. Survived are, in the copy routines below, a granule protection
 * fault, which means that the host gave its page away, and an external abort, which means that the
 * platform listed memory that is not there and the host named it; any fault of the walk through a
 * realm's own tables, which may be in such memory; and writes to a few registers that EL3 may have
 * kept for itself. Every other one is a defect and stops the CPU.
 *
 * Handlers run on the exception stack (SP_EL0), so that an overflowed stack is reported too.
 */
#include "arch/aarch64/sysreg.h"

	.macro	vector, target
	.balign	0x80
	b	\target
	.endm

	.section .vectors, "ax"
	.balign	0x800
	.global	el2_vectors
el2_vectors:
	// Current EL with SP_EL0: a fault while handling a fault.
	vector	unexpected
	vector	unexpected
	vector	unexpected
	vector	unexpected
	// Current EL with SP_EL2.
	vector	sync_from_rmm
	vector	unexpected
	vector	unexpected
	vector	unexpected
	// Lower EL, AArch64: the realm's exits, in the order of enum arch_exit.
	vector	exit_sync
	vector	exit_irq
	vector	exit_fiq
	vector	exit_serror
	// Lower EL, AArch32.
	vector	unexpected
	vector	unexpected
	vector	unexpected
	vector	unexpected

sync_from_rmm:
	msr	spsel, #0
	stp	x0, x1, [sp, #-16]!
	mrs	x0, esr_el2
	ubfx	x1, x0, #ESR_EC_SHIFT, #6
	cbz	x1, undefined_in_rmm
	cmp	x1, #ESR_EC_DABT_SAME_EL
	b.ne	unexpected
	mrs	x0, elr_el2
	adr	x1, realm_ipa_first
	cmp	x0, x1
	b.lo	0f
	adr	x1, realm_ipa_last
	cmp	x0, x1
	adr	x1, realm_ipa_faulted
	b.lo	2f
0:	mrs	x0, esr_el2
	and	x0, x0, #ESR_DFSC_MASK
	cmp	x0, #ESR_DFSC_GPF
	ccmp	x0, #ESR_DFSC_EXTERNAL, #4, ne
	b.ne	unexpected
	mrs	x0, elr_el2
	adr	x1, copy_first
	cmp	x0, x1
	b.lo	1f
	adr	x1, copy_last
	cmp	x0, x1
	adr	x1, copy_faulted
	b.lo	2f
1:	adr	x1, zero_first
	cmp	x0, x1
	b.lo	unexpected
	adr	x1, zero_last
	cmp	x0, x1
	b.hs	unexpected
	mrs	x0, esr_el2
	and	x0, x0, #ESR_DFSC_MASK
	cmp	x0, #ESR_DFSC_EXTERNAL
	b.ne	unexpected
	adr	x1, zero_faulted
2:	msr	elr_el2, x1
	ldp	x0, x1, [sp], #16
	msr	spsel, #1
	eret
	sb

	// What EL3 traps and does not want is undefined here.
undefined_in_rmm:
	mrs	x0, elr_el2
	adr	x1, trap_write_first
	cmp	x0, x1
	b.lo	unexpected
	adr	x1, trap_write_last
	cmp	x0, x1
	adr	x1, trap_write_refused
	b.lo	2b

unexpected:
	mrs	x0, esr_el2
	mrs	x1, elr_el2
	mrs	x2, far_el2
	b	arch_unexpected_exception

/*
 * bool arch_copy_from_host(void *dst, const void *src, size_t size);
 * bool arch_copy_to_host(void *dst, const void *src, size_t size);
 *
 * The same loop for both: either side may be the host's. Leaf code without a frame, so that the
 * fault path can return for it.
 */
	.global	arch_copy_from_host
	.global	arch_copy_to_host
arch_copy_from_host:
arch_copy_to_host:
	hint	#34				// BTI c
copy_first:
	subs	x2, x2, #64
	b.lo	2f
1:	ldp	x3, x4, [x1]
	ldp	x5, x6, [x1, #16]
	ldp	x7, x8, [x1, #32]
	ldp	x9, x10, [x1, #48]
	add	x1, x1, #64
	stp	x3, x4, [x0]
	stp	x5, x6, [x0, #16]
	stp	x7, x8, [x0, #32]
	stp	x9, x10, [x0, #48]
	add	x0, x0, #64
	subs	x2, x2, #64
	b.hs	1b
2:	adds	x2, x2, #64
	b.eq	4f
	tbz	x2, #5, 5f
	ldp	x3, x4, [x1], #16
	ldp	x5, x6, [x1], #16
	stp	x3, x4, [x0], #16
	stp	x5, x6, [x0], #16
	subs	x2, x2, #32
	b.eq	4f
5:	tbz	x2, #4, 3f
	ldp	x3, x4, [x1], #16
	stp	x3, x4, [x0], #16
	subs	x2, x2, #16
	b.eq	4f
3:	ldr	x3, [x1], #8
	str	x3, [x0], #8
	subs	x2, x2, #8
	b.hi	3b
4:
	mov	w0, #1
	ret
	sb

	// Zeros from x0 to x1, by blocks of x3 bytes; from label 2 by pairs. Changes x0 to x6.
	.macro	zero_to_x1
	add	x4, x0, x3
	add	x5, x4, x3
	add	x6, x5, x3
	lsl	x3, x3, #2
1:	dc	zva, x0
	dc	zva, x4
	dc	zva, x5
	dc	zva, x6
	add	x0, x0, x3
	add	x4, x4, x3
	add	x5, x5, x3
	add	x6, x6, x3
	cmp	x0, x1
	b.lo	1b
	b	3f
2:	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
3:
	.endm

/*
 * bool arch_zero_to_host(void *dst, size_t size);
 *
 * Leaf code as above, in its range. Four blocks of DC ZVA in a turn; pairs of zeros where they do
 * not divide the bytes, or DC ZVA is not allowed.
 */
	.global	arch_zero_to_host
arch_zero_to_host:
	hint	#34				// BTI c
	mrs	x2, dczid_el0			// BS [3:0]: log2 of words; DZP [4]: not allowed
	and	x2, x2, #0x1F
	mov	x3, #4
	lsl	x3, x3, x2			// beyond any size if DZP
	lsl	x4, x3, #2
	sub	x5, x4, #1
	orr	x6, x0, x1
	tst	x6, x5
	add	x1, x1, x0
	b.ne	2f
	zero_to_x1
	mov	w0, #1
	ret
	sb
copy_last:
copy_faulted:
	mov	w0, #0
	ret
	sb

/*
 * uint64_t realm_ipa(uint64_t va);
 *
 * PAR_EL1 after stage 1 of the loaded realm; just PAR_EL1.F where its tables could not be read. The
 * address is all that is asked for, so it is that of a read at EL1, which every valid entry allows:
 * one at EL0 would fail for a page that EL0 may only execute.
 */
	.global	realm_ipa
realm_ipa:
	hint	#34				// BTI c
realm_ipa_first:
	at	s1e1r, x0
	isb
realm_ipa_last:
	mrs	x0, par_el1
	ret
	sb
realm_ipa_faulted:
	mov	x0, #1
	ret
	sb

/*
 * bool write_...(uint64_t value): of registers that have no name in older assemblers. False: the
 * write is undefined.
 */
	.macro	trap_write, name, register
	.global	\name
\name:
	hint	#34				// BTI c
	msr	\register, x0
	b	trap_written
	.endm

trap_write_first:
	trap_write	write_mpam2, s3_4_c10_c5_0
	trap_write	write_mpamhcr, s3_4_c10_c4_0
	trap_write	write_hdfgrtr, s3_4_c3_c1_4
	trap_write	write_hdfgwtr, s3_4_c3_c1_5
trap_write_last:
trap_written:
	isb
	mov	w0, #1
	ret
	sb
trap_write_refused:
	mov	w0, #0
	ret
	sb

/*
 * bool arch_zero_granule(void *va);
 *
 * Four blocks in a turn, so that what DC ZVA leaves to do by hand is little. A block is at most
 * 1 KiB here; on a CPU with larger ones, or without the instruction, pairs of zeros do it.
 */
	.global	arch_zero_granule
arch_zero_granule:
	hint	#34				// BTI c
zero_first:
	add	x1, x0, #0x1000
	mrs	x2, dczid_el0			// BS [3:0]: log2 of words; DZP [4]: not allowed
	and	x2, x2, #0x1F
	cmp	x2, #8
	b.hi	2f
	mov	x3, #4
	lsl	x3, x3, x2
	zero_to_x1
	dsb	ish
zero_last:
	mov	w0, #1
	ret
	sb
zero_faulted:
	mov	w0, #0
	ret
	sb

	.section .note.GNU-stack, "", %progbits
