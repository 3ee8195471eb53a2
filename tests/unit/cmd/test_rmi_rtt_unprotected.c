// SPDX-License-Identifier: BSD-3-Clause
/* RMI_RTT_MAP_UNPROTECTED and RMI_RTT_UNMAP_UNPROTECTED: each condition, and what holds after. */
#include "cmd/rtt_host.h"

#define SPARE sim_page(40)
#define GOOD  (SIM_MAIN | NS_WB | NS_RW)

static uint64_t rd;

static void realm(void)
{
	rd = rtt_realm();
	rtt_grow(rd, HOST_HALF, 3);
}

static struct sim_answer map(uint64_t ipa, uint64_t level, uint64_t desc)
{
	return RMI(RMI_RTT_MAP_UNPROTECTED, rd, ipa, level, desc);
}

static struct sim_answer unmap(uint64_t ipa, uint64_t level)
{
	return RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, ipa, level);
}

static struct sim_answer map_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_MAP_UNPROTECTED, pa, HOST_HALF, 3, GOOD);
}

static struct sim_answer unmap_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_UNMAP_UNPROTECTED, pa, HOST_HALF, 3);
}

static void map_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(map_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void map_attr(void **state)
{
	uint64_t hosts = MASK(49, 12) | MASK(7, 6) | MASK(4, 2);

	(void)state;
	realm();
	for (unsigned int bit = 0; bit < 64; bit++) {
		if ((hosts & BIT(bit)) == 0) {
			ASSERT_LEFT_ALONE(map(HOST_HALF, 3, GOOD | BIT(bit)), RMI_ERROR_INPUT,
					  attr_valid);
		}
	}
	ASSERT_LEFT_ALONE(map(HOST_HALF, 3, SIM_MAIN | NS_RW | 4 << 2), RMI_ERROR_INPUT,
			  attr_valid);
}

/* Whatever else is wrong, and without an RD even. */
static void map_attr_first(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_MAP_UNPROTECTED, 0, 1, 9, GOOD | BIT(52)), RMI_ERROR_INPUT,
			  attr_valid);
	ASSERT_LEFT_ALONE(map(HOST_HALF, 9, GOOD | BIT(9)), RMI_ERROR_INPUT, attr_valid);
}

static const uint64_t bad_levels[] = {
	0, 4, 0xFF, ~UINT64_C(0), BIT(63) + 3, BIT(32) + 3, 0xFFFFFFFF,
};

static void map_level(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(bad_levels); i++) {
		ASSERT_LEFT_ALONE(map(HOST_HALF, bad_levels[i], GOOD), RMI_ERROR_INPUT,
				  level_bound);
		ASSERT_LEFT_ALONE(unmap(HOST_HALF, bad_levels[i]), RMI_ERROR_INPUT, level_bound);
	}
	/* Blocks are levels 1 to 3, but not above the starting level. */
	rd = host_make_realm(1, params);
	ASSERT_LEFT_ALONE(map(BIT(31), 1, NS_WB), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(unmap(BIT(31), 1), RMI_ERROR_INPUT, level_bound);
	ASSERT_RMI_OK(map(BIT(31), 2, NS_WB));
	ASSERT_RMI_OK(unmap(BIT(31), 2));
}

static void map_addr(void **state)
{
	(void)state;
	realm();
	for (uint64_t off = SIZE_L3; off < SIZE_L1; off *= 2) {
		ASSERT_LEFT_ALONE(map(HOST_HALF, 1, BIT(40) | off | NS_WB), RMI_ERROR_INPUT,
				  addr_align);
	}
	for (uint64_t off = SIZE_L3; off < SIZE_L2; off *= 2) {
		ASSERT_LEFT_ALONE(map(HOST_HALF, 2, BIT(40) | off | NS_WB), RMI_ERROR_INPUT,
				  addr_align);
	}
	ASSERT_LEFT_ALONE(map(HOST_HALF, 3, GOOD | BIT(48)), RMI_ERROR_INPUT, addr_bound);
	ASSERT_LEFT_ALONE(map(HOST_HALF, 3, GOOD | BIT(49)), RMI_ERROR_INPUT, addr_bound);
}

static void map_ipa(void **state)
{
	static const uint64_t not_unprotected[] = {
		0, HOST_HALF - SIZE_L3, BIT(40), BIT(41), BIT(63), 0 - SIZE_L3,
	};

	(void)state;
	realm();
	for (int level = 1; level <= 3; level++) {
		for (uint64_t off = 1; off < s2_entry_size(level); off *= 2) {
			ASSERT_LEFT_ALONE(map(HOST_HALF + off, (uint64_t)level, NS_WB),
					  RMI_ERROR_INPUT, ipa_align);
			ASSERT_LEFT_ALONE(unmap(HOST_HALF + off, (uint64_t)level), RMI_ERROR_INPUT,
					  ipa_align);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_unprotected); i++) {
		ASSERT_LEFT_ALONE(map(not_unprotected[i], 3, GOOD), RMI_ERROR_INPUT, ipa_bound);
		ASSERT_LEFT_ALONE(unmap(not_unprotected[i], 3), RMI_ERROR_INPUT, ipa_bound);
	}
}

