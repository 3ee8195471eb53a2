// SPDX-License-Identifier: BSD-3-Clause
/*
 * A virtual CPU that a test plays. While it is loaded its EL1 state is here and not in the struct,
 * as on hardware, so code that reads the wrong one of the two is found.
 */
#include "arch/vcpu.h"

#include <string.h>

#include "arch/host/machine_internal.h"
#include "base/bits.h"

#define PSTATE_RESET 0x3C5U
#define SCTLR_RESET  0x30D50838U
#define MDSCR_TDCC   BIT(12)
#define PMCR_LC      BIT(6)
#define PMCR_DP      BIT(5)

#define TIMER_ENABLE  BIT(0)
#define TIMER_ISTATUS BIT(2)

#define ESR_EC_LOW 26U
#define EC_SMC     0x17U

#define ABSENT UINT64_C(0xABABABABABABABAB)

enum arch_exit (*machine_on_run)(struct arch_vcpu *vcpu, struct arch_exit_info *info);
bool (*machine_on_interrupt_pending)(void);
uint64_t machine_counter;

/* The registers of this CPU while a realm's virtual CPU is loaded. */
static __thread struct arch_vcpu *loaded;
static __thread struct arch_el1 el1;
static __thread struct arch_timers timers;

unsigned int arch_simd_pages(bool sve)
{
	return sve ? ARCH_SIMD_PAGES : 1;
}

void arch_vcpu_reset(struct arch_vcpu *vcpu, const struct arch_vcpu_config *config)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->config = *config;
	vcpu->pstate = PSTATE_RESET;
	vcpu->el1.sctlr_el1 = SCTLR_RESET;
	vcpu->el1.mdscr_el1 = MDSCR_TDCC;
	vcpu->pmu.pmcr = PMCR_LC | PMCR_DP;
}

static void expect_loaded(const struct arch_vcpu *vcpu, const char *what)
{
	if (loaded != vcpu) {
		machine_stop("VCPU: %s of one that is not loaded", what);
	}
}

void arch_vcpu_load(struct arch_vcpu *vcpu)
{
	if (loaded != NULL) {
		machine_stop("VCPU: one is loaded already");
	}
	loaded = vcpu;
	el1 = vcpu->el1;
	timers = vcpu->timers;
	memset(&vcpu->el1, (uint8_t)ABSENT, sizeof(vcpu->el1));
	memset(&vcpu->timers, (uint8_t)ABSENT, sizeof(vcpu->timers));
	vcpu->gic.misr = ABSENT;
	vcpu->inject_serror = false;
}

static uint64_t timer_status(uint64_t ctl, uint64_t cval)
{
	bool met = (ctl & TIMER_ENABLE) != 0 && cval <= machine_counter;

	return met ? ctl | TIMER_ISTATUS : ctl & ~TIMER_ISTATUS;
}

static struct arch_timers timers_now(void)
{
	struct arch_timers now = timers;

	now.cntp_ctl = timer_status(now.cntp_ctl, now.cntp_cval);
	now.cntv_ctl = timer_status(now.cntv_ctl, now.cntv_cval);
	return now;
}

/* ICH_MISR_EL2.U: at most one list register is valid, and the host asked to hear of it. */
static uint64_t gic_misr(const struct arch_gic *gic)
{
	unsigned int valid = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(gic->lr); i++) {
		valid += bits_get(gic->lr[i], 63, 62) != 0;
	}
	return (gic->hcr & BIT(1)) != 0 && valid <= 1 ? BIT(1) : 0;
}

void arch_vcpu_save(struct arch_vcpu *vcpu)
{
	expect_loaded(vcpu, "saving");
	vcpu->el1 = el1;
	vcpu->timers = timers_now();
	vcpu->gic.misr = gic_misr(&vcpu->gic);
	loaded = NULL;
}

static bool is_smc(enum arch_exit exit, const struct arch_exit_info *info)
{
	return exit == ARCH_EXIT_SMC ||
	       (exit == ARCH_EXIT_SYNC && info->esr >> ESR_EC_LOW == EC_SMC);
}

enum arch_exit arch_vcpu_run(struct arch_vcpu *vcpu, struct arch_exit_info *info, void *context)
{
	enum arch_exit exit;

	do {
		expect_loaded(vcpu, "running");
		if (machine_on_run == NULL) {
			machine_stop("VCPU: a realm runs, and no test plays it (machine_on_run)");
		}
		machine_locks_check();
		machine_slots_check();
		machine_hash_check();
		*info = (struct arch_exit_info){0};
		exit = machine_on_run(vcpu, info);
		if (is_smc(exit, info)) {
			exit = ARCH_EXIT_SMC;
		}
	} while (exit == ARCH_EXIT_SMC && realm_smc(vcpu, context));
	return exit;
}

unsigned int arch_vcpu_timers(const struct arch_vcpu *vcpu)
{
	struct arch_timers now = timers_now();

	expect_loaded(vcpu, "timers");
	return arch_timers_asserted(now.cntv_ctl, now.cntp_ctl);
}

bool arch_interrupt_pending(void)
{
	return machine_on_interrupt_pending != NULL && machine_on_interrupt_pending();
}

/* The loaded virtual CPU's register; stops if `which` is none. */
static uint64_t *el1_register(enum arch_el1_register which)
{
	switch (which) {
	case ARCH_SCTLR_EL1:
		return &el1.sctlr_el1;
	case ARCH_VBAR_EL1:
		return &el1.vbar_el1;
	case ARCH_ELR_EL1:
		return &el1.elr_el1;
	case ARCH_SPSR_EL1:
		return &el1.spsr_el1;
	case ARCH_ESR_EL1:
		return &el1.esr_el1;
	case ARCH_FAR_EL1:
		return &el1.far_el1;
	case ARCH_TCR_EL1:
		return &el1.tcr_el1;
	case ARCH_TTBR0_EL1:
		return &el1.ttbr0_el1;
	case ARCH_TTBR1_EL1:
		return &el1.ttbr1_el1;
	}
	machine_stop("VCPU: there is no register %d", (int)which);
}

uint64_t arch_vcpu_el1_read(const struct arch_vcpu *vcpu, enum arch_el1_register which)
{
	expect_loaded(vcpu, "reading a register");
	return *el1_register(which);
}

void arch_vcpu_el1_write(struct arch_vcpu *vcpu, enum arch_el1_register which, uint64_t value)
{
	expect_loaded(vcpu, "writing a register");
	*el1_register(which) = value;
}

struct arch_el1 *machine_el1(void)
{
	return loaded == NULL ? NULL : &el1;
}

struct arch_timers *machine_timers(void)
{
	return loaded == NULL ? NULL : &timers;
}

void machine_vcpu_reset(void)
{
	machine_on_run = NULL;
	machine_on_interrupt_pending = NULL;
	machine_counter = 0;
}

void machine_vcpu_forget(void)
{
	loaded = NULL;
}

void machine_vcpu_check(void)
{
	if (loaded != NULL) {
		machine_stop("VCPU: one is loaded at the end of a command");
	}
}
