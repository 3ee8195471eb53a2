// SPDX-License-Identifier: BSD-3-Clause
/* Two realms exchange data through a region: rights, pages, blocks, sealing, what they may ask. */
#include "payload/host/bad_addresses.h"
#include "payload/host/csm.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define RMI(command, ...) smc_call(RMI_##command##_FID, ##__VA_ARGS__)

#define MIB(n) ((uint64_t)(n) << 20)
#define OWN    0x8000000UL          /* becomes RAM of the provider */
#define THERE  0x10000000UL         /* nothing is there */
#define CODE   0xd65f03c0d65f03c0UL /* ret, ret */
#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)
#define RX     (CSM_PERM_READ | CSM_PERM_EXEC)

struct pair {
	struct rec *provider, *consumer;
	uint64_t id, region; /* the provider's */
};

/* Two realms; the provider has a region of this size at OWN, granted, and reserved nowhere. */
static struct pair granted(uint64_t size, uint64_t perm)
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};

	csm_ram(pair.provider, OWN, OWN + size);
	pair.id = csm_self(pair.provider);
	pair.region = csm_region(pair.provider, OWN, size);
	csm_share(pair.provider, pair.region, pair.consumer, perm);
	return pair;
}

/* The same, and it is attached at THERE. */
static struct pair sharing(uint64_t size, uint64_t perm)
{
	struct pair pair = granted(size, perm);

	CHECK_EQ(csm_attach(pair.consumer, pair.provider, pair.region, THERE, size), perm);
	return pair;
}

static void fill(struct rec *rec, uint64_t base, uint64_t size, uint64_t value)
{
	agent_order(rec, AGENT_FILL, base, base + size, value);
	CHECK(agent_done(rec));
}

/* The words that fill() wrote in the other realm, `shift` below these addresses. */
static void expect_filled(struct rec *rec, uint64_t base, uint64_t size, uint64_t value,
			  uint64_t shift)
{
	for (uint64_t at = base; at < base + size; at += size / 8) {
		CHECK_EQ(csm_read(rec, at), value ^ (at - shift));
		CHECK_EQ(csm_read(rec, at + PAGE_SIZE - 8), value ^ (at + PAGE_SIZE - 8 - shift));
	}
}

TEST(csm_exchange,
     "RSI_CSM_ATTACH: both read what the other wrote, before and behind the attachment, at every "
     "page of the region; detached, it is gone; invariant 04")
{
	struct pair pair = granted(8 * PAGE_SIZE, RW);

	fill(pair.provider, OWN, 8 * PAGE_SIZE, 0x1111);
	CHECK_EQ(csm_attach(pair.consumer, pair.provider, pair.region, THERE, 8 * PAGE_SIZE), RW);
	expect_filled(pair.consumer, THERE, 8 * PAGE_SIZE, 0x1111, THERE - OWN);
	fill(pair.consumer, THERE, 8 * PAGE_SIZE, 0x2222);
	expect_filled(pair.provider, OWN, 8 * PAGE_SIZE, 0x2222, OWN - THERE);
	csm_aborts(pair.consumer, INSN_LDR_X, THERE + 8 * PAGE_SIZE);
	csm_aborts(pair.consumer, INSN_LDR_X, THERE - 8);
	CHECK_EQ(CSM(pair.consumer, DETACH_AND_FREE, pair.id, pair.region).x[0], RSI_SUCCESS);
	csm_aborts(pair.consumer, INSN_LDR_X, THERE);
	csm_aborts(pair.consumer, INSN_STR_X, THERE + 7 * PAGE_SIZE);
	CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
	expect_filled(pair.provider, OWN, 8 * PAGE_SIZE, 0x2222, OWN - THERE);
}

