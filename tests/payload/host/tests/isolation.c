// SPDX-License-Identifier: BSD-3-Clause
/* Registers of host and realms are kept apart: vectors, EL1, keys, timers, breakpoints. */
#include "payload/common/probe.h"
#include "payload/common/simd.h"
#include "payload/host/agent.h"
#include "payload/host/cpu.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define ROUNDS 6

#define ZCR_EL2 "s3_4_c1_c2_0"
#define ZCR_MAX 0xf

#define EC_BREAKPOINT_SAME 0x31
#define EC_WATCHPOINT_SAME 0x35
#define MDSCR_MDE          (1UL << 15)
#define MDSCR_KDE          (1UL << 13)
#define MDSCR_TDCC         (1UL << 12)
#define BCR_EL1            0x1e3  /* all bytes, EL1, enabled */
#define WCR_EL1            0x1ffb /* eight bytes, loads and stores, EL1, enabled */

static struct vectors mine[MAX_CPUS], seen[MAX_CPUS];

static bool has_sve(void)
{
	return (sysreg_read("id_aa64pfr0_el1") >> 32 & 0xf) != 0;
}

static uint64_t host_bytes(void)
{
	if (!has_sve()) {
		return 16;
	}
	sysreg_write(ZCR_EL2, ZCR_MAX);
	isb();
	return sve_bytes();
}

static void host_load(uint64_t seed)
{
	struct vectors *v = &mine[this_cpu()->index];

	vectors_fill(v, has_sve(), host_bytes(), seed);
	if (has_sve()) {
		sve_load(v);
	} else {
		fp_load(v);
	}
}

static void host_check(void)
{
	unsigned n = this_cpu()->index;

	memset(&seen[n], 0, sizeof(seen[n]));
	if (has_sve()) {
		CHECK_EQ(sysreg_read(ZCR_EL2) & ZCR_MAX, ZCR_MAX);
		sve_store(&seen[n]);
	} else {
		fp_store(&seen[n]);
	}
	CHECK(vectors_equal(&mine[n], &seen[n], has_sve(), host_bytes()));
}

static struct realm *vector_realm(uint64_t seed, bool sve, uint8_t vl)
{
	struct realm_config config = realm_default(PROGRAM_vectors);

	config.flags = sve ? RMI_REALM_FLAG_SVE : 0;
	config.sve_vl = vl;
	config.args[0] = seed;
	config.args[1] = sve;
	config.args[2] = ROUNDS;
	config.args[3] = sve ? (vl + 1U) * 16 : 16;
	return realm_boot(&config);
}

static void vector_round(void *arg)
{
	struct rec *rec = arg;

	host_load(random64());
	REQUIRE_EQ(rec_run(rec), REC_CALL);
	host_check();
}

/* The realms take turns; every time the host has other values in its registers. */
static void take_turns(struct realm **realms, unsigned count)
{
	for (unsigned i = 0; i < ROUNDS * count; i++) {
		vector_round(&realms[i % count]->recs[0]);
	}
	for (unsigned i = 0; i < count; i++) {
		host_load(random64());
		CHECK_EQ(rec_run(&realms[i]->recs[0]), REC_DONE);
		host_check();
	}
}

TEST(vectors_fp,
     "vector registers: two realms without SVE and the host: V0 to V31, FPCR, FPSR of each are "
     "its own, and zero at first; the host's Z, P and FFR survive")
{
	struct realm *realms[] = {vector_realm(1, false, 0), vector_realm(1000, false, 0)};

	take_turns(realms, 2);
}

TEST(vectors_length,
     "vector registers: ZCR_EL2 of the host is what it was after realms with and without SVE")
{
	struct realm *realms[2];

	if (!has_sve()) {
		SKIP("this CPU has no SVE");
	}
	realms[0] = vector_realm(1, false, 0);
	realms[1] = vector_realm(1000, true, 1);
	for (unsigned i = 0; i < ROUNDS * 2; i++) {
		sysreg_write(ZCR_EL2, i % 5);
		isb();
		REQUIRE_EQ(rec_run(&realms[i % 2]->recs[0]), REC_CALL);
		CHECK_EQ(sysreg_read(ZCR_EL2), i % 5);
	}
	sysreg_write(ZCR_EL2, ZCR_MAX);
	isb();
	CHECK_EQ(rec_run(&realms[0]->recs[0]), REC_DONE);
	CHECK_EQ(rec_run(&realms[1]->recs[0]), REC_DONE);
}

#define CPTR_SMEN (3UL << 24)

static bool streaming(void)
{
	return (sysreg_read("s3_3_c4_c2_2") & 1) != 0;
}

