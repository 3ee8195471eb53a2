// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_find: what is found lies in a bank, is aligned and is not the RMM's own memory, and it is
 * UNDELEGATED without references at first.
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
	PROVE(granule_peek(granule) == GRANULE_UNDELEGATED && granule_refs(granule) == 0);
}
