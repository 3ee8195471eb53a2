// SPDX-License-Identifier: BSD-3-Clause
/*
 * Blocks of 1 GiB: lent as they are, and then split, opened, sealed and taken apart by either side.
 *
 * The provider's block is put into its table directly, since a quarter of a million commands would
 * make it; so only those of its granules are DATA that something here counts or takes away: the
 * first of each 2 MiB, and all of one piece.
 */
#include "csm/csm_unit.h"

#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)
#define GIB    SIM_GIANT_SIZE
#define PIECES 512U
#define PIECE  3U /* the piece with all of its granules */
#define AT     (TREALM_BARE + PIECE * BLOCK)
#define PA_AT  (SIM_GIANT + PIECE * BLOCK)

static struct trealm *provider;
static struct trealm *consumer;

static void set_entry(struct trealm *trealm, uint64_t ipa, struct s2_entry entry)
{
	struct s2_walk walk;

	s2_walk(trealm_s2(trealm), ipa_of(ipa), 3, &walk);
	s2_replace(&walk, entry);
	s2_walk_end(&walk);
}

static void make_granules(void)
{
	for (uint64_t i = 0; i < PIECES; i++) {
		sim_make(SIM_GIANT + i * BLOCK, GRANULE_DATA);
	}
	for (uint64_t i = 1; i < PIECES; i++) {
		sim_make(PA_AT + PAGE(i), GRANULE_DATA);
	}
}

/* A new machine with both test realms. The provider has the block, the consumer a level 1 table. */
static void begin(void)
{
	const struct s2_entry block = {
		.kind = S2_ASSIGNED,
		.ripas = S2_RAM,
		.pa = pa_of(SIM_GIANT),
	};

	sim_reset_giant();
	trealm_count = 0;
	provider = trealm_make(1);
	consumer = trealm_make(1);
	make_granules();
	sim_realm_tables(&provider->realm, TREALM_BARE, 1);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 1);
	set_entry(provider, TREALM_BARE, block);
	machine_command_end();
}

static void unmake(uint64_t pa)
{
	if (sim_state(pa) == GRANULE_DATA) {
		assert_int_equal(sim_refs(pa), 0);
		sim_unmake(pa);
	}
}

/* Everything is taken back: nobody borrows anything of it any more. */
static void end(void)
{
	const struct s2_entry nothing = {.kind = S2_UNASSIGNED, .ripas = S2_EMPTY};
	uint64_t ipa = TREALM_BARE;

	trealm_drop_apts(provider);
	trealm_drop_apts(consumer);
	while (ipa < TREALM_BARE + GIB) {
		uint64_t size = s2_entry_size(trealm_map(provider, ipa).level);

		set_entry(provider, ipa, nothing);
		ipa += size;
	}
	for (uint64_t i = 0; i < PIECES; i++) {
		unmake(SIM_GIANT + i * BLOCK);
		unmake(PA_AT + PAGE(i));
	}
	machine_command_end();
	trealm_destroy_all();
}

static uint64_t lend(void)
{
	struct trealm_call call = CSM(provider, CREATE, TREALM_BARE, GIB, 0);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	trealm_share(provider, call.x[1], consumer, RW);
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), call.x[1], TREALM_BARE, GIB, 0));
	trealm_attach(consumer, provider, call.x[1]);
	return call.x[1];
}

static unsigned int invalidations(void)
{
	struct machine_tlb_count count = machine_tlb_count();

	return count.entries + count.ranges + count.alls;
}

/* References of the first granules of all pieces, of the others of the one piece. */
static void expect_refs(unsigned int first, unsigned int pieces, unsigned int piece,
			unsigned int pages)
{
	assert_int_equal(sim_refs(SIM_GIANT), first);
	for (uint64_t i = 1; i < PIECES; i++) {
		if (i != PIECE) {
			assert_int_equal(sim_refs(SIM_GIANT + i * BLOCK), pieces);
		}
		assert_int_equal(sim_refs(PA_AT + PAGE(i)), pages);
	}
	assert_int_equal(sim_refs(PA_AT), piece);
}

