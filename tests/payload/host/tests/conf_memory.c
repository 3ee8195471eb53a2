// SPDX-License-Identifier: BSD-3-Clause
/* A realm's memory: changes of RIPAS, states and what accesses meet, folds, geometries. */
#include "payload/common/probe.h"
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define MIB(n)      ((uint64_t)(n) << 20)
#define UNPROTECTED 0x80000000UL                     /* of realm_default() */
#define PAGES       (REALM_RAM_TOP - 16 * PAGE_SIZE) /* RAM without pages so far */
#define RET         0xd65f03c0                       /* the instruction */

#define EC_FETCH_LOWER    0x20
#define EC_DATA_LOWER     0x24
#define FSC_ADDRESS_SIZE  0x00
#define FSC_TRANSLATION_2 0x06

static struct rec *one_agent(void)
{
	return &agent_realm(1)->recs[0];
}

/* RSI_IPA_STATE_SET up to its exit. */
static void ask(struct rec *rec, uint64_t base, uint64_t top, uint64_t ripas, uint64_t flags)
{
	agent_prepare(rec, AGENT_SMC, RSI_IPA_STATE_SET_FID, base, top);
	rec->run->enter.gprs[4] = ripas;
	rec->run->enter.gprs[5] = flags;
	expect_exit(rec, RMI_EXIT_RIPAS_CHANGE, EXIT_RIPAS);
	CHECK_EQ(rec->run->exit.ripas_base, base);
	CHECK_EQ(rec->run->exit.ripas_top, top);
	CHECK_EQ(rec->run->exit.ripas_value, ripas);
}

static void apply(struct rec *rec, uint64_t base, uint64_t top)
{
	struct smc_regs r =
		smc_call(RMI_RTT_SET_RIPAS_FID, rec->realm->rd, rec->granule, base, top);

	CHECK_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[1], top);
}

/* What the realm is told on the next entry. */
static void told(struct rec *rec, uint64_t flags, uint64_t new_base, uint64_t response)
{
	struct smc_regs r;

	memset(rec->run->enter.gprs, 0x31, sizeof(rec->run->enter.gprs));
	rec->run->enter.flags = flags;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	r = agent_smc_end(rec);
	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[1], new_base);
	CHECK_EQ(r.x[2], response);
	CHECK_EQ(r.x[3], 0);
}

static uint64_t state_of(struct rec *rec, uint64_t ipa)
{
	struct smc_regs r = agent_smc(rec, RSI_IPA_STATE_GET_FID, ipa, ipa + PAGE_SIZE);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
	CHECK_EQ(r.x[2] >> 2, 0);
	return r.x[2];
}

