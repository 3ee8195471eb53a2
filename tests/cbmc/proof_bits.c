// SPDX-License-Identifier: BSD-3-Clause
/* base/bits.h against other ways to say the same. Bounds: none. */
#include "base/bits.h"
#include "proof.h"

int main(void)
{
	uint64_t value = nondet_u64();
	uint64_t limit = nondet_u64();
	unsigned int low = nondet_unsigned();
	unsigned int high = nondet_unsigned();
	unsigned int shift = nondet_unsigned();

	ASSUME(low <= high && high < 64 && shift < 64);

	uint64_t field = bits_get(value, high, low);
	uint64_t size = BIT(shift);

	PROVE(field == (value << (63 - high)) >> (63 - high) >> low);
	PROVE((MASK(high, low) & ~(value & MASK(high, low))) == (MASK(high, low) & ~value));
	PROVE(is_aligned(value, size) == ((value >> shift) << shift == value));
	PROVE(align_down(value, size) <= value && value - align_down(value, size) < size);
	PROVE(is_aligned(align_down(value, size), size));
	if (value <= ~(uint64_t)0 - size) {
		PROVE(align_up(value, size) >= value && align_up(value, size) - value < size);
		PROVE(is_aligned(align_up(value, size), size));
	}
	PROVE(index_clamp(value, limit) == (value < limit ? value : 0));
	PROVE(min_u64(value, limit) <= value && min_u64(value, limit) <= limit);
	REACHED();
}
