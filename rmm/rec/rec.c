// SPDX-License-Identifier: BSD-3-Clause
#include "rec/rec.h"

#include "base/assert.h"
#include "base/bits.h"
#include "map/map.h"

#define MPIDR_EL1_RES1 BIT(31)
#define PSTATE_EL_HIGH BIT(3) /* set for EL2 and EL3 */
#define PSTATE_NRW     BIT(4) /* set for AArch32 */

_Static_assert(RMI_MAX_AUX == REC_MAX_AUX, "the host's list fits");
_Static_assert(ARCH_SIMD_PAGES + REC_ATTEST_PAGES <= REC_MAX_AUX, "what a REC may ask for");
_Static_assert(sizeof(struct rmi_rec_params) == GRANULE_SIZE, "parameters are one granule");

/* What holds for every REC from RMI_REC_CREATE on. */
static void check_constant(const struct rec *rec)
{
	const struct rd *rd = realm_of(rec->rd);

	ASSERT(rec->index < rd->rec_index);
	ASSERT(rmi_mpidr_to_index(rec->mpidr) == rec->index);
	ASSERT(rec->aux_count == rec_aux_count(&rd->features));
	for (unsigned int i = 0; i < rec->aux_count; i++) {
		ASSERT(granule_peek(rec->aux[i]) == GRANULE_REC_AUX);
	}
	ASSERT(rec->hash_algo == rd->hash_algo);
	ASSERT(rec->s2.root.v == rd->s2.root.v);
	ASSERT(rec->vcpu.config.vttbr == rd->s2.context.vttbr);
	ASSERT(rec->vcpu.config.sve == rd->features.sve);
	ASSERT(rec->vcpu.config.pmu == rd->features.pmu);
}

void rec_check(const struct rec *rec)
{
	check_constant(rec);
	ASSERT(rec->completion <= REC_COMPLETE_HOST_CALL);
	ASSERT(rec->ripas_base.v <= rec->ripas_top.v);
	ASSERT(is_aligned(rec->ripas_base.v | rec->ripas_top.v, GRANULE_SIZE));
	ASSERT(rec->completion == REC_COMPLETE_RIPAS || rec->ripas_top.v == 0);
	ASSERT(rec->ripas_top.v == 0 || s2_range_protected(&rec->s2, rec->ripas_base, 0) ||
	       s2_ipa_protected(&rec->s2, ipa_of(rec->ripas_top.v - 1)));
	ASSERT(rec->completion != REC_COMPLETE_HOST_CALL ||
	       s2_ipa_protected(&rec->s2, rec->host_call));
	/* EL0 or EL1: a realm's saved state never names EL2. */
	ASSERT((rec->vcpu.pstate & PSTATE_EL_HIGH) == 0);
	/* Execution state is AArch64: no AArch32 state is switched. */
	ASSERT((rec->vcpu.pstate & PSTATE_NRW) == 0);
}

struct rec *rec_of(const struct granule *rec)
{
	return map_meta(rec, GRANULE_REC);
}

struct rd *rec_realm(const struct rec *rec)
{
	return realm_of(rec->rd);
}

/* RmiRecMpidr keeps Aff3 beside the others; MPIDR_EL1 has it at [39:32]. */
static uint64_t mpidr_el1(uint64_t mpidr)
{
	return (mpidr & MASK(23, 0)) | bits_get(mpidr, 31, 24) << 32 | MPIDR_EL1_RES1;
}

/* Configuration of the virtual CPU: constant for the life of the REC. */
static struct arch_vcpu_config vcpu_config(const struct rd *rd, const struct rec *rec)
{
	const struct realm_features *features = &rd->features;
	struct arch_vcpu_config config = {
		.vtcr = rd->s2.context.vtcr,
		.vttbr = rd->s2.context.vttbr,
		.vmpidr = mpidr_el1(rec->mpidr),
		.sve = features->sve,
		.sve_vl = features->sve_vl,
		.pmu = features->pmu,
		.pmu_counters = features->pmu_counters,
		.breakpoints = features->breakpoints,
		.watchpoints = features->watchpoints,
	};

	for (unsigned int i = 0; i < arch_simd_pages(features->sve); i++) {
		config.simd[i] = map_meta(rec->aux[i], GRANULE_REC_AUX);
	}
	return config;
}

void rec_create(struct rec *rec, const struct rec_init *init)
{
	const struct rmi_rec_params *params = init->params;
	struct rd *rd = realm_of(init->rd);

	rec->rd = init->rd;
	rec->s2 = rd->s2;
	rec->mpidr = params->mpidr;
	rec->index = rmi_mpidr_to_index(params->mpidr);
	rec->hash_algo = rd->hash_algo;
	rec->aux_count = (uint8_t)rec_aux_count(&rd->features);
	for (unsigned int i = 0; i < rec->aux_count; i++) {
		rec->aux[i] = init->aux[i];
	}
	atomic_store_explicit(&rec->runnable, (params->flags & RMI_REC_FLAG_RUNNABLE) != 0,
			      memory_order_relaxed);

	const struct arch_vcpu_config config = vcpu_config(rd, rec);

	arch_vcpu_reset(&rec->vcpu, &config);
	rec->vcpu.pc = params->pc;
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		rec->vcpu.gprs[i] = params->gprs[i];
	}
}
