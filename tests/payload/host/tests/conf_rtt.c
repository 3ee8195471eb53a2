// SPDX-License-Identifier: BSD-3-Clause
/* RMI_RTT_CREATE, DESTROY, FOLD, READ_ENTRY: conditions, `top`, what is left after a failure. */
#include "payload/host/bad_addresses.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define NS     GIB(512) /* the unprotected half of realm_wide() */
#define END    GIB(1024)

#define RTT(level) rmi_status_rtt(level)

static const struct entry empty_3 = {3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY};

/* x0, and the two outputs that destroy commands have. */
static void expect_call(uint64_t fid, const uint64_t args[5], uint64_t status, uint64_t x1,
			uint64_t x2)
{
	struct smc_regs r = smc_args(fid, args, 5);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1], x1) || !CHECK_EQ(r.x[2], x2) ||
	    !CHECK_EQ(r.x[3], 0)) {
		note("%lx(%lx, %lx, %lx, %lx)", fid, args[0], args[1], args[2], args[3]);
	}
}

#define expect(fid, status, x1, x2, ...) expect_call((fid), ARGS(__VA_ARGS__), (status), (x1), (x2))

/* The levels, addresses and alignments that no table of places.realm can have. */
static void bad_tables(const struct bad_addresses *places, uint64_t fid, bool create)
{
	static const struct {
		uint64_t ipa;
		int64_t level;
	} bad[] = {
		{0, 0},
		{0, -1},
		{0, -2},
		{0, 4},
		{0, INT64_MAX},
		{0, INT64_MIN},
		{0, 1L << 32 | 3},
		{0, 0x103},
		{PAGE_SIZE, 3},
		{1, 3},
		{MIB(1), 3},
		{MIB(2), 2},
		{GIB(1) + 1, 2},
		{GIB(1), 1},
		{END, 3},
		{END, 1},
		{1UL << 48, 3},
		{1UL << 63, 1},
		{UINT64_MAX & ~(MIB(2) - 1), 3},
	};
	uint64_t rtt = places->at[BAD_DELEGATED];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (create) {
			expect_refused(fid, RMI_ERROR_INPUT, places->realm->rd, rtt, bad[i].ipa,
				       (uint64_t)bad[i].level);
		} else {
			expect_refused(fid, RMI_ERROR_INPUT, places->realm->rd, bad[i].ipa,
				       (uint64_t)bad[i].level);
		}
	}
}

TEST(rtt_create_input, "RMI_RTT_CREATE rd_align, rd_bound, rd_state, rtt_align, rtt_bound, "
		       "rtt_state, rtt_bound2, level_bound, ipa_align, ipa_bound")
{
	struct bad_addresses places = bad_addresses_make();
	const uint64_t *args = ARGS(places.realm->rd, places.at[BAD_DELEGATED], GIB(1), 2);

	bad_addresses_refused(&places, RMI_RTT_CREATE_FID, args, 1, BAD_RD);
	bad_addresses_refused(&places, RMI_RTT_CREATE_FID, args, 2, BAD_DELEGATED);
	bad_tables(&places, RMI_RTT_CREATE_FID, true);
	expect_entry(places.realm, GIB(1), 1, (struct entry){1, RMI_UNASSIGNED, 0, 0});
	CHECK_EQ(rmi_granule_undelegate(places.at[BAD_DELEGATED]), RMI_SUCCESS);
}

TEST(rtt_create_walk, "RMI_RTT_CREATE rtt_walk, rtte_state: level where the walk stopped; the "
		      "parent leads to the new table")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t rtt = granule_take();

	expect_refused(RMI_RTT_CREATE_FID, RTT(1), rd, rtt, GIB(1), 3);
	expect_refused(RMI_RTT_CREATE_FID, RTT(0), rd, rtt, NS, 2);
	expect_refused(RMI_RTT_CREATE_FID, RTT(0), rd, rtt, NS, 3);
	expect_refused(RMI_RTT_CREATE_FID, RTT(0), rd, rtt, 0, 1);
	expect_refused(RMI_RTT_CREATE_FID, RTT(1), rd, rtt, 0, 2);
	expect_refused(RMI_RTT_CREATE_FID, RTT(2), rd, rtt, 0, 3);
	REQUIRE_EQ(smc_call(RMI_RTT_CREATE_FID, rd, rtt, GIB(1), 2).x[0], RMI_SUCCESS);
	expect_entry(places.realm, GIB(1), 1, (struct entry){1, RMI_TABLE, rtt, 0});
	CHECK_EQ(rmi_granule_undelegate(rtt), RMI_ERROR_INPUT);
}

