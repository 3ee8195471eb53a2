// SPDX-License-Identifier: BSD-3-Clause
/* RMI_DATA_CREATE, RMI_DATA_CREATE_UNKNOWN, RMI_DATA_DESTROY: each condition, what holds after. */
#include "cmd/rtt_host.h"

#define SPARE sim_page(40)
#define SRC   sim_page(41)
#define IPA   (5 * SIZE_L3)

static uint64_t rd;
static uint64_t data; /* DELEGATED */

static void realm(void)
{
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
	data = HOST_DATA;
	sim_delegate(data);
	sim_fill(SRC, 1);
}

static struct sim_answer create(uint64_t page, uint64_t ipa, uint64_t src)
{
	return RMI(RMI_DATA_CREATE, rd, page, ipa, src, RMI_DATA_FLAG_MEASURE);
}

static struct sim_answer unknown(uint64_t page, uint64_t ipa)
{
	return RMI(RMI_DATA_CREATE_UNKNOWN, rd, page, ipa);
}

static struct sim_answer destroy(uint64_t ipa)
{
	return RMI(RMI_DATA_DESTROY, rd, ipa);
}

/* Both ways to create are refused alike. */
#define BOTH_LEFT_ALONE(page, ipa, status, name)                         \
	do {                                                             \
		ASSERT_LEFT_ALONE(create(page, ipa, SRC), status, name); \
		ASSERT_LEFT_ALONE(unknown(page, ipa), status, name);     \
	} while (0)

static struct sim_answer create_with_rd(uint64_t pa)
{
	return RMI(RMI_DATA_CREATE, pa, data, IPA, SRC, 0);
}

static struct sim_answer unknown_with_rd(uint64_t pa)
{
	return RMI(RMI_DATA_CREATE_UNKNOWN, pa, data, IPA);
}

static struct sim_answer create_with_data(uint64_t pa)
{
	return create(pa, IPA, SRC);
}

static struct sim_answer unknown_with_data(uint64_t pa)
{
	return unknown(pa, IPA);
}

static struct sim_answer create_with_src(uint64_t pa)
{
	return create(data, IPA, pa);
}

