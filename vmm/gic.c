// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "gic.h"

/* Distributor. */
#define GICD_CTLR    0x0000u
#define GICD_TYPER   0x0004u
#define GICD_IIDR    0x0008u
#define GICD_IROUTER 0x6000u
#define GIC_PIDR2    0xffe8u

#define CTLR_GROUP1   (1u << 1)
#define CTLR_WRITABLE 0x3u
#define CTLR_FIXED    ((1u << 4) | (1u << 6)) /* affinity routing; one security state */

/* Registers with one bit, two bits or a byte for each interrupt: the same in both components. */
#define REG_IGROUPR    0x080u
#define REG_ISENABLER  0x100u
#define REG_ICENABLER  0x180u
#define REG_ISPENDR    0x200u
#define REG_ICPENDR    0x280u
#define REG_ISACTIVER  0x300u
#define REG_ICACTIVER  0x380u
#define REG_IPRIORITYR 0x400u
#define REG_ICFGR      0xc00u
#define BITMAP_BYTES   0x80u

/* Redistributor: 64 KiB of control registers, then 64 KiB for private interrupts. */
#define GICR_CTLR    0x0000u
#define GICR_IIDR    0x0004u
#define GICR_TYPER   0x0008u
#define GICR_WAKER   0x0014u
#define GICR_STRIDE  0x20000u
#define GICR_SGI     0x10000u
#define WAKER_SLEEP  0x2u
#define WAKER_ASLEEP 0x4u

#define IIDR          0x0000043bu /* Arm, product 0 */
#define PIDR2_GICV3   0x30u
#define TYPER_ID_BITS (9u << 19)
#define TYPER_NO_1N   (1u << 25)
#define PRIORITY_MASK 0xf8u /* five bits, what a realm's list registers have */

static const uint8_t lowest_priority = PRIORITY_MASK;

void gic_init(struct gic *gic, unsigned int cpus, const uint64_t *mpidr,
	      void (*kick)(void *ctx, unsigned int cpu), void *ctx)
{
	memset(gic, 0, sizeof(*gic));
	gic->cpus = cpus;
	gic->kick = kick;
	gic->ctx = ctx;
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		gic->mpidr[cpu] = mpidr[cpu];
		gic->asleep[cpu] = true;
		for (unsigned int i = 0; i < GIC_PRIVATE; i++) {
			gic->private[cpu][i] = (struct gic_irq){
				.edge = i < 16, .in_lr = -1, .priority = lowest_priority};
		}
	}
	for (unsigned int i = 0; i < GIC_INTIDS - GIC_PRIVATE; i++) {
		gic->shared[i] = (struct gic_irq){.in_lr = -1, .priority = lowest_priority};
	}
}

/* The interrupt as cpu sees it, or NULL. */
static struct gic_irq *find(struct gic *gic, unsigned int cpu, uint32_t intid)
{
	if (intid < GIC_PRIVATE) {
		return &gic->private[cpu][intid];
	}
	return intid < GIC_INTIDS ? &gic->shared[intid - GIC_PRIVATE] : NULL;
}

static bool pending(const struct gic_irq *irq)
{
	return irq->latch || (!irq->edge && irq->line);
}

/* Something about irq has changed: whoever has it, or would get it, comes back for a fill. */
static void notify(struct gic *gic, unsigned int self, unsigned int owner,
		   const struct gic_irq *irq)
{
	unsigned int target = irq->in_lr >= 0 ? (unsigned int)irq->in_lr : owner;

	if (target != self && target < gic->cpus) {
		gic->kick(gic->ctx, target);
	}
}

#define NOBODY GIC_MAX_CPUS /* as self: the change does not come from a vCPU */

/* ------------------------------------------------- registers of interrupts */

static bool get_bit(const struct gic_irq *irq, unsigned int reg)
{
	switch (reg) {
	case REG_IGROUPR:
		return irq->group1;
	case REG_ISENABLER:
	case REG_ICENABLER:
		return irq->enabled;
	case REG_ISPENDR:
	case REG_ICPENDR:
		return pending(irq) || irq->held_pending;
	default:
		return irq->active;
	}
}

