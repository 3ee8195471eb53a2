// SPDX-License-Identifier: BSD-3-Clause
/* What vectors.S saves when an exception is taken. */
#ifndef HOST_FRAME_H
#define HOST_FRAME_H

#include "arch.h"

struct frame {
	uint64_t x[31];
	uint64_t sp;
	uint64_t elr;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
};

#endif