TEST(ripas_change, "RIPAS exit, all of it: 12 KiB from RAM to EMPTY and back; new_base is the top")
{
	struct rec *rec = one_agent();
	uint64_t top = PAGES + 3 * PAGE_SIZE;

	ask(rec, PAGES, top, RSI_RIPAS_EMPTY, 0);
	apply(rec, PAGES, top);
	told(rec, 0, top, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(state_of(rec, PAGES + 2 * PAGE_SIZE), RSI_RIPAS_EMPTY);
	CHECK_EQ(state_of(rec, top), RSI_RIPAS_RAM);
	ask(rec, PAGES, top, RSI_RIPAS_RAM, RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	apply(rec, PAGES, top);
	told(rec, 0, top, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(state_of(rec, PAGES), RSI_RIPAS_RAM);
}

TEST(ripas_change_partial,
     "RIPAS exit, 4 KiB of a larger request: new_base is as far as the host went; "
     "the rest is as it was")
{
	struct rec *rec = one_agent();

	ask(rec, PAGES, PAGES + 4 * PAGE_SIZE, RSI_RIPAS_EMPTY, 0);
	apply(rec, PAGES, PAGES + PAGE_SIZE);
	told(rec, 0, PAGES + PAGE_SIZE, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(state_of(rec, PAGES), RSI_RIPAS_EMPTY);
	CHECK_EQ(state_of(rec, PAGES + PAGE_SIZE), RSI_RIPAS_RAM);
	ask(rec, PAGES, PAGES + 4 * PAGE_SIZE, RSI_RIPAS_EMPTY, 0);
	apply(rec, PAGES, PAGES + PAGE_SIZE);
	apply(rec, PAGES + PAGE_SIZE, PAGES + 3 * PAGE_SIZE);
	told(rec, RMI_ENTER_FLAG_RIPAS_REJECT, PAGES + 3 * PAGE_SIZE, RSI_RESPONSE_ACCEPT);
}

TEST(ripas_change_reject,
     "RIPAS exit, nothing of it: new_base is the base, RIPAS is unchanged; REJECT "
     "counts only for RAM that was not given in full")
{
	struct rec *rec = one_agent();
	uint64_t top = PAGES + 3 * PAGE_SIZE;

	ask(rec, PAGES, top, RSI_RIPAS_EMPTY, 0);
	told(rec, 0, PAGES, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(state_of(rec, PAGES), RSI_RIPAS_RAM);
	ask(rec, PAGES, top, RSI_RIPAS_EMPTY, 0);
	told(rec, RMI_ENTER_FLAG_RIPAS_REJECT, PAGES, RSI_RESPONSE_ACCEPT);
	ask(rec, PAGES, top, RSI_RIPAS_RAM, 0);
	told(rec, RMI_ENTER_FLAG_RIPAS_REJECT, PAGES, RSI_RESPONSE_REJECT);
	ask(rec, PAGES, top, RSI_RIPAS_RAM, 0);
	apply(rec, PAGES, PAGES + PAGE_SIZE);
	told(rec, RMI_ENTER_FLAG_RIPAS_REJECT, PAGES + PAGE_SIZE, RSI_RESPONSE_REJECT);
	ask(rec, PAGES, top, RSI_RIPAS_RAM, 0);
	apply(rec, PAGES, top);
	told(rec, RMI_ENTER_FLAG_RIPAS_REJECT, top, RSI_RESPONSE_ACCEPT);
}

/* Data accesses and a fetch that the realm sees as synchronous external aborts, and the host not.
 */
static void all_sea(struct rec *rec, uint64_t address)
{
	static const enum agent_insn insns[] = {INSN_LDR_X, INSN_STR_W, INSN_LDXR, INSN_LDR_B};

	for (unsigned i = 0; i < 4; i++) {
		CHECK(!agent_do(rec, insns[i], address, 0));
		REQUIRE_EQ(rec->stop, REC_CALL);
		CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
		CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
		CHECK_EQ(agent_far(rec), address);
	}
	agent_order(rec, AGENT_FETCH, address, 0, 0);
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_INSTRUCTION_ABORT_SAME);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	CHECK_EQ(agent_far(rec), address);
}

TEST(state_empty,
     "UNASSIGNED and ASSIGNED with RIPAS EMPTY: load, store and fetch are external aborts "
     "in the realm, with stage 1 off and on")
{
	struct rec *rec = one_agent();
	uint64_t assigned = REALM_RAM_TOP + MIB(2);

	REQUIRE(realm_data_unknown(rec->realm, assigned));
	for (unsigned round = 0; round < 2; round++) {
		all_sea(rec, REALM_RAM_TOP + PAGE_SIZE);
		all_sea(rec, assigned);
		all_sea(rec, 0);
		agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	}
	expect_entry(rec->realm, assigned, 2,
		     (struct entry){2, RMI_TABLE, rtt_read(rec->realm, assigned, 2).desc, 0});
}

static void abort_exit(struct rec *rec, enum agent_op op, uint64_t arg, uint64_t address,
		       uint64_t ec)
{
	if (op == AGENT_FETCH) {
		agent_prepare(rec, op, address, 0, 0);
	} else {
		agent_prepare(rec, op, arg, address, 0);
	}
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(ESR_EC(rec->run->exit.esr), ec);
	CHECK_EQ(rec->run->exit.hpfar, address >> 12 << 4);
}

TEST(state_ram,
     "UNASSIGNED with RIPAS RAM: load and fetch exit to the host; ASSIGNED: they succeed; "
     "what was EMPTY with a page keeps the page")
{
	struct rec *rec = one_agent();
	uint64_t page = PAGES;

	abort_exit(rec, AGENT_DO, INSN_LDR_X, page, EC_DATA_LOWER);
	REQUIRE(realm_data_unknown(rec->realm, page));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_value(rec), 0);
	CHECK(agent_do(rec, INSN_STR_W, page, RET));
	agent_order(rec, AGENT_FETCH, page, 0, 0);
	CHECK(agent_done(rec));
	ask(rec, page, page + PAGE_SIZE, RSI_RIPAS_EMPTY, 0);
	apply(rec, page, page + PAGE_SIZE);
	told(rec, 0, page + PAGE_SIZE, RSI_RESPONSE_ACCEPT);
	all_sea(rec, page);
	ask(rec, page, page + PAGE_SIZE, RSI_RIPAS_RAM, 0);
	apply(rec, page, page + PAGE_SIZE);
	told(rec, 0, page + PAGE_SIZE, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(agent_get(rec, INSN_LDR_W, page), RET);
	abort_exit(rec, AGENT_FETCH, 0, page + PAGE_SIZE, EC_FETCH_LOWER);
}

TEST(state_destroyed,
     "DESTROYED, UNASSIGNED and ASSIGNED: load and fetch exit to the host, even with a "
     "page; until the realm agrees to RAM, when the page is zeros")
{
	struct rec *rec = one_agent();
	uint64_t page = PAGES;

	CHECK(agent_do(rec, INSN_STR_X, page, 0x5ec3e7));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, rec->realm->rd, page).x[1]);
	CHECK_EQ(state_of(rec, page), RSI_RIPAS_DESTROYED);
	REQUIRE(realm_data_unknown(rec->realm, page));
	CHECK_EQ(state_of(rec, page), RSI_RIPAS_DESTROYED);
	ask(rec, page, page + PAGE_SIZE, RSI_RIPAS_RAM, RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	apply(rec, page, page + PAGE_SIZE);
	told(rec, 0, page + PAGE_SIZE, RSI_RESPONSE_ACCEPT);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, page), 0);
	granule_give(smc_call(RMI_DATA_DESTROY_FID, rec->realm->rd, page).x[1]);
	REQUIRE(realm_data_unknown(rec->realm, page));
	abort_exit(rec, AGENT_DO, INSN_LDR_X, page, EC_DATA_LOWER);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
}

TEST(state_destroyed_fetch, "DESTROYED: a fetch is an instruction abort exit")
{
	struct rec *rec = one_agent();

	CHECK(agent_do(rec, INSN_STR_W, PAGES, RET));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, rec->realm->rd, PAGES).x[1]);
	abort_exit(rec, AGENT_FETCH, 0, PAGES, EC_FETCH_LOWER);
	REQUIRE(realm_data_unknown(rec->realm, PAGES));
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
}

