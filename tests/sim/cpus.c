// SPDX-License-Identifier: BSD-3-Clause
/* Threads as CPUs. */
#include <pthread.h>

#include "sim/sim_internal.h"

struct cpu {
	pthread_t thread;
	unsigned int index;
	pthread_barrier_t *start;
	void (*body)(unsigned int cpu, void *context);
	void *context;
};

static void *run_cpu(void *argument)
{
	struct cpu *cpu = argument;

	machine_cpu_enter(cpu->index);
	pthread_barrier_wait(cpu->start);
	cpu->body(cpu->index, cpu->context);
	machine_command_end();
	return NULL;
}

void sim_run_cpus(unsigned int count, void (*body)(unsigned int cpu, void *context), void *context)
{
	struct cpu cpus[ARCH_MAX_CPUS];
	pthread_barrier_t start;

	SIM_CHECK(count <= ARCH_MAX_CPUS && pthread_barrier_init(&start, NULL, count) == 0);
	sim_set_parallel(true);
	for (unsigned int i = 0; i < count; i++) {
		cpus[i] =
			(struct cpu){.index = i, .start = &start, .body = body, .context = context};
		SIM_CHECK(pthread_create(&cpus[i].thread, NULL, run_cpu, &cpus[i]) == 0);
	}
	for (unsigned int i = 0; i < count; i++) {
		SIM_CHECK(pthread_join(cpus[i].thread, NULL) == 0);
	}
	pthread_barrier_destroy(&start);
	sim_set_parallel(false);
	sim_check();
}
