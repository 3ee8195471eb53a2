// SPDX-License-Identifier: BSD-3-Clause
/* The framework's own footing: CPUs, interrupts, timers, faults. Without it nothing else counts. */
#include "abi/psci.h"
#include "payload/common/probe.h"
#include "payload/host/cpu.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/smc.h"
#include "payload/host/test.h"

#define BEYOND_MAP 0x8000000000UL /* above the 39 bits that the host's table covers */

static void count_here(void *arg)
{
	uint32_t *count = arg;

	CHECK_EQ(sysreg_read("mpidr_el1") & 0xffff, this_cpu()->mpidr);
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

TEST_CPUS(cpus_run, 2, "host: every CPU runs a function sent to it, alone and all at once")
{
	uint32_t count = 0;

	for (unsigned n = 1; n < cpu_count(); n++) {
		on_cpu(n, count_here, &count);
		CHECK_EQ(count, n);
	}
	for (unsigned n = 1; n < cpu_count(); n++) {
		cpu_start(n, count_here, &count);
	}
	for (unsigned n = 1; n < cpu_count(); n++) {
		CHECK(cpu_join(n, PATIENCE_MS));
	}
	CHECK_EQ(count, 2 * (cpu_count() - 1));
}

static uint32_t timer_fired;

static void on_timer(unsigned intid)
{
	CHECK_EQ(intid, PPI_EL2_TIMER);
	el2_timer_stop();
	__atomic_store_n(&timer_fired, 1, __ATOMIC_RELEASE);
}

TEST(el2_timer, "host: the EL2 timer interrupts when it is due, not before")
{
	uint64_t start = time_us();

	timer_fired = 0;
	gic_enable(PPI_EL2_TIMER, on_timer);
	el2_timer_arm(5000);
	irq_window();
	if (time_us() - start < 5000) {
		CHECK_EQ(timer_fired, 0);
	}
	CHECK(cpu_wait(&timer_fired, 1, PATIENCE_MS));
	CHECK(time_us() - start >= 5000);
	gic_disable(PPI_EL2_TIMER);
}

TEST(fault_caught, "host: an access to an unmapped address is caught with its syndrome")
{
	uint64_t value = 0x55;

	CHECK(!probe_load(BEYOND_MAP, &value));
	CHECK_EQ(value, 0x55);
	CHECK_EQ(ESR_EC(fault_last().esr), EC_DATA_ABORT_SAME);
	CHECK_EQ(fault_last().far, BEYOND_MAP);
	CHECK_EQ(fault_last().esr & ESR_WNR, 0);
	CHECK(!probe_store(BEYOND_MAP + 8, 1));
	CHECK_EQ(fault_last().far, BEYOND_MAP + 8);
	CHECK_NE(fault_last().esr & ESR_WNR, 0);
}

TEST_CPUS(cpu_off_on, 2, "PSCI: a CPU that was powered off comes up again, and runs work")
{
	unsigned last = cpu_count() - 1;
	uint32_t count = 0;

	for (unsigned round = 1; round <= 3; round++) {
		REQUIRE(cpu_down(last));
		REQUIRE_EQ(cpu_up(last), PSCI_SUCCESS);
		on_cpu(last, count_here, &count);
		CHECK_EQ(count, round);
	}
}