TEST(state_ns,
     "UNASSIGNED_NS and ASSIGNED_NS: a fetch is an external abort in the realm; data of the "
     "host is read and written")
{
	struct rec *rec = one_agent();
	uint64_t page = page_alloc();

	agent_order(rec, AGENT_FETCH, UNPROTECTED, 0, 0);
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_INSTRUCTION_ABORT_SAME);
	page_fill(page, (uint64_t)RET << 32 | RET);
	realm_map_page(rec->realm, UNPROTECTED, page);
	agent_order(rec, AGENT_FETCH, UNPROTECTED, 0, 0);
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	CHECK_EQ(agent_far(rec), UNPROTECTED);
	CHECK_EQ(agent_get(rec, INSN_LDR_W, UNPROTECTED + 8), RET);
	CHECK(agent_do(rec, INSN_STR_X, UNPROTECTED + 8, 0x1234567812345678));
	CHECK_EQ(read64(page + 8), 0x1234567812345678);
}

static void quiet_timer(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

static void timer_off(void *unused)
{
	(void)unused;
	el2_timer_stop();
	gic_disable(PPI_EL2_TIMER);
}

/*
 * The identity map lets EL1 read and write, and EL0 only execute: an address translation of a read
 * at EL0 fails there.
 */
TEST(state_ns_el0, "ASSIGNED_NS: a fetch at EL0, from a page that EL0 may only execute, is an "
		   "external abort in the realm, before the host's next interrupt")
{
	struct rec *rec = one_agent();
	uint64_t page = page_alloc();

	page_fill(page, (uint64_t)RET << 32 | RET);
	realm_map_page(rec->realm, UNPROTECTED, page);
	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	REQUIRE(agent_done(rec));
	gic_enable(PPI_EL2_TIMER, quiet_timer);
	test_cleanup(timer_off, NULL);
	rec->stop_on_irq = true;
	el2_timer_arm(5000000);
	agent_order(rec, AGENT_FETCH_EL0, UNPROTECTED, 0, 0);
	irq_window();
	rec->stop_on_irq = false;
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_FETCH_LOWER);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
	CHECK_EQ(agent_far(rec), UNPROTECTED);
}

