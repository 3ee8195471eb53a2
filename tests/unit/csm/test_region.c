// SPDX-License-Identifier: BSD-3-Clause
/* APT, SELF, CREATE, DESTROY, SEAL, DIGEST. */
#include "base/hash.h"
#include "csm/csm_unit.h"

#define ROUND UINT64_C(0x200000)

/* --- APT */

static void apt_create(void **state)
{
	struct trealm *trealm = trealm_make(0);
	uint64_t apt = sim_realm_delegated(&trealm->realm);

	(void)state;
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, trealm->realm.rd, apt));
	assert_int_equal(sim_state(apt), GRANULE_APT);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, trealm->realm.rd, apt));
	assert_int_equal(sim_state(apt), GRANULE_DELEGATED);
	assert_true(sim_is_zero(apt));
	trealm_destroy_all();
}

static void apt_create_refused(void **state)
{
	struct trealm *trealm = trealm_make(0);
	uint64_t rd = trealm->realm.rd;
	uint64_t apt = sim_realm_delegated(&trealm->realm);

	(void)state;
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, apt + 8), RMI_ERROR_INPUT, apt_align);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, SIM_UNLISTED), RMI_ERROR_INPUT, apt_bound);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, sim_page(1600)), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, trealm->realm.recs[0]), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, apt, apt), RMI_ERROR_INPUT, apt_alias);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd, rd), RMI_ERROR_INPUT, apt_alias);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, rd + 1, apt), RMI_ERROR_INPUT, rd_align);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, SIM_UNLISTED, apt), RMI_ERROR_INPUT, rd_bound);
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, trealm->realm.recs[0], apt), RMI_ERROR_INPUT, rd_state);
	trealm_destroy_all();
}

static void apt_create_states(void **state)
{
	struct trealm *trealm = trealm_make(0);
	struct sim_realm fresh;
	uint64_t apt;

	(void)state;
	sim_realm_new(&fresh, 1000, 9);
	apt = sim_realm_delegated(&fresh);
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, fresh.rd, apt));
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, fresh.rd, apt));
	sim_realm_destroy(&fresh);

	apt = sim_realm_delegated(&trealm->realm);
	sim_rd(&trealm->realm)->state = REALM_SYSTEM_OFF;
	ASSERT_REFUSED(RMI(RMI_APT_CREATE, trealm->realm.rd, apt), RMI_ERROR_REALM, realm_state);
	trealm_destroy_all();
}

static void apt_count(void **state)
{
	struct trealm *trealm = trealm_make(CSM_MAX_APT_GRANULES);
	uint64_t first = trealm->apt[0];

	(void)state;
	ASSERT_REFUSED(trealm_add_apt(trealm), RMI_ERROR_REALM, apt_count);
	/* A place that is free again can be used again. */
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, trealm->realm.rd, first));
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, trealm->realm.rd, first));
	trealm_destroy_all();
}

static void apt_destroy_refused(void **state)
{
	struct trealm *trealm = trealm_make(1);
	struct trealm *other = trealm_make(1);
	uint64_t rd = trealm->realm.rd;
	uint64_t apt = trealm->apt[0];

	(void)state;
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd + 1, apt), RMI_ERROR_INPUT, rd_align);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, SIM_UNLISTED, apt), RMI_ERROR_INPUT, rd_bound);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, apt, apt), RMI_ERROR_INPUT, rd_state);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, apt + 16), RMI_ERROR_INPUT, apt_align);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, SIM_UNLISTED), RMI_ERROR_INPUT, apt_bound);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, trealm->realm.recs[0]), RMI_ERROR_INPUT, apt_state);
	ASSERT_REFUSED(RMI(RMI_APT_DESTROY, rd, other->apt[0]), RMI_ERROR_INPUT, apt_owner);
	trealm_destroy_all();
}