/* What writing a one, or for IGROUPR a value, does. True when it matters to list registers. */
static bool put_bit(struct gic_irq *irq, unsigned int reg, bool value)
{
	if (reg == REG_IGROUPR) {
		irq->group1 = value;
		return true;
	}
	if (!value) {
		return false;
	}
	switch (reg) {
	case REG_ISENABLER:
		irq->enabled = true;
		break;
	case REG_ICENABLER:
		irq->enabled = false;
		break;
	case REG_ISPENDR:
		irq->latch = true;
		break;
	case REG_ICPENDR:
		irq->latch = false;
		irq->held_latch = false;
		irq->held_pending = false;
		irq->drop_pending = irq->in_lr >= 0;
		break;
	case REG_ICACTIVER:
		irq->active = false;
		irq->drop_active = irq->in_lr >= 0;
		break;
	default:
		return false; /* ISACTIVER: for saving and restoring, which is not offered */
	}
	return true;
}

struct span {
	unsigned int owner; /* vCPU whose private interrupts are meant */
	unsigned int self;
	uint32_t first; /* the lowest and the first interrupt beyond that this component has */
	uint32_t end;
};

static uint64_t bitmap_read(struct gic *gic, const struct span *span, unsigned int offset,
			    unsigned int size)
{
	unsigned int reg = offset & ~(BITMAP_BYTES - 1);
	uint32_t intid = (offset & (BITMAP_BYTES - 1)) * 8;
	uint64_t value = 0;

	for (unsigned int i = 0; i < size * 8; i++, intid++) {
		if (intid >= span->first && intid < span->end) {
			value |= (uint64_t)get_bit(find(gic, span->owner, intid), reg) << i;
		}
	}
	return value;
}

/* Writes registers of one bit for each interrupt. Interrupts outside of the span are left alone. */
static void bitmap_write(struct gic *gic, const struct span *span, unsigned int offset,
			 unsigned int size, uint64_t value)
{
	unsigned int reg = offset & ~(BITMAP_BYTES - 1);
	uint32_t intid = (offset & (BITMAP_BYTES - 1)) * 8;

	for (unsigned int i = 0; i < size * 8; i++, intid++) {
		if (intid >= span->first && intid < span->end) {
			struct gic_irq *irq = find(gic, span->owner, intid);

			if (put_bit(irq, reg, value >> i & 1)) {
				unsigned int owner = intid < GIC_PRIVATE ? span->owner : irq->route;

				notify(gic, span->self, owner, irq);
			}
		}
	}
}

/* Reads a byte of priority for each interrupt, after writing it if there is something to write. */
static uint64_t priority_access(struct gic *gic, const struct span *span, unsigned int offset,
				unsigned int size, const uint64_t *write)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size; i++) {
		uint32_t intid = offset - REG_IPRIORITYR + i;

		if (intid < span->first || intid >= span->end) {
			continue;
		}
		struct gic_irq *irq = find(gic, span->owner, intid);

		if (write) {
			irq->priority = (uint8_t)(*write >> (8 * i)) & PRIORITY_MASK;
		}
		value |= (uint64_t)irq->priority << (8 * i);
	}
	return value;
}

/* The same with two bits for each interrupt; those of private interrupts do not change. */
static uint64_t config_access(struct gic *gic, const struct span *span, unsigned int offset,
			      unsigned int size, const uint64_t *write)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < size * 4; i++) {
		uint32_t intid = (offset - REG_ICFGR) * 4 + i;

		if (intid < span->first || intid >= span->end) {
			continue;
		}
		struct gic_irq *irq = find(gic, span->owner, intid);

		if (write && intid >= GIC_PRIVATE) {
			irq->edge = *write >> (2 * i + 1) & 1;
		}
		value |= (uint64_t)irq->edge << (2 * i + 1);
	}
	return value;
}

static uint64_t irq_regs(struct gic *gic, const struct span *span, unsigned int offset,
			 unsigned int size, const uint64_t *write)
{
	if (offset >= REG_IGROUPR && offset < REG_ICACTIVER + BITMAP_BYTES) {
		if (!write) {
			return bitmap_read(gic, span, offset, size);
		}
		bitmap_write(gic, span, offset, size, *write);
	} else if (offset >= REG_IPRIORITYR && offset < REG_IPRIORITYR + GIC_INTIDS) {
		return priority_access(gic, span, offset, size, write);
	} else if (offset >= REG_ICFGR && offset < REG_ICFGR + GIC_INTIDS / 4) {
		return config_access(gic, span, offset, size, write);
	}
	return 0;
}

