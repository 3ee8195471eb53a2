// SPDX-License-Identifier: BSD-3-Clause
/*
 * Measurements and tokens as a realm gets them. The runner takes the tokens that are shown here and
 * has cca-verify judge them (tests/target/run.py); lines that it reads:
 *
 *     # token NAME challenge HEX      before the bytes
 *     # token NAME HEX...             up to 32 bytes each
 *     # token NAME end
 *     # realm-id NAME HEX             if it is to be compared with the token's claim
 */
#include "abi/csm.h"
#include "abi/token.h"
#include "payload/host/agent.h"
#include "payload/host/cpu.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define TOKEN_PAGE      (REALM_RAM_TOP - 0x10000UL)
#define TOKEN_MAX       8192
#define CHALLENGE_WORDS 8

static void slot_of(struct rec *rec, uint64_t index, uint64_t value[8])
{
	struct smc_regs r = agent_smc(rec, RSI_MEASUREMENT_READ_FID, index);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	memcpy(value, &r.x[1], 64);
}

static void check_slot(struct rec *rec, uint64_t index, const uint64_t expected[8])
{
	uint64_t value[8];

	slot_of(rec, index, value);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(value[i], __builtin_bswap64(expected[i]));
	}
}

/* Vectors of the measurement rules: 32 bytes 0, 1, 2... and nothing, into REMs of zeros. */
static void check_rems(uint8_t hash, const uint64_t with_value[8], const uint64_t with_nothing[8])
{
	struct realm_config config = realm_default(PROGRAM_agent);
	struct rec *rec;

	config.hash = hash;
	rec = &agent_realm_of(&config)->recs[0];
	for (uint64_t index = 1; index <= 4; index++) {
		struct smc_regs r =
			agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, index, index % 2 ? 32 : 0,
				  0x0706050403020100, 0x0F0E0D0C0B0A0908, 0x1716151413121110,
				  0x1F1E1D1C1B1A1918, 1, 2, 3, 4);

		CHECK_EQ(r.x[0], RSI_SUCCESS);
		check_slot(rec, index, index % 2 ? with_value : with_nothing);
	}
}

TEST(attest_rem_sha256, "RSI_MEASUREMENT_EXTEND: vectors with SHA-256")
{
	static const uint64_t with_value[8] = {0xbb2275c49f28ad52, 0xcae6d55e34a974a5,
					       0x8c7a3ba26f976e8e, 0xcbbe7a536918dc73};
	static const uint64_t with_nothing[8] = {0x66687aadf862bd77, 0x6c8fc18b8e9f8e20,
						 0x089714856ee233b3, 0x902a591d0d5f2925};

	check_rems(RMI_HASH_SHA_256, with_value, with_nothing);
}

TEST(attest_rem_sha512, "RSI_MEASUREMENT_EXTEND: vectors with SHA-512")
{
	static const uint64_t with_value[8] = {
		0x1b3f258fc7df037a, 0x1324b4952aaf709d, 0xcfc46aaf1af751e6, 0x2808b48ab70de5ab,
		0x4a98f4738472bdf0, 0xb708229d955f592d, 0x1b8fbbe4d134c65a, 0x0b9c6fce562778aa};
	static const uint64_t with_nothing[8] = {
		0x7be9fda48f4179e6, 0x11c698a73cff09fa, 0xf72869431efee6ea, 0xad14de0cb44bbf66,
		0x503f752b7a8eb170, 0x83355f3ce6eb7d28, 0x06f236b25af96a24, 0xe22b887405c20081};

	check_rems(RMI_HASH_SHA_512, with_value, with_nothing);
}

TEST(attest_index_bound, "RSI_MEASUREMENT_READ index_bound, RSI_MEASUREMENT_EXTEND index_bound, "
			 "RSI_MEASUREMENT_EXTEND size_bound")
{
	struct rec *rec = &agent_realm(1)->recs[0];

	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_READ_FID, 5).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 0, 8, 1).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 5, 8, 1).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 1, 65, 1).x[0], RSI_ERROR_INPUT);
}