TEST(state_ns_gpf,
     "ASSIGNED_NS page that the host delegates: the realm's access does not reach it, host "
     "and RMM go on; given back, it works again")
{
	struct rec *rec = one_agent();
	uint64_t page = page_alloc();

	realm_map_page(rec->realm, UNPROTECTED, page);
	CHECK(agent_do(rec, INSN_STR_X, UNPROTECTED, 0x77));
	REQUIRE_EQ(rmi_granule_delegate(page), RMI_SUCCESS);
	CHECK(!agent_do(rec, INSN_LDR_X, UNPROTECTED, 0));
	if (rec->stop == REC_EXIT) {
		rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
		REQUIRE_EQ(rec_run(rec), REC_CALL);
	}
	CHECK(!agent_done(rec));
	REQUIRE_EQ(rmi_granule_undelegate(page), RMI_SUCCESS);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED), 0);
}

TEST(inject_sea,
     "inject SEA: after a data abort exit at an unprotected address, emulatable or not; "
     "emul_mmio beside it is ignored")
{
	struct rec *rec = one_agent();
	static const enum agent_insn insns[] = {INSN_LDR_X, INSN_STR_W, INSN_LDXR};

	for (unsigned i = 0; i < 3; i++) {
		uint64_t address = UNPROTECTED + 0x20340 + i * PAGE_SIZE;

		CHECK(!agent_do(rec, insns[i], address, 0x11));
		REQUIRE_EQ(rec->stop, REC_EXIT);
		rec->run->enter.flags =
			RMI_ENTER_FLAG_INJECT_SEA | (i < 2 ? RMI_ENTER_FLAG_EMUL_MMIO : 0);
		REQUIRE_EQ(rec_run(rec), REC_CALL);
		CHECK(!agent_done(rec));
		CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
		CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_EXTERNAL_ABORT);
		CHECK_EQ(agent_far(rec), address);
	}
}

TEST(inject_sea_nothing, "inject SEA: no effect after another exit")
{
	struct rec *rec = one_agent();

	agent_prepare(rec, AGENT_DO, INSN_LDR_X, PAGES, 0);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	REQUIRE(realm_data_unknown(rec->realm, PAGES));
	rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
	agent_prepare(rec, AGENT_DO, INSN_ISB, 0, 0);
	rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
}

