// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_AUX_COUNT, RMI_REC_CREATE, RMI_REC_DESTROY. */
#include "rec_unit.h"

static struct sim_realm realm;
static struct rmi_rec_params params;
static uint64_t rec;

static const uint64_t offsets[] = {1, 8, 0x800, GRANULE_SIZE - 1};
static const uint64_t not_delegable[] = {
	0, SIM_DEVICE, SIM_OWN, SIM_UNLISTED, UINT64_C(1) << 48 | SIM_MAIN, ~GRANULE_MASK};

/* A NEW realm, a granule for a REC, and parameters with granules that all are right. */
static void prepare_flags(uint64_t flags)
{
	sim_realm_prepare(&realm, SIM_PAGES / 2, 1);
	realm.params.flags = flags;
	realm.params.sve_vl = (flags & RMI_REALM_FLAG_SVE) != 0;
	realm.params.pmu_num_ctrs = (flags & RMI_REALM_FLAG_PMU) != 0 ? 4 : 0;
	sim_realm_create(&realm);
	rec = sim_realm_delegated(&realm);
	memset(&params, 0, sizeof(params));
	params.flags = RMI_REC_FLAG_RUNNABLE;
	params.num_aux = RMI(RMI_REC_AUX_COUNT, realm.rd).x[1];
	for (unsigned int i = 0; i < params.num_aux; i++) {
		params.aux[i] = sim_realm_delegated(&realm);
	}
}

static void prepare(void)
{
	prepare_flags(0);
}

static struct sim_answer create(void)
{
	sim_put(realm.scratch, &params, sizeof(params));
	return RMI(RMI_REC_CREATE, realm.rd, rec, realm.scratch);
}

/* What was refused before has left nothing behind, and the right call succeeds. */
static void expect_creatable(void)
{
	assert_int_equal(sim_state(rec), GRANULE_DELEGATED);
	assert_int_equal(sim_refs(realm.rd), 0);
	assert_int_equal(sim_rd(&realm)->rec_index, 0);
	for (unsigned int i = 0; i < params.num_aux; i++) {
		assert_int_equal(sim_state(params.aux[i]), GRANULE_DELEGATED);
	}
	ASSERT_RMI_OK(create());
}

static void aux_count(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	assert_int_equal(RMI(RMI_REC_AUX_COUNT, realm.rd).x[1], 1 + REC_ATTEST_PAGES);
	sim_realm_activate(&realm);
	assert_int_equal(RMI(RMI_REC_AUX_COUNT, realm.rd).x[1], 1 + REC_ATTEST_PAGES);

	sim_realm_prepare(&realm, SIM_PAGES / 4, 2);
	realm.params.flags = RMI_REALM_FLAG_SVE;
	realm.params.sve_vl = 1;
	sim_realm_create(&realm);
	assert_int_equal(RMI(RMI_REC_AUX_COUNT, realm.rd).x[1], ARCH_SIMD_PAGES + REC_ATTEST_PAGES);
}

static void aux_count_rd(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_AUX_COUNT, realm.rd + offsets[i]), RMI_ERROR_INPUT,
			       rd_align);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_AUX_COUNT, not_delegable[i]), RMI_ERROR_INPUT, rd_bound);
	}
	for (unsigned int wrong = 0; wrong < GRANULE_STATE_COUNT; wrong++) {
		if (wrong != GRANULE_RD) {
			sim_make(sim_page(wrong), wrong);
			ASSERT_REFUSED(RMI(RMI_REC_AUX_COUNT, sim_page(wrong)), RMI_ERROR_INPUT,
				       rd_state);
		}
	}
}

static void create_addresses_align(void **state)
{
	(void)state;
	prepare();
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, realm.scratch + offsets[i]),
			       RMI_ERROR_INPUT, params_align);
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec + offsets[i], realm.scratch),
			       RMI_ERROR_INPUT, rec_align);
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd + offsets[i], rec, realm.scratch),
			       RMI_ERROR_INPUT, rd_align);
	}
	expect_creatable();
}