static void table(struct trealm *trealm, uint64_t ipa, uint64_t level)
{
	uint64_t rtt = sim_realm_delegated(&trealm->realm);

	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, trealm->realm.rd, rtt, ipa, level));
}

/* One entry for all of it, and one invalidation to take it back. */
static void block_for_block(void **state)
{
	struct mapping mapping;
	unsigned int before;
	uint64_t region;

	(void)state;
	begin();
	before = invalidations();
	region = lend();
	assert_int_equal(trealm_calls, 1);
	assert_int_equal(invalidations(), before);
	mapping = trealm_map(consumer, TREALM_BARE + GIB - PAGE(1));
	assert_true(mapping.block && mapping.level == 1);
	assert_true(mapping.write && !mapping.exec);
	assert_int_equal(mapping.pa, SIM_GIANT + GIB - PAGE(1));
	expect_refs(1, 0, 0, 0);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	assert_int_equal(trealm_calls, 1);
	assert_int_equal(invalidations(), before + 1);
	assert_int_equal(trealm_map(consumer, TREALM_BARE).pa, 0);
	expect_refs(0, 0, 0, 0);
	end();
}

/* The consumer's side is split twice: each part is a loan of its own, and none can be folded. */
static void consumer_splits(void **state)
{
	uint64_t rd;
	uint64_t region;

	(void)state;
	begin();
	region = lend();
	rd = consumer->realm.rd;
	table(consumer, TREALM_BARE, 2);
	expect_refs(1, 1, 1, 0);
	table(consumer, AT, 3);
	expect_refs(1, 1, 1, 1);
	assert_int_equal(trealm_map(consumer, AT + PAGE(9)).pa, PA_AT + PAGE(9));
	assert_int_equal(trealm_map(consumer, AT + BLOCK).pa, PA_AT + BLOCK);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, AT, 3), rmi_status_rtt(3), rtt_homo);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 2), rmi_status_rtt(2), rtt_homo);
	/* A table goes with its loans, and what it mapped comes back as one block. */
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, AT, 3));
	expect_refs(1, 1, 0, 0);
	ASSERT_READS(consumer, AT + PAGE(9), PA_AT + PAGE(9));
	assert_true(trealm_map(consumer, AT).block);
	expect_refs(1, 1, 1, 0);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	expect_refs(0, 0, 0, 0);
	end();
}

/* hazard 07: the provider's side is opened, and loses a page out of what is lent as one block. */
static void provider_splits(void **state)
{
	struct rmi_rec_exit exit;
	uint64_t rd;
	uint64_t region;

	(void)state;
	begin();
	region = lend();
	rd = provider->realm.rd;
	table(provider, TREALM_BARE, 2);
	table(provider, AT, 3);
	assert_true(trealm_map(consumer, AT + PAGE(5)).level == 1);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, rd, AT + PAGE(5)));
	assert_true(sim_is_zero(PA_AT + PAGE(5)));
	assert_int_equal(trealm_map(consumer, TREALM_BARE).pa, 0);
	assert_int_equal(sim_refs(SIM_GIANT), 0);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, AT, 3), rmi_status_rtt(3), rtt_homo);

	/* It comes back on access, as large as both sides have it. */
	assert_int_equal(trealm_touch(consumer, TREALM_BARE, false, &exit), TOUCH_EXIT);
	assert_int_equal(exit.esr & 0x3F, 4 + 1);
	table(consumer, TREALM_BARE, 2);
	ASSERT_READS(consumer, TREALM_BARE + PAGE(7), SIM_GIANT + PAGE(7));
	assert_int_equal(trealm_map(consumer, TREALM_BARE).level, 2);
	assert_int_equal(trealm_touch(consumer, AT, false, &exit), TOUCH_EXIT);
	assert_int_equal(exit.esr & 0x3F, 4 + 2);
	table(consumer, AT, 3);
	ASSERT_READS(consumer, AT + PAGE(4), PA_AT + PAGE(4));
	ASSERT_ABORTS(consumer, AT + PAGE(5));
	assert_int_equal(sim_refs(PA_AT + PAGE(4)), 1);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	expect_refs(0, 0, 0, 0);
	end();
}

