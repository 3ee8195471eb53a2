// SPDX-License-Identifier: BSD-3-Clause
/* Shared memory while realms run on several CPUs: signals, and what ends under somebody's feet. */
#include "payload/host/bad_addresses.h"
#include "payload/host/csm.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN        0x8000000UL  /* becomes RAM */
#define THERE      0x10000000UL /* nothing is there */
#define PAGES      16
#define SIZE       (PAGES * PAGE_SIZE)
#define BLOCK      (2UL << 20)
#define RO         CSM_PERM_READ
#define RW         (CSM_PERM_READ | CSM_PERM_WRITE)
#define ROUNDS     12
#define TURNS      200
#define QUIET_US   2000
#define NO_REC     UINT32_MAX /* no REC takes the interrupt: the host drops it */
#define ARGS_(...) ((const uint64_t[]){__VA_ARGS__})
#define ORDER(rec, op, ...)                                 \
	agent_prepare_args((rec), (op), ARGS_(__VA_ARGS__), \
			   sizeof(ARGS_(__VA_ARGS__)) / sizeof(uint64_t))

struct pair {
	struct rec *provider, *consumer;
	uint64_t id, peer, region;
};

static struct pair two_realms(void)
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};

	csm_ram(pair.provider, OWN, OWN + SIZE);
	pair.id = csm_self(pair.provider);
	pair.peer = csm_self(pair.consumer);
	return pair;
}

/* A region at OWN, at THERE of the consumer. */
static void share(struct pair *pair, uint64_t perm)
{
	pair->region = csm_region(pair->provider, OWN, SIZE);
	csm_share(pair->provider, pair->region, pair->consumer, perm);
	CHECK_EQ(csm_attach(pair->consumer, pair->provider, pair->region, THERE, SIZE), perm);
}

static void forget(struct pair *pair)
{
	CHECK_EQ(CSM(pair->consumer, DETACH_AND_FREE, pair->id, pair->region).x[0], RSI_SUCCESS);
	CHECK_EQ(CSM(pair->provider, DESTROY, pair->region).x[0], RSI_SUCCESS);
}

/* ---- signals */

TEST_CPUS(
	csm_signals, 2,
	"RSI_CSM_SIGNAL, RSI_CSM_SIGNAL_TAKE: realms on two CPUs take turns, waiting in WFI: every "
	"signal arrives once, from the right peer, with its bits, and wakes")
{
	struct pair pair = two_realms();
	struct smc_regs r;

	share(&pair, RO);
	CHECK_EQ(CSM(pair.provider, SIGNAL_TAKE).x[4], CSM_SIGNAL_ATTACHED);
	ORDER(pair.consumer, AGENT_TURNS, pair.id, pair.id, pair.region, TURNS, 0);
	cpu_start(1, rec_run_here, pair.consumer);
	ORDER(pair.provider, AGENT_TURNS, pair.peer, pair.id, pair.region, TURNS, 1);
	CHECK_EQ(rec_run(pair.provider), REC_CALL);
	REQUIRE(cpu_join(1, PATIENCE_MS));
	CHECK(agent_done(pair.provider) && agent_done(pair.consumer));
	CHECK_EQ(agent_value(pair.provider), TURNS / 2);
	CHECK_EQ(agent_value(pair.consumer), TURNS / 2);
	note("interrupts taken: %lu and %lu", agent_esr(pair.provider), agent_esr(pair.consumer));
	CHECK(agent_esr(pair.provider) > 0);
	CHECK(agent_esr(pair.consumer) > 0);
	r = CSM(pair.consumer, SIGNAL_TAKE);
	CHECK_EQ(r.x[1], pair.id);
	CHECK_EQ(r.x[4], TURNS + 1);
	CHECK_EQ(CSM(pair.consumer, SIGNAL_TAKE).x[1], 0);
	CHECK_EQ(CSM(pair.provider, SIGNAL_TAKE).x[1], 0);
}

/* ---- ends */

