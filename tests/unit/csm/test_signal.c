// SPDX-License-Identifier: BSD-3-Clause
/* SIGNAL, SIGNAL_TAKE, QUERY, PEER. */
#include "csm/csm_unit.h"

#define RO CSM_PERM_READ
#define RW (CSM_PERM_READ | CSM_PERM_WRITE)

static void drain(struct trealm *trealm)
{
	while (CSM(trealm, SIGNAL_TAKE).x[1] != 0) {
	}
}

#define ASSERT_TAKES(trealm, peer, provider, region, bits)           \
	do {                                                         \
		struct trealm_call take_ = CSM(trealm, SIGNAL_TAKE); \
		assert_int_equal(take_.x[0], RSI_SUCCESS);           \
		assert_int_equal(take_.x[1], peer);                  \
		assert_int_equal(take_.x[2], provider);              \
		assert_int_equal(take_.x[3], region);                \
		assert_int_equal(take_.x[4], bits);                  \
	} while (0)
#define ASSERT_TAKES_NOTHING(trealm) ASSERT_TAKES(trealm, 0, 0, 0, 0)

static void signal(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t p = trealm_id(provider);
	uint64_t c = trealm_id(consumer);
	uint64_t region = trealm_lend(provider, consumer, 1, RO);
	struct trealm_call call;

	(void)state;
	ASSERT_TAKES(provider, c, p, region, CSM_SIGNAL_ATTACHED);
	ASSERT_TAKES_NOTHING(provider);
	ASSERT_TAKES_NOTHING(consumer);
	call = CSM(provider, SIGNAL, c, p, region, 5);
	assert_int_equal(call.x[0], RSI_SUCCESS);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL,
		    .ripas_base = consumer->realm.rd);
	/* The word is not empty: the host need not hear of it again. */
	call = CSM(provider, SIGNAL, c, p, region, BIT(47));
	assert_int_equal(call.exit.exit_reason, RMI_EXIT_IRQ);
	ASSERT_TAKES(consumer, p, p, region, BIT(47) | 5);
	ASSERT_TAKES_NOTHING(consumer);
	call = CSM(consumer, SIGNAL, p, p, region, CSM_SIGNAL_USER_MASK);
	ASSERT_EXIT(call.exit, .exit_reason = RMI_EXIT_CSM_SIGNAL,
		    .ripas_base = provider->realm.rd);
	ASSERT_TAKES(provider, c, p, region, CSM_SIGNAL_USER_MASK);
	trealm_destroy_all();
}

static void signal_refused(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	struct trealm *other = trealm_make(1);
	uint64_t p = trealm_id(provider);
	uint64_t c = trealm_id(consumer);
	uint64_t region = trealm_lend(provider, consumer, 1, RO);

	(void)state;
	ASSERT_DENIED(CSM(provider, SIGNAL, c, p, region, 0), RSI_ERROR_INPUT, bits_bound);
	for (unsigned int bit = 48; bit < 64; bit++) {
		ASSERT_DENIED(CSM(provider, SIGNAL, c, p, region, BIT(bit) | 1), RSI_ERROR_INPUT,
			      bits_bound);
	}
	ASSERT_DENIED(CSM(provider, SIGNAL, c, p, 2, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SIGNAL, c, c, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, SIGNAL, c, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(other, SIGNAL, c, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(other, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	/* Granted, then reserved: not attached yet. */
	trealm_share(provider, region, other, RO);
	ASSERT_DENIED(CSM(provider, SIGNAL, trealm_id(other), p, region, 1), CSM_ERROR_ACCESS,
		      access);
	trealm_reserve(other, provider, region, TREALM_OTHER, 1);
	ASSERT_DENIED(CSM(other, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM(provider, REVOKE, region, c));
	ASSERT_DENIED(CSM(consumer, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SIGNAL, c, p, region, 1), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* What the RMM itself says, to everyone concerned. */
static void events(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t p = trealm_id(provider);
	uint64_t c = trealm_id(consumer);
	uint64_t region = trealm_lend(provider, consumer, 2, RO);

	(void)state;
	ASSERT_TAKES(provider, c, p, region, CSM_SIGNAL_ATTACHED);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, provider->realm.rd, TREALM_OWN));
	ASSERT_TAKES(consumer, p, p, region, CSM_SIGNAL_PAGE_LOST);
	ASSERT_OK(CSM(provider, REVOKE, region, c));
	ASSERT_TAKES(consumer, p, p, region, CSM_SIGNAL_REGION_ENDED);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, p, region));
	trealm_share(provider, region, consumer, RO);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	trealm_attach(consumer, provider, region);
	drain(provider);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, p, region));
	ASSERT_TAKES(provider, c, p, region, CSM_SIGNAL_DETACHED);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	trealm_attach(consumer, provider, region);
	drain(provider);
	trealm_drop_apts(consumer);
	ASSERT_TAKES(provider, c, p, region, CSM_SIGNAL_DETACHED | CSM_SIGNAL_PEER_ENDED);
	ASSERT_RMI_OK(trealm_add_apt(consumer));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 2);
	trealm_attach(consumer, provider, region);
	trealm_drop_apts(provider);
	ASSERT_TAKES(consumer, p, p, region, CSM_SIGNAL_REGION_ENDED | CSM_SIGNAL_PEER_ENDED);
	trealm_destroy_all();
}

