// SPDX-License-Identifier: BSD-3-Clause
/* A realm that turns on its peers, on the host and on the RMM: arguments of every sort. */
#include "payload/host/csm_live.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN     LIVE_OWN
#define SPARE   (OWN + 8 * PAGE_SIZE) /* two pages of RAM that are in no region */
#define POLICY  (REALM_RAM_TOP - 2 * PAGE_SIZE)
#define THERE   LIVE_THERE
#define NOWHERE 0x30000000UL /* RIPAS EMPTY */
#define UNPROT  0x80000000UL
#define RO      CSM_PERM_READ
#define RW      LIVE_RW

#define ARGS_MAX  5
#define WILD_MAX  15
#define FIRST_OF  4 /* ids of the other realm's regions begin here, and not where one's own do */
#define ATTACHED  FIRST_OF
#define UNGRANTED (FIRST_OF + 1)
#define REVOKED   (FIRST_OF + 2)
#define GRANTED   (FIRST_OF + 3)
#define SHARED    1 /* one's own regions */
#define UNSHARED  2

/* Each lends to the other. `other` lends at OWN; what is attached is at THERE. */
struct pair {
	struct rec *self, *other;
	uint64_t id, other_id;
};

static void lend_back(const struct pair *p)
{
	CHECK_EQ(csm_region(p->self, OWN, 4 * PAGE_SIZE), SHARED);
	CHECK_EQ(csm_region(p->self, OWN + 4 * PAGE_SIZE, 2 * PAGE_SIZE), UNSHARED);
	csm_share(p->self, SHARED, p->other, RW);
	csm_attach(p->other, p->self, SHARED, THERE, 4 * PAGE_SIZE);
}

static struct pair pair_make(void)
{
	struct pair p = {&csm_agent(1)->recs[0], &csm_agent(1)->recs[0], 0, 0};

	p.id = csm_self(p.self);
	p.other_id = csm_self(p.other);
	for (unsigned i = 1; i < FIRST_OF; i++) {
		CHECK_EQ(csm_region(p.other, OWN, PAGE_SIZE), i);
		CHECK_EQ(CSM(p.other, DESTROY, i).x[0], RSI_SUCCESS);
	}
	for (unsigned i = 0; i < 4; i++) {
		uint64_t base = OWN + i * 2 * PAGE_SIZE;

		csm_write(p.other, base, 0x77770000 + i);
		CHECK_EQ(csm_region(p.other, base, 2 * PAGE_SIZE), FIRST_OF + i);
	}
	csm_share(p.other, ATTACHED, p.self, RO);
	csm_share(p.other, REVOKED, p.self, RW);
	csm_share(p.other, GRANTED, p.self, RW);
	CHECK_EQ(CSM(p.other, REVOKE, REVOKED, p.id).x[0], RSI_SUCCESS);
	csm_attach(p.self, p.other, ATTACHED, THERE, 2 * PAGE_SIZE);
	lend_back(&p);
	/* A policy that is well-formed. */
	csm_write(p.self, POLICY, CSM_POLICY_VERSION | (uint64_t)CSM_POLICY_RIM << 32);
	live_bits(p.self, 0);
	live_bits(p.other, 0);
	return p;
}

/* ---- what realms can see of their sharings */

#define SHOWN 8

struct view {
	struct smc_regs shown[4][SHOWN];
};

static void look_at(struct rec *rec, uint64_t realm, struct smc_regs shown[SHOWN])
{
	uint64_t cursor = 0;

	for (unsigned i = 0; i < SHOWN; i++) {
		shown[i] = CSM(rec, QUERY, realm, cursor);
		cursor = shown[i].x[6];
		if (cursor == 0) {
			return;
		}
	}
	CHECK(!"more regions than there are");
}

static void look(const struct pair *p, struct view *view)
{
	memset(view, 0, sizeof(*view));
	look_at(p->self, p->id, view->shown[0]);
	look_at(p->self, p->other_id, view->shown[1]);
	look_at(p->other, p->other_id, view->shown[2]);
	look_at(p->other, p->id, view->shown[3]);
}