TEST(csm_read_only,
     "invariant 02, hazard 11: a read-only grant: stores and atomics of the consumer are external "
     "aborts and change nothing, fetches too; with execute it may run what it reads")
{
	struct pair pair = sharing(2 * PAGE_SIZE, CSM_PERM_READ);
	uint64_t other;

	csm_write(pair.provider, OWN, CODE);
	CHECK_EQ(csm_read(pair.consumer, THERE), CODE);
	csm_aborts(pair.consumer, INSN_STR_X, THERE);
	csm_aborts(pair.consumer, INSN_STP, THERE);
	csm_aborts(pair.consumer, INSN_LDADD, THERE);
	agent_order(pair.consumer, AGENT_FETCH, THERE, 0, 0);
	CHECK(!agent_done(pair.consumer));
	CHECK_EQ(ESR_EC(agent_esr(pair.consumer)), EC_INSTRUCTION_ABORT_SAME);
	CHECK_EQ(csm_read(pair.provider, OWN), CODE);

	other = csm_region(pair.provider, REALM_RAM_TOP - PAGE_SIZE, PAGE_SIZE);
	csm_write(pair.provider, REALM_RAM_TOP - PAGE_SIZE, CODE);
	csm_share(pair.provider, other, pair.consumer, RX);
	CHECK_EQ(csm_attach(pair.consumer, pair.provider, other, THERE + MIB(4), PAGE_SIZE), RX);
	agent_order(pair.consumer, AGENT_FETCH, THERE + MIB(4), 0, 0);
	CHECK(agent_done(pair.consumer));
	csm_aborts(pair.consumer, INSN_STR_X, THERE + MIB(4));
}

/* A region of blocks: the host has given the provider 2 MiB pieces. */
static struct pair in_blocks(uint64_t size, uint64_t at)
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};

	for (uint64_t ipa = OWN; ipa < OWN + size; ipa += MIB(2)) {
		realm_make_block(pair.provider->realm, ipa);
	}
	csm_ram(pair.provider, OWN, OWN + size);
	pair.id = csm_self(pair.provider);
	pair.region = csm_region(pair.provider, OWN, size);
	csm_share(pair.provider, pair.region, pair.consumer, RW);
	CHECK_EQ(csm_attach(pair.consumer, pair.provider, pair.region, at, size), RW);
	return pair;
}

static int64_t depth(struct rec *rec, uint64_t ipa)
{
	return rtt_read(rec->realm, ipa, RMI_LEVEL_PAGE).level;
}

TEST(csm_blocks,
     "mapping rule 3: blocks of the provider at congruent addresses are lent as blocks, without a "
     "table at level 3; a table of either side splits them, and all goes on")
{
	struct pair pair = in_blocks(MIB(4), THERE);

	fill(pair.provider, OWN + MIB(1), MIB(2), 0x3333);
	expect_filled(pair.consumer, THERE + MIB(1), MIB(2), 0x3333, THERE - OWN);
	csm_write(pair.consumer, THERE + MIB(4) - 8, 0x4444);
	CHECK_EQ(csm_read(pair.provider, OWN + MIB(4) - 8), 0x4444);
	CHECK_EQ(depth(pair.consumer, THERE), 2);
	CHECK_EQ(depth(pair.consumer, THERE + MIB(2)), 2);
	expect_entry(pair.consumer->realm, THERE, 2,
		     (struct entry){2, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY});

	realm_make_tables(pair.provider->realm, OWN, 2, 3);
	realm_make_tables(pair.consumer->realm, THERE + MIB(2), 2, 3);
	expect_filled(pair.consumer, THERE + MIB(1), MIB(2), 0x3333, THERE - OWN);
	CHECK_EQ(csm_read(pair.consumer, THERE + MIB(4) - 8), 0x4444);
	expect_entry(pair.consumer->realm, THERE + MIB(2), 3,
		     (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY});
	CHECK_EQ(CSM(pair.provider, REVOKE, pair.region, csm_self(pair.consumer)).x[0],
		 RSI_SUCCESS);
	for (uint64_t at = 0; at < MIB(4); at += MIB(1)) {
		csm_aborts(pair.consumer, INSN_LDR_X, THERE + at);
	}
	CHECK_EQ(csm_read(pair.provider, OWN + MIB(4) - 8), 0x4444);
}

TEST(csm_blocks_skewed,
     "mapping rule 3, hazard 14: blocks of the provider at addresses that are not congruent are "
     "lent in pages, whose tables the host makes when the consumer asks by its access")
{
	struct pair pair = in_blocks(MIB(4), THERE + MIB(1));

	fill(pair.provider, OWN, MIB(4), 0x5555);
	expect_filled(pair.consumer, THERE + MIB(1), MIB(4), 0x5555, THERE + MIB(1) - OWN);
	for (uint64_t at = MIB(1); at <= MIB(4); at += MIB(1)) {
		CHECK_EQ(depth(pair.consumer, THERE + at), 3);
	}
}

