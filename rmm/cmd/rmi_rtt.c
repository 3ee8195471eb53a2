// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_RTT_CREATE, RMI_RTT_DESTROY, RMI_RTT_FOLD and RMI_RTT_READ_ENTRY (RMM specification B4.3.15,
 * B4.3.16, B4.3.17, B4.3.20). `level` is that of the table; the entry that leads to it is one
 * above.
 */
#include "abi/rmi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"

static uint64_t rtt_fault(uint64_t rtt)
{
	if (!is_aligned(rtt, GRANULE_SIZE)) {
		return FAIL(rtt_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(rtt)) == NULL) {
		return FAIL(rtt_bound, RMI_ERROR_INPUT);
	}
	return FAIL(rtt_state, RMI_ERROR_INPUT);
}

static uint64_t check_create(const struct s2 *s2, uint64_t ipa, int64_t level, pa_t rtt)
{
	uint64_t result = cmd_check_table(s2, ipa, level);

	if (result == RMI_SUCCESS && !s2_pa_fits(s2, rtt)) {
		result = FAIL(rtt_bound2, RMI_ERROR_INPUT);
	}
	return result;
}

/*
 * RMI_RTT_CREATE (B4.3.15): puts a table where an entry or block is. The table translates as the
 * entry did.
 */
uint64_t rmi_rtt_create(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[] = {
		{.pa = pa_of(in->x[1]), .state = GRANULE_RD},
		{.pa = pa_of(in->x[2]), .state = GRANULE_DELEGATED},
	};
	uint64_t ipa = in->x[3];
	int64_t level = (int64_t)in->x[4];
	struct s2_walk walk;
	int at_fault = granule_lock_set(set, ARRAY_LENGTH(set));

	(void)out;
	if (at_fault >= 0) {
		return at_fault == 0 ? cmd_rd_fault(in->x[1]) : rtt_fault(in->x[2]);
	}

	struct granule_held rd = set[0].held;
	struct granule_held rtt = set[1].held;
	uint64_t result = check_create(&realm_of(rd.granule)->s2, ipa, level, set[1].pa);

	if (result != RMI_SUCCESS) {
		granule_unlock(rtt);
		granule_unlock(rd);
		return result;
	}
	cmd_walk(rd, ipa, level - 1, &walk);
	result = cmd_check_walk(&walk, level - 1);
	if (result == RMI_SUCCESS && walk.entry.kind == S2_TABLE) {
		result = FAIL(rtte_state, cmd_rtt_error(&walk));
	}
	if (result == RMI_SUCCESS) {
		s2_table_add(&walk, rtt);
	} else {
		granule_unlock(rtt);
	}
	s2_walk_end(&walk);
	return result;
}

/* What RMI_RTT_DESTROY and RMI_RTT_FOLD begin with; after a failure nothing is locked. */
static uint64_t lock_realm(const struct smc_regs *in, struct granule_held *rd)
{
	uint64_t result = cmd_lock_rd(in->x[1], rd);

	if (result == RMI_SUCCESS) {
		result = cmd_check_table(&realm_of(rd->granule)->s2, in->x[2], (int64_t)in->x[3]);
		if (result != RMI_SUCCESS) {
			granule_unlock(*rd);
		}
	}
	return result;
}

/* Whether the walk has ended at the entry that leads to the table. */
static uint64_t check_table(const struct s2_walk *walk, int64_t level)
{
	uint64_t result = cmd_check_walk(walk, level - 1);

	if (result == RMI_SUCCESS && walk->entry.kind != S2_TABLE) {
		result = FAIL(rtte_state, cmd_rtt_error(walk));
	}
	return result;
}

/* An entry without a table: nothing is there, and nobody said what is to be there instead. */
static struct s2_entry destroyed(const struct s2_walk *walk)
{
	if (s2_ipa_protected(walk->s2, walk->ipa)) {
		return (struct s2_entry){.kind = S2_UNASSIGNED, .ripas = S2_DESTROYED};
	}
	return (struct s2_entry){.kind = S2_UNASSIGNED_NS};
}

/*
 * RMI_RTT_DESTROY (B4.3.16): removes a table without live entries. Shared mappings in it end with
 * it.
 */
