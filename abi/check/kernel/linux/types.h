// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/*
 * Stands for the kernel's header in the check: the fixed-width names, as the kernel defines them.
 */
#ifndef ABI_CHECK_LINUX_TYPES_H
#define ABI_CHECK_LINUX_TYPES_H

typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef int int32_t;
typedef long long int64_t;

#endif