struct token {
	const char *name;
	uint64_t challenge[CHALLENGE_WORDS];
	uint64_t size;
	uint8_t bytes[TOKEN_MAX];
};

static struct token tokens[2];

/* Begins; the size announced. */
static uint64_t token_init(struct rec *rec, struct token *token, const char *name)
{
	struct smc_regs r;

	token->name = name;
	token->size = 0;
	for (unsigned i = 0; i < CHALLENGE_WORDS; i++) {
		token->challenge[i] = random64();
	}
	r = agent_smc(rec, RSI_ATTESTATION_TOKEN_INIT_FID, token->challenge[0], token->challenge[1],
		      token->challenge[2], token->challenge[3], token->challenge[4],
		      token->challenge[5], token->challenge[6], token->challenge[7]);
	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	CHECK(r.x[1] > 1000 && r.x[1] <= RSI_TOKEN_SIZE_BOUND);
	return r.x[1];
}

/* Realm memory, eight bytes at a time, through the realm itself. */
static void take_bytes(struct rec *rec, struct token *token, uint64_t offset, uint64_t size)
{
	REQUIRE(token->size + size <= TOKEN_MAX);
	for (uint64_t i = 0; i < size; i += 8) {
		uint64_t word = agent_get(rec, INSN_LDR_X, TOKEN_PAGE + offset + i);

		memcpy(token->bytes + token->size + i, &word, size - i < 8 ? size - i : 8);
	}
	token->size += size;
}

/* One call for up to `size` bytes; its status. */
static uint64_t token_continue(struct rec *rec, struct token *token, uint64_t offset, uint64_t size)
{
	struct smc_regs r =
		agent_smc(rec, RSI_ATTESTATION_TOKEN_CONTINUE_FID, TOKEN_PAGE, offset, size);

	CHECK(r.x[0] == RSI_SUCCESS || r.x[0] == RSI_INCOMPLETE);
	CHECK(r.x[1] <= size);
	take_bytes(rec, token, offset, r.x[1]);
	return r.x[0];
}

static void token_fetch(struct rec *rec, struct token *token, uint64_t piece)
{
	uint64_t status = RSI_INCOMPLETE;

	for (unsigned i = 0; status == RSI_INCOMPLETE; i++) {
		REQUIRE(i < 1000);
		status = token_continue(rec, token, 64 * (i % 8), piece);
	}
	CHECK_EQ(status, RSI_SUCCESS);
}

static void show_hex(const char *name, const char *what, const uint8_t *bytes, uint64_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * 64 + 1];

	for (uint64_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = 0;
	note("token %s %s%s", name, what, text);
}

/* For the runner; and what can be seen without cryptography. */
static void token_show(const struct token *token, uint64_t announced)
{
	static const uint8_t head[] = {0xd9, 0x01, 0x8f, 0xa2, 0x19, 0xac, 0xca, 0x59};

	CHECK_EQ(token->size, announced);
	CHECK(!memcmp(token->bytes, head, sizeof(head)));
	show_hex(token->name, "challenge ", (const uint8_t *)token->challenge, 64);
	for (uint64_t i = 0; i < token->size; i += 32) {
		show_hex(token->name, "", token->bytes + i,
			 token->size - i < 32 ? token->size - i : 32);
	}
	note("token %s end", token->name);
}

static struct rec *attest_rec(uint8_t hash)
{
	struct realm_config config = realm_default(PROGRAM_agent);
	struct rec *rec;

	config.hash = hash;
	rec = &agent_realm_of(&config)->recs[0];
	agent_order(rec, AGENT_MMU_ON, 0, 0, 0);
	REQUIRE(agent_done(rec));
	return rec;
}

