// SPDX-License-Identifier: BSD-3-Clause
/* Exceptions of a realm: what the host sees of them, what the realm sees, and how it goes on. */
#include "payload/common/probe.h"
#include "payload/host/agent.h"
#include "payload/host/bad_addresses.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define UNPROTECTED 0x80000000UL                    /* of realm_default() */
#define MMIO        (UNPROTECTED + 0x10000)         /* nothing is mapped here */
#define PAGE        (REALM_RAM_TOP - 2 * PAGE_SIZE) /* RAM without a page so far */

#define EC(n)       ((uint64_t)(n) << 26)
#define EC_WFX      0x01
#define EC_SYSREG   0x18
#define EC_FETCH    0x20
#define EC_DATA     0x24
#define ISV         (1UL << 24)
#define SAS(n)      ((uint64_t)(n) << 22)
#define SF          (1UL << 15)
#define WNR         (1UL << 6)
#define DFSC_TRANS3 0x07
#define DFSC_PERM3  0x0f

static struct rec *one_agent(void)
{
	return &agent_realm(1)->recs[0];
}

/* The realm with tables at level 3 for MMIO, so that the fault's level is 3. */
static struct rec *mmio_agent(void)
{
	struct realm *realm = agent_realm(1);

	realm_make_tables(realm, UNPROTECTED, 1, 3);
	return &realm->recs[0];
}

TEST(exit_wfi, "WFI exit: SYNC, EC 0x01, TI 0, nothing else; goes on behind the instruction; "
	       "registers are the realm's own")
{
	struct rec *rec = one_agent();

	agent_prepare(rec, AGENT_DO, INSN_WFI, 0, 0x12345678);
	rec->run->enter.flags = RMI_ENTER_FLAG_TRAP_WFI;
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR);
	CHECK_EQ(rec->run->exit.esr, EC(EC_WFX));
	memset(rec->run->enter.gprs, 0x77, sizeof(rec->run->enter.gprs));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
	CHECK_EQ(agent_value(rec), 0x12345678);
	agent_prepare(rec, AGENT_DO, INSN_WFI, 0, 0x4321);
	rec->run->enter.flags = RMI_ENTER_FLAG_TRAP_WFI;
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_value(rec), 0x4321);
}

/* QEMU's syndrome does not name the register of the timeout (RV is 0), so there is none to show. */
TEST(exit_wfit, "WFI exit of WFIT: TI 2")
{
	struct rec *rec = one_agent();
	uint64_t deadline = time_now() + us_to_ticks(100000000);

	agent_prepare(rec, AGENT_DO, INSN_WFIT, 0, deadline);
	rec->run->enter.flags = RMI_ENTER_FLAG_TRAP_WFI;
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR);
	CHECK_EQ(rec->run->exit.esr, EC(EC_WFX) | 2);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
}

/* The instruction is undefined in the realm, and the realm alone notices. */
static void undefined(struct rec *rec, enum agent_insn insn)
{
	agent_prepare(rec, AGENT_DO, insn, 0, 0);
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	rec->stop = REC_CALL;
	if (!CHECK(!agent_done(rec)) || !CHECK_EQ(agent_esr(rec), 1UL << 25)) {
		note("instruction %u", insn);
	}
}

TEST(realm_hvc, "HVC: an undefined exception in the realm, EC 0, at the instruction")
{
	struct rec *rec = one_agent();

	undefined(rec, INSN_HVC);
	undefined(rec, INSN_HVC);
	CHECK(agent_do(rec, INSN_ISB, 0, 0));
}

TEST(realm_undefined, "instructions that a realm does not have: implementation defined registers, "
		      "SME, statistical profiling, activity monitors, LORegions, and SVE and PMU "
		      "without their flags")
{
	struct rec *rec = one_agent();

	agent_set(rec, INSN_W_CPACR, 0x3330000);
	undefined(rec, INSN_IMPDEF);
	undefined(rec, INSN_SVE);
	undefined(rec, INSN_SME);
	undefined(rec, INSN_PMSCR);
	undefined(rec, INSN_LORID);
	undefined(rec, INSN_AMCR);
	undefined(rec, INSN_R_PMCR);
	undefined(rec, INSN_R_PMCCNTR);
	undefined(rec, INSN_W_PMCR);
	undefined(rec, INSN_R_ICC_SGI1R);
}