uint64_t rmi_rtt_destroy(const struct smc_regs *in, struct rmi_out *out)
{
	int64_t level = (int64_t)in->x[3];
	struct granule_held rd;
	struct s2_walk walk;
	uint64_t result = lock_realm(in, &rd);

	if (result != RMI_SUCCESS) {
		return result;
	}

	/* The walk keeps the realm. */
	const struct rd *realm = realm_of(rd.granule);

	cmd_walk(rd, in->x[2], level - 1, &walk);
	result = check_table(&walk, level);
	if (result != RMI_SUCCESS) {
		out->x[2] = s2_next_live(&walk).v;
		s2_walk_end(&walk);
		return result;
	}

	struct granule_held below = s2_table_below(&walk);

	if (granule_refs(below.granule) != 0) {
		out->x[2] = walk.ipa.v;
		granule_unlock(below);
		s2_walk_end(&walk);
		return FAIL(rtt_live, rmi_status_rtt(level));
	}
	s2_replace(&walk, destroyed(&walk));
	if (rmm_csm_in_use(realm)) {
		/* Before another command can miss the entries and release the pages they map. */
		s2_share_drop(walk.s2, below, walk.level + 1);
	}
	out->x[1] = granule_pa(below.granule).v;
	out->x[2] = s2_next_live(&walk).v;
	s2_walk_end(&walk);
	s2_table_free(below);
	return RMI_SUCCESS;
}

/*
 * Whether the table can become the one entry *folded. A block that reaches across the edge of a
 * region is none: it could be sealed neither with the region nor without it.
 */
static bool is_foldable(const struct s2_walk *walk, struct rmm_csm_held csm,
			struct granule_held below, struct s2_entry *folded)
{
	ipa_t top = ipa_add(walk->ipa, s2_entry_size(walk->level));

	return s2_table_uniform(walk, below, folded) &&
	       (folded->kind != S2_ASSIGNED || !rmm_csm_has_edge(csm, walk->ipa, top));
}

/*
 * RMI_RTT_FOLD (B4.3.17): replaces a homogeneous table by one entry or block. Holds the CSM lock of
 * the realm, so that no region edge appears inside the block meanwhile.
 */
uint64_t rmi_rtt_fold(const struct smc_regs *in, struct rmi_out *out)
{
	int64_t level = (int64_t)in->x[3];
	struct granule_held rd;
	struct granule_held below;
	struct cmd_shared shared;
	struct s2_walk walk;
	struct s2_entry folded;
	uint64_t result = lock_realm(in, &rd);

	if (result != RMI_SUCCESS) {
		return result;
	}
	cmd_shared_enter(rd, realm_of(rd.granule), &shared);
	cmd_shared_walk(&shared, in->x[2], level - 1, &walk);
	result = check_table(&walk, level);
	if (result == RMI_SUCCESS) {
		below = s2_table_below(&walk);
		if (is_foldable(&walk, shared.csm, below, &folded)) {
			out->x[1] = granule_pa(below.granule).v;
			s2_replace(&walk, folded);
		} else {
			granule_unlock(below);
			result = FAIL(rtt_homo, rmi_status_rtt(level));
		}
	}
	s2_walk_end(&walk);
	cmd_shared_leave(&shared);
	if (result == RMI_SUCCESS) {
		s2_table_free(below);
	}
	return result;
}

static uint64_t entry_state(enum s2_kind kind)
{
	switch (kind) {
	case S2_UNASSIGNED:
	case S2_UNASSIGNED_NS:
	case S2_SHARED:
		break;
	case S2_ASSIGNED:
	case S2_ASSIGNED_NS:
		return RMI_ASSIGNED;
	case S2_TABLE:
		return RMI_TABLE;
	}
	return RMI_UNASSIGNED;
}

static uint64_t check_read(const struct s2 *s2, uint64_t ipa, int64_t level)
{
	if (level < s2->start_level || level > S2_LEVEL_PAGE) {
		return FAIL(level_bound, RMI_ERROR_INPUT);
	}
	if (!is_aligned(ipa, s2_entry_size((int)level))) {
		return FAIL(ipa_align, RMI_ERROR_INPUT);
	}
	if (!s2_ipa_valid(s2, ipa_of(ipa))) {
		return FAIL(ipa_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/*
 * RMI_RTT_READ_ENTRY (B4.3.20): returns state, RIPAS and descriptor of the entry where the walk
 * ends.
 */
uint64_t rmi_rtt_read_entry(const struct smc_regs *in, struct rmi_out *out)
{
	uint64_t ipa = in->x[2];
	int64_t level = (int64_t)in->x[3];
	struct granule_held rd;
	struct s2_walk walk;
	uint64_t result = cmd_lock_rd(in->x[1], &rd);

	if (result != RMI_SUCCESS) {
		return result;
	}
	result = check_read(&realm_of(rd.granule)->s2, ipa, level);
	if (result != RMI_SUCCESS) {
		granule_unlock(rd);
		return result;
	}
	cmd_walk(rd, ipa, level, &walk);
	out->x[1] = (uint64_t)(int64_t)walk.level;
	out->x[2] = entry_state(walk.entry.kind);
	/* A shared mapping is not the host's: the entry reads as unassigned. */
	if (walk.entry.kind != S2_SHARED) {
		out->x[3] = s2_host_descriptor(&walk.entry, walk.s2->lpa2);
	}
	out->x[4] = (uint64_t)walk.entry.ripas;
	s2_walk_end(&walk);
	return RMI_SUCCESS;
}
