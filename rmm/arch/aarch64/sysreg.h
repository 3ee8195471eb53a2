// SPDX-License-Identifier: BSD-3-Clause
/* System register fields the RMM programs at EL2 (Arm ARM, chapter D24), for C and assembly. */
#ifndef ARCH_AARCH64_SYSREG_H
#define ARCH_AARCH64_SYSREG_H

#ifdef __ASSEMBLER__
#define SYSREG_BIT(n) (1 << (n))
#else
#include <stdint.h>
#define SYSREG_BIT(n) ((uint64_t)1 << (n))

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
#endif

/* HCR_EL2: EL2 with the EL1 register layouts (VHE), EL1 is AArch64; nothing runs below yet. */
#define HCR_RW   SYSREG_BIT(31)
#define HCR_E2H  SYSREG_BIT(34)
#define HCR_BOOT (HCR_RW | HCR_E2H)

/* While no realm is loaded: stage2.h. */
#define HCR_IDLE (HCR_BOOT | HCR_VM)

/* The rest of HCR_EL2 while a realm is loaded (RMM specification A6;
 * docs/decisions/realm-traps.md). */
#define HCR_VM    SYSREG_BIT(0)
#define HCR_SWIO  SYSREG_BIT(1)
#define HCR_PTW   SYSREG_BIT(2)
#define HCR_FMO   SYSREG_BIT(3)
#define HCR_IMO   SYSREG_BIT(4)
#define HCR_AMO   SYSREG_BIT(5)
#define HCR_VSE   SYSREG_BIT(8)
#define HCR_FB    SYSREG_BIT(9)
#define HCR_BSU   SYSREG_BIT(10)
#define HCR_TWI   SYSREG_BIT(13)
#define HCR_TWE   SYSREG_BIT(14)
#define HCR_TID3  SYSREG_BIT(18)
#define HCR_TSC   SYSREG_BIT(19)
#define HCR_TIDCP SYSREG_BIT(20)
#define HCR_TACR  SYSREG_BIT(21)
#define HCR_TLOR  SYSREG_BIT(35)
#define HCR_TERR  SYSREG_BIT(36)
#define HCR_TEA   SYSREG_BIT(37)
#define HCR_APK   SYSREG_BIT(40)
#define HCR_API   SYSREG_BIT(41)
#define HCR_FWB   SYSREG_BIT(46)
#define HCR_REALM                                                                                  \
	(HCR_BOOT | HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU | \
	 HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TLOR | HCR_TERR | HCR_TEA | HCR_APK |     \
	 HCR_API | HCR_FWB)

/* CNTHCTL_EL2 (E2H): EL1 has both counters and both its timers; the two masks are dynamic. */
#define CNTHCTL_EL1PCTEN    SYSREG_BIT(10)
#define CNTHCTL_EL1PTEN     SYSREG_BIT(11)
#define CNTHCTL_MASKS_SHIFT 18 /* CNTVMASK, then CNTPMASK: as ARCH_TIMER_... */
#define CNTHCTL_REALM       (CNTHCTL_EL1PCTEN | CNTHCTL_EL1PTEN | 3)

/* MDCR_EL2. */
#define MDCR_HPMN_MASK 0x1F
#define MDCR_TPMCR     SYSREG_BIT(5)
#define MDCR_TPM       SYSREG_BIT(6)
#define MDCR_TDA       SYSREG_BIT(9)
#define MDCR_TDOSA     SYSREG_BIT(10)
#define MDCR_TDRA      SYSREG_BIT(11)
#define MDCR_TPMS      SYSREG_BIT(14)
#define MDCR_HPMD      SYSREG_BIT(17)
#define MDCR_TTRF      SYSREG_BIT(19)
#define MDCR_HCCD      SYSREG_BIT(23)
#define MDCR_TDCC      SYSREG_BIT(27)
#define MDCR_MTPME     SYSREG_BIT(28)
#define MDCR_REALM                                                                            \
	(MDCR_MTPME | MDCR_TDCC | MDCR_HCCD | MDCR_TTRF | MDCR_HPMD | MDCR_TPMS | MDCR_TDRA | \
	 MDCR_TDOSA | MDCR_TDA | MDCR_TPM | MDCR_TPMCR)

