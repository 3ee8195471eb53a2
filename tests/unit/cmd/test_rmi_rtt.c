// SPDX-License-Identifier: BSD-3-Clause
/* RMI_RTT_CREATE, RMI_RTT_DESTROY and RMI_RTT_READ_ENTRY: each condition, and what holds after. */
#include "cmd/rtt_host.h"

#define SPARE sim_page(40)

static uint64_t rd;
static uint64_t table; /* DELEGATED */

static void realm(void)
{
	rd = rtt_realm();
	table = host_table();
}

/* --- RMI_RTT_CREATE */

static struct sim_answer create_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_CREATE, pa, table, 0, 1);
}

static struct sim_answer create_with_rtt(uint64_t pa)
{
	return RMI(RMI_RTT_CREATE, rd, pa, 0, 1);
}

static void create_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(create_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void create_rtt(void **state)
{
	static const char *const conditions[] = {"rtt_align", "rtt_bound", "rtt_state"};

	(void)state;
	realm();
	host_refuses_others(create_with_rtt, table, SPARE, GRANULE_DELEGATED, conditions);
	ASSERT_LEFT_ALONE(create_with_rtt(rd), RMI_ERROR_INPUT, rtt_state);
	ASSERT_LEFT_ALONE(create_with_rtt(HOST_RTT), RMI_ERROR_INPUT, rtt_state);
}

/* Signed, 64 bits wide: what truncates to a good level is none. */
static const uint64_t bad_levels[] = {
	0, 4, 5, 0xFF, 0xFFFFFFFF, ~UINT64_C(0), BIT(63), BIT(32) + 1, BIT(63) + 2, BIT(8) + 3,
};

static void create_level(void **state)
{
	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(bad_levels); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 0, bad_levels[i]), RMI_ERROR_INPUT,
				  level_bound);
	}
}

static void create_ipa_align(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, 0, 2);
	for (int level = 1; level <= 3; level++) {
		for (uint64_t off = 1; off < s2_entry_size(level - 1); off *= 2) {
			ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, off, (uint64_t)level),
					  RMI_ERROR_INPUT, ipa_align);
		}
	}
}

static const uint64_t outside[] = {BIT(40), BIT(48), BIT(63), 0 - SIZE_L0};

static void create_ipa_bound(void **state)
{
	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, outside[i], 1), RMI_ERROR_INPUT,
				  ipa_bound);
	}
}

/* A granule that only 52-bit addresses reach. */
static void create_bound2(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	sim_reset_far();
	realm();
	sim_delegate(SIM_FAR);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, SIM_FAR, 0, 1), RMI_ERROR_INPUT, rtt_bound2);

	params.flags = RMI_REALM_FLAG_LPA2;
	rd = host_make_realm(1, params);
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, SIM_FAR, 0, 3));
	ASSERT_ENTRY(rd, 0, 2, RMI_TABLE, (SIM_FAR & MASK(49, 12)) | SIM_FAR >> 50 << 8, 0);
	assert_int_equal(rtt_read(rd, SIZE_L3, 3).level, 3);
	rtt_finish(rd);
}

static void create_walk(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 0, 3), rmi_status_rtt(0), rtt_walk);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, HOST_HALF, 2), rmi_status_rtt(0),
			  rtt_walk);
	rtt_grow(rd, 0, 1);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 0, 3), rmi_status_rtt(1), rtt_walk);
}

static void create_state(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, 0, 3);
	rtt_grow(rd, HOST_HALF, 3);
	for (uint64_t level = 1; level <= 3; level++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 0, level),
				  rmi_status_rtt((int)level - 1), rtte_state);
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, HOST_HALF, level),
				  rmi_status_rtt((int)level - 1), rtte_state);
	}
}

