// SPDX-License-Identifier: BSD-3-Clause
/*
 * Instruction caches of CPUs that do not keep them coherent (Arm ARM B2.4, CTR_EL0). Their lines
 * are found by physical address, so those that a granule's former owner has executed would be hit
 * by the next one.
 */
#include "arch/aarch64/sysreg.h"
#include "arch/copy.h"
#include "base/bits.h"

/* CTR_EL0. Line sizes are log2 of words. */
#define CTR_IDC       BIT(28) /* data need not be cleaned for a fetch */
#define CTR_DIC       BIT(29) /* instruction caches need not be invalidated */
#define CTR_L1IP_PIPT 3U

static void clean(uint64_t va, uint64_t ctr)
{
	uint64_t line = (uint64_t)4 << bits_get(ctr, 19, 16);

	for (uint64_t end = va + GRANULE_SIZE; va < end; va += line) {
		__asm__ volatile("dc cvau, %0" : : "r"(va) : "memory");
	}
}

/* Where lines of one address can be in several places, naming one is not enough. */
static void invalidate(uint64_t va, uint64_t ctr)
{
	uint64_t line = (uint64_t)4 << bits_get(ctr, 3, 0);

	if (bits_get(ctr, 15, 14) != CTR_L1IP_PIPT) {
		__asm__ volatile("ic ialluis" : : : "memory");
		return;
	}
	for (uint64_t end = va + GRANULE_SIZE; va < end; va += line) {
		__asm__ volatile("ic ivau, %0" : : "r"(va) : "memory");
	}
}

void arch_sync_code(const void *va)
{
	uint64_t ctr = read_sysreg(ctr_el0);

	if ((ctr & CTR_IDC) == 0) {
		clean((uint64_t)va, ctr);
	}
	dsb(ish);
	if ((ctr & CTR_DIC) == 0) {
		invalidate((uint64_t)va, ctr);
		dsb(ish);
	}
}

void arch_forget_code(void)
{
	if ((read_sysreg(ctr_el0) & CTR_DIC) == 0) {
		__asm__ volatile("ic ialluis" : : : "memory");
		dsb(ish);
	}
}
