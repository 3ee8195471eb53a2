// SPDX-License-Identifier: BSD-3-Clause
/* A host that answers the exits of CSM wrongly, with other realms' memory, late, or never. */
#include "payload/host/bad_addresses.h"
#include "payload/host/csm_live.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN   LIVE_OWN
#define THERE LIVE_THERE
#define SIZE  LIVE_SIZE

#define RMI(command, ...) smc_call(RMI_##command##_FID, ##__VA_ARGS__)

/* Leaves the realm in the command; the next exit must be this one, with this range and no more. */
static void begin_args(struct rec *rec, unsigned reason, const uint64_t *range, uint64_t fid,
		       const uint64_t *args, unsigned count)
{
	agent_prepare(rec, AGENT_SMC, fid, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		rec->run->enter.gprs[i + 2] = args[i];
	}
	expect_exit(rec, reason, EXIT_RIPAS);
	CHECK_EQ(rec->run->exit.ripas_base, range[0]);
	CHECK_EQ(rec->run->exit.ripas_top, range[1]);
	CHECK_EQ(rec->run->exit.ripas_value, 0);
}

#define RANGE(base, top) ((const uint64_t[2]){(base), (top)})
#define BEGIN(rec, reason, range, command, ...)                                    \
	begin_args((rec), RMI_EXIT_CSM_##reason, (range), RSI_CSM_##command##_FID, \
		   (const uint64_t[]){__VA_ARGS__},                                \
		   sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Enter records that are refused; the REC stays where it is. */
static void enter_wrongly(struct rec *rec)
{
	struct rmi_rec_enter *enter = &rec->run->enter;
	uint64_t page = granule_take();

	enter->flags = RMI_ENTER_FLAG_EMUL_MMIO;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	enter->flags = 0;
	enter->gicv3_hcr = ~0UL;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	enter->gicv3_hcr = 0;
	CHECK_EQ(RMI(REC_ENTER, rec->granule, page).x[0], RMI_ERROR_INPUT);
	CHECK_EQ(RMI(REC_ENTER, rec->granule, rec->granule).x[0], RMI_ERROR_INPUT);
	CHECK_EQ(RMI(PSCI_COMPLETE, rec->granule, rec->granule, 0).x[0], RMI_ERROR_INPUT);
	CHECK_EQ(RMI(RTT_SET_RIPAS, rec->realm->rd, rec->granule, 0, ~0xfffUL).x[0],
		 RMI_ERROR_INPUT);
	granule_give(page);
}

/* Enters with all bits set that are not refused: the command's answer does not depend on them. */
static struct smc_regs finish(struct rec *rec)
{
	struct rmi_rec_enter *enter = &rec->run->enter;

	enter_wrongly(rec);
	memset(enter, 0xff, sizeof(*enter));
	enter->flags = ~(RMI_ENTER_FLAG_EMUL_MMIO | RMI_ENTER_FLAG_TRAP_WFI);
	enter->gicv3_hcr = 0;
	memset(enter->gicv3_lrs, 0, sizeof(enter->gicv3_lrs));
	rec_run(rec);
	return agent_smc_end(rec);
}

/* Nothing but the status, and what the command answers in x1. */
static void expect_answer(struct rec *rec, uint64_t status, uint64_t x1)
{
	struct smc_regs r = finish(rec);

	CHECK_EQ(r.x[0], status);
	CHECK_EQ(r.x[1], x1);
	CHECK_EQ(r.x[2] | r.x[3], 0);
}

TEST(csm_hostile_answers,
     "Wrong and wild enter records at each exit of CSM: refused, or without effect on the answer "
     "of the command; the exit records carry the range and no more; hazard 19, invariant 11")
{
	struct live live = {.p = csm_agent(1), .c = csm_agent(1)};
	struct rec *provider = live.provider = &live.p->recs[0];
	struct rec *consumer = live.consumer = &live.c->recs[0];
	uint64_t pid = csm_self(provider);
	uint64_t cid = csm_self(consumer);

	BEGIN(provider, PROVIDER, RANGE(OWN, OWN + SIZE), CREATE, OWN, SIZE, 0);
	expect_answer(provider, RSI_SUCCESS, 1);
	csm_share(provider, 1, consumer, LIVE_RW);
	BEGIN(consumer, CONSUMER, RANGE(THERE, THERE + SIZE), RESERVE, pid, 1, THERE, SIZE, 0);
	expect_answer(consumer, RSI_SUCCESS, 0);
	BEGIN(consumer, SIGNAL, RANGE(live.p->rd, 0), ATTACH, pid, 1);
	expect_answer(consumer, RSI_SUCCESS, LIVE_RW);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE) {
		realm_data_unknown(live.p, OWN + at);
	}
	realm_make_tables(live.c, THERE, 1, RMI_LEVEL_PAGE);
	live_works(&live);
	CHECK_EQ(live_bits(provider, cid), CSM_SIGNAL_ATTACHED);
	BEGIN(provider, SIGNAL, RANGE(live.c->rd, 0), SIGNAL, cid, pid, 1, 5);
	expect_answer(provider, RSI_SUCCESS, 0);
	CHECK_EQ(live_bits(consumer, pid), 5);
	BEGIN(consumer, SIGNAL, RANGE(live.p->rd, 0), DETACH_AND_FREE, pid, 1);
	expect_answer(consumer, RSI_INCOMPLETE, 0);
	BEGIN(consumer, REMOVED, RANGE(THERE, THERE + SIZE), DETACH_AND_FREE, pid, 1);
	expect_answer(consumer, RSI_SUCCESS, 0);
	BEGIN(provider, REMOVED, RANGE(OWN, OWN + SIZE), DESTROY, 1);
	expect_answer(provider, RSI_SUCCESS, 0);
}