static bool same(const struct view *a, const struct view *b)
{
	const uint64_t *x = (const uint64_t *)a;
	const uint64_t *y = (const uint64_t *)b;

	for (size_t i = 0; i < sizeof(*a) / sizeof(*x); i++) {
		if (x[i] != y[i]) {
			note("word %lu of what QUERY shows: %lx, now %lx", i, x[i], y[i]);
			return false;
		}
	}
	return true;
}

/* ---- every command, with every argument wrong in every way */

enum sort {
	FINE, /* nothing is wrong here */
	AT_CREATE,
	AT_RESERVE,
	SIZE_CREATE,
	SIZE_RESERVE,
	OWN_REGION,
	THEIR_REGION,
	REALM,
	NOT_SELF,
	GRANTEE,
	ONESELF,
	PERM,
	POLICY_AT,
	BITS,
	INDEX,
	SORTS,
};

struct trial {
	uint64_t fid;
	struct {
		uint64_t good;
		enum sort sort;
		uint64_t status; /* where it is wrong */
	} args[ARGS_MAX];
	uint64_t status; /* where nothing is wrong */
};

#define ALIGNED_MOST (~0xfffUL)
#define TOP_BIT      (1UL << 63)

#define LAST 0x1a57UL /* no value, but the end of a list */

/* Bad values of each sort. */
static void wild_of(const struct pair *p, enum sort sort, uint64_t good, uint64_t out[WILD_MAX])
{
	const uint64_t self = p->id;
	const uint64_t other = p->other_id;
	const uint64_t lists[SORTS][WILD_MAX] = {
		[AT_CREATE] = {1, good + 1, good + 8, ~0UL, ALIGNED_MOST, TOP_BIT, UNPROT,
			       UNPROT - PAGE_SIZE, THERE, OWN, OWN + 3 * PAGE_SIZE, NOWHERE,
			       1UL << 32, 1UL << 48, LAST},
		[AT_RESERVE] = {1, good + 1, good + 8, ~0UL, ALIGNED_MOST, TOP_BIT, UNPROT,
				UNPROT - PAGE_SIZE, THERE, THERE + PAGE_SIZE, THERE - PAGE_SIZE,
				OWN, 1UL << 32, 1UL << 48, LAST},
		[SIZE_CREATE] = {0, 1, good + 1, good + 8, ~0UL, ALIGNED_MOST, TOP_BIT, -SPARE,
				 UNPROT - SPARE + PAGE_SIZE, UNPROT, 1UL << 32, 1UL << 48,
				 TOP_BIT | PAGE_SIZE, PAGE_SIZE / 2, LAST},
		[SIZE_RESERVE] = {0, 1, good + 1, good / 2, good * 2, ~0UL, ALIGNED_MOST, TOP_BIT,
				  -NOWHERE, UNPROT - NOWHERE + PAGE_SIZE, UNPROT, 1UL << 48,
				  TOP_BIT | good, PAGE_SIZE / 2, LAST},
		[OWN_REGION] = {0, 3, ATTACHED, ~0UL, good | 1UL << 32, good | TOP_BIT, LAST},
		[THEIR_REGION] = {0, SHARED, UNGRANTED, REVOKED, 99, ~0UL, good | 1UL << 32,
				  good | TOP_BIT, LAST},
		[REALM] = {0, self, other ^ 1, other ^ TOP_BIT, ~other, ~0UL, 1, LAST},
		[NOT_SELF] = {0, other ^ 1, ~other, ~0UL, 1, LAST},
		[GRANTEE] = {0, self, other ^ 1, ~other, ~0UL, LAST},
		[ONESELF] = {self, LAST},
		[PERM] = {0, CSM_PERM_WRITE, CSM_PERM_EXEC, CSM_PERM_WRITE | CSM_PERM_EXEC, 9,
			  RO | 1UL << 32, RO | TOP_BIT, ~0UL, LAST},
		[POLICY_AT] = {POLICY + 4, POLICY + PAGE_SIZE - 128, POLICY + 1, 8, UNPROT,
			       UNPROT - 8, NOWHERE, THERE, 1UL << 32, 1UL << 48, TOP_BIT, ~7UL,
			       ~0UL, LAST},
		[BITS] = {0, 1UL << 48, 1UL << 59, CSM_SIGNAL_PEER_ENDED, 1 | TOP_BIT, ~0UL, LAST},
		[INDEX] = {6, 7, 8, 1UL << 32, TOP_BIT, ~0UL, LAST},
	};

	memcpy(out, lists[sort], sizeof(lists[sort]));
}

