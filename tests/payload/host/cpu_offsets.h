/* SPDX-License-Identifier: BSD-3-Clause */
/* What start.S knows of struct cpu and the stacks; cpu.c asserts it. */
#ifndef HOST_CPU_OFFSETS_H
#define HOST_CPU_OFFSETS_H

#define CPU_STACK_TOP 0
#define STACK_SIZE    16384

#endif
