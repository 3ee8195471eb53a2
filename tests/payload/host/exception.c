// SPDX-License-Identifier: BSD-3-Clause
/* Exceptions taken at NS-EL2: interrupts, expected faults, and the end of the run for the rest. */
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "payload/common/frame.h"
#include "payload/common/probe.h"
#include "test.h"

static bool fix_up(struct frame *frame)
{
	struct cpu *cpu = this_cpu();

	if (!probe_fix_up(frame)) {
		return false;
	}
	cpu->fault_esr = frame->esr;
	cpu->fault_far = frame->far;
	return true;
}

static void dump(const struct frame *frame, uint64_t kind)
{
	console_seize();
	print("# unexpected exception, vector %lu, on CPU %u\n", kind, this_cpu()->index);
	print("# elr %016lx spsr %08lx esr %08lx far %016lx sp %016lx\n", frame->elr, frame->spsr,
	      frame->esr, frame->far, frame->sp);
	for (unsigned i = 0; i < 30; i += 3) {
		print("# x%02u %016lx x%02u %016lx x%02u %016lx\n", i, frame->x[i], i + 1,
		      frame->x[i + 1], i + 2, frame->x[i + 2]);
	}
	print("# x30 %016lx\n", frame->x[30]);
}

void exception(struct frame *frame, uint64_t kind)
{
	if (kind == KIND_IRQ) {
		gic_handle();
		return;
	}
	if (kind == KIND_SYNC && fix_up(frame)) {
		return;
	}
	dump(frame, kind);
	test_crash("unexpected exception");
}

struct fault fault_last(void)
{
	return (struct fault){this_cpu()->fault_esr, this_cpu()->fault_far};
}
