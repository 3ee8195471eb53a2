// SPDX-License-Identifier: BSD-3-Clause
/* RSI_MEASUREMENT_READ and RSI_MEASUREMENT_EXTEND (RMM specification B5.3.8, B5.3.7). */
#include <string.h>

#include "abi/rsi.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/rsi.h"
#include "realm/measure.h"

_Static_assert(RSI_MEASUREMENT_SIZE == REALM_MEASUREMENT_SIZE, "a slot is passed whole");
_Static_assert(RSI_MEASUREMENT_SLOTS == REALM_MEASUREMENTS, "every slot has an index");

/* RSI_MEASUREMENT_READ (B5.3.8). */
enum rsi_outcome rsi_measurement_read(struct rec *rec, struct rsi_out *out,
				      struct rmi_rec_exit *exit)
{
	uint64_t index = rec->vcpu.gprs[1];

	(void)exit;
	if (index >= RSI_MEASUREMENT_SLOTS) {
		out->x[0] = FAIL(index_bound, RSI_ERROR_INPUT);
		return RSI_RETURN;
	}
	index = index_clamp(index, RSI_MEASUREMENT_SLOTS);
	realm_measurement_read(rec_realm(rec), (unsigned int)index, (uint8_t *)&out->x[1]);
	out->x[0] = RSI_SUCCESS;
	return RSI_RETURN;
}

/*
 * RSI_MEASUREMENT_EXTEND (B5.3.7): index and size are clamped against speculation after their
 * checks.
 */
enum rsi_outcome rsi_measurement_extend(struct rec *rec, struct rsi_out *out,
					struct rmi_rec_exit *exit)
{
	uint64_t index = rec->vcpu.gprs[1];
	uint64_t size = rec->vcpu.gprs[2];

	(void)exit;
	if (index < RSI_MEASUREMENT_REM_FIRST || index > RSI_MEASUREMENT_REM_LAST) {
		out->x[0] = FAIL(index_bound, RSI_ERROR_INPUT);
		return RSI_RETURN;
	}
	if (size > RSI_MEASUREMENT_SIZE) {
		out->x[0] = FAIL(size_bound, RSI_ERROR_INPUT);
		return RSI_RETURN;
	}
	index = index_clamp(index, RSI_MEASUREMENT_SLOTS);
	size = index_clamp(size, RSI_MEASUREMENT_SIZE + 1);
	realm_extend_rem(rec_realm(rec), (unsigned int)index, &rec->vcpu.gprs[3], size);
	out->x[0] = RSI_SUCCESS;
	return RSI_RETURN;
}