static uint64_t fold(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = RMI(RTT_FOLD, realm->rd, ipa, RMI_LEVEL_PAGE);

	if (r.x[0] == RMI_SUCCESS) {
		granule_give(r.x[1]);
	}
	return r.x[0];
}

/* Whether the block at ipa is split for the region [base, top); then it stays split. */
static bool is_split(struct realm *realm, uint64_t ipa, uint64_t base, uint64_t top)
{
	uint64_t end = ipa + MIB(2);
	bool edge = (base > ipa && base < end) || (top > ipa && top < end);

	CHECK_EQ(rtt_read(realm, ipa, RMI_LEVEL_PAGE).level, edge ? 3 : 2);
	if (edge) {
		CHECK_EQ(fold(realm, ipa), rmi_status_rtt(RMI_LEVEL_PAGE));
	}
	return edge;
}

/* A region [base, base + size) of what are two blocks, lent, sealed, digested, and gone again. */
static void seal_part(const struct pair *pair, uint64_t base, uint64_t size)
{
	struct realm *p = pair->provider->realm;
	uint64_t region = csm_region(pair->provider, base, size);
	bool split[2] = {is_split(p, OWN, base, base + size),
			 is_split(p, OWN + MIB(2), base, base + size)};
	uint64_t there = base - OWN + THERE;

	csm_share(pair->provider, region, pair->consumer, RW);
	csm_attach(pair->consumer, pair->provider, region, there, size);
	csm_write(pair->provider, base, base);
	csm_write(pair->consumer, there + size - 8, size);
	CHECK_EQ(CSM(pair->provider, SEAL, region).x[0], RSI_SUCCESS);
	csm_aborts(pair->provider, INSN_STR_X, base);
	csm_aborts(pair->provider, INSN_STR_X, base + size - 8);
	CHECK_EQ(csm_read(pair->provider, base + size - 8), size);
	CHECK_EQ(csm_read(pair->consumer, there), base);
	csm_write(pair->provider, base == OWN ? base + size : base - 8, 1);
	CHECK_EQ(CSM(pair->consumer, DIGEST, pair->id, region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair->provider, DESTROY, region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair->consumer, DETACH_AND_FREE, pair->id, region).x[0], RSI_SUCCESS);
	csm_write(pair->provider, base, 2);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!split[i] || fold(p, OWN + i * MIB(2)) == RMI_SUCCESS);
	}
}

TEST(csm_edges,
     "RSI_CSM_CREATE, RMI_RTT_FOLD rtt_homo: regions of a page, 1 MiB and more whose edges are in "
     "blocks: RMI_EXIT_CSM_SPLIT splits those, they are not folded again before the end, and "
     "RSI_CSM_SEAL and RSI_CSM_DIGEST reach the region and no more")
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};

	realm_make_block(pair.provider->realm, OWN);
	realm_make_block(pair.provider->realm, OWN + MIB(2));
	csm_ram(pair.provider, OWN, OWN + MIB(4));
	pair.id = csm_self(pair.provider);
	seal_part(&pair, OWN, PAGE_SIZE);
	seal_part(&pair, OWN + MIB(1), PAGE_SIZE);
	seal_part(&pair, OWN, MIB(1));
	seal_part(&pair, OWN + MIB(1), MIB(1));
	seal_part(&pair, OWN + MIB(1), MIB(2));
	seal_part(&pair, OWN + MIB(2) - PAGE_SIZE, 2 * PAGE_SIZE);
	seal_part(&pair, OWN, MIB(2) + PAGE_SIZE);
	seal_part(&pair, OWN + PAGE_SIZE, MIB(4) - PAGE_SIZE);
	seal_part(&pair, OWN, MIB(2));
}

TEST(csm_later,
     "mapping on access: a page that the host gives the provider later: until then the consumer's "
     "access is an external abort, without an exit; then both have it")
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};
	uint64_t size = 4 * PAGE_SIZE;

	pair.provider->realm->csm.lazy = true;
	csm_ram(pair.provider, OWN, OWN + size);
	pair.region = csm_region(pair.provider, OWN, size);
	csm_share(pair.provider, pair.region, pair.consumer, RW);
	csm_attach(pair.consumer, pair.provider, pair.region, THERE, size);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		CHECK_EQ(csm_page(pair.provider->realm, OWN + at), 0);
		csm_aborts(pair.consumer, INSN_LDR_X, THERE + at);
		csm_aborts(pair.consumer, INSN_STR_X, THERE + at);
		csm_write(pair.provider, OWN + at, 0x6666 + at);
		CHECK_EQ(csm_read(pair.consumer, THERE + at), 0x6666 + at);
		csm_write(pair.consumer, THERE + at + 8, at);
		CHECK_EQ(csm_read(pair.provider, OWN + at + 8), at);
	}
}