static void map_walk(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(map(HOST_HALF + SIZE_L2, 3, GOOD), rmi_status_rtt(2), rtt_walk);
	ASSERT_LEFT_ALONE(map(HOST_HALF + SIZE_L1, 3, GOOD), rmi_status_rtt(1), rtt_walk);
	ASSERT_RMI_OK(map(HOST_HALF + SIZE_L1, 1, BIT(40) | NS_WB));
	ASSERT_LEFT_ALONE(map(HOST_HALF + SIZE_L1, 2, BIT(40) | NS_WB), rmi_status_rtt(1),
			  rtt_walk);
}

static void map_state(void **state)
{
	(void)state;
	realm();
	for (uint64_t level = 1; level < 3; level++) {
		ASSERT_LEFT_ALONE(map(HOST_HALF, level, NS_WB), rmi_status_rtt((int)level),
				  rtte_state);
	}
	ASSERT_RMI_OK(map(HOST_HALF, 3, GOOD));
	ASSERT_LEFT_ALONE(map(HOST_HALF, 3, GOOD), rmi_status_rtt(3), rtte_state);
}

static void map_order(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_MAP_UNPROTECTED, SPARE, HOST_HALF + SIZE_L2, 3, GOOD),
			  RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(map(HOST_HALF + SIZE_L2, 4, GOOD), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(map(SIZE_L2, 3, GOOD), RMI_ERROR_INPUT, ipa_bound);
	ASSERT_LEFT_ALONE(map(HOST_HALF, 4, GOOD), RMI_ERROR_INPUT, level_bound);
}

/* Each MemAttr and S2AP at each level; nothing needs to be invalidated or tracked. */
static void map_everything(void **state)
{
	(void)state;
	realm();
	rtt_grow(rd, HOST_HALF + SIZE_L1, 2);
	for (uint64_t attr = 0; attr < 32; attr++) {
		uint64_t bits = (attr & 7) << 2 | attr >> 3 << 6;

		for (int level = 1; level <= 3 && (attr & 7) != 4; level++) {
			uint64_t ipa = HOST_HALF + (level == 1   ? 7 * SIZE_L1
						    : level == 2 ? SIZE_L1 + 9 * SIZE_L2
								 : 11 * SIZE_L3);
			uint64_t desc = BIT(46) | bits;
			struct machine_tlb_count before = machine_tlb_count();

			ASSERT_RMI_OK(map(ipa, (uint64_t)level, desc));
			assert_int_equal(machine_tlb_count().entries, before.entries);
			ASSERT_ENTRY(rd, ipa, level, RMI_ASSIGNED, desc, 0);
			ASSERT_RMI_OK(unmap(ipa, (uint64_t)level));
			assert_int_equal(machine_tlb_count().entries, before.entries + 1);
			ASSERT_ENTRY(rd, ipa, level, RMI_UNASSIGNED, 0, 0);
		}
	}
	assert_int_equal(machine_tlb_count().ranges + machine_tlb_count().alls, 0);
	rtt_finish(rd);
}

static void map_with_lpa2(void **state)
{
	struct rmi_realm_params params = host_params();
	uint64_t desc = BIT(9) | BIT(48) | NS_WB | NS_RW;

	(void)state;
	params.flags = RMI_REALM_FLAG_LPA2;
	rd = host_make_realm(0, params);
	ASSERT_RMI_OK(map(BIT(31), 2, desc));
	ASSERT_ENTRY(rd, BIT(31), 2, RMI_ASSIGNED, desc, 0);
	ASSERT_LEFT_ALONE(map(BIT(31) + SIZE_L2, 2, desc | BIT(50)), RMI_ERROR_INPUT, attr_valid);
	/* The start table holds it, and the realm can go all the same. */
	assert_int_equal(sim_refs(HOST_RTT + 2 * GRANULE_SIZE), 0);
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd));
}

static void map_any_state(void **state)
{
	(void)state;
	realm();
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	ASSERT_RMI_OK(map(HOST_HALF, 3, GOOD));
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	ASSERT_RMI_OK(map(HOST_HALF + SIZE_L3, 3, GOOD));
	ASSERT_RMI_OK(unmap(HOST_HALF, 3));
	rtt_finish(rd);
}

/* --- RMI_RTT_UNMAP_UNPROTECTED */

