// SPDX-License-Identifier: BSD-3-Clause
/*
 * What happens once: from the entry registers to a CPU that answers the host. The architecture's
 * entry code has turned the MMU on and calls one of these on the CPU's own stack; the result goes
 * to EL3 with RMM_BOOT_COMPLETE.
 */
#ifndef RMM_CORE_BOOT_H
#define RMM_CORE_BOOT_H

#include "granule/granule.h"

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

/* The page shared with EL3, for services that pass buffers. Valid after boot_cold(). */
pa_t boot_shared_page(void);

#endif
