// SPDX-License-Identifier: BSD-3-Clause
/* What the host does to realms that share: the changed commands of RMM 1.0, and hostile hosts. */
#include "csm/csm_unit.h"

#define RO CSM_PERM_READ
#define RW (CSM_PERM_READ | CSM_PERM_WRITE)

static uint64_t own_page(const struct trealm *trealm, unsigned int n)
{
	return trealm_map(trealm, TREALM_OWN + PAGE(n)).pa;
}

/* --- RMI_DATA_* */

/* hazard 05, hazard 10: what is lent is not the host's to destroy or to replace there. */
static void consumer_data(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	uint64_t rd = consumer->realm.rd;
	uint64_t spare = sim_realm_delegated(&consumer->realm);
	struct sim_answer answer;

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	ASSERT_REFUSED(RMI(RMI_DATA_CREATE_UNKNOWN, rd, spare, TREALM_OTHER), RMI_ERROR_INPUT,
		       csm_reserved);
	trealm_attach(consumer, provider, region);
	for (unsigned int i = 0; i < 4; i++) {
		answer = RMI(RMI_DATA_CREATE_UNKNOWN, rd, spare, TREALM_OTHER + PAGE(i));
		ASSERT_REFUSED(answer, RMI_ERROR_INPUT, csm_reserved);
		answer = RMI(RMI_DATA_DESTROY, rd, TREALM_OTHER + PAGE(i));
		ASSERT_REFUSED(answer, rmi_status_rtt(3), rtte_state);
		assert_int_equal(answer.x[1], 0);
		assert_int_equal(answer.x[2], TREALM_OTHER + BLOCK);
		assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(i)).pa,
				 own_page(provider, i));
	}
	assert_int_equal(sim_state(spare), GRANULE_DELEGATED);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	ASSERT_REFUSED(RMI(RMI_DATA_CREATE_UNKNOWN, rd, spare, TREALM_OTHER), RMI_ERROR_INPUT,
		       csm_reserved);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, spare, TREALM_OTHER));
	trealm_destroy_all();
}

/* hazard 06: gone for all before it is wiped and given back. */
static void provider_data(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumers[3];
	uint64_t region = trealm_region(provider, 0, 4);
	uint64_t page = own_page(provider, 1);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		consumers[i] = trealm_make(1);
		trealm_share(provider, region, consumers[i], RW);
		trealm_reserve(consumers[i], provider, region, TREALM_OTHER, 4);
		trealm_attach(consumers[i], provider, region);
	}
	memset(machine_raw(pa_of(page)), 0x77, GRANULE_SIZE);
	assert_int_equal(sim_refs(page), 3);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_OWN + PAGE(1)));
	assert_true(sim_is_zero(page));
	assert_int_equal(sim_state(page), GRANULE_DELEGATED);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(trealm_map(consumers[i], TREALM_OTHER + PAGE(1)).pa, 0);
		ASSERT_ABORTS(consumers[i], TREALM_OTHER + PAGE(1));
		ASSERT_READS(consumers[i], TREALM_OTHER + PAGE(2), own_page(provider, 2));
	}
	/* A page that was lost stays lost: nobody can have agreed to what comes in its place. */
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, provider->realm.rd, page, TREALM_OWN + PAGE(1)));
	assert_int_equal(own_page(provider, 1), 0);
	ASSERT_ABORTS(consumers[0], TREALM_OTHER + PAGE(1));
	trealm_destroy_all();
}

/* The command does not keep an interrupt waiting for all consumers: accesses map the page then. */
static void page_added_interrupted(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumers[3];
	uint64_t region = trealm_region(provider, TREALM_PAGES, 2);
	uint64_t page = sim_realm_delegated(&provider->realm);

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		consumers[i] = trealm_make(1);
		trealm_share(provider, region, consumers[i], RW);
		trealm_reserve(consumers[i], provider, region, TREALM_OTHER, 2);
		trealm_attach(consumers[i], provider, region);
	}
	machine_on_interrupt_pending = trealm_interrupted;
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, provider->realm.rd, page,
			  TREALM_OWN + PAGE(TREALM_PAGES)));
	machine_on_interrupt_pending = NULL;
	assert_int_equal(sim_refs(page), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(trealm_map(consumers[i], TREALM_OTHER).pa, 0);
		ASSERT_READS(consumers[i], TREALM_OTHER, page);
		assert_int_equal(sim_refs(page), i + 1);
	}
	trealm_destroy_all();
}

