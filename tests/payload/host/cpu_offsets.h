/* SPDX-License-Identifier: BSD-3-Clause */
/* Offsets that assembly knows; cpu.c asserts that they are those of the C structures. */
#ifndef HOST_CPU_OFFSETS_H
#define HOST_CPU_OFFSETS_H

#define CPU_STACK_TOP 0

#define STACK_SIZE 16384

#define FRAME_X    0
#define FRAME_SP   248
#define FRAME_ELR  256
#define FRAME_SPSR 264
#define FRAME_ESR  272
#define FRAME_FAR  280
#define FRAME_SIZE 288

#endif