/* --------------------------------------------------------------- distributor */

static struct span shared_span(unsigned int self)
{
	return (struct span){.owner = 0, .self = self, .first = GIC_PRIVATE, .end = GIC_INTIDS};
}

/* IROUTER<n>: the affinity of the vCPU that gets the interrupt; halves can be accessed alone. */
static struct gic_irq *router_irq(struct gic *gic, uint64_t offset)
{
	uint64_t intid = (offset - GICD_IROUTER) / 8;

	if (offset < GICD_IROUTER || intid < GIC_PRIVATE || intid >= GIC_INTIDS) {
		return NULL;
	}
	return &gic->shared[intid - GIC_PRIVATE];
}

static uint64_t cut(uint64_t reg, uint64_t offset, unsigned int size)
{
	uint64_t value = reg >> (8 * (offset & 7));

	return size >= 8 ? value : value & ((UINT64_C(1) << (8 * size)) - 1);
}

uint64_t gic_dist_read(struct gic *gic, uint64_t offset, unsigned int size)
{
	struct span span = shared_span(NOBODY);
	struct gic_irq *irq = router_irq(gic, offset);

	if (irq) {
		return cut(gic->mpidr[irq->route], offset, size);
	}
	switch (offset) {
	case GICD_CTLR:
		return gic->ctlr | CTLR_FIXED;
	case GICD_TYPER:
		return (GIC_INTIDS / 32 - 1) | TYPER_ID_BITS | TYPER_NO_1N;
	case GICD_IIDR:
		return IIDR;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return offset < GICD_IROUTER
			       ? irq_regs(gic, &span, (unsigned int)offset, size, NULL)
			       : 0;
	}
}

/* Routes a shared interrupt. An affinity that no vCPU has changes nothing. */
static void write_router(struct gic *gic, unsigned int self, struct gic_irq *irq, uint64_t offset,
			 unsigned int size, uint64_t value)
{
	unsigned int before = irq->route;
	uint64_t affinity = gic->mpidr[before];

	if (size == 4) {
		unsigned int shift = offset & 4 ? 32 : 0;

		affinity &= ~(UINT64_C(0xffffffff) << shift);
		affinity |= (value & 0xffffffff) << shift;
	} else {
		affinity = value;
	}
	for (unsigned int cpu = 0; cpu < gic->cpus; cpu++) {
		if (gic->mpidr[cpu] == (affinity & UINT64_C(0xff00ffffff))) {
			irq->route = (uint8_t)cpu;
		}
	}
	notify(gic, self, before, irq);
	notify(gic, self, irq->route, irq);
}

void gic_dist_write(struct gic *gic, unsigned int cpu, uint64_t offset, unsigned int size,
		    uint64_t value)
{
	struct span span = shared_span(cpu);
	struct gic_irq *irq = router_irq(gic, offset);

	if (irq) {
		if (size >= 4) {
			write_router(gic, cpu, irq, offset, size, value);
		}
	} else if (offset == GICD_CTLR) {
		gic->ctlr = (uint32_t)value & CTLR_WRITABLE;
		for (unsigned int other = 0; other < gic->cpus; other++) {
			if (other != cpu) {
				gic->kick(gic->ctx, other);
			}
		}
	} else if (offset < GICD_IROUTER) {
		irq_regs(gic, &span, (unsigned int)offset, size, &value);
	}
}

/* ------------------------------------------------------------ redistributors */

static uint64_t typer(const struct gic *gic, unsigned int cpu)
{
	uint64_t m = gic->mpidr[cpu];
	uint64_t affinity = (m & 0xffffff) | (m >> 32 & 0xff) << 24;
	uint64_t last = cpu == gic->cpus - 1 ? 1 << 4 : 0;

	return affinity << 32 | (uint64_t)cpu << 8 | last;
}

