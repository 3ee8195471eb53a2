// SPDX-License-Identifier: BSD-3-Clause
/* What several commands of the host check in the same words. */
#ifndef RMM_CMD_COMMON_H
#define RMM_CMD_COMMON_H

#include "csm/csm.h"
#include "realm/realm.h"

/*
 * Locks the RD at the address the host gave. RMI_SUCCESS, with *held valid; else nothing is locked
 * and the result is RMI_ERROR_INPUT for rd_align, rd_bound or rd_state, in this order.
 */
uint64_t cmd_lock_rd(uint64_t rd, struct granule_held *held);

/*
 * Why granule_lock_set() refused the RD at the address the host gave: the result for rd_align,
 * rd_bound or rd_state.
 */
uint64_t cmd_rd_fault(uint64_t rd);

/*
 * Arguments of a command on the table that is at `level` for ipa: level_bound, ipa_align,
 * ipa_bound, or RMI_SUCCESS.
 */
uint64_t cmd_check_table(const struct s2 *s2, uint64_t ipa, int64_t level);

/* Walks, and unlocks the RD as soon as the start table is locked. Arguments as for s2_walk(). */
void cmd_walk(struct granule_held rd, uint64_t ipa, int64_t level, struct s2_walk *walk);

/*
 * A realm with its RD locked, and its CSM lock if it has an APT. Without one the RD is released as
 * soon as a walk has begun; with one it stays, since it keeps the realm for the CSM lock.
 */
struct cmd_shared {
	struct granule_held rd;
	struct rd *realm;
	struct rmm_csm_held csm;
};

/* Takes the CSM lock of the realm whose RD is locked. */
void cmd_shared_enter(struct granule_held rd, struct rd *realm, struct cmd_shared *shared);

/*
 * Walks to `level` for ipa, as s2_walk() does. Releases the RD once the start table is locked,
 * unless the realm has an APT.
 */
void cmd_shared_walk(const struct cmd_shared *shared, uint64_t ipa, int64_t level,
		     struct s2_walk *walk);

/* Releases what cmd_shared_walk() left locked. The walk has ended. */
void cmd_shared_leave(const struct cmd_shared *shared);

/* Releases both locks if no walk has begun. */
void cmd_shared_unlock(const struct cmd_shared *shared);

/*
 * Whether *exit, which asks the host for a page of the realm, asks for one in a reservation, where
 * the host cannot bring any. No lock is held.
 */
bool cmd_page_unavailable(struct rd *rd, const struct rmi_rec_exit *exit);

/* Result for rtt_walk, unless the walk reached `level`. */
uint64_t cmd_check_walk(const struct s2_walk *walk, int64_t level);

/* RMI_ERROR_RTT with the level where the walk stopped. */
uint64_t cmd_rtt_error(const struct s2_walk *walk);

#endif