/* On a CPU that the host has put into streaming mode most vector instructions do not exist. */
TEST(vectors_streaming,
     "vector registers: a host that runs realms in streaming mode: the realms have their vectors, "
     "with and without SVE, and the RMM goes on")
{
	struct realm *realms[2];
	uint64_t cptr = sysreg_read("cptr_el2");

	if ((sysreg_read("id_aa64pfr1_el1") >> 24 & 0xf) == 0) {
		SKIP("this CPU has no SME");
	}
	realms[0] = vector_realm(1, false, 0);
	realms[1] = vector_realm(1000, has_sve(), 0);
	sysreg_write("cptr_el2", cptr | CPTR_SMEN);
	isb();
	for (unsigned i = 0; i < ROUNDS * 2; i++) {
		__asm__ volatile(".inst 0xd503437f" ::: "memory"); /* SMSTART SM */
		CHECK(streaming());
		REQUIRE_EQ(rec_run(&realms[i % 2]->recs[0]), REC_CALL);
		CHECK(!streaming());
	}
	sysreg_write("cptr_el2", cptr);
	isb();
	CHECK_EQ(rec_run(&realms[0]->recs[0]), REC_DONE);
	CHECK_EQ(rec_run(&realms[1]->recs[0]), REC_DONE);
}

TEST(vectors_sve,
     "vector registers: realms with SVE of the longest and of shorter vectors, one without, and "
     "the host: Z, P, FFR, FPCR, FPSR of each are its own, and zero at first")
{
	uint64_t features = smc_call(RMI_FEATURES_FID, 0).x[1];
	uint8_t longest = features >> RMI_FEATURE0_SVE_VL_SHIFT & 0xf;
	struct realm *realms[4];

	if (!(features >> RMI_FEATURE0_SVE_EN_SHIFT & 1)) {
		SKIP("no SVE");
	}
	CHECK_EQ((longest + 1U) * 16, host_bytes());
	realms[0] = vector_realm(1, true, longest);
	realms[1] = vector_realm(1000, true, 1);
	realms[2] = vector_realm(2000, false, 0);
	realms[3] = vector_realm(3000, true, 0);
	take_turns(realms, 4);
}

TEST_CPUS(vectors_cpus, 3,
	  "vector registers: RECs that move from CPU to CPU keep theirs, and so does the "
	  "host's side of each CPU")
{
	struct realm *realms[] = {vector_realm(1, false, 0), vector_realm(1000, has_sve(), 1)};

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		unsigned cpu = i % 3;

		if (cpu == 0) {
			vector_round(&realms[i & 1]->recs[0]);
		} else {
			on_cpu(cpu, vector_round, &realms[i & 1]->recs[0]);
		}
	}
	CHECK_EQ(rec_run(&realms[0]->recs[0]), REC_DONE);
	CHECK_EQ(rec_run(&realms[1]->recs[0]), REC_DONE);
}

TEST(vectors_hash,
     "vector registers: the host's Z, P, FFR, FPCR and FPSR survive commands that hash: "
     "RMI_REALM_CREATE, RTT_INIT_RIPAS, DATA_CREATE, REC_CREATE")
{
	struct realm_config config = realm_default(PROGRAM_hello);

	host_load(random64());
	realm_boot(&config);
	host_check();
	config.hash = RMI_HASH_SHA_512;
	host_load(random64());
	realm_boot(&config);
	host_check();
}

/* The normal world's EL1, as a hypervisor's guest would have it. */
#define HOST_REGISTERS(X)                  \
	X("sp_el1", ~0xfUL)                \
	X("elr_el12", ~0UL)                \
	X("spsr_el12", 0xf00003ffUL)       \
	X("esr_el12", 0xffffffffUL)        \
	X("far_el12", ~0UL)                \
	X("vbar_el12", ~0x7ffUL)           \
	X("ttbr0_el12", ~0xfUL)            \
	X("ttbr1_el12", ~0xfUL)            \
	X("tcr_el12", 0x3f003fUL)          \
	X("mair_el12", ~0UL)               \
	X("contextidr_el12", 0xffffffffUL) \
	X("cpacr_el12", 0x300000UL)        \
	X("cntkctl_el12", 0x3ffUL)         \
	X("par_el1", 0xfffffffff000UL)     \
	X("tpidr_el0", ~0UL)               \
	X("tpidrro_el0", ~0UL)             \
	X("tpidr_el1", ~0UL)               \
	X("cntp_cval_el02", ~0UL)          \
	X("cntv_cval_el02", ~0UL)          \
	X("s3_0_c2_c1_0", ~0UL)            \
	X("s3_0_c2_c1_1", ~0UL)            \
	X("s3_0_c2_c1_2", ~0UL)            \
	X("s3_0_c2_c1_3", ~0UL)            \
	X("s3_0_c2_c2_0", ~0UL)            \
	X("s3_0_c2_c2_3", ~0UL)            \
	X("s3_0_c2_c3_1", ~0UL)