TEST(attest_token_sha256, "RSI_ATTESTATION_TOKEN_CONTINUE: a token at once, hash SHA-256")
{
	struct rec *rec = attest_rec(RMI_HASH_SHA_256);
	uint64_t announced = token_init(rec, &tokens[0], "sha256");

	token_fetch(rec, &tokens[0], 3584);
	token_show(&tokens[0], announced);
	CHECK_EQ(agent_smc(rec, RSI_ATTESTATION_TOKEN_CONTINUE_FID, TOKEN_PAGE, 0, 16).x[0],
		 RSI_ERROR_STATE);
}

TEST(csm_token_id, "realm token: the id that RSI_CSM_SELF tells the realm is the one that is "
		   "signed, and no other "
		   "realm's")
{
	struct rec *other = attest_rec(RMI_HASH_SHA_256);
	struct rec *rec = attest_rec(RMI_HASH_SHA_256);
	uint64_t announced = token_init(rec, &tokens[0], "id");
	struct smc_regs self = agent_smc(rec, RSI_CSM_SELF_FID);

	CHECK_EQ(self.x[0], RSI_SUCCESS);
	CHECK_NE(self.x[1], agent_smc(other, RSI_CSM_SELF_FID).x[1]);
	token_fetch(rec, &tokens[0], 3584);
	token_show(&tokens[0], announced);
	note("realm-id id %lx", self.x[1]);
}

TEST(attest_token_pieces, "RSI_ATTESTATION_TOKEN_CONTINUE: a token in pieces, hash SHA-512")
{
	struct rec *rec = attest_rec(RMI_HASH_SHA_512);
	uint64_t announced = token_init(rec, &tokens[0], "pieces");

	CHECK_EQ(token_continue(rec, &tokens[0], 0, 0), RSI_INCOMPLETE);
	token_fetch(rec, &tokens[0], 100);
	token_show(&tokens[0], announced);
}

TEST(attest_token_second_init, "RSI_ATTESTATION_TOKEN_INIT: the second challenge counts")
{
	struct rec *rec = attest_rec(RMI_HASH_SHA_256);
	uint64_t announced;

	token_init(rec, &tokens[0], "first");
	token_continue(rec, &tokens[0], 0, 100);
	announced = token_init(rec, &tokens[0], "second");
	token_fetch(rec, &tokens[0], 3584);
	token_show(&tokens[0], announced);
}

/* Refused calls, and a REM extended in between, change nothing about the token. */
TEST(attest_token_refused, "RSI_ATTESTATION_TOKEN_CONTINUE addr_align, addr_bound, offset_bound, "
			   "size_overflow, size_bound, state: the token is not lost")
{
	struct rec *rec = attest_rec(RMI_HASH_SHA_256);
	uint64_t fid = RSI_ATTESTATION_TOKEN_CONTINUE_FID;
	uint64_t announced;

	CHECK_EQ(agent_smc(rec, fid, TOKEN_PAGE, 0, 16).x[0], RSI_ERROR_STATE);
	announced = token_init(rec, &tokens[0], "refused");
	CHECK_EQ(agent_smc(rec, fid, TOKEN_PAGE + 8, 0, 16).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, fid, realm_unprotected(rec->realm), 0, 16).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, fid, TOKEN_PAGE, PAGE_SIZE, 0).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, fid, TOKEN_PAGE, 8, ~0UL).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, fid, TOKEN_PAGE, 8, PAGE_SIZE).x[0], RSI_ERROR_INPUT);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 1, 8, 1).x[0], RSI_SUCCESS);
	token_fetch(rec, &tokens[0], 3584);
	token_show(&tokens[0], announced);
}

static void timer_came(unsigned intid)
{
	(void)intid;
	el2_timer_stop();
}

/*
 * Asks for the token with an interrupt to come in `us`; the call's status. The interrupt may come
 * before the realm has made the call, too: then the call is not disturbed.
 */
