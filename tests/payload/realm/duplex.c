// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms that lend memory to each other in all directions. Every REC takes random steps: as owner
 * of one of the realm's slots (a region of its own, or none), as owner of one of its windows (an
 * attachment, or none), or wild, on whatever sharing there is, whoever works with it. Owning is
 * within the realm; what peers do comes in between at any time.
 *
 * What must hold: each result is one that the command may have there. Word 0 of each page of a
 * region says which region, by its label, and which page: whoever reads it through a window that it
 * owns reads that, or faults. Word 1 + n is for realm n to write: when its access is over, it
 * stands still.
 */
#include "payload/common/duplex.h"
#include "csm.h"

#define SLOTS       4
#define WINDOWS     6
#define OWN         0x8000000UL
#define OWN_STEP    0x100000UL
#define THERE       0x10000000UL
#define THERE_STEP  0x200000UL
#define WILD_WINDOW (THERE + WINDOWS * THERE_STEP)
#define MAX_PAGES   40
#define STILL_LOOPS 200
#define RW          (CSM_PERM_READ | CSM_PERM_WRITE)

static const uint64_t slot_pages[SLOTS] = {1, 3, 8, MAX_PAGES};

struct slot {
	uint32_t owned;  /* atomic */
	bool any;        /* there was an ANY grant: whoever is revoked may come again */
	uint64_t region; /* 0: none */
	uint64_t label;
	uint64_t generation;
};

struct window {
	uint32_t owned;            /* atomic */
	uint64_t provider, region; /* region 0: none */
	uint64_t label, pages;
	uint64_t perm; /* 0: not known to be attached */
};

static struct {
	uint64_t ids[DUPLEX_PARTIES];
	uint64_t self; /* index */
	uint64_t steps;
	uint64_t recs;
	uint32_t finished;     /* atomic */
	uint64_t counts[ACTS]; /* atomic */
	uint64_t random;       /* atomic */
	struct slot slots[SLOTS];
	struct window windows[WINDOWS];
	struct rsi_csm_policy policy __attribute__((aligned(PAGE_SIZE)));
} my;

static uint64_t draw(uint64_t bound)
{
	uint64_t z = __atomic_add_fetch(&my.random, 0x9e3779b97f4a7c15, __ATOMIC_RELAXED);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % bound;
}

static bool own(uint32_t *owned)
{
	return !__atomic_exchange_n(owned, 1, __ATOMIC_ACQUIRE);
}

static void disown(uint32_t *owned)
{
	__atomic_store_n(owned, 0, __ATOMIC_RELEASE);
}

static void did(enum duplex_act act)
{
	__atomic_add_fetch(&my.counts[act], 1, __ATOMIC_RELAXED);
}

/* True if the command succeeded; otherwise its status must be one of those. */
static bool went(enum duplex_act act, uint64_t status, uint64_t a, uint64_t b, uint64_t c)
{
	if (status == RSI_SUCCESS) {
		did(act);
		return true;
	}
	if (!CHECK(status == a || status == b || status == c)) {
		note("act %u: status %lx", act, status);
	}
	return false;
}

static uint64_t a_peer(void)
{
	return my.ids[(my.self + 1 + draw(DUPLEX_PARTIES - 1)) % DUPLEX_PARTIES];
}

static uint64_t tag(uint64_t label, uint64_t page)
{
	return (label + page) * 0x9e3779b97f4a7c15;
}

/* ---- slots */

static uint64_t slot_page(const struct slot *slot, uint64_t page)
{
	return OWN + (uint64_t)(slot - my.slots) * OWN_STEP + page * PAGE_SIZE;
}

static uint64_t pages_of(const struct slot *slot)
{
	return slot_pages[slot - my.slots];
}

static void slot_create(struct slot *slot)
{
	uint64_t pages = pages_of(slot);

	slot->label =
		(my.self + 1) << 56 | (uint64_t)(slot - my.slots) << 48 | slot->generation++ << 8;
	for (uint64_t page = 0; page < pages; page++) {
		CHECK(probe_store(slot_page(slot, page), tag(slot->label, page)));
	}
	if (!went(ACT_CREATE,
		  csm_create(slot_page(slot, 0), pages * PAGE_SIZE, slot->label, &slot->region),
		  CSM_ERROR_NO_SPACE, CSM_ERROR_NO_SPACE, CSM_ERROR_NO_SPACE)) {
		slot->region = 0;
	}
	slot->any = false;
}