/* What the host opens and folds on the provider's side changes nothing for the consumer. */
static void provider_folds(void **state)
{
	uint64_t rd;
	uint64_t region;

	(void)state;
	begin();
	rd = provider->realm.rd;
	table(provider, TREALM_BARE, 2);
	table(consumer, TREALM_BARE, 2);
	region = lend();
	expect_refs(1, 1, 1, 0);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 2));
	assert_int_equal(trealm_map(provider, TREALM_BARE).level, 1);
	assert_int_equal(trealm_map(consumer, AT + PAGE(1)).pa, PA_AT + PAGE(1));
	assert_int_equal(trealm_map(consumer, AT).level, 2);
	expect_refs(1, 1, 1, 0);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	expect_refs(0, 0, 0, 0);
	end();
}

static void sealed(void **state)
{
	struct rmi_rec_exit exit;
	uint64_t region;

	(void)state;
	begin();
	region = lend();
	ASSERT_OK(CSM(provider, SEAL, region));
	assert_int_equal(trealm_map(provider, AT).level, 1);
	assert_false(trealm_map(provider, AT).write);
	/* Read access comes back with the block, write access does not. */
	assert_int_equal(trealm_touch(consumer, AT, false, &exit), TOUCH_DONE);
	assert_int_equal(trealm_map(consumer, AT).level, 1);
	assert_int_equal(trealm_access(consumer, AT, true), TOUCH_ABORT);
	assert_int_equal(trealm_access(provider, AT, true), TOUCH_ABORT);
	expect_refs(1, 0, 0, 0);
	/* Neither side's tables make it writable again, nor are they folded while it is sealed. */
	table(provider, TREALM_BARE, 2);
	table(consumer, TREALM_BARE, 2);
	assert_false(trealm_map(provider, AT).write || trealm_map(consumer, AT).write);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_BARE, 2), rmi_status_rtt(2),
		       rtt_homo);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	assert_true(trealm_map(provider, AT).write);
	expect_refs(0, 0, 0, 0);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_BARE, 2));
	end();
}

/*
 * Regions that are a small part: two tables, and neither can be folded while the region is there.
 */
static void part(void **state)
{
	uint64_t base = AT + PAGE(5);
	struct trealm_call call;
	uint64_t rd;

	(void)state;
	begin();
	rd = provider->realm.rd;
	call = CSM(provider, CREATE, base, PAGE(2), 0);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SPLIT, .ripas_base = TREALM_BARE,
		    .ripas_top = TREALM_BARE + GIB);
	table(provider, TREALM_BARE, 2);
	call = CSM(provider, CREATE, base, PAGE(2), 0);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SPLIT, .ripas_base = AT,
		    .ripas_top = AT + BLOCK);
	table(provider, AT, 3);
	assert_int_equal(CSM(provider, CREATE, base, PAGE(2), 0).x[1], 1);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, AT, 3), rmi_status_rtt(3), rtt_homo);
	ASSERT_OK(CSM_FINISH(provider, SEAL, 1));
	assert_false(trealm_map(provider, base).write);
	assert_true(trealm_map(provider, base + PAGE(2)).write);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, 1));
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, AT, 3));

	/* Whole blocks of 2 MiB: the larger one has the edge. */
	assert_int_equal(CSM(provider, CREATE, AT, BLOCK, 0).x[1], 2);
	ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 2), rmi_status_rtt(2), rtt_homo);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, 2));
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, TREALM_BARE, 2));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("1 GiB: one entry, one invalidation; hazard 21", block_for_block),
		TREALM_TEST("1 GiB: split on the consumer's side; RMI_RTT_FOLD rtt_homo",
			    consumer_splits),
		TREALM_TEST("1 GiB: hazard 07: a page lost out of the block", provider_splits),
		TREALM_TEST("1 GiB: RMI_RTT_FOLD of the provider's table", provider_folds),
		TREALM_TEST("1 GiB: RSI_CSM_SEAL", sealed),
		TREALM_TEST("1 GiB: RSI_CSM_CREATE of a part; RMI_RTT_FOLD rtt_homo", part),
	};
	return unit_run(tests);
}
