// SPDX-License-Identifier: BSD-3-Clause
/*
 * array_at, through which all of the manifest's arrays are found: an array that is accepted lies in
 * the page, every byte of it, and aligned; one that does is accepted. Bounds: none; entries of 16
 * and 48 bytes.
 */
#include "core/manifest.c"
#include "proof.h"

int main(void)
{
	static uint64_t page[GRANULE_SIZE / sizeof(uint64_t)];
	const struct view view = {(const void *)page, nondet_u64()};
	uint64_t pa = nondet_u64();
	uint64_t count = nondet_u64();
	uint64_t size = nondet_bool() ? sizeof(struct el3_dram_bank) : sizeof(struct el3_console);
	uint64_t offset = pa - view.base;

	ASSUME(is_aligned(view.base, GRANULE_SIZE) && view.base < BIT(52));

	const uint64_t *found = array_at(view, pa, count, size);
	bool inside = offset < GRANULE_SIZE && is_aligned(offset, 8) && count <= GRANULE_SIZE &&
		      offset + count * size <= GRANULE_SIZE;

	PROVE((found != NULL) == inside);
	if (found != NULL) {
		REACHED();
		PROVE(found == page + offset / 8);
	}
}
