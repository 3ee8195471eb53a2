// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_index: ascends as addresses do, so that the lock order by index is the one by address,
 * and two addresses never share a descriptor. Bounds: as proof_table.
 */
#include "table.h"

int main(void)
{
	uint64_t pa = nondet_u64();
	uint64_t other_pa = nondet_u64();

	choose_banks();
	ASSUME(granule_table_init(any_banks, any_bank_count, any_own));

	const struct granule *granule = granule_find(pa_of(pa));
	const struct granule *other = granule_find(pa_of(other_pa));

	ASSUME(granule != NULL && other != NULL && pa < other_pa);
	REACHED();
	PROVE(granule_index(granule) < granule_index(other));
}
