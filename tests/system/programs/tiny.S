// SPDX-License-Identifier: BSD-3-Clause
// A realm kernel of one page, for tests of the host's bookkeeping: arm64 Image header, then it
// writes one word into each of TINY_PAGES pages behind its image (so that they are populated on
// demand), shares two pages and writes to them, and powers off, or spins if SPIN is defined. If
// WAIT is defined, it powers off after a WFIT of 10 ms with nothing else that could wake it.

#define TINY_PAGES    2048
#define IMAGE_SIZE    0x200000 // of the header: where the loader may put other things
#define ALIAS	      (1 << 32)
#define RSI_IPA_STATE_SET 0xC4000197
#define PSCI_SYSTEM_OFF	  0x84000008

	.text
	.globl _start
_start:
	b	start
	.long	0
	.quad	0		// text offset
	.quad	IMAGE_SIZE
	.quad	0xa		// little endian, 4 KiB pages, anywhere
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

start:
	adr	x19, _start
	add	x20, x19, #(2 * IMAGE_SIZE)	// behind image and device tree
	mov	x21, #TINY_PAGES
1:	str	x21, [x20]
	add	x20, x20, #4096
	subs	x21, x21, #1
	b.ne	1b

	// Two pages become shared: write to their alias.
	add	x22, x19, #(1 * IMAGE_SIZE)
	add	x22, x22, #0x100000
	mov	x23, x22
	add	x24, x22, #0x2000
2:	ldr	x0, =RSI_IPA_STATE_SET
	mov	x1, x23
	mov	x2, x24
	mov	x3, #0
	mov	x4, #1
	smc	#0
	cbnz	x0, 3f
	mov	x23, x1
	cmp	x23, x24
	b.lo	2b
	orr	x22, x22, #ALIAS
	str	x0, [x22]
	str	x0, [x22, #4088]
	str	x0, [x22, #4096]
3:
#ifdef SPIN
	sub	x20, x20, #4096
4:	add	x25, x25, #1
	str	x25, [x20]
	b	4b
#else
#ifdef WAIT
	mrs	x0, cntfrq_el0
	mov	x1, #100
	udiv	x0, x0, x1
	isb
	mrs	x1, cntvct_el0
	add	x1, x1, x0
4:	msr	s0_3_c1_c0_1, x1	// WFIT; it may end early
	isb
	mrs	x0, cntvct_el0
	cmp	x0, x1
	b.lo	4b
#endif
	ldr	x0, =PSCI_SYSTEM_OFF
	smc	#0
	b	3b
#endif
	.ltorg
