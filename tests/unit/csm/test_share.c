// SPDX-License-Identifier: BSD-3-Clause
/* SHARE, RESERVE, ATTACH, faults, REVOKE, DESTROY and DETACH_AND_FREE. */
#include "csm/csm_internal.h"
#include "csm/csm_unit.h"

#define RO  CSM_PERM_READ
#define RW  (CSM_PERM_READ | CSM_PERM_WRITE)
#define RWX CSM_PERM_ALL

static uint64_t own_page(const struct trealm *trealm, unsigned int n)
{
	return trealm_map(trealm, TREALM_OWN + PAGE(n)).pa;
}

/* invariant 04: page k of the consumer is page k of the region, or nothing. */
static void same_pages(const struct trealm *provider, const struct trealm *consumer,
		       unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t pa = trealm_map(consumer, TREALM_OTHER + PAGE(i)).pa;

		assert_true(pa == 0 || pa == own_page(provider, i));
	}
}

static void nothing_there(const struct trealm *consumer, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(i)).pa, 0);
	}
}

/* --- SHARE */

static void share_refused(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t region = trealm_region(trealm, 0, 2);
	struct rsi_csm_policy policy = trealm_policy_rim(trealm);
	uint64_t at = trealm_put(trealm, 0x100, &policy);

	(void)state;
	ASSERT_DENIED(CSM(trealm, SHARE, 0, 5, RO, 0), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(trealm, SHARE, 9, 5, RO, 0), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, 0, 0), RSI_ERROR_INPUT, perm_valid);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, CSM_PERM_WRITE, 0), RSI_ERROR_INPUT,
		      perm_valid);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO | 8, 0), RSI_ERROR_INPUT, perm_valid);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO | BIT(63), 0), RSI_ERROR_INPUT, perm_valid);
	ASSERT_DENIED(CSM(trealm, SHARE, region, trealm_id(trealm), RO, 0), RSI_ERROR_INPUT, self);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, at + 4), RSI_ERROR_INPUT, policy_access);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, TREALM_POLICY + 0xF08), RSI_ERROR_INPUT,
		      policy_access);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, BIT(39)), RSI_ERROR_INPUT, policy_access);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, 0 - 256UL), RSI_ERROR_INPUT, policy_access);
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, TREALM_OTHER), RSI_ERROR_INPUT,
		      policy_access);
	ASSERT_DENIED(CSM(trealm, SHARE, region, CSM_REALM_ANY, RO, 0), RSI_ERROR_INPUT,
		      policy_any);
	ASSERT_OK(CSM(trealm, SHARE, region, 5, RO, 0));
	ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, 0), RSI_ERROR_STATE, grant_live);
	ASSERT_OK(CSM(trealm, SHARE, region, 6, RO, at));
	ASSERT_OK(CSM(trealm, SHARE, region, CSM_REALM_ANY, RO, at));
	ASSERT_DENIED(CSM(trealm, SHARE, region, CSM_REALM_ANY, RO, at), RSI_ERROR_STATE,
		      grant_live);
	ASSERT_OK(CSM(trealm, SEAL, region));
	ASSERT_DENIED(CSM(trealm, SHARE, region, 7, RW, 0), RSI_ERROR_INPUT, perm_sealed);
	ASSERT_OK(CSM(trealm, SHARE, region, 7, RO | CSM_PERM_EXEC, 0));
	trealm_destroy_all();
}

/* The host chooses the RPV and a realm extends its own REMs: ANY needs the RIM. */
static void any_without_rim(void **state)
{
	struct trealm *provider = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	struct rsi_csm_policy policy = trealm_policy_rim(provider);
	const uint32_t others[] = {CSM_POLICY_RPV, CSM_POLICY_REM(0), CSM_POLICY_REM(3),
				   CSM_POLICY_REM(1) | CSM_POLICY_RPV};

	(void)state;
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		policy.flags = others[i];
		trealm_put(provider, 0, &policy);
		ASSERT_DENIED(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY),
			      RSI_ERROR_INPUT, policy_rim);
		/* A consumer that the grant names is known by its id. */
		ASSERT_OK(CSM(provider, SHARE, region, 5 + i, RO, TREALM_POLICY));
		policy.flags |= CSM_POLICY_RIM;
		trealm_put(provider, 0, &policy);
		ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
		ASSERT_OK(CSM_FINISH(provider, REVOKE, region, CSM_REALM_ANY));
	}
	trealm_destroy_all();
}

static void policy_malformed(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t region = trealm_region(trealm, 0, 2);
	const struct rsi_csm_policy good = trealm_policy_rim(trealm);
	struct rsi_csm_policy policy = good;

	(void)state;
#define MALFORMED(change)                                                                        \
	do {                                                                                     \
		policy = good;                                                                   \
		change;                                                                          \
		trealm_put(trealm, 0, &policy);                                                  \
		ASSERT_DENIED(CSM(trealm, SHARE, region, 5, RO, TREALM_POLICY), RSI_ERROR_INPUT, \
			      policy_valid);                                                     \
		ASSERT_DENIED(CSM(trealm, RESERVE, 5, 1, TREALM_OTHER, PAGE(1), TREALM_POLICY),  \
			      RSI_ERROR_INPUT, policy_valid);                                    \
	} while (0)
	MALFORMED(policy.version = 0);
	MALFORMED(policy.version = 2);
	MALFORMED(policy.flags = 0);
	MALFORMED(policy.flags |= BIT(6));
	MALFORMED(policy.flags |= CSM_POLICY_REM(0) | CSM_POLICY_REM(3));
	MALFORMED(policy.hash_algo = 2);
	MALFORMED(policy.reserved_09[6] = 1);
	MALFORMED(policy.reserved_10 = 1);
	MALFORMED(policy.reserved_18[0x27] = 1);
#undef MALFORMED
	trealm_destroy_all();
}

