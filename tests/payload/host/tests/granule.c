// SPDX-License-Identifier: BSD-3-Clause
/* RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE, and what they do to the host's own access. */
#include "payload/common/probe.h"
#include "payload/host/cpu.h"
#include "payload/host/mem.h"
#include "payload/host/memmap.h"
#include "payload/host/rmi.h"
#include "payload/host/test.h"

#define PATTERN     0xa5c35a3cdeadbeefUL
#define RANGE_PAGES 2048
#define SHARE_PAGES 512

static void expect_gpf(uint64_t address)
{
	uint64_t value = PATTERN;

	CHECK(!probe_load(address, &value));
	CHECK_EQ(value, PATTERN);
	CHECK_EQ(ESR_EC(fault_last().esr), EC_DATA_ABORT_SAME);
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
	CHECK_EQ(fault_last().far, address);
	CHECK(!probe_store(address, PATTERN));
	CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
	CHECK_NE(fault_last().esr & ESR_WNR, 0);
}

static void expect_ours(uint64_t address, uint64_t content)
{
	uint64_t value = ~content;

	CHECK(probe_load(address, &value));
	CHECK_EQ(value, content);
}

TEST(delegate_fault, "RMI_GRANULE_DELEGATE: the host's load and store get a granule protection "
		     "fault, its neighbours' do not")
{
	uint64_t base = page_alloc_run(3, 1);
	uint64_t page = base + PAGE_SIZE;

	for (unsigned i = 0; i < 3; i++) {
		page_fill(base + i * PAGE_SIZE, PATTERN);
	}
	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	expect_gpf(page);
	expect_gpf(page + 8);
	expect_gpf(page + PAGE_SIZE - 8);
	expect_ours(page - 8, PATTERN);
	expect_ours(page + PAGE_SIZE, PATTERN);
	CHECK_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
	expect_ours(page, 0);
	CHECK(page_is(base, PATTERN));
	CHECK(page_is(page + PAGE_SIZE, PATTERN));
}

TEST(undelegate_wiped, "RMI_GRANULE_UNDELEGATE: the page comes back wiped and usable, again and "
		       "again")
{
	uint64_t page = page_alloc();

	for (unsigned round = 0; round < 8; round++) {
		page_fill(page, PATTERN + round);
		CHECK(page_is(page, PATTERN + round));
		REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
		REQUIRE_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
		CHECK(page_is(page, 0));
	}
}

TEST(delegate_range, "RMI_GRANULE_DELEGATE: 8 MiB on one CPU, there and back, all of it wiped")
{
	uint64_t base = page_alloc_run(RANGE_PAGES, 512);

	for (unsigned i = 0; i < RANGE_PAGES; i++) {
		page_fill(base + i * PAGE_SIZE, PATTERN ^ i);
	}
	for (unsigned i = 0; i < RANGE_PAGES; i++) {
		REQUIRE_EQ(rmi_granule_delegate(base + i * PAGE_SIZE), RMI_SUCCESS);
	}
	CHECK_EQ(ledger_count(), RANGE_PAGES);
	for (unsigned i = 0; i < RANGE_PAGES; i += 64) {
		expect_gpf(base + i * PAGE_SIZE);
	}
	for (unsigned i = RANGE_PAGES; i-- > 0;) {
		REQUIRE_EQ(rmi_granule_undelegate(base + i * PAGE_SIZE), RMI_SUCCESS);
	}
	for (unsigned i = 0; i < RANGE_PAGES; i++) {
		REQUIRE(page_is(base + i * PAGE_SIZE, 0));
	}
}

TEST(delegate_gran_align, "RMI_GRANULE_DELEGATE gran_align: INPUT, and the page stays ours")
{
	static const uint64_t offsets[] = {1, 8, 0x800, 0xfff};
	uint64_t page = page_alloc();

	page_fill(page, PATTERN);
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		CHECK_EQ(rmi_granule_delegate(page + offsets[i]), RMI_ERROR_INPUT);
	}
	CHECK(page_is(page, PATTERN));
}

TEST(undelegate_gran_align, "RMI_GRANULE_UNDELEGATE gran_align: INPUT, and the page stays theirs")
{
	uint64_t page = page_alloc();

	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	CHECK_EQ(rmi_granule_undelegate(page + 1), RMI_ERROR_INPUT);
	CHECK_EQ(rmi_granule_undelegate(page + 0x800), RMI_ERROR_INPUT);
	expect_gpf(page);
	CHECK_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
}

/* Nothing here is a granule of a DRAM bank. */
static uint64_t out_of_bounds(unsigned i)
{
	static const uint8_t pa_bits[] = {32, 36, 40, 42, 44, 48, 52, 56};
	const uint64_t places[] = {
		0,
		MAP_UART,
		MAP_GICD,
		MAP_ROOT_SRAM,
		MAP_SECURE_RAM,
		MAP_BANK_BASE - PAGE_SIZE,
		MAP_BANK_END,
		(1UL << pa_bits[sysreg_read("id_aa64mmfr0_el1") & 7]) + PAGE_SIZE,
		MAP_BANK_BASE | 1UL << 48,
		MAP_BANK_BASE | 1UL << 63,
		1UL << 52,
		UINT64_MAX - PAGE_SIZE + 1,
	};

	return i < sizeof(places) / sizeof(places[0]) ? places[i] : UINT64_MAX;
}

