// SPDX-License-Identifier: BSD-3-Clause
/*
 * While a sharing is on its way in or out: what either side may still do, what others see of it,
 * and what is left of it for the next one.
 */
#include "csm/csm_unit.h"

#define RO CSM_PERM_READ
#define RW (CSM_PERM_READ | CSM_PERM_WRITE)

/* Six pages across two tables of the consumer, so that taking back is two steps. */
#define PAGES  6U
#define ACROSS (TREALM_OTHER + BLOCK - PAGE(3))

static struct trealm *provider;
static struct trealm *consumer;
static uint64_t region;

static void take_over(struct trealm *taker)
{
	sim_realm_tables(&taker->realm, TREALM_OTHER + BLOCK, 3);
	trealm_reserve(taker, provider, region, ACROSS, PAGES);
	trealm_attach(taker, provider, region);
}

/* A region of one page, not shared with anybody. */
static void meet(void)
{
	provider = trealm_make(1);
	consumer = trealm_make(1);
	region = trealm_region(provider, 0, 1);
}

static void begin(uint64_t perm)
{
	provider = trealm_make(1);
	consumer = trealm_make(1);
	region = trealm_region(provider, 0, PAGES);
	trealm_share(provider, region, consumer, perm);
	take_over(consumer);
}

/* One step of a command that has more. */
#define STEP(trealm, ...)                                                        \
	do {                                                                     \
		machine_on_interrupt_pending = trealm_interrupted;               \
		assert_int_equal(CSM(trealm, __VA_ARGS__).x[0], RSI_INCOMPLETE); \
		machine_on_interrupt_pending = NULL;                             \
	} while (0)

static uint64_t answer_of(struct trealm_call call)
{
	assert_int_equal(call.x[0], RSI_SUCCESS);
	return call.x[4];
}

/* The test realm measures something into the REM that policies of the tests here name. */
static void extend_rem(struct trealm *trealm)
{
	uint64_t extend[] = {RSI_MEASUREMENT_EXTEND_FID, 2, 1, 0xAB, 0, 0, 0, 0, 0, 0, 0};

	assert_int_equal(trealm_call_args(trealm, extend, 11).x[0], RSI_SUCCESS);
}

/* --- what is still to be had */

/* invariant 05: from the first step of REVOKE on the provider's consent is gone. */
static void revoking(void **state)
{
	uint64_t p;
	uint64_t c;

	(void)state;
	begin(RO);
	p = trealm_id(provider);
	c = trealm_id(consumer);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	STEP(provider, REVOKE, region, c);
	ASSERT_DENIED(CSM(consumer, DIGEST, p, region), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, PEER, p, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, PEER, c, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SIGNAL, c, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SHARE, region, c, RO, 0), RSI_ERROR_STATE, grant_live);
	assert_int_equal(
		answer_of(CSM(consumer, QUERY, p, 0)),
		rsi_csm_query_pack(RO, CSM_STATE_ATTACHED, CSM_FLAG_SEALED | CSM_FLAG_ENDING));
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, c));
	assert_int_equal(answer_of(CSM(consumer, QUERY, p, 0)),
			 rsi_csm_query_pack(0, CSM_STATE_ENDED, 0));
	trealm_destroy_all();
}

/* The same for the consumer's. */
static void detaching(void **state)
{
	uint64_t p;
	uint64_t c;

	(void)state;
	begin(RO);
	p = trealm_id(provider);
	c = trealm_id(consumer);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	STEP(consumer, DETACH_AND_FREE, p, region);
	ASSERT_ABORTS(consumer, ACROSS);
	ASSERT_DENIED(CSM(consumer, ATTACH, p, region), RSI_ERROR_STATE, attached);
	ASSERT_DENIED(CSM(consumer, DIGEST, p, region), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, PEER, p, 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, SIGNAL, p, p, region, 1), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(provider, SIGNAL, c, p, region, 1), CSM_ERROR_ACCESS, access);
	assert_int_equal(rsi_csm_query_state(answer_of(CSM(consumer, QUERY, p, 0))),
			 CSM_STATE_ENDED);
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, p, region));
	trealm_destroy_all();
}

static void destroying(void **state)
{
	(void)state;
	begin(RO);
	ASSERT_OK(CSM_FINISH(provider, SEAL, region));
	STEP(provider, DESTROY, region);
	ASSERT_DENIED(CSM(provider, DIGEST, trealm_id(provider), region), CSM_ERROR_ACCESS, access);
	assert_int_equal(answer_of(CSM(provider, QUERY, trealm_id(provider), 0)),
			 rsi_csm_query_pack(RO | CSM_PERM_EXEC, CSM_STATE_OWN,
					    CSM_FLAG_SEALED | CSM_FLAG_ENDING));
	ASSERT_OK(CSM_FINISH(provider, DESTROY, region));
	trealm_destroy_all();
}