/* --- RMI_RTT_* */

static void read_entry(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct sim_answer answer;

	(void)state;
	trealm_lend(provider, consumer, 2, RW);
	answer = RMI(RMI_RTT_READ_ENTRY, consumer->realm.rd, TREALM_OTHER, 3);
	assert_int_equal(answer.x[1], 3);
	assert_int_equal(answer.x[2], RMI_UNASSIGNED);
	assert_int_equal(answer.x[3], 0);
	assert_int_equal(answer.x[4], S2_EMPTY);
	ASSERT_OK(CSM(provider, SEAL, 1));
	answer = RMI(RMI_RTT_READ_ENTRY, provider->realm.rd, TREALM_OWN, 3);
	assert_int_equal(answer.x[2], RMI_ASSIGNED);
	assert_int_equal(answer.x[3], own_page(provider, 0));
	trealm_destroy_all();
}

static void destroy_table(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t rd = consumer->realm.rd;
	struct sim_answer answer;
	struct rmi_rec_exit exit;

	(void)state;
	trealm_lend(provider, consumer, 4, RO);
	answer = RMI(RMI_RTT_DESTROY, rd, TREALM_OTHER, 3);
	ASSERT_RMI_OK(answer);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sim_refs(own_page(provider, i)), 0);
	}
	assert_int_equal(trealm_touch(consumer, TREALM_OTHER, false, &exit), TOUCH_EXIT);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, answer.x[1], TREALM_OTHER, 3));
	ASSERT_READS(consumer, TREALM_OTHER + PAGE(3), own_page(provider, 3));
	assert_false(trealm_map(consumer, TREALM_OTHER + PAGE(3)).write);
	trealm_destroy_all();
}

/* The host cannot bring a page there, so that a command that waits for one would wait for ever. */
static void buffer_without_table(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t config[] = {RSI_REALM_CONFIG_FID, TREALM_OTHER};
	uint64_t token[] = {RSI_ATTESTATION_TOKEN_CONTINUE_FID, TREALM_OTHER, 0, 64};
	uint64_t call[] = {RSI_HOST_CALL_FID, TREALM_OTHER};
	uint64_t init[9] = {RSI_ATTESTATION_TOKEN_INIT_FID};
	uint64_t other = trealm_region(consumer, 0, 1);
	struct trealm_call result;

	(void)state;
	trealm_lend(provider, consumer, 4, RO);
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, consumer->realm.rd, TREALM_OTHER, 3));
	ASSERT_OK(trealm_call_args(consumer, init, 9));
	result = trealm_call_args(consumer, config, 2);
	assert_int_equal(result.x[0], RSI_ERROR_INPUT);
	assert_int_equal(result.exit.exit_reason, RMI_EXIT_IRQ);
	assert_int_equal(result.exit.esr | result.exit.hpfar, 0);
	assert_int_equal(trealm_call_args(consumer, token, 4).x[0], RSI_ERROR_INPUT);
	assert_int_equal(trealm_call_args(consumer, call, 2).x[0], RSI_ERROR_INPUT);
	assert_int_equal(CSM(consumer, SHARE, other, 77, CSM_PERM_READ, TREALM_OTHER).x[0],
			 RSI_ERROR_INPUT);
	trealm_destroy_all();
}

static void ripas_stays(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t set[] = {RSI_IPA_STATE_SET_FID, 0, 0, RSI_RIPAS_EMPTY, 0};
	struct {
		struct trealm *trealm;
		uint64_t base, top;
	} cases[] = {
		{provider, TREALM_OWN, TREALM_OWN + PAGE(4)},
		{provider, TREALM_OWN + PAGE(3), TREALM_OWN + PAGE(9)},
		{consumer, TREALM_OTHER, TREALM_OTHER + PAGE(1)},
		{consumer, TREALM_OWN, TREALM_OTHER + BLOCK},
	};

	(void)state;
	trealm_lend(provider, consumer, 4, RO);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		set[1] = cases[i].base;
		set[2] = cases[i].top;
		ASSERT_DENIED(trealm_call_args(cases[i].trealm, set, 5), RSI_ERROR_STATE,
			      csm_range);
	}
	set[1] = TREALM_OWN + PAGE(4);
	set[2] = TREALM_OWN + PAGE(5);
	assert_int_equal(trealm_call_args(provider, set, 5).exit.exit_reason,
			 RMI_EXIT_RIPAS_CHANGE);
	trealm_destroy_all();
}

