// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_find, granule_pa: what is found lies in a bank and not in
 * the RMM's own memory, and address and descriptor are inverse to each other.
 * Bounds: 2 banks, 4 granules; any addresses, sizes and own range of 20 bits.
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
	PROVE(delegable(pa));
	PROVE(granule_index(granule) < GRANULE_CAPACITY);
	PROVE(granule_pa(granule).v == pa);
	PROVE(granule_peek(granule) == GRANULE_UNDELEGATED && granule_refs(granule) == 0);
}
