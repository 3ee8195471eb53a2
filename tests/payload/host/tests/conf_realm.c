// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REALM_CREATE, ACTIVATE and DESTROY, RMI_REC_AUX_COUNT, and states of granules. */
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

/* A realm about to be created: everything is right until a test makes one thing wrong. */
struct plan {
	uint64_t rd, page;
	struct rmi_realm_params *params;
};

static struct plan make_plan(void)
{
	struct plan plan = {.rd = granule_take(), .page = page_alloc()};

	plan.params = (struct rmi_realm_params *)plan.page;
	plan.params->s2sz = 40;
	plan.params->num_bps = 1;
	plan.params->num_wps = 1;
	plan.params->vmid = 200;
	plan.params->rtt_base = granule_take();
	plan.params->rtt_level_start = 0;
	plan.params->rtt_num_start = 1;
	return plan;
}

static void plan_refused(const struct plan *plan)
{
	expect_refused(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT, plan->rd, plan->page);
}

/* The plan itself works, and leaves nothing behind when it is undone. */
static void plan_works(const struct plan *plan)
{
	uint64_t base = plan->params->rtt_base;
	uint64_t count = plan->params->rtt_num_start;

	REQUIRE_EQ(smc_call(RMI_REALM_CREATE_FID, plan->rd, plan->page).x[0], RMI_SUCCESS);
	REQUIRE_EQ(smc_call(RMI_REALM_DESTROY_FID, plan->rd).x[0], RMI_SUCCESS);
	granule_give(plan->rd);
	for (uint64_t i = 0; i < count; i++) {
		granule_give(base + i * PAGE_SIZE);
	}
}

TEST(realm_create_places, "RMI_REALM_CREATE params_align, params_bound, params_pas, rd_align, "
			  "rd_bound, rd_state")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan();

	bad_addresses_refused(&places, RMI_REALM_CREATE_FID, ARGS(plan.rd, plan.page), 2,
			      BAD_UNDELEGATED);
	bad_addresses_refused(&places, RMI_REALM_CREATE_FID, ARGS(plan.rd, plan.page), 1,
			      BAD_DELEGATED);
	plan_works(&plan);
}

TEST(realm_create_rtt_state, "RMI_REALM_CREATE rtt_align, rtt_state: start tables that are not "
			     "delegated, in the right place")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan();
	uint64_t good = plan.params->rtt_base;

	for (unsigned i = 0; i < BAD_ADDRESSES; i++) {
		if (i != BAD_DELEGATED) {
			plan.params->rtt_base = i == BAD_UNALIGNED ? good + 1 : places.at[i];
			plan_refused(&plan);
		}
	}
	plan.params->rtt_base = good + 0x800;
	plan_refused(&plan);
	plan.params->rtt_base = good;
	plan_works(&plan);
}

TEST(realm_create_valid, "RMI_REALM_CREATE params_valid: hash_algo 2 and 255, num_bps 0, num_wps 0")
{
	struct plan plan = make_plan();

	plan.params->hash_algo = 2;
	plan_refused(&plan);
	plan.params->hash_algo = 255;
	plan_refused(&plan);
	plan.params->hash_algo = RMI_HASH_SHA_512;
	plan.params->num_bps = 0;
	plan_refused(&plan);
	plan.params->num_bps = 1;
	plan.params->num_wps = 0;
	plan_refused(&plan);
	plan.params->num_wps = 1;
	plan_works(&plan);
}

static uint64_t feature(unsigned shift, unsigned width)
{
	return smc_call(RMI_FEATURES_FID, 0).x[1] >> shift & ((1UL << width) - 1);
}

#define FEATURE(name) feature(RMI_FEATURE0_##name##_SHIFT, RMI_FEATURE0_##name##_WIDTH)

TEST(realm_create_supp, "RMI_REALM_CREATE params_supp: more breakpoints, watchpoints, counters, "
			"vector length, address bits than there are")
{
	struct plan plan = make_plan();
	struct rmi_realm_params *p = plan.params;

	p->num_bps = (uint8_t)(FEATURE(NUM_BPS) + 1);
	plan_refused(&plan);
	p->num_bps = 1;
	p->num_wps = (uint8_t)(FEATURE(NUM_WPS) + 1);
	plan_refused(&plan);
	p->num_wps = 1;
	p->flags = RMI_REALM_FLAG_PMU;
	p->pmu_num_ctrs = (uint8_t)(FEATURE(PMU_NUM_CTRS) + 1);
	plan_refused(&plan);
	p->pmu_num_ctrs = 0;
	p->flags = RMI_REALM_FLAG_SVE;
	p->sve_vl = (uint8_t)(FEATURE(SVE_VL) + 1);
	plan_refused(&plan);
	p->sve_vl = 255;
	plan_refused(&plan);
	p->sve_vl = 0;
	p->flags = 0;
	p->s2sz = 31;
	plan_refused(&plan);
	p->s2sz = 0;
	plan_refused(&plan);
	p->s2sz = 49;
	plan_refused(&plan);
	p->s2sz = 52;
	plan_refused(&plan);
	p->flags = RMI_REALM_FLAG_LPA2;
	p->s2sz = (uint8_t)(FEATURE(S2SZ) + 1);
	plan_refused(&plan);
	p->flags = 0;
	p->s2sz = 40;
	plan_works(&plan);
}

