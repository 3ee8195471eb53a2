// SPDX-License-Identifier: BSD-3-Clause
/*
 * What happens once: from the entry registers to a CPU that answers the host. The calls that the
 * machine's entry code makes are in arch/entry.h; the result goes to EL3 with RMM_BOOT_COMPLETE.
 */
#ifndef RMM_CORE_BOOT_H
#define RMM_CORE_BOOT_H

#include "arch/entry.h"

/* The page shared with EL3, for services that pass buffers. Valid after boot_cold(). */
pa_t boot_shared_page(void);

#endif
