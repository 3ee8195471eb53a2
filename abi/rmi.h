// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Realm Management Interface 1.0 (Arm DEN0137 1.0-rel0): the normal-world host's view of the RMM.
 * Arguments, results and failure conditions of each command are in commands.def, codes in status.h.
 *
 * Structures are little endian. A field narrower than its 8-byte slot is followed by a reserved
 * one; reserved fields of a host's structure should be zero, those of an RMM's structure are zero.
 */
#ifndef ABI_RMI_H
#define ABI_RMI_H

#include "types.h"

#define RMI_REVISION ABI_REVISION(1, 0)

/* The range that EL3 forwards from the normal world; a number without a command answers -1. */
#define RMI_FID_FIRST ABI_U(0xC4000150)
#define RMI_FID_LAST  ABI_U(0xC400018F)

#define RMI_VERSION_FID               ABI_U(0xC4000150)
#define RMI_GRANULE_DELEGATE_FID      ABI_U(0xC4000151)
#define RMI_GRANULE_UNDELEGATE_FID    ABI_U(0xC4000152)
#define RMI_DATA_CREATE_FID           ABI_U(0xC4000153)
#define RMI_DATA_CREATE_UNKNOWN_FID   ABI_U(0xC4000154)
#define RMI_DATA_DESTROY_FID          ABI_U(0xC4000155)
#define RMI_REALM_ACTIVATE_FID        ABI_U(0xC4000157)
#define RMI_REALM_CREATE_FID          ABI_U(0xC4000158)
#define RMI_REALM_DESTROY_FID         ABI_U(0xC4000159)
#define RMI_REC_CREATE_FID            ABI_U(0xC400015A)
#define RMI_REC_DESTROY_FID           ABI_U(0xC400015B)
#define RMI_REC_ENTER_FID             ABI_U(0xC400015C)
#define RMI_RTT_CREATE_FID            ABI_U(0xC400015D)
#define RMI_RTT_DESTROY_FID           ABI_U(0xC400015E)
#define RMI_RTT_MAP_UNPROTECTED_FID   ABI_U(0xC400015F)
#define RMI_RTT_READ_ENTRY_FID        ABI_U(0xC4000161)
#define RMI_RTT_UNMAP_UNPROTECTED_FID ABI_U(0xC4000162)
#define RMI_PSCI_COMPLETE_FID         ABI_U(0xC4000164)
#define RMI_FEATURES_FID              ABI_U(0xC4000165)
#define RMI_RTT_FOLD_FID              ABI_U(0xC4000166)
#define RMI_REC_AUX_COUNT_FID         ABI_U(0xC4000167)
#define RMI_RTT_INIT_RIPAS_FID        ABI_U(0xC4000168)
#define RMI_RTT_SET_RIPAS_FID         ABI_U(0xC4000169)

/* RmiFeatureRegister0, index 0 of RMI_FEATURES. Bits [63:42] are zero. */
#define RMI_FEATURE0_S2SZ_SHIFT           0
#define RMI_FEATURE0_S2SZ_WIDTH           8
#define RMI_FEATURE0_LPA2_SHIFT           8
#define RMI_FEATURE0_LPA2_WIDTH           1
#define RMI_FEATURE0_SVE_EN_SHIFT         9
#define RMI_FEATURE0_SVE_EN_WIDTH         1
#define RMI_FEATURE0_SVE_VL_SHIFT         10
#define RMI_FEATURE0_SVE_VL_WIDTH         4
#define RMI_FEATURE0_NUM_BPS_SHIFT        14
#define RMI_FEATURE0_NUM_BPS_WIDTH        6
#define RMI_FEATURE0_NUM_WPS_SHIFT        20
#define RMI_FEATURE0_NUM_WPS_WIDTH        6
#define RMI_FEATURE0_PMU_EN_SHIFT         26
#define RMI_FEATURE0_PMU_EN_WIDTH         1
#define RMI_FEATURE0_PMU_NUM_CTRS_SHIFT   27
#define RMI_FEATURE0_PMU_NUM_CTRS_WIDTH   5
#define RMI_FEATURE0_HASH_SHA_256_SHIFT   32
#define RMI_FEATURE0_HASH_SHA_256_WIDTH   1
#define RMI_FEATURE0_HASH_SHA_512_SHIFT   33
#define RMI_FEATURE0_HASH_SHA_512_WIDTH   1
#define RMI_FEATURE0_GICV3_NUM_LRS_SHIFT  34
#define RMI_FEATURE0_GICV3_NUM_LRS_WIDTH  4
#define RMI_FEATURE0_MAX_RECS_ORDER_SHIFT 38
#define RMI_FEATURE0_MAX_RECS_ORDER_WIDTH 4

/* Limits that the structures fix. */
#define RMI_MAX_AUX         16
#define RMI_REC_CREATE_GPRS 8
#define RMI_EXIT_GPRS       31
#define RMI_MAX_LRS         16
#define RMI_RPV_SIZE        64
#define RMI_MAX_START_RTTS  16

