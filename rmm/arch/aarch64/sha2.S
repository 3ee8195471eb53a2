// SPDX-License-Identifier: BSD-3-Clause
/*
 * SHA-256 and SHA-512 with the instructions of FEAT_SHA256 and FEAT_SHA512 (Arm ARM C7.2), and the
 * saving of the vector registers that they use. Called by hash.c alone, which has opened the vector
 * registers to EL2; everything here uses v0..v15 and nothing above.
 */
	.arch	armv8.4-a+crypto+sha3+sve+sb

	.macro	function, name
	.global	\name
	.balign	16
\name:
	hint	#34				// BTI c
	.endm

	.section .text

/*
 * void sha2_save_q(void *area);  void sha2_restore_q(const void *area);
 * void sha2_save_z(void *area);  void sha2_restore_z(const void *area);
 *
 * v0..v15, or all of z0..z15 as long as ZCR_EL2 lets them be: writing v0 clears the rest of z0.
 */
function sha2_save_q
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x0, #64]
	stp	q6, q7, [x0, #96]
	stp	q8, q9, [x0, #128]
	stp	q10, q11, [x0, #160]
	stp	q12, q13, [x0, #192]
	stp	q14, q15, [x0, #224]
	ret
	sb

function sha2_restore_q
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
	ldp	q4, q5, [x0, #64]
	ldp	q6, q7, [x0, #96]
	ldp	q8, q9, [x0, #128]
	ldp	q10, q11, [x0, #160]
	ldp	q12, q13, [x0, #192]
	ldp	q14, q15, [x0, #224]
	ret
	sb

function sha2_save_z
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	str	z\n, [x0, #\n, mul vl]
	.endr
	ret
	sb

function sha2_restore_z
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	ldr	z\n, [x0, #\n, mul vl]
	.endr
	ret
	sb

/*
 * void sha2_fold_256(uint32_t state[8], const void *blocks, size_t count);
 *
 * v0 = a..d, v1 = e..h, v4..v7 = the last 16 words of the message schedule, v8..v11 = constants.
 */

	// Four rounds with the words in v\w; v\w then becomes the words 16 further on.
	.macro	rounds_256, k, w, w4, w8, w12
	add	v3.4s, v\w\().4s, v\k\().4s
	.ifnb	\w4
	sha256su0 v\w\().4s, v\w4\().4s
	.endif
	mov	v2.16b, v0.16b
	sha256h	q0, q1, v3.4s
	sha256h2 q1, q2, v3.4s
	.ifnb	\w4
	sha256su1 v\w\().4s, v\w8\().4s, v\w12\().4s
	.endif
	.endm

function sha2_fold_256
	cbz	x2, 2f
	adrp	x3, sha256_round_constants
	add	x3, x3, :lo12:sha256_round_constants
	ldp	q0, q1, [x0]
1:	ld1	{v4.16b-v7.16b}, [x1], #64
	rev32	v4.16b, v4.16b
	rev32	v5.16b, v5.16b
	rev32	v6.16b, v6.16b
	rev32	v7.16b, v7.16b
	mov	x4, x3
	.rept	3
	ld1	{v8.4s-v11.4s}, [x4], #64
	rounds_256 8, 4, 5, 6, 7
	rounds_256 9, 5, 6, 7, 4
	rounds_256 10, 6, 7, 4, 5
	rounds_256 11, 7, 4, 5, 6
	.endr
	ld1	{v8.4s-v11.4s}, [x4]
	rounds_256 8, 4
	rounds_256 9, 5
	rounds_256 10, 6
	rounds_256 11, 7
	ldp	q2, q3, [x0]
	add	v0.4s, v0.4s, v2.4s
	add	v1.4s, v1.4s, v3.4s
	stp	q0, q1, [x0]
	subs	x2, x2, #1
	b.ne	1b
2:	ret
	sb

/*
 * void sha2_fold_512(uint64_t state[8], const void *blocks, size_t count);
 *
 * The pairs ab, cd, ef, gh are in four of v0..v4, in other ones after each two rounds;
 * v8..v15 = the last 16 words of the message schedule.
 */

	// Two rounds with the words in v\w. After them ab is in v\gh, cd in v\ab, ef in v\free, gh
	// in v\ef, and v\cd is free. v\w becomes the words 16 further on.
	.macro	rounds_512, ab, cd, ef, gh, free, w, w2, w8, w10, w14
	ldr	q5, [x4], #16
	add	v5.2d, v5.2d, v\w\().2d
	ext	v5.16b, v5.16b, v5.16b, #8
	ext	v6.16b, v\ef\().16b, v\gh\().16b, #8	// f, g
	ext	v7.16b, v\cd\().16b, v\ef\().16b, #8	// d, e
	add	v\gh\().2d, v\gh\().2d, v5.2d
	sha512h	q\gh, q6, v7.2d
	add	v\free\().2d, v\cd\().2d, v\gh\().2d
	sha512h2 q\gh, q\cd, v\ab\().2d
	.ifnb	\w2
	sha512su0 v\w\().2d, v\w2\().2d
	ext	v5.16b, v\w8\().16b, v\w10\().16b, #8	// one word on from w8
	sha512su1 v\w\().2d, v\w14\().2d, v5.2d
	.endif
	.endm

function sha2_fold_512
	cbz	x2, 2f
	adrp	x3, sha512_round_constants
	add	x3, x3, :lo12:sha512_round_constants
	ldp	q0, q1, [x0]
	ldp	q2, q3, [x0, #32]
1:	ld1	{v8.16b-v11.16b}, [x1], #64
	ld1	{v12.16b-v15.16b}, [x1], #64
	.irp	n, 8, 9, 10, 11, 12, 13, 14, 15
	rev64	v\n\().16b, v\n\().16b
	.endr
	mov	x4, x3
	rounds_512 0, 1, 2, 3, 4, 8, 9, 12, 13, 15
	rounds_512 3, 0, 4, 2, 1, 9, 10, 13, 14, 8
	rounds_512 2, 3, 1, 4, 0, 10, 11, 14, 15, 9
	rounds_512 4, 2, 0, 1, 3, 11, 12, 15, 8, 10
	rounds_512 1, 4, 3, 0, 2, 12, 13, 8, 9, 11
	rounds_512 0, 1, 2, 3, 4, 13, 14, 9, 10, 12
	rounds_512 3, 0, 4, 2, 1, 14, 15, 10, 11, 13
	rounds_512 2, 3, 1, 4, 0, 15, 8, 11, 12, 14
	rounds_512 4, 2, 0, 1, 3, 8, 9, 12, 13, 15
	rounds_512 1, 4, 3, 0, 2, 9, 10, 13, 14, 8
	rounds_512 0, 1, 2, 3, 4, 10, 11, 14, 15, 9
	rounds_512 3, 0, 4, 2, 1, 11, 12, 15, 8, 10
	rounds_512 2, 3, 1, 4, 0, 12, 13, 8, 9, 11
	rounds_512 4, 2, 0, 1, 3, 13, 14, 9, 10, 12
	rounds_512 1, 4, 3, 0, 2, 14, 15, 10, 11, 13
	rounds_512 0, 1, 2, 3, 4, 15, 8, 11, 12, 14
	rounds_512 3, 0, 4, 2, 1, 8, 9, 12, 13, 15
	rounds_512 2, 3, 1, 4, 0, 9, 10, 13, 14, 8
	rounds_512 4, 2, 0, 1, 3, 10, 11, 14, 15, 9
	rounds_512 1, 4, 3, 0, 2, 11, 12, 15, 8, 10
	rounds_512 0, 1, 2, 3, 4, 12, 13, 8, 9, 11
	rounds_512 3, 0, 4, 2, 1, 13, 14, 9, 10, 12
	rounds_512 2, 3, 1, 4, 0, 14, 15, 10, 11, 13
	rounds_512 4, 2, 0, 1, 3, 15, 8, 11, 12, 14
	rounds_512 1, 4, 3, 0, 2, 8, 9, 12, 13, 15
	rounds_512 0, 1, 2, 3, 4, 9, 10, 13, 14, 8
	rounds_512 3, 0, 4, 2, 1, 10, 11, 14, 15, 9
	rounds_512 2, 3, 1, 4, 0, 11, 12, 15, 8, 10
	rounds_512 4, 2, 0, 1, 3, 12, 13, 8, 9, 11
	rounds_512 1, 4, 3, 0, 2, 13, 14, 9, 10, 12
	rounds_512 0, 1, 2, 3, 4, 14, 15, 10, 11, 13
	rounds_512 3, 0, 4, 2, 1, 15, 8, 11, 12, 14
	rounds_512 2, 3, 1, 4, 0, 8
	rounds_512 4, 2, 0, 1, 3, 9
	rounds_512 1, 4, 3, 0, 2, 10
	rounds_512 0, 1, 2, 3, 4, 11
	rounds_512 3, 0, 4, 2, 1, 12
	rounds_512 2, 3, 1, 4, 0, 13
	rounds_512 4, 2, 0, 1, 3, 14
	rounds_512 1, 4, 3, 0, 2, 15
	ldp	q5, q6, [x0]
	ldp	q7, q8, [x0, #32]
	add	v0.2d, v0.2d, v5.2d
	add	v1.2d, v1.2d, v6.2d
	add	v2.2d, v2.2d, v7.2d
	add	v3.2d, v3.2d, v8.2d
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	subs	x2, x2, #1
	b.ne	1b
2:	ret
	sb

	.section .note.GNU-stack, "", %progbits
