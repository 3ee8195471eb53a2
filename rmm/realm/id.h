// SPDX-License-Identifier: BSD-3-Clause
/*
 * Realm ids, and the index that leads from an id to its realm (docs/csm-spec.md section 1).
 *
 * An id is 64 random bits, drawn anew for every realm, never 0 and never that of another live
 * realm. Nothing the host chooses goes into it. It is the beginning of the realm's instance id,
 * which has 256 random bits (RMM specification 2.0, A7.2.3.1.3).
 *
 * The index is a hash table whose chains run through the RDs, so that it has room for every realm
 * there can be; ids are random, so their low bits are the hash.
 */
#ifndef RMM_REALM_ID_H
#define RMM_REALM_ID_H

#include "realm/realm.h"

/* Once at boot: the index is empty. */
void realm_id_boot(void);

/* The instance id: its type 0x01 (random), the realm id with the highest byte first, the rest. */
#define REALM_INSTANCE_ID_SIZE 33U

void realm_instance_id(const struct rd *rd, uint8_t out[REALM_INSTANCE_ID_SIZE]);

/*
 * Draws an instance id for the realm, and so its id, and enters that into the index. False, with
 * nothing changed, if the CPU's
 * entropy source did not answer within a bounded number of tries. The caller holds the RD's lock.
 */
bool realm_id_assign(struct rd *rd);

/*
 * Takes the realm out of the index, and returns when no CPU has it pinned. The caller holds the
 * RD's lock and no lock of a later rank: who pins a realm may take its CSM lock.
 */
void realm_id_retire(struct rd *rd);

/*
 * The RD granule of the realm with that id; NULL if there is none. Without the RD's lock this was
 * true a moment ago: lock it for GRANULE_RD and compare the id again before relying on it.
 */
struct granule *realm_find(uint64_t id);

/*
 * The realm with that id, NULL if there is none. It is not freed until realm_unpin(); nothing else
 * of it is promised. No external lock may be taken in between.
 */
struct rd *realm_pin(uint64_t id);
void realm_unpin(struct rd *rd);

#endif