TEST(rtt_create_order, "RMI_RTT_CREATE: rd_state and level_bound, ipa_bound come before rtt_walk "
		       "and rtte_state")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t rtt = places.at[BAD_DELEGATED];

	expect_refused(RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, places.at[BAD_DELEGATED], rtt, GIB(1),
		       3);
	expect_refused(RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, places.at[BAD_DEVICE], rtt, 0, 3);
	expect_refused(RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, rd, rtt, GIB(1), 4);
	expect_refused(RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, rd, rtt, 0, 0);
	expect_refused(RMI_RTT_CREATE_FID, RMI_ERROR_INPUT, rd, rtt, END + GIB(1), 3);
}

TEST(rtt_destroy_input, "RMI_RTT_DESTROY rd_align, rd_bound, rd_state, level_bound, ipa_align, "
			"ipa_bound: top is 0")
{
	struct bad_addresses places = bad_addresses_make();

	bad_addresses_refused(&places, RMI_RTT_DESTROY_FID, ARGS(places.realm->rd, GIB(1), 2), 1,
			      BAD_RD);
	bad_tables(&places, RMI_RTT_DESTROY_FID, false);
}

TEST(rtt_destroy_walk, "RMI_RTT_DESTROY rtt_walk, rtte_state, rtt_live: top is the next live "
		       "address, or ipa")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	uint64_t rd = realm->rd;

	expect(RMI_RTT_DESTROY_FID, RTT(1), 0, NS, rd, GIB(1), 3);
	expect(RMI_RTT_DESTROY_FID, RTT(1), 0, NS, rd, GIB(1), 2);
	realm_make_tables(realm, GIB(3), 1, 2);
	expect(RMI_RTT_DESTROY_FID, RTT(1), 0, GIB(3), rd, GIB(1), 3);
	/* The end of a table, not of the addresses that its realm has. */
	expect(RMI_RTT_DESTROY_FID, RTT(0), 0, 1UL << 48, rd, NS, 1);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, GIB(1), rd, MIB(2), 3);
	realm_make_tables(realm, MIB(8), 2, 3);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, MIB(8), rd, MIB(2), 3);
	expect(RMI_RTT_DESTROY_FID, RTT(3), 0, 0, rd, 0, 3);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, 0, rd, 0, 2);
	expect(RMI_RTT_DESTROY_FID, RTT(1), 0, 0, rd, 0, 1);
	expect_entry(realm, 0, 3, (struct entry){3, RMI_ASSIGNED, places.at[BAD_DATA], 0});
}

TEST(rtt_destroy_block, "RMI_RTT_DESTROY rtte_state: a block of data, a block of normal memory; "
			"top is ipa")
{
	struct realm *realm = realm_wide();

	realm_make_block(realm, MIB(2));
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, MIB(2), realm->rd, MIB(2), 3);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, MIB(2), realm->rd, 0, 3);
	realm_make_tables(realm, NS, 0, 2);
	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, NS + MIB(4), 2,
			    ns_desc(MIB(1024), RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ))
			   .x[0],
		   RMI_SUCCESS);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, NS + MIB(4), realm->rd, NS + MIB(4), 3);
	expect(RMI_RTT_DESTROY_FID, RTT(2), 0, NS + MIB(4), realm->rd, NS, 3);
}

TEST(rtt_destroy_good, "RMI_RTT_DESTROY: the table's address and the next live one; the entry "
		       "becomes DESTROYED, or UNASSIGNED_NS")
{
	struct realm *realm = realm_wide();
	uint64_t rd = realm->rd;
	uint64_t first, second;

	realm_make_tables(realm, 0, 0, 3);
	realm_make_tables(realm, MIB(8), 2, 3);
	first = rtt_read(realm, 0, 2).desc;
	second = rtt_read(realm, MIB(8), 2).desc;
	expect(RMI_RTT_DESTROY_FID, RMI_SUCCESS, first, MIB(8), rd, 0, 3);
	granule_give(first);
	expect_entry(realm, 0, 3, (struct entry){2, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED});
	expect(RMI_RTT_DESTROY_FID, RMI_SUCCESS, second, GIB(1), rd, MIB(8), 3);
	granule_give(second);
	realm_make_tables(realm, NS, 0, 3);
	realm_map_page(realm, NS, MIB(1024));
	first = rtt_read(realm, NS, 2).desc;
	expect(RMI_RTT_DESTROY_FID, RMI_SUCCESS, first, NS + GIB(1), rd, NS, 3);
	granule_give(first);
	expect_entry(realm, NS, 3, (struct entry){2, RMI_UNASSIGNED, 0, 0});
}

