// SPDX-License-Identifier: BSD-3-Clause
#include "cmd/common.h"

#include "abi/status.h"
#include "base/bits.h"
#include "base/fail.h"

uint64_t cmd_lock_rd(uint64_t rd, struct granule_held *held)
{
	struct granule *granule = granule_find(pa_of(rd));

	if (!is_aligned(rd, GRANULE_SIZE)) {
		return FAIL(rd_align, RMI_ERROR_INPUT);
	}
	if (granule == NULL) {
		return FAIL(rd_bound, RMI_ERROR_INPUT);
	}
	if (!granule_lock(granule, GRANULE_RD, held)) {
		return FAIL(rd_state, RMI_ERROR_INPUT);
	}
	return RMI_SUCCESS;
}