static void unmap_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(unmap_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void unmap_walk(void **state)
{
	(void)state;
	realm();
	ASSERT_TOP(unmap(HOST_HALF + SIZE_L2, 3), rmi_status_rtt(2), rtt_walk, 1,
		   HOST_HALF + SIZE_L1);
	ASSERT_RMI_OK(map(HOST_HALF + 300 * SIZE_L2, 2, NS_WB));
	ASSERT_TOP(unmap(HOST_HALF + SIZE_L2, 3), rmi_status_rtt(2), rtt_walk, 1,
		   HOST_HALF + 300 * SIZE_L2);
	ASSERT_TOP(unmap(HOST_HALF + 300 * SIZE_L2 + SIZE_L3, 3), rmi_status_rtt(2), rtt_walk, 1,
		   HOST_HALF + 300 * SIZE_L2 + SIZE_L3);
	ASSERT_TOP(unmap(HOST_HALF + SIZE_L1, 2), rmi_status_rtt(1), rtt_walk, 1, BIT(40));
}

static void unmap_state(void **state)
{
	(void)state;
	realm();
	ASSERT_TOP(unmap(HOST_HALF, 3), rmi_status_rtt(3), rtte_state, 1, HOST_HALF + SIZE_L2);
	ASSERT_RMI_OK(map(HOST_HALF + 400 * SIZE_L3, 3, GOOD));
	ASSERT_TOP(unmap(HOST_HALF, 3), rmi_status_rtt(3), rtte_state, 1,
		   HOST_HALF + 400 * SIZE_L3);
	/* A table is live, so the way on is through it. */
	ASSERT_TOP(unmap(HOST_HALF, 2), rmi_status_rtt(2), rtte_state, 1, HOST_HALF);
	ASSERT_TOP(unmap(HOST_HALF, 1), rmi_status_rtt(1), rtte_state, 1, HOST_HALF);
}

static void unmap_order(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_UNMAP_UNPROTECTED, SPARE, HOST_HALF + SIZE_L2, 3),
			  RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(unmap(HOST_HALF + SIZE_L2, 4), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(unmap(HOST_HALF, 4), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(unmap(SIZE_L2, 3), RMI_ERROR_INPUT, ipa_bound);
}

static void unmap_top(void **state)
{
	static const unsigned int mapped[] = {0, 1, 31, 32, 63, 64, 300, 511};

	(void)state;
	realm();
	for (size_t i = 0; i < ARRAY_LENGTH(mapped); i++) {
		ASSERT_RMI_OK(map(HOST_HALF + mapped[i] * SIZE_L3, 3, GOOD));
	}
	for (size_t i = 0; i < ARRAY_LENGTH(mapped); i++) {
		struct sim_answer answer = unmap(HOST_HALF + mapped[i] * SIZE_L3, 3);
		uint64_t next = i + 1 < ARRAY_LENGTH(mapped) ? mapped[i + 1] : 512;

		ASSERT_RMI_OK(answer);
		assert_int_equal(answer.x[1], HOST_HALF + next * SIZE_L3);
		s2_check(host_s2(rd));
	}
	rtt_finish(rd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED rd_align, RMI_RTT_MAP_UNPROTECTED rd_bound, "
			 "RMI_RTT_MAP_UNPROTECTED rd_state",
			 map_rd),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED attr_valid", map_attr),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED attr_valid: comes first", map_attr_first),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED level_bound, "
			 "RMI_RTT_UNMAP_UNPROTECTED level_bound",
			 map_level),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED addr_align, "
			 "RMI_RTT_MAP_UNPROTECTED addr_bound",
			 map_addr),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED ipa_align, RMI_RTT_MAP_UNPROTECTED ipa_bound, "
			 "RMI_RTT_UNMAP_UNPROTECTED ipa_align, "
			 "RMI_RTT_UNMAP_UNPROTECTED ipa_bound",
			 map_ipa),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED rtt_walk", map_walk),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED rtte_state", map_state),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED: order of conditions", map_order),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED: each attribute at each level, and unmapped",
			 map_everything),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED: 52-bit addresses", map_with_lpa2),
		SIM_TEST("RMI_RTT_MAP_UNPROTECTED: in any state of the realm", map_any_state),
		SIM_TEST("RMI_RTT_UNMAP_UNPROTECTED rd_align, "
			 "RMI_RTT_UNMAP_UNPROTECTED rd_bound, "
			 "RMI_RTT_UNMAP_UNPROTECTED rd_state",
			 unmap_rd),
		SIM_TEST("RMI_RTT_UNMAP_UNPROTECTED rtt_walk", unmap_walk),
		SIM_TEST("RMI_RTT_UNMAP_UNPROTECTED rtte_state", unmap_state),
		SIM_TEST("RMI_RTT_UNMAP_UNPROTECTED: order of conditions", unmap_order),
		SIM_TEST("RMI_RTT_UNMAP_UNPROTECTED: top is the next mapping", unmap_top),
	};

	return unit_run(tests);
}
