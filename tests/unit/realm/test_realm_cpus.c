// SPDX-License-Identifier: BSD-3-Clause
/* Realms that come, go and are measured on several CPUs at once. */
#include "cmd/realm_host.h"
#include "realm/id.h"
#include "realm/measure.h"
#include "realm/vmid.h"

#define CPUS       4U
#define ROUNDS     40U
#define EXTENSIONS 4000U /* so many that CPUs do meet */

static uint64_t cpu_rd(unsigned int cpu)
{
	return HOST_RD + cpu * GRANULE_SIZE;
}

static uint64_t cpu_tables(unsigned int cpu)
{
	return HOST_RTT + cpu * 16 * GRANULE_SIZE;
}

static struct rmi_realm_params cpu_params(unsigned int cpu)
{
	struct rmi_realm_params params = host_params();

	params.rtt_base = cpu_tables(cpu);
	params.vmid = (uint16_t)(cpu + 1);
	return params;
}

/* Every CPU has memory of its own and makes realms with a VMID of its own: no refusal is due. */
static void make_and_destroy(unsigned int cpu, void *context)
{
	struct rmi_realm_params params = cpu_params(cpu);

	(void)context;
	sim_put(sim_page(cpu), &params, sizeof(params));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t rd = cpu_rd(cpu);

		SIM_CHECK(RMI(RMI_REALM_CREATE, rd, sim_page(cpu)).x[0] == RMI_SUCCESS);
		SIM_CHECK(realm_find(host_rd(rd)->id) == granule_find(pa_of(rd)));
		SIM_CHECK(RMI(RMI_REALM_ACTIVATE, rd).x[0] == RMI_SUCCESS);
		SIM_CHECK(RMI(RMI_REALM_DESTROY, rd).x[0] == RMI_SUCCESS);
	}
}

static void different_realms(void **state)
{
	(void)state;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		sim_delegate(cpu_rd(cpu));
		host_delegate(cpu_tables(cpu), 4);
	}
	sim_run_cpus(CPUS, make_and_destroy, NULL);
}

/* One RD, one VMID, one set of tables for all: each command succeeds for one or none. */
static void fight_for_one(unsigned int cpu, void *context)
{
	struct rmi_realm_params params = cpu_params(0);

	(void)context;
	sim_put(sim_page(cpu), &params, sizeof(params));
	for (unsigned int i = 0; i < ROUNDS; i++) {
		(void)RMI(RMI_REALM_CREATE, cpu_rd(0), sim_page(cpu));
		(void)RMI(RMI_REALM_ACTIVATE, cpu_rd(0));
		(void)RMI(RMI_REALM_DESTROY, cpu_rd(0));
	}
}

static void one_realm(void **state)
{
	struct rmi_realm_params params = cpu_params(0);

	(void)state;
	sim_delegate(cpu_rd(0));
	host_delegate(cpu_tables(0), 4);
	sim_run_cpus(CPUS, fight_for_one, NULL);
	(void)RMI(RMI_REALM_DESTROY, cpu_rd(0));
	ASSERT_RMI_OK(host_realm_create(cpu_rd(0), &params));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, cpu_rd(0)));
}

/* All CPUs reserve the same VMIDs: each goes to one of them. */
static unsigned int reserved[CPUS];

static void reserve_all(unsigned int cpu, void *context)
{
	(void)context;
	for (unsigned int vmid = 0; vmid < 1024; vmid++) {
		reserved[cpu] += vmid_reserve((uint16_t)vmid);
	}
}

static void vmids(void **state)
{
	unsigned int sum = 0;

	(void)state;
	memset(reserved, 0, sizeof(reserved));
	sim_run_cpus(CPUS, reserve_all, NULL);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		sum += reserved[cpu];
	}
	assert_int_equal(sum, 1024);
}

/* RECs of one realm extend one REM: the result is that of some order, so of ROUNDS * CPUS steps. */
/* Who extends does not read: the lock of one would order what that of the other should. */
static void extend(unsigned int cpu, void *context)
{
	struct rd *rd = context;
	uint8_t value[REALM_MEASUREMENT_SIZE] = {0};
	uint8_t seen[REALM_MEASUREMENT_SIZE];

	for (unsigned int i = 0; i < EXTENSIONS; i++) {
		if (cpu == 0) {
			realm_measurement_read(rd, 1, seen);
		} else {
			realm_extend_rem(rd, 1, value, 32);
		}
	}
}

static void one_rem(void **state)
{
	static struct rd rd;
	static struct rd alone;
	struct rmi_realm_params params = host_params();
	uint8_t value[REALM_MEASUREMENT_SIZE] = {0};

	(void)state;
	memset(&rd, 0, sizeof(rd));
	memset(&alone, 0, sizeof(alone));
	realm_measure_init(&rd, &params);
	realm_measure_init(&alone, &params);
	for (unsigned int i = 0; i < EXTENSIONS * (CPUS - 1); i++) {
		realm_extend_rem(&alone, 1, value, 32);
	}
	sim_run_cpus(CPUS, extend, &rd);
	assert_memory_equal(rd.measurement[1], alone.measurement[1], REALM_MEASUREMENT_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("realms of several CPUs", different_realms),
		SIM_TEST("several CPUs and one realm", one_realm),
		SIM_TEST("a VMID goes to one of several CPUs", vmids),
		SIM_TEST("a REM extended by several CPUs", one_rem),
	};

	return unit_run(tests);
}
