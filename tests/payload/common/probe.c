// SPDX-License-Identifier: BSD-3-Clause
#include "probe.h"
#include "frame.h"

struct ex_entry {
	uint64_t at;
	uint64_t resume;
};

extern const struct ex_entry __ex_table_start[], __ex_table_end[];

bool probe_fix_up(struct frame *frame)
{
	bool fetch = ESR_EC(frame->esr) == EC_INSTRUCTION_ABORT_SAME;
	uint64_t at = fetch ? frame->x[30] : frame->elr;

	for (const struct ex_entry *e = __ex_table_start; e < __ex_table_end; e++) {
		if (e->at == at) {
			frame->elr = e->resume;
			return true;
		}
	}
	return false;
}