static void create_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(create_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
	host_refuses_others(unknown_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void create_data(void **state)
{
	static const char *const conditions[] = {"data_align", "data_bound", "data_state"};

	(void)state;
	realm();
	host_refuses_others(create_with_data, data, SPARE, GRANULE_DELEGATED, conditions);
	host_refuses_others(unknown_with_data, data, SPARE, GRANULE_DELEGATED, conditions);
	BOTH_LEFT_ALONE(rd, IPA, RMI_ERROR_INPUT, data_state);
	BOTH_LEFT_ALONE(HOST_RTT, IPA, RMI_ERROR_INPUT, data_state);
}

static void create_src(void **state)
{
	static const char *const conditions[] = {"src_align", "src_bound", "src_pas"};

	(void)state;
	realm();
	host_refuses_others(create_with_src, SRC, SPARE, GRANULE_UNDELEGATED, conditions);
	ASSERT_LEFT_ALONE(create_with_src(data), RMI_ERROR_INPUT, src_pas);
	ASSERT_LEFT_ALONE(create_with_src(SIM_SECURE), RMI_ERROR_INPUT, src_pas);
	ASSERT_LEFT_ALONE(create_with_src(SIM_ROOT), RMI_ERROR_INPUT, src_pas);
}

static unsigned int words_left;

static void page_goes_away(pa_t pa)
{
	if (words_left-- == 0) {
		machine_set_pas(pa, MACHINE_REALM);
	}
}

/* The host's page goes to another world at each moment of the copy: nothing stays behind. */
static void create_src_vanishes(void **state)
{
	(void)state;
	realm();
	for (unsigned int at = 0; at < 512; at += at < 8 || at > 500 ? 1 : 61) {
		uint64_t digest = host_digest();

		words_left = at;
		machine_on_copy = page_goes_away;
		ASSERT_REFUSED(create(data, IPA, SRC), RMI_ERROR_INPUT, src_pas);
		machine_on_copy = NULL;
		machine_set_pas(pa_of(SRC), MACHINE_NS);
		assert_true(digest == host_digest());
		assert_true(sim_is_zero(data));
		assert_true(sim_is_filled(SRC, 1));
	}
	ASSERT_RMI_OK(create(data, IPA, SRC));
	assert_true(memcmp(machine_raw(pa_of(data)), machine_raw(pa_of(SRC)), GRANULE_SIZE) == 0);
	rtt_finish(rd);
}

static void create_bound2(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	sim_reset_far();
	realm();
	sim_delegate(SIM_FAR);
	BOTH_LEFT_ALONE(SIM_FAR, IPA, RMI_ERROR_INPUT, data_bound2);
	params.flags = RMI_REALM_FLAG_LPA2;
	rd = host_make_realm(1, params);
	rtt_grow(rd, 0, 3);
	ASSERT_RMI_OK(unknown(SIM_FAR, IPA));
	ASSERT_ENTRY(rd, IPA, 3, RMI_ASSIGNED, (SIM_FAR & MASK(49, 12)) | SIM_FAR >> 50 << 8, 0);
	rtt_finish(rd);
}

static void create_ipa(void **state)
{
	static const uint64_t not_protected[] = {
		HOST_HALF, BIT(40) - SIZE_L3, BIT(40), BIT(63), 0 - SIZE_L3,
	};

	(void)state;
	realm();
	for (uint64_t off = 1; off < SIZE_L3; off *= 2) {
		BOTH_LEFT_ALONE(data, IPA + off, RMI_ERROR_INPUT, ipa_align);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		BOTH_LEFT_ALONE(data, not_protected[i], RMI_ERROR_INPUT, ipa_bound);
	}
}

static void create_realm_state(void **state)
{
	(void)state;
	realm();
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	ASSERT_LEFT_ALONE(create(data, IPA, SRC), RMI_ERROR_REALM, realm_state);
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	ASSERT_LEFT_ALONE(create(data, IPA, SRC), RMI_ERROR_REALM, realm_state);
	ASSERT_RMI_OK(unknown(data, IPA));
	rtt_finish(rd);
}

static void create_walk(void **state)
{
	struct s2_entry block = {S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0};

	(void)state;
	realm();
	BOTH_LEFT_ALONE(data, SIZE_L2, rmi_status_rtt(2), rtt_walk);
	BOTH_LEFT_ALONE(data, SIZE_L1, rmi_status_rtt(1), rtt_walk);
	rtt_force(rd, SIZE_L2, 2, block);
	BOTH_LEFT_ALONE(data, SIZE_L2, rmi_status_rtt(2), rtt_walk);
}

static void create_state(void **state)
{
	struct s2_entry page = {S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0};

	(void)state;
	realm();
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		page.ripas = ripas;
		rtt_force(rd, IPA, 3, page);
		BOTH_LEFT_ALONE(data, IPA, rmi_status_rtt(3), rtte_state);
	}
}

/* [rd_bound, rd_state] < [realm_state], [rtt_walk, rtte_state]; [ipa_bound] < the last two. */
static void create_order(void **state)
{
	(void)state;
	realm();
	ASSERT_LEFT_ALONE(RMI(RMI_DATA_CREATE, SPARE, data, SIZE_L2, SRC, 0), RMI_ERROR_INPUT,
			  rd_state);
	ASSERT_LEFT_ALONE(RMI(RMI_DATA_CREATE_UNKNOWN, SIM_DEVICE, data, SIZE_L2), RMI_ERROR_INPUT,
			  rd_bound);
	BOTH_LEFT_ALONE(data, HOST_HALF + SIZE_L2, RMI_ERROR_INPUT, ipa_bound);
	BOTH_LEFT_ALONE(SPARE, SIZE_L2, RMI_ERROR_INPUT, data_state);
	ASSERT_LEFT_ALONE(create(data, SIZE_L2, SRC + 8), RMI_ERROR_INPUT, src_align);
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	ASSERT_LEFT_ALONE(create(data, HOST_HALF, SRC), RMI_ERROR_INPUT, ipa_bound);
	ASSERT_LEFT_ALONE(create(data, SIZE_L2, SRC), RMI_ERROR_REALM, realm_state);
}

/* Each RIPAS that was there becomes RAM; the page holds what the host's page held. */
static void create_copies(void **state)
{
	(void)state;
	realm();
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		rtt_force(rd, IPA, 3, (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = ripas});
		ASSERT_RMI_OK(create(data, IPA, SRC));
		ASSERT_ENTRY(rd, IPA, 3, RMI_ASSIGNED, data, RMI_RIPAS_RAM);
		assert_int_equal(sim_state(data), GRANULE_DATA);
		assert_memory_equal(machine_raw(pa_of(data)), machine_raw(pa_of(SRC)),
				    GRANULE_SIZE);
		assert_true(sim_is_filled(SRC, ripas + 1));
		assert_non_null(machine_code(pa_of(data)));
		assert_memory_equal(machine_code(pa_of(data)), machine_raw(pa_of(SRC)),
				    GRANULE_SIZE);
		sim_fill(SRC, ripas + 2);
		s2_check(host_s2(rd));
		assert_true(machine_code_left(pa_of(data)));
		ASSERT_RMI_OK(destroy(IPA));
		assert_true(sim_is_zero(data));
		assert_false(machine_code_left(pa_of(data)));
		assert_memory_equal(machine_code(pa_of(data)), machine_raw(pa_of(data)),
				    GRANULE_SIZE);
	}
	assert_int_equal(machine_tlb_count().entries, 3);
	assert_int_equal(machine_tlb_count().ranges, 0);
	rtt_finish(rd);
}

