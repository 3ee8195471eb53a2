// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REALM_CREATE, RMI_REALM_ACTIVATE, RMI_REALM_DESTROY: each condition, and what holds after. */
#include "arch/vcpu.h"
#include "cmd/realm_host.h"
#include "feat/feat.h"
#include "map/map.h"
#include "realm/id.h"

#define TABLES 4U

static const uint64_t not_delegable[] = {
	0, SIM_DEVICE, SIM_OWN, SIM_UNLISTED, SIM_HIGH | (uint64_t)1 << 50, ~GRANULE_MASK,
};

static void delegate_realm(void)
{
	sim_delegate(HOST_RD);
	host_delegate(HOST_RTT, TABLES);
}

/* After a refusal: everything as it was, and the same granules still make a realm. */
static void check_nothing_happened(void)
{
	struct rmi_realm_params params = host_params();

	assert_int_equal(sim_state(HOST_RD), GRANULE_DELEGATED);
	for (unsigned int i = 0; i < TABLES; i++) {
		assert_int_equal(sim_state(HOST_RTT + i * GRANULE_SIZE), GRANULE_DELEGATED);
	}
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));
}

static void create_params_align(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	sim_put(HOST_PARAMS, &params, sizeof(params));
	for (uint64_t off = 1; off < GRANULE_SIZE; off *= 2) {
		ASSERT_REFUSED(RMI(RMI_REALM_CREATE, HOST_RD, HOST_PARAMS + off), RMI_ERROR_INPUT,
			       params_align);
	}
	check_nothing_happened();
}

static void create_params_bound(void **state)
{
	(void)state;
	delegate_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_REALM_CREATE, HOST_RD, not_delegable[i]), RMI_ERROR_INPUT,
			       params_bound);
	}
	check_nothing_happened();
}

static void create_params_pas(void **state)
{
	static const uint64_t other_worlds[] = {SIM_SECURE, SIM_ROOT};

	(void)state;
	delegate_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(other_worlds); i++) {
		ASSERT_REFUSED(RMI(RMI_REALM_CREATE, HOST_RD, other_worlds[i]), RMI_ERROR_INPUT,
			       params_pas);
	}
	for (unsigned int in = GRANULE_DELEGATED; in < GRANULE_STATE_COUNT; in++) {
		sim_make(sim_page(in), in);
		ASSERT_REFUSED(RMI(RMI_REALM_CREATE, HOST_RD, sim_page(in)), RMI_ERROR_INPUT,
			       params_pas);
	}
	check_nothing_happened();
}

static unsigned int copies_left;

static void take_page_away(pa_t pa)
{
	if (copies_left-- == 0) {
		machine_set_pas(pa, MACHINE_SECURE);
	}
}

static void create_params_pas_lost(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	for (unsigned int after = 0; after < 512; after += 73) {
		sim_put(HOST_PARAMS, &params, sizeof(params));
		copies_left = after;
		machine_on_copy = take_page_away;
		ASSERT_REFUSED(RMI(RMI_REALM_CREATE, HOST_RD, HOST_PARAMS), RMI_ERROR_INPUT,
			       params_pas);
		machine_on_copy = NULL;
		machine_set_pas(pa_of(HOST_PARAMS), MACHINE_NS);
	}
	check_nothing_happened();
}

/* Copies are counted: the host gets no second look at parameters that it could change. */
static unsigned int words_read;

static void count_word(pa_t pa)
{
	words_read++;
	if (words_read == 512) {
		memset(machine_raw(pa_of(align_down(pa.v, GRANULE_SIZE))), 0xFF, GRANULE_SIZE);
	}
}

static void create_reads_once(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	sim_put(HOST_PARAMS, &params, sizeof(params));
	words_read = 0;
	machine_on_copy = count_word;
	ASSERT_RMI_OK(RMI(RMI_REALM_CREATE, HOST_RD, HOST_PARAMS));
	machine_on_copy = NULL;
	assert_int_equal(words_read, 512);
	assert_int_equal(host_rd(HOST_RD)->s2.ipa_bits, 32);
}

#define REFUSE_PARAMS(condition, change)                                                         \
	do {                                                                                     \
		struct rmi_realm_params params = host_params();                                  \
		change;                                                                          \
		ASSERT_REFUSED(host_realm_create(HOST_RD, &params), RMI_ERROR_INPUT, condition); \
	} while (0)

#define ACCEPT_PARAMS(change)                                       \
	do {                                                        \
		struct rmi_realm_params params = host_params();     \
		change;                                             \
		ASSERT_RMI_OK(host_realm_create(HOST_RD, &params)); \
		ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));     \
	} while (0)