static void slot_share(struct slot *slot)
{
	uint64_t perm = CSM_PERM_READ | (draw(3) ? CSM_PERM_WRITE : 0);
	bool any = draw(8) == 0;
	uint64_t status;

	slot->any |= any;
	status = csm_share(slot->region, any ? CSM_REALM_ANY : a_peer(), perm,
			   any || draw(4) == 0 ? &my.policy : NULL);
	/* INPUT: somebody wild has destroyed or sealed it. */
	if (went(any ? ACT_SHARE_ANY : ACT_SHARE, status, RSI_ERROR_INPUT, RSI_ERROR_STATE,
		 CSM_ERROR_NO_SPACE) &&
	    any && draw(2)) {
		went(ACT_REVOKE, csm_revoke(slot->region, CSM_REALM_ANY), RSI_ERROR_INPUT,
		     RSI_ERROR_STATE, RSI_ERROR_STATE);
	}
}

/* Nobody has write access any more who had it: word `word` of no page changes. */
static void expect_still(const struct slot *slot, uint64_t word)
{
	uint64_t before[MAX_PAGES];

	for (uint64_t page = 0; page < pages_of(slot); page++) {
		before[page] = read64(slot_page(slot, page) + word * 8);
	}
	for (unsigned i = 0; i < STILL_LOOPS; i++) {
		cpu_relax();
	}
	for (uint64_t page = 0; page < pages_of(slot); page++) {
		CHECK_EQ(read64(slot_page(slot, page) + word * 8), before[page]);
	}
	did(ACT_STILL);
}

static void expect_all_still(const struct slot *slot)
{
	for (uint64_t n = 0; n < DUPLEX_PARTIES; n++) {
		if (n != my.self) {
			expect_still(slot, 1 + n);
		}
	}
}

static void slot_revoke(struct slot *slot)
{
	uint64_t n = (my.self + 1 + draw(DUPLEX_PARTIES - 1)) % DUPLEX_PARTIES;

	if (went(ACT_REVOKE, csm_revoke(slot->region, my.ids[n]), RSI_ERROR_INPUT, RSI_ERROR_STATE,
		 RSI_ERROR_STATE) &&
	    !slot->any) {
		expect_still(slot, 1 + n);
	}
}

static void slot_destroy(struct slot *slot)
{
	went(ACT_DESTROY, csm_destroy(slot->region), RSI_ERROR_INPUT, RSI_ERROR_INPUT,
	     RSI_ERROR_INPUT);
	slot->region = 0;
	expect_all_still(slot);
}

static void slot_seal(struct slot *slot)
{
	if (went(ACT_SEAL, csm_seal(slot->region), RSI_ERROR_INPUT, RSI_ERROR_STATE,
		 CSM_ERROR_PAGES)) {
		expect_all_still(slot);
	}
}

static void slot_look(const struct slot *slot)
{
	uint64_t page = draw(pages_of(slot));

	CHECK_EQ(read64(slot_page(slot, page)), tag(slot->label, page));
}

static void slot_signal(const struct slot *slot)
{
	const struct csm_signal signal = {a_peer(), my.ids[my.self], slot->region, 1 + draw(1000)};

	went(ACT_SIGNAL, csm_signal(&signal), CSM_ERROR_ACCESS, CSM_ERROR_ACCESS, CSM_ERROR_ACCESS);
}

static void step_slot(struct slot *slot)
{
	if (!own(&slot->owned)) {
		return;
	}
	if (slot->region == 0) {
		slot_create(slot);
	} else {
		switch (draw(24)) {
		case 0:
		case 1:
			slot_destroy(slot);
			break;
		case 2:
			slot_seal(slot);
			break;
		case 3:
		case 4:
			slot_revoke(slot);
			break;
		case 5:
		case 6:
			slot_signal(slot);
			break;
		case 7:
		case 8:
		case 9:
			slot_look(slot);
			break;
		default:
			slot_share(slot);
		}
	}
	disown(&slot->owned);
}

/* ---- windows */

static uint64_t window_page(const struct window *window, uint64_t page)
{
	return THERE + (uint64_t)(window - my.windows) * THERE_STEP + page * PAGE_SIZE;
}

/* Some region that a peer grants and that is not reserved yet. False: none was found. */
static bool find_region(struct window *found)
{
	uint64_t provider = a_peer();
	uint64_t cursor = 0;

	for (uint64_t tries = 1 + draw(SLOTS); tries > 0; tries--) {
		struct smc_regs r = CSM(QUERY, provider, cursor);

		if (!went(ACT_QUERY, r.x[0], CSM_ERROR_ACCESS, CSM_ERROR_ACCESS,
			  CSM_ERROR_ACCESS)) {
			return false;
		}
		cursor = r.x[6];
		if (rsi_csm_query_state(r.x[4]) == CSM_STATE_GRANTED) {
			*found = (struct window){.provider = provider,
						 .region = r.x[1],
						 .label = r.x[2],
						 .pages = r.x[3] / PAGE_SIZE};
		}
		if (cursor == 0) {
			break;
		}
	}
	return found->region != 0;
}