static void rim_of(uint8_t rim[REALM_MEASUREMENT_SIZE])
{
	memcpy(rim, host_rd(rd)->measurement[0], REALM_MEASUREMENT_SIZE);
}

/* The RIM after one page; everything starts from the same realm. */
static void rim_after(uint64_t ipa, uint64_t seed, uint64_t flags,
		      uint8_t rim[REALM_MEASUREMENT_SIZE])
{
	sim_reset();
	realm();
	sim_fill(SRC, seed);
	ASSERT_RMI_OK(RMI(RMI_DATA_CREATE, rd, data, ipa, SRC, flags));
	rim_of(rim);
}

static void create_measures(void **state)
{
	uint8_t rims[5][REALM_MEASUREMENT_SIZE];
	uint8_t again[REALM_MEASUREMENT_SIZE];

	(void)state;
	realm();
	rim_of(rims[0]);
	rim_after(IPA, 1, RMI_DATA_FLAG_MEASURE, rims[1]);
	rim_after(IPA, 2, RMI_DATA_FLAG_MEASURE, rims[2]);
	rim_after(IPA, 1, 0, rims[3]);
	rim_after(IPA + SIZE_L3, 1, 0, rims[4]);
	for (size_t i = 0; i < ARRAY_LENGTH(rims); i++) {
		for (size_t j = 0; j < i; j++) {
			assert_memory_not_equal(rims[i], rims[j], sizeof(rims[i]));
		}
	}
	/* Not the content, without the flag. */
	rim_after(IPA, 2, 0, again);
	assert_memory_equal(again, rims[3], sizeof(again));
}

/* Neither a refusal nor a page of unknown content is measured. */
static void create_unmeasured(void **state)
{
	uint8_t before[REALM_MEASUREMENT_SIZE];

	(void)state;
	realm();
	rim_of(before);
	ASSERT_REFUSED(create(data, SIZE_L2, SRC), rmi_status_rtt(2), rtt_walk);
	ASSERT_RMI_OK(unknown(data, IPA));
	ASSERT_RMI_OK(destroy(IPA));
	assert_memory_equal(host_rd(rd)->measurement[0], before, sizeof(before));
	rtt_finish(rd);
}

/* RIPAS stays; the page is zero; no invalidation, whether the entry became valid or not. */
static void unknown_keeps_ripas(void **state)
{
	(void)state;
	realm();
	for (unsigned int active = 0; active < 2; active++) {
		for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
			struct machine_tlb_count before = machine_tlb_count();

			rtt_force(rd, IPA, 3,
				  (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = ripas});
			ASSERT_RMI_OK(unknown(data, IPA));
			ASSERT_ENTRY(rd, IPA, 3, RMI_ASSIGNED, data, (uint64_t)ripas);
			assert_int_equal(sim_state(data), GRANULE_DATA);
			assert_true(sim_is_zero(data));
			assert_int_equal(machine_tlb_count().entries, before.entries);
			s2_check(host_s2(rd));
			ASSERT_RMI_OK(destroy(IPA));
			assert_int_equal(machine_tlb_count().entries,
					 before.entries + (ripas == S2_RAM));
		}
		if (active == 0) {
			ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
		}
	}
	rtt_finish(rd);
}

