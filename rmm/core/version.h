// SPDX-License-Identifier: BSD-3-Clause
/* The one line that a release build prints. */
#ifndef RMM_CORE_VERSION_H
#define RMM_CORE_VERSION_H

#define VERSION_BANNER "CAEC RMM 0.1 (RMM specification 1.0)"

#endif
