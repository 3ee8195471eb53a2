// SPDX-License-Identifier: BSD-3-Clause
/* RMI_DATA_CREATE, CREATE_UNKNOWN, DESTROY, RMI_RTT_INIT_RIPAS, MAP and UNMAP_UNPROTECTED. */
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)
#define NS     GIB(512) /* the unprotected half of realm_wide() */
#define END    GIB(1024)

#define RTT(level) rmi_status_rtt(level)
#define FREE_IPA   (8 * PAGE_SIZE) /* of places.realm: its table is there, no page */
#define FREE_TOP   (FREE_IPA + PAGE_SIZE)

static const struct entry empty_3 = {3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY};

TEST(data_create_input, "RMI_DATA_CREATE src_align, src_bound, src_pas, data_align, data_bound, "
			"data_state, data_bound2, rd_align, rd_bound, rd_state")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t data = places.at[BAD_DELEGATED];
	const uint64_t *args =
		ARGS(places.realm->rd, data, FREE_IPA, places.at[BAD_UNDELEGATED], 1);

	bad_addresses_refused(&places, RMI_DATA_CREATE_FID, args, 1, BAD_RD);
	bad_addresses_refused(&places, RMI_DATA_CREATE_FID, args, 2, BAD_DELEGATED);
	bad_addresses_refused(&places, RMI_DATA_CREATE_FID, args, 4, BAD_UNDELEGATED);
	expect_entry(places.realm, FREE_IPA, 3, empty_3);
	CHECK_EQ(rmi_granule_undelegate(data), RMI_SUCCESS);
	CHECK(page_is(data, 0));
}

static const uint64_t bad_data_ipas[] = {
	FREE_IPA + 1, FREE_IPA + 0x800, NS,        END - PAGE_SIZE,
	END,          1UL << 48,        1UL << 63, UINT64_MAX - PAGE_SIZE + 1,
};
#define BAD_DATA_IPAS (sizeof(bad_data_ipas) / sizeof(bad_data_ipas[0]))

TEST(data_create_ipa, "RMI_DATA_CREATE ipa_align, ipa_bound: unaligned, unprotected with and "
		      "without tables, outside")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t src = places.at[BAD_UNDELEGATED];

	for (unsigned i = 0; i < BAD_DATA_IPAS; i++) {
		expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, places.realm->rd,
			       places.at[BAD_DELEGATED], bad_data_ipas[i], src, 1);
	}
	realm_make_tables(places.realm, NS, 0, 3);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, places.realm->rd,
		       places.at[BAD_DELEGATED], NS, src, 1);
	realm_map_page(places.realm, NS, src);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, places.realm->rd,
		       places.at[BAD_DELEGATED], NS, src, 1);
}

TEST(data_create_walk, "RMI_DATA_CREATE rtt_walk, rtte_state: no table, a page, a block")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t data = places.at[BAD_DELEGATED];
	uint64_t src = places.at[BAD_UNDELEGATED];

	expect_refused(RMI_DATA_CREATE_FID, RTT(2), rd, data, MIB(2), src, 1);
	expect_refused(RMI_DATA_CREATE_FID, RTT(1), rd, data, GIB(1), src, 1);
	expect_refused(RMI_DATA_CREATE_FID, RTT(3), rd, data, 0, src, 1);
	realm_make_block(places.realm, MIB(4));
	expect_refused(RMI_DATA_CREATE_FID, RTT(2), rd, data, MIB(4), src, 1);
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RTT(2), rd, data, MIB(4));
	CHECK_EQ(rmi_granule_undelegate(data), RMI_SUCCESS);
	CHECK(page_is(data, 0));
}

TEST(data_create_state, "RMI_DATA_CREATE realm_state: ACTIVE and SYSTEM_OFF realms; rd_state comes "
			"before it")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off = agent_realm_off();
	uint64_t data = places.at[BAD_DELEGATED];
	uint64_t src = places.at[BAD_UNDELEGATED];

	realm_activate(places.realm);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_REALM, places.realm->rd, data, FREE_IPA, src,
		       1);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_REALM, off->rd, data, REALM_RAM_TOP, src, 1);
	expect_refused(RMI_DATA_CREATE_FID, RMI_ERROR_INPUT, places.at[BAD_REC], data, FREE_IPA,
		       src, 1);
	expect_entry(places.realm, FREE_IPA, 3, empty_3);
}