static uint64_t try_it(struct rec *rec, uint64_t fid, const uint64_t args[ARGS_MAX])
{
	struct smc_regs r = csm_call_args(rec, fid, args, ARGS_MAX);

	if (r.x[0] != RSI_SUCCESS) {
		CHECK_EQ(r.x[1] | r.x[2] | r.x[3], 0);
	}
	return r.x[0];
}

static void try_argument(const struct pair *p, const struct trial *t, unsigned n)
{
	uint64_t wild[WILD_MAX];
	uint64_t args[ARGS_MAX];

	wild_of(p, t->args[n].sort, t->args[n].good, wild);
	for (unsigned i = 0; i < ARGS_MAX; i++) {
		args[i] = t->args[i].good;
	}
	for (unsigned i = 0; wild[i] != LAST; i++) {
		args[n] = wild[i];
		if (!CHECK_EQ(try_it(p->self, t->fid, args), t->args[n].status)) {
			note("call %lx with x%u %lx", t->fid, n + 1, wild[i]);
		}
	}
}

static void try_good(const struct pair *p, const struct trial *t)
{
	uint64_t args[ARGS_MAX];

	for (unsigned i = 0; i < ARGS_MAX; i++) {
		args[i] = t->args[i].good;
	}
	if (!CHECK_EQ(try_it(p->self, t->fid, args), t->status)) {
		note("call %lx with nothing wrong", t->fid);
	}
}

#define TRIALS     13
#define BAD        RSI_ERROR_INPUT
#define DENIED     CSM_ERROR_ACCESS
#define ANY(value) {(value), FINE, 0}

