// SPDX-License-Identifier: BSD-3-Clause
/* Agents that use shared memory on one CPU while another changes who may. */
#include "agent.h"
#include "csm.h"
#include "payload/common/agent.h"

#define STILL_PAGES 32

static void report_fault(uint64_t count)
{
	agent_report(0, count, fault_last().esr, fault_last().far);
}

/* Says so at `say` when it has begun. */
static void loads(uint64_t address, uint64_t say)
{
	uint64_t count = 0;

	while (probe_load(address, &(uint64_t){0})) {
		if (count++ == 0) {
			write64(say, 1);
		}
	}
	report_fault(count);
}

static void stores(uint64_t base, uint64_t top)
{
	uint64_t count = 1;
	uint64_t at = base;

	while (probe_store(at, count)) {
		count++;
		at = at + PAGE_SIZE < top ? at + PAGE_SIZE : base;
	}
	report_fault(count - 1);
}

static void read_words(uint64_t base, uint64_t top, uint64_t *words)
{
	for (unsigned i = 0; i < STILL_PAGES && base < top; i++, base += PAGE_SIZE) {
		words[i] = read64(base);
	}
}

static void still(const uint64_t *args)
{
	uint64_t before[STILL_PAGES] = {0};
	uint64_t after[STILL_PAGES] = {0};
	struct smc_regs r = csm_call_args(args[3], &args[4], 2);
	uint64_t end;
	uint64_t changed = 0;

	read_words(args[0], args[1], before);
	end = sysreg_read("cntvct_el0") + args[2];
	while (sysreg_read("cntvct_el0") < end) {
		cpu_relax();
	}
	read_words(args[0], args[1], after);
	for (unsigned i = 0; i < STILL_PAGES; i++) {
		changed += before[i] != after[i];
	}
	agent_report(1, r.x[0], changed, 0);
}

/* The interrupt ends WFI although it is masked, so none is lost between looking and sleeping. */
static struct csm_signal next_signal(uint64_t *empty)
{
	struct csm_signal signal;

	CHECK_EQ(csm_signal_take(&signal), RSI_SUCCESS);
	while (signal.peer == 0) {
		wfi();
		irq_open();
		irq_mask();
		CHECK_EQ(csm_signal_take(&signal), RSI_SUCCESS);
		*empty += signal.peer == 0;
	}
	return signal;
}

static void turns(const uint64_t *args)
{
	const uint64_t peer = args[0], provider = args[1], region = args[2], count = args[3];
	uint64_t irqs = this_vcpu()->irqs;
	uint64_t taken = 0, empty = 0;

	gic_on();
	if (args[4]) {
		csm_signal(&(struct csm_signal){peer, provider, region, 1});
	}
	for (uint64_t bits = args[4] ? 2 : 1; bits <= count; bits += 2) {
		struct csm_signal got = next_signal(&empty);

		CHECK_EQ(got.peer, peer);
		CHECK_EQ(got.provider, provider);
		CHECK_EQ(got.region, region);
		taken += CHECK_EQ(got.bits, bits);
		CHECK_EQ(csm_signal(&(struct csm_signal){peer, provider, region, bits + 1}),
			 RSI_SUCCESS);
	}
	agent_report(1, taken, this_vcpu()->irqs - irqs, empty);
}

bool agent_csm(uint64_t op, const uint64_t *args)
{
	switch (op) {
	case AGENT_LOADS:
		loads(args[0], args[1]);
		return true;
	case AGENT_STORES:
		stores(args[0], args[1]);
		return true;
	case AGENT_STILL:
		still(args);
		return true;
	case AGENT_TURNS:
		turns(args);
		return true;
	default:
		return false;
	}
}
