// SPDX-License-Identifier: BSD-3-Clause
/* Realms live: boot, host calls, memory, a second REC, interrupts, and all of it comes back. */
#include "payload/host/realm.h"
#include "payload/host/cpu.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define EMPTY_BASE 0x10000000UL
#define EMPTY_TOP  (EMPTY_BASE + 16 * PAGE_SIZE)

static struct realm *boot(enum realm_program program, unsigned recs, uint64_t arg0, uint64_t arg1)
{
	struct realm_config config = realm_default(program);

	config.recs = recs;
	config.args[0] = arg0;
	config.args[1] = arg1;
	return realm_boot(&config);
}

TEST(realm_hello, "realm: boots, speaks and ends; every granule comes back wiped")
{
	struct realm *realm = boot(PROGRAM_hello, 1, 0x1234, 0);

	REQUIRE_EQ(rec_run(&realm->recs[0]), REC_DONE);
	CHECK_EQ(realm->recs[0].run->exit.gprs[0], 0x1235);
	CHECK(ledger_count() > 0);
	realm_destroy(realm);
	CHECK_EQ(ledger_count(), 0);
}

TEST(realm_echo, "RSI_HOST_CALL: values go out and come back, many times")
{
	struct realm *realm = boot(PROGRAM_echo, 1, 10, 0);
	struct rec *rec = &realm->recs[0];
	uint64_t value = 10;

	for (unsigned i = 0; i < 100; i++) {
		REQUIRE_EQ(rec_run(rec), REC_CALL);
		CHECK_EQ(rec->run->exit.imm, REALM_CALL_TEST);
		CHECK_EQ(rec->run->exit.gprs[0], value + 1);
		value = random64() | 1;
		rec->run->enter.gprs[0] = value;
	}
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	rec->run->enter.gprs[0] = 0;
	CHECK_EQ(rec_run(rec), REC_DONE);
}

TEST(realm_memory, "RSI_IPA_STATE_SET: empty addresses become RAM, hold data, and become empty")
{
	struct realm *realm = boot(PROGRAM_memory, 1, EMPTY_BASE, EMPTY_TOP);

	CHECK_EQ(rec_run(&realm->recs[0]), REC_DONE);
}

TEST(realm_second_rec, "PSCI CPU_ON: a second REC runs, in turn with the first on one CPU")
{
	struct realm *realm = boot(PROGRAM_secondary, 2, 0x77, 0);

	REQUIRE_EQ(rec_run(&realm->recs[0]), REC_CALL);
	REQUIRE_EQ(rec_run(&realm->recs[1]), REC_OFF);
	CHECK_EQ(rec_run(&realm->recs[0]), REC_DONE);
}

TEST_CPUS(realm_two_cpus, 2, "PSCI CPU_ON: a second REC runs on another CPU at the same time")
{
	struct realm *realm = boot(PROGRAM_secondary, 2, 0x77, 0);

	REQUIRE_EQ(rec_run(&realm->recs[0]), REC_CALL);
	cpu_start(1, rec_run_here, &realm->recs[1]);
	while (rec_run(&realm->recs[0]) == REC_CALL) {
	}
	CHECK_EQ(realm->recs[0].stop, REC_DONE);
	REQUIRE(cpu_join(1, PATIENCE_MS));
	CHECK_EQ(realm->recs[1].stop, REC_OFF);
}

static void quiet_timer(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

static void timer_off(void *unused)
{
	(void)unused;
	el2_timer_stop();
	gic_disable(PPI_EL2_TIMER);
}

TEST(realm_irq, "RMI_REC_ENTER: the host's timer ends the run of a realm that never exits")
{
	struct realm *realm = boot(PROGRAM_spin, 1, 0, 0);
	struct rec *rec = &realm->recs[0];

	REQUIRE_EQ(rec_run(rec), REC_CALL);
	rec->stop_on_irq = true;
	gic_enable(PPI_EL2_TIMER, quiet_timer);
	test_cleanup(timer_off, NULL);
	for (unsigned i = 0; i < 5; i++) {
		el2_timer_arm(2000);
		REQUIRE_EQ(rec_run(rec), REC_IRQ);
		CHECK_EQ(rec->run->exit.esr, 0);
		irq_window();
	}
}
