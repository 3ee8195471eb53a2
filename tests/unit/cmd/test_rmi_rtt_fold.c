// SPDX-License-Identifier: BSD-3-Clause
/* RMI_RTT_FOLD: each condition, each kind of table at each level, and back. */
#include "cmd/rtt_host.h"

#define SPARE sim_page(40)

static uint64_t rd;

static struct sim_answer fold_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_FOLD, pa, 0, 1);
}

static void fold_rd(void **state)
{
	(void)state;
	rd = rtt_realm();
	host_refuses_others(fold_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void fold_arguments(void **state)
{
	static const uint64_t levels[] = {0, 4, ~UINT64_C(0), BIT(63) + 1, BIT(32) + 2};
	static const uint64_t ipas[] = {BIT(40), BIT(63), 0 - SIZE_L0};

	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
	for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, levels[i]), RMI_ERROR_INPUT,
				  level_bound);
	}
	for (int level = 1; level <= 3; level++) {
		for (uint64_t off = 1; off < s2_entry_size(level - 1); off *= 2) {
			ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, off, (uint64_t)level),
					  RMI_ERROR_INPUT, ipa_align);
		}
	}
	for (size_t i = 0; i < ARRAY_LENGTH(ipas); i++) {
		ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, ipas[i], 1), RMI_ERROR_INPUT, ipa_bound);
	}
}

static void fold_walk(void **state)
{
	(void)state;
	rd = rtt_realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(0), rtt_walk);
	rtt_grow(rd, 0, 1);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(1), rtt_walk);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 2), rmi_status_rtt(0), rtt_walk);
}

static void fold_state(void **state)
{
	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, 0, 2);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(2), rtte_state);
	rtt_force(rd, 0, 2, (struct s2_entry){S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0});
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(2), rtte_state);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 1), rmi_status_rtt(0), rtte_state);
}

static void fold_homo(void **state)
{
	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 1), rmi_status_rtt(1), rtt_homo);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 2), rmi_status_rtt(2), rtt_homo);
	rtt_init_ripas(rd, 511 * SIZE_L3, SIZE_L2);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(3), rtt_homo);
	rtt_init_ripas(rd, 0, 511 * SIZE_L3);
	rtt_page(rd, 200 * SIZE_L3, 0);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 3), rmi_status_rtt(3), rtt_homo);
	rtt_finish(rd);
}

/* Blocks exist at levels 1 and 2 only, however uniform a table of 1 GiB blocks is. */
static void fold_homo_level_1(void **state)
{
	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, HOST_HALF, 1);
	for (uint64_t i = 0; i < 512; i++) {
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + i * SIZE_L1, 1,
				  i * SIZE_L1 | NS_WB));
	}
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 1), rmi_status_rtt(1), rtt_homo);
	rtt_grow(rd, 0, 1);
	for (uint64_t i = 0; i < 512; i++) {
		rtt_force(rd, i * SIZE_L1, 1,
			  (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40) + i * SIZE_L1}, 0});
	}
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 1), rmi_status_rtt(1), rtt_homo);
}

static void fold_order(void **state)
{
	(void)state;
	rd = rtt_realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, SIM_DEVICE, 0, 3), RMI_ERROR_INPUT, rd_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, SPARE, 0, 3), RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 4), RMI_ERROR_INPUT, level_bound);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, BIT(40), 3), RMI_ERROR_INPUT, ipa_bound);
	rtt_grow(rd, 0, 2);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_FOLD, rd, 0, 4), RMI_ERROR_INPUT, level_bound);
}