TEST(data_create_good,
     "RMI_DATA_CREATE: the entry is ASSIGNED, its RIPAS RAM whatever it was, with "
     "and without measuring")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	uint64_t data[3] = {granule_take(), granule_take(), granule_take()};

	realm_init_ripas(realm, FREE_IPA, FREE_TOP);
	REQUIRE_EQ(smc_call(RMI_DATA_DESTROY_FID, realm->rd, 0).x[0], RMI_SUCCESS);
	granule_give(places.at[BAD_DATA]);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t ipa = FREE_IPA + i * PAGE_SIZE;

		REQUIRE_EQ(smc_call(RMI_DATA_CREATE_FID, realm->rd, data[i], ipa,
				    places.at[BAD_UNDELEGATED], i & 1)
				   .x[0],
			   RMI_SUCCESS);
		expect_entry(realm, ipa, 3,
			     (struct entry){3, RMI_ASSIGNED, data[i], RMI_RIPAS_RAM});
		CHECK_EQ(rmi_granule_undelegate(data[i]), RMI_ERROR_INPUT);
	}
}

TEST(data_unknown_input, "RMI_DATA_CREATE_UNKNOWN data_align, data_bound, data_state, data_bound2, "
			 "rd_align, rd_bound, rd_state, ipa_align, ipa_bound")
{
	struct bad_addresses places = bad_addresses_make();
	const uint64_t *args = ARGS(places.realm->rd, places.at[BAD_DELEGATED], FREE_IPA);

	bad_addresses_refused(&places, RMI_DATA_CREATE_UNKNOWN_FID, args, 1, BAD_RD);
	bad_addresses_refused(&places, RMI_DATA_CREATE_UNKNOWN_FID, args, 2, BAD_DELEGATED);
	for (unsigned i = 0; i < BAD_DATA_IPAS; i++) {
		expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RMI_ERROR_INPUT, places.realm->rd,
			       places.at[BAD_DELEGATED], bad_data_ipas[i]);
	}
	expect_entry(places.realm, FREE_IPA, 3, empty_3);
}

TEST(data_unknown_walk, "RMI_DATA_CREATE_UNKNOWN rtt_walk, rtte_state")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t data = places.at[BAD_DELEGATED];

	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RTT(2), rd, data, MIB(2));
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RTT(1), rd, data, GIB(1));
	expect_refused(RMI_DATA_CREATE_UNKNOWN_FID, RTT(3), rd, data, 0);
	CHECK_EQ(rmi_granule_undelegate(data), RMI_SUCCESS);
}

/* A page comes and goes at an entry with this RIPAS. */
static void unknown_round(struct realm *realm, uint64_t ipa, uint64_t before, uint64_t after)
{
	uint64_t data = granule_take();
	struct smc_regs r;

	expect_entry(realm, ipa, 3, (struct entry){3, RMI_UNASSIGNED, 0, before});
	REQUIRE_EQ(smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, data, ipa).x[0], RMI_SUCCESS);
	expect_entry(realm, ipa, 3, (struct entry){3, RMI_ASSIGNED, data, before});
	r = smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[1], data);
	expect_entry(realm, ipa, 3, (struct entry){3, RMI_UNASSIGNED, 0, after});
	granule_give(data);
}

static void unknown_rounds(struct realm *realm, uint64_t ipa)
{
	unknown_round(realm, ipa, RMI_RIPAS_RAM, RMI_RIPAS_DESTROYED);
	unknown_round(realm, ipa, RMI_RIPAS_DESTROYED, RMI_RIPAS_DESTROYED);
	unknown_round(realm, ipa + PAGE_SIZE, RMI_RIPAS_EMPTY, RMI_RIPAS_EMPTY);
}

TEST(data_unknown_good, "RMI_DATA_CREATE_UNKNOWN and DATA_DESTROY: EMPTY, RAM, DESTROYED, in NEW, "
			"ACTIVE and SYSTEM_OFF realms")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off;

	realm_init_ripas(places.realm, FREE_IPA, FREE_TOP);
	realm_init_ripas(places.realm, FREE_IPA + 4 * PAGE_SIZE, FREE_TOP + 4 * PAGE_SIZE);
	unknown_rounds(places.realm, FREE_IPA);
	realm_activate(places.realm);
	unknown_rounds(places.realm, FREE_IPA + 4 * PAGE_SIZE);
	off = agent_realm_off();
	realm_make_tables(off, REALM_RAM_TOP, 2, 3);
	unknown_round(off, REALM_RAM_TOP - PAGE_SIZE, RMI_RIPAS_RAM, RMI_RIPAS_DESTROYED);
	unknown_round(off, REALM_RAM_TOP, RMI_RIPAS_EMPTY, RMI_RIPAS_EMPTY);
}

