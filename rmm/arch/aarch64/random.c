// SPDX-License-Identifier: BSD-3-Clause
#include "arch/random.h"

#include "arch/aarch64/sysreg.h"
#include "base/bits.h"

bool arch_random(uint64_t *value)
{
	uint64_t number;
	uint64_t none;

	if (bits_get(read_sysreg(id_aa64isar0_el1), 63, 60) == 0) {
		return false;
	}
	/* RNDR sets Z when it has nothing to give. */
	__asm__ volatile("mrs %0, s3_3_c2_c4_0\n\tcset %1, eq" : "=r"(number), "=r"(none) : : "cc");
	*value = number;
	return none == 0;
}
