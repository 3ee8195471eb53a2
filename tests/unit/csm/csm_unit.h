// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms that share memory, for the tests of csm/: calls of a realm, accesses as the hardware would
 * make them, and a walk over everything that all realms can reach.
 *
 *     party_new(&provider); party_new(&consumer);
 *     region = party_region(&provider, 0, 4);
 *     ASSERT_OK(CSM(&provider, SHARE, region, party_id(&consumer), CSM_PERM_READ, 0));
 */
#ifndef TESTS_UNIT_CSM_UNIT_H
#define TESTS_UNIT_CSM_UNIT_H

#include "abi/csm.h"
#include "rec_unit.h"

/*
 * Addresses of every party. The first three have a level-3 table each; OWN is RAM, with pages for
 * PARTY_PAGES, then without; OTHER is EMPTY.
 */
#define PARTY_OWN    UINT64_C(0x400000)
#define PARTY_OTHER  UINT64_C(0x800000)
#define PARTY_POLICY UINT64_C(0x600000)   /* one page */
#define PARTY_WIDE   UINT64_C(0x1000000)  /* RAM, four entries of 2 MiB without tables or pages */
#define PARTY_BARE   UINT64_C(0x40000000) /* no table there, EMPTY */
#define BLOCK        UINT64_C(0x200000)
#define PARTY_PAGES  8U
#define PARTY_RAM    16U
#define PARTY_MAX    8U
#define PAGE(n)      ((uint64_t)(n) << 12)

struct party {
	struct world_realm realm;
	uint64_t apt[CSM_MAX_APT_GRANULES + 1];
	unsigned int apt_count;
};

static struct party parties[PARTY_MAX];
static unsigned int party_count;

static inline uint64_t party_id(const struct party *party)
{
	return world_rd(&party->realm)->id;
}

static inline const struct s2 *party_s2(const struct party *party)
{
	return &world_rd(&party->realm)->s2;
}

static inline struct world_answer party_add_apt(struct party *party)
{
	uint64_t apt = world_realm_delegated(&party->realm);

	party->apt[party->apt_count] = apt;

	struct world_answer answer = RMI(RMI_APT_CREATE, party->realm.rd, apt);

	party->apt_count += answer.x[0] == RMI_SUCCESS;
	return answer;
}

/* Party n: an active realm with these flags, one REC, and `apts` APT granules. */
static inline struct party *party_make_as(unsigned int n, unsigned int apts, uint64_t flags)
{
	struct party *party = &parties[n];
	struct world_realm *realm = &party->realm;

	assert_true(n < PARTY_MAX);
	party->apt_count = 0;
	world_realm_prepare(realm, n * 180, (uint16_t)(n + 1));
	realm->params.flags |= flags;
	world_realm_create(realm);
	world_realm_ram(realm, PARTY_OWN, PARTY_OWN + PAGE(PARTY_RAM));
	for (unsigned int i = 0; i < PARTY_PAGES; i++) {
		world_realm_data(realm, PARTY_OWN + PAGE(i));
	}
	world_realm_ram_page(realm, PARTY_POLICY);
	world_realm_tables(realm, PARTY_OTHER, 3);
	ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm->rd, PARTY_WIDE, PARTY_WIDE + 4 * BLOCK));
	world_rec_new(realm, RMI_REC_FLAG_RUNNABLE, WORLD_PC);
	world_realm_activate(realm);
	for (unsigned int i = 0; i < apts; i++) {
		ASSERT_RMI_OK(party_add_apt(party));
	}
	return party;
}

static inline struct party *party_make_at(unsigned int n, unsigned int apts)
{
	return party_make_as(n, apts, 0);
}

static inline struct party *party_make(unsigned int apts)
{
	return party_make_at(party_count++, apts);
}

static inline int party_setup(void **state)
{
	party_count = 0;
	return unit_world_setup(state);
}

#define PARTY_TEST(name, function) {name, function, party_setup, unit_world_teardown, NULL}

/* --- calls */

struct party_call {
	uint64_t x[10];
	struct rmi_rec_exit exit; /* what the host sees of the call; exit_reason IRQ: nothing */
	const char *condition;
};

static inline struct party_call party_call_args(struct party *party, const uint64_t *args,
						size_t count)
{
	struct world_step step = {.kind = ARCH_EXIT_SYNC, .info = {.esr = WORLD_ESR(0x17)}};
	struct party_call call;

	step.count = WORLD_EXIT_MAX_X;
	for (size_t i = 0; i < WORLD_EXIT_MAX_X; i++) {
		step.x[i] = i < count ? args[i] : 0xF00D0000 + i;
	}
	world_play(&step, 1);
	assert_int_equal(world_enter(&party->realm, 0, NULL, &call.exit).x[0], RMI_SUCCESS);
	memcpy(call.x, world_rec(&party->realm, 0)->vcpu.gprs, sizeof(call.x));
	call.condition = machine_last_failure();
	return call;
}

#define CSM(party, command, ...)                                                           \
	party_call_args(party, (const uint64_t[]){RSI_CSM_##command##_FID, ##__VA_ARGS__}, \
			sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t))

