// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever another CPU does between two steps of a call: every call here is made again and again,
 * and each time something else happens whole at the next place where it holds no lock of a realm.
 *
 * hazard 03, hazard 17, hazard 19: what a call knew before it had its locks is not trusted after.
 */
#include "cmd/cmd.h"
#include "csm/csm_internal.h"
#include "csm/csm_unit.h"

#define RW (CSM_PERM_READ | CSM_PERM_WRITE)

/* Six pages across two tables of the consumer, so that taking back is two steps. */
#define PAGES  6U
#define ACROSS (TREALM_OTHER + BLOCK - PAGE(3))

/* The consumer has what the first provider lends; the second one would lend, too. */
static struct trealm *consumer;
static struct trealm *providers[2];
static uint64_t regions[2];

static struct rd *rd_of(struct trealm *trealm)
{
	return sim_rd(&trealm->realm);
}

/* --- what happens. Any of it may come too late or too early, and then changes nothing. */

static struct rmi_rec_exit ignored;

#define TO_ITS_END(call)                             \
	do {                                         \
		uint64_t status_;                    \
		do {                                 \
			status_ = (call);            \
		} while (status_ == RSI_INCOMPLETE); \
	} while (0)

/* The grant names the consumer, or is one for whoever measures like it. */
static bool by_any;

static uint64_t granted(void)
{
	return by_any ? CSM_REALM_ANY : trealm_id(consumer);
}

static void share(unsigned int p)
{
	const struct rsi_csm_policy policy = trealm_policy_rim(consumer);
	const struct rmm_csm_share share = {regions[p], granted(), RW, by_any ? &policy : NULL};
	struct rmm_csm_held held;

	if (rmm_csm_share_begin(rd_of(providers[p]), &share, &held) == RSI_SUCCESS) {
		(void)rmm_csm_share_commit(held, &share);
		rmm_csm_unlock(held);
	}
}

static void revoke(void)
{
	TO_ITS_END(rmm_csm_revoke(rd_of(providers[0]), regions[0], granted(), &ignored));
}

static void destroy(void)
{
	TO_ITS_END(rmm_csm_destroy(rd_of(providers[0]), regions[0], &ignored));
}

static void detach(void)
{
	TO_ITS_END(rmm_csm_detach(rd_of(consumer), trealm_id(providers[0]), regions[0], &ignored));
}

static void seal(void)
{
	TO_ITS_END(rmm_csm_seal(rd_of(providers[0]), regions[0]));
}

static void attach_to(unsigned int p)
{
	const struct rmm_csm_reserve reserve = {trealm_id(providers[p]), regions[p], ipa_of(ACROSS),
						PAGE(PAGES), NULL};
	struct rmm_csm_pair pair;
	uint64_t perm;

	if (rmm_csm_reserve_begin(rd_of(consumer), &reserve, &pair) == RSI_SUCCESS) {
		(void)rmm_csm_reserve_commit(&pair, &reserve, &ignored);
		rmm_csm_pair_unlock(&pair);
	}
	TO_ITS_END(
		rmm_csm_attach(rd_of(consumer), reserve.provider, reserve.region, &perm, &ignored));
}

static void revoke_and_share(void)
{
	revoke();
	share(0);
	detach();
	attach_to(0);
}

static void detach_and_attach(void)
{
	detach();
	attach_to(0);
}

static void change_provider(void)
{
	detach();
	attach_to(1);
}

/* The host's: not while the call itself is one of the host, which may hold the locks it needs. */
static void renew_table(uint64_t ipa)
{
	struct smc_regs in = {.x = {RMI_RTT_DESTROY_FID, consumer->realm.rd, ipa, 3}};
	struct rmi_out out = {{0}};

	assert_int_equal(rmi_rtt_destroy(&in, &out), RMI_SUCCESS);
	in = (struct smc_regs){
		.x = {RMI_RTT_CREATE_FID, consumer->realm.rd, out.x[1], ipa, 3},
	};
	assert_int_equal(rmi_rtt_create(&in, &out), RMI_SUCCESS);
}

static void renew_tables(void)
{
	renew_table(TREALM_OTHER);
	renew_table(TREALM_OTHER + BLOCK);
}

