// SPDX-License-Identifier: BSD-3-Clause
/* Vector registers from and to a struct vectors. x0: its address. */
#include "payload/common/simd.h"

	.arch	armv8.5-a+sve

	.macro	each_q, operation
	.irp	reg, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\operation	q\reg, [x0, #(\reg * 16)]
	.endr
	.irp	reg, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation	q\reg, [x0, #(\reg * 16)]
	.endr
	.endm

	.macro	each_z, operation
	mov	x1, x0
	.irp	reg, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\operation	z\reg, [x1]
	add	x1, x1, #SIMD_Z_MAX
	.endr
	.irp	reg, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation	z\reg, [x1]
	add	x1, x1, #SIMD_Z_MAX
	.endr
	.endm

	.macro	each_p, operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	add	x1, x2, #(\n * SIMD_P_MAX)
	\operation	p\n, [x1]
	.endr
	.endm

	.macro	control_out
	add	x1, x0, #SIMD_CONTROL_1, lsl #12
	mrs	x2, fpcr
	mrs	x3, fpsr
	stp	x2, x3, [x1]
	.endm

	.macro	control_in
	add	x1, x0, #SIMD_CONTROL_1, lsl #12
	ldp	x2, x3, [x1]
	msr	fpcr, x2
	msr	fpsr, x3
	.endm

	.section .text, "ax"
	.global fp_load
fp_load:
	each_q	ldr
	control_in
	ret

	.global fp_store
fp_store:
	each_q	str
	control_out
	ret

	.global sve_load
sve_load:
	add	x2, x0, #SIMD_P_1, lsl #12
	add	x1, x2, #(16 * SIMD_P_MAX)
	ldr	p0, [x1]
	wrffr	p0.b
	each_z	ldr
	each_p	ldr
	control_in
	ret

	.global sve_store
sve_store:
	add	x2, x0, #SIMD_P_1, lsl #12
	each_z	str
	each_p	str
	rdffr	p0.b
	add	x1, x2, #(16 * SIMD_P_MAX)
	str	p0, [x1]
	ldr	p0, [x2]
	control_out
	ret

	.global sve_bytes
sve_bytes:
	rdvl	x0, #1
	ret
