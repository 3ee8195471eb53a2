// SPDX-License-Identifier: BSD-3-Clause
/*
 * First instructions of every CPU, cold and warm, as EL3 enters the image: EL2, MMU and data cache
 * off, everything masked, registers as in the RMM-EL3 communication interface 0.4.
 *
 * Until the MMU is on, stores go past the caches. EL3 wrote the image through them, so on the cold
 * path the lines of the whole image are written back and dropped before anything is stored. What a
 * warm CPU reads with its MMU off was stored in the same way.
 */
#include "arch/aarch64/layout.h"
#include "arch/aarch64/sysreg.h"

	.macro	load, register, value
	movz	\register, #((\value) & 0xFFFF)
	movk	\register, #(((\value) >> 16) & 0xFFFF), lsl #16
	movk	\register, #(((\value) >> 32) & 0xFFFF), lsl #32
	movk	\register, #(((\value) >> 48) & 0xFFFF), lsl #48
	.endm

	.macro	address, register, symbol
	adrp	\register, \symbol
	add	\register, \register, :lo12:\symbol
	.endm

	.section .head, "ax"
	.global	rmm_entry
rmm_entry:
	mov	x19, x0
	mov	x20, x1
	mov	x21, x2
	mov	x22, x3
	load	x0, HCR_BOOT
	msr	hcr_el2, x0
	isb					// E2H decides what the others mean
	load	x0, CPTR_BOOT
	msr	cptr_el2, x0
	address	x0, el2_vectors
	msr	vbar_el2, x0
	isb
	adrp	x0, cold_boot_done
	ldr	w0, [x0, :lo12:cold_boot_done]
	cbnz	w0, warm

cold:
	mrs	x3, ctr_el0			// DminLine [19:16]: log2 of words in a line
	ubfx	x3, x3, #16, #4
	mov	x4, #4
	lsl	x4, x4, x3
	address	x0, __image_start
	address	x1, __image_end
1:	dc	civac, x0
	add	x0, x0, x4
	cmp	x0, x1
	b.lo	1b
	dsb	sy

	address	x0, __bss_start
	address	x1, __bss_end
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b

	// An index that is out of range is reported later; it must not move the stack.
	cmp	x19, #MAX_CPUS
	csel	x23, x19, xzr, lo
	bl	boot_stack
	mov	sp, x0
	bl	mmu_build
	mov	x0, x23
	bl	mmu_enable
	load	x0, STACK_TOP
	mov	sp, x0
	mov	w1, #1
	adrp	x0, cold_boot_done
	add	x0, x0, :lo12:cold_boot_done
	str	w1, [x0]
	dc	cvac, x0
	dsb	sy
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	mov	x3, x22
	b	entry_cold

warm:
	cmp	x19, #MAX_CPUS
	csel	x23, x19, xzr, lo
	b.hs	3f
	mov	x0, x23
	bl	mmu_enable
	load	x0, STACK_TOP
	mov	sp, x0
	mov	x0, x19
	b	entry_warm

	// No stack exists for such a CPU, so the refusal is made here (EL3_BOOT_CPU_ID).
3:	load	x0, 0xC40001CF
	mov	x1, #-4
	smc	#0
	b	3b

	// x23 = index -> x0 = physical top of that CPU's stack.
boot_stack:
	address	x0, cpu_memory
	load	x1, CPU_MEM_SIZE
	madd	x0, x23, x1, x0
	add	x0, x0, #(STACK_PAGES * 0x1000)
	ret
	sb

/*
 * mmu_enable(x0 = CPU index): address space, control registers and the per-CPU base registers of
 * this CPU. Uses no stack, and stores nothing before the MMU is on.
 */
mmu_enable:
	load	x1, MAIR_VALUE
	msr	mair_el2, x1
	mrs	x2, id_aa64mmfr0_el1		// PARange, at most 48 bits: no LPA2 at stage 1
	and	x2, x2, #0xF
	mov	x3, #TCR_IPS_48
	cmp	x2, x3
	csel	x2, x2, x3, lo
	load	x1, (TCR_T0SZ(VA_BITS_LOW) | TCR_T1SZ(VA_BITS_HIGH) | TCR_WALK_LOW | \
		TCR_WALK_HIGH | TCR_A1 | TCR_TG1_4K)
	orr	x1, x1, x2, lsl #TCR_IPS_SHIFT
	msr	tcr_el2, x1
	address	x1, low_l1
	msr	ttbr0_el2, x1
	address	x1, cpu_l2
	add	x1, x1, x0, lsl #7		// 16 entries of 8 bytes for each CPU
	msr	ttbr1_el2, x1
	msr	tpidr_el2, x0
	isb
	tlbi	alle2
	tlbi	alle1				// realms': a CPU that was off heard no invalidation
	ic	iallu
	dsb	nsh
	isb
	load	x1, SCTLR_VALUE
	msr	sctlr_el2, x1
	isb
	msr	dit, #1
	msr	spsel, #0			// SP_EL0 carries the exception stack
	load	x1, EXC_STACK_TOP
	mov	sp, x1
	msr	spsel, #1

	// Key A signs return addresses. Where there is no random number generator, or it is empty
	// (Z is set then), the counter has to do.
	mrs	x4, id_aa64isar0_el1
	ubfx	x4, x4, #60, #4
	mrs	x5, cntpct_el0
	mov	x2, x5
	mov	x3, x5
	cbz	x4, 4f
	mrs	x2, s3_3_c2_c4_0		// RNDR
	csel	x2, x5, x2, eq
	mrs	x3, s3_3_c2_c4_0
	csel	x3, x5, x3, eq
4:	stp	x2, x3, [x1]			// for run.S
	msr	s3_0_c2_c1_0, x2		// APIAKeyLo_EL1
	msr	s3_0_c2_c1_1, x3		// APIAKeyHi_EL1
	isb
	ret
	sb

	.section .data
	.balign	64
cold_boot_done:
	.word	0
	.balign	64

	.section .note.GNU-stack, "", %progbits
