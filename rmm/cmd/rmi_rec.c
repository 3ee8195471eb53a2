// SPDX-License-Identifier: BSD-3-Clause
/* RMI_REC_CREATE, RMI_REC_DESTROY and RMI_REC_AUX_COUNT (RMM specification B4.3.11-B4.3.13). */
#include <string.h>

#include "abi/rmi.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "feat/feat.h"
#include "map/map.h"
#include "realm/measure.h"
#include "rec/rec.h"

#define MAX_RECS ((1U << FEAT_MAX_RECS_ORDER) - 1)

/* MPIDR bits that RmiRecMpidr leaves no meaning. */
#define MPIDR_RESERVED (MASK(63, 32) | MASK(7, 4))

/* The locked granules of a creation: the RD, the REC, then the auxiliary ones. */
enum {
	SET_RD,
	SET_REC,
	SET_AUX,
};

_Static_assert(SET_AUX + RMI_MAX_AUX <= GRANULE_SET_MAX, "one ordered set holds them all");

#define READ_FIELD(page, params, field)                                               \
	map_host_read(page, offsetof(struct rmi_rec_params, field), &(params)->field, \
		      sizeof((params)->field))

/* The fields of the parameters, each copied once; all others stay zero. */
static bool read_params(pa_t page, struct rmi_rec_params *params)
{
	memset(params, 0, sizeof(*params));
	return READ_FIELD(page, params, flags) && READ_FIELD(page, params, mpidr) &&
	       READ_FIELD(page, params, pc) && READ_FIELD(page, params, gprs) &&
	       READ_FIELD(page, params, num_aux) && READ_FIELD(page, params, aux);
}

