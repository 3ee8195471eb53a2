// SPDX-License-Identifier: BSD-3-Clause
/*
 * granule_ref, granule_unref, granule_set_live_map: each changes its field and nothing else, and
 * what would leave the field stops. Bounds: none.
 */
#include "table.h"

int main(void)
{
	struct granule *granule = any_granule();
	struct granule_held held = {granule};
	unsigned int count = nondet_unsigned();
	uint16_t live_map = nondet_u16();
	bool locked = nondet_bool();

	granule->word |= locked ? WORD_LOCK : 0;

	uint32_t before = granule->word;
	const uint32_t refs_field = (uint32_t)WORD_REFS_MAX << WORD_REFS_LOW;

	switch (nondet_unsigned()) {
	case 0:
		proof_panic_wanted = !locked || count > WORD_REFS_MAX - refs_of(before);
		granule_ref(held, count);
		REACHED();
		PROVE(!proof_panic_wanted && granule_refs(granule) == refs_of(before) + count);
		PROVE(((granule->word ^ before) & ~refs_field) == 0);
		break;
	case 1:
		proof_panic_wanted = count > refs_of(before);
		granule_unref(granule, count);
		REACHED();
		PROVE(!proof_panic_wanted && granule_refs(granule) == refs_of(before) - count);
		PROVE(((granule->word ^ before) & ~refs_field) == 0);
		break;
	default:
		proof_panic_wanted = !locked;
		granule_set_live_map(held, live_map);
		REACHED();
		PROVE(!proof_panic_wanted && granule_live_map(held) == live_map);
		PROVE(((granule->word ^ before) & 0xFFFF) == 0);
		break;
	}
}
