// SPDX-License-Identifier: BSD-3-Clause
/* Who is who: realms built in the place of others, and what can be learnt by asking. */
#include "payload/host/csm_live.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN   LIVE_OWN
#define THERE LIVE_THERE
#define SIZE  LIVE_SIZE
#define RW    LIVE_RW

/* ---- look-alikes */

#define RIM_WORDS 4

struct rim {
	uint64_t word[RIM_WORDS];
};

static struct rim rim_of(struct rec *rec)
{
	struct smc_regs r = agent_smc(rec, RSI_MEASUREMENT_READ_FID, 0);
	struct rim rim;

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	memcpy(rim.word, &r.x[1], sizeof(rim.word));
	return rim;
}

/* The realm goes; another is built of the same pieces, in the same places. */
static struct realm *rebuild(struct realm *old)
{
	struct rim before = rim_of(&old->recs[0]);
	struct rim now;
	uint64_t rd = old->rd;
	uint64_t id = csm_self(&old->recs[0]);
	struct realm *new;

	realm_destroy(old);
	new = csm_agent(1);
	REQUIRE_EQ(new->rd, rd);
	CHECK_NE(csm_self(&new->recs[0]), id);
	now = rim_of(&new->recs[0]);
	for (unsigned i = 0; i < RIM_WORDS; i++) {
		CHECK_EQ(now.word[i], before.word[i]);
	}
	return new;
}

/* Whatever the realm asks about the region, nothing is there for it. */
static void expect_stranger(struct rec *rec, uint64_t provider, uint64_t region)
{
	CHECK_EQ(CSM(rec, QUERY, provider, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, RESERVE, provider, region, THERE + (1UL << 21), SIZE).x[0],
		 CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, ATTACH, provider, region).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(rec, DETACH_AND_FREE, provider, region).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(rec, SIGNAL, provider, provider, region, 1).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, DIGEST, provider, region).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, PEER, provider, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, SIGNAL_TAKE).x[1], 0);
}

TEST(csm_hostile_false_consumer,
     "A look-alike of an attested consumer at the same RD, of the same measurement, again and "
     "again: ids differ, it inherits no grant and no attachment; hazard 01, hazard 02, "
     "invariant 05, invariant 09")
{
	struct live live = live_make(RW, 1);
	uint64_t ids[5];

	live_works(&live);
	for (unsigned i = 0; i < 5; i++) {
		ids[i] = live.cid;
		live.c = rebuild(live.c);
		live.consumer = &live.c->recs[0];
		live.cid = csm_self(live.consumer);
		for (unsigned k = 0; k <= i; k++) {
			CHECK_NE(live.cid, ids[k]);
			CHECK_EQ(CSM(live.provider, SIGNAL, ids[k], live.pid, live.region, 1).x[0],
				 CSM_ERROR_ACCESS);
			CHECK_EQ(CSM(live.provider, PEER, ids[k], 0).x[0], CSM_ERROR_ACCESS);
		}
		expect_stranger(live.consumer, live.pid, live.region);
		csm_aborts(live.consumer, INSN_LDR_X, THERE);
	}
	/* Consent to this one lets this one in. */
	csm_share(live.provider, live.region, live.consumer, RW);
	csm_attach(live.consumer, live.provider, live.region, THERE, SIZE);
	live_works(&live);
}

