// SPDX-License-Identifier: BSD-3-Clause
/* RMI_APT_CREATE and RMI_APT_DESTROY (docs/csm-spec.md section 4). */
#include "base/bits.h"
#include "base/fail.h"
#include "cmd/cmd.h"
#include "cmd/common.h"
#include "csm/csm.h"
#include "map/map.h"

static uint64_t apt_fault(uint64_t apt)
{
	if (!is_aligned(apt, GRANULE_SIZE)) {
		return FAIL(apt_align, RMI_ERROR_INPUT);
	}
	if (granule_find(pa_of(apt)) == NULL) {
		return FAIL(apt_bound, RMI_ERROR_INPUT);
	}
	return FAIL(apt_state, RMI_ERROR_INPUT);
}

/* set[0] is the RD, set[1] the granule in `state`; both locked after success. */
static uint64_t lock_both(const struct smc_regs *in, enum granule_state state,
			  struct granule_wanted set[2])
{
	set[0] = (struct granule_wanted){.pa = pa_of(in->x[1]), .state = GRANULE_RD};
	set[1] = (struct granule_wanted){.pa = pa_of(in->x[2]), .state = state};

	int at_fault = granule_lock_set(set, 2);

	if (at_fault >= 0) {
		return at_fault == 0 ? cmd_rd_fault(in->x[1]) : apt_fault(in->x[2]);
	}
	return RMI_SUCCESS;
}

static uint64_t check_create(const struct rd *rd)
{
	enum realm_state state = atomic_load_explicit(&rd->state, memory_order_relaxed);

	if (state != REALM_NEW && state != REALM_ACTIVE) {
		return FAIL(realm_state, RMI_ERROR_REALM);
	}
	if (atomic_load_explicit(&rd->csm.apt_count, memory_order_relaxed) == REALM_APT_GRANULES) {
		return FAIL(apt_count, RMI_ERROR_REALM);
	}
	return RMI_SUCCESS;
}

/* RMI_APT_CREATE: adds a DELEGATED granule to the APT of a realm. */
uint64_t rmi_apt_create(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[2];
	uint64_t result;

	(void)out;
	if (in->x[1] == in->x[2]) {
		return FAIL(apt_alias, RMI_ERROR_INPUT);
	}
	result = lock_both(in, GRANULE_DELEGATED, set);
	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = realm_of(set[0].held.granule);

	result = check_create(rd);
	if (result == RMI_SUCCESS) {
		rmm_csm_apt_add(rd, set[1].held, map_meta_open(set[1].held));
	} else {
		granule_unlock(set[1].held);
	}
	granule_unlock(set[0].held);
	return result;
}

/*
 * RMI_APT_DESTROY: ends the sharings that are recorded in a granule, then wipes it. Returns
 * CSM_INCOMPLETE while sharings are left.
 */
uint64_t rmi_apt_destroy(const struct smc_regs *in, struct rmi_out *out)
{
	struct granule_wanted set[2];
	uint64_t result = lock_both(in, GRANULE_APT, set);

	(void)out;
	if (result != RMI_SUCCESS) {
		return result;
	}

	struct rd *rd = realm_of(set[0].held.granule);
	struct granule_held apt = set[1].held;

	if (!rmm_csm_apt_owned(rd, apt.granule)) {
		result = FAIL(apt_owner, RMI_ERROR_INPUT);
	} else if (!rmm_csm_apt_empty(rd, apt.granule)) {
		result = CSM_INCOMPLETE;
	}
	if (result == RMI_SUCCESS) {
		map_meta_close(apt);
		granule_unlock_to(apt, GRANULE_DELEGATED);
	} else {
		granule_unlock(apt);
	}
	granule_unlock(set[0].held);
	return result;
}
