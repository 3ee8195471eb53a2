// SPDX-License-Identifier: BSD-3-Clause
/* RMI_RTT_INIT_RIPAS and RMI_RTT_SET_RIPAS: each condition, and what holds after. */
#include "cmd/rtt_host.h"
#include "realm/measure.h"
#include "rec/rec.h"

#define SPARE sim_page(40)
#define REC   (HOST_DATA + UINT64_C(0x300000))

static uint64_t rd;

static struct sim_answer init(uint64_t base, uint64_t top)
{
	return RMI(RMI_RTT_INIT_RIPAS, rd, base, top);
}

static struct sim_answer set(uint64_t base, uint64_t top)
{
	return RMI(RMI_RTT_SET_RIPAS, rd, REC, base, top);
}

static void force(uint64_t ipa, int level, enum s2_kind kind, enum s2_ripas ripas)
{
	rtt_force(rd, ipa, level,
		  (struct s2_entry){kind, ripas, {kind == S2_ASSIGNED ? SIZE_L0 : 0}, 0});
}

static uint64_t ripas_at(uint64_t ipa)
{
	return rtt_read(rd, ipa, 3).ripas;
}

/* --- RMI_RTT_INIT_RIPAS */

static void init_realm(void)
{
	rd = rtt_realm();
	rtt_grow(rd, 0, 3);
}

static struct sim_answer init_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_INIT_RIPAS, pa, 0, SIZE_L3);
}

static void init_rd(void **state)
{
	(void)state;
	init_realm();
	host_refuses_others(init_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
}

static void init_size(void **state)
{
	(void)state;
	init_realm();
	ASSERT_LEFT_ALONE(init(0, 0), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(init(SIZE_L3, SIZE_L3), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(init(2 * SIZE_L3, SIZE_L3), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(init(~UINT64_C(0), 0), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(init(BIT(63), SIZE_L3), RMI_ERROR_INPUT, size_valid);
}

static void init_top(void **state)
{
	static const uint64_t tops[] = {
		HOST_HALF + SIZE_L3,
		BIT(40),
		BIT(63),
		~UINT64_C(0),
		0 - SIZE_L3,
		1,
		0x800,
		SIZE_L3 - 1,
		HOST_HALF + SIZE_L3 + 8,
	};

	(void)state;
	init_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(tops); i++) {
		ASSERT_LEFT_ALONE(init(0, tops[i]), RMI_ERROR_INPUT, top_bound);
	}
}

static void init_realm_state(void **state)
{
	(void)state;
	init_realm();
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	ASSERT_LEFT_ALONE(init(0, SIZE_L3), RMI_ERROR_REALM, realm_state);
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	ASSERT_LEFT_ALONE(init(0, SIZE_L3), RMI_ERROR_REALM, realm_state);
}

static void init_base_align(void **state)
{
	(void)state;
	init_realm();
	ASSERT_LEFT_ALONE(init(SIZE_L2 + SIZE_L3, 2 * SIZE_L2), rmi_status_rtt(2), base_align);
	ASSERT_LEFT_ALONE(init(SIZE_L1 + SIZE_L2, 2 * SIZE_L1), rmi_status_rtt(1), base_align);
	ASSERT_LEFT_ALONE(init(8, SIZE_L3), rmi_status_rtt(3), base_align);
	ASSERT_LEFT_ALONE(init(SIZE_L3 - 1, SIZE_L3), rmi_status_rtt(3), base_align);
	/* In the other half, which only a top that is no page can let through. */
	ASSERT_LEFT_ALONE(init(HOST_HALF + 1, HOST_HALF + 8), rmi_status_rtt(0), base_align);
}

static void init_state(void **state)
{
	(void)state;
	init_realm();
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		force(0, 3, S2_ASSIGNED, ripas);
		ASSERT_LEFT_ALONE(init(0, SIZE_L3), rmi_status_rtt(3), rtte_state);
		force(SIZE_L2, 2, S2_ASSIGNED, ripas);
		ASSERT_LEFT_ALONE(init(SIZE_L2, 2 * SIZE_L2), rmi_status_rtt(2), rtte_state);
	}
	ASSERT_LEFT_ALONE(init(HOST_HALF, HOST_HALF + 8), rmi_status_rtt(0), rtte_state);
}

static void init_top_align(void **state)
{
	(void)state;
	init_realm();
	ASSERT_LEFT_ALONE(init(0, SIZE_L3 + 1), RMI_ERROR_INPUT, top_gran_align);
	ASSERT_LEFT_ALONE(init(SIZE_L2, SIZE_L2 + 0x1800), RMI_ERROR_INPUT, top_gran_align);
	ASSERT_LEFT_ALONE(init(HOST_HALF - SIZE_L0, HOST_HALF + 0xFFF), RMI_ERROR_INPUT,
			  top_gran_align);
}

static void init_no_progress(void **state)
{
	(void)state;
	init_realm();
	ASSERT_LEFT_ALONE(init(SIZE_L2, SIZE_L2 + SIZE_L3), rmi_status_rtt(2), no_progress);
	ASSERT_LEFT_ALONE(init(SIZE_L2, 2 * SIZE_L2 - SIZE_L3), rmi_status_rtt(2), no_progress);
	ASSERT_LEFT_ALONE(init(SIZE_L1, SIZE_L1 + SIZE_L2), rmi_status_rtt(1), no_progress);
}

static void init_order(void **state)
{
	(void)state;
	init_realm();
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_INIT_RIPAS, SPARE, SIZE_L2, SIZE_L2 + SIZE_L3),
			  RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(init(SIZE_L2, SIZE_L2 + 0x800), RMI_ERROR_INPUT, top_gran_align);
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_INIT_RIPAS, SPARE, 0, SIZE_L3), RMI_ERROR_INPUT, rd_state);
}