/* What the suite hands in where SVE is there: the length is ignored, the table count is not. */
TEST(realm_create_num_start, "RMI_REALM_CREATE rtt_num_level: rtt_num_start 0, 17 and 2^32 - 1, "
			     "alone and with other mistakes")
{
	struct plan plan = make_plan();
	struct rmi_realm_params *p = plan.params;
	static const uint32_t counts[] = {0, 17, UINT32_MAX};

	for (unsigned i = 0; i < 3; i++) {
		p->rtt_num_start = counts[i];
		p->rtt_level_start = 0;
		plan_refused(&plan);
		p->rtt_level_start = 1;
		plan_refused(&plan);
		p->sve_vl = 255;
		plan_refused(&plan);
		p->sve_vl = 0;
		expect_refused(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT, p->rtt_base, plan.page);
	}
	p->rtt_num_start = 1;
	p->rtt_level_start = 0;
	plan_works(&plan);
}

TEST(realm_create_level, "RMI_REALM_CREATE rtt_num_level: start levels and counts that do not fit "
			 "the width")
{
	static const struct {
		uint8_t width;
		int64_t level;
		uint32_t count;
	} wrong[] = {
		{38, 0, 1},  {40, 1, 1},        {40, 0, 2},         {40, 2, 16}, {40, 3, 1},
		{40, 4, 1},  {40, -1, 1},       {40, -2, 1},        {32, 2, 1},  {32, 2, 3},
		{48, 1, 16}, {44, 1, 16},       {40, 1, 4},         {39, 1, 2},  {35, 2, 16},
		{32, 1, 2},  {40, 1L << 32, 1}, {40, INT64_MIN, 1},
	};
	struct plan plan = make_plan();

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		plan.params->s2sz = wrong[i].width;
		plan.params->rtt_level_start = wrong[i].level;
		plan.params->rtt_num_start = wrong[i].count;
		plan_refused(&plan);
	}
	plan.params->s2sz = 40;
	plan.params->rtt_level_start = 0;
	plan.params->rtt_num_start = 1;
	plan_works(&plan);
}

TEST(realm_create_alias, "RMI_REALM_CREATE alias, rtt_align: rd is one of the start tables; four "
			 "tables not aligned to four")
{
	struct plan plan = make_plan();
	struct rmi_realm_params *p = plan.params;
	uint64_t run = page_alloc_run(8, 4);

	granule_give(p->rtt_base);
	for (unsigned i = 0; i < 8; i++) {
		REQUIRE_EQ(rmi_granule_delegate(run + i * PAGE_SIZE), RMI_SUCCESS);
	}
	p->s2sz = 32;
	p->rtt_level_start = 2;
	p->rtt_num_start = 4;
	p->rtt_base = run;
	for (unsigned i = 0; i < 4; i++) {
		expect_refused(RMI_REALM_CREATE_FID, RMI_ERROR_INPUT, run + i * PAGE_SIZE,
			       plan.page);
	}
	p->rtt_base = run + PAGE_SIZE;
	plan_refused(&plan);
	p->rtt_base = run + 2 * PAGE_SIZE;
	plan_refused(&plan);
	p->rtt_base = run;
	granule_give(run + 3 * PAGE_SIZE);
	plan_refused(&plan);
	p->rtt_base = run + 4 * PAGE_SIZE;
	plan_works(&plan);
	for (unsigned i = 0; i < 3; i++) {
		granule_give(run + i * PAGE_SIZE);
	}
}

TEST(realm_create_vmid, "RMI_REALM_CREATE vmid_valid: in use by another realm, free again behind "
			"it; upper bits where the CPU has none")
{
	struct plan first = make_plan();
	struct plan second = make_plan();
	bool wide = (sysreg_read("id_aa64mmfr1_el1") >> 4 & 0xf) == 2;

	REQUIRE_EQ(smc_call(RMI_REALM_CREATE_FID, first.rd, first.page).x[0], RMI_SUCCESS);
	plan_refused(&second);
	REQUIRE_EQ(smc_call(RMI_REALM_DESTROY_FID, first.rd).x[0], RMI_SUCCESS);
	granule_give(first.rd);
	granule_give(first.params->rtt_base);
	second.params->vmid = 0xff00;
	if (!wide) {
		plan_refused(&second);
		second.params->vmid = 200;
	}
	plan_works(&second);
}