/* The host cannot take the granule while the realm is there, and no realm goes before its APT. */
static void apt_keeps_realm(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t apt = trealm->apt[0];

	(void)state;
	ASSERT_REFUSED(RMI(RMI_GRANULE_UNDELEGATE, apt), RMI_ERROR_INPUT, gran_state);
	trealm_drop_data(trealm, 0, TREALM_BARE);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, trealm->realm.recs[0]));
	for (int level = 3; level > 0; level--) {
		for (uint64_t ipa = 0; ipa < TREALM_BARE;) {
			ipa = RMI(RMI_RTT_DESTROY, trealm->realm.rd, ipa, (uint64_t)level).x[2];
		}
	}
	ASSERT_REFUSED(RMI(RMI_REALM_DESTROY, trealm->realm.rd), RMI_ERROR_REALM, realm_live);
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, trealm->realm.rd, apt));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, trealm->realm.rd));
}

/* --- SELF */

static void self(void **state)
{
	struct trealm *trealm = trealm_make(0);
	struct trealm *other = trealm_make(1);
	struct trealm_call call = CSM(trealm, SELF);

	(void)state;
	assert_int_equal(call.x[0], RSI_SUCCESS);
	assert_int_equal(call.x[1], trealm_id(trealm));
	assert_int_not_equal(call.x[1], 0);
	assert_int_not_equal(call.x[1], trealm_id(other));
	trealm_destroy_all();
}

/* A realm at the same RD, of the same contents, is another realm. */
static void ids_are_fresh(void **state)
{
	uint64_t ids[20];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LENGTH(ids); i++) {
		struct trealm *trealm;

		trealm_count = 0;
		trealm = trealm_make(1);
		ids[i] = CSM(trealm, SELF).x[1];
		for (unsigned int j = 0; j < i; j++) {
			assert_int_not_equal(ids[i], ids[j]);
		}
		trealm_destroy(trealm);
	}
}

/* Without an APT, every command but SELF says so. */
static void no_apt(void **state)
{
	struct trealm *trealm = trealm_make(0);

	(void)state;
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, PAGE(1), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, SHARE, 1, 2, CSM_PERM_READ, 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, REVOKE, 1, 2), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, DESTROY, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, RESERVE, 1, 1, TREALM_OTHER, PAGE(1), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, ATTACH, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, DETACH_AND_FREE, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, QUERY, trealm_id(trealm), 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, SEAL, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, DIGEST, trealm_id(trealm), 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, SIGNAL, 1, 1, 1, 1), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, SIGNAL_TAKE), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, PEER, 1, 0), CSM_ERROR_NO_APT, apt);
	ASSERT_DENIED(CSM(trealm, RECORD, 0, 0, 0), CSM_ERROR_NO_APT, apt);
	trealm_destroy_all();
}

static void features(void **state)
{
	struct trealm *trealm = trealm_make(0);
	uint64_t args[] = {RSI_FEATURES_FID, CSM_FEATURE_INDEX};

	(void)state;
	assert_int_equal(RMI(RMI_FEATURES, CSM_FEATURE_INDEX).x[1], CSM_REVISION);
	assert_int_equal(trealm_call_args(trealm, args, 2).x[1], CSM_REVISION);
	args[1]++;
	assert_int_equal(trealm_call_args(trealm, args, 2).x[1], 0);
	trealm_destroy_all();
}

/* --- CREATE */

static void create(void **state)
{
	struct trealm *trealm = trealm_make(1);

	(void)state;
	for (uint64_t i = 0; i < 3; i++) {
		uint64_t base = TREALM_OWN + PAGE(2 * i);
		struct trealm_call call = CSM(trealm, CREATE, base, PAGE(2), 7);

		ASSERT_NOTICE(call, RMI_EXIT_CSM_PROVIDER, base, base + PAGE(2));
		assert_int_equal(call.x[1], i + 1);
	}
	/* The region is used up when it ends, its id never comes again. */
	ASSERT_NOTICE(CSM(trealm, DESTROY, 3), RMI_EXIT_CSM_REMOVED, TREALM_OWN + PAGE(4),
		      TREALM_OWN + PAGE(6));
	assert_int_equal(CSM(trealm, CREATE, TREALM_OWN + PAGE(4), PAGE(2), 7).x[1], 4);
	trealm_destroy_all();
}

