// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_pa, granule_index: undo granule_find, and stay inside the table. Bounds: as proof_table.
 */
#include "table.h"

int main(void)
{
	uint64_t pa = nondet_u64();

	choose_banks();
	ASSUME(granule_table_init(any_banks, any_bank_count, any_own));

	const struct granule *granule = granule_find(pa_of(pa));

	ASSUME(granule != NULL);
	REACHED();
	PROVE(granule_index(granule) < GRANULE_CAPACITY);
	PROVE(granule_pa(granule).v == pa);
}