/* The host takes the policy's page: the realm is asked to wait, and has its call again. */
static void policy_missing(void **state)
{
	struct trealm *trealm = trealm_make(1);
	uint64_t region = trealm_region(trealm, 0, 2);
	struct trealm_call call;

	(void)state;
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, trealm->realm.rd, TREALM_POLICY));
	call = CSM(trealm, SHARE, region, 5, RO, TREALM_POLICY);
	assert_int_equal(call.exit.exit_reason, RMI_EXIT_SYNC);
	assert_int_equal(call.exit.hpfar, TREALM_POLICY >> 8);
	assert_int_equal(call.x[0], RSI_CSM_SHARE_FID);
	call = CSM(trealm, RESERVE, 5, 1, TREALM_OTHER, PAGE(1), TREALM_POLICY);
	assert_int_equal(call.exit.exit_reason, RMI_EXIT_SYNC);
	ASSERT_OK(CSM(trealm, SHARE, region, 5, RO, 0));
	trealm_destroy_all();
}

/* --- RESERVE */

static void reserve_refused(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t id = trealm_id(provider);
	uint64_t region = trealm_region(provider, 0, 4);

	(void)state;
#define RESERVE(base, size, policy) CSM(consumer, RESERVE, id, region, base, size, policy)
	ASSERT_DENIED(RESERVE(TREALM_OTHER, PAGE(4), 0), CSM_ERROR_ACCESS, access);
	trealm_share(provider, region, consumer, RW);
	ASSERT_DENIED(RESERVE(TREALM_OTHER + 8, PAGE(4), 0), RSI_ERROR_INPUT, base_align);
	ASSERT_DENIED(RESERVE(TREALM_OTHER, PAGE(4) + 8, 0), RSI_ERROR_INPUT, size_align);
	ASSERT_DENIED(RESERVE(TREALM_OTHER, 0, 0), RSI_ERROR_INPUT, size_valid);
	ASSERT_DENIED(RESERVE(BIT(39) - PAGE(1), PAGE(4), 0), RSI_ERROR_INPUT, rgn_bound);
	ASSERT_DENIED(RESERVE(TREALM_OTHER, PAGE(4), 4), RSI_ERROR_INPUT, policy_access);
	ASSERT_DENIED(RESERVE(TREALM_OTHER, PAGE(3), 0), RSI_ERROR_INPUT, size_match);
	ASSERT_DENIED(RESERVE(TREALM_OTHER, PAGE(5), 0), RSI_ERROR_INPUT, size_match);
	ASSERT_OK(RESERVE(TREALM_OTHER, PAGE(4), 0));
	ASSERT_DENIED(RESERVE(TREALM_OTHER + PAGE(3), PAGE(4), 0), RSI_ERROR_INPUT, overlap);
	ASSERT_DENIED(RESERVE(TREALM_OTHER + PAGE(8), PAGE(4), 0), RSI_ERROR_STATE, reserved);
	/* hazard 08: nor over a region of its own, nor a region over it. */
	trealm_region(consumer, 0, 1);
	ASSERT_DENIED(RESERVE(TREALM_OWN, PAGE(4), 0), RSI_ERROR_INPUT, overlap);
#undef RESERVE
	trealm_destroy_all();
}

/* One answer for everything that a stranger may not know. */
static void reserve_uniform(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *bare = trealm_make(0);
	struct trealm *consumer = trealm_make(1);
	uint64_t open = trealm_region(provider, 0, 1);
	uint64_t granted_to_other = trealm_region(provider, 1, 1);
	uint64_t policy_not_met = trealm_region(provider, 2, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(provider);
	const uint64_t who[] = {0, 1, ~UINT64_C(0), trealm_id(bare), trealm_id(consumer)};

	(void)state;
	policy.rim[5] ^= 1;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, granted_to_other, 99, RO, 0));
	ASSERT_OK(CSM(provider, SHARE, policy_not_met, trealm_id(consumer), RO, TREALM_POLICY));
	for (size_t i = 0; i < ARRAY_LENGTH(who); i++) {
		ASSERT_DENIED(CSM(consumer, RESERVE, who[i], 1, TREALM_OTHER, PAGE(1), 0),
			      CSM_ERROR_ACCESS, access);
	}
	for (uint64_t region = 0; region < 6; region++) {
		ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER,
				  PAGE(1), 0),
			      CSM_ERROR_ACCESS, access);
		ASSERT_DENIED(CSM(consumer, PEER, trealm_id(provider), region), CSM_ERROR_ACCESS,
			      access);
	}
	(void)open;
	trealm_destroy_all();
}

static void reserve_space(void **state)
{
	struct trealm *provider = trealm_make(4);
	struct trealm *consumer = trealm_make(1);
	unsigned int regions = 0;

	(void)state;
	for (unsigned int i = 0; i < TREALM_RAM; i++) {
		uint64_t region = trealm_region(provider, i, 1);

		trealm_share(provider, region, consumer, RO);
		trealm_reserve(consumer, provider, region, TREALM_OTHER + PAGE(i), 1);
		regions++;
	}
	for (uint64_t i = 0;
	     CSM(consumer, CREATE, TREALM_OWN + PAGE(i), PAGE(1), 0).x[0] == RSI_SUCCESS; i++) {
		regions++;
	}
	assert_in_range(regions, 24, 30);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, 1));
	assert_int_equal(trealm_region(provider, 0, 1), TREALM_RAM + 1);
	trealm_share(provider, TREALM_RAM + 1, consumer, RO);
	ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), TREALM_RAM + 1,
			  TREALM_OTHER + PAGE(20), PAGE(1), 0),
		      CSM_ERROR_NO_SPACE, space);
	ASSERT_RMI_OK(trealm_add_apt(consumer));
	trealm_reserve(consumer, provider, TREALM_RAM + 1, TREALM_OTHER + PAGE(20), 1);
	trealm_destroy_all();
}

