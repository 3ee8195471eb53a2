// SPDX-License-Identifier: BSD-3-Clause
/* The agent of common/agent.h. Every vCPU can be one. */
#include "payload/common/agent.h"
#include "agent.h"
#include "payload/common/sysregs.h"
#include "runtime.h"

#define CPACR_ZEN (3UL << 16)

bool agent_insn(uint64_t insn, uint64_t address, uint64_t *value);
extern const uint64_t stubs[];

static struct rsi_host_call *call(void)
{
	return &this_vcpu()->call;
}

void agent_report(uint64_t done, uint64_t a, uint64_t b, uint64_t c)
{
	call()->gprs[0] = done;
	call()->gprs[1] = a;
	call()->gprs[2] = b;
	call()->gprs[3] = c;
}

static void report_outcome(bool good, uint64_t value)
{
	if (good) {
		agent_report(1, value, 0, 0);
	} else {
		agent_report(0, value, fault_last().esr, fault_last().far);
	}
}

static void do_insn(const uint64_t *args)
{
	uint64_t value = args[2];
	bool good = args[0] < INSN_COUNT && agent_insn(args[0], args[1], &value);

	isb();
	report_outcome(good, value);
	call()->gprs[4] = (uint64_t)&stubs[args[0]];
}

static void do_smc(const uint64_t *args)
{
	struct smc_regs r = {{0}};

	for (unsigned i = 0; i < AGENT_CALL_REGS; i++) {
		r.x[i] = args[i];
	}
	for (unsigned i = AGENT_CALL_REGS; i < 31; i++) {
		r.x[i] = 0x5000 + i;
	}
	smc_regs(&r);
	agent_report(1, 0, 0, 0);
	for (unsigned i = 0; i < AGENT_CALL_REGS; i++) {
		call()->gprs[i + 1] = r.x[i];
	}
	for (unsigned i = AGENT_CALL_REGS; i < 31; i++) {
		CHECK_EQ(r.x[i], 0x5000 + i);
	}
}

static void agent_loop(uint64_t unused);

static void do_start(const uint64_t *args)
{
	agent_report(1, (uint64_t)vcpu_start((unsigned)args[0], agent_loop, 0), 0, 0);
}

static void spin(uint64_t ticks)
{
	uint64_t end = sysreg_read("cntvct_el0") + ticks;

	while (sysreg_read("cntvct_el0") < end) {
		cpu_relax();
	}
}

static void do_wait(uint64_t address)
{
	while (!read64(address)) {
		cpu_relax();
	}
	agent_report(1, 0, 0, 0);
}

static void do_fill(const uint64_t *args)
{
	for (uint64_t at = args[0]; at < args[1]; at += 8) {
		write64(at, args[2] ^ at);
	}
	agent_report(1, 0, 0, 0);
}

static void do_check(const uint64_t *args)
{
	uint64_t wrong = 0;
	uint64_t first = 0;

	for (uint64_t at = args[0]; at < args[1]; at += 8) {
		if (read64(at) != (args[2] ^ at)) {
			first = wrong++ ? first : at;
		}
	}
	agent_report(1, wrong, first, 0);
}

static void do_irqs(const uint64_t *args)
{
	uint64_t before = this_vcpu()->irqs;

	irq_open();
	spin(args[0]);
	irq_mask();
	agent_report(1, this_vcpu()->irqs - before, this_vcpu()->last_intid, 0);
}

/* Debug exceptions at EL1 are masked by PSTATE.D until here. */
static void do_debug_on(void)
{
	__asm__ volatile("msr daifclr, #8\n\tisb" ::: "memory");
	agent_report(1, 0, 0, 0);
}

/* Vector registers are open, for ZCR_EL1. */
static void do_sysregs(const uint64_t *args)
{
	sysreg_write("cpacr_el1", sysreg_read("cpacr_el1") | CPACR_ZEN);
	isb();
	agent_report(1, sysregs_sample((struct sysreg_sample *)args[0], (unsigned)args[1]), 0, 0);
}

/* Orders about all system registers. False: it is another. */
static bool obey_sysregs(uint64_t op, const uint64_t *args)
{
	if (op == AGENT_SYSREGS) {
		do_sysregs(args);
	} else if (op == AGENT_SYSREGS_CHANGE) {
		sysregs_change();
		agent_report(1, 0, 0, 0);
	} else {
		return false;
	}
	return true;
}

static void obey(uint64_t op, const uint64_t *args)
{
	if (agent_csm(op, args) || obey_sysregs(op, args)) {
		return;
	}
	switch (op) {
	case AGENT_DO:
		do_insn(args);
		break;
	case AGENT_FETCH:
		report_outcome(probe_call(args[0]), 0);
		break;
	case AGENT_FETCH_EL0:
		fetch_el0(args[0]);
		report_outcome(false, 0);
		break;
	case AGENT_SMC:
		do_smc(args);
		break;
	case AGENT_MMU_ON:
		mmu_on();
		agent_report(1, 0, 0, 0);
		break;
	case AGENT_MAP:
		agent_report(1, (uint64_t)map_block(args[0], args[1]), 0, 0);
		break;
	case AGENT_START:
		do_start(args);
		break;
	case AGENT_WAIT:
		do_wait(args[0]);
		break;
	case AGENT_FILL:
		do_fill(args);
		break;
	case AGENT_CHECK:
		do_check(args);
		break;
	case AGENT_IRQ_COUNT:
		do_irqs(args);
		break;
	case AGENT_DEBUG_ON:
		do_debug_on();
		break;
	default:
		agent_report(0, op, 0, 0);
	}
}

static void agent_loop(uint64_t unused)
{
	(void)unused;
	for (;;) {
		uint64_t order[31];

		host_call(REALM_CALL_TEST);
		memcpy(order, call()->gprs, sizeof(order));
		obey(order[0], order + 1);
	}
}

PROGRAM(agent)
{
	(void)args;
	agent_loop(0);
}