static void create_params_valid(void **state)
{
	(void)state;
	delegate_realm();
	REFUSE_PARAMS(params_valid, params.hash_algo = 2);
	REFUSE_PARAMS(params_valid, params.hash_algo = 0xFF);
	REFUSE_PARAMS(params_valid, params.num_bps = 0);
	REFUSE_PARAMS(params_valid, params.num_wps = 0);
	check_nothing_happened();
}

static void create_params_supp(void **state)
{
	const struct feat *has = feat();

	(void)state;
	delegate_realm();
	REFUSE_PARAMS(params_supp, params.s2sz = 0);
	REFUSE_PARAMS(params_supp, params.s2sz = 31);
	REFUSE_PARAMS(params_supp, params.s2sz = (abi_u8)(has->ipa_bits + 1));
	REFUSE_PARAMS(params_supp, params.s2sz = 255);
	REFUSE_PARAMS(params_supp, params.s2sz = 49);
	REFUSE_PARAMS(params_supp, params.num_bps = (abi_u8)(has->breakpoints + 1));
	REFUSE_PARAMS(params_supp, params.num_wps = (abi_u8)(has->watchpoints + 1));
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_SVE;
		      params.sve_vl = (abi_u8)(has->sve_vl + 1));
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_PMU;
		      params.pmu_num_ctrs = (abi_u8)(has->pmu_counters + 1));
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_PMU; params.pmu_num_ctrs = 0);
	ACCEPT_PARAMS(params.num_bps = has->breakpoints; params.num_wps = has->watchpoints);
	ACCEPT_PARAMS(params.flags = RMI_REALM_FLAG_SVE; params.sve_vl = has->sve_vl);
	ACCEPT_PARAMS(params.sve_vl = 0xFF);
	ACCEPT_PARAMS(params.flags = RMI_REALM_FLAG_PMU; params.pmu_num_ctrs = has->pmu_counters);
	ACCEPT_PARAMS(params.pmu_num_ctrs = 0xFF);
	check_nothing_happened();
}

/* A CPU with less: no SVE, no PMU, no 52-bit addresses. */
static void create_params_supp_small_cpu(void **state)
{
	(void)state;
	sim_power_on();
	machine_set_id(ARCH_ID_AA64PFR0, 0);
	machine_set_id(ARCH_ID_AA64DFR0, (uint64_t)5 << 12 | (uint64_t)3 << 20);
	machine_set_id(ARCH_ID_AA64MMFR0, 4);
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
	delegate_realm();
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_SVE);
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_PMU; params.pmu_num_ctrs = 1);
	REFUSE_PARAMS(params_supp, params.flags = RMI_REALM_FLAG_LPA2);
	REFUSE_PARAMS(params_supp, params.s2sz = 45);
	check_nothing_happened();
}

/* A CPU that lets a guest have no event counter. */
static void create_params_supp_hpmn0(void **state)
{
	(void)state;
	sim_power_on();
	machine_set_id(ARCH_ID_AA64DFR0, arch_id_register(ARCH_ID_AA64DFR0) | (uint64_t)1 << 60);
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
	delegate_realm();
	ACCEPT_PARAMS(params.flags = RMI_REALM_FLAG_PMU; params.pmu_num_ctrs = 0);
}

/* Where no table of a realm without 52-bit addresses can be, delegable or not. */
static void create_params_supp_high_tables(void **state)
{
	(void)state;
	delegate_realm();
	REFUSE_PARAMS(params_supp, params.rtt_base = HOST_RTT | (uint64_t)1 << 48);
	REFUSE_PARAMS(params_supp, params.rtt_base = (uint64_t)0 - TABLES * GRANULE_SIZE);
	REFUSE_PARAMS(rtt_state, params.flags = RMI_REALM_FLAG_LPA2;
		      params.rtt_base = HOST_RTT | (uint64_t)1 << 48);
	check_nothing_happened();
}

static void create_ignores_reserved(void **state)
{
	(void)state;
	delegate_realm();
	ACCEPT_PARAMS(params.flags = ~(uint64_t)7);
	ACCEPT_PARAMS(memset(params.reserved_009, 0xFF, sizeof(params.reserved_009));
		      memset(params.reserved_440, 0xFF, sizeof(params.reserved_440)));
}

