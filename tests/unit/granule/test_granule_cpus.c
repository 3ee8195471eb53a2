// SPDX-License-Identifier: BSD-3-Clause
/*
 * The granule lock between CPUs: that it excludes, and that what is done under it is seen under it.
 * Memory of granules is written without atomics here, so the thread sanitizer judges the order.
 */
#include <stdatomic.h>

#include "map/map.h"
#include "unit.h"

#define CPUS   4U
#define ROUNDS 400U

static struct granule *granule_at(uint64_t index)
{
	return granule_find(pa_of(sim_page(index)));
}

static void count_under_lock(unsigned int cpu, void *context)
{
	struct granule *granule = granule_at(0);
	struct granule_held held;

	(void)cpu;
	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		SIM_CHECK(granule_lock(granule, GRANULE_RD, &held));
		*(uint64_t *)map_meta(granule, GRANULE_RD) += 1;
		granule_unlock(held);
	}
}

static void lock_excludes(void **state)
{
	(void)state;
	sim_make(sim_page(0), GRANULE_RD);
	sim_run_cpus(CPUS, count_under_lock, NULL);
	assert_int_equal(*(uint64_t *)machine_raw(pa_of(sim_page(0))), CPUS * ROUNDS);
}

/* Two CPUs hand one granule to each other by its state alone: no other lock orders their stores. */
static void pass_on(unsigned int cpu, void *context)
{
	enum granule_state mine = cpu == 0 ? GRANULE_DELEGATED : GRANULE_DATA;
	enum granule_state other = cpu == 0 ? GRANULE_DATA : GRANULE_DELEGATED;
	struct granule *granule = granule_at(0);
	struct granule_held held;

	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		while (granule_peek(granule) != mine) {
			arch_cpu_relax();
		}
		SIM_CHECK(granule_lock(granule, mine, &held));
		*(uint64_t *)map_data_open(granule_pa(granule)) += 1;
		map_data_close();
		if (other == GRANULE_DELEGATED) {
			SIM_CHECK(map_wipe(held));
		}
		granule_unlock_to(held, other);
	}
}

static void unlock_to_publishes(void **state)
{
	(void)state;
	sim_make(sim_page(0), GRANULE_DELEGATED);
	sim_run_cpus(2, pass_on, NULL);
	assert_int_equal(sim_state(sim_page(0)), GRANULE_DELEGATED);
}

/* As RECs run: who finds no reference under the lock owns the object until it drops its own. */
static void run_for_a_while(unsigned int cpu, void *context)
{
	struct granule *granule = granule_at(0);
	struct granule_held held;

	(void)cpu;
	(void)context;
	for (unsigned int done = 0; done < ROUNDS;) {
		SIM_CHECK(granule_lock(granule, GRANULE_REC, &held));
		if (granule_refs(granule) != 0) {
			granule_unlock(held);
			arch_cpu_relax();
			continue;
		}
		granule_ref(held, 1);
		granule_unlock(held);
		*(uint64_t *)map_meta(granule, GRANULE_REC) += 1;
		granule_unref(granule, 1);
		done++;
	}
}

static void unref_publishes(void **state)
{
	(void)state;
	sim_make(sim_page(0), GRANULE_REC);
	sim_run_cpus(CPUS, run_for_a_while, NULL);
	assert_int_equal(*(uint64_t *)machine_raw(pa_of(sim_page(0))), CPUS * ROUNDS);
}

/* Every CPU names the same granules in another order, with duplicates and wrong states between. */
static void lock_sets(unsigned int cpu, void *context)
{
	struct granule_wanted set[4];

	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		for (unsigned int j = 0; j < ARRAY_LENGTH(set); j++) {
			uint64_t page = (cpu % 2 == 0 ? j : 3 - j) + (i % 8 == 7 && j == cpu);

			set[j] = (struct granule_wanted){.pa = pa_of(sim_page(page)),
							 .state = GRANULE_RD};
		}
		if (granule_lock_set(set, ARRAY_LENGTH(set)) >= 0) {
			continue;
		}
		for (unsigned int j = 0; j < ARRAY_LENGTH(set); j++) {
			*(uint64_t *)map_meta(set[j].held.granule, GRANULE_RD) += 1;
		}
		for (unsigned int j = 0; j < ARRAY_LENGTH(set); j++) {
			granule_unlock(set[j].held);
		}
	}
}

static void opposite_orders(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		sim_make(sim_page(i), GRANULE_RD);
	}
	sim_run_cpus(CPUS, lock_sets, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(*(uint64_t *)machine_raw(pa_of(sim_page(i))),
				 CPUS * (ROUNDS - ROUNDS / 8));
	}
}

static void take_references(unsigned int cpu, void *context)
{
	struct granule *granule = granule_at(0);
	struct granule_held held;

	(void)cpu;
	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		SIM_CHECK(granule_lock(granule, GRANULE_RTT, &held));
		granule_ref(held, 3);
		granule_unlock(held);
		granule_unref(granule, 2);
	}
}

static void references_add_up(void **state)
{
	(void)state;
	sim_make(sim_page(0), GRANULE_RTT);
	sim_run_cpus(CPUS, take_references, NULL);
	assert_int_equal(sim_refs(sim_page(0)), CPUS * ROUNDS);
	granule_unref(granule_at(0), CPUS * ROUNDS);
}

/* While one CPU has the lock, no reference is added: two others try all the time. */
static _Atomic bool looking;
static _Atomic unsigned int borrowers;

static void borrow_and_look(unsigned int cpu, void *context)
{
	const pa_t page = pa_of(sim_page(0));
	struct granule *granule = granule_at(0);
	struct granule_held held;

	(void)context;
	borrowers += cpu != 0;
	while (borrowers != 2) {
		arch_cpu_relax();
	}
	while (cpu != 0 && looking) {
		granule_ref_pages(&page, 1, GRANULE_DATA);
		granule_unref_pages(&page, 1, GRANULE_DATA);
	}
	for (unsigned int i = 0; cpu == 0 && i < ROUNDS; i++) {
		SIM_CHECK(granule_lock(granule, GRANULE_DATA, &held));

		unsigned int refs = granule_refs(granule);

		for (unsigned int j = 0; j < 50 * ROUNDS; j++) {
			unsigned int now = granule_refs(granule);

			SIM_CHECK(now <= refs);
			refs = now;
		}
		granule_unlock(held);
	}
	if (cpu == 0) {
		looking = false;
	}
}

static void lock_keeps_references_out(void **state)
{
	(void)state;
	sim_make(sim_page(0), GRANULE_DATA);
	looking = true;
	borrowers = 0;
	sim_run_cpus(3, borrow_and_look, NULL);
	assert_int_equal(sim_refs(sim_page(0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("granule_lock: excludes and orders, 4 CPUs", lock_excludes),
		SIM_TEST("granule_unlock_to: publishes, 2 CPUs", unlock_to_publishes),
		SIM_TEST("granule_unref: publishes, 4 CPUs", unref_publishes),
		SIM_TEST("granule_lock_set: opposite orders, 4 CPUs", opposite_orders),
		SIM_TEST("granule_ref, granule_unref: add up, 4 CPUs", references_add_up),
		SIM_TEST("granule_ref_pages waits for the lock", lock_keeps_references_out),
	};

	return unit_run(tests);
}
