// SPDX-License-Identifier: BSD-3-Clause
#include "test.h"

#include "gic.h"

#define CPUS 3u
#define LRS  4u

#define ISENABLER  0x100u
#define ICENABLER  0x180u
#define ISPENDR    0x200u
#define ICPENDR    0x280u
#define ISACTIVER  0x300u
#define ICACTIVER  0x380u
#define IPRIORITYR 0x400u
#define ICFGR      0xc00u
#define IROUTER    0x6000u
#define SGI_FRAME  0x10000u
#define STRIDE     0x20000u

#define SPI_LEVEL 40u
#define SPI_EDGE  50u

static struct gic gic;
static uint64_t lr[CPUS][LRS];
static unsigned int kicks[CPUS];

static void kick(void *ctx, unsigned int cpu)
{
	assert_ptr_equal(ctx, kicks);
	assert_true(cpu < CPUS);
	kicks[cpu]++;
}

static void set_bit(unsigned int reg, uint32_t intid)
{
	gic_dist_write(&gic, CPUS, reg + intid / 32 * 4, 4, UINT64_C(1) << intid % 32);
}

static bool get_bit(unsigned int reg, uint32_t intid)
{
	return gic_dist_read(&gic, reg + intid / 32 * 4, 4) >> intid % 32 & 1;
}

static void set_private(unsigned int cpu, unsigned int reg, uint32_t intid)
{
	gic_redist_write(&gic, cpu, cpu * STRIDE + SGI_FRAME + reg, 4, UINT64_C(1) << intid);
}

/* As Linux sets it up: group 1 everywhere, one level and one edge interrupt, SGIs on. */
static int setup(void **state)
{
	static const uint64_t mpidr[CPUS] = {0, 1, 2};

	(void)state;
	memset(lr, 0, sizeof(lr));
	memset(kicks, 0, sizeof(kicks));
	gic_init(&gic, CPUS, mpidr, kick, kicks);
	gic_dist_write(&gic, 0, 0, 4, 0x13);
	for (unsigned int i = 1; i < GIC_INTIDS / 32; i++) {
		gic_dist_write(&gic, 0, 0x80 + 4 * i, 4, 0xffffffff);
	}
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		gic_redist_write(&gic, cpu, cpu * STRIDE + SGI_FRAME + 0x80, 4, 0xffffffff);
		gic_redist_write(&gic, cpu, cpu * STRIDE + SGI_FRAME + ISENABLER, 4, 0xffff);
	}
	gic_dist_write(&gic, 0, ICFGR + SPI_EDGE / 4, 1, UINT64_C(2) << 2 * (SPI_EDGE % 4));
	for (uint32_t intid = 32; intid < GIC_INTIDS; intid++) {
		gic_dist_write(&gic, 0, IPRIORITYR + intid, 1, 0xa0);
	}
	set_bit(ISENABLER, SPI_LEVEL);
	set_bit(ISENABLER, SPI_EDGE);
	memset(kicks, 0, sizeof(kicks));
	return 0;
}

static uint64_t *find(unsigned int cpu, uint32_t intid)
{
	for (unsigned int i = 0; i < LRS; i++) {
		if ((lr[cpu][i] & GIC_LR_STATE) && GIC_LR_INTID(lr[cpu][i]) == intid) {
			return &lr[cpu][i];
		}
	}
	return NULL;
}

static uint64_t fill(unsigned int cpu)
{
	return gic_fill(&gic, cpu, lr[cpu], LRS);
}

/* What the realm's CPU does: takes the interrupt, and ends it (the register comes back invalid). */
static void take(unsigned int cpu, uint32_t intid)
{
	uint64_t *reg = find(cpu, intid);

	assert_non_null(reg);
	*reg = (*reg & ~GIC_LR_PENDING) | GIC_LR_ACTIVE;
	gic_drain(&gic, cpu, lr[cpu], LRS);
}