#define COUNT_ONE(name, mask) +1
#define HOST_COUNT            (0 HOST_REGISTERS(COUNT_ONE))

static void host_write(uint64_t seed)
{
	unsigned n = 0;

#define WRITE_ONE(name, mask) sysreg_write(name, (seed * ++n) & (mask));
	HOST_REGISTERS(WRITE_ONE)
#undef WRITE_ONE
	isb();
}

static void host_read(uint64_t *to)
{
	unsigned n = 0;

#define READ_ONE(name, mask) to[n++] = sysreg_read(name);
	HOST_REGISTERS(READ_ONE)
#undef READ_ONE
}

/* The host's EL1 registers are the same before and behind a run of the REC. */
static enum rec_stop run_and_compare(struct rec *rec)
{
	uint64_t before[HOST_COUNT], after[HOST_COUNT];
	enum rec_stop stop;

	host_write(random64() | 1);
	host_read(before);
	stop = rec_run(rec);
	host_read(after);
	for (unsigned n = 0; n < HOST_COUNT; n++) {
		if (!CHECK_EQ(after[n], before[n])) {
			note("host register %u", n);
		}
	}
	return stop;
}

static struct realm *register_realm(uint64_t seed)
{
	struct realm_config config = realm_default(PROGRAM_registers);

	config.args[0] = seed;
	config.args[1] = ROUNDS;
	return realm_boot(&config);
}

TEST(registers_apart,
     "EL1 registers and pointer authentication keys: two realms in turn on one CPU keep "
     "theirs, and so does the host")
{
	struct realm *realms[] = {register_realm(0x1111), register_realm(0x222200)};

	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		REQUIRE_EQ(run_and_compare(&realms[i & 1]->recs[0]), REC_CALL);
	}
	CHECK_EQ(run_and_compare(&realms[0]->recs[0]), REC_DONE);
	CHECK_EQ(run_and_compare(&realms[1]->recs[0]), REC_DONE);
	host_write(0);
}

TEST(timers_apart,
     "timers: those of two realms in turn on one CPU are each realm's own; the host's EL1 timers "
     "do not change")
{
	struct realm *a = agent_realm(1);
	struct realm *b = agent_realm(1);
	uint64_t far_away = time_now() + us_to_ticks(1000000000);

	sysreg_write("cntp_cval_el02", 0x7777);
	sysreg_write("cntp_ctl_el02", 2);
	for (unsigned i = 0; i < 4; i++) {
		agent_set(&a->recs[0], INSN_W_CNTP_CVAL, far_away + i);
		agent_set(&a->recs[0], INSN_W_CNTP_CTL, 1);
		agent_set(&b->recs[0], INSN_W_CNTP_CVAL, 0x8888 + i);
		agent_set(&b->recs[0], INSN_W_CNTP_CTL, 3);
		CHECK_EQ(b->recs[0].run->exit.cntp_cval, 0x8888 + i);
		CHECK_EQ(agent_get(&a->recs[0], INSN_R_CNTP_CVAL, 0), far_away + i);
		CHECK_EQ(agent_get(&a->recs[0], INSN_R_CNTP_CTL, 0), 1);
		CHECK_EQ(a->recs[0].run->exit.cntp_cval, far_away + i);
		CHECK_EQ(a->recs[0].run->exit.cntp_ctl, 1);
		CHECK_EQ(agent_get(&b->recs[0], INSN_R_CNTP_CTL, 0), 7);
		CHECK_EQ(agent_get(&b->recs[0], INSN_R_CNTP_CVAL, 0), 0x8888 + i);
	}
	CHECK_EQ(sysreg_read("cntp_cval_el02"), 0x7777);
	CHECK_EQ(sysreg_read("cntp_ctl_el02") & 3, 2);
	sysreg_write("cntp_ctl_el02", 0);
}

/* The realm executes one instruction; true if it hits its breakpoint. */
static bool stops(struct rec *rec, unsigned ec)
{
	bool done = agent_do(rec, INSN_ISB, 0, 0);

	REQUIRE_EQ(rec->stop, REC_CALL);
	if (!done) {
		CHECK_EQ(ESR_EC(agent_esr(rec)), ec);
	}
	return !done;
}