TEST(csm_hostile_false_provider,
     "A look-alike of an attested provider at the same RD, with the same region: what was reserved "
     "of the other is dead, and stays so; hazard 01, hazard 03, invariant 05, invariant 09")
{
	struct live live = live_make(RW, 1);
	uint64_t old = live.pid;

	/* The provider's place is taken by the next realm, for it comes first in memory. */
	live_works(&live);
	live.p = rebuild(live.p);
	live.provider = &live.p->recs[0];
	live.pid = csm_self(live.provider);
	CHECK_EQ(csm_region(live.provider, OWN, SIZE), live.region);
	csm_share(live.provider, live.region, live.consumer, RW);
	csm_write(live.provider, OWN, 0xfa15e);
	CHECK_EQ(live_bits(live.consumer, old), CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED);
	csm_aborts(live.consumer, INSN_LDR_X, THERE);
	csm_aborts(live.consumer, INSN_STR_X, THERE);
	CHECK_EQ(CSM(live.consumer, ATTACH, old, live.region).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(live.consumer, SIGNAL, old, old, live.region, 1).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(live.consumer, DIGEST, old, live.region).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(live.consumer, PEER, old, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(live.consumer, RESERVE, live.pid, live.region, THERE, SIZE).x[0],
		 RSI_ERROR_INPUT);
	CHECK_EQ(CSM(live.consumer, DETACH_AND_FREE, old, live.region).x[0], RSI_SUCCESS);
	expect_stranger(live.consumer, old, live.region);
	csm_attach(live.consumer, live.provider, live.region, THERE, SIZE);
	CHECK_EQ(csm_read(live.consumer, THERE), 0xfa15e);
}

/* ---- one answer to all who may not know */

struct asked {
	uint64_t fid;
	uint64_t args[5];
};

#define ASKED 8

/* One SMC without any exit before its end. */
static struct smc_regs ask(struct rec *rec, const struct asked *asked)
{
	agent_prepare(rec, AGENT_SMC, asked->fid, 0, 0);
	memcpy(&rec->run->enter.gprs[2], asked->args, sizeof(asked->args));
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	rec->stop = REC_CALL;
	return agent_smc_end(rec);
}

static void questions(uint64_t provider, uint64_t region, uint64_t self, struct asked out[ASKED])
{
	const struct asked asked[ASKED] = {
		{RSI_CSM_RESERVE_FID, {provider, region, 0x20000000, SIZE, 0}},
		{RSI_CSM_RESERVE_FID, {provider, region, 0x20000000, SIZE + PAGE_SIZE, 0}},
		{RSI_CSM_ATTACH_FID, {provider, region}},
		{RSI_CSM_DETACH_AND_FREE_FID, {provider, region}},
		{RSI_CSM_DIGEST_FID, {provider, region}},
		{RSI_CSM_SIGNAL_FID, {provider, provider, region, 1UL << 50}},
		{RSI_CSM_SIGNAL_FID, {provider, self, region, 1}},
		{RSI_CSM_PEER_FID, {provider, 77}},
	};

	memcpy(out, asked, sizeof(asked));
}

/* All results but those that are arguments left alone. */
static void expect_same(const struct asked *asked, const struct smc_regs *a,
			const struct smc_regs *b)
{
	for (unsigned i = 0; i < 11; i++) {
		bool argument = i >= 4 && i <= 5 && b->x[i] == asked->args[i - 1];

		if (!argument && !CHECK_EQ(b->x[i], a->x[i])) {
			note("x%u of call %lx about region %lu", i, asked->fid, asked->args[1]);
		}
	}
}

TEST(csm_hostile_uniform,
     "A provider that is not there, one that is and lends others, a region not granted, granted to "
     "another, by a policy that is not met, revoked, destroyed: every question gets the same "
     "answer "
     "in all registers, without an exit; invariant 11")
{
	struct live live = live_granted(RW, 1);
	struct rec *nosy = &csm_agent(1)->recs[0];
	uint64_t id = csm_self(nosy);
	uint64_t policy = REALM_RAM_TOP - PAGE_SIZE;
	uint64_t regions[6] = {live.region, 99};
	struct asked nobody[ASKED];
	struct smc_regs answers[ASKED];

	for (unsigned i = 2; i < 6; i++) {
		regions[i] = csm_region(live.provider, OWN + i * 2 * PAGE_SIZE, PAGE_SIZE);
	}
	csm_write(live.provider, policy, CSM_POLICY_VERSION | (uint64_t)CSM_POLICY_RIM << 32);
	CHECK_EQ(CSM(live.provider, SHARE, regions[3], 0, RW, policy).x[0], RSI_SUCCESS);
	csm_share(live.provider, regions[4], nosy, RW);
	CHECK_EQ(CSM(live.provider, REVOKE, regions[4], id).x[0], RSI_SUCCESS);
	csm_share(live.provider, regions[5], nosy, RW);
	CHECK_EQ(CSM(live.provider, DESTROY, regions[5]).x[0], RSI_SUCCESS);
	questions(live.pid ^ 0x1000, 1, id, nobody);
	for (unsigned i = 0; i < ASKED; i++) {
		answers[i] = ask(nosy, &nobody[i]);
		CHECK_NE(answers[i].x[0], RSI_SUCCESS);
	}
	for (unsigned n = 0; n < 6; n++) {
		struct asked asked[ASKED];

		questions(live.pid, regions[n], id, asked);
		for (unsigned i = 0; i < ASKED; i++) {
			struct smc_regs r = ask(nosy, &asked[i]);

			expect_same(&asked[i], &answers[i], &r);
		}
		CHECK_EQ(CSM(nosy, QUERY, live.pid, n).x[0], CSM_ERROR_ACCESS);
	}
	CHECK_EQ(CSM(nosy, QUERY, live.pid ^ 0x1000, 0).x[0], CSM_ERROR_ACCESS);
	/* The one that may sees what it may, and not what there is beside it. */
	CHECK_EQ(CSM(live.consumer, QUERY, live.pid, 0).x[1], live.region);
	CHECK_EQ(CSM(live.consumer, QUERY, live.pid, 0).x[6], 0);
}