/* Nobody new comes by an ANY grant that is on its way out, nor sees the region by it. */
static void revoking_any(void **state)
{
	struct trealm *late;
	struct rsi_csm_policy policy;

	(void)state;
	provider = trealm_make(1);
	consumer = trealm_make(1);
	late = trealm_make(1);
	region = trealm_region(provider, 0, PAGES);
	policy = trealm_policy_rim(consumer);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	take_over(consumer);
	assert_int_equal(CSM(late, QUERY, trealm_id(provider), 0).x[1], region);
	STEP(provider, REVOKE, region, CSM_REALM_ANY);
	ASSERT_DENIED(CSM(late, QUERY, trealm_id(provider), 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(late, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(PAGES), 0),
		      CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, CSM_REALM_ANY));
	trealm_destroy_all();
}

/* hazard 17: a consumer that SEAL has still to take from leaves before it. */
static void left_while_sealing(void **state)
{
	struct trealm *other;
	struct trealm *leaver;

	(void)state;
	for (unsigned int n = 0; n < 2; n++) {
		trealm_count = 0;
		begin(RW);
		other = trealm_make(1);
		trealm_share(provider, region, other, RW);
		take_over(other);
		/* One step to look, one for the provider's own, and half of the first consumer. */
		for (unsigned int i = 0; i < 3; i++) {
			STEP(provider, SEAL, region);
		}
		leaver = n == 0 ? consumer : other;
		ASSERT_OK(CSM_FINISH(leaver, DETACH_AND_FREE, trealm_id(provider), region));
		ASSERT_OK(CSM_FINISH(provider, SEAL, region));
		assert_int_equal(trealm_access(n == 0 ? other : consumer, ACROSS, true),
				 TOUCH_ABORT);
		take_over(leaver);
		assert_int_equal(trealm_access(leaver, ACROSS, true), TOUCH_ABORT);
		assert_int_equal(trealm_access(leaver, ACROSS, false), TOUCH_DONE);
		trealm_destroy_all();
	}
}

/* invariant 03: ATTACH has been stopped between two tables, and what it has mapped goes at once. */
static void left_while_attaching(void **state)
{
	(void)state;
	for (unsigned int steps = 1; steps < 5; steps++) {
		trealm_count = 0;
		provider = trealm_make(1);
		consumer = trealm_make(1);
		region = trealm_region(provider, 0, PAGES);
		trealm_share(provider, region, consumer, RW);
		sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
		trealm_reserve(consumer, provider, region, ACROSS, PAGES);
		machine_on_interrupt_pending = trealm_interrupted;
		for (unsigned int i = 0; i < steps; i++) {
			CSM(consumer, ATTACH, trealm_id(provider), region);
		}
		machine_on_interrupt_pending = NULL;
		ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
		for (unsigned int i = 0; i < PAGES; i++) {
			uint64_t pa = trealm_map(provider, TREALM_OWN + PAGE(i)).pa;

			assert_int_equal(sim_refs(pa), 0);
			assert_int_equal(trealm_map(consumer, ACROSS + PAGE(i)).pa, 0);
		}
		trealm_destroy_all();
	}
}

/* --- the record of one who came by ANY and left outlives it: for its signals, and nothing else */

/* The consumer comes by an ANY grant that demands an REM, and leaves; the signal of it stays. */
static void come_and_leave(void)
{
	struct rsi_csm_policy policy;

	provider = trealm_make(1);
	consumer = trealm_make(1);
	region = trealm_region(provider, 0, PAGES);
	policy = trealm_policy_rim(consumer);
	policy.flags |= CSM_POLICY_REM(1);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	take_over(consumer);
}

/* hazard 02, hazard 03 */
static void no_consent_left(void **state)
{
	(void)state;
	come_and_leave();
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	ASSERT_OK(CSM(provider, REVOKE, region, CSM_REALM_ANY));
	ASSERT_DENIED(CSM(consumer, QUERY, trealm_id(provider), 0), CSM_ERROR_ACCESS, access);
	ASSERT_DENIED(CSM(consumer, RESERVE, trealm_id(provider), region, ACROSS, PAGE(PAGES), 0),
		      CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* invariant 05: a grant that names the realm is a new one, with its own terms. */
static void named_anew(void **state)
{
	uint64_t packed;

	(void)state;
	come_and_leave();
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	extend_rem(consumer);
	trealm_share(provider, region, consumer, RW);
	take_over(consumer);
	packed = answer_of(CSM(consumer, QUERY, trealm_id(provider), 0));
	assert_int_equal(packed, rsi_csm_query_pack(RW, CSM_STATE_ATTACHED, 0));
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	packed = answer_of(CSM(consumer, QUERY, trealm_id(provider), 0));
	assert_int_equal(packed, rsi_csm_query_pack(RW, CSM_STATE_GRANTED, 0));
	trealm_destroy_all();
}

/* invariant 03: REVOKE had begun when the realm left; that of the new grant begins anew. */
static void revoked_anew(void **state)
{
	(void)state;
	come_and_leave();
	STEP(provider, REVOKE, region, trealm_id(consumer));
	ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
	trealm_share(provider, region, consumer, RW);
	take_over(consumer);
	ASSERT_OK(CSM_FINISH(provider, REVOKE, region, trealm_id(consumer)));
	for (unsigned int i = 0; i < PAGES; i++) {
		assert_int_equal(trealm_map(consumer, ACROSS + PAGE(i)).pa, 0);
	}
	trealm_destroy_all();
}

/* hazard 09: signals in a granule that goes lead nowhere. */
static void signals_go(void **state)
{
	uint64_t apt;

	(void)state;
	begin(RO);
	ASSERT_RMI_OK(trealm_add_apt(provider));
	apt = provider->apt[0];
	/* It has not taken that the consumer is attached. */
	ASSERT_RMI_OK(RMI(RMI_APT_DESTROY, provider->realm.rd, apt));
	assert_int_equal(CSM(provider, SIGNAL_TAKE).x[0], RSI_SUCCESS);
	assert_int_equal(CSM(provider, SIGNAL_TAKE).x[1], 0);
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, provider->realm.rd, apt));
	assert_int_equal(CSM(provider, SIGNAL_TAKE).x[1], 0);
	trealm_destroy_all();
}

