// SPDX-License-Identifier: BSD-3-Clause
/*
 * hazard 16: two realms that share in both directions, each on a CPU of its own, a third CPU where
 * the host takes and gives their pages, and a fourth where it takes their tables and APTs.
 */
#include "csm/csm_unit.h"

#define ROUNDS 400U
#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)

/* The one thing that the realm on this CPU does on its next entry. */
static __thread struct world_step step;
static __thread bool stepped;

static enum arch_exit take_step(struct arch_vcpu *vcpu, struct arch_exit_info *info)
{
	if (stepped) {
		return ARCH_EXIT_IRQ;
	}
	stepped = true;
	for (unsigned int i = 0; i < step.count; i++) {
		vcpu->gprs[i] = step.x[i];
	}
	*info = step.info;
	return step.kind;
}

static uint64_t ids[2];

static void enter(unsigned int p)
{
	struct rmi_rec_exit exit;

	stepped = false;
	WORLD_CHECK(world_enter(&parties[p].realm, 0, NULL, &exit).x[0] == RMI_SUCCESS);
}

static uint64_t call(unsigned int p, uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
		     uint64_t x4)
{
	uint64_t status;

	step = (struct world_step){
		.kind = ARCH_EXIT_SYNC,
		.info = {.esr = WORLD_ESR(0x17)},
		.count = 6,
		.x = {fid, x1, x2, x3, x4, 0},
	};
	do {
		enter(p);
		status = world_rec(&parties[p].realm, 0)->vcpu.gprs[0];
	} while (status == RSI_INCOMPLETE);
	WORLD_CHECK(status == RSI_SUCCESS || status == RSI_ERROR_INPUT ||
		    status == RSI_ERROR_STATE || status == CSM_ERROR_ACCESS ||
		    status == CSM_ERROR_NO_APT);
	return status;
}

static void fault(unsigned int p, unsigned int page)
{
	uint64_t ipa = PARTY_OTHER + PAGE(page);

	step = (struct world_step){.kind = ARCH_EXIT_SYNC};
	step.info.esr = WORLD_ESR(0x24) | 7U;
	step.info.far = ipa;
	step.info.hpfar = (ipa >> 12) << 4;
	enter(p);
}

static uint64_t below(uint64_t *seed, uint64_t bound)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % bound;
}

/* A realm that provides and consumes, its latest region and what it last knew of the other's. */
static void live(unsigned int p)
{
	uint64_t seed = p + 1;
	uint64_t other = ids[1 - p];
	uint64_t own = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t theirs = 1 + below(&seed, own + 3);

		switch (below(&seed, 9)) {
		case 0:
			own += call(p, RSI_CSM_CREATE_FID, PARTY_OWN, PAGE(4), 0, 0) == RSI_SUCCESS;
			break;
		case 1:
			call(p, RSI_CSM_SHARE_FID, own, other, RW, 0);
			break;
		case 2:
			call(p, below(&seed, 2) == 0 ? RSI_CSM_REVOKE_FID : RSI_CSM_DESTROY_FID,
			     own, other, 0, 0);
			break;
		case 3:
			call(p, RSI_CSM_RESERVE_FID, other, theirs, PARTY_OTHER, PAGE(4));
			break;
		case 4:
			call(p, RSI_CSM_DETACH_AND_FREE_FID, other, theirs, 0, 0);
			break;
		case 5:
			call(p, RSI_CSM_SIGNAL_FID, other, ids[below(&seed, 2)], theirs, 1);
			call(p, RSI_CSM_SIGNAL_TAKE_FID, 0, 0, 0, 0);
			break;
		case 6:
			call(p, RSI_CSM_SEAL_FID, own, 0, 0, 0);
			call(p, RSI_CSM_PEER_FID, other, 0, 0, 0);
			call(p, RSI_CSM_QUERY_FID, other, 0, 0, 0);
			call(p, RSI_CSM_DIGEST_FID, other, theirs, 0, 0);
			break;
		case 7:
			call(p, RSI_CSM_ATTACH_FID, other, theirs, 0, 0);
			break;
		default:
			fault(p, (unsigned int)below(&seed, 4));
			break;
		}
	}
}

/* Whatever the answer: a page goes, and comes back if it went. */
static void take_and_give(void)
{
	uint64_t seed = 99;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t rd = parties[below(&seed, 2)].realm.rd;
		uint64_t ipa = PARTY_OWN + PAGE(4 + below(&seed, 4));
		struct world_answer answer = RMI(RMI_DATA_DESTROY, rd, ipa);

		if (answer.x[0] == RMI_SUCCESS) {
			WORLD_CHECK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, answer.x[1], ipa).x[0] ==
				    RMI_SUCCESS);
		}
		ipa -= PAGE(4);
		if (below(&seed, 16) == 0) {
			answer = RMI(RMI_DATA_DESTROY, rd, ipa);
			WORLD_CHECK(answer.x[0] != RMI_SUCCESS ||
				    RMI(RMI_DATA_CREATE_UNKNOWN, rd, answer.x[1], ipa).x[0] ==
					    RMI_SUCCESS);
		}
	}
}

static void tables_and_apts(void)
{
	uint64_t seed = 7;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct party *party = &parties[below(&seed, 2)];
		uint64_t rd = party->realm.rd;
		uint64_t status;

		if (below(&seed, 8) == 0) {
			do {
				status = RMI(RMI_APT_DESTROY, rd, party->apt[0]).x[0];
			} while (status == CSM_INCOMPLETE);
			WORLD_CHECK(status == RMI_SUCCESS);
			WORLD_CHECK(RMI(RMI_APT_CREATE, rd, party->apt[0]).x[0] == RMI_SUCCESS);
		} else {
			struct world_answer answer = RMI(RMI_RTT_DESTROY, rd, PARTY_OTHER, 3);

			WORLD_CHECK(answer.x[0] == RMI_SUCCESS);
			WORLD_CHECK(RMI(RMI_RTT_CREATE, rd, answer.x[1], PARTY_OTHER, 3).x[0] ==
				    RMI_SUCCESS);
		}
	}
}

static void on_cpu(unsigned int cpu, void *context)
{
	(void)context;
	switch (cpu) {
	case 0:
	case 1:
		live(cpu);
		break;
	case 2:
		take_and_give();
		break;
	default:
		tables_and_apts();
		break;
	}
}

static void everybody_at_once(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < 2; p++) {
		ids[p] = party_id(party_make(1));
	}
	machine_on_run = take_step;
	world_run_cpus(4, on_cpu, NULL);
	party_destroy_all();
}

/* Realms that look for each other while they go. */
static void one_goes(unsigned int cpu, void *context)
{
	(void)context;
	if (cpu == 0) {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			call(0, RSI_CSM_RESERVE_FID, ids[1], 1, PARTY_OTHER, PAGE(1));
			call(0, RSI_CSM_PEER_FID, ids[1], 0, 0, 0);
			call(0, RSI_CSM_QUERY_FID, ids[1], 0, 0, 0);
		}
	} else {
		party_destroy(&parties[1]);
	}
}

static void finding_the_dying(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		party_count = 0;
		for (unsigned int p = 0; p < 2; p++) {
			ids[p] = party_id(party_make(1));
		}
		party_lend(&parties[1], &parties[0], 1, RW);
		machine_on_run = take_step;
		world_run_cpus(2, one_goes, NULL);
		party_destroy(&parties[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST("hazard 16: two realms and the host on four CPUs", everybody_at_once),
		PARTY_TEST("hazard 09: a realm goes while another one looks for it",
			   finding_the_dying),
	};
	return unit_run(tests);
}