static void (*const happenings[])(void) = {
	revoke, destroy, detach, seal, revoke_and_share, detach_and_attach, change_provider,
};

/* --- calls */

static void call_fault(void)
{
	(void)trealm_access(consumer, ACROSS + PAGE(4), false);
}

static void call_revoke(void)
{
	(void)CSM(providers[0], REVOKE, regions[0], granted());
}

static void call_destroy(void)
{
	(void)CSM(providers[0], DESTROY, regions[0]);
}

static void call_detach(void)
{
	(void)CSM(consumer, DETACH_AND_FREE, trealm_id(providers[0]), regions[0]);
}

static void call_attach(void)
{
	(void)CSM(consumer, ATTACH, trealm_id(providers[0]), regions[0]);
}

static void call_seal(void)
{
	(void)CSM(providers[0], SEAL, regions[0]);
}

static void call_signal(void)
{
	(void)CSM(consumer, SIGNAL, trealm_id(providers[0]), trealm_id(providers[0]), regions[0],
		  1);
}

static void call_query(void)
{
	(void)CSM(consumer, QUERY, trealm_id(providers[0]), 0);
}

/* A sharing ends and another begins, and an interrupt stops every step. */
static void call_in_steps(void)
{
	uint64_t id = trealm_id(providers[0]);

	machine_on_interrupt_pending = trealm_interrupted;
	(void)CSM_FINISH(consumer, DETACH_AND_FREE, id, regions[0]);
	(void)CSM(consumer, RESERVE, id, regions[0], ACROSS, PAGE(PAGES), 0);
	(void)CSM_FINISH(consumer, ATTACH, id, regions[0]);
	(void)CSM_FINISH(providers[0], SEAL, regions[0]);
	(void)CSM_FINISH(providers[0], REVOKE, regions[0], granted());
	machine_on_interrupt_pending = NULL;
}

static void call_take_page(void)
{
	struct trealm *trealm = providers[0];
	uint64_t ipa = TREALM_OWN + PAGE(PAGES);
	struct sim_answer answer = RMI(RMI_DATA_DESTROY, trealm->realm.rd, ipa);

	ASSERT_RMI_OK(answer);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, trealm->realm.rd, answer.x[1], ipa));
}

/* The provider's APT, in one call or more, and there again. */
static void call_apt(void)
{
	struct trealm *trealm = providers[0];

	trealm_drop_apts(trealm);
	ASSERT_RMI_OK(RMI(RMI_APT_CREATE, trealm->realm.rd, trealm->apt[0]));
	trealm->apt_count = 1;
}

static void (*const realm_calls[])(void) = {
	call_fault, call_revoke, call_destroy, call_detach,   call_attach,
	call_seal,  call_signal, call_query,   call_in_steps,
};
static void (*const host_calls[])(void) = {call_take_page, call_apt};

/* --- something happens */

static void (*happening)(void);
static unsigned int countdown;

static void at_its_place(void)
{
	void (*now)(void) = happening;

	if (countdown != 0) {
		countdown--;
	} else if (now != NULL) {
		machine_on_unlocked = NULL;
		happening = NULL;
		now();
	}
}

/* Places that the call has passed: fewer than `place` if it was over before. */
static bool make_call(void (*call)(void), void (*what)(void), unsigned int place)
{
	happening = what;
	countdown = place;
	machine_on_unlocked = at_its_place;
	call();
	machine_on_unlocked = NULL;
	return happening == NULL;
}

/* --- before and after */

static void begin(void)
{
	struct sim_answer answer;

	for (unsigned int p = 0; p < 2; p++) {
		regions[p] = trealm_region(providers[p], 0, PAGES);
		share(p);
	}
	attach_to(0);
	/* What is behind the second table is to be had by a fault. */
	answer = RMI(RMI_RTT_DESTROY, consumer->realm.rd, TREALM_OTHER + BLOCK, 3);
	ASSERT_RMI_OK(answer);
	ASSERT_RMI_OK(
		RMI(RMI_RTT_CREATE, consumer->realm.rd, answer.x[1], TREALM_OTHER + BLOCK, 3));
}