uint64_t gic_redist_read(struct gic *gic, uint64_t offset, unsigned int size)
{
	unsigned int cpu = (unsigned int)(offset / GICR_STRIDE);
	unsigned int reg = (unsigned int)(offset % GICR_STRIDE);
	struct span span = {.owner = cpu, .self = NOBODY, .end = GIC_PRIVATE};

	if (cpu >= gic->cpus) {
		return 0;
	}
	if (reg >= GICR_SGI) {
		return irq_regs(gic, &span, reg - GICR_SGI, size, NULL);
	}
	switch (reg) {
	case GICR_IIDR:
		return IIDR;
	case GICR_TYPER:
	case GICR_TYPER + 4:
		return cut(typer(gic, cpu), reg, size);
	case GICR_WAKER:
		return gic->asleep[cpu] ? WAKER_SLEEP | WAKER_ASLEEP : 0;
	case GIC_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0; /* GICR_CTLR too: nothing to switch on, never a write pending */
	}
}

void gic_redist_write(struct gic *gic, unsigned int cpu, uint64_t offset, unsigned int size,
		      uint64_t value)
{
	unsigned int owner = (unsigned int)(offset / GICR_STRIDE);
	unsigned int reg = (unsigned int)(offset % GICR_STRIDE);
	struct span span = {.owner = owner, .self = cpu, .end = GIC_PRIVATE};

	if (owner >= gic->cpus) {
		return;
	}
	if (reg >= GICR_SGI) {
		irq_regs(gic, &span, reg - GICR_SGI, size, &value);
	} else if (reg == GICR_WAKER) {
		gic->asleep[owner] = value & WAKER_SLEEP;
	}
}

/* -------------------------------------------------------------------- inputs */

static bool sgi_hits(const struct gic *gic, unsigned int self, unsigned int cpu, uint64_t value)
{
	uint64_t m = gic->mpidr[cpu];
	uint64_t aff0 = m & 0xff;

	if (value & UINT64_C(1) << 40) {
		return cpu != self;
	}
	return (value >> 16 & 0xff) == (m >> 8 & 0xff) &&
	       (value >> 32 & 0xff) == (m >> 16 & 0xff) &&
	       (value >> 48 & 0xff) == (m >> 32 & 0xff) && (value >> 44 & 0xf) == aff0 >> 4 &&
	       (value >> (aff0 & 0xf) & 1);
}

void gic_sgi(struct gic *gic, unsigned int cpu, uint64_t value)
{
	uint32_t intid = value >> 24 & 0xf;

	for (unsigned int target = 0; target < gic->cpus; target++) {
		if (sgi_hits(gic, cpu, target, value)) {
			gic->private[target][intid].latch = true;
			notify(gic, cpu, target, &gic->private[target][intid]);
		}
	}
}

void gic_set_line(struct gic *gic, uint32_t intid, bool level)
{
	if (intid >= GIC_PRIVATE && intid < GIC_INTIDS) {
		struct gic_irq *irq = &gic->shared[intid - GIC_PRIVATE];

		if (irq->line != level) {
			irq->line = level;
			notify(gic, NOBODY, irq->route, irq);
		}
	}
}

void gic_pulse(struct gic *gic, uint32_t intid)
{
	if (intid >= GIC_PRIVATE && intid < GIC_INTIDS) {
		struct gic_irq *irq = &gic->shared[intid - GIC_PRIVATE];

		irq->latch = true;
		notify(gic, NOBODY, irq->route, irq);
	}
}

/* ------------------------------------------------------------- list registers */

static void forget(struct gic_irq *irq, unsigned int cpu)
{
	if (irq->in_lr == (int8_t)cpu) {
		irq->in_lr = -1;
		irq->held_pending = false;
		irq->held_latch = false;
		irq->active = false;
		irq->drop_pending = false;
		irq->drop_active = false;
	}
}

void gic_drain(struct gic *gic, unsigned int cpu, const uint64_t *lr, unsigned int count)
{
	bool held[GIC_INTIDS] = {false};

	for (unsigned int i = 0; i < count; i++) {
		uint32_t intid = GIC_LR_INTID(lr[i]);

		if ((lr[i] & GIC_LR_STATE) && intid < GIC_INTIDS) {
			struct gic_irq *irq = find(gic, cpu, intid);

			held[intid] = true;
			irq->in_lr = (int8_t)cpu;
			irq->active = lr[i] & GIC_LR_ACTIVE;
			irq->held_pending = (lr[i] & GIC_LR_PENDING) && !irq->drop_pending;
			irq->held_latch &= irq->held_pending;
		}
	}
	for (uint32_t intid = 0; intid < GIC_INTIDS; intid++) {
		if (!held[intid]) {
			forget(find(gic, cpu, intid), cpu);
		}
	}
}