TEST(data_destroy_input, "RMI_DATA_DESTROY rd_align, rd_bound, rd_state, ipa_align, ipa_bound: top "
			 "is 0, also where tables are missing")
{
	struct bad_addresses places = bad_addresses_make();

	bad_addresses_refused(&places, RMI_DATA_DESTROY_FID, ARGS(places.realm->rd, 0), 1, BAD_RD);
	for (unsigned i = 0; i < BAD_DATA_IPAS; i++) {
		expect_refused(RMI_DATA_DESTROY_FID, RMI_ERROR_INPUT, places.realm->rd,
			       bad_data_ipas[i]);
	}
	realm_map_page(places.realm, NS, places.at[BAD_UNDELEGATED]);
	expect_refused(RMI_DATA_DESTROY_FID, RMI_ERROR_INPUT, places.realm->rd, NS);
	expect_entry(places.realm, 0, 3, (struct entry){3, RMI_ASSIGNED, places.at[BAD_DATA], 0});
}

static void expect_destroy(const struct realm *realm, uint64_t ipa, uint64_t status, uint64_t data,
			   uint64_t top)
{
	struct smc_regs r = smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1], data) || !CHECK_EQ(r.x[2], top) ||
	    !CHECK_EQ(r.x[3], 0)) {
		note("RMI_DATA_DESTROY of %lx", ipa);
	}
}

TEST(data_destroy_top, "RMI_DATA_DESTROY rtt_walk, rtte_state and success: top is the next live "
		       "address, or ipa in a block")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	uint64_t run;

	REQUIRE(realm_data_unknown(realm, 0x7000));
	expect_destroy(realm, PAGE_SIZE, RTT(3), 0, 0x7000);
	expect_destroy(realm, 0x8000, RTT(3), 0, MIB(2));
	expect_destroy(realm, MIB(2), RTT(2), 0, GIB(1));
	run = realm_make_block(realm, MIB(6));
	expect_destroy(realm, MIB(2), RTT(2), 0, MIB(6));
	expect_destroy(realm, MIB(6), RTT(2), 0, MIB(6));
	expect_destroy(realm, MIB(6) + PAGE_SIZE, RTT(2), 0, MIB(6) + PAGE_SIZE);
	expect_destroy(realm, GIB(1), RTT(1), 0, NS);
	expect_destroy(realm, 0, RMI_SUCCESS, places.at[BAD_DATA], 0x7000);
	granule_give(places.at[BAD_DATA]);
	expect_destroy(realm, 0, RTT(3), 0, 0x7000);
	realm_make_tables(realm, MIB(6), 2, 3);
	expect_destroy(realm, MIB(6), RMI_SUCCESS, run, MIB(6) + PAGE_SIZE);
	granule_give(run);
	expect_destroy(realm, MIB(8) - PAGE_SIZE, RMI_SUCCESS, run + MIB(2) - PAGE_SIZE, MIB(8));
	granule_give(run + MIB(2) - PAGE_SIZE);
}

static void expect_init(const struct realm *realm, uint64_t base, uint64_t top, uint64_t status,
			uint64_t out_top)
{
	struct smc_regs r = smc_call(RMI_RTT_INIT_RIPAS_FID, realm->rd, base, top);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1], out_top)) {
		note("RMI_RTT_INIT_RIPAS from %lx to %lx", base, top);
	}
}

TEST(init_ripas_input, "RMI_RTT_INIT_RIPAS rd_align, rd_bound, rd_state, size_valid, top_bound, "
		       "top_gran_align")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;

	bad_addresses_refused(&places, RMI_RTT_INIT_RIPAS_FID, ARGS(realm->rd, FREE_IPA, FREE_TOP),
			      1, BAD_RD);
	expect_init(realm, FREE_IPA, FREE_IPA, RMI_ERROR_INPUT, 0);
	expect_init(realm, FREE_TOP, FREE_IPA, RMI_ERROR_INPUT, 0);
	expect_init(realm, FREE_IPA, 0, RMI_ERROR_INPUT, 0);
	expect_init(realm, NS, NS + PAGE_SIZE, RMI_ERROR_INPUT, 0);
	expect_init(realm, GIB(511), NS + PAGE_SIZE, RMI_ERROR_INPUT, 0);
	expect_init(realm, END, END + PAGE_SIZE, RMI_ERROR_INPUT, 0);
	expect_init(realm, 0, UINT64_MAX, RMI_ERROR_INPUT, 0);
	expect_init(realm, FREE_IPA, FREE_IPA + 0x800, RMI_ERROR_INPUT, 0);
	expect_init(realm, 0, 0x800, RMI_ERROR_INPUT, 0);
	expect_init(realm, MIB(2), MIB(2) + 0x1800, RMI_ERROR_INPUT, 0);
	expect_entry(realm, FREE_IPA, 3, empty_3);
	expect_entry(realm, MIB(2), 3, (struct entry){2, RMI_UNASSIGNED, 0, 0});
}

