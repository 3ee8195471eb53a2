// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realms that share memory, for the tests of csm/: calls of a realm, accesses as the hardware would
 * make them, and a walk over everything that all realms can reach.
 *
 *     trealm_new(&provider); trealm_new(&consumer);
 *     region = trealm_region(&provider, 0, 4);
 *     ASSERT_OK(CSM(&provider, SHARE, region, trealm_id(&consumer), CSM_PERM_READ, 0));
 */
#ifndef TESTS_UNIT_CSM_UNIT_H
#define TESTS_UNIT_CSM_UNIT_H

#include "abi/csm.h"
#include "rec_unit.h"

/*
 * Addresses of every test realm. The first three have a level-3 table each; OWN is RAM, with pages
 * for TREALM_PAGES, then without; OTHER is EMPTY.
 */
#define TREALM_OWN    UINT64_C(0x400000)
#define TREALM_OTHER  UINT64_C(0x800000)
#define TREALM_POLICY UINT64_C(0x600000)   /* one page */
#define TREALM_WIDE   UINT64_C(0x1000000)  /* RAM, four entries of 2 MiB without tables or pages */
#define TREALM_BARE   UINT64_C(0x40000000) /* no table there, EMPTY */
#define BLOCK         UINT64_C(0x200000)
#define TREALM_PAGES  8U
#define TREALM_RAM    16U
#define TREALM_MAX    8U
#define PAGE(n)       ((uint64_t)(n) << 12)

struct trealm {
	struct sim_realm realm;
	uint64_t apt[CSM_MAX_APT_GRANULES + 1];
	unsigned int apt_count;
};

static struct trealm trealms[TREALM_MAX];
static unsigned int trealm_count;

static inline uint64_t trealm_id(const struct trealm *trealm)
{
	return sim_rd(&trealm->realm)->id;
}

static inline const struct s2 *trealm_s2(const struct trealm *trealm)
{
	return &sim_rd(&trealm->realm)->s2;
}

static inline struct sim_answer trealm_add_apt(struct trealm *trealm)
{
	uint64_t apt = sim_realm_delegated(&trealm->realm);

	trealm->apt[trealm->apt_count] = apt;

	struct sim_answer answer = RMI(RMI_APT_CREATE, trealm->realm.rd, apt);

	trealm->apt_count += answer.x[0] == RMI_SUCCESS;
	return answer;
}

