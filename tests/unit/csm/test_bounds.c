// SPDX-License-Identifier: BSD-3-Clause
/* How far a shared block may reach, and how far a call goes. */
#include "csm/csm_unit.h"

#define RO    CSM_PERM_READ
#define RW    (CSM_PERM_READ | CSM_PERM_WRITE)
#define PAGES 512U /* of a block */
#define GIB   (512 * BLOCK)

/* So many blocks of the test realm at TREALM_WIDE, in pages from `from` on. */
static void give_pages(struct trealm *trealm, unsigned int blocks, uint64_t from)
{
	for (unsigned int i = 0; i < blocks; i++) {
		sim_realm_tables(&trealm->realm, TREALM_WIDE + i * BLOCK, 3);
	}
	for (uint64_t i = 0; i < blocks * PAGES; i++) {
		sim_delegate(from + PAGE(i));
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, trealm->realm.rd, from + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
}

static void fold(struct trealm *trealm)
{
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, trealm->realm.rd, TREALM_WIDE, 3));
}

static void split_at(struct trealm *trealm, uint64_t ipa)
{
	ASSERT_RMI_OK(
		RMI(RMI_RTT_CREATE, trealm->realm.rd, sim_realm_delegated(&trealm->realm), ipa, 3));
}

static void split(struct trealm *trealm)
{
	split_at(trealm, TREALM_WIDE);
}

/* [base, base + size) of the provider, reserved and attached at `at`. Returns the region. */
static uint64_t share_range(struct trealm *provider, struct trealm *consumer, uint64_t base,
			    uint64_t size, uint64_t at)
{
	struct trealm_call call = CSM_FINISH(provider, CREATE, base, size, 0);
	uint64_t region;

	if (call.exit.exit_reason == RMI_EXIT_CSM_SPLIT) {
		split(provider);
		call = CSM_FINISH(provider, CREATE, base, size, 0);
	}
	assert_int_equal(call.x[0], RSI_SUCCESS);
	region = call.x[1];
	trealm_share(provider, region, consumer, RW);
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), region, at, size, 0));
	trealm_attach(consumer, provider, region);
	return region;
}

/* --- blocks */

static enum s2_share_result map(const struct s2_share *share)
{
	unsigned int visited = 0;
	uint64_t offset = 0;
	enum s2_share_result result;
	int level;

	machine_command_begin();
	result = s2_share_map(share, &offset, share->size, &level, &visited);
	machine_command_end();
	return result;
}

/*
 * invariant 01, invariant 04: the provider has a block, of which the region is a part. The consumer
 * could have a block in the same place. Even if the provider's is not split for the region, nothing
 * is mapped without a table; split it is, and then the consumer gets the part.
 */
static void part_of_block(void **state)
{
	const struct {
		uint64_t first, pages;
	} parts[] = {{0, 256}, {256, 256}, {128, 256}, {1, 511}, {0, 511}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(parts); i++) {
		uint64_t inside = PAGE(parts[i].first);
		uint64_t end = inside + PAGE(parts[i].pages);
		struct trealm *provider;
		struct trealm *consumer;
		struct s2_share part = {
			.provider_base = ipa_of(TREALM_WIDE + inside),
			.consumer_base = ipa_of(TREALM_BARE + inside),
			.size = end - inside,
		};
		struct rmi_rec_exit exit;

		trealm_setup(state);
		provider = trealm_make(1);
		consumer = trealm_make(1);
		give_pages(provider, 1, SIM_HIGH);
		fold(provider);
		sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
		part.provider = trealm_s2(provider);
		part.consumer = trealm_s2(consumer);
		assert_int_equal(map(&part), S2_SHARE_NO_TABLE);
		assert_int_equal(trealm_map(consumer, TREALM_BARE + inside).pa, 0);
		share_range(provider, consumer, TREALM_WIDE + inside, end - inside,
			    TREALM_BARE + inside);
		assert_int_equal(trealm_map(consumer, TREALM_BARE + inside).pa, 0);
		assert_int_equal(trealm_touch(consumer, TREALM_BARE + inside, false, &exit),
				 TOUCH_EXIT);
		assert_int_equal(exit.esr & 0x3F, 4 + 2);
		sim_realm_tables(&consumer->realm, TREALM_BARE, 3);
		for (uint64_t at = 0; at < BLOCK; at += PAGE(1)) {
			if (at >= inside && at < end) {
				ASSERT_READS(consumer, TREALM_BARE + at, SIM_HIGH + at);
			} else {
				assert_int_equal(trealm_map(consumer, TREALM_BARE + at).pa, 0);
			}
		}
		trealm_destroy_all();
	}
}

/* Tables in the middle of three blocks in a row. */
struct row {
	bool providers_table, consumers_table;
};

static void fold_row(struct trealm *provider, const struct row *row)
{
	for (uint64_t at = 0; at < 3 * BLOCK; at += BLOCK) {
		if (at != BLOCK || !row->providers_table) {
			ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, provider->realm.rd, TREALM_WIDE + at, 3));
		}
	}
}