static void create_alias(void **state)
{
	(void)state;
	host_delegate(HOST_RTT, TABLES);
	for (unsigned int i = 0; i < TABLES; i++) {
		struct rmi_realm_params params = host_params();

		ASSERT_REFUSED(host_realm_create(HOST_RTT + i * GRANULE_SIZE, &params),
			       RMI_ERROR_INPUT, alias);
		assert_int_equal(sim_state(HOST_RTT + i * GRANULE_SIZE), GRANULE_DELEGATED);
	}
	sim_delegate(HOST_RD);
	/* Just below and just above is no alias. */
	sim_delegate(HOST_RTT - GRANULE_SIZE);
	sim_delegate(HOST_RTT + TABLES * GRANULE_SIZE);
	struct rmi_realm_params params = host_params();

	ASSERT_RMI_OK(host_realm_create(HOST_RTT - GRANULE_SIZE, &params));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RTT - GRANULE_SIZE));
	ASSERT_RMI_OK(host_realm_create(HOST_RTT + TABLES * GRANULE_SIZE, &params));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RTT + TABLES * GRANULE_SIZE));
	check_nothing_happened();
}

static void create_rd_align(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	ASSERT_REFUSED(host_realm_create(HOST_RD + 1, &params), RMI_ERROR_INPUT, rd_align);
	ASSERT_REFUSED(host_realm_create(HOST_RD + 0x800, &params), RMI_ERROR_INPUT, rd_align);
	check_nothing_happened();
}

static void create_rd_bound(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(host_realm_create(not_delegable[i], &params), RMI_ERROR_INPUT,
			       rd_bound);
	}
	check_nothing_happened();
}

static void create_rd_state(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	for (unsigned int in = 0; in < GRANULE_STATE_COUNT; in++) {
		if (in != GRANULE_DELEGATED) {
			sim_make(sim_page(1 + in), in);
			ASSERT_REFUSED(host_realm_create(sim_page(1 + in), &params),
				       RMI_ERROR_INPUT, rd_state);
			assert_int_equal(sim_state(sim_page(1 + in)), in);
		}
	}
	check_nothing_happened();
}

static void create_rtt_align(void **state)
{
	(void)state;
	delegate_realm();
	REFUSE_PARAMS(rtt_align, params.rtt_base = HOST_RTT + 1);
	REFUSE_PARAMS(rtt_align, params.rtt_base = HOST_RTT + GRANULE_SIZE);
	REFUSE_PARAMS(rtt_align, params.rtt_base = HOST_RTT + 2 * GRANULE_SIZE);
	REFUSE_PARAMS(rtt_align, params.rtt_base = ~UINT64_C(0));
	REFUSE_PARAMS(rtt_align, params.rtt_base = ~GRANULE_MASK);
	check_nothing_happened();
}

static void create_rtt_state(void **state)
{
	(void)state;
	delegate_realm();
	for (unsigned int at = 0; at < TABLES; at++) {
		uint64_t table = HOST_RTT + at * GRANULE_SIZE;

		ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, table));
		REFUSE_PARAMS(rtt_state, (void)0);
		assert_int_equal(sim_state(HOST_RD), GRANULE_DELEGATED);
		sim_delegate(table);
	}
	for (unsigned int in = GRANULE_RD; in < GRANULE_STATE_COUNT; in++) {
		uint64_t base = SIM_HIGH + in * 16 * GRANULE_SIZE;

		host_delegate(base, TABLES - 1);
		sim_make(base + 3 * GRANULE_SIZE, in);
		REFUSE_PARAMS(rtt_state, params.rtt_base = base);
		assert_int_equal(sim_state(base + 3 * GRANULE_SIZE), in);
	}
	REFUSE_PARAMS(rtt_state, params.rtt_base = SIM_UNLISTED);
	REFUSE_PARAMS(rtt_state, params.rtt_base = 0);
	REFUSE_PARAMS(rtt_state, params.rtt_base = ((uint64_t)1 << 48) - TABLES * GRANULE_SIZE);
	check_nothing_happened();
}

static void create_rtt_num_level(void **state)
{
	static const uint32_t numbers[] = {0,  1,  2,       3,          5,          8,         16,
					   17, 32, 0x10000, 0x80000000, 0xFFFFFFFF, 0x00100000};
	static const int64_t levels[] = {3,
					 4,
					 1,
					 0,
					 -1,
					 -2,
					 128,
					 258,
					 (int64_t)1 << 32,
					 ((int64_t)1 << 32) + 2,
					 INT64_MAX,
					 INT64_MIN};

	(void)state;
	delegate_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		REFUSE_PARAMS(rtt_num_level, params.rtt_num_start = numbers[i]);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(levels); i++) {
		REFUSE_PARAMS(rtt_num_level, params.rtt_level_start = levels[i]);
	}
	check_nothing_happened();
}

struct geometry {
	uint8_t width;
	int8_t level;
	uint8_t tables; /* 0: no number is right */
};

