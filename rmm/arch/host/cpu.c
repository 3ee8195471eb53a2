// SPDX-License-Identifier: BSD-3-Clause
/* Registers of a CPU: identification, and traps that EL3 may keep for itself. */
#include "arch/cpu.h"

#include <sched.h>
#include <string.h>

#include "arch/host/machine_internal.h"
#include "base/bits.h"

__thread unsigned int machine_cpu;

void (*machine_on_copy)(pa_t pa);

static uint64_t id_registers[ARCH_ID_COUNT];

static struct {
	bool written;
	uint64_t value;
} traps[ARCH_MAX_CPUS][ARCH_TRAP_COUNT];

bool machine_traps_refused;
uint64_t machine_mpamidr;

/* About what QEMU's largest CPU says. */
static const uint64_t default_ids[ARCH_ID_COUNT] = {
	[ARCH_ID_AA64PFR0] = (uint64_t)1 << 32,
	[ARCH_ID_AA64DFR0] = (uint64_t)5 << 12 | (uint64_t)3 << 20 | (uint64_t)6 << 8 | 9,
	[ARCH_ID_AA64MMFR0] = (uint64_t)3 << 40 | (uint64_t)1 << 28 | 6,
	[ARCH_ID_AA64MMFR1] = (uint64_t)2 << 4,
	[ARCH_ID_ICH_VTR] = (uint64_t)4 << 29 | 3,
	[ARCH_ID_PMCR] = (uint64_t)6 << 11,
	[ARCH_ID_SVE_MAX_LENGTH] = 15,
};

/* arch_cpu_relax(): a CPU that waits for another lets that thread run. */
void machine_relax(void)
{
	sched_yield();
}

void machine_cpu_reset(void)
{
	for (unsigned int i = 0; i < ARCH_ID_COUNT; i++) {
		id_registers[i] = default_ids[i];
	}
	memset(traps, 0, sizeof(traps));
	machine_traps_refused = false;
	machine_mpamidr = 0;
	machine_on_copy = NULL;
	machine_on_el3 = NULL;
	machine_on_yield = NULL;
}

/* Whether the CPU has the register, by its identification registers. */
static bool trap_exists(enum arch_trap_register which)
{
	if (which == ARCH_HDFGRTR_EL2 || which == ARCH_HDFGWTR_EL2) {
		return bits_get(id_registers[ARCH_ID_AA64MMFR0], 59, 56) != 0;
	}
	return (bits_get(id_registers[ARCH_ID_AA64PFR0], 43, 40) |
		bits_get(id_registers[ARCH_ID_AA64PFR1], 19, 16)) != 0 &&
	       (which != ARCH_MPAMHCR_EL2 || (machine_mpamidr & BIT(17)) != 0);
}

bool arch_trap_write(enum arch_trap_register which, uint64_t value)
{
	if (!trap_exists(which)) {
		machine_stop("TRAP: this CPU has no register %d", (int)which);
	}
	if (machine_traps_refused) {
		return false;
	}
	traps[machine_cpu][which].written = true;
	traps[machine_cpu][which].value = value;
	return true;
}

uint64_t arch_mpamidr(void)
{
	if (!traps[machine_cpu][ARCH_MPAM2_EL2].written) {
		machine_stop("TRAP: MPAMIDR_EL1 may not be the RMM's to read");
	}
	return machine_mpamidr;
}

bool machine_trap(enum arch_trap_register which, uint64_t *value)
{
	*value = traps[machine_cpu][which].value;
	return traps[machine_cpu][which].written;
}

uint64_t arch_id_register(enum arch_id_register which)
{
	return id_registers[which];
}

void machine_set_id(enum arch_id_register which, uint64_t value)
{
	id_registers[which] = value;
}
