// SPDX-License-Identifier: BSD-3-Clause
/* Which shapes a stage 2 can have, and the registers that describe them (Arm ARM D24.2). */
#include "base/assert.h"
#include "base/bits.h"
#include "feat/feat.h"
#include "s2/s2.h"

#define MIN_IPA_BITS      32U
#define LPA1_BITS         48U
#define LPA2_BITS         52U
#define LEVEL0_PA_BITS    44U /* a CPU with less cannot start at level 0 */
#define CONCATENATED_BITS 4U

#define VTCR_T0SZ(bits) ((uint64_t)64 - (bits))
#define VTCR_SL0_LOW    6U
#define VTCR_WALK       ((uint64_t)1 << 8 | (uint64_t)1 << 10 | (uint64_t)3 << 12)
#define VTCR_PS_LOW     16U
#define VTCR_VS         BIT(19)
#define VTCR_NSA        BIT(30)
#define VTCR_RES1       BIT(31)
#define VTCR_DS         BIT(32)
#define VTCR_SL2        BIT(33)

#define VTTBR_VMID_LOW   48U
#define VTTBR_TOP        MASK(51, 48)
#define VTTBR_TOP_SHIFT  46U /* to bits [5:2], with DS */
#define VTTBR_BADDR_MASK MASK(47, 12)

/* Widest IPA that one table at this level covers. */
static unsigned int single_table_bits(int level)
{
	return level == S2_LEVEL_MIN ? LPA2_BITS : 9U * (unsigned int)(S2_LEVEL_PAGE - level) + 21U;
}

/* Bits that more than one table at this level may add. */
static unsigned int concatenated_bits(int level, bool lpa2)
{
	return level > 0 || (level == 0 && lpa2) ? CONCATENATED_BITS : 0;
}

bool s2_geometry_valid(uint64_t ipa_bits, int64_t start_level, uint64_t start_tables, bool lpa2)
{
	if (ipa_bits < MIN_IPA_BITS || ipa_bits > (lpa2 ? LPA2_BITS : LPA1_BITS) ||
	    ipa_bits > feat()->ipa_bits || (lpa2 && !feat()->lpa2)) {
		return false;
	}
	if (start_level < (lpa2 ? S2_LEVEL_MIN : 0) || start_level >= S2_LEVEL_PAGE ||
	    (start_level <= 0 && feat()->pa_bits < LEVEL0_PA_BITS)) {
		return false;
	}

	int level = (int)start_level;
	unsigned int bits = (unsigned int)ipa_bits;
	unsigned int single = single_table_bits(level);

	/* Fewer bits would leave the table with one entry, or none. */
	if (bits < 9U * (unsigned int)(S2_LEVEL_PAGE - level) + 13U ||
	    bits > single + concatenated_bits(level, lpa2)) {
		return false;
	}
	return start_tables == (bits <= single ? 1U : (uint64_t)1 << (bits - single));
}

/* Encoding of a width of physical addresses, as in ID_AA64MMFR0_EL1.PARange. */
static uint64_t encode_pa_bits(unsigned int bits)
{
	static const uint8_t widths[] = {32, 36, 40, 42, 44, 48, 52};
	uint64_t code = ARRAY_LENGTH(widths) - 1;

	while (code > 0 && widths[code] > bits) {
		code--;
	}
	return code;
}

/* Start level 2, 1, 0 are 0, 1, 2; level -1 is 0 with SL2. */
static uint64_t encode_start(int level)
{
	if (level == S2_LEVEL_MIN) {
		return VTCR_SL2;
	}
	return (uint64_t)(2 - level) << VTCR_SL0_LOW;
}

struct arch_s2_context s2_context(const struct s2 *s2, uint16_t vmid)
{
	uint64_t pa_bits = min_u64(feat()->pa_bits, s2->lpa2 ? LPA2_BITS : LPA1_BITS);
	struct arch_s2_context context = {
		.vttbr = (uint64_t)vmid << VTTBR_VMID_LOW | (s2->root.v & VTTBR_BADDR_MASK),
		.vtcr = VTCR_T0SZ(s2->ipa_bits) | encode_start(s2->start_level) | VTCR_WALK |
			encode_pa_bits((unsigned int)pa_bits) << VTCR_PS_LOW | VTCR_NSA | VTCR_RES1,
	};

	ASSERT(s2_pa_fits(s2, s2->root));
	if (s2->lpa2) {
		context.vttbr |= (s2->root.v & VTTBR_TOP) >> VTTBR_TOP_SHIFT;
		context.vtcr |= VTCR_DS;
	}
	if (feat()->vmid16) {
		context.vtcr |= VTCR_VS;
	}
	return context;
}

bool s2_ipa_valid(const struct s2 *s2, ipa_t ipa)
{
	return ipa.v >> s2->ipa_bits == 0;
}

bool s2_ipa_protected(const struct s2 *s2, ipa_t ipa)
{
	return ipa.v >> (s2->ipa_bits - 1U) == 0;
}

bool s2_range_protected(const struct s2 *s2, ipa_t base, uint64_t size)
{
	uint64_t limit = BIT(s2->ipa_bits - 1U);

	return size != 0 && base.v < limit && size <= limit - base.v;
}

bool s2_pa_fits(const struct s2 *s2, pa_t pa)
{
	return s2->lpa2 || pa.v >> LPA1_BITS == 0;
}