/* A request that another REC made before the region was there. */
static void ripas_request(void **state)
{
	struct trealm *trealm = trealm_make(1);
	struct sim_realm *realm = &trealm->realm;
	uint64_t base = TREALM_OWN + PAGE(2);
	struct rec *rec = sim_rec(realm, 0);

	(void)state;
	trealm_region(trealm, 0, 4);
	rec->ripas_base = ipa_of(base);
	rec->ripas_top = ipa_of(base + PAGE(4));
	rec->ripas_value = S2_EMPTY;
	ASSERT_REFUSED(RMI(RMI_RTT_SET_RIPAS, realm->rd, realm->recs[0], base, base + PAGE(4)),
		       RMI_ERROR_INPUT, csm_range);
	assert_int_not_equal(own_page(trealm, 3), 0);
	assert_int_equal(rec->ripas_base.v, base);
	trealm_destroy_all();
}

/* --- blocks */

#define HIGH_PAGES 512U

/* 2 MiB of the provider at TREALM_WIDE, in pages that could be a block / in one block. */
static void make_pages(struct trealm *provider)
{
	uint64_t rd = provider->realm.rd;

	sim_realm_tables(&provider->realm, TREALM_WIDE, 3);
	for (uint64_t i = 0; i < HIGH_PAGES; i++) {
		sim_delegate(SIM_HIGH + PAGE(i));
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, SIM_HIGH + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
}

static void make_block(struct trealm *provider)
{
	make_pages(provider);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_WIDE, 3));
}

static uint64_t lend_block(struct trealm *provider, struct trealm *consumer, uint64_t base)
{
	struct trealm_call call = CSM_FINISH(provider, CREATE, TREALM_WIDE, 2 * BLOCK, 0);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	trealm_share(provider, call.x[1], consumer, RW);
	trealm_reserve(consumer, provider, call.x[1], base, 2 * HIGH_PAGES);
	trealm_attach(consumer, provider, call.x[1]);
	return call.x[1];
}

static void split_provider(struct trealm *provider)
{
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, provider->realm.rd, sim_realm_delegated(&provider->realm),
			  TREALM_WIDE, 3));
}

static void block_for_block(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct machine_tlb_count before;
	uint64_t region;

	(void)state;
	make_block(provider);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	region = lend_block(provider, consumer, TREALM_BARE);
	assert_true(trealm_map(consumer, TREALM_BARE).block);
	assert_int_equal(trealm_map(consumer, TREALM_BARE + PAGE(511)).pa, SIM_HIGH + PAGE(511));
	assert_int_equal(sim_refs(SIM_HIGH), 1);
	assert_int_equal(sim_refs(SIM_HIGH + PAGE(1)), 0);
	/* hazard 21: one invalidation for the block. */
	before = machine_tlb_count();
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	assert_int_equal(machine_tlb_count().entries + machine_tlb_count().ranges,
			 before.entries + before.ranges + 1);
	assert_int_equal(trealm_map(consumer, TREALM_BARE).pa, 0);
	assert_int_equal(sim_refs(SIM_HIGH), 0);
	split_provider(provider);
	trealm_destroy_all();
}

