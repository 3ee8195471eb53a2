// SPDX-License-Identifier: BSD-3-Clause
/* The machine as a whole: its reset, its CPUs, and the checkers around a command. */
#include "arch/cpu.h"
#include "arch/host/machine_internal.h"

__thread const char *machine_failure;

void machine_reset(const struct machine_region *regions, size_t count)
{
	machine_space_reset();
	machine_memory_reset(regions, count);
	machine_tlb_reset();
	machine_cpu_reset();
	machine_locks_reset();
	machine_console_reset();
	machine_el3_reset();
	machine_vcpu_reset();
	machine_units_reset();
	machine_cpu_enter(0);
}

void machine_cpu_enter(unsigned int index)
{
	machine_cpu = index;
	machine_failure = NULL;
	machine_slots_forget();
	machine_locks_forget();
	machine_vcpu_forget();
	machine_hash_forget();
}

void machine_command_begin(void)
{
	machine_failure = NULL;
}

void machine_command_end(void)
{
	machine_locks_check();
	machine_slots_check();
	machine_vcpu_check();
	machine_hash_check();
}

const char *machine_last_failure(void)
{
	return machine_failure;
}
