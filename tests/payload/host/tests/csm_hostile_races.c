// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two realms share, again and again, each on a CPU of its own, while the host on a third gives and
 * takes pages, tables and APTs at random, and answers no exit. Every answer of the interface is
 * fine; what is checked is what memory says: an offset is that offset, and what comes back is
 * wiped.
 */
#include "payload/host/cpu.h"
#include "payload/host/csm_live.h"
#include "payload/host/gic.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define OWN     0x8000000UL
#define THERE   LIVE_THERE
#define TABLE   (2UL << 20)
#define SIZE    TABLE
#define PAGES   6 /* at the beginning of the region, that come and go */
#define TAG     0x7a60000000000000UL
#define LEAST   10 /* of each event, before the test is over */
#define RETRIES 16

enum event { ATTACHED, READ, ABORTED, SHARED, LOST_PAGE, LOST_TABLE, LOST_APT, EVENTS };

static struct live live;
static uint32_t stop;          /* atomic */
static uint32_t count[EVENTS]; /* atomic */

static void note_event(enum event event)
{
	__atomic_add_fetch(&count[event], 1, __ATOMIC_RELAXED);
}

static bool stopping(void)
{
	return __atomic_load_n(&stop, __ATOMIC_ACQUIRE) || test_failing();
}

/* One word at an offset; false if there is none to be had. */
static bool word(enum agent_insn insn, uint64_t offset, uint64_t *value)
{
	struct rec *rec = live.consumer;

	agent_prepare(rec, AGENT_DO, insn, THERE + offset, *value);
	for (unsigned i = 0; i < RETRIES; i++) {
		if (live_alone(rec)) {
			*value = agent_value(rec);
			return agent_done(rec);
		}
		/*
		 * RIPAS DESTROYED, where the host took the table when the range was no attachment.
		 */
		ALONE(&live.c->recs[1], RSI_IPA_STATE_SET_FID, THERE, THERE + SIZE, RSI_RIPAS_EMPTY,
		      RSI_RIPAS_FLAG_CHANGE_DESTROYED);
	}
	CHECK(!"a REC does not get on");
	return false;
}

static void use(uint64_t page)
{
	uint64_t offset = page * PAGE_SIZE + random_below(PAGE_SIZE / 8) * 8;
	uint64_t value = 0;

	if (!word(INSN_LDR_X, offset, &value)) {
		note_event(ABORTED);
		return;
	}
	note_event(READ);
	CHECK(value == 0 || value == (TAG | offset));
	value = TAG | offset;
	word(INSN_STR_X, offset, &value);
}

static void consume(void *unused)
{
	struct rec *rec = live.consumer;

	(void)unused;
	while (!stopping()) {
		uint64_t region = __atomic_load_n(&live.region, __ATOMIC_ACQUIRE);

		ALONE(rec, RSI_CSM_RESERVE_FID, live.pid, region, THERE, SIZE, 0);
		if (ALONE(rec, RSI_CSM_ATTACH_FID, live.pid, region).x[0] == RSI_SUCCESS) {
			note_event(ATTACHED);
			for (unsigned i = 0; i < 3 * PAGES; i++) {
				use(random_below(PAGES));
			}
		}
		ALONE(rec, RSI_CSM_DETACH_AND_FREE_FID, live.pid, region);
		ALONE(rec, RSI_CSM_SIGNAL_TAKE_FID, 0);
	}
}

/* live.region: the last one that there is, or was. */
static void provide(void *unused)
{
	struct rec *rec = live.provider;

	(void)unused;
	while (!stopping()) {
		uint64_t next = live.region + 1;

		ALONE(rec, RSI_IPA_STATE_SET_FID, OWN, OWN + SIZE, RSI_RIPAS_RAM,
		      RSI_RIPAS_FLAG_CHANGE_DESTROYED);
		if (ALONE(rec, RSI_CSM_CREATE_FID, OWN, SIZE, 1).x[0] != RSI_SUCCESS) {
			continue;
		}
		if (ALONE(rec, RSI_CSM_SHARE_FID, next, live.cid, LIVE_RW, 0).x[0] == RSI_SUCCESS) {
			note_event(SHARED);
		}
		__atomic_store_n(&live.region, next, __ATOMIC_RELEASE);
		for (uint64_t i = random_below(300); i > 0 && !stopping(); i--) {
			ALONE(rec, RSI_CSM_SIGNAL_FID, live.cid, live.pid, next, 1);
		}
		if (random_below(2) == 0) {
			ALONE(rec, RSI_CSM_REVOKE_FID, next, live.cid);
		}
		ALONE(rec, RSI_CSM_DESTROY_FID, next);
		ALONE(rec, RSI_CSM_SIGNAL_TAKE_FID, 0);
	}
}

/* ---- the host */

static void take_page(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = smc_call(RMI_DATA_DESTROY_FID, realm->rd, ipa);

	if (r.x[0] == RMI_SUCCESS) {
		note_event(LOST_PAGE);
		granule_give(r.x[1]);
	}
}