TEST(rtt_destroy_order,
     "RMI_RTT_DESTROY: rd_state and level_bound, ipa_bound come before rtt_walk, "
     "rtte_state and rtt_live")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;

	expect_refused(RMI_RTT_DESTROY_FID, RMI_ERROR_INPUT, places.at[BAD_DELEGATED], 0, 3);
	expect_refused(RMI_RTT_DESTROY_FID, RMI_ERROR_INPUT, places.at[BAD_DEVICE], GIB(1), 3);
	expect_refused(RMI_RTT_DESTROY_FID, RMI_ERROR_INPUT, rd, GIB(1), 4);
	expect_refused(RMI_RTT_DESTROY_FID, RMI_ERROR_INPUT, rd, 0, 0);
	expect_refused(RMI_RTT_DESTROY_FID, RMI_ERROR_INPUT, rd, END + GIB(1), 3);
}

TEST(rtt_fold_input,
     "RMI_RTT_FOLD rd_align, rd_bound, rd_state, level_bound, ipa_align, ipa_bound; "
     "they come before rtt_walk and rtte_state")
{
	struct bad_addresses places = bad_addresses_make();

	bad_addresses_refused(&places, RMI_RTT_FOLD_FID, ARGS(places.realm->rd, 0, 3), 1, BAD_RD);
	bad_addresses_refused(&places, RMI_RTT_FOLD_FID, ARGS(places.realm->rd, NS, 3), 1, BAD_RD);
	bad_tables(&places, RMI_RTT_FOLD_FID, false);
	expect_refused(RMI_RTT_FOLD_FID, RMI_ERROR_INPUT, places.realm->rd, NS, 4);
	expect_refused(RMI_RTT_FOLD_FID, RMI_ERROR_INPUT, places.realm->rd, MIB(2), 0);
}

TEST(rtt_fold_walk, "RMI_RTT_FOLD rtt_walk, rtte_state: nothing there, UNASSIGNED, a block")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;

	expect_refused(RMI_RTT_FOLD_FID, RTT(0), rd, NS, 3);
	expect_refused(RMI_RTT_FOLD_FID, RTT(0), rd, NS, 1);
	expect_refused(RMI_RTT_FOLD_FID, RTT(1), rd, GIB(1), 3);
	expect_refused(RMI_RTT_FOLD_FID, RTT(2), rd, MIB(2), 3);
	realm_make_block(places.realm, MIB(4));
	expect_refused(RMI_RTT_FOLD_FID, RTT(2), rd, MIB(4), 3);
}

/* The table at ipa does not fold, and stays as it is. */
static void not_homogeneous(struct realm *realm, uint64_t ipa)
{
	struct entry table = rtt_read(realm, ipa, 2);
	struct entry first = rtt_read(realm, ipa, 3);

	expect_refused(RMI_RTT_FOLD_FID, RTT(3), realm->rd, ipa, 3);
	expect_entry(realm, ipa, 2, table);
	expect_entry(realm, ipa, 3, first);
}