static void create_addresses_bound(void **state)
{
	(void)state;
	prepare();
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, not_delegable[i]),
			       RMI_ERROR_INPUT, params_bound);
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, not_delegable[i], realm.scratch),
			       RMI_ERROR_INPUT, rec_bound);
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, not_delegable[i], rec, realm.scratch),
			       RMI_ERROR_INPUT, rd_bound);
	}
	expect_creatable();
}

static uint64_t copies_until_fault;

static void fault_later(pa_t pa)
{
	if (copies_until_fault-- == 0) {
		machine_set_pas(pa_of(align_down(pa.v, GRANULE_SIZE)), MACHINE_SECURE);
	}
}

static void create_params_pas(void **state)
{
	(void)state;
	prepare();
	for (unsigned int other = GRANULE_DELEGATED; other < GRANULE_STATE_COUNT; other++) {
		sim_make(sim_page(other), other);
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, sim_page(other)), RMI_ERROR_INPUT,
			       params_pas);
	}
	ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, SIM_SECURE), RMI_ERROR_INPUT, params_pas);
	ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, SIM_ROOT), RMI_ERROR_INPUT, params_pas);

	/* The page changes worlds while it is read, at any word. */
	for (unsigned int i = 0; i < 1 + 1 + 1 + RMI_REC_CREATE_GPRS + 1 + RMI_MAX_AUX; i++) {
		sim_put(realm.scratch, &params, sizeof(params));
		copies_until_fault = i;
		machine_on_copy = fault_later;
		ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, rec, realm.scratch), RMI_ERROR_INPUT,
			       params_pas);
		machine_on_copy = NULL;
		machine_set_pas(pa_of(realm.scratch), MACHINE_NS);
	}
	expect_creatable();
}

static void create_states(void **state)
{
	(void)state;
	prepare();
	sim_put(realm.scratch, &params, sizeof(params));
	for (unsigned int other = 0; other < GRANULE_STATE_COUNT; other++) {
		sim_make(sim_page(other), other);
		if (other != GRANULE_DELEGATED) {
			ASSERT_REFUSED(
				RMI(RMI_REC_CREATE, realm.rd, sim_page(other), realm.scratch),
				RMI_ERROR_INPUT, rec_state);
		}
		if (other != GRANULE_RD) {
			ASSERT_REFUSED(RMI(RMI_REC_CREATE, sim_page(other), rec, realm.scratch),
				       RMI_ERROR_INPUT, rd_state);
		}
	}
	expect_creatable();
}

static void create_realm_state(void **state)
{
	(void)state;
	prepare();
	sim_realm_activate(&realm);
	ASSERT_REFUSED(create(), RMI_ERROR_REALM, realm_state);
	sim_rd(&realm)->state = REALM_SYSTEM_OFF;
	ASSERT_REFUSED(create(), RMI_ERROR_REALM, realm_state);
	assert_int_equal(sim_state(rec), GRANULE_DELEGATED);
}

static void create_num_recs(void **state)
{
	unsigned int most =
		(1U << ABI_FIELD_GET(RMI_FEATURE0_MAX_RECS_ORDER, RMI(RMI_FEATURES, 0).x[1])) - 1;
	struct granule *rd;
	struct granule_held held;

	(void)state;
	prepare();
	rd = granule_find(pa_of(realm.rd));
	assert_true(granule_lock(rd, GRANULE_RD, &held));
	granule_ref(held, most);
	granule_unlock(held);
	ASSERT_REFUSED(create(), RMI_ERROR_REALM, num_recs);
	/* With one less there is room for one. */
	granule_unref(rd, 1);
	ASSERT_RMI_OK(create());
	granule_unref(rd, most - 1);
	assert_int_equal(sim_refs(realm.rd), 1);
}

static void create_mpidr_index(void **state)
{
	static const uint64_t wrong[] = {
		1, 0xF, 0x100, 0x10000, 0x1000000, 0x10, 0x80, UINT64_C(1) << 32, BIT(63)};

	(void)state;
	prepare();
	for (size_t i = 0; i < ARRAY_LENGTH(wrong); i++) {
		params.mpidr = wrong[i];
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, mpidr_index);
	}
	params.mpidr = 0;
	expect_creatable();
}