static void create_refused(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t half = BIT(39);

	(void)state;
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN + 8, PAGE(1), 0), RSI_ERROR_INPUT, base_align);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, PAGE(1) + 1, 0), RSI_ERROR_INPUT, size_align);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, 0, 0), RSI_ERROR_INPUT, size_valid);
	ASSERT_DENIED(CSM(trealm, CREATE, half, PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(trealm, CREATE, half - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, PAGE(TREALM_RAM + 1), 0), RSI_ERROR_INPUT,
		      ripas);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OTHER, PAGE(1), 0), RSI_ERROR_INPUT, ripas);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_BARE, PAGE(1), 0), RSI_ERROR_INPUT, ripas);
	trealm_region(trealm, 2, 2);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN + PAGE(3), PAGE(2), 0), RSI_ERROR_INPUT,
		      overlap);
	trealm_destroy_all();
}

/* hazard 12 */
static void create_wraps(void **state)
{
	struct trealm *trealm = trealm_make(1);

	(void)state;
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN, 0 - PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(trealm, CREATE, 0 - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(trealm, CREATE, 0 - PAGE(1), PAGE(1), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(CSM(trealm, RESERVE, 1, 1, TREALM_OWN, 0 - PAGE(1), 0), RSI_ERROR_INPUT,
		      rgn_bound);
	ASSERT_DENIED(CSM(trealm, RESERVE, 1, 1, 0 - PAGE(1), PAGE(2), 0), RSI_ERROR_INPUT,
		      rgn_bound);
	trealm_destroy_all();
}

/* hazard 08: a page is in one region at most. */
static void create_overlap(void **state)
{
	struct trealm *trealm = trealm_make(1);

	(void)state;
	trealm_region(trealm, 4, 4);
	for (unsigned int first = 0; first < 12; first++) {
		for (unsigned int pages = 1; first + pages <= 12; pages++) {
			bool apart = first + pages <= 4 || first >= 8;
			uint64_t base = TREALM_OWN + PAGE(first);
			struct trealm_call call = CSM(trealm, CREATE, base, PAGE(pages), 0);

			assert_int_equal(call.x[0], apart ? RSI_SUCCESS : RSI_ERROR_INPUT);
			if (apart) {
				ASSERT_OK(CSM(trealm, DESTROY, call.x[1]));
			}
		}
	}
	trealm_destroy_all();
}

static void create_space(void **state)
{
	struct trealm *trealm = trealm_make(2);
	unsigned int records = 0;

	(void)state;
	trealm_region(trealm, 0, 1);
	while (CSM(trealm, SHARE, 1, 1000 + records, CSM_PERM_READ, 0).x[0] == RSI_SUCCESS) {
		records++;
	}
	/* At least 24 records in a granule. */
	assert_in_range(records + 1, 2 * 24, 2 * 30);
	ASSERT_DENIED(CSM(trealm, CREATE, TREALM_OWN + PAGE(1), PAGE(1), 0), CSM_ERROR_NO_SPACE,
		      space);
	ASSERT_DENIED(CSM(trealm, SHARE, 1, 5, CSM_PERM_READ, 0), CSM_ERROR_NO_SPACE, space);
	ASSERT_RMI_OK(trealm_add_apt(trealm));
	trealm_region(trealm, 1, 1);
	ASSERT_OK(CSM(trealm, SHARE, 1, 5, CSM_PERM_READ, 0));
	trealm_destroy_all();
}

/* The RIPAS of a long range is looked at in steps; what stops fitting meanwhile is found. */
static void create_in_steps(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t rd = trealm->realm.rd;
	uint64_t table = sim_realm_delegated(&trealm->realm);

	(void)state;
	/* A step is the entries of one table: four of them. */
	sim_realm_tables(&trealm->realm, TREALM_WIDE + BLOCK, 3);
	sim_realm_tables(&trealm->realm, TREALM_WIDE + 3 * BLOCK, 3);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	/* Until it is done it has no id, and does not count as shared for nobody. */
	ASSERT_DENIED(CSM(trealm, DESTROY, 1), RSI_ERROR_INPUT, region);
	assert_int_equal(CSM_FINISH(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[1], 1);
	assert_int_equal(trealm_calls, 3);
	ASSERT_OK(CSM(trealm, DESTROY, 1));

	/* One that is not finished gives way to another, if only the label differs. */
	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	ASSERT_OK(CSM(trealm, CREATE, TREALM_WIDE + BLOCK, BLOCK, 1));
	ASSERT_OK(CSM(trealm, DESTROY, 2));
	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	assert_int_equal(CSM_FINISH(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 2).x[1], 3);
	assert_int_equal(CSM(trealm, QUERY, trealm_id(trealm), 0).x[2], 2);
	ASSERT_OK(CSM(trealm, DESTROY, 3));

	assert_int_equal(CSM(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[0], RSI_INCOMPLETE);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, table, TREALM_WIDE + 2 * BLOCK, 3));
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, TREALM_WIDE + 2 * BLOCK, 3));
	ASSERT_DENIED(CSM_FINISH(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1), RSI_ERROR_INPUT,
		      ripas);
	ASSERT_OK(CSM(trealm, CREATE, TREALM_WIDE, BLOCK, 1));
	machine_on_interrupt_pending = NULL;
	trealm_destroy_all();
}

