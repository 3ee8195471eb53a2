// SPDX-License-Identifier: BSD-3-Clause
/* A host that turns on two realms in the middle of a sharing. */
#include "abi/psci.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/cpu.h"
#include "payload/host/csm_live.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define BLOCK (2UL << 20)

#define RMI(command, ...) smc_call(RMI_##command##_FID, ##__VA_ARGS__)

/* The leaf table that translates ipa. */
static uint64_t leaf_table(const struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = RMI(RTT_READ_ENTRY, realm->rd, ipa & ~(BLOCK - 1), 2);

	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	REQUIRE_EQ(r.x[2], RMI_TABLE);
	return r.x[3];
}

TEST(csm_hostile_page,
     "RMI_DATA_DESTROY of a lent page: it comes back wiped, provider and consumer have lost it, a "
     "page that follows it is not lent; hazard 06, invariant 03, invariant 08")
{
	struct live live = live_make(LIVE_RW, 1);
	uint64_t page = csm_page(live.p, LIVE_OWN + PAGE_SIZE);
	struct smc_regs r;

	live_works(&live);
	r = RMI(DATA_DESTROY, live.p->rd, LIVE_OWN + PAGE_SIZE);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[1], page);
	granule_give(page);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE + PAGE_SIZE);
	csm_aborts(live.consumer, INSN_STR_X, LIVE_THERE + PAGE_SIZE);
	CHECK_EQ(live_bits(live.consumer, live.pid), CSM_SIGNAL_PAGE_LOST);
	CHECK(realm_data_unknown(live.p, LIVE_OWN + PAGE_SIZE));
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE + PAGE_SIZE);
	live_page_works(&live, 0);
	live_page_works(&live, 2);
	live_no_access(live.provider, LIVE_OWN + PAGE_SIZE);
}

/* Reads one word over and over, on a CPU of its own, until it is gone. */
struct reader {
	struct rec *rec;
	uint64_t ipa, expected;
	uint32_t reads; /* atomic */
	uint32_t gone;  /* atomic: whoever takes the page has been told that it is done */
};

static void read_until_gone(void *arg)
{
	struct reader *reader = arg;
	bool gone;

	do {
		gone = __atomic_load_n(&reader->gone, __ATOMIC_ACQUIRE);
		if (!agent_do(reader->rec, INSN_LDR_X, reader->ipa, 0)) {
			CHECK_EQ(reader->rec->stop, REC_CALL);
			CHECK_EQ(ESR_FSC(agent_esr(reader->rec)), FSC_EXTERNAL_ABORT);
			return;
		}
		CHECK_EQ(agent_value(reader->rec), reader->expected);
		__atomic_add_fetch(&reader->reads, 1, __ATOMIC_RELEASE);
	} while (!gone);
	CHECK(!"a page is readable after it was taken");
}

TEST_CPUS(csm_hostile_page_running, 2,
	  "RMI_DATA_DESTROY of a lent page that the consumer reads on another CPU: old contents or "
	  "an abort, never the wiped page; hazard 06, invariant 03")
{
	struct live live = live_make(LIVE_RW, 1);

	for (unsigned i = 0; i < LIVE_PAGES; i++) {
		uint64_t at = i * PAGE_SIZE;
		struct reader reader = {live.consumer, LIVE_THERE + at, 0x11110000 + i, 0, 0};
		struct smc_regs r;

		csm_write(live.provider, LIVE_OWN + at, reader.expected);
		cpu_start(1, read_until_gone, &reader);
		while (__atomic_load_n(&reader.reads, __ATOMIC_ACQUIRE) < 20 && !test_failing()) {
			cpu_relax();
		}
		r = RMI(DATA_DESTROY, live.p->rd, LIVE_OWN + at);
		__atomic_store_n(&reader.gone, 1, __ATOMIC_RELEASE);
		CHECK_EQ(r.x[0], RMI_SUCCESS);
		REQUIRE(cpu_join(1, PATIENCE_MS));
		granule_give(r.x[1]);
	}
}