/* ICC_SRE_EL2: system registers at EL2 and EL1, nothing bypassed. */
#define ICC_SRE_VALUE 0xF

/* ICH_HCR_EL2. */
#define ICH_HCR_EN           SYSREG_BIT(0)
#define ICH_HCR_VSGIEOICOUNT SYSREG_BIT(8)
#define ICH_HCR_DVIM         SYSREG_BIT(15)

/* MAIR_EL2: index 0 Normal write-back, index 1 Device-nGnRE. */
#define MAIR_VALUE  0x04FF
#define ATTR_NORMAL 0
#define ATTR_DEVICE 1

/* TCR_EL2 (E2H): 4 KiB granules, write-back inner-shareable walks; IPS is added at run time. */
#define TCR_T0SZ(bits) ((64 - (bits)) << 0)
#define TCR_T1SZ(bits) ((64 - (bits)) << 16)
#define TCR_WALK_LOW   (SYSREG_BIT(8) | SYSREG_BIT(10) | (3 << 12))
#define TCR_WALK_HIGH  (SYSREG_BIT(24) | SYSREG_BIT(26) | (3 << 28))
#define TCR_A1         SYSREG_BIT(22) /* the ASID is that of TTBR1_EL2 */
#define TCR_TG1_4K     (2 << 30)
#define TCR_IPS_SHIFT  32
#define TCR_IPS_48     5

/*
 * SCTLR_EL2 (E2H): MMU and caches on, nothing both writable and executable, stack alignment
 * checked, exceptions synchronise context, return addresses signed with key A. The others are RES1
 * where their feature is absent.
 */
#define SCTLR_M    SYSREG_BIT(0)
#define SCTLR_C    SYSREG_BIT(2)
#define SCTLR_SA   SYSREG_BIT(3)
#define SCTLR_I    SYSREG_BIT(12)
#define SCTLR_WXN  SYSREG_BIT(19)
#define SCTLR_ENIA SYSREG_BIT(31)
#define SCTLR_RES1                                                                          \
	(SYSREG_BIT(7) | SYSREG_BIT(8) | SYSREG_BIT(11) | SYSREG_BIT(20) | SYSREG_BIT(22) | \
	 SYSREG_BIT(23) | SYSREG_BIT(28) | SYSREG_BIT(29))
#define SCTLR_VALUE (SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN | SCTLR_ENIA | SCTLR_RES1)

/* CPTR_EL2 (E2H): vector, trace and activity-monitor registers trap, at EL2 too. */
#define CPTR_TAM  SYSREG_BIT(30)
#define CPTR_TTA  SYSREG_BIT(28)
#define CPTR_BOOT (CPTR_TAM | CPTR_TTA)
#define CPTR_ZEN  (3 << 16)
#define CPTR_FPEN (3 << 20)
#define CPTR_SMEN (3 << 24)

/* ESR_ELx. */
#define ESR_EC_SHIFT         26
#define ESR_EC_FP            0x07
#define ESR_EC_SMC           0x17
#define ESR_EC_SYSREG        0x18
#define ESR_EC_SVE           0x19
#define ESR_EC_IABT_LOWER    0x20
#define ESR_EC_DABT_LOWER    0x24
#define ESR_EC_DABT_SAME_EL  0x25
#define ESR_EC_BRK           0x3C
#define ESR_S1PTW            SYSREG_BIT(7)
#define ESR_DFSC_MASK        0x3F
#define ESR_DFSC_PERMISSION  0x0C /* + level */
#define ESR_DFSC_EXTERNAL    0x10
#define ESR_DFSC_GPF         0x28
#define ESR_DFSC_UNSUPPORTED 0x35

#endif