/* [rd_bound, rd_state], [level_bound, ipa_bound] < [rtt_walk, rtte_state]. */
static void create_order(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, SIM_DEVICE, table, 0, 3), RMI_ERROR_INPUT, rd_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 0, 4), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, BIT(40), 3), RMI_ERROR_INPUT, ipa_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, table, 8, 3), RMI_ERROR_INPUT, ipa_align);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, SPARE, 0, 3), RMI_ERROR_INPUT, rtt_state);
	rtt_grow(rd, 0, 1);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_CREATE, rd, SPARE, 0, 1), RMI_ERROR_INPUT, rtt_state);
}

static void create_tables(void **state)
{
	static const uint64_t ipas[] = {0, HOST_HALF - SIZE_L1, HOST_HALF, BIT(40) - SIZE_L1};

	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(ipas); i++) {
		for (int level = 1; level <= 3; level++) {
			uint64_t base = align_down(ipas[i], s2_entry_size(level - 1));
			uint64_t pa = host_table();

			if (rtt_read(rd, base, level - 1).state == RMI_TABLE) {
				continue;
			}
			ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, pa, base, (uint64_t)level));
			ASSERT_ENTRY(rd, base, level - 1, RMI_TABLE, pa, 0);
			assert_int_equal(sim_state(pa), GRANULE_RTT);
			assert_int_equal(sim_refs(pa), 0);
			assert_true(sim_is_zero(pa));
			ASSERT_ENTRY(rd, base, level, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY);
		}
		s2_check(host_s2(rd));
	}
	/* Tables need no invalidation where nothing was valid. */
	assert_int_equal(machine_tlb_count().entries + machine_tlb_count().ranges, 0);
	rtt_finish(rd);
}

static void create_any_state(void **state)
{
	(void)state;
	realm();
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	rtt_grow(rd, 0, 2);
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	rtt_grow(rd, 0, 3);
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, 0, 3));
	rtt_finish(rd);
}

/* RMM specification A5.5.6: what the parent said, its children say. */
static void create_unfolds(void **state)
{
	static const struct {
		struct s2_entry entry;
		uint64_t state, desc, ripas;
	} rows[] = {
		{{S2_UNASSIGNED, S2_EMPTY, {0}, 0}, 0, 0, 0},
		{{S2_UNASSIGNED, S2_RAM, {0}, 0}, 0, 0, 1},
		{{S2_UNASSIGNED, S2_DESTROYED, {0}, 0}, 0, 0, 2},
		{{S2_ASSIGNED, S2_EMPTY, {SIZE_L0}, 0}, 1, SIZE_L0, 0},
		{{S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0}, 1, SIZE_L0, 1},
		{{S2_ASSIGNED, S2_DESTROYED, {SIZE_L0}, 0}, 1, SIZE_L0, 2},
		{{S2_UNASSIGNED_NS, S2_EMPTY, {0}, 0}, 0, 0, 0},
		{{S2_ASSIGNED_NS, S2_EMPTY, {SIZE_L0}, NS_WB | NS_RO},
		 1,
		 SIZE_L0 | NS_WB | NS_RO,
		 0},
	};

	(void)state;
	realm();
	for (int level = 2; level <= 3; level++) {
		rtt_grow(rd, 0, level - 1);
		rtt_grow(rd, HOST_HALF, level - 1);
		for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
			uint64_t base = (i < 6 ? 0 : HOST_HALF) + s2_entry_size(level - 1) * 7;
			uint64_t last = base + 511 * s2_entry_size(level);
			uint64_t pa = host_table();
			uint64_t step = rows[i].state == RMI_ASSIGNED ? s2_entry_size(level) : 0;

			rtt_force(rd, base, level - 1, rows[i].entry);
			ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, pa, base, (uint64_t)level));
			ASSERT_ENTRY(rd, base, level - 1, RMI_TABLE, pa, 0);
			ASSERT_ENTRY(rd, base, level, rows[i].state, rows[i].desc, rows[i].ripas);
			ASSERT_ENTRY(rd, last, level, rows[i].state, rows[i].desc + 511 * step,
				     rows[i].ripas);
			s2_check(host_s2(rd));
			assert_int_equal(sim_refs(pa), i >= 3 && i < 6 ? 512 : 0);
			ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, base, (uint64_t)level));
			rtt_force(rd, base, level - 1,
				  (struct s2_entry){.kind = i < 6 ? S2_UNASSIGNED
								  : S2_UNASSIGNED_NS});
			ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, pa));
		}
	}
	rtt_finish(rd);
}