static void init_runs(void **state)
{
	(void)state;
	init_realm();
	rtt_grow(rd, 20 * SIZE_L2, 3);

	/* One table of pages, wholly and in part; up to top. */
	assert_int_equal(init(0, SIZE_L3).x[1], SIZE_L3);
	assert_int_equal(ripas_at(0), RMI_RIPAS_RAM);
	assert_int_equal(ripas_at(SIZE_L3), RMI_RIPAS_EMPTY);
	assert_int_equal(init(5 * SIZE_L3, HOST_HALF).x[1], SIZE_L2);
	assert_int_equal(ripas_at(4 * SIZE_L3), RMI_RIPAS_EMPTY);
	assert_int_equal(ripas_at(511 * SIZE_L3), RMI_RIPAS_RAM);
	assert_int_equal(ripas_at(SIZE_L2), RMI_RIPAS_EMPTY);

	/* Entries of 2 MiB, up to the next table; top inside an entry. */
	assert_int_equal(init(SIZE_L2, HOST_HALF).x[1], 20 * SIZE_L2);
	assert_int_equal(rtt_read(rd, 19 * SIZE_L2, 2).ripas, RMI_RIPAS_RAM);
	assert_int_equal(ripas_at(20 * SIZE_L2), RMI_RIPAS_EMPTY);
	assert_int_equal(init(21 * SIZE_L2, 23 * SIZE_L2 + SIZE_L3).x[1], 23 * SIZE_L2);
	assert_int_equal(rtt_read(rd, 23 * SIZE_L2, 2).ripas, RMI_RIPAS_EMPTY);
	assert_int_equal(init(23 * SIZE_L2, HOST_HALF).x[1], SIZE_L1);

	/* 1 GiB at a time, to the end of the half; again over what is RAM already. */
	assert_int_equal(init(SIZE_L1, HOST_HALF).x[1], HOST_HALF);
	assert_int_equal(init(SIZE_L1, HOST_HALF).x[1], HOST_HALF);
	assert_int_equal(rtt_read(rd, HOST_HALF - SIZE_L1, 1).ripas, RMI_RIPAS_RAM);
	assert_int_equal(machine_tlb_count().entries + machine_tlb_count().ranges, 0);
	rtt_finish(rd);
}

/* Stops before what is ASSIGNED; what is DESTROYED becomes RAM, measured like the rest. */
static void init_stops(void **state)
{
	(void)state;
	init_realm();
	for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
		force(7 * SIZE_L3, 3, S2_ASSIGNED, ripas);
		force(3 * SIZE_L3, 3, S2_UNASSIGNED, S2_DESTROYED);
		assert_int_equal(init(0, SIZE_L2).x[1], 7 * SIZE_L3);
		assert_int_equal(ripas_at(3 * SIZE_L3), RMI_RIPAS_RAM);
		assert_int_equal(ripas_at(7 * SIZE_L3), (uint64_t)ripas);
	}
	force(7 * SIZE_L3, 3, S2_UNASSIGNED, S2_EMPTY);
	rtt_finish(rd);
}