/* Whether the consumer is attached to the provider, as both see it. */
static bool is_attached(unsigned int p)
{
	const struct rmm_csm_attachment *attachment =
		rmm_csm_attachment_find(rd_of(consumer), trealm_id(providers[p]), regions[p]);

	return attachment != NULL && attachment->state == RMM_CSM_ATTACHMENT_ATTACHED;
}

/* invariant 03, 04, 05: page by page, what the consumer reaches is what it is attached to. */
static void check_pages(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t there = trealm_map(consumer, ACROSS + PAGE(i)).pa;

		for (unsigned int p = 0; p < 2; p++) {
			uint64_t pa = trealm_map(providers[p], TREALM_OWN + PAGE(i)).pa;

			assert_int_equal(sim_refs(pa), there == pa);
			assert_true(there != pa || is_attached(p));
		}
		assert_int_equal(trealm_access(consumer, ACROSS + PAGE(i), false) == TOUCH_DONE,
				 is_attached(0) || is_attached(1));
	}
}

static void end(void)
{
	for (unsigned int p = 0; p < 2; p++) {
		uint64_t id = trealm_id(providers[p]);

		(void)CSM_FINISH(providers[p], DESTROY, regions[p]);
		(void)CSM_FINISH(consumer, DETACH_AND_FREE, id, regions[p]);
		while (CSM(providers[p], SIGNAL_TAKE).x[1] != 0) {
		}
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		assert_int_equal(trealm_map(consumer, ACROSS + PAGE(i)).pa, 0);
		assert_true(trealm_map(providers[0], TREALM_OWN + PAGE(i)).write);
	}
}

static bool at_place(void (*call)(void), void (*what)(void), unsigned int place)
{
	bool passed;

	begin();
	passed = make_call(call, what, place);
	check_pages();
	end();
	return passed;
}

static void make_parties(void)
{
	consumer = trealm_make(1);
	providers[0] = trealm_make(1);
	providers[1] = trealm_make(1);
	sim_realm_tables(&consumer->realm, TREALM_OTHER + BLOCK, 3);
}

static void at_every_place(void (*call)(void), void (*what)(void))
{
	unsigned int place = 0;

	while (at_place(call, what, place)) {
		assert_true(++place < 100);
	}
	assert_true(place >= 2);
}

static void in_every_call(void)
{
	for (size_t what = 0; what < ARRAY_LENGTH(happenings); what++) {
		for (size_t call = 0; call < ARRAY_LENGTH(realm_calls); call++) {
			at_every_place(realm_calls[call], happenings[what]);
		}
		for (size_t call = 0; call < ARRAY_LENGTH(host_calls); call++) {
			at_every_place(host_calls[call], happenings[what]);
		}
	}
	for (size_t call = 0; call < ARRAY_LENGTH(realm_calls); call++) {
		at_every_place(realm_calls[call], renew_tables);
	}
}

static void anything_anywhere(void **state)
{
	(void)state;
	make_parties();
	by_any = false;
	in_every_call();
	by_any = true;
	in_every_call();
	trealm_destroy_all();
}

/* --- what came after the call had begun is not its to end */

/* Before the REC is locked, and before its call has begun: then it ends the new sharing, too. */
#define PLACES_BEFORE 2U

static void ends_the_old_one_only(void (*call)(void), void (*what)(void))
{
	unsigned int place = 0;
	bool passed = true;

	while (passed) {
		begin();
		passed = make_call(call, what, place);
		if (passed) {
			assert_int_equal(is_attached(0), place >= PLACES_BEFORE);
		}
		check_pages();
		end();
		place++;
	}
	assert_true(place > PLACES_BEFORE + 1);
}

static void ended_by_another(void **state)
{
	(void)state;
	make_parties();
	by_any = false;
	ends_the_old_one_only(call_revoke, revoke_and_share);
	ends_the_old_one_only(call_detach, detach_and_attach);
	by_any = true;
	ends_the_old_one_only(call_revoke, revoke_and_share);
	ends_the_old_one_only(call_detach, detach_and_attach);
	trealm_destroy_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREALM_TEST("hazard 03, hazard 19: anything happens anywhere in a call; "
			    "invariant 03; invariant 05",
			    anything_anywhere),
		TREALM_TEST("hazard 17: a call ends what it found, not what came after",
			    ended_by_another),
	};
	return unit_run(tests);
}
