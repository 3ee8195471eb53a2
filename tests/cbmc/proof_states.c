// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_lock, granule_unlock, granule_unlock_to: a granule changes as the table of transitions
 * says and in no other way, references and live map stay unless it becomes DELEGATED, other
 * granules stay as they are, and what is not allowed stops. Bounds: none but the number of granules
 * (4).
 */
#include "table.h"

static bool allowed(unsigned int from, unsigned int to, unsigned int refs)
{
	if (to >= GRANULE_STATE_COUNT || from == to) {
		return false;
	}
	if (from == GRANULE_DELEGATED) {
		return true;
	}
	return to == GRANULE_DELEGATED && refs == 0;
}

static void change(struct granule_held held, uint32_t before)
{
	enum granule_state from = state_of(before);
	unsigned int to = nondet_unsigned();

	ASSUME(to < 16);
	bool may = allowed(from, to, refs_of(before));

	proof_panic_wanted = !may;
	granule_unlock_to(held, to);
	REACHED();
	PROVE(may && granule_peek(held.granule) == to && (held.granule->word & WORD_LOCK) == 0);
	PROVE(granule_refs(held.granule) == refs_of(before));
	PROVE(to != GRANULE_DELEGATED || held.granule->word >> WORD_REFS_LOW == 0);
}

int main(void)
{
	uint64_t other = nondet_u64();
	struct granule *granule = any_granule();
	struct granule_held held;

	ASSUME(other < GRANULE_CAPACITY && &table[other] != granule);
	table[other].word = nondet_u32();

	uint32_t other_before = table[other].word;
	uint32_t before = granule->word;
	unsigned int want = nondet_unsigned();

	ASSUME(want < 16);
	if (!granule_lock(granule, want, &held)) {
		PROVE(want != state_of(before) && granule->word == before);
	} else {
		PROVE(want == state_of(before) && held.granule == granule && proof_locks_held == 1);
		PROVE(granule->word == (before | WORD_LOCK));
		if (nondet_bool()) {
			granule_unlock(held);
			PROVE(granule->word == before);
		} else {
			change(held, before);
		}
	}
	PROVE(proof_locks_held == 0 && table[other].word == other_before);
}