static void offer_page(struct realm *realm, uint64_t ipa)
{
	uint64_t page = granule_take();

	if (smc_call(RMI_DATA_CREATE_UNKNOWN_FID, realm->rd, page, ipa).x[0] != RMI_SUCCESS) {
		granule_give(page);
	}
}

static void take_table(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = smc_call(RMI_RTT_DESTROY_FID, realm->rd, ipa, (uint64_t)RMI_LEVEL_PAGE);

	if (r.x[0] == RMI_SUCCESS) {
		note_event(LOST_TABLE);
		granule_give(r.x[1]);
	}
}

static void fold_table(struct realm *realm, uint64_t ipa)
{
	struct smc_regs r = smc_call(RMI_RTT_FOLD_FID, realm->rd, ipa, (uint64_t)RMI_LEVEL_PAGE);

	if (r.x[0] == RMI_SUCCESS) {
		granule_give(r.x[1]);
	}
}

static void renew_apt(struct realm *realm)
{
	uint64_t apt = realm->csm.apt[0];
	uint64_t status;

	do {
		status = smc_call(RMI_APT_DESTROY_FID, realm->rd, apt).x[0];
	} while (status == CSM_INCOMPLETE);
	REQUIRE_EQ(status, RMI_SUCCESS);
	granule_give(apt);
	note_event(LOST_APT);
	apt = granule_take();
	REQUIRE_EQ(smc_call(RMI_APT_CREATE_FID, realm->rd, apt).x[0], RMI_SUCCESS);
	realm->csm.apt[0] = apt;
}

enum interference { TAKE_PAGE, OFFER_PAGE, TAKE_TABLE, OFFER_TABLE, FOLD, RENEW_APT, RIPAS };

/* The provider is to have pages, the consumer none of its own, or it would never attach. */
static enum interference pick(bool at_provider)
{
	static const uint8_t ways[2][8] = {
		{TAKE_PAGE, TAKE_PAGE, TAKE_PAGE, TAKE_TABLE, OFFER_TABLE, OFFER_TABLE, FOLD,
		 RIPAS},
		{TAKE_PAGE, OFFER_PAGE, OFFER_PAGE, OFFER_PAGE, TAKE_TABLE, OFFER_TABLE, FOLD,
		 RIPAS},
	};

	switch (random_below(48)) {
	case 0:
		return RENEW_APT;
	case 1:
		return OFFER_PAGE;
	default:
		return ways[at_provider][random_below(8)];
	}
}

static void interfere(void)
{
	bool at_provider = random_below(2) == 0;
	struct realm *realm = at_provider ? live.p : live.c;
	uint64_t base = at_provider ? OWN : THERE;
	uint64_t at = base + random_below(PAGES) * PAGE_SIZE;

	switch (pick(at_provider)) {
	case TAKE_PAGE:
		take_page(realm, at);
		break;
	case OFFER_PAGE:
		offer_page(realm, at);
		break;
	case TAKE_TABLE:
		take_table(realm, base);
		break;
	case OFFER_TABLE:
		live_offer_table(realm, base);
		break;
	case FOLD:
		fold_table(realm, base);
		break;
	case RENEW_APT:
		renew_apt(realm);
		break;
	case RIPAS:
		smc_call(RMI_RTT_SET_RIPAS_FID, realm->rd, realm->recs[0].granule, base, at);
		break;
	}
}

static bool enough(void)
{
	for (unsigned i = 0; i < EVENTS; i++) {
		if (__atomic_load_n(&count[i], __ATOMIC_RELAXED) < LEAST) {
			return false;
		}
	}
	return true;
}

TEST_CPUS(
	csm_hostile_races, 3,
	"Two realms share on two CPUs while the host takes and gives pages, tables and APTs on a "
	"third: no page is seen at another offset, all that comes back is wiped; hazard 06, hazard "
	"16, hazard 19, invariant 04, invariant 08, invariant 12")
{
	uint64_t end = time_now() + us_to_ticks(LONG_MS * 1000UL);

	test_limit(LONG_MS / 1000 + 100);
	live = (struct live){.p = csm_agent(1), .c = csm_agent(2)};
	memset(count, 0, sizeof(count));
	stop = 0;
	live.provider = &live.p->recs[0];
	live.consumer = &live.c->recs[0];
	live.pid = csm_self(live.provider);
	live.cid = csm_self(live.consumer);
	agent_start_rec(live.c, 1);
	realm_make_tables(live.p, OWN, 1, RMI_LEVEL_PAGE);
	realm_make_tables(live.c, THERE, 1, RMI_LEVEL_PAGE);
	cpu_start(1, provide, NULL);
	cpu_start(2, consume, NULL);
	while (!enough() && time_now() < end && !test_failing()) {
		for (unsigned i = 0; i < 64; i++) {
			interfere();
		}
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	REQUIRE(cpu_join(1, PATIENCE_MS));
	REQUIRE(cpu_join(2, PATIENCE_MS));
	for (unsigned i = 0; i < EVENTS; i++) {
		if (!CHECK(count[i] >= LEAST)) {
			note("event %u: %u times", i, count[i]);
		}
	}
}
