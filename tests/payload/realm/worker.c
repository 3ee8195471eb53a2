// SPDX-License-Identifier: BSD-3-Clause
/* Every REC of the realm works on memory of its own, and nobody else's values may appear there. */
#include "runtime.h"

#define AREA_SIZE  0x20000UL
#define AREA_BASE  REALM_RAM_TOP /* EMPTY at first */
#define AREA_WORDS (AREA_SIZE / 8)

static uint64_t rounds, realm_seed;
static uint32_t finished; /* atomic: RECs that are done */

static void fill_area(uint64_t base, uint64_t seed)
{
	for (uint64_t i = 0; i < AREA_WORDS; i += 64) {
		write64(base + i * 8, seed ^ (i * 0x9e3779b97f4a7c15));
	}
}

static void check_area(uint64_t base, uint64_t seed)
{
	for (uint64_t i = 0; i < AREA_WORDS; i += 64) {
		if (!CHECK_EQ(read64(base + i * 8), seed ^ (i * 0x9e3779b97f4a7c15))) {
			return;
		}
	}
}

/* RAM, values, a host call, the same values; then given back, and new RAM is empty. */
static void work(uint64_t index)
{
	uint64_t base = AREA_BASE + index * AREA_SIZE;

	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t seed = realm_seed ^ index << 48 ^ round << 32;

		REQUIRE(set_ripas(base, base + AREA_SIZE, RSI_RIPAS_RAM,
				  RSI_RIPAS_FLAG_CHANGE_DESTROYED));
		fill_area(base, seed);
		CHECK_EQ(host_call_values(REALM_CALL_TEST, seed, index), seed + 1);
		check_area(base, seed);
		rsi_call(PSCI_CPU_SUSPEND_FID);
		check_area(base, seed);
		REQUIRE(set_ripas(base, base + AREA_SIZE, RSI_RIPAS_EMPTY, 0));
	}
	__atomic_add_fetch(&finished, 1, __ATOMIC_RELEASE);
}

/* args: seed, rounds, RECs. */
PROGRAM(worker)
{
	realm_seed = args[0];
	rounds = args[1];
	for (unsigned i = 1; i < args[2]; i++) {
		REQUIRE_EQ(vcpu_start(i, work, i), PSCI_SUCCESS);
	}
	work(0);
	while (__atomic_load_n(&finished, __ATOMIC_ACQUIRE) != args[2]) {
		rsi_call(PSCI_CPU_SUSPEND_FID);
	}
}