/* invariant 10: a call looks at 512 entries and one table's worth at most. */
static void create_is_bounded(void **state)
{
	struct trealm *trealm = trealm_make(1);

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		sim_realm_tables(&trealm->realm, TREALM_WIDE + i * BLOCK, 3);
	}
	assert_int_equal(CSM_FINISH(trealm, CREATE, TREALM_WIDE, 4 * BLOCK, 1).x[0], RSI_SUCCESS);
	assert_int_equal(trealm_calls, 4);
	trealm_destroy_all();
}

/* --- DESTROY */

static void destroy_refused(void **state)
{
	struct trealm *trealm = trealm_make(1);

	(void)state;
	ASSERT_DENIED(CSM(trealm, DESTROY, 0), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(trealm, DESTROY, 1), RSI_ERROR_INPUT, region);
	trealm_region(trealm, 0, 1);
	ASSERT_DENIED(CSM(trealm, DESTROY, 2), RSI_ERROR_INPUT, region);
	ASSERT_OK(CSM(trealm, DESTROY, 1));
	ASSERT_DENIED(CSM(trealm, DESTROY, 1), RSI_ERROR_INPUT, region);
	trealm_destroy_all();
}

/* --- SEAL and DIGEST */

static void seal(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, CSM_PERM_READ | CSM_PERM_WRITE);

	(void)state;
	assert_int_equal(trealm_access(consumer, TREALM_OTHER, true), TOUCH_DONE);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	for (unsigned int i = 0; i < 4; i++) {
		/* invariant 02: nobody writes, everybody still reads. */
		assert_int_equal(trealm_access(provider, TREALM_OWN + PAGE(i), true), TOUCH_ABORT);
		assert_int_equal(trealm_access(consumer, TREALM_OTHER + PAGE(i), true),
				 TOUCH_ABORT);
		ASSERT_READS(provider, TREALM_OWN + PAGE(i),
			     trealm_map(provider, TREALM_OWN + PAGE(i)).pa);
		ASSERT_READS(consumer, TREALM_OTHER + PAGE(i),
			     trealm_map(provider, TREALM_OWN + PAGE(i)).pa);
	}
	assert_true(trealm_map(provider, TREALM_OWN + PAGE(4)).write);
	/* For the region's lifetime only. */
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	assert_true(trealm_map(provider, TREALM_OWN).write);
	assert_int_equal(trealm_access(provider, TREALM_OWN + PAGE(3), true), TOUCH_DONE);
	trealm_destroy_all();
}

static void seal_refused(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t whole = trealm_region(trealm, 0, 4);
	uint64_t holes = trealm_region(trealm, TREALM_PAGES - 1, 2);

	(void)state;
	ASSERT_DENIED(CSM(trealm, SEAL, 7), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(trealm, SEAL, holes), CSM_ERROR_PAGES, pages);
	assert_true(trealm_map(trealm, TREALM_OWN + PAGE(TREALM_PAGES - 1)).write);
	ASSERT_OK(CSM(trealm, SEAL, whole));
	ASSERT_DENIED(CSM(trealm, SEAL, whole), RSI_ERROR_STATE, sealed);
	trealm_destroy_all();
}

