/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several realms in one process, behind libcsm's backend: what the guest module and the RMM do, as
 * far as a program in a realm can tell. Memory is shared for real, withdrawn memory gives SIGBUS
 * for real, and waiting waits. Any number of threads.
 */
#ifndef TESTS_FAKE_H
#define TESTS_FAKE_H

#include "libcsm/backend.h"

#define FAKE_REALMS 4

struct fake_world;
struct fake_realm; /* the ctx of the backend */

extern const struct csm_backend fake_backend;

/*
 * Realms have ids from fake_id(), RIMs of bytes 0x10 + n, and a window of 64 MiB for attachments.
 */
struct fake_world *fake_new(void);
void fake_free(struct fake_world *world);
struct fake_realm *fake_realm(struct fake_world *world, unsigned int n);
uint64_t fake_id(unsigned int n);

/* The realm is gone with all its regions and attachments. Its handles stay, and answer ENOTCONN. */
void fake_kill(struct fake_realm *realm);

/* Every call from now on, of any realm, fails with this errno; 0: no more. */
void fake_fail(struct fake_world *world, int error);

/* The same for one call of abi/uapi/csm_guest.h. */
void fake_fail_call(struct fake_world *world, unsigned long request, int error);

/* Mappings made from now on lack their second page: an access there gives SIGBUS. */
void fake_lose_page(struct fake_world *world, bool lose);

/* Signals stay on their way, as if interrupts were late; false: they arrive, and all later ones. */
void fake_deliver_late(struct fake_world *world, bool late);

/* CSM_POLICY_* of the last grant that was asked for; 0: it had no policy. */
uint64_t fake_policy_flags(struct fake_world *world);

/* Handles that are open, in all realms. */
unsigned int fake_handles(struct fake_world *world);

#endif