/* Levels of a translation table. Inputs are signed 64-bit numbers; -1 needs LPA2. */
#define RMI_LEVEL_MIN  (-1)
#define RMI_LEVEL_PAGE 3

/* RmiHashAlgorithm. */
#define RMI_HASH_SHA_256 ABI_U(0)
#define RMI_HASH_SHA_512 ABI_U(1)

/* RmiRipas. */
#define RMI_RIPAS_EMPTY     ABI_U(0)
#define RMI_RIPAS_RAM       ABI_U(1)
#define RMI_RIPAS_DESTROYED ABI_U(2)

/* RmiRttEntryState, as RMI_RTT_READ_ENTRY reports it in both halves. */
#define RMI_UNASSIGNED ABI_U(0)
#define RMI_ASSIGNED   ABI_U(1)
#define RMI_TABLE      ABI_U(2)

/* The fields of an unprotected mapping that the host chooses, besides the output address. */
#define RMI_DESC_MEMATTR_SHIFT 2
#define RMI_DESC_MEMATTR_WIDTH 3
#define RMI_DESC_S2AP_SHIFT    6
#define RMI_DESC_S2AP_WIDTH    2
/* MemAttr under FEAT_S2FWB. 0b0xx is device memory, 0b100 is reserved. */
#define RMI_MEMATTR_NORMAL_NC ABI_UL(5)
#define RMI_MEMATTR_NORMAL_WB ABI_UL(6)
#define RMI_MEMATTR_STAGE1    ABI_UL(7)
#define RMI_S2AP_READ         ABI_UL(1)
#define RMI_S2AP_WRITE        ABI_UL(2)

/* RmiRealmFlags. */
#define RMI_REALM_FLAG_LPA2 (ABI_UL(1) << 0)
#define RMI_REALM_FLAG_SVE  (ABI_UL(1) << 1)
#define RMI_REALM_FLAG_PMU  (ABI_UL(1) << 2)

/* RmiRecCreateFlags. */
#define RMI_REC_FLAG_RUNNABLE (ABI_UL(1) << 0)

/* RmiDataFlags. */
#define RMI_DATA_FLAG_MEASURE (ABI_UL(1) << 0)

/* RmiRecEnterFlags. A clear ripas_response bit accepts the change, a set one rejects it. */
#define RMI_ENTER_FLAG_EMUL_MMIO    (ABI_UL(1) << 0)
#define RMI_ENTER_FLAG_INJECT_SEA   (ABI_UL(1) << 1)
#define RMI_ENTER_FLAG_TRAP_WFI     (ABI_UL(1) << 2)
#define RMI_ENTER_FLAG_TRAP_WFE     (ABI_UL(1) << 3)
#define RMI_ENTER_FLAG_RIPAS_REJECT (ABI_UL(1) << 4)

/* RmiRecMpidr: all other bits are zero. */
#define RMI_MPIDR_AFF0_SHIFT 0
#define RMI_MPIDR_AFF0_WIDTH 4
#define RMI_MPIDR_AFF1_SHIFT 8
#define RMI_MPIDR_AFF1_WIDTH 8
#define RMI_MPIDR_AFF2_SHIFT 16
#define RMI_MPIDR_AFF2_WIDTH 8
#define RMI_MPIDR_AFF3_SHIFT 24
#define RMI_MPIDR_AFF3_WIDTH 8

/* RmiRecExitReason. CSM adds 0x40 and up, see csm.h. */
#define RMI_EXIT_SYNC         ABI_U(0)
#define RMI_EXIT_IRQ          ABI_U(1)
#define RMI_EXIT_FIQ          ABI_U(2)
#define RMI_EXIT_PSCI         ABI_U(3)
#define RMI_EXIT_RIPAS_CHANGE ABI_U(4)
#define RMI_EXIT_HOST_CALL    ABI_U(5)
#define RMI_EXIT_SERROR       ABI_U(6)

/* RmiPmuOverflowStatus. */
#define RMI_PMU_OVERFLOW_NOT_ACTIVE ABI_U(0)
#define RMI_PMU_OVERFLOW_ACTIVE     ABI_U(1)

/*
 * gicv3_hcr: the bits of ICH_HCR_EL2 that a host may set on entry (UIE, LRENPIE, NPIE, VGrp0EIE,
 * VGrp0DIE, VGrp1EIE, VGrp1DIE, TDIR). The exit reports them and EOIcount.
 */
#define RMI_GICV3_HCR_HOST_MASK      ABI_UL(0x40FE)
#define RMI_GICV3_HCR_EOICOUNT_SHIFT 27
#define RMI_GICV3_HCR_EOICOUNT_WIDTH 5

#ifndef __ASSEMBLER__