/* The REC that runs on CPU 1 leaves its loop with an external abort, by itself. */
static void expect_faulted(struct rec *rec)
{
	if (!CHECK(cpu_join(1, PATIENCE_MS))) {
		rec_let_go(rec, 1);
	}
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	CHECK(agent_value(rec) > 0);
}

/*
 * The consumer loads from the page at `offset` on CPU 1; it has begun, as its word at `said` says.
 */
static void load_on(struct pair *pair, uint64_t offset, uint64_t said)
{
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);

	write64(said, 0);
	ORDER(pair->consumer, AGENT_LOADS, THERE + offset,
	      realm_unprotected(pair->consumer->realm));
	cpu_start(1, rec_run_on, pair->consumer);
	while (read64(said) == 0) {
		REQUIRE(time_now() < end);
	}
}

/* Until the REC reads something other than zero there. */
static void wait_for_store(struct rec *rec, uint64_t ipa)
{
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);

	while (csm_read(rec, ipa) == 0) {
		REQUIRE(time_now() < end);
	}
}

/* The consumer stores to the pages at base on CPU 1, and the provider sees the words change. */
static void store_on(struct pair *pair, uint64_t base)
{
	uint64_t last = SIZE - PAGE_SIZE;

	csm_write(pair->provider, OWN + last, 0);
	ORDER(pair->consumer, AGENT_STORES, base, base + SIZE);
	cpu_start(1, rec_run_on, pair->consumer);
	wait_for_store(pair->provider, OWN + last);
}

/* A command of the provider; when it is back, no store of the consumer lands. */
static void still(struct pair *pair, uint64_t fid, uint64_t x1, uint64_t x2)
{
	ORDER(pair->provider, AGENT_STILL, OWN, OWN + SIZE, us_to_ticks(QUIET_US), fid, x1, x2);
	CHECK_EQ(rec_run(pair->provider), REC_CALL);
	CHECK(agent_done(pair->provider));
	CHECK_EQ(agent_value(pair->provider), RSI_SUCCESS);
	CHECK_EQ(agent_esr(pair->provider), 0);
}

TEST_CPUS(csm_revoke_reading, 2,
	  "invariant 03: RSI_CSM_REVOKE while the consumer reads on another CPU: its next access "
	  "faults, and every one after that; the provider's contents are as they were")
{
	struct pair pair = two_realms();
	uint64_t said = page_alloc();

	realm_map_page(pair.consumer->realm, realm_unprotected(pair.consumer->realm), said);
	for (unsigned i = 0; i < ROUNDS; i++) {
		pair.consumer->realm->csm.target = i & 1 ? 0 : NO_REC;
		share(&pair, RO);
		csm_write(pair.provider, OWN + i * PAGE_SIZE, i + 1);
		load_on(&pair, i * PAGE_SIZE, said);
		CHECK_EQ(CSM(pair.provider, REVOKE, pair.region, pair.peer).x[0], RSI_SUCCESS);
		expect_faulted(pair.consumer);
		csm_aborts(pair.consumer, INSN_LDR_X, THERE + i * PAGE_SIZE);
		csm_aborts(pair.consumer, INSN_LDR_X, THERE + SIZE - PAGE_SIZE);
		CHECK_EQ(csm_read(pair.provider, OWN + i * PAGE_SIZE), i + 1);
		forget(&pair);
	}
}

TEST_CPUS(csm_revoke_writing, 2,
	  "invariant 03: RSI_CSM_REVOKE while the consumer stores to all pages on another CPU, "
	  "with no "
	  "interrupt there: when it has returned, not one store lands any more")
{
	struct pair pair = two_realms();

	pair.consumer->realm->csm.target = NO_REC;
	for (unsigned i = 0; i < ROUNDS; i++) {
		share(&pair, RW);
		store_on(&pair, THERE);
		still(&pair, RSI_CSM_REVOKE_FID, pair.region, pair.peer);
		expect_faulted(pair.consumer);
		forget(&pair);
	}
}