/* Conditions of the three addresses, in the order of the specification; nothing is locked. */
static uint64_t check_granule_args(const struct smc_regs *in)
{
	if (!is_aligned(in->x[3], GRANULE_SIZE)) {
		return FAIL(params_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(in->x[3])) == NULL) {
		return FAIL(params_bound, RMI_ERROR_INPUT);
	}
	if (!is_aligned(in->x[2], GRANULE_SIZE)) {
		return FAIL(rec_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(in->x[2])) == NULL) {
		return FAIL(rec_bound, RMI_ERROR_INPUT);
	}
	if (!is_aligned(in->x[1], GRANULE_SIZE)) {
		return FAIL(rd_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(in->x[1])) == NULL) {
		return FAIL(rd_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* Conditions of the list of auxiliary granules that need no lock. */
static uint64_t check_aux_args(const struct rmi_rec_params *params, uint64_t rec)
{
	if (params->num_aux > RMI_MAX_AUX) {
		return FAIL(num_aux, RMI_ERROR_INPUT);
	}
	for (uint64_t i = 0; i < params->num_aux; i++) {
		if (!is_aligned(params->aux[i], GRANULE_SIZE)) {
			return FAIL(aux_align, RMI_ERROR_INPUT);
		}
		if (params->aux[i] == rec) {
			return FAIL(aux_alias, RMI_ERROR_INPUT);
		}
		for (uint64_t j = 0; j < i; j++) {
			if (params->aux[i] == params->aux[j]) {
				return FAIL(aux_alias, RMI_ERROR_INPUT);
			}
		}
	}
	return RMI_SUCCESS;
}

/* Nothing is locked on failure. An address in two roles is in the wrong state for one of them. */
static uint64_t lock_all(const struct smc_regs *in, const struct rmi_rec_params *params,
			 struct granule_wanted *set)
{
	set[SET_RD] = (struct granule_wanted){.pa = pa_of(in->x[1]), .state = GRANULE_RD};
	set[SET_REC] = (struct granule_wanted){.pa = pa_of(in->x[2]), .state = GRANULE_DELEGATED};
	for (uint64_t i = 0; i < params->num_aux; i++) {
		set[SET_AUX + i] = (struct granule_wanted){.pa = pa_of(params->aux[i]),
							   .state = GRANULE_DELEGATED};
	}

	switch (granule_lock_set(set, SET_AUX + params->num_aux)) {
	case -1:
		return RMI_SUCCESS;
	case SET_RD:
		return FAIL(rd_state, RMI_ERROR_INPUT);
	case SET_REC:
		return FAIL(rec_state, RMI_ERROR_INPUT);
	default:
		return FAIL(aux_state, RMI_ERROR_INPUT);
	}
}

/* Conditions that depend on the realm, with its RD locked. */
static uint64_t check_realm(const struct granule *granule, const struct rmi_rec_params *params)
{
	const struct rd *rd = realm_of(granule);

	if (atomic_load_explicit(&rd->state, memory_order_relaxed) != REALM_NEW) {
		return FAIL(realm_state, RMI_ERROR_REALM);
	}
	if (granule_refs(granule) == MAX_RECS) {
		return FAIL(num_recs, RMI_ERROR_REALM);
	}
	if ((params->mpidr & MPIDR_RESERVED) != 0 ||
	    rmi_mpidr_to_index(params->mpidr) != rd->rec_index) {
		return FAIL(mpidr_index, RMI_ERROR_INPUT);
	}
	if (params->num_aux != rec_aux_count(&rd->features)) {
		return FAIL(num_aux, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static void unlock_all(struct granule_wanted *set, uint64_t num_aux)
{
	for (uint64_t i = 0; i < SET_AUX + num_aux; i++) {
		granule_unlock(set[i].held);
	}
}

/* Makes the REC out of the locked granules and unlocks them all. Cannot fail. */
static void commit_create(struct granule_wanted *set, const struct rmi_rec_params *params)
{
	struct granule *aux[RMI_MAX_AUX];
	struct granule *rd_granule = set[SET_RD].held.granule;
	struct rd *rd = realm_of(rd_granule);

	for (uint64_t i = 0; i < params->num_aux; i++) {
		struct granule_held held = set[SET_AUX + i].held;

		(void)map_meta_open(held);
		aux[i] = held.granule;
		granule_unlock_to(held, GRANULE_REC_AUX);
	}
	rec_create(map_meta_open(set[SET_REC].held),
		   &(struct rec_init){.rd = rd_granule, .params = params, .aux = aux});
	granule_unlock_to(set[SET_REC].held, GRANULE_REC);

	rd->rec_index++;
	granule_ref(set[SET_RD].held, 1);
	if ((params->flags & RMI_REC_FLAG_RUNNABLE) != 0) {
		realm_measure_rec(rd, params);
	}
	granule_unlock(set[SET_RD].held);
}

/*
 * RMI_REC_CREATE (B4.3.12): makes a REC and its auxiliary granules. Adds the REC to the RIM if it
 * is runnable.
 */
uint64_t rmi_rec_create(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[SET_AUX + RMI_MAX_AUX];
	struct rmi_rec_params params;
	uint64_t status = check_granule_args(in);

	(void)out;
	if (status != RMI_SUCCESS) {
		return status;
	}
	if (!read_params(pa_of(in->x[3]), &params)) {
		return FAIL(params_pas, RMI_ERROR_INPUT);
	}
	status = check_aux_args(&params, in->x[2]);
	if (status != RMI_SUCCESS) {
		return status;
	}

	status = lock_all(in, &params, set);
	if (status != RMI_SUCCESS) {
		return status;
	}
	status = check_realm(set[SET_RD].held.granule, &params);
	if (status != RMI_SUCCESS) {
		unlock_all(set, params.num_aux);
		return status;
	}

	commit_create(set, &params);
	return RMI_SUCCESS;
}

static void release(struct granule_held held)
{
	map_meta_close(held);
	granule_unlock_to(held, GRANULE_DELEGATED);
}

/* RMI_REC_DESTROY (B4.3.13): wipes a REC that does not run, and its auxiliary granules. */
uint64_t rmi_rec_destroy(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule *granule = granule_find(pa_of(in->x[1]));
	struct granule_held held;

	(void)out;
	if (!is_aligned(in->x[1], GRANULE_SIZE)) {
		return FAIL(rec_align, RMI_ERROR_INPUT);
	}
	if (granule == NULL) {
		return FAIL(rec_bound, RMI_ERROR_INPUT);
	}
	if (!granule_lock(granule, GRANULE_REC, &held)) {
		return FAIL(rec_gran_state, RMI_ERROR_INPUT);
	}
	if (granule_refs(granule) != 0) {
		granule_unlock(held);
		return FAIL(rec_state, RMI_ERROR_REC);
	}

	const struct rec *rec = rec_of(granule);
	struct granule *rd = rec->rd;

	for (unsigned int i = 0; i < rec->aux_count; i++) {
		release(granule_lock_inner(rec->aux[i], GRANULE_REC_AUX));
	}
	release(held);
	granule_unref(rd, 1);
	return RMI_SUCCESS;
}

/* RMI_REC_AUX_COUNT (B4.3.11): number of auxiliary granules that RMI_REC_CREATE requires. */
uint64_t rmi_rec_aux_count(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_held held;
	uint64_t status = cmd_lock_rd(in->x[1], &held);

	if (status != RMI_SUCCESS) {
		return status;
	}
	out->x[1] = rec_aux_count(&realm_of(held.granule)->features);
	granule_unlock(held);
	return RMI_SUCCESS;
}
