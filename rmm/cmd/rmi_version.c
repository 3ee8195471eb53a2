// SPDX-License-Identifier: BSD-3-Clause
/* RMI_VERSION and RMI_FEATURES (RMM specification B4.3.23, B4.3.4). */
#include "abi/rmi.h"
#include "base/bits.h"
#include "cmd/cmd.h"
#include "csm/csm.h"
#include "feat/feat.h"

/* RMI_VERSION (B4.3.23). */
uint64_t rmi_version(const struct smc_regs *in, struct rmi_out *out)
{
	/* One revision is supported, so it is the lower and the higher one of every answer. */
	out->x[1] = RMI_REVISION;
	out->x[2] = RMI_REVISION;
	return in->x[1] == RMI_REVISION ? RMI_SUCCESS : RMI_ERROR_INPUT;
}

/* Feature register 0 (RMM specification B4.4.1), from what the CPU offers. */
static uint64_t feature_register_0(const struct feat *has)
{
	uint64_t value = 0;

	value |= (uint64_t)has->ipa_bits << RMI_FEATURE0_S2SZ_SHIFT;
	value |= (uint64_t)has->lpa2 << RMI_FEATURE0_LPA2_SHIFT;
	value |= (uint64_t)has->sve << RMI_FEATURE0_SVE_EN_SHIFT;
	value |= (uint64_t)has->sve_vl << RMI_FEATURE0_SVE_VL_SHIFT;
	value |= (uint64_t)has->breakpoints << RMI_FEATURE0_NUM_BPS_SHIFT;
	value |= (uint64_t)has->watchpoints << RMI_FEATURE0_NUM_WPS_SHIFT;
	value |= (uint64_t)has->pmu << RMI_FEATURE0_PMU_EN_SHIFT;
	value |= (uint64_t)has->pmu_counters << RMI_FEATURE0_PMU_NUM_CTRS_SHIFT;
	value |= (uint64_t)1 << RMI_FEATURE0_HASH_SHA_256_SHIFT;
	value |= (uint64_t)1 << RMI_FEATURE0_HASH_SHA_512_SHIFT;
	value |= (uint64_t)has->list_registers << RMI_FEATURE0_GICV3_NUM_LRS_SHIFT;
	value |= (uint64_t)FEAT_MAX_RECS_ORDER << RMI_FEATURE0_MAX_RECS_ORDER_SHIFT;
	return value;
}

/* RMI_FEATURES (B4.3.4): registers 0 and CSM_FEATURE_INDEX; every other register reads as zero. */
uint64_t rmi_features(const struct smc_regs *in, struct rmi_out *out)
{
	if (in->x[1] == 0) {
		out->x[1] = feature_register_0(feat());
	} else if (in->x[1] == CSM_FEATURE_INDEX) {
		out->x[1] = rmm_csm_revision();
	}
	return RMI_SUCCESS;
}
