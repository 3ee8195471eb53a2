// SPDX-License-Identifier: BSD-3-Clause
#include "rec/rec.h"

#include "base/assert.h"
#include "base/bits.h"
#include "map/map.h"

#define MPIDR_EL1_RES1 BIT(31)

struct rec *rec_of(const struct granule *rec)
{
	ASSERT(granule_peek(rec) == GRANULE_REC);
	return map_meta(rec);
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
		config.simd[i] = map_meta(rec->aux[i]);
	}
	return config;
}

void rec_create(struct rec *rec, const struct rec_birth *birth)
{
	const struct rmi_rec_params *params = birth->params;
	struct rd *rd = realm_of(birth->rd);

	rec->rd = birth->rd;
	rec->s2 = rd->s2;
	rec->mpidr = params->mpidr;
	rec->index = rmi_mpidr_to_index(params->mpidr);
	rec->hash_algo = rd->hash_algo;
	rec->aux_count = (uint8_t)rec_aux_count(&rd->features);
	for (unsigned int i = 0; i < rec->aux_count; i++) {
		rec->aux[i] = birth->aux[i];
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