static bool deliverable(const struct gic *gic, const struct gic_irq *irq)
{
	return (gic->ctlr & CTLR_GROUP1) && irq->enabled && irq->group1;
}

/* An interrupt that is in a list register: carries over what has changed. */
static uint64_t update_one(struct gic *gic, struct gic_irq *irq, uint64_t lr)
{
	if (irq->drop_active) {
		lr &= ~GIC_LR_ACTIVE;
	}
	if (irq->drop_pending) {
		lr &= ~GIC_LR_PENDING;
	}
	irq->drop_active = false;
	irq->drop_pending = false;
	if (irq->latch && deliverable(gic, irq)) {
		irq->latch = false;
		irq->held_latch = true;
		lr |= GIC_LR_PENDING;
	}
	irq->held_pending = lr & GIC_LR_PENDING;
	if ((lr & GIC_LR_STATE) != GIC_LR_PENDING) {
		return lr;
	}
	/* Pending only: it has not been taken, and can be withdrawn. */
	if (!irq->edge && !irq->line && !irq->latch && !irq->held_latch) {
		return 0;
	}
	if (!deliverable(gic, irq)) {
		irq->latch |= irq->edge || irq->held_latch;
		return 0;
	}
	return lr;
}

static bool injected_by_host(uint32_t intid)
{
	return intid == 27 || intid == 30;
}

/*
 * Brings the list registers of cpu up to date, and empties those whose interrupt has been
 * withdrawn.
 */
static void update_held(struct gic *gic, unsigned int cpu, uint64_t *lr, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint32_t intid = GIC_LR_INTID(lr[i]);
		struct gic_irq *irq = intid < GIC_INTIDS ? find(gic, cpu, intid) : NULL;

		if (!(lr[i] & GIC_LR_STATE) || !irq) {
			lr[i] = 0;
		} else if (!injected_by_host(intid)) {
			lr[i] = update_one(gic, irq, lr[i]);
		}
		if (irq && !(lr[i] & GIC_LR_STATE)) {
			lr[i] = 0;
			forget(irq, cpu);
		}
	}
}

/* The most urgent interrupt that waits for cpu, or GIC_INTIDS. */
static uint32_t next_pending(struct gic *gic, unsigned int cpu)
{
	uint32_t best = GIC_INTIDS;
	unsigned int best_priority = 0x100;

	for (uint32_t intid = 0; intid < GIC_INTIDS; intid++) {
		const struct gic_irq *irq = find(gic, cpu, intid);

		if (irq->in_lr >= 0 || (intid >= GIC_PRIVATE && irq->route != cpu) ||
		    injected_by_host(intid) || !pending(irq) || !deliverable(gic, irq)) {
			continue;
		}
		if (irq->priority < best_priority) {
			best_priority = irq->priority;
			best = intid;
		}
	}
	return best;
}

uint64_t gic_fill(struct gic *gic, unsigned int cpu, uint64_t *lr, unsigned int count)
{
	update_held(gic, cpu, lr, count);
	for (unsigned int i = 0; i < count; i++) {
		uint32_t intid;

		if (lr[i] & GIC_LR_STATE) {
			continue;
		}
		intid = next_pending(gic, cpu);
		if (intid == GIC_INTIDS) {
			return 0;
		}
		struct gic_irq *irq = find(gic, cpu, intid);

		lr[i] = GIC_LR_PENDING | GIC_LR_GROUP1 | (uint64_t)irq->priority << 48 | intid;
		/* A level interrupt's end must be seen: its line may still be up. */
		lr[i] |= irq->edge ? 0 : GIC_LR_EOI;
		irq->held_latch = irq->latch;
		irq->held_pending = true;
		irq->latch = false;
		irq->in_lr = (int8_t)cpu;
	}
	return next_pending(gic, cpu) == GIC_INTIDS ? 0 : GIC_HCR_UIE;
}

uint32_t gic_private_enabled(const struct gic *gic, unsigned int cpu)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < GIC_PRIVATE; i++) {
		mask |= (uint32_t)deliverable(gic, &gic->private[cpu][i]) << i;
	}
	return mask;
}

uint8_t gic_private_priority(const struct gic *gic, unsigned int cpu, uint32_t intid)
{
	return intid < GIC_PRIVATE ? gic->private[cpu][intid].priority : 0;
}