/* RmiRealmParams: input of RMI_REALM_CREATE, in a granule of the host. */
struct rmi_realm_params {
	abi_u64 flags; /* RMI_REALM_FLAG_* */
	abi_u8 s2sz;   /* width of the realm's address space, bits */
	abi_u8 reserved_009[7];
	abi_u8 sve_vl; /* vector length (sve_vl + 1) * 128 bits */
	abi_u8 reserved_011[7];
	abi_u8 num_bps; /* breakpoints minus one; zero is reserved */
	abi_u8 reserved_019[7];
	abi_u8 num_wps; /* watchpoints minus one; zero is reserved */
	abi_u8 reserved_021[7];
	abi_u8 pmu_num_ctrs;
	abi_u8 reserved_029[7];
	abi_u8 hash_algo; /* RMI_HASH_* */
	abi_u8 reserved_031[0x3cf];
	abi_u8 rpv[RMI_RPV_SIZE]; /* realm personalization value, opaque */
	abi_u8 reserved_440[0x3c0];
	abi_u16 vmid;
	abi_u8 reserved_802[6];
	abi_u64 rtt_base; /* PA of the first start table */
	abi_s64 rtt_level_start;
	abi_u32 rtt_num_start; /* start tables, one after the other from rtt_base */
	abi_u8 reserved_81c[0x7e4];
};

/* RmiRecParams: input of RMI_REC_CREATE, in a granule of the host. */
struct rmi_rec_params {
	abi_u64 flags; /* RMI_REC_FLAG_* */
	abi_u8 reserved_008[0xf8];
	abi_u64 mpidr; /* RMI_MPIDR_* */
	abi_u8 reserved_108[0xf8];
	abi_u64 pc;
	abi_u8 reserved_208[0xf8];
	abi_u64 gprs[RMI_REC_CREATE_GPRS];
	abi_u8 reserved_340[0x4c0];
	abi_u64 num_aux;          /* what RMI_REC_AUX_COUNT said */
	abi_u64 aux[RMI_MAX_AUX]; /* PA of each auxiliary granule */
	abi_u8 reserved_888[0x778];
};

/* RmiRecEnter: what the host hands to RMI_REC_ENTER. */
struct rmi_rec_enter {
	abi_u64 flags; /* RMI_ENTER_FLAG_* */
	abi_u8 reserved_008[0x1f8];
	abi_u64 gprs[RMI_EXIT_GPRS];
	abi_u8 reserved_2f8[8];
	abi_u64 gicv3_hcr;
	abi_u64 gicv3_lrs[RMI_MAX_LRS];
	abi_u8 reserved_388[0x478];
};

/* RmiRecExit: what RMI_REC_ENTER hands back. Which fields are valid depends on exit_reason. */
struct rmi_rec_exit {
	abi_u8 exit_reason; /* RMI_EXIT_* */
	abi_u8 reserved_001[0xff];
	abi_u64 esr;
	abi_u64 far;
	abi_u64 hpfar;
	abi_u8 reserved_118[0xe8];
	abi_u64 gprs[RMI_EXIT_GPRS];
	abi_u8 reserved_2f8[8];
	abi_u64 gicv3_hcr;
	abi_u64 gicv3_lrs[RMI_MAX_LRS];
	abi_u64 gicv3_misr;
	abi_u64 gicv3_vmcr;
	abi_u8 reserved_398[0x68];
	abi_u64 cntp_ctl;
	abi_u64 cntp_cval;
	abi_u64 cntv_ctl;
	abi_u64 cntv_cval;
	abi_u8 reserved_420[0xe0];
	abi_u64 ripas_base;
	abi_u64 ripas_top;
	abi_u8 ripas_value; /* RMI_RIPAS_* */
	abi_u8 reserved_511[0xef];
	abi_u16 imm; /* of the host call */
	abi_u8 reserved_602[0xfe];
	abi_u8 pmu_ovf_status; /* RMI_PMU_OVERFLOW_* */
	abi_u8 reserved_701[0xff];
};

/* RmiRecRun: one granule of the host, the same for every entry of a REC. */
struct rmi_rec_run {
	struct rmi_rec_enter enter;
	struct rmi_rec_exit exit;
};

/* Position of a REC in its realm's order of creation, from a valid RmiRecMpidr. */
static inline abi_u64 rmi_mpidr_to_index(abi_u64 mpidr)
{
	return ABI_FIELD_GET(RMI_MPIDR_AFF0, mpidr) | (ABI_FIELD_GET(RMI_MPIDR_AFF1, mpidr) << 4) |
	       (ABI_FIELD_GET(RMI_MPIDR_AFF2, mpidr) << 12) |
	       (ABI_FIELD_GET(RMI_MPIDR_AFF3, mpidr) << 20);
}

/* The other direction: the RmiRecMpidr of REC number index (below 2^28). */
static inline abi_u64 rmi_mpidr_from_index(abi_u64 index)
{
	return ABI_FIELD_PREP(RMI_MPIDR_AFF0, index) | ABI_FIELD_PREP(RMI_MPIDR_AFF1, index >> 4) |
	       ABI_FIELD_PREP(RMI_MPIDR_AFF2, index >> 12) |
	       ABI_FIELD_PREP(RMI_MPIDR_AFF3, index >> 20);
}

#endif
#endif