/* hazard 07: split, partly taken away, and not to be folded again. */
static void block_split(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t rd = consumer->realm.rd;
	uint64_t table = sim_realm_delegated(&consumer->realm);

	(void)state;
	make_block(provider);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	lend_block(provider, consumer, TREALM_BARE);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, table, TREALM_BARE, 3));
	for (uint64_t i = 0; i < HIGH_PAGES; i++) {
		struct mapping mapping = trealm_map(consumer, TREALM_BARE + PAGE(i));

		assert_int_equal(mapping.pa, SIM_HIGH + PAGE(i));
		assert_true(mapping.write && !mapping.exec && !mapping.block);
		assert_int_equal(sim_refs(mapping.pa), 1);
	}
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 3), rmi_status_rtt(3), rtt_homo);
	split_provider(provider);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_WIDE + PAGE(9)));
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 3), rmi_status_rtt(3), rtt_homo);
	ASSERT_ABORTS(consumer, TREALM_BARE + PAGE(9));
	ASSERT_READS(consumer, TREALM_BARE + PAGE(10), SIM_HIGH + PAGE(10));
	trealm_destroy_all();
}

/* hazard 07: the provider loses a page out of what the consumer has as a block. */
static void block_loses_page(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct rmi_rec_exit exit;

	(void)state;
	make_block(provider);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	lend_block(provider, consumer, TREALM_BARE);
	split_provider(provider);
	assert_true(trealm_map(consumer, TREALM_BARE + PAGE(9)).block);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_WIDE + PAGE(9)));
	assert_int_equal(trealm_map(consumer, TREALM_BARE).pa, 0);
	assert_int_equal(trealm_touch(consumer, TREALM_BARE, false, &exit), TOUCH_EXIT);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 3);
	ASSERT_READS(consumer, TREALM_BARE, SIM_HIGH);
	ASSERT_ABORTS(consumer, TREALM_BARE + PAGE(9));
	trealm_destroy_all();
}

/* Addresses that are not congruent, and a table that is there already: pages. */
static void block_as_pages(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t base = TREALM_BARE + PAGE(3);

	(void)state;
	make_block(provider);
	sim_realm_tables(&consumer->realm, base, 3);
	sim_realm_tables(&consumer->realm, base + BLOCK, 3);
	lend_block(provider, consumer, base);
	for (uint64_t i = 0; i < HIGH_PAGES; i++) {
		assert_int_equal(trealm_map(consumer, base + PAGE(i)).pa, SIM_HIGH + PAGE(i));
		assert_false(trealm_map(consumer, base + PAGE(i)).block);
	}
	split_provider(provider);
	trealm_destroy_all();
}

static void block_sealed(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm_call call;

	(void)state;
	make_block(provider);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	call = CSM(provider, CREATE, TREALM_WIDE, BLOCK, 0);
	trealm_share(provider, call.x[1], consumer, RW);
	trealm_reserve(consumer, provider, call.x[1], TREALM_BARE, HIGH_PAGES);
	trealm_attach(consumer, provider, call.x[1]);
	ASSERT_OK(CSM_FINISH(provider, SEAL, call.x[1]));
	assert_int_equal(trealm_access(provider, TREALM_WIDE, true), TOUCH_ABORT);
	assert_int_equal(trealm_access(consumer, TREALM_BARE, true), TOUCH_ABORT);
	split_provider(provider);
	assert_int_equal(trealm_access(provider, TREALM_WIDE + PAGE(7), true), TOUCH_ABORT);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_WIDE, 3), rmi_status_rtt(3),
		       rtt_homo);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, call.x[1]));
	assert_true(trealm_map(provider, TREALM_WIDE + PAGE(7)).write);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_WIDE, 3));
	split_provider(provider);
	trealm_destroy_all();
}

/* Half of the pages, whose SEAL has been stopped when it had looked at them. */
static uint64_t half_sealed(struct trealm *provider, unsigned int first)
{
	uint64_t base = TREALM_WIDE + PAGE(first);
	struct trealm_call call = CSM_FINISH(provider, CREATE, base, BLOCK / 2, 0);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(provider, SEAL, call.x[1]).x[0], RSI_INCOMPLETE);
	machine_on_interrupt_pending = NULL;
	return call.x[1];
}

/*
 * The host cannot make one block of the pages of two regions between two steps of their SEAL, so
 * neither is sealed, or opened again at its end, with the other's pages.
 */