/* RMM specification, rtt_num_level: every width and level without 52-bit addresses. */
static uint8_t tables_needed(unsigned int width, int level)
{
	switch (level) {
	case 2:
		return width == 32 ? 4 : width == 33 ? 8 : width == 34 ? 16 : 0;
	case 1:
		return width <= 39 ? 1 : width <= 43 ? (uint8_t)(1U << (width - 39)) : 0;
	case 0:
		return width >= 40 ? 1 : 0;
	default:
		return 0;
	}
}

/* The same with 52-bit addresses, width 32..52. */
static uint8_t tables_needed_lpa2(unsigned int width, int level)
{
	switch (level) {
	case 0:
		return width < 40 ? 0 : width <= 48 ? 1 : (uint8_t)(1U << (width - 48));
	case -1:
		return width >= 49 ? 1 : 0;
	default:
		return width <= 48 ? tables_needed(width, level) : 0;
	}
}

static void try_geometry(unsigned int width, int level, unsigned int tables, bool lpa2)
{
	struct rmi_realm_params params = host_params();
	uint8_t needed = lpa2 ? tables_needed_lpa2(width, level) : tables_needed(width, level);

	params.flags = lpa2 ? RMI_REALM_FLAG_LPA2 : 0;
	params.s2sz = (abi_u8)width;
	params.rtt_level_start = level;
	params.rtt_num_start = tables;
	if (needed != tables || tables == 0) {
		ASSERT_REFUSED(host_realm_create(HOST_RD, &params), RMI_ERROR_INPUT, rtt_num_level);
		return;
	}
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	assert_int_equal(host_rd(HOST_RD)->s2.ipa_bits, width);
	assert_int_equal(host_rd(HOST_RD)->s2.start_level, level);
	assert_int_equal(host_rd(HOST_RD)->s2.start_tables, tables);
	for (unsigned int i = 0; i < 16; i++) {
		assert_int_equal(sim_state(HOST_RTT + i * GRANULE_SIZE),
				 i < tables ? GRANULE_RTT : GRANULE_DELEGATED);
	}
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));
}

static void create_every_geometry(void **state)
{
	static const uint8_t numbers[] = {0, 1, 2, 4, 8, 16};
	bool lpa2 = feat()->lpa2;

	(void)state;
	sim_delegate(HOST_RD);
	host_delegate(HOST_RTT, 16);
	for (unsigned int width = 32; width <= (lpa2 ? 52 : 48); width++) {
		for (int level = -2; level <= 4; level++) {
			for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
				if (width <= 48) {
					try_geometry(width, level, numbers[i], false);
				}
				if (lpa2) {
					try_geometry(width, level, numbers[i], true);
				}
			}
		}
	}
}

static void create_vmid_valid(void **state)
{
	struct rmi_realm_params other = host_params();

	(void)state;
	delegate_realm();
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &other));

	sim_delegate(sim_page(1));
	host_delegate(SIM_HIGH, TABLES);
	other.rtt_base = SIM_HIGH;
	ASSERT_REFUSED(host_realm_create(sim_page(1), &other), RMI_ERROR_INPUT, vmid_valid);
	assert_int_equal(sim_state(sim_page(1)), GRANULE_DELEGATED);
	assert_int_equal(sim_state(SIM_HIGH), GRANULE_DELEGATED);

	/*
	 * Every other number is free, 0 included, and the one comes back with the end of its realm.
	 */
	static const uint16_t numbers[] = {0, 6, 8, 63, 64, 71, 255, 256, 263, 0x0707, 0xFFFF};

	for (size_t i = 0; i < ARRAY_LENGTH(numbers); i++) {
		other.vmid = numbers[i];
		ASSERT_RMI_OK(host_realm_create(sim_page(1), &other));
		ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, sim_page(1)));
	}
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));
	other.vmid = 7;
	ASSERT_RMI_OK(host_realm_create(sim_page(1), &other));
}

static void create_vmid_valid_8_bits(void **state)
{
	(void)state;
	sim_power_on();
	machine_set_id(ARCH_ID_AA64MMFR1, 0);
	assert_int_equal(sim_boot(), EL3_BOOT_SUCCESS);
	delegate_realm();
	REFUSE_PARAMS(vmid_valid, params.vmid = 256);
	REFUSE_PARAMS(vmid_valid, params.vmid = 0x0107);
	REFUSE_PARAMS(vmid_valid, params.vmid = 0xFFFF);
	ACCEPT_PARAMS(params.vmid = 255);
	check_nothing_happened();
}

static uint64_t random_values[16];
static unsigned int random_count;
static unsigned int random_asked;