TEST(boundaries,
     "boundaries: the last page of the protected half and the first of the unprotected, an "
     "access across them, and the end of all addresses")
{
	struct rec *rec = one_agent();
	uint64_t last = UNPROTECTED - PAGE_SIZE;
	uint64_t page = page_alloc();

	all_sea(rec, last);
	all_sea(rec, UNPROTECTED - 8);
	REQUIRE_EQ(agent_smc(rec, RSI_IPA_STATE_SET_FID, last, UNPROTECTED, RSI_RIPAS_RAM).x[1],
		   UNPROTECTED);
	CHECK(agent_do(rec, INSN_STR_X, UNPROTECTED - 8, 0xabc));
	CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED - 8), 0xabc);
	CHECK(!agent_do(rec, INSN_LDR_X, UNPROTECTED, 0));
	REQUIRE_EQ(rec->stop, REC_EXIT);
	CHECK_EQ(rec->run->exit.hpfar, UNPROTECTED >> 8);
	realm_map_page(rec->realm, UNPROTECTED, page);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	CHECK(agent_do(rec, INSN_STR_X, UNPROTECTED - 4, 0x1111111122222222));
	CHECK_EQ(agent_get(rec, INSN_LDR_W, UNPROTECTED - 4), 0x22222222);
	CHECK_EQ(read64(page), 0x11111111);
	REQUIRE_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, rec->realm->rd, UNPROTECTED, 3).x[0],
		   RMI_SUCCESS);
	CHECK(!agent_do(rec, INSN_LDR_X, UNPROTECTED - 4, 0));
	REQUIRE_EQ(rec->stop, REC_EXIT);
	CHECK_EQ(rec->run->exit.hpfar, UNPROTECTED >> 8);
	rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(!agent_do(rec, INSN_LDR_X, (1UL << 32) - 8, 0));
	REQUIRE_EQ(rec->stop, REC_EXIT);
	CHECK_EQ(rec->run->exit.hpfar, ((1UL << 32) - PAGE_SIZE) >> 8);
}

/* Load and fetch meet an address size fault of this level. */
static void address_size(struct rec *rec, uint64_t address, unsigned level)
{
	CHECK(!agent_do(rec, INSN_LDR_X, address, 0));
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_ADDRESS_SIZE + level);
	CHECK_EQ(agent_far(rec), address);
	agent_order(rec, AGENT_FETCH, address, 0, 0);
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_INSTRUCTION_ABORT_SAME);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_ADDRESS_SIZE + level);
	CHECK_EQ(agent_far(rec), address);
}

TEST(outside_ipa,
     "outside the IPA space: address size faults in the realm, level 0 with stage 1 off, "
     "level 3 with it on, at the address accessed")
{
	struct rec *rec = one_agent();

	address_size(rec, 1UL << 32, 0);
	address_size(rec, 1UL << 36 | PAGE_SIZE, 0);
	address_size(rec, 1UL << 53, 0);
	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	address_size(rec, 1UL << 32, 3);
	address_size(rec, (1UL << 38) + 0x1238, 3);
}

/* Entry of an unfolded table against what stood there before. */
static void compare_table(const struct realm *realm, uint64_t ipa, const struct entry *before)
{
	for (unsigned i = 0; i < 512; i += 73) {
		expect_entry(realm, ipa + i * PAGE_SIZE, 3, before[i / 73]);
	}
}

static void remember_table(const struct realm *realm, uint64_t ipa, struct entry before[8])
{
	for (unsigned i = 0; i < 512; i += 73) {
		before[i / 73] = rtt_read(realm, ipa + i * PAGE_SIZE, 3);
	}
}

static void fold(struct realm *realm, uint64_t ipa, uint64_t level)
{
	struct smc_regs r = smc_call(RMI_RTT_FOLD_FID, realm->rd, ipa, level);

	REQUIRE_EQ(r.x[0], RMI_SUCCESS);
	CHECK_EQ(r.x[2], 0);
	granule_give(r.x[1]);
}

