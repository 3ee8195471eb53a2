// SPDX-License-Identifier: BSD-3-Clause
/*
 * The RMM's address space, for C and assembly.
 *
 * TTBR0, the same for all CPUs, 39 bits:
 *     PLAT_RMM_BASE   the image, mapped to itself: code RX, constants R, data RW
 *     WINDOW_BASE     the window on metadata granules (arch/space.h)
 * TTBR1, one per CPU, 25 bits, of which the first 2 MiB are used:
 *     page 1..8       stack             (pages 0 and 9 are guards)
 *     page 10         exception stack, and above it the key that signs return addresses
 *                     (page 11 is a guard)
 *     page 16...      slots
 *     page 32         console
 * What belongs to one CPU has the same address on each, and cannot be reached from another.
 */
#ifndef ARCH_AARCH64_LAYOUT_H
#define ARCH_AARCH64_LAYOUT_H

#define VA_BITS_LOW    39
#define VA_BITS_HIGH   25
#define WINDOW_BASE    0x4000000000
#define CPU_SPACE_BASE 0xFFFFFFFFFE000000

#define STACK_FIRST_PAGE 1
#define STACK_PAGES      8
#define EXC_STACK_PAGE   10
#define SLOT_FIRST_PAGE  16
#define CONSOLE_PAGE     32

#define STACK_TOP     (CPU_SPACE_BASE + (STACK_FIRST_PAGE + STACK_PAGES) * 0x1000)
#define EXC_STACK_TOP (CPU_SPACE_BASE + (EXC_STACK_PAGE + 1) * 0x1000 - 16)
#define CPU_MEM_PAGES (STACK_PAGES + 1)
#define CPU_MEM_SIZE  (CPU_MEM_PAGES * 0x1000)

#define MAX_CPUS 32

/* Offsets in struct arch_vcpu and struct arch_pauth, for run.S; checked in vcpu.c. */
#define VCPU_PC     248
#define VCPU_PSTATE 256
#define VCPU_PAUTH  264
#define VCPU_SP_EL0 344

#endif
