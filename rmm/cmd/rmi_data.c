// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_DATA_CREATE, RMI_DATA_CREATE_UNKNOWN and RMI_DATA_DESTROY (RMM specification B4.3.1, B4.3.2,
 * B4.3.3).
 */
#include "abi/rmi.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "map/map.h"
#include "realm/measure.h"

/* What both ways to create begin with: x1 RD, x2 data, x3 IPA. */
struct creation {
	struct granule_held rd;
	struct rd *realm;
	struct granule_held data;
	pa_t page;
	uint64_t ipa;
	struct s2_walk walk;
};

static uint64_t check_src(pa_t src)
{
	const struct granule *granule = granule_find(src);

	if (!is_aligned(src.v, GRANULE_SIZE)) {
		return FAIL(src_align, RMI_ERROR_INPUT);
	}
	if (granule == NULL) {
		return FAIL(src_bound, RMI_ERROR_INPUT);
	}
	if (granule_peek(granule) != GRANULE_UNDELEGATED) {
		return FAIL(src_pas, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static uint64_t data_fault(uint64_t data)
{
	if (!is_aligned(data, GRANULE_SIZE)) {
		return FAIL(data_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(data)) == NULL) {
		return FAIL(data_bound, RMI_ERROR_INPUT);
	}
	return FAIL(data_state, RMI_ERROR_INPUT);
}

static uint64_t check_ipa(const struct s2 *s2, uint64_t ipa)
{
	if (!is_aligned(ipa, GRANULE_SIZE)) {
		return FAIL(ipa_align, RMI_ERROR_INPUT);
	}
	if (!s2_ipa_protected(s2, ipa_of(ipa))) {
		return FAIL(ipa_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static void unlock_creation(const struct creation *creation)
{
	granule_unlock(creation->data);
	granule_unlock(creation->rd);
}

/* Locks the RD and the granule and checks the arguments; after a failure nothing is locked. */
static uint64_t lock_creation(const struct smc_regs *in, struct creation *creation)
{
	struct granule_wanted set[] = {
		{.pa = pa_of(in->x[1]), .state = GRANULE_RD},
		{.pa = pa_of(in->x[2]), .state = GRANULE_DELEGATED},
	};
	int at_fault = granule_lock_set(set, ARRAY_LENGTH(set));
	uint64_t result;

	if (at_fault >= 0) {
		return at_fault == 0 ? cmd_rd_fault(in->x[1]) : data_fault(in->x[2]);
	}
	creation->rd = set[0].held;
	creation->data = set[1].held;
	creation->page = set[1].pa;
	creation->ipa = in->x[3];

	creation->realm = realm_of(creation->rd.granule);

	const struct s2 *s2 = &creation->realm->s2;

	if (!s2_pa_fits(s2, creation->page)) {
		result = FAIL(data_bound2, RMI_ERROR_INPUT);
	} else {
		result = check_ipa(s2, creation->ipa);
	}
	if (result != RMI_SUCCESS) {
		unlock_creation(creation);
	}
	return result;
}

static uint64_t check_free(const struct s2_walk *walk)
{
	uint64_t result = cmd_check_walk(walk, S2_LEVEL_PAGE);

	if (result == RMI_SUCCESS && walk->entry.kind != S2_UNASSIGNED) {
		result = FAIL(rtte_state, cmd_rtt_error(walk));
	}
	return result;
}

/* The granule becomes the page at the walk's entry. Ends the walk, unlocks the granule. */
static void commit_creation(struct creation *creation, enum s2_ripas ripas)
{
	s2_replace(&creation->walk, (struct s2_entry){
					    .kind = S2_ASSIGNED,
					    .ripas = ripas,
					    .pa = creation->page,
				    });
	granule_unlock_to(creation->data, GRANULE_DATA);
	s2_walk_end(&creation->walk);
}

/* Fills the granule and commits, or leaves it as it was. The RD stays locked: its RIM changes. */
static uint64_t copy_and_commit(struct creation *creation, pa_t src, uint64_t flags)
{
	const void *content = map_data_fill(creation->data, src);

	if (content == NULL) {
		s2_walk_end(&creation->walk);
		granule_unlock(creation->data);
		return FAIL(src_pas, RMI_ERROR_INPUT);
	}
	realm_measure_data(creation->realm, ipa_of(creation->ipa), flags,
			   (flags & RMI_DATA_FLAG_MEASURE) != 0 ? content : NULL);
	map_data_close();
	commit_creation(creation, S2_RAM);
	return RMI_SUCCESS;
}

/*
 * RMI_DATA_CREATE (B4.3.1): copies a host page into a granule, measures it and maps it, while the
 * realm is NEW. Keeps the RD locked throughout, because the RIM changes.
 */
uint64_t rmi_data_create(const struct smc_regs *in, struct rmi_out *out)
{
	pa_t src = pa_of(in->x[4]);
	struct creation creation;
	uint64_t result = check_src(src);

	(void)out;
	if (result == RMI_SUCCESS) {
		result = lock_creation(in, &creation);
	}
	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = creation.realm;

	if (atomic_load_explicit(&rd->state, memory_order_relaxed) != REALM_NEW) {
		unlock_creation(&creation);
		return FAIL(realm_state, RMI_ERROR_REALM);
	}
	s2_walk(&rd->s2, ipa_of(creation.ipa), S2_LEVEL_PAGE, &creation.walk);
	result = check_free(&creation.walk);
	if (result == RMI_SUCCESS) {
		result = copy_and_commit(&creation, src, in->x[5]);
	} else {
		s2_walk_end(&creation.walk);
		granule_unlock(creation.data);
	}
	granule_unlock(creation.rd);
	return result;
}

/*
 * RMI_DATA_CREATE_UNKNOWN (B4.3.2): maps a zeroed granule. If the page is in a region, attached
 * consumers can access it from now on.
 */
uint64_t rmi_data_create_unknown(const struct smc_regs *in, struct rmi_out *out)
{
	struct creation creation;
	struct cmd_shared shared;
	struct rmm_csm_range *range;
	enum s2_ripas ripas;
	uint64_t result = lock_creation(in, &creation);
	ipa_t ipa = ipa_of(in->x[3]);

	(void)out;
	if (result != RMI_SUCCESS) {
		return result;
	}
	cmd_shared_enter(creation.rd, creation.realm, &shared);
	range = rmm_csm_at(shared.csm, ipa);
	if (rmm_csm_is_reserved(range)) {
		cmd_shared_unlock(&shared);
		granule_unlock(creation.data);
		return FAIL(csm_reserved, RMI_ERROR_INPUT);
	}
	cmd_shared_walk(&shared, ipa.v, S2_LEVEL_PAGE, &creation.walk);
	result = check_free(&creation.walk);
	if (result == RMI_SUCCESS) {
		ripas = creation.walk.entry.ripas;
		commit_creation(&creation, ripas);
		if (range != NULL && ripas == S2_RAM) {
			rmm_csm_page_added(range, shared.csm.rd, ipa, creation.page);
		}
	} else {
		s2_walk_end(&creation.walk);
		granule_unlock(creation.data);
	}
	cmd_shared_leave(&shared);
	return result;
}

/* Where RAM was there is nothing that the realm could take for its own from now on. */
static struct s2_entry without_page(const struct s2_entry *entry)
{
	return (struct s2_entry){
		.kind = S2_UNASSIGNED,
		.ripas = entry->ripas == S2_RAM ? S2_DESTROYED : entry->ripas,
	};
}

/*
 * The page is in no table any more, so out of reach of everybody: the wipe needs no table's lock.
 */
static void release(pa_t page)
{
	struct granule_held data = granule_lock_inner(granule_find(page), GRANULE_DATA);
	bool wiped = map_wipe(data);

	ASSERT(wiped);
	granule_unlock_to(data, GRANULE_DELEGATED);
}

/*
 * RMI_DATA_DESTROY (B4.3.3): unmaps a page from the realm and from all consumers, then wipes it and
 * returns it to DELEGATED. out->x[2] is set on every path after the walk.
 */
uint64_t rmi_data_destroy(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_held rd;
	struct rd *realm;
	struct cmd_shared shared;
	struct s2_walk walk;
	uint64_t result = cmd_lock_rd(in->x[1], &rd);

	if (result != RMI_SUCCESS) {
		return result;
	}
	realm = realm_of(rd.granule);
	result = check_ipa(&realm->s2, in->x[2]);
	if (result != RMI_SUCCESS) {
		granule_unlock(rd);
		return result;
	}
	cmd_shared_enter(rd, realm, &shared);
	cmd_shared_walk(&shared, in->x[2], S2_LEVEL_PAGE, &walk);
	result = cmd_check_walk(&walk, S2_LEVEL_PAGE);
	if (result == RMI_SUCCESS && walk.entry.kind != S2_ASSIGNED) {
		result = FAIL(rtte_state, cmd_rtt_error(&walk));
	}
	if (result == RMI_SUCCESS) {
		out->x[1] = walk.entry.pa.v;
		s2_replace(&walk, without_page(&walk.entry));
	}
	out->x[2] = s2_next_live(&walk).v;
	s2_walk_end(&walk);
	if (result == RMI_SUCCESS) {
		struct rmm_csm_range *range = rmm_csm_at(shared.csm, ipa_of(in->x[2]));

		if (range != NULL) {
			rmm_csm_page_lost(range, shared.csm.rd, ipa_of(in->x[2]));
		}
		release(pa_of(out->x[1]));
	}
	cmd_shared_leave(&shared);
	return result;
}