TEST_CPUS(csm_destroy_writing, 2,
	  "invariant 03: RSI_CSM_DESTROY while the consumer stores on another CPU: no store lands "
	  "behind it")
{
	struct pair pair = two_realms();

	pair.consumer->realm->csm.target = NO_REC;
	for (unsigned i = 0; i < ROUNDS; i++) {
		share(&pair, RW);
		store_on(&pair, THERE);
		still(&pair, RSI_CSM_DESTROY_FID, pair.region, 0);
		expect_faulted(pair.consumer);
		CHECK_EQ(CSM(pair.consumer, DETACH_AND_FREE, pair.id, pair.region).x[0],
			 RSI_SUCCESS);
	}
}

TEST_CPUS(csm_seal_writing, 2,
	  "invariant 02, invariant 03: RSI_CSM_SEAL while the consumer stores on another CPU: no "
	  "store "
	  "lands behind it, so the digest is that of what stays; the consumer reads on")
{
	struct pair pair = two_realms();
	struct smc_regs digest;

	pair.consumer->realm->csm.target = NO_REC;
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		share(&pair, RW);
		store_on(&pair, THERE);
		still(&pair, RSI_CSM_SEAL_FID, pair.region, 0);
		expect_faulted(pair.consumer);
		CHECK_EQ(csm_read(pair.consumer, THERE), csm_read(pair.provider, OWN));
		digest = CSM(pair.consumer, DIGEST, pair.id, pair.region);
		CHECK_EQ(digest.x[0], RSI_SUCCESS);
		CHECK_EQ(CSM(pair.provider, DIGEST, pair.id, pair.region).x[1], digest.x[1]);
		forget(&pair);
	}
}

TEST_CPUS(csm_seal_own_writing, 2,
	  "invariant 02, invariant 03: RSI_CSM_SEAL by one REC while another of the provider "
	  "stores to "
	  "the region on another CPU: no store lands behind it; when the region ends it may store "
	  "again")
{
	struct realm *realm = csm_agent(2);
	struct pair pair = {.provider = &realm->recs[0], .consumer = &realm->recs[1]};

	csm_ram(pair.provider, OWN, OWN + SIZE);
	agent_start_rec(realm, 1);
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		pair.region = csm_region(pair.provider, OWN, SIZE);
		store_on(&pair, OWN);
		still(&pair, RSI_CSM_SEAL_FID, pair.region, 0);
		expect_faulted(pair.consumer);
		CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
		csm_write(pair.consumer, OWN, 0);
		CHECK_EQ(csm_read(pair.provider, OWN), 0);
	}
}

/* ---- blocks */

/* Like two_realms(), with a region of one block, which is lent as such. */
static struct pair share_block(uint64_t perm)
{
	struct pair pair = {.provider = &csm_agent(1)->recs[0], .consumer = &csm_agent(1)->recs[0]};

	realm_make_block(pair.provider->realm, OWN);
	csm_ram(pair.provider, OWN, OWN + BLOCK);
	pair.id = csm_self(pair.provider);
	pair.peer = csm_self(pair.consumer);
	pair.region = csm_region(pair.provider, OWN, BLOCK);
	csm_share(pair.provider, pair.region, pair.consumer, perm);
	csm_attach(pair.consumer, pair.provider, pair.region, THERE, BLOCK);
	CHECK_EQ(rtt_read(pair.consumer->realm, THERE, RMI_LEVEL_PAGE).level, RMI_LEVEL_PAGE - 1);
	return pair;
}

TEST_CPUS(csm_revoke_block, 2,
	  "invariant 03: RSI_CSM_REVOKE of a block that the consumer stores to on another CPU: no "
	  "store "
	  "lands behind it")
{
	struct pair pair = share_block(RW);

	pair.consumer->realm->csm.target = NO_REC;
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		store_on(&pair, THERE);
		still(&pair, RSI_CSM_REVOKE_FID, pair.region, pair.peer);
		expect_faulted(pair.consumer);
		CHECK_EQ(CSM(pair.consumer, DETACH_AND_FREE, pair.id, pair.region).x[0],
			 RSI_SUCCESS);
		csm_share(pair.provider, pair.region, pair.consumer, RW);
		csm_attach(pair.consumer, pair.provider, pair.region, THERE, BLOCK);
	}
}

