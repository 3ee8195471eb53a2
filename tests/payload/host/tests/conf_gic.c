// SPDX-License-Identifier: BSD-3-Clause
/* A realm's interrupts, timers and performance monitors, and what the host is told of them. */
#include "payload/host/agent.h"
#include "payload/host/cpu.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define LR_PENDING (1UL << 62)
#define LR_ACTIVE  (2UL << 62)
#define LR_STATE   (3UL << 62)
#define LR_HW      (1UL << 61)
#define LR_GROUP1  (1UL << 60)
#define LR_PRIO(n) ((uint64_t)(n) << 48)
#define LR(intid)  (LR_PENDING | LR_GROUP1 | LR_PRIO(0x80) | (intid))

#define HCR_UIE         (1UL << 1)
#define HCR_LRENPIE     (1UL << 2)
#define HCR_NPIE        (1UL << 3)
#define HCR_EOICOUNT(h) ((h) >> 27 & 0x1f)
#define MISR_U          (1UL << 1)
#define MISR_LRENP      (1UL << 2)
#define MISR_NP         (1UL << 3)

#define PPI_PMU     23
#define PPI_TIMER   30 /* CNTP of EL1 */
#define PPI_TIMER_V 27
#define CTL_ENABLE  1UL
#define CTL_IMASK   2UL
#define CTL_ISTATUS 4UL
#define SPURIOUS    1023
#define EOI_MODE    (1UL << 1) /* ICC_CTLR_EL1 */

static struct rec *gic_agent(void)
{
	struct rec *rec = &agent_realm(1)->recs[0];

	agent_set(rec, INSN_W_ICC_PMR, 0xff);
	agent_set(rec, INSN_W_ICC_IGRPEN1, 1);
	return rec;
}

/* Like agent_do(), with the list registers handed back to the realm as it left them. */
static uint64_t gic_step(struct rec *rec, enum agent_insn insn, uint64_t value)
{
	struct rmi_rec_run *run = rec->run;

	agent_prepare(rec, AGENT_DO, insn, 0, value);
	do {
		REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
		memcpy(run->enter.gicv3_lrs, run->exit.gicv3_lrs, sizeof(run->exit.gicv3_lrs));
		irq_window();
	} while (run->exit.exit_reason == RMI_EXIT_IRQ);
	REQUIRE_EQ(run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	rec->stop = REC_CALL;
	CHECK(agent_done(rec));
	return agent_value(rec);
}

TEST(gic_list_invalid,
     "list invalid: HW with states 1, 2, 3; special and unimplemented INTIDs, priority "
     "and reserved bits, the same INTID twice: refused; state 0 is not looked at")
{
	struct rec *rec = gic_agent();
	uint64_t *lrs = rec->run->enter.gicv3_lrs;
	static const uint64_t bad[] = {
		LR_HW | 1UL << 62 | LR_GROUP1 | 40,
		LR_HW | 2UL << 62 | LR_GROUP1 | 40,
		LR_HW | 3UL << 62 | LR_GROUP1 | 40,
		LR(1020),
		LR(1023),
		LR(1024),
		LR(5000),
		LR(8191),
		LR(0x1000000),
		LR(0xffffffff),
		LR(40) | LR_PRIO(1),
		LR(40) | 1UL << 32,
		LR(40) | 1UL << 44,
		LR(40) | 1UL << 45,
		LR(40) | 1UL << 56,
		LR(40) | 1UL << 59,
	};

	agent_prepare(rec, AGENT_DO, INSN_ISB, 0, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		lrs[i % 4] = bad[i];
		if (!CHECK_EQ(rec_enter(rec), RMI_ERROR_REC)) {
			note("list register %lx", bad[i]);
		}
		lrs[i % 4] = 0;
	}
	lrs[0] = LR(40);
	lrs[2] = LR(40);
	CHECK_EQ(rec_enter(rec), RMI_ERROR_REC);
	lrs[0] = LR_HW | 40;
	lrs[2] = LR_HW | 0xffffffff;
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	CHECK(agent_done(rec));
}

TEST(gic_list_control,
     "list control: a pending SPI, PPI and SGI: IAR makes it active, EOIR inactive; an "
     "inactive one stays so")
{
	static const uint64_t intids[] = {40, 29, 5, 8192, 1019};
	struct rec *rec = gic_agent();
	uint64_t *lr = rec->run->enter.gicv3_lrs;

	for (unsigned i = 0; i < sizeof(intids) / sizeof(intids[0]); i++) {
		lr[0] = LR(intids[i]);
		CHECK_EQ(gic_step(rec, INSN_ISB, 0), 0);
		CHECK_EQ(lr[0], LR(intids[i]));
		CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), intids[i]);
		if (intids[i] < 8192) {
			CHECK_EQ(lr[0] & LR_STATE, LR_ACTIVE);
		}
		CHECK_EQ(lr[0] & UINT32_MAX, intids[i]);
		gic_step(rec, INSN_W_ICC_EOIR1, intids[i]);
		CHECK_EQ(lr[0] & LR_STATE, 0);
		CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), SPURIOUS);
		CHECK_EQ(lr[0] & LR_STATE, 0);
	}
}

