// SPDX-License-Identifier: BSD-3-Clause
#include "cmd/common.h"

#include "abi/status.h"
#include "base/bits.h"
#include "base/fail.h"

uint64_t cmd_rd_fault(uint64_t rd)
{
	if (!is_aligned(rd, GRANULE_SIZE)) {
		return FAIL(rd_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(rd)) == NULL) {
		return FAIL(rd_bound, RMI_ERROR_INPUT);
	}
	return FAIL(rd_state, RMI_ERROR_INPUT);
}

uint64_t cmd_lock_rd(uint64_t rd, struct granule_held *held)
{
	struct granule *granule = granule_find(pa_of(rd));

	if (granule == NULL || !granule_lock(granule, GRANULE_RD, held)) {
		return cmd_rd_fault(rd);
	}
	return RMI_SUCCESS;
}

uint64_t cmd_check_table(const struct s2 *s2, uint64_t ipa, int64_t level)
{
	if (level <= s2->start_level || level > S2_LEVEL_PAGE) {
		return FAIL(level_bound, RMI_ERROR_INPUT);
	}
	if (!is_aligned(ipa, s2_entry_size((int)level - 1))) {
		return FAIL(ipa_align, RMI_ERROR_INPUT);
	}
	if (!s2_ipa_valid(s2, ipa_of(ipa))) {
		return FAIL(ipa_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

void cmd_walk(struct granule_held rd, uint64_t ipa, int64_t level, struct s2_walk *walk)
{
	s2_walk_begin(&realm_of(rd.granule)->s2, ipa_of(ipa), walk);
	granule_unlock(rd);
	s2_walk_down(walk, (int)level);
}

void cmd_shared_enter(struct granule_held rd, struct rd *realm, struct cmd_shared *shared)
{
	shared->rd = rd;
	shared->realm = realm;
	shared->csm = rmm_csm_enter(realm);
}

void cmd_shared_walk(const struct cmd_shared *shared, uint64_t ipa, int64_t level,
		     struct s2_walk *walk)
{
	s2_walk_begin(&shared->realm->s2, ipa_of(ipa), walk);
	if (shared->csm.rd == NULL) {
		granule_unlock(shared->rd);
	}
	s2_walk_down(walk, (int)level);
}

void cmd_shared_leave(const struct cmd_shared *shared)
{
	if (shared->csm.rd != NULL) {
		cmd_shared_unlock(shared);
	}
}

void cmd_shared_unlock(const struct cmd_shared *shared)
{
	rmm_csm_leave(shared->csm);
	granule_unlock(shared->rd);
}

uint64_t cmd_rtt_error(const struct s2_walk *walk)
{
	return rmi_status_rtt(walk->level);
}

uint64_t cmd_check_walk(const struct s2_walk *walk, int64_t level)
{
	if (walk->level < level) {
		return FAIL(rtt_walk, cmd_rtt_error(walk));
	}
	return RMI_SUCCESS;
}

bool cmd_page_unavailable(struct rd *rd, const struct rmi_rec_exit *exit)
{
	struct rmm_csm_held held;
	bool reserved;

	/* Only a fault names an address in hpfar. */
	if (exit->exit_reason != RMI_EXIT_SYNC) {
		return false;
	}
	held = rmm_csm_enter(rd);
	reserved = rmm_csm_is_reserved(rmm_csm_at(held, ipa_of(exit->hpfar << 8)));
	rmm_csm_leave(held);
	return reserved;
}
