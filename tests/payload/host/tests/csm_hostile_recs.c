// SPDX-License-Identifier: BSD-3-Clause
/* Two realms with two RECs each, all of which call whatever they like about the same sharings. */
#include "payload/host/cpu.h"
#include "payload/host/csm_live.h"
#include "payload/host/gic.h"
#include "payload/host/test.h"

#define OWN           LIVE_OWN
#define THERE         LIVE_THERE
#define BAD_ADDRESSES 4  /* for regions, and for attachments; some overlap */
#define LEAST         10 /* successes of each call, before the test is over */

/* Name, and how often it is called: what builds more often than what ends. */
#define CALLS(X)              \
	X(CREATE, 4)          \
	X(SHARE, 6)           \
	X(REVOKE, 1)          \
	X(DESTROY, 1)         \
	X(RESERVE, 8)         \
	X(ATTACH, 8)          \
	X(DETACH_AND_FREE, 2) \
	X(QUERY, 1)           \
	X(SEAL, 1)            \
	X(DIGEST, 2)          \
	X(SIGNAL, 4)          \
	X(SIGNAL_TAKE, 1)     \
	X(PEER, 1)            \
	X(RECORD, 1)

#define CALL_NUMBER(name, weight) CALL_##name,
#define CALL_FID(name, weight)    RSI_CSM_##name##_FID,
#define CALL_WEIGHT(name, weight) weight,
#define ADD_WEIGHT(name, weight)  +(weight)
enum call { CALLS(CALL_NUMBER) CALL_COUNT };
static const uint64_t fids[] = {CALLS(CALL_FID)};
static const uint8_t weights[] = {CALLS(CALL_WEIGHT)};
#define WEIGHTS (CALLS(ADD_WEIGHT))

struct trealm {
	struct realm *realm;
	uint64_t id;
	uint64_t last; /* atomic: region */
};

struct caller {
	struct trealm *self, *other;
	struct rec *rec;
};

static uint32_t stop;             /* atomic */
static uint32_t done[CALL_COUNT]; /* atomic: successes */

/* One of the last few regions of the realm, or one that there is not yet. */
static uint64_t some_region(const struct trealm *trealm)
{
	uint64_t last = __atomic_load_n(&trealm->last, __ATOMIC_ACQUIRE);
	uint64_t back = random_below(BAD_ADDRESSES + 1);

	return last + 1 > back ? last + 1 - back : 1;
}

static void pick_args(const struct caller *caller, enum call call, uint64_t args[5])
{
	const struct trealm *self = caller->self;
	const struct trealm *other = caller->other;
	const struct trealm *either = random_below(2) == 0 ? self : other;
	uint64_t place = (random_below(BAD_ADDRESSES) * 4 + random_below(8) / 7) * PAGE_SIZE;
	uint64_t size = (4 - random_below(8) / 7) * PAGE_SIZE;

	memset(args, 0, 5 * sizeof(*args));
	switch (call) {
	case CALL_CREATE:
		args[0] = OWN + place;
		args[1] = size;
		break;
	case CALL_SHARE:
		args[0] = some_region(self);
		args[1] = other->id;
		args[2] = CSM_PERM_READ | (random64() & CSM_PERM_WRITE);
		break;
	case CALL_REVOKE:
	case CALL_DESTROY:
	case CALL_SEAL:
		args[0] = some_region(self);
		args[1] = call == CALL_REVOKE ? other->id : 0;
		break;
	case CALL_SIGNAL:
		args[0] = other->id;
		args[1] = either->id;
		args[2] = some_region(either);
		args[3] = 1;
		break;
	case CALL_DIGEST:
		args[0] = either->id;
		args[1] = some_region(either);
		break;
	case CALL_QUERY:
		args[0] = either->id;
		break;
	case CALL_PEER:
		args[0] = other->id;
		break;
	case CALL_RECORD:
		args[0] = random_below(CSM_RECORD_ATTACHMENT + 2);
		args[1] = random_below(2) * other->id;
		args[2] = some_region(either);
		break;
	default:
		args[0] = other->id;
		args[1] = some_region(other);
		args[2] = THERE + place;
		args[3] = size;
		break;
	}
}

static enum call pick_call(void)
{
	uint64_t at = random_below(WEIGHTS);
	unsigned call = 0;

	while (at >= weights[call]) {
		at -= weights[call++];
	}
	return (enum call)call;
}

static void check_status(uint64_t status)
{
	bool listed = status <= RSI_ERROR_STATE || status == CSM_ERROR_ACCESS ||
		      status == CSM_ERROR_NO_SPACE || status == CSM_ERROR_PAGES;

	if (!CHECK(listed)) {
		note("status %lx", status);
	}
}

/* One of those that QUERY shows; 0 if there is none. */
static uint64_t shown_region(const struct caller *caller, const struct trealm *of)
{
	uint64_t region = 0;
	uint64_t cursor = 0;

	for (uint64_t n = random_below(BAD_ADDRESSES * 2) + 1; n > 0; n--) {
		struct smc_regs r = ALONE(caller->rec, RSI_CSM_QUERY_FID, of->id, cursor);

		region = r.x[0] == RSI_SUCCESS && r.x[1] != 0 ? r.x[1] : region;
		cursor = r.x[6];
		if (cursor == 0) {
			break;
		}
	}
	return region;
}