TEST(realm_id_registers, "identification: nothing a realm cannot use is shown; its own index in "
			 "MPIDR_EL1; OS lock and ACTLR_EL1 are inert")
{
	struct realm *realm = agent_realm(2);
	struct rec *rec = &realm->recs[0];
	uint64_t pfr0 = agent_get(rec, INSN_PFR0, 0);
	uint64_t dfr0 = agent_get(rec, INSN_DFR0, 0);

	CHECK_EQ(pfr0 & 0xff, 0x11);
	CHECK_EQ(pfr0 >> 32 & 0xf, 0);                         /* SVE */
	CHECK_EQ(pfr0 >> 44 & 0xf, 0);                         /* AMU */
	CHECK_EQ(pfr0 >> 40 & 0xf, 0);                         /* MPAM */
	CHECK_EQ(agent_get(rec, INSN_PFR1, 0) >> 8 & 0xf, 0);  /* MTE */
	CHECK_EQ(agent_get(rec, INSN_PFR1, 0) >> 24 & 0xf, 0); /* SME */
	CHECK_EQ(dfr0 >> 8 & 0xf, 0);                          /* PMU */
	CHECK_EQ(dfr0 >> 32 & 0xf, 0);                         /* SPE */
	CHECK_EQ(dfr0 >> 12 & 0xf, 1);                         /* breakpoints - 1 */
	CHECK_EQ(dfr0 >> 20 & 0xf, 1);
	CHECK_EQ(agent_get(rec, INSN_ZFR0, 0), 0);
	CHECK_EQ(agent_get(rec, INSN_SMFR0, 0), 0);
	CHECK_EQ(agent_get(rec, INSN_MIDR, 0), sysreg_read("midr_el1"));
	CHECK_EQ(agent_get(rec, INSN_MPIDR, 0), 1UL << 31);
	CHECK_EQ(agent_get(rec, INSN_ACTLR, 0), 0);
	agent_set(rec, INSN_OSLAR, 1);
	CHECK_EQ(agent_get(rec, INSN_OSLSR, 0), 0);
	agent_start_rec(realm, 1);
	CHECK_EQ(agent_get(&realm->recs[1], INSN_MPIDR, 0), 1UL << 31 | 1);
}

TEST(exit_sgi, "system register exit: writes of ICC_SGI1R_EL1 and ICC_DIR_EL1 reach the host with "
	       "their value; the realm goes on behind them")
{
	struct rec *rec = one_agent();

	agent_prepare(rec, AGENT_DO, INSN_W_ICC_SGI1R, 0, 0x05000001);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_GPR0);
	CHECK_EQ(ESR_EC(rec->run->exit.esr), EC_SYSREG);
	CHECK_EQ(rec->run->exit.esr & 0x3fffff, 3UL << 20 | 5UL << 17 | 12UL << 10 | 11UL << 1);
	CHECK_EQ(rec->run->exit.gprs[0], 0x05000001);
	memset(rec->run->enter.gprs, 0x77, sizeof(rec->run->enter.gprs));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
	CHECK_EQ(agent_value(rec), 0x05000001);
	rec->run->enter.gicv3_hcr = 1UL << 14; /* TDIR */
	agent_prepare(rec, AGENT_DO, INSN_W_ICC_DIR, 0, 0x29);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_GPR0);
	CHECK_EQ(rec->run->exit.gprs[0], 0x29);
	CHECK_EQ(rec->run->exit.gicv3_hcr, 1UL << 14);
	rec->run->enter.gicv3_hcr = 0;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
}

