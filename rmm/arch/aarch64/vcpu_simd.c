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
#include "base/bits.h"
#include "feat/feat.h"

#define ZCR_LEN_MAX 0xF

static uint8_t ns_vectors[MAX_CPUS][ARCH_SIMD_PAGES][GRANULE_SIZE] __attribute__((aligned(4096)));

static struct simd_area ns_area(void)
{
	uint8_t(*pages)[GRANULE_SIZE] = ns_vectors[arch_cpu_index()];

	return (struct simd_area){{pages[0], pages[1], pages[2]}};
}

static struct simd_area realm_area(const struct arch_vcpu *vcpu)
{
	void *const *pages = vcpu->config.simd;

	return (struct simd_area){{pages[0], pages[1], pages[2]}};
}

unsigned int arch_simd_pages(bool sve)
{
	return sve ? ARCH_SIMD_PAGES : 1;
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

/*
 * The vector registers of a host that makes a realm run in streaming mode are lost with the mode
 * (docs/decisions/realm-traps.md). ZA stays: a realm cannot reach it.
 */
void simd_leave_streaming(void)
{
	if (bits_get(read_sysreg(id_aa64pfr1_el1), 27, 24) == 0) {
		return;
	}
	allow(CPTR_FPEN | CPTR_ZEN | CPTR_SMEN);
	__asm__ volatile(".inst 0xd503427f" : : : "memory"); /* SMSTOP SM */
	allow(0);
}

void simd_load(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	const struct simd_area host = ns_area();
	const struct simd_area realm = realm_area(vcpu);

	if (!feat()->sve) {
		allow(CPTR_FPEN);
		simd_fp_save(&host);
		simd_fp_restore(&realm);
	} else {
		allow(CPTR_FPEN | CPTR_ZEN);
		ns->zcr_el2 = read_sysreg(s3_4_c1_c2_0);
		set_vector_length(ZCR_LEN_MAX);
		simd_sve_save(&host);
		if (vcpu->config.sve) {
			set_vector_length(vcpu->config.sve_vl);
			simd_sve_restore(&realm);
		} else {
			simd_sve_clear();
			simd_fp_restore(&realm);
			allow(CPTR_FPEN);
		}
	}
	ns->simd_loaded = true;
}

void simd_save(const struct arch_vcpu *vcpu, struct ns_state *ns)
{
	const struct simd_area host = ns_area();
	const struct simd_area realm = realm_area(vcpu);

	if (!feat()->sve) {
		simd_fp_save(&realm);
		simd_fp_restore(&host);
	} else {
		allow(CPTR_FPEN | CPTR_ZEN);
		if (vcpu->config.sve) {
			simd_sve_save(&realm);
		} else {
			simd_fp_save(&realm);
		}
		set_vector_length(ZCR_LEN_MAX);
		simd_sve_restore(&host);
		write_sysreg(s3_4_c1_c2_0, ns->zcr_el2);
	}
	allow(0);
	ns->simd_loaded = false;
}
