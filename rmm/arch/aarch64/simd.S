// SPDX-License-Identifier: BSD-3-Clause
/* Vector registers to memory and back; layouts in simd.h. */
#include "arch/aarch64/simd.h"

	.arch	armv8.2-a+sve+sb

	.macro	each_q, operation
	\operation q0, q1, [x0, #0]
	\operation q2, q3, [x0, #32]
	\operation q4, q5, [x0, #64]
	\operation q6, q7, [x0, #96]
	\operation q8, q9, [x0, #128]
	\operation q10, q11, [x0, #160]
	\operation q12, q13, [x0, #192]
	\operation q14, q15, [x0, #224]
	\operation q16, q17, [x0, #256]
	\operation q18, q19, [x0, #288]
	\operation q20, q21, [x0, #320]
	\operation q22, q23, [x0, #352]
	\operation q24, q25, [x0, #384]
	\operation q26, q27, [x0, #416]
	\operation q28, q29, [x0, #448]
	\operation q30, q31, [x0, #480]
	.endm

	.macro	each_z, operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\operation z\n, [x0, #\n, mul vl]
	.endr
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	\operation z\n, [x1, #(\n - 16), mul vl]
	.endr
	.endm

	.macro	each_p, operation
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	\operation p\n, [x2, #\n, mul vl]
	.endr
	.endm

	.macro	function, name
	.global	\name
\name:
	hint	#34				// BTI c
	.endm

	.section .text

	function simd_fp_save
	ldr	x0, [x0]
	each_q	stp
	mrs	x1, fpcr
	mrs	x2, fpsr
	add	x0, x0, #SIMD_CONTROL_FP
	stp	x1, x2, [x0]
	ret
	sb

	function simd_fp_restore
	ldr	x0, [x0]
	each_q	ldp
	add	x0, x0, #SIMD_CONTROL_FP
	ldp	x1, x2, [x0]
	msr	fpcr, x1
	msr	fpsr, x2
	ret
	sb

	function simd_sve_save
	ldr	x2, [x0, #16]
	ldp	x0, x1, [x0]
	each_z	str
	each_p	str
	mrs	x3, fpcr
	mrs	x4, fpsr
	mrs	x5, s3_5_c1_c2_0		// ZCR_EL12
	add	x6, x2, #SIMD_CONTROL_SVE
	stp	x3, x4, [x6]
	str	x5, [x6, #16]
	rdffr	p0.b
	str	p0, [x2, #16, mul vl]
	ldr	p0, [x2, #0, mul vl]
	ret
	sb

	function simd_sve_restore
	ldr	x2, [x0, #16]
	ldp	x0, x1, [x0]
	ldr	p0, [x2, #16, mul vl]
	wrffr	p0.b
	each_z	ldr
	each_p	ldr
	add	x6, x2, #SIMD_CONTROL_SVE
	ldp	x3, x4, [x6]
	ldr	x5, [x6, #16]
	msr	fpcr, x3
	msr	fpsr, x4
	msr	s3_5_c1_c2_0, x5
	ret
	sb

	function simd_sve_clear
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	mov	z\n\().b, #0
	.endr
	.irp	n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	mov	z\n\().b, #0
	.endr
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	pfalse	p\n\().b
	.endr
	wrffr	p0.b
	ret
	sb

	.section .note.GNU-stack, "", %progbits
