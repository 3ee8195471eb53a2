// SPDX-License-Identifier: BSD-3-Clause
/* What a platform provides to boot. One folder of plat/ is built. */
#ifndef RMM_PLAT_PLAT_H
#define RMM_PLAT_PLAT_H

#include "core/manifest.h"

/*
 * Takes the first console of the manifest that the platform has a driver for, and makes
 * arch_trace_print() write to it. None is fine: the RMM is silent then.
 */
void plat_console_init(const struct manifest_console *consoles, size_t count);

#endif
