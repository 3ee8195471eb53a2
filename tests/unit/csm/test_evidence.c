// SPDX-License-Identifier: BSD-3-Clause
/*
 * Records as evidence: what RSI_CSM_RECORD lists is what the sharings claim has the hash of, and
 * every change of a sharing changes both.
 */
#include "base/hash.h"
#include "csm/csm_internal.h"
#include "csm/csm_unit.h"

#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)
#define LISTED 100U

/* The list of a realm, by calls, with the digests of its regions put in. */
struct list {
	struct rsi_csm_record records[LISTED];
	unsigned int count;
};

static void take_list(struct trealm *trealm, struct list *list)
{
	struct trealm_call call = CSM(trealm, RECORD, 0, 0, 0);

	memset(list, 0, sizeof(*list));
	while (call.x[1] != 0) {
		struct rsi_csm_record *record = &list->records[list->count];

		assert_int_equal(call.x[0], RSI_SUCCESS);
		assert_true(++list->count < LISTED);
		record->packed = call.x[1];
		record->peer = call.x[2];
		record->region = call.x[3];
		record->size = call.x[4];
		if ((record->packed >> CSM_RECORD_FLAGS_SHIFT & CSM_FLAG_DIGEST) != 0) {
			struct trealm_call digest =
				CSM(trealm, DIGEST, trealm_id(trealm), record->region);

			assert_int_equal(digest.x[0], RSI_SUCCESS);
			memcpy(record->digest, &digest.x[1], sizeof(record->digest));
		}
		call = CSM(trealm, RECORD, record->packed & 0xff, record->peer, record->region);
	}
	assert_int_equal(call.x[0], RSI_SUCCESS);
	assert_int_equal(call.x[2] | call.x[3] | call.x[4], 0);
}

/* The list, after its hash was found to be that of the claim. */
static void check(struct trealm *trealm, struct list *list)
{
	uint8_t claim[64], listed[64];

	take_list(trealm, list);
	hash_of(HASH_SHA_512, list->records, list->count * sizeof(list->records[0]), listed);
	assert_true(rmm_csm_sharings(sim_rd(&trealm->realm), claim));
	assert_memory_equal(claim, listed, sizeof(claim));
}

static void assert_record(const struct rsi_csm_record *record, uint64_t packed, uint64_t peer,
			  uint64_t region, uint64_t size)
{
	assert_int_equal(record->packed, packed);
	assert_int_equal(record->peer, peer);
	assert_int_equal(record->region, region);
	assert_int_equal(record->size, size);
}

#define OWN(perm, flags) rsi_csm_record_pack(CSM_RECORD_REGION, perm, CSM_STATE_OWN, flags)
#define GRANT(perm, state, flags) \
	rsi_csm_record_pack(CSM_RECORD_GRANT, perm, CSM_STATE_##state, flags)
#define ATTACHMENT(state) rsi_csm_record_pack(CSM_RECORD_ATTACHMENT, 0, CSM_STATE_##state, 0)

/* Realms without records; with and without an APT. */
static void nothing_shared(void **state)
{
	static const uint8_t empty[] = {0xcf, 0x83, 0xe1, 0x35, 0x7e, 0xef, 0xb8, 0xbd};
	uint8_t claim[64];
	struct list list;

	(void)state;
	check(trealm_make(1), &list);
	assert_int_equal(list.count, 0);
	assert_true(rmm_csm_sharings(sim_rd(&trealm_make(0)->realm), claim));
	assert_memory_equal(claim, empty, sizeof(empty));
	trealm_destroy_all();
}

/* Both lists of a sharing through its life. */
static void life_of_a_sharing(void **state)
{
	struct trealm *provider = trealm_make(1), *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	uint64_t there = trealm_id(consumer), here = trealm_id(provider);
	struct list list;

	(void)state;
	check(provider, &list);
	assert_int_equal(list.count, 1);
	assert_record(&list.records[0], OWN(CSM_PERM_ALL, 0), 0, region, PAGE(2));
	trealm_share(provider, region, consumer, RW);
	check(provider, &list);
	assert_int_equal(list.count, 2);
	assert_record(&list.records[1], GRANT(RW, GRANTED, 0), there, region, PAGE(2));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	check(provider, &list);
	assert_record(&list.records[1], GRANT(RW, RESERVED, 0), there, region, PAGE(2));
	check(consumer, &list);
	assert_int_equal(list.count, 1);
	assert_record(&list.records[0], ATTACHMENT(RESERVED), here, region, PAGE(2));
	trealm_attach(consumer, provider, region);
	check(provider, &list);
	assert_record(&list.records[1], GRANT(RW, ATTACHED, 0), there, region, PAGE(2));
	check(consumer, &list);
	assert_record(&list.records[0], ATTACHMENT(ATTACHED), here, region, PAGE(2));
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, there));
	check(provider, &list);
	assert_int_equal(list.count, 1);
	check(consumer, &list);
	assert_record(&list.records[0], ATTACHMENT(ENDED), here, region, PAGE(2));
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, here, region));
	check(consumer, &list);
	assert_int_equal(list.count, 0);
	trealm_destroy_all();
}

