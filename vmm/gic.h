// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3 as a realm sees it: distributor, redistributors, software-generated interrupts, and the
 * list registers through which interrupts reach the vCPUs. One security state, affinity routing
 * always on, no LPIs.
 *
 * The list registers are the only record of an interrupt in flight: gic_drain() takes them over
 * after a run, gic_fill() brings them up to date before the next one. In between they belong to the
 * vCPU, and what others change takes effect at the next fill; the kick callback asks for one.
 *
 * No function allocates or locks; the caller serializes.
 */
#ifndef VMM_GIC_H
#define VMM_GIC_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_MAX_CPUS 64u
#define GIC_PRIVATE  32u /* SGIs 0..15, PPIs 16..31 */
#define GIC_INTIDS   96u /* shared ones from 32 */
#define GIC_MAX_LRS  16u

/* Of a list register (ICH_LR<n>_EL2). */
#define GIC_LR_PENDING  (UINT64_C(1) << 62)
#define GIC_LR_ACTIVE   (UINT64_C(1) << 63)
#define GIC_LR_STATE    (GIC_LR_PENDING | GIC_LR_ACTIVE)
#define GIC_LR_GROUP1   (UINT64_C(1) << 60)
#define GIC_LR_EOI      (UINT64_C(1) << 41)
#define GIC_LR_INTID(x) ((uint32_t)(x))

/* Of gic_hcr (ICH_HCR_EL2): leave when at most one list register is still valid. */
#define GIC_HCR_UIE (UINT64_C(1) << 1)

struct gic_irq {
	bool enabled;
	bool group1;
	bool edge;
	bool latch;        /* an edge, or a write to ISPENDR, that is not in a list register */
	bool line;         /* input of a level interrupt */
	bool held_pending; /* pending in a list register, as of the last fill or drain */
	bool held_latch; /* and that because of a latch: a level interrupt stays without its line */
	bool active;     /* as the list register said at the last drain */
	bool drop_pending; /* ICPENDR met it in a list register */
	bool drop_active;  /* ICACTIVER did */
	uint8_t priority;
	uint8_t route; /* vCPU of a shared interrupt */
	int8_t in_lr;  /* vCPU whose list registers hold it, -1 none */
};

struct gic {
	unsigned int cpus;
	uint32_t ctlr;
	uint64_t mpidr[GIC_MAX_CPUS];
	bool asleep[GIC_MAX_CPUS];
	struct gic_irq private[GIC_MAX_CPUS][GIC_PRIVATE];
	struct gic_irq shared[GIC_INTIDS - GIC_PRIVATE];
	void (*kick)(void *ctx, unsigned int cpu); /* vCPU cpu should come back for a fill */
	void *ctx;
};

/* State after reset, for vCPUs 0..cpus-1 (at most GIC_MAX_CPUS) with these MPIDR affinities. */
void gic_init(struct gic *gic, unsigned int cpus, const uint64_t *mpidr,
	      void (*kick)(void *ctx, unsigned int cpu), void *ctx);

/*
 * Register accesses. offset is within the distributor, or within all redistributors together; size
 * is 1, 2, 4 or 8 bytes. What is not there reads as zero and ignores writes. cpu is who accesses:
 * it is not kicked, since it comes back anyway.
 */
uint64_t gic_dist_read(struct gic *gic, uint64_t offset, unsigned int size);
void gic_dist_write(struct gic *gic, unsigned int cpu, uint64_t offset, unsigned int size,
		    uint64_t value);
uint64_t gic_redist_read(struct gic *gic, uint64_t offset, unsigned int size);
void gic_redist_write(struct gic *gic, unsigned int cpu, uint64_t offset, unsigned int size,
		      uint64_t value);

/* A write of value to ICC_SGI1R_EL1 by cpu. */
void gic_sgi(struct gic *gic, unsigned int cpu, uint64_t value);

/* Inputs of shared interrupts; intid 32..GIC_INTIDS-1, others are ignored. */
void gic_set_line(struct gic *gic, uint32_t intid, bool level);
void gic_pulse(struct gic *gic, uint32_t intid);

/* After a run: takes over count list registers of cpu. */
void gic_drain(struct gic *gic, unsigned int cpu, const uint64_t *lr, unsigned int count);

/*
 * Before a run: brings count list registers up to date and puts what is pending into free ones, the
 * highest priority first. Returns the bits for gic_hcr: GIC_HCR_UIE when something did not fit.
 */
uint64_t gic_fill(struct gic *gic, unsigned int cpu, uint64_t *lr, unsigned int count);

/* Enable bits and priority of private interrupts, for the timers that the host module injects. */
uint32_t gic_private_enabled(const struct gic *gic, unsigned int cpu);
uint8_t gic_private_priority(const struct gic *gic, unsigned int cpu, uint32_t intid);

#endif