/* What the host may try on [at, at + PAGE_SIZE) of a consumer, where it has no page to its name. */
static void try_consumer_page(struct live *live, uint64_t at, bool lent)
{
	struct realm *c = live->c;
	uint64_t spare = granule_take();
	uint64_t source = page_alloc();
	struct smc_regs r = RMI(DATA_DESTROY, c->rd, at);

	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	CHECK_EQ(r.x[1], 0);
	CHECK(r.x[2] > at);
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, c->rd, spare, at);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_REALM, c->rd, spare, at, source, 0);
	expect_refused(RMI_RTT_INIT_RIPAS_FID, RMI_ERROR_REALM, c->rd, at, at + PAGE_SIZE);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, c->rd, at, RMI_LEVEL_PAGE,
		       ns_desc(source, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ | RMI_S2AP_WRITE));
	expect_refused(RMI_RTT_SET_RIPAS_FID, RMI_ERROR_INPUT, c->rd, c->recs[1].granule, at,
		       at + PAGE_SIZE);
	expect_entry(c, at, RMI_LEVEL_PAGE,
		     (struct entry){RMI_LEVEL_PAGE, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY});
	r = RMI(RTT_UNMAP_UNPROTECTED, c->rd, at, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], RMI_ERROR_INPUT);
	r = RMI(RTT_CREATE, c->rd, spare, at & ~(BLOCK - 1), RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE - 1));
	if (lent) {
		r = RMI(RTT_FOLD, c->rd, at & ~(BLOCK - 1), RMI_LEVEL_PAGE);
		CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
		CHECK_EQ(r.x[1], 0);
	}
	granule_give(spare);
	page_free(source, 1);
}

static void try_consumer_range(struct live *live, bool lent)
{
	for (unsigned i = 0; i < LIVE_PAGES; i++) {
		try_consumer_page(live, LIVE_THERE + i * PAGE_SIZE, lent);
	}
}

TEST(csm_hostile_consumer_range,
     "Every command on tables and pages through a consumer's range, reserved, attached or dead: "
     "refused, the provider's pages stay; an older RIPAS change too; hazard 05, hazard 07, hazard "
     "10, hazard 13")
{
	struct live live = live_granted(LIVE_RW, 2);
	struct rec *other = &live.c->recs[1];
	struct smc_regs r;

	agent_start_rec(live.c, 1);
	agent_prepare(other, AGENT_SMC, RSI_IPA_STATE_SET_FID, LIVE_THERE, LIVE_THERE + LIVE_SIZE);
	other->run->enter.gprs[4] = RSI_RIPAS_RAM;
	expect_exit(other, RMI_EXIT_RIPAS_CHANGE, EXIT_RIPAS);
	r = CSM(live.consumer, RESERVE, live.pid, live.region, LIVE_THERE, LIVE_SIZE);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	try_consumer_range(&live, false);
	CHECK_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], RSI_SUCCESS);
	live_works(&live);
	try_consumer_range(&live, true);
	live_works(&live);
	rec_run(other);
	r = agent_smc_end(other);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], LIVE_THERE);
	live_works(&live);
	CHECK_EQ(CSM(live.provider, REVOKE, live.region, live.cid).x[0], RSI_SUCCESS);
	try_consumer_range(&live, false);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
	CHECK_EQ(CSM(live.consumer, DETACH_AND_FREE, live.pid, live.region).x[0], RSI_SUCCESS);
	CHECK(realm_data_unknown(live.c, LIVE_THERE));
}

TEST(csm_hostile_consumer_table,
     "RMI_RTT_DESTROY of a consumer's table with lent pages: nothing is lost, the pages can be "
     "taken meanwhile, and come back on access; hazard 06, hazard 14, invariant 03")
{
	struct live live = live_make(LIVE_RW, 1);
	struct smc_regs r;

	for (unsigned i = 0; i < LIVE_PAGES; i++) {
		live_works(&live);
		r = RMI(RTT_DESTROY, live.c->rd, LIVE_THERE, RMI_LEVEL_PAGE);
		REQUIRE_EQ(r.x[0], RMI_SUCCESS);
		granule_give(r.x[1]);
	}
	r = RMI(DATA_DESTROY, live.p->rd, LIVE_OWN);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	live_page_works(&live, 1);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
}

TEST(csm_hostile_provider_range,
     "Tables of a provider with lent pages: RMI_RTT_DESTROY, RMI_RTT_FOLD, RMI_RTT_CREATE, "
     "RMI_DATA_CREATE_UNKNOWN refused; hazard 06, hazard 07")
{
	struct live live = live_make(LIVE_RW, 1);
	uint64_t base = LIVE_OWN & ~(BLOCK - 1);
	uint64_t spare = granule_take();
	struct smc_regs r = RMI(RTT_DESTROY, live.p->rd, base, RMI_LEVEL_PAGE);

	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	CHECK_EQ(r.x[1], 0);
	CHECK_EQ(r.x[2], base);
	r = RMI(RTT_FOLD, live.p->rd, base, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	r = RMI(RTT_CREATE, live.p->rd, spare, base, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE - 1));
	r = RMI(DATA_CREATE_UNKNOWN, live.p->rd, spare, LIVE_OWN);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, live.p->rd);
	granule_give(spare);
	live_works(&live);
}

