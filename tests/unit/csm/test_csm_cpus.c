// SPDX-License-Identifier: BSD-3-Clause
/*
 * hazard 16: two realms that share in both directions, each on a CPU of its own, a third CPU where
 * the host takes and gives their pages, and a fourth where it takes their tables and APTs.
 */
#include "csm/csm_unit.h"

#define ACTS   1500U /* of a realm */
#define ROUNDS 400U
#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)

/* The one thing that the realm on this CPU does on its next entry. */
static __thread struct sim_step step;
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

static struct rmi_rec_exit enter(unsigned int p)
{
	struct rmi_rec_exit exit;

	stepped = false;
	SIM_CHECK(sim_enter(&trealms[p].realm, 0, NULL, &exit).x[0] == RMI_SUCCESS);
	return exit;
}

/* How often each command of realm p succeeded, by its number. */
static unsigned int successes[2][16];

static uint64_t call(unsigned int p, uint64_t fid, uint64_t x1, uint64_t x2, uint64_t x3,
		     uint64_t x4)
{
	uint64_t status;

	step = (struct sim_step){
		.kind = ARCH_EXIT_SYNC,
		.info = {.esr = SIM_ESR(0x17)},
		.count = 6,
		.x = {fid, x1, x2, x3, x4, 0},
	};
	do {
		enter(p);
		status = sim_rec(&trealms[p].realm, 0)->vcpu.gprs[0];
	} while (status == RSI_INCOMPLETE);
	SIM_CHECK(status == RSI_SUCCESS || status == RSI_ERROR_INPUT || status == RSI_ERROR_STATE ||
		  status == CSM_ERROR_ACCESS || status == CSM_ERROR_NO_APT ||
		  status == CSM_ERROR_NO_SPACE || status == CSM_ERROR_PAGES);
	successes[p][fid - RSI_CSM_FID_FIRST] += status == RSI_SUCCESS;
	return status;
}

