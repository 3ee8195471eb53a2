// SPDX-License-Identifier: BSD-3-Clause
/* What measurements depend on and what not; what of the realm is in its token. */
#include "payload/host/agent.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define PAGE       (REALM_RAM_TOP - 0x8000UL) /* RAM that the image does not use */
#define SLOT_WORDS 8
#define TOKEN_MAX  4096

struct slot {
	uint64_t words[SLOT_WORDS];
};

static struct slot read_slot(struct rec *rec, uint64_t index)
{
	struct smc_regs r = agent_smc(rec, RSI_MEASUREMENT_READ_FID, index);
	struct slot slot;

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	memcpy(&slot, &r.x[1], sizeof(slot));
	return slot;
}

static bool same(struct slot a, struct slot b)
{
	return !memcmp(&a, &b, sizeof(a));
}

TEST(initial_rem,
     "initial REM: slots 1 to 4 are zero, the RIM is not; a 32-byte hash leaves the upper half "
     "zero")
{
	static const struct slot zero;
	struct rec *rec = &agent_realm(1)->recs[0];
	struct slot rim = read_slot(rec, 0);

	for (uint64_t index = 1; index <= 4; index++) {
		CHECK(same(read_slot(rec, index), zero));
	}
	CHECK(!same(rim, zero));
	for (unsigned i = SLOT_WORDS / 2; i < SLOT_WORDS; i++) {
		CHECK_EQ(rim.words[i], 0);
	}
}

TEST(immutable_rim,
     "immutable RIM: RMI_DATA_DESTROY, RMI_DATA_CREATE_UNKNOWN, RIPAS changes and REM "
     "extensions of an ACTIVE realm do not change it")
{
	struct realm *realm = agent_realm(1);
	struct rec *rec = &realm->recs[0];
	struct slot before = read_slot(rec, 0);

	CHECK(agent_do(rec, INSN_STR_X, PAGE, 1));
	granule_give(smc_call(RMI_DATA_DESTROY_FID, realm->rd, PAGE).x[1]);
	REQUIRE(realm_data_unknown(realm, PAGE));
	CHECK_EQ(agent_smc(rec, RSI_IPA_STATE_SET_FID, PAGE, PAGE + PAGE_SIZE, RSI_RIPAS_RAM,
			   RSI_RIPAS_FLAG_CHANGE_DESTROYED)
			 .x[0],
		 RSI_SUCCESS);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 1, 8, 1).x[0], RSI_SUCCESS);
	CHECK(same(read_slot(rec, 0), before));
}

/* The RIM of an agent realm with two pages more, created in this order. */
static struct slot rim_with(uint64_t first, uint64_t second, uint64_t flags)
{
	struct realm_config config = realm_default(PROGRAM_agent);
	uint64_t page = page_alloc();
	struct realm *realm;
	struct slot rim;

	config.created = (struct realm_pages){{first, second}, page, flags};
	realm = agent_realm_of(&config);
	rim = read_slot(&realm->recs[0], 0);
	realm_destroy(realm);
	return rim;
}

TEST(rim_order,
     "RIM order: the same pages in another order, measured or not, give another RIM; the same "
     "order the same")
{
	struct slot a = rim_with(PAGE, PAGE + PAGE_SIZE, RMI_DATA_FLAG_MEASURE);

	CHECK(same(a, rim_with(PAGE, PAGE + PAGE_SIZE, RMI_DATA_FLAG_MEASURE)));
	CHECK(!same(a, rim_with(PAGE + PAGE_SIZE, PAGE, RMI_DATA_FLAG_MEASURE)));
	CHECK(!same(a, rim_with(PAGE, PAGE + PAGE_SIZE, 0)));
}

static uint8_t token[TOKEN_MAX];

static uint64_t fetch_token(struct rec *rec)
{
	struct smc_regs r = agent_smc(rec, RSI_ATTESTATION_TOKEN_INIT_FID, 1, 2, 3, 4, 5, 6, 7, 8);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	REQUIRE(r.x[1] <= TOKEN_MAX);
	do {
		r = agent_smc(rec, RSI_ATTESTATION_TOKEN_CONTINUE_FID, PAGE, 0, PAGE_SIZE);
	} while (r.x[0] == RSI_INCOMPLETE && r.x[1] == 0);
	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	for (uint64_t i = 0; i < r.x[1]; i += 8) {
		uint64_t word = agent_get(rec, INSN_LDR_X, PAGE + i);

		memcpy(token + i, &word, 8);
	}
	return r.x[1];
}

static unsigned occurrences(const void *value, size_t size, uint64_t length)
{
	unsigned found = 0;

	for (uint64_t i = 0; i + size <= length; i++) {
		found += !memcmp(token + i, value, size);
	}
	return found;
}

TEST(token_claims,
     "REM extend, RPV: the token carries the RIM and the REMs as RSI_MEASUREMENT_READ gives them "
     "now, and the personalization value given at creation")
{
	struct realm_config config = realm_default(PROGRAM_agent);
	struct rec *rec;
	struct slot rim, rem;
	uint64_t size;

	for (unsigned i = 0; i < RMI_RPV_SIZE; i++) {
		config.rpv[i] = (uint8_t)(0xa0 + i * 3);
	}
	rec = &agent_realm_of(&config)->recs[0];
	rim = read_slot(rec, 0);
	CHECK_EQ(agent_smc(rec, RSI_MEASUREMENT_EXTEND_FID, 3, 8, 0x123456).x[0], RSI_SUCCESS);
	rem = read_slot(rec, 3);
	size = fetch_token(rec);
	CHECK_EQ(occurrences(&rim, 32, size), 1);
	CHECK_EQ(occurrences(&rem, 32, size), 1);
	CHECK_EQ(occurrences(config.rpv, RMI_RPV_SIZE, size), 1);
}