TEST(delegate_gran_bound, "RMI_GRANULE_DELEGATE gran_bound: devices, Secure and Root memory, "
			  "addresses outside the banks and the PA range")
{
	for (unsigned i = 0; out_of_bounds(i) != UINT64_MAX; i++) {
		if (!CHECK_EQ(rmi_granule_delegate(out_of_bounds(i)), RMI_ERROR_INPUT)) {
			note("address %lx", out_of_bounds(i));
		}
	}
	/* The console is still ours. */
	CHECK(probe_load(MAP_UART + 0x18, &(uint64_t){0}));
}

TEST(undelegate_gran_bound, "RMI_GRANULE_UNDELEGATE gran_bound: the same places")
{
	for (unsigned i = 0; out_of_bounds(i) != UINT64_MAX; i++) {
		if (!CHECK_EQ(rmi_granule_undelegate(out_of_bounds(i)), RMI_ERROR_INPUT)) {
			note("address %lx", out_of_bounds(i));
		}
	}
}

TEST(delegate_gran_state, "RMI_GRANULE_DELEGATE gran_state: a delegated granule, again")
{
	uint64_t page = page_alloc();

	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	CHECK_EQ(rmi_granule_delegate(page), RMI_ERROR_INPUT);
	CHECK_EQ(rmi_granule_delegate(page), RMI_ERROR_INPUT);
	expect_gpf(page);
	CHECK_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
}

TEST(undelegate_gran_state, "RMI_GRANULE_UNDELEGATE gran_state: a granule that is not delegated")
{
	uint64_t page = page_alloc();

	page_fill(page, PATTERN);
	CHECK_EQ(rmi_granule_undelegate(page), RMI_ERROR_INPUT);
	CHECK(page_is(page, PATTERN));
	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	REQUIRE_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
	page_fill(page, PATTERN);
	CHECK_EQ(rmi_granule_undelegate(page), RMI_ERROR_INPUT);
	CHECK(page_is(page, PATTERN));
}

TEST(delegate_gran_gpt, "RMI_GRANULE_DELEGATE gran_gpt: the RMM's own memory, in the bank but not "
			"normal memory, cannot be delegated, undelegated or read")
{
	static const uint64_t places[] = {MAP_RMM_IMAGE, MAP_RMM_IMAGE + PAGE_SIZE,
					  MAP_RMM_LAST_PAGE, MAP_RMM_SHARED};

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		expect_gpf(places[i]);
		CHECK_EQ(rmi_granule_delegate(places[i]), RMI_ERROR_INPUT);
		CHECK_EQ(rmi_granule_undelegate(places[i]), RMI_ERROR_INPUT);
		expect_gpf(places[i]);
	}
	CHECK_EQ(smc_call(RMI_VERSION_FID, RMI_REVISION).x[0], RMI_SUCCESS);
}

struct range {
	uint64_t base;
	unsigned pages;
	struct barrier *start;
	uint8_t delegated[SHARE_PAGES];
	uint8_t undelegated[SHARE_PAGES];
};

/* Delegates, meets the others, undelegates; keeps which call succeeded. */
static void walk_range(void *arg)
{
	struct range *r = arg;

	barrier_wait(r->start);
	for (unsigned i = 0; i < r->pages; i++) {
		uint64_t status = rmi_granule_delegate(r->base + i * PAGE_SIZE);

		CHECK(status == RMI_SUCCESS || status == RMI_ERROR_INPUT);
		r->delegated[i] = status == RMI_SUCCESS;
	}
	barrier_wait(r->start);
	for (unsigned i = 0; i < r->pages; i++) {
		uint64_t status = rmi_granule_undelegate(r->base + i * PAGE_SIZE);

		CHECK(status == RMI_SUCCESS || status == RMI_ERROR_INPUT);
		r->undelegated[i] = status == RMI_SUCCESS;
	}
	barrier_wait(r->start);
}

static struct range ranges[2];

static void walk_on_two_cpus(uint64_t first, uint64_t second)
{
	struct barrier start = {.count = 2};

	ranges[0] = (struct range){.base = first, .pages = SHARE_PAGES, .start = &start};
	ranges[1] = (struct range){.base = second, .pages = SHARE_PAGES, .start = &start};
	cpu_start(1, walk_range, &ranges[1]);
	walk_range(&ranges[0]);
	REQUIRE(cpu_join(1, LONG_MS));
}

