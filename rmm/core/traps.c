// SPDX-License-Identifier: BSD-3-Clause
#include "core/traps.h"

#include "arch/cpu.h"
#include "base/bits.h"

/* MPAM2_EL2. EnMPAMSM (50), which would open MPAMSM_EL1, and the RMM's own partition stay 0. */
#define MPAM2_TRAPMPAM1EL1 BIT(48)
#define MPAM2_TRAPMPAM0EL1 BIT(49)
#define MPAM2_TIDR         BIT(58)

#define MPAMIDR_HAS_HCR  BIT(17)
#define MPAMIDR_HAS_TIDR BIT(58)

/* MPAMHCR_EL2: no virtual partitions. */
#define MPAMHCR_TRAP_MPAMIDR BIT(31)

static bool has_mpam(void)
{
	return bits_get(arch_id_register(ARCH_ID_AA64PFR0), 43, 40) != 0 ||
	       bits_get(arch_id_register(ARCH_ID_AA64PFR1), 19, 16) != 0;
}

/* Fine-grained traps, and branch records that they keep a realm from. */
static bool has_brbe(void)
{
	return bits_get(arch_id_register(ARCH_ID_AA64MMFR0), 59, 56) != 0 &&
	       bits_get(arch_id_register(ARCH_ID_AA64DFR0), 55, 52) != 0;
}

/* MPAM registers trap to the RMM, which injects an undefined instruction exception. */
static void trap_mpam(void)
{
	const uint64_t traps = MPAM2_TRAPMPAM1EL1 | MPAM2_TRAPMPAM0EL1;
	uint64_t idr;

	if (!arch_trap_write(ARCH_MPAM2_EL2, traps)) {
		return;
	}
	idr = arch_mpamidr();
	if ((idr & MPAMIDR_HAS_TIDR) != 0) {
		(void)arch_trap_write(ARCH_MPAM2_EL2, traps | MPAM2_TIDR);
	}
	if ((idr & MPAMIDR_HAS_HCR) != 0) {
		(void)arch_trap_write(ARCH_MPAMHCR_EL2, MPAMHCR_TRAP_MPAMIDR);
	}
}

/*
 * nBRBDATA, nBRBCTL and nBRBIDR trap when they are 0. So do the other bits of later features; the
 * older ones trap when they are 1, and what they are about is MDCR_EL2's.
 */
static void trap_brbe(void)
{
	(void)arch_trap_write(ARCH_HDFGRTR_EL2, 0);
	(void)arch_trap_write(ARCH_HDFGWTR_EL2, 0);
}

void traps_boot(void)
{
	if (has_mpam()) {
		trap_mpam();
	}
	if (has_brbe()) {
		trap_brbe();
	}
}