/* --- RMI_RTT_DESTROY */

static struct sim_answer destroy_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_DESTROY, pa, 0, 1);
}

static void destroy_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(destroy_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void destroy_arguments(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, 0, 3);
	for (size_t i = 0; i < ARRAY_LENGTH(bad_levels); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, rd, 0, bad_levels[i]), RMI_ERROR_INPUT,
				  level_bound);
	}
	for (int level = 1; level <= 3; level++) {
		for (uint64_t off = 1; off < s2_entry_size(level - 1); off *= 2) {
			ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, rd, off, (uint64_t)level),
					  RMI_ERROR_INPUT, ipa_align);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, rd, outside[i], 1), RMI_ERROR_INPUT,
				  ipa_bound);
	}
}

/* `top` where the walk stops at nothing, with and without something later in that table. */
static void destroy_walk(void **state)
{
	(void)state;
	realm();
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 3), rmi_status_rtt(0), rtt_walk, 2, BIT(48));
	rtt_grow(rd, HOST_HALF, 1);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 2), rmi_status_rtt(0), rtt_walk, 2, HOST_HALF);
	rtt_grow(rd, 0, 1);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, SIZE_L2 * 3, 3), rmi_status_rtt(1), rtt_walk, 2,
		   SIZE_L0);
	rtt_grow(rd, 300 * SIZE_L1, 2);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, SIZE_L2 * 3, 3), rmi_status_rtt(1), rtt_walk, 2,
		   300 * SIZE_L1);
	/* Too big a block in the way. */
	rtt_force(rd, SIZE_L1, 1, (struct s2_entry){S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0});
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, SIZE_L1 + 5 * SIZE_L2, 3), rmi_status_rtt(1), rtt_walk,
		   2, SIZE_L1 + 5 * SIZE_L2);
}

static void destroy_state(void **state)
{
	struct s2_entry block = {S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0};

	(void)state;
	realm();
	rtt_grow(rd, 0, 2);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 3), rmi_status_rtt(2), rtte_state, 2, SIZE_L1);
	rtt_grow(rd, 40 * SIZE_L2, 3);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 3 * SIZE_L2, 3), rmi_status_rtt(2), rtte_state, 2,
		   40 * SIZE_L2);
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		block.ripas = ripas;
		rtt_force(rd, 3 * SIZE_L2, 2, block);
		ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 3 * SIZE_L2, 3), rmi_status_rtt(2), rtte_state,
			   2, 3 * SIZE_L2);
	}
	rtt_grow(rd, HOST_HALF, 2);
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF, 2, SIZE_L2 | NS_WB | NS_RW));
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 3), rmi_status_rtt(2), rtte_state, 2,
		   HOST_HALF);
}

static void destroy_live(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, 0, 3);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 1), rmi_status_rtt(1), rtt_live, 2, 0);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 2), rmi_status_rtt(2), rtt_live, 2, 0);
	rtt_page(rd, 77 * SIZE_L3, 0);
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, 0, 3), rmi_status_rtt(3), rtt_live, 2, 0);
	rtt_grow(rd, SIZE_L1, 2);
	rtt_force(rd, SIZE_L1, 2, (struct s2_entry){S2_ASSIGNED, S2_EMPTY, {SIZE_L0}, 0});
	ASSERT_TOP(RMI(RMI_RTT_DESTROY, rd, SIZE_L1, 2), rmi_status_rtt(2), rtt_live, 2, SIZE_L1);
}

/* [rd_bound, rd_state] < all of RTT; [level_bound, ipa_bound] < [rtt_walk, rtte_state]. */
static void destroy_order(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, SIM_DEVICE, 0, 3), RMI_ERROR_INPUT, rd_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, SPARE, 0, 3), RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, rd, 0, 4), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_DESTROY, rd, BIT(40), 3), RMI_ERROR_INPUT, ipa_bound);
}

