// SPDX-License-Identifier: BSD-3-Clause
/*
 * Assertions state what the RMM itself guarantees; a broken one stops the machine. Nothing that a
 * host or a realm can choose may decide one: such input gets an error code (base/fail.h).
 */
#ifndef RMM_BASE_ASSERT_H
#define RMM_BASE_ASSERT_H

#include "arch/cpu.h"

#define ASSERT(condition)                                    \
	do {                                                 \
		if (__builtin_expect(!(condition), 0)) {     \
			arch_panic(__FILE_NAME__, __LINE__); \
		}                                            \
	} while (0)

#endif