#define ASSERT_OK(call)                                                 \
	do {                                                            \
		struct party_call ok_ = (call);                         \
		if (ok_.x[0] != RSI_SUCCESS && ok_.condition != NULL) { \
			print_error("# refused: %s\n", ok_.condition);  \
		}                                                       \
		assert_int_equal(ok_.x[0], RSI_SUCCESS);                \
	} while (0)

/* The status, because of the condition; no outputs, and the host sees nothing. */
#define ASSERT_DENIED(call, status, name)                                        \
	do {                                                                     \
		struct party_call denied_ = (call);                              \
		assert_int_equal(denied_.x[0], status);                          \
		assert_non_null(denied_.condition);                              \
		assert_string_equal(denied_.condition, #name);                   \
		assert_int_equal(denied_.x[1] | denied_.x[2] | denied_.x[3], 0); \
		assert_int_equal(denied_.exit.exit_reason, RMI_EXIT_IRQ);        \
	} while (0)

#define ASSERT_NOTICE(call, reason, base, top)                                         \
	do {                                                                           \
		struct party_call told_ = (call);                                      \
		assert_int_equal(told_.x[0], RSI_SUCCESS);                             \
		ASSERT_EXIT(told_.exit, .exit_reason = (reason), .ripas_base = (base), \
			    .ripas_top = (top));                                       \
	} while (0)

/* Calls until the command is done; counts the calls. Notices of what is not done yet are fine. */
static inline struct party_call party_finish_args(struct party *party, const uint64_t *args,
						  size_t count, unsigned int *calls)
{
	struct party_call call;

	*calls = 0;
	do {
		call = party_call_args(party, args, count);
		assert_true(++*calls < 10000);
	} while (call.x[0] == RSI_INCOMPLETE);
	return call;
}

static unsigned int party_calls;
#define CSM_FINISH(party, command, ...)                                                      \
	party_finish_args(party, (const uint64_t[]){RSI_CSM_##command##_FID, ##__VA_ARGS__}, \
			  sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t),   \
			  &party_calls)

/* An interrupt is always pending, so every long command stops after each step. */
static inline bool party_interrupted(void)
{
	return true;
}

/* --- common steps */

static inline uint64_t party_region(struct party *party, unsigned int first, unsigned int pages)
{
	struct party_call call =
		CSM_FINISH(party, CREATE, PARTY_OWN + PAGE(first), PAGE(pages), 0x6C6564);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	return call.x[1];
}

static inline void party_share(struct party *provider, uint64_t region, struct party *consumer,
			       uint64_t perm)
{
	ASSERT_OK(CSM(provider, SHARE, region, party_id(consumer), perm, 0));
}

static inline void party_reserve(struct party *consumer, struct party *provider, uint64_t region,
				 uint64_t base, unsigned int pages)
{
	ASSERT_OK(CSM(consumer, RESERVE, party_id(provider), region, base, PAGE(pages), 0));
}

static inline void party_attach(struct party *consumer, struct party *provider, uint64_t region)
{
	ASSERT_OK(CSM_FINISH(consumer, ATTACH, party_id(provider), region));
}

/* All of it for one region of `pages` pages from the beginning: at PARTY_OTHER of the consumer. */
static inline uint64_t party_lend(struct party *provider, struct party *consumer,
				  unsigned int pages, uint64_t perm)
{
	uint64_t region = party_region(provider, 0, pages);

	party_share(provider, region, consumer, perm);
	party_reserve(consumer, provider, region, PARTY_OTHER, pages);
	party_attach(consumer, provider, region);
	return region;
}

/* A policy in the party's memory, at PARTY_POLICY + offset; returns its IPA. */
static inline uint64_t party_put(struct party *party, uint64_t offset,
				 const struct rsi_csm_policy *policy)
{
	struct s2_walk walk;
	pa_t page;

	assert_int_equal(s2_access_begin(party_s2(party), ipa_of(PARTY_POLICY), &walk, &page),
			 S2_ACCESS_RAM);
	s2_access_end(&walk);
	memcpy((uint8_t *)machine_raw(page) + offset, policy, sizeof(*policy));
	return PARTY_POLICY + offset;
}

static inline struct rsi_csm_policy party_policy_rim(const struct party *peer)
{
	struct rsi_csm_policy policy = {.version = CSM_POLICY_VERSION, .flags = CSM_POLICY_RIM};

	policy.hash_algo = world_rd(&peer->realm)->hash_algo;
	memcpy(policy.rim, world_rd(&peer->realm)->measurement[0], sizeof(policy.rim));
	return policy;
}

/* --- what the hardware does: a walk of its own over the tables in memory */

struct mapping {
	uint64_t pa; /* of the page; 0: the access faults */
	bool write, exec;
	bool block;
	int level; /* where the walk ended */
};

static inline struct mapping hardware_walk(const struct s2 *s2, uint64_t ipa)
{
	int level = s2->start_level;
	unsigned int shift = 12 + 9 * (unsigned int)(3 - level);
	uint64_t table = s2->root.v + (ipa >> shift >> 9) * 4096;

	for (;; level++, shift -= 9) {
		const uint64_t *entries = machine_raw(pa_of(table));
		uint64_t entry = entries[ipa >> shift & 511];
		uint64_t address = entry & UINT64_C(0x0000FFFFFFFFF000);

		if ((entry & 1) == 0) {
			return (struct mapping){.level = level};
		}
		if (level == 3 || (entry & 2) == 0) {
			return (struct mapping){
				.pa = address +
				      (ipa & ((UINT64_C(1) << shift) - 1) & ~UINT64_C(4095)),
				.write = (entry >> 7 & 1) != 0,
				.exec = (entry >> 54 & 1) == 0,
				.block = level != 3,
				.level = level,
			};
		}
		table = address;
	}
}

static inline struct mapping party_map(const struct party *party, uint64_t ipa)
{
	return hardware_walk(party_s2(party), ipa);
}

enum touch { TOUCH_DONE, TOUCH_ABORT, TOUCH_EXIT };

/*
 * An access of the party's REC: faults go to the RMM until it is done, or ends in an abort in the
 * realm, or in an exit to the host, left in *exit.
 */
static inline enum touch party_touch(struct party *party, uint64_t ipa, bool write,
				     struct rmi_rec_exit *exit)
{
	for (unsigned int tries = 0; tries < 4; tries++) {
		struct mapping mapping = party_map(party, ipa);
		uint64_t status = (mapping.pa == 0 ? 4U : 12U) + (unsigned int)mapping.level;
		struct world_step step = {.kind = ARCH_EXIT_SYNC};
		struct rec *rec = world_rec(&party->realm, 0);

		if (mapping.pa != 0 && (mapping.write || !write)) {
			return TOUCH_DONE;
		}
		step.info.esr = WORLD_ESR(0x24) | status | (uint64_t)write << 6;
		step.info.far = ipa;
		step.info.hpfar = (ipa >> 12) << 4;
		rec->vcpu.pc = WORLD_PC;
		world_play(&step, 1);
		assert_int_equal(world_enter(&party->realm, 0, NULL, exit).x[0], RMI_SUCCESS);
		if (exit->exit_reason != RMI_EXIT_IRQ) {
			return TOUCH_EXIT;
		}
		if (rec->vcpu.pc != WORLD_PC) {
			/* Data abort at the same level, synchronous external. */
			assert_int_equal(rec->vcpu.el1.esr_el1 >> 26, 0x25);
			assert_int_equal(rec->vcpu.el1.esr_el1 & 0x3F, 0x10);
			assert_int_equal(rec->vcpu.el1.far_el1, ipa);
			return TOUCH_ABORT;
		}
	}
	fail_msg("the access to %#lx never ends", (unsigned long)ipa);
	return TOUCH_ABORT;
}

static inline enum touch party_access(struct party *party, uint64_t ipa, bool write)
{
	struct rmi_rec_exit exit;

	return party_touch(party, ipa, write, &exit);
}

#define ASSERT_READS(party, ipa, pa_)                                          \
	do {                                                                   \
		assert_int_equal(party_access(party, ipa, false), TOUCH_DONE); \
		assert_int_equal(party_map(party, ipa).pa, pa_);               \
	} while (0)
#define ASSERT_ABORTS(party, ipa) assert_int_equal(party_access(party, ipa, false), TOUCH_ABORT)

/* --- the end: everything goes back, whatever state it is in */

static inline void party_drop_apts(struct party *party)
{
	for (unsigned int i = 0; i < party->apt_count; i++) {
		struct world_answer answer;

		do {
			answer = RMI(RMI_APT_DESTROY, party->realm.rd, party->apt[i]);
		} while (answer.x[0] == CSM_INCOMPLETE);
		ASSERT_RMI_OK(answer);
		assert_true(world_is_zero(party->apt[i]));
	}
	party->apt_count = 0;
}

static inline void party_drop_data(struct party *party, uint64_t from, uint64_t to)
{
	while (from < to) {
		struct world_answer answer = RMI(RMI_DATA_DESTROY, party->realm.rd, from);

		if (answer.x[0] == RMI_SUCCESS) {
			assert_true(world_is_zero(answer.x[1]));
		}
		assert_true(answer.x[2] > from);
		from = answer.x[2];
	}
}

static inline void party_destroy(struct party *party)
{
	struct world_realm *realm = &party->realm;

	party_drop_apts(party);
	party_drop_data(party, 0, PARTY_BARE);
	for (int level = 3; level > 0; level--) {
		for (uint64_t ipa = 0; ipa < 4 * PARTY_BARE;) {
			uint64_t top = RMI(RMI_RTT_DESTROY, realm->rd, ipa, (uint64_t)level).x[2];

			assert_true(top > ipa);
			ipa = top;
		}
	}
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm->recs[0]));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, realm->rd));
	for (unsigned int i = 0; i < realm->delegated_count; i++) {
		ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, realm->delegated[i]));
	}
}

static inline void party_destroy_all(void)
{
	for (unsigned int i = 0; i < party_count; i++) {
		party_destroy(&parties[i]);
	}
}

#endif