static void window_detach(struct window *window)
{
	went(ACT_DETACH, csm_detach(window->provider, window->region), RSI_ERROR_INPUT,
	     RSI_ERROR_INPUT, RSI_ERROR_INPUT);
	CHECK(!probe_load(window_page(window, 0), &(uint64_t){0}));
	window->region = 0;
}

static void window_attach(struct window *window)
{
	uint64_t perm;
	uint64_t status = csm_attach(window->provider, window->region, &perm);

	/* INPUT: somebody wild has detached it. */
	if (went(ACT_ATTACH, status, RSI_ERROR_INPUT, RSI_ERROR_STATE, CSM_ERROR_ACCESS)) {
		window->perm = perm;
	}
	if (status == CSM_ERROR_ACCESS) {
		did(ACT_ENDED);
		window_detach(window);
	}
}

static void window_reserve(struct window *window)
{
	struct window found = {.region = 0};

	if (!find_region(&found) ||
	    !went(ACT_RESERVE,
		  csm_reserve(found.provider, found.region, window_page(window, 0),
			      found.pages * PAGE_SIZE, draw(4) ? NULL : &my.policy),
		  CSM_ERROR_ACCESS, RSI_ERROR_STATE, CSM_ERROR_NO_SPACE)) {
		return;
	}
	window->provider = found.provider;
	window->region = found.region;
	window->label = found.label;
	window->pages = found.pages;
	window->perm = 0;
	if (draw(4)) {
		window_attach(window);
	}
}

static void window_load(const struct window *window)
{
	uint64_t page = draw(window->pages);
	uint64_t value;

	if (!probe_load(window_page(window, page), &value)) {
		CHECK_EQ(ESR_FSC(fault_last().esr), FSC_EXTERNAL_ABORT);
		did(ACT_ABORT);
		return;
	}
	if (!CHECK_EQ(value, tag(window->label, page))) {
		note("provider %lx region %lx page %lu", window->provider, window->region, page);
	}
	did(ACT_LOAD);
}

static void window_store(const struct window *window)
{
	uint64_t at = window_page(window, draw(window->pages)) + (1 + my.self) * 8;
	uint64_t value = draw(UINT64_MAX);
	uint64_t back;

	if (!probe_store(at, value)) {
		CHECK_EQ(ESR_FSC(fault_last().esr), FSC_EXTERNAL_ABORT);
		did(ACT_ABORT);
		return;
	}
	CHECK(window->perm == 0 || (window->perm & CSM_PERM_WRITE) != 0);
	if (probe_load(at, &back)) {
		CHECK_EQ(back, value);
	}
	did(ACT_STORE);
}

static void window_ask(const struct window *window)
{
	struct smc_regs r;

	if (draw(2)) {
		r = CSM(DIGEST, window->provider, window->region);
		went(ACT_DIGEST, r.x[0], CSM_ERROR_ACCESS, RSI_ERROR_STATE, CSM_ERROR_PAGES);
	} else {
		r = CSM(PEER, window->provider, CSM_PEER_RPV);
		if (went(ACT_PEER, r.x[0], CSM_ERROR_ACCESS, CSM_ERROR_ACCESS, CSM_ERROR_ACCESS)) {
			CHECK_EQ(r.x[1], 0);
		}
	}
}

static void window_signal(const struct window *window)
{
	const struct csm_signal signal = {window->provider, window->provider, window->region,
					  1 + draw(1000)};

	went(ACT_SIGNAL, csm_signal(&signal), CSM_ERROR_ACCESS, CSM_ERROR_ACCESS, CSM_ERROR_ACCESS);
}

static void step_window(struct window *window)
{
	if (!own(&window->owned)) {
		return;
	}
	if (window->region == 0) {
		window_reserve(window);
	} else {
		switch (draw(16)) {
		case 0:
			window_detach(window);
			break;
		case 1:
			window_ask(window);
			break;
		case 2:
			window_signal(window);
			break;
		case 3:
		case 4:
		case 5:
			window_attach(window);
			break;
		case 6:
		case 7:
		case 8:
		case 9:
			window_store(window);
			break;
		default:
			window_load(window);
		}
	}
	disown(&window->owned);
}

/* ---- wild */

