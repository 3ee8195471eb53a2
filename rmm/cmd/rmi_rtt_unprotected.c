// SPDX-License-Identifier: BSD-3-Clause
/*
 * RMI_RTT_MAP_UNPROTECTED and RMI_RTT_UNMAP_UNPROTECTED (RMM specification B4.3.19, B4.3.22). The
 * host maps what it likes: its memory stays its own, and the granule protection table keeps realms'
 * memory out of reach of a non-secure mapping.
 */
#include "abi/rmi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"

/* Pages and blocks exist at these levels. */
static uint64_t check_level(const struct s2 *s2, int64_t level)
{
	if (level < 1 || level < s2->start_level || level > S2_LEVEL_PAGE) {
		return FAIL(level_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

static uint64_t check_ipa(const struct s2 *s2, uint64_t ipa, int64_t level)
{
	if (!is_aligned(ipa, s2_entry_size((int)level))) {
		return FAIL(ipa_align, RMI_ERROR_INPUT);
	}
	if (!s2_ipa_valid(s2, ipa_of(ipa)) || s2_ipa_protected(s2, ipa_of(ipa))) {
		return FAIL(ipa_bound, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}

/* Conditions of RMI_RTT_MAP_UNPROTECTED that depend on the realm's geometry. */
static uint64_t check_map(const struct s2 *s2, const struct smc_regs *in, struct s2_entry *entry)
{
	int64_t level = (int64_t)in->x[3];
	uint64_t result;

	if (!s2_host_descriptor_parse(in->x[4], s2->lpa2, entry)) {
		return FAIL(attr_valid, RMI_ERROR_INPUT);
	}
	result = check_level(s2, level);
	if (result != RMI_SUCCESS) {
		return result;
	}
	if (!is_aligned(entry->pa.v, s2_entry_size((int)level))) {
		return FAIL(addr_align, RMI_ERROR_INPUT);
	}
	if (!s2_pa_fits(s2, entry->pa)) {
		return FAIL(addr_bound, RMI_ERROR_INPUT);
	}
	return check_ipa(s2, in->x[2], level);
}

/* RMI_RTT_MAP_UNPROTECTED (B4.3.19): maps host memory at an unprotected IPA. */
uint64_t rmi_rtt_map_unprotected(const struct smc_regs *in, struct rmi_out *out)
{
	int64_t level = (int64_t)in->x[3];
	struct granule_held rd;
	struct s2_walk walk;
	struct s2_entry entry;
	uint64_t result;

	(void)out;
	if (!s2_host_descriptor_parse(in->x[4], true, &entry)) {
		return FAIL(attr_valid, RMI_ERROR_INPUT);
	}
	result = cmd_lock_rd(in->x[1], &rd);
	if (result != RMI_SUCCESS) {
		return result;
	}
	result = check_map(&realm_of(rd.granule)->s2, in, &entry);
	if (result != RMI_SUCCESS) {
		granule_unlock(rd);
		return result;
	}
	cmd_walk(rd, in->x[2], level, &walk);
	result = cmd_check_walk(&walk, level);
	if (result == RMI_SUCCESS && walk.entry.kind != S2_UNASSIGNED_NS) {
		result = FAIL(rtte_state, cmd_rtt_error(&walk));
	}
	if (result == RMI_SUCCESS) {
		s2_replace(&walk, entry);
	}
	s2_walk_end(&walk);
	return result;
}

/* RMI_RTT_UNMAP_UNPROTECTED (B4.3.22): removes such a mapping and invalidates its translations. */
uint64_t rmi_rtt_unmap_unprotected(const struct smc_regs *in, struct rmi_out *out)
{
	int64_t level = (int64_t)in->x[3];
	struct granule_held rd;
	struct s2_walk walk;
	uint64_t result = cmd_lock_rd(in->x[1], &rd);

	if (result != RMI_SUCCESS) {
		return result;
	}

	const struct s2 *s2 = &realm_of(rd.granule)->s2;

	result = check_level(s2, level);
	if (result == RMI_SUCCESS) {
		result = check_ipa(s2, in->x[2], level);
	}
	if (result != RMI_SUCCESS) {
		granule_unlock(rd);
		return result;
	}
	cmd_walk(rd, in->x[2], level, &walk);
	result = cmd_check_walk(&walk, level);
	if (result == RMI_SUCCESS && walk.entry.kind != S2_ASSIGNED_NS) {
		result = FAIL(rtte_state, cmd_rtt_error(&walk));
	}
	if (result == RMI_SUCCESS) {
		s2_replace(&walk, (struct s2_entry){.kind = S2_UNASSIGNED_NS});
	}
	out->x[1] = s2_next_live(&walk).v;
	s2_walk_end(&walk);
	return result;
}
