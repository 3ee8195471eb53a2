// SPDX-License-Identifier: BSD-3-Clause
/*
 * Confidential Shared Memory: regions, grants, attachments (docs/csm-spec.md; locks:
 * docs/locking.md).
 *
 * A firmware without CSM links csm/off.c instead of the rest of this folder: no realm has an APT
 * then, and what is called for realms with one is never called.
 *
 * Commands of a realm return the status for x0; what they answer beyond is in the outputs. They
 * are called without locks, on behalf of a REC of *self, and fill *exit, zero before, if the host
 * is to be told something: exit_reason is not zero then.
 */
#ifndef RMM_CSM_CSM_H
#define RMM_CSM_CSM_H

#include "abi/csm.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "realm/realm.h"

/* CSM_REVISION, or zero in a firmware without CSM. */
uint64_t csm_revision(void);

/*
 * Whether the realm has an APT. With the RD's lock or the CSM lock this stays so; without, it was
 * so a moment ago.
 */
static inline bool csm_in_use(const struct rd *rd)
{
	return atomic_load_explicit(&rd->csm.apt_count, memory_order_relaxed) != 0;
}

/* --- the CSM lock of one realm. Held: its records stay, and so do the pages of its regions. */

struct csm_held {
	struct rd *rd; /* NULL: nothing is held */
};

struct csm_held csm_lock(struct rd *rd);
void csm_unlock(struct csm_held held);

/*
 * The lock if the realm has an APT, else nothing. With the RD locked it has none then for as long;
 * a command of the realm itself may only refuse early by it.
 */
static inline struct csm_held csm_enter(struct rd *rd)
{
	return csm_in_use(rd) ? csm_lock(rd) : (struct csm_held){NULL};
}

static inline void csm_leave(struct csm_held held)
{
	if (held.rd != NULL) {
		csm_unlock(held);
	}
}

/*
 * Whether the page is in a reservation / [base, top) touches a region or a reservation. False if
 * nothing is held.
 */
bool csm_is_reserved(struct csm_held held, ipa_t page);
bool csm_is_taken(struct csm_held held, ipa_t base, ipa_t top);

/*
 * Whether an edge of a region, also of one in creation, lies inside [base, top): not at its ends.
 * No block may be mapped there. False if nothing is held.
 */
bool csm_has_edge(struct csm_held held, ipa_t base, ipa_t top);

/*
 * The realm got a page at ipa / lost it: it is in no table of the realm any more, and when this
 * returns in no other realm's. Nothing to do if nothing is held. No table may be locked.
 */
void csm_page_added(struct csm_held held, ipa_t ipa);
void csm_page_lost(struct csm_held held, ipa_t ipa);

/* --- APT. The RD and the granule are locked. */

/* The granule, opened at page, becomes one of the APT, which has less than 64; it is unlocked. */
void csm_apt_add(struct rd *rd, struct granule_held apt, void *page);

/* Whether the granule, in state APT, is one of this realm's. */
bool csm_apt_owned(const struct rd *rd, const struct granule *apt);

/*
 * Tears down everything that is recorded in the granule, as far as one call may go. True when
 * nothing is left: the granule is out of the APT, and its owner's to wipe.
 */
bool csm_apt_empty(struct rd *rd, struct granule *apt);

/* --- a stage-2 translation fault of the realm at a protected page */

enum csm_fault {
	CSM_FAULT_NONE,  /* not CSM's: to be handled as without */
	CSM_FAULT_RETRY, /* the page is mapped now */
	CSM_FAULT_ABORT, /* nothing is there, or not any more: an external abort for the realm */
	CSM_FAULT_TABLE, /* the host has to provide a table: *level is where the walk stopped */
};

enum csm_fault csm_fault(struct rd *self, ipa_t page, int *level);

/* --- commands of a provider */

/*
 * With exit_reason RMI_EXIT_CSM_SPLIT the command has not taken effect, and the status is not for
 * the realm: the call is to be repeated once the host has been asked.
 */
uint64_t csm_create(struct rd *self, ipa_t base, uint64_t size, uint64_t label, uint64_t *region,
		    struct rmi_rec_exit *exit);

/*
 * A command that takes a policy: begin, then the policy is read with the lock held, then commit;
 * csm_unlock() in any case. After a begin that failed nothing is held.
 */
struct csm_share {
	uint64_t region;
	uint64_t consumer;
	uint64_t perm;
	const struct csm_policy *policy; /* NULL: none */
};
uint64_t csm_share_begin(struct rd *self, const struct csm_share *share, struct csm_held *held);
uint64_t csm_share_commit(struct csm_held held, const struct csm_share *share);

uint64_t csm_revoke(struct rd *self, uint64_t region, uint64_t consumer, struct rmi_rec_exit *exit);
uint64_t csm_destroy(struct rd *self, uint64_t region, struct rmi_rec_exit *exit);
uint64_t csm_seal(struct rd *self, uint64_t region);

/* Whether a policy is well-formed: the condition policy_valid. */
bool csm_policy_valid(const struct csm_policy *policy);

/* --- commands of a consumer */

/* Two realms, by the lock of each. */
struct csm_pair {
	struct rd *self;
	struct rd *peer; /* NULL: there is no such realm, or it is *self */
};

struct csm_reserve {
	uint64_t provider;
	uint64_t region;
	ipa_t base;
	uint64_t size;
	const struct csm_policy *policy; /* NULL: none */
};
uint64_t csm_reserve_begin(struct rd *self, const struct csm_reserve *reserve,
			   struct csm_pair *pair);
uint64_t csm_reserve_commit(const struct csm_pair *pair, const struct csm_reserve *reserve,
			    struct rmi_rec_exit *exit);
void csm_pair_unlock(const struct csm_pair *pair);

uint64_t csm_attach(struct rd *self, uint64_t provider, uint64_t region, uint64_t *perm,
		    struct rmi_rec_exit *exit);
uint64_t csm_detach(struct rd *self, uint64_t provider, uint64_t region, struct rmi_rec_exit *exit);

/* --- commands of both */

struct csm_answer {
	uint64_t region, label, size, packed, base, next; /* x1..x6 of RSI_CSM_QUERY */
};
uint64_t csm_query(struct rd *self, uint64_t realm, uint64_t cursor, struct csm_answer *answer);

uint64_t csm_digest(struct rd *self, uint64_t provider, uint64_t region,
		    uint8_t digest[CSM_DIGEST_SIZE]);

struct csm_signal {
	uint64_t peer, provider, region, bits;
};
uint64_t csm_signal(struct rd *self, const struct csm_signal *signal, struct rmi_rec_exit *exit);
uint64_t csm_signal_take(struct rd *self, struct csm_signal *signal);

uint64_t csm_peer(struct rd *self, uint64_t peer, uint64_t index,
		  uint8_t value[REALM_MEASUREMENT_SIZE], uint64_t *hash_algo);

#endif
