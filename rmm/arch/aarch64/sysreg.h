// SPDX-License-Identifier: BSD-3-Clause
/* System register fields the RMM programs at EL2 (Arm ARM, chapter D24), for C and assembly. */
#ifndef ARCH_AARCH64_SYSREG_H
#define ARCH_AARCH64_SYSREG_H

/* Write and read a system register by name. */
#define write_sysreg(name, value) \
	__asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
#define read_sysreg(name)                                                       \
	({                                                                      \
		uint64_t value_;                                                \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory"); \
		value_;                                                         \
	})
#define isb()       __asm__ volatile("isb" : : : "memory")
#define dsb(domain) __asm__ volatile("dsb " #domain : : : "memory")

/* HCR_EL2: EL2 with the EL1 register layouts (VHE), EL1 is AArch64; nothing runs below yet. */
#define HCR_RW   (1 << 31)
#define HCR_E2H  (1 << 34)
#define HCR_BOOT (HCR_RW | HCR_E2H)

/* MAIR_EL2: index 0 Normal write-back, index 1 Device-nGnRE. */
#define MAIR_VALUE  0x04FF
#define ATTR_NORMAL 0
#define ATTR_DEVICE 1

/* TCR_EL2 (E2H): 4 KiB granules, write-back inner-shareable walks; IPS is added at run time. */
#define TCR_T0SZ(bits) ((64 - (bits)) << 0)
#define TCR_T1SZ(bits) ((64 - (bits)) << 16)
#define TCR_WALK_LOW   ((1 << 8) | (1 << 10) | (3 << 12))
#define TCR_WALK_HIGH  ((1 << 24) | (1 << 26) | (3 << 28))
#define TCR_TG1_4K     (2 << 30)
#define TCR_IPS_SHIFT  32
#define TCR_IPS_48     5

/*
 * SCTLR_EL2 (E2H): MMU and caches on, nothing both writable and executable, stack alignment
 * checked, exceptions synchronise context, return addresses signed with key A. The others are RES1
 * where their feature is absent.
 */
#define SCTLR_M    (1 << 0)
#define SCTLR_C    (1 << 2)
#define SCTLR_SA   (1 << 3)
#define SCTLR_I    (1 << 12)
#define SCTLR_WXN  (1 << 19)
#define SCTLR_ENIA (1 << 31)
#define SCTLR_RES1                                                                         \
	((1 << 7) | (1 << 8) | (1 << 11) | (1 << 20) | (1 << 22) | (1 << 23) | (1 << 28) | \
	 (1 << 29))
#define SCTLR_VALUE (SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN | SCTLR_ENIA | SCTLR_RES1)

/* CPTR_EL2 (E2H): vector, trace and activity-monitor registers trap, at EL2 too. */
#define CPTR_TAM  (1 << 30)
#define CPTR_TTA  (1 << 28)
#define CPTR_BOOT (CPTR_TAM | CPTR_TTA)

/* ESR_ELx. */
#define ESR_EC_SHIFT        26
#define ESR_EC_DABT_SAME_EL 0x25
#define ESR_DFSC_MASK       0x3F
#define ESR_DFSC_GPF        0x28

#endif
