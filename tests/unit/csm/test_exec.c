// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory that realms share to execute from: what an instruction cache holds of it never outlives
 * the consumer that fetched it.
 */
#include "csm/csm_unit.h"

#define RO CSM_PERM_READ
#define RX (CSM_PERM_READ | CSM_PERM_EXEC)

/* Whether instruction caches are emptied: by ATTACH, and by ATTACH of one who was there before. */
static void sharing(uint64_t perm, unsigned int expected)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 2, perm);
	unsigned int seen = machine_code_forgotten();

	assert_int_equal(seen != 0, expected);
	assert_int_equal(trealm_map(consumer, TREALM_OTHER).exec, expected);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	seen = machine_code_forgotten();
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	trealm_attach(consumer, provider, region);
	assert_int_equal(machine_code_forgotten() > seen, expected);
	trealm_destroy_all();
}

static void executable(void **state)
{
	(void)state;
	sharing(RX, 1);
}

static void not_executable(void **state)
{
	(void)state;
	sharing(RO, 0);
}

/* The consumer has no table at first: an access maps the page. */
static void on_fault(uint64_t perm, unsigned int expected)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	unsigned int seen;

	trealm_share(provider, region, consumer, perm);
	trealm_reserve(consumer, provider, region, TREALM_BARE, 2);
	trealm_attach(consumer, provider, region);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 3);
	assert_int_equal(trealm_map(consumer, TREALM_BARE).pa, 0);
	seen = machine_code_forgotten();
	assert_int_equal(trealm_access(consumer, TREALM_BARE, false), TOUCH_DONE);
	assert_int_equal(trealm_map(consumer, TREALM_BARE).exec, expected);
	assert_int_equal(machine_code_forgotten() > seen, expected);
	trealm_destroy_all();
}

static void fault_executable(void **state)
{
	(void)state;
	on_fault(RX, 1);
}

static void fault_not_executable(void **state)
{
	(void)state;
	on_fault(RO, 0);
}

/* The region has the page only after ATTACH: the host's command maps it for the consumer. */
static void late_page(uint64_t perm, unsigned int expected)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, TREALM_PAGES, 2);
	unsigned int seen;

	trealm_share(provider, region, consumer, perm);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	trealm_attach(consumer, provider, region);
	seen = machine_code_forgotten();
	sim_realm_data(&provider->realm, TREALM_OWN + PAGE(TREALM_PAGES));
	assert_int_not_equal(trealm_map(consumer, TREALM_OTHER).pa, 0);
	assert_int_equal(trealm_map(consumer, TREALM_OTHER).exec, expected);
	assert_int_equal(machine_code_forgotten() > seen, expected);
	trealm_destroy_all();
}

static void late_executable(void **state)
{
	(void)state;
	late_page(RX, 1);
}

static void late_not_executable(void **state)
{
	(void)state;
	late_page(RO, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST(
			"a mapping that a consumer may execute empties instruction caches first",
			executable),
		TREALM_TEST("a mapping that it may only read does not", not_executable),
		TREALM_TEST("a page that a fault maps, executable, empties them first",
			    fault_executable),
		TREALM_TEST("a page that a fault maps for reading does not", fault_not_executable),
		TREALM_TEST("a page that comes after ATTACH, executable, empties them first",
			    late_executable),
		TREALM_TEST("a page that comes after ATTACH for reading does not",
			    late_not_executable),
	};

	return unit_run(tests);
}