/* A buffer of the RMM's own commands is no way around a seal. */
static void seal_holds_for_the_rmm(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t config[] = {RSI_REALM_CONFIG_FID, TREALM_OWN};

	(void)state;
	assert_int_equal(trealm_call_args(trealm, config, 2).x[0], RSI_SUCCESS);
	ASSERT_OK(CSM(trealm, SEAL, trealm_region(trealm, 0, 1)));
	assert_int_equal(trealm_call_args(trealm, config, 2).x[0], RSI_ERROR_INPUT);
	trealm_destroy_all();
}

/* Of the only region there is to see. */
static uint64_t query_flags(struct trealm *trealm, const struct trealm *provider)
{
	return rsi_csm_query_flags(CSM(trealm, QUERY, trealm_id(provider), 0).x[4]);
}

static void seal_in_steps(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *first = trealm_make(1);
	struct trealm *second = trealm_make(1);
	uint64_t perm = CSM_PERM_READ | CSM_PERM_WRITE;
	uint64_t region = trealm_lend(provider, first, 4, perm);

	(void)state;
	trealm_share(provider, region, second, perm);
	trealm_reserve(second, provider, region, TREALM_OTHER, 4);
	trealm_attach(second, provider, region);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(provider, SEAL, region).x[0], RSI_INCOMPLETE);
	/* From the first step that changes anything on nothing is lent for writing. */
	ASSERT_DENIED(CSM(provider, SHARE, region, 77, perm, 0), RSI_ERROR_INPUT, perm_sealed);
	ASSERT_DENIED(CSM(provider, DIGEST, trealm_id(provider), region), RSI_ERROR_STATE,
		      not_sealed);
	/* Nobody takes for sealed what somebody still writes to. */
	assert_int_equal(query_flags(first, provider), 0);
	assert_int_equal(query_flags(provider, provider), 0);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	assert_in_range(trealm_calls, 3, 6);
	assert_int_equal(query_flags(first, provider), CSM_FLAG_SEALED);
	assert_int_equal(query_flags(provider, provider), CSM_FLAG_SEALED);
	machine_on_interrupt_pending = NULL;
	assert_int_equal(trealm_access(first, TREALM_OTHER, true), TOUCH_ABORT);
	assert_int_equal(trealm_access(second, TREALM_OTHER, true), TOUCH_ABORT);
	trealm_destroy_all();
}

static void expected_digest(const struct trealm *trealm, unsigned int pages, uint8_t out[64])
{
	struct hash hash;

	hash_begin(&hash, HASH_SHA_512);
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t pa = trealm_map(trealm, TREALM_OWN + PAGE(i)).pa;

		hash_add(&hash, machine_raw(pa_of(pa)), GRANULE_SIZE);
	}
	hash_end(&hash, out);
}

static void digest(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, CSM_PERM_READ);
	struct trealm_call call;
	uint8_t expected[64];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		memset(machine_raw(pa_of(trealm_map(provider, TREALM_OWN + PAGE(i)).pa)),
		       (int)i + 1, GRANULE_SIZE);
	}
	expected_digest(provider, 4, expected);
	ASSERT_OK(CSM(provider, SEAL, region));
	machine_on_interrupt_pending = trealm_interrupted;
	call = CSM_FINISH(consumer, DIGEST, trealm_id(provider), region);
	assert_int_equal(trealm_calls, 4);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	machine_on_interrupt_pending = NULL;
	call = CSM(provider, DIGEST, trealm_id(provider), region);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	/* It is that of the sealed contents, whatever becomes of the pages. */
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_OWN));
	call = CSM(consumer, DIGEST, trealm_id(provider), region);
	assert_memory_equal(&call.x[1], expected, sizeof(expected));
	trealm_destroy_all();
}

