// SPDX-License-Identifier: BSD-3-Clause
#include "mem.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "fwcfg.h"
#include "payload/common/spinlock.h"
#include "smc.h"
#include "test.h"

#define ADDRESS_LIMIT  0x100000000UL
#define MAX_PAGES      ((ADDRESS_LIMIT - RAM_BASE) / PAGE_SIZE)
#define PAGE_TAKEN     1u /* allocated; under lock */
#define PAGE_LOST      2u /* could not be undelegated: never used again */
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(uint64_t))

extern uint8_t __image_end[];

static struct spinlock lock;
static uint8_t pages[MAX_PAGES];    /* PAGE_ flags, under lock */
static int8_t ledger[MAX_PAGES];    /* atomic: delegations minus undelegations that succeeded */
static long ledger_sum;             /* atomic */
static size_t first_page, end_page; /* what may be allocated */
static size_t touched_page;         /* first page never allocated in this test */

static size_t index_of(uint64_t address)
{
	return (address - RAM_BASE) / PAGE_SIZE;
}

static uint64_t address_of(size_t index)
{
	return RAM_BASE + index * PAGE_SIZE;
}

void mem_init(void)
{
	uint64_t end = RAM_BASE + (fwcfg_number("opt/caec/ram-mib", 1024) << 20);

	end = end < ADDRESS_LIMIT ? end : ADDRESS_LIMIT;
	end_page = index_of(end);
	first_page = index_of((uint64_t)__image_end + PAGE_SIZE - 1);
	touched_page = first_page;
}

uint64_t mem_end(void)
{
	return address_of(end_page);
}

/* Length of the run of free pages at index, counted up to `wanted`. */
static size_t free_run(size_t index, size_t wanted)
{
	size_t n = 0;

	while (n < wanted && index + n < end_page && !pages[index + n]) {
		n++;
	}
	return n;
}

static uint64_t take_run(size_t count, size_t align)
{
	size_t skew = index_of(align * PAGE_SIZE) % align; /* RAM_BASE need not be aligned */
	size_t at = first_page;

	for (;;) {
		size_t run;

		at += (align - (at - skew) % align) % align;
		if (at + count > end_page) {
			return 0;
		}
		run = free_run(at, count);
		if (run == count) {
			break;
		}
		at += run + 1;
	}
	memset(&pages[at], PAGE_TAKEN, count);
	touched_page = touched_page > at + count ? touched_page : at + count;
	return address_of(at);
}

uint64_t page_alloc_run(size_t count, size_t align)
{
	uint64_t address;

	spin_lock(&lock);
	address = take_run(count, align);
	spin_unlock(&lock);
	REQUIRE(address != 0);
	return address;
}

uint64_t page_alloc(void)
{
	uint64_t address = page_alloc_run(1, 1);

	page_fill(address, 0);
	return address;
}

void page_free(uint64_t address, size_t count)
{
	spin_lock(&lock);
	for (size_t i = 0; i < count; i++) {
		pages[index_of(address) + i] &= (uint8_t)~PAGE_TAKEN;
	}
	spin_unlock(&lock);
}

void page_fill(uint64_t address, uint64_t pattern)
{
	volatile uint64_t *word = (volatile uint64_t *)address;

	for (size_t i = 0; i < WORDS_PER_PAGE; i++) {
		word[i] = pattern;
	}
}

bool page_is(uint64_t address, uint64_t pattern)
{
	const volatile uint64_t *word = (const volatile uint64_t *)address;

	for (size_t i = 0; i < WORDS_PER_PAGE; i++) {
		if (word[i] != pattern) {
			note("page %lx word %lu is %lx", address, i, word[i]);
			return false;
		}
	}
	return true;
}

/*
 * Two CPUs that race on a granule may enter their results in either order, so the ledger only adds
 * up; what must hold is that every entry is zero when the test is over.
 */
static void ledger_add(uint64_t address, int change)
{
	if (address >= RAM_BASE && address < ADDRESS_LIMIT) {
		__atomic_fetch_add(&ledger[index_of(address)], (int8_t)change, __ATOMIC_RELAXED);
		__atomic_fetch_add(&ledger_sum, change, __ATOMIC_RELAXED);
	} else {
		note("delegation of %lx, which is not memory of this machine", address);
		CHECK(false);
	}
}

void ledger_delegated(uint64_t address)
{
	ledger_add(address, 1);
}

void ledger_undelegated(uint64_t address)
{
	ledger_add(address, -1);
}

long ledger_count(void)
{
	return __atomic_load_n(&ledger_sum, __ATOMIC_RELAXED);
}

/* Undelegates what the test left behind; a page that will not go back is lost for the run. */
static bool take_back(size_t index)
{
	while (ledger[index] > 0 &&
	       smc_call(RMI_GRANULE_UNDELEGATE_FID, address_of(index)).x[0] == RMI_SUCCESS) {
	}
	if (ledger[index] == 0) {
		return true;
	}
	ledger_sum -= ledger[index];
	ledger[index] = 0;
	pages[index] = PAGE_LOST;
	return false;
}

size_t mem_end_test(uint64_t *first, size_t *lost)
{
	size_t found = 0;

	*first = 0;
	*lost = 0;
	for (size_t i = 0; i < touched_page; i++) {
		if (ledger[i]) {
			*first = found++ ? *first : address_of(i);
			*lost += take_back(i) ? 0 : 1;
		}
		pages[i] &= (uint8_t)~PAGE_TAKEN;
	}
	touched_page = first_page;
	if (ledger_sum) {
		found++;
		note("granules outside the test's pages: %ld", ledger_sum);
		ledger_sum = 0;
	}
	return found;
}