/* The listed values, then failure for ever. */
static bool listed_random(uint64_t *value)
{
	if (random_asked >= random_count) {
		random_asked++;
		return false;
	}
	*value = random_values[random_asked++];
	return true;
}

/* The part of an instance id behind the realm id is drawn first. */
#define REST 71, 72, 73

static void give_random(const uint64_t *values, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		random_values[i] = values[i];
	}
	random_count = count;
	random_asked = 0;
	machine_on_random = listed_random;
}

static void create_entropy(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	give_random(NULL, 0);
	ASSERT_REFUSED(host_realm_create(HOST_RD, &params), RMI_ERROR_REALM, entropy);
	/* Bounded, and not at the first hiccup. */
	assert_in_range(random_asked, 10, 10000);
	assert_true(sim_is_zero(HOST_RD));
	machine_on_random = NULL;
	check_nothing_happened();
}

static unsigned int failures;

static bool late_random(uint64_t *value)
{
	*value = 0x1234;
	if (failures != 0) {
		failures--;
		return false;
	}
	return true;
}

static void create_waits_for_entropy(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	failures = 9;
	machine_on_random = late_random;
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	assert_int_equal(host_rd(HOST_RD)->id, 0x1234);
}

static void id_never_zero(void **state)
{
	static const uint64_t values[] = {REST, 0, 0, 5};
	uint64_t rd;

	(void)state;
	give_random(values, 6);
	rd = host_make_realm(0, host_params());
	assert_int_equal(host_rd(rd)->id, 5);
	assert_null(realm_find(0));
}

static void id_unique_among_live(void **state)
{
	static const uint64_t values[] = {REST, 11, REST, 11, 11, 12, REST, 12, 11, 13};
	uint64_t first;
	uint64_t second;
	uint64_t third;

	(void)state;
	give_random(values, ARRAY_LENGTH(values));
	first = host_make_realm(0, host_params());
	second = host_make_realm(1, host_params());
	third = host_make_realm(2, host_params());
	assert_int_equal(host_rd(first)->id, 11);
	assert_int_equal(host_rd(second)->id, 12);
	assert_int_equal(host_rd(third)->id, 13);
}

static void id_fresh_at_every_creation(void **state)
{
	struct rmi_realm_params params = host_params();
	uint64_t seen[32];

	(void)state;
	delegate_realm();
	for (size_t i = 0; i < ARRAY_LENGTH(seen); i++) {
		ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
		seen[i] = host_rd(HOST_RD)->id;
		assert_ptr_equal(realm_find(seen[i]), granule_find(pa_of(HOST_RD)));
		ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));
		for (size_t j = 0; j <= i; j++) {
			assert_null(realm_find(seen[j]));
			assert_true(j == i || seen[j] != seen[i]);
		}
	}
}

/* Same granules, VMID, parameters, contents: the host can do nothing to get an id again. */
static void id_not_from_the_host(void **state)
{
	struct rmi_realm_params params = host_params();
	uint64_t before;

	(void)state;
	delegate_realm();
	params.rpv[0] = 0x55;
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	before = host_rd(HOST_RD)->id;
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, HOST_RD));
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	assert_int_not_equal(host_rd(HOST_RD)->id, before);
	assert_null(realm_find(before));
}

/* 256 random bits, of which the realm id is the beginning (RMM specification 2.0, A7.2.3.1.3). */
static void instance_id_begins_with_the_id(void **state)
{
	static const uint64_t values[] = {0x1716151413121110, 0x1f1e1d1c1b1a1918,
					  0x2726252423222120, 0x0102030405060708};
	uint8_t instance[REALM_INSTANCE_ID_SIZE];
	uint64_t rd;

	(void)state;
	give_random(values, ARRAY_LENGTH(values));
	rd = host_make_realm(0, host_params());
	realm_instance_id(host_rd(rd), instance);
	assert_memory_equal(instance,
			    "\x01\x01\x02\x03\x04\x05\x06\x07\x08\x10\x11\x12\x13\x14\x15\x16\x17"
			    "\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27",
			    33);
}

/* The source dies before each of the numbers: refused, and nothing of the realm is left. */
static void create_entropy_at_every_number(void **state)
{
	static const uint64_t values[] = {1, 2, 3};
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	for (unsigned int count = 0; count <= ARRAY_LENGTH(values); count++) {
		give_random(values, count);
		ASSERT_REFUSED(host_realm_create(HOST_RD, &params), RMI_ERROR_REALM, entropy);
		assert_true(sim_is_zero(HOST_RD));
	}
	machine_on_random = NULL;
	check_nothing_happened();
}

