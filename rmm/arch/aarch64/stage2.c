// SPDX-License-Identifier: BSD-3-Clause
#include "arch/aarch64/stage2.h"

#include "arch/aarch64/sysreg.h"
#include "base/bits.h"

/* Never written. As many as start tables can be concatenated, so that no format leads out of it. */
#define TABLES 16U

#define VTTBR_VMID MASK(63, 48)

/* 39 bits, start level 1, 4 KiB, write-back inner-shareable walks, 40 bits of output; RES1. */
#define VTCR_ANY 0x80023559U

static uint8_t empty_table[TABLES * GRANULE_SIZE] __attribute__((aligned(TABLES * GRANULE_SIZE)));

uint64_t stage2_empty(uint64_t vttbr)
{
	return (vttbr & VTTBR_VMID) | (uint64_t)empty_table;
}

void stage2_boot(void)
{
	write_sysreg(vtcr_el2, VTCR_ANY);
	write_sysreg(vttbr_el2, stage2_empty(0));
	isb();
	write_sysreg(hcr_el2, HCR_IDLE);
	isb();
	__asm__ volatile("tlbi alle1" : : : "memory");
	dsb(nsh);
	isb();
}