static void fault(unsigned int p, unsigned int page)
{
	uint64_t ipa = TREALM_OTHER + PAGE(page);

	step = (struct sim_step){.kind = ARCH_EXIT_SYNC};
	step.info.esr = SIM_ESR(0x24) | 7U;
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

/* What the host took is claimed anew, and the host, which is asked on this CPU, agrees. */
static void claim(unsigned int p)
{
	const struct sim_realm *realm = &trealms[p].realm;
	uint64_t base = TREALM_OWN;
	uint64_t top = TREALM_OWN + PAGE(4);
	struct sim_answer answer = {.x = {RMI_SUCCESS}};

	step = (struct sim_step)SIM_SMC(RSI_IPA_STATE_SET_FID, base, top, RSI_RIPAS_RAM,
					RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	if (enter(p).exit_reason != RMI_EXIT_RIPAS_CHANGE) {
		return;
	}
	while (base < top && answer.x[0] == RMI_SUCCESS) {
		answer = RMI(RMI_RTT_SET_RIPAS, realm->rd, realm->recs[0], base, top);
		base = answer.x[1];
	}
}

/*
 * What each realm provided last, for the other to ask for. Relaxed, here and below: nothing is
 * ordered by it that the RMM would have to order.
 */
static _Atomic uint64_t provided[2];
static atomic_uint living;

static uint64_t read_of(_Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void provide(unsigned int p)
{
	uint64_t status = call(p, RSI_CSM_CREATE_FID, TREALM_OWN, PAGE(4), 0, 0);

	if (status == RSI_SUCCESS) {
		uint64_t region = sim_rec(&trealms[p].realm, 0)->vcpu.gprs[1];

		call(p, RSI_CSM_SHARE_FID, region, ids[1 - p], RW, 0);
		atomic_store_explicit(&provided[p], region, memory_order_relaxed);
	} else if (status == RSI_ERROR_INPUT) {
		claim(p);
	}
}

/* *had: what it has reserved of the other's. */
static void consume(unsigned int p, uint64_t *had)
{
	uint64_t region = read_of(&provided[1 - p]);

	if (*had != 0 && *had != region) {
		call(p, RSI_CSM_DETACH_AND_FREE_FID, ids[1 - p], *had, 0, 0);
	}
	call(p, RSI_CSM_RESERVE_FID, ids[1 - p], region, TREALM_OTHER, PAGE(4));
	call(p, RSI_CSM_ATTACH_FID, ids[1 - p], region, 0, 0);
	*had = region;
}

/* A realm that provides and consumes. */
static void live(unsigned int p)
{
	uint64_t seed = p + 1;
	uint64_t other = ids[1 - p];
	uint64_t had = 0;

	for (unsigned int act = 0; act < ACTS; act++) {
		uint64_t own = read_of(&provided[p]);

		switch (below(&seed, 12)) {
		case 0:
			call(p, RSI_CSM_SHARE_FID, own, other, RW, 0);
			break;
		case 1:
			call(p, RSI_CSM_REVOKE_FID, own, other, 0, 0);
			break;
		case 2:
			call(p, RSI_CSM_DESTROY_FID, own, 0, 0, 0);
			break;
		case 3:
			call(p, RSI_CSM_DETACH_AND_FREE_FID, other, had, 0, 0);
			break;
		case 4:
			call(p, RSI_CSM_SIGNAL_FID, other, other, had, 1);
			call(p, RSI_CSM_SIGNAL_FID, other, ids[p], own, 1);
			call(p, RSI_CSM_SIGNAL_TAKE_FID, 0, 0, 0, 0);
			break;
		case 5:
			call(p, RSI_CSM_SEAL_FID, own, 0, 0, 0);
			call(p, RSI_CSM_PEER_FID, other, 0, 0, 0);
			call(p, RSI_CSM_QUERY_FID, other, 0, 0, 0);
			call(p, RSI_CSM_RECORD_FID, 1, 0, 0, 0);
			call(p, RSI_CSM_DIGEST_FID, ids[p], own, 0, 0);
			call(p, RSI_CSM_DIGEST_FID, other, had, 0, 0);
			break;
		case 6:
		case 7:
			fault(p, (unsigned int)below(&seed, 4));
			break;
		case 8:
		case 9:
			provide(p);
			break;
		default:
			consume(p, &had);
			break;
		}
	}
	atomic_fetch_sub_explicit(&living, 1, memory_order_relaxed);
}

static bool somebody_lives(void)
{
	return atomic_load_explicit(&living, memory_order_relaxed) != 0;
}

/* Whatever the answer: a page goes, and comes back if it went. */
static void take_and_give(void)
{
	uint64_t seed = 99;

	while (somebody_lives()) {
		uint64_t rd = trealms[below(&seed, 2)].realm.rd;
		uint64_t beside = below(&seed, 16) == 0 ? 0 : 4;
		uint64_t ipa = TREALM_OWN + PAGE(beside + below(&seed, 4));
		struct sim_answer answer = RMI(RMI_DATA_DESTROY, rd, ipa);

		if (answer.x[0] == RMI_SUCCESS) {
			SIM_CHECK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, answer.x[1], ipa).x[0] ==
				  RMI_SUCCESS);
		}
	}
}

static void renew_apt(const struct trealm *trealm)
{
	uint64_t status;

	do {
		status = RMI(RMI_APT_DESTROY, trealm->realm.rd, trealm->apt[0]).x[0];
	} while (status == CSM_INCOMPLETE);
	SIM_CHECK(status == RMI_SUCCESS);
	SIM_CHECK(RMI(RMI_APT_CREATE, trealm->realm.rd, trealm->apt[0]).x[0] == RMI_SUCCESS);
}

static void tables_and_apts(void)
{
	uint64_t seed = 7;

	while (somebody_lives()) {
		struct trealm *trealm = &trealms[below(&seed, 2)];
		uint64_t rd = trealm->realm.rd;

		if (below(&seed, 64) == 0) {
			renew_apt(trealm);
		} else {
			struct sim_answer answer = RMI(RMI_RTT_DESTROY, rd, TREALM_OTHER, 3);

			SIM_CHECK(answer.x[0] == RMI_SUCCESS);
			SIM_CHECK(RMI(RMI_RTT_CREATE, rd, answer.x[1], TREALM_OTHER, 3).x[0] ==
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

/* What never succeeded was not tried. */
static void check_successes(void)
{
	for (unsigned int n = RSI_CSM_CREATE_FID - RSI_CSM_FID_FIRST;
	     n <= RSI_CSM_FID_LAST - RSI_CSM_FID_FIRST; n++) {
		unsigned int count = successes[0][n] + successes[1][n];

		print_message("# command %u of CSM succeeded %u times\n", n, count);
		assert_int_not_equal(count, 0);
	}
}

static void everybody_at_once(void **state)
{
	(void)state;
	for (unsigned int p = 0; p < 2; p++) {
		ids[p] = trealm_id(trealm_make(1));
	}
	memset(successes, 0, sizeof(successes));
	atomic_store_explicit(&living, 2, memory_order_relaxed);
	machine_on_run = take_step;
	sim_run_cpus(4, on_cpu, NULL);
	check_successes();
	trealm_destroy_all();
}

/* Realms that look for each other while they go. */
static void one_goes(unsigned int cpu, void *context)
{
	(void)context;
	if (cpu == 0) {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			call(0, RSI_CSM_RESERVE_FID, ids[1], 1, TREALM_OTHER, PAGE(1));
			call(0, RSI_CSM_PEER_FID, ids[1], 0, 0, 0);
			call(0, RSI_CSM_QUERY_FID, ids[1], 0, 0, 0);
		}
	} else {
		trealm_destroy(&trealms[1]);
	}
}

static void finding_the_dying(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < 5; round++) {
		trealm_count = 0;
		for (unsigned int p = 0; p < 2; p++) {
			ids[p] = trealm_id(trealm_make(1));
		}
		trealm_lend(&trealms[1], &trealms[0], 1, RW);
		machine_on_run = take_step;
		sim_run_cpus(2, one_goes, NULL);
		trealm_destroy(&trealms[0]);
	}
}

/*
 * hazard 06: a page and the table in which it is lent go at the same time. Whoever cuts the table
 * off gives up the loan before the other can miss it.
 */
#define LENT  512U
#define TAKEN 128U

static atomic_uint arrived;

/* Both CPUs are here for the n-th time. */
static void meet(unsigned int n)
{
	atomic_fetch_add_explicit(&arrived, 1, memory_order_relaxed);
	while (atomic_load_explicit(&arrived, memory_order_relaxed) < 2 * n) {
		arch_cpu_relax();
	}
}

static void take_table(void)
{
	uint64_t rd = trealms[1].realm.rd;

	for (unsigned int n = 1; n <= TAKEN; n++) {
		struct sim_answer answer;

		call(1, RSI_CSM_DETACH_AND_FREE_FID, ids[0], 1, 0, 0);
		SIM_CHECK(call(1, RSI_CSM_RESERVE_FID, ids[0], 1, TREALM_OTHER, PAGE(LENT)) ==
			  RSI_SUCCESS);
		SIM_CHECK(call(1, RSI_CSM_ATTACH_FID, ids[0], 1, 0, 0) == RSI_SUCCESS);
		meet(n);
		answer = RMI(RMI_RTT_DESTROY, rd, TREALM_OTHER, 3);
		SIM_CHECK(answer.x[0] == RMI_SUCCESS);
		SIM_CHECK(RMI(RMI_RTT_CREATE, rd, answer.x[1], TREALM_OTHER, 3).x[0] ==
			  RMI_SUCCESS);
	}
}

static void take_pages(void)
{
	uint64_t rd = trealms[0].realm.rd;
	uint64_t seed = 5;

	for (unsigned int n = 1; n <= TAKEN; n++) {
		meet(n);
		for (volatile uint64_t i = below(&seed, 32768); i != 0; i--) {
		}
		SIM_CHECK(RMI(RMI_DATA_DESTROY, rd, TREALM_WIDE + PAGE(LENT - n)).x[0] ==
			  RMI_SUCCESS);
	}
}

static void one_takes(unsigned int cpu, void *context)
{
	(void)context;
	if (cpu == 0) {
		take_table();
	} else {
		take_pages();
	}
}

static void page_and_table(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);

	(void)state;
	sim_realm_tables(&provider->realm, TREALM_WIDE, 3);
	for (uint64_t i = 0; i < LENT; i++) {
		sim_delegate(SIM_HIGH + PAGE(i));
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, provider->realm.rd, SIM_HIGH + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
	ids[0] = trealm_id(provider);
	ids[1] = trealm_id(consumer);
	assert_int_equal(CSM(provider, CREATE, TREALM_WIDE, BLOCK, 0).x[1], 1);
	trealm_share(provider, 1, consumer, RW);
	machine_on_run = take_step;
	atomic_store_explicit(&arrived, 0, memory_order_relaxed);
	sim_run_cpus(2, one_takes, NULL);
	assert_int_equal(sim_refs(SIM_HIGH), 0);
	trealm_destroy_all();
}

/*
 * --- a CPU makes, seals and ends regions, another one makes a block of their pages and splits it
 */

#define EDGES 150U

/* What the CPU of the realm does; the host waits for its first SPLIT exit before it splits. */
enum { SEALING_DONE, SEALING, SEALING_BEGINS };
static atomic_uint sealing;
static uint64_t block_table;

/* Until the host has split the block, which the realm's CPU does not do. */
static uint64_t create_part(uint64_t base, uint64_t size, unsigned int *asked)
{
	struct rmi_rec_exit exit;
	uint64_t status;

	for (;;) {
		step = (struct sim_step)SIM_SMC(RSI_CSM_CREATE_FID, base, size, 0, 0);
		exit = enter(0);
		status = sim_rec(&trealms[0].realm, 0)->vcpu.gprs[0];
		if (exit.exit_reason != RMI_EXIT_CSM_SPLIT) {
			break;
		}
		SIM_CHECK(exit.ripas_base == TREALM_WIDE && exit.ripas_top == TREALM_WIDE + BLOCK);
		++*asked;
		atomic_store_explicit(&sealing, SEALING, memory_order_relaxed);
	}
	SIM_CHECK(status == RSI_SUCCESS);
	return sim_rec(&trealms[0].realm, 0)->vcpu.gprs[1];
}

static void make_and_seal(void)
{
	unsigned int asked = 0;
	uint64_t seed = 7;

	for (unsigned int n = 0; n < EDGES; n++) {
		uint64_t base = TREALM_WIDE + PAGE(below(&seed, LENT - 2));
		uint64_t region = create_part(base, PAGE(2), &asked);

		SIM_CHECK(call(0, RSI_CSM_SEAL_FID, region, 0, 0, 0) == RSI_SUCCESS);
		SIM_CHECK(call(0, RSI_CSM_DESTROY_FID, region, 0, 0, 0) == RSI_SUCCESS);
	}
	/* It was one block at the beginning. */
	SIM_CHECK(asked != 0);
	atomic_store_explicit(&sealing, SEALING_DONE, memory_order_relaxed);
}

static void fold_and_split(void)
{
	uint64_t rd = trealms[0].realm.rd;
	bool block = true;

	while (atomic_load_explicit(&sealing, memory_order_relaxed) == SEALING_BEGINS) {
		arch_cpu_relax();
	}
	while (block || atomic_load_explicit(&sealing, memory_order_relaxed) != SEALING_DONE) {
		struct sim_answer answer;

		if (block) {
			answer = RMI(RMI_RTT_CREATE, rd, block_table, TREALM_WIDE, 3);
			SIM_CHECK(answer.x[0] == RMI_SUCCESS);
			block = false;
			continue;
		}
		answer = RMI(RMI_RTT_FOLD, rd, TREALM_WIDE, 3);
		SIM_CHECK(answer.x[0] == RMI_SUCCESS || answer.x[0] == rmi_status_rtt(3));
		block = answer.x[0] == RMI_SUCCESS;
	}
}

static void one_folds(unsigned int cpu, void *context)
{
	(void)context;
	if (cpu == 0) {
		make_and_seal();
	} else {
		fold_and_split();
	}
}

static void edge_and_fold(void **state)
{
	struct trealm *provider = trealm_make(1);
	uint64_t rd = provider->realm.rd;
	struct sim_answer answer;

	(void)state;
	sim_realm_tables(&provider->realm, TREALM_WIDE, 3);
	for (uint64_t i = 0; i < BLOCK / GRANULE_SIZE; i++) {
		sim_delegate(SIM_HIGH + PAGE(i));
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, SIM_HIGH + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
	answer = RMI(RMI_RTT_FOLD, rd, TREALM_WIDE, 3);
	ASSERT_RMI_OK(answer);
	block_table = answer.x[1];
	machine_on_run = take_step;
	atomic_store_explicit(&sealing, SEALING_BEGINS, memory_order_relaxed);
	sim_run_cpus(2, one_folds, NULL);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("hazard 16: two realms and the host on four CPUs", everybody_at_once),
		TREALM_TEST("hazard 09: a realm goes while another one looks for it",
			    finding_the_dying),
		TREALM_TEST("hazard 06: a page goes while the table goes where it is lent",
			    page_and_table),
		TREALM_TEST("RMI_RTT_FOLD while RSI_CSM_CREATE and SEAL look at the edges",
			    edge_and_fold),
	};
	return unit_run(tests);
}
