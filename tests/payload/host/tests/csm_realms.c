// SPDX-License-Identifier: BSD-3-Clause
/* Several realms that share: many consumers, both roles, policies, and realms that go away. */
#include "payload/host/csm.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN    0x8000000UL /* becomes RAM */
#define POLICY (OWN + 0x100000UL)
#define THERE  0x10000000UL /* nothing is there */
#define APART  0x1000000UL  /* between attachments */
#define SIZE   (4 * PAGE_SIZE)
#define RO     CSM_PERM_READ
#define RW     (CSM_PERM_READ | CSM_PERM_WRITE)

#define ENDED_BY_PEER (CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED)
#define PEER_GONE     (CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_DETACHED)

static struct rec *new_realm(void)
{
	struct rec *rec = &csm_agent(1)->recs[0];

	csm_ram(rec, OWN, OWN + SIZE);
	return rec;
}

/* The next signal that waits for the realm: from this peer, about this region, these bits. */
static void expect_signal(struct rec *rec, uint64_t peer, uint64_t provider, uint64_t region,
			  uint64_t bits)
{
	struct smc_regs r = CSM(rec, SIGNAL_TAKE);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], peer);
	CHECK_EQ(r.x[2], provider);
	CHECK_EQ(r.x[3], region);
	CHECK_EQ(r.x[4], bits);
}

static void expect_no_signal(struct rec *rec)
{
	expect_signal(rec, 0, 0, 0, 0);
}

static uint64_t detach(struct rec *consumer, uint64_t provider, uint64_t region)
{
	return CSM(consumer, DETACH_AND_FREE, provider, region).x[0];
}