TEST(breakpoints,
     "debug registers: a breakpoint fires in its realm and not in another, nor in another REC of "
     "the same realm; the host's own do not change")
{
	struct realm *a = agent_realm(2);
	struct realm *b = agent_realm(1);
	struct rec *rec = &a->recs[0];
	uint64_t at;

	sysreg_write("dbgbvr0_el1", 0x123450);
	sysreg_write("dbgbcr0_el1", 0x1e0);
	agent_start_rec(a, 1);
	agent_get(rec, INSN_ISB, 0);
	at = rec->run->exit.gprs[4];
	agent_set(rec, INSN_W_DBGBVR0, at);
	agent_set(rec, INSN_W_DBGBCR0, BCR_EL1);
	agent_set(rec, INSN_W_MDSCR, MDSCR_MDE | MDSCR_KDE | MDSCR_TDCC);
	agent_order(rec, AGENT_DEBUG_ON, 0, 0, 0);
	agent_order(&a->recs[1], AGENT_DEBUG_ON, 0, 0, 0);
	agent_order(&b->recs[0], AGENT_DEBUG_ON, 0, 0, 0);
	for (unsigned i = 0; i < 3; i++) {
		CHECK(stops(rec, EC_BREAKPOINT_SAME));
		CHECK(!stops(&b->recs[0], EC_BREAKPOINT_SAME));
		CHECK(!stops(&a->recs[1], EC_BREAKPOINT_SAME));
		CHECK_EQ(sysreg_read("dbgbvr0_el1"), 0x123450);
		CHECK_EQ(sysreg_read("dbgbcr0_el1") & 0x1e7, 0x1e0);
		CHECK_EQ(agent_get(rec, INSN_R_DBGBVR0, 0), at);
	}
	CHECK_EQ(agent_get(&b->recs[0], INSN_R_DBGBVR0, 0), 0);
	CHECK(!stops(&b->recs[0], EC_BREAKPOINT_SAME));
}

TEST(watchpoints, "debug registers: a watchpoint fires in its realm and not in another")
{
	struct realm *a = agent_realm(1);
	struct realm *b = agent_realm(1);
	struct rec *rec = &a->recs[0];
	uint64_t page = REALM_RAM_TOP - PAGE_SIZE;

	CHECK_EQ(agent_get(rec, INSN_LDR_X, page), 0);
	CHECK_EQ(agent_get(&b->recs[0], INSN_LDR_X, page), 0);
	agent_set(rec, INSN_W_DBGWVR0, page);
	agent_set(rec, INSN_W_DBGWCR0, WCR_EL1);
	agent_set(rec, INSN_W_MDSCR, MDSCR_MDE | MDSCR_KDE | MDSCR_TDCC);
	agent_order(rec, AGENT_DEBUG_ON, 0, 0, 0);
	agent_order(&b->recs[0], AGENT_DEBUG_ON, 0, 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		CHECK(!agent_do(rec, INSN_LDR_X, page, 0));
		REQUIRE_EQ(rec->stop, REC_CALL);
		CHECK_EQ(ESR_EC(agent_esr(rec)), EC_WATCHPOINT_SAME);
		CHECK_EQ(agent_far(rec), page);
		CHECK(agent_do(&b->recs[0], INSN_LDR_X, page, 0));
		CHECK(agent_do(rec, INSN_LDR_X, page + 8, 0));
	}
}

#define CLAIM_ALL 0xffUL

static void claim_nothing(void *unused)
{
	(void)unused;
	sysreg_write("dbgclaimclr_el1", CLAIM_ALL);
	isb();
}

TEST(claim_tags,
     "debug registers: claim tags that a realm sets are not seen by another realm nor by the host, "
     "and its own are there again; the host's do not change and no realm sees them")
{
	struct rec *a = &agent_realm(1)->recs[0];
	struct rec *b = &agent_realm(1)->recs[0];

	test_cleanup(claim_nothing, NULL);
	sysreg_write("dbgclaimclr_el1", CLAIM_ALL);
	sysreg_write("dbgclaimset_el1", 0x3c);
	/* A claim tag is the first debug register that this realm touches; the other's is not. */
	CHECK_EQ(agent_get(a, INSN_R_CLAIM, 0), 0);
	agent_set(b, INSN_W_DBGBVR0, 0x1000);
	CHECK_EQ(agent_get(b, INSN_R_CLAIM, 0), 0);
	agent_set(a, INSN_W_CLAIMSET, 0xa5);
	CHECK_EQ(sysreg_read("dbgclaimclr_el1"), 0x3c);
	CHECK_EQ(agent_get(b, INSN_R_CLAIM, 0), 0);
	agent_set(b, INSN_W_CLAIMSET, 0x0f);
	CHECK_EQ(agent_get(a, INSN_R_CLAIM, 0), 0xa5);
	CHECK_EQ(agent_get(a, INSN_R_CLAIMSET, 0), CLAIM_ALL);
	agent_set(a, INSN_W_CLAIMCLR, 0x05);
	CHECK_EQ(agent_get(b, INSN_R_CLAIM, 0), 0x0f);
	CHECK_EQ(agent_get(a, INSN_R_CLAIM, 0), 0xa0);
	CHECK_EQ(sysreg_read("dbgclaimclr_el1"), 0x3c);
}