/* A page of its own that the realm has used. */
static uint64_t own_page(struct rec *rec, uint64_t ipa, uint64_t value)
{
	csm_write(rec, ipa, value);
	return csm_page(rec->realm, ipa);
}

TEST(csm_hostile_no_room,
     "RMI_EXIT_CSM_CONSUMER never answered, or in part, or with more pages: RSI_CSM_ATTACH refuses "
     "while something of the consumer's is there, which stays its own; hazard 10, hazard 13")
{
	struct live live = live_granted(LIVE_RW, 1);
	struct rec *consumer = live.consumer;
	uint64_t pages[2] = {own_page(consumer, OWN, 0xc0),
			     own_page(consumer, OWN + SIZE / 2, 0xc1)};
	uint64_t spare = granule_take();
	struct smc_regs r;

	csm_write(live.provider, OWN, 0x90);
	BEGIN(consumer, CONSUMER, RANGE(OWN, OWN + SIZE), RESERVE, live.pid, live.region, OWN, SIZE,
	      0);
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, live.c->rd, spare,
		       OWN + PAGE_SIZE);
	expect_answer(consumer, RSI_SUCCESS, 0);
	CHECK_EQ(CSM(consumer, ATTACH, live.pid, live.region).x[0], RSI_ERROR_STATE);
	CHECK_EQ(csm_read(consumer, OWN), 0xc0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(CSM(consumer, ATTACH, live.pid, live.region).x[0], RSI_ERROR_STATE);
		CHECK_EQ(csm_page(live.c, OWN + i * SIZE / 2), pages[i]);
		r = RMI(DATA_DESTROY, live.c->rd, OWN + i * SIZE / 2);
		REQUIRE_EQ(r.x[0], RMI_SUCCESS);
		CHECK_EQ(r.x[1], pages[i]);
		granule_give(r.x[1]);
	}
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, live.c->rd, spare, OWN);
	CHECK_EQ(CSM(consumer, ATTACH, live.pid, live.region).x[0], RSI_SUCCESS);
	CHECK_EQ(csm_read(consumer, OWN), 0x90);
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, live.c->rd, spare, OWN);
	granule_give(spare);
}

TEST(csm_hostile_not_populated,
     "RMI_EXIT_CSM_PROVIDER answered with pages that are not to be had, then not at all: the "
     "consumer's access is an abort, never another page; hazard 14, hazard 22, invariant 04")
{
	struct live live = {.p = csm_agent(1), .c = csm_agent(1)};
	struct live other = live_make(LIVE_RW, 1);
	uint64_t pages[] = {csm_page(other.p, OWN),  other.p->rd,
			    other.c->csm.apt[0],     live.p->csm.apt[0],
			    live.c->recs[0].granule, page_alloc()};

	live.provider = &live.p->recs[0];
	live.consumer = &live.c->recs[0];
	live.pid = csm_self(live.provider);
	BEGIN(live.provider, PROVIDER, RANGE(OWN, OWN + SIZE), CREATE, OWN, SIZE, 0);
	for (unsigned i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, live.p->rd, pages[i],
			       OWN);
	}
	expect_answer(live.provider, RSI_SUCCESS, 1);
	csm_share(live.provider, 1, live.consumer, LIVE_RW);
	csm_attach(live.consumer, live.provider, 1, THERE, SIZE);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE) {
		csm_aborts(live.consumer, INSN_LDR_X, THERE + at);
	}
	live_works(&live);
	live_works(&other);
}