TEST(init_ripas_rtt, "RMI_RTT_INIT_RIPAS base_align, rtte_state, no_progress: RTT with the level "
		     "reached")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;

	expect_init(realm, MIB(2) + PAGE_SIZE, MIB(4), RTT(2), 0);
	expect_init(realm, GIB(1) + MIB(2), GIB(2), RTT(1), 0);
	expect_init(realm, 0, PAGE_SIZE, RTT(3), 0);
	expect_init(realm, MIB(2), MIB(2) + PAGE_SIZE, RTT(2), 0);
	expect_init(realm, GIB(1), GIB(1) + MIB(2), RTT(1), 0);
	expect_entry(realm, 0, 3, (struct entry){3, RMI_ASSIGNED, places.at[BAD_DATA], 0});
	expect_entry(realm, MIB(2), 3, (struct entry){2, RMI_UNASSIGNED, 0, 0});
}

TEST(init_ripas_state, "RMI_RTT_INIT_RIPAS realm_state: ACTIVE and SYSTEM_OFF realms; a destroyed "
		       "one is INPUT")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off = agent_realm_off();
	uint64_t rd = off->rd;

	realm_activate(places.realm);
	expect_init(places.realm, FREE_IPA, FREE_TOP, RMI_ERROR_REALM, 0);
	expect_init(off, REALM_RAM_TOP, REALM_RAM_TOP + MIB(2), RMI_ERROR_REALM, 0);
	realm_destroy(off);
	expect_refused(RMI_RTT_INIT_RIPAS_FID, RMI_ERROR_INPUT, rd, FREE_IPA, FREE_TOP);
	expect_entry(places.realm, FREE_IPA, 3, empty_3);
}

TEST(init_ripas_good,
     "RMI_RTT_INIT_RIPAS: out_top is top, the end of the table, or where a table or "
     "a page is in the way; again is fine")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;
	struct smc_regs r;

	expect_init(realm, FREE_IPA, FREE_TOP, RMI_SUCCESS, FREE_TOP);
	expect_init(realm, FREE_IPA, FREE_TOP, RMI_SUCCESS, FREE_TOP);
	expect_entry(realm, FREE_IPA, 3, (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
	expect_init(realm, MIB(2) - PAGE_SIZE, MIB(6), RMI_SUCCESS, MIB(2));
	expect_init(realm, MIB(2), MIB(6), RMI_SUCCESS, MIB(6));
	expect_entry(realm, MIB(4), 2, (struct entry){2, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
	expect_init(realm, MIB(6), MIB(8) + PAGE_SIZE, RMI_SUCCESS, MIB(8));
	realm_make_tables(realm, MIB(16), 2, 3);
	expect_init(realm, MIB(8), MIB(32), RMI_SUCCESS, MIB(16));
	REQUIRE(realm_data_unknown(realm, FREE_IPA + 8 * PAGE_SIZE));
	expect_init(realm, FREE_TOP, MIB(2), RMI_SUCCESS, FREE_IPA + 8 * PAGE_SIZE);
	r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, MIB(16), 3);
	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	granule_give(r.x[1]);
	expect_entry(realm, MIB(16), 2, (struct entry){2, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED});
	expect_init(realm, MIB(16), MIB(18), RMI_SUCCESS, MIB(18));
	expect_init(realm, GIB(511), NS, RMI_SUCCESS, NS);
}

TEST(map_ns_input, "RMI_RTT_MAP_UNPROTECTED rd_align, rd_bound, rd_state, level_bound, ipa_align, "
		   "ipa_bound, addr_align, addr_bound")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t page = ns_desc(GIB(1) + PAGE_SIZE, RMI_MEMATTR_NORMAL_WB, 3);
	uint64_t gib = ns_desc(GIB(1), RMI_MEMATTR_NORMAL_WB, 3);
	const struct {
		uint64_t ipa;
		int64_t level;
		uint64_t desc;
	} bad[] = {
		{NS, 0, gib},
		{NS, -1, gib},
		{NS, 4, page},
		{NS, 0x103, page},
		{NS, INT64_MIN, gib},
		{NS + 1, 3, page},
		{NS + PAGE_SIZE, 2, gib},
		{NS + MIB(2), 1, gib},
		{0, 3, page},
		{NS - PAGE_SIZE, 3, page},
		{END, 3, page},
		{1UL << 63, 3, page},
		{NS, 2, page},
		{NS, 1, gib | MIB(2)},
		{NS, 3, gib | 1UL << 48},
		{NS, 1, gib | 1UL << 49},
	};

	realm_make_tables(places.realm, NS, 0, 3);
	bad_addresses_refused(&places, RMI_RTT_MAP_UNPROTECTED_FID, ARGS(rd, NS, 3, page), 1,
			      BAD_RD);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, rd, bad[i].ipa,
			       (uint64_t)bad[i].level, bad[i].desc);
	}
	expect_entry(places.realm, NS, 3, (struct entry){3, RMI_UNASSIGNED, 0, 0});
}