/* The provider's APT may be what is full: the ANY grant needs a record for everyone who comes. */
static void reserve_any_space(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);

	(void)state;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	for (uint64_t i = 5; CSM(provider, SHARE, region, i, RO, 0).x[0] == RSI_SUCCESS; i++) {
	}
	ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(1), 0),
		      CSM_ERROR_NO_SPACE, space);
	/* invariant 07: nothing has come of it. */
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), RSI_ERROR_INPUT,
		      reservation);
	ASSERT_OK(CSM(provider, REVOKE, region, 5));
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(1), 0));
	trealm_destroy_all();
}

/*
 * invariant 07: the provider is full, and so is the consumer, but for signals of one who left it:
 * they are not given up for a reservation that fails.
 */
static void reserve_keeps_signals(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm *guest = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	uint64_t own = trealm_region(consumer, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);

	(void)state;
	trealm_put(provider, 0, &policy);
	trealm_put(consumer, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	ASSERT_OK(CSM(consumer, SHARE, own, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(guest, consumer, own, TREALM_OTHER, 1);
	for (uint64_t i = 5; CSM(provider, SHARE, region, i, RO, 0).x[0] == RSI_SUCCESS; i++) {
	}
	for (uint64_t i = 5; CSM(consumer, SHARE, own, i, RO, 0).x[0] == RSI_SUCCESS; i++) {
	}
	ASSERT_OK(CSM_FINISH(guest, DETACH_AND_FREE, trealm_id(consumer), own));
	ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(1), 0),
		      CSM_ERROR_NO_SPACE, space);
	assert_int_equal(CSM(consumer, SIGNAL_TAKE).x[4], CSM_SIGNAL_DETACHED);
	trealm_destroy_all();
}

/* --- ATTACH and access */

static void exchange(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	struct trealm_call call;

	(void)state;
	trealm_share(provider, region, consumer, RW);
	ASSERT_NOTICE(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(4), 0),
		      RMI_EXIT_CSM_CONSUMER, TREALM_OTHER, TREALM_OTHER + PAGE(4));
	call = CSM(consumer, ATTACH, trealm_id(provider), region);
	assert_int_equal(call.x[0], RSI_SUCCESS);
	assert_int_equal(call.x[1], RW);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL,
		    .ripas_base = provider->realm.rd);
	for (unsigned int i = 0; i < 4; i++) {
		struct mapping mapping = trealm_map(consumer, TREALM_OTHER + PAGE(i));

		assert_int_equal(mapping.pa, own_page(provider, i));
		assert_true(mapping.write && !mapping.exec);
		assert_int_equal(sim_refs(mapping.pa), 1);
	}
	assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(4)).pa, 0);
	trealm_destroy_all();
}

/* hazard 11: what is granted is what the entry says. */
static void permissions(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	const uint64_t perms[] = {RO, RW, RO | CSM_PERM_EXEC, RWX};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_LENGTH(perms); i++) {
		uint64_t region = trealm_region(provider, i, 1);
		uint64_t at = TREALM_OTHER + PAGE(i);
		struct trealm_call call;

		trealm_share(provider, region, consumer, perms[i]);
		trealm_reserve(consumer, provider, region, at, 1);
		call = CSM(consumer, ATTACH, trealm_id(provider), region);
		assert_int_equal(call.x[1], perms[i]);
		assert_int_equal(trealm_map(consumer, at).pa, own_page(provider, i));
		assert_int_equal(trealm_map(consumer, at).write, (perms[i] & CSM_PERM_WRITE) != 0);
		assert_int_equal(trealm_map(consumer, at).exec, (perms[i] & CSM_PERM_EXEC) != 0);
		assert_int_equal(trealm_access(consumer, at, true),
				 (perms[i] & CSM_PERM_WRITE) != 0 ? TOUCH_DONE : TOUCH_ABORT);
	}
	trealm_destroy_all();
}

static void attach_refused(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t id = trealm_id(provider);
	uint64_t region = trealm_region(provider, 0, 4);

	(void)state;
	trealm_share(provider, region, consumer, RW);
	ASSERT_DENIED(CSM(consumer, ATTACH, id, region), RSI_ERROR_INPUT, reservation);
	/* A page of its own in the range: the host has to take it back first. */
	sim_realm_data(&consumer->realm, TREALM_OTHER + PAGE(2));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	ASSERT_DENIED(CSM(consumer, ATTACH, id, region), RSI_ERROR_STATE, own_granule);
	nothing_there(consumer, 2);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, consumer->realm.rd, TREALM_OTHER + PAGE(2)));
	trealm_attach(consumer, provider, region);
	ASSERT_DENIED(CSM(consumer, ATTACH, id, region), RSI_ERROR_STATE, attached);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	ASSERT_DENIED(CSM(consumer, ATTACH, id, region), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* RAM that is only partly in the range cannot be made EMPTY without a table. */
static void attach_edge(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_WIDE + PAGE(4), 4);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), RSI_ERROR_STATE,
		      own_granule);
	sim_realm_tables(&consumer->realm, TREALM_WIDE, 3);
	trealm_attach(consumer, provider, region);
	ASSERT_READS(consumer, TREALM_WIDE + PAGE(5), own_page(provider, 1));
	trealm_destroy_all();
}

/* The host makes one entry of what was looked at, before it is cleared. */
static void attach_edge_later(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	uint64_t base = TREALM_WIDE + PAGE(4);

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, base, 4);
	sim_realm_tables(&consumer->realm, TREALM_WIDE, 3);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(consumer, ATTACH, trealm_id(provider), region).x[0], RSI_INCOMPLETE);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, consumer->realm.rd, TREALM_WIDE, 3));
	ASSERT_DENIED(CSM_FINISH(consumer, ATTACH, trealm_id(provider), region), RSI_ERROR_STATE,
		      own_granule);
	sim_realm_tables(&consumer->realm, TREALM_WIDE, 3);
	ASSERT_OK(CSM_FINISH(consumer, ATTACH, trealm_id(provider), region));
	machine_on_interrupt_pending = NULL;
	ASSERT_READS(consumer, base, own_page(provider, 0));
	trealm_destroy_all();
}

