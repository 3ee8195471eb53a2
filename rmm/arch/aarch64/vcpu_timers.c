// SPDX-License-Identifier: BSD-3-Clause
/* EL1 timers (RMM specification A6.2). The EL2 timers are the normal world's and stay untouched. */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "base/bits.h"

#define CTL_ENABLE  BIT(0)
#define CTL_IMASK   BIT(1)
#define CTL_ISTATUS BIT(2)

#define PPI_VIRTUAL  27U
#define PPI_PHYSICAL 30U

/* Polls of a line that has been masked and is about to drop: bounded, a spurious exit is harmless.
 */
#define RETIRE_PATIENCE 1000U

static struct arch_timers timers_read(void)
{
	return (struct arch_timers){
		.cntp_ctl = read_sysreg(cntp_ctl_el02),
		.cntp_cval = read_sysreg(cntp_cval_el02),
		.cntv_ctl = read_sysreg(cntv_ctl_el02),
		.cntv_cval = read_sysreg(cntv_cval_el02),
	};
}

/* The deadline before the control: an enabled timer never sees the old one. */
static void timers_write(const struct arch_timers *timers)
{
	write_sysreg(cntp_cval_el02, timers->cntp_cval);
	write_sysreg(cntp_ctl_el02, timers->cntp_ctl);
	write_sysreg(cntv_cval_el02, timers->cntv_cval);
	write_sysreg(cntv_ctl_el02, timers->cntv_ctl);
}

void timers_load(const struct arch_timers *timers, struct ns_state *ns)
{
	ns->timers = timers_read();
	timers_write(timers);
}

void timers_save(struct arch_timers *timers, const struct ns_state *ns)
{
	*timers = timers_read();
	timers_write(&ns->timers);
}

static bool asserted(uint64_t ctl)
{
	return (ctl & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
}

static void wait_until_retired(void)
{
	for (unsigned int i = 0; i < RETIRE_PATIENCE; i++) {
		uint64_t pending = read_sysreg(s3_0_c12_c12_2); /* ICC_HPPIR1_EL1 */

		if (pending != PPI_VIRTUAL && pending != PPI_PHYSICAL) {
			return;
		}
	}
}

struct arch_timers arch_vcpu_timers_update(struct arch_vcpu *vcpu)
{
	struct arch_timers now = timers_read();
	uint64_t cnthctl = CNTHCTL_REALM;

	(void)vcpu;
	cnthctl |= asserted(now.cntv_ctl) ? CNTHCTL_CNTVMASK : 0;
	cnthctl |= asserted(now.cntp_ctl) ? CNTHCTL_CNTPMASK : 0;
	if (read_sysreg(cnthctl_el2) != cnthctl) {
		write_sysreg(cnthctl_el2, cnthctl);
		isb();
		if ((cnthctl & (CNTHCTL_CNTVMASK | CNTHCTL_CNTPMASK)) != 0) {
			wait_until_retired();
		}
	}
	return now;
}