TEST(map_ns_attr,
     "RMI_RTT_MAP_UNPROTECTED attr_valid: each bit that is not the host's, the reserved "
     "MemAttr, DBM and contiguous")
{
	struct realm *realm = realm_wide();
	uint64_t good = ns_desc(GIB(1), RMI_MEMATTR_NORMAL_WB, 3);

	realm_make_tables(realm, NS, 0, 3);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (bit == 5 || bit < 2 || (bit >= 8 && bit < 12) || bit >= 48) {
			expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, realm->rd, NS,
				       3, good | 1UL << bit);
		}
	}
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, realm->rd, NS, 3,
		       ns_desc(GIB(1), 4, 3));
	expect_entry(realm, NS, 3, (struct entry){3, RMI_UNASSIGNED, 0, 0});
}

TEST(map_ns_good, "RMI_RTT_MAP_UNPROTECTED and UNMAP_UNPROTECTED: every attribute and right, "
		  "write-only too, at levels 1, 2 and 3")
{
	struct realm *realm = realm_wide();
	static const uint8_t attrs[] = {0, 1, 2, 3, 5, 6, 7};

	realm_make_tables(realm, NS, 0, 3);
	for (int level = 1; level <= 3; level++) {
		uint64_t ipa = NS + (level == 1 ? GIB(1) : level == 2 ? MIB(2) : PAGE_SIZE);

		for (unsigned i = 0; i < 7 * 4; i++) {
			uint64_t desc = ns_desc(GIB(2), attrs[i / 4], i % 4);
			struct smc_regs r;

			CHECK_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, ipa,
					  (uint64_t)level, desc)
					 .x[0],
				 RMI_SUCCESS);
			expect_entry(realm, ipa, level,
				     (struct entry){level, RMI_ASSIGNED, desc, 0});
			r = smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, ipa,
				     (uint64_t)level);
			CHECK_EQ(r.x[0], RMI_SUCCESS);
			CHECK_EQ(r.x[1], level == 1 ? END : level == 2 ? NS + GIB(1) : NS + MIB(2));
			expect_entry(realm, ipa, level,
				     (struct entry){level, RMI_UNASSIGNED, 0, 0});
		}
	}
}

TEST(map_ns_walk,
     "RMI_RTT_MAP_UNPROTECTED rtt_walk, rtte_state; rd_state, level_bound and ipa_bound "
     "come before them")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	uint64_t desc = ns_desc(GIB(1), RMI_MEMATTR_NORMAL_WB, 3);

	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RTT(0), rd, NS, 3, desc);
	realm_make_tables(places.realm, NS, 0, 2);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RTT(2), rd, NS, 3, desc);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RTT(1), rd, NS, 1, desc);
	realm_map_page(places.realm, NS, GIB(1));
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RTT(3), rd, NS, 3, desc);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RTT(2), rd, NS, 2, desc);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, rd, NS, 4, desc);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, rd, MIB(2), 3, desc);
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, places.at[BAD_REC], NS, 3,
		       desc);
	expect_entry(places.realm, NS, 3,
		     (struct entry){3, RMI_ASSIGNED, ns_desc(GIB(1), 6, 3), 0});
}