/* SEAL takes write permission from the record, and the digest is there once it is known. */
static void sealed_region(void **state)
{
	struct trealm *provider = trealm_make(1), *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 2, RW);
	const uint64_t read = CSM_PERM_READ | CSM_PERM_EXEC;
	struct list before, list;

	(void)state;
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	check(provider, &before);
	assert_record(&before.records[0], OWN(read, CSM_FLAG_SEALED), 0, region, PAGE(2));
	assert_record(&before.records[1], GRANT(CSM_PERM_READ, ATTACHED, 0), trealm_id(consumer),
		      region, PAGE(2));
	ASSERT_OK(CSM_FINISH(consumer, DIGEST, trealm_id(provider), region));
	check(provider, &list);
	assert_record(&list.records[0], OWN(read, CSM_FLAG_SEALED | CSM_FLAG_DIGEST), 0, region,
		      PAGE(2));
	assert_memory_not_equal(list.records[0].digest, before.records[0].digest, 64);
	trealm_destroy_all();
}

/* Who comes by the ANY grant has a record of its own, which says so. */
static void any_grant(void **state)
{
	struct trealm *provider = trealm_make(1), *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);
	struct list list;

	(void)state;
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, CSM_PERM_READ,
		      trealm_put(provider, 0, &policy)));
	check(provider, &list);
	assert_int_equal(list.count, 2);
	assert_record(&list.records[1], GRANT(CSM_PERM_READ, GRANTED, CSM_FLAG_ANY), 0, region,
		      PAGE(1));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	trealm_attach(consumer, provider, region);
	check(provider, &list);
	assert_int_equal(list.count, 3);
	assert_record(&list.records[2], GRANT(CSM_PERM_READ, ATTACHED, CSM_FLAG_ANY),
		      trealm_id(consumer), region, PAGE(1));
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	check(provider, &list);
	assert_int_equal(list.count, 2);
	trealm_destroy_all();
}

#define ACROSS (TREALM_OTHER + BLOCK - PAGE(2)) /* four pages from here are in two tables */

/* One step of a command that has more. */
#define STEP(trealm, ...)                                                        \
	do {                                                                     \
		machine_on_interrupt_pending = trealm_interrupted;               \
		assert_int_equal(CSM(trealm, __VA_ARGS__).x[0], RSI_INCOMPLETE); \
		machine_on_interrupt_pending = NULL;                             \
	} while (0)

static struct trealm *provider_of_four, *consumer_of_four;

/* A region of four pages, attached across two tables. */
static uint64_t lend_four(void)
{
	uint64_t region;

	trealm_destroy_all(); /* what the caller has lent before */
	trealm_count = 0;
	provider_of_four = trealm_make(1);
	consumer_of_four = trealm_make(1);
	region = trealm_region(provider_of_four, 0, 4);
	trealm_share(provider_of_four, region, consumer_of_four, RW);
	sim_realm_tables(&consumer_of_four->realm, TREALM_OTHER + BLOCK, 3);
	trealm_reserve(consumer_of_four, provider_of_four, region, ACROSS, 4);
	trealm_attach(consumer_of_four, provider_of_four, region);
	return region;
}

