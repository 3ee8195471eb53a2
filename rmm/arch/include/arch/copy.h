// SPDX-License-Identifier: BSD-3-Clause
/*
 * Arch interface: moving bytes. The host may change the world of its own memory on another CPU at
 * any time, so reading or writing it can end in a granule protection fault; and it may name an
 * address that the platform lists as memory and that has none, which ends in an external abort.
 * These copies survive both.
 */
#ifndef ARCH_COPY_H
#define ARCH_COPY_H

#include "base/types.h"

/*
 * Copies size bytes between memory of the RMM and a mapped host page. Both addresses and size are
 * multiples of 8. Returns false after such a fault: dst then holds part of the bytes, and the
 * caller must treat it as not written. Any other fault stops the CPU.
 */
bool arch_copy_from_host(void *dst, const void *src, size_t size);
bool arch_copy_to_host(void *dst, const void *src, size_t size);

/* Fills size bytes of a mapped host page with zeros; dst and size are multiples of 64. As above. */
bool arch_zero_to_host(void *dst, size_t size);

/*
 * Fills the granule at va (aligned) with zeros, complete before anything that follows. Returns
 * false if no memory answers there (a synchronous external abort).
 */
bool arch_zero_granule(void *va);

/*
 * The granule at va (aligned, Realm memory) holds what instruction fetches of all CPUs find from
 * now on: its content is complete for them, and nothing that they fetched from it before is left in
 * an instruction cache.
 */
void arch_sync_code(const void *va);

/*
 * No instruction cache of any CPU holds what was fetched before this, from whatever memory. Memory
 * itself is not looked at: for pages whose writer does not change, and who executes them does.
 */
void arch_forget_code(void);

#endif
