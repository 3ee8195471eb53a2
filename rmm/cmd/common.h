// SPDX-License-Identifier: BSD-3-Clause
/* What several commands of the host check in the same words. */
#ifndef RMM_CMD_COMMON_H
#define RMM_CMD_COMMON_H

#include "granule/granule.h"

/*
 * Locks the RD at the address the host gave. RMI_SUCCESS, with *held valid; else nothing is locked
 * and the result is RMI_ERROR_INPUT for rd_align, rd_bound or rd_state, in this order.
 */
uint64_t cmd_lock_rd(uint64_t rd, struct granule_held *held);

#endif