static void block_while_sealing(void **state)
{
	struct trealm *provider = trealm_make(1);
	uint64_t rd = provider->realm.rd;
	uint64_t low;
	uint64_t high;

	(void)state;
	make_pages(provider);
	low = half_sealed(provider, 0);
	high = half_sealed(provider, HIGH_PAGES / 2);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_WIDE, 3), rmi_status_rtt(3), rtt_homo);
	ASSERT_DENIED(CSM(provider, DIGEST, trealm_id(provider), low), RSI_ERROR_STATE, not_sealed);
	assert_true(trealm_map(provider, TREALM_WIDE).write);
	ASSERT_OK(CSM_FINISH(provider, SEAL, low));
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_WIDE, 3), rmi_status_rtt(3), rtt_homo);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, high));
	assert_int_equal(trealm_access(provider, TREALM_WIDE, true), TOUCH_ABORT);
	assert_true(trealm_map(provider, TREALM_WIDE + PAGE(HIGH_PAGES / 2)).write);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, low));
	assert_true(trealm_map(provider, TREALM_WIDE).write);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, TREALM_WIDE, 3));
	split_provider(provider);
	trealm_destroy_all();
}

/* The provider has addresses of 52 bits, and a page that the consumer's tables cannot name. */
static void page_too_far(void **state)
{
	struct trealm *provider;
	struct trealm *consumer;

	(void)state;
	sim_reset_far();
	provider = trealm_make_as(trealm_count++, 1, RMI_REALM_FLAG_LPA2);
	consumer = trealm_make(1);
	sim_delegate(SIM_FAR);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, provider->realm.rd, SIM_FAR,
			  TREALM_OWN + PAGE(TREALM_PAGES)));
	trealm_lend(provider, consumer, TREALM_PAGES + 1, RW);
	assert_int_equal(trealm_access(consumer, TREALM_OTHER, false), TOUCH_DONE);
	ASSERT_ABORTS(consumer, TREALM_OTHER + PAGE(TREALM_PAGES));
	assert_int_equal(sim_refs(SIM_FAR), 0);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_OWN + PAGE(TREALM_PAGES)));
	trealm_destroy_all();
}

/* --- hostile hosts */

/* hazard 23, invariant 08: APTs and realms go in every order, and everything comes back. */
static void any_order(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < 16; order++) {
		struct trealm *provider;
		struct trealm *consumer;

		trealm_count = 0;
		provider = trealm_make(2);
		consumer = trealm_make(2);
		trealm_lend(provider, consumer, 4, RW);
		trealm_lend(consumer, provider, 3, RO);
		if ((order & 1) != 0) {
			trealm_drop_apts(provider);
		}
		if ((order & 2) != 0) {
			trealm_drop_apts(consumer);
		}
		if ((order & 4) != 0) {
			trealm_drop_data(consumer, 0, TREALM_BARE);
		}
		trealm_destroy((order & 8) != 0 ? consumer : provider);
		trealm_destroy((order & 8) != 0 ? provider : consumer);
	}
}

static void apt_in_steps(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm *third = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, RW);
	unsigned int calls = 1;

	(void)state;
	trealm_share(provider, region, third, RO);
	trealm_reserve(third, provider, region, TREALM_OTHER, 4);
	trealm_attach(third, provider, region);
	ASSERT_OK(CSM(provider, SEAL, region));
	trealm_lend(consumer, provider, 3, RW);
	machine_on_interrupt_pending = trealm_interrupted;
	while (RMI(RMI_APT_DESTROY, provider->realm.rd, provider->apt[0]).x[0] == CSM_INCOMPLETE) {
		calls++;
	}
	machine_on_interrupt_pending = NULL;
	assert_in_range(calls, 4, 12);
	assert_true(sim_is_zero(provider->apt[0]));
	provider->apt_count = 0;
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	ASSERT_ABORTS(third, TREALM_OTHER);
	assert_true(trealm_map(provider, TREALM_OWN).write);
	ASSERT_DENIED(CSM(provider, QUERY, trealm_id(provider), 0), CSM_ERROR_NO_APT, apt);
	trealm_destroy_all();
}

