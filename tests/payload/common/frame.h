// SPDX-License-Identifier: BSD-3-Clause
/* What vectors.S saves when an exception is taken. */
#ifndef PAYLOAD_FRAME_H
#define PAYLOAD_FRAME_H

#define FRAME_X    0
#define FRAME_SP   248
#define FRAME_ELR  256
#define FRAME_SPSR 264
#define FRAME_ESR  272
#define FRAME_FAR  280
#define FRAME_SIZE 288

#ifndef __ASSEMBLER__
#include "arch.h"

struct frame {
	uint64_t x[31];
	uint64_t sp;
	uint64_t elr;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
};

_Static_assert(offsetof(struct frame, x) == FRAME_X, "vectors.S");
_Static_assert(offsetof(struct frame, sp) == FRAME_SP, "vectors.S");
_Static_assert(offsetof(struct frame, elr) == FRAME_ELR, "vectors.S");
_Static_assert(offsetof(struct frame, spsr) == FRAME_SPSR, "vectors.S");
_Static_assert(offsetof(struct frame, esr) == FRAME_ESR, "vectors.S");
_Static_assert(offsetof(struct frame, far) == FRAME_FAR, "vectors.S");
_Static_assert(sizeof(struct frame) == FRAME_SIZE, "vectors.S");

/* The kind that vectors.S passes for an exception from this level, on its own stack. */
#define KIND_SYNC 0
#define KIND_IRQ  1
/* From EL0: realms only. */
#define KIND_SYNC_EL0 20

/* Both sides have their own. Returns to frame->elr. */
void exception(struct frame *frame, uint64_t kind);

/* If a probe made the access that faulted, lets it return false. */
bool probe_fix_up(struct frame *frame);
#endif

#endif
