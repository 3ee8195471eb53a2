// SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause)
/* Every header leaves constants that an assembler can compute with. */
#include "csm.h"
#include "el3.h"
#include "measurement.h"
#include "psci.h"
#include "rmi.h"
#include "rsi.h"
#include "smccc.h"
#include "status.h"
#include "token.h"

	.data
	.quad RMI_VERSION_FID, RSI_VERSION_FID, PSCI_CPU_ON_FID, RMI_APT_DESTROY_FID
	.quad EL3_BOOT_COMPLETE_FID, EL3_BOOT_CPU_ID, SMCCC_UNKNOWN, SMCCC_FID_SVE_HINT
	.quad RMI_ERROR_RTT, RSI_ERROR_STATE, CSM_ERROR_NO_APT, PSCI_NOT_SUPPORTED
	.quad ABI_FIELD_MASK(RMI_FEATURE0_GICV3_NUM_LRS), ABI_GRANULE_SIZE
	.quad MEASUREMENT_DESC_SIZE, CSM_SIGNAL_USER_MASK, CCA_REALM_CSM_ID

#define ABI_COMMANDS_ALL
#define RMI_COMMAND(fid, name, ...)  .quad name##_FID - fid;
#define RSI_COMMAND(fid, name, ...)  .quad name##_FID - fid;
#define PSCI_COMMAND(fid, name, ...) .quad name##_FID - fid;
#include "commands.def"
#include "commands-csm.def"