static void find_among_many(void **state)
{
	/* Same bucket: the low bits agree. */
	static const uint64_t ids[] = {0x100000001, 0x200000001, 0x300000001, 0x400000001};
	const uint64_t values[] = {REST, ids[0], REST, ids[1], REST, ids[2], REST, ids[3]};
	uint64_t rd[4];

	(void)state;
	give_random(values, ARRAY_LENGTH(values));
	for (unsigned int i = 0; i < 4; i++) {
		rd[i] = host_make_realm(i, host_params());
	}
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd[2]));
	for (unsigned int i = 0; i < 4; i++) {
		assert_ptr_equal(realm_find(ids[i]), i == 2 ? NULL : granule_find(pa_of(rd[i])));
	}
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd[3]));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd[0]));
	assert_ptr_equal(realm_find(ids[1]), granule_find(pa_of(rd[1])));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd[1]));
	assert_null(realm_find(ids[1]));
}

static void create_makes_the_realm(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	params.flags = RMI_REALM_FLAG_PMU | RMI_REALM_FLAG_SVE;
	params.sve_vl = 3;
	params.pmu_num_ctrs = 2;
	params.num_bps = 2;
	params.num_wps = 3;
	params.hash_algo = RMI_HASH_SHA_512;
	memset(params.rpv, 0x77, sizeof(params.rpv));
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));

	const struct rd *rd = host_rd(HOST_RD);

	assert_int_equal(sim_state(HOST_RD), GRANULE_RD);
	assert_int_equal(sim_refs(HOST_RD), 0);
	for (unsigned int i = 0; i < TABLES; i++) {
		assert_int_equal(sim_state(HOST_RTT + i * GRANULE_SIZE), GRANULE_RTT);
		assert_int_equal(sim_refs(HOST_RTT + i * GRANULE_SIZE), 0);
		assert_true(sim_is_zero(HOST_RTT + i * GRANULE_SIZE));
	}
	assert_int_equal(rd->state, REALM_NEW);
	assert_int_equal(rd->rec_index, 0);
	assert_int_equal(rd->vmid, 7);
	assert_int_equal(rd->s2.root.v, HOST_RTT);
	assert_int_equal(rd->s2.start_tables, TABLES);
	assert_int_equal(rd->s2.start_level, 2);
	assert_int_equal(rd->s2.context.vttbr >> 48, 7);
	assert_false(rd->s2.lpa2);
	assert_true(rd->features.sve && rd->features.pmu);
	assert_int_equal(rd->features.sve_vl, 3);
	assert_int_equal(rd->features.pmu_counters, 2);
	assert_int_equal(rd->features.breakpoints, 2);
	assert_int_equal(rd->features.watchpoints, 3);
	assert_int_equal(rd->hash_algo, RMI_HASH_SHA_512);
	assert_memory_equal(rd->rpv, params.rpv, sizeof(params.rpv));
	for (unsigned int i = 1; i < REALM_MEASUREMENTS; i++) {
		for (unsigned int j = 0; j < REALM_MEASUREMENT_SIZE; j++) {
			assert_int_equal(rd->measurement[i][j], 0);
		}
	}
}

/* What was not asked for is not kept: the host's numbers for absent features mean nothing. */
static void create_absent_features(void **state)
{
	struct rmi_realm_params params = host_params();

	(void)state;
	delegate_realm();
	params.sve_vl = 0xFF;
	params.pmu_num_ctrs = 0xFF;
	ASSERT_RMI_OK(host_realm_create(HOST_RD, &params));
	assert_false(host_rd(HOST_RD)->features.sve || host_rd(HOST_RD)->features.pmu);
	assert_int_equal(host_rd(HOST_RD)->features.sve_vl, 0);
	assert_int_equal(host_rd(HOST_RD)->features.pmu_counters, 0);
}

/* --- commands with an RD as input --- */

static void refuse_rd_align(uint64_t fid)
{
	const uint64_t args[] = {HOST_RD + 8};

	sim_delegate(HOST_RD);
	ASSERT_REFUSED(sim_call(fid, args, 1), RMI_ERROR_INPUT, rd_align);
}

static void refuse_rd_bound(uint64_t fid)
{
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(sim_call(fid, &not_delegable[i], 1), RMI_ERROR_INPUT, rd_bound);
	}
}

static void refuse_rd_state(uint64_t fid)
{
	for (unsigned int in = 0; in < GRANULE_STATE_COUNT; in++) {
		const uint64_t args[] = {sim_page(1 + in)};

		if (in != GRANULE_RD) {
			sim_make(args[0], in);
			ASSERT_REFUSED(sim_call(fid, args, 1), RMI_ERROR_INPUT, rd_state);
			assert_int_equal(sim_state(args[0]), in);
		}
	}
}