static void end(unsigned int cpu, uint32_t intid)
{
	uint64_t *reg = find(cpu, intid);

	assert_non_null(reg);
	*reg &= ~GIC_LR_ACTIVE;
	gic_drain(&gic, cpu, lr[cpu], LRS);
}

static void identification(void **state)
{
	(void)state;
	assert_int_equal(gic_dist_read(&gic, 0xffe8, 4) >> 4 & 0xf, 3);
	assert_int_equal(gic_redist_read(&gic, 0xffe8, 4) >> 4 & 0xf, 3);
	assert_int_equal((gic_dist_read(&gic, 4, 4) & 0x1f) + 1, GIC_INTIDS / 32);
	/* One security state, affinity routing always on. */
	assert_int_equal(gic_dist_read(&gic, 0, 4), 0x53);
	for (uint64_t cpu = 0; cpu < CPUS; cpu++) {
		uint64_t typer = gic_redist_read(&gic, cpu * STRIDE + 8, 8);

		assert_int_equal(typer >> 32, cpu);
		assert_int_equal(typer >> 8 & 0xffff, cpu);
		assert_int_equal(typer >> 4 & 1, cpu == CPUS - 1);
		assert_int_equal(gic_redist_read(&gic, cpu * STRIDE + 12, 4), cpu);
	}
}

static void wake_up(void **state)
{
	(void)state;
	assert_int_equal(gic_redist_read(&gic, STRIDE + 0x14, 4), 6);
	gic_redist_write(&gic, 1, STRIDE + 0x14, 4, 0);
	assert_int_equal(gic_redist_read(&gic, STRIDE + 0x14, 4), 0);
	assert_int_equal(gic_redist_read(&gic, 0x14, 4), 6);
}

static void level_life(void **state)
{
	(void)state;
	gic_set_line(&gic, SPI_LEVEL, true);
	assert_int_equal(kicks[0], 1);
	assert_int_equal(fill(0), 0);
	uint64_t *reg = find(0, SPI_LEVEL);

	assert_non_null(reg);
	assert_true(*reg & GIC_LR_EOI);
	assert_true(*reg & GIC_LR_GROUP1);
	assert_int_equal(*reg >> 48 & 0xff, 0xa0);
	take(0, SPI_LEVEL);
	assert_true(get_bit(ISACTIVER, SPI_LEVEL));
	end(0, SPI_LEVEL);
	assert_false(get_bit(ISACTIVER, SPI_LEVEL));
	/* The line is still up: pending again. */
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	take(0, SPI_LEVEL);
	gic_set_line(&gic, SPI_LEVEL, false);
	end(0, SPI_LEVEL);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
}

static void level_withdrawn(void **state)
{
	(void)state;
	gic_set_line(&gic, SPI_LEVEL, true);
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	gic_set_line(&gic, SPI_LEVEL, false);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
	assert_false(get_bit(ISPENDR, SPI_LEVEL));
}

static void level_active_stays(void **state)
{
	(void)state;
	gic_set_line(&gic, SPI_LEVEL, true);
	fill(0);
	take(0, SPI_LEVEL);
	gic_set_line(&gic, SPI_LEVEL, false);
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	assert_int_equal(*find(0, SPI_LEVEL) & GIC_LR_STATE, GIC_LR_ACTIVE);
}