/* In the order of creation, over the end of the first field, and never one again. */
static void create_in_order(void **state)
{
	(void)state;
	prepare();
	ASSERT_RMI_OK(create());
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, rec));
	ASSERT_REFUSED(create(), RMI_ERROR_INPUT, mpidr_index);
	for (uint64_t index = 1; index < 20; index++) {
		params.mpidr = index % 16 | index / 16 << 8;
		ASSERT_RMI_OK(create());
		assert_int_equal(rec_of(granule_find(pa_of(rec)))->index, index);
		ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, rec));
	}
}

static void create_num_aux(void **state)
{
	uint64_t right;

	(void)state;
	prepare();
	right = params.num_aux;
	for (uint64_t n = 0; n <= RMI_MAX_AUX + 1; n++) {
		if (n == right) {
			continue;
		}
		for (uint64_t i = right; i < n && i < RMI_MAX_AUX; i++) {
			params.aux[i] = sim_realm_delegated(&realm);
		}
		params.num_aux = n;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, num_aux);
	}
	params.num_aux = ~UINT64_C(0);
	ASSERT_REFUSED(create(), RMI_ERROR_INPUT, num_aux);
	params.num_aux = UINT64_C(1) << 32 | right;
	ASSERT_REFUSED(create(), RMI_ERROR_INPUT, num_aux);
	params.num_aux = right;
	expect_creatable();
}

/* Whatever the realm has: so many granules as the host was told, no more and no fewer. */
static void create_with_aux_count(void **state)
{
	static const uint64_t flags[] = {0, RMI_REALM_FLAG_SVE, RMI_REALM_FLAG_PMU,
					 RMI_REALM_FLAG_SVE | RMI_REALM_FLAG_PMU};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(flags); i++) {
		uint64_t told;

		sim_reset();
		prepare_flags(flags[i]);
		told = params.num_aux;
		params.num_aux = told - 1;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, num_aux);
		params.num_aux = told + 1;
		params.aux[told] = sim_realm_delegated(&realm);
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, num_aux);
		params.num_aux = told;
		expect_creatable();
		for (uint64_t n = 0; n < told; n++) {
			assert_int_equal(sim_state(params.aux[n]), GRANULE_REC_AUX);
		}
	}
}

static void create_aux(void **state)
{
	(void)state;
	prepare();
	for (unsigned int i = 0; i < params.num_aux; i++) {
		uint64_t right = params.aux[i];

		params.aux[i] = right + 8;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_align);
		params.aux[i] = rec;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_alias);
		params.aux[i] = params.aux[(i + 1) % params.num_aux];
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_alias);
		params.aux[i] = realm.rd;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_state);
		params.aux[i] = SIM_DEVICE;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_state);
		params.aux[i] = realm.scratch;
		ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_state);
		params.aux[i] = right;
	}
	for (unsigned int other = 0; other < GRANULE_STATE_COUNT; other++) {
		uint64_t right = params.aux[1];

		if (other != GRANULE_DELEGATED) {
			sim_make(sim_page(other), other);
			params.aux[1] = sim_page(other);
			ASSERT_REFUSED(create(), RMI_ERROR_INPUT, aux_state);
			params.aux[1] = right;
		}
	}
	expect_creatable();
}

/* One granule in two roles is in the wrong state for one of them. */
static void create_two_roles(void **state)
{
	(void)state;
	prepare();
	sim_put(realm.scratch, &params, sizeof(params));
	ASSERT_REFUSED(RMI(RMI_REC_CREATE, rec, rec, realm.scratch), RMI_ERROR_INPUT, rd_state);
	ASSERT_REFUSED(RMI(RMI_REC_CREATE, realm.rd, realm.rd, realm.scratch), RMI_ERROR_INPUT,
		       rec_state);
	ASSERT_REFUSED(RMI(RMI_REC_CREATE, params.aux[0], rec, realm.scratch), RMI_ERROR_INPUT,
		       rd_state);
	expect_creatable();
}

