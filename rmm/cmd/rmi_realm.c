// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_REALM_CREATE, RMI_REALM_ACTIVATE and RMI_REALM_DESTROY (RMM specification B4.3.9, B4.3.8,
 * B4.3.10).
 */
#include "abi/rmi.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "csm/csm.h"
#include "feat/feat.h"
#include "map/map.h"
#include "realm/id.h"
#include "realm/measure.h"
#include "realm/vmid.h"

/* The narrowest IPA space, and the widest one without 52-bit addresses. */
#define IPA_BITS_MIN  32U
#define IPA_BITS_LPA1 48U
#define PA_BITS_LPA1  48U

_Static_assert(S2_MAX_START + 1 <= GRANULE_SET_MAX, "an RD and its start tables are one set");

static uint64_t read_params(pa_t page, struct rmi_realm_params *params)
{
	if (!is_aligned(page.v, GRANULE_SIZE)) {
		return FAIL(params_align, RMI_ERROR_INPUT);
	}
	if (granule_find(page) == NULL) {
		return FAIL(params_bound, RMI_ERROR_INPUT);
	}
	if (!map_host_read(page, 0, params, sizeof(*params))) {
		return FAIL(params_pas, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static bool params_valid(const struct rmi_realm_params *params)
{
	return params->hash_algo <= RMI_HASH_SHA_512 && params->num_bps != 0 &&
	       params->num_wps != 0;
}

static bool width_supported(const struct rmi_realm_params *params, const struct feat *has)
{
	bool lpa2 = (params->flags & RMI_REALM_FLAG_LPA2) != 0;

	return (!lpa2 || has->lpa2) && params->s2sz >= IPA_BITS_MIN &&
	       params->s2sz <= (lpa2 ? has->ipa_bits : min_u64(has->ipa_bits, IPA_BITS_LPA1));
}

static bool pmu_supported(const struct rmi_realm_params *params, const struct feat *has)
{
	if ((params->flags & RMI_REALM_FLAG_PMU) == 0) {
		return true;
	}
	return has->pmu && params->pmu_num_ctrs <= has->pmu_counters &&
	       (params->pmu_num_ctrs != 0 || has->hpmn0);
}

static bool params_supported(const struct rmi_realm_params *params, const struct feat *has)
{
	bool sve = (params->flags & RMI_REALM_FLAG_SVE) != 0;

	return width_supported(params, has) && pmu_supported(params, has) &&
	       (!sve || (has->sve && params->sve_vl <= has->sve_vl)) &&
	       params->num_bps <= has->breakpoints && params->num_wps <= has->watchpoints;
}

static bool geometry_valid(const struct rmi_realm_params *params)
{
	return params->rtt_num_start != 0 && params->rtt_num_start <= S2_MAX_START &&
	       s2_geometry_valid(params->s2sz, params->rtt_level_start, params->rtt_num_start,
				 (params->flags & RMI_REALM_FLAG_LPA2) != 0);
}

/*
 * What can be said without a lock. Nothing is computed from rtt_num_start before it is known good.
 */
static uint64_t check_params(const struct rmi_realm_params *params, uint64_t rd)
{
	if (!params_valid(params)) {
		return FAIL(params_valid, RMI_ERROR_INPUT);
	}
	if (!params_supported(params, feat())) {
		return FAIL(params_supp, RMI_ERROR_INPUT);
	}
	if (!geometry_valid(params)) {
		return FAIL(rtt_num_level, RMI_ERROR_INPUT);
	}
	if (rd >= params->rtt_base &&
	    rd - params->rtt_base <= (params->rtt_num_start - 1) * GRANULE_SIZE) {
		return FAIL(alias, RMI_ERROR_INPUT);
	}
	if (!is_aligned(rd, GRANULE_SIZE)) {
		return FAIL(rd_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(rd)) == NULL) {
		return FAIL(rd_bound, RMI_ERROR_INPUT);
	}
	if (params->rtt_base % (params->rtt_num_start * GRANULE_SIZE) != 0) {
		return FAIL(rtt_align, RMI_ERROR_INPUT);
	}
	/* Registers and entries of a realm without 52-bit addresses cannot name such a table. */
	if ((params->flags & RMI_REALM_FLAG_LPA2) == 0 && params->rtt_base >= BIT(PA_BITS_LPA1)) {
		return FAIL(params_supp, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* set[0] is the RD, then the start tables; all DELEGATED and locked after success. */
static uint64_t lock_all(const struct rmi_realm_params *params, uint64_t rd,
			 struct granule_wanted set[S2_MAX_START + 1])
{
	set[0] = (struct granule_wanted){.pa = pa_of(rd), .state = GRANULE_DELEGATED};
	for (unsigned int i = 0; i < params->rtt_num_start; i++) {
		set[i + 1] = (struct granule_wanted){
			.pa = pa_of(params->rtt_base + i * GRANULE_SIZE),
			.state = GRANULE_DELEGATED,
		};
	}

	int at_fault = granule_lock_set(set, params->rtt_num_start + 1);

	if (at_fault == 0) {
		return FAIL(rd_state, RMI_ERROR_INPUT);
	}
	if (at_fault > 0) {
		return FAIL(rtt_state, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* The realm's configuration in the RMM's own form. The parameters have been checked. */
static struct realm_config config_of(const struct rmi_realm_params *params)
{
	bool sve = (params->flags & RMI_REALM_FLAG_SVE) != 0;
	bool pmu = (params->flags & RMI_REALM_FLAG_PMU) != 0;

	return (struct realm_config){
		.features =
			{
				.sve = sve,
				.sve_vl = sve ? params->sve_vl : 0,
				.pmu = pmu,
				.pmu_counters = pmu ? params->pmu_num_ctrs : 0,
				.breakpoints = params->num_bps,
				.watchpoints = params->num_wps,
			},
		.root = pa_of(params->rtt_base),
		.ipa_bits = params->s2sz,
		.start_level = (int8_t)params->rtt_level_start,
		.start_tables = (uint8_t)params->rtt_num_start,
		.lpa2 = (params->flags & RMI_REALM_FLAG_LPA2) != 0,
		.vmid = params->vmid,
		.rpv = params->rpv,
	};
}

/*
 * Makes the realm of locked, zeroed granules and a reserved VMID. The realm id is the one thing
 * that may not be had: then the RD is as it was before, and false is returned.
 */
static bool build_realm(const struct rmi_realm_params *params, struct granule_held held)
{
	struct rd *rd = map_meta_open(held);
	struct realm_config config = config_of(params);

	realm_init(rd, held.granule, &config);
	if (!realm_id_assign(rd)) {
		map_meta_close(held);
		return false;
	}
	realm_measure_init(rd, params);
	return true;
}

/* What can still fail with everything locked: after success only stores are left to do. */
static uint64_t reserve_and_build(const struct rmi_realm_params *params, struct granule_held rd)
{
	if (!vmid_reserve(params->vmid)) {
		return FAIL(vmid_valid, RMI_ERROR_INPUT);
	}
	if (!build_realm(params, rd)) {
		vmid_release(params->vmid);
		return FAIL(entropy, RMI_ERROR_REALM);
	}
	return RMI_SUCCESS;
}

/* A start table of zeros has every entry UNASSIGNED and EMPTY, or UNASSIGNED_NS. */
static void commit_all(struct granule_wanted *set, unsigned int tables)
{
	for (unsigned int i = 1; i <= tables; i++) {
		(void)map_meta_open(set[i].held);
		granule_unlock_to(set[i].held, GRANULE_RTT);
	}
	granule_unlock_to(set[0].held, GRANULE_RD);
}

static void unlock_all(struct granule_wanted *set, unsigned int tables)
{
	for (unsigned int i = 0; i <= tables; i++) {
		granule_unlock(set[i].held);
	}
}

/*
 * RMI_REALM_CREATE (B4.3.9): makes an RD and its start tables out of DELEGATED granules. All of
 * them stay locked from the check to the commit.
 */
uint64_t rmi_realm_create(const struct smc_regs *in, struct rmi_out *out)
{
	struct rmi_realm_params params;
	struct granule_wanted set[S2_MAX_START + 1];
	uint64_t rd = in->x[1];
	uint64_t result = read_params(pa_of(in->x[2]), &params);

	(void)out;
	if (result == RMI_SUCCESS) {
		result = check_params(&params, rd);
	}
	if (result == RMI_SUCCESS) {
		result = lock_all(&params, rd, set);
	}
	if (result != RMI_SUCCESS) {
		return result;
	}

	result = reserve_and_build(&params, set[0].held);
	if (result == RMI_SUCCESS) {
		commit_all(set, params.rtt_num_start);
	} else {
		unlock_all(set, params.rtt_num_start);
	}
	return result;
}

/*
 * RMI_REALM_ACTIVATE (B4.3.8): NEW to ACTIVE, under the lock of the RD. The RIM is final from now
 * on.
 */
uint64_t rmi_realm_activate(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_held held;
	uint64_t result = cmd_lock_rd(in->x[1], &held);

	(void)out;
	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = realm_of(held.granule);

	if (atomic_load_explicit(&rd->state, memory_order_relaxed) != REALM_NEW) {
		granule_unlock(held);
		return FAIL(realm_state, RMI_ERROR_REALM);
	}
	atomic_store_explicit(&rd->state, REALM_ACTIVE, memory_order_relaxed);
	granule_unlock(held);
	return RMI_SUCCESS;
}

/*
 * Locks the start tables. With the RD locked and without RECs nobody can begin a walk, so a table
 * without live entries stays so; who is still in one holds its lock or that of a live child.
 */
static bool lock_start_tables(const struct rd *rd, struct granule_held tables[S2_MAX_START])
{
	bool live = false;

	for (unsigned int i = 0; i < rd->s2.start_tables; i++) {
		tables[i] = granule_lock_inner(realm_start_table(rd, i), GRANULE_RTT);
		live = live || granule_refs(tables[i].granule) != 0;
	}
	return !live;
}

/* RECs, an APT, or anything in its tables. The tables are only looked at. */
static bool is_live(struct granule_held held)
{
	const struct rd *rd = realm_of(held.granule);
	struct granule_held tables[S2_MAX_START];
	bool live;

	if (granule_refs(held.granule) != 0 || rmm_csm_in_use(rd)) {
		return true;
	}
	live = !lock_start_tables(rd, tables);
	for (unsigned int i = 0; i < rd->s2.start_tables; i++) {
		granule_unlock(tables[i]);
	}
	return live;
}

/*
 * Translations of unprotected memory may be left, and tables are walked by hardware: the VMID is
 * clean before a table or the VMID can be used for anything else.
 */
static void teardown(struct granule_held held, struct granule_held tables[S2_MAX_START])
{
	struct rd *rd = realm_of(held.granule);
	unsigned int count = rd->s2.start_tables;

	for (unsigned int i = 0; i < count; i++) {
		map_meta_close(tables[i]);
	}
	arch_tlb_s2_all(&rd->s2.context);
	for (unsigned int i = 0; i < count; i++) {
		granule_unlock_to(tables[i], GRANULE_DELEGATED);
	}
	vmid_release(rd->vmid);
	map_meta_close(held);
	granule_unlock_to(held, GRANULE_DELEGATED);
}

/*
 * RMI_REALM_DESTROY (B4.3.10): returns RD and start tables to DELEGATED. Waits until no other realm
 * has this one pinned (realm_id_retire()), with the RD locked.
 */
uint64_t rmi_realm_destroy(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_held held;
	struct granule_held tables[S2_MAX_START];
	bool empty;
	uint64_t result = cmd_lock_rd(in->x[1], &held);

	(void)out;
	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = realm_of(held.granule);

	if (is_live(held)) {
		granule_unlock(held);
		return FAIL(realm_live, RMI_ERROR_REALM);
	}
	/* Without RECs, tables and APT, and with the RD locked, it stays as it is. */
	realm_id_retire(rd);
	empty = lock_start_tables(rd, tables);
	ASSERT(empty);
	teardown(held, tables);
	return RMI_SUCCESS;
}
