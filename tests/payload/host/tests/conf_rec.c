// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_CREATE, DESTROY and ENTER, RMI_PSCI_COMPLETE, RMI_RTT_SET_RIPAS. */
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/cpu.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define MIB(n) ((uint64_t)(n) << 20)

#define HCR_UIE (1UL << 1)

/* A REC about to be created in places.realm. */
struct plan {
	uint64_t rd, rec, page;
	struct rmi_rec_params *params;
};

static struct plan make_plan(const struct realm *realm, uint64_t index)
{
	struct plan plan = {.rd = realm->rd, .rec = granule_take(), .page = page_alloc()};
	struct smc_regs aux = smc_call(RMI_REC_AUX_COUNT_FID, realm->rd);

	plan.params = (struct rmi_rec_params *)plan.page;
	plan.params->flags = RMI_REC_FLAG_RUNNABLE;
	plan.params->mpidr = rmi_mpidr_from_index(index);
	plan.params->num_aux = aux.x[1];
	for (uint64_t i = 0; i < aux.x[1]; i++) {
		plan.params->aux[i] = granule_take();
	}
	return plan;
}

static void plan_refused(const struct plan *plan, uint64_t status)
{
	expect_refused(RMI_REC_CREATE_FID, status, plan->rd, plan->rec, plan->page);
}

static void plan_dropped(const struct plan *plan)
{
	granule_give(plan->rec);
	for (uint64_t i = 0; i < plan->params->num_aux; i++) {
		granule_give(plan->params->aux[i]);
	}
}

static void plan_works(const struct plan *plan)
{
	REQUIRE_EQ(smc_call(RMI_REC_CREATE_FID, plan->rd, plan->rec, plan->page).x[0], RMI_SUCCESS);
	CHECK_EQ(rmi_granule_undelegate(plan->params->aux[0]), RMI_ERROR_INPUT);
	REQUIRE_EQ(smc_call(RMI_REC_DESTROY_FID, plan->rec).x[0], RMI_SUCCESS);
	plan_dropped(plan);
}

TEST(rec_create_places, "RMI_REC_CREATE params_align, params_bound, params_pas, rec_align, "
			"rec_bound, rec_state, rd_align, rd_bound, rd_state")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan(places.realm, 1);
	const uint64_t *args = ARGS(plan.rd, plan.rec, plan.page);

	bad_addresses_refused(&places, RMI_REC_CREATE_FID, args, 1, BAD_RD);
	bad_addresses_refused(&places, RMI_REC_CREATE_FID, args, 2, BAD_DELEGATED);
	bad_addresses_refused(&places, RMI_REC_CREATE_FID, args, 3, BAD_UNDELEGATED);
	plan_works(&plan);
}

TEST(rec_create_aux,
     "RMI_REC_CREATE num_aux, aux_align, aux_alias, aux_state: each sort of granule "
     "as an auxiliary one")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan(places.realm, 1);
	struct rmi_rec_params *p = plan.params;
	uint64_t count = p->num_aux;
	uint64_t good = p->aux[0];

	for (unsigned i = 0; i < BAD_ADDRESSES; i++) {
		if (i != BAD_DELEGATED) {
			p->aux[0] = i == BAD_UNALIGNED ? good + 1 : places.at[i];
			plan_refused(&plan, RMI_ERROR_INPUT);
		}
	}
	p->aux[0] = plan.rec;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->aux[0] = plan.rd;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->aux[0] = good;
	p->aux[count] = good;
	p->num_aux = count + 1;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->num_aux = count - 1;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->num_aux = RMI_MAX_AUX + 1;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->num_aux = UINT64_MAX;
	plan_refused(&plan, RMI_ERROR_INPUT);
	p->num_aux = count;
	plan_works(&plan);
}

TEST(rec_create_mpidr,
     "RMI_REC_CREATE mpidr_index: an index skipped, used, or with reserved bits; a "
     "destroyed REC's is not free again")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan(places.realm, 2);
	static const uint64_t wrong[] = {0,    2,     0x10,          0x80,
					 0x11, 0x100, 1 | 1UL << 32, 1 | 1UL << 63};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		plan.params->mpidr = wrong[i];
		plan_refused(&plan, RMI_ERROR_INPUT);
	}
	plan.params->mpidr = 1;
	plan_works(&plan);
	plan = make_plan(places.realm, 1);
	plan_refused(&plan, RMI_ERROR_INPUT);
	plan.params->mpidr = 2;
	plan_works(&plan);
}

