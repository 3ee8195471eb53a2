// SPDX-License-Identifier: BSD-3-Clause
/*
 * Invalidation of realms' translations (Arm ARM D8.17, C5.5). The operations act on the VMID in
 * VTTBR_EL2 and read the address format from VTCR_EL2, so both are the realm's meanwhile. TGE is
 * always 0 in the RMM: the EL1 forms mean the EL1&0 regime.
 */
#include "arch/tlb.h"

#include "arch/aarch64/stage2.h"
#include "arch/aarch64/sysreg.h"
#include "base/bits.h"

#define TLBI(operation)       __asm__ volatile("tlbi " #operation : : : "memory")
#define TLBI_AT(operation, x) __asm__ volatile("tlbi " #operation ", %0" : : "r"(x) : "memory")

#define PAGE_LEVEL   3
#define LOOP_ENTRIES 16U /* without range operations: more than this, and the whole VMID goes */

#define VTCR_DS BIT(32)

/* Range operand: (NUM + 1) * 2^(5 * SCALE + 1) pages, TG 1 (4 KiB), no hint of a level. */
#define RANGE_SCALES     4U
#define RANGE_MAX_NUM    32U
#define RANGE_NUM_LOW    39U
#define RANGE_SCALE_LOW  44U
#define RANGE_TG_4K      BIT(46)
#define RANGE_BASE_WIDTH 37U
#define RANGE_DS_PAGES   16U /* the base is counted in units of 64 KiB with DS */

/*
 * What the registers held before. EL1 registers are the host's or another realm's now: the VMID
 * comes with the empty table (stage2.h). Realms mostly have the same VTCR_EL2.
 */
static struct arch_s2_context enter(const struct arch_s2_context *context)
{
	struct arch_s2_context before = {read_sysreg(vttbr_el2), read_sysreg(vtcr_el2)};

	dsb(ishst);
	write_sysreg(vttbr_el2, stage2_empty(context->vttbr));
	isb();
	if (before.vtcr != context->vtcr) {
		write_sysreg(vtcr_el2, context->vtcr);
		isb();
	}
	return before;
}

static void leave(const struct arch_s2_context *before)
{
	dsb(ish);
	if (read_sysreg(vtcr_el2) != before->vtcr) {
		write_sysreg(vtcr_el2, before->vtcr);
		isb();
	}
	write_sysreg(vttbr_el2, before->vttbr);
	isb();
}

static uint64_t page_shift(int level)
{
	return 9U * (unsigned int)(PAGE_LEVEL - level);
}

void arch_tlb_s2_entry(const struct arch_s2_loc *loc)
{
	struct arch_s2_context before = enter(&loc->context);

	TLBI_AT(ipas2e1is, loc->ipa.v >> GRANULE_SHIFT);
	dsb(ish);
	TLBI(vmalle1is);
	leave(&before);
}

/* The smallest operand that covers the pages; false if none does. */
static bool range_operand(uint64_t first, uint64_t pages, bool ds, uint64_t *operand)
{
	uint64_t scale = 0;
	uint64_t num;

	if (ds) {
		pages += first % RANGE_DS_PAGES;
		first /= RANGE_DS_PAGES;
	}
	num = align_up(pages, 2) >> 1;
	while (num > RANGE_MAX_NUM) {
		num = align_up(num, 32) >> 5;
		scale++;
	}
	*operand = (first & MASK(RANGE_BASE_WIDTH - 1, 0)) | (num - 1) << RANGE_NUM_LOW |
		   scale << RANGE_SCALE_LOW | RANGE_TG_4K;
	return scale < RANGE_SCALES;
}

/* Whether it was done: a CPU without the operations goes through a few entries one by one. */
static bool invalidate_range(uint64_t first, uint64_t count, uint64_t shift, bool ds)
{
	uint64_t operand = 0;

	if (bits_get(read_sysreg(id_aa64isar0_el1), 59, 56) >= 2) {
		if (!range_operand(first, count << shift, ds, &operand)) {
			return false;
		}
		TLBI_AT(ripas2e1is, operand);
		return true;
	}
	if (count > LOOP_ENTRIES) {
		return false;
	}
	for (uint64_t i = 0; i < count; i++) {
		TLBI_AT(ipas2e1is, first + (i << shift));
	}
	return true;
}

void arch_tlb_s2_range(const struct arch_s2_loc *loc, uint64_t count)
{
	uint64_t first = loc->ipa.v >> GRANULE_SHIFT;
	bool ds = (loc->context.vtcr & VTCR_DS) != 0;
	struct arch_s2_context before = enter(&loc->context);

	if (invalidate_range(first, count, page_shift(loc->level), ds)) {
		dsb(ish);
		TLBI(vmalle1is);
	} else {
		TLBI(vmalls12e1is);
	}
	leave(&before);
}

void arch_tlb_s2_all(const struct arch_s2_context *context)
{
	struct arch_s2_context before = enter(context);

	TLBI(vmalls12e1is);
	leave(&before);
}
