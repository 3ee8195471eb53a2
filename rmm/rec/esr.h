// SPDX-License-Identifier: BSD-3-Clause
/* Exception syndromes, as far as realms' exits are decided by them (Arm ARM D24.2.40). */
#ifndef RMM_REC_ESR_H
#define RMM_REC_ESR_H

#include "base/bits.h"

#define ESR_EC(ec)  ((uint64_t)(ec) << 26)
#define ESR_EC_MASK MASK(31, 26)

#define EC_UNKNOWN     0x00U
#define EC_WFX         0x01U
#define EC_HVC         0x16U
#define EC_SYSREG      0x18U
#define EC_INSTR_LOWER 0x20U
#define EC_INSTR_SAME  0x21U
#define EC_DATA_LOWER  0x24U
#define EC_DATA_SAME   0x25U

#define ESR_IL  BIT(25)
#define ESR_ISV BIT(24)
#define ESR_SAS MASK(23, 22)
#define ESR_SSE BIT(21)
#define ESR_SRT MASK(20, 16)
#define ESR_SF  BIT(15)
#define ESR_SET MASK(12, 11)
#define ESR_FNV BIT(10)
#define ESR_EA  BIT(9)
#define ESR_CM  BIT(8)
#define ESR_WNR BIT(6)
#define ESR_FSC MASK(5, 0)

/* What the host may see of an abort (RMM specification A4.3.4; docs/decisions/exits.md). */
#define ESR_HOST_INSTR    (ESR_EC_MASK | ESR_SET | ESR_EA | ESR_FSC)
#define ESR_HOST_DATA     (ESR_HOST_INSTR | ESR_FNV)
#define ESR_HOST_EMULATED (ESR_HOST_DATA | ESR_ISV | ESR_SAS | ESR_SF | ESR_WNR)

/* WFI, WFE, WFIT, WFET: which one, whether a register is named, and which. */
#define ESR_WFX_TI         MASK(1, 0)
#define ESR_WFX_RV         BIT(2)
#define ESR_WFX_TI_TIMEOUT BIT(1)

/* SError: IDS says that the rest is not architectural. */
#define ESR_IDS BIT(24)
#define ESR_AET MASK(12, 10)

#define FSC_SEA                 0x10U
#define FSC_SEA_WALK_LOW        0x13U /* levels -1..3 */
#define FSC_SEA_WALK_HIGH       0x17U
#define FSC_ADDRESS_SIZE        0x00U /* + level */
#define FSC_TRANSLATION         0x04U /* + level */
#define FSC_TRANSLATION_MINUS_1 0x2BU
#define FSC_PERMISSION          0x0CU /* + level */
#define FSC_SERROR              0x11U

static inline unsigned int esr_ec(uint64_t esr)
{
	return (unsigned int)bits_get(esr, 31, 26);
}

static inline unsigned int esr_fsc(uint64_t esr)
{
	return (unsigned int)(esr & ESR_FSC);
}

#endif
