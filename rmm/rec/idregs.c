// SPDX-License-Identifier: BSD-3-Clause
/*
 * Identification registers as a realm sees them. A feature is shown only if the realm can use it:
 * its registers are switched and its instructions do not trap (docs/decisions/realm-traps.md).
 */
#include "arch/cpu.h"
#include "base/bits.h"
#include "rec/sysreg.h"

/* Field [low + 3 : low] of an identification register. */
#define FIELD(low) ((uint64_t)0xF << (low))

#define ID_PFR0  SYSREG(3, 0, 0, 4, 0)
#define ID_PFR1  SYSREG(3, 0, 0, 4, 1)
#define ID_ZFR0  SYSREG(3, 0, 0, 4, 4)
#define ID_DFR0  SYSREG(3, 0, 0, 5, 0)
#define ID_ISAR0 SYSREG(3, 0, 0, 6, 0)
#define ID_ISAR1 SYSREG(3, 0, 0, 6, 1)
#define ID_MMFR0 SYSREG(3, 0, 0, 7, 0)
#define ID_MMFR1 SYSREG(3, 0, 0, 7, 1)
#define ID_MMFR2 SYSREG(3, 0, 0, 7, 2)

#define PFR0_EL0_EL1_A64 0x11U
#define PFR0_EL3_A64     ((uint64_t)1 << 12)
#define PFR0_SVE         FIELD(32)
#define PFR0_CSV2        FIELD(56)
/* Floating point, Advanced SIMD, GIC, RAS, DIT, CSV3. */
#define PFR0_SHOWN (FIELD(16) | FIELD(20) | FIELD(24) | FIELD(28) | FIELD(48) | FIELD(60))

/* BT, SSBS, RAS_frac. */
#define PFR1_SHOWN (FIELD(0) | FIELD(4) | FIELD(12))

/* DebugVer, DoubleLock. */
#define DFR0_SHOWN (FIELD(0) | FIELD(36))
#define DFR0_PMU   FIELD(8)

/* All but TME. */
#define ISAR0_HIDDEN FIELD(24)
/* All but LS64, whose instructions HCRX_EL2 traps. */
#define ISAR1_HIDDEN FIELD(60)
/* All but FGT, which is EL2's. */
#define MMFR0_HIDDEN FIELD(56)
/* VHE, LORegions, XNX, HCX are EL2's or the normal world's. */
#define MMFR1_HIDDEN (FIELD(8) | FIELD(16) | FIELD(28) | FIELD(40))
/* NV, FWB, EVT are EL2's. */
#define MMFR2_HIDDEN (FIELD(24) | FIELD(40) | FIELD(56))

/* Both EL0 and EL1 are AArch64 only, as the RMM has no AArch32 state to switch. */
static uint64_t pfr0(const struct arch_vcpu_config *config)
{
	uint64_t cpu = arch_id_register(ARCH_ID_AA64PFR0);
	uint64_t shown = (cpu & PFR0_SHOWN) | PFR0_EL0_EL1_A64 | PFR0_EL3_A64;

	/* CSV2 2 and 3 promise SCXTNUM registers. */
	shown |= (cpu & PFR0_CSV2) != 0 ? (uint64_t)1 << 56 : 0;
	shown |= config->sve ? cpu & PFR0_SVE : 0;
	return shown;
}

static uint64_t dfr0(const struct arch_vcpu_config *config)
{
	uint64_t cpu = arch_id_register(ARCH_ID_AA64DFR0);
	uint64_t shown = cpu & DFR0_SHOWN;

	shown |= min_u64(config->breakpoints, 15) << 12;
	shown |= min_u64(config->watchpoints, 15) << 20;
	shown |= config->pmu ? cpu & DFR0_PMU : 0;
	return shown;
}

uint64_t sysreg_identification(const struct rec *rec, uint64_t name)
{
	const struct arch_vcpu_config *config = &rec->vcpu.config;

	switch (name) {
	case ID_PFR0:
		return pfr0(config);
	case ID_PFR1:
		return arch_id_register(ARCH_ID_AA64PFR1) & PFR1_SHOWN;
	case ID_ZFR0:
		return config->sve ? arch_id_register(ARCH_ID_AA64ZFR0) : 0;
	case ID_DFR0:
		return dfr0(config);
	case ID_ISAR0:
		return arch_id_register(ARCH_ID_AA64ISAR0) & ~ISAR0_HIDDEN;
	case ID_ISAR1:
		return arch_id_register(ARCH_ID_AA64ISAR1) & ~ISAR1_HIDDEN;
	case ID_MMFR0:
		return arch_id_register(ARCH_ID_AA64MMFR0) & ~MMFR0_HIDDEN;
	case ID_MMFR1:
		return arch_id_register(ARCH_ID_AA64MMFR1) & ~MMFR1_HIDDEN;
	case ID_MMFR2:
		return arch_id_register(ARCH_ID_AA64MMFR2) & ~MMFR2_HIDDEN;
	default:
		return 0;
	}
}
