// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands of a realm: how a handler is called, and all handlers (RMM specification B5, B6).
 *
 * A handler runs on the CPU that runs the REC and owns the REC; it holds no lock when called and
 * when it returns. Arguments are the REC's registers. Results go to *out; the dispatcher moves them
 * into the registers afterwards: x0, the outputs that abi/commands.def declares, and zero in the
 * rest of x1..x3.
 */
#ifndef RMM_CMD_RSI_H
#define RMM_CMD_RSI_H

#include "abi/rmi.h"
#include "abi/status.h"
#include "rec/rec.h"

enum rsi_outcome {
	RSI_RETURN,   /* the realm continues behind its SMC, with *out in its registers */
	RSI_EXIT,     /* the same, but the host is asked first: *exit is filled */
	RSI_DEFERRED, /* the host is asked first, and a command of the host brings the result; until
		       then the registers stay as they are, and *out is unused */
	RSI_RETRY, /* the host is asked first, and the realm then repeats the SMC; *out is unused */
	RSI_NO_RETURN, /* the host is told, and the REC does not continue here; *out is unused */
};

/*
 * x[0] the status, x[1]... outputs. All zero when the handler is called, and zero still is what the
 * command does not have.
 */
struct rsi_out {
	uint64_t x[10];
};

/*
 * *exit is zero when the handler is called, and sent to the host unless RSI_RETURN is returned; it
 * is then zero still.
 */
typedef enum rsi_outcome rsi_handler(struct rec *rec, struct rsi_out *out,
				     struct rmi_rec_exit *exit);

#define RMI_COMMAND(fid, name, handler, ...)
#define RSI_COMMAND(fid, name, handler, ...)  rsi_handler handler;
#define PSCI_COMMAND(fid, name, handler, ...) rsi_handler handler;
#define ABI_COMMANDS_ALL
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef ABI_COMMANDS_ALL
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND

/*
 * Carries out the SMC that the REC has executed and moves the REC behind it, or not, as the outcome
 * says. True if the realm continues; false if *exit, zero before, is for the host. A number that is
 * no function gets -1 in x0, and zero in x1..x3 as every call that has no such results.
 */
bool rsi_dispatch(struct rec *rec, struct rmi_rec_exit *exit);

#endif