TEST(rtt_fold_assigned,
     "RTT fold of ASSIGNED pages: a block with the same state, PA and RIPAS; the realm "
     "reads the same before, in between and after")
{
	struct realm_config config = realm_default(PROGRAM_agent);
	struct realm *realm = realm_create(&config);
	struct entry before[8];
	struct rec *rec;
	uint64_t run, ipa = REALM_RAM_TOP;

	realm_destroy(realm);
	realm = agent_realm(1);
	rec = &realm->recs[0];
	run = realm_make_block(realm, ipa);
	expect_entry(realm, ipa, 2, (struct entry){2, RMI_ASSIGNED, run, RMI_RIPAS_EMPTY});
	ask(rec, ipa, ipa + MIB(2), RSI_RIPAS_RAM, 0);
	apply(rec, ipa, ipa + MIB(2));
	told(rec, 0, ipa + MIB(2), RSI_RESPONSE_ACCEPT);
	expect_entry(realm, ipa, 2, (struct entry){2, RMI_ASSIGNED, run, RMI_RIPAS_RAM});
	expect_entry(realm, ipa + 0x80000, 3, (struct entry){2, RMI_ASSIGNED, run, RMI_RIPAS_RAM});
	agent_order(rec, AGENT_FILL, ipa, ipa + MIB(2), 0x4711);
	CHECK(agent_done(rec));
	realm_make_tables(realm, ipa, 2, 3);
	remember_table(realm, ipa, before);
	CHECK_EQ(before[3].desc, run + 3 * 73 * PAGE_SIZE);
	agent_order(rec, AGENT_CHECK, ipa, ipa + MIB(2), 0x4711);
	CHECK_EQ(agent_value(rec), 0);
	fold(realm, ipa, 3);
	expect_entry(realm, ipa + 0x80000, 3, (struct entry){2, RMI_ASSIGNED, run, RMI_RIPAS_RAM});
	agent_order(rec, AGENT_CHECK, ipa, ipa + MIB(2), 0x4711);
	CHECK_EQ(agent_value(rec), 0);
	realm_make_tables(realm, ipa, 2, 3);
	compare_table(realm, ipa, before);
	agent_order(rec, AGENT_CHECK, ipa, ipa + MIB(2), 0x4711);
	CHECK_EQ(agent_value(rec), 0);
}

TEST(rtt_fold_destroyed,
     "RTT fold: a block of RAM keeps its page's place when one is destroyed behind an "
     "unfold; the realm meets an abort there only")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	uint64_t ipa = REALM_RAM_TOP;

	realm_make_block(realm, ipa);
	ask(rec, ipa, ipa + MIB(2), RSI_RIPAS_RAM, 0);
	apply(rec, ipa, ipa + MIB(2));
	told(rec, 0, ipa + MIB(2), RSI_RESPONSE_ACCEPT);
	CHECK(agent_do(rec, INSN_STR_X, ipa + PAGE_SIZE, 1));
	realm_make_tables(realm, ipa, 2, 3);
	granule_give(smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa + PAGE_SIZE).x[1]);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, ipa), 0);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, ipa + 2 * PAGE_SIZE), 0);
	abort_exit(rec, AGENT_DO, INSN_LDR_X, ipa + PAGE_SIZE, EC_DATA_LOWER);
}

TEST(rtt_fold_assigned_ns,
     "RTT fold of ASSIGNED_NS pages: a block with the same address and attributes; "
     "the realm reads through all of them; unfolded, the entries are as before")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	uint64_t pa = page_alloc_run(512, 512);
	uint64_t desc = ns_desc(pa, RMI_MEMATTR_NORMAL_WB, 3);
	struct entry before[8];

	realm_make_tables(realm, UNPROTECTED, 1, 3);
	for (uint64_t at = 0; at < MIB(2); at += PAGE_SIZE) {
		REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, UNPROTECTED + at, 3,
				    desc + at)
				   .x[0],
			   RMI_SUCCESS);
		write64(pa + at, pa + at);
	}
	remember_table(realm, UNPROTECTED, before);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED + 0x91000), pa + 0x91000);
	fold(realm, UNPROTECTED, 3);
	expect_entry(realm, UNPROTECTED, 2, (struct entry){2, RMI_ASSIGNED, desc, 0});
	expect_entry(realm, UNPROTECTED + 0x80000, 3, (struct entry){2, RMI_ASSIGNED, desc, 0});
	CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED + 0x91000), pa + 0x91000);
	realm_make_tables(realm, UNPROTECTED, 2, 3);
	compare_table(realm, UNPROTECTED, before);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED + 0x1ff000), pa + 0x1ff000);
}

/* Tables without pages fold to level 2 and on to level 1, and unfold to what they were. */
static void fold_unassigned(struct realm *realm, uint64_t ipa, struct entry leaf)
{
	struct entry at_2 = leaf, at_1 = leaf;

	at_2.level = 2;
	at_1.level = 1;
	realm_make_tables(realm, ipa, 1, 3);
	expect_entry(realm, ipa + 0x80000, 3, leaf);
	fold(realm, ipa, 3);
	expect_entry(realm, ipa + 0x80000, 3, at_2);
	fold(realm, ipa, 2);
	expect_entry(realm, ipa + 0x80000, 3, at_1);
	realm_make_tables(realm, ipa, 1, 3);
	expect_entry(realm, ipa + 0x80000, 3, leaf);
}