TEST(gic_list_all,
     "list control: every list register delivers, highest priority first; the ones the CPU "
     "does not have are reported as zero")
{
	unsigned count =
		(unsigned)(smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_GICV3_NUM_LRS_SHIFT &
			   0xf) +
		1;
	struct rec *rec = gic_agent();
	uint64_t *lr = rec->run->enter.gicv3_lrs;

	for (unsigned i = 0; i < count; i++) {
		lr[i] = (LR(100 + i) & ~LR_PRIO(0xff)) | LR_PRIO(0xf0 - 16 * i);
	}
	for (unsigned i = count; i-- > 0;) {
		CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), 100 + i);
		gic_step(rec, INSN_W_ICC_EOIR1, 100 + i);
		CHECK_EQ(lr[i] & LR_STATE, 0);
	}
	for (unsigned i = count; i < RMI_MAX_LRS; i++) {
		CHECK_EQ(rec->run->exit.gicv3_lrs[i], 0);
	}
}

TEST(gic_taken, "list control: a pending interrupt is taken by the realm's handler")
{
	struct rec *rec = gic_agent();

	rec->run->enter.gicv3_lrs[0] = LR(45);
	agent_prepare(rec, AGENT_IRQ_COUNT, 1000, 0, 0);
	REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
	REQUIRE_EQ(rec->run->exit.exit_reason, RMI_EXIT_HOST_CALL);
	CHECK_EQ(rec->run->exit.gprs[1], 1);
	CHECK_EQ(rec->run->exit.gprs[2], 45);
	CHECK_EQ(rec->run->exit.gicv3_lrs[0] & LR_STATE, 0);
}

TEST(gic_hcr_np, "hcr control: NPIE with nothing pending: misr.NP, EOIcount 0; with something: not")
{
	struct rec *rec = gic_agent();

	rec->run->enter.gicv3_hcr = HCR_NPIE;
	gic_step(rec, INSN_ISB, 0);
	CHECK_EQ(rec->run->exit.gicv3_misr, MISR_NP);
	CHECK_EQ(rec->run->exit.gicv3_hcr, HCR_NPIE);
	rec->run->enter.gicv3_lrs[0] = LR(40);
	gic_step(rec, INSN_ISB, 0);
	CHECK_EQ(rec->run->exit.gicv3_misr, 0);
	rec->run->enter.gicv3_hcr = 0;
	gic_step(rec, INSN_R_ICC_IAR1, 0);
	CHECK_EQ(rec->run->exit.gicv3_misr, 0);
}

