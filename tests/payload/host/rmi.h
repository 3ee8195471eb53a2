// SPDX-License-Identifier: BSD-3-Clause
/* RMI commands as functions: x0 of the answer. Tests that look at outputs use smc_call(). */
#ifndef HOST_RMI_H
#define HOST_RMI_H

#include "abi/rmi.h"
#include "abi/status.h"
#include "smc.h"

static inline uint64_t rmi_granule_delegate(uint64_t address)
{
	return smc_call(RMI_GRANULE_DELEGATE_FID, address).x[0];
}

static inline uint64_t rmi_granule_undelegate(uint64_t address)
{
	return smc_call(RMI_GRANULE_UNDELEGATE_FID, address).x[0];
}

#endif
