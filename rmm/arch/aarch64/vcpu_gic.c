// SPDX-License-Identifier: BSD-3-Clause
/* GIC virtual interface (GIC specification IHI 0069, chapter 12.4; RMM specification A6.1). */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "base/bits.h"
#include "feat/feat.h"

/*
 * ICH_VTR_EL2 is s3_4_c12_c11_1; below, HCR is c11_0, MISR c11_2 and VMCR c11_7 of the same group.
 */
#define VTR_DVIM     BIT(18)
#define VTR_PRE_BITS 28U, 26U /* bits of preemption, less one */

/* List registers 0..7 are CRm 12, 8..15 are CRm 13; the number has to be in the instruction. */
#define LR_CASES(X)           \
	X(0, s3_4_c12_c12_0)  \
	X(1, s3_4_c12_c12_1)  \
	X(2, s3_4_c12_c12_2)  \
	X(3, s3_4_c12_c12_3)  \
	X(4, s3_4_c12_c12_4)  \
	X(5, s3_4_c12_c12_5)  \
	X(6, s3_4_c12_c12_6)  \
	X(7, s3_4_c12_c12_7)  \
	X(8, s3_4_c12_c13_0)  \
	X(9, s3_4_c12_c13_1)  \
	X(10, s3_4_c12_c13_2) \
	X(11, s3_4_c12_c13_3) \
	X(12, s3_4_c12_c13_4) \
	X(13, s3_4_c12_c13_5) \
	X(14, s3_4_c12_c13_6) \
	X(15, s3_4_c12_c13_7)

/*
 * Active priorities: register 0 always, 1 with 6 bits of preemption or more, 2 and 3 with 7. Those
 * that do not exist are undefined.
 */
#define AP_CASES(X)                        \
	X(0, s3_4_c12_c8_0, s3_4_c12_c9_0) \
	X(1, s3_4_c12_c8_1, s3_4_c12_c9_1) \
	X(2, s3_4_c12_c8_2, s3_4_c12_c9_2) \
	X(3, s3_4_c12_c8_3, s3_4_c12_c9_3)

static unsigned int ap_count(void)
{
	uint64_t bits = bits_get(read_sysreg(s3_4_c12_c11_1), VTR_PRE_BITS) + 1;

	return bits >= 7 ? 4 : (bits == 6 ? 2 : 1);
}

void gic_load(const struct arch_gic *gic)
{
	unsigned int lrs = feat()->list_registers + 1U;
	unsigned int aps = ap_count();
	uint64_t hcr = gic->hcr | ICH_HCR_EN | ICH_HCR_VSGIEOICOUNT;

	hcr |= (read_sysreg(s3_4_c12_c11_1) & VTR_DVIM) != 0 ? ICH_HCR_DVIM : 0;
	write_sysreg(s3_4_c12_c9_5, ICC_SRE_VALUE); /* ICC_SRE_EL2 */
	isb();
#define LR_WRITE(n, name)                       \
	if ((n) < lrs) {                        \
		write_sysreg(name, gic->lr[n]); \
	}
	LR_CASES(LR_WRITE)
#undef LR_WRITE
#define AP_WRITE(n, name0, name1)                  \
	if ((n) < aps) {                           \
		write_sysreg(name0, gic->ap0r[n]); \
		write_sysreg(name1, gic->ap1r[n]); \
	}
	AP_CASES(AP_WRITE)
#undef AP_WRITE
	write_sysreg(s3_4_c12_c11_7, gic->vmcr);
	write_sysreg(s3_4_c12_c11_0, hcr);
}

/*
 * MISR means something only while the interface is on, so everything is read first. What stays in
 * the registers is cleared: the normal world reloads them, and must not find the realm's.
 */
void gic_save(struct arch_gic *gic)
{
	unsigned int lrs = feat()->list_registers + 1U;
	unsigned int aps = ap_count();

	gic->misr = read_sysreg(s3_4_c12_c11_2);
	gic->hcr = read_sysreg(s3_4_c12_c11_0);
	gic->vmcr = read_sysreg(s3_4_c12_c11_7);
#define LR_READ(n, name)                        \
	if ((n) < lrs) {                        \
		gic->lr[n] = read_sysreg(name); \
		write_sysreg(name, 0);          \
	}
	LR_CASES(LR_READ)
#undef LR_READ
#define AP_READ(n, name0, name1)                   \
	if ((n) < aps) {                           \
		gic->ap0r[n] = read_sysreg(name0); \
		gic->ap1r[n] = read_sysreg(name1); \
		write_sysreg(name0, 0);            \
		write_sysreg(name1, 0);            \
	}
	AP_CASES(AP_READ)
#undef AP_READ
	write_sysreg(s3_4_c12_c11_0, 0);
}