TEST(gic_hcr_u, "hcr control: UIE with two list registers, one handled: misr.U")
{
	struct rec *rec = gic_agent();

	rec->run->enter.gicv3_hcr = HCR_UIE;
	rec->run->enter.gicv3_lrs[0] = LR(40);
	rec->run->enter.gicv3_lrs[1] = LR(41);
	gic_step(rec, INSN_ISB, 0);
	CHECK_EQ(rec->run->exit.gicv3_misr, 0);
	CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), 40);
	CHECK_EQ(rec->run->exit.gicv3_misr, 0);
	gic_step(rec, INSN_W_ICC_EOIR1, 40);
	CHECK_EQ(rec->run->exit.gicv3_misr, MISR_U);
}

TEST(gic_hcr_lrenp,
     "hcr control: LRENPIE and an EOI without a list register: misr.LRENP, EOIcount 1; the "
     "next entry begins with 0")
{
	struct rec *rec = gic_agent();

	rec->run->enter.gicv3_lrs[0] = LR(40);
	CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), 40);
	memset(rec->run->enter.gicv3_lrs, 0, sizeof(rec->run->enter.gicv3_lrs));
	rec->run->enter.gicv3_hcr = HCR_LRENPIE;
	gic_step(rec, INSN_W_ICC_EOIR1, 40);
	CHECK_EQ(rec->run->exit.gicv3_misr, MISR_LRENP);
	CHECK_EQ(rec->run->exit.gicv3_hcr, HCR_LRENPIE | 1UL << 27);
	CHECK_EQ(HCR_EOICOUNT(rec->run->exit.gicv3_hcr), 1);
	gic_step(rec, INSN_ISB, 0);
	CHECK_EQ(rec->run->exit.gicv3_misr, 0);
	CHECK_EQ(rec->run->exit.gicv3_hcr, HCR_LRENPIE);
}

TEST(gic_vmcr,
     "vmcr: PMR, EOImode, group 1 enable and binary point as the realm reads them, and kept "
     "from entry to entry")
{
	struct rec *rec = gic_agent();
	uint64_t vmcr, pmr, bpr;

	gic_step(rec, INSN_W_ICC_PMR, 0xa8);
	gic_step(rec, INSN_W_ICC_BPR0, 5);
	gic_step(rec, INSN_W_ICC_CTLR, EOI_MODE);
	pmr = gic_step(rec, INSN_R_ICC_PMR, 0);
	bpr = gic_step(rec, INSN_R_ICC_BPR0, 0);
	CHECK_EQ(pmr, 0xa8);
	CHECK_EQ(bpr, 5);
	CHECK_EQ(gic_step(rec, INSN_R_ICC_CTLR, 0) & EOI_MODE, EOI_MODE);
	vmcr = rec->run->exit.gicv3_vmcr;
	CHECK_EQ(vmcr >> 24, pmr);
	CHECK_EQ(vmcr >> 21 & 7, bpr);
	CHECK_EQ(vmcr >> 9 & 1, 1);
	CHECK_EQ(vmcr >> 1 & 1, gic_step(rec, INSN_R_ICC_IGRPEN1, 0));
	gic_step(rec, INSN_W_ICC_CTLR, 0);
	gic_step(rec, INSN_W_ICC_IGRPEN1, 0);
	CHECK_EQ(rec->run->exit.gicv3_vmcr & (1UL << 9 | 1UL << 1), 0);
}

TEST(gic_host_state, "GIC: nothing of the realm's virtual interface is left for the host")
{
	struct rec *rec = gic_agent();

	rec->run->enter.gicv3_lrs[0] = LR(40);
	gic_step(rec, INSN_R_ICC_IAR1, 0);
	CHECK_EQ(sysreg_read("s3_4_c12_c12_0"), 0); /* ICH_LR0_EL2 */
	CHECK_EQ(sysreg_read("s3_4_c12_c9_0"), 0);  /* ICH_AP1R0_EL2 */
	CHECK_EQ(sysreg_read("s3_4_c12_c11_0"), 0); /* ICH_HCR_EL2 */
}

