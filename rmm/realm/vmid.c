// SPDX-License-Identifier: BSD-3-Clause
#include "realm/vmid.h"

#include <stdatomic.h>

#include "base/assert.h"
#include "base/bits.h"
#include "feat/feat.h"

#define VMID_COUNT    65536U
#define VMID_COUNT_8B 256U

static _Atomic uint64_t in_use[VMID_COUNT / 64];

void vmid_boot(void)
{
	for (size_t i = 0; i < ARRAY_LENGTH(in_use); i++) {
		atomic_store_explicit(&in_use[i], 0, memory_order_relaxed);
	}
}

bool vmid_reserve(uint16_t vmid)
{
	uint64_t bit = BIT(vmid % 64U);
	uint64_t limit = feat()->vmid16 ? VMID_COUNT : VMID_COUNT_8B;

	if (vmid >= limit) {
		return false;
	}

	_Atomic uint64_t *word = &in_use[index_clamp(vmid, limit) / 64];

	return (atomic_fetch_or_explicit(word, bit, memory_order_acquire) & bit) == 0;
}

void vmid_release(uint16_t vmid)
{
	uint64_t bit = BIT(vmid % 64U);
	uint64_t before = atomic_fetch_and_explicit(&in_use[vmid / 64], ~bit, memory_order_release);

	ASSERT((before & bit) != 0);
}
