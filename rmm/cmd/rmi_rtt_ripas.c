// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_RTT_INIT_RIPAS and RMI_RTT_SET_RIPAS (RMM specification B4.3.18, B4.3.21): one table per call
 * at most, the host goes on from out_top. Decisions: docs/decisions/rtt.md.
 */
#include "abi/rmi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "realm/measure.h"
#include "rec/rec.h"

static uint64_t check_init(struct rd *rd, uint64_t base, uint64_t top)
{
	if (top <= base) {
		return FAIL(size_valid, RMI_ERROR_INPUT);
	}
	/* Below one page this wraps, and is no address of the realm. */
	if (!s2_ipa_protected(&rd->s2, ipa_of(top - GRANULE_SIZE))) {
		return FAIL(top_bound, RMI_ERROR_INPUT);
	}
	if (atomic_load_explicit(&rd->state, memory_order_relaxed) != REALM_NEW) {
		return FAIL(realm_state, RMI_ERROR_REALM);
	}
	return RMI_SUCCESS;
}

/* base < top <= 2^(w-1) + 4095, so base is an IPA, though perhaps not a protected one. */
static uint64_t check_init_walk(const struct s2_walk *walk, ipa_t top, ipa_t *end)
{
	if (!is_aligned(walk->ipa.v, s2_entry_size(walk->level))) {
		return FAIL(base_align, cmd_rtt_error(walk));
	}
	if (walk->entry.kind != S2_UNASSIGNED) {
		return FAIL(rtte_state, cmd_rtt_error(walk));
	}
	if (!is_aligned(top.v, GRANULE_SIZE)) {
		return FAIL(top_gran_align, RMI_ERROR_INPUT);
	}
	*end = s2_run_end(walk, top, S2_STOP_ASSIGNED);
	if (end->v == walk->ipa.v) {
		return FAIL(no_progress, cmd_rtt_error(walk));
	}
	return RMI_SUCCESS;
}

/*
 * RMI_RTT_INIT_RIPAS (B4.3.18): sets RIPAS RAM for entries of one table and extends the RIM for
 * each. Keeps the RD locked throughout.
 */
uint64_t rmi_rtt_init_ripas(const struct smc_regs *in, struct rmi_out *out)
{
	ipa_t base = ipa_of(in->x[2]);
	ipa_t top = ipa_of(in->x[3]);
	ipa_t end = base;
	struct granule_held held;
	struct s2_walk walk;
	uint64_t result = cmd_lock_rd(in->x[1], &held);

	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = realm_of(held.granule);

	result = check_init(rd, base.v, top.v);
	if (result != RMI_SUCCESS) {
		granule_unlock(held);
		return result;
	}
	s2_walk(&rd->s2, base, S2_LEVEL_PAGE, &walk);
	result = check_init_walk(&walk, top, &end);
	if (result == RMI_SUCCESS) {
		s2_set_ripas(&walk, end, S2_RAM);
		out->x[1] = end.v;
	}
	s2_walk_end(&walk);

	/* The RD's lock keeps others from measuring in between. */
	if (result == RMI_SUCCESS) {
		realm_measure_ripas(rd, base, end, s2_entry_size(walk.level));
	}
	granule_unlock(held);
	return result;
}

static uint64_t rec_fault(uint64_t rec)
{
	if (!is_aligned(rec, GRANULE_SIZE)) {
		return FAIL(rec_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(rec)) == NULL) {
		return FAIL(rec_bound, RMI_ERROR_INPUT);
	}
	return FAIL(rec_gran_state, RMI_ERROR_INPUT);
}

/* Against the request that the REC has made: without one, base and top of it are both 0. */
static uint64_t check_request(struct granule_held held, const struct granule *rd, uint64_t base,
			      uint64_t top)
{
	const struct rec *rec = rec_of(held.granule);

	if (granule_refs(held.granule) != 0) {
		return FAIL(rec_state, RMI_ERROR_REC);
	}
	if (rec->rd != rd) {
		return FAIL(rec_owner, RMI_ERROR_REC);
	}
	if (top <= base) {
		return FAIL(size_valid, RMI_ERROR_INPUT);
	}
	if (base != rec->ripas_base.v) {
		return FAIL(base_bound, RMI_ERROR_INPUT);
	}
	if (top > rec->ripas_top.v) {
		return FAIL(top_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/*
 * If the first entry has the RIPAS already, there is progress to its end even where no whole entry
 * is taken: nothing of it has to change.
 */
static uint64_t set_ripas(struct s2_walk *walk, ipa_t top, const struct rec *rec, ipa_t *end)
{
	uint64_t size = s2_entry_size(walk->level);
	bool done = walk->entry.ripas == rec->ripas_value;

	if (!is_aligned(walk->ipa.v, size) && !done) {
		return FAIL(base_align, cmd_rtt_error(walk));
	}
	if (!is_aligned(top.v, GRANULE_SIZE)) {
		return FAIL(top_gran_align, RMI_ERROR_INPUT);
	}
	*end = s2_run_end(walk, top, rec->ripas_change_destroyed ? 0 : S2_STOP_DESTROYED);
	if (end->v > walk->ipa.v) {
		s2_set_ripas(walk, *end, rec->ripas_value);
		return RMI_SUCCESS;
	}
	if (!done) {
		return FAIL(no_progress, cmd_rtt_error(walk));
	}
	*end = ipa_of(min_u64(top.v, align_down(walk->ipa.v, size) + size));
	return RMI_SUCCESS;
}

/* RMI_RTT_SET_RIPAS (B4.3.21): carries out a part of a REC's request, within one table. */
uint64_t rmi_rtt_set_ripas(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[] = {
		{.pa = pa_of(in->x[1]), .state = GRANULE_RD},
		{.pa = pa_of(in->x[2]), .state = GRANULE_REC},
	};
	uint64_t base = in->x[3];
	ipa_t top = ipa_of(in->x[4]);
	ipa_t end = top;
	struct s2_walk walk;
	int at_fault = granule_lock_set(set, ARRAY_LENGTH(set));

	if (at_fault >= 0) {
		return at_fault == 0 ? cmd_rd_fault(in->x[1]) : rec_fault(in->x[2]);
	}

	struct granule_held rd = set[0].held;
	struct granule_held rec = set[1].held;
	struct cmd_shared shared;
	uint64_t result = check_request(rec, rd.granule, base, top.v);

	cmd_shared_enter(rd, realm_of(rd.granule), &shared);
	/* A request can be older than a region or reservation of another REC. */
	if (result == RMI_SUCCESS && rmm_csm_is_taken(shared.csm, ipa_of(base), top)) {
		result = FAIL(csm_range, RMI_ERROR_INPUT);
	}
	if (result != RMI_SUCCESS) {
		granule_unlock(rec);
		cmd_shared_unlock(&shared);
		return result;
	}
	cmd_shared_walk(&shared, base, S2_LEVEL_PAGE, &walk);
	result = set_ripas(&walk, top, rec_of(rec.granule), &end);
	if (result == RMI_SUCCESS) {
		rec_of(rec.granule)->ripas_base = end;
		out->x[1] = end.v;
	}
	s2_walk_end(&walk);
	granule_unlock(rec);
	cmd_shared_leave(&shared);
	return result;
}
