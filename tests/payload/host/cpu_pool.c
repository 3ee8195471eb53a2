// SPDX-License-Identifier: BSD-3-Clause
#include "cpu_pool.h"
#include "cpu.h"
#include "gic.h"
#include "test.h"

struct job {
	struct rec *rec;
	uint32_t taken; /* atomic: a CPU runs it */
	uint32_t over;  /* atomic: it has nothing more to do */
};

static struct {
	struct job jobs[CPU_POOL_MAX];
	unsigned count;
	uint32_t over; /* atomic */
	unsigned slice_us;
	void (*on_call)(struct rec *rec);
} cpu_pool;

void cpu_pool_begin(void)
{
	memset(&cpu_pool, 0, sizeof(cpu_pool));
}

void cpu_pool_add(struct rec *rec)
{
	REQUIRE(cpu_pool.count < CPU_POOL_MAX);
	rec->stop_on_irq = true;
	cpu_pool.jobs[cpu_pool.count++].rec = rec;
}

static void timer_fired(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

/* One stop of the REC, answered. True if the REC has more to do. */
static bool answer(struct job *job)
{
	struct rec *rec = job->rec;

	switch (rec_run(rec)) {
	case REC_CALL:
		cpu_pool.on_call(rec);
		return true;
	case REC_IRQ:
		irq_window();
		return true;
	case REC_ERROR:
		/* Not started yet, or asked for a REC that is being entered. */
		CHECK_EQ(rec->status, RMI_ERROR_REC);
		return true;
	case REC_OFF:
	case REC_DONE:
		return false;
	default:
		CHECK(!"a stop that no worker makes");
		note("exit reason %u, esr %lx, hpfar %lx", rec->run->exit.exit_reason,
		     rec->run->exit.esr, rec->run->exit.hpfar);
		return false;
	}
}

static void try_job(struct job *job)
{
	if (__atomic_exchange_n(&job->taken, 1, __ATOMIC_ACQUIRE)) {
		return;
	}
	if (!__atomic_load_n(&job->over, __ATOMIC_RELAXED)) {
		el2_timer_arm(random_below(cpu_pool.slice_us));
		if (!answer(job)) {
			__atomic_store_n(&job->over, 1, __ATOMIC_RELAXED);
			__atomic_add_fetch(&cpu_pool.over, 1, __ATOMIC_RELEASE);
		}
	}
	__atomic_store_n(&job->taken, 0, __ATOMIC_RELEASE);
}

/* Runs whatever REC is free, until all are over. */
static void work(void *unused)
{
	(void)unused;
	gic_enable(PPI_EL2_TIMER, timer_fired);
	while (__atomic_load_n(&cpu_pool.over, __ATOMIC_ACQUIRE) < cpu_pool.count &&
	       !test_failing()) {
		try_job(&cpu_pool.jobs[random_below(cpu_pool.count)]);
	}
	el2_timer_stop();
	gic_disable(PPI_EL2_TIMER);
}

void on_crew(void (*fn)(void *), void *arg, unsigned limit_ms)
{
	for (unsigned n = 1; n < CPU_POOL; n++) {
		cpu_start(n, fn, arg);
	}
	fn(arg);
	for (unsigned n = 1; n < CPU_POOL; n++) {
		REQUIRE(cpu_join(n, limit_ms));
	}
}

void cpu_pool_run(void (*on_call)(struct rec *rec), unsigned slice_us, unsigned limit_ms)
{
	cpu_pool.on_call = on_call;
	cpu_pool.slice_us = slice_us;
	on_crew(work, NULL, limit_ms);
}
