// SPDX-License-Identifier: BSD-3-Clause
/*
 * Measurements of Confidential Shared Memory: each command by size of the region, as pages and as
 * blocks, and by number of consumers. The name of a phase is the state that bench/README.md
 * describes. Tables and pages that a measured command needs are made before it.
 */
#include "payload/host/csm.h"
#include "payload/host/mem.h"
#include "payload/host/phase.h"
#include "payload/host/test.h"

#define AREA      0x40000000UL /* of every realm: aligned for blocks of 1 GiB */
#define CONSUMERS 3
#define RW        (CSM_PERM_READ | CSM_PERM_WRITE)
#define KIB       (1UL << 10)
#define MIB       (1UL << 20)
#define GIB       (1UL << 30)
#define L2        (RMI_LEVEL_PAGE - 1)
#define L1        (RMI_LEVEL_PAGE - 2)

static struct rec *provider;
static struct rec *consumers[CONSUMERS];
static uint64_t provider_id, ids[CONSUMERS];

/* A command of a realm that is measured and must succeed; x1. */
#define MEASURE(state, rec, command, ...)                                     \
	({                                                                    \
		phase(state);                                                 \
		struct smc_regs measured_ = CSM((rec), command, __VA_ARGS__); \
		phase("-");                                                   \
		REQUIRE_EQ(measured_.x[0], RSI_SUCCESS);                      \
		measured_.x[1];                                               \
	})
#define MEASURE_RMI(state, command, ...)                                          \
	({                                                                        \
		phase(state);                                                     \
		struct smc_regs measured_ = smc_call(command##_FID, __VA_ARGS__); \
		phase("-");                                                       \
		REQUIRE_EQ(measured_.x[0], RMI_SUCCESS);                          \
		measured_.x[1];                                                   \
	})

/* ---- memory */

/* RAM for the provider, also where it was before and the host has taken it. */
static void claim(uint64_t base, uint64_t size)
{
	uint64_t top = base + size;

	while (base < top) {
		struct smc_regs r = agent_smc(provider, RSI_IPA_STATE_SET_FID, base, top,
					      RSI_RIPAS_RAM, RSI_RIPAS_FLAG_CHANGE_DESTROYED);

		REQUIRE_EQ(r.x[0], RSI_SUCCESS);
		REQUIRE(r.x[1] > base);
		base = r.x[1];
	}
}

/* Pages at [AREA, AREA + size) of the provider, in a row, so that they can become blocks. */
static void populate(uint64_t size)
{
	uint64_t pages = size / PAGE_SIZE;
	uint64_t first = page_alloc_run(pages, pages);
	uint64_t rd = provider->realm->rd;

	claim(AREA, size);
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		if (at % (2 * MIB) == 0) {
			struct smc_regs r =
				smc_call(RMI_RTT_READ_ENTRY_FID, rd, AREA + at, RMI_LEVEL_PAGE);

			realm_make_tables(provider->realm, AREA + at, (int)r.x[1], RMI_LEVEL_PAGE);
		}
		REQUIRE_EQ(rmi_granule_delegate(first + at), RMI_SUCCESS);
		REQUIRE_EQ(smc_call(RMI_DATA_CREATE_UNKNOWN_FID, rd, first + at, AREA + at).x[0],
			   RMI_SUCCESS);
	}
}

/* All tables of this level below AREA become entries of the table above. */
static void fold(struct realm *realm, uint64_t size, int level)
{
	for (uint64_t at = 0; at < size; at += level_size(level - 1)) {
		struct smc_regs r =
			smc_call(RMI_RTT_FOLD_FID, realm->rd, AREA + at, (uint64_t)level);

		REQUIRE_EQ(r.x[0], RMI_SUCCESS);
		granule_give(r.x[1]);
	}
}

static int table_level(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, ipa, RMI_LEVEL_PAGE);

	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	return (int)r.x[1];
}

/* Tables down to `level` for [AREA, AREA + size). */
static void make_tables(struct realm *realm, uint64_t size, int level)
{
	for (uint64_t at = 0; at < size; at += level_size(level - 1)) {
		realm_make_tables(realm, AREA + at, table_level(realm, AREA + at), level);
	}
}

/* ---- a sharing, up to its attachment. The state NULL: not measured. */

static void reserve(const char *state, unsigned c, uint64_t region, uint64_t size, int level)
{
	MEASURE(state, provider, SHARE, region, ids[c], RW);
	MEASURE(state, consumers[c], RESERVE, provider_id, region, AREA, size);
	if (table_level(consumers[c]->realm, AREA) > level) {
		fold(consumers[c]->realm, size, level + 1);
	}
	make_tables(consumers[c]->realm, size, level);
}