TEST_CPUS(two_cpus_apart, 2,
	  "RMI_GRANULE_DELEGATE from two CPUs at once on disjoint ranges: all succeed")
{
	uint64_t base = page_alloc_run(2 * SHARE_PAGES, 512);

	walk_on_two_cpus(base, base + SHARE_PAGES * PAGE_SIZE);
	for (unsigned i = 0; i < SHARE_PAGES; i++) {
		for (unsigned side = 0; side < 2; side++) {
			CHECK_EQ(ranges[side].delegated[i], 1);
			CHECK_EQ(ranges[side].undelegated[i], 1);
		}
		CHECK(page_is(base + i * PAGE_SIZE, 0));
	}
}

TEST_CPUS(two_cpus_same, 2,
	  "RMI_GRANULE_DELEGATE from two CPUs at once on the same granules: exactly one "
	  "wins each")
{
	uint64_t base = page_alloc_run(SHARE_PAGES, 512);
	unsigned won = 0;

	walk_on_two_cpus(base, base);
	for (unsigned i = 0; i < SHARE_PAGES; i++) {
		CHECK_EQ(ranges[0].delegated[i] + ranges[1].delegated[i], 1);
		CHECK_EQ(ranges[0].undelegated[i] + ranges[1].undelegated[i], 1);
		CHECK(page_is(base + i * PAGE_SIZE, 0));
		won += ranges[0].delegated[i];
	}
	note("of %u granules CPU 0 won %u, CPU 1 %u", SHARE_PAGES, won, SHARE_PAGES - won);
}

#define CROWD_PAGES 16
#define CROWD_STEPS 400
/* More would only queue up: they all want one of few locks, on few host CPUs. */
#define CROWD_CPUS 4

struct crowd {
	uint64_t base;
	int32_t balance[CROWD_PAGES]; /* atomic: delegations minus undelegations that succeeded */
};

static void jostle(void *arg)
{
	struct crowd *c = arg;

	for (unsigned step = 0; step < CROWD_STEPS; step++) {
		uint64_t choice = random64();
		unsigned i = choice % CROWD_PAGES;
		bool up = choice >> 32 & 1;
		uint64_t page = c->base + i * PAGE_SIZE;
		uint64_t status = up ? rmi_granule_delegate(page) : rmi_granule_undelegate(page);

		CHECK(status == RMI_SUCCESS || status == RMI_ERROR_INPUT);
		if (status == RMI_SUCCESS) {
			__atomic_fetch_add(&c->balance[i], up ? 1 : -1, __ATOMIC_RELAXED);
		}
	}
}

TEST_CPUS(crowd, 2,
	  "RMI_GRANULE_DELEGATE and UNDELEGATE at random from several CPUs on few granules: what "
	  "succeeded adds up to the final state")
{
	struct crowd c = {.base = page_alloc_run(CROWD_PAGES, 1)};
	unsigned crowd_cpus = cpu_count() < CROWD_CPUS ? cpu_count() : CROWD_CPUS;

	for (unsigned n = 1; n < crowd_cpus; n++) {
		cpu_start(n, jostle, &c);
	}
	jostle(&c);
	for (unsigned n = 1; n < crowd_cpus; n++) {
		REQUIRE(cpu_join(n, LONG_MS));
	}
	for (unsigned i = 0; i < CROWD_PAGES; i++) {
		uint64_t page = c.base + i * PAGE_SIZE;

		CHECK(c.balance[i] == 0 || c.balance[i] == 1);
		CHECK_EQ(probe_load(page, &(uint64_t){0}), c.balance[i] == 0);
		CHECK_EQ(rmi_granule_undelegate(page),
			 c.balance[i] == 1 ? RMI_SUCCESS : RMI_ERROR_INPUT);
		CHECK(probe_load(page, &(uint64_t){0}));
	}
}

static void see_fault(void *arg)
{
	expect_gpf(*(uint64_t *)arg);
	CHECK_EQ(smc_call(RMI_VERSION_FID, RMI_REVISION).x[0], RMI_SUCCESS);
	CHECK_EQ(rmi_granule_delegate(*(uint64_t *)arg), RMI_ERROR_INPUT);
}

static void take_back_here(void *arg)
{
	CHECK_EQ(rmi_granule_undelegate(*(uint64_t *)arg), RMI_SUCCESS);
}

TEST_CPUS(all_cpus_fault, 2,
	  "RMI_GRANULE_DELEGATE: the fault is there on every CPU, also after one was "
	  "off and on, and any CPU may undelegate")
{
	unsigned last = cpu_count() - 1;
	uint64_t page = page_alloc();

	page_fill(page, PATTERN);
	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	for (unsigned n = 1; n <= last; n++) {
		on_cpu(n, see_fault, &page);
	}
	REQUIRE(cpu_down(last));
	REQUIRE_EQ(cpu_up(last), PSCI_SUCCESS);
	on_cpu(last, see_fault, &page);
	on_cpu(last, take_back_here, &page);
	CHECK(page_is(page, 0));
}
