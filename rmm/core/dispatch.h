// SPDX-License-Identifier: BSD-3-Clause
/* From the registers of a host's call to a handler and back (RMM specification B1, B4.1). */
#ifndef RMM_CORE_DISPATCH_H
#define RMM_CORE_DISPATCH_H

#include "base/smc.h"

/*
 * Carries out the call in x0..x7 and replaces it with the answer for EL3: x0 =
 * RMM_RMI_REQ_COMPLETE, x1..x5 = x0..x4 of the host. A number that is no command gets -1. x4 comes
 * back as it was unless it is an output of the command.
 */
void dispatch(struct smc_regs *regs);

#endif