static void digest_refused(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm *stranger = trealm_make(1);
	uint64_t id = trealm_id(provider);
	uint64_t region = trealm_lend(provider, consumer, 4, CSM_PERM_READ);

	(void)state;
	ASSERT_DENIED(CSM(provider, DIGEST, id, region), RSI_ERROR_STATE, not_sealed);
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), RSI_ERROR_STATE, not_sealed);
	ASSERT_DENIED(CSM(stranger, DIGEST, id, region), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, DIGEST, id, 9), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, DIGEST, 12345, region), CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM(provider, SEAL, region));
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_OWN + PAGE(2)));
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), CSM_ERROR_PAGES, pages);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	ASSERT_DENIED(CSM(consumer, DIGEST, id, region), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RMI_APT_CREATE and RMI_APT_DESTROY", apt_create),
		TREALM_TEST("RMI_APT_CREATE apt_align; RMI_APT_CREATE apt_bound; "
			    "RMI_APT_CREATE apt_state; RMI_APT_CREATE apt_alias; "
			    "RMI_APT_CREATE rd_align; RMI_APT_CREATE rd_bound; "
			    "RMI_APT_CREATE rd_state",
			    apt_create_refused),
		TREALM_TEST("RMI_APT_CREATE realm_state", apt_create_states),
		TREALM_TEST("RMI_APT_CREATE apt_count", apt_count),
		TREALM_TEST("RMI_APT_DESTROY rd_align; RMI_APT_DESTROY rd_bound; "
			    "RMI_APT_DESTROY rd_state; RMI_APT_DESTROY apt_align; "
			    "RMI_APT_DESTROY apt_bound; RMI_APT_DESTROY apt_state; "
			    "RMI_APT_DESTROY apt_owner; hazard 09",
			    apt_destroy_refused),
		TREALM_TEST("RMI_REALM_DESTROY realm_live: an APT; invariant 08", apt_keeps_realm),
		TREALM_TEST("RSI_CSM_SELF", self),
		TREALM_TEST("hazard 01: a look-alike at the same RD has another id; invariant 09",
			    ids_are_fresh),
		TREALM_TEST("hazard 18; RSI_CSM_CREATE apt; RSI_CSM_SHARE apt; RSI_CSM_REVOKE apt; "
			    "RSI_CSM_DESTROY apt; RSI_CSM_RESERVE apt; RSI_CSM_ATTACH apt; "
			    "RSI_CSM_DETACH_AND_FREE apt; RSI_CSM_QUERY apt; RSI_CSM_SEAL apt; "
			    "RSI_CSM_DIGEST apt; RSI_CSM_SIGNAL apt; RSI_CSM_SIGNAL_TAKE apt; "
			    "RSI_CSM_PEER apt; RSI_CSM_RECORD apt",
			    no_apt),
		TREALM_TEST("RMI_FEATURES and RSI_FEATURES tell the revision of CSM", features),
		TREALM_TEST("RSI_CSM_CREATE; invariant 09: region ids do not come again", create),
		TREALM_TEST("RSI_CSM_CREATE base_align; RSI_CSM_CREATE size_align; "
			    "RSI_CSM_CREATE size_valid; RSI_CSM_CREATE rgn_bound; "
			    "RSI_CSM_CREATE ripas; RSI_CSM_CREATE overlap",
			    create_refused),
		TREALM_TEST("hazard 12: ranges that wrap", create_wraps),
		TREALM_TEST("hazard 08: no two regions overlap", create_overlap),
		TREALM_TEST("RSI_CSM_CREATE space; RSI_CSM_SHARE space; hazard 20", create_space),
		TREALM_TEST("RSI_CSM_CREATE yields at every step", create_in_steps),
		TREALM_TEST("RSI_CSM_CREATE: invariant 10: 512 entries in a call",
			    create_is_bounded),
		TREALM_TEST("RSI_CSM_DESTROY region", destroy_refused),
		TREALM_TEST("RSI_CSM_SEAL: invariant 02", seal),
		TREALM_TEST("RSI_CSM_SEAL region; RSI_CSM_SEAL pages; RSI_CSM_SEAL sealed",
			    seal_refused),
		TREALM_TEST("RSI_CSM_SEAL: RSI_REALM_CONFIG does not write to a sealed region",
			    seal_holds_for_the_rmm),
		TREALM_TEST("RSI_CSM_SEAL yields at every step; RSI_CSM_SHARE perm_sealed",
			    seal_in_steps),
		TREALM_TEST("RSI_CSM_DIGEST yields at every page", digest),
		TREALM_TEST(
			"RSI_CSM_DIGEST not_sealed; RSI_CSM_DIGEST access; RSI_CSM_DIGEST pages",
			digest_refused),
	};
	return unit_run(tests);
}
