// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/* Stands for the kernel's header in the check: the names that it shares with ours. */
#ifndef ABI_CHECK_ASM_RSI_H
#define ABI_CHECK_ASM_RSI_H

#define RSI_SUCCESS       0UL
#define RSI_ERROR_INPUT   1UL
#define RSI_ERROR_STATE   2UL
#define RSI_INCOMPLETE    3UL
#define RSI_ERROR_UNKNOWN 4UL

enum ripas { RSI_RIPAS_EMPTY, RSI_RIPAS_RAM, RSI_RIPAS_DESTROYED, RSI_RIPAS_DEV };

#endif