/* Folds, checks the granule and the entry, and unfolds again: every entry is as it was. */
static void there_and_back(uint64_t base, int level)
{
	static struct rtt_entry before[S2_TABLE_ENTRIES];
	uint64_t size = s2_entry_size(level);
	uint64_t pa = rtt_read(rd, base, level - 1).desc;
	struct sim_answer answer;
	struct rtt_entry folded;

	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		before[i] = rtt_read(rd, base + i * size, level);
	}
	answer = RMI(RMI_RTT_FOLD, rd, base, (uint64_t)level);
	ASSERT_RMI_OK(answer);
	assert_int_equal(answer.x[1], pa);
	assert_int_equal(sim_state(pa), GRANULE_DELEGATED);
	assert_true(sim_is_zero(pa));
	s2_check(host_s2(rd));
	folded = rtt_read(rd, base + 5 * size, level);
	assert_int_equal(folded.level, level - 1);
	assert_int_equal(folded.state, before[0].state);
	assert_int_equal(folded.desc, before[0].desc);
	assert_int_equal(folded.ripas, before[0].ripas);

	ASSERT_RMI_OK(RMI(RMI_RTT_CREATE, rd, pa, base, (uint64_t)level));
	s2_check(host_s2(rd));
	for (unsigned int i = 0; i < S2_TABLE_ENTRIES; i++) {
		struct rtt_entry after = rtt_read(rd, base + i * size, level);

		assert_memory_equal(&after, &before[i], sizeof(after));
	}
}

static void fold_unassigned(void **state)
{
	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
	rtt_grow(rd, HOST_HALF, 3);
	there_and_back(0, 3);
	there_and_back(HOST_HALF, 3);
	rtt_init_ripas(rd, 0, SIZE_L2);
	there_and_back(0, 3);
	for (int level = 3; level >= 1; level--) {
		ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, HOST_HALF, (uint64_t)level));
	}
	ASSERT_ENTRY(rd, HOST_HALF, 0, RMI_UNASSIGNED, 0, 0);

	/* All DESTROYED, level by level up to a whole entry of the start table. */
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, 0, 3));
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, 0, 2));
	ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, 0, 1));
	rtt_grow(rd, 0, 3);
	there_and_back(0, 3);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, 0, 3));
	there_and_back(0, 2);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, 0, 2));
	there_and_back(0, 1);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, 0, 1));
	ASSERT_ENTRY(rd, 0, 0, RMI_UNASSIGNED, 0, RMI_RIPAS_DESTROYED);
	rtt_finish(rd);
}

/* 2 MiB of real pages; they stay DATA and can be had again one by one after unfolding. */
static void fold_assigned(void **state)
{
	static const enum s2_ripas all[] = {S2_RAM, S2_EMPTY, S2_DESTROYED};

	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, SIZE_L2, 3);
	rtt_init_ripas(rd, SIZE_L2, 2 * SIZE_L2);
	for (unsigned int i = 0; i < 512; i++) {
		rtt_page(rd, SIZE_L2 + i * SIZE_L3, i);
	}
	for (size_t r = 0; r < ARRAY_LENGTH(all); r++) {
		for (unsigned int i = 0; i < 512; i++) {
			rtt_force(rd, SIZE_L2 + i * SIZE_L3, 3,
				  (struct s2_entry){
					  S2_ASSIGNED, all[r], {HOST_DATA + i * SIZE_L3}, 0});
		}
		there_and_back(SIZE_L2, 3);
		ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, SIZE_L2, 3));
		ASSERT_ENTRY(rd, SIZE_L2, 2, RMI_ASSIGNED, HOST_DATA, (uint64_t)all[r]);
		assert_int_equal(sim_state(HOST_DATA + 300 * SIZE_L3), GRANULE_DATA);
		rtt_grow(rd, SIZE_L2, 3);
	}
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, SIZE_L2, 3));
	rtt_finish(rd);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(sim_state(HOST_DATA + i * SIZE_L3), GRANULE_UNDELEGATED);
	}
}

