// SPDX-License-Identifier: BSD-3-Clause
/* The realm payload, as it is copied into every realm. Its size is a multiple of the page size. */
	.section .rodata
	.balign	4096
	.global realm_image
realm_image:
	.incbin	REALM_BIN
	.global realm_image_end
realm_image_end:
