// SPDX-License-Identifier: BSD-3-Clause
/*
 * Many records: regions and grants that come and go in any order, beside an array that says what is
 * there. Each lock and unlock checks the order and the balance of both trees (rmm/csm/check.c), so
 * these tests look at what searches find.
 */
#include "csm/csm_internal.h"
#include "csm/csm_unit.h"

#define APTS    8U
#define REGIONS 180U /* in eight granules: 200 records */
#define PLACES  240U /* of one page each, every second page of TREALM_WIDE */
#define ACTS    700U

static uint64_t ids[PLACES]; /* of the region that is there; 0: none */

static uint64_t place(unsigned int n)
{
	return TREALM_WIDE + PAGE(2 * n + 1);
}

static uint64_t create(struct trealm *trealm, unsigned int n)
{
	struct trealm_call call = CSM_FINISH(trealm, CREATE, place(n), PAGE(1), n);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	ids[n] = call.x[1];
	return call.x[1];
}

static void destroy(struct trealm *trealm, unsigned int n)
{
	ASSERT_OK(CSM_FINISH(trealm, DESTROY, ids[n]));
	ids[n] = 0;
}

/* Every place, and what is between the places. */
static void check_addresses(struct rd *rd)
{
	struct rmm_csm_held held = rmm_csm_lock(rd);

	for (unsigned int n = 0; n < PLACES; n++) {
		const struct rmm_csm_range *range = rmm_csm_at(held, ipa_of(place(n)));

		assert_null(rmm_csm_at(held, ipa_of(place(n) - PAGE(1))));
		assert_int_equal(range != NULL, ids[n] != 0);
		if (range != NULL) {
			assert_int_equal(range->base, place(n));
			assert_int_equal(range->record.id.region, ids[n]);
		}
	}
	assert_null(rmm_csm_at(held, ipa_of(place(PLACES))));
	rmm_csm_unlock(held);
}

/* QUERY lists all regions, by id, and nothing else. */
static void check_ids(struct trealm *trealm)
{
	uint64_t self = trealm_id(trealm);
	uint64_t cursor = 0;
	unsigned int there = 0;
	unsigned int listed = 0;

	for (unsigned int n = 0; n < PLACES; n++) {
		there += ids[n] != 0;
	}
	while (there != 0) {
		struct trealm_call call = CSM(trealm, QUERY, self, cursor);
		unsigned int n = (unsigned int)call.x[2];

		assert_int_equal(call.x[0], RSI_SUCCESS);
		assert_true(call.x[1] > cursor && n < PLACES);
		assert_int_equal(call.x[1], ids[n]);
		assert_int_equal(call.x[5], place(n));
		listed++;
		if (call.x[6] == 0) {
			break;
		}
		cursor = call.x[6];
	}
	assert_int_equal(listed, there);
}

/* Ascending and descending are what a tree that is not balanced is worst at. */
static void in_order(void **state)
{
	struct trealm *trealm = trealm_make(APTS);

	(void)state;
	memset(ids, 0, sizeof(ids));
	for (unsigned int n = 0; n < REGIONS; n++) {
		create(trealm, n);
	}
	check_addresses(sim_rd(&trealm->realm));
	check_ids(trealm);
	for (unsigned int n = 0; n < REGIONS / 2; n++) {
		destroy(trealm, n);
	}
	for (unsigned int n = REGIONS / 2; n-- > 0;) {
		create(trealm, n);
	}
	check_addresses(sim_rd(&trealm->realm));
	check_ids(trealm);
	trealm_destroy_all();
}

static void in_any_order(void **state)
{
	struct trealm *trealm = trealm_make(APTS);
	struct rd *rd = sim_rd(&trealm->realm);
	uint64_t random = 1;
	unsigned int there = 0;

	(void)state;
	memset(ids, 0, sizeof(ids));
	for (unsigned int i = 0; i < ACTS; i++) {
		unsigned int n;

		random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		n = (unsigned int)(random >> 33) % PLACES;
		if (ids[n] != 0) {
			destroy(trealm, n);
			there--;
		} else if (there < REGIONS) {
			create(trealm, n);
			there++;
		}
		if (i % 100 == 99) {
			check_addresses(rd);
			check_ids(trealm);
		}
	}
	trealm_destroy_all();
}

/* Consumers that a realm may name at will: no choice of ids makes a search long. */
static void many_grants(void **state)
{
	struct trealm *trealm = trealm_make(APTS);
	uint64_t region;

	(void)state;
	memset(ids, 0, sizeof(ids));
	region = create(trealm, 0);
	for (uint64_t i = 1; i <= REGIONS; i++) {
		ASSERT_OK(CSM(trealm, SHARE, region, i << 32, CSM_PERM_READ, 0));
	}
	ASSERT_DENIED(CSM(trealm, SHARE, region, UINT64_C(7) << 32, CSM_PERM_READ, 0),
		      RSI_ERROR_STATE, grant_live);
	for (uint64_t i = REGIONS; i > 0; i -= 2) {
		ASSERT_OK(CSM_FINISH(trealm, REVOKE, region, i << 32));
	}
	ASSERT_DENIED(CSM(trealm, REVOKE, region, UINT64_C(6) << 32), RSI_ERROR_INPUT, grant);
	ASSERT_OK(CSM(trealm, SHARE, region, UINT64_C(6) << 32, CSM_PERM_READ, 0));
	destroy(trealm, 0);
	trealm_destroy_all();
}

/* The records of a granule end with it, those in others stay; a cursor may be any number. */
static void granule_by_granule(void **state)
{
	struct trealm *trealm = trealm_make(4);
	uint64_t self = trealm_id(trealm);

	(void)state;
	memset(ids, 0, sizeof(ids));
	for (unsigned int n = 0; n < 4 * RMM_CSM_RECORDS; n++) {
		create(trealm, n * 37 % (4 * RMM_CSM_RECORDS));
	}
	ASSERT_DENIED(CSM(trealm, CREATE, place(200), PAGE(1), 0), CSM_ERROR_NO_SPACE, space);
	while (RMI(RMI_APT_DESTROY, trealm->realm.rd, trealm->apt[1]).x[0] == CSM_INCOMPLETE) {
	}
	for (unsigned int n = RMM_CSM_RECORDS; n < 2 * RMM_CSM_RECORDS; n++) {
		ids[n * 37 % (4 * RMM_CSM_RECORDS)] = 0;
	}
	trealm->apt[1] = trealm->apt[--trealm->apt_count];
	check_addresses(sim_rd(&trealm->realm));
	check_ids(trealm);
	assert_int_equal(CSM(trealm, QUERY, self, UINT64_MAX).x[1], 0);
	assert_int_equal(CSM(trealm, QUERY, self, UINT64_MAX).x[0], RSI_SUCCESS);
	trealm_destroy_all();
}

/* The gap that the last search has found is one no longer when a region is made in it. */
static void gap(void **state)
{
	struct trealm *trealm = trealm_make(1);
	struct rd *rd = sim_rd(&trealm->realm);

	(void)state;
	memset(ids, 0, sizeof(ids));
	create(trealm, 0);
	create(trealm, 20);
	check_addresses(rd);
	create(trealm, 10);
	check_addresses(rd);
	destroy(trealm, 10);
	check_addresses(rd);
	create(trealm, 10);
	create(trealm, 239);
	check_addresses(rd);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("regions in ascending and descending order", in_order),
		TREALM_TEST("regions in any order", in_any_order),
		TREALM_TEST("grants to many consumers", many_grants),
		TREALM_TEST("one of several granules ends", granule_by_granule),
		TREALM_TEST("a region in a gap that a search has found", gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