static void destroy_protected(void **state)
{
	uint64_t pa;

	(void)state;
	realm();
	rtt_grow(rd, 0, 2);
	for (uint64_t i = 10; i <= 60; i += 25) {
		rtt_grow(rd, i * SIZE_L2, 3);
	}
	rtt_init_ripas(rd, 10 * SIZE_L2, 10 * SIZE_L2 + 3 * SIZE_L3);
	for (uint64_t i = 10; i <= 60; i += 25) {
		unsigned int ranges = machine_tlb_count().ranges;
		struct sim_answer answer;

		pa = rtt_read(rd, i * SIZE_L2, 2).desc;
		answer = RMI(RMI_RTT_DESTROY, rd, i * SIZE_L2, 3);
		ASSERT_RMI_OK(answer);
		assert_int_equal(answer.x[1], pa);
		assert_int_equal(answer.x[2], i < 60 ? (i + 25) * SIZE_L2 : SIZE_L1);
		ASSERT_ENTRY(rd, i * SIZE_L2, 2, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED);
		assert_int_equal(sim_state(pa), GRANULE_DELEGATED);
		assert_int_equal(machine_tlb_count().ranges - ranges, 1);
	}
	assert_int_equal(machine_tlb_count().entries, 0);
	rtt_finish(rd);
}

/* Mappings of the host's memory do not keep a table; they go with it. */
static void destroy_unprotected(void **state)
{
	struct sim_answer answer;
	uint64_t pa;

	(void)state;
	realm();
	rtt_grow(rd, HOST_HALF, 3);
	for (uint64_t i = 0; i < 512; i += 3) {
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + i * SIZE_L3, 3,
				  SIM_MAIN | NS_WB | NS_RW));
	}
	pa = rtt_read(rd, HOST_HALF, 2).desc;
	answer = RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 3);
	ASSERT_RMI_OK(answer);
	assert_int_equal(answer.x[1], pa);
	assert_int_equal(answer.x[2], HOST_HALF + SIZE_L1);
	ASSERT_ENTRY(rd, HOST_HALF, 2, RMI_UNASSIGNED, 0, 0);
	assert_int_equal(machine_tlb_count().ranges, 1);

	/* The granule knows nothing of it when it is a table again. */
	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, pa, HOST_HALF, 3));
	assert_int_equal(RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, HOST_HALF, 3).x[1],
			 HOST_HALF + SIZE_L2);
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 3));
	assert_int_equal(machine_tlb_count().ranges, 2);

	/* The same with blocks of 2 MiB: the whole GiB goes. */
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + 511 * SIZE_L2, 2, NS_WB));
	answer = RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 2);
	ASSERT_RMI_OK(answer);
	assert_int_equal(answer.x[2], HOST_HALF + SIZE_L0);
	assert_int_equal(machine_tlb_count().ranges, 3);
	/* And of 1 GiB. */
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + SIZE_L1, 1, NS_WB));
	answer = RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 1);
	ASSERT_RMI_OK(answer);
	assert_int_equal(answer.x[2], BIT(48));
	assert_int_equal(sim_refs(HOST_RTT), 0);
	rtt_finish(rd);
}

/* --- RMI_RTT_READ_ENTRY */

static struct sim_answer read_with_rd(uint64_t pa)
{
	struct sim_answer answer = RMI(RMI_RTT_READ_ENTRY, pa, 0, 1);

	assert_int_equal(answer.x[4], 0);
	return answer;
}

static void read_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(read_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void read_arguments(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, 0, 3);
	for (size_t i = 1; i < ARRAY_LENGTH(bad_levels); i++) {
		struct sim_answer answer = RMI(RMI_RTT_READ_ENTRY, rd, 0, bad_levels[i]);

		ASSERT_LEFT_ALONE(answer, RMI_ERROR_INPUT, level_bound);
		assert_int_equal(answer.x[4], 0);
	}
	for (int level = 0; level <= 3; level++) {
		for (uint64_t off = 1; off < s2_entry_size(level); off *= 2) {
			ASSERT_LEFT_ALONE(RMI(RMI_RTT_READ_ENTRY, rd, off, (uint64_t)level),
					  RMI_ERROR_INPUT, ipa_align);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(outside); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_READ_ENTRY, rd, outside[i], 3), RMI_ERROR_INPUT,
				  ipa_bound);
	}
}

