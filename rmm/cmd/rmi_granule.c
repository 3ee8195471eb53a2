// SPDX-License-Identifier: BSD-3-Clause
/* RMI_GRANULE_DELEGATE and RMI_GRANULE_UNDELEGATE (RMM specification B4.3.5, B4.3.6). */
#include "abi/el3.h"
#include "abi/rmi.h"
#include "arch/el3.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "map/map.h"

static int64_t change_world(uint64_t service, pa_t addr)
{
	return arch_el3_call(service, addr.v, 0, 0, 0).status;
}

static void give_back(pa_t addr)
{
	int64_t status = change_world(EL3_GTSI_UNDELEGATE_FID, addr);

	ASSERT(status == EL3_OK);
}

/*
 * RMI_GRANULE_DELEGATE (B4.3.5): moves a granule to the realm world, then wipes it. The lock of the
 * granule is held while EL3 changes the granule protection table.
 */
uint64_t rmi_granule_delegate(const struct smc_regs *in, struct rmi_out *out)
{
	pa_t addr = pa_of(in->x[1]);
	struct granule *granule = granule_find(addr);
	struct granule_held held;

	(void)out;
	if (!is_aligned(addr.v, GRANULE_SIZE)) {
		return FAIL(gran_align, RMI_ERROR_INPUT);
	}
	if (granule == NULL) {
		return FAIL(gran_bound, RMI_ERROR_INPUT);
	}
	if (!granule_lock(granule, GRANULE_UNDELEGATED, &held)) {
		return FAIL(gran_state, RMI_ERROR_INPUT);
	}

	/* EL3 alone knows the granule protection table: its refusal is a check, not a commit. */
	if (change_world(EL3_GTSI_DELEGATE_FID, addr) != EL3_OK) {
		granule_unlock(held);
		return FAIL(gran_gpt, RMI_ERROR_INPUT);
	}

	/* The manifest may list more memory than the machine has, and EL3 does not touch it. */
	if (!map_wipe(held)) {
		give_back(addr);
		granule_unlock(held);
		return FAIL(gran_gpt, RMI_ERROR_INPUT);
	}
	granule_unlock_to(held, GRANULE_DELEGATED);
	return RMI_SUCCESS;
}

/*
 * RMI_GRANULE_UNDELEGATE (B4.3.6): returns a granule to the world of the host. It is zero already.
 */
uint64_t rmi_granule_undelegate(const struct smc_regs *in, struct rmi_out *out)
{
	pa_t addr = pa_of(in->x[1]);
	struct granule *granule = granule_find(addr);
	struct granule_held held;

	(void)out;
	if (!is_aligned(addr.v, GRANULE_SIZE)) {
		return FAIL(gran_align, RMI_ERROR_INPUT);
	}
	if (granule == NULL) {
		return FAIL(gran_bound, RMI_ERROR_INPUT);
	}
	if (!granule_lock(granule, GRANULE_DELEGATED, &held)) {
		return FAIL(gran_state, RMI_ERROR_INPUT);
	}

	/* A DELEGATED granule is all zero, so there is nothing left to wipe. */
	give_back(addr);
	granule_unlock_to(held, GRANULE_UNDELEGATED);
	return RMI_SUCCESS;
}
