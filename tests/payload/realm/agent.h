// SPDX-License-Identifier: BSD-3-Clause
/* Between the parts of the agent. */
#ifndef REALM_AGENT_H
#define REALM_AGENT_H

#include "payload/common/arch.h"

/* What the next host call says: gprs[0] to gprs[3]. */
void agent_report(uint64_t done, uint64_t a, uint64_t b, uint64_t c);

/* Orders about shared memory. False: it is another. */
bool agent_csm(uint64_t op, const uint64_t *args);

#endif
