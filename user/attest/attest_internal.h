/* SPDX-License-Identifier: BSD-3-Clause */
/* libcsm-attest: what its files share. */
#ifndef CSM_ATTEST_INTERNAL_H
#define CSM_ATTEST_INTERNAL_H

#include "attest/include/csm_attest.h"

/* Sets out->why, cut to its size. Returns ret. */
int csm_attest_fail(struct csm_attested *out, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