static void created_rec(void **state)
{
	static struct arch_vcpu fresh;
	const struct rec *made;

	(void)state;
	prepare();
	params.pc = UINT64_C(0xFFFF000012345678);
	for (unsigned int i = 0; i < RMI_REC_CREATE_GPRS; i++) {
		params.gprs[i] = UINT64_C(0x7700000000000000) + i;
	}
	ASSERT_RMI_OK(create());
	assert_int_equal(sim_state(rec), GRANULE_REC);
	assert_int_equal(sim_refs(rec), 0);
	assert_int_equal(sim_refs(realm.rd), 1);
	for (unsigned int i = 0; i < params.num_aux; i++) {
		assert_int_equal(sim_state(params.aux[i]), GRANULE_REC_AUX);
	}

	made = rec_of(granule_find(pa_of(rec)));
	assert_true(made->runnable);
	assert_false(made->psci_pending);
	assert_int_equal(made->completion, REC_COMPLETE_NOTHING);
	arch_vcpu_reset(&fresh, &made->vcpu.config);
	fresh.pc = params.pc;
	memcpy(fresh.gprs, params.gprs, sizeof(params.gprs));
	assert_memory_equal(&made->vcpu, &fresh, sizeof(fresh));
	assert_int_equal(made->vcpu.config.vmpidr, BIT(31));
	assert_int_equal(made->vcpu.config.vttbr, sim_rd(&realm)->s2.context.vttbr);
	assert_int_equal(made->vcpu.config.vtcr, sim_rd(&realm)->s2.context.vtcr);
	assert_int_equal(made->vcpu.config.breakpoints, 1);
	assert_false(made->vcpu.config.sve);
	assert_false(made->vcpu.config.pmu);
}

/* Aff3 is at [31:24] for the host, and at [39:32] in the register that the realm reads. */
static void created_vmpidr(void **state)
{
	(void)state;
	prepare();
	sim_rd(&realm)->rec_index = 0x1234567;
	params.mpidr = 0x12345607;
	ASSERT_RMI_OK(create());
	assert_int_equal(rec_of(granule_find(pa_of(rec)))->vcpu.config.vmpidr,
			 UINT64_C(0x1280345607));
}

/* A REC is measured if and only if it can run from the start. */
static void created_measured(void **state)
{
	uint8_t before[REALM_MEASUREMENT_SIZE];

	(void)state;
	prepare();
	memcpy(before, sim_rd(&realm)->measurement[0], sizeof(before));
	params.flags = 0;
	ASSERT_RMI_OK(create());
	assert_memory_equal(before, sim_rd(&realm)->measurement[0], sizeof(before));
	assert_false(rec_of(granule_find(pa_of(rec)))->runnable);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, rec));
	params.flags = RMI_REC_FLAG_RUNNABLE;
	params.mpidr = 1;
	ASSERT_RMI_OK(create());
	assert_memory_not_equal(before, sim_rd(&realm)->measurement[0], sizeof(before));
}

static void destroy_rec_conditions(void **state)
{
	(void)state;
	sim_realm_ready(&realm, 1);
	for (size_t i = 0; i < ARRAY_LENGTH(offsets); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_DESTROY, realm.recs[0] + offsets[i]), RMI_ERROR_INPUT,
			       rec_align);
	}
	for (size_t i = 0; i < ARRAY_LENGTH(not_delegable); i++) {
		ASSERT_REFUSED(RMI(RMI_REC_DESTROY, not_delegable[i]), RMI_ERROR_INPUT, rec_bound);
	}
	for (unsigned int other = 0; other < GRANULE_STATE_COUNT; other++) {
		if (other != GRANULE_REC) {
			sim_make(sim_page(other), other);
			ASSERT_REFUSED(RMI(RMI_REC_DESTROY, sim_page(other)), RMI_ERROR_INPUT,
				       rec_gran_state);
		}
	}
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[0]));
}

static void destroy_running(void **state)
{
	struct granule_held held;
	struct granule *granule;

	(void)state;
	sim_realm_ready(&realm, 1);
	granule = granule_find(pa_of(realm.recs[0]));
	assert_true(granule_lock(granule, GRANULE_REC, &held));
	granule_ref(held, 1);
	granule_unlock(held);
	ASSERT_REFUSED(RMI(RMI_REC_DESTROY, realm.recs[0]), RMI_ERROR_REC, rec_state);
	granule_unref(granule, 1);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[0]));
}