/* The RIM is that of one step per entry, ascending, whatever the calls were. */
static void init_measures(void **state)
{
	struct rd expected;

	(void)state;
	init_realm();
	expected = *host_rd(rd);
	ASSERT_RMI_OK(init(2 * SIZE_L3, 6 * SIZE_L3));
	for (uint64_t i = 2; i < 6; i++) {
		realm_measure_ripas(&expected, ipa_of(i * SIZE_L3), ipa_of((i + 1) * SIZE_L3),
				    SIZE_L3);
	}
	assert_memory_equal(host_rd(rd)->measurement[0], expected.measurement[0],
			    REALM_MEASUREMENT_SIZE);
	ASSERT_RMI_OK(init(SIZE_L2, 3 * SIZE_L2));
	realm_measure_ripas(&expected, ipa_of(SIZE_L2), ipa_of(2 * SIZE_L2), SIZE_L2);
	realm_measure_ripas(&expected, ipa_of(2 * SIZE_L2), ipa_of(3 * SIZE_L2), SIZE_L2);
	assert_memory_equal(host_rd(rd)->measurement[0], expected.measurement[0],
			    REALM_MEASUREMENT_SIZE);
	rtt_finish(rd);
}

/* --- RMI_RTT_SET_RIPAS */

static struct rec *rec(void)
{
	return rec_of(granule_find(pa_of(REC)));
}

/* What RSI_IPA_STATE_SET leaves in the REC. */
static void request(uint64_t base, uint64_t top, enum s2_ripas ripas, bool change_destroyed)
{
	rec()->ripas_base = ipa_of(base);
	rec()->ripas_top = ipa_of(top);
	rec()->ripas_value = ripas;
	rec()->ripas_change_destroyed = change_destroyed;
}

/* A realm with a REC, and a request for [0, 4 MiB) to become RAM. */
static void set_realm(void)
{
	init_realm();
	sim_make(REC, GRANULE_REC);
	rec()->rd = granule_find(pa_of(rd));
	request(0, 2 * SIZE_L2, S2_RAM, false);
}

static void set_finish(void)
{
	sim_unmake(REC);
	rtt_finish(rd);
}

static struct sim_answer set_with_rd(uint64_t pa)
{
	return RMI(RMI_RTT_SET_RIPAS, pa, REC, 0, SIZE_L3);
}

static struct sim_answer set_with_rec(uint64_t pa)
{
	return RMI(RMI_RTT_SET_RIPAS, rd, pa, 0, SIZE_L3);
}

static void set_rd(void **state)
{
	(void)state;
	set_realm();
	host_refuses_others(set_with_rd, rd, SPARE, GRANULE_RD, host_rd_conditions);
	ASSERT_LEFT_ALONE(set_with_rd(REC), RMI_ERROR_INPUT, rd_state);
}

static void set_rec(void **state)
{
	static const char *const conditions[] = {"rec_align", "rec_bound", "rec_gran_state"};

	(void)state;
	set_realm();
	host_refuses_others(set_with_rec, REC, SPARE, GRANULE_REC, conditions);
	ASSERT_LEFT_ALONE(set_with_rec(rd), RMI_ERROR_INPUT, rec_gran_state);
	ASSERT_LEFT_ALONE(set_with_rec(HOST_RTT), RMI_ERROR_INPUT, rec_gran_state);
}

static void set_rec_state(void **state)
{
	struct granule_held held;

	(void)state;
	set_realm();
	assert_true(granule_lock(granule_find(pa_of(REC)), GRANULE_REC, &held));
	granule_ref(held, 1);
	granule_unlock(held);
	ASSERT_LEFT_ALONE(set(0, SIZE_L3), RMI_ERROR_REC, rec_state);
	granule_unref(held.granule, 1);
	ASSERT_RMI_OK(set(0, SIZE_L3));
}