/* A block of the provider at `own`, lent as a block; a word in each eighth says where it is. */
static struct live lend_block(uint64_t own, uint64_t there)
{
	struct live live = {.p = csm_agent(1), .c = csm_agent(1)};

	live.provider = &live.p->recs[0];
	live.consumer = &live.c->recs[0];
	csm_ram(live.provider, own, own + BLOCK);
	realm_make_block(live.p, own);
	for (uint64_t at = 0; at < BLOCK; at += BLOCK / 8) {
		csm_write(live.provider, own + at, own + at);
	}
	live.region = csm_region(live.provider, own, BLOCK);
	csm_share(live.provider, live.region, live.consumer, LIVE_RW);
	csm_attach(live.consumer, live.provider, live.region, there, BLOCK);
	CHECK_EQ(csm_read(live.consumer, there + BLOCK / 2), own + BLOCK / 2);
	return live;
}

/* One page in the middle of a block goes: the consumer's block, or its pages, without that one. */
static void lose_from_block(bool split_first)
{
	uint64_t own = 16 * BLOCK;
	uint64_t there = LIVE_THERE;
	struct live live = lend_block(own, there);
	struct smc_regs r;

	if (split_first) {
		REQUIRE_EQ(RMI(RTT_CREATE, live.c->rd, granule_take(), there, RMI_LEVEL_PAGE).x[0],
			   RMI_SUCCESS);
	}
	r = RMI(DATA_DESTROY, live.p->rd, own + BLOCK / 2);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE - 1));
	r = RMI(RTT_FOLD, live.c->rd, there, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(split_first ? RMI_LEVEL_PAGE : RMI_LEVEL_PAGE - 1));
	REQUIRE_EQ(RMI(RTT_CREATE, live.p->rd, granule_take(), own, RMI_LEVEL_PAGE).x[0],
		   RMI_SUCCESS);
	CHECK_EQ(csm_read(live.consumer, there + BLOCK / 4), own + BLOCK / 4);
	r = RMI(DATA_DESTROY, live.p->rd, own + BLOCK / 2);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	csm_aborts(live.consumer, INSN_LDR_X, there + BLOCK / 2);
	csm_aborts(live.consumer, INSN_STR_X, there + BLOCK / 2);
	CHECK_EQ(csm_read(live.consumer, there), own);
	CHECK_EQ(csm_read(live.consumer, there + BLOCK / 8 * 7), own + BLOCK / 8 * 7);
	r = RMI(RTT_FOLD, live.c->rd, there, RMI_LEVEL_PAGE);
	CHECK_EQ(r.x[0], rmi_status_rtt(RMI_LEVEL_PAGE));
	host_out_of_reach(csm_page(live.p, own));
}

TEST(csm_hostile_block,
     "A lent block: RMI_RTT_CREATE, RMI_RTT_FOLD on both sides, RMI_DATA_DESTROY of one page in "
     "the middle: the consumer has what is left, no more; hazard 07, invariant 04")
{
	lose_from_block(false);
	lose_from_block(true);
}

TEST(csm_hostile_block_table,
     "RMI_RTT_DESTROY of the table that holds a lent block: the block is given back, the "
     "provider's "
     "pages can go, and what is left comes back on access; hazard 06, hazard 07")
{
	uint64_t own = 16 * BLOCK;
	uint64_t there = 0x50000000;
	struct live live = lend_block(own, there);
	struct smc_regs r = RMI(RTT_DESTROY, live.c->rd, there & ~(level_size(1) - 1), 2);

	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	REQUIRE_EQ(RMI(RTT_CREATE, live.p->rd, granule_take(), own, RMI_LEVEL_PAGE).x[0],
		   RMI_SUCCESS);
	/* The first page of a block is the one that counts its borrowers. */
	r = RMI(DATA_DESTROY, live.p->rd, own);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	CHECK_EQ(csm_read(live.consumer, there + BLOCK / 2), own + BLOCK / 2);
	csm_aborts(live.consumer, INSN_LDR_X, there);
}