TEST(csm_three_consumers,
     "three consumers of one region, one revoked: it faults, the two others read and write on; the "
     "revoked one cannot attach again; then each goes in its own way; hazard 03")
{
	struct rec *provider = new_realm();
	uint64_t id = csm_self(provider);
	uint64_t region = csm_region(provider, OWN, SIZE);
	struct rec *consumers[3];

	for (unsigned i = 0; i < 3; i++) {
		consumers[i] = new_realm();
		csm_share(provider, region, consumers[i], RW);
		csm_attach(consumers[i], provider, region, THERE + i * APART, SIZE);
		csm_write(consumers[i], THERE + i * APART + i * 8, 0x100 + i);
	}
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(csm_read(consumers[0], THERE + i * 8), 0x100 + i);
	}
	CHECK_EQ(CSM(provider, REVOKE, region, csm_self(consumers[1])).x[0], RSI_SUCCESS);
	csm_aborts(consumers[1], INSN_LDR_X, THERE + APART);
	csm_aborts(consumers[1], INSN_STR_X, THERE + APART);
	CHECK_EQ(CSM(consumers[1], ATTACH, id, region).x[0], CSM_ERROR_ACCESS);
	csm_write(consumers[0], THERE, 0x200);
	CHECK_EQ(csm_read(consumers[2], THERE + 2 * APART), 0x200);
	csm_write(consumers[2], THERE + 2 * APART + 8, 0x201);
	CHECK_EQ(csm_read(consumers[0], THERE + 8), 0x201);
	CHECK_EQ(csm_read(provider, OWN + 8), 0x201);

	expect_signal(consumers[1], id, id, region, CSM_SIGNAL_REGION_ENDED);
	CHECK_EQ(detach(consumers[1], id, region), RSI_SUCCESS);
	CHECK_EQ(detach(consumers[1], id, region), RSI_ERROR_INPUT);
	CHECK_EQ(CSM(consumers[1], RESERVE, id, region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(detach(consumers[0], id, region), RSI_SUCCESS);
	CHECK_EQ(csm_read(consumers[2], THERE + 2 * APART), 0x200);
	CHECK_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	csm_aborts(consumers[2], INSN_LDR_X, THERE + 2 * APART);
	CHECK_EQ(detach(consumers[2], id, region), RSI_SUCCESS);
	csm_ram(consumers[2], THERE + 2 * APART, THERE + 2 * APART + SIZE);
	CHECK_EQ(csm_read(consumers[2], THERE + 2 * APART), 0);
	CHECK_EQ(csm_read(provider, OWN), 0x200);
}

TEST(csm_orders,
     "lifetimes: DETACH_AND_FREE before and behind REVOKE and DESTROY, of what is reserved and of "
     "what is attached; the range is the consumer's again each time, and region ids never repeat; "
     "invariant 09")
{
	struct rec *provider = new_realm();
	struct rec *consumer = new_realm();
	uint64_t id = csm_self(provider);
	uint64_t peer = csm_self(consumer);
	uint64_t last = 0;

	for (unsigned order = 0; order < 12; order++) {
		uint64_t region = csm_region(provider, OWN, SIZE);
		bool detach_first = order & 1;

		CHECK(region > last);
		last = region;
		csm_share(provider, region, consumer, RW);
		CHECK_EQ(CSM(consumer, RESERVE, id, region, THERE, SIZE).x[0], RSI_SUCCESS);
		if (order & 2) {
			CHECK_EQ(CSM(consumer, ATTACH, id, region).x[0], RSI_SUCCESS);
			csm_write(consumer, THERE, order + 1);
			CHECK_EQ(csm_read(provider, OWN), order + 1);
		}
		if (detach_first) {
			CHECK_EQ(detach(consumer, id, region), RSI_SUCCESS);
		}
		if (order / 4 < 2) {
			CHECK_EQ(CSM(provider, REVOKE, region, peer).x[0], RSI_SUCCESS);
		}
		if (order / 4 > 0) {
			CHECK_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
		}
		CHECK_EQ(detach(consumer, id, region),
			 detach_first ? RSI_ERROR_INPUT : RSI_SUCCESS);
		csm_aborts(consumer, INSN_LDR_X, THERE);
		CSM(provider, DESTROY, region);
	}
	csm_ram(consumer, THERE, THERE + SIZE);
	CHECK_EQ(csm_read(consumer, THERE), 0);
}

TEST(csm_both_roles, "a realm that is provider and consumer at once: it reads one region, lends "
		     "another, and cannot "
		     "lend what is lent to it; invariant 06")
{
	struct rec *first = new_realm();
	struct rec *middle = new_realm();
	struct rec *last = new_realm();
	uint64_t one = csm_region(first, OWN, SIZE);
	uint64_t two = csm_region(middle, OWN, SIZE);

	csm_share(first, one, middle, RW);
	csm_attach(middle, first, one, THERE, SIZE);
	csm_share(middle, two, last, RW);
	csm_attach(last, middle, two, THERE, SIZE);
	CHECK_EQ(CSM(middle, CREATE, THERE, SIZE, 0).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(middle, SHARE, one + 1, csm_self(last), RO).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(last, RESERVE, csm_self(first), one, THERE + APART, SIZE).x[0],
		 CSM_ERROR_ACCESS);
	for (unsigned i = 1; i < 4; i++) {
		csm_write(first, OWN, i);
		csm_write(middle, OWN, csm_read(middle, THERE) + 10);
		csm_write(last, THERE + 8, csm_read(last, THERE) + 100);
		CHECK_EQ(csm_read(middle, OWN + 8), i + 110);
		csm_write(middle, THERE + 8, csm_read(middle, OWN + 8) + 1000);
		CHECK_EQ(csm_read(first, OWN + 8), i + 1110);
	}
	CHECK_EQ(CSM(first, DESTROY, one).x[0], RSI_SUCCESS);
	csm_aborts(middle, INSN_LDR_X, THERE);
	CHECK_EQ(csm_read(last, THERE), 13);
}

TEST(csm_mutual, "two realms that share with each other, in two regions each; hazard 16")
{
	struct rec *recs[2] = {new_realm(), new_realm()};
	uint64_t regions[2][2];

	for (unsigned i = 0; i < 4; i++) {
		struct rec *provider = recs[i & 1];
		struct rec *consumer = recs[~i & 1];
		uint64_t half = SIZE / 2;
		uint64_t n = i >> 1;

		regions[i & 1][n] = csm_region(provider, OWN + n * half, half);
		csm_share(provider, regions[i & 1][n], consumer, RW);
		csm_attach(consumer, provider, regions[i & 1][n], THERE + n * APART, half);
		csm_write(provider, OWN + n * half, i);
		csm_write(consumer, THERE + n * APART + 8, ~(uint64_t)i);
	}
	CHECK_EQ(regions[0][0], regions[1][0]);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t n = i >> 1;

		CHECK_EQ(csm_read(recs[~i & 1], THERE + n * APART), i);
		CHECK_EQ(csm_read(recs[i & 1], OWN + n * SIZE / 2 + 8), ~(uint64_t)i);
	}
	CHECK_EQ(CSM(recs[0], DESTROY, regions[0][0]).x[0], RSI_SUCCESS);
	csm_aborts(recs[1], INSN_LDR_X, THERE);
	CHECK_EQ(csm_read(recs[0], THERE), 1);
	CHECK_EQ(csm_read(recs[1], THERE + APART), 2);
}

