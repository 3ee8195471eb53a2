// SPDX-License-Identifier: BSD-3-Clause
/* EL1 timers (RMM specification A6.2). The EL2 timers are the normal world's and stay untouched. */
#include "arch/aarch64/sysreg.h"
#include "arch/aarch64/vcpu_internal.h"
#include "base/bits.h"

#define PPI_VIRTUAL  27U
#define PPI_PHYSICAL 30U

/*
 * Polls of a line that has been masked and is about to drop: bounded, a spurious exit is harmless.
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

static void wait_until_retired(void)
{
	for (unsigned int i = 0; i < RETIRE_PATIENCE; i++) {
		uint64_t pending = read_sysreg(s3_0_c12_c12_2); /* ICC_HPPIR1_EL1 */

		if (pending != PPI_VIRTUAL && pending != PPI_PHYSICAL) {
			return;
		}
	}
}

/*
 * What is asserted has been reported, and interrupts nobody again: its output is masked, before the
 * timer is there. What changes later is found before the realm runs (rec_may_run()), so this holds
 * until it is saved.
 */
void timers_load(const struct arch_timers *timers, struct ns_state *ns)
{
	uint64_t asserted = arch_timers_asserted(timers->cntv_ctl, timers->cntp_ctl);

	ns->timers = timers_read();
	write_sysreg(cnthctl_el2, CNTHCTL_REALM | asserted << CNTHCTL_MASKS_SHIFT);
	isb();
	timers_write(timers);
	if (asserted != 0) {
		isb();
		wait_until_retired();
	}
}

void timers_save(struct arch_timers *timers, const struct ns_state *ns)
{
	*timers = timers_read();
	timers_write(&ns->timers);
}

unsigned int arch_vcpu_timers(const struct arch_vcpu *vcpu)
{
	(void)vcpu;
	return arch_timers_asserted(read_sysreg(cntv_ctl_el02), read_sysreg(cntp_ctl_el02));
}