static uint64_t continue_with_timer(struct rec *rec, struct token *token, uint64_t us)
{
	const uint64_t args[] = {TOKEN_PAGE, 0, 3584};
	struct smc_regs r;
	enum rec_stop stop;

	rec->stop_on_irq = true;
	el2_timer_arm(us);
	stop = agent_smc_begin(rec, RSI_ATTESTATION_TOKEN_CONTINUE_FID, args, 3);
	el2_timer_stop();
	rec->stop_on_irq = false;
	irq_window();
	if (stop == REC_IRQ) {
		rec_run(rec);
	}
	r = agent_smc_end(rec);
	take_bytes(rec, token, 0, r.x[1]);
	return r.x[0];
}

/* An interrupt stops the work and not the token, however often it comes. */
TEST(attest_token_interrupts, "RSI_ATTESTATION_TOKEN_CONTINUE: interrupts while it signs")
{
	struct rec *rec = attest_rec(RMI_HASH_SHA_256);
	uint64_t announced = 0;
	unsigned seen = 0;

	gic_enable(PPI_EL2_TIMER, timer_came);
	for (uint64_t us = 200; seen == 0 && us < 500000; us += us / 2) {
		announced = token_init(rec, &tokens[0], "irq");
		while (continue_with_timer(rec, &tokens[0], us) == RSI_INCOMPLETE) {
			CHECK_EQ(tokens[0].size, 0);
			seen++;
			REQUIRE(seen < 10000);
		}
	}
	gic_disable(PPI_EL2_TIMER);
	CHECK(seen > 0);
	note("interrupted %u times", seen);
	token_show(&tokens[0], announced);
}

/* Two RECs sign at once, on two CPUs where there are two. */
TEST_CPUS(attest_token_two_recs, 2, "RSI_ATTESTATION_TOKEN_CONTINUE: two RECs at once")
{
	struct realm *realm = agent_realm(2);
	uint64_t announced[2];

	agent_start_rec(realm, 1);
	for (unsigned i = 0; i < 2; i++) {
		agent_order(&realm->recs[i], AGENT_MMU_ON, 0, 0, 0);
		REQUIRE(agent_done(&realm->recs[i]));
		announced[i] = token_init(&realm->recs[i], &tokens[i], i ? "two-b" : "two-a");
		agent_prepare(&realm->recs[i], AGENT_SMC, RSI_ATTESTATION_TOKEN_CONTINUE_FID,
			      TOKEN_PAGE + i * PAGE_SIZE, 0);
		realm->recs[i].run->enter.gprs[4] = 0;
	}
	/* With a size of 0 the work is done and nothing delivered. */
	cpu_start(1, rec_run_here, &realm->recs[1]);
	rec_run(&realm->recs[0]);
	REQUIRE(cpu_join(1, PATIENCE_MS));
	for (unsigned i = 0; i < 2; i++) {
		struct smc_regs r = agent_smc_end(&realm->recs[i]);

		CHECK_EQ(r.x[0], RSI_INCOMPLETE);
		CHECK_EQ(r.x[1], 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		token_fetch(&realm->recs[i], &tokens[i], 3584);
		token_show(&tokens[i], announced[i]);
	}
}

/* --- the host's vectors while the RMM hashes --- */

#define VECTORS     32
#define VECTOR_SIZE 256
#define CPTR_OPEN   ((3UL << 20) | (3UL << 16))
#define EACH_VECTOR \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"

static uint8_t before[VECTORS * VECTOR_SIZE] __attribute__((aligned(16)));
static uint8_t after[VECTORS * VECTOR_SIZE] __attribute__((aligned(16)));

/* All of Z0..Z31, or Q0..Q31, from `before`, the call, and all of them to `after`; x0. */
#define CALL_WITH(prefix, scale, fid, a1, a2, a3, a4, a5)                                     \
	({                                                                                    \
		register uint64_t x0 __asm__("x0") = (fid);                                   \
		register uint64_t x1 __asm__("x1") = (a1);                                    \
		register uint64_t x2 __asm__("x2") = (a2);                                    \
		register uint64_t x3 __asm__("x3") = (a3);                                    \
		register uint64_t x4 __asm__("x4") = (a4);                                    \
		register uint64_t x5 __asm__("x5") = (a5);                                    \
		register uint8_t *from __asm__("x20") = before;                               \
		register uint8_t *to __asm__("x21") = after;                                  \
		__asm__ volatile(".arch armv8.4-a+sve\n"                                      \
				 ".irp n," EACH_VECTOR "\n"                                   \
				 "ldr " prefix "\\n, [x20, " scale "]\n.endr\n"               \
				 "smc #0\n"                                                   \
				 ".irp n," EACH_VECTOR "\n"                                   \
				 "str " prefix "\\n, [x21, " scale "]\n.endr\n"               \
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5) \
				 : "r"(from), "r"(to)                                         \
				 : "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", \
				   "x15", "x16", "x17", "memory");                            \
		x0;                                                                           \
	})

