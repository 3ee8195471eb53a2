// SPDX-License-Identifier: BSD-3-Clause
/*
 * Entry points of the bare-metal host at NS-EL2: _start (BL33, from TF-A) and secondary_start (from
 * PSCI CPU_ON). The MMU goes on before anything is written, so that no line of memory is ever
 * written with the caches off: the page table is initialised data, and the stack comes later.
 */
#include "payload/host/cpu_offsets.h"

#define HCR_HOST      0x488000038	/* E2H, RW, TGE, AMO, IMO, FMO: a VHE host, as Linux is */
#define CPTR_NO_TRAPS 0x3330000		/* FPEN, ZEN, SMEN = 0b11 */
#define MAIR_HOST     0xff00		/* attribute 0: Device-nGnRnE, 1: Normal write-back */
/* T0SZ = T1SZ = 25 (39 bits), write-back inner shareable walks, EPD1 */
#define TCR_HOST      0x80993519
#define SCTLR_HOST    0x30d5180d	/* RES1 bits, nTWE, nTWI, I, SA, C, M */

	.section .text.start, "ax"
	.global _start
_start:
	ldr	x0, =cpus
	mov	x28, #1
	b	cpu_setup

	.global secondary_start
secondary_start:
	mov	x28, #0

/* x0: this CPU's struct cpu; x28: 1 on the primary. Uses no stack and no memory but literals. */
cpu_setup:
	msr	daifset, #0xf
	msr	spsel, #1
	ldr	x1, =HCR_HOST
	msr	hcr_el2, x1
	isb
	ldr	x1, =CPTR_NO_TRAPS
	msr	cptr_el2, x1
	msr	mdcr_el2, xzr
	msr	cntvoff_el2, xzr
	ldr	x1, =vectors
	msr	vbar_el2, x1
	ldr	x1, =MAIR_HOST
	msr	mair_el2, x1
	mrs	x2, id_aa64mmfr0_el1
	and	x2, x2, #0xf
	cmp	x2, #5			/* no LPA2 here: 48 bits at most */
	mov	x3, #5
	csel	x2, x2, x3, ls
	ldr	x1, =TCR_HOST
	orr	x1, x1, x2, lsl #32
	msr	tcr_el2, x1
	ldr	x1, =host_table
	msr	ttbr0_el2, x1
	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	ldr	x1, =SCTLR_HOST
	msr	sctlr_el2, x1
	isb
	msr	tpidr_el2, x0
	cbz	x28, 2f

	ldr	x1, =__bss_start
	ldr	x2, =__bss_end
1:	stp	xzr, xzr, [x1], #16
	cmp	x1, x2
	b.lo	1b
	ldr	x1, =cpu_stacks + STACK_SIZE
	mov	sp, x1
	mov	x29, xzr
	bl	primary_main
	b	.

2:	ldr	x1, [x0, #CPU_STACK_TOP]
	mov	sp, x1
	mov	x29, xzr
	bl	secondary_main
	b	.
	.ltorg

/* Identity map: the first GiB is devices, the next three are memory. 1 GiB blocks at level 1. */
#define BLOCK_DEVICE(gib) (((gib) << 30) | 0x0060000000000401)	/* XN, AF, attribute 0 */
#define BLOCK_NORMAL(gib) (((gib) << 30) | 0x0000000000000705)	/* AF, inner shareable, attr. 1 */
	.section .data
	.balign	4096
host_table:
	.quad	BLOCK_DEVICE(0)
	.quad	BLOCK_NORMAL(1), BLOCK_NORMAL(2), BLOCK_NORMAL(3)
	.fill	508, 8, 0
