// SPDX-License-Identifier: BSD-3-Clause
/* What a platform provides to boot. One folder of plat/ is built. */
#ifndef RMM_PLAT_PLAT_H
#define RMM_PLAT_PLAT_H

#include "base/types.h"

/* A console of the boot manifest. */
struct manifest_console {
	pa_t base; /* of its registers, page aligned */
	uint64_t pages;
	char name[8]; /* NUL padded; not terminated when all eight are used */
};

/*
 * Takes the first console of the manifest that the platform has a driver for, and makes
 * arch_trace_print() write to it. None is fine: the RMM is silent then.
 */
void plat_console_init(const struct manifest_console *consoles, size_t count);

#endif