/* What REVOKE, DESTROY, DETACH_AND_FREE and SEAL have begun is in the list, and in its hash. */
static void half_done(void **state)
{
	uint64_t region = lend_four(), id = trealm_id(consumer_of_four);
	struct list list;

	(void)state;
	STEP(provider_of_four, REVOKE, region, id);
	check(provider_of_four, &list);
	assert_int_equal(list.count, 2);
	assert_record(&list.records[1], GRANT(RW, ATTACHED, CSM_FLAG_ENDING), id, region, PAGE(4));

	region = lend_four();
	STEP(provider_of_four, DESTROY, region);
	check(provider_of_four, &list);
	assert_record(&list.records[0], OWN(CSM_PERM_ALL, CSM_FLAG_ENDING), 0, region, PAGE(4));

	region = lend_four();
	STEP(consumer_of_four, DETACH_AND_FREE, trealm_id(provider_of_four), region);
	check(consumer_of_four, &list);
	assert_record(&list.records[0], ATTACHMENT(ENDED), trealm_id(provider_of_four), region,
		      PAGE(4));
	check(provider_of_four, &list);
	assert_int_equal(list.count, 2); /* the consumer still has pages */

	region = lend_four();
	STEP(provider_of_four, SEAL, region);
	check(provider_of_four, &list);
	assert_record(&list.records[0], OWN(CSM_PERM_ALL, 0), 0, region, PAGE(4));
	trealm_destroy_all();
}

/* Without an APT there is nothing to list. */
static void without_apt(void **state)
{
	(void)state;
	ASSERT_DENIED(CSM(trealm_make(0), RECORD, 0, 0, 0), CSM_ERROR_NO_APT, apt);
	trealm_destroy_all();
}

/* Kinds that are none, and places beyond the last record, have nothing behind them. */
static void odd_cursors(void **state)
{
	static const uint64_t kinds[] = {3, 4, 255, 256, 257, UINT64_C(1) << 32, UINT64_MAX};
	struct trealm *trealm = trealm_make(1);

	(void)state;
	trealm_region(trealm, 0, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		struct trealm_call call = CSM(trealm, RECORD, kinds[i], UINT64_MAX, UINT64_MAX);

		assert_int_equal(call.x[0], RSI_SUCCESS);
		assert_int_equal(call.x[1] | call.x[2] | call.x[3] | call.x[4], 0);
	}
	assert_int_equal(CSM(trealm, RECORD, 0, UINT64_MAX, UINT64_MAX).x[1] & 0xff,
			 CSM_RECORD_REGION);
	assert_int_equal(CSM(trealm, RECORD, 1, 0, UINT64_MAX).x[1], 0);
	trealm_destroy_all();
}

/* invariant 10: 64 records are hashed, with 65 the claim is that there are too many. */
static void too_many(void **state)
{
	struct trealm *provider = trealm_make(4);
	uint64_t region = trealm_region(provider, 0, 1);
	uint8_t claim[64];
	struct list list;

	(void)state;
	for (unsigned int i = 1; i < CSM_RECORDS_MAX; i++) {
		ASSERT_OK(CSM(provider, SHARE, region, 0x1000 + i, CSM_PERM_READ, 0));
	}
	check(provider, &list);
	assert_int_equal(list.count, CSM_RECORDS_MAX);
	ASSERT_OK(CSM(provider, SHARE, region, 0x2000, CSM_PERM_READ, 0));
	assert_false(rmm_csm_sharings(sim_rd(&provider->realm), claim));
	take_list(provider, &list);
	assert_int_equal(list.count, CSM_RECORDS_MAX + 1);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, 0x1001));
	check(provider, &list);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_RECORD: a realm that shares nothing", nothing_shared),
		TREALM_TEST("RSI_CSM_RECORD: both sides of a sharing through its life",
			    life_of_a_sharing),
		TREALM_TEST("RSI_CSM_RECORD: a sealed region, without and with its digest",
			    sealed_region),
		TREALM_TEST("RSI_CSM_RECORD: a sharing by the ANY grant", any_grant),
		TREALM_TEST("RSI_CSM_RECORD while a command is under way; invariant 10", half_done),
		TREALM_TEST("RSI_CSM_RECORD apt", without_apt),
		TREALM_TEST("RSI_CSM_RECORD: cursors that are no record's; hazard 04", odd_cursors),
		TREALM_TEST("invariant 10: the sharings claim covers 64 records", too_many),
	};

	return cmocka_run_group_tests_name("csm evidence", tests, NULL, NULL);
}
