// SPDX-License-Identifier: BSD-3-Clause
/* First programs: a realm that lives, echoes, uses memory, starts a second vCPU, waits. */
#include "runtime.h"

PROGRAM(hello)
{
	struct smc_regs r = rsi_call(RSI_VERSION_FID, RSI_REVISION);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], RSI_REVISION);
	note("realm: hello, %u address bits, argument %lx", ipa_width(), args[0]);
	done(args[0] + 1);
}

/* Sends what the host answers back to it, plus one, until the host answers 0. */
PROGRAM(echo)
{
	uint64_t value = args[0];

	do {
		value = host_call_values(REALM_CALL_TEST, value + 1, 0);
	} while (value);
}

static void touch(uint64_t base, uint64_t top)
{
	for (uint64_t page = base; page < top; page += ABI_GRANULE_SIZE) {
		CHECK_EQ(read64(page), 0);
		write64(page, ~page);
	}
	for (uint64_t page = base; page < top; page += ABI_GRANULE_SIZE) {
		CHECK_EQ(read64(page), ~page);
	}
}

/* args: a range of empty addresses to turn into RAM, use, and give back. */
PROGRAM(memory)
{
	mmu_on();
	CHECK(!probe_load(args[0], &(uint64_t){0}));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_EXTERNAL_ABORT);
	REQUIRE(set_ripas(args[0], args[1], RSI_RIPAS_RAM, 0));
	touch(args[0], args[1]);
	REQUIRE(set_ripas(args[0], args[1], RSI_RIPAS_EMPTY, 0));
	CHECK(!probe_load(args[0], &(uint64_t){0}));
	CHECK_EQ(ESR_EC(fault_last().esr), EC_DATA_ABORT_SAME);
	CHECK_EQ(fault_last().far, args[0]);
}

static uint64_t second_saw;

static void second(uint64_t arg)
{
	CHECK_EQ(this_vcpu()->index, 1);
	__atomic_store_n(&second_saw, arg, __ATOMIC_RELEASE);
}

/* The host runs both RECs, in turn or at once. */
PROGRAM(secondary)
{
	REQUIRE_EQ(vcpu_start(1, second, args[0]), PSCI_SUCCESS);
	while (__atomic_load_n(&second_saw, __ATOMIC_ACQUIRE) != args[0]) {
		host_call_values(REALM_CALL_TEST, 0, 0);
	}
}

/* Never comes back by itself: for interrupts and for commands on a running REC. */
PROGRAM(spin)
{
	(void)args;
	host_call_values(REALM_CALL_TEST, 0, 0);
	for (;;) {
		cpu_relax();
	}
}
