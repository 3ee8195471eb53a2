// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands of the host: how a handler is called, and all handlers.
 *
 * A handler reads as one section: parse, lock, check, commit, unlock. The check changes nothing and
 * ends in FAIL(condition, code) for the first condition that holds, in the specification's order;
 * the commit cannot fail.
 */
#ifndef RMM_CMD_CMD_H
#define RMM_CMD_CMD_H

#include "abi/status.h"
#include "base/smc.h"
#include "base/types.h"

/* Outputs: x[1]... as the command defines. All zero when the handler is called. */
struct rmi_out {
	uint64_t x[5];
};

/*
 * in->x[0] is the function id, in->x[1]... are the inputs of the command.
 * Returns the packed status for x0 (abi/status.h). After an error the outputs that the handler has
 * written are what the host sees: nothing, but where the specification says otherwise.
 */
typedef uint64_t rmi_handler(const struct smc_regs *in, struct rmi_out *out);

#define RMI_COMMAND(fid, name, handler, ...) rmi_handler handler;
#define RSI_COMMAND(fid, name, handler, ...)
#define PSCI_COMMAND(fid, name, handler, ...)
#define ABI_COMMANDS_ALL
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef ABI_COMMANDS_ALL
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND

#endif
