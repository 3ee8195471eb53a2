// SPDX-License-Identifier: BSD-3-Clause
/* APT, SELF, CREATE, DESTROY, SEAL, DIGEST. */
#include "base/hash.h"
#include "csm/csm_unit.h"

#define ROUND UINT64_C(0x200000)

/* --- APT */

static void apt_create(void **state)
{
	struct party *party = party_make(0);
	uint64_t apt = world_realm_delegated(&party->realm);

	(void)state;
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, party->realm.rd, apt));
	assert_int_equal(world_state(apt), GRANULE_APT);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, party->realm.rd, apt));
	assert_int_equal(world_state(apt), GRANULE_DELEGATED);
	assert_true(world_is_zero(apt));
	party_destroy_all();
}

static void apt_create_refused(void **state)
{
	struct party *party = party_make(0);
	uint64_t rd = party->realm.rd;
	uint64_t apt = world_realm_delegated(&party->realm);

	(void)state;
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, apt + 8), RMI_ERROR_INPUT, apt_align);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, WORLD_UNLISTED), RMI_ERROR_INPUT, apt_bound);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, world_page(1600)), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, party->realm.recs[0]), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, apt, apt), RMI_ERROR_INPUT, apt_alias);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, rd), RMI_ERROR_INPUT, apt_alias);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd + 1, apt), RMI_ERROR_INPUT, rd_align);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, WORLD_UNLISTED, apt), RMI_ERROR_INPUT, rd_bound);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, party->realm.recs[0], apt), RMI_ERROR_INPUT, rd_state);
	party_destroy_all();
}

static void apt_create_states(void **state)
{
	struct party *party = party_make(0);
	struct world_realm fresh;
	uint64_t apt;

	(void)state;
	world_realm_new(&fresh, 1000, 9);
	apt = world_realm_delegated(&fresh);
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, fresh.rd, apt));
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, fresh.rd, apt));
	world_realm_destroy(&fresh);

	apt = world_realm_delegated(&party->realm);
	world_rd(&party->realm)->state = REALM_SYSTEM_OFF;
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, party->realm.rd, apt), RMI_ERROR_REALM, realm_state);
	party_destroy_all();
}

static void apt_count(void **state)
{
	struct party *party = party_make(CSM_MAX_APT_GRANULES);
	uint64_t first = party->apt[0];

	(void)state;
	ASSERT_REFUSED(party_add_apt(party), RMI_ERROR_REALM, apt_count);
	/* A place that is free again can be used again. */
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, party->realm.rd, first));
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, party->realm.rd, first));
	party_destroy_all();
}

static void apt_destroy_refused(void **state)
{
	struct party *party = party_make(1);
	struct party *other = party_make(1);
	uint64_t rd = party->realm.rd;
	uint64_t apt = party->apt[0];

	(void)state;
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd + 1, apt), RMI_ERROR_INPUT, rd_align);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, WORLD_UNLISTED, apt), RMI_ERROR_INPUT, rd_bound);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, apt, apt), RMI_ERROR_INPUT, rd_state);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, apt + 16), RMI_ERROR_INPUT, apt_align);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, WORLD_UNLISTED), RMI_ERROR_INPUT, apt_bound);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, party->realm.recs[0]), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, other->apt[0]), RMI_ERROR_INPUT, apt_owner);
	party_destroy_all();
}

/* The host cannot take the granule while the realm is there, and no realm goes before its APT. */
static void apt_keeps_realm(void **state)
{
	struct party *party = party_make(1);
	uint64_t apt = party->apt[0];

	(void)state;
	ASSERT_REFUSED(RMI(RMI_GRANULE_UNDELEGATE, apt), RMI_ERROR_INPUT, gran_state);
	party_drop_data(party, 0, PARTY_BARE);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, party->realm.recs[0]));
	for (int level = 3; level > 0; level--) {
		for (uint64_t ipa = 0; ipa < PARTY_BARE;) {
			ipa = RMI(RMI_RTT_DESTROY, party->realm.rd, ipa, (uint64_t)level).x[2];
		}
	}
	ASSERT_REFUSED(RMI(RMI_REALM_DESTROY, party->realm.rd), RMI_ERROR_REALM, realm_live);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, party->realm.rd, apt));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, party->realm.rd));
}