static void split_row(struct trealm *provider, const struct row *row)
{
	for (uint64_t at = 0; at < 3 * BLOCK; at += BLOCK) {
		if (at != BLOCK || !row->providers_table) {
			split_at(provider, TREALM_WIDE + at);
		}
	}
}

static void check_shared(struct trealm *consumer, const struct row *row)
{
	for (uint64_t at = 0; at < 3 * BLOCK; at += BLOCK) {
		bool tables = row->providers_table || row->consumers_table;
		bool block = at != BLOCK || !tables;
		bool mapped = block || row->consumers_table;
		struct mapping mapping = trealm_map(consumer, TREALM_BARE + at + PAGE(5));

		assert_int_equal(mapping.pa, mapped ? SIM_HIGH + at + PAGE(5) : 0);
		assert_int_equal(mapping.block, block);
		assert_int_equal(sim_refs(SIM_HIGH + at), mapped);
		assert_int_equal(sim_refs(SIM_HIGH + at + PAGE(5)), mapped && !block);
	}
}

/*
 * Three blocks in a row are shared, and taken back, in one step. A table in between, on either
 * side, ends the row: its part is shared as pages, or on access, and what follows as a block.
 */
static void blocks_in_a_row(void **state)
{
	const struct row rows[] = {{false, false}, {false, true}, {true, false}, {true, true}};

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct trealm *provider;
		struct trealm *consumer;
		uint64_t region;

		trealm_setup(state);
		provider = trealm_make(1);
		consumer = trealm_make(1);
		give_pages(provider, 3, SIM_HIGH);
		fold_row(provider, &rows[i]);
		sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
		if (rows[i].consumers_table) {
			sim_realm_tables(&consumer->realm, TREALM_BARE + BLOCK, 3);
		}
		region = share_range(provider, consumer, TREALM_WIDE, 3 * BLOCK, TREALM_BARE);
		check_shared(consumer, &rows[i]);
		ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
		for (uint64_t at = 0; at < 3 * BLOCK; at += PAGE(1)) {
			assert_int_equal(trealm_map(consumer, TREALM_BARE + at).pa, 0);
			assert_int_equal(sim_refs(SIM_HIGH + at), 0);
		}
		split_row(provider, &rows[i]);
		trealm_destroy_all();
	}
}

/* All of the block is in the region, but half of it behind each of two entries of the consumer. */
static void block_across(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t base = TREALM_BARE + BLOCK / 2;
	struct rmi_rec_exit exit;

	(void)state;
	give_pages(provider, 1, SIM_HIGH);
	fold(provider);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	share_range(provider, consumer, TREALM_WIDE, 2 * BLOCK, base);
	for (uint64_t at = base; at < base + BLOCK; at += BLOCK / 2) {
		assert_int_equal(trealm_touch(consumer, at, false, &exit), TOUCH_EXIT);
		sim_realm_tables(&consumer->realm, at, 3);
		ASSERT_READS(consumer, at, SIM_HIGH + (at - base));
		assert_false(trealm_map(consumer, at).block);
	}
	split(provider);
	trealm_destroy_all();
}

/* hazard 13: whoever asks for it, nothing is mapped over what the consumer has. */
static void only_over_nothing(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct s2_share pages = {trealm_s2(provider),
				 trealm_s2(consumer),
				 ipa_of(TREALM_OWN),
				 ipa_of(TREALM_OWN + PAGE(TREALM_PAGES - 2)),
				 PAGE(4),
				 0};
	struct s2_share block = {trealm_s2(provider),
				 trealm_s2(consumer),
				 ipa_of(TREALM_WIDE),
				 ipa_of(TREALM_WIDE),
				 BLOCK,
				 0};
	uint64_t own = trealm_map(consumer, TREALM_OWN + PAGE(TREALM_PAGES - 1)).pa;
	ipa_t at = ipa_of(TREALM_OWN + PAGE(TREALM_PAGES));
	unsigned int visited = 0;

	(void)state;
	give_pages(provider, 1, SIM_HIGH);
	give_pages(consumer, 1, SIM_HIGH + BLOCK);
	fold(provider);
	fold(consumer);
	assert_int_equal(map(&pages), S2_SHARE_DONE);
	assert_int_equal(map(&pages), S2_SHARE_DONE);
	assert_int_equal(map(&block), S2_SHARE_NO_TABLE);
	assert_int_equal(trealm_map(consumer, TREALM_OWN + PAGE(TREALM_PAGES - 1)).pa, own);
	assert_int_equal(trealm_map(consumer, TREALM_WIDE).pa, SIM_HIGH + BLOCK);
	assert_int_equal(sim_refs(SIM_HIGH), 0);
	assert_int_equal(sim_refs(trealm_map(provider, TREALM_OWN + PAGE(1)).pa), 0);
	assert_int_equal(trealm_map(consumer, at.v).pa,
			 trealm_map(provider, TREALM_OWN + PAGE(2)).pa);
	assert_int_equal(sim_refs(trealm_map(provider, TREALM_OWN + PAGE(2)).pa), 1);
	machine_command_begin();
	s2_share_unmap(trealm_s2(consumer), &at, ipa_of(at.v + PAGE(2)), &visited);
	machine_command_end();
	split(provider);
	split(consumer);
	trealm_destroy_all();
}

