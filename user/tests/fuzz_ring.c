// SPDX-License-Identifier: BSD-3-Clause
/* libFuzzer plays the hostile peer: make -C user fuzz. */
#include "hostile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hostile h = {.bytes = data, .left = size};

	hostile_run(&h);
	return 0;
}