TEST(rec_create_state, "RMI_REC_CREATE realm_state: ACTIVE and SYSTEM_OFF realms; rd_state comes "
		       "before it")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off = agent_realm_off();
	struct plan plan = make_plan(places.realm, 1);

	realm_activate(places.realm);
	plan_refused(&plan, RMI_ERROR_REALM);
	plan.rd = off->rd;
	plan_refused(&plan, RMI_ERROR_REALM);
	plan.rd = places.at[BAD_REC];
	plan_refused(&plan, RMI_ERROR_INPUT);
	plan_dropped(&plan);
}

TEST(rec_destroy, "RMI_REC_DESTROY rec_align, rec_bound, rec_gran_state; the REC and its auxiliary "
		  "granules come back wiped")
{
	struct bad_addresses places = bad_addresses_make();
	struct plan plan = make_plan(places.realm, 1);

	bad_addresses_refused(&places, RMI_REC_DESTROY_FID, ARGS(places.at[BAD_REC]), 1, BAD_REC);
	plan_works(&plan);
}

TEST_CPUS(rec_running, 2,
	  "RMI_REC_DESTROY, REC_ENTER and RTT_SET_RIPAS rec_state, "
	  "RMI_PSCI_COMPLETE pending: a REC that runs on another CPU")
{
	struct realm_config config = realm_default(PROGRAM_spin);
	struct realm *realm;
	struct rec *rec;
	uint64_t run = page_alloc();

	config.recs = 2;
	realm = realm_boot(&config);
	rec = &realm->recs[0];
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	cpu_start(1, rec_run_on, rec);
	rec_wait_running(rec);
	expect_refused(RMI_REC_DESTROY_FID, RMI_ERROR_REC, rec->granule);
	expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_REC, rec->granule, run);
	expect_refused(RMI_RTT_SET_RIPAS_FID, RMI_ERROR_REC, realm->rd, rec->granule, 0, PAGE_SIZE);
	expect_refused(RMI_PSCI_COMPLETE_FID, RMI_ERROR_INPUT, rec->granule, realm->recs[1].granule,
		       PSCI_SUCCESS);
	expect_refused(RMI_REALM_DESTROY_FID, RMI_ERROR_REALM, realm->rd);
	rec_let_go(rec, 1);
	CHECK_EQ(rec->stop, REC_IRQ);
}

TEST(rec_enter_places, "RMI_REC_ENTER run_align, run_bound, run_pas, rec_align, rec_bound, "
		       "rec_gran_state")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = agent_realm(1);
	const uint64_t *args = ARGS(realm->recs[0].granule, (uint64_t)realm->recs[0].run);

	bad_addresses_refused(&places, RMI_REC_ENTER_FID, args, 1, BAD_REC);
	bad_addresses_refused(&places, RMI_REC_ENTER_FID, args, 2, BAD_UNDELEGATED);
	agent_get(&realm->recs[0], INSN_MPIDR, 0);
}

TEST(rec_enter_realm, "RMI_REC_ENTER realm_new, system_off: REALM with index 0 and 1")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off = agent_realm_off();
	uint64_t run = page_alloc();

	expect_refused(RMI_REC_ENTER_FID, rmi_status_pack(RMI_ERROR_REALM, 0), places.at[BAD_REC],
		       run);
	expect_refused(RMI_REC_ENTER_FID, rmi_status_pack(RMI_ERROR_REALM, 1), off->recs[0].granule,
		       run);
	CHECK(page_is(run, 0));
}

TEST(rec_enter_rec, "RMI_REC_ENTER rec_runnable, rec_mmio, rec_psci, rec_gicv3: REC, and the REC "
		    "runs on as if nothing had been")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];
	struct rmi_rec_enter *enter = &rec->run->enter;
	uint64_t on[] = {1, REALM_RAM_BASE, 0};

	CHECK_EQ(rec_enter(&realm->recs[1]), RMI_ERROR_REC);
	agent_prepare(rec, AGENT_DO, INSN_MPIDR, 0, 0);
	enter->flags = RMI_ENTER_FLAG_EMUL_MMIO;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	enter->flags = RMI_ENTER_FLAG_EMUL_MMIO | RMI_ENTER_FLAG_INJECT_SEA;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	enter->flags = 0;
	enter->gicv3_hcr = 1UL << 8;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	enter->gicv3_hcr = 0;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_value(rec) & 0xff, 0);
	agent_prepare(rec, AGENT_SMC, PSCI_CPU_ON_FID, on[0], on[1]);
	REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
	REQUIRE_EQ(rec->run->exit.exit_reason, RMI_EXIT_PSCI);
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	CHECK_EQ(smc_call(RMI_PSCI_COMPLETE_FID, rec->granule, realm->recs[1].granule,
			  (uint64_t)PSCI_DENIED)
			 .x[0],
		 RMI_SUCCESS);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_smc_end(rec).x[0], PSCI_DENIED);
}

