// SPDX-License-Identifier: BSD-3-Clause
#include "core/dispatch.h"

#include "abi/el3.h"
#include "abi/rmi.h"
#include "abi/smccc.h"
#include "base/bits.h"
#include "cmd/cmd.h"

#define FID_FIRST 0xC4000150U
#define FID_COUNT 0x40U

_Static_assert(FID_FIRST == RMI_FID_FIRST, "the table begins where EL3's range does");
_Static_assert(FID_FIRST + FID_COUNT - 1 == RMI_FID_LAST, "and ends with it");

struct command {
	rmi_handler *handler;
	uint8_t outputs;
};

static const struct command commands[FID_COUNT] = {
#define RMI_COMMAND(fid, name, handler, n_inputs, n_outputs, ...) \
	[(fid) - FID_FIRST] = {handler, n_outputs},
#define RSI_COMMAND(fid, name, handler, ...)
#define PSCI_COMMAND(fid, name, handler, ...)
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

/* Function ids are 32 bits wide; the SVE hint is the caller's and not part of the name. */
static const struct command *find_command(uint64_t x0)
{
	uint32_t number = ((uint32_t)x0 & ~SMCCC_FID_SVE_HINT) - FID_FIRST;

	if (number >= FID_COUNT) {
		return NULL;
	}

	const struct command *command = &commands[index_clamp(number, FID_COUNT)];

	return command->handler == NULL ? NULL : command;
}

void dispatch(struct smc_regs *regs)
{
	const struct command *command = find_command(regs->x[0]);
	struct rmi_out out = {{0}};

	if (command == NULL) {
		out.x[0] = SMCCC_UNKNOWN;
	} else {
		out.x[0] = command->handler(regs, &out);
	}
	if (command == NULL || command->outputs < 4) {
		out.x[4] = regs->x[4];
	}

	regs->x[0] = EL3_RMI_REQ_COMPLETE_FID;
	for (unsigned int i = 0; i < ARRAY_LENGTH(out.x); i++) {
		regs->x[i + 1] = out.x[i];
	}
}
