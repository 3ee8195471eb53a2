// SPDX-License-Identifier: BSD-3-Clause
/*
 * The moment at which a sharing becomes attached: policies are compared up to it, the provider's
 * signal is pending at it, and no page of the region can be reached before it. And what a REVOKE
 * that takes several calls returns when the consumer detaches in between.
 */
#include "csm/csm_unit.h"

#define RO    CSM_PERM_READ
#define RW    (CSM_PERM_READ | CSM_PERM_WRITE)
#define PAGES 6U

/* Across two tables of the consumer, so that REVOKE takes two steps. */
#define ACROSS (TREALM_OTHER + BLOCK - PAGE(3))

static struct trealm *provider, *consumer;
static uint64_t region;

/* A region with a grant that requires the consumer's RIM and REM 1, and a reservation of it. */
static void reserve_by_policy(void)
{
	struct rsi_csm_policy policy;

	provider = trealm_make(1);
	consumer = trealm_make(1);
	region = trealm_region(provider, 0, PAGES);
	policy = trealm_policy_rim(consumer);
	policy.flags |= CSM_POLICY_REM(1);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, trealm_id(consumer), RW, TREALM_POLICY));
	trealm_reserve(consumer, provider, region, TREALM_OTHER, PAGES);
}

static void extend_rem(void)
{
	const uint64_t extend[] = {RSI_MEASUREMENT_EXTEND_FID, 2, 1, 0xAB, 0, 0, 0, 0, 0, 0, 0};

	assert_int_equal(trealm_call_args(consumer, extend, 11).x[0], RSI_SUCCESS);
}

/* One call of ATTACH that stops after its first step. */
static uint64_t attach_step(void)
{
	uint64_t status;

	machine_on_interrupt_pending = trealm_interrupted;
	status = CSM(consumer, ATTACH, trealm_id(provider), region).x[0];
	machine_on_interrupt_pending = NULL;
	return status;
}

static unsigned int state_of_sharing(void)
{
	return (unsigned int)rsi_csm_query_state(CSM(consumer, QUERY, trealm_id(provider), 0).x[4]);
}

/* Whether a load reaches the provider's page; it must not reach anything else. */
static bool reaches(unsigned int page)
{
	uint64_t ipa = TREALM_OTHER + PAGE(page);
	struct rmi_rec_exit exit;

	if (trealm_touch(consumer, ipa, false, &exit) != TOUCH_DONE) {
		return false;
	}
	assert_int_equal(trealm_map(consumer, ipa).pa,
			 trealm_map(provider, TREALM_OWN + PAGE(page)).pa);
	return true;
}

static bool reaches_any(void)
{
	bool any = false;

	for (unsigned int page = 0; page < PAGES; page++) {
		any |= reaches(page);
	}
	return any;
}

/* A realm that never finishes ATTACH is reported as attached as soon as it reaches a page. */
static void signal_comes_first(void **state)
{
	bool attached = false;
	uint64_t status = RSI_INCOMPLETE;

	(void)state;
	reserve_by_policy();
	while (status == RSI_INCOMPLETE) {
		status = attach_step();
		attached |= (CSM(provider, SIGNAL_TAKE).x[4] & CSM_SIGNAL_ATTACHED) != 0;
		assert_int_equal(state_of_sharing() == CSM_STATE_ATTACHED, attached);
		assert_int_equal(reaches_any(), attached);
	}
	assert_int_equal(status, RSI_SUCCESS);
	assert_true(attached);
	trealm_destroy_all();
}

/* A REM that changes at any step: the refused call leaves no page that can be reached. */
static void rem_changes(void **state)
{
	unsigned int refused = 0;

	for (unsigned int steps = 0; steps < 8; steps++) {
		uint64_t status = RSI_INCOMPLETE;
		bool attached;

		trealm_setup(state);
		reserve_by_policy();
		for (unsigned int i = 0; i < steps && status == RSI_INCOMPLETE; i++) {
			status = attach_step();
		}
		attached = state_of_sharing() == CSM_STATE_ATTACHED;
		extend_rem();
		if (attached) {
			/* The consents were exercised: only their end closes the sharing. */
			if (status == RSI_INCOMPLETE) {
				ASSERT_OK(
					CSM_FINISH(consumer, ATTACH, trealm_id(provider), region));
			}
			assert_true(reaches(0));
		} else {
			refused++;
			ASSERT_DENIED(CSM(consumer, ATTACH, trealm_id(provider), region),
				      CSM_ERROR_ACCESS, access);
			assert_false(reaches_any());
			assert_int_equal(state_of_sharing(), CSM_STATE_RESERVED);
			assert_int_equal(CSM(provider, SIGNAL_TAKE).x[4], 0);
		}
		trealm_destroy_all();
		unit_world_teardown(state);
	}
	assert_in_range(refused, 1, 7);
	trealm_setup(state);
}

/* The consumer came from the ANY grant, detaches between two calls, and its signal is taken. */
static void detaches_while_revoked(void **state)
{
	struct rsi_csm_policy policy;

	(void)state;
	provider = trealm_make(1);
	consumer = trealm_make(1);
	region = trealm_region(provider, 0, PAGES);
	policy = trealm_policy_rim(consumer);
	trealm_put(provider, 0, &policy);
	ASSERT_OK(CSM(provider, SHARE, region, CSM_REALM_ANY, RO, TREALM_POLICY));
	sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
	for (unsigned int to_any = 0; to_any < 2; to_any++) {
		uint64_t whom = to_any ? CSM_REALM_ANY : trealm_id(consumer);
		uint64_t bits;

		trealm_reserve(consumer, provider, region, ACROSS, PAGES);
		trealm_attach(consumer, provider, region);
		machine_on_interrupt_pending = trealm_interrupted;
		assert_int_equal(CSM(provider, REVOKE, region, whom).x[0], RSI_INCOMPLETE);
		machine_on_interrupt_pending = NULL;
		ASSERT_OK(CSM_FINISH(consumer, DETACH_AND_FREE, trealm_id(provider), region));
		do {
			bits = CSM(provider, SIGNAL_TAKE).x[4];
		} while (bits != 0);
		ASSERT_OK(CSM_FINISH(provider, REVOKE, region, whom));
		ASSERT_DENIED(CSM(provider, REVOKE, region, trealm_id(consumer)), RSI_ERROR_INPUT,
			      grant);
	}
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("RSI_CSM_ATTACH: the provider's signal is pending, and QUERY reports "
			    "ATTACHED, no later than the first page is accessible; invariant 05",
			    signal_comes_first),
		TREALM_TEST("RSI_CSM_ATTACH access: after a refusal no page is accessible, at "
			    "whatever step a REM changes; hazard 03, invariant 05",
			    rem_changes),
		TREALM_TEST(
			"RSI_CSM_REVOKE: success for a consumer that detaches between two calls "
			"and whose signal is taken; hazard 17",
			detaches_while_revoked),
	};

	return unit_run(tests);
}