TEST(rec_enter_hcr, "RMI_REC_ENTER rec_gicv3: each bit of gicv3_hcr that is not the host's")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];

	agent_prepare(rec, AGENT_DO, INSN_MPIDR, 0, 0);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(RMI_GICV3_HCR_HOST_MASK >> bit & 1)) {
			rec->run->enter.gicv3_hcr = 1UL << bit | HCR_UIE;
			CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
		}
	}
	rec->run->enter.gicv3_hcr = 0;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
}

TEST(rec_enter_order, "RMI_REC_ENTER: rec and run conditions come before rec_gicv3, rec_runnable, "
		      "realm_new, system_off, rec_mmio")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *off = agent_realm_off();
	struct realm *on = agent_realm(2);
	uint64_t run = page_alloc();
	static const enum bad_address bad[] = {BAD_DEVICE, BAD_SECURE, BAD_DELEGATED};
	struct rmi_rec_enter *enter = (struct rmi_rec_enter *)run;

	enter->gicv3_hcr = 1UL << 8;
	enter->flags = RMI_ENTER_FLAG_EMUL_MMIO;
	expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, on->recs[0].granule + 1, run);
	expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, places.at[BAD_DEVICE], run);
	expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, places.at[BAD_UNDELEGATED], run);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t at = places.at[bad[i]];

		expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, on->recs[1].granule, at);
		expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, places.at[BAD_REC], at);
		expect_refused(RMI_REC_ENTER_FID, RMI_ERROR_INPUT, off->recs[0].granule, at);
	}
}

/* REC 0 of a two-REC agent realm has asked for REC 1. */
static struct realm *asked(uint64_t fid, uint64_t mpidr, uint64_t x2)
{
	struct realm *realm = agent_realm(2);

	agent_prepare(&realm->recs[0], AGENT_SMC, fid, mpidr, x2);
	realm->recs[0].run->enter.gprs[4] = 0x4444;
	REQUIRE_EQ(rec_enter(&realm->recs[0]), RMI_SUCCESS);
	REQUIRE_EQ(realm->recs[0].run->exit.exit_reason, RMI_EXIT_PSCI);
	CHECK_EQ(realm->recs[0].run->exit.gprs[0], fid);
	CHECK_EQ(realm->recs[0].run->exit.gprs[1], mpidr);
	for (unsigned i = 2; i < 31; i++) {
		CHECK_EQ(realm->recs[0].run->exit.gprs[i], 0);
	}
	return realm;
}

static void complete_refused(const struct realm *realm, uint64_t calling, uint64_t target,
			     int64_t status)
{
	(void)realm;
	expect_refused(RMI_PSCI_COMPLETE_FID, RMI_ERROR_INPUT, calling, target, (uint64_t)status);
}

TEST(psci_complete_places, "RMI_PSCI_COMPLETE calling_align, calling_bound, calling_state, "
			   "target_align, target_bound, target_state, alias")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = asked(PSCI_AFFINITY_INFO_FID, 1, 0);
	uint64_t calling = realm->recs[0].granule;
	uint64_t target = realm->recs[1].granule;
	const uint64_t *args = ARGS(calling, target, PSCI_SUCCESS);

	bad_addresses_refused(&places, RMI_PSCI_COMPLETE_FID, args, 1, BAD_REC);
	bad_addresses_refused(&places, RMI_PSCI_COMPLETE_FID, args, 2, BAD_REC);
	complete_refused(realm, calling, calling, PSCI_SUCCESS);
	CHECK_EQ(smc_args(RMI_PSCI_COMPLETE_FID, args, 3).x[0], RMI_SUCCESS);
}

