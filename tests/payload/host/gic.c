// SPDX-License-Identifier: BSD-3-Clause
#include "gic.h"

#define GICD_BASE        0x08000000UL
#define GICR_BASE        0x080a0000UL
#define GICR_STRIDE      0x20000UL
#define GICD_CTLR        (GICD_BASE + 0x0)
#define GICD_CTLR_RWP    (1u << 31)
#define GICD_CTLR_GROUP1 (1u << 1)
#define GICD_CTLR_ARE    (1u << 4)
#define GICR_WAKER       0x14
#define WAKER_SLEEP      (1u << 1)
#define WAKER_ASLEEP     (1u << 2)
#define SGI_FRAME        0x10000UL
#define GICR_IGROUPR0    (SGI_FRAME + 0x80)
#define GICR_ISENABLER0  (SGI_FRAME + 0x100)
#define GICR_ICENABLER0  (SGI_FRAME + 0x180)
#define GICR_IPRIORITYR  (SGI_FRAME + 0x400)
#define PRIORITY         0xa0a0a0a0u
#define SPURIOUS         1020
#define TIMER_ENABLE     1UL

#define ICC_SRE_EL2     "s3_4_c12_c9_5"
#define ICC_PMR_EL1     "s3_0_c4_c6_0"
#define ICC_BPR1_EL1    "s3_0_c12_c12_3"
#define ICC_CTLR_EL1    "s3_0_c12_c12_4"
#define ICC_IGRPEN1_EL1 "s3_0_c12_c12_7"
#define ICC_IAR1_EL1    "s3_0_c12_c12_0"
#define ICC_EOIR1_EL1   "s3_0_c12_c12_1"
#define ICC_SGI1R_EL1   "s3_0_c12_c11_5"
#define CNTHP_CTL_EL2   "s3_4_c14_c2_1"
#define CNTHP_CVAL_EL2  "s3_4_c14_c2_2"

static uint64_t redistributor(void)
{
	return GICR_BASE + this_cpu()->index * GICR_STRIDE;
}

void gic_init_distributor(void)
{
	mmio_write32(GICD_CTLR, GICD_CTLR_ARE | GICD_CTLR_GROUP1);
	while (mmio_read32(GICD_CTLR) & GICD_CTLR_RWP) {
		cpu_relax();
	}
}

void gic_init_cpu(void)
{
	uint64_t base = redistributor();

	mmio_write32(base + GICR_WAKER, mmio_read32(base + GICR_WAKER) & ~WAKER_SLEEP);
	while (mmio_read32(base + GICR_WAKER) & WAKER_ASLEEP) {
		cpu_relax();
	}
	mmio_write32(base + GICR_IGROUPR0, UINT32_MAX);
	mmio_write32(base + GICR_ICENABLER0, UINT32_MAX);
	for (unsigned i = 0; i < MAX_INTID; i += 4) {
		mmio_write32(base + GICR_IPRIORITYR + i, PRIORITY);
	}
	sysreg_write(ICC_SRE_EL2, 0xf);
	isb();
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_BPR1_EL1, 0);
	sysreg_write(ICC_CTLR_EL1, 0);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	isb();
	el2_timer_stop();
}

void gic_send_sgi(unsigned cpu, unsigned intid)
{
	uint64_t mpidr = cpus[cpu].mpidr;
	uint64_t value = 1UL << (mpidr & 0xf) | ((mpidr >> 8) & 0xff) << 16 | (uint64_t)intid << 24;

	dsb_sy();
	sysreg_write(ICC_SGI1R_EL1, value);
	isb();
}

void gic_enable(unsigned intid, irq_fn handler)
{
	this_cpu()->irq_handlers[intid] = handler;
	dsb_sy();
	mmio_write32(redistributor() + GICR_ISENABLER0, 1u << intid);
}

void gic_disable(unsigned intid)
{
	mmio_write32(redistributor() + GICR_ICENABLER0, 1u << intid);
	while (mmio_read32(redistributor()) & (1u << 3)) {
		cpu_relax();
	}
}

void irq_window(void)
{
	irq_open();
	isb();
	irq_mask();
}

void gic_handle(void)
{
	unsigned intid = (unsigned)sysreg_read(ICC_IAR1_EL1) & 0xffffff;
	struct cpu *cpu = this_cpu();

	if (intid >= SPURIOUS) {
		return;
	}
	if (intid < MAX_INTID && cpu->irq_handlers[intid]) {
		cpu->irq_handlers[intid](intid);
	}
	sysreg_write(ICC_EOIR1_EL1, intid);
	isb();
}

uint64_t time_now(void)
{
	isb();
	return sysreg_read("cntpct_el0");
}

uint64_t us_to_ticks(uint64_t us)
{
	return us * (sysreg_read("cntfrq_el0") / 1000000);
}

uint64_t time_us(void)
{
	return time_now() / (sysreg_read("cntfrq_el0") / 1000000);
}

void delay_us(uint64_t us)
{
	uint64_t end = time_now() + us_to_ticks(us);

	while (time_now() < end) {
		cpu_relax();
	}
}

void el2_timer_arm(uint64_t us)
{
	sysreg_write(CNTHP_CVAL_EL2, time_now() + us_to_ticks(us));
	sysreg_write(CNTHP_CTL_EL2, TIMER_ENABLE);
	isb();
}

void el2_timer_stop(void)
{
	sysreg_write(CNTHP_CTL_EL2, 0);
	isb();
}