static void activate_rd_align(void **state)
{
	(void)state;
	refuse_rd_align(RMI_REALM_ACTIVATE_FID);
}

static void activate_rd_bound(void **state)
{
	(void)state;
	refuse_rd_bound(RMI_REALM_ACTIVATE_FID);
}

static void activate_rd_state(void **state)
{
	(void)state;
	refuse_rd_state(RMI_REALM_ACTIVATE_FID);
}

static void destroy_rd_align(void **state)
{
	(void)state;
	refuse_rd_align(RMI_REALM_DESTROY_FID);
}

static void destroy_rd_bound(void **state)
{
	(void)state;
	refuse_rd_bound(RMI_REALM_DESTROY_FID);
}

static void destroy_rd_state(void **state)
{
	(void)state;
	refuse_rd_state(RMI_REALM_DESTROY_FID);
}

static void activate_realm_state(void **state)
{
	uint64_t rd = host_make_realm(0, host_params());

	(void)state;
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	assert_int_equal(host_rd(rd)->state, REALM_ACTIVE);
	ASSERT_REFUSED(RMI(RMI_REALM_ACTIVATE, rd), RMI_ERROR_REALM, realm_state);
	assert_int_equal(host_rd(rd)->state, REALM_ACTIVE);
	host_rd(rd)->state = REALM_SYSTEM_OFF;
	ASSERT_REFUSED(RMI(RMI_REALM_ACTIVATE, rd), RMI_ERROR_REALM, realm_state);
	assert_int_equal(host_rd(rd)->state, REALM_SYSTEM_OFF);
}

static void activate_keeps_the_rim(void **state)
{
	uint64_t rd = host_make_realm(0, host_params());
	uint8_t before[REALM_MEASUREMENT_SIZE];

	(void)state;
	memcpy(before, host_rd(rd)->measurement[0], sizeof(before));
	ASSERT_RMI_OK(RMI(RMI_REALM_ACTIVATE, rd));
	assert_memory_equal(before, host_rd(rd)->measurement[0], sizeof(before));
}

static void check_gone(uint64_t rd, uint64_t tables, unsigned int count)
{
	assert_int_equal(sim_state(rd), GRANULE_DELEGATED);
	assert_true(sim_is_zero(rd));
	for (unsigned int i = 0; i < count; i++) {
		assert_int_equal(sim_state(tables + i * GRANULE_SIZE), GRANULE_DELEGATED);
		assert_true(sim_is_zero(tables + i * GRANULE_SIZE));
		ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, tables + i * GRANULE_SIZE));
	}
	ASSERT_RMI_OK(RMI(RMI_GRANULE_UNDELEGATE, rd));
}

static void destroy_in_every_state(void **state)
{
	(void)state;
	for (unsigned int in = REALM_NEW; in <= REALM_SYSTEM_OFF; in++) {
		uint64_t rd = host_make_realm(0, host_params());

		host_rd(rd)->state = in;
		ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd));
		check_gone(rd, HOST_RTT, TABLES);
	}
}

static void add_ref(uint64_t pa, enum granule_state state, bool add)
{
	struct granule_held held;

	assert_true(granule_lock(granule_find(pa_of(pa)), state, &held));
	if (add) {
		granule_ref(held, 1);
	} else {
		granule_unref(held.granule, 1);
	}
	granule_unlock(held);
}

static void destroy_realm_live(void **state)
{
	uint64_t rd = host_make_realm(0, host_params());
	uint64_t id = host_rd(rd)->id;

	(void)state;
	add_ref(rd, GRANULE_RD, true);
	ASSERT_REFUSED(RMI(RMI_REALM_DESTROY, rd), RMI_ERROR_REALM, realm_live);
	add_ref(rd, GRANULE_RD, false);
	for (unsigned int i = 0; i < TABLES; i++) {
		add_ref(HOST_RTT + i * GRANULE_SIZE, GRANULE_RTT, true);
		ASSERT_REFUSED(RMI(RMI_REALM_DESTROY, rd), RMI_ERROR_REALM, realm_live);
		add_ref(HOST_RTT + i * GRANULE_SIZE, GRANULE_RTT, false);
	}
	assert_int_equal(sim_state(rd), GRANULE_RD);
	assert_ptr_equal(realm_find(id), granule_find(pa_of(rd)));
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd));
	check_gone(rd, HOST_RTT, TABLES);
}