/* Pages that came after others were lost are not there, in a block either. */
static void lost_block(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);

	(void)state;
	give_pages(provider, 1, SIM_HIGH);
	sim_realm_tables(&consumer->realm, TREALM_BARE, 2);
	share_range(provider, consumer, TREALM_WIDE, BLOCK, TREALM_BARE);
	trealm_drop_data(provider, TREALM_WIDE, TREALM_WIDE + BLOCK);
	for (uint64_t i = 0; i < PAGES; i++) {
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, provider->realm.rd, SIM_HIGH + PAGE(i),
				  TREALM_WIDE + PAGE(i)));
	}
	fold(provider);
	ASSERT_ABORTS(consumer, TREALM_BARE);
	assert_int_equal(sim_refs(SIM_HIGH), 0);
	split(provider);
	trealm_destroy_all();
}

/* --- calls. 512 entries, invariant 10; so many calls are needed, and no step is lost between. */

static void calls_for_pages(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t id = trealm_id(provider);
	uint64_t region;

	(void)state;
	give_pages(provider, 3, SIM_HIGH);
	for (unsigned int i = 0; i < 3; i++) {
		sim_realm_tables(&consumer->realm, TREALM_BARE + i * BLOCK, 3);
	}
	region = share_range(provider, consumer, TREALM_WIDE, 3 * BLOCK, TREALM_BARE);
	assert_int_equal(trealm_calls, 3 + 3); /* to look at, to map */
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	assert_int_equal(trealm_calls, 3);
	assert_int_equal(sim_refs(SIM_HIGH + PAGE(3 * PAGES - 1)), 0);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, id, region));

	trealm_share(provider, region, consumer, RW);
	ASSERT_OK(CSM(consumer, RESERVE, id, region, TREALM_BARE, 3 * BLOCK, 0));
	trealm_attach(consumer, provider, region);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	/* To look at, its own, the consumer's, and that there is no other consumer. */
	assert_int_equal(trealm_calls, 3 + 3 + 3 + 1);
	ASSERT_OK(CSM_FINISH(consumer, DIGEST, id, region));
	assert_int_equal(trealm_calls, 3 * PAGES / 16);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, id, region));
	assert_int_equal(trealm_calls, 3);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	assert_int_equal(trealm_calls, 3);
	trealm_destroy_all();
}

/* RAM without pages, in entries of 2 MiB. */
static void claim(struct trealm *trealm, uint64_t base, uint64_t size)
{
	struct sim_realm *realm = &trealm->realm;
	struct rec *rec = sim_rec(realm, 0);
	uint64_t top = base + size;

	sim_realm_tables(realm, base, 1);
	rec->ripas_base = ipa_of(base);
	rec->ripas_top = ipa_of(top);
	rec->ripas_value = S2_RAM;
	while (rec->ripas_base.v < top) {
		ASSERT_RMI_OK(
			RMI(RMI_RTT_SET_RIPAS, realm->rd, realm->recs[0], rec->ripas_base.v, top));
	}
	rec->ripas_base = rec->ripas_top = ipa_of(0);
}

static void calls_for_entries(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t id = trealm_id(provider);
	uint64_t region;

	(void)state;
	claim(provider, TREALM_BARE, 2 * GIB);
	for (unsigned int i = 0; i < 2; i++) {
		sim_realm_tables(&provider->realm, TREALM_BARE + i * GIB, 2);
		sim_realm_tables(&consumer->realm, TREALM_BARE + i * GIB, 2);
	}
	region = share_range(provider, consumer, TREALM_BARE, 2 * GIB, TREALM_BARE);
	assert_int_equal(trealm_calls, 2 + 2);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	assert_int_equal(trealm_calls, 2);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, id, region));
	assert_int_equal(trealm_calls, 2);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("a region that is part of a block; invariant 01; invariant 04",
			    part_of_block),
		TREALM_TEST("blocks in a row; invariant 03; invariant 04", blocks_in_a_row),
		TREALM_TEST("a block across two entries of the consumer", block_across),
		TREALM_TEST("a block of pages that came after others were lost", lost_block),
		TREALM_TEST("hazard 13: a shared mapping over what the consumer has",
			    only_over_nothing),
		TREALM_TEST("pages: a table in a call; invariant 10", calls_for_pages),
		TREALM_TEST("entries of 2 MiB: 512 in a call; invariant 10", calls_for_entries),
	};
	return unit_run(tests);
}