/* The host has destroyed the table: one entry, DESTROYED, that reaches beyond the range. */
static void attach_without_table(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	struct sim_answer answer;

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER + PAGE(4), 4);
	answer = RMI(RMI_RTT_DESTROY, consumer->realm.rd, TREALM_OTHER, 3);
	ASSERT_RMI_OK(answer);
	ASSERT_OK(CSM_FINISH(consumer, ATTACH, trealm_id(provider), region));
	assert_in_range(trealm_calls, 1, 4);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, consumer->realm.rd, answer.x[1], TREALM_OTHER, 3));
	ASSERT_READS(consumer, TREALM_OTHER + PAGE(4), own_page(provider, 0));
	trealm_destroy_all();
}

/* hazard 03 */
static void no_way_back(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t first = trealm_lend(provider, consumer, 4, RW);
	uint64_t second;

	(void)state;
	ASSERT_OK(CSM(provider, REVOKE, first, trealm_id(consumer)));
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), first), CSM_ERROR_ACCESS, access);
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	/* Nor to the region after it at the same place. */
	ASSERT_OK(CSM(provider, DESTROY, first));
	second = trealm_region(provider, 0, 4);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), first), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), second), RSI_ERROR_INPUT,
		      reservation);
	trealm_share(provider, second, consumer, RW);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), first), CSM_ERROR_ACCESS, access);
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	nothing_there(consumer, 4);
	/* A new consent is one, once the old reservation is gone. */
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), first));
	trealm_reserve(consumer, provider, second, TREALM_OTHER, 4);
	trealm_attach(consumer, provider, second);
	ASSERT_READS(consumer, TREALM_OTHER, own_page(provider, 0));
	trealm_destroy_all();
}

/* Terms are looked at again at ATTACH: a peer that has measured something since is another one. */
static void attach_terms(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);
	uint64_t extend[] = {RSI_MEASUREMENT_EXTEND_FID, 2, 1, 0xAB, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	policy.flags |= CSM_POLICY_REM(1);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, trealm_id(consumer), RO, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	assert_int_equal(trealm_call_args(consumer, extend, 11).x[0], RSI_SUCCESS);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* Grants that look attached: the simulated machine has no room for so many realms. */
static void forge_grants(struct trealm *provider, uint64_t id, struct trealm *consumer,
			 unsigned int count)
{
	struct rmm_csm_held held = rmm_csm_lock(sim_rd(&provider->realm));
	struct rmm_csm_region *region = rmm_csm_region_find(held.rd, id);

	for (unsigned int i = 0; i < count; i++) {
		struct rmm_csm_grant *grant = rmm_csm_grant_new(held.rd, region, 1000 + i);

		assert_non_null(grant);
		grant->state = RMM_CSM_GRANT_ATTACHED;
		grant->perm = RO;
		grant->consumer = sim_rd(&consumer->realm);
		region->attached++;
	}
	rmm_csm_unlock(held);
}

static void forget_grants(struct trealm *provider, uint64_t id, unsigned int from, unsigned int to)
{
	struct rmm_csm_held held = rmm_csm_lock(sim_rd(&provider->realm));
	struct rmm_csm_region *region = rmm_csm_region_find(held.rd, id);

	for (unsigned int i = from; i < to; i++) {
		struct rmm_csm_grant *grant = rmm_csm_grant_find(held.rd, id, 1000 + i);

		grant->consumer = NULL;
		grant->state = RMM_CSM_GRANT_IDLE;
		region->attached--;
		rmm_csm_record_free(held.rd, &grant->record);
	}
	rmm_csm_unlock(held);
}

static void attach_consumers(void **state)
{
	struct trealm *provider = trealm_make(12);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);

	(void)state;
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	forge_grants(provider, region, consumer, CSM_MAX_CONSUMERS);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), CSM_ERROR_NO_SPACE,
		      consumers);
	forget_grants(provider, region, 0, 1);
	trealm_attach(consumer, provider, region);
	forget_grants(provider, region, 1, CSM_MAX_CONSUMERS);
	trealm_destroy_all();
}

/* The table of TREALM_OTHER goes and comes again: what was EMPTY is DESTROYED, so is to be cleared.
 */
static void spoil_ripas(struct trealm *consumer)
{
	struct sim_answer answer = RMI(RMI_RTT_DESTROY, consumer->realm.rd, TREALM_OTHER, 3);

	ASSERT_RMI_OK(answer);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, consumer->realm.rd, answer.x[1], TREALM_OTHER, 3));
}

static void attach_steps(bool spoiled, unsigned int least)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 6);

	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER + BLOCK - PAGE(3), 6);
	sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
	if (spoiled) {
		spoil_ripas(consumer);
	}
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(consumer, ATTACH, trealm_id(provider), region).x[0], RSI_INCOMPLETE);
	/* Half way, nothing is reached that is not granted, and the way back is open. */
	ASSERT_ABORTS(consumer, TREALM_OTHER + BLOCK);
	ASSERT_OK(CSM_FINISH(consumer, ATTACH, trealm_id(provider), region));
	assert_in_range(trealm_calls, least, 8);
	for (unsigned int i = 0; i < 6; i++) {
		ASSERT_READS(consumer, TREALM_OTHER + BLOCK - PAGE(3) + PAGE(i),
			     own_page(provider, i));
	}
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	assert_in_range(trealm_calls, 2, 5);
	machine_on_interrupt_pending = NULL;
	trealm_destroy_all();
}

static void attach_in_steps(void **state)
{
	(void)state;
	/* Two tables to look at and two to map in; between them, two to clear. */
	attach_steps(false, 3);
	trealm_count = 0;
	attach_steps(true, 5);
}

