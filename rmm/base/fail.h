// SPDX-License-Identifier: BSD-3-Clause
/*
 * Failure of a command, with the specification's name for the condition.
 *
 *     if (!is_aligned(addr, GRANULE_SIZE)) {
 *             return FAIL(gran_align, RMI_ERROR_INPUT);
 *     }
 *
 * The name costs nothing in a release build. Test and debug builds keep the last one, so that a
 * test checks which condition made a command fail and not only that it failed;
 * tools/check-conditions holds the names against abi/commands.def.
 */
#ifndef RMM_BASE_FAIL_H
#define RMM_BASE_FAIL_H

#include "arch/trace.h"

#define FAIL(condition, code) (arch_trace_fail(#condition), (code))

#endif