/* The level that was reached, also from far above; no attributes of the RMM's. */
static void read_everything(void **state)
{
	uint64_t l1, l2, l3;

	(void)state;
	realm();
	assert_int_equal(rtt_read(rd, SIZE_L3, 3).level, 0);
	rtt_grow(rd, 0, 3);
	rtt_grow(rd, HOST_HALF, 3);
	l1 = HOST_TABLES + 1 * GRANULE_SIZE;
	l2 = HOST_TABLES + 2 * GRANULE_SIZE;
	l3 = HOST_TABLES + 3 * GRANULE_SIZE;
	ASSERT_ENTRY(rd, 0, 0, RMI_TABLE, l1, 0);
	ASSERT_ENTRY(rd, 0, 1, RMI_TABLE, l2, 0);
	ASSERT_ENTRY(rd, 0, 2, RMI_TABLE, l3, 0);
	ASSERT_ENTRY(rd, 0, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY);
	assert_int_equal(rtt_read(rd, SIZE_L2, 3).level, 2);
	assert_int_equal(rtt_read(rd, SIZE_L1, 3).level, 1);

	rtt_init_ripas(rd, 0, 2 * SIZE_L3);
	ASSERT_ENTRY(rd, 0, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM);
	rtt_page(rd, 0, 0);
	rtt_page(rd, 2 * SIZE_L3, 1);
	ASSERT_ENTRY(rd, 0, 3, RMI_ASSIGNED, HOST_DATA, RMI_RIPAS_RAM);
	ASSERT_ENTRY(rd, 2 * SIZE_L3, 3, RMI_ASSIGNED, HOST_DATA + GRANULE_SIZE, RMI_RIPAS_EMPTY);
	rtt_force(rd, 3 * SIZE_L3, 3, (struct s2_entry){S2_ASSIGNED, S2_DESTROYED, {SIZE_L0}, 0});
	ASSERT_ENTRY(rd, 3 * SIZE_L3, 3, RMI_ASSIGNED, SIZE_L0, RMI_RIPAS_DESTROYED);

	ASSERT_ENTRY(rd, HOST_HALF, 3, RMI_UNASSIGNED, 0, 0);
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF, 3, SIZE_L3 | NS_WB | NS_RO));
	ASSERT_ENTRY(rd, HOST_HALF, 3, RMI_ASSIGNED, SIZE_L3 | NS_WB | NS_RO, 0);
}

/* Level -1 is reported as the signed number it is. */
static void read_level_minus_1(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	params.flags = RMI_REALM_FLAG_LPA2;
	params.s2sz = 52;
	params.rtt_level_start = -1;
	params.rtt_num_start = 1;
	rd = host_make_realm(0, params);
	ASSERT_ENTRY(rd, 0, -1, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY);
	assert_int_equal(rtt_read(rd, BIT(51), 3).level, -1);
	host_tables_used = 0;
	assert_int_equal(RMI(RMI_RTT_CREATE, rd, host_table(), 0, 1).x[0], rmi_status_rtt(-1));
	assert_int_equal(rmi_status_rtt(-1), 0xFF04);
	rtt_grow(rd, BIT(51) - SIZE_L2, 3);
	assert_int_equal(rtt_read(rd, BIT(51) - SIZE_L3, 3).level, 3);
	ASSERT_REFUSED(RMI(RMI_RTT_CREATE, rd, host_table(), 0, ~UINT64_C(0)), RMI_ERROR_INPUT,
		       level_bound);
	rtt_finish(rd);
}