static void set_rec_owner(void **state)
{
	uint64_t other;

	(void)state;
	set_realm();
	other = host_make_realm(1, host_params());
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_SET_RIPAS, other, REC, 0, SIZE_L3), RMI_ERROR_REC, rec_owner);
}

static void set_range(void **state)
{
	(void)state;
	set_realm();
	request(SIZE_L3, 9 * SIZE_L3, S2_RAM, false);
	ASSERT_LEFT_ALONE(set(SIZE_L3, SIZE_L3), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(set(SIZE_L3, 0), RMI_ERROR_INPUT, size_valid);
	ASSERT_LEFT_ALONE(set(SIZE_L3 + 1, 9 * SIZE_L3), RMI_ERROR_INPUT, base_bound);
	ASSERT_LEFT_ALONE(set(0, 9 * SIZE_L3), RMI_ERROR_INPUT, base_bound);
	ASSERT_LEFT_ALONE(set(2 * SIZE_L3, 9 * SIZE_L3), RMI_ERROR_INPUT, base_bound);
	ASSERT_LEFT_ALONE(set(BIT(63), ~UINT64_C(0)), RMI_ERROR_INPUT, base_bound);
	ASSERT_LEFT_ALONE(set(SIZE_L3, 9 * SIZE_L3 + 1), RMI_ERROR_INPUT, top_bound);
	ASSERT_LEFT_ALONE(set(SIZE_L3, 10 * SIZE_L3), RMI_ERROR_INPUT, top_bound);
	ASSERT_LEFT_ALONE(set(SIZE_L3, ~UINT64_C(0)), RMI_ERROR_INPUT, top_bound);
}

/* Without a request, and after it was answered in full. */
static void set_without_request(void **state)
{
	(void)state;
	set_realm();
	request(0, 0, S2_EMPTY, false);
	ASSERT_LEFT_ALONE(set(0, SIZE_L3), RMI_ERROR_INPUT, top_bound);
	ASSERT_LEFT_ALONE(set(0, 0), RMI_ERROR_INPUT, size_valid);
	request(0, SIZE_L3, S2_RAM, false);
	ASSERT_RMI_OK(set(0, SIZE_L3));
	ASSERT_LEFT_ALONE(set(SIZE_L3, 2 * SIZE_L3), RMI_ERROR_INPUT, top_bound);
	ASSERT_LEFT_ALONE(set(0, SIZE_L3), RMI_ERROR_INPUT, base_bound);
}

static void set_base_align(void **state)
{
	(void)state;
	set_realm();
	request(SIZE_L2 + SIZE_L3, 2 * SIZE_L2, S2_RAM, false);
	ASSERT_LEFT_ALONE(set(SIZE_L2 + SIZE_L3, 2 * SIZE_L2), rmi_status_rtt(2), base_align);
	request(SIZE_L1 + SIZE_L2, 2 * SIZE_L1, S2_RAM, true);
	ASSERT_LEFT_ALONE(set(SIZE_L1 + SIZE_L2, 2 * SIZE_L1), rmi_status_rtt(1), base_align);
}

static void set_top_align(void **state)
{
	(void)state;
	set_realm();
	ASSERT_LEFT_ALONE(set(0, SIZE_L3 + 1), RMI_ERROR_INPUT, top_gran_align);
	request(SIZE_L2, 2 * SIZE_L2, S2_RAM, false);
	ASSERT_LEFT_ALONE(set(SIZE_L2, SIZE_L2 + 0x800), RMI_ERROR_INPUT, top_gran_align);
	/* Also where nothing has to change. */
	request(0, SIZE_L2, S2_EMPTY, false);
	ASSERT_LEFT_ALONE(set(0, SIZE_L3 + 8), RMI_ERROR_INPUT, top_gran_align);
}

static void set_no_progress(void **state)
{
	(void)state;
	set_realm();
	request(SIZE_L2, 2 * SIZE_L2, S2_RAM, false);
	ASSERT_LEFT_ALONE(set(SIZE_L2, SIZE_L2 + SIZE_L3), rmi_status_rtt(2), no_progress);
	ASSERT_LEFT_ALONE(set(SIZE_L2, 2 * SIZE_L2 - SIZE_L3), rmi_status_rtt(2), no_progress);
	/* What was destroyed stays so, unless the realm said otherwise. */
	force(0, 3, S2_UNASSIGNED, S2_DESTROYED);
	request(0, SIZE_L2, S2_RAM, false);
	ASSERT_LEFT_ALONE(set(0, SIZE_L2), rmi_status_rtt(3), no_progress);
	force(0, 3, S2_ASSIGNED, S2_DESTROYED);
	ASSERT_LEFT_ALONE(set(0, SIZE_L2), rmi_status_rtt(3), no_progress);
}

/* rd < base_align, no_progress; rec_gran_state < rec_state; base_bound < base_align. */
static void set_order(void **state)
{
	(void)state;
	set_realm();
	request(SIZE_L2, 2 * SIZE_L2, S2_RAM, false);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_SET_RIPAS, SPARE, REC, SIZE_L2, SIZE_L2 + SIZE_L3),
			  RMI_ERROR_INPUT, rd_state);
	ASSERT_LEFT_ALONE(RMI(RMI_RTT_SET_RIPAS, rd, SPARE, SIZE_L2, SIZE_L2 + SIZE_L3),
			  RMI_ERROR_INPUT, rec_gran_state);
	ASSERT_LEFT_ALONE(set(SIZE_L2 + 8, 2 * SIZE_L2), RMI_ERROR_INPUT, base_bound);
	ASSERT_LEFT_ALONE(set(SIZE_L2, SIZE_L2 + 8), RMI_ERROR_INPUT, top_gran_align);
}

