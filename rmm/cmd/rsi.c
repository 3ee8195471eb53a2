// SPDX-License-Identifier: BSD-3-Clause
/* From the SMC of a realm to its handler and back (RMM specification A4.5, B5, B6). */
#include "cmd/rsi.h"

#include <string.h>

#include "abi/csm.h"
#include "abi/psci.h"
#include "abi/rsi.h"
#include "abi/smccc.h"
#include "arch/trace.h"
#include "base/assert.h"
#include "base/bits.h"
#include "cmd/common.h"

/* x1..x3 of every call are results; those that the function does not have are zero. */
#define RESULTS_MIN 3U

#define PSCI_COUNT    (PSCI_FUNC_LAST + 1U)
#define RSI_COUNT     (RSI_FID_LAST - RSI_FID_FIRST + 1U)
#define RMM_CSM_COUNT (RSI_CSM_FID_LAST - RSI_CSM_FID_FIRST + 1U)
#define SLOT_COUNT    (2U * PSCI_COUNT + RSI_COUNT + RMM_CSM_COUNT)

/*
 * Place in the table: RSI, then CSM, then PSCI in its two widths. At least SLOT_COUNT for others.
 */
#define SLOT_RSI(fid)    ((fid) - RSI_FID_FIRST)
#define SLOT_CSM(fid)    ((fid) - RSI_CSM_FID_FIRST + RSI_COUNT)
#define SLOT_PSCI32(fid) ((fid) - SMCCC_FID_STD32(0) + RSI_COUNT + RMM_CSM_COUNT)
#define SLOT_PSCI64(fid) ((fid) - SMCCC_FID_STD64(0) + RSI_COUNT + RMM_CSM_COUNT + PSCI_COUNT)
#define SLOT(fid)                                                       \
	((fid) - RSI_FID_FIRST < RSI_COUNT           ? SLOT_RSI(fid)    \
	 : (fid) - RSI_CSM_FID_FIRST < RMM_CSM_COUNT ? SLOT_CSM(fid)    \
	 : (fid) - SMCCC_FID_STD32(0) < PSCI_COUNT   ? SLOT_PSCI32(fid) \
	 : (fid) - SMCCC_FID_STD64(0) < PSCI_COUNT   ? SLOT_PSCI64(fid) \
						     : SLOT_COUNT)

struct command {
	rsi_handler *handler;
	uint8_t outputs;
};

static const struct command commands[SLOT_COUNT] = {
#define RMI_COMMAND(fid, name, handler, ...)
#define RSI_COMMAND(fid, name, handler, n_inputs, n_outputs, ...) \
	[SLOT(fid)] = {handler, n_outputs},
#define PSCI_COMMAND(fid, name, handler, n_inputs, n_outputs, ...) \
	[SLOT(fid)] = {handler, n_outputs},
#include "abi/commands-csm.def"
#include "abi/commands.def"
#undef RMI_COMMAND
#undef RSI_COMMAND
#undef PSCI_COMMAND
};

static const struct command *find_command(uint32_t fid)
{
	uint32_t slot = SLOT(fid);

	if (slot >= SLOT_COUNT) {
		return NULL;
	}

	const struct command *command = &commands[index_clamp(slot, SLOT_COUNT)];

	return command->handler == NULL ? NULL : command;
}

/* What is no output has stayed zero. */
static void check_results(const struct rsi_out *out, unsigned int outputs)
{
	for (unsigned int i = outputs + 1; i < ARRAY_LENGTH(out->x); i++) {
		ASSERT(out->x[i] == 0);
	}
}

static void put_results(struct rec *rec, const struct rsi_out *out, unsigned int outputs)
{
	uint64_t x0 = out->x[0], x1 = out->x[1], x2 = out->x[2], x3 = out->x[3];
	uint64_t *gprs = rec->vcpu.gprs;

	gprs[0] = x0, gprs[1] = x1, gprs[2] = x2, gprs[3] = x3;
	for (unsigned int i = RESULTS_MIN + 1; i <= outputs; i++) {
		ASSERT(i < ARRAY_LENGTH(out->x));
		gprs[i] = out->x[i];
	}
	if (ARCH_CHECKS) {
		check_results(out, outputs);
	}
}

/* The host is asked, unless for what it cannot bring: true if the realm continues at once. */
static bool ask_host(struct rec *rec, enum rsi_outcome outcome, const struct rsi_out *out,
		     unsigned int outputs, struct rmi_rec_exit *exit)
{
	static const struct rsi_out refused = {{RSI_ERROR_INPUT}};
	bool never = outcome == RSI_RETRY && cmd_page_unavailable(rec_realm(rec), exit);

	if (never) {
		memset(exit, 0, sizeof(*exit));
		put_results(rec, &refused, outputs);
	} else if (outcome == RSI_EXIT) {
		put_results(rec, out, outputs);
	}
	if (never || outcome == RSI_EXIT || outcome == RSI_DEFERRED) {
		rec_step(rec);
	}
	return never;
}

bool rsi_dispatch(struct rec *rec, struct rmi_rec_exit *exit)
{
	/* Function ids are 32 bits wide; the SVE hint is the caller's and not part of the name. */
	uint32_t fid = (uint32_t)rec->vcpu.gprs[0] & ~SMCCC_FID_SVE_HINT;
	const struct command *command = find_command(fid);
	enum rsi_outcome outcome = RSI_RETURN;
	struct rsi_out out = {{0}};
	unsigned int outputs = 0;

	if (command != NULL) {
		outputs = command->outputs;
		outcome = command->handler(rec, &out, exit);
	} else {
		out.x[0] = fid == SMCCC_VERSION_FID ? SMCCC_VERSION_1_2 : SMCCC_UNKNOWN;
	}
	if (outcome != RSI_RETURN) {
		return ask_host(rec, outcome, &out, outputs, exit);
	}
	put_results(rec, &out, outputs);
	rec_step(rec);
	return true;
}