/* Nobody writes to the page, and what is there can be read on both sides. */
static void expect_sealed(const struct live *live, unsigned page, uint64_t value)
{
	uint64_t at = page * PAGE_SIZE;

	csm_aborts(live->consumer, INSN_STR_X, LIVE_THERE + at);
	csm_aborts(live->provider, INSN_STR_X, LIVE_OWN + at);
	CHECK_EQ(csm_read(live->consumer, LIVE_THERE + at), value);
	CHECK_EQ(csm_read(live->provider, LIVE_OWN + at), value);
}

TEST(csm_hostile_sealed,
     "A sealed region whose tables and pages the host takes: writable by nobody, the digest is "
     "that of what was sealed; when its APT goes it is the provider's again; hazard 11, "
     "invariant 02")
{
	struct live live = live_make(LIVE_RW, 1);
	struct smc_regs digest, r;

	live_works(&live);
	CHECK_EQ(CSM(live.provider, SEAL, live.region).x[0], RSI_SUCCESS);
	digest = CSM(live.consumer, DIGEST, live.pid, live.region);
	CHECK_EQ(digest.x[0], RSI_SUCCESS);
	for (unsigned i = 0; i < LIVE_PAGES; i++) {
		expect_sealed(&live, i, live.mark - LIVE_PAGES + 1 + i);
		r = RMI(RTT_DESTROY, live.c->rd, LIVE_THERE, RMI_LEVEL_PAGE);
		CHECK_EQ(r.x[0], RMI_SUCCESS);
		granule_give(r.x[1]);
		expect_sealed(&live, i, live.mark - LIVE_PAGES + 1 + i);
	}
	r = RMI(DATA_DESTROY, live.p->rd, LIVE_OWN);
	CHECK_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	CHECK(realm_data_unknown(live.p, LIVE_OWN));
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
	r = CSM(live.provider, DIGEST, live.pid, live.region);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	for (unsigned i = 1; i <= CSM_DIGEST_SIZE / 8; i++) {
		CHECK_EQ(r.x[i], digest.x[i]);
	}
	expect_sealed(&live, 1, live.mark - LIVE_PAGES + 2);
	csm_apt_drop(live.p);
	csm_write(live.provider, LIVE_OWN + PAGE_SIZE, 0x99);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE + PAGE_SIZE);
}