static void destroyed_rec(void **state)
{
	(void)state;
	prepare();
	ASSERT_RMI_OK(create());
	memset(machine_raw(pa_of(params.aux[2])), 0x33, GRANULE_SIZE);
	ASSERT_REFUSED(RMI(RMI_REALM_DESTROY, realm.rd), RMI_ERROR_REALM, realm_live);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, rec));
	assert_int_equal(sim_refs(realm.rd), 0);
	assert_int_equal(sim_state(rec), GRANULE_DELEGATED);
	for (unsigned int i = 0; i < params.num_aux; i++) {
		assert_int_equal(sim_state(params.aux[i]), GRANULE_DELEGATED);
		assert_true(sim_is_zero(params.aux[i]));
	}
	ASSERT_REFUSED(RMI(RMI_REC_DESTROY, rec), RMI_ERROR_INPUT, rec_gran_state);
	sim_realm_destroy(&realm);
}

static void destroy_in_every_realm_state(void **state)
{
	(void)state;
	sim_realm_new(&realm, SIM_PAGES / 2, 1);
	for (unsigned int i = 0; i < 3; i++) {
		sim_rec_new(&realm, RMI_REC_FLAG_RUNNABLE, SIM_PC);
	}
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[0]));
	sim_realm_activate(&realm);
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[1]));
	sim_rd(&realm)->state = REALM_SYSTEM_OFF;
	ASSERT_RMI_OK(RMI(RMI_REC_DESTROY, realm.recs[2]));
	assert_int_equal(sim_refs(realm.rd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SIM_TEST("RMI_REC_AUX_COUNT", aux_count),
		SIM_TEST("RMI_REC_AUX_COUNT rd_align, RMI_REC_AUX_COUNT rd_bound, "
			 "RMI_REC_AUX_COUNT rd_state",
			 aux_count_rd),
		SIM_TEST("RMI_REC_CREATE params_align, RMI_REC_CREATE rec_align, "
			 "RMI_REC_CREATE rd_align",
			 create_addresses_align),
		SIM_TEST("RMI_REC_CREATE params_bound, RMI_REC_CREATE rec_bound, "
			 "RMI_REC_CREATE rd_bound",
			 create_addresses_bound),
		SIM_TEST("RMI_REC_CREATE params_pas", create_params_pas),
		SIM_TEST("RMI_REC_CREATE rec_state, RMI_REC_CREATE rd_state", create_states),
		SIM_TEST("RMI_REC_CREATE realm_state", create_realm_state),
		SIM_TEST("RMI_REC_CREATE num_recs", create_num_recs),
		SIM_TEST("RMI_REC_CREATE mpidr_index", create_mpidr_index),
		SIM_TEST("RMI_REC_CREATE in the order of MPIDRs", create_in_order),
		SIM_TEST("RMI_REC_CREATE num_aux", create_num_aux),
		SIM_TEST("RMI_REC_CREATE wants as many granules as RMI_REC_AUX_COUNT says",
			 create_with_aux_count),
		SIM_TEST("RMI_REC_CREATE aux_align, RMI_REC_CREATE aux_alias, "
			 "RMI_REC_CREATE aux_state",
			 create_aux),
		SIM_TEST("RMI_REC_CREATE, one granule in two roles", create_two_roles),
		SIM_TEST("RMI_REC_CREATE makes a PE after reset", created_rec),
		SIM_TEST("RMI_REC_CREATE, MPIDR of the realm", created_vmpidr),
		SIM_TEST("RMI_REC_CREATE measures a runnable REC", created_measured),
		SIM_TEST("RMI_REC_DESTROY rec_align, RMI_REC_DESTROY rec_bound, "
			 "RMI_REC_DESTROY rec_gran_state",
			 destroy_rec_conditions),
		SIM_TEST("RMI_REC_DESTROY rec_state", destroy_running),
		SIM_TEST("RMI_REC_DESTROY gives everything back, wiped", destroyed_rec),
		SIM_TEST("RMI_REC_DESTROY in every state of the realm",
			 destroy_in_every_realm_state),
	};

	return unit_run(tests);
}