TEST(psci_complete_input, "RMI_PSCI_COMPLETE pending, owner, target, status: and the request is "
			  "still there")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = asked(PSCI_AFFINITY_INFO_FID, 1, 0);
	struct realm *third = agent_realm(3);
	uint64_t calling = realm->recs[0].granule;
	uint64_t target = realm->recs[1].granule;
	static const int64_t codes[] = {
		PSCI_DENIED, PSCI_NOT_SUPPORTED,   PSCI_ALREADY_ON, 1,
		7,           PSCI_INVALID_ADDRESS, 0xfffffffd,      INT64_MIN};

	complete_refused(realm, target, calling, PSCI_SUCCESS);
	complete_refused(realm, third->recs[0].granule, third->recs[1].granule, PSCI_SUCCESS);
	complete_refused(realm, calling, third->recs[1].granule, PSCI_SUCCESS);
	complete_refused(realm, calling, places.at[BAD_REC], PSCI_SUCCESS);
	for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		complete_refused(realm, calling, target, codes[i]);
	}
	agent_prepare(&third->recs[0], AGENT_SMC, PSCI_CPU_ON_FID, 1, REALM_RAM_BASE);
	REQUIRE_EQ(rec_enter(&third->recs[0]), RMI_SUCCESS);
	complete_refused(third, third->recs[0].granule, third->recs[2].granule, PSCI_SUCCESS);
	CHECK_EQ(smc_call(RMI_PSCI_COMPLETE_FID, calling, target, PSCI_SUCCESS).x[0], RMI_SUCCESS);
	complete_refused(realm, calling, target, PSCI_SUCCESS);
	REQUIRE_EQ(rec_run(&realm->recs[0]), REC_CALL);
	CHECK_EQ(agent_smc_end(&realm->recs[0]).x[0], PSCI_AFFINITY_OFF);
}

TEST(psci_complete_runnable,
     "RMI_PSCI_COMPLETE of CPU_ON for a runnable REC: SUCCESS is ALREADY_ON, "
     "DENIED is refused and changes nothing")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];
	struct smc_regs r;

	agent_start_rec(realm, 1);
	agent_prepare(rec, AGENT_SMC, PSCI_CPU_ON_FID, 1, REALM_RAM_BASE);
	REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
	CHECK_EQ(rec->run->exit.exit_reason, RMI_EXIT_PSCI);
	complete_refused(realm, rec->granule, realm->recs[1].granule, PSCI_DENIED);
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	REQUIRE_EQ(
		smc_call(RMI_PSCI_COMPLETE_FID, rec->granule, realm->recs[1].granule, PSCI_SUCCESS)
			.x[0],
		RMI_SUCCESS);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	r = agent_smc_end(rec);
	CHECK_EQ(r.x[0], PSCI_ALREADY_ON);
	CHECK_EQ(r.x[1] | r.x[2] | r.x[3], 0);
	agent_get(&realm->recs[1], INSN_MPIDR, 0);
}

/* An agent realm's REC has asked for [base, top). */
static struct rec *requested(struct realm *realm, uint64_t base, uint64_t top, uint64_t ripas,
			     uint64_t flags)
{
	struct rec *rec = &realm->recs[0];

	agent_prepare(rec, AGENT_SMC, RSI_IPA_STATE_SET_FID, base, top);
	rec->run->enter.gprs[4] = ripas;
	rec->run->enter.gprs[5] = flags;
	REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
	REQUIRE_EQ(rec->run->exit.exit_reason, RMI_EXIT_RIPAS_CHANGE);
	CHECK_EQ(rec->run->exit.ripas_base, base);
	CHECK_EQ(rec->run->exit.ripas_top, top);
	CHECK_EQ(rec->run->exit.ripas_value, ripas);
	return rec;
}

static void expect_set(const struct rec *rec, uint64_t base, uint64_t top, uint64_t status,
		       uint64_t out_top)
{
	struct smc_regs r =
		smc_call(RMI_RTT_SET_RIPAS_FID, rec->realm->rd, rec->granule, base, top);

	if (!CHECK_EQ(r.x[0], status) || !CHECK_EQ(r.x[1], out_top) || !CHECK_EQ(r.x[2], 0)) {
		note("RMI_RTT_SET_RIPAS from %lx to %lx", base, top);
	}
}

TEST(set_ripas_input,
     "RMI_RTT_SET_RIPAS rd_align, rd_bound, rd_state, rec_align, rec_bound, "
     "rec_gran_state, rec_owner, size_valid, base_bound, top_bound, top_gran_align")
{
	struct bad_addresses places = bad_addresses_make();
	struct realm *realm = agent_realm(1);
	uint64_t base = MIB(8);
	uint64_t top = MIB(12);
	struct rec *rec = requested(realm, base, top, RMI_RIPAS_RAM, 0);
	const uint64_t *args = ARGS(realm->rd, rec->granule, base, top);

	bad_addresses_refused(&places, RMI_RTT_SET_RIPAS_FID, args, 1, BAD_RD);
	bad_addresses_refused(&places, RMI_RTT_SET_RIPAS_FID, args, 2, BAD_REC);
	expect_refused(RMI_RTT_SET_RIPAS_FID, RMI_ERROR_REC, places.realm->rd, rec->granule, base,
		       top);
	expect_refused(RMI_RTT_SET_RIPAS_FID, RMI_ERROR_REC, realm->rd, places.at[BAD_REC], base,
		       top);
	expect_set(rec, base, base, RMI_ERROR_INPUT, 0);
	expect_set(rec, base, base - PAGE_SIZE, RMI_ERROR_INPUT, 0);
	expect_set(rec, base + 1, top, RMI_ERROR_INPUT, 0);
	expect_set(rec, base + MIB(2), top, RMI_ERROR_INPUT, 0);
	expect_set(rec, base, top + PAGE_SIZE, RMI_ERROR_INPUT, 0);
	expect_set(rec, base, UINT64_MAX, RMI_ERROR_INPUT, 0);
	expect_set(rec, base, top - 1, RMI_ERROR_INPUT, 0);
	expect_set(rec, base, base + 0x800, RMI_ERROR_INPUT, 0);
	expect_set(rec, base + 1, base + 0x801, RMI_ERROR_INPUT, 0);
	expect_entry(realm, base, 2, (struct entry){2, RMI_UNASSIGNED, 0, 0});
}