TEST(exit_fetch, "instruction abort exit: RAM without a page; EC 0x20, IFSC 0x07, hpfar, nothing "
		 "else; again until the page is there")
{
	struct rec *rec = one_agent();

	agent_prepare(rec, AGENT_FETCH, PAGE, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
		CHECK_EQ(rec->run->exit.esr, EC(EC_FETCH) | DFSC_TRANS3);
		CHECK_EQ(rec->run->exit.hpfar, PAGE >> 8);
	}
	REQUIRE(realm_data_unknown(rec->realm, PAGE));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	/* The page is zeros, and zero is no instruction. */
	CHECK(!agent_done(rec));
	CHECK_EQ(ESR_EC(agent_esr(rec)), EC_UNKNOWN);
	REQUIRE(agent_do(rec, INSN_STR_W, PAGE, 0xd65f03c0));
	REQUIRE(agent_do(rec, INSN_IC, 0, 0));
	agent_order(rec, AGENT_FETCH, PAGE, 0, 0);
	CHECK(agent_done(rec));
}

/* The realm's access ends with an exit that the host may emulate. */
static void emulatable(struct rec *rec, enum agent_insn insn, uint64_t value, uint64_t esr)
{
	bool store = esr & WNR;

	agent_prepare(rec, AGENT_DO, insn, MMIO + 0x128, value);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_FAR | EXIT_HPFAR | (store ? EXIT_GPR0 : 0));
	CHECK_EQ(rec->run->exit.esr, EC(EC_DATA) | ISV | DFSC_TRANS3 | esr);
	CHECK_EQ(rec->run->exit.far, 0x128);
	CHECK_EQ(rec->run->exit.hpfar, MMIO >> 8);
}

/* Let the host's answer take effect; the value that the realm has then. */
static uint64_t emulated(struct rec *rec, uint64_t answer)
{
	memset(rec->run->enter.gprs, 0x66, sizeof(rec->run->enter.gprs));
	rec->run->enter.gprs[0] = answer;
	rec->run->enter.flags = RMI_ENTER_FLAG_EMUL_MMIO;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
	return agent_value(rec);
}

TEST(exit_mmio, "emulatable data abort: a word stored and loaded with emul_mmio")
{
	struct rec *rec = mmio_agent();

	emulatable(rec, INSN_STR_W, 0x333, WNR | SAS(2));
	CHECK_EQ(rec->run->exit.gprs[0], 0x333);
	CHECK_EQ(emulated(rec, 0), 0x333);
	emulatable(rec, INSN_LDR_W, 0xffffffffffffffff, SAS(2));
	CHECK_EQ(emulated(rec, 0x333), 0x333);
}

TEST(exit_mmio_stores,
     "emulatable data abort: stores of every size show the bytes stored and no more")
{
	struct rec *rec = mmio_agent();
	uint64_t value = 0x8182838485868788;

	emulatable(rec, INSN_STR_X, value, WNR | SAS(3) | SF);
	CHECK_EQ(rec->run->exit.gprs[0], value);
	emulated(rec, 0);
	emulatable(rec, INSN_STR_W, value, WNR | SAS(2));
	CHECK_EQ(rec->run->exit.gprs[0], 0x85868788);
	emulated(rec, 0);
	emulatable(rec, INSN_STR_H, value, WNR | SAS(1));
	CHECK_EQ(rec->run->exit.gprs[0], 0x8788);
	emulated(rec, 0);
	emulatable(rec, INSN_STR_B, value, WNR);
	CHECK_EQ(rec->run->exit.gprs[0], 0x88);
	emulated(rec, 0);
	emulatable(rec, INSN_STR_ZR, value, WNR | SAS(3) | SF);
	CHECK_EQ(rec->run->exit.gprs[0], 0);
	CHECK_EQ(emulated(rec, 0), value);
}