/* invariant 10: pages that are not there are passed over a table at a time, not one by one. */
static void attach_holes(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm_call call;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		sim_realm_tables(&provider->realm, TREALM_WIDE + i * BLOCK, 3);
	}
	call = CSM_FINISH(provider, CREATE, TREALM_WIDE, 4 * BLOCK, 0);
	assert_int_equal(call.x[0], RSI_SUCCESS);
	trealm_share(provider, call.x[1], consumer, RO);
	ASSERT_OK(
		CSM(consumer, RESERVE, trealm_id(provider), call.x[1], TREALM_BARE, 4 * BLOCK, 0));
	machine_on_interrupt_pending = trealm_interrupted;
	trealm_attach(consumer, provider, call.x[1]);
	machine_on_interrupt_pending = NULL;
	/* One entry of the consumer to look at, and four tables of the provider. */
	assert_int_equal(trealm_calls, 5);
	trealm_destroy_all();
}

/* What is behind holes in the same table is lent with the next step. */
static void attach_behind_holes(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, TREALM_PAGES, 4);
	uint64_t page = sim_realm_data(&provider->realm, TREALM_OWN + PAGE(TREALM_PAGES + 2));

	(void)state;
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	trealm_attach(consumer, provider, region);
	assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(2)).pa, page);
	assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(1)).pa, 0);
	trealm_destroy_all();
}

/* RAM without pages is not the consumer's any more, whether the provider has a page there or not.
 */
static void attach_clears_ram(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, TREALM_PAGES - 2, 4);
	uint64_t base = TREALM_OWN + PAGE(TREALM_PAGES + 1);

	(void)state;
	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, base, 4);
	trealm_attach(consumer, provider, region);
	for (unsigned int i = 0; i < 4; i++) {
		struct sim_answer answer =
			RMI(RMI_RTT_READ_ENTRY, consumer->realm.rd, base + PAGE(i), 3);

		assert_int_equal(answer.x[2], RMI_UNASSIGNED);
		assert_int_equal(answer.x[4], RMI_RIPAS_EMPTY);
		assert_int_equal(trealm_access(consumer, base + PAGE(i), true),
				 i < 2 ? TOUCH_DONE : TOUCH_ABORT);
	}
	/* Around it everything is as it was. */
	assert_int_equal(RMI(RMI_RTT_READ_ENTRY, consumer->realm.rd, base - PAGE(1), 3).x[4],
			 RMI_RIPAS_RAM);
	assert_int_equal(RMI(RMI_RTT_READ_ENTRY, consumer->realm.rd, base + PAGE(4), 3).x[4],
			 RMI_RIPAS_RAM);
	trealm_destroy_all();
}

/* ATTACH ended in a way, after so many of its steps. */
static void attach_ended(bool spoiled, unsigned int steps, unsigned int way)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 6);

	trealm_share(provider, region, consumer, RW);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 6);
	if (spoiled) {
		spoil_ripas(consumer);
	}
	machine_on_interrupt_pending = trealm_interrupted;
	for (unsigned int i = 0; i < steps; i++) {
		CSM(consumer, ATTACH, trealm_id(provider), region);
	}
	switch (way) {
	case 0:
		ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
		break;
	case 1:
		ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
		break;
	case 2:
		ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
		break;
	default:
		trealm_drop_apts(provider);
		break;
	}
	nothing_there(consumer, 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(sim_refs(own_page(provider, i)), 0);
		/* Before it clears anything, what the consumer had there is as it was. */
		if (!spoiled) {
			ASSERT_ABORTS(consumer, TREALM_OTHER + PAGE(i));
		}
	}
	machine_on_interrupt_pending = NULL;
	trealm_destroy_all();
}

/* From every step of ATTACH, every way to end it leaves nothing behind. */
static void attach_interrupted(void **state)
{
	(void)state;
	for (unsigned int steps = 1; steps < 6; steps++) {
		for (unsigned int way = 0; way < 4; way++) {
			trealm_count = 0;
			attach_ended(false, steps, way);
			trealm_count = 0;
			attach_ended(true, steps, way);
		}
	}
}

/* --- faults */

/* hazard 14: a table that is missing is asked for, and then the page comes. */
static void fault_table(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	struct rmi_rec_exit exit;

	(void)state;
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_BARE + PAGE(7), 4);
	trealm_attach(consumer, provider, region);
	for (int level = 1; level < 3; level++) {
		assert_int_equal(trealm_touch(consumer, TREALM_BARE + PAGE(8), false, &exit),
				 TOUCH_EXIT);
		ASSERT_EXIT(exit, .exit_reason = RMI_EXIT_SYNC,
			    .esr = (UINT64_C(0x24) << 26) | 4U | (uint64_t)level,
			    .hpfar = (TREALM_BARE + PAGE(8)) >> 8);
		sim_realm_tables(&consumer->realm, TREALM_BARE, level + 1);
	}
	ASSERT_READS(consumer, TREALM_BARE + PAGE(8), own_page(provider, 1));
	assert_int_equal(trealm_map(consumer, TREALM_BARE + PAGE(7)).pa, 0);
	assert_false(trealm_map(consumer, TREALM_BARE + PAGE(8)).write);
	trealm_destroy_all();
}

/* A page that the provider does not have. */
static void fault_hole(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, TREALM_PAGES - 2, 4);

	(void)state;
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	trealm_attach(consumer, provider, region);
	ASSERT_READS(consumer, TREALM_OTHER + PAGE(1), own_page(provider, TREALM_PAGES - 1));
	ASSERT_ABORTS(consumer, TREALM_OTHER + PAGE(2));
	/* It comes when the host provides it, without the consumer's doing. */
	sim_realm_data(&provider->realm, TREALM_OWN + PAGE(TREALM_PAGES));
	assert_int_equal(trealm_map(consumer, TREALM_OTHER + PAGE(2)).pa,
			 own_page(provider, TREALM_PAGES));
	trealm_destroy_all();
}

/* What is not attached yet is the consumer's own affair. */
static void fault_reserved(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 4);
	struct rmi_rec_exit exit;

	(void)state;
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_OWN + PAGE(TREALM_PAGES), 4);
	assert_int_equal(trealm_touch(consumer, TREALM_OWN + PAGE(TREALM_PAGES), false, &exit),
			 TOUCH_EXIT);
	assert_int_equal(exit.exit_reason, RMI_EXIT_SYNC);
	trealm_destroy_all();
}