/* Party n: an active realm with these flags, one REC, and `apts` APT granules. */
static inline struct trealm *trealm_make_as(unsigned int n, unsigned int apts, uint64_t flags)
{
	struct trealm *trealm = &trealms[n];
	struct sim_realm *realm = &trealm->realm;

	assert_true(n < TREALM_MAX);
	trealm->apt_count = 0;
	sim_realm_prepare(realm, n * 180, (uint16_t)(n + 1));
	realm->params.flags |= flags;
	sim_realm_create(realm);
	sim_realm_ram(realm, TREALM_OWN, TREALM_OWN + PAGE(TREALM_RAM));
	for (unsigned int i = 0; i < TREALM_PAGES; i++) {
		sim_realm_data(realm, TREALM_OWN + PAGE(i));
	}
	sim_realm_ram_page(realm, TREALM_POLICY);
	sim_realm_tables(realm, TREALM_OTHER, 3);
	ASSERT_RMI_OK(RMI(RMI_RTT_INIT_RIPAS, realm->rd, TREALM_WIDE, TREALM_WIDE + 4 * BLOCK));
	sim_rec_new(realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	sim_realm_activate(realm);
	for (unsigned int i = 0; i < apts; i++) {
		ASSERT_RMI_OK(trealm_add_apt(trealm));
	}
	return trealm;
}

static inline struct trealm *trealm_make_at(unsigned int n, unsigned int apts)
{
	return trealm_make_as(n, apts, 0);
}

static inline struct trealm *trealm_make(unsigned int apts)
{
	return trealm_make_at(trealm_count++, apts);
}

static inline int trealm_setup(void **state)
{
	trealm_count = 0;
	return unit_world_setup(state);
}

#define TREALM_TEST(name, function) {name, function, trealm_setup, unit_world_teardown, NULL}

/* --- calls */

struct trealm_call {
	uint64_t x[10];
	struct rmi_rec_exit exit; /* what the host sees of the call; exit_reason IRQ: nothing */
	const char *condition;
};

static inline struct trealm_call trealm_call_args(struct trealm *trealm, const uint64_t *args,
						  size_t count)
{
	struct sim_step step = {.kind = ARCH_EXIT_SYNC, .info = {.esr = SIM_ESR(0x17)}};
	struct trealm_call call;

	step.count = SIM_EXIT_MAX_X;
	for (size_t i = 0; i < SIM_EXIT_MAX_X; i++) {
		step.x[i] = i < count ? args[i] : 0xF00D0000 + i;
	}
	sim_exits(&step, 1);
	assert_int_equal(sim_enter(&trealm->realm, 0, NULL, &call.exit).x[0], RMI_SUCCESS);
	memcpy(call.x, sim_rec(&trealm->realm, 0)->vcpu.gprs, sizeof(call.x));
	call.condition = machine_last_failure();
	return call;
}

#define CSM(trealm, command, ...)                                                            \
	trealm_call_args(trealm, (const uint64_t[]){RSI_CSM_##command##_FID, ##__VA_ARGS__}, \
			 sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t))

#define ASSERT_OK(call)                                                 \
	do {                                                            \
		struct trealm_call ok_ = (call);                        \
		if (ok_.x[0] != RSI_SUCCESS && ok_.condition != NULL) { \
			print_error("# refused: %s\n", ok_.condition);  \
		}                                                       \
		assert_int_equal(ok_.x[0], RSI_SUCCESS);                \
	} while (0)

/* The status, because of the condition; no outputs, and the host sees nothing. */
#define ASSERT_DENIED(call, status, name)                                        \
	do {                                                                     \
		struct trealm_call denied_ = (call);                             \
		assert_int_equal(denied_.x[0], status);                          \
		assert_non_null(denied_.condition);                              \
		assert_string_equal(denied_.condition, #name);                   \
		assert_int_equal(denied_.x[1] | denied_.x[2] | denied_.x[3], 0); \
		assert_int_equal(denied_.exit.exit_reason, RMI_EXIT_IRQ);        \
	} while (0)

#define ASSERT_NOTICE(call, reason, base, top)                                         \
	do {                                                                           \
		struct trealm_call told_ = (call);                                     \
		assert_int_equal(told_.x[0], RSI_SUCCESS);                             \
		ASSERT_EXIT(told_.exit, .exit_reason = (reason), .ripas_base = (base), \
			    .ripas_top = (top));                                       \
	} while (0)

/* Calls until the command is done; counts the calls. Notices of what is not done yet are fine. */
static inline struct trealm_call trealm_finish_args(struct trealm *trealm, const uint64_t *args,
						    size_t count, unsigned int *calls)
{
	struct trealm_call call;

	*calls = 0;
	do {
		call = trealm_call_args(trealm, args, count);
		assert_true(++*calls < 10000);
	} while (call.x[0] == RSI_INCOMPLETE);
	return call;
}

static unsigned int trealm_calls;
#define CSM_FINISH(trealm, command, ...)                                                       \
	trealm_finish_args(trealm, (const uint64_t[]){RSI_CSM_##command##_FID, ##__VA_ARGS__}, \
			   sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / sizeof(uint64_t),    \
			   &trealm_calls)

/* An interrupt is always pending, so every long command stops after each step. */
static inline bool trealm_interrupted(void)
{
	return true;
}

/* --- common steps */

static inline uint64_t trealm_region(struct trealm *trealm, unsigned int first, unsigned int pages)
{
	struct trealm_call call =
		CSM_FINISH(trealm, CREATE, TREALM_OWN + PAGE(first), PAGE(pages), 0x6C6564);

	assert_int_equal(call.x[0], RSI_SUCCESS);
	return call.x[1];
}

static inline void trealm_share(struct trealm *provider, uint64_t region, struct trealm *consumer,
				uint64_t perm)
{
	ASSERT_OK(CSM(provider, SHARE, region, trealm_id(consumer), perm, 0));
}

static inline void trealm_reserve(struct trealm *consumer, struct trealm *provider, uint64_t region,
				  uint64_t base, unsigned int pages)
{
	ASSERT_OK(CSM(consumer, RESERVE, trealm_id(provider), region, base, PAGE(pages), 0));
}

static inline void trealm_attach(struct trealm *consumer, struct trealm *provider, uint64_t region)
{
	ASSERT_OK(CSM_FINISH(consumer, ATTACH, trealm_id(provider), region));
}

/* All of it for one region of `pages` pages from the beginning: at TREALM_OTHER of the consumer. */
static inline uint64_t trealm_lend(struct trealm *provider, struct trealm *consumer,
				   unsigned int pages, uint64_t perm)
{
	uint64_t region = trealm_region(provider, 0, pages);

	trealm_share(provider, region, consumer, perm);
	trealm_reserve(consumer, provider, region, TREALM_OTHER, pages);
	trealm_attach(consumer, provider, region);
	return region;
}

/* A policy in the test realm's memory, at TREALM_POLICY + offset; returns its IPA. */
static inline uint64_t trealm_put(struct trealm *trealm, uint64_t offset,
				  const struct rsi_csm_policy *policy)
{
	struct s2_walk walk;
	pa_t page;

	assert_int_equal(
		s2_access_begin(trealm_s2(trealm), ipa_of(TREALM_POLICY), NULL, &walk, &page),
		S2_ACCESS_RAM);
	s2_access_end(&walk);
	memcpy((uint8_t *)machine_raw(page) + offset, policy, sizeof(*policy));
	return TREALM_POLICY + offset;
}

static inline struct rsi_csm_policy trealm_policy_rim(const struct trealm *peer)
{
	struct rsi_csm_policy policy = {.version = CSM_POLICY_VERSION, .flags = CSM_POLICY_RIM};

	policy.hash_algo = sim_rd(&peer->realm)->hash_algo;
	memcpy(policy.rim, sim_rd(&peer->realm)->measurement[0], sizeof(policy.rim));
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

static inline struct mapping trealm_map(const struct trealm *trealm, uint64_t ipa)
{
	return hardware_walk(trealm_s2(trealm), ipa);
}

enum touch { TOUCH_DONE, TOUCH_ABORT, TOUCH_EXIT };

/*
 * An access of the test realm's REC: faults go to the RMM until it is done, or ends in an abort in
 * the realm, or in an exit to the host, left in *exit.
 */
static inline enum touch trealm_touch(struct trealm *trealm, uint64_t ipa, bool write,
				      struct rmi_rec_exit *exit)
{
	for (unsigned int tries = 0; tries < 4; tries++) {
		struct mapping mapping = trealm_map(trealm, ipa);
		uint64_t status = (mapping.pa == 0 ? 4U : 12U) + (unsigned int)mapping.level;
		struct sim_step step = {.kind = ARCH_EXIT_SYNC};
		struct rec *rec = sim_rec(&trealm->realm, 0);

		if (mapping.pa != 0 && (mapping.write || !write)) {
			return TOUCH_DONE;
		}
		step.info.esr = SIM_ESR(0x24) | status | (uint64_t)write << 6;
		step.info.far = ipa;
		step.info.hpfar = (ipa >> 12) << 4;
		rec->vcpu.pc = SIM_PC;
		sim_exits(&step, 1);
		assert_int_equal(sim_enter(&trealm->realm, 0, NULL, exit).x[0], RMI_SUCCESS);
		if (exit->exit_reason != RMI_EXIT_IRQ) {
			return TOUCH_EXIT;
		}
		if (rec->vcpu.pc != SIM_PC) {
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

static inline enum touch trealm_access(struct trealm *trealm, uint64_t ipa, bool write)
{
	struct rmi_rec_exit exit;

	return trealm_touch(trealm, ipa, write, &exit);
}

#define ASSERT_READS(trealm, ipa, pa_)                                           \
	do {                                                                     \
		assert_int_equal(trealm_access(trealm, ipa, false), TOUCH_DONE); \
		assert_int_equal(trealm_map(trealm, ipa).pa, pa_);               \
	} while (0)
#define ASSERT_ABORTS(trealm, ipa) assert_int_equal(trealm_access(trealm, ipa, false), TOUCH_ABORT)

/* --- the end: everything goes back, whatever state it is in */

static inline void trealm_drop_apts(struct trealm *trealm)
{
	for (unsigned int i = 0; i < trealm->apt_count; i++) {
		struct sim_answer answer;

		do {
			answer = RMI(RMI_APT_DESTROY, trealm->realm.rd, trealm->apt[i]);
		} while (answer.x[0] == CSM_INCOMPLETE);
		ASSERT_RMI_OK(answer);
		assert_true(sim_is_zero(trealm->apt[i]));
	}
	trealm->apt_count = 0;
}

static inline void trealm_drop_data(struct trealm *trealm, uint64_t from, uint64_t to)
{
	while (from < to) {
		struct sim_answer answer = RMI(RMI_DATA_DESTROY, trealm->realm.rd, from);

		if (answer.x[0] == RMI_SUCCESS) {
			assert_true(sim_is_zero(answer.x[1]));
		}
		assert_true(answer.x[2] > from);
		from = answer.x[2];
	}
}

static inline void trealm_destroy(struct trealm *trealm)
{
	struct sim_realm *realm = &trealm->realm;

	trealm_drop_apts(trealm);
	trealm_drop_data(trealm, 0, TREALM_BARE);
	for (int level = 3; level > 0; level--) {
		for (uint64_t ipa = 0; ipa < 4 * TREALM_BARE;) {
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

static inline void trealm_destroy_all(void)
{
	for (unsigned int i = 0; i < trealm_count; i++) {
		trealm_destroy(&trealms[i]);
	}
}

#endif