/* One entry for each block, and all of them there: no table below, no exit for want of one. */
static void check_entries(unsigned c, uint64_t size, int level)
{
	uint64_t last = AREA + size - 8;

	CHECK_EQ(table_level(consumers[c]->realm, AREA), level);
	phase("-");
	CHECK_EQ(csm_read(consumers[c], AREA), csm_read(provider, AREA));
	CHECK_EQ(csm_read(consumers[c], last), csm_read(provider, last));
	CHECK_EQ(table_level(consumers[c]->realm, last & ~(PAGE_SIZE - 1)), level);
}

static uint64_t attach(const char *state, uint64_t size, int level)
{
	uint64_t region = MEASURE(state, provider, CREATE, AREA, size, 0);

	reserve(state, 0, region, size, level);
	MEASURE(state, consumers[0], ATTACH, provider_id, region);
	check_entries(0, size, level);
	return region;
}

/* All that grows with the size, with one consumer. level: of the entries on both sides. */
static void bench_size(const char *state, uint64_t size, int level)
{
	uint64_t region = attach(state, size, level);

	MEASURE(state, provider, REVOKE, region, ids[0]);
	REQUIRE_EQ(CSM(consumers[0], DETACH_AND_FREE, provider_id, region).x[0], RSI_SUCCESS);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);

	region = attach(state, size, level);
	MEASURE(state, consumers[0], DETACH_AND_FREE, provider_id, region);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);

	region = attach(state, size, level);
	MEASURE(state, provider, DESTROY, region);
	REQUIRE_EQ(CSM(consumers[0], DETACH_AND_FREE, provider_id, region).x[0], RSI_SUCCESS);
}

/* SEAL takes back what was lent for writing; a digest costs the same whatever the tables say. */
static void bench_seal(const char *state, uint64_t size, int level, bool digest)
{
	uint64_t region = attach(state, size, level);

	MEASURE(state, provider, SEAL, region);
	if (digest) {
		MEASURE(state, consumers[0], DIGEST, provider_id, region);
	}
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	REQUIRE_EQ(CSM(consumers[0], DETACH_AND_FREE, provider_id, region).x[0], RSI_SUCCESS);
}

/* ---- what grows with the number of consumers: a region of 16 pages, the last one not there */

#define LENT_SIZE (16 * PAGE_SIZE)

static uint64_t attach_all(const char *state, unsigned count)
{
	uint64_t region = MEASURE("-", provider, CREATE, AREA, LENT_SIZE, 0);

	for (unsigned c = 0; c < count; c++) {
		bool last = c + 1 == count;

		reserve(last ? state : "-", c, region, LENT_SIZE, RMI_LEVEL_PAGE);
		MEASURE(last ? state : "-", consumers[c], ATTACH, provider_id, region);
	}
	return region;
}

static void detach_all(uint64_t region, unsigned count)
{
	for (unsigned c = 0; c < count; c++) {
		REQUIRE_EQ(CSM(consumers[c], DETACH_AND_FREE, provider_id, region).x[0],
			   RSI_SUCCESS);
	}
}

static void bench_consumers(const char *state, unsigned count)
{
	uint64_t rd = provider->realm->rd;
	uint64_t last = AREA + LENT_SIZE - PAGE_SIZE;
	uint64_t region = attach_all(state, count);
	uint64_t page = smc_call(RMI_DATA_DESTROY_FID, rd, last).x[1];

	/* Nothing is there to be taken from consumers, and the region keeps the hole. */
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	detach_all(region, count);
	claim(last, PAGE_SIZE);

	region = attach_all(state, count);
	MEASURE_RMI(state, RMI_DATA_CREATE_UNKNOWN, rd, page, last);
	CHECK_EQ(MEASURE_RMI(state, RMI_DATA_DESTROY, rd, last), page);
	MEASURE(state, provider, REVOKE, region, ids[count - 1]);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	detach_all(region, count);
	claim(last, PAGE_SIZE);
	REQUIRE_EQ(smc_call(RMI_DATA_CREATE_UNKNOWN_FID, rd, page, last).x[0], RMI_SUCCESS);

	region = attach_all(state, count);
	MEASURE(state, provider, SEAL, region);
	MEASURE(state, provider, DESTROY, region);
	detach_all(region, count);
}

/* ---- what does not grow */

static void bench_signals(uint64_t region)
{
	/* What the RMM has to tell of the attachment is taken first. */
	while (CSM(provider, SIGNAL_TAKE).x[1] != 0) {
	}
	phase("signal");
	REQUIRE_EQ(CSM(consumers[0], SIGNAL, provider_id, provider_id, region, 1).x[0],
		   RSI_SUCCESS);
	phase("pending");
	REQUIRE_EQ(CSM(consumers[0], SIGNAL, provider_id, provider_id, region, 2).x[0],
		   RSI_SUCCESS);
	phase("pending");
	REQUIRE_EQ(CSM(provider, SIGNAL_TAKE).x[4], 3);
	phase("none");
	REQUIRE_EQ(CSM(provider, SIGNAL_TAKE).x[1], 0);
	phase("-");
}