TEST(exit_mmio_loads,
     "emulatable data abort: loads of every size, signed and unsigned, 32 and 64 bits; "
     "into XZR; SSE and SRT are not shown")
{
	struct rec *rec = mmio_agent();
	uint64_t answer = 0xfff1f2f3f4f5f6f7;
	static const struct {
		enum agent_insn insn;
		uint64_t esr;
		uint64_t result;
	} loads[] = {
		{INSN_LDR_X, SAS(3) | SF, 0xfff1f2f3f4f5f6f7},
		{INSN_LDR_W, SAS(2), 0xf4f5f6f7},
		{INSN_LDR_H, SAS(1), 0xf6f7},
		{INSN_LDR_B, SAS(0), 0xf7},
		{INSN_LDRSW_X, SAS(2) | SF, 0xfffffffff4f5f6f7},
		{INSN_LDRSH_X, SAS(1) | SF, 0xfffffffffffff6f7},
		{INSN_LDRSH_W, SAS(1), 0xfffff6f7},
		{INSN_LDRSB_X, SAS(0) | SF, 0xfffffffffffffff7},
		{INSN_LDRSB_W, SAS(0), 0xfffffff7},
		{INSN_LDR_ZR, SAS(3) | SF, 0x5555},
	};

	for (unsigned i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		emulatable(rec, loads[i].insn, 0x5555, loads[i].esr);
		if (!CHECK_EQ(emulated(rec, answer), loads[i].result)) {
			note("load %u", i);
		}
	}
	emulatable(rec, INSN_LDRSB_X, 0, SF);
	CHECK_EQ(emulated(rec, 0x1ff7f), 0x7f);
}

TEST(exit_mmio_retry,
     "emulatable data abort: without emul_mmio the access is made again; with a page "
     "it succeeds")
{
	struct rec *rec = mmio_agent();
	uint64_t page = page_alloc();

	emulatable(rec, INSN_STR_X, 0x77, WNR | SAS(3) | SF);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_FAR | EXIT_HPFAR | EXIT_GPR0);
	realm_map_page(rec->realm, MMIO, page);
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
	CHECK_EQ(read64(page + 0x128), 0x77);
}

/* The access ends with an exit that the host may not emulate; emul_mmio is then refused. */
static void not_emulatable(struct rec *rec, enum agent_insn insn, uint64_t address, uint64_t dfsc)
{
	agent_prepare(rec, AGENT_DO, insn, address, 0x99);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr, EC(EC_DATA) | dfsc);
	CHECK_EQ(rec->run->exit.hpfar, address >> 12 << 4);
	rec->run->enter.flags = RMI_ENTER_FLAG_EMUL_MMIO;
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	rec->run->enter.flags = 0;
}

TEST(exit_exclusive,
     "non-emulatable data abort: an exclusive load and store, a pair, an atomic at an "
     "unmapped address: IL, ISV, SAS, WnR are 0")
{
	static const enum agent_insn insns[] = {INSN_LDXR, INSN_LDP, INSN_STP, INSN_LDADD};
	struct rec *rec = mmio_agent();
	uint64_t page = page_alloc();

	for (unsigned i = 0; i < 4; i++) {
		not_emulatable(rec, insns[i], MMIO, DFSC_TRANS3);
		realm_map_page(rec->realm, MMIO, page);
		REQUIRE_EQ(rec_run(rec), REC_CALL);
		CHECK(agent_done(rec));
		REQUIRE_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, rec->realm->rd, MMIO, 3).x[0],
			   RMI_SUCCESS);
	}
}

TEST(exit_write_only, "non-emulatable data abort: an exclusive load of a write-only mapping is a "
		      "permission fault at level 3; a plain load of it can be emulated")
{
	struct rec *rec = mmio_agent();
	uint64_t page = page_alloc();
	uint64_t desc = ns_desc(page, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_WRITE);

	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, rec->realm->rd, MMIO, 3, desc).x[0],
		   RMI_SUCCESS);
	CHECK(agent_do(rec, INSN_STR_X, MMIO, 0x4711));
	CHECK_EQ(read64(page), 0x4711);
	not_emulatable(rec, INSN_LDXR, MMIO, DFSC_PERM3);
	rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	agent_prepare(rec, AGENT_DO, INSN_LDR_X, MMIO, 0);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_FAR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr, EC(EC_DATA) | ISV | SAS(3) | SF | DFSC_PERM3);
	CHECK_EQ(emulated(rec, 0x1234), 0x1234);
}

