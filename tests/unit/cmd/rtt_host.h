// SPDX-License-Identifier: BSD-3-Clause
/* A host that builds the tables of a realm, for the tests of RMI_RTT_* and RMI_DATA_*. */
#ifndef TESTS_UNIT_CMD_RTT_HOST_H
#define TESTS_UNIT_CMD_RTT_HOST_H

#include "cmd/realm_host.h"
#include "s2/s2_check.h"

/* Granules for tables, then for data: aligned to 2 MiB. */
#define HOST_TABLES (SIM_HIGH + UINT64_C(0x300000))
#define HOST_DATA   (SIM_HIGH + UINT64_C(0x400000))
#define HOST_HALF   BIT(39) /* where the unprotected half of rtt_realm() begins */

#define SIZE_L3 UINT64_C(0x1000)
#define SIZE_L2 UINT64_C(0x200000)
#define SIZE_L1 UINT64_C(0x40000000)
#define SIZE_L0 UINT64_C(0x8000000000)

#define NS_WB (RMI_MEMATTR_NORMAL_WB << RMI_DESC_MEMATTR_SHIFT)
#define NS_RW ((RMI_S2AP_READ | RMI_S2AP_WRITE) << RMI_DESC_S2AP_SHIFT)
#define NS_RO (RMI_S2AP_READ << RMI_DESC_S2AP_SHIFT)

static unsigned int host_tables_used;

/* A NEW realm of 40 bits that starts at level 0 with one table: every level can be had. */
static inline uint64_t rtt_realm(void)
{
	struct rmi_realm_params params = host_params();

	params.s2sz = 40;
	params.rtt_level_start = 0;
	params.rtt_num_start = 1;
	host_tables_used = 0;
	return host_make_realm(0, params);
}

static inline const struct s2 *host_s2(uint64_t rd)
{
	return &host_rd(rd)->s2;
}

/* A delegated granule that nothing has used yet. */
static inline uint64_t host_table(void)
{
	uint64_t pa = HOST_TABLES + host_tables_used++ * GRANULE_SIZE;

	sim_delegate(pa);
	return pa;
}

struct rtt_entry {
	int64_t level;
	uint64_t state, desc, ripas;
};

static inline struct rtt_entry rtt_read(uint64_t rd, uint64_t ipa, int64_t level)
{
	struct sim_answer answer = RMI(RMI_RTT_READ_ENTRY, rd, ipa, (uint64_t)level);

	ASSERT_RMI_OK(answer);
	return (struct rtt_entry){(int64_t)answer.x[1], answer.x[2], answer.x[3], answer.x[4]};
}

#define ASSERT_ENTRY(rd, ipa, at, is, says, keeps)               \
	do {                                                     \
		struct rtt_entry entry_ = rtt_read(rd, ipa, at); \
		assert_int_equal(entry_.level, at);              \
		assert_int_equal(entry_.state, is);              \
		assert_int_equal(entry_.desc, says);             \
		assert_int_equal(entry_.ripas, keeps);           \
	} while (0)

/* Tables down to `level` for ipa. */
static inline void rtt_grow(uint64_t rd, uint64_t ipa, int level)
{
	for (int at = host_s2(rd)->start_level + 1; at <= level; at++) {
		uint64_t base = align_down(ipa, s2_entry_size(at - 1));

		if (rtt_read(rd, base, at - 1).state != RMI_TABLE) {
			ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, host_table(), base, (uint64_t)at));
		}
	}
}

/* A page at ipa with the RIPAS that is there; number n of the data granules. */
static inline uint64_t rtt_page(uint64_t rd, uint64_t ipa, unsigned int n)
{
	uint64_t pa = HOST_DATA + n * GRANULE_SIZE;

	sim_delegate(pa);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE_UNKNOWN, rd, pa, ipa));
	return pa;
}

static inline void rtt_init_ripas(uint64_t rd, uint64_t base, uint64_t top)
{
	while (base < top) {
		struct sim_answer answer = RMI(RMI_RTT_INIT_RIPAS, rd, base, top);

		ASSERT_RMI_OK(answer);
		base = answer.x[1];
	}
}

/* Writes an entry past the commands, for states that take too many of them. */
static inline void rtt_force(uint64_t rd, uint64_t ipa, int level, struct s2_entry entry)
{
	struct s2_walk walk;

	s2_walk(host_s2(rd), ipa_of(ipa), level, &walk);
	assert_int_equal(walk.level, level);
	s2_replace(&walk, entry);
	s2_walk_end(&walk);
}

/* Everything that a refused command must leave alone. */
static inline uint64_t host_digest(void)
{
	static const struct {
		uint64_t base, count;
	} places[] = {{HOST_RD, 3}, {HOST_RTT, 18}, {HOST_TABLES, 20}, {HOST_DATA, 6}};
	uint64_t digest = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		for (uint64_t n = 0; n < places[i].count; n++) {
			uint64_t pa = places[i].base + n * GRANULE_SIZE;
			const uint64_t *words = machine_raw(pa_of(pa));

			digest = (digest + sim_state(pa) + sim_refs(pa)) * 31;
			for (size_t w = 0; w < GRANULE_SIZE / sizeof(*words); w++) {
				digest = digest * UINT64_C(0x100000001B3) + words[w];
			}
		}
	}
	return digest;
}

