// SPDX-License-Identifier: BSD-3-Clause
/* Realms that share in all directions, under load. */
#include "payload/common/duplex.h"
#include "payload/host/cpu.h"
#include "payload/host/cpu_pool.h"
#include "payload/host/csm.h"
#include "payload/host/mem.h"
#include "payload/host/test.h"

#define RECS     2
#define STEPS    1500
#define SLICE_US 3000

#define ACT_NAME(name) [ACT_##name] = #name,
static const char *const names[ACTS] = {DUPLEX_ACTS(ACT_NAME)};

static uint64_t counts[ACTS]; /* atomic */

static void add_report(struct rec *rec)
{
	REQUIRE_EQ(rec->run->exit.imm, DUPLEX_REPORT);
	for (unsigned i = 0; i < ACTS; i++) {
		__atomic_add_fetch(&counts[i], rec->run->exit.gprs[i], __ATOMIC_RELAXED);
	}
}

static struct realm *start(unsigned index)
{
	struct realm_config config = realm_default(PROGRAM_duplex);
	struct realm *realm;

	config.recs = RECS;
	config.args[0] = STEPS;
	config.args[1] = RECS;
	realm = realm_boot(&config);
	/* The first runs out of space now and then. */
	for (unsigned i = 0; i < (index ? 2 : 1); i++) {
		csm_apt_add(realm);
	}
	REQUIRE_EQ(rec_run(&realm->recs[0]), REC_CALL);
	REQUIRE_EQ(realm->recs[0].run->exit.imm, DUPLEX_IDS);
	return realm;
}

TEST_CPUS(csm_duplex, CPU_POOL,
	  "hazard 16: three realms of two RECs on four CPUs share in all six directions: regions "
	  "come "
	  "and go, are granted, attached, read, written, sealed, revoked and detached at random: "
	  "each "
	  "result is one the command may have, each page read is the right one, no store lands "
	  "behind "
	  "the end of its access; then all is torn down and wiped")
{
	struct realm *realms[DUPLEX_PARTIES];
	uint64_t ids[DUPLEX_PARTIES];

	memset(counts, 0, sizeof(counts));
	cpu_pool_begin();
	for (unsigned i = 0; i < DUPLEX_PARTIES; i++) {
		realms[i] = start(i);
		ids[i] = realms[i]->recs[0].run->exit.gprs[0];
	}
	for (unsigned i = 0; i < DUPLEX_PARTIES; i++) {
		memcpy(realms[i]->recs[0].run->enter.gprs, ids, sizeof(ids));
		realms[i]->recs[0].run->enter.gprs[DUPLEX_SEED] = random64();
		for (unsigned n = 0; n < RECS; n++) {
			cpu_pool_add(&realms[i]->recs[n]);
		}
	}
	cpu_pool_run(add_report, SLICE_US, LONG_MS);
	for (unsigned i = 0; i < ACTS; i++) {
		note("%s: %lu", names[i], counts[i]);
		CHECK(counts[i] > 0);
	}
	for (unsigned i = 0; i < DUPLEX_PARTIES; i++) {
		realm_destroy(realms[i]);
	}
}