/* --- RMI_DATA_DESTROY */

static struct sim_answer destroy_with_rd(uint64_t pa)
{
	return RMI(RMI_DATA_DESTROY, pa, IPA);
}

static void destroy_rd(void **state)
{
	(void)state;
	realm();
	host_refuses_others(destroy_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void destroy_ipa(void **state)
{
	static const uint64_t not_protected[] = {
		HOST_HALF, HOST_HALF + SIZE_L2, BIT(40), BIT(63), 0 - SIZE_L3,
	};

	(void)state;
	realm();
	for (uint64_t off = 1; off < SIZE_L3; off *= 2) {
		ASSERT_LEFT_ALONE(destroy(IPA + off), RMI_ERROR_INPUT, ipa_align);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_protected); i++) {
		ASSERT_LEFT_ALONE(destroy(not_protected[i]), RMI_ERROR_INPUT, ipa_bound);
	}
	ASSERT_LEFT_ALONE(RMI(RMI_DATA_DESTROY, SPARE, SIZE_L2), RMI_ERROR_INPUT, rd_state);
}

static void destroy_walk(void **state)
{
	struct s2_entry block = {S2_ASSIGNED, S2_RAM, {SIZE_L0}, 0};

	(void)state;
	realm();
	ASSERT_TOP(destroy(SIZE_L2), rmi_status_rtt(2), rtt_walk, 2, SIZE_L1);
	ASSERT_TOP(destroy(SIZE_L1 + SIZE_L3), rmi_status_rtt(1), rtt_walk, 2, SIZE_L0);
	rtt_grow(rd, 100 * SIZE_L2, 3);
	ASSERT_TOP(destroy(SIZE_L2 + SIZE_L3), rmi_status_rtt(2), rtt_walk, 2, 100 * SIZE_L2);
	for (block.ripas = S2_EMPTY; block.ripas <= S2_DESTROYED; block.ripas++) {
		rtt_force(rd, 50 * SIZE_L2, 2, block);
		ASSERT_TOP(destroy(SIZE_L2), rmi_status_rtt(2), rtt_walk, 2, 50 * SIZE_L2);
		ASSERT_TOP(destroy(50 * SIZE_L2 + SIZE_L3), rmi_status_rtt(2), rtt_walk, 2,
			   50 * SIZE_L2 + SIZE_L3);
		rtt_force(rd, SIZE_L1, 1, block);
		ASSERT_TOP(destroy(SIZE_L1 + SIZE_L3), rmi_status_rtt(1), rtt_walk, 2,
			   SIZE_L1 + SIZE_L3);
	}
}

static void destroy_state(void **state)
{
	(void)state;
	realm();
	ASSERT_TOP(destroy(0), rmi_status_rtt(3), rtte_state, 2, SIZE_L2);
	ASSERT_RMI_OK(unknown(data, IPA));
	ASSERT_TOP(destroy(0), rmi_status_rtt(3), rtte_state, 2, IPA);
	ASSERT_TOP(destroy(IPA + SIZE_L3), rmi_status_rtt(3), rtte_state, 2, SIZE_L2);
	rtt_force(rd, 0, 3, (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_RAM});
	ASSERT_TOP(destroy(0), rmi_status_rtt(3), rtte_state, 2, IPA);
	ASSERT_ENTRY(rd, 0, 3, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM);
	rtt_finish(rd);
}

/* RAM becomes DESTROYED, the others stay; the granule comes back wiped; top is the next page. */
static void destroy_pages(void **state)
{
	static const unsigned int used[] = {0, 1, 31, 32, 200, 511};
	static const enum s2_ripas after[] = {S2_EMPTY, S2_DESTROYED, S2_DESTROYED};

	(void)state;
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		sim_reset();
		rd = rtt_realm();
		rtt_grow(rd, 0, 3);
		for (unsigned int i = 0; i < ARRAY_LENGTH(used); i++) {
			rtt_force(rd, used[i] * SIZE_L3, 3,
				  (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = ripas});
			memset(machine_raw(pa_of(rtt_page(rd, used[i] * SIZE_L3, i))), 0x5A,
			       GRANULE_SIZE);
		}
		for (unsigned int i = 0; i < ARRAY_LENGTH(used); i++) {
			uint64_t pa = HOST_DATA + i * GRANULE_SIZE;
			uint64_t next = i + 1 < ARRAY_LENGTH(used) ? used[i + 1] : 512;
			struct sim_answer answer = destroy(used[i] * SIZE_L3);

			ASSERT_RMI_OK(answer);
			assert_int_equal(answer.x[1], pa);
			assert_int_equal(answer.x[2], next * SIZE_L3);
			assert_int_equal(sim_state(pa), GRANULE_DELEGATED);
			assert_true(sim_is_zero(pa));
			ASSERT_ENTRY(rd, used[i] * SIZE_L3, 3, RMI_UNASSIGNED, 0,
				     (uint64_t)after[ripas]);
			s2_check(host_s2(rd));
		}
		rtt_finish(rd);
	}
}

