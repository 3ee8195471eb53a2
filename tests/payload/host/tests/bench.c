// SPDX-License-Identifier: BSD-3-Clause
/*
 * Measurements: each command in a state that is stated, often enough for a median. Counting is the
 * business of bench/plugin; here only the order of things is decided. Run by bench/rmm.py.
 */
#include "payload/host/mem.h"
#include "payload/host/phase.h"
#include "payload/host/realm.h"
#include "payload/host/test.h"

#define ROUNDS 32

/* A 2 MiB piece of the protected half with nothing in it. */
#define AREA     0x8000000UL
#define AREA_TOP (AREA + (2UL << 20))

static void bench_simple(void)
{
	uint64_t pages[ROUNDS];

	phase("simple");
	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_EQ(smc_call(RMI_VERSION_FID, RMI_REVISION).x[0], RMI_SUCCESS);
		pages[i] = page_alloc();
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_EQ(rmi_granule_delegate(pages[i]), RMI_SUCCESS);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_EQ(rmi_granule_undelegate(pages[i]), RMI_SUCCESS);
		page_free(pages[i], 1);
	}
	phase("-");
}

static void bench_realms(void)
{
	for (unsigned i = 0; i < ROUNDS / 2; i++) {
		struct realm_config config = realm_default(PROGRAM_bench);
		struct realm *realm;

		phase("realm");
		realm = realm_create(&config);
		realm_destroy(realm);
		phase("-");
	}
}

/* One table at a time below an otherwise empty one, or below one with a live entry at its end. */
static void bench_tables(struct realm *realm, const char *name)
{
	uint64_t table = granule_take();

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct smc_regs r;

		phase(name);
		CHECK_EQ(smc_call(RMI_RTT_CREATE_FID, realm->rd, table, AREA, 3).x[0], RMI_SUCCESS);
		CHECK_EQ(smc_call(RMI_RTT_READ_ENTRY_FID, realm->rd, AREA, 3).x[0], RMI_SUCCESS);
		r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, AREA, 3);
		CHECK_EQ(r.x[0], RMI_SUCCESS);
		CHECK_EQ(r.x[1], table);
		CHECK_EQ(smc_call(RMI_RTT_CREATE_FID, realm->rd, table, AREA, 3).x[0], RMI_SUCCESS);
		CHECK_EQ(smc_call(RMI_RTT_FOLD_FID, realm->rd, AREA, 3).x[0], RMI_SUCCESS);
		phase("-");
	}
	granule_give(table);
}

static void create_and_destroy(struct realm *realm, uint64_t src, uint64_t flags, const char *name)
{
	uint64_t data[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		data[i] = granule_take();
	}
	phase(name);
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t ipa = AREA + i * PAGE_SIZE;
		uint64_t status =
			src ? smc_call(RMI_DATA_CREATE_FID, realm->rd, data[i], ipa, src, flags)
					.x[0]
			    : smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, data[i], ipa).x[0];

		CHECK_EQ(status, RMI_SUCCESS);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_EQ(smc_call(RMI_DATA_DESTROY_FID, realm->rd, AREA + i * PAGE_SIZE).x[0],
			 RMI_SUCCESS);
	}
	phase("-");
	for (unsigned i = 0; i < ROUNDS; i++) {
		granule_give(data[i]);
	}
}

static void bench_data(struct realm *realm)
{
	uint64_t src = page_alloc();

	realm_make_tables(realm, AREA, 2, 3);
	phase("ripas");
	for (uint64_t ipa = AREA; ipa < AREA + ROUNDS * PAGE_SIZE; ipa += PAGE_SIZE) {
		CHECK_EQ(smc_call(RMI_RTT_INIT_RIPAS_FID, realm->rd, ipa, ipa + PAGE_SIZE).x[0],
			 RMI_SUCCESS);
	}
	/* Many pages in one call, as a host does it. */
	phase("ripas32");
	for (uint64_t ipa = AREA + ROUNDS * PAGE_SIZE; ipa < AREA + 9 * ROUNDS * PAGE_SIZE;
	     ipa += 32 * PAGE_SIZE) {
		CHECK_EQ(
			smc_call(RMI_RTT_INIT_RIPAS_FID, realm->rd, ipa, ipa + 32 * PAGE_SIZE).x[0],
			RMI_SUCCESS);
	}
	phase("-");
	create_and_destroy(realm, 0, 0, "unknown");
	create_and_destroy(realm, src, 0, "copied");
	create_and_destroy(realm, src, RMI_DATA_FLAG_MEASURE, "measured");
	page_free(src, 1);
}

static void bench_unprotected(struct realm *realm)
{
	uint64_t base = realm_unprotected(realm) + AREA;
	uint64_t page = page_alloc();

	realm_map_page(realm, base + 511 * PAGE_SIZE, page);
	phase("shared");
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t ipa = base + i * PAGE_SIZE;
		uint64_t desc = page | ABI_FIELD_PREP(RMI_DESC_MEMATTR, RMI_MEMATTR_NORMAL_WB) |
				ABI_FIELD_PREP(RMI_DESC_S2AP, RMI_S2AP_READ | RMI_S2AP_WRITE);

		CHECK_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, ipa, 3, desc).x[0],
			 RMI_SUCCESS);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		CHECK_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, base + i * PAGE_SIZE, 3)
				 .x[0],
			 RMI_SUCCESS);
	}
	phase("-");
	smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, base + 511 * PAGE_SIZE, 3);
	page_free(page, 1);
}

TEST(bench_build, "cost of building a realm and of taking it apart")
{
	struct realm_config config = realm_default(PROGRAM_bench);
	struct realm *realm;

	bench_simple();
	bench_realms();
	realm = realm_create(&config);
	realm_make_tables(realm, AREA, 1, 2);
	bench_tables(realm, "tables");
	realm_make_tables(realm, AREA + (1UL << 30) - (2UL << 20), 1, 2);
	bench_data(realm);
	bench_unprotected(realm);
}

TEST(bench_run, "cost of entering a realm, and of its own commands")
{
	struct realm_config config = realm_default(PROGRAM_bench);
	struct realm *realm;
	struct rec *rec;

	config.args[0] = ROUNDS;
	phase("recs");
	realm = realm_boot(&config);
	phase("-");
	rec = &realm->recs[0];
	phase("own");
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	for (unsigned i = 0; i + 1 < ROUNDS; i++) {
		phase("entry");
		REQUIRE_EQ(rec_run(rec), REC_CALL);
	}
	phase("-");
	CHECK_EQ(rec_run(rec), REC_DONE);
	phase("recs");
	realm_destroy(realm);
	phase("-");
}