/* --- SELF */

static void self(void **state)
{
	struct party *party = party_make(0);
	struct party *other = party_make(1);
	struct party_call call = CSM(party, SELF);

	(void)state;
	assert_int_equal(call.x[0], RSI_SUCCESS);
	assert_int_equal(call.x[1], party_id(party));
	assert_int_not_equal(call.x[1], 0);
	assert_int_not_equal(call.x[1], party_id(other));
	party_destroy_all();
}

/* A realm at the same RD, of the same contents, is another realm. */
static void ids_are_fresh(void **state)
{
	uint64_t ids[20];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LENGTH(ids); i++) {
		struct party *party;

		party_count = 0;
		party = party_make(1);
		ids[i] = CSM(party, SELF).x[1];
		for (unsigned int j = 0; j < i; j++) {
			assert_int_not_equal(ids[i], ids[j]);
		}
		party_destroy(party);
	}
}

/* Without an APT, every command but SELF says so. */
static void no_apt(void **state)
{
	struct party *party = party_make(0);

	(void)state;
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN, PAGE(1), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, SHARE, 1, 2, CSM_PERM_READ, 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, REVOKE, 1, 2), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, DESTROY, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, RESERVE, 1, 1, PARTY_OTHER, PAGE(1), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, ATTACH, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, DETACH_AND_FREE, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, QUERY, party_id(party), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, SEAL, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, DIGEST, party_id(party), 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, SIGNAL, 1, 1, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, SIGNAL_TAKE), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(party, PEER, 1, 0), CSM_ERROR_NO_APT, apt);
	party_destroy_all();
}

static void features(void **state)
{
	struct party *party = party_make(0);
	uint64_t args[] = {RSI_FEATURES_FID, CSM_FEATURE_INDEX};

	(void)state;
	assert_int_equal(RMI(RMI_FEATURES, CSM_FEATURE_INDEX).x[1], CSM_REVISION);
	assert_int_equal(party_call_args(party, args, 2).x[1], CSM_REVISION);
	args[1]++;
	assert_int_equal(party_call_args(party, args, 2).x[1], 0);
	party_destroy_all();
}

/* --- CREATE */

static void create(void **state)
{
	struct party *party = party_make(1);

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t base = PARTY_OWN + PAGE(2 * i);
		struct party_call call = CSM(party, CREATE, base, PAGE(2), 7);

		ASSERT_NOTICE(call, RMI_EXIT_CSM_PROVIDER, base, base + PAGE(2));
		assert_int_equal(call.x[1], i + 1);
	}
	/* The region is used up when it ends, its id never comes again. */
	ASSERT_NOTICE(CSM(party, DESTROY, 3), RMI_EXIT_CSM_REMOVED, PARTY_OWN + PAGE(4),
		      PARTY_OWN + PAGE(6));
	assert_int_equal(CSM(party, CREATE, PARTY_OWN + PAGE(4), PAGE(2), 7).x[1], 4);
	party_destroy_all();
}

static void create_refused(void **state)
{
	struct party *party = party_make(1);
	uint64_t half = BIT(39);

	(void)state;
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN + 8, PAGE(1), 0), RSI_ERROR_INPUT, base_align);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN, PAGE(1) + 1, 0), RSI_ERROR_INPUT, size_align);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN, 0, 0), RSI_ERROR_INPUT, size_valid);
	ASSERT_DENIED(CSM(party, CREATE, half, PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(party, CREATE, half - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN, PAGE(PARTY_RAM + 1), 0), RSI_ERROR_INPUT,
		      ripas);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OTHER, PAGE(1), 0), RSI_ERROR_INPUT, ripas);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_BARE, PAGE(1), 0), RSI_ERROR_INPUT, ripas);
	party_region(party, 2, 2);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN + PAGE(3), PAGE(2), 0), RSI_ERROR_INPUT,
		      overlap);
	party_destroy_all();
}