TEST(csm_consumer_destroyed,
     "lifetimes: the host destroys a consumer: the provider gets bits 60 and 63, reads on, and the "
     "grant does not serve a new realm of the same measurement; hazard 02")
{
	struct rec *provider = new_realm();
	struct rec *consumer = new_realm();
	struct realm_config config = consumer->realm->config;
	uint64_t id = csm_self(provider);
	uint64_t peer = csm_self(consumer);
	uint64_t region = csm_region(provider, OWN, SIZE);

	csm_share(provider, region, consumer, RW);
	csm_attach(consumer, provider, region, THERE, SIZE);
	csm_write(consumer, THERE, 0x77);
	expect_signal(provider, peer, id, region, CSM_SIGNAL_ATTACHED);
	realm_destroy(consumer->realm);
	expect_signal(provider, peer, id, region, PEER_GONE);
	expect_no_signal(provider);
	CHECK_EQ(csm_read(provider, OWN), 0x77);
	CHECK_EQ(CSM(provider, PEER, peer, 0).x[0], CSM_ERROR_ACCESS);

	consumer = &csm_agent_of(&config)->recs[0];
	CHECK_NE(csm_self(consumer), peer);
	CHECK_EQ(CSM(consumer, RESERVE, id, region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(provider, REVOKE, region, peer).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
}

TEST(csm_provider_destroyed,
     "lifetimes: the host destroys a provider: its consumers get bits 62 and 63, fault, keep "
     "reservations that only DETACH_AND_FREE accepts, and have their ranges again; invariant 08")
{
	struct rec *provider = new_realm();
	struct rec *consumers[2] = {new_realm(), new_realm()};
	uint64_t id = csm_self(provider);
	uint64_t region = csm_region(provider, OWN, SIZE);

	for (unsigned i = 0; i < 2; i++) {
		csm_share(provider, region, consumers[i], RW);
		csm_attach(consumers[i], provider, region, THERE, SIZE);
		csm_write(consumers[i], THERE + i * PAGE_SIZE, 0x55);
	}
	realm_destroy(provider->realm);
	for (unsigned i = 0; i < 2; i++) {
		struct rec *consumer = consumers[i];

		expect_signal(consumer, id, id, region, ENDED_BY_PEER);
		expect_no_signal(consumer);
		for (uint64_t at = THERE; at < THERE + SIZE; at += PAGE_SIZE) {
			csm_aborts(consumer, INSN_LDR_X, at);
		}
		CHECK_EQ(CSM(consumer, ATTACH, id, region).x[0], CSM_ERROR_ACCESS);
		CHECK_EQ(CSM(consumer, DIGEST, id, region).x[0], CSM_ERROR_ACCESS);
		CHECK_EQ(CSM(consumer, SIGNAL, id, id, region, 1).x[0], CSM_ERROR_ACCESS);
		CHECK_EQ(detach(consumer, id, region), RSI_SUCCESS);
		csm_ram(consumer, THERE, THERE + SIZE);
		csm_write(consumer, THERE, 0x66);
		CHECK_EQ(csm_read(consumer, THERE), 0x66);
	}
}

TEST(csm_page_lost,
     "lifetimes: the host takes a page of the region: bit 59, that page faults, the others go on; "
     "hazard 06")
{
	struct rec *provider = new_realm();
	struct rec *consumer = new_realm();
	uint64_t id = csm_self(provider);
	uint64_t region = csm_region(provider, OWN, SIZE);

	csm_share(provider, region, consumer, RW);
	csm_attach(consumer, provider, region, THERE, SIZE);
	for (uint64_t at = 0; at < SIZE; at += PAGE_SIZE) {
		csm_write(consumer, THERE + at, at + 1);
	}
	realm_take_data(provider->realm, OWN + PAGE_SIZE, OWN + 2 * PAGE_SIZE);
	expect_signal(consumer, id, id, region, CSM_SIGNAL_PAGE_LOST);
	csm_aborts(consumer, INSN_LDR_X, THERE + PAGE_SIZE);
	for (uint64_t at = 0; at < SIZE; at += 2 * PAGE_SIZE) {
		CHECK_EQ(csm_read(consumer, THERE + at), at + 1);
		CHECK_EQ(csm_read(provider, OWN + at), at + 1);
	}
}

/* ---- policies */

/* A policy with these values in the realm's memory; its address. */
static uint64_t put_policy(struct rec *rec, const struct rsi_csm_policy *policy)
{
	const uint64_t *words = (const uint64_t *)policy;

	csm_ram(rec, POLICY, POLICY + PAGE_SIZE);
	for (unsigned i = 0; i < sizeof(*policy) / sizeof(*words); i++) {
		csm_write(rec, POLICY + i * 8, words[i]);
	}
	return POLICY;
}

/* Whom it lets in: a peer with this measurement of `of`, as the realm itself reads it. */
static struct rsi_csm_policy demand(struct rec *of, uint64_t index)
{
	struct rsi_csm_policy policy = {.version = CSM_POLICY_VERSION,
					.hash_algo = of->realm->config.hash};
	struct smc_regs r = agent_smc(of, RSI_MEASUREMENT_READ_FID, index);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	policy.flags = index == 0 ? CSM_POLICY_RIM : CSM_POLICY_REM(index - 1);
	memcpy(index == 0 ? policy.rim : policy.rem, &r.x[1], CSM_POLICY_VALUE_SIZE);
	return policy;
}

static void extend(struct rec *rec, uint64_t index)
{
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, index, 32, 0x4711).x[0], RSI_SUCCESS);
}