/* --- consent that is not there any more, or never was */

/* Those who come by ANY are measured again at ATTACH, as those who are named. */
static void any_terms(void **state)
{
	struct rsi_csm_policy policy;

	(void)state;
	meet();
	policy = trealm_policy_rim(consumer);
	policy.flags |= CSM_POLICY_REM(1);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, 1);
	extend_rem(consumer);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* The consumer's terms are looked at again at ATTACH, as the provider's are. */
static void own_terms(void **state)
{
	struct rsi_csm_policy policy;

	(void)state;
	meet();
	trealm_share(provider, region, consumer, RO);
	policy = trealm_policy_rim(provider);
	policy.flags |= CSM_POLICY_REM(1);
	trealm_put(consumer, 0, &policy);
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), region, TREALM_OTHER, PAGE(1),
		      TREALM_POLICY));
	extend_rem(provider);
	ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* invariant 11: a grant whose terms the caller does not meet shows nothing, named or not. */
static void unmet_terms(void **state)
{
	struct rsi_csm_policy policy;

	(void)state;
	meet();
	policy = trealm_policy_rim(consumer);
	policy.rim[0] ^= 1;
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, trealm_id(consumer), RO, TREALM_POLICY));
	ASSERT_DENIED(CSM(consumer, QUERY, trealm_id(provider), 0), CSM_ERROR_ACCESS, access);
	ASSERT_OK(CSM(provider, REVOKE, region, trealm_id(consumer)));
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	ASSERT_DENIED(CSM(consumer, QUERY, trealm_id(provider), 0), CSM_ERROR_ACCESS, access);
	trealm_destroy_all();
}

/* A realm without an APT learns that, and no more, of what was granted to it. */
static void granted_without_apt(void **state)
{
	(void)state;
	provider = trealm_make(1);
	consumer = trealm_make(0);
	region = trealm_region(provider, 0, 1);
	trealm_share(provider, region, consumer, RO);
	ASSERT_DENIED(CSM(consumer, QUERY, trealm_id(provider), 0), CSM_ERROR_NO_APT, apt);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_REVOKE under way: nothing more is to be had; invariant 05",
			    revoking),
		TREALM_TEST("RSI_CSM_DETACH_AND_FREE under way: nothing more is to be had",
			    detaching),
		TREALM_TEST("RSI_CSM_DESTROY under way: RSI_CSM_DIGEST access", destroying),
		TREALM_TEST("RSI_CSM_REVOKE of ANY under way: nobody new; invariant 11",
			    revoking_any),
		TREALM_TEST("hazard 17: a consumer leaves while SEAL is under way",
			    left_while_sealing),
		TREALM_TEST(
			"RSI_CSM_ATTACH stopped anywhere, RSI_CSM_DETACH_AND_FREE; invariant 03",
			left_while_attaching),
		TREALM_TEST("hazard 02, hazard 03: no consent in what ANY leaves behind",
			    no_consent_left),
		TREALM_TEST("RSI_CSM_SHARE with one who was there by ANY; invariant 05",
			    named_anew),
		TREALM_TEST("RSI_CSM_REVOKE of one who left before, by ANY; invariant 03",
			    revoked_anew),
		TREALM_TEST("hazard 09: signals in a granule that goes", signals_go),
		TREALM_TEST("RSI_CSM_ATTACH access: the consumer's terms", own_terms),
		TREALM_TEST("RSI_CSM_ATTACH access: the terms of ANY", any_terms),
		TREALM_TEST("RSI_CSM_QUERY access: terms that are not met; invariant 11",
			    unmet_terms),
		TREALM_TEST("RSI_CSM_QUERY apt: with a grant", granted_without_apt),
	};
	return unit_run(tests);
}
