// SPDX-License-Identifier: BSD-3-Clause
/*
 * Exceptions that the RMM delivers to a realm at EL1, as the hardware would take them there
 * (RMM specification A5.2.8, A4.3.6; Arm ARM D1.4). The REC is loaded.
 */
#ifndef RMM_REC_INJECT_H
#define RMM_REC_INJECT_H

#include "rec/rec.h"

/* Synchronous external abort for the access that `esr` and `far` of a stage-2 abort describe. */
void inject_sea(struct rec *rec, uint64_t esr, uint64_t far);

/* Address size fault of stage 1 at `level` (0..3) for the same. */
void inject_address_size(struct rec *rec, uint64_t esr, uint64_t far, unsigned int level);

/* Undefined instruction at the current PC. */
void inject_undefined(struct rec *rec);

#endif