TEST(rtt_fold_unassigned,
     "RTT fold of UNASSIGNED and UNASSIGNED_NS: level 3 to 2 to 1, with RIPAS EMPTY "
     "and RAM; unfolded, the entries are as before")
{
	struct realm_config config = realm_default(PROGRAM_hello);
	struct realm *realm = realm_create(&config);

	fold_unassigned(realm, 0, (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY});
	realm_init_ripas(realm, 0x40000000, 0x80000000);
	fold_unassigned(realm, 0x40000000, (struct entry){3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM});
	fold_unassigned(realm, UNPROTECTED, (struct entry){3, RMI_UNASSIGNED, 0, 0});
}

struct geometry {
	uint8_t width;
	int64_t level;
	uint32_t tables;
};

/* A realm of this shape runs, and has memory at the ends of both halves. */
static void live_in(const struct geometry *g)
{
	struct realm_config config = realm_default(PROGRAM_agent);
	uint64_t half = 1UL << (g->width - 1);
	uint64_t page = page_alloc();
	struct realm *realm;
	struct rec *rec;

	config.ipa_width = g->width;
	config.start_level = g->level;
	config.start_tables = g->tables;
	config.flags = g->width > 48 ? RMI_REALM_FLAG_LPA2 : 0;
	realm = agent_realm_of(&config);
	rec = &realm->recs[0];
	CHECK_EQ(agent_smc(rec, RSI_REALM_CONFIG_FID, PAGES).x[0], RSI_SUCCESS);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, PAGES), g->width);
	REQUIRE_EQ(
		agent_smc(rec, RSI_IPA_STATE_SET_FID, half - PAGE_SIZE, half, RSI_RIPAS_RAM).x[1],
		half);
	CHECK(agent_do(rec, INSN_STR_X, half - 8, 0x77));
	CHECK_EQ(agent_get(rec, INSN_LDR_X, half - 8), 0x77);
	realm_map_page(realm, 2 * half - PAGE_SIZE, page);
	CHECK(agent_do(rec, INSN_STR_X, 2 * half - 8, 0x88));
	CHECK_EQ(read64(page + PAGE_SIZE - 8), 0x88);
	realm_map_page(realm, half, page);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, half + PAGE_SIZE - 8), 0x88);
	realm_destroy(realm);
}

TEST(rtt_level_start,
     "rtt_level_start: realms with {32, 2, 4}, {34, 2, 16}, {40, 1, 2}, {42, 1, 8} and "
     "more, one table and sixteen, boot and use both ends of both halves")
{
	static const struct geometry all[] = {
		{32, 2, 4}, {33, 2, 8}, {34, 2, 16}, {32, 1, 1}, {39, 1, 1}, {40, 1, 2},
		{41, 1, 4}, {42, 1, 8}, {43, 1, 16}, {40, 0, 1}, {44, 0, 1}, {48, 0, 1},
	};

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		note("%u bits, level %ld, %u tables", all[i].width, all[i].level, all[i].tables);
		live_in(&all[i]);
	}
}

TEST(rtt_level_start_52,
     "rtt_level_start: realms with 52-bit addresses, {52, 0, 16} and others, and level "
     "-1")
{
	static const struct geometry all[] = {
		{49, 0, 2}, {50, 0, 4}, {51, 0, 8}, {52, 0, 16}, {52, -1, 1}, {49, -1, 1},
	};

	if (!(smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_LPA2_SHIFT & 1)) {
		SKIP("this CPU has no 52-bit addresses at stage 2");
	}
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		note("%u bits, level %ld, %u tables", all[i].width, all[i].level, all[i].tables);
		live_in(&all[i]);
	}
}

