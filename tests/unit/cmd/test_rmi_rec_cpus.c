// SPDX-License-Identifier: BSD-3-Clause
/* RECs entered, destroyed and completed by several CPUs at once. */
#include "rec_unit.h"

#define CPUS    4U
#define ROUNDS  400U
#define ENTRY   UINT64_C(0x20000)
#define CONTEXT UINT64_C(0xC0FFEE)

static struct sim_realm realm;
static uint64_t run_pages[CPUS];

static void prepare(void)
{
	for (unsigned int i = 0; i < CPUS; i++) {
		run_pages[i] = sim_realm_page(&realm);
	}
}

static uint64_t enter(unsigned int cpu, unsigned int rec)
{
	return RMI(RMI_REC_ENTER, realm.recs[rec], run_pages[cpu]).x[0];
}

/* Counts in a register of the realm: only one CPU at a time may be here. */
static enum arch_exit count_run(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	(void)info;
	vcpu->gprs[9]++;
	return ARCH_EXIT_IRQ;
}

static void enter_often(unsigned int cpu, void *context)
{
	uint64_t *entered = context;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t status = enter(cpu, 0);

		SIM_CHECK(status == RMI_SUCCESS || status == RMI_ERROR_REC);
		entered[cpu] += status == RMI_SUCCESS;
	}
}

static void one_at_a_time(void **state)
{
	uint64_t entered[CPUS] = {0};
	uint64_t all = 0;

	(void)state;
	sim_realm_ready(&realm, 1);
	prepare();
	machine_on_run = count_run;
	sim_run_cpus(CPUS, enter_often, entered);
	for (unsigned int i = 0; i < CPUS; i++) {
		all += entered[i];
	}
	assert_true(all > 0);
	assert_int_equal(sim_rec(&realm, 0)->vcpu.gprs[9], all);
	assert_int_equal(sim_refs(realm.recs[0]), 0);
}

/* CPU 0 destroys what the others enter. Nobody enters it afterwards, and nobody stumbles. */
static void enter_or_destroy(unsigned int cpu, void *context)
{
	uint64_t status;

	(void)context;
	if (cpu != 0) {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			status = enter(cpu, 0);
			SIM_CHECK(status == RMI_SUCCESS || status == RMI_ERROR_REC ||
				  status == RMI_ERROR_INPUT);
		}
		return;
	}
	do {
		status = RMI(RMI_REC_DESTROY, realm.recs[0]).x[0];
		SIM_CHECK(status == RMI_SUCCESS || status == RMI_ERROR_REC);
	} while (status != RMI_SUCCESS);
}

static void destroyed_between_entries(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	prepare();
	machine_on_run = count_run;
	sim_run_cpus(CPUS, enter_or_destroy, NULL);
	assert_int_equal(sim_state(realm.recs[0]), GRANULE_DELEGATED);
	assert_int_equal(sim_refs(realm.rd), 0);
}

static uint64_t granted; /* CPU_ON calls that succeeded, counted by REC 0 */
static uint64_t started; /* starts that REC 1 saw */

/* REC 0 starts REC 1 all the time, which turns itself off at once. */
static enum arch_exit start_and_stop(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	info->esr = SIM_ESR(0x17);
	if ((vcpu->config.vmpidr & 0xF) == 0) {
		granted += vcpu->pc != SIM_PC && vcpu->gprs[0] == PSCI_SUCCESS;
		vcpu->gprs[0] = PSCI_CPU_ON_FID;
		vcpu->gprs[1] = 1;
		vcpu->gprs[2] = ENTRY;
		vcpu->gprs[3] = CONTEXT;
		return ARCH_EXIT_SYNC;
	}
	SIM_CHECK(vcpu->pc == ENTRY && vcpu->gprs[0] == CONTEXT);
	started++;
	vcpu->gprs[0] = PSCI_CPU_OFF_FID;
	return ARCH_EXIT_SYNC;
}

static void start_and_enter(unsigned int cpu, void *context)
{
	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (cpu != 0) {
			uint64_t status = enter(cpu, 1);

			SIM_CHECK(status == RMI_SUCCESS || status == RMI_ERROR_REC);
			continue;
		}
		SIM_CHECK(enter(cpu, 0) == RMI_SUCCESS);
		SIM_CHECK(RMI(RMI_PSCI_COMPLETE, realm.recs[0], realm.recs[1], 0).x[0] ==
			  RMI_SUCCESS);
	}
}

static void started_between_entries(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_rec_new(&realm, 0, SIM_PC);
	sim_realm_activate(&realm);
	prepare();
	granted = 0;
	started = 0;
	machine_on_run = start_and_stop;
	sim_run_cpus(3, start_and_enter, NULL);

	/* What the last call has done is seen by the caller's next run; REC 1 may still be on. */
	ASSERT_RMI_OK(RMI(RMI_REC_ENTER, realm.recs[0], run_pages[0]));
	(void)enter(1, 1);
	assert_true(granted > 0);
	assert_int_equal(granted, started);
}

/* One REC ends the realm while the others run: each of them stops at its next entry. */
static enum arch_exit end_realm(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	if ((vcpu->config.vmpidr & 0xF) != 0 || ++vcpu->gprs[9] < 20) {
		return ARCH_EXIT_IRQ;
	}
	info->esr = SIM_ESR(0x17);
	vcpu->gprs[0] = PSCI_SYSTEM_OFF_FID;
	return ARCH_EXIT_SYNC;
}

static void enter_until_off(unsigned int cpu, void *context)
{
	uint64_t status;

	(void)context;
	do {
		status = enter(cpu, cpu);
	} while (status == RMI_SUCCESS);
	SIM_CHECK(status == rmi_status_pack(RMI_ERROR_REALM, RMI_REALM_INDEX_SYSTEM_OFF));
}

static void realm_ends(void **state)
{
	(void)state;
	sim_realm_ready(&realm, CPUS);
	prepare();
	machine_on_run = end_realm;
	sim_run_cpus(CPUS, enter_until_off, NULL);
	sim_realm_destroy(&realm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_REC_ENTER of one REC on four CPUs", one_at_a_time),
		SIM_TEST("RMI_REC_DESTROY while other CPUs enter", destroyed_between_entries),
		SIM_TEST("RMI_PSCI_COMPLETE while other CPUs enter the target",
			 started_between_entries),
		SIM_TEST("PSCI_SYSTEM_OFF while other CPUs run the realm", realm_ends),
	};

	return unit_run(tests);
}
