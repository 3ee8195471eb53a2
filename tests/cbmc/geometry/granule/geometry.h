// SPDX-License-Identifier: BSD-3-Clause
/* Small capacities, for proofs: stands in front of the header of the same name in rmm/. */
#ifndef TESTS_CBMC_GEOMETRY_H
#define TESTS_CBMC_GEOMETRY_H

#define GRANULE_CAPACITY  ((uint64_t)4)
#define GRANULE_MAX_BANKS 3U

#endif