/* Many words are pending at once, and none is lost. */
static void take_many(void **state)
{
	struct trealm *provider = trealm_make(2);
	struct trealm *consumer = trealm_make(2);
	uint64_t p = trealm_id(provider);
	uint64_t seen = 0;

	(void)state;
	for (unsigned int i = 0; i < TREALM_RAM; i++) {
		uint64_t region = trealm_region(provider, i, 1);

		trealm_share(provider, region, consumer, RO);
		trealm_reserve(consumer, provider, region, TREALM_OTHER + PAGE(i), 1);
		trealm_attach(consumer, provider, region);
		ASSERT_OK(CSM(provider, SIGNAL, trealm_id(consumer), p, region, region));
	}
	for (unsigned int i = 0; i < TREALM_RAM; i++) {
		struct trealm_call call = CSM(consumer, SIGNAL_TAKE);

		assert_int_equal(call.x[1], p);
		assert_int_equal(call.x[3], call.x[4]);
		seen |= BIT(call.x[3]);
	}
	assert_int_equal(seen, BIT(TREALM_RAM + 1) - 2);
	ASSERT_TAKES_NOTHING(consumer);
	trealm_destroy_all();
}

/*
 * The signals of somebody who came by ANY and left outlive the record they need, but not for ever.
 */
static void ended_signals(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);
	uint64_t grants = 0;

	(void)state;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	trealm_attach(consumer, provider, region);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_TAKES(provider, trealm_id(consumer), trealm_id(provider), region,
		     CSM_SIGNAL_ATTACHED | CSM_SIGNAL_DETACHED);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_DENIED(CSM(provider, REVOKE, region, trealm_id(consumer)), RSI_ERROR_INPUT, grant);
	while (CSM(provider, SHARE, region, 100 + grants, RO, 0).x[0] == RSI_SUCCESS) {
		grants++;
	}
	/* 25 records: the region, ANY, and nothing for the one that is gone. */
	assert_int_equal(grants, 23);
	ASSERT_TAKES_NOTHING(provider);
	trealm_destroy_all();
}

/* --- QUERY */

#define ASSERT_ANSWER(call, region, size, perm, state, flags, base, next)              \
	do {                                                                           \
		struct trealm_call query_ = (call);                                    \
		assert_int_equal(query_.x[0], RSI_SUCCESS);                            \
		assert_int_equal(query_.x[1], region);                                 \
		assert_int_equal(query_.x[3], size);                                   \
		assert_int_equal(query_.x[4], rsi_csm_query_pack(perm, state, flags)); \
		assert_int_equal(query_.x[5], base);                                   \
		assert_int_equal(query_.x[6], next);                                   \
	} while (0)

