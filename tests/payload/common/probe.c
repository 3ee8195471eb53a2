// SPDX-License-Identifier: BSD-3-Clause
#include "probe.h"
#include "frame.h"

struct ex_entry {
	uint64_t at;
	uint64_t resume;
};

extern const struct ex_entry __ex_table_start[], __ex_table_end[];

static bool resume_at(struct frame *frame, uint64_t at)
{
	for (const struct ex_entry *e = __ex_table_start; e < __ex_table_end; e++) {
		if (e->at == at) {
			frame->elr = e->resume;
			return true;
		}
	}
	return false;
}

static bool is_trap(unsigned ec)
{
	return ec == EC_TRAPPED_FP || ec == EC_TRAPPED_SYSREG || ec == EC_TRAPPED_SVE ||
	       ec == EC_TRAPPED_SME;
}

bool probe_fix_up(struct frame *frame)
{
	unsigned ec = ESR_EC(frame->esr);

	if (resume_at(frame, frame->elr)) {
		return true;
	}
	/* What a probe called could not be fetched, or is no instruction, or one that traps. */
	return (ec == EC_INSTRUCTION_ABORT_SAME || ec == EC_UNKNOWN || is_trap(ec)) &&
	       resume_at(frame, frame->x[30]);
}