/* Refused, all outputs zero, nothing has changed. */
#define ASSERT_LEFT_ALONE(answer, status, name)        \
	do {                                           \
		uint64_t digest_ = host_digest();      \
		struct sim_answer left_ = (answer);    \
		ASSERT_REFUSED(left_, status, name);   \
		assert_int_equal(left_.x[1], 0);       \
		assert_int_equal(left_.x[2], 0);       \
		assert_int_equal(left_.x[3], 0);       \
		assert_true(digest_ == host_digest()); \
	} while (0)

/* The same, but output x[1] or x[2] is `top`. */
#define ASSERT_TOP(answer, status, name, number, top)       \
	do {                                                \
		uint64_t digest_ = host_digest();           \
		struct sim_answer left_ = (answer);         \
		ASSERT_REFUSED(left_, status, name);        \
		assert_int_equal(left_.x[number], top);     \
		assert_int_equal(left_.x[3 - (number)], 0); \
		assert_int_equal(left_.x[3], 0);            \
		assert_true(digest_ == host_digest());      \
	} while (0)

static const uint64_t host_no_memory[] = {
	0, SIM_DEVICE, SIM_OWN, SIM_UNLISTED, SIM_FAR, BIT(48), BIT(63), ~GRANULE_MASK,
};

/*
 * The granule that a command wants at an address: `call` with any other is refused for the reason
 * that `name` followed by align, bound or state says. `spare` is an UNDELEGATED page.
 */
static inline void host_refuses_others(struct sim_answer (*call)(uint64_t pa), uint64_t good,
				       uint64_t spare, enum granule_state want,
				       const char *const conditions[3])
{
	uint64_t digest = host_digest();
	struct sim_answer answer;

	for (uint64_t off = 1; off < GRANULE_SIZE; off *= 2) {
		answer = call(good + off);
		assert_int_equal(answer.x[0], RMI_ERROR_INPUT);
		assert_string_equal(answer.condition, conditions[0]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(host_no_memory); i++) {
		answer = call(host_no_memory[i]);
		assert_int_equal(answer.x[0], RMI_ERROR_INPUT);
		assert_string_equal(answer.condition, conditions[1]);
	}
	for (unsigned int from = 0; from < GRANULE_STATE_COUNT; from++) {
		if (from == want) {
			continue;
		}
		sim_make(spare, from);
		answer = call(spare);
		assert_int_equal(answer.x[0], RMI_ERROR_INPUT);
		assert_string_equal(answer.condition, conditions[2]);
		assert_int_equal(answer.x[1] | answer.x[2] | answer.x[3], 0);
		if (from > GRANULE_DELEGATED) {
			sim_unmake(spare);
		}
		if (from != GRANULE_UNDELEGATED) {
			ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, spare));
		}
	}
	assert_true(digest == host_digest());
}

static const char *const host_rd_conditions[] = {"rd_align", "rd_bound", "rd_state"};

static inline void host_take_back(uint64_t pa)
{
	assert_true(sim_is_zero(pa));
	ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, pa));
}

/* All data of the protected half, from one `top` to the next; blocks are split first. */
static inline void host_destroy_data(uint64_t rd, uint64_t end)
{
	for (uint64_t ipa = 0; ipa < end;) {
		struct sim_answer answer = RMI(RMI_DATA_DESTROY, rd, ipa);

		if (answer.x[0] == RMI_SUCCESS) {
			host_take_back(answer.x[1]);
		} else if (answer.x[2] == ipa) {
			int level = rmi_status_level(answer.x[0]);

			assert_int_equal(rmi_status_code(answer.x[0]), RMI_ERROR_RTT);
			ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, host_table(), ipa, level + 1U));
			continue;
		}
		assert_true(answer.x[2] > ipa);
		ipa = answer.x[2];
	}
}

/* All tables at `level`. An unprotected block in the way is unmapped. */
static inline void host_destroy_tables(uint64_t rd, uint64_t end, int level)
{
	for (uint64_t ipa = 0; ipa < end;) {
		struct sim_answer answer = RMI(RMI_RTT_DESTROY, rd, ipa, (uint64_t)level);

		if (answer.x[0] == RMI_SUCCESS) {
			host_take_back(answer.x[1]);
		} else if (answer.x[2] == ipa) {
			uint64_t at = (uint64_t)rmi_status_level(answer.x[0]);

			assert_string_equal(answer.condition,
					    (int)at == level - 1 ? "rtte_state" : "rtt_walk");
			ASSERT_RMI_OK(RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, ipa, at));
			continue;
		}
		assert_true(answer.x[2] > ipa);
		ipa = answer.x[2];
	}
}

/* Destroys the realm as a host does, from the leaves up, and takes all memory back, wiped. */
static inline void rtt_finish(uint64_t rd)
{
	struct s2 s2 = *host_s2(rd);

	s2_check(&s2);
	host_destroy_data(rd, BIT(s2.ipa_bits - 1));
	for (int level = S2_LEVEL_PAGE; level > s2.start_level; level--) {
		host_destroy_tables(rd, BIT(s2.ipa_bits), level);
	}
	s2_check(&s2);
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd));
	host_take_back(rd);
	for (unsigned int i = 0; i < s2.start_tables; i++) {
		host_take_back(s2.root.v + i * GRANULE_SIZE);
	}
}

#endif