static void interrupt_off(void *intid)
{
	gic_disable((unsigned)(uint64_t)intid);
}

static void interrupt_on(unsigned intid, irq_fn handler)
{
	gic_enable(intid, handler);
	test_cleanup(interrupt_off, (void *)(uint64_t)intid);
}

/* The realm waits, without an exit of its own, until the host lets it go: a page that both see. */
struct waiting {
	struct rec *rec;
	uint64_t page;
};

static struct waiting wait_begin(struct rec *rec)
{
	struct waiting waiting = {rec, page_alloc()};
	uint64_t ipa = realm_unprotected(rec->realm);

	realm_map_page(rec->realm, ipa, waiting.page);
	agent_prepare(rec, AGENT_WAIT, ipa, 0, 0);
	return waiting;
}

static void wait_end(const struct waiting *waiting)
{
	write64(waiting->page, 1);
	REQUIRE_EQ(rec_run(waiting->rec), REC_CALL);
	CHECK(agent_done(waiting->rec));
	REQUIRE_EQ(smc_call(RMI_RTT_UNMAP_UNPROTECTED_FID, waiting->rec->realm->rd,
			    realm_unprotected(waiting->rec->realm), RMI_LEVEL_PAGE)
			   .x[0],
		   RMI_SUCCESS);
}

/*
 * The realm waits, and its timer ends that with an exit. A timer that is due before the realm waits
 * was reported already, and is set again for later.
 */
static struct waiting timer_exit(struct rec *rec, enum agent_insn set_ctl, enum agent_insn set_cval)
{
	const struct rmi_rec_exit *exit = &rec->run->exit;
	struct waiting waiting;
	uint64_t deadline;
	uint64_t us = 2000;

	do {
		agent_set(rec, set_ctl, 0);
		deadline = time_now() + us_to_ticks(us);
		agent_set(rec, set_cval, deadline);
		agent_set(rec, set_ctl, CTL_ENABLE);
		us *= 2;
	} while ((exit->cntp_ctl | exit->cntv_ctl) & CTL_ISTATUS);
	waiting = wait_begin(rec);
	do {
		irq_window();
		expect_exit(rec, RMI_EXIT_IRQ, 0);
	} while (time_now() < deadline);
	return waiting;
}

static void no_handler(unsigned intid)
{
	(void)intid;
}

TEST(timer_el1,
     "EL1 timer: the realm's physical timer fires: exit IRQ, esr 0, cntp_ctl 5; the next entry "
     "goes on; a masked one does not exit")
{
	struct rec *rec = gic_agent();
	struct waiting waiting;

	interrupt_on(PPI_TIMER, no_handler);
	waiting = timer_exit(rec, INSN_W_CNTP_CTL, INSN_W_CNTP_CVAL);
	CHECK_EQ(rec->run->exit.cntp_ctl, CTL_ENABLE | CTL_ISTATUS);
	CHECK_EQ(rec->run->exit.cntv_ctl & CTL_ENABLE, 0);
	rec->run->enter.gicv3_lrs[0] = LR(PPI_TIMER);
	wait_end(&waiting);
	rec->run->enter.gicv3_lrs[0] = 0;
	agent_set(rec, INSN_W_CNTP_CTL, CTL_ENABLE | CTL_IMASK);
	CHECK_EQ(rec->run->exit.cntp_ctl, CTL_ENABLE | CTL_IMASK | CTL_ISTATUS);
	agent_set(rec, INSN_W_CNTP_CTL, 0);
}

