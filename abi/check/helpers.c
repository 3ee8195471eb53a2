// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/* The inline helpers, run on the build machine: one TAP line each, numbered by the caller. */
#include <stdio.h>

#include "csm.h"
#include "el3.h"
#include "rmi.h"
#include "rsi.h"
#include "status.h"

static int failed;

static void check(int good, const char *name)
{
	printf("%sok - %s\n", good ? "" : "not ", name);
	failed |= !good;
}

static int status_round_trip(void)
{
	for (unsigned int code = 0; code < 256; code++) {
		for (unsigned int index = 0; index < 256; index++) {
			abi_u64 x0 = rmi_status_pack((abi_u8)code, (abi_u8)index);

			if (x0 != code + 256 * (abi_u64)index || rmi_status_code(x0) != code ||
			    rmi_status_index(x0) != index) {
				return 0;
			}
		}
	}
	return 1;
}

static int status_levels(void)
{
	for (int level = RMI_LEVEL_MIN; level <= RMI_LEVEL_PAGE; level++) {
		if (rmi_status_level(rmi_status_rtt(level)) != level) {
			return 0;
		}
	}
	return rmi_status_rtt(-1) == 0xff04 && rmi_status_rtt(3) == 0x304;
}

static int mpidr_round_trip(void)
{
	for (abi_u64 index = 0; index < 1UL << 28; index += 4097) {
		if (rmi_mpidr_to_index(rmi_mpidr_from_index(index)) != index) {
			return 0;
		}
	}
	return rmi_mpidr_from_index(16) == 0x100 && rmi_mpidr_from_index(4096) == 0x10000 &&
	       rmi_mpidr_from_index(1UL << 20) == 0x1000000 && rmi_mpidr_from_index(15) == 15;
}

static int query_fields(void)
{
	abi_u64 x4 = rsi_csm_query_pack(CSM_PERM_ALL, CSM_STATE_ENDED, CSM_FLAG_SEALED);

	return x4 == 0x10407 && rsi_csm_query_perm(x4) == CSM_PERM_ALL &&
	       rsi_csm_query_state(x4) == CSM_STATE_ENDED &&
	       rsi_csm_query_flags(x4) == CSM_FLAG_SEALED;
}

int main(void)
{
	check(status_round_trip(), "abi RMI status packs and unpacks");
	check(status_levels(), "abi RMI_ERROR_RTT carries levels -1 to 3");
	check(mpidr_round_trip(), "abi MPIDR to index and back");
	check(query_fields(), "abi CSM query word");
	check(el3_status(0xfffffffd) == EL3_BAD_PAS && el3_status(0) == EL3_OK,
	      "abi EL3 status is signed 32 bits");
	return failed;
}