static bool has_sve(void)
{
	uint64_t pfr0;

	__asm__("mrs %0, id_aa64pfr0_el1" : "=r"(pfr0));
	return (pfr0 >> 32 & 15) != 0;
}

static void open_vectors(void)
{
	uint64_t cptr;

	__asm__ volatile("mrs %0, cptr_el2\n" : "=r"(cptr));
	__asm__ volatile("msr cptr_el2, %0\n\tisb" : : "r"(cptr | CPTR_OPEN));
	if (has_sve()) {
		__asm__ volatile("msr s3_4_c1_c2_0, %0\n\tisb" : : "r"(15UL)); /* ZCR_EL2 */
	}
}

static uint64_t vector_bytes(void)
{
	uint64_t size = 16;

	if (has_sve()) {
		__asm__(".arch armv8.4-a+sve\n\trdvl %0, #1" : "=r"(size));
	}
	return size;
}

static uint64_t call_with_vectors(uint64_t fid, const uint64_t args[5])
{
	if (has_sve()) {
		return CALL_WITH("z", "#\\n, mul vl", fid, args[0], args[1], args[2], args[3],
				 args[4]);
	}
	return CALL_WITH("q", "#(16 * \\n)", fid, args[0], args[1], args[2], args[3], args[4]);
}

static void check_vectors(void)
{
	CHECK(!memcmp(before, after, VECTORS * vector_bytes()));
	memset(after, 0, sizeof(after));
}

/* RMI_REALM_CREATE and a measured RMI_DATA_CREATE hash with vector instructions. */
TEST(attest_vectors_kept, "the host's vector registers are whole after the RMM has hashed")
{
	struct realm_config config = realm_default(PROGRAM_agent);

	open_vectors();
	for (uint64_t i = 0; i < sizeof(before); i += 8) {
		uint64_t word = random64();

		memcpy(before + i, &word, 8);
	}
	for (uint8_t hash = RMI_HASH_SHA_256; hash <= RMI_HASH_SHA_512; hash++) {
		struct realm *realm;
		uint64_t src = page_alloc();
		uint64_t data;

		config.hash = hash;
		realm = realm_create(&config);
		realm_make_tables(realm, REALM_RAM_BASE, 1, 3);
		data = granule_take();
		CHECK_EQ(call_with_vectors(RMI_DATA_CREATE_FID,
					   (const uint64_t[]){realm->rd, data, REALM_RAM_BASE, src,
							      RMI_DATA_FLAG_MEASURE}),
			 RMI_SUCCESS);
		check_vectors();
		CHECK_EQ(call_with_vectors(RMI_RTT_INIT_RIPAS_FID,
					   (const uint64_t[]){realm->rd, REALM_RAM_BASE + PAGE_SIZE,
							      REALM_RAM_TOP, 0, 0}),
			 RMI_SUCCESS);
		check_vectors();
		realm_destroy(realm);
		page_free(src, 1);
	}
}