/* --- the ways in which it ends */

static void revoke(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, RW);
	struct trealm_call call;

	(void)state;
	(void)CSM(consumer, SIGNAL_TAKE);
	call = CSM(provider, REVOKE, region, trealm_id(consumer));
	assert_int_equal(call.x[0], RSI_SUCCESS);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL,
		    .ripas_base = consumer->realm.rd);
	nothing_there(consumer, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sim_refs(own_page(provider, i)), 0);
		ASSERT_ABORTS(consumer, TREALM_OTHER + PAGE(i));
		assert_int_equal(trealm_access(provider, TREALM_OWN + PAGE(i), true), TOUCH_DONE);
	}
	trealm_destroy_all();
}

static void revoke_refused(void **state)
{
	struct trealm *provider = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);

	(void)state;
	ASSERT_DENIED(CSM(provider, REVOKE, 9, 5), RSI_ERROR_INPUT, region);
	ASSERT_DENIED(CSM(provider, REVOKE, region, 5), RSI_ERROR_INPUT, grant);
	ASSERT_DENIED(CSM(provider, REVOKE, region, 0), RSI_ERROR_INPUT, grant);
	ASSERT_OK(CSM(provider, SHARE, region, 5, RO, 0));
	ASSERT_OK(CSM(provider, REVOKE, region, 5));
	ASSERT_DENIED(CSM(provider, REVOKE, region, 5), RSI_ERROR_INPUT, grant);
	trealm_destroy_all();
}

/* While a region is on its way out it is nobody's to share, seal or revoke. */
static void ending_region(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 6, RW);

	(void)state;
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(provider, DESTROY, region).x[0], RSI_INCOMPLETE);
	ASSERT_DENIED(CSM(provider, SHARE, region, 5, RO, 0), RSI_ERROR_STATE, region_state);
	ASSERT_DENIED(CSM(provider, SEAL, region), RSI_ERROR_STATE, region_state);
	ASSERT_DENIED(CSM(provider, REVOKE, region, trealm_id(consumer)), RSI_ERROR_STATE,
		      region_state);
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	machine_on_interrupt_pending = NULL;
	ASSERT_ABORTS(consumer, TREALM_OTHER);
	trealm_destroy_all();
}

/* invariant 05: while it is under way nobody comes in again, and the host adds nothing either. */
static void revoke_in_steps(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t base = TREALM_OTHER + BLOCK - PAGE(3);
	uint64_t region = trealm_region(provider, TREALM_PAGES - 2, 6);
	const uint64_t commands[] = {RSI_CSM_REVOKE_FID, RSI_CSM_DESTROY_FID};

	(void)state;
	sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
	for (unsigned int i = 0; i < ARRAY_LENGTH(commands); i++) {
		uint64_t args[] = {commands[i], region, trealm_id(consumer)};

		trealm_share(provider, region, consumer, RW);
		trealm_reserve(consumer, provider, region, base, 6);
		trealm_attach(consumer, provider, region);
		machine_on_interrupt_pending = trealm_interrupted;
		assert_int_equal(trealm_call_args(provider, args, 3).x[0], RSI_INCOMPLETE);
		ASSERT_ABORTS(consumer, base);
		assert_int_equal(trealm_map(consumer, base).pa, 0);
		if (i == 0) {
			sim_realm_data(&provider->realm, TREALM_OWN + PAGE(TREALM_PAGES));
			assert_int_equal(trealm_map(consumer, base + PAGE(2)).pa, 0);
		}
		ASSERT_OK(trealm_finish_args(provider, args, 3, &trealm_calls));
		machine_on_interrupt_pending = NULL;
		for (unsigned int page = 0; page < 6; page++) {
			ASSERT_ABORTS(consumer, base + PAGE(page));
		}
		ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	}
	trealm_destroy_all();
}

static void detach(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_lend(provider, consumer, 4, RW);
	uint64_t get[] = {RSI_IPA_STATE_GET_FID, TREALM_OTHER, TREALM_OTHER + PAGE(4)};
	struct trealm_call call;

	(void)state;
	ASSERT_DENIED(CSM(consumer, DETACH_AND_FREE, 5, region), RSI_ERROR_INPUT, reservation);
	ASSERT_DENIED(CSM(provider, DETACH_AND_FREE, trealm_id(provider), region), RSI_ERROR_INPUT,
		      reservation);
	/* The provider has not taken that it is attached: nobody needs to be woken. */
	ASSERT_NOTICE(CSM(consumer, DETACH_AND_FREE, trealm_id(provider), region),
		      RMI_EXIT_CSM_REMOVED, TREALM_OTHER, TREALM_OTHER + PAGE(4));
	nothing_there(consumer, 4);
	call = trealm_call_args(consumer, get, 3);
	assert_int_equal(call.x[1], TREALM_OTHER + PAGE(4));
	assert_int_equal(call.x[2], RSI_RIPAS_EMPTY);
	ASSERT_DENIED(CSM(consumer, DETACH_AND_FREE, trealm_id(provider), region), RSI_ERROR_INPUT,
		      reservation);
	/* The grant is there again for the next time. */
	assert_int_equal(CSM(provider, SIGNAL_TAKE).x[4],
			 CSM_SIGNAL_ATTACHED | CSM_SIGNAL_DETACHED);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 4);
	trealm_attach(consumer, provider, region);
	(void)CSM(provider, SIGNAL_TAKE);
	call = CSM(consumer, DETACH_AND_FREE, trealm_id(provider), region);
	assert_int_equal(call.x[0], RSI_INCOMPLETE);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL,
		    .ripas_base = provider->realm.rd);
	ASSERT_NOTICE(CSM(consumer, DETACH_AND_FREE, trealm_id(provider), region),
		      RMI_EXIT_CSM_REMOVED, TREALM_OTHER, TREALM_OTHER + PAGE(4));
	trealm_destroy_all();
}

