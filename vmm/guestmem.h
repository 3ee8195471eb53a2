// SPDX-License-Identifier: BSD-3-Clause
/*
 * The realm's RAM as the VMM sees it: what the realm shares, zero pages elsewhere. Everything in it
 * can change at any moment; whoever acts on a value copies it out first.
 */
#ifndef VMM_GUESTMEM_H
#define VMM_GUESTMEM_H

#include <stddef.h>
#include <stdint.h>

struct guest_mem {
	uint8_t *host; /* mapping of [base, base + size) */
	uint64_t base;
	uint64_t size;
	uint64_t alias; /* bit that unprotected addresses carry; cleared before the look-up */
};

/* The len bytes at addr (with or without the alias bit), or NULL where that is not all RAM. */
static inline void *guest_ptr(const struct guest_mem *mem, uint64_t addr, uint64_t len)
{
	uint64_t offset = (addr & ~mem->alias) - mem->base;

	if (offset >= mem->size || len > mem->size - offset) {
		return NULL;
	}
	return mem->host + offset;
}

#endif
