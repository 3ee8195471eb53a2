// SPDX-License-Identifier: BSD-3-Clause
/*
 * Programs that fill every register of a kind with values of their own, let the host do something
 * else, and look at what is left.
 */
#include "payload/common/simd.h"
#include "runtime.h"

#define CPACR_ALL 0x3330000
#define ZCR_EL1   "s3_0_c1_c2_0"
#define ZCR_MAX   0xf

static struct vectors mine, seen;

static void load(bool sve)
{
	if (sve) {
		sve_load(&mine);
	} else {
		fp_load(&mine);
	}
}

static void store(bool sve)
{
	memset(&seen, 0, sizeof(seen));
	if (sve) {
		sve_store(&seen);
	} else {
		fp_store(&seen);
	}
}

/* The RMM hashes with vector registers, while they hold the realm's. */
static void have_hashed(void)
{
	struct smc_regs r = rsi_call(RSI_MEASUREMENT_EXTEND_FID, 1, 64, 1, 2, 3, 4, 5, 6, 7, 8);

	CHECK_EQ(r.x[0], RSI_SUCCESS);
}

/* args: seed, whether SVE, rounds, bytes of a vector. Before the first use all registers are 0. */
PROGRAM(vectors)
{
	bool sve = args[1];
	uint64_t bytes = args[3];

	sysreg_write("cpacr_el1", CPACR_ALL);
	isb();
	if (sve) {
		sysreg_write(ZCR_EL1, ZCR_MAX);
		isb();
		REQUIRE_EQ(sve_bytes(), bytes);
	}
	memset(&mine, 0, sizeof(mine));
	store(sve);
	CHECK(vectors_equal(&mine, &seen, sve, bytes));
	for (uint64_t round = 0; round < args[2]; round++) {
		vectors_fill(&mine, sve, bytes, args[0] + round);
		load(sve);
		have_hashed();
		host_call_values(REALM_CALL_TEST, round, 0);
		have_hashed();
		store(sve);
		CHECK(vectors_equal(&mine, &seen, sve, bytes));
	}
}

/* Registers that a value fits into while the MMU is off and nothing is taken: name, usable bits. */
#define REGISTERS(X)                             \
	X("sctlr_el1", 0x405c000UL)              \
	X("sp_el0", ~0UL)                        \
	X("elr_el1", ~0UL)                       \
	X("spsr_el1", 0xf00003ffUL)              \
	X("esr_el1", 0xffffffffUL)               \
	X("far_el1", ~0UL)                       \
	X("afsr0_el1", ~0UL)                     \
	X("afsr1_el1", ~0UL)                     \
	X("vbar_el1", ~0x7ffUL)                  \
	X("csselr_el1", 0xfUL)                   \
	X("par_el1", 0xfffffffff000UL)           \
	X("ttbr0_el1", ~0xfUL)                   \
	X("ttbr1_el1", ~0xfUL)                   \
	X("tcr_el1", 0x3f003fUL)                 \
	X("mair_el1", ~0UL)                      \
	X("amair_el1", ~0UL)                     \
	X("contextidr_el1", 0xffffffffUL)        \
	X("tpidr_el0", ~0UL)                     \
	X("tpidrro_el0", ~0UL)                   \
	X("tpidr_el1", ~0UL)                     \
	X("cntkctl_el1", 0x3ffUL)                \
	X("mdccint_el1", 0x60000000UL)           \
	X("cpacr_el1", 0x300000UL)               \
	X("cntp_cval_el0", ~0UL)                 \
	X("cntv_cval_el0", ~0UL)                 \
	X("s3_0_c2_c1_0", ~0UL) /* keys: APIA */ \
	X("s3_0_c2_c1_1", ~0UL)                  \
	X("s3_0_c2_c1_2", ~0UL) /* APIB */       \
	X("s3_0_c2_c1_3", ~0UL)                  \
	X("s3_0_c2_c2_0", ~0UL) /* APDA */       \
	X("s3_0_c2_c2_1", ~0UL)                  \
	X("s3_0_c2_c2_2", ~0UL) /* APDB */       \
	X("s3_0_c2_c2_3", ~0UL)                  \
	X("s3_0_c2_c3_0", ~0UL) /* APGA */       \
	X("s3_0_c2_c3_1", ~0UL)

#define COUNT_ONE(name, mask) +1
#define REGISTER_COUNT        (0 REGISTERS(COUNT_ONE))
/* The emulator has no bits for AFSR0, AFSR1, AMAIR and MDCCINT; each of the others has some. */
#define MAY_BE_EMPTY 4

static uint64_t values[REGISTER_COUNT];

static uint64_t pattern(uint64_t seed, unsigned n)
{
	return (seed + n + 1) * 0x9e3779b97f4a7c15;
}

/* Every usable bit, or with `flip` its opposite. */
static void write_all(uint64_t seed, uint64_t flip)
{
	unsigned n = 0;

#define WRITE_ONE(name, mask) sysreg_write(name, (pattern(seed, n++) ^ flip) & (mask));
	REGISTERS(WRITE_ONE)
#undef WRITE_ONE
	isb();
}

static void read_all(uint64_t *to)
{
	unsigned n = 0;

#define READ_ONE(name, mask) to[n++] = sysreg_read(name);
	REGISTERS(READ_ONE)
#undef READ_ONE
}

static unsigned unlike(const uint64_t *a, const uint64_t *b)
{
	unsigned differ = 0;

	for (unsigned n = 0; n < REGISTER_COUNT; n++) {
		differ += a[n] != b[n];
	}
	return differ;
}

static void check_values(const uint64_t *now)
{
	for (unsigned n = 0; n < REGISTER_COUNT; n++) {
		if (!CHECK_EQ(now[n], values[n])) {
			note("register %u", n);
		}
	}
}

/* args: seed, rounds. An exception would have no vectors to go to: there must be none. */
PROGRAM(registers)
{
	uint64_t now[REGISTER_COUNT], before[REGISTER_COUNT];
	uint64_t vbar = sysreg_read("vbar_el1");
	uint64_t sctlr = sysreg_read("sctlr_el1");

	write_all(args[0], UINT64_MAX);
	read_all(before);
	for (uint64_t round = 0; round < args[1]; round++) {
		write_all(args[0], round & 1 ? UINT64_MAX : 0);
		read_all(values);
		CHECK(unlike(values, before) + MAY_BE_EMPTY >= REGISTER_COUNT);
		host_call_values(REALM_CALL_TEST, round, 0);
		read_all(now);
		check_values(now);
		memcpy(before, values, sizeof(before));
	}
	sysreg_write("vbar_el1", vbar);
	sysreg_write("sctlr_el1", sctlr);
	sysreg_write("cpacr_el1", CPACR_ALL);
	isb();
}
