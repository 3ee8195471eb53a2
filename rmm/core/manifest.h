// SPDX-License-Identifier: BSD-3-Clause
/*
 * The boot manifest that EL3 hands over (RMM-EL3 communication interface 0.4, manifest 0.3).
 *
 * EL3 is trusted, but a wrong manifest must end in the specified error and not in a wrong memory
 * map: everything is checked before anything is believed.
 */
#ifndef RMM_CORE_MANIFEST_H
#define RMM_CORE_MANIFEST_H

#include "plat/plat.h"

#define MANIFEST_MAX_BANKS    252U /* 16 bytes each in one page, less the header */
#define MANIFEST_MAX_CONSOLES 8U

struct manifest {
	struct granule_bank banks[MANIFEST_MAX_BANKS];
	size_t bank_count;
	struct manifest_console consoles[MANIFEST_MAX_CONSOLES];
	size_t console_count;
};

/*
 * Reads the manifest at the start of `page`, a private 8-byte-aligned copy of the 4 KiB page that
 * EL3 shares at page_pa. pa_bits bounds the addresses of memory. Returns EL3_BOOT_SUCCESS,
 * EL3_BOOT_MANIFEST_VERSION or EL3_BOOT_MANIFEST_DATA; *out is valid only after
 * the first.
 */
int64_t manifest_parse(const void *page, pa_t page_pa, unsigned int pa_bits, struct manifest *out);

#endif
