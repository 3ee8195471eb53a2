// SPDX-License-Identifier: BSD-3-Clause
/* Hosts on several CPUs that build and take apart the same tables at once, beside a realm. */
#include <stdlib.h>

#include "cmd/rtt_host.h"
#include "map/map.h"
#include "rec/rec.h"

#define CPUS   4U
#define ROUNDS 1500U
#define POOL   24U /* granules that all CPUs use for whatever comes */
#define REC    (HOST_DATA + UINT64_C(0x300000))

static uint64_t rd;

static uint64_t pick(unsigned int *seed, uint64_t count)
{
	return (unsigned int)rand_r(seed) % count;
}

static uint64_t pool(unsigned int *seed)
{
	return HOST_DATA + pick(seed, POOL) * GRANULE_SIZE;
}

/* A few places that collide: two tables of pages, in each half. */
static uint64_t place(unsigned int *seed, int level)
{
	uint64_t ipa =
		pick(seed, 2) * HOST_HALF + pick(seed, 2) * SIZE_L2 + pick(seed, 4) * SIZE_L3;

	return align_down(ipa, s2_entry_size(level));
}

static struct sim_answer any_command(unsigned int *seed)
{
	int level = 1 + (int)pick(seed, 3);
	uint64_t entry = place(seed, level - 1);
	uint64_t page = place(seed, 3);

	switch (pick(seed, 10)) {
	case 0:
	case 1:
		return RMI(RMI_RTT_CREATE, rd, pool(seed), entry, (uint64_t)level);
	case 2:
		return RMI(RMI_RTT_DESTROY, rd, entry, (uint64_t)level);
	case 3:
		return RMI(RMI_RTT_FOLD, rd, entry, (uint64_t)level);
	case 4:
	case 5:
		return RMI(RMI_DATA_CREATE_UNKNOWN, rd, pool(seed), page);
	case 6:
		return RMI(RMI_DATA_DESTROY, rd, page);
	case 7:
		return RMI(RMI_RTT_MAP_UNPROTECTED, rd, page, 3, SIM_MAIN | NS_WB | NS_RW);
	case 8:
		return RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, page, 3);
	default:
		break;
	}
	return RMI(RMI_RTT_READ_ENTRY, rd, page, 3);
}

/* What comes back is wiped and can be used again at once, by anybody. */
static void hosts(unsigned int cpu, void *context)
{
	unsigned int seed = cpu + 1;
	unsigned int *done = context;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		struct sim_answer answer = any_command(&seed);
		uint8_t code = rmi_status_code(answer.x[0]);

		SIM_CHECK(code == RMI_SUCCESS || code == RMI_ERROR_RTT || code == RMI_ERROR_INPUT);
		done[cpu] += code == RMI_SUCCESS;
	}
}

/* The realm claims a page as RAM, whatever the host did to it, and a host on this CPU agrees. */
static void claim(uint64_t ipa)
{
	struct granule_held held;
	struct rec *rec;

	SIM_CHECK(granule_lock(granule_find(pa_of(REC)), GRANULE_REC, &held));
	rec = rec_of(held.granule);
	rec->rd = granule_find(pa_of(rd));
	rec->ripas_base = ipa_of(ipa);
	rec->ripas_top = ipa_of(ipa + SIZE_L3);
	rec->ripas_value = S2_RAM;
	rec->ripas_change_destroyed = true;
	granule_unlock(held);
	RMI(RMI_RTT_SET_RIPAS, rd, REC, ipa, ipa + SIZE_L3);
}

/* What the host does about a page that the realm misses; a granule may be taken, then next time. */
static void populate(unsigned int *seed, uint64_t ipa)
{
	for (int level = 1; level <= 3; level++) {
		uint64_t entry = align_down(ipa, s2_entry_size(level - 1));

		RMI(RMI_RTT_CREATE, rd, pool(seed), entry, (uint64_t)level);
	}
	RMI(RMI_DATA_CREATE_UNKNOWN, rd, pool(seed), ipa);
	claim(ipa);
}

/* A running REC: its realm's pages, while hosts take them away. */
static void realm_and_hosts(unsigned int cpu, void *context)
{
	unsigned int seed = cpu;
	unsigned int *done = context;

	if (cpu != 0) {
		hosts(cpu, context);
		return;
	}
	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t ipa = place(&seed, 3) % HOST_HALF;
		struct s2_walk walk;
		pa_t page;

		populate(&seed, ipa);
		machine_command_begin();
		if (s2_access_begin(host_s2(rd), ipa_of(ipa), NULL, &walk, &page) ==
		    S2_ACCESS_RAM) {
			uint64_t *word = map_data_open(page);

			*word = *word + 1;
			map_data_close();
			s2_access_end(&walk);
			done[cpu]++;
		}
		machine_command_end();
	}
}

static void make_realm(void)
{
	rd = rtt_realm();
	host_delegate(HOST_DATA, POOL);
	rtt_grow(rd, 0, 3);
	rtt_init_ripas(rd, 0, SIZE_L2);
	rtt_grow(rd, HOST_HALF, 3);
}

/* Everything can be destroyed, and no granule has been lost. */
static void finish(void)
{
	rtt_finish(rd);
	for (unsigned int i = 0; i < POOL; i++) {
		uint64_t pa = HOST_DATA + i * GRANULE_SIZE;

		if (sim_state(pa) != GRANULE_UNDELEGATED) {
			host_take_back(pa);
		}
	}
}

static void race(void (*body)(unsigned int cpu, void *context))
{
	unsigned int done[CPUS] = {0};

	make_realm();
	sim_run_cpus(CPUS, body, done);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		assert_true(done[cpu] > ROUNDS / 100);
	}
	finish();
}

static void hosts_race(void **state)
{
	(void)state;
	race(hosts);
}

static void realm_races(void **state)
{
	(void)state;
	sim_make(REC, GRANULE_REC);
	race(realm_and_hosts);
	sim_unmake(REC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_RTT, RMI_DATA: 4 CPUs on the same tables", hosts_race),
		SIM_TEST("RMI_RTT, RMI_DATA: 3 CPUs while the realm uses its pages", realm_races),
	};

	return unit_run(tests);
}