/* From every state to both values a realm can ask for; the page stays. */
static void set_every_state(void **state)
{
	static const enum s2_ripas wanted[] = {S2_EMPTY, S2_RAM};
	uint64_t page;

	(void)state;
	set_realm();
	page = rtt_page(rd, 0, 0);
	for (unsigned int assigned = 0; assigned < 2; assigned++) {
		for (enum s2_ripas ripas = S2_EMPTY; ripas <= S2_DESTROYED; ripas++) {
			for (size_t w = 0; w < ARRAY_LENGTH(wanted); w++) {
				struct s2_entry entry = {S2_ASSIGNED, ripas, {page}, 0};
				bool gone = assigned && ripas == S2_RAM && wanted[w] != S2_RAM;
				struct machine_tlb_count before;

				if (!assigned) {
					entry.kind = S2_UNASSIGNED;
					entry.pa.v = 0;
				}
				rtt_force(rd, 0, 3, entry);
				request(0, SIZE_L3, wanted[w], true);
				before = machine_tlb_count();
				assert_int_equal(set(0, SIZE_L3).x[1], SIZE_L3);
				assert_int_equal(rec()->ripas_base.v, SIZE_L3);
				assert_int_equal(machine_tlb_count().ranges - before.ranges, gone);
				ASSERT_ENTRY(rd, 0, 3, assigned, entry.pa.v, (uint64_t)wanted[w]);
				s2_check(host_s2(rd));
			}
		}
	}
	rtt_force(rd, 0, 3, (struct s2_entry){S2_ASSIGNED, S2_RAM, {page}, 0});
	set_finish();
}

static void set_runs(void **state)
{
	(void)state;
	set_realm();
	rtt_grow(rd, 20 * SIZE_L2, 3);
	request(3 * SIZE_L3, SIZE_L1, S2_RAM, false);

	assert_int_equal(set(3 * SIZE_L3, 5 * SIZE_L3).x[1], 5 * SIZE_L3);
	assert_int_equal(ripas_at(2 * SIZE_L3), RMI_RIPAS_EMPTY);
	assert_int_equal(ripas_at(4 * SIZE_L3), RMI_RIPAS_RAM);
	assert_int_equal(ripas_at(5 * SIZE_L3), RMI_RIPAS_EMPTY);
	assert_int_equal(set(5 * SIZE_L3, SIZE_L1).x[1], SIZE_L2);
	assert_int_equal(set(SIZE_L2, 3 * SIZE_L2 + SIZE_L3).x[1], 3 * SIZE_L2);
	assert_int_equal(rtt_read(rd, 3 * SIZE_L2, 2).ripas, RMI_RIPAS_EMPTY);
	assert_int_equal(set(3 * SIZE_L2, SIZE_L1).x[1], 20 * SIZE_L2);
	assert_int_equal(set(20 * SIZE_L2, SIZE_L1).x[1], 21 * SIZE_L2);
	assert_int_equal(set(21 * SIZE_L2, SIZE_L1).x[1], SIZE_L1);
	assert_int_equal(rec()->ripas_base.v, SIZE_L1);
	set_finish();
}