/* invariant 12: a realm that goes on making regions does not keep a granule from its host. */
static void apt_while_running(void **state)
{
	struct trealm *trealm = trealm_make(2);
	uint64_t rd = trealm->realm.rd;
	uint64_t last;

	(void)state;
	trealm_region(trealm, 0, 1);
	last = trealm_region(trealm, 1, 1);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(RMI(RMI_APT_DESTROY, rd, trealm->apt[0]).x[0], CSM_INCOMPLETE);
	/* What is new is in the other granule. */
	trealm_region(trealm, 2, 1);
	assert_int_equal(RMI(RMI_APT_DESTROY, rd, trealm->apt[0]).x[0], CSM_INCOMPLETE);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, rd, trealm->apt[0]));
	ASSERT_DENIED(CSM(trealm, DESTROY, last), RSI_ERROR_INPUT, region);
	ASSERT_OK(CSM(trealm, DESTROY, last + 1));
	/* Without another one there is no room, though the granule still has some. */
	trealm_region(trealm, 3, 1);
	assert_int_equal(RMI(RMI_APT_DESTROY, rd, trealm->apt[1]).x[0], CSM_INCOMPLETE);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, PAGE(1), 0), CSM_ERROR_NO_SPACE, space);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, rd, trealm->apt[1]));
	machine_on_interrupt_pending = NULL;
	trealm->apt_count = 0;
	trealm_destroy_all();
}

/* Nor does what only signals are left of make room in it. */
static void apt_with_ended(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t rd = provider->realm.rd;
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);

	(void)state;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_OK(CSM(provider, SHARE, region, 5, RO, 0));
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(RMI(RMI_APT_DESTROY, rd, provider->apt[0]).x[0], CSM_INCOMPLETE);
	ASSERT_DENIED(CSM(provider, CREATE, TREALM_OWN + PAGE(1), PAGE(1), 0), CSM_ERROR_NO_SPACE,
		      space);
	machine_on_interrupt_pending = NULL;
	trealm_destroy_all();
}

/* hazard 02, hazard 01: a consumer goes, and one that looks like it comes to the same place. */
static void look_alike(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, RW);
	uint64_t before = trealm_id(consumer);
	uint64_t rd = consumer->realm.rd;

	(void)state;
	trealm_destroy(consumer);
	trealm_count = 1;
	consumer = trealm_make(1);
	assert_int_equal(consumer->realm.rd, rd);
	assert_int_not_equal(trealm_id(consumer), before);
	ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(4), 0),
		      CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), RSI_ERROR_INPUT,
		      reservation);
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	/* The provider sees the grant unattached, and can still take it back. */
	ASSERT_OK(CSM(provider, REVOKE, region, before));
	trealm_destroy_all();
}

/* The provider goes: a dead reservation is all that is left of it. */
static void provider_gone(void **state)
{
	struct trealm *consumer = trealm_make(1);
	struct trealm *provider = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, RW);
	uint64_t p = trealm_id(provider);
	uint64_t spare;

	(void)state;
	trealm_destroy(provider);
	trealm_count = 1;
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	ASSERT_DENIED(CSM(consumer, ATTACH, p, region), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	assert_int_equal(CSM(consumer, QUERY, p, 0).x[4],
			 rsi_csm_query_pack(0, CSM_STATE_ENDED, 0));
	spare = sim_realm_delegated(&consumer->realm);
	ASSERT_REFUSED(RMI(RMI_DATA_CREATE_UNKNOWN, consumer->realm.rd, spare, TREALM_OTHER),
		       RMI_ERROR_INPUT, csm_reserved);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, p, region));
	trealm_destroy_all();
}

/* hazard 13: only what is unassigned is mapped over. */
static void own_page_stays(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	uint64_t own = sim_realm_data(&consumer->realm, TREALM_OTHER + PAGE(3));
	struct sim_answer answer;

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	for (unsigned int i = 0; i < 3; i++) {
		ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), RSI_ERROR_STATE,
			      own_granule);
	}
	answer = RMI(RMI_RTT_READ_ENTRY, consumer->realm.rd, TREALM_OTHER + PAGE(3), 3);
	assert_int_equal(answer.x[2], RMI_ASSIGNED);
	assert_int_equal(answer.x[3], own);
	trealm_destroy_all();
}

