// SPDX-License-Identifier: BSD-3-Clause
#include "cpu.h"
#include "cpu_offsets.h"
#include "fwcfg.h"
#include "gic.h"
#include "mem.h"
#include "smc.h"
#include "test.h"

#define CPUS_PER_CLUSTER 16
#define CNTHV_CTL_EL2    "s3_4_c14_c3_1"
#define CNTHV_CVAL_EL2   "s3_4_c14_c3_2"

_Static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "start.S");

struct cpu cpus[MAX_CPUS];
uint8_t cpu_stacks[MAX_CPUS][STACK_SIZE] __attribute__((aligned(16)));

void primary_main(void);
void secondary_main(void);
void secondary_start(void);

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *word, uint32_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

unsigned cpu_count(void)
{
	unsigned count = fwcfg_cpus();

	return count < MAX_CPUS ? count : MAX_CPUS;
}

static void idle_timer_stop(unsigned intid)
{
	(void)intid;
	sysreg_write(CNTHV_CTL_EL2, 0);
	isb();
}

/* Sleep until an interrupt, or for a millisecond. */
static void doze(void)
{
	sysreg_write(CNTHV_CVAL_EL2, sysreg_read("cntvct_el0") + us_to_ticks(1000));
	sysreg_write(CNTHV_CTL_EL2, 1);
	isb();
	wfi();
	irq_window();
	idle_timer_stop(PPI_IDLE_TIMER);
}

bool cpu_wait(const uint32_t *word, uint32_t value, unsigned timeout_ms)
{
	uint64_t end = time_now() + us_to_ticks(timeout_ms * 1000UL);

	while (load(word) != value) {
		if (time_now() >= end) {
			return false;
		}
		doze();
	}
	return true;
}

void barrier_wait(struct barrier *barrier)
{
	uint32_t round = load(&barrier->round);
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);

	if (__atomic_add_fetch(&barrier->arrived, 1, __ATOMIC_ACQ_REL) == barrier->count) {
		store(&barrier->arrived, 0);
		store(&barrier->round, round + 1);
		return;
	}
	while (load(&barrier->round) == round) {
		REQUIRE(time_now() < end);
		cpu_relax();
	}
}

/*
 * Who waits for a word of another CPU may see it before the interrupt that announces it is sent. It
 * must not come when a realm runs: the sender says when it is out, and the receiver takes it.
 */
static void announce(unsigned to, uint32_t *sent)
{
	gic_send_sgi(to, SGI_WAKE);
	store(sent, 1);
}

static void take_announcement(uint32_t *sent)
{
	while (!load(sent)) {
		cpu_relax();
	}
	store(sent, 0);
	irq_window();
}

void secondary_main(void)
{
	struct cpu *cpu = this_cpu();

	gic_init_cpu();
	gic_enable(SGI_WAKE, NULL);
	gic_enable(PPI_IDLE_TIMER, idle_timer_stop);
	store(&cpu->online, 1);
	announce(cpu->starter, &cpu->waked);
	for (;;) {
		while (load(&cpu->job) != JOB_QUEUED) {
			wfi();
			irq_window();
		}
		take_announcement(&cpu->called);
		store(&cpu->job, JOB_RUNNING);
		cpu->resume_valid = true;
		if (!resume_set(&cpu->resume)) {
			cpu->fn(cpu->arg);
		}
		cpu->resume_valid = false;
		store(&cpu->job, JOB_DONE);
		announce(cpu->starter, &cpu->waked);
	}
}

static void cpu_prepare(unsigned n)
{
	struct cpu *cpu = &cpus[n];

	cpu->index = n;
	cpu->mpidr = (uint64_t)(n / CPUS_PER_CLUSTER) << 8 | n % CPUS_PER_CLUSTER;
	cpu->stack_top = (uint64_t)cpu_stacks[n + 1];
}

int64_t cpu_up(unsigned n)
{
	struct cpu *cpu = &cpus[n];
	struct smc_regs result;

	cpu_prepare(n);
	cpu->starter = this_cpu()->index;
	store(&cpu->job, JOB_NONE);
	dsb_sy();
	result = smc_call(PSCI_CPU_ON_FID, cpu->mpidr, (uint64_t)secondary_start, (uint64_t)cpu);
	if (result.x[0] != 0) {
		return (int64_t)result.x[0];
	}
	if (!cpu_wait(&cpu->online, 1, PATIENCE_MS)) {
		return INT64_MIN;
	}
	take_announcement(&cpu->waked);
	return 0;
}

static void power_off(void *unused)
{
	(void)unused;
	gic_disable(SGI_WAKE);
	gic_disable(PPI_IDLE_TIMER);
	smc_call(PSCI_CPU_OFF_FID);
	test_crash("PSCI CPU_OFF returned");
}

bool cpu_down(unsigned n)
{
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);

	cpu_start(n, power_off, NULL);
	while (smc_call(PSCI_AFFINITY_INFO_FID, cpus[n].mpidr, 0).x[0] != PSCI_AFFINITY_OFF) {
		if (time_now() >= end) {
			return false;
		}
		doze();
	}
	store(&cpus[n].online, 0);
	store(&cpus[n].job, JOB_NONE);
	return true;
}

void cpu_start(unsigned n, cpu_fn fn, void *arg)
{
	struct cpu *cpu = &cpus[n];

	if (n >= MAX_CPUS || cpu == this_cpu() || !load(&cpu->online) ||
	    load(&cpu->job) != JOB_NONE) {
		test_crash("cpu_start: no such CPU, or it is off or busy");
	}
	cpu->fn = fn;
	cpu->arg = arg;
	cpu->starter = this_cpu()->index;
	store(&cpu->job, JOB_QUEUED);
	announce(n, &cpu->called);
}

bool cpu_join(unsigned n, unsigned timeout_ms)
{
	if (load(&cpus[n].job) == JOB_NONE) {
		return true;
	}
	if (!cpu_wait(&cpus[n].job, JOB_DONE, timeout_ms)) {
		return false;
	}
	take_announcement(&cpus[n].waked);
	store(&cpus[n].job, JOB_NONE);
	return true;
}

void on_cpu(unsigned n, cpu_fn fn, void *arg)
{
	cpu_start(n, fn, arg);
	REQUIRE(cpu_join(n, LONG_MS));
}

static bool power_up_all(void)
{
	for (unsigned n = 1; n < cpu_count(); n++) {
		int64_t status = cpu_up(n);

		if (status) {
			note("CPU_ON of CPU %u: %ld", n, status);
			return false;
		}
	}
	return true;
}

void primary_main(void)
{
	cpu_prepare(0);
	cpus[0].online = 1;
	mem_init();
	gic_init_distributor();
	gic_init_cpu();
	gic_enable(SGI_WAKE, NULL);
	gic_enable(PPI_IDLE_TIMER, idle_timer_stop);
	if (!power_up_all()) {
		test_crash("a CPU does not come up");
	}
	test_main();
}