static void edge_once(void **state)
{
	(void)state;
	gic_pulse(&gic, SPI_EDGE);
	assert_true(get_bit(ISPENDR, SPI_EDGE));
	fill(0);
	uint64_t *reg = find(0, SPI_EDGE);

	assert_non_null(reg);
	assert_false(*reg & GIC_LR_EOI);
	take(0, SPI_EDGE);
	end(0, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
}

static void edge_while_active(void **state)
{
	(void)state;
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	take(0, SPI_EDGE);
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_int_equal(*find(0, SPI_EDGE) & GIC_LR_STATE, GIC_LR_STATE);
	/* The realm ends the first: the second stays pending, once. */
	*find(0, SPI_EDGE) &= ~GIC_LR_ACTIVE;
	gic_drain(&gic, 0, lr[0], LRS);
	fill(0);
	take(0, SPI_EDGE);
	end(0, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
}

static void one_cpu_only(void **state)
{
	(void)state;
	gic_set_line(&gic, SPI_LEVEL, true);
	fill(0);
	/* It moves to CPU 1 while CPU 0 has it: CPU 1 must wait. */
	gic_dist_write(&gic, 0, IROUTER + 8 * SPI_LEVEL, 8, 1);
	fill(1);
	assert_null(find(1, SPI_LEVEL));
	take(0, SPI_LEVEL);
	end(0, SPI_LEVEL);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
	fill(1);
	assert_non_null(find(1, SPI_LEVEL));
}

static void router_halves(void **state)
{
	(void)state;
	gic_dist_write(&gic, 0, IROUTER + 8 * SPI_EDGE, 4, 2);
	gic_dist_write(&gic, 0, IROUTER + 8 * SPI_EDGE + 4, 4, 0);
	assert_int_equal(gic_dist_read(&gic, IROUTER + 8 * SPI_EDGE, 8), 2);
	/* Nobody has that affinity: the route stays. */
	gic_dist_write(&gic, 0, IROUTER + 8 * SPI_EDGE, 8, 77);
	assert_int_equal(gic_dist_read(&gic, IROUTER + 8 * SPI_EDGE, 8), 2);
	gic_pulse(&gic, SPI_EDGE);
	assert_int_equal(kicks[2] > 0, 1);
}

static void sgi_targets(void **state)
{
	(void)state;
	gic_sgi(&gic, 0, UINT64_C(5) << 24 | 0x6);
	assert_int_equal(kicks[0], 0);
	assert_int_equal(kicks[1], 1);
	assert_int_equal(kicks[2], 1);
	fill(1);
	assert_non_null(find(1, 5));
	assert_false(*find(1, 5) & GIC_LR_EOI);
	fill(0);
	assert_null(find(0, 5));
	/* All but self. */
	gic_sgi(&gic, 1, UINT64_C(7) << 24 | UINT64_C(1) << 40);
	fill(0);
	fill(1);
	fill(2);
	assert_non_null(find(0, 7));
	assert_null(find(1, 7));
	assert_non_null(find(2, 7));
	/* Another cluster, another range of sixteen: nobody. */
	memset(kicks, 0, sizeof(kicks));
	gic_sgi(&gic, 0, UINT64_C(1) << 16 | 0xffff);
	gic_sgi(&gic, 0, UINT64_C(1) << 44 | 0xffff);
	assert_int_equal(kicks[0] + kicks[1] + kicks[2], 0);
}

static void sgi_to_self(void **state)
{
	(void)state;
	gic_sgi(&gic, 0, UINT64_C(3) << 24 | 1);
	assert_int_equal(kicks[0], 0);
	fill(0);
	assert_non_null(find(0, 3));
}

static void priority_order(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		set_bit(ISENABLER, 60 + i);
		gic_dist_write(&gic, 0, IPRIORITYR + 60 + i, 1, 0xf8 - 0x10 * i);
		gic_pulse(&gic, 60 + i);
		gic_dist_write(&gic, 0, ISPENDR + 4, 4, UINT64_C(1) << (28 + i % 4));
	}
	/* Level interrupts keep what ISPENDR said. More wait than fit: say so. */
	assert_int_equal(fill(0), GIC_HCR_UIE);
	for (uint32_t i = 4; i < 8; i++) {
		assert_non_null(find(0, 60 + i));
	}
	for (uint32_t i = 4; i < 8; i++) {
		take(0, 60 + i);
		end(0, 60 + i);
	}
	assert_int_equal(fill(0), 0);
	assert_non_null(find(0, 60));
}

static void disabled_waits(void **state)
{
	(void)state;
	set_bit(ICENABLER, SPI_EDGE);
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
	set_bit(ISENABLER, SPI_EDGE);
	assert_true(kicks[0] > 0);
	fill(0);
	assert_non_null(find(0, SPI_EDGE));
	/* Disabled again before the realm took it: withdrawn, not lost. */
	set_bit(ICENABLER, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
	set_bit(ISENABLER, SPI_EDGE);
	fill(0);
	assert_non_null(find(0, SPI_EDGE));
}

static void distributor_off(void **state)
{
	(void)state;
	gic_dist_write(&gic, 0, 0, 4, 0);
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
	gic_dist_write(&gic, 0, 0, 4, 2);
	assert_true(kicks[1] > 0);
	fill(0);
	assert_non_null(find(0, SPI_EDGE));
}

static void cleared_in_register(void **state)
{
	(void)state;
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	set_bit(ICPENDR, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	take(0, SPI_EDGE);
	set_bit(ICACTIVER, SPI_EDGE);
	fill(0);
	assert_null(find(0, SPI_EDGE));
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_non_null(find(0, SPI_EDGE));
}

/* The host module puts these in by itself; they come back and are left alone. */
static void timers_left_alone(void **state)
{
	(void)state;
	set_private(0, ISENABLER, 27);
	assert_int_equal(gic_private_enabled(&gic, 0) & 1u << 27, 1u << 27);
	assert_int_equal(gic_private_enabled(&gic, 1) & 1u << 27, 0);
	lr[0][2] = GIC_LR_PENDING | GIC_LR_GROUP1 | GIC_LR_EOI | 27;
	gic_drain(&gic, 0, lr[0], LRS);
	fill(0);
	assert_int_equal(lr[0][2], GIC_LR_PENDING | GIC_LR_GROUP1 | GIC_LR_EOI | 27);
	set_private(0, ISPENDR, 30);
	fill(0);
	assert_null(find(0, 30));
}

/* Five bits of priority, and nothing that a realm could not have in a list register. */
static void register_fields(void **state)
{
	(void)state;
	gic_dist_write(&gic, 0, IPRIORITYR + SPI_EDGE, 1, 0xff);
	assert_int_equal(gic_dist_read(&gic, IPRIORITYR + SPI_EDGE, 1), 0xf8);
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_int_equal(*find(0, SPI_EDGE) &
				 ~(GIC_LR_PENDING | GIC_LR_GROUP1 | UINT64_C(0xf8) << 48),
			 SPI_EDGE);
	assert_int_equal(gic_dist_read(&gic, ICFGR + SPI_EDGE / 16 * 4, 4) >> (2 * (SPI_EDGE % 16)),
			 2);
}

/* Every offset, size and value: nothing happens outside the structure (the sanitizers watch). */
static void wild_accesses(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		uint64_t offset = seed >> 20 & 0x1ffff;
		unsigned int size = 1u << (seed >> 40 & 3), cpu = seed >> 42 & 1;

		offset &= ~(uint64_t)(size - 1);
		switch (seed >> 50 & 7) {
		case 0:
			gic_dist_read(&gic, offset, size);
			break;
		case 1:
			gic_dist_write(&gic, cpu, offset, size, seed);
			break;
		case 2:
			gic_redist_read(&gic, offset * 5, size);
			break;
		case 3:
			gic_redist_write(&gic, cpu, offset * 5, size, ~seed);
			break;
		case 4:
			gic_sgi(&gic, cpu, seed << 3);
			break;
		case 5:
			gic_set_line(&gic, (uint32_t)(seed >> 33), seed & 1 << 17);
			break;
		default:
			lr[cpu][offset % LRS] = seed >> 60 << 62 | (offset & 0x7f);
			gic_drain(&gic, cpu, lr[cpu], LRS);
			fill(cpu);
			break;
		}
	}
}

/* Made pending by software, without its line: it waits until it is taken, and once only. */
static void level_by_software(void **state)
{
	(void)state;
	set_bit(ISPENDR, SPI_LEVEL);
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	assert_true(get_bit(ISPENDR, SPI_LEVEL));
	for (unsigned int i = 0; i < 3; i++) {
		gic_drain(&gic, 0, lr[0], LRS);
		assert_true(get_bit(ISPENDR, SPI_LEVEL));
		fill(0);
		assert_non_null(find(0, SPI_LEVEL));
	}
	take(0, SPI_LEVEL);
	assert_false(get_bit(ISPENDR, SPI_LEVEL));
	fill(0);
	end(0, SPI_LEVEL);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
}

/* Disabled and enabled, and made pending again while it is handled. */
static void level_by_software_waits(void **state)
{
	(void)state;
	set_bit(ISPENDR, SPI_LEVEL);
	fill(0);
	set_bit(ICENABLER, SPI_LEVEL);
	gic_drain(&gic, 0, lr[0], LRS);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
	assert_true(get_bit(ICPENDR, SPI_LEVEL));
	set_bit(ISENABLER, SPI_LEVEL);
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	take(0, SPI_LEVEL);
	set_bit(ISPENDR, SPI_LEVEL);
	fill(0);
	end(0, SPI_LEVEL);
	fill(0);
	assert_non_null(find(0, SPI_LEVEL));
	/* ICPENDR takes it back. */
	set_bit(ICPENDR, SPI_LEVEL);
	assert_false(get_bit(ISPENDR, SPI_LEVEL));
	gic_drain(&gic, 0, lr[0], LRS);
	fill(0);
	assert_null(find(0, SPI_LEVEL));
}

static void pending_in_register_reads(void **state)
{
	(void)state;
	gic_pulse(&gic, SPI_EDGE);
	fill(0);
	assert_true(get_bit(ISPENDR, SPI_EDGE));
	gic_drain(&gic, 0, lr[0], LRS);
	assert_true(get_bit(ICPENDR, SPI_EDGE));
	take(0, SPI_EDGE);
	assert_false(get_bit(ISPENDR, SPI_EDGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"gic: identification and topology", identification, setup, NULL, NULL},
		{"gic: redistributors wake up one by one", wake_up, setup, NULL, NULL},
		{"gic: a level interrupt comes back while its line is up", level_life, setup, NULL,
		 NULL},
		{"gic: a level interrupt not taken goes with its line", level_withdrawn, setup,
		 NULL, NULL},
		{"gic: an active interrupt stays when its line falls", level_active_stays, setup,
		 NULL, NULL},
		{"gic: an edge is delivered once", edge_once, setup, NULL, NULL},
		{"gic: an edge during the handler is delivered after it", edge_while_active, setup,
		 NULL, NULL},
		{"gic: a shared interrupt is in one vCPU's registers only", one_cpu_only, setup,
		 NULL, NULL},
		{"gic: routes, whole and in halves", router_halves, setup, NULL, NULL},
		{"gic: SGIs reach exactly their targets", sgi_targets, setup, NULL, NULL},
		{"gic: an SGI to oneself needs no kick", sgi_to_self, setup, NULL, NULL},
		{"gic: the most urgent first, and a note when not all fit", priority_order, setup,
		 NULL, NULL},
		{"gic: disabled interrupts wait and are not lost", disabled_waits, setup, NULL,
		 NULL},
		{"gic: a distributor that is off delivers nothing", distributor_off, setup, NULL,
		 NULL},
		{"gic: ICPENDR and ICACTIVER reach list registers", cleared_in_register, setup,
		 NULL, NULL},
		{"gic: a level interrupt made pending by software waits until it is taken",
		 level_by_software, setup, NULL, NULL},
		{"gic: and is neither lost by disabling nor by a second time",
		 level_by_software_waits, setup, NULL, NULL},
		{"gic: ISPENDR shows what is pending in a list register", pending_in_register_reads,
		 setup, NULL, NULL},
		{"gic: timer interrupts are the host module's", timers_left_alone, setup, NULL,
		 NULL},
		{"gic: list registers hold only what a realm may have", register_fields, setup,
		 NULL, NULL},
		{"gic: wild accesses stay inside", wild_accesses, setup, NULL, NULL},
	};

	return cmocka_run_group_tests_name("gic", tests, NULL, NULL);
}