/* hazard 21: what was never mapped costs no invalidation. */
static void quiet_revoke(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, TREALM_PAGES, 4);
	struct machine_tlb_count before = machine_tlb_count();
	struct machine_tlb_count after;

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	trealm_attach(consumer, provider, region);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	after = machine_tlb_count();
	assert_int_equal(before.entries, after.entries);
	assert_int_equal(before.ranges, after.ranges);
	assert_int_equal(before.alls, after.alls);
	trealm_destroy_all();
}

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* A number that a command might take for something. */
static uint64_t wild(uint64_t *seed, const struct trealm *left, const struct trealm *right)
{
	const uint64_t values[] = {
		0,
		1,
		2,
		3,
		trealm_id(left),
		trealm_id(right),
		TREALM_OWN,
		TREALM_OTHER,
		PAGE(1),
		PAGE(4),
		BIT(39),
		BIT(63),
		~UINT64_C(0),
		CSM_PERM_ALL,
		TREALM_POLICY,
		0xFFF,
		left->realm.rd,
		next_random(seed),
		0 - PAGE(1),
		BIT(39) - PAGE(1),
	};

	return values[next_random(seed) % ARRAY_LENGTH(values)];
}

/* hazard 19, invariant 12: a realm says anything, and nothing stops. */
static void wild_arguments(void **state)
{
	struct trealm *left = trealm_make(1);
	struct trealm *right = trealm_make(1);
	uint64_t seed = 42;

	(void)state;
	trealm_lend(left, right, 4, RW);
	for (unsigned int i = 0; i < 4000; i++) {
		uint64_t args[6] = {RSI_CSM_FID_FIRST + next_random(&seed) % 14};
		struct trealm *trealm = next_random(&seed) % 2 == 0 ? left : right;

		for (unsigned int n = 1; n < 6; n++) {
			args[n] = wild(&seed, left, right);
		}
		(void)trealm_call_args(trealm, args, 6);
	}
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("a page that is added while an interrupt is pending",
			    page_added_interrupted),
		TREALM_TEST("RMI_DATA_CREATE_UNKNOWN csm_reserved; hazard 05; hazard 10",
			    consumer_data),
		TREALM_TEST("RMI_DATA_DESTROY of a page that is lent; hazard 06", provider_data),
		TREALM_TEST("RMI_RTT_READ_ENTRY of what is lent, and sealed", read_entry),
		TREALM_TEST("RMI_RTT_DESTROY of a table with what is lent", destroy_table),
		TREALM_TEST("buffers of the RMM where a consumer has no table: refused",
			    buffer_without_table),
		TREALM_TEST("RSI_IPA_STATE_SET csm_range", ripas_stays),
		TREALM_TEST("RMI_RTT_SET_RIPAS csm_range", ripas_request),
		TREALM_TEST("a block for a block; hazard 21", block_for_block),
		TREALM_TEST("RMI_RTT_CREATE over a block; hazard 07", block_split),
		TREALM_TEST("hazard 07: a page lost out of a block", block_loses_page),
		TREALM_TEST("a block as pages", block_as_pages),
		TREALM_TEST("RSI_CSM_SEAL of blocks", block_sealed),
		TREALM_TEST("a page that the consumer cannot address", page_too_far),
		TREALM_TEST("RMI_RTT_FOLD rtt_homo: pages of two regions in SEAL; invariant 02",
			    block_while_sealing),
		TREALM_TEST("hazard 23: teardown in any order; invariant 08", any_order),
		TREALM_TEST("RMI_APT_DESTROY yields at every step", apt_in_steps),
		TREALM_TEST("RMI_APT_DESTROY of a realm that goes on; invariant 12",
			    apt_while_running),
		TREALM_TEST("RMI_APT_DESTROY where signals of what has ended are left",
			    apt_with_ended),
		TREALM_TEST("hazard 02: a grant does not outlive its consumer", look_alike),
		TREALM_TEST("the provider is gone", provider_gone),
		TREALM_TEST("hazard 13: the consumer's own page is not mapped over",
			    own_page_stays),
		TREALM_TEST("hazard 21: nothing mapped, nothing invalidated", quiet_revoke),
		TREALM_TEST("hazard 19: wild arguments; invariant 12", wild_arguments),
	};
	return unit_run(tests);
}
