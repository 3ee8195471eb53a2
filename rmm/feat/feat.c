// SPDX-License-Identifier: BSD-3-Clause
#include "feat/feat.h"

#include <string.h>

#include "arch/cpu.h"
#include "base/bits.h"

#define LPA1_BITS 48U
#define LPA2_BITS 52U

static struct feat offered;

static uint8_t pa_bits(uint64_t mmfr0)
{
	static const uint8_t widths[] = {32, 36, 40, 42, 44, 48, 52, 52};
	uint64_t range = bits_get(mmfr0, 3, 0);

	return widths[min_u64(range, ARRAY_LENGTH(widths) - 1)];
}

/*
 * ID_AA64MMFR0_EL1.TGran4: 0 the granule, 1 with 52 bits. TGran4_2: 0 "as TGran4", 2, 3 likewise.
 */
static bool granules_4k(uint64_t mmfr0, bool *lpa2)
{
	uint64_t stage1 = bits_get(mmfr0, 31, 28);
	uint64_t stage2 = bits_get(mmfr0, 43, 40);
	bool stage2_52 = stage2 == 3 || (stage2 == 0 && stage1 == 1);

	*lpa2 = stage1 == 1 && stage2_52;
	return stage1 <= 1 && stage2 != 1;
}

/* With FEAT_Debugv8p9 the number field 15 means "16 or more, see the next register". */
static uint8_t debug_count(uint64_t dfr0, uint64_t count, uint64_t count_v8p9)
{
	bool v8p9 = bits_get(dfr0, 3, 0) >= 0xB;

	if (count == 15 && v8p9 && count_v8p9 != 0) {
		return (uint8_t)min_u64(count_v8p9, 63);
	}
	return (uint8_t)count;
}

static void probe_debug(struct feat *feat)
{
	uint64_t dfr0 = arch_id_register(ARCH_ID_AA64DFR0);
	uint64_t dfr1 = arch_id_register(ARCH_ID_AA64DFR1);
	uint64_t pmu = bits_get(dfr0, 11, 8);

	feat->breakpoints = debug_count(dfr0, bits_get(dfr0, 15, 12), bits_get(dfr1, 15, 8));
	feat->watchpoints = debug_count(dfr0, bits_get(dfr0, 23, 20), bits_get(dfr1, 23, 16));
	feat->pmu = pmu != 0 && pmu != 0xF;
	if (feat->pmu) {
		feat->pmu_counters = (uint8_t)bits_get(arch_id_register(ARCH_ID_PMCR), 15, 11);
		feat->hpmn0 = bits_get(dfr0, 63, 60) == 1;
	}
}

static void probe_gic(struct feat *feat)
{
	uint64_t vtr = arch_id_register(ARCH_ID_ICH_VTR);

	feat->list_registers = (uint8_t)min_u64(bits_get(vtr, 4, 0), 15);
	feat->gic_priority_bits = (uint8_t)(bits_get(vtr, 31, 29) + 1);
	feat->gic_id_bits = bits_get(vtr, 25, 23) == 0 ? 16 : 24;
}

bool feat_probe(struct feat *feat)
{
	uint64_t mmfr0 = arch_id_register(ARCH_ID_AA64MMFR0);

	memset(feat, 0, sizeof(*feat));
	if (!granules_4k(mmfr0, &feat->lpa2)) {
		return false;
	}
	feat->pa_bits = pa_bits(mmfr0);
	feat->ipa_bits = (uint8_t)min_u64(feat->pa_bits, feat->lpa2 ? LPA2_BITS : LPA1_BITS);
	feat->vmid16 = bits_get(arch_id_register(ARCH_ID_AA64MMFR1), 7, 4) == 2;
	feat->sve = bits_get(arch_id_register(ARCH_ID_AA64PFR0), 35, 32) != 0;
	if (feat->sve) {
		feat->sve_vl = (uint8_t)min_u64(arch_id_register(ARCH_ID_SVE_MAX_LENGTH), 15);
	}
	probe_debug(feat);
	probe_gic(feat);
	return true;
}

void feat_set(const struct feat *feat)
{
	offered = *feat;
}

bool feat_matches(const struct feat *feat)
{
	return memcmp(&offered, feat, sizeof(offered)) == 0;
}

/* What the CPU offers, as read at boot. Constant afterwards; needs no lock. */
const struct feat *feat(void)
{
	return &offered;
}
