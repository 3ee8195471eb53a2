// SPDX-License-Identifier: BSD-3-Clause
#define _GNU_SOURCE
#include "arch/cpu.h"

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/el3.h"
#include "arch/host/machine_internal.h"
#include "base/bits.h"

__thread unsigned int machine_cpu;
__thread const char *machine_failure;
__thread sigjmp_buf machine_jump;

void (*machine_on_copy)(pa_t pa);
void (*machine_on_stop)(const char *text);

static __thread bool armed;
static __thread char stop_text[160];
static struct sigaction before_arming;

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

static void on_segv(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (armed && machine_describe(info->si_addr, stop_text, sizeof(stop_text))) {
		siglongjmp(machine_jump, 1);
	}
	sigaction(signal, &before_arming, NULL);
}

void machine_arm(void)
{
	struct sigaction action = {.sa_sigaction = on_segv, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, &before_arming);
	armed = true;
}

const char *machine_disarm(void)
{
	armed = false;
	sigaction(SIGSEGV, &before_arming, NULL);
	return NULL;
}

const char *machine_stopped(void)
{
	machine_disarm();
	return stop_text;
}

void machine_stop(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(stop_text, sizeof(stop_text), format, arguments);
	va_end(arguments);
	if (armed) {
		siglongjmp(machine_jump, 1);
	}
	if (machine_on_stop != NULL) {
		machine_on_stop(stop_text);
	}
	fprintf(stderr, "# CPU %u stopped: %s\n", machine_cpu, stop_text);
	abort();
}

void arch_panic(const char *file, int line)
{
	machine_stop("panic %s:%d", file, line);
}
