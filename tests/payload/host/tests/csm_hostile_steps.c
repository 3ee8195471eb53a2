// SPDX-License-Identifier: BSD-3-Clause
/*
 * Long commands of CSM, stopped after each of their steps; the host does its worst there, and the
 * realm, if it is still there, goes on with the command.
 */
#include "payload/host/csm_live.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN       0x8000000UL
#define THERE     LIVE_THERE
#define TABLE     (2UL << 20) /* what one leaf table covers, and one step visits */
#define SIZE      (2 * TABLE)
#define PAGES     4 /* that the provider has, one in each half of a table */
#define STEP      (SIZE / PAGES)
#define MARK      0x5eedUL
#define MAX_STEPS 12

enum act {
	TAKE_TABLES, /* of the consumer */
	TAKE_PAGES,
	TAKE_APT_P,
	TAKE_APT_C,
	END_PROVIDER,
	END_CONSUMER,
	ACTS,
};

/* A command on the sharing, and what it must answer in the end, after each act. */
struct way {
	uint64_t fid;
	bool by_consumer;
	bool attached;   /* when it begins */
	unsigned stride; /* 2: it has phases of two steps, and is stopped in the middle of each */
	uint64_t answer[ACTS];
};

static struct live big(bool attached)
{
	struct live live = {.p = csm_agent(1), .c = csm_agent(1)};

	live.provider = &live.p->recs[0];
	live.consumer = &live.c->recs[0];
	live.pid = csm_self(live.provider);
	live.cid = csm_self(live.consumer);
	live.p->csm.lazy = true;
	csm_ram(live.provider, OWN, OWN + SIZE);
	for (unsigned i = 0; i < PAGES; i++) {
		csm_write(live.provider, OWN + i * STEP, MARK + i);
	}
	realm_make_tables(live.c, THERE, 1, RMI_LEVEL_PAGE);
	realm_make_tables(live.c, THERE + TABLE, 2, RMI_LEVEL_PAGE);
	live.region = csm_region(live.provider, OWN, SIZE);
	csm_share(live.provider, live.region, live.consumer, LIVE_RW);
	REQUIRE_EQ(CSM(live.consumer, RESERVE, live.pid, live.region, THERE, SIZE).x[0],
		   RSI_SUCCESS);
	if (attached) {
		REQUIRE_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], RSI_SUCCESS);
		CHECK_EQ(csm_read(live.consumer, THERE + STEP), MARK + 1);
		/* Signals that wait would save the command the exit that tells of new ones. */
		live_bits(live.provider, live.cid);
	}
	return live;
}

static void take_tables(struct realm *c)
{
	for (uint64_t at = THERE; at < THERE + SIZE; at += TABLE) {
		struct smc_regs r =
			smc_call(RMI_RTT_DESTROY_FID, c->rd, at, (uint64_t)RMI_LEVEL_PAGE);

		if (CHECK_EQ(r.x[0], RMI_SUCCESS)) {
			granule_give(r.x[1]);
		}
	}
}

static void take_pages(struct realm *p)
{
	for (uint64_t at = OWN; at < OWN + SIZE; at += STEP) {
		struct smc_regs r = smc_call(RMI_DATA_DESTROY_FID, p->rd, at);

		if (CHECK_EQ(r.x[0], RMI_SUCCESS)) {
			granule_give(r.x[1]);
		}
	}
}

static void do_act(struct live *live, enum act act)
{
	switch (act) {
	case TAKE_TABLES:
		take_tables(live->c);
		break;
	case TAKE_PAGES:
		take_pages(live->p);
		break;
	case TAKE_APT_P:
		csm_apt_drop(live->p);
		break;
	case TAKE_APT_C:
		csm_apt_drop(live->c);
		break;
	case END_PROVIDER:
		realm_destroy(live->p);
		break;
	default:
		realm_destroy(live->c);
		break;
	}
}

