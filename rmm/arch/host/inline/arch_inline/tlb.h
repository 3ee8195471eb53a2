// SPDX-License-Identifier: BSD-3-Clause
#ifndef ARCH_INLINE_TLB_H
#define ARCH_INLINE_TLB_H

void machine_s2_write(const uint64_t *entry, uint64_t value, const struct arch_s2_loc *loc);
void machine_s2_sync(void);

static inline void arch_s2_write(uint64_t *entry, uint64_t value, const struct arch_s2_loc *loc)
{
	machine_s2_write(entry, value, loc);
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static inline void arch_s2_sync(void)
{
	machine_s2_sync();
}

#endif