TEST(rtt_fold_homo,
     "RMI_RTT_FOLD rtt_homo: one page, mixed RIPAS, a table below, one page missing, "
     "not in a row, not aligned")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	uint64_t run = page_alloc_run(513, 512);

	not_homogeneous(realm, 0);
	expect_refused(RMI_RTT_FOLD_FID, RTT(2), realm->rd, 0, 2);
	expect_refused(RMI_RTT_FOLD_FID, RTT(1), realm->rd, 0, 1);
	realm_init_ripas(realm, MIB(2) + PAGE_SIZE, MIB(4));
	not_homogeneous(realm, MIB(2));
	realm_make_tables(realm, MIB(6), 2, 3);
	for (unsigned i = 0; i < 511; i++) {
		REQUIRE_EQ(rmi_granule_delegate(run + (i + 1) * PAGE_SIZE), RMI_SUCCESS);
		REQUIRE_EQ(smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd,
				    run + (i + 1) * PAGE_SIZE, MIB(6) + i * PAGE_SIZE)
				   .x[0],
			   RMI_SUCCESS);
	}
	not_homogeneous(realm, MIB(6));
	REQUIRE_EQ(rmi_granule_delegate(run + 512 * PAGE_SIZE), RMI_SUCCESS);
	REQUIRE_EQ(smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, run + 512 * PAGE_SIZE,
			    MIB(8) - PAGE_SIZE)
			   .x[0],
		   RMI_SUCCESS);
	not_homogeneous(realm, MIB(6));
}

TEST(rtt_fold_row,
     "RMI_RTT_FOLD rtt_homo: 512 pages of which two have changed places, and of which "
     "one has another RIPAS")
{
	struct realm *realm = realm_wide();
	uint64_t run = realm_make_block(realm, MIB(2));
	struct smc_regs a, b;

	realm_make_tables(realm, MIB(2), 2, 3);
	a = smc_call(RMI_DATA_DESTROY_FID, realm->rd, MIB(2) + 5 * PAGE_SIZE);
	b = smc_call(RMI_DATA_DESTROY_FID, realm->rd, MIB(2) + 6 * PAGE_SIZE);
	CHECK_EQ(a.x[1], run + 5 * PAGE_SIZE);
	CHECK_EQ(b.x[1], run + 6 * PAGE_SIZE);
	smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, a.x[1], MIB(2) + 6 * PAGE_SIZE);
	smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, b.x[1], MIB(2) + 5 * PAGE_SIZE);
	not_homogeneous(realm, MIB(2));
	smc_call(RMI_DATA_DESTROY_FID, realm->rd, MIB(2) + 5 * PAGE_SIZE);
	smc_call(RMI_DATA_DESTROY_FID, realm->rd, MIB(2) + 6 * PAGE_SIZE);
	REQUIRE_EQ(smc_call(RMI_RTT_INIT_RIPAS_FID, realm->rd, MIB(2) + 6 * PAGE_SIZE,
			    MIB(2) + 7 * PAGE_SIZE)
			   .x[0],
		   RMI_SUCCESS);
	smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, a.x[1], MIB(2) + 5 * PAGE_SIZE);
	smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, b.x[1], MIB(2) + 6 * PAGE_SIZE);
	expect_entry(realm, MIB(2) + 6 * PAGE_SIZE, 3,
		     (struct entry){3, RMI_ASSIGNED, b.x[1], RMI_RIPAS_RAM});
	not_homogeneous(realm, MIB(2));
}

/* Maps 512 pages of normal memory in a row, but for page 7, which gets its own descriptor. */
static void map_512(struct realm *realm, uint64_t ipa, uint64_t pa, uint64_t seventh)
{
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t desc = ns_desc(pa + i * PAGE_SIZE, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ);

		REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, ipa + i * PAGE_SIZE, 3,
				    i == 7 && seventh ? seventh : desc)
				   .x[0],
			   RMI_SUCCESS);
	}
}

TEST(rtt_fold_ns_homo, "RMI_RTT_FOLD rtt_homo: normal memory with other attributes, other rights, "
		       "not in a row, not aligned")
{
	struct realm *realm = realm_wide();
	uint64_t pa = GIB(1);
	uint64_t page_7 = pa + 7 * PAGE_SIZE;
	uint64_t odd[] = {ns_desc(page_7, RMI_MEMATTR_NORMAL_NC, RMI_S2AP_READ),
			  ns_desc(page_7, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_WRITE),
			  ns_desc(pa, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ)};
	uint64_t ipa = NS + MIB(16);

	realm_make_tables(realm, NS, 0, 2);
	for (unsigned i = 0; i < 3; i++) {
		realm_make_tables(realm, NS + i * MIB(2), 2, 3);
		map_512(realm, NS + i * MIB(2), pa, odd[i]);
		not_homogeneous(realm, NS + i * MIB(2));
	}
	realm_make_tables(realm, ipa, 2, 3);
	map_512(realm, ipa, pa + PAGE_SIZE, 0);
	not_homogeneous(realm, ipa);
	realm_make_tables(realm, ipa + MIB(2), 2, 3);
	map_512(realm, ipa + MIB(2), pa, 0);
	CHECK_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, ipa + MIB(2), 3).x[0],
		 RMI_SUCCESS);
	not_homogeneous(realm, ipa + MIB(2));
}