TEST(exit_read_only,
     "emulatable data abort: a store to a read-only mapping, and the page stays as it "
     "is")
{
	struct rec *rec = mmio_agent();
	uint64_t page = page_alloc();
	uint64_t desc = ns_desc(page, RMI_MEMATTR_NORMAL_WB, RMI_S2AP_READ);

	write64(page, 0x1122);
	REQUIRE_EQ(smc_call(RMI_RTT_MAP_UNPROTECTED_FID, rec->realm->rd, MMIO, 3, desc).x[0],
		   RMI_SUCCESS);
	CHECK_EQ(agent_get(rec, INSN_LDR_X, MMIO), 0x1122);
	agent_prepare(rec, AGENT_DO, INSN_STR_X, MMIO, 0x3344);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_FAR | EXIT_HPFAR | EXIT_GPR0);
	CHECK_EQ(rec->run->exit.esr, EC(EC_DATA) | ISV | SAS(3) | SF | WNR | DFSC_PERM3);
	CHECK_EQ(rec->run->exit.gprs[0], 0x3344);
	emulated(rec, 0);
	CHECK_EQ(read64(page), 0x1122);
}

TEST(exit_destroyed,
     "non-emulatable data abort: load and store of a page that was destroyed; ISV, WnR "
     "and the stored value are not shown")
{
	struct rec *rec = one_agent();

	CHECK(agent_do(rec, INSN_STR_X, PAGE, 0x55));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, rec->realm->rd, PAGE).x[1]);
	not_emulatable(rec, INSN_STR_X, PAGE, DFSC_TRANS3);
	not_emulatable(rec, INSN_STR_X, PAGE, DFSC_TRANS3);
	rec->run->enter.flags = RMI_ENTER_FLAG_INJECT_SEA;
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
}

TEST(exit_destroyed_load,
     "non-emulatable data abort: a load of a page that was destroyed, and of RAM "
     "that never had one")
{
	struct rec *rec = one_agent();

	agent_prepare(rec, AGENT_DO, INSN_LDR_X, PAGE, 0);
	expect_exit(rec, RMI_EXIT_SYNC, EXIT_ESR | EXIT_HPFAR);
	CHECK_EQ(rec->run->exit.esr, EC(EC_DATA) | DFSC_TRANS3);
	REQUIRE(realm_data_unknown(rec->realm, PAGE));
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK_EQ(agent_value(rec), 0);
	granule_give(smc_call(RMI_DATA_DESTROY_FID, rec->realm->rd, PAGE).x[1]);
	not_emulatable(rec, INSN_LDR_X, PAGE, DFSC_TRANS3);
	REQUIRE(realm_data_unknown(rec->realm, PAGE));
	not_emulatable(rec, INSN_LDR_X, PAGE, DFSC_TRANS3);
}

TEST(exit_enter_ignored,
     "RMI_REC_ENTER: reserved bytes, unused registers and flags of the enter record "
     "change nothing")
{
	struct rec *rec = one_agent();
	struct rmi_rec_enter *enter = &rec->run->enter;

	agent_prepare(rec, AGENT_DO, INSN_R_TPIDR, 0, 0);
	memset(enter->reserved_008, 0xff, sizeof(enter->reserved_008));
	memset(enter->reserved_2f8, 0xff, sizeof(enter->reserved_2f8));
	memset(enter->reserved_388, 0xff, sizeof(enter->reserved_388));
	enter->flags = RMI_ENTER_FLAG_INJECT_SEA | RMI_ENTER_FLAG_RIPAS_REJECT | ~0UL << 5;
	for (unsigned i = 4; i < RMI_MAX_LRS; i++) {
		enter->gicv3_lrs[i] = UINT64_MAX;
	}
	if ((smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_GICV3_NUM_LRS_SHIFT & 0xf) != 3) {
		memset(enter->gicv3_lrs, 0, sizeof(enter->gicv3_lrs));
	}
	expect_exit(rec, RMI_EXIT_HOST_CALL, EXIT_GPRS | EXIT_IMM);
	CHECK_EQ(agent_value(rec), 0);
}