static void destroy_many(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumers[4];
	uint64_t region = trealm_region(provider, 0, 4);
	struct trealm_call call;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		consumers[i] = trealm_make(1);
		trealm_share(provider, region, consumers[i], i % 2 == 0 ? RO : RW);
		trealm_reserve(consumers[i], provider, region, TREALM_OTHER, 4);
		trealm_attach(consumers[i], provider, region);
		same_pages(provider, consumers[i], 4);
	}
	assert_int_equal(sim_refs(own_page(provider, 0)), 4);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumers[1])));
	ASSERT_ABORTS(consumers[1], TREALM_OTHER);
	ASSERT_READS(consumers[2], TREALM_OTHER, own_page(provider, 0));
	machine_on_interrupt_pending = trealm_interrupted;
	do {
		call = CSM(provider, DESTROY, region);
		assert_int_equal(call.x[0], RSI_INCOMPLETE);
	} while (call.exit.exit_reason != RMI_EXIT_CSM_SIGNAL);
	machine_on_interrupt_pending = NULL;
	assert_int_equal(call.exit.ripas_base, 0);
	ASSERT_NOTICE(CSM(provider, DESTROY, region), RMI_EXIT_CSM_REMOVED, TREALM_OWN,
		      TREALM_OWN + PAGE(4));
	for (unsigned int i = 0; i < 4; i++) {
		nothing_there(consumers[i], 4);
		ASSERT_ABORTS(consumers[i], TREALM_OTHER);
		ASSERT_OK(CSM_FINISH(consumers[i], DETACH_AND_FREE, trealm_id(provider), region));
	}
	trealm_destroy_all();
}

/* --- ANY */

static void any(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *good = trealm_make(1);
	struct trealm *also = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	struct rsi_csm_policy policy = trealm_policy_rim(good);
	struct trealm_call call;

	(void)state;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(good, provider, region, TREALM_OTHER, 2);
	trealm_attach(good, provider, region);
	trealm_reserve(also, provider, region, TREALM_OTHER, 2);
	trealm_attach(also, provider, region);
	ASSERT_READS(also, TREALM_OTHER, own_page(provider, 0));
	/* It comes and goes as it likes. */
	ASSERT_OK(CSM_FINISH(also, DETACH_AND_FREE, trealm_id(provider), region));
	trealm_reserve(also, provider, region, TREALM_OTHER, 2);
	trealm_attach(also, provider, region);
	/* hazard 15: the provider meets its own policy, and is no consumer for it. */
	ASSERT_DENIED(CSM(provider, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(2), 0),
		      CSM_ERROR_ACCESS, access);
	machine_on_interrupt_pending = trealm_interrupted;
	call = CSM_FINISH(provider, REVOKE, region, CSM_REALM_ANY);
	machine_on_interrupt_pending = NULL;
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL);
	ASSERT_ABORTS(good, TREALM_OTHER);
	ASSERT_ABORTS(also, TREALM_OTHER);
	ASSERT_DENIED(CSM(provider, REVOKE, region, CSM_REALM_ANY), RSI_ERROR_INPUT, grant);
	trealm_destroy_all();
}

/* REVOKE has stopped half way, and the consumer who came by ANY leaves: the next call is the last.
 */
static void revoked_and_left(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);
	uint64_t base = TREALM_OTHER + BLOCK - PAGE(1);

	(void)state;
	sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, base, 2);
	trealm_attach(consumer, provider, region);
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(provider, REVOKE, region, trealm_id(consumer)).x[0], RSI_INCOMPLETE);
	machine_on_interrupt_pending = NULL;
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	ASSERT_DENIED(CSM(provider, REVOKE, region, trealm_id(consumer)), RSI_ERROR_INPUT, grant);
	trealm_destroy_all();
}

/* With nothing in it: what is lent comes back on access. */
static void renew_table(const struct trealm *consumer)
{
	uint64_t rd = consumer->realm.rd;
	struct sim_answer answer = RMI(RMI_RTT_DESTROY, rd, TREALM_OTHER, 3);

	ASSERT_RMI_OK(answer);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, answer.x[1], TREALM_OTHER, 3));
}

/* Who came by ANY gets nothing more from the first step of its REVOKE on, whoever is the first. */
static void any_revoked_in_steps(void **state)
{
	struct trealm *provider = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 2);
	struct trealm *consumers[3];
	struct rsi_csm_policy policy;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		consumers[i] = trealm_make(1);
	}
	policy = trealm_policy_rim(consumers[0]);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	for (unsigned int i = 0; i < 3; i++) {
		trealm_reserve(consumers[i], provider, region, TREALM_OTHER, 2);
		if (i != 2) {
			trealm_attach(consumers[i], provider, region);
			renew_table(consumers[i]);
		}
	}
	machine_on_interrupt_pending = trealm_interrupted;
	assert_int_equal(CSM(provider, REVOKE, region, CSM_REALM_ANY).x[0], RSI_INCOMPLETE);
	machine_on_interrupt_pending = NULL;
	ASSERT_ABORTS(consumers[0], TREALM_OTHER);
	ASSERT_ABORTS(consumers[1], TREALM_OTHER);
	ASSERT_DENIED(CSM(consumers[2], ATTACH, trealm_id(provider), region), CSM_ERROR_ACCESS,
		      access);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, CSM_REALM_ANY));
	trealm_destroy_all();
}

/* Each side may demand something of the other: all parts of a policy count. */
static void policies(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy good = trealm_policy_rim(provider);
	struct rsi_csm_policy bad;

	(void)state;
	trealm_share(provider, region, consumer, RO);
	good.flags |= CSM_POLICY_REM(2) | CSM_POLICY_RPV;
#define UNMET(change)                                                                           \
	do {                                                                                    \
		bad = good;                                                                     \
		change;                                                                         \
		trealm_put(consumer, 0, &bad);                                                  \
		ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, \
				  PAGE(1), TREALM_POLICY),                                      \
			      CSM_ERROR_ACCESS, access);                                        \
	} while (0)
	UNMET(bad.rim[0] ^= 1);
	UNMET(bad.rim[31] ^= 0x80);
	UNMET(bad.rim[63] ^= 1);
	UNMET(bad.rem[0] ^= 1);
	UNMET(bad.rpv[63] ^= 1);
	UNMET(bad.hash_algo = CSM_POLICY_SHA_512);