static struct smc_regs one_call(const struct live *live, const struct way *way)
{
	if (way->by_consumer) {
		return agent_smc(live->consumer, way->fid, live->pid, live->region);
	}
	return agent_smc(live->provider, way->fid, live->region, live->cid);
}

/* What is left when the command is over. */
static void check_rest(const struct live *live, const struct way *way, enum act act)
{
	bool works = way->fid == RSI_CSM_ATTACH_FID && act == TAKE_TABLES;

	for (unsigned i = 0; i < PAGES && live->p->created && act != TAKE_PAGES; i++) {
		CHECK_EQ(csm_read(live->provider, OWN + i * STEP), MARK + i);
		host_out_of_reach(csm_page(live->p, OWN + i * STEP));
	}
	for (unsigned i = 0; i < PAGES && live->c->created && works; i++) {
		CHECK_EQ(csm_read(live->consumer, THERE + i * STEP), MARK + i);
	}
	if (live->c->created && !works) {
		live_no_access(live->consumer, THERE + STEP);
	}
}

/* False: the command has not so many steps. */
static bool stop_after(const struct way *way, enum act act, unsigned steps)
{
	struct live live = big(way->attached);
	bool actor_lives = act != (way->by_consumer ? END_CONSUMER : END_PROVIDER);
	bool more = true;

	for (unsigned i = 0; i < steps && more; i++) {
		more = one_call(&live, way).x[0] == RSI_INCOMPLETE;
	}
	if (more) {
		do_act(&live, act);
		if (actor_lives) {
			uint64_t status;

			do {
				status = one_call(&live, way).x[0];
			} while (status == RSI_INCOMPLETE);
			if (!CHECK_EQ(status, way->answer[act])) {
				note("call %lx, act %u after %u steps", way->fid, act, steps);
			}
		}
		check_rest(&live, way, act);
	}
	if (live.p->created) {
		realm_destroy(live.p);
	}
	if (live.c->created) {
		realm_destroy(live.c);
	}
	return more;
}

/* Each act after each step, the first of which must exist. */
static void every_step(const struct way *way)
{
	for (enum act act = 0; act < ACTS; act++) {
		unsigned steps = 1;

		while (steps < MAX_STEPS && !test_failing() && stop_after(way, act, steps)) {
			steps += way->stride;
		}
		CHECK(steps > 1 && steps < MAX_STEPS);
	}
}

TEST(csm_hostile_steps_attach,
     "RSI_CSM_ATTACH stopped in each phase: the host takes tables, pages, either APT, either "
     "realm: the answer says so, nothing is mapped that should not be; hazard 17, hazard 22, "
     "invariant 03")
{
	const struct way way = {
		.fid = RSI_CSM_ATTACH_FID,
		.by_consumer = true,
		.stride = 2,
		.answer = {RSI_SUCCESS, RSI_SUCCESS, CSM_ERROR_ACCESS, CSM_ERROR_NO_APT,
			   CSM_ERROR_ACCESS, 0},
	};

	every_step(&way);
}

TEST(csm_hostile_steps_revoke,
     "RSI_CSM_REVOKE stopped after each step: the host takes tables, pages, either APT, either "
     "realm: the consumer has no access in the end; hazard 17, hazard 23, invariant 03")
{
	const struct way way = {
		.fid = RSI_CSM_REVOKE_FID,
		.attached = true,
		.stride = 1,
		.answer = {RSI_SUCCESS, RSI_SUCCESS, CSM_ERROR_NO_APT, RSI_SUCCESS, 0, RSI_SUCCESS},
	};

	every_step(&way);
}

TEST(csm_hostile_steps_destroy,
     "RSI_CSM_DESTROY stopped after every other step: the host takes tables, pages, either APT, "
     "either "
     "realm: the region ends for all; hazard 17, hazard 23, invariant 03")
{
	const struct way way = {
		.fid = RSI_CSM_DESTROY_FID,
		.attached = true,
		.stride = 2,
		.answer = {RSI_SUCCESS, RSI_SUCCESS, CSM_ERROR_NO_APT, RSI_SUCCESS, 0, RSI_SUCCESS},
	};

	every_step(&way);
}

