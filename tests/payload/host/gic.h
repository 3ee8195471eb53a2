// SPDX-License-Identifier: BSD-3-Clause
/* GICv3 and the generic timer, as much as the host needs. */
#ifndef HOST_GIC_H
#define HOST_GIC_H

#include "cpu.h"

#define SGI_WAKE       0
#define PPI_EL2_TIMER  26 /* CNTHP: free for tests */
#define PPI_IDLE_TIMER 28 /* CNTHV: cpu_wait() */

void gic_init_distributor(void);
/* This CPU's redistributor and interface. */
void gic_init_cpu(void);
void gic_send_sgi(unsigned cpu, unsigned intid);
/* Enable an SGI or PPI on this CPU; the handler runs in cpu_wait() and irq_window() only. */
void gic_enable(unsigned intid, irq_fn handler);
void gic_disable(unsigned intid);
/* Take what is pending now. */
void irq_window(void);
/* Called by the exception handler. */
void gic_handle(void);

uint64_t time_now(void); /* ticks of CNTPCT */
uint64_t time_us(void);
uint64_t us_to_ticks(uint64_t us);
void delay_us(uint64_t us);
/* Arm the EL2 physical timer of this CPU to fire in `us`; its interrupt is PPI_EL2_TIMER. */
void el2_timer_arm(uint64_t us);
void el2_timer_stop(void);

#endif
