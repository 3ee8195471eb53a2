// SPDX-License-Identifier: BSD-3-Clause
/*
 * Vector registers. They stay the normal world's until the realm executes a vector instruction, and
 * trap until then. The normal world's are kept at the longest vector length of the CPU, whatever
 * length the realm has.
 */
#include "arch/aarch64/layout.h"
#include "arch/aarch64/simd.h"
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "arch/cpu.h"
#include "base/assert.h"
#include "base/bits.h"
#include "feat/feat.h"

#define ZCR_LEN_MAX 0xF

static uint8_t ns_vectors[MAX_CPUS][SIMD_SVE_MAX] __attribute__((aligned(16)));

size_t arch_simd_size(bool sve, uint8_t sve_vl)
{
	return sve ? SIMD_SVE_SIZE((size_t)sve_vl + 1) : SIMD_FP_SIZE;
}

/* ZCR_EL2 is s3_4_c1_c2_0; ZCR_EL1 from EL2 is s3_5_c1_c2_0. */
static void set_vector_length(uint64_t length_less_one)
{
	write_sysreg(s3_4_c1_c2_0, length_less_one);
	isb();
}

static void allow(uint64_t what)
{
	write_sysreg(cptr_el2, CPTR_BOOT | what);
	isb();
}

void simd_load(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	uint8_t *ns_area = ns_vectors[arch_cpu_index()];

	ASSERT(is_aligned((uint64_t)vcpu->config.simd, 16));
	if (!feat()->sve) {
		allow(CPTR_FPEN);
		simd_fp_save(ns_area);
		simd_fp_restore(vcpu->config.simd);
	} else {
		allow(CPTR_FPEN | CPTR_ZEN);
		ns->zcr_el2 = read_sysreg(s3_4_c1_c2_0);
		set_vector_length(ZCR_LEN_MAX);
		simd_sve_save(ns_area);
		if (vcpu->config.sve) {
			set_vector_length(vcpu->config.sve_vl);
			simd_sve_restore(vcpu->config.simd);
		} else {
			simd_sve_clear();
			simd_fp_restore(vcpu->config.simd);
			allow(CPTR_FPEN);
		}
	}
	ns->simd_loaded = true;
}

void simd_save(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	uint8_t *ns_area = ns_vectors[arch_cpu_index()];

	if (!feat()->sve) {
		simd_fp_save(vcpu->config.simd);
		simd_fp_restore(ns_area);
	} else {
		allow(CPTR_FPEN | CPTR_ZEN);
		if (vcpu->config.sve) {
			simd_sve_save(vcpu->config.simd);
		} else {
			simd_fp_save(vcpu->config.simd);
		}
		set_vector_length(ZCR_LEN_MAX);
		simd_sve_restore(ns_area);
		write_sysreg(s3_4_c1_c2_0, ns->zcr_el2);
	}
	allow(0);
	ns->simd_loaded = false;
}