TEST(s2fwb,
     "S2FWB: normal memory mapped with MemAttr 110, 111 and 101, under stage 1 non-cacheable, "
     "non-cacheable and write-back: values go both ways")
{
	static const uint8_t memattr[] = {6, 7, 5};
	static const uint64_t stage1[] = {0x705, 0x705, 0x701}; /* AttrIndx 1 is non-cacheable */
	struct rec *rec = one_agent();
	struct realm *realm = rec->realm;
	uint64_t page = page_alloc();

	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	realm_make_tables(realm, UNPROTECTED, 1, 3);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t desc = ns_desc(page, memattr[i], 3);

		REQUIRE_EQ(
			smc_call(RMI_RTT_MAP_UNPROTECTED_FID, realm->rd, UNPROTECTED, 3, desc).x[0],
			RMI_SUCCESS);
		agent_order(rec, AGENT_MAP, UNPROTECTED, stage1[i], 0);
		write64(page, 0x1000 + i);
		CHECK_EQ(agent_get(rec, INSN_LDR_X, UNPROTECTED), 0x1000 + i);
		CHECK(agent_do(rec, INSN_STR_X, UNPROTECTED + 8, 0x2000 + i));
		CHECK_EQ(read64(page + 8), 0x2000 + i);
		REQUIRE_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, realm->rd, UNPROTECTED, 3).x[0],
			   RMI_SUCCESS);
	}
}

TEST(ha_hd, "HA/HD: hardware updates of access flag and dirty state in the realm's own stage 1")
{
	uint64_t free_block = 0x40000000;
	struct rec *rec = one_agent();
	uint64_t descriptor, tcr;

	if ((sysreg_read("id_aa64mmfr1_el1") & 0xf) < 2) {
		SKIP("this CPU does not update page tables");
	}
	REQUIRE_EQ(agent_smc(rec, RSI_IPA_STATE_SET_FID, free_block, free_block + PAGE_SIZE,
			     RSI_RIPAS_RAM)
			   .x[1],
		   free_block + PAGE_SIZE);
	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	tcr = agent_get(rec, INSN_R_TCR, 0);
	agent_set(rec, INSN_W_TCR, tcr | 3UL << 39);
	/* No access flag, read-only, DBM: writable and clean. */
	agent_order(rec, AGENT_MAP, free_block, 0x381 | 1UL << 51, 0);
	descriptor = agent_value(rec);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, descriptor) & 0x480, 0x080);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, free_block), 0);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, descriptor) & 0x480, 0x480);
	CHECK(agent_do(rec, INSN_STR_X, free_block, 5));
	CHECK_EQ(agent_get(rec, INSN_LDR_X, descriptor) & 0x480, 0x400);
}

TEST(stage1_walk,
     "stage 1 walk: a table of the realm in RAM without a page exits and is not emulatable, in "
     "normal memory too; in EMPTY memory it is an external abort in the realm")
{
	struct rec *rec = one_agent();
	uint64_t ram = 0x40000000, va = ram + 0x123000;

	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	agent_order(rec, AGENT_MAP, ram, 3, 0);
	CHECK(!agent_do(rec, INSN_LDR_X, va, 0));
	REQUIRE_EQ(rec->stop, REC_CALL);
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_DATA_ABORT_SAME);
	CHECK_EQ(agent_far(rec), va);
	REQUIRE_EQ(agent_smc(rec, RSI_IPA_STATE_SET_FID, ram, ram + PAGE_SIZE, RSI_RIPAS_RAM).x[1],
		   ram + PAGE_SIZE);
	agent_prepare(rec, AGENT_DO, INSN_LDR_X, va, 0);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr & ~0x3fUL, (uint64_t)EC_DATA_LOWER << 26);
	CHECK_EQ(rec->run->exit.hpfar, ram >> 8);
	REQUIRE(realm_data_unknown(rec->realm, ram));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(ESR_FSC(agent_esr(rec)), FSC_TRANSLATION_2);
	agent_order(rec, AGENT_MAP, UNPROTECTED, 3, 0);
	agent_prepare(rec, AGENT_DO, INSN_STR_X, UNPROTECTED + 0x5000, 0x77);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr & ~0x3fUL, (uint64_t)EC_DATA_LOWER << 26);
	CHECK_EQ(rec->run->exit.hpfar, UNPROTECTED >> 8);
}
