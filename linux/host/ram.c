// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which ranges of the protected half are the realm's RAM: registered while the realm is new, looked
 * up by faults of both halves.
 */
#include "caec.h"

/*
 * True when [ipa, ipa + size) lies in one of the ranges that CAEC_INIT_RIPAS registered. Any
 * context.
 */
bool caec_ram_has(struct caec_realm *realm, u64 ipa, u64 size)
{
	unsigned int i, n = smp_load_acquire(&realm->num_ram);

	for (i = 0; i < n; i++) {
		const struct caec_ram *ram = &realm->ram[i];

		if (ipa >= ram->base && ipa < ram->top && size <= ram->top - ipa) {
			return true;
		}
	}
	return false;
}

/* True when part of [base, top) is registered. Caller holds realm.lock. */
bool caec_ram_overlaps(struct caec_realm *realm, u64 base, u64 top)
{
	unsigned int i;

	for (i = 0; i < realm->num_ram; i++) {
		if (base < realm->ram[i].top && top > realm->ram[i].base) {
			return true;
		}
	}
	return false;
}

/*
 * Registers [base, top), which overlaps no other. Caller holds realm.lock. ENOSPC: there are
 * CAEC_MAX_RAM.
 */
int caec_ram_add(struct caec_realm *realm, u64 base, u64 top)
{
	unsigned int n = realm->num_ram;

	if (n == CAEC_MAX_RAM) {
		return -ENOSPC;
	}
	realm->ram[n] = (struct caec_ram){.base = base, .top = top};
	/* Faults look without the lock: the entry is complete before they see it counted. */
	smp_store_release(&realm->num_ram, n + 1);
	return 0;
}
