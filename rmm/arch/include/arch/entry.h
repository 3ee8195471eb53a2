// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: entering the RMM. The machine's code calls up here, and in realm_smc() of
 * arch/vcpu.h only: its entry code has turned the MMU on and calls one of these on the CPU's own
 * stack. core/boot.c provides them.
 */
#ifndef ARCH_ENTRY_H
#define ARCH_ENTRY_H

#include "base/types.h"

/* x0..x3 of the cold entry (RMM-EL3 communication interface 0.4). */
struct boot_args {
	uint64_t cpu_index;
	uint64_t interface_version;
	uint64_t cpu_count;
	uint64_t shared_page;
};

/* Primary CPU, once. `own` is the memory the RMM was given. Returns an EL3_BOOT_... result. */
int64_t boot_cold(const struct boot_args *args, struct granule_bank own);

/* Every other CPU, each time it is powered up, and the primary when it was off. */
int64_t boot_warm(uint64_t cpu_index);

/* Reports the boot result and serves the host for ever. */
_Noreturn void boot_serve(int64_t result);

/*
 * Maps one page of device registers for all CPUs, for the platform's console; there is place for
 * one. pa is page aligned. Returns where.
 */
volatile void *arch_map_console(pa_t pa);

#endif