static void take_signals(void)
{
	struct csm_signal signal;
	bool known = false;

	went(ACT_TAKE, csm_signal_take(&signal), RSI_SUCCESS, RSI_SUCCESS, RSI_SUCCESS);
	if (signal.peer == 0) {
		CHECK_EQ(signal.bits, 0);
		return;
	}
	for (unsigned n = 0; n < DUPLEX_PARTIES; n++) {
		known |= n != my.self && my.ids[n] == signal.peer;
	}
	CHECK(known);
	CHECK(signal.provider == signal.peer || signal.provider == my.ids[my.self]);
	CHECK_NE(signal.bits, 0);
}

/* On a sharing that another REC may own: any result that the command has, but no other. */
static void step_wild(void)
{
	const struct window *window = &my.windows[draw(WINDOWS)];
	const struct slot *slot = &my.slots[draw(SLOTS)];
	uint64_t provider = __atomic_load_n(&window->provider, __ATOMIC_RELAXED);
	uint64_t theirs = __atomic_load_n(&window->region, __ATOMIC_RELAXED);
	uint64_t ours = __atomic_load_n(&slot->region, __ATOMIC_RELAXED);
	uint64_t size = pages_of(&my.slots[draw(SLOTS)]) * PAGE_SIZE;
	uint64_t status;
	uint64_t perm;

	switch (draw(8)) {
	case 0:
		status = csm_detach(provider, theirs);
		break;
	case 1:
		status = csm_revoke(ours, draw(2) ? a_peer() : CSM_REALM_ANY);
		break;
	case 2:
		status = csm_destroy(ours);
		break;
	case 3:
		status = csm_seal(ours);
		break;
	case 4:
		status = csm_attach(provider, theirs, &perm);
		break;
	default:
		status = csm_reserve(provider, theirs, WILD_WINDOW, size, NULL);
	}
	if (status == RSI_SUCCESS) {
		did(ACT_WILD);
	}
	CHECK(status <= RSI_ERROR_STATE || status == CSM_ERROR_ACCESS ||
	      status == CSM_ERROR_NO_SPACE);
}

/* ---- all of it */

static void step(void)
{
	uint64_t kind = draw(32);

	if (kind < 10) {
		step_slot(&my.slots[draw(SLOTS)]);
	} else if (kind < 29) {
		step_window(&my.windows[draw(WINDOWS)]);
	} else if (kind < 31) {
		take_signals();
	} else {
		step_wild();
	}
}

static void take_steps(uint64_t unused)
{
	(void)unused;
	mmu_on();
	for (uint64_t n = 0; n < my.steps; n++) {
		step();
	}
	__atomic_add_fetch(&my.finished, 1, __ATOMIC_RELEASE);
}

static void report_counts(void)
{
	struct rsi_host_call *call = &this_vcpu()->call;

	for (unsigned i = 0; i < ACTS; i++) {
		call->gprs[i] = my.counts[i];
	}
	host_call(DUPLEX_REPORT);
}

static void learn_ids(void)
{
	struct rsi_host_call *call = &this_vcpu()->call;

	host_call_values(DUPLEX_IDS, csm_self(), 0);
	memcpy(my.ids, call->gprs, sizeof(my.ids));
	my.random = call->gprs[DUPLEX_SEED];
	while (my.self < DUPLEX_PARTIES - 1 && my.ids[my.self] != csm_self()) {
		my.self++;
	}
	CHECK_EQ(my.ids[my.self], csm_self());
}

/* All realms run this program with equal arguments, so one policy is met by each of them. */
static void make_policy(void)
{
	struct smc_regs r = rsi_call(RSI_MEASUREMENT_READ_FID, 0);

	REQUIRE_EQ(r.x[0], RSI_SUCCESS);
	my.policy.version = CSM_POLICY_VERSION;
	my.policy.flags = CSM_POLICY_RIM | CSM_POLICY_RPV;
	memcpy(my.policy.rim, &r.x[1], sizeof(my.policy.rim));
}

/* args: steps of each REC, RECs. */
PROGRAM(duplex)
{
	my.steps = args[0];
	my.recs = args[1];
	make_policy();
	REQUIRE(set_ripas(OWN, OWN + SLOTS * OWN_STEP, RSI_RIPAS_RAM, 0));
	learn_ids();
	for (unsigned i = 1; i < my.recs; i++) {
		REQUIRE_EQ(vcpu_start(i, take_steps, 0), PSCI_SUCCESS);
	}
	take_steps(0);
	while (__atomic_load_n(&my.finished, __ATOMIC_ACQUIRE) != my.recs) {
		rsi_call(PSCI_CPU_SUSPEND_FID);
	}
	report_counts();
}
