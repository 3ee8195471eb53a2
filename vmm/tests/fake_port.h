// SPDX-License-Identifier: BSD-3-Clause
/* What fake_realm.c and the agent that it starts share: see fake_port.c. */
#ifndef VMM_TEST_FAKE_PORT_H
#define VMM_TEST_FAKE_PORT_H

#define FAKE_PORT 100 /* a descriptor of one byte: 0: nobody is at the host's side of the port */

#endif