TEST(csm_hostile_no_split,
     "RMI_EXIT_CSM_SPLIT never answered: RSI_CSM_CREATE leaves again and again and has no effect, "
     "the realm's other REC goes on with the memory; then split and folded again: RMI_RTT_FOLD "
     "rtt_homo; hazard 19, hazard 22")
{
	struct realm *realm = csm_agent(2);
	struct rec *rec = &realm->recs[0];
	struct rec *other = &realm->recs[1];
	uint64_t base = 0x8000000;
	uint64_t size = level_size(RMI_LEVEL_PAGE - 1);
	struct smc_regs r;

	agent_start_rec(realm, 1);
	realm_make_block(realm, base);
	csm_ram(rec, base, base + size);
	BEGIN(rec, SPLIT, RANGE(base, base + size), CREATE, base + PAGE_SIZE, SIZE, 0);
	for (unsigned i = 0; i < 8; i++) {
		enter_wrongly(rec);
		expect_exit(rec, RMI_EXIT_CSM_SPLIT, EXIT_RIPAS);
		CHECK_EQ(rec->run->exit.ripas_base, base);
		CHECK_EQ(rec->run->exit.ripas_top, base + size);
	}
	CHECK_EQ(CSM(other, QUERY, csm_self(other), 0).x[1], 0);
	csm_write(other, base + PAGE_SIZE, 0x123);
	CHECK_EQ(csm_read(other, base + PAGE_SIZE), 0x123);
	realm_make_tables(realm, base, RMI_LEVEL_PAGE - 1, RMI_LEVEL_PAGE);
	r = RMI(RTT_FOLD, realm->rd, base, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	expect_exit(rec, RMI_EXIT_CSM_PROVIDER, EXIT_RIPAS);
	CHECK_EQ(rec->run->exit.ripas_base, base + PAGE_SIZE);
	CHECK_EQ(rec->run->exit.ripas_top, base + PAGE_SIZE + SIZE);
	expect_answer(rec, RSI_SUCCESS, 1);
	CHECK_EQ(CSM(rec, SEAL, 1).x[0], RSI_SUCCESS);
	csm_aborts(rec, INSN_STR_X, base + PAGE_SIZE);
	csm_write(rec, base, 0x456);
}

TEST(csm_hostile_left_alone,
     "A REC that left with an exit of CSM is not entered again: other RECs of the realm go on with "
     "the sharing and end it; entered late, it is told what was true then; hazard 22")
{
	struct live live = live_granted(LIVE_RW, 2);
	struct rec *rec = live.consumer;
	struct rec *left = &live.c->recs[1];

	agent_start_rec(live.c, 1);
	BEGIN(left, CONSUMER, RANGE(THERE, THERE + SIZE), RESERVE, live.pid, live.region, THERE,
	      SIZE, 0);
	csm_answer(left);
	CHECK_EQ(CSM(rec, ATTACH, live.pid, live.region).x[0], RSI_SUCCESS);
	live_works(&live);
	CHECK_EQ(CSM(rec, DETACH_AND_FREE, live.pid, live.region).x[0], RSI_SUCCESS);
	expect_answer(left, RSI_SUCCESS, 0);
	CHECK_EQ(CSM(left, ATTACH, live.pid, live.region).x[0], RSI_ERROR_INPUT);
	BEGIN(left, CONSUMER, RANGE(THERE, THERE + SIZE), RESERVE, live.pid, live.region, THERE,
	      SIZE, 0);
	/* Gone in the middle of it: what it has reserved stays the realm's. */
	realm_take_rec(live.c);
	CHECK_EQ(CSM(rec, ATTACH, live.pid, live.region).x[0], RSI_SUCCESS);
	live_works(&live);
	csm_apt_drop(live.c);
	live_no_access(rec, THERE);
}

/* The policy is in a page that the realm does not have; the host takes its time. */
TEST(csm_hostile_policy_page,
     "RSI_CSM_SHARE whose policy the host keeps back: the realm waits and has shared nothing; the "
     "page comes wiped and the policy is refused; or it never comes; hazard 17, invariant 07")
{
	struct live live = live_granted(LIVE_RW, 1);
	struct rec *provider = live.provider;
	uint64_t policy = REALM_RAM_TOP - 2 * PAGE_SIZE;

	for (unsigned i = 0; i < 2; i++) {
		agent_prepare(provider, AGENT_SMC, RSI_CSM_SHARE_FID, live.region, 0);
		provider->run->enter.gprs[4] = CSM_PERM_READ;
		provider->run->enter.gprs[5] = policy + i * PAGE_SIZE;
		for (unsigned n = 0; n < 3; n++) {
			expect_exit(provider, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
			CHECK_EQ(provider->run->exit.hpfar << 8, policy + i * PAGE_SIZE);
			CHECK_EQ(CSM(live.consumer, QUERY, live.pid, live.region).x[0],
				 CSM_ERROR_ACCESS);
		}
		if (i == 0) {
			rec_run(provider);
			CHECK_EQ(agent_smc_end(provider).x[0], RSI_ERROR_INPUT);
			CHECK_EQ(CSM(provider, REVOKE, live.region, 0).x[0], RSI_ERROR_INPUT);
		}
	}
}