static void destroy_any_state(void **state)
{
	(void)state;
	realm();
	ASSERT_RMI_OK(unknown(data, IPA));
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	ASSERT_RMI_OK(destroy(IPA));
	rtt_finish(rd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_DATA_CREATE rd_align, RMI_DATA_CREATE rd_bound, "
			 "RMI_DATA_CREATE rd_state, RMI_DATA_CREATE_UNKNOWN rd_align, "
			 "RMI_DATA_CREATE_UNKNOWN rd_bound, RMI_DATA_CREATE_UNKNOWN rd_state",
			 create_rd),
		SIM_TEST("RMI_DATA_CREATE data_align, RMI_DATA_CREATE data_bound, "
			 "RMI_DATA_CREATE data_state, RMI_DATA_CREATE_UNKNOWN data_align, "
			 "RMI_DATA_CREATE_UNKNOWN data_bound, "
			 "RMI_DATA_CREATE_UNKNOWN data_state",
			 create_data),
		SIM_TEST("RMI_DATA_CREATE src_align, RMI_DATA_CREATE src_bound, "
			 "RMI_DATA_CREATE src_pas",
			 create_src),
		SIM_TEST("RMI_DATA_CREATE src_pas: the page goes away during the copy",
			 create_src_vanishes),
		SIM_TEST("RMI_DATA_CREATE data_bound2, RMI_DATA_CREATE_UNKNOWN data_bound2",
			 create_bound2),
		SIM_TEST("RMI_DATA_CREATE ipa_align, RMI_DATA_CREATE ipa_bound, "
			 "RMI_DATA_CREATE_UNKNOWN ipa_align, RMI_DATA_CREATE_UNKNOWN ipa_bound",
			 create_ipa),
		SIM_TEST("RMI_DATA_CREATE realm_state", create_realm_state),
		SIM_TEST("RMI_DATA_CREATE rtt_walk, RMI_DATA_CREATE_UNKNOWN rtt_walk", create_walk),
		SIM_TEST("RMI_DATA_CREATE rtte_state, RMI_DATA_CREATE_UNKNOWN rtte_state",
			 create_state),
		SIM_TEST("RMI_DATA_CREATE: order of conditions", create_order),
		SIM_TEST("RMI_DATA_CREATE: copies, and any RIPAS becomes RAM", create_copies),
		SIM_TEST("RMI_DATA_CREATE: measures address, flags, and content if asked",
			 create_measures),
		SIM_TEST("RMI_DATA_CREATE_UNKNOWN: is not measured", create_unmeasured),
		SIM_TEST("RMI_DATA_CREATE_UNKNOWN: keeps each RIPAS", unknown_keeps_ripas),
		SIM_TEST("RMI_DATA_DESTROY rd_align, RMI_DATA_DESTROY rd_bound, "
			 "RMI_DATA_DESTROY rd_state",
			 destroy_rd),
		SIM_TEST("RMI_DATA_DESTROY ipa_align, RMI_DATA_DESTROY ipa_bound", destroy_ipa),
		SIM_TEST("RMI_DATA_DESTROY rtt_walk", destroy_walk),
		SIM_TEST("RMI_DATA_DESTROY rtte_state", destroy_state),
		SIM_TEST("RMI_DATA_DESTROY: each RIPAS, wiped granule, next page", destroy_pages),
		SIM_TEST("RMI_DATA_DESTROY: in any state of the realm", destroy_any_state),
	};

	return unit_run(tests);
}