TEST(csm_hostile_off,
     "PSCI_SYSTEM_OFF by a provider, then by a consumer, in the middle of a sharing: the other "
     "goes "
     "on, the pages stay out of the host's reach, no APT can be added; hazard 22, invariant 01")
{
	struct live live = live_make(LIVE_RW, 1);
	struct live other = live_make(LIVE_RW, 1);
	uint64_t apt = granule_take();

	live_works(&live);
	live_works(&other);
	REQUIRE_EQ(agent_smc_begin(live.provider, PSCI_SYSTEM_OFF_FID, NULL, 0), REC_SYSTEM_OFF);
	REQUIRE_EQ(agent_smc_begin(other.consumer, PSCI_SYSTEM_OFF_FID, NULL, 0), REC_SYSTEM_OFF);
	expect_refused(RMI_APT_CREATE_FID, RMI_ERROR_REALM, live.p->rd, apt);
	expect_refused(RMI_APT_CREATE_FID, RMI_ERROR_REALM, other.c->rd, apt);
	granule_give(apt);
	CHECK_EQ(csm_read(live.consumer, LIVE_THERE), live.mark - LIVE_PAGES + 1);
	csm_write(live.consumer, LIVE_THERE, 0x99);
	CHECK_EQ(csm_read(live.consumer, LIVE_THERE), 0x99);
	CHECK_EQ(CSM(live.consumer, SIGNAL, live.pid, live.pid, live.region, 1).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(other.provider, SIGNAL, other.cid, other.pid, other.region, 1).x[0],
		 RSI_SUCCESS);
	host_out_of_reach(csm_page(live.p, LIVE_OWN));
	host_out_of_reach(csm_page(other.p, LIVE_OWN));
	CHECK_EQ(CSM(live.consumer, DETACH_AND_FREE, live.pid, live.region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(other.provider, DESTROY, other.region).x[0], RSI_SUCCESS);
	csm_write(other.provider, LIVE_OWN, 0x77);
}

/* ---- a granule in a second role */

#define ROLE_ARGS 5

struct role {
	uint64_t fid;
	uint64_t args[ROLE_ARGS];
	unsigned arg; /* the one in which the granule is tried; x0 is 0 */
};

/* Every place of an argument that names a granule. The others are good, as the end shows. */
static void try_roles(uint64_t granule, struct realm *fresh, const uint64_t spare[2], uint64_t page)
{
	const struct role roles[] = {
		{RMI_GRANULE_DELEGATE_FID, {0}, 0},
		{RMI_GRANULE_UNDELEGATE_FID, {0}, 0},
		{RMI_REALM_CREATE_FID, {0, page}, 0},
		{RMI_REALM_CREATE_FID, {spare[0]}, 1},
		{RMI_REALM_ACTIVATE_FID, {0}, 0},
		{RMI_REALM_DESTROY_FID, {0}, 0},
		{RMI_REC_AUX_COUNT_FID, {0}, 0},
		{RMI_REC_CREATE_FID, {fresh->rd, 0, page}, 1},
		{RMI_REC_CREATE_FID, {fresh->rd, spare[0]}, 2},
		{RMI_REC_DESTROY_FID, {0}, 0},
		{RMI_REC_ENTER_FID, {0, page}, 0},
		{RMI_PSCI_COMPLETE_FID, {0, spare[0]}, 0},
		{RMI_RTT_CREATE_FID, {0, spare[0], 0, 2}, 0},
		{RMI_RTT_CREATE_FID, {fresh->rd, 0, 0, 2}, 1},
		{RMI_RTT_DESTROY_FID, {0, 0, 2}, 0},
		{RMI_RTT_FOLD_FID, {0, 0, 2}, 0},
		{RMI_RTT_READ_ENTRY_FID, {0, 0, 1}, 0},
		{RMI_DATA_CREATE_FID, {fresh->rd, 0, 0, page}, 1},
		{RMI_DATA_CREATE_FID, {fresh->rd, spare[0], 0}, 3},
		{RMI_DATA_CREATE_UNKNOWN_FID, {0, spare[0], 0}, 0},
		{RMI_DATA_CREATE_UNKNOWN_FID, {fresh->rd, 0, 0}, 1},
		{RMI_DATA_DESTROY_FID, {0, 0}, 0},
		{RMI_APT_CREATE_FID, {0, spare[0]}, 0},
		{RMI_APT_CREATE_FID, {fresh->rd}, 1},
		{RMI_APT_DESTROY_FID, {0, spare[0]}, 0},
		{RMI_APT_DESTROY_FID, {fresh->rd}, 1},
	};

	for (unsigned i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		uint64_t args[ROLE_ARGS];

		memcpy(args, roles[i].args, sizeof(args));
		args[roles[i].arg] = granule;
		refused(roles[i].fid, args, RMI_ERROR_INPUT);
	}
}

static void fill_params(struct rmi_realm_params *params, uint64_t table)
{
	memset(params, 0, sizeof(*params));
	params->s2sz = 32;
	params->num_bps = 1;
	params->num_wps = 1;
	params->vmid = 99;
	params->rtt_base = table;
	params->rtt_level_start = 1;
	params->rtt_num_start = 1;
}

TEST(csm_hostile_roles,
     "A page that is lent, the APT and the table of each side, as every other sort of granule: "
     "RMI_ERROR_INPUT, and the host cannot touch them; hazard 09, hazard 10, invariant 01")
{
	struct live live = live_make(LIVE_RW, 1);
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *fresh = realm_create(&config);
	uint64_t spare[2] = {granule_take(), granule_take()};
	uint64_t page = page_alloc();
	uint64_t victims[] = {
		csm_page(live.p, LIVE_OWN),
		live.p->csm.apt[0],
		live.c->csm.apt[0],
		leaf_table(live.p, LIVE_OWN),
		leaf_table(live.c, LIVE_THERE),
	};

	realm_make_tables(fresh, 0, 1, RMI_LEVEL_PAGE);
	realm_init_ripas(fresh, 0, PAGE_SIZE);
	for (unsigned i = 0; i < sizeof(victims) / sizeof(victims[0]); i++) {
		fill_params((struct rmi_realm_params *)page, spare[1]);
		try_roles(victims[i], fresh, spare, page);
		/* As a start table of a realm, where all else is right. */
		fill_params((struct rmi_realm_params *)page, victims[i]);
		expect_refused(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT, spare[0], page);
		host_out_of_reach(victims[i]);
	}
	fill_params((struct rmi_realm_params *)page, spare[1]);
	CHECK_EQ(RMI(REALM_CREATE, spare[0], page).x[0], RMI_SUCCESS);
	CHECK_EQ(RMI(REALM_DESTROY, spare[0]).x[0], RMI_SUCCESS);
	CHECK_EQ(RMI(DATA_CREATE, fresh->rd, spare[0], 0, page, 0).x[0], RMI_SUCCESS);
	CHECK_EQ(RMI(DATA_DESTROY, fresh->rd, 0).x[0], RMI_SUCCESS);
	granule_give(spare[0]);
	granule_give(spare[1]);
	live_works(&live);
}

/* ---- the APT goes, realms go */

TEST(csm_hostile_apt_provider,
     "RMI_APT_DESTROY of a provider in the middle of a sharing: the consumer has lost the pages "
     "and knows why, its reservation is dead, it can go on; hazard 09, hazard 23, invariant 03")
{
	struct live live = live_make(LIVE_RW, 1);
	uint64_t bits;

	live_works(&live);
	csm_apt_drop(live.p);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
	bits = live_bits(live.consumer, live.pid);
	CHECK_EQ(bits, CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED);
	CHECK_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(live.provider, QUERY, live.pid, 0).x[0], CSM_ERROR_NO_APT);
	CHECK_EQ(csm_read(live.provider, LIVE_OWN), live.mark - LIVE_PAGES + 1);
	/* A new APT knows nothing of what was, but the number of the region. */
	csm_apt_add(live.p);
	CHECK_EQ(CSM(live.provider, DESTROY, live.region).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(csm_region(live.provider, LIVE_OWN, LIVE_SIZE), live.region + 1);
	csm_share(live.provider, live.region + 1, live.consumer, LIVE_RW);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
	CHECK_EQ(CSM(live.consumer, DETACH_AND_FREE, live.pid, live.region).x[0], RSI_SUCCESS);
	csm_attach(live.consumer, live.provider, live.region + 1, LIVE_THERE, LIVE_SIZE);
	live_works(&live);
}

TEST(csm_hostile_apt_consumer,
     "RMI_APT_DESTROY of a consumer in the middle of a sharing: its access ends, the grant is "
     "unattached again, and serves when the APT is back; hazard 09, hazard 23, invariant 03")
{
	struct live live = live_make(LIVE_RW, 1);
	uint64_t bits = live_bits(live.provider, live.cid);

	CHECK_EQ(bits, CSM_SIGNAL_ATTACHED);
	csm_apt_drop(live.c);
	csm_aborts(live.consumer, INSN_LDR_X, LIVE_THERE);
	CHECK_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], CSM_ERROR_NO_APT);
	bits = live_bits(live.provider, live.cid);
	CHECK_EQ(bits, CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_DETACHED);
	CHECK_EQ(CSM(live.provider, SIGNAL, live.cid, live.pid, live.region, 1).x[0],
		 CSM_ERROR_ACCESS);
	csm_apt_add(live.c);
	CHECK_EQ(CSM(live.consumer, ATTACH, live.pid, live.region).x[0], RSI_ERROR_INPUT);
	csm_attach(live.consumer, live.provider, live.region, LIVE_THERE, LIVE_SIZE);
	live_works(&live);
}