#undef UNMET
	trealm_put(consumer, 0, &good);
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(1),
		      TREALM_POLICY));
	trealm_attach(consumer, provider, region);
	trealm_destroy_all();
}

/* hazard 16: each is the other's provider. */
static void both_roles(void **state)
{
	struct trealm *left = trealm_make(1);
	struct trealm *right = trealm_make(1);

	(void)state;
	trealm_lend(left, right, 4, RW);
	trealm_lend(right, left, 4, RO);
	same_pages(left, right, 4);
	same_pages(right, left, 4);
	assert_int_not_equal(trealm_map(left, TREALM_OTHER).pa, trealm_map(right, TREALM_OTHER).pa);
	/* invariant 06: nobody passes on what is lent to it. */
	ASSERT_DENIED(CSM(left, CREATE, TREALM_OTHER, PAGE(4), 0), RSI_ERROR_INPUT, ripas);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_SHARE region; RSI_CSM_SHARE perm_valid; RSI_CSM_SHARE self; "
			    "RSI_CSM_SHARE policy_access; RSI_CSM_SHARE policy_any; "
			    "RSI_CSM_SHARE grant_live; RSI_CSM_SHARE perm_sealed; hazard 15",
			    share_refused),
		TREALM_TEST("RSI_CSM_SHARE policy_rim: ANY by RPV or REM alone", any_without_rim),
		TREALM_TEST("RSI_CSM_SHARE policy_valid; RSI_CSM_RESERVE policy_valid",
			    policy_malformed),
		TREALM_TEST("RSI_CSM_SHARE: the policy's page is missing", policy_missing),
		TREALM_TEST("RSI_CSM_RESERVE base_align; RSI_CSM_RESERVE size_align; "
			    "RSI_CSM_RESERVE size_valid; RSI_CSM_RESERVE rgn_bound; "
			    "RSI_CSM_RESERVE overlap; RSI_CSM_RESERVE policy_access; "
			    "RSI_CSM_RESERVE size_match; RSI_CSM_RESERVE reserved",
			    reserve_refused),
		TREALM_TEST("RSI_CSM_RESERVE access: one answer to a stranger; invariant 11; "
			    "hazard 04",
			    reserve_uniform),
		TREALM_TEST("RSI_CSM_RESERVE space", reserve_space),
		TREALM_TEST("RSI_CSM_RESERVE space: of the provider; invariant 07",
			    reserve_any_space),
		TREALM_TEST("RSI_CSM_RESERVE space: signals stay; invariant 07",
			    reserve_keeps_signals),
		TREALM_TEST("RSI_CSM_ATTACH: the provider's pages, and nothing else; invariant 04",
			    exchange),
		TREALM_TEST("hazard 11: permissions are in the entries", permissions),
		TREALM_TEST("RSI_CSM_ATTACH reservation; RSI_CSM_ATTACH own_granule; "
			    "RSI_CSM_ATTACH attached; RSI_CSM_ATTACH access",
			    attach_refused),
		TREALM_TEST("hazard 19: RSI_CSM_ATTACH own_granule: a range that the host folds "
			    "into more while it is made EMPTY",
			    attach_edge_later),
		TREALM_TEST("RSI_CSM_ATTACH ends where a table is missing", attach_without_table),
		TREALM_TEST("RSI_CSM_ATTACH own_granule: RAM that is partly in the range",
			    attach_edge),
		TREALM_TEST("hazard 03: no old reservation leads anywhere", no_way_back),
		TREALM_TEST("RSI_CSM_ATTACH access: terms are looked at again; invariant 05",
			    attach_terms),
		TREALM_TEST("RSI_CSM_ATTACH consumers", attach_consumers),
		TREALM_TEST("RSI_CSM_ATTACH and RSI_CSM_DETACH_AND_FREE yield at every step",
			    attach_in_steps),
		TREALM_TEST("RSI_CSM_ATTACH of holes; invariant 10", attach_holes),
		TREALM_TEST("RSI_CSM_ATTACH of what is behind holes", attach_behind_holes),
		TREALM_TEST("RSI_CSM_ATTACH: RAM of the consumer becomes EMPTY", attach_clears_ram),
		TREALM_TEST("hazard 17: ATTACH ended at every step, in every way",
			    attach_interrupted),
		TREALM_TEST("hazard 14: a missing table is asked for", fault_table),
		TREALM_TEST("a hole is an external abort", fault_hole),
		TREALM_TEST("a reservation changes nothing yet", fault_reserved),
		TREALM_TEST("RSI_CSM_REVOKE; invariant 03", revoke),
		TREALM_TEST("RSI_CSM_REVOKE and RSI_CSM_DESTROY yield at every step; invariant 05",
			    revoke_in_steps),
		TREALM_TEST("RSI_CSM_REVOKE region; RSI_CSM_REVOKE grant", revoke_refused),
		TREALM_TEST("RSI_CSM_SHARE region_state; RSI_CSM_SEAL region_state; "
			    "RSI_CSM_REVOKE region_state",
			    ending_region),
		TREALM_TEST("RSI_CSM_DETACH_AND_FREE reservation", detach),
		TREALM_TEST("RSI_CSM_DESTROY with four consumers, a step at a time", destroy_many),
		TREALM_TEST("the ANY grant", any),
		TREALM_TEST("RSI_CSM_REVOKE goes on when the consumer has left", revoked_and_left),
		TREALM_TEST("RSI_CSM_REVOKE of ANY: nobody gets more from its first step on",
			    any_revoked_in_steps),
		TREALM_TEST("policies of the consumer", policies),
		TREALM_TEST("hazard 16: both roles at once; invariant 06", both_roles),
	};
	return unit_run(tests);
}