/* RMM conformance: realms of these shapes are built, used and taken apart. */
static void shapes(void **state)
{
	static const struct {
		uint8_t bits;
		int64_t level;
		uint32_t tables;
		uint64_t flags;
	} rows[] = {
		{32, 2, 4, 0}, {34, 2, 16, 0}, {40, 1, 2, 0},
		{42, 1, 8, 0}, {48, 0, 1, 0},  {52, 0, 16, RMI_REALM_FLAG_LPA2},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		struct rmi_realm_params params = host_params();
		uint64_t half = BIT(rows[i].bits - 1);

		params.s2sz = rows[i].bits;
		params.rtt_level_start = rows[i].level;
		params.rtt_num_start = rows[i].tables;
		params.flags = rows[i].flags;
		rd = host_make_realm(0, params);
		host_tables_used = 0;
		rtt_grow(rd, half - SIZE_L3, 3);
		rtt_page(rd, half - SIZE_L3, 0);
		rtt_grow(rd, half, 3);
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, half, 3, SIM_MAIN | NS_WB));
		rtt_grow(rd, 2 * half - SIZE_L3, 3);
		rtt_finish(rd);
		sim_reset();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_RTT_CREATE rd_align, RMI_RTT_CREATE rd_bound, "
			 "RMI_RTT_CREATE rd_state",
			 create_rd),
		SIM_TEST("RMI_RTT_CREATE rtt_align, RMI_RTT_CREATE rtt_bound, "
			 "RMI_RTT_CREATE rtt_state",
			 create_rtt),
		SIM_TEST("RMI_RTT_CREATE level_bound", create_level),
		SIM_TEST("RMI_RTT_CREATE ipa_align", create_ipa_align),
		SIM_TEST("RMI_RTT_CREATE ipa_bound", create_ipa_bound),
		SIM_TEST("RMI_RTT_CREATE rtt_bound2", create_bound2),
		SIM_TEST("RMI_RTT_CREATE rtt_walk", create_walk),
		SIM_TEST("RMI_RTT_CREATE rtte_state", create_state),
		SIM_TEST("RMI_RTT_CREATE: order of conditions", create_order),
		SIM_TEST("RMI_RTT_CREATE: tables at each level of both halves", create_tables),
		SIM_TEST("RMI_RTT_CREATE: in any state of the realm", create_any_state),
		SIM_TEST("RMI_RTT_CREATE: unfolds each kind of entry", create_unfolds),
		SIM_TEST("RMI_RTT_DESTROY rd_align, RMI_RTT_DESTROY rd_bound, "
			 "RMI_RTT_DESTROY rd_state",
			 destroy_rd),
		SIM_TEST("RMI_RTT_DESTROY level_bound, RMI_RTT_DESTROY ipa_align, "
			 "RMI_RTT_DESTROY ipa_bound",
			 destroy_arguments),
		SIM_TEST("RMI_RTT_DESTROY rtt_walk", destroy_walk),
		SIM_TEST("RMI_RTT_DESTROY rtte_state", destroy_state),
		SIM_TEST("RMI_RTT_DESTROY rtt_live", destroy_live),
		SIM_TEST("RMI_RTT_DESTROY: order of conditions", destroy_order),
		SIM_TEST("RMI_RTT_DESTROY: leaves DESTROYED, tells the next table",
			 destroy_protected),
		SIM_TEST("RMI_RTT_DESTROY: unprotected mappings go with the table",
			 destroy_unprotected),
		SIM_TEST("RMI_RTT_READ_ENTRY rd_align, RMI_RTT_READ_ENTRY rd_bound, "
			 "RMI_RTT_READ_ENTRY rd_state",
			 read_rd),
		SIM_TEST("RMI_RTT_READ_ENTRY level_bound, RMI_RTT_READ_ENTRY ipa_align, "
			 "RMI_RTT_READ_ENTRY ipa_bound",
			 read_arguments),
		SIM_TEST("RMI_RTT_READ_ENTRY: each kind of entry", read_everything),
		SIM_TEST("RMI_RTT_READ_ENTRY: level -1", read_level_minus_1),
		SIM_TEST("RMI_RTT: realms of every shape live and die", shapes),
	};

	return unit_run(tests);
}
