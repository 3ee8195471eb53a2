// SPDX-License-Identifier: BSD-3-Clause
/*
 * States of a realm's memory that a host gets to by commands alone, and what commands make of them.
 * The tests of the single commands write such entries past the commands.
 */
#include "cmd/rtt_host.h"

#define SRC        sim_page(41)
#define IPA        (5 * SIZE_L3)
#define NON_SECURE BIT(55) /* of a stage 2 descriptor in Realm state (Arm ARM D8.3) */

/* The table entries on both sides of the border between the halves. */
#define LAST_PROTECTED    (HOST_HALF - SIZE_L2)
#define FIRST_UNPROTECTED HOST_HALF

static uint64_t rd;

static void realm(void)
{
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
}

/* The page's entry is UNASSIGNED and DESTROYED: it was RAM, with data that were destroyed. */
static void become_destroyed(uint64_t ipa)
{
	uint64_t pa;

	rtt_init_ripas(rd, ipa, ipa + SIZE_L3);
	pa = rtt_page(rd, ipa, 0);
	ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, rd, ipa));
	host_take_back(pa);
	ASSERT_ENTRY(rd, ipa, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED);
}

/* --- RMI_DATA_DESTROY */

static void destroys_what_is_destroyed(void **state)
{
	struct sim_answer answer;
	uint64_t pa;

	(void)state;
	realm();
	become_destroyed(IPA);
	for (unsigned int times = 0; times < 2; times++) {
		pa = rtt_page(rd, IPA, 0);
		ASSERT_ENTRY(rd, IPA, 3, RMI_ASSIGNED, pa, RMI_RIPAS_DESTROYED);
		answer = RMI(RMI_DATA_DESTROY, rd, IPA);
		ASSERT_RMI_OK(answer);
		assert_int_equal(answer.x[1], pa);
		assert_int_equal(answer.x[2], SIZE_L2);
		assert_int_equal(sim_state(pa), GRANULE_DELEGATED);
		host_take_back(pa);
		ASSERT_ENTRY(rd, IPA, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED);
	}
	rtt_finish(rd);
}

/* --- RMI_RTT_INIT_RIPAS */

static void make_empty(uint64_t ipa)
{
	ASSERT_ENTRY(rd, ipa, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY);
}

static void make_ram(uint64_t ipa)
{
	rtt_init_ripas(rd, ipa, ipa + SIZE_L3);
}

/* RAM in the end, and one step of the RIM, which knows addresses but not what was there before. */
static void inits_each_ripas(void **state)
{
	static void (*const make[])(uint64_t ipa) = {make_empty, make_ram, become_destroyed};
	uint8_t rim[ARRAY_LENGTH(make)][REALM_MEASUREMENT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(make); i++) {
		uint8_t before[REALM_MEASUREMENT_SIZE];
		struct sim_answer answer;

		sim_reset();
		realm();
		make[i](IPA);
		memcpy(before, host_rd(rd)->measurement[0], sizeof(before));
		answer = RMI(RMI_RTT_INIT_RIPAS, rd, IPA, IPA + SIZE_L3);
		ASSERT_RMI_OK(answer);
		assert_int_equal(answer.x[1], IPA + SIZE_L3);
		ASSERT_ENTRY(rd, IPA, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM);
		memcpy(rim[i], host_rd(rd)->measurement[0], sizeof(rim[i]));
		assert_memory_not_equal(rim[i], before, sizeof(before));
		rtt_finish(rd);
	}
	/* One step from EMPTY; two where RAM was asked for before, whatever came in between. */
	assert_memory_not_equal(rim[0], rim[1], sizeof(rim[0]));
	assert_memory_equal(rim[1], rim[2], sizeof(rim[1]));
}

/* --- RMI_RTT_DESTROY at the border of the halves */

static uint64_t raw_entry(uint64_t ipa)
{
	uint64_t table = rtt_read(rd, align_down(ipa, SIZE_L2), 2).desc;

	return ((const uint64_t *)machine_raw(pa_of(table)))[bits_get(ipa, 20, 12)];
}

static void map_shared(uint64_t ipa)
{
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, ipa, 3, SIM_MAIN | NS_WB | NS_RW));
	ASSERT_ENTRY(rd, ipa, 3, RMI_ASSIGNED, SIM_MAIN | NS_WB | NS_RW, 0);
	assert_int_equal(raw_entry(ipa) & NON_SECURE, NON_SECURE);
	assert_int_equal(raw_entry(ipa) & 1, 1);
}

