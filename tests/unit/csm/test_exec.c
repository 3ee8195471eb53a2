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
	struct party *provider = party_make(1);
	struct party *consumer = party_make(1);
	uint64_t region = party_lend(provider, consumer, 2, perm);
	unsigned int seen = machine_code_forgotten();

	assert_int_equal(seen != 0, expected);
	assert_int_equal(party_map(consumer, PARTY_OTHER).exec, expected);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, party_id(provider), region));
	seen = machine_code_forgotten();
	party_reserve(consumer, provider, region, PARTY_OTHER, 2);
	party_attach(consumer, provider, region);
	assert_int_equal(machine_code_forgotten() > seen, expected);
	party_destroy_all();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST("a mapping that a consumer may execute empties instruction caches first",
			   executable),
		PARTY_TEST("a mapping that it may only read does not", not_executable),
	};

	return unit_run(tests);
}
