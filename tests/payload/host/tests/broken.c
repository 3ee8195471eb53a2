// SPDX-License-Identifier: BSD-3-Clause
/*
 * Tests that must fail. They run only when the filter names them, and the runner checks that each
 * is reported as failed: evidence that a failure anywhere else would be seen.
 */
#include "abi/rmi.h"
#include "payload/host/cpu.h"
#include "payload/host/mem.h"
#include "payload/host/smc.h"
#include "payload/host/test.h"

TEST(broken_check, "a check that does not hold")
{
	CHECK_EQ(1 + 1, 3);
}

TEST(broken_require, "REQUIRE leaves the test")
{
	REQUIRE(ledger_count() == 1);
	test_crash("REQUIRE went on");
}

TEST(broken_leak, "a granule left delegated")
{
	CHECK_EQ(smc_call(RMI_GRANULE_DELEGATE_FID, page_alloc()).x[0], 0);
}

static void fail_there(void *unused)
{
	(void)unused;
	REQUIRE(this_cpu()->index == 0);
}

TEST_CPUS(broken_elsewhere, 2, "a check that fails on another CPU")
{
	on_cpu(1, fail_there, NULL);
}

TEST(broken_crash, "an access nobody expected")
{
	*(volatile uint64_t *)0x8000000000UL = 1;
}

TEST(broken_hang, "a test that never ends")
{
	test_limit(1);
	for (;;) {
		cpu_relax();
	}
}