TEST(unmap_ns_input,
     "RMI_RTT_UNMAP_UNPROTECTED rd_align, rd_bound, rd_state, level_bound, ipa_align, "
     "ipa_bound: top is 0")
{
	struct bad_addresses places = bad_addresses_make();
	uint64_t rd = places.realm->rd;
	static const struct {
		uint64_t ipa;
		int64_t level;
	} bad[] = {
		{NS, 0},     {NS, -1},
		{NS, 4},     {NS, 1L << 32 | 3},
		{NS + 1, 3}, {NS + PAGE_SIZE, 2},
		{0, 3},      {NS - PAGE_SIZE, 3},
		{END, 3},    {1UL << 63, 3},
		{MIB(2), 3}, {NS + GIB(4), 4},
	};

	realm_map_page(places.realm, NS, GIB(1));
	bad_addresses_refused(&places, RMI_RTT_UNMAP_UNPROTECTED_FID, ARGS(rd, NS, 3), 1, BAD_RD);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_refused(RMI_RTT_UNMAP_UNPROTECTED_FID, RMI_ERROR_INPUT, rd, bad[i].ipa,
			       (uint64_t)bad[i].level);
	}
	expect_entry(places.realm, NS, 3,
		     (struct entry){3, RMI_ASSIGNED, ns_desc(GIB(1), 6, 3), 0});
}

static void expect_unmap(const struct realm *realm, uint64_t ipa, uint64_t level, uint64_t status,
			 uint64_t top)
{
	struct smc_regs r = smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, ipa, level);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1], top) || !CHECK_EQ(r.x[2], 0)) {
		note("RMI_RTT_UNMAP_UNPROTECTED of %lx at level %lu", ipa, level);
	}
}

TEST(unmap_ns_top,
     "RMI_RTT_UNMAP_UNPROTECTED rtt_walk, rtte_state and success: top is the next live "
     "address, or ipa")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = places.realm;

	expect_unmap(realm, NS, 3, RTT(0), 1UL << 48);
	realm_make_tables(realm, NS, 0, 2);
	expect_unmap(realm, NS, 3, RTT(2), NS + GIB(1));
	realm_make_tables(realm, NS, 2, 3);
	expect_unmap(realm, NS, 3, RTT(3), NS + MIB(2));
	realm_map_page(realm, NS + 0x9000, GIB(1));
	realm_map_page(realm, NS + 0x5000, GIB(1));
	expect_unmap(realm, NS, 3, RTT(3), NS + 0x5000);
	expect_unmap(realm, NS, 2, RTT(2), NS);
	expect_unmap(realm, NS + 0x5000, 3, RMI_SUCCESS, NS + 0x9000);
	expect_unmap(realm, NS + 0x9000, 3, RMI_SUCCESS, NS + MIB(2));
	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, NS + MIB(6), 2,
			    ns_desc(GIB(1), RMI_MEMATTR_NORMAL_WB, 3))
			   .x[0],
		   RMI_SUCCESS);
	expect_unmap(realm, NS + MIB(4), 3, RTT(2), NS + MIB(6));
	expect_unmap(realm, NS + MIB(6), 3, RTT(2), NS + MIB(6));
	expect_unmap(realm, NS + MIB(6), 2, RMI_SUCCESS, NS + GIB(1));
}

TEST(map_ns_lpa2,
     "RMI_RTT_MAP_UNPROTECTED with 52-bit addresses: the upper bits are in [9:8] and [49:48], and "
     "come back there")
{
	struct realm_config config = realm_default(PROGRAM_hello);
	uint64_t ipa = 1UL << 51;
	struct realm *realm;
	uint64_t desc;

	if (!(smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_LPA2_SHIFT & 1)) {
		SKIP("this CPU has no 52-bit addresses at stage 2");
	}
	config.ipa_width = 52;
	config.start_level = 0;
	config.start_tables = 16;
	config.flags = RMI_REALM_FLAG_LPA2;
	realm = realm_create(&config);
	realm_make_tables(realm, ipa, 0, 3);
	for (unsigned top = 0; top < 16; top++) {
		desc = ns_desc(GIB(1), RMI_MEMATTR_NORMAL_WB, 3) | (top & 3UL) << 48 |
		       (top >> 2 & 3UL) << 8;
		REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, ipa, 3, desc).x[0],
			   RMI_SUCCESS);
		expect_entry(realm, ipa, 3, (struct entry){3, RMI_ASSIGNED, desc, 0});
		REQUIRE_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, ipa, 3).x[0],
			   RMI_SUCCESS);
	}
	expect_refused(RMI_RTT_MAP_UNPROTECTED_FID, RMI_ERROR_INPUT, realm->rd, ipa, 3,
		       desc | 1UL << 50);
}