/* hazard 12 */
static void create_wraps(void **state)
{
	struct party *party = party_make(1);

	(void)state;
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN, 0 - PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(party, CREATE, 0 - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(party, CREATE, 0 - PAGE(1), PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(party, RESERVE, 1, 1, PARTY_OWN, 0 - PAGE(1), 0), RSI_ERROR_INPUT,
		      rgn_bound);
	ASSERT_DENIED(CSM(party, RESERVE, 1, 1, 0 - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT,
		      rgn_bound);
	party_destroy_all();
}

/* hazard 08: a page is in one region at most. */
static void create_overlap(void **state)
{
	struct party *party = party_make(1);

	(void)state;
	party_region(party, 4, 4);
	for (unsigned int first = 0; first < 12; first++) {
		for (unsigned int pages = 1; first + pages <= 12; pages++) {
			bool apart = first + pages <= 4 || first >= 8;
			uint64_t base = PARTY_OWN + PAGE(first);
			struct party_call call = CSM(party, CREATE, base, PAGE(pages), 0);

			assert_int_equal(call.x[0], apart ? RSI_SUCCESS : RSI_ERROR_INPUT);
			if (apart) {
				ASSERT_OK(CSM(party, DESTROY, call.x[1]));
			}
		}
	}
	party_destroy_all();
}

static void create_space(void **state)
{
	struct party *party = party_make(2);
	unsigned int records = 0;

	(void)state;
	party_region(party, 0, 1);
	while (CSM(party, SHARE, 1, 1000 + records, CSM_PERM_READ, 0).x[0] == RSI_SUCCESS) {
		records++;
	}
	/* At least 24 records in a granule. */
	assert_in_range(records + 1, 2 * 24, 2 * 30);
	ASSERT_DENIED(CSM(party, CREATE, PARTY_OWN + PAGE(1), PAGE(1), 0), CSM_ERROR_NO_SPACE,
		      space);
	ASSERT_DENIED(CSM(party, SHARE, 1, 5, CSM_PERM_READ, 0), CSM_ERROR_NO_SPACE, space);
	ASSERT_RMI_OK(party_add_apt(party));
	party_region(party, 1, 1);
	ASSERT_OK(CSM(party, SHARE, 1, 5, CSM_PERM_READ, 0));
	party_destroy_all();
}

/* The RIPAS of a long range is looked at in steps; what stops fitting meanwhile is found. */
static void create_in_steps(void **state)
{
	struct party *party = party_make(1);
	uint64_t rd = party->realm.rd;
	uint64_t table = world_realm_delegated(&party->realm);

	(void)state;
	/* A step is the entries of one table: four of them. */
	world_realm_tables(&party->realm, PARTY_WIDE + BLOCK, 3);
	world_realm_tables(&party->realm, PARTY_WIDE + 3 * BLOCK, 3);
	machine_on_interrupt_pending = party_interrupted;
	assert_int_equal(CSM(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	/* Until it is done it has no id, and does not count as shared for nobody. */
	ASSERT_DENIED(CSM(party, DESTROY, 1), RSI_ERROR_INPUT, region);
	assert_int_equal(CSM_FINISH(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[1], 1);
	assert_int_equal(party_calls, 3);
	ASSERT_OK(CSM(party, DESTROY, 1));

	/* One that is not finished gives way to another, if only the label differs. */
	assert_int_equal(CSM(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	ASSERT_OK(CSM(party, CREATE, PARTY_WIDE + BLOCK, BLOCK, 1));
	ASSERT_OK(CSM(party, DESTROY, 2));
	assert_int_equal(CSM(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	assert_int_equal(CSM_FINISH(party, CREATE, PARTY_WIDE, 4 * BLOCK, 2).x[1], 3);
	assert_int_equal(CSM(party, QUERY, party_id(party), 0).x[2], 2);
	ASSERT_OK(CSM(party, DESTROY, 3));

	assert_int_equal(CSM(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, table, PARTY_WIDE + 2 * BLOCK, 3));
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, PARTY_WIDE + 2 * BLOCK, 3));
	ASSERT_DENIED(CSM_FINISH(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1), RSI_ERROR_INPUT, ripas);
	ASSERT_OK(CSM(party, CREATE, PARTY_WIDE, BLOCK, 1));
	machine_on_interrupt_pending = NULL;
	party_destroy_all();
}

/* invariant 10: a call looks at 512 entries and one table's worth at most. */
static void create_is_bounded(void **state)
{
	struct party *party = party_make(1);

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		world_realm_tables(&party->realm, PARTY_WIDE + i * BLOCK, 3);
	}
	assert_int_equal(CSM_FINISH(party, CREATE, PARTY_WIDE, 4 * BLOCK, 1).x[0], RSI_SUCCESS);
	assert_int_equal(party_calls, 4);
	party_destroy_all();
}

/* --- DESTROY */

static void destroy_refused(void **state)
{
	struct party *party = party_make(1);

	(void)state;
	ASSERT_DENIED(CSM(party, DESTROY, 0), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(party, DESTROY, 1), RSI_ERROR_INPUT, region);
	party_region(party, 0, 1);
	ASSERT_DENIED(CSM(party, DESTROY, 2), RSI_ERROR_INPUT, region);
	ASSERT_OK(CSM(party, DESTROY, 1));
	ASSERT_DENIED(CSM(party, DESTROY, 1), RSI_ERROR_INPUT, region);
	party_destroy_all();
}

/* --- SEAL and DIGEST */

static void seal(void **state)
{
	struct party *provider = party_make(1);
	struct party *consumer = party_make(1);
	uint64_t region = party_lend(provider, consumer, 4, CSM_PERM_READ | CSM_PERM_WRITE);

	(void)state;
	assert_int_equal(party_access(consumer, PARTY_OTHER, true), TOUCH_DONE);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	for (unsigned int i = 0; i < 4; i++) {
		/* invariant 02: nobody writes, everybody still reads. */
		assert_int_equal(party_access(provider, PARTY_OWN + PAGE(i), true), TOUCH_ABORT);
		assert_int_equal(party_access(consumer, PARTY_OTHER + PAGE(i), true), TOUCH_ABORT);
		ASSERT_READS(provider, PARTY_OWN + PAGE(i),
			     party_map(provider, PARTY_OWN + PAGE(i)).pa);
		ASSERT_READS(consumer, PARTY_OTHER + PAGE(i),
			     party_map(provider, PARTY_OWN + PAGE(i)).pa);
	}
	assert_true(party_map(provider, PARTY_OWN + PAGE(4)).write);
	/* For the region's lifetime only. */
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	assert_true(party_map(provider, PARTY_OWN).write);
	assert_int_equal(party_access(provider, PARTY_OWN + PAGE(3), true), TOUCH_DONE);
	party_destroy_all();
}

static void seal_refused(void **state)
{
	struct party *party = party_make(1);
	uint64_t whole = party_region(party, 0, 4);
	uint64_t holes = party_region(party, PARTY_PAGES - 1, 2);

	(void)state;
	ASSERT_DENIED(CSM(party, SEAL, 7), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(party, SEAL, holes), CSM_ERROR_PAGES, pages);
	assert_true(party_map(party, PARTY_OWN + PAGE(PARTY_PAGES - 1)).write);
	ASSERT_OK(CSM(party, SEAL, whole));
	ASSERT_DENIED(CSM(party, SEAL, whole), RSI_ERROR_STATE, sealed);
	party_destroy_all();
}

/* A buffer of the RMM's own commands is no way around a seal. */
static void seal_holds_for_the_rmm(void **state)
{
	struct party *party = party_make(1);
	uint64_t config[] = {RSI_REALM_CONFIG_FID, PARTY_OWN};

	(void)state;
	assert_int_equal(party_call_args(party, config, 2).x[0], RSI_SUCCESS);
	ASSERT_OK(CSM(party, SEAL, party_region(party, 0, 1)));
	assert_int_equal(party_call_args(party, config, 2).x[0], RSI_ERROR_INPUT);
	party_destroy_all();
}

/* Of the only region there is to see. */
static uint64_t query_flags(struct party *party, const struct party *provider)
{
	return rsi_csm_query_flags(CSM(party, QUERY, party_id(provider), 0).x[4]);
}

static void seal_in_steps(void **state)
{
	struct party *provider = party_make(1);
	struct party *first = party_make(1);
	struct party *second = party_make(1);
	uint64_t perm = CSM_PERM_READ | CSM_PERM_WRITE;
	uint64_t region = party_lend(provider, first, 4, perm);

	(void)state;
	party_share(provider, region, second, perm);
	party_reserve(second, provider, region, PARTY_OTHER, 4);
	party_attach(second, provider, region);
	machine_on_interrupt_pending = party_interrupted;
	assert_int_equal(CSM(provider, SEAL, region).x[0], RSI_INCOMPLETE);
	/* From the first step that changes anything on nothing is lent for writing. */
	ASSERT_DENIED(CSM(provider, SHARE, region, 77, perm, 0), RSI_ERROR_INPUT, perm_sealed);
	ASSERT_DENIED(CSM(provider, DIGEST, party_id(provider), region), RSI_ERROR_STATE,
		      not_sealed);
	/* Nobody takes for sealed what somebody still writes to. */
	assert_int_equal(query_flags(first, provider), 0);
	assert_int_equal(query_flags(provider, provider), 0);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	assert_in_range(party_calls, 3, 6);
	assert_int_equal(query_flags(first, provider), CSM_FLAG_SEALED);
	assert_int_equal(query_flags(provider, provider), CSM_FLAG_SEALED);
	machine_on_interrupt_pending = NULL;
	assert_int_equal(party_access(first, PARTY_OTHER, true), TOUCH_ABORT);
	assert_int_equal(party_access(second, PARTY_OTHER, true), TOUCH_ABORT);
	party_destroy_all();
}

static void expected_digest(const struct party *party, unsigned int pages, uint8_t out[64])
{
	struct hash hash;

	hash_begin(&hash, HASH_SHA_512);
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t pa = party_map(party, PARTY_OWN + PAGE(i)).pa;

		hash_add(&hash, machine_raw(pa_of(pa)), GRANULE_SIZE);
	}
	hash_end(&hash, out);
}

static void digest(void **state)
{
	struct party *provider = party_make(1);
	struct party *consumer = party_make(1);
	uint64_t region = party_lend(provider, consumer, 4, CSM_PERM_READ);
	struct party_call call;
	uint8_t expected[64];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		memset(machine_raw(pa_of(party_map(provider, PARTY_OWN + PAGE(i)).pa)), (int)i + 1,
		       GRANULE_SIZE);
	}
	expected_digest(provider, 4, expected);
	ASSERT_OK(CSM(provider, SEAL, region));
	machine_on_interrupt_pending = party_interrupted;
	call = CSM_FINISH(consumer, DIGEST, party_id(provider), region);
	assert_int_equal(party_calls, 4);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	machine_on_interrupt_pending = NULL;
	call = CSM(provider, DIGEST, party_id(provider), region);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	/* It is that of the sealed contents, whatever becomes of the pages. */
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, PARTY_OWN));
	call = CSM(consumer, DIGEST, party_id(provider), region);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	party_destroy_all();
}

static void digest_refused(void **state)
{
	struct party *provider = party_make(1);
	struct party *consumer = party_make(1);
	struct party *stranger = party_make(1);
	uint64_t id = party_id(provider);
	uint64_t region = party_lend(provider, consumer, 4, CSM_PERM_READ);

	(void)state;
	ASSERT_DENIED(CSM(provider, DIGEST, id, region), RSI_ERROR_STATE, not_sealed);
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), RSI_ERROR_STATE, not_sealed);
	ASSERT_DENIED(CSM(stranger, DIGEST, id, region), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, DIGEST, id, 9), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, DIGEST, 12345, region), CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM(provider, SEAL, region));
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, PARTY_OWN + PAGE(2)));
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), CSM_ERROR_PAGES, pages);
	ASSERT_OK(CSM(provider, REVOKE, region, party_id(consumer)));
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), CSM_ERROR_ACCESS, access);
	party_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARTY_TEST("RMI_APT_CREATE and RMI_APT_DESTROY", apt_create),
		PARTY_TEST("RMI_APT_CREATE apt_align; RMI_APT_CREATE apt_bound; "
			   "RMI_APT_CREATE apt_state; RMI_APT_CREATE apt_alias; "
			   "RMI_APT_CREATE rd_align; RMI_APT_CREATE rd_bound; "
			   "RMI_APT_CREATE rd_state",
			   apt_create_refused),
		PARTY_TEST("RMI_APT_CREATE realm_state", apt_create_states),
		PARTY_TEST("RMI_APT_CREATE apt_count", apt_count),
		PARTY_TEST("RMI_APT_DESTROY rd_align; RMI_APT_DESTROY rd_bound; "
			   "RMI_APT_DESTROY rd_state; RMI_APT_DESTROY apt_align; "
			   "RMI_APT_DESTROY apt_bound; RMI_APT_DESTROY apt_state; "
			   "RMI_APT_DESTROY apt_owner; hazard 09",
			   apt_destroy_refused),
		PARTY_TEST("RMI_REALM_DESTROY realm_live: an APT; invariant 08", apt_keeps_realm),
		PARTY_TEST("RSI_CSM_SELF", self),
		PARTY_TEST("hazard 01: a look-alike at the same RD has another id; invariant 09",
			   ids_are_fresh),
		PARTY_TEST("hazard 18; RSI_CSM_CREATE apt; RSI_CSM_SHARE apt; RSI_CSM_REVOKE apt; "
			   "RSI_CSM_DESTROY apt; RSI_CSM_RESERVE apt; RSI_CSM_ATTACH apt; "
			   "RSI_CSM_DETACH_AND_FREE apt; RSI_CSM_QUERY apt; RSI_CSM_SEAL apt; "
			   "RSI_CSM_DIGEST apt; RSI_CSM_SIGNAL apt; RSI_CSM_SIGNAL_TAKE apt; "
			   "RSI_CSM_PEER apt",
			   no_apt),
		PARTY_TEST("RMI_FEATURES and RSI_FEATURES tell the revision of CSM", features),
		PARTY_TEST("RSI_CSM_CREATE; invariant 09: region ids do not come again", create),
		PARTY_TEST("RSI_CSM_CREATE base_align; RSI_CSM_CREATE size_align; "
			   "RSI_CSM_CREATE size_valid; RSI_CSM_CREATE rgn_bound; "
			   "RSI_CSM_CREATE ripas; RSI_CSM_CREATE overlap",
			   create_refused),
		PARTY_TEST("hazard 12: ranges that wrap", create_wraps),
		PARTY_TEST("hazard 08: no two regions overlap", create_overlap),
		PARTY_TEST("RSI_CSM_CREATE space; RSI_CSM_SHARE space; hazard 20", create_space),
		PARTY_TEST("RSI_CSM_CREATE yields at every step", create_in_steps),
		PARTY_TEST("RSI_CSM_CREATE: invariant 10: 512 entries in a call",
			   create_is_bounded),
		PARTY_TEST("RSI_CSM_DESTROY region", destroy_refused),
		PARTY_TEST("RSI_CSM_SEAL: invariant 02", seal),
		PARTY_TEST("RSI_CSM_SEAL region; RSI_CSM_SEAL pages; RSI_CSM_SEAL sealed",
			   seal_refused),
		PARTY_TEST("RSI_CSM_SEAL: RSI_REALM_CONFIG does not write to a sealed region",
			   seal_holds_for_the_rmm),
		PARTY_TEST("RSI_CSM_SEAL yields at every step; RSI_CSM_SHARE perm_sealed",
			   seal_in_steps),
		PARTY_TEST("RSI_CSM_DIGEST yields at every page", digest),
		PARTY_TEST("RSI_CSM_DIGEST not_sealed; RSI_CSM_DIGEST access; RSI_CSM_DIGEST pages",
			   digest_refused),
	};
	return unit_run(tests);
}