struct reader {
	struct rec *rec;
	uint32_t passes, stop; /* atomic */
};

/* All of the block, again and again: what the provider wrote there, at its own addresses. */
static void read_on(void *arg)
{
	struct reader *reader = arg;
	struct rec *rec = reader->rec;

	while (!__atomic_load_n(&reader->stop, __ATOMIC_ACQUIRE) && !test_failing()) {
		agent_order(rec, AGENT_CHECK, THERE, THERE + BLOCK, 0x4711 ^ THERE ^ OWN);
		CHECK(agent_done(rec));
		CHECK_EQ(agent_value(rec), 0);
		__atomic_add_fetch(&reader->passes, 1, __ATOMIC_RELEASE);
	}
}

/* Tables of both sides come and go; what is the consumer's comes back on access. */
static void change_tables(const struct pair *pair)
{
	struct realm *provider = pair->provider->realm;
	struct realm *consumer = pair->consumer->realm;
	struct smc_regs r;

	realm_make_tables(provider, OWN, 2, 3);
	r = smc_call(RMI_RTT_FOLD_FID, provider->rd, OWN, 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	realm_make_tables(consumer, THERE, 2, 3);
	r = smc_call(RMI_RTT_DESTROY_FID, consumer->rd, THERE, 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
}

TEST_CPUS(csm_tables_running, 2,
	  "hazard 07: the host splits and folds the provider's block, splits the consumer's, and "
	  "takes "
	  "its table away, again and again, while the consumer reads all of it on another CPU: it "
	  "reads its provider's values and never faults")
{
	struct pair pair = share_block(RO);
	struct reader reader = {.rec = pair.consumer};
	uint64_t end = time_now() + us_to_ticks(PATIENCE_MS * 1000UL);
	uint32_t passes = 0;

	agent_order(pair.provider, AGENT_FILL, OWN, OWN + BLOCK, 0x4711);
	cpu_start(1, read_on, &reader);
	for (unsigned i = 0; (i < 40 || passes < 3) && time_now() < end && !test_failing(); i++) {
		change_tables(&pair);
		passes = __atomic_load_n(&reader.passes, __ATOMIC_ACQUIRE);
	}
	CHECK(passes >= 3);
	__atomic_store_n(&reader.stop, 1, __ATOMIC_RELEASE);
	REQUIRE(cpu_join(1, PATIENCE_MS));
}

/* A second REC of the consumer detaches what the first uses. */
TEST_CPUS(csm_detach_writing, 2,
	  "invariant 03: RSI_CSM_DETACH_AND_FREE by one REC while another of the same realm stores "
	  "on "
	  "another CPU: no store lands behind it")
{
	struct pair pair = two_realms();
	struct realm *realm = csm_agent(2);
	struct rec *other = &realm->recs[1];
	uint64_t before;

	realm->csm.target = NO_REC;
	pair.consumer = &realm->recs[0];
	agent_start_rec(realm, 1);
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		share(&pair, RW);
		store_on(&pair, THERE);
		CHECK_EQ(CSM(other, DETACH_AND_FREE, pair.id, pair.region).x[0], RSI_SUCCESS);
		before = csm_read(pair.provider, OWN);
		delay_us(QUIET_US);
		CHECK_EQ(csm_read(pair.provider, OWN), before);
		expect_faulted(pair.consumer);
		CHECK_EQ(CSM(pair.provider, DESTROY, pair.region).x[0], RSI_SUCCESS);
	}
}

TEST_CPUS(
	csm_page_lost_writing, 2,
	"hazard 06: RMI_DATA_DESTROY of a page while the consumer stores to it on another CPU: it "
	"faults, and the page comes back wiped and stays so")
{
	struct pair pair = two_realms();
	struct smc_regs r;

	pair.consumer->realm->csm.target = NO_REC;
	share(&pair, RW);
	for (unsigned i = 0; i < PAGES / 2; i++) {
		uint64_t offset = i * PAGE_SIZE;

		csm_write(pair.provider, OWN + offset, 0);
		ORDER(pair.consumer, AGENT_STORES, THERE + offset, THERE + offset + PAGE_SIZE);
		cpu_start(1, rec_run_on, pair.consumer);
		wait_for_store(pair.provider, OWN + offset);
		r = smc_call(RMI_DATA_DESTROY_FID, pair.provider->realm->rd, OWN + offset);
		REQUIRE_EQ(r.x[0], RMI_SUCCESS);
		REQUIRE_EQ(rmi_granule_undelegate(r.x[1]), RMI_SUCCESS);
		CHECK(page_is(r.x[1], 0));
		delay_us(QUIET_US);
		CHECK(page_is(r.x[1], 0));
		expect_faulted(pair.consumer);
	}
}

TEST_CPUS(csm_provider_lost_writing, 2,
	  "lifetimes: the host takes the provider apart while its consumer stores on another CPU: "
	  "the "
	  "consumer faults with bits 62 and 63, and all granules of the provider are wiped")
{
	for (unsigned i = 0; i < 3; i++) {
		struct pair pair = two_realms();

		share(&pair, RW);
		store_on(&pair, THERE);
		realm_destroy(pair.provider->realm);
		expect_faulted(pair.consumer);
		CHECK_EQ(CSM(pair.consumer, SIGNAL_TAKE).x[4],
			 CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_REGION_ENDED);
		realm_destroy(pair.consumer->realm);
	}
}

TEST_CPUS(csm_apt_lost_writing, 2,
	  "lifetimes: RMI_APT_DESTROY of the consumer's APT while it stores on another CPU: it "
	  "faults, "
	  "not one store lands behind it, the provider gets bits 60 and 63")
{
	struct pair pair = two_realms();
	uint64_t before;

	share(&pair, RW);
	CHECK_EQ(CSM(pair.provider, SIGNAL_TAKE).x[4], CSM_SIGNAL_ATTACHED);
	store_on(&pair, THERE);
	csm_apt_drop(pair.consumer->realm);
	before = csm_read(pair.provider, OWN);
	delay_us(QUIET_US);
	CHECK_EQ(csm_read(pair.provider, OWN), before);
	expect_faulted(pair.consumer);
	CHECK_EQ(CSM(pair.provider, SIGNAL_TAKE).x[4], CSM_SIGNAL_PEER_ENDED | CSM_SIGNAL_DETACHED);
}

/* ---- the host */

/* Neither reads nor writes reach one of these pages. */
static void probe_pages(void *arg)
{
	const uint64_t *pages = arg;
	uint64_t value;

	for (unsigned i = 0; i < PAGES; i++) {
		CHECK(!probe_load(pages[i], &value));
		CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
		CHECK(!probe_store(pages[i] + 8, 0xbad));
		CHECK_EQ(ESR_FSC(fault_last().esr), FSC_GRANULE_PROTECTION);
	}
}

TEST_CPUS(csm_host_probes, 3,
	  "invariant 01: the host's loads and stores to every page of a region are granule "
	  "protection "
	  "faults, on each CPU, while provider and consumer use it; the consumer's entries show no "
	  "page; so with the granules of the APTs")
{
	struct pair pair = two_realms();
	uint64_t pages[PAGES], apts[PAGES];

	share(&pair, RW);
	for (unsigned i = 0; i < PAGES; i++) {
		pages[i] = csm_page(pair.provider->realm, OWN + i * PAGE_SIZE);
		REQUIRE(pages[i] != 0);
		CHECK_EQ(csm_page(pair.consumer->realm, THERE + i * PAGE_SIZE), 0);
		apts[i] = (i & 1 ? pair.provider : pair.consumer)->realm->csm.apt[0];
	}
	store_on(&pair, THERE);
	for (unsigned i = 0; i < 20; i++) {
		probe_pages(pages);
		on_cpu(2, probe_pages, pages);
		probe_pages(apts);
	}
	CHECK(csm_read(pair.provider, OWN) != 0);
	still(&pair, RSI_CSM_REVOKE_FID, pair.region, pair.peer);
	expect_faulted(pair.consumer);
	probe_pages(pages);
}
