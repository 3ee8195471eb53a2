// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_lock_set: all or nothing. It locks all when every entry is tracked, in its state and
 * named once; otherwise nothing stays locked, and the entry it returns is one at fault.
 * Bounds: sets of 3, one bank of 3 granules.
 */
#include "table.h"

#define COUNT 3U
#define PAGES 3U

static bool at_fault(const struct granule_wanted *set, unsigned int i)
{
	const struct granule *granule = granule_find(set[i].pa);

	if (granule == NULL || granule_peek(granule) != set[i].state) {
		return true;
	}
	for (unsigned int j = 0; j < i; j++) {
		if (set[j].pa.v == set[i].pa.v) {
			return true;
		}
	}
	return false;
}

int main(void)
{
	const struct granule_bank bank = {pa_of(BIT(30)), PAGES * GRANULE_SIZE};
	const struct granule_bank own = {pa_of(BIT(52)), GRANULE_SIZE};
	struct granule_wanted set[COUNT];
	uint32_t before[PAGES];
	bool any_fault = false;

	granule_table_init(&bank, 1, own);
	for (unsigned int i = 0; i < PAGES; i++) {
		table[i].word = nondet_u32();
		ASSUME((table[i].word & WORD_LOCK) == 0);
		before[i] = table[i].word;
	}
	for (unsigned int i = 0; i < COUNT; i++) {
		set[i].pa = pa_of(nondet_u64());
		set[i].state = nondet_unsigned() % GRANULE_STATE_COUNT;
		any_fault = at_fault(set, i) || any_fault;
	}

	int result = granule_lock_set(set, COUNT);

	PROVE((result == -1) == !any_fault);
	if (result == -1) {
		REACHED();
		PROVE(proof_locks_held == COUNT);
		for (unsigned int i = 0; i < COUNT; i++) {
			PROVE(set[i].held.granule == granule_find(set[i].pa));
			PROVE((set[i].held.granule->word & WORD_LOCK) != 0);
			granule_unlock(set[i].held);
		}
	} else {
		PROVE(result >= 0 && result < (int)COUNT);
		PROVE(at_fault(set, (unsigned int)result));
	}
	PROVE(proof_locks_held == 0);
	for (unsigned int i = 0; i < PAGES; i++) {
		PROVE(table[i].word == before[i]);
	}
}