TEST(csm_tables_late,
     "hazard 14: a consumer's table that the host takes away: the borrowed entries go with it, and "
     "come back on access when the host has made the table again")
{
	struct pair pair = sharing(4 * PAGE_SIZE, RW);
	struct realm *realm = pair.consumer->realm;
	struct smc_regs r;

	csm_write(pair.provider, OWN + PAGE_SIZE, 0x7777);
	CHECK_EQ(csm_read(pair.consumer, THERE + PAGE_SIZE), 0x7777);
	r = smc_call(RMI_RTT_FOLD_FID, realm->rd, THERE, 3);
	CHECK_EQ(r.x[0], rmi_status_rtt(3));
	r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, THERE, 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	CHECK_EQ(csm_read(pair.consumer, THERE + PAGE_SIZE), 0x7777);
	CHECK_EQ(depth(pair.consumer, THERE), 3);
	csm_write(pair.consumer, THERE, 0x8888);
	CHECK_EQ(csm_read(pair.provider, OWN), 0x8888);
}

/* SHA-512 of 3 pages whose words are 0x5ea1 ^ their address from OWN up, as x1 to x8 carry it. */
static const uint64_t sealed_digest[8] = {
	0xb166eb83315118f1, 0x6e898c560d8cbe90, 0x16379b2d52351aeb, 0xfb5c77b97c05fc90,
	0xb1dd480b6447c041, 0xdef1bd772e8f379f, 0xc68cb1b39993b85c, 0xbab3441cf64c2346,
};

static void expect_digest(struct rec *rec, const struct pair *pair)
{
	struct smc_regs r = CSM(rec, DIGEST, pair->id, pair->region);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(r.x[i + 1], sealed_digest[i]);
	}
}

TEST(csm_seal,
     "RSI_CSM_SEAL, RSI_CSM_DIGEST: sealed, neither consumer nor provider can write, both read on "
     "and get the SHA-512 of the contents; no new grant gives write; at the end the provider can "
     "write again; invariant 02")
{
	struct pair pair = sharing(3 * PAGE_SIZE, RW);

	fill(pair.provider, OWN, 3 * PAGE_SIZE, 0x5ea1);
	csm_write(pair.consumer, THERE + PAGE_SIZE, 0x5ea1 ^ (OWN + PAGE_SIZE));
	CHECK_EQ(CSM(pair.consumer, DIGEST, pair.id, pair.region).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(pair.provider, SEAL, pair.region).x[0], RSI_SUCCESS);
	for (uint64_t at = 0; at < 3 * PAGE_SIZE; at += PAGE_SIZE) {
		csm_aborts(pair.consumer, INSN_STR_X, THERE + at);
		csm_aborts(pair.provider, INSN_STR_X, OWN + at);
		CHECK_EQ(csm_read(pair.consumer, THERE + at), 0x5ea1 ^ (OWN + at));
		CHECK_EQ(csm_read(pair.provider, OWN + at), 0x5ea1 ^ (OWN + at));
	}
	expect_digest(pair.consumer, &pair);
	expect_digest(pair.provider, &pair);
	CHECK_EQ(CSM(pair.provider, SEAL, pair.region).x[0], RSI_ERROR_STATE);
	CHECK_EQ(CSM(pair.provider, SHARE, pair.region, pair.id ^ 1, RW).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
	csm_write(pair.provider, OWN, 1);
	CHECK_EQ(csm_read(pair.provider, OWN), 1);
	csm_aborts(pair.consumer, INSN_LDR_X, THERE);
}

TEST(csm_seal_pages,
     "RSI_CSM_SEAL pages, RSI_CSM_DIGEST pages: a page that the host took away has a status of its "
     "own; nothing is sealed, and whoever could write still can")
{
	struct pair pair = sharing(3 * PAGE_SIZE, RW);
	struct realm *p = pair.provider->realm;
	struct smc_regs r = RMI(DATA_DESTROY, p->rd, OWN + PAGE_SIZE);

	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	CHECK_EQ(CSM(pair.provider, SEAL, pair.region).x[0], CSM_ERROR_PAGES);
	CHECK_EQ(rsi_csm_query_flags(CSM(pair.provider, QUERY, pair.id, 0).x[4]), 0);
	csm_write(pair.consumer, THERE, 0x111);
	csm_write(pair.provider, OWN + 2 * PAGE_SIZE, 0x222);
	CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair.consumer, DETACH_AND_FREE, pair.id, pair.region).x[0], RSI_SUCCESS);

	pair.region = csm_region(pair.provider, OWN + 2 * PAGE_SIZE, PAGE_SIZE);
	CHECK_EQ(CSM(pair.provider, SEAL, pair.region).x[0], RSI_SUCCESS);
	r = RMI(DATA_DESTROY, p->rd, OWN + 2 * PAGE_SIZE);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	CHECK_EQ(CSM(pair.provider, DIGEST, pair.id, pair.region).x[0], CSM_ERROR_PAGES);
}

