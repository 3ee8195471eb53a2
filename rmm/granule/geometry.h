// SPDX-License-Identifier: BSD-3-Clause
/* Capacities of the granule table. Proofs build with a smaller copy of this header. */
#ifndef RMM_GRANULE_GEOMETRY_H
#define RMM_GRANULE_GEOMETRY_H

/* Granules that can be tracked: 4 GiB of memory. One page of the window belongs to each. */
#define GRANULE_CAPACITY ((uint64_t)1 << 20)

/*
 * Ranges of memory that can be tracked: as many as a boot manifest can list in its page, and one
 * more because the RMM's own memory splits the range it lies in.
 */
#define GRANULE_MAX_BANKS 253U

#endif
