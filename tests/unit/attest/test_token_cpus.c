// SPDX-License-Identifier: BSD-3-Clause
/* RECs that make tokens on several CPUs at once. */
#include "attest/token_check.h"

#define CPUS   4U
#define ROUNDS 3U

static struct rec_pages recs[CPUS];
static struct sample samples[CPUS][ROUNDS];
static uint8_t tokens[CPUS][ROUNDS][TOKEN_MAX];
static size_t sizes[CPUS][ROUNDS];

static void make_tokens(unsigned int cpu, void *context)
{
	(void)context;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		enum attest_progress progress = ATTEST_SIGNING;
		bool last;

		SIM_CHECK(attest_begin(recs[cpu].list, &samples[cpu][i].claims, &sizes[cpu][i]));
		while (progress == ATTEST_SIGNING) {
			progress = attest_step(recs[cpu].list);
		}
		SIM_CHECK(progress == ATTEST_READY);
		SIM_CHECK(attest_peek(recs[cpu].list, tokens[cpu][i], TOKEN_MAX) == sizes[cpu][i]);
		attest_taken(recs[cpu].list, sizes[cpu][i], &last);
		SIM_CHECK(last);
	}
}

static void several_cpus(void **state)
{
	(void)state;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		pages_prepare(&recs[cpu]);
		for (unsigned int i = 0; i < ROUNDS; i++) {
			sample_fill(&samples[cpu][i], i % 2, (uint8_t)(cpu * ROUNDS + i));
		}
	}
	sim_run_cpus(CPUS, make_tokens, NULL);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			check_token(tokens[cpu][i], sizes[cpu][i], &samples[cpu][i]);
		}
		pages_assert_zero(&recs[cpu]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("token: several CPUs at once", several_cpus),
	};

	return unit_run(tests);
}