TEST(timer_el1_virtual, "EL1 timer: the same with the virtual timer; deadlines are reported")
{
	struct rec *rec = gic_agent();
	struct waiting waiting;

	interrupt_on(PPI_TIMER_V, no_handler);
	waiting = timer_exit(rec, INSN_W_CNTV_CTL, INSN_W_CNTV_CVAL);
	CHECK_EQ(rec->run->exit.cntv_ctl, CTL_ENABLE | CTL_ISTATUS);
	wait_end(&waiting);
	agent_set(rec, INSN_W_CNTV_CTL, 0);
	agent_set(rec, INSN_W_CNTV_CVAL, 0x1234567890);
	CHECK_EQ(rec->run->exit.cntv_cval, 0x1234567890);
	CHECK_EQ(rec->run->exit.cntv_ctl & (CTL_ENABLE | CTL_IMASK), 0);
	CHECK_EQ(agent_get(rec, INSN_R_CNTV_CVAL, 0), 0x1234567890);
}

static void stop_timer(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

TEST(timer_el2,
     "EL2 timer: the host's timer fires while the realm runs: exit IRQ, esr 0; an interrupt "
     "that is pending already ends the entry at once")
{
	struct rec *rec = &agent_realm(1)->recs[0];
	struct waiting waiting;

	interrupt_on(PPI_EL2_TIMER, stop_timer);
	waiting = wait_begin(rec);
	for (unsigned i = 0; i < 3; i++) {
		el2_timer_arm(1000 * i);
		expect_exit(rec, RMI_EXIT_IRQ, 0);
		expect_exit(rec, RMI_EXIT_IRQ, 0);
		irq_window();
	}
	wait_end(&waiting);
}

TEST(counters,
     "counters: CNTPCT and CNTVCT of a realm are the same and never go back, in line with the "
     "host's")
{
	struct rec *rec = &agent_realm(1)->recs[0];
	uint64_t last = time_now();

	for (unsigned i = 0; i < 20; i++) {
		uint64_t now = agent_get(rec, i & 1 ? INSN_R_CNTPCT : INSN_R_CNTVCT, 0);

		CHECK(now >= last);
		last = time_now();
		CHECK(last >= now);
	}
}

static uint64_t pmu_counters(void)
{
	return smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_PMU_NUM_CTRS_SHIFT & 0x1f;
}

static struct rec *pmu_agent(void)
{
	struct realm_config config = realm_default(PROGRAM_agent);

	if (!(smc_call(RMI_FEATURES_FID, 0).x[1] >> RMI_FEATURE0_PMU_EN_SHIFT & 1)) {
		SKIP("no PMU");
	}
	config.flags = RMI_REALM_FLAG_PMU;
	config.pmu_counters = (uint8_t)pmu_counters();
	return &agent_realm_of(&config)->recs[0];
}

#define CYCLES (1UL << 31) /* the cycle counter's bit */

/* A REC whose cycle counter's overflow interrupts it from when its PMU is on. */
static struct rec *overflow_agent(void)
{
	struct rec *rec = pmu_agent();

	interrupt_on(PPI_PMU, no_handler);
	agent_set(rec, INSN_W_ICC_PMR, 0xff);
	agent_set(rec, INSN_W_ICC_IGRPEN1, 1);
	CHECK_EQ(rec->run->exit.pmu_ovf_status, RMI_PMU_OVERFLOW_NOT_ACTIVE);
	agent_set(rec, INSN_W_PMCCFILTR, 0);
	agent_set(rec, INSN_W_PMINTENSET, CYCLES);
	agent_set(rec, INSN_W_PMCNTENSET, CYCLES);
	return rec;
}

/* Switches the PMU on, and sees the overflow from the exit to the realm's handler. */
static void overflow_reaches_realm(struct rec *rec, uint64_t pmcr)
{
	struct waiting waiting;
	bool waits;

	/* The overflow may come at once, before the realm reports the step. */
	agent_prepare(rec, AGENT_DO, INSN_W_PMCR, 0, pmcr);
	REQUIRE_EQ(rec_enter(rec), RMI_SUCCESS);
	waits = rec->run->exit.exit_reason == RMI_EXIT_HOST_CALL;
	if (waits) {
		waiting = wait_begin(rec);
		expect_exit(rec, RMI_EXIT_IRQ, 0);
	}
	CHECK_EQ(rec->run->exit.exit_reason, RMI_EXIT_IRQ);
	CHECK_EQ(rec->run->exit.pmu_ovf_status, RMI_PMU_OVERFLOW_ACTIVE);
	gic_disable(PPI_PMU);
	rec->run->enter.gicv3_hcr = HCR_NPIE;
	rec->run->enter.gicv3_lrs[0] = LR(PPI_PMU);
	if (waits) {
		wait_end(&waiting);
	} else {
		REQUIRE_EQ(rec_run(rec), REC_CALL);
	}
	CHECK_EQ(rec->run->exit.pmu_ovf_status, RMI_PMU_OVERFLOW_ACTIVE);
	CHECK_EQ(gic_step(rec, INSN_R_ICC_IAR1, 0), PPI_PMU);
	CHECK_EQ(gic_step(rec, INSN_R_PMOVSSET, 0) & CYCLES, CYCLES);
	gic_step(rec, INSN_W_PMOVSCLR, CYCLES);
	CHECK_EQ(rec->run->exit.pmu_ovf_status, RMI_PMU_OVERFLOW_NOT_ACTIVE);
	gic_step(rec, INSN_W_ICC_EOIR1, PPI_PMU);
	CHECK_EQ(rec->run->exit.gicv3_misr, MISR_NP);
}

TEST(pmu_overflow,
     "pmu_overflow: the cycle counter overflows: exit IRQ with pmu_ovf_status 1; the host's "
     "virtual PPI with NPIE reaches the realm, which clears it")
{
	struct rec *rec = overflow_agent();

	agent_set(rec, INSN_W_PMCCNTR, (uint64_t)-1000000);
	overflow_reaches_realm(rec, 0x41);
}

TEST(pmu_overflow_pending,
     "pmu_overflow: an overflow that is there when the REC is entered interrupts it")
{
	struct rec *rec = overflow_agent();

	agent_set(rec, INSN_W_PMOVSSET, CYCLES);
	overflow_reaches_realm(rec, 1);
}

TEST(pmu_counters,
     "PMU: a realm has as many counters as it was given; host and realm do not see each "
     "other's counters and settings")
{
	struct rec *rec = pmu_agent();
	uint64_t host[4];

	CHECK_EQ(agent_get(rec, INSN_R_PMCR, 0) >> 11 & 0x1f, pmu_counters());
	CHECK_NE(agent_get(rec, INSN_DFR0, 0) >> 8 & 0xf, 0);
	sysreg_write("pmselr_el0", 1);
	isb();
	sysreg_write("pmxevcntr_el0", 0x4444);
	sysreg_write("pmovsclr_el0", UINT32_MAX);
	sysreg_write("pmccntr_el0", 0x55555555);
	isb();
	host[0] = sysreg_read("pmxevcntr_el0");
	agent_set(rec, INSN_W_PMSELR, 1);
	CHECK_EQ(agent_get(rec, INSN_R_PMXEVCNTR, 0), 0);
	CHECK(agent_get(rec, INSN_R_PMCCNTR, 0) != 0x55555555);
	agent_set(rec, INSN_W_PMXEVCNTR, 0x7777);
	agent_set(rec, INSN_W_PMINTENSET, 2);
	agent_set(rec, INSN_W_PMCCNTR, 0x66);
	CHECK_EQ(sysreg_read("pmselr_el0") & 0x1f, 1);
	CHECK_EQ(sysreg_read("pmxevcntr_el0"), host[0]);
	CHECK_EQ(sysreg_read("pmintenset_el1"), 0);
	CHECK_EQ(sysreg_read("pmccntr_el0"), 0x55555555);
	CHECK_EQ(agent_get(rec, INSN_R_PMXEVCNTR, 0), 0x7777);
	CHECK_EQ(agent_get(rec, INSN_R_PMCCNTR, 0), 0x66);
}
