// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_table_init: succeeds exactly when what is left of the banks without the RMM's own memory
 * fits, and the table is empty otherwise. Bounds: as proof_table.
 */
#include "table.h"

static uint64_t size_without_own(struct granule_bank bank)
{
	uint64_t end = bank.base.v + bank.size;
	uint64_t own_end = any_own.base.v + any_own.size;
	uint64_t from = any_own.base.v > bank.base.v ? any_own.base.v : bank.base.v;
	uint64_t to = own_end < end ? own_end : end;

	return from < to ? bank.size - (to - from) : bank.size;
}

static bool fits(void)
{
	uint64_t total = 0;

	for (size_t i = 0; i < any_bank_count; i++) {
		total += size_without_own(any_banks[i]) / GRANULE_SIZE;
	}
	return total <= GRANULE_CAPACITY;
}

int main(void)
{
	choose_banks();
	bool made = granule_table_init(any_banks, any_bank_count, any_own);

	PROVE(made == fits());
	if (!made) {
		REACHED();
		PROVE(granule_find(pa_of(nondet_u64())) == NULL);
	}
}