static void take_data(struct realm *realm)
{
	realm_take_data(realm, 0, realm_unprotected(realm));
}

typedef void (*take_fn)(struct realm *realm);

/* Takes a realm apart in this order; it cannot go before its last part. */
static void teardown(struct realm *realm, const take_fn order[4])
{
	for (unsigned i = 0; i < 4; i++) {
		expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
		order[i](realm);
	}
	realm_destroy(realm);
}

TEST(csm_hostile_ends,
     "Both realms of a sharing taken apart in every order that leaves tables behind their pages, "
     "either first: all granules come back wiped, the other goes on; hazard 23, invariant 08")
{
	static const take_fn orders[][4] = {
		{realm_take_recs, csm_apt_drop, take_data, realm_take_tables},
		{csm_apt_drop, take_data, realm_take_tables, realm_take_recs},
		{take_data, csm_apt_drop, realm_take_tables, realm_take_recs},
		{take_data, realm_take_tables, csm_apt_drop, realm_take_recs},
		{take_data, realm_take_tables, realm_take_recs, csm_apt_drop},
		{realm_take_recs, take_data, realm_take_tables, csm_apt_drop},
	};

	for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct live live = live_make(LIVE_RW, 1);

		live_works(&live);
		if (i % 2 == 0) {
			teardown(live.p, orders[i]);
			live_no_access(live.consumer, LIVE_THERE);
			teardown(live.c, orders[(i + 1) % 6]);
		} else {
			teardown(live.c, orders[i]);
			CHECK_EQ(csm_read(live.provider, LIVE_OWN), live.mark - LIVE_PAGES + 1);
			teardown(live.p, orders[(i + 1) % 6]);
		}
	}
}
