// SPDX-License-Identifier: BSD-3-Clause
/* What a realm's own commands cost: every SMC is between the marks that bench/plugin counts. */
#include "runtime.h"

/* args: how often. Ends with that many empty host calls, for the round trip of an entry. */
PROGRAM(bench)
{
	static uint8_t page[ABI_GRANULE_SIZE] __attribute__((aligned(ABI_GRANULE_SIZE)));

	for (uint64_t i = 0; i < args[0]; i++) {
		REQUIRE_EQ(rsi_call(RSI_VERSION_FID, RSI_REVISION).x[0], RSI_SUCCESS);
		REQUIRE_EQ(rsi_call(RSI_REALM_CONFIG_FID, (uint64_t)page).x[0], RSI_SUCCESS);
		REQUIRE_EQ(rsi_call(RSI_IPA_STATE_GET_FID, (uint64_t)page,
				    (uint64_t)page + sizeof(page))
				   .x[0],
			   RSI_SUCCESS);
	}
	for (uint64_t i = 0; i < args[0]; i++) {
		host_call_values(REALM_CALL_TEST, 0, 0);
	}
}