TEST(csm_hostile_steps_detach,
     "RSI_CSM_DETACH_AND_FREE stopped after every other step: the host takes tables, pages, either "
     "APT, "
     "either realm: the consumer is out in the end; hazard 17, hazard 23, invariant 03")
{
	const struct way way = {
		.fid = RSI_CSM_DETACH_AND_FREE_FID,
		.by_consumer = true,
		.attached = true,
		.stride = 2,
		.answer = {RSI_SUCCESS, RSI_SUCCESS, RSI_SUCCESS, CSM_ERROR_NO_APT, RSI_SUCCESS, 0},
	};

	every_step(&way);
}

/* ---- between the steps of the provider's command, the consumer is the hostile one */

static void expect_shut_out(const struct live *live)
{
	struct rec *rec = live->consumer;

	CHECK_EQ(CSM(rec, ATTACH, live->pid, live->region).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(rec, DETACH_AND_FREE, live->pid, live->region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(rec, QUERY, live->pid, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, RESERVE, live->pid, live->region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, SIGNAL, live->pid, live->pid, live->region, 1).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(rec, PEER, live->pid, 0).x[0], CSM_ERROR_ACCESS);
	live_no_access(rec, THERE + STEP);
}

TEST(csm_hostile_revoke_under_way,
     "While RSI_CSM_REVOKE is under way the consumer gets nothing back by access, and cannot come "
     "again, not even by leaving; no second grant either; then all is new; hazard 03, invariant 05")
{
	struct live live = big(true);
	struct way way = {.fid = RSI_CSM_REVOKE_FID};

	REQUIRE_EQ(one_call(&live, &way).x[0], RSI_INCOMPLETE);
	csm_aborts(live.consumer, INSN_LDR_X, THERE);
	csm_aborts(live.consumer, INSN_STR_X, THERE + STEP);
	CHECK_EQ(CSM(live.provider, SHARE, live.region, live.cid, LIVE_RW).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(live.provider, SIGNAL, live.cid, live.pid, live.region, 1).x[0],
		 CSM_ERROR_ACCESS);
	expect_shut_out(&live);
	CHECK_EQ(CSM(live.provider, REVOKE, live.region, live.cid).x[0], RSI_SUCCESS);
	csm_share(live.provider, live.region, live.consumer, CSM_PERM_READ);
	CHECK_EQ(csm_attach(live.consumer, live.provider, live.region, THERE, SIZE), CSM_PERM_READ);
	CHECK_EQ(csm_read(live.consumer, THERE + STEP), MARK + 1);
	csm_aborts(live.consumer, INSN_STR_X, THERE + STEP);
}

TEST(csm_hostile_destroy_under_way,
     "While RSI_CSM_DESTROY is under way nobody gets in, nothing can be shared or sealed, and the "
     "range is still taken; then it is the provider's own; hazard 03, hazard 08, invariant 05")
{
	struct live live = big(true);
	struct way way = {.fid = RSI_CSM_DESTROY_FID};

	REQUIRE_EQ(one_call(&live, &way).x[0], RSI_INCOMPLETE);
	csm_aborts(live.consumer, INSN_LDR_X, THERE);
	CHECK_EQ(CSM(live.provider, SHARE, live.region, 77, LIVE_RW).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(live.provider, REVOKE, live.region, live.cid).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(live.provider, SEAL, live.region).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(live.provider, CREATE, OWN, SIZE, 0).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(live.provider, DIGEST, live.pid, live.region).x[0], CSM_ERROR_ACCESS);
	expect_shut_out(&live);
	CHECK_EQ(CSM(live.provider, DESTROY, live.region).x[0], RSI_SUCCESS);
	CHECK_EQ(csm_read(live.provider, OWN + STEP), MARK + 1);
	CHECK_EQ(csm_region(live.provider, OWN, SIZE), live.region + 1);
}