/* An agent that measures otherwise than the others. */
static struct rec *stranger(void)
{
	struct realm_config config = realm_default(PROGRAM_agent);

	config.args[0] = 0x5742;
	return &csm_agent_of(&config)->recs[0];
}

TEST(csm_any,
     "the ANY grant with the provider's policy on the RIM: every realm of that measurement comes "
     "in, another gets the error of a region that is not there; REVOKE of ANY ends all of them; "
     "invariant 05, invariant 11")
{
	struct rec *provider = new_realm();
	struct rec *good[2] = {new_realm(), new_realm()};
	struct rec *bad = stranger();
	uint64_t id = csm_self(provider);
	uint64_t region = csm_region(provider, OWN, SIZE);
	struct rsi_csm_policy policy = demand(good[0], 0);
	uint64_t at = put_policy(provider, &policy);

	CHECK_EQ(CSM(provider, SHARE, region, CSM_REALM_ANY, RW).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(CSM(provider, SHARE, region, CSM_REALM_ANY, RW, at).x[0], RSI_SUCCESS);
	for (unsigned i = 0; i < 2; i++) {
		CHECK_EQ(csm_attach(good[i], provider, region, THERE, SIZE), RW);
		csm_write(good[i], THERE + i * 8, 0x10 + i);
	}
	CHECK_EQ(csm_read(good[0], THERE + 8), 0x11);
	CHECK_EQ(CSM(bad, RESERVE, id, region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(bad, RESERVE, id, region + 1, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(bad, RESERVE, id ^ 1, region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(bad, QUERY, id, 0).x[0], CSM_ERROR_ACCESS);

	CHECK_EQ(CSM(provider, REVOKE, region, CSM_REALM_ANY).x[0], RSI_SUCCESS);
	for (unsigned i = 0; i < 2; i++) {
		csm_aborts(good[i], INSN_LDR_X, THERE);
		expect_signal(good[i], id, id, region, CSM_SIGNAL_REGION_ENDED);
		CHECK_EQ(detach(good[i], id, region), RSI_SUCCESS);
		CHECK_EQ(CSM(good[i], RESERVE, id, region, THERE, SIZE).x[0], CSM_ERROR_ACCESS);
	}
	CHECK_EQ(csm_read(provider, OWN + 8), 0x11);
}

TEST(csm_policies,
     "policies of both sides: the consumer's on the provider too; asked again at ATTACH: a realm "
     "that has extended its REM meanwhile stays out; hazard 03")
{
	struct rec *provider = new_realm();
	struct rec *consumer = new_realm();
	uint64_t id = csm_self(provider);
	uint64_t region = csm_region(provider, OWN, SIZE);
	struct rsi_csm_policy own = demand(consumer, 2);
	struct rsi_csm_policy wrong = demand(stranger(), 0);
	struct rsi_csm_policy right = demand(provider, 0);

	CHECK_EQ(CSM(provider, SHARE, region, csm_self(consumer), RW, put_policy(provider, &own))
			 .x[0],
		 RSI_SUCCESS);
	CHECK_EQ(CSM(consumer, RESERVE, id, region, THERE, SIZE, put_policy(consumer, &wrong)).x[0],
		 CSM_ERROR_ACCESS);
	CHECK_EQ(CSM(consumer, RESERVE, id, region, THERE, SIZE, put_policy(consumer, &right)).x[0],
		 RSI_SUCCESS);
	extend(consumer, 2);
	CHECK_EQ(CSM(consumer, ATTACH, id, region).x[0], CSM_ERROR_ACCESS);
	csm_aborts(consumer, INSN_LDR_X, THERE);
	CHECK_EQ(detach(consumer, id, region), RSI_SUCCESS);

	CHECK_EQ(CSM(provider, REVOKE, region, csm_self(consumer)).x[0], RSI_SUCCESS);
	own = demand(consumer, 2);
	CHECK_EQ(CSM(provider, SHARE, region, csm_self(consumer), RW, put_policy(provider, &own))
			 .x[0],
		 RSI_SUCCESS);
	CHECK_EQ(csm_attach(consumer, provider, region, THERE, SIZE), RW);
	extend(consumer, 2);
	csm_write(consumer, THERE, 0x99);
	CHECK_EQ(csm_read(provider, OWN), 0x99);
}

TEST(csm_apt_grows, "RMI_APT_CREATE: a realm whose APT is full gets CSM_ERROR_NO_SPACE, one more "
		    "granule, and goes "
		    "on; all granules come back wiped while its regions are in use; invariant 08")
{
	struct rec *provider = new_realm();
	struct rec *consumer = new_realm();
	uint64_t region = csm_region(provider, OWN, SIZE);
	uint64_t records = 1;
	uint64_t peer = csm_self(consumer);

	csm_share(provider, region, consumer, RW);
	csm_attach(consumer, provider, region, THERE, SIZE);
	for (unsigned grown = 0; grown < 3; grown++) {
		uint64_t status;

		do {
			status = CSM(provider, SHARE, region, peer ^ ++records, RO).x[0];
		} while (status == RSI_SUCCESS && records < 200);
		CHECK_EQ(status, CSM_ERROR_NO_SPACE);
		csm_apt_add(provider->realm);
	}
	CHECK(records >= 3 * 24);
	csm_write(consumer, THERE, 0x42);
	csm_apt_drop(provider->realm);
	csm_aborts(consumer, INSN_LDR_X, THERE);
	CHECK_EQ(CSM(provider, SHARE, region, peer, RO).x[0], CSM_ERROR_NO_APT);
	CHECK_EQ(csm_read(provider, OWN), 0x42);
}