/* What QUERY says about the region to this realm. */
static void expect_query(struct rec *rec, const struct pair *pair, uint64_t packed, uint64_t base)
{
	struct smc_regs r = CSM(rec, QUERY, pair->id, 0);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], pair->region);
	CHECK_EQ(r.x[2], OWN);
	CHECK_EQ(r.x[3], PAGE_SIZE);
	CHECK_EQ(r.x[4], packed);
	CHECK_EQ(r.x[5], base);
	CHECK_EQ(r.x[6], 0);
}

TEST(csm_query,
     "RSI_CSM_QUERY: the consumer finds the region by its provider's id, sees permissions and each "
     "state from granted to ended; a third realm sees nothing, with the error of a wrong id")
{
	struct pair pair = granted(PAGE_SIZE, RW);
	struct rec *third = &csm_agent(1)->recs[0];

	expect_query(pair.provider, &pair, rsi_csm_query_pack(CSM_PERM_ALL, CSM_STATE_OWN, 0), OWN);
	expect_query(pair.consumer, &pair, rsi_csm_query_pack(RW, CSM_STATE_GRANTED, 0), 0);
	CHECK_EQ(CSM(third, QUERY, pair.id, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(third, QUERY, pair.id ^ 1, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(pair.consumer, RESERVE, pair.id, pair.region, THERE, PAGE_SIZE).x[0],
		 RSI_SUCCESS);
	expect_query(pair.consumer, &pair, rsi_csm_query_pack(RW, CSM_STATE_RESERVED, 0), THERE);
	CHECK_EQ(CSM(pair.consumer, ATTACH, pair.id, pair.region).x[0], RSI_SUCCESS);
	expect_query(pair.consumer, &pair, rsi_csm_query_pack(RW, CSM_STATE_ATTACHED, 0), THERE);
	CHECK_EQ(CSM(pair.provider, SEAL, pair.region).x[0], RSI_SUCCESS);
	expect_query(pair.consumer, &pair,
		     rsi_csm_query_pack(CSM_PERM_READ, CSM_STATE_ATTACHED, CSM_FLAG_SEALED), THERE);
	CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
	CHECK_EQ(rsi_csm_query_state(CSM(pair.consumer, QUERY, pair.id, 0).x[4]), CSM_STATE_ENDED);
	CHECK_EQ(CSM(pair.consumer, DETACH_AND_FREE, pair.id, pair.region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair.consumer, QUERY, pair.id, 0).x[0], CSM_ERROR_ACCESS);
}

#define RECORD_OF(kind, perm, state) \
	rsi_csm_record_pack(CSM_RECORD_##kind, perm, CSM_STATE_##state, 0)

static void expect_record(const struct smc_regs *r, uint64_t packed, uint64_t peer, uint64_t region)
{
	CHECK_EQ(r->x[0], RSI_SUCCESS);
	CHECK_EQ(r->x[1], packed);
	CHECK_EQ(r->x[2], peer);
	CHECK_EQ(r->x[3], region);
	CHECK_EQ(r->x[4], packed == 0 ? 0 : PAGE_SIZE);
}

TEST(csm_record,
     "RSI_CSM_RECORD: the provider lists the region and its grant, the consumer the attachment; "
     "after REVOKE the grant is gone and the attachment is dead")
{
	struct pair pair = granted(PAGE_SIZE, CSM_PERM_READ);
	uint64_t consumer = csm_self(pair.consumer);
	struct smc_regs r = CSM(pair.provider, RECORD);

	expect_record(&r, RECORD_OF(REGION, CSM_PERM_ALL, OWN), 0, pair.region);
	r = CSM(pair.provider, RECORD, CSM_RECORD_REGION, 0, pair.region);
	expect_record(&r, RECORD_OF(GRANT, CSM_PERM_READ, GRANTED), consumer, pair.region);
	csm_attach(pair.consumer, pair.provider, pair.region, THERE, PAGE_SIZE);
	r = CSM(pair.provider, RECORD, CSM_RECORD_REGION, 0, pair.region);
	expect_record(&r, RECORD_OF(GRANT, CSM_PERM_READ, ATTACHED), consumer, pair.region);
	r = CSM(pair.provider, RECORD, CSM_RECORD_GRANT, consumer, pair.region);
	expect_record(&r, 0, 0, 0);
	r = CSM(pair.consumer, RECORD);
	expect_record(&r, RECORD_OF(ATTACHMENT, 0, ATTACHED), pair.id, pair.region);
	CHECK_EQ(CSM(pair.provider, REVOKE, pair.region, consumer).x[0], RSI_SUCCESS);
	r = CSM(pair.provider, RECORD, CSM_RECORD_REGION, 0, pair.region);
	expect_record(&r, 0, 0, 0);
	r = CSM(pair.consumer, RECORD);
	expect_record(&r, RECORD_OF(ATTACHMENT, 0, ENDED), pair.id, pair.region);
}

/* PEER says of `of` what that realm's own measurements say. */
static void expect_peer(struct rec *asks, struct rec *of, uint64_t index)
{
	struct smc_regs peer = CSM(asks, PEER, csm_self(of), index);
	struct smc_regs own = agent_smc(of, RSI_MEASUREMENT_READ_FID, index);

	CHECK_EQ(peer.x[0], RSI_SUCCESS);
	for (unsigned i = 1; i <= 8; i++) {
		CHECK_EQ(peer.x[i], own.x[i]);
	}
	CHECK_EQ(peer.x[9], of->realm->config.hash);
}

TEST(csm_peer,
     "RSI_CSM_PEER: while they share, each gets the other's RIM, REMs and RPV; not before, not "
     "behind, and no third realm")
{
	struct pair pair = granted(PAGE_SIZE, CSM_PERM_READ);
	struct realm_config config = realm_default(PROGRAM_agent);
	struct rec *third;
	uint64_t consumer;
	struct smc_regs rpv;

	memset(config.rpv, 0x41, sizeof(config.rpv));
	third = pair.consumer;
	pair.consumer = &csm_agent_of(&config)->recs[0];
	consumer = csm_self(pair.consumer);
	CHECK_EQ(CSM(pair.provider, REVOKE, pair.region, csm_self(third)).x[0], RSI_SUCCESS);
	csm_share(pair.provider, pair.region, pair.consumer, CSM_PERM_READ);
	agent_smc(pair.consumer, RSI_MEASUREMENT_EXTEND_FID, 3, 32, 0xabc);
	CHECK_EQ(CSM(pair.provider, PEER, consumer, 0).x[0], CSM_ERROR_ACCESS);
	csm_attach(pair.consumer, pair.provider, pair.region, THERE, PAGE_SIZE);
	for (uint64_t i = CSM_PEER_RIM; i <= CSM_PEER_REM_LAST; i++) {
		expect_peer(pair.consumer, pair.provider, i);
		expect_peer(pair.provider, pair.consumer, i);
	}
	rpv = CSM(pair.provider, PEER, consumer, CSM_PEER_RPV);
	CHECK_EQ(rpv.x[0], RSI_SUCCESS);
	CHECK_EQ(rpv.x[1], 0x4141414141414141);
	CHECK_EQ(rpv.x[8], 0x4141414141414141);
	CHECK_EQ(CSM(third, PEER, pair.id, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(pair.provider, REVOKE, pair.region, consumer).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair.provider, PEER, consumer, 0).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(pair.consumer, PEER, pair.id, 0).x[0], CSM_ERROR_ACCESS);
}