TEST(rtt_fold_level_1, "RMI_RTT_FOLD rtt_homo: a uniform table of 1 GiB blocks does not fold into "
		       "level 0; one of nothing does")
{
	struct realm *realm = realm_wide();
	uint64_t table;

	realm_make_tables(realm, NS, 0, 1);
	for (uint64_t i = 0; i < 512; i++) {
		REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, NS + GIB(i), 1,
				    ns_desc(GIB(512 + i), RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ))
				   .x[0],
			   RMI_SUCCESS);
	}
	expect_refused(RMI_RTT_FOLD_FID, RTT(1), realm->rd, NS, 1);
	realm_make_tables(realm, 0, 0, 1);
	table = rtt_read(realm, 0, 0).desc;
	expect(RMI_RTT_FOLD_FID, RMI_SUCCESS, table, 0, realm->rd, 0, 1);
	granule_give(table);
	expect_entry(realm, 0, 0, (struct entry){0, RMI_UNASSIGNED, 0, 0});
	realm_destroy(realm);
}

TEST(rtt_read_input, "RMI_RTT_READ_ENTRY rd_align, rd_bound, rd_state, level_bound, ipa_align, "
		     "ipa_bound: x1 to x4 are 0")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	static const int64_t levels[] = {-1, -2, 4, 5, 0x103, 1L << 32, INT64_MAX, INT64_MIN};

	bad_addresses_refused(&places, RMI_RTT_READ_ENTRY_FID, ARGS(rd, 0, 3, 0x55), 1, BAD_RD);
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, 0, (uint64_t)levels[i],
			       0x55);
	}
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, 1, 3, 0x55);
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, PAGE_SIZE, 2, 0x55);
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, MIB(2), 1, 0x55);
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, GIB(1), 0, 0x55);
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, END, 3, 0x55);
	expect_refused(RMI_RTT_READ_ENTRY_FID, RMI_ERROR_INPUT, rd, 1UL << 63, 0, 0x55);
}

TEST(rtt_read_levels, "RMI_RTT_READ_ENTRY: every level, both halves; the level that was reached; "
		      "attributes as mapped")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	uint64_t desc = ns_desc(GIB(1), RMI_MEMATTR_NORMAL_NC, RMI_S2AP_WRITE);

	for (int64_t level = 0; level < 3; level++) {
		struct entry entry = rtt_read(realm, 0, level);

		CHECK_EQ(entry.level, level);
		CHECK_EQ(entry.state, RMI_TABLE);
		CHECK_EQ(entry.desc & (PAGE_SIZE - 1), 0);
		CHECK_EQ(entry.ripas, 0);
	}
	expect_entry(realm, 0, 3, (struct entry){3, RMI_ASSIGNED, places.at[BAD_DATA], 0});
	expect_entry(realm, PAGE_SIZE, 3, empty_3);
	expect_entry(realm, MIB(2), 3, (struct entry){2, RMI_UNASSIGNED, 0, 0});
	expect_entry(realm, GIB(1), 3, (struct entry){1, RMI_UNASSIGNED, 0, 0});
	expect_entry(realm, NS, 3, (struct entry){0, RMI_UNASSIGNED, 0, 0});
	realm_init_ripas(realm, MIB(2), MIB(4));
	expect_entry(realm, MIB(2), 3, (struct entry){2, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
	realm_make_tables(realm, NS, 0, 3);
	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, NS, 3, desc).x[0], RMI_SUCCESS);
	expect_entry(realm, NS, 3, (struct entry){3, RMI_ASSIGNED, desc, 0});
}

TEST(translation_table, "translation table: 2 MiB behind the last table the walk ends at level 2, "
			"4 KiB behind the page at level 3")
{
	struct realm *realm = realm_wide();

	REQUIRE(realm_data_unknown(realm, MIB(64)));
	expect_entry(realm, MIB(66), 3, (struct entry){2, RMI_UNASSIGNED, 0, 0});
	expect_entry(realm, MIB(64) + PAGE_SIZE, 3, empty_3);
}