static void fold_assigned_2m(void **state)
{
	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, 0, 1);
	rtt_grow(rd, HOST_HALF, 1);
	rtt_force(rd, SIZE_L1, 1, (struct s2_entry){S2_ASSIGNED, S2_RAM, {BIT(40)}, 0});
	rtt_grow(rd, SIZE_L1, 2);
	there_and_back(SIZE_L1, 2);
	ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF, 1, BIT(40) | NS_WB | NS_RO));
	rtt_grow(rd, HOST_HALF, 2);
	there_and_back(HOST_HALF, 2);
	ASSERT_RMI_OK(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 2));
	ASSERT_ENTRY(rd, HOST_HALF, 1, RMI_ASSIGNED, BIT(40) | NS_WB | NS_RO, 0);
}

/* Each attribute survives; pages that are no block, or differ in an attribute, do not fold. */
static void fold_assigned_ns(void **state)
{
	static const uint64_t attrs[] = {
		NS_WB | NS_RW,
		NS_WB | NS_RO,
		NS_WB,
		RMI_MEMATTR_NORMAL_NC << 2 | NS_RW,
		RMI_MEMATTR_STAGE1 << 2 | NS_RW,
		1 << 2 | RMI_S2AP_WRITE << 6,
	};

	(void)state;
	rd = rtt_realm();
	rtt_grow(rd, HOST_HALF, 2);
	for (size_t a = 0; a < ARRAY_LENGTH(attrs); a++) {
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF, 2, BIT(40) | attrs[a]));
		rtt_grow(rd, HOST_HALF, 3);
		there_and_back(HOST_HALF, 3);
		ASSERT_RMI_OK(RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, HOST_HALF + 9 * SIZE_L3, 3));
		ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 3), rmi_status_rtt(3), rtt_homo);
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + 9 * SIZE_L3, 3,
				  (BIT(40) + 9 * SIZE_L3) | (attrs[a] ^ BIT(6))));
		ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 3), rmi_status_rtt(3), rtt_homo);
		ASSERT_RMI_OK(RMI(RMI_RTT_UNMAP_UNPROTECTED, rd, HOST_HALF + 9 * SIZE_L3, 3));
		ASSERT_RMI_OK(RMI(RMI_RTT_MAP_UNPROTECTED, rd, HOST_HALF + 9 * SIZE_L3, 3,
				  (BIT(40) + 8 * SIZE_L3) | attrs[a]));
		ASSERT_REFUSED(RMI(RMI_RTT_FOLD, rd, HOST_HALF, 3), rmi_status_rtt(3), rtt_homo);
		ASSERT_RMI_OK(RMI(RMI_RTT_DESTROY, rd, HOST_HALF, 3));
	}
	rtt_finish(rd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_RTT_FOLD rd_align, RMI_RTT_FOLD rd_bound, RMI_RTT_FOLD rd_state",
			 fold_rd),
		SIM_TEST("RMI_RTT_FOLD level_bound, RMI_RTT_FOLD ipa_align, "
			 "RMI_RTT_FOLD ipa_bound",
			 fold_arguments),
		SIM_TEST("RMI_RTT_FOLD rtt_walk", fold_walk),
		SIM_TEST("RMI_RTT_FOLD rtte_state", fold_state),
		SIM_TEST("RMI_RTT_FOLD rtt_homo", fold_homo),
		SIM_TEST("RMI_RTT_FOLD rtt_homo: a table of 1 GiB blocks", fold_homo_level_1),
		SIM_TEST("RMI_RTT_FOLD: order of conditions", fold_order),
		SIM_TEST("RMI_RTT_FOLD: UNASSIGNED of each RIPAS, UNASSIGNED_NS, each level",
			 fold_unassigned),
		SIM_TEST("RMI_RTT_FOLD: ASSIGNED of each RIPAS, pages to 2 MiB", fold_assigned),
		SIM_TEST("RMI_RTT_FOLD: 2 MiB to 1 GiB", fold_assigned_2m),
		SIM_TEST("RMI_RTT_FOLD: ASSIGNED_NS with each attribute", fold_assigned_ns),
	};

	return unit_run(tests);
}