static void bench_questions(uint64_t region)
{
	MEASURE("any", provider, SELF);
	CHECK_EQ(MEASURE("mine", provider, QUERY, provider_id), region);
	CHECK_EQ(MEASURE("theirs", consumers[0], QUERY, provider_id), region);
	MEASURE("mine", provider, RECORD);
	MEASURE("theirs", provider, PEER, ids[0], 0);
	MEASURE("theirs", consumers[0], PEER, provider_id, 0);
}

/* An order to the agent, with an access that faults and one that does not: the difference. */
static void bench_access(uint64_t region)
{
	uint64_t rd = consumers[0]->realm->rd;
	uint64_t table = MEASURE_RMI("lent", RMI_RTT_DESTROY, rd, AREA, RMI_LEVEL_PAGE);

	REQUIRE_EQ(smc_call(RMI_RTT_CREATE_FID, rd, table, AREA, RMI_LEVEL_PAGE).x[0], RMI_SUCCESS);
	phase("fault");
	csm_read(consumers[0], AREA + PAGE_SIZE);
	phase("no-fault");
	csm_read(consumers[0], AREA + PAGE_SIZE);
	phase("lent");
	CHECK_EQ(table_level(consumers[0]->realm, AREA + PAGE_SIZE), RMI_LEVEL_PAGE);
	phase("-");
	(void)region;
}

/* A realm that nobody else measures: APT granules come and go, empty and with a sharing in them. */
static void bench_apt(void)
{
	struct realm *realm = consumers[0]->realm;
	uint64_t apt = granule_take();
	uint64_t region;

	MEASURE_RMI("empty", RMI_APT_CREATE, realm->rd, apt);
	MEASURE_RMI("empty", RMI_APT_DESTROY, realm->rd, apt);
	granule_give(apt);
	region = attach("-", LENT_SIZE, RMI_LEVEL_PAGE);
	apt = realm->csm.apt[0];
	MEASURE_RMI("64K", RMI_APT_DESTROY, realm->rd, apt);
	REQUIRE_EQ(smc_call(RMI_APT_CREATE_FID, realm->rd, apt).x[0], RMI_SUCCESS);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
}

static void bench_rest(void)
{
	uint64_t region = attach("-", LENT_SIZE, RMI_LEVEL_PAGE);

	bench_signals(region);
	bench_questions(region);
	bench_access(region);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	detach_all(region, 1);
	bench_apt();
}

/* RMI_RTT_CREATE of the consumer: one block that was borrowed becomes 512 loans. */
static void bench_split(uint64_t size, int level)
{
	uint64_t region = attach("-", size, level);
	uint64_t table = granule_take();

	MEASURE_RMI("lent", RMI_RTT_CREATE, consumers[0]->realm->rd, table, AREA,
		    (uint64_t)(level + 1));
	MEASURE_RMI("lent", RMI_RTT_DESTROY, consumers[0]->realm->rd, AREA, (uint64_t)(level + 1));
	granule_give(table);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	detach_all(region, 1);
}

/* The far end of what was measured is shared until it is withdrawn. */
static void check_reach(uint64_t size, int level)
{
	uint64_t last = AREA + size - sizeof(uint64_t);
	uint64_t region = attach("-", size, level);

	csm_write(provider, last, size);
	CHECK_EQ(csm_read(consumers[0], last), size);
	REQUIRE_EQ(CSM(provider, REVOKE, region, ids[0]).x[0], RSI_SUCCESS);
	csm_aborts(consumers[0], INSN_LDR_X, last);
	CHECK_EQ(csm_read(provider, last), size);
	REQUIRE_EQ(CSM(provider, DESTROY, region).x[0], RSI_SUCCESS);
	detach_all(region, 1);
}

/* ---- what must not grow with the number of regions: private memory of a provider */

/* Pages with nothing in them, a region of one page on either side of each. */
#define APART      (2 * PAGE_SIZE)
#define MANY_MAX   1000UL
#define MANY_PAGES 8
#define PER_APT    25U

/*
 * Regions below and above every page that is measured. The pages take turns, and are far from one
 * another, so that nothing that the RMM remembers of the last one helps.
 */
