// SPDX-License-Identifier: BSD-3-Clause
/*
 * All system registers, known or not: what one realm leaves in them reaches neither another realm
 * nor the host. It finds the register that a world switch has forgotten.
 */
#include "payload/common/sysregs.h"
#include "payload/host/agent.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define PAGES    16
#define PER_PAGE (PAGE_SIZE / sizeof(struct sysreg_sample))
#define MAX      (PAGES * PER_PAGE)
#define LEAST    100U /* registers that any realm can read */

struct sweep {
	unsigned count;
	struct sysreg_sample at[MAX];
};

/* A REC, and pages of the host's that it writes what it has read to. */
struct swept {
	struct rec *rec;
	uint64_t pages[PAGES];
};

static struct sweep before, after;

static struct swept swept_realm(void)
{
	uint64_t features = smc_call(RMI_FEATURES_FID, 0).x[1];
	struct realm_config config = realm_default(PROGRAM_agent);
	struct swept swept;
	struct realm *realm;

	if (features >> RMI_FEATURE0_SVE_EN_SHIFT & 1) {
		config.flags |= RMI_REALM_FLAG_SVE;
		config.sve_vl = 1;
	}
	if (features >> RMI_FEATURE0_PMU_EN_SHIFT & 1) {
		config.flags |= RMI_REALM_FLAG_PMU;
		config.pmu_counters = features >> RMI_FEATURE0_PMU_NUM_CTRS_SHIFT & 0x1f;
	}
	realm = agent_realm_of(&config);
	swept.rec = &realm->recs[0];
	for (unsigned i = 0; i < PAGES; i++) {
		swept.pages[i] = page_alloc();
		realm_map_page(realm, realm_unprotected(realm) + i * PAGE_SIZE, swept.pages[i]);
	}
	return swept;
}

static void sweep_realm(const struct swept *swept, struct sweep *to)
{
	agent_order(swept->rec, AGENT_SYSREGS, realm_unprotected(swept->rec->realm), MAX, 0);
	REQUIRE(agent_done(swept->rec));
	to->count = (unsigned)agent_value(swept->rec);
	REQUIRE(to->count > LEAST);
	REQUIRE(to->count < MAX);
	for (unsigned i = 0; i < to->count; i++) {
		memcpy(&to->at[i],
		       (struct sysreg_sample *)swept->pages[i / PER_PAGE] + i % PER_PAGE,
		       sizeof(to->at[i]));
	}
}

static void sweep_host(struct sweep *to)
{
	to->count = sysregs_sample(to->at, MAX);
	REQUIRE(to->count > LEAST);
	REQUIRE(to->count < MAX);
}

static void change_all(const struct swept *swept)
{
	agent_order(swept->rec, AGENT_SYSREGS_CHANGE, 0, 0, 0);
	REQUIRE(agent_done(swept->rec));
}

static void show(const char *whose, const char *what, const struct sysreg_sample *sample)
{
	uint64_t n = sample->name;

	note("%s: %s: s%lu_%lu_c%lu_c%lu_%lu, %lx", whose, what, (n >> 14) + 2, n >> 11 & 7,
	     n >> 7 & 15, n >> 3 & 15, n & 7, sample->value);
}

/* How many registers are in one sweep only or have another value. They are shown if `whose`. */
static unsigned compare(const char *whose, const struct sweep *a, const struct sweep *b)
{
	unsigned i = 0, j = 0, wrong = 0;

	while (i < a->count || j < b->count) {
		uint64_t left = i < a->count ? a->at[i].name : SYSREG_NAMES;
		uint64_t right = j < b->count ? b->at[j].name : SYSREG_NAMES;

		if (left != right || a->at[i].value != b->at[j].value) {
			wrong++;
			if (whose && left <= right) {
				show(whose, "before", &a->at[i]);
			}
			if (whose && right <= left) {
				show(whose, "after", &b->at[j]);
			}
		}
		i += left <= right;
		j += right <= left;
	}
	return wrong;
}

/* First: what another test's realm had left in a register would be the same here. */
TEST(sysregs_apart_host,
     "system registers: a realm changes every one that it can; the host reads in each what it "
     "read when the realm had changed none")
{
	struct swept a = swept_realm();

	agent_get(a.rec, INSN_R_DBGBVR0, 0);
	sweep_host(&before);
	change_all(&a);
	sweep_host(&after);
	note("%u registers", after.count);
	CHECK_EQ(compare("host", &before, &after), 0);
}

TEST(sysregs_apart_realm,
     "system registers: one realm changes every one that it can; another realm, on the same CPU, "
     "reads in each what it read before")
{
	struct swept a = swept_realm();
	struct swept b = swept_realm();

	sweep_realm(&b, &before);
	change_all(&a);
	sweep_realm(&b, &after);
	note("%u registers", after.count);
	CHECK_EQ(compare("other realm", &before, &after), 0);
}

TEST(sysregs_apart_own,
     "system registers: a realm that has changed every one finds its own values when another realm "
     "and the host have run, and they are others than before")
{
	struct swept a = swept_realm();
	struct swept b = swept_realm();

	sweep_realm(&a, &before);
	change_all(&a);
	sweep_realm(&a, &after);
	CHECK(compare(NULL, &before, &after) > LEAST / 2);
	before = after;
	change_all(&b);
	sweep_realm(&a, &after);
	CHECK_EQ(compare("own", &before, &after), 0);
}