TEST(realm_create_reserved, "RMI_REALM_CREATE: reserved flags and bytes are ignored; sve_vl and "
			    "pmu_num_ctrs without their flags too")
{
	struct plan plan = make_plan();

	plan.params->flags =
		~(uint64_t)(RMI_REALM_FLAG_LPA2 | RMI_REALM_FLAG_SVE | RMI_REALM_FLAG_PMU);
	plan.params->sve_vl = 255;
	plan.params->pmu_num_ctrs = 255;
	memset(plan.params->reserved_009, 0xff, sizeof(plan.params->reserved_009));
	memset(plan.params->reserved_81c, 0xff, sizeof(plan.params->reserved_81c));
	plan_works(&plan);
}

static void rd_refused_by(const struct bad_addresses *places, uint64_t fid)
{
	bad_addresses_refused(places, fid, ARGS(places->at[BAD_RD]), 1, BAD_RD);
}

TEST(realm_activate, "RMI_REALM_ACTIVATE rd_align, rd_bound, rd_state, realm_state: ACTIVE and "
		     "SYSTEM_OFF realms; a destroyed one")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *gone = realm_create(&config);
	uint64_t rd = gone->rd;
	struct realm *off = agent_realm_off();

	rd_refused_by(&places, RMI_REALM_ACTIVATE_FID);
	CHECK_EQ(smc_call(RMI_REALM_ACTIVATE_FID, places.realm->rd).x[0], RMI_SUCCESS);
	expect_refused(RMI_REALM_ACTIVATE_FID, RMI_ERROR_REALM, places.realm->rd);
	expect_refused(RMI_REALM_ACTIVATE_FID, RMI_ERROR_REALM, off->rd);
	realm_destroy(gone);
	expect_refused(RMI_REALM_ACTIVATE_FID, RMI_ERROR_INPUT, rd);
}

TEST(realm_destroy_places, "RMI_REALM_DESTROY rd_align, rd_bound, rd_state")
{
	struct bad_addresses places = bad_addresses_make();

	rd_refused_by(&places, RMI_REALM_DESTROY_FID);
	realm_destroy(places.realm);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_INPUT, places.at[BAD_RD]);
}

TEST(realm_destroy_live, "RMI_REALM_DESTROY realm_live: a REC, a table, a page; in every state of "
			 "the realm")
{
	static const uint64_t no_args[8];
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *realm = realm_create(&config);
	struct realm *off = agent_realm_off();

	realm_make_tables(realm, 0, 1, 2);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
	REQUIRE(realm_data_unknown(realm, 0));
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
	realm_destroy(realm);
	realm = realm_create(&config);
	realm_add_rec(realm, 0, no_args, true);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
	realm_activate(realm);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
	realm_destroy(realm);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, off->rd);
	realm_destroy(off);
}

TEST(realm_destroy_ns, "RMI_REALM_DESTROY: mappings of normal memory in the start table do not "
		       "keep a realm alive")
{
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *realm = realm_create(&config);
	uint64_t desc = 0x40000000 | ABI_FIELD_PREP(RMI_DESC_MEMATTR, RMI_MEMATTR_NORMAL_WB) |
			ABI_FIELD_PREP(RMI_DESC_S2AP, RMI_S2AP_READ);

	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, 0x80000000, 1, desc).x[0],
		   RMI_SUCCESS);
	expect_entry(realm, 0x80000000, 1, (struct entry){1, RMI_ASSIGNED, desc, 0});
	realm_destroy(realm);
}

TEST(rec_aux_count, "RMI_REC_AUX_COUNT rd_align, rd_bound, rd_state; the count is constant for a "
		    "realm and at most 16")
{
	struct bad_addresses places = bad_addresses_make();
	struct smc_regs r = smc_call(RMI_REC_AUX_COUNT_FID, places.realm->rd);

	rd_refused_by(&places, RMI_REC_AUX_COUNT_FID);
	CHECK_EQ(r.x[0], RMI_SUCCESS);
	CHECK(r.x[1] <= RMI_MAX_AUX);
	realm_activate(places.realm);
	CHECK_EQ(smc_call(RMI_REC_AUX_COUNT_FID, places.realm->rd).x[1], r.x[1]);
}

TEST(granule_states, "RMI_GRANULE_DELEGATE and UNDELEGATE gran_state: RD, REC, REC_AUX, RTT and "
		     "DATA granules; devices and other worlds")
{
	struct bad_addresses places = bad_addresses_make();

	bad_addresses_refused(&places, RMI_GRANULE_DELEGATE_FID, ARGS(places.at[BAD_UNDELEGATED]),
			      1, BAD_UNDELEGATED);
	bad_addresses_refused(&places, RMI_GRANULE_UNDELEGATE_FID, ARGS(places.at[BAD_DELEGATED]),
			      1, BAD_DELEGATED);
}