/* What was left behind long ago would fill all places. */
static void pick_old(const struct caller *caller, enum call call, uint64_t args[5])
{
	if (random_below(2) == 0) {
		return;
	}
	if (call == CALL_DETACH_AND_FREE) {
		args[1] = shown_region(caller, caller->other);
	} else if (call == CALL_DESTROY) {
		args[0] = shown_region(caller, caller->self);
	}
}

static void call_once(const struct caller *caller)
{
	enum call call = pick_call();
	struct smc_regs r;
	uint64_t args[5];

	pick_args(caller, call, args);
	pick_old(caller, call, args);
	r = live_alone_args(caller->rec, fids[call], args, 5);
	check_status(r.x[0]);
	if (r.x[0] != RSI_SUCCESS) {
		return;
	}
	__atomic_add_fetch(&done[call], 1, __ATOMIC_RELAXED);
	if (call == CALL_CREATE) {
		__atomic_store_n(&caller->self->last, r.x[1], __ATOMIC_RELEASE);
	}
}

static void call_at_random(void *caller)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE) && !test_failing()) {
		call_once(caller);
	}
}

static bool enough(void)
{
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		if (__atomic_load_n(&done[i], __ATOMIC_RELAXED) < LEAST) {
			return false;
		}
	}
	return true;
}

static void trealm_make(struct trealm *trealm)
{
	trealm->realm = csm_agent(2);
	trealm->id = csm_self(&trealm->realm->recs[0]);
	trealm->last = 0;
	agent_start_rec(trealm->realm, 1);
	csm_apt_add(trealm->realm);
	for (uint64_t at = OWN; at < OWN + 16 * PAGE_SIZE; at += PAGE_SIZE) {
		csm_write(&trealm->realm->recs[0], at, at);
	}
	realm_make_tables(trealm->realm, THERE, 1, RMI_LEVEL_PAGE);
}

/* What is left can be taken apart by the realms themselves, and then nothing is. */
static void tidy(const struct trealm *self, const struct trealm *other)
{
	struct rec *rec = &self->realm->recs[0];
	struct smc_regs r;

	for (r = CSM(rec, QUERY, self->id, 0); r.x[1] != 0; r = CSM(rec, QUERY, self->id, 0)) {
		REQUIRE_EQ(CSM(rec, DESTROY, r.x[1]).x[0], RSI_SUCCESS);
	}
	for (r = CSM(rec, QUERY, other->id, 0); r.x[0] == RSI_SUCCESS;
	     r = CSM(rec, QUERY, other->id, r.x[6])) {
		CSM(rec, DETACH_AND_FREE, other->id, r.x[1]);
		if (r.x[6] == 0) {
			break;
		}
	}
	while (CSM(rec, SIGNAL_TAKE).x[1] != 0) {
	}
}

TEST_CPUS(csm_hostile_recs, 4,
	  "Two realms in both roles, two RECs each on four CPUs, every call of CSM at random about "
	  "the same few regions: only answers of the interface, and all can be ended afterwards; "
	  "hazard 16, hazard 17, hazard 19, invariant 12")
{
	struct trealm trealms[2];
	struct caller callers[4];
	uint64_t end = time_now() + us_to_ticks(LONG_MS * 1000UL);

	test_limit(LONG_MS / 1000 + 100);
	stop = 0;
	memset(done, 0, sizeof(done));
	trealm_make(&trealms[0]);
	trealm_make(&trealms[1]);
	for (unsigned i = 0; i < 4; i++) {
		callers[i] = (struct caller){&trealms[i & 1], &trealms[~i & 1],
					     &trealms[i & 1].realm->recs[i / 2]};
	}
	for (unsigned i = 1; i < 4; i++) {
		cpu_start(i, call_at_random, &callers[i]);
	}
	while (!enough() && time_now() < end && !test_failing()) {
		call_once(&callers[0]);
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 1; i < 4; i++) {
		REQUIRE(cpu_join(i, PATIENCE_MS));
	}
	for (unsigned i = 0; i < CALL_COUNT; i++) {
		if (!CHECK(done[i] >= LEAST)) {
			note("call %lx succeeded %u times", fids[i], done[i]);
		}
	}
	tidy(&trealms[0], &trealms[1]);
	tidy(&trealms[1], &trealms[0]);
	for (unsigned i = 0; i < 2; i++) {
		struct rec *rec = &trealms[i].realm->recs[0];

		CHECK_EQ(CSM(rec, QUERY, trealms[i].id, 0).x[1], 0);
		CHECK(csm_region(rec, OWN, 16 * PAGE_SIZE) > trealms[i].last);
		CHECK_EQ(csm_read(rec, OWN + PAGE_SIZE), OWN + PAGE_SIZE);
	}
}