/* Each does this with what is right, in this order. */
static void trials_of(const struct pair *p, struct trial out[TRIALS])
{
	const uint64_t peer = p->other_id;
	const struct trial trials[TRIALS] = {
		{RSI_CSM_CREATE_FID,
		 {{SPARE, AT_CREATE, BAD}, {2 * PAGE_SIZE, SIZE_CREATE, BAD}, ANY(1)},
		 RSI_SUCCESS},
		{RSI_CSM_SHARE_FID,
		 {{SHARED, OWN_REGION, BAD},
		  {0x1234, ONESELF, BAD},
		  {RO, PERM, BAD},
		  {POLICY, POLICY_AT, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_RESERVE_FID,
		 {{peer, REALM, DENIED},
		  {GRANTED, THEIR_REGION, DENIED},
		  {NOWHERE, AT_RESERVE, BAD},
		  {2 * PAGE_SIZE, SIZE_RESERVE, BAD},
		  {0, POLICY_AT, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_ATTACH_FID,
		 {{peer, REALM, BAD}, {GRANTED, THEIR_REGION, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_QUERY_FID, {{peer, NOT_SELF, DENIED}}, RSI_SUCCESS},
		{RSI_CSM_DIGEST_FID,
		 {{peer, REALM, DENIED}, {ATTACHED, THEIR_REGION, DENIED}},
		 RSI_ERROR_STATE},
		{RSI_CSM_SIGNAL_FID,
		 {{peer, REALM, DENIED},
		  {peer, REALM, DENIED},
		  {ATTACHED, THEIR_REGION, DENIED},
		  {1, BITS, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_PEER_FID, {{peer, REALM, DENIED}, {0, INDEX, BAD}}, RSI_SUCCESS},
		{RSI_CSM_RECORD_FID, {ANY(CSM_RECORD_GRANT), ANY(peer), ANY(~0UL)}, RSI_SUCCESS},
		{RSI_CSM_SEAL_FID, {{UNSHARED, OWN_REGION, BAD}}, RSI_SUCCESS},
		{RSI_CSM_REVOKE_FID,
		 {{SHARED, OWN_REGION, BAD}, {peer, GRANTEE, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_DETACH_AND_FREE_FID,
		 {{peer, REALM, BAD}, {ATTACHED, THEIR_REGION, BAD}},
		 RSI_SUCCESS},
		{RSI_CSM_DESTROY_FID, {{SHARED, OWN_REGION, BAD}}, RSI_SUCCESS},
	};

	memcpy(out, trials, sizeof(trials));
}

TEST(csm_hostile_arguments,
     "Every call of CSM with every argument wrong in every way: the error of the interface, "
     "nothing "
     "else in the results, nothing changes for anybody; with right ones it does what it is for; "
     "hazard 04, hazard 08, hazard 12, hazard 15, invariant 06, invariant 07")
{
	struct pair p = pair_make();
	struct trial trials[TRIALS];
	struct view before, now;

	trials_of(&p, trials);
	look(&p, &before);
	for (unsigned i = 0; i < TRIALS; i++) {
		for (unsigned n = 0; n < ARGS_MAX; n++) {
			if (trials[i].args[n].sort != FINE) {
				try_argument(&p, &trials[i], n);
			}
		}
		look(&p, &now);
		if (!CHECK(same(&before, &now))) {
			note("behind call %lx", trials[i].fid);
		}
	}
	CHECK_EQ(CSM(p.self, SIGNAL_TAKE).x[1], 0);
	CHECK_EQ(CSM(p.other, SIGNAL_TAKE).x[1], 0);
	CHECK_EQ(csm_read(p.self, THERE), 0x77770000);
	csm_aborts(p.self, INSN_STR_X, THERE);
	for (unsigned i = 0; i < TRIALS; i++) {
		try_good(&p, &trials[i]);
	}
}

TEST(csm_hostile_no_apt,
     "Every call of CSM by a realm without an APT, with arguments that are right elsewhere: "
     "CSM_ERROR_NO_APT, but RSI_CSM_SELF; the peers notice nothing; hazard 18")
{
	struct pair p = pair_make();
	struct rec *poor = &agent_realm(1)->recs[0];
	struct pair asked = {poor, p.other, csm_self(poor), p.other_id};
	struct trial trials[TRIALS];
	struct view before, now;

	trials_of(&p, trials);
	CHECK_NE(asked.id, p.id);
	look(&p, &before);
	for (unsigned i = 0; i < TRIALS; i++) {
		struct trial trial = trials[i];

		trial.status = CSM_ERROR_NO_APT;
		try_good(&asked, &trial);
	}
	CHECK_EQ(CSM(poor, SIGNAL_TAKE).x[0], CSM_ERROR_NO_APT);
	CHECK_EQ(CSM(poor, CREATE, 1, 1, 1).x[0], CSM_ERROR_NO_APT);
	look(&p, &now);
	CHECK(same(&before, &now));
}

TEST(csm_hostile_policies,
     "RSI_CSM_SHARE policy_valid: wrong version, flags, algorithm, reserved bytes; hazard 12")
{
	static const struct {
		unsigned offset; /* of a word of the policy */
		uint64_t value;
	} wrong[] = {
		{0x00, (uint64_t)CSM_POLICY_RIM << 32},
		{0x00, 2 | (uint64_t)CSM_POLICY_RIM << 32},
		{0x00, CSM_POLICY_VERSION},
		{0x00, CSM_POLICY_VERSION | 1UL << (32 + 6)},
		{0x00, CSM_POLICY_VERSION | 6UL << 32},
		{0x00, CSM_POLICY_VERSION | (CSM_POLICY_RIM | 1UL << 31) << 32},
		{0x08, 2},
		{0x08, 0x100},
		{0x08, TOP_BIT},
		{0x10, 1},
		{0x18, 1},
		{0x38, TOP_BIT},
	};
	struct pair p = pair_make();

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t right = csm_read(p.self, POLICY + wrong[i].offset);

		csm_write(p.self, POLICY + wrong[i].offset, wrong[i].value);
		if (!CHECK_EQ(CSM(p.self, SHARE, SHARED, 0, RO, POLICY).x[0], RSI_ERROR_INPUT)) {
			note("%lx at %x", wrong[i].value, wrong[i].offset);
		}
		csm_write(p.self, POLICY + wrong[i].offset, right);
	}
	CHECK_EQ(CSM(p.self, SHARE, SHARED, 0, RO, 0).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(p.self, SHARE, SHARED, 0, RO, POLICY).x[0], RSI_SUCCESS);
}

/* ---- buffers of the RMM in memory that is not the realm's */

/* Every call that takes a buffer, with this address: refused, and nothing is written. */
static void try_buffers(struct rec *rec, uint64_t at, uint64_t provider)
{
	CHECK_EQ(agent_smc(rec, RSI_REALM_CONFIG_FID, at).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_HOST_CALL_FID, at).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_ATTESTATION_TOKEN_INIT_FID, 1, 2, 3, 4, 5, 6, 7, 8).x[0],
		 RSI_SUCCESS);
	CHECK_EQ(agent_smc(rec, RSI_ATTESTATION_TOKEN_CONTINUE_FID, at, 0, PAGE_SIZE).x[0],
		 RSI_ERROR_INPUT);
	CHECK_EQ(CSM(rec, SHARE, SHARED, 0x1234, RO, at).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(rec, RESERVE, provider, GRANTED, NOWHERE, 2 * PAGE_SIZE, at).x[0],
		 RSI_ERROR_INPUT);
}

static void fill_page(struct rec *rec, uint64_t at, uint64_t value)
{
	agent_order(rec, AGENT_FILL, at, at + PAGE_SIZE, value);
	CHECK(agent_done(rec));
}

static void expect_page(struct rec *rec, uint64_t at, uint64_t value)
{
	agent_order(rec, AGENT_CHECK, at, at + PAGE_SIZE, value);
	CHECK(agent_done(rec));
	CHECK_EQ(agent_value(rec), 0);
}

TEST(csm_hostile_buffers,
     "RSI_REALM_CONFIG, RSI_HOST_CALL, RSI_ATTESTATION_TOKEN_CONTINUE and policies in attachments, "
     "read-only and not, and in a sealed region: refused, the pages stay; hazard 11, invariant 02")
{
	struct pair p = pair_make();
	struct smc_regs r;

	fill_page(p.other, OWN, 0xaaaa);
	fill_page(p.self, OWN + 4 * PAGE_SIZE, 0xbbbb);
	csm_attach(p.self, p.other, GRANTED, NOWHERE + 4 * PAGE_SIZE, 2 * PAGE_SIZE);
	fill_page(p.other, OWN + 6 * PAGE_SIZE, 0xcccc);
	try_buffers(p.self, THERE, p.other_id);
	try_buffers(p.self, NOWHERE + 4 * PAGE_SIZE, p.other_id);
	CHECK_EQ(CSM(p.self, SEAL, UNSHARED).x[0], RSI_SUCCESS);
	CHECK_EQ(agent_smc(p.self, RSI_REALM_CONFIG_FID, OWN + 4 * PAGE_SIZE).x[0],
		 RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(p.self, RSI_ATTESTATION_TOKEN_CONTINUE_FID, OWN + 4 * PAGE_SIZE, 0,
			   PAGE_SIZE)
			 .x[0],
		 RSI_ERROR_INPUT);
	/* The host takes the table away: still nothing for the realm to wait for. */
	r = smc_call(RMI_RTT_DESTROY_FID, p.self->realm->rd, THERE, (uint64_t)RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	try_buffers(p.self, THERE, p.other_id);
	expect_page(p.other, OWN, 0xaaaa);
	expect_page(p.self, OWN + 4 * PAGE_SIZE, 0xbbbb);
	expect_page(p.other, OWN + 6 * PAGE_SIZE, 0xcccc);
}

#define CALL_AT 0x18000000UL /* RAM of its own, in a table of its own */

/* REC 1 is in a host call whose structure is at CALL_AT. */
static void wait_in_host_call(struct rec *rec)
{
	csm_write(rec, CALL_AT, REALM_CALL_TEST);
	agent_prepare(rec, AGENT_SMC, RSI_HOST_CALL_FID, CALL_AT, 0);
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
}

/* It is over, and has failed; what the host hands in goes nowhere. */
static void end_host_call(struct rec *rec)
{
	memset(rec->run->enter.gprs, 0xee, sizeof(rec->run->enter.gprs));
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	rec->stop = REC_CALL;
	CHECK_EQ(agent_smc_end(rec).x[0], RSI_ERROR_INPUT);
}

/* The page of the structure becomes another realm's while the REC is with the host. */
static void lend_under_host_call(bool with_table)
{
	struct live live = live_granted(RO, 2);
	struct rec *caller = &live.c->recs[1];
	struct smc_regs r;

	csm_ram(live.consumer, CALL_AT, CALL_AT + LIVE_SIZE);
	agent_start_rec(live.c, 1);
	wait_in_host_call(caller);
	csm_attach(live.consumer, live.provider, live.region, CALL_AT, LIVE_SIZE);
	fill_page(live.provider, OWN, 0xdddd);
	CHECK_EQ(csm_read(live.consumer, CALL_AT), 0xdddd ^ OWN);
	if (!with_table) {
		r = smc_call(RMI_RTT_DESTROY_FID, live.c->rd, CALL_AT, (uint64_t)RMI_LEVEL_PAGE);
		CHECK_EQ(r.x[0], RMI_SUCCESS);
		granule_give(r.x[1]);
	}
	end_host_call(caller);
	expect_page(live.provider, OWN, 0xdddd);
}

static void seal_under_host_call(void)
{
	struct realm *realm = csm_agent(2);
	struct rec *rec = &realm->recs[0];
	uint64_t region;

	csm_ram(rec, CALL_AT, CALL_AT + PAGE_SIZE);
	agent_start_rec(realm, 1);
	wait_in_host_call(&realm->recs[1]);
	region = csm_region(rec, CALL_AT, PAGE_SIZE);
	CHECK_EQ(CSM(rec, SEAL, region).x[0], RSI_SUCCESS);
	end_host_call(&realm->recs[1]);
	CHECK_EQ(csm_read(rec, CALL_AT), REALM_CALL_TEST);
	for (uint64_t at = 8; at < PAGE_SIZE; at += 8) {
		CHECK_EQ(csm_read(rec, CALL_AT + at), 0);
	}
}

TEST(csm_hostile_host_call,
     "RSI_HOST_CALL whose page is sealed, or becomes another realm's, before the host answers: the "
     "call fails, nothing is written, with and without a table there; hazard 11, invariant 02")
{
	lend_under_host_call(true);
	lend_under_host_call(false);
	seal_under_host_call();
}

/* [base, top) touches a region or reservation: nothing can be asked of the host there. */
static void try_ripas(struct rec *rec, uint64_t base, uint64_t top)
{
	for (uint64_t ripas = RSI_RIPAS_EMPTY; ripas <= RSI_RIPAS_RAM; ripas++) {
		agent_smc_begin(rec, RSI_IPA_STATE_SET_FID, (const uint64_t[]){base, top, ripas, 1},
				4);
		CHECK_EQ(agent_smc_end(rec).x[0], RSI_ERROR_STATE);
	}
}

TEST(csm_hostile_ripas,
     "RSI_IPA_STATE_SET on any part of a region, an attachment or a reservation: RSI_ERROR_STATE, "
     "without an exit; the sharing stands; hazard 13, invariant 05")
{
	struct pair p = pair_make();
	static const uint64_t around[][2] = {
		{0, PAGE_SIZE},
		{PAGE_SIZE, 2 * PAGE_SIZE},
		{-PAGE_SIZE, PAGE_SIZE},
		{PAGE_SIZE, 3 * PAGE_SIZE},
		{-PAGE_SIZE, 3 * PAGE_SIZE},
	};

	CHECK_EQ(CSM(p.self, RESERVE, p.other_id, GRANTED, NOWHERE, 2 * PAGE_SIZE).x[0],
		 RSI_SUCCESS);
	for (unsigned i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
		try_ripas(p.self, THERE + around[i][0], THERE + around[i][1]);
		try_ripas(p.self, NOWHERE + around[i][0], NOWHERE + around[i][1]);
		try_ripas(p.self, OWN + around[i][0], OWN + around[i][1]);
	}
	CHECK_EQ(csm_read(p.self, THERE), 0x77770000);
	CHECK_EQ(CSM(p.self, ATTACH, p.other_id, GRANTED).x[0], RSI_SUCCESS);
	CHECK_EQ(csm_read(p.self, NOWHERE), 0x77770003);
	csm_write(p.self, OWN, 0x99);
	CHECK_EQ(csm_read(p.other, THERE), 0x99);
}