/* Mappings of the host's own memory are no reason to keep a realm; their translations go. */
static void destroy_with_unprotected_mappings(void **state)
{
	uint64_t rd = host_make_realm(0, host_params());
	uint64_t *entries = map_meta(granule_find(pa_of(HOST_RTT + 2 * GRANULE_SIZE)), GRANULE_RTT);
	unsigned int alls;

	(void)state;
	entries[5] = SIM_HIGH | 0x7FD;
	alls = machine_tlb_count().alls;
	ASSERT_RMI_OK(RMI(RMI_REALM_DESTROY, rd));
	assert_int_equal(machine_tlb_count().alls, alls + 1);
	check_gone(rd, HOST_RTT, TABLES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_REALM_CREATE params_align", create_params_align),
		SIM_TEST("RMI_REALM_CREATE params_bound", create_params_bound),
		SIM_TEST("RMI_REALM_CREATE params_pas", create_params_pas),
		SIM_TEST("RMI_REALM_CREATE params_pas: lost while read", create_params_pas_lost),
		SIM_TEST("RMI_REALM_CREATE reads its parameters once", create_reads_once),
		SIM_TEST("RMI_REALM_CREATE params_valid", create_params_valid),
		SIM_TEST("RMI_REALM_CREATE params_supp", create_params_supp),
		SIM_TEST("RMI_REALM_CREATE params_supp: a CPU with less",
			 create_params_supp_small_cpu),
		SIM_TEST("RMI_REALM_CREATE params_supp: tables beyond 48 bits",
			 create_params_supp_high_tables),
		SIM_TEST("RMI_REALM_CREATE params_supp: no counters", create_params_supp_hpmn0),
		SIM_TEST("RMI_REALM_CREATE ignores reserved bits", create_ignores_reserved),
		SIM_TEST("RMI_REALM_CREATE alias", create_alias),
		SIM_TEST("RMI_REALM_CREATE rd_align", create_rd_align),
		SIM_TEST("RMI_REALM_CREATE rd_bound", create_rd_bound),
		SIM_TEST("RMI_REALM_CREATE rd_state", create_rd_state),
		SIM_TEST("RMI_REALM_CREATE rtt_align", create_rtt_align),
		SIM_TEST("RMI_REALM_CREATE rtt_num_level", create_rtt_num_level),
		SIM_TEST("RMI_REALM_CREATE rtt_num_level: every geometry", create_every_geometry),
		SIM_TEST("RMI_REALM_CREATE rtt_state", create_rtt_state),
		SIM_TEST("RMI_REALM_CREATE vmid_valid", create_vmid_valid),
		SIM_TEST("RMI_REALM_CREATE vmid_valid: VMIDs of 8 bits", create_vmid_valid_8_bits),
		SIM_TEST("RMI_REALM_CREATE entropy", create_entropy),
		SIM_TEST("RMI_REALM_CREATE waits for entropy", create_waits_for_entropy),
		SIM_TEST("RMI_REALM_CREATE entropy: at every number",
			 create_entropy_at_every_number),
		SIM_TEST("instance id: begins with the realm id", instance_id_begins_with_the_id),
		SIM_TEST("RMI_REALM_CREATE makes the realm", create_makes_the_realm),
		SIM_TEST("RMI_REALM_CREATE without features", create_absent_features),
		SIM_TEST("realm id: never zero", id_never_zero),
		SIM_TEST("realm id: unique among live realms", id_unique_among_live),
		SIM_TEST("invariant 09: realm ids are not reused", id_fresh_at_every_creation),
		SIM_TEST("hazard 01: no realm gets the id of one that is gone",
			 id_not_from_the_host),
		SIM_TEST("realm id: found among ids of one bucket", find_among_many),
		SIM_TEST("RMI_REALM_ACTIVATE rd_align", activate_rd_align),
		SIM_TEST("RMI_REALM_ACTIVATE rd_bound", activate_rd_bound),
		SIM_TEST("RMI_REALM_ACTIVATE rd_state", activate_rd_state),
		SIM_TEST("RMI_REALM_ACTIVATE realm_state", activate_realm_state),
		SIM_TEST("RMI_REALM_ACTIVATE is not measured", activate_keeps_the_rim),
		SIM_TEST("RMI_REALM_DESTROY rd_align", destroy_rd_align),
		SIM_TEST("RMI_REALM_DESTROY rd_bound", destroy_rd_bound),
		SIM_TEST("RMI_REALM_DESTROY rd_state", destroy_rd_state),
		SIM_TEST("RMI_REALM_DESTROY realm_live", destroy_realm_live),
		SIM_TEST("RMI_REALM_DESTROY in every state", destroy_in_every_state),
		SIM_TEST("RMI_REALM_DESTROY with unprotected mappings",
			 destroy_with_unprotected_mappings),
	};

	return unit_run(tests);
}