static void set_stops_at_destroyed(void **state)
{
	(void)state;
	set_realm();
	force(9 * SIZE_L3, 3, S2_UNASSIGNED, S2_DESTROYED);
	request(0, SIZE_L2, S2_RAM, false);
	assert_int_equal(set(0, SIZE_L2).x[1], 9 * SIZE_L3);
	ASSERT_LEFT_ALONE(set(9 * SIZE_L3, SIZE_L2), rmi_status_rtt(3), no_progress);
	assert_int_equal(ripas_at(9 * SIZE_L3), RMI_RIPAS_DESTROYED);
	rec()->ripas_change_destroyed = true;
	assert_int_equal(set(9 * SIZE_L3, SIZE_L2).x[1], SIZE_L2);
	assert_int_equal(ripas_at(9 * SIZE_L3), RMI_RIPAS_RAM);
	set_finish();
}

/*
 * The entry has the RIPAS already: a request that begins or ends inside it is answered, and nothing
 * changes. docs/decisions/rtt.md.
 */
static void set_already(void **state)
{
	(void)state;
	set_realm();
	force(SIZE_L2, 2, S2_UNASSIGNED, S2_RAM);
	force(2 * SIZE_L2, 2, S2_UNASSIGNED, S2_EMPTY);

	request(SIZE_L2, SIZE_L2 + SIZE_L3, S2_RAM, false);
	assert_int_equal(set(SIZE_L2, SIZE_L2 + SIZE_L3).x[1], SIZE_L2 + SIZE_L3);
	request(SIZE_L2 + SIZE_L3, SIZE_L2 + 3 * SIZE_L3, S2_RAM, false);
	assert_int_equal(set(SIZE_L2 + SIZE_L3, SIZE_L2 + 2 * SIZE_L3).x[1], SIZE_L2 + 2 * SIZE_L3);
	assert_int_equal(set(SIZE_L2 + 2 * SIZE_L3, SIZE_L2 + 3 * SIZE_L3).x[1],
			 SIZE_L2 + 3 * SIZE_L3);
	assert_int_equal(rec()->ripas_base.v, SIZE_L2 + 3 * SIZE_L3);

	/* Into the next entry, which is not: up to the end of the first, then refused. */
	request(SIZE_L2 + SIZE_L3, 2 * SIZE_L2 + SIZE_L3, S2_RAM, false);
	assert_int_equal(set(SIZE_L2 + SIZE_L3, 2 * SIZE_L2 + SIZE_L3).x[1], 2 * SIZE_L2);
	ASSERT_LEFT_ALONE(set(2 * SIZE_L2, 2 * SIZE_L2 + SIZE_L3), rmi_status_rtt(2), no_progress);

	/* From the middle of the first over the whole of the next. */
	request(SIZE_L2 + SIZE_L3, 3 * SIZE_L2, S2_RAM, false);
	assert_int_equal(set(SIZE_L2 + SIZE_L3, 3 * SIZE_L2).x[1], 3 * SIZE_L2);
	ASSERT_ENTRY(rd, SIZE_L2, 2, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM);
	ASSERT_ENTRY(rd, 2 * SIZE_L2, 2, RMI_UNASSIGNED, 0, RMI_RIPAS_RAM);
	ASSERT_ENTRY(rd, 3 * SIZE_L2, 2, RMI_UNASSIGNED, 0, RMI_RIPAS_EMPTY);
	set_finish();
}

