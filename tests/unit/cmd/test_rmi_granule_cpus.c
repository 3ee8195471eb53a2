// SPDX-License-Identifier: BSD-3-Clause
/* Several CPUs call RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE on the same granules. */
#include <stdatomic.h>

#include "unit.h"

#define CPUS   4U
#define ROUNDS 300U
#define SHARED 5U

struct account {
	atomic_int owned; /* granules delegated, less granules undelegated */
	atomic_uint refused;
};

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void delegate_and_back(unsigned int cpu, void *context)
{
	struct account *account = context;
	uint64_t seed = cpu;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t page = sim_page(next_random(&seed) % SHARED);
		bool delegate = next_random(&seed) % 2 == 0;
		struct sim_answer answer = delegate ? RMI(RMI_GRANULE_DELEGATE, page)
						    : RMI(RMI_GRANULE_UNDELEGATE, page);

		if (answer.x[0] == RMI_SUCCESS) {
			atomic_fetch_add(&account->owned, delegate ? 1 : -1);
		} else {
			SIM_CHECK(answer.x[0] == RMI_ERROR_INPUT);
			SIM_CHECK(strcmp(answer.condition, "gran_state") == 0);
			atomic_fetch_add(&account->refused, 1);
		}
	}
}

static void same_granules(void **state)
{
	struct account account = {0};
	int delegated = 0;

	(void)state;
	sim_run_cpus(CPUS, delegate_and_back, &account);
	for (unsigned int i = 0; i < SHARED; i++) {
		delegated += sim_state(sim_page(i)) == GRANULE_DELEGATED;
	}
	assert_int_equal(account.owned, delegated);
	assert_true(account.refused > 0);
}

/* Of many that ask at once for one granule, one gets it. */
static void delegate_once(unsigned int cpu, void *context)
{
	atomic_uint *won = context;

	(void)cpu;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		if (RMI(RMI_GRANULE_DELEGATE, sim_page(i)).x[0] == RMI_SUCCESS) {
			atomic_fetch_add(&won[i], 1);
		}
	}
}

static void one_winner(void **state)
{
	static atomic_uint won[ROUNDS];

	(void)state;
	sim_run_cpus(CPUS, delegate_once, won);
	for (unsigned int i = 0; i < ROUNDS; i++) {
		assert_int_equal(won[i], 1);
	}
}

/* The host writes to pages all the time, as it may: it never gets to see or change Realm memory. */
static void write_and_delegate(unsigned int cpu, void *context)
{
	uint64_t seed = cpu;

	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t page = sim_page(next_random(&seed) % SHARED);
		uint64_t word = 0x5EC4E7;

		if (cpu % 2 == 0) {
			machine_host_write(pa_of(page), &word, sizeof(word));
			RMI(RMI_GRANULE_UNDELEGATE, page);
		} else if (RMI(RMI_GRANULE_DELEGATE, page).x[0] == RMI_SUCCESS) {
			SIM_CHECK(!machine_host_read(pa_of(page), &word, sizeof(word)) ||
				  sim_state(page) != GRANULE_DELEGATED);
		}
	}
}

static void host_writes_meanwhile(void **state)
{
	(void)state;
	sim_run_cpus(CPUS, write_and_delegate, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_GRANULE_DELEGATE on the same granules from 4 CPUs", same_granules),
		SIM_TEST("RMI_GRANULE_DELEGATE: one of 4 CPUs wins", one_winner),
		SIM_TEST("RMI_GRANULE_DELEGATE while the host writes", host_writes_meanwhile),
	};

	return unit_run(tests);
}
