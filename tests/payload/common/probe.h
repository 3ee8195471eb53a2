// SPDX-License-Identifier: BSD-3-Clause
/* Accesses that may fault: the fault is caught, and says what it was. */
#ifndef PAYLOAD_PROBE_H
#define PAYLOAD_PROBE_H

#include "arch.h"

#define ESR_EC(esr)               (((esr) >> 26) & 0x3f)
#define ESR_FSC(esr)              ((esr) & 0x3f)
#define ESR_WNR                   (1UL << 6)
#define EC_UNKNOWN                0x00
#define EC_TRAPPED_FP             0x07
#define EC_TRAPPED_SYSREG         0x18
#define EC_TRAPPED_SVE            0x19
#define EC_TRAPPED_SME            0x1d
#define EC_INSTRUCTION_ABORT_SAME 0x21
#define EC_DATA_ABORT_SAME        0x25
#define FSC_EXTERNAL_ABORT        0x10
#define FSC_GRANULE_PROTECTION    0x28

/* Load or store 64 bits at an aligned address. False: it faulted, and the value is unchanged. */
bool probe_load(uint64_t address, uint64_t *value);
bool probe_store(uint64_t address, uint64_t value);
/* Call the code at `address`, which only returns. False: the fetch faulted, or it is no code. */
bool probe_call(uint64_t address);

/* Syndrome and address of the last fault caught on this CPU. */
struct fault {
	uint64_t esr;
	uint64_t far;
};
struct fault fault_last(void);

#endif