/* Blocks and pages that stop being RAM: one invalidation for the run. */
static void set_takes_away(void **state)
{
	struct machine_tlb_count before;

	(void)state;
	set_realm();
	for (unsigned int i = 0; i < 512; i += 2) {
		rtt_force(rd, i * SIZE_L3, 3,
			  (struct s2_entry){S2_ASSIGNED, S2_RAM, {SIZE_L0 + i * SIZE_L3}, 0});
	}
	for (unsigned int i = 1; i < 512; i++) {
		rtt_force(rd, i * SIZE_L2, 2,
			  (struct s2_entry){S2_ASSIGNED, S2_RAM, {SIZE_L0 + i * SIZE_L2}, 0});
	}
	before = machine_tlb_count();
	request(0, SIZE_L1, S2_EMPTY, false);
	assert_int_equal(set(0, SIZE_L1).x[1], SIZE_L2);
	assert_int_equal(set(SIZE_L2, SIZE_L1).x[1], SIZE_L1);
	assert_int_equal(machine_tlb_count().ranges - before.ranges, 2);
	assert_int_equal(machine_tlb_count().entries, before.entries);
	ASSERT_ENTRY(rd, 510 * SIZE_L3, 3, RMI_ASSIGNED, SIZE_L0 + 510 * SIZE_L3, RMI_RIPAS_EMPTY);
	ASSERT_ENTRY(rd, 511 * SIZE_L2, 2, RMI_ASSIGNED, SIZE_L0 + 511 * SIZE_L2, RMI_RIPAS_EMPTY);
	s2_check(host_s2(rd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_RTT_INIT_RIPAS rd_align, RMI_RTT_INIT_RIPAS rd_bound, "
			 "RMI_RTT_INIT_RIPAS rd_state",
			 init_rd),
		SIM_TEST("RMI_RTT_INIT_RIPAS size_valid", init_size),
		SIM_TEST("RMI_RTT_INIT_RIPAS top_bound", init_top),
		SIM_TEST("RMI_RTT_INIT_RIPAS realm_state", init_realm_state),
		SIM_TEST("RMI_RTT_INIT_RIPAS base_align", init_base_align),
		SIM_TEST("RMI_RTT_INIT_RIPAS rtte_state", init_state),
		SIM_TEST("RMI_RTT_INIT_RIPAS top_gran_align", init_top_align),
		SIM_TEST("RMI_RTT_INIT_RIPAS no_progress", init_no_progress),
		SIM_TEST("RMI_RTT_INIT_RIPAS: order of conditions", init_order),
		SIM_TEST("RMI_RTT_INIT_RIPAS: runs at each level", init_runs),
		SIM_TEST("RMI_RTT_INIT_RIPAS: stops before ASSIGNED, not at DESTROYED", init_stops),
		SIM_TEST("RMI_RTT_INIT_RIPAS: one step of the RIM per entry", init_measures),
		SIM_TEST("RMI_RTT_SET_RIPAS rd_align, RMI_RTT_SET_RIPAS rd_bound, "
			 "RMI_RTT_SET_RIPAS rd_state",
			 set_rd),
		SIM_TEST("RMI_RTT_SET_RIPAS rec_align, RMI_RTT_SET_RIPAS rec_bound, "
			 "RMI_RTT_SET_RIPAS rec_gran_state",
			 set_rec),
		SIM_TEST("RMI_RTT_SET_RIPAS rec_state", set_rec_state),
		SIM_TEST("RMI_RTT_SET_RIPAS rec_owner", set_rec_owner),
		SIM_TEST("RMI_RTT_SET_RIPAS size_valid, RMI_RTT_SET_RIPAS base_bound, "
			 "RMI_RTT_SET_RIPAS top_bound",
			 set_range),
		SIM_TEST("RMI_RTT_SET_RIPAS top_bound: no request", set_without_request),
		SIM_TEST("RMI_RTT_SET_RIPAS base_align", set_base_align),
		SIM_TEST("RMI_RTT_SET_RIPAS top_gran_align", set_top_align),
		SIM_TEST("RMI_RTT_SET_RIPAS no_progress", set_no_progress),
		SIM_TEST("RMI_RTT_SET_RIPAS: order of conditions", set_order),
		SIM_TEST("RMI_RTT_SET_RIPAS: from every state", set_every_state),
		SIM_TEST("RMI_RTT_SET_RIPAS: runs at each level", set_runs),
		SIM_TEST("RMI_RTT_SET_RIPAS: DESTROYED only with permission",
			 set_stops_at_destroyed),
		SIM_TEST("RMI_RTT_SET_RIPAS: nothing to change is progress", set_already),
		SIM_TEST("RMI_RTT_SET_RIPAS: mappings taken away at once", set_takes_away),
	};

	return unit_run(tests);
}