static void bench_private(const char *state, uint64_t regions)
{
	uint64_t rd = provider->realm->rd;
	uint64_t apart = regions < MANY_PAGES ? APART : regions / MANY_PAGES * APART;
	uint64_t data[MANY_PAGES];

	for (unsigned i = 0; i < MANY_PAGES; i++) {
		claim(AREA + PAGE_SIZE + i * apart, PAGE_SIZE);
		data[i] = granule_take();
	}
	for (unsigned i = 0; i < MANY_PAGES; i++) {
		MEASURE_RMI(state, RMI_DATA_CREATE_UNKNOWN, rd, data[i],
			    AREA + PAGE_SIZE + i * apart);
	}
	for (unsigned i = 0; i < MANY_PAGES; i++) {
		MEASURE_RMI(state, RMI_DATA_DESTROY, rd, AREA + PAGE_SIZE + i * apart);
		granule_give(data[i]);
	}
}

static uint64_t make_regions(const char *state, uint64_t from, uint64_t count)
{
	for (; from < count; from++) {
		/* From both ends, so that neither order is the only one. */
		uint64_t n = from % 2 == 0 ? from / 2 : MANY_MAX - 1 - from / 2;

		if (from % PER_APT == 0 && from != 0) {
			csm_apt_add(provider->realm);
		}
		MEASURE(from + 1 == count ? state : "-", provider, CREATE, AREA + n * APART,
			PAGE_SIZE, n);
	}
	return count;
}

/* ---- tests */

static void meet(unsigned count)
{
	if (smc_call(RMI_FEATURES_FID, CSM_FEATURE_INDEX).x[1] == 0) {
		SKIP("the firmware is without CSM");
	}
	provider = &csm_agent(1)->recs[0];
	provider->realm->csm.lazy = true;
	provider_id = csm_self(provider);
	for (unsigned c = 0; c < count; c++) {
		consumers[c] = &csm_agent(1)->recs[0];
		ids[c] = csm_self(consumers[c]);
	}
}

TEST(bench_csm, "cost of shared memory by size and number of consumers")
{
	static const char *const states[CONSUMERS] = {"64K/1", "64K/2", "64K/3"};

	meet(CONSUMERS);
	populate(32 * MIB);
	for (unsigned i = 0; i < 8; i++) {
		bench_size("4K", 4 * KIB, RMI_LEVEL_PAGE);
		bench_seal("4K", 4 * KIB, RMI_LEVEL_PAGE, true);
		bench_size("64K", 64 * KIB, RMI_LEVEL_PAGE);
		bench_seal("64K", 64 * KIB, RMI_LEVEL_PAGE, true);
		for (unsigned c = 0; c < CONSUMERS; c++) {
			bench_consumers(states[c], c + 1);
		}
		bench_rest();
	}
	bench_size("2M", 2 * MIB, RMI_LEVEL_PAGE);
	bench_seal("2M", 2 * MIB, RMI_LEVEL_PAGE, true);
	bench_size("32M", 32 * MIB, RMI_LEVEL_PAGE);
	bench_seal("32M", 32 * MIB, RMI_LEVEL_PAGE, false);
	for (unsigned c = 0; c < CONSUMERS; c++) {
		fold(consumers[c]->realm, c == 0 ? 32 * MIB : 2 * MIB, RMI_LEVEL_PAGE);
	}
	fold(provider->realm, 32 * MIB, RMI_LEVEL_PAGE);
	for (unsigned i = 0; i < 3; i++) {
		bench_size("2M-blk", 2 * MIB, L2);
		bench_seal("2M-blk", 2 * MIB, L2, false);
		bench_split(2 * MIB, L2);
	}
	bench_size("32M-blk", 32 * MIB, L2);
	bench_seal("32M-blk", 32 * MIB, L2, false);
}

TEST(bench_many, "cost of private memory beside many regions")
{
	uint64_t regions = 0;

	meet(0);
	claim(AREA, MANY_MAX * APART);
	make_tables(provider->realm, MANY_MAX * APART, RMI_LEVEL_PAGE);
	bench_private("R0", 0);
	regions = make_regions("R1", regions, 1);
	bench_private("R1", regions);
	regions = make_regions("R10", regions, 10);
	bench_private("R10", regions);
	regions = make_regions("R100", regions, 100);
	bench_private("R100", regions);
	regions = make_regions("R1000", regions, MANY_MAX);
	bench_private("R1000", regions);
	MEASURE("R1000", provider, QUERY, provider_id);
}

TEST(bench_giant, "cost of shared memory: 1 GiB in pages, blocks of 2 MiB, and one block")
{
	test_limit(600);
	meet(1);
	populate(GIB);
	bench_size("1G", GIB, RMI_LEVEL_PAGE);
	fold(consumers[0]->realm, GIB, RMI_LEVEL_PAGE);
	fold(provider->realm, GIB, RMI_LEVEL_PAGE);
	bench_size("1G-2M", GIB, L2);
	fold(consumers[0]->realm, GIB, L2);
	fold(provider->realm, GIB, L2);
	bench_size("1G-blk", GIB, L1);
	check_reach(GIB, L1);
	bench_seal("1G-blk", GIB, L1, false);
}