static void map_ram(uint64_t ipa)
{
	sim_delegate(HOST_DATA);
	sim_fill(SRC, 3);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE, rd, HOST_DATA, ipa, SRC, 0));
	ASSERT_ENTRY(rd, ipa, 3, RMI_ASSIGNED, HOST_DATA, RMI_RIPAS_RAM);
	assert_int_equal(raw_entry(ipa) & NON_SECURE, 0);
	assert_int_equal(raw_entry(ipa) & 1, 1);
}

static void destroy_at(uint64_t ipa, uint64_t ripas)
{
	uint64_t table = rtt_read(rd, ipa, 2).desc;
	struct sim_answer answer = RMI(RMI_RTT_DESTROY, rd, ipa, 3);

	ASSERT_RMI_OK(answer);
	assert_int_equal(answer.x[1], table);
	host_take_back(table);
	ASSERT_ENTRY(rd, ipa, 2, RMI_UNASSIGNED, 0, ripas);
}

/* What a table was leaves no trace of its half in the entry, nor in what is mapped there next. */
static void destroys_at_the_border(void **state)
{
	(void)state;
	realm();
	for (unsigned int times = 0; times < 2; times++) {
		rtt_grow(rd, LAST_PROTECTED, 3);
		rtt_grow(rd, FIRST_UNPROTECTED, 3);
		map_ram(HOST_HALF - SIZE_L3);
		map_shared(FIRST_UNPROTECTED);
		ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, rd, HOST_HALF - SIZE_L3));
		host_take_back(HOST_DATA);
		destroy_at(LAST_PROTECTED, RMI_RIPAS_DESTROYED);
		map_shared(HOST_HALF + SIZE_L3); /* the neighbour is as it was */
		destroy_at(FIRST_UNPROTECTED, 0);
		ASSERT_ENTRY(rd, LAST_PROTECTED, 2, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED);
	}
	rtt_finish(rd);
}

/* --- RMI_RTT_READ_ENTRY */

/* The level where the walk ends, whichever was asked for. */
static void says_where_the_walk_ends(void **state)
{
	static const uint64_t halves[] = {0, HOST_HALF};

	(void)state;
	rd = rtt_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(halves); i++) {
		for (int depth = 0; depth <= 3; depth++) {
			rtt_grow(rd, halves[i], depth);
			for (int asked = 0; asked <= 3; asked++) {
				struct rtt_entry entry = rtt_read(rd, halves[i], asked);

				assert_int_equal(entry.level, asked < depth ? asked : depth);
				assert_int_equal(entry.state,
						 asked < depth ? RMI_TABLE : RMI_UNASSIGNED);
			}
		}
	}
	rtt_finish(rd);
}

/* --- RMI_DATA_CREATE */

/* Measured or not, and into a granule that had other contents before. */
static void creates_with_the_content(void **state)
{
	static const uint64_t flags[] = {0, RMI_DATA_FLAG_MEASURE};

	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
		sim_fill(HOST_DATA, 7);
		sim_fill(SRC, 20 + i);
		sim_delegate(HOST_DATA);
		ASSERT_RMI_OK(RMI(RMI_DATA_CREATE, rd, HOST_DATA, IPA, SRC, flags[i]));
		assert_true(sim_is_filled(SRC, 20 + i));
		assert_memory_equal(machine_raw(pa_of(HOST_DATA)), machine_raw(pa_of(SRC)),
				    GRANULE_SIZE);
		ASSERT_RMI_OK(RMI(RMI_DATA_DESTROY, rd, IPA));
		host_take_back(HOST_DATA);
	}
	rtt_finish(rd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("by commands alone: RMI_DATA_DESTROY of ASSIGNED, DESTROYED",
			 destroys_what_is_destroyed),
		SIM_TEST("by commands alone: RMI_RTT_INIT_RIPAS from EMPTY, RAM, DESTROYED",
			 inits_each_ripas),
		SIM_TEST("by commands alone: RMI_RTT_DESTROY on both sides of the border of "
			 "the halves",
			 destroys_at_the_border),
		SIM_TEST("by commands alone: RMI_RTT_READ_ENTRY says where the walk ends, in "
			 "both halves",
			 says_where_the_walk_ends),
		SIM_TEST("by commands alone: RMI_DATA_CREATE, content, measured or not",
			 creates_with_the_content),
	};

	return unit_run(tests);
}
