// SPDX-License-Identifier: BSD-3-Clause
#include "smc.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "mem.h"

void smc(struct smc_regs *r)
{
	uint64_t fid = r->x[0];
	uint64_t address = r->x[1];

	smc_regs(r);
	if (r->x[0] == RMI_SUCCESS && fid == RMI_GRANULE_DELEGATE_FID) {
		ledger_delegated(address);
	} else if (r->x[0] == RMI_SUCCESS && fid == RMI_GRANULE_UNDELEGATE_FID) {
		ledger_undelegated(address);
	}
}

struct smc_regs smc_args(uint64_t fid, const uint64_t *args, unsigned count)
{
	struct smc_regs r = {.x[0] = fid};

	for (unsigned i = 0; i < count; i++) {
		r.x[i + 1] = args[i];
	}
	smc(&r);
	return r;
}