TEST(set_ripas_rtt, "RMI_RTT_SET_RIPAS base_align, no_progress: RTT with the level reached; then "
		    "page by page to the end")
{
	struct realm *realm = agent_realm(1);
	uint64_t base = MIB(2) + PAGE_SIZE;
	struct rec *rec;
	struct smc_regs r;

	realm_make_tables(realm, 0, 1, 2);
	rec = requested(realm, base, MIB(4), RMI_RIPAS_RAM, 0);
	expect_set(rec, base, MIB(4), rmi_status_rtt(2), 0);
	realm_make_tables(realm, MIB(2), 2, 3);
	expect_set(rec, base, base + PAGE_SIZE, RMI_SUCCESS, base + PAGE_SIZE);
	expect_set(rec, base, MIB(4), RMI_ERROR_INPUT, 0);
	expect_set(rec, base + PAGE_SIZE, MIB(4), RMI_SUCCESS, MIB(4));
	expect_set(rec, MIB(4), MIB(4), RMI_ERROR_INPUT, 0);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	r = agent_smc_end(rec);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], MIB(4));
	CHECK_EQ(r.x[2], RSI_RESPONSE_ACCEPT);
	expect_entry(realm, MIB(2), 3, (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY});
	for (uint64_t ipa = base; ipa < MIB(4); ipa += PAGE_SIZE) {
		expect_entry(realm, ipa, 3, (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
	}
	rec = requested(realm, MIB(8), MIB(8) + PAGE_SIZE, RMI_RIPAS_RAM, 0);
	expect_set(rec, MIB(8), MIB(8) + PAGE_SIZE, rmi_status_rtt(2), 0);
}

TEST(set_ripas_no_request,
     "RMI_RTT_SET_RIPAS base_bound, top_bound: without a request, and after the "
     "realm has gone on")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];

	expect_set(rec, 0, PAGE_SIZE, RMI_ERROR_INPUT, 0);
	rec = requested(realm, MIB(8), MIB(10), RMI_RIPAS_RAM, 0);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	expect_set(rec, MIB(8), MIB(10), RMI_ERROR_INPUT, 0);
	expect_set(rec, 0, PAGE_SIZE, RMI_ERROR_INPUT, 0);
}

TEST(set_ripas_destroyed, "RMI_RTT_SET_RIPAS: DESTROYED pages only with the realm's permission; "
			  "out_top stops in front of them")
{
	struct realm *realm = agent_realm(1);
	uint64_t page = REALM_RAM_TOP - 4 * PAGE_SIZE;
	struct rec *rec;

	REQUIRE(realm_data_unknown(realm, page + PAGE_SIZE));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, realm->rd, page + PAGE_SIZE).x[1]);
	expect_entry(realm, page + PAGE_SIZE, 3,
		     (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED});
	rec = requested(realm, page, REALM_RAM_TOP, RMI_RIPAS_EMPTY, 0);
	expect_set(rec, page, REALM_RAM_TOP, RMI_SUCCESS, page + PAGE_SIZE);
	expect_set(rec, page + PAGE_SIZE, REALM_RAM_TOP, rmi_status_rtt(3), 0);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_smc_end(rec).x[1], page + PAGE_SIZE);
	rec = requested(realm, page + PAGE_SIZE, REALM_RAM_TOP, RMI_RIPAS_RAM,
			RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	expect_set(rec, page + PAGE_SIZE, REALM_RAM_TOP, RMI_SUCCESS, REALM_RAM_TOP);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	expect_entry(realm, page + PAGE_SIZE, 3,
		     (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
}