static void query(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t p = trealm_id(provider);
	uint64_t first = trealm_region(provider, 0, 1);
	uint64_t hidden = trealm_region(provider, 1, 1);
	uint64_t last = trealm_region(provider, 2, 2);
	struct rsi_csm_policy policy = trealm_policy_rim(consumer);

	(void)state;
	ASSERT_ANSWER(CSM(consumer, QUERY, trealm_id(consumer), 0), 0, 0, 0, 0, 0, 0, 0);
	ASSERT_DENIED(CSM(consumer, QUERY, p, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, QUERY, 77, 0), CSM_ERROR_ACCESS, access);
	ASSERT_ANSWER(CSM(provider, QUERY, p, 0), first, PAGE(1), CSM_PERM_ALL, CSM_STATE_OWN, 0,
		      TREALM_OWN, first);
	assert_int_equal(CSM(provider, QUERY, p, 0).x[2], 0x6C6564);
	ASSERT_ANSWER(CSM(provider, QUERY, p, hidden), last, PAGE(2), CSM_PERM_ALL, CSM_STATE_OWN,
		      0, TREALM_OWN + PAGE(2), 0);

	trealm_share(provider, first, consumer, RW);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, last, CSM_REALM_ANY, RO, TREALM_POLICY));
	ASSERT_ANSWER(CSM(consumer, QUERY, p, 0), first, PAGE(1), RW, CSM_STATE_GRANTED, 0, 0,
		      first);
	ASSERT_ANSWER(CSM(consumer, QUERY, p, first), last, PAGE(2), RO, CSM_STATE_GRANTED,
		      CSM_FLAG_ANY, 0, 0);
	ASSERT_DENIED(CSM(consumer, QUERY, p, last), CSM_ERROR_ACCESS, access);
	trealm_reserve(consumer, provider, last, TREALM_OTHER, 2);
	ASSERT_ANSWER(CSM(consumer, QUERY, p, first), last, PAGE(2), RO, CSM_STATE_RESERVED,
		      CSM_FLAG_ANY, TREALM_OTHER, 0);
	trealm_reserve(consumer, provider, first, TREALM_OTHER + PAGE(8), 1);
	trealm_attach(consumer, provider, first);
	ASSERT_OK(CSM(provider, SEAL, first));
	ASSERT_ANSWER(CSM(consumer, QUERY, p, 0), first, PAGE(1), RO, CSM_STATE_ATTACHED,
		      CSM_FLAG_SEALED, TREALM_OTHER + PAGE(8), first);
	ASSERT_ANSWER(CSM(provider, QUERY, p, 0), first, PAGE(1), RO | CSM_PERM_EXEC, CSM_STATE_OWN,
		      CSM_FLAG_SEALED, TREALM_OWN, first);
	ASSERT_OK(CSM_FINISH(provider, DESTROY, first));
	ASSERT_ANSWER(CSM(consumer, QUERY, p, 0), first, PAGE(1), 0, CSM_STATE_ENDED, 0,
		      TREALM_OTHER + PAGE(8), first);
	trealm_destroy_all();
}

/* --- PEER */

static void peer(void **state)
{
	struct trealm *provider = trealm_make(1);
	struct trealm *consumer = trealm_make(1);
	uint64_t region = trealm_region(provider, 0, 1);
	uint64_t p = trealm_id(provider);
	uint64_t c = trealm_id(consumer);
	struct rd *rd = sim_rd(&consumer->realm);
	struct trealm_call call;

	(void)state;
	trealm_share(provider, region, consumer, RO);
	ASSERT_DENIED(CSM(provider, PEER, c, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, PEER, p, 0), CSM_ERROR_ACCESS, access);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	memset(rd->measurement[3], 0x5A, 32);
	for (uint64_t i = 0; i < 5; i++) {
		call = CSM(provider, PEER, c, i);
		assert_int_equal(call.x[0], RSI_SUCCESS);
		assert_memory_equal(&call.x[1], rd->measurement[i], 64);
		assert_int_equal(call.x[9], rd->hash_algo);
	}
	call = CSM(provider, PEER, c, 5);
	assert_memory_equal(&call.x[1], rd->rpv, 64);
	assert_int_equal(CSM(consumer, PEER, p, 0).x[0], RSI_SUCCESS);
	ASSERT_DENIED(CSM(provider, PEER, c, 6), RSI_ERROR_INPUT, index_bound);
	ASSERT_DENIED(CSM(provider, PEER, c, ~UINT64_C(0)), RSI_ERROR_INPUT, index_bound);
	ASSERT_DENIED(CSM(provider, PEER, p, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, PEER, 0, 0), CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM(provider, REVOKE, region, c));
	ASSERT_DENIED(CSM(provider, PEER, c, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, PEER, p, 0), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_SIGNAL and RSI_CSM_SIGNAL_TAKE", signal),
		TREALM_TEST("RSI_CSM_SIGNAL bits_bound; RSI_CSM_SIGNAL access", signal_refused),
		TREALM_TEST("RSI_CSM_SIGNAL_TAKE: what the RMM tells; hazard 22", events),
		TREALM_TEST("RSI_CSM_SIGNAL_TAKE: none of many is lost", take_many),
		TREALM_TEST("RSI_CSM_SIGNAL_TAKE: of a grant that has ended", ended_signals),
		TREALM_TEST("RSI_CSM_QUERY; RSI_CSM_QUERY access", query),
		TREALM_TEST("RSI_CSM_PEER access; RSI_CSM_PEER index_bound", peer),
	};
	return unit_run(tests);
}
