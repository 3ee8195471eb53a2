// SPDX-License-Identifier: BSD-3-Clause
/*
 * Confidential Shared Memory: regions, grants, attachments (docs/csm-spec.md; locks:
 * docs/locking.md).
 *
 * A firmware without CSM links csm/off.c instead of the rest of this folder: no realm has an APT
 * then, and what is called for realms with one is never called.
 *
 * Commands of a realm: registers, statuses and effects are those of docs/csm-spec.md section 6. A
 * function returns the status for x0; its outputs are valid with RSI_SUCCESS only. It is called
 * without locks, on behalf of a REC of *self. Ids and sizes may be anything that the realm passed.
 * *exit is zero before; if the host is to get an exit, the function fills it and exit_reason is not
 * zero. RSI_INCOMPLETE: the realm calls again with the same arguments.
 */
#ifndef RMM_CSM_CSM_H
#define RMM_CSM_CSM_H

#include "abi/csm.h"
#include "abi/rmi.h"
#include "abi/status.h"
#include "realm/realm.h"

/* CSM_REVISION, or zero in a firmware without CSM. */
uint64_t rmm_csm_revision(void);

/*
 * Whether the realm has an APT. With the RD's lock or the CSM lock this stays so; without, it was
 * so a moment ago.
 */
static inline bool rmm_csm_in_use(const struct rd *rd)
{
	return atomic_load_explicit(&rd->csm.apt_count, memory_order_relaxed) != 0;
}

/* --- the CSM lock of one realm. Held: its records stay, and so do the pages of its regions. */

struct rmm_csm_held {
	struct rd *rd; /* NULL: nothing is held */
};

/*
 * Takes and releases the CSM lock of a realm (docs/locking.md, rank 2). The realm stays: its RD is
 * locked, pinned, or referenced by a running REC.
 */
struct rmm_csm_held rmm_csm_lock(struct rd *rd);
void rmm_csm_unlock(struct rmm_csm_held held);

/*
 * The lock if the realm has an APT, else nothing. With the RD locked it has none then for as long;
 * a command of the realm itself may only refuse early by it.
 */
static inline struct rmm_csm_held rmm_csm_enter(struct rd *rd)
{
	return rmm_csm_in_use(rd) ? rmm_csm_lock(rd) : (struct rmm_csm_held){NULL};
}

static inline void rmm_csm_leave(struct rmm_csm_held held)
{
	if (held.rd != NULL) {
		rmm_csm_unlock(held);
	}
}

/* A region, reservation or attachment: what a realm's address is part of. */
struct rmm_csm_range;

/* The one that touches the page; NULL: none, or nothing is held. Valid while the lock is held. */
struct rmm_csm_range *rmm_csm_range_at(struct rd *rd, ipa_t page);
static inline struct rmm_csm_range *rmm_csm_at(struct rmm_csm_held held, ipa_t page)
{
	return held.rd == NULL ? NULL : rmm_csm_range_at(held.rd, page);
}

/* Whether it is a reservation or attachment, also a dead one. False for NULL. */
bool rmm_csm_is_reserved(const struct rmm_csm_range *range);

/* Whether [base, top) touches any. False if nothing is held. */
bool rmm_csm_is_taken(struct rmm_csm_held held, ipa_t base, ipa_t top);

/*
 * Whether an edge of a region, also of one in creation, lies inside [base, top): not at its ends.
 * No block may be mapped there. False if nothing is held.
 */
bool rmm_csm_has_edge(struct rmm_csm_held held, ipa_t base, ipa_t top);

/*
 * The host has assigned a page at ipa, or has taken one back and no table of the realm maps it any
 * more; range: what it is part of, of rmm_csm_at(). Added, RIPAS RAM: the page is mapped for every
 * attached consumer that has a table for it. Lost: when this returns no CPU can access it through a
 * consumer, and the consumers have signal PAGE_LOST. range: not NULL; nothing is done unless
 * it is a region. No table may be locked.
 */
void rmm_csm_page_added(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa, pa_t page);
void rmm_csm_page_lost(struct rmm_csm_range *range, struct rd *rd, ipa_t ipa);

/* --- APT (docs/csm-spec.md section 4). The RD and the granule are locked. */

/*
 * Adds a wiped granule, opened at page, to an APT of less than 64 granules. Unlocks it in state
 * APT.
 */
void rmm_csm_apt_add(struct rd *rd, struct granule_held granule, void *page);

/* Whether the granule, in state APT, is one of this realm's. */
bool rmm_csm_apt_owned(const struct rd *rd, const struct granule *apt);

/*
 * Ends regions, grants and attachments that the granule records, as far as one call may go. True
 * when none are left: the granule is out of the APT, and the caller wipes it. False: call again.
 */
bool rmm_csm_apt_empty(struct rd *rd, struct granule *apt);

/* --- a stage-2 translation fault of the realm at a protected page */

enum rmm_csm_fault {
	RMM_CSM_FAULT_NONE,  /* no attachment is there: handle the fault as in RMM 1.0 */
	RMM_CSM_FAULT_RETRY, /* the page is mapped: resume the realm */
	RMM_CSM_FAULT_ABORT, /* absent page or closed sharing: external abort in the realm */
	RMM_CSM_FAULT_TABLE, /* the host has to provide a table: *level is where the walk stopped */
};

/* Decides the fault (docs/csm-spec.md section 8), and maps the page if it may. No lock is held. */
enum rmm_csm_fault rmm_csm_fault(struct rd *self, ipa_t page, int *level);

/* --- commands of a provider */

/*
 * RSI_CSM_CREATE of [base, base + size), in bytes. If exit_reason is RMI_EXIT_CSM_SPLIT the command
 * has not taken effect and the status is not for the realm: repeat the call after the exit.
 */
uint64_t rmm_csm_create(struct rd *self, ipa_t base, uint64_t size, uint64_t label,
			uint64_t *region, struct rmi_rec_exit *exit);

/*
 * RSI_CSM_SHARE: begin checks the conditions before the policy and takes the lock; the caller reads
 * the policy; commit checks the rest and makes the grant. After a begin that succeeded the caller
 * calls rmm_csm_unlock() in any case; after one that failed nothing is held.
 */
struct rmm_csm_share {
	uint64_t region;
	uint64_t consumer;
	uint64_t perm;
	const struct rsi_csm_policy *policy; /* NULL: none */
};
uint64_t rmm_csm_share_begin(struct rd *self, const struct rmm_csm_share *share,
			     struct rmm_csm_held *held);
uint64_t rmm_csm_share_commit(struct rmm_csm_held held, const struct rmm_csm_share *share);

/* RSI_CSM_REVOKE, RSI_CSM_DESTROY, RSI_CSM_SEAL. */
uint64_t rmm_csm_revoke(struct rd *self, uint64_t region, uint64_t consumer,
			struct rmi_rec_exit *exit);
uint64_t rmm_csm_destroy(struct rd *self, uint64_t region, struct rmi_rec_exit *exit);
uint64_t rmm_csm_seal(struct rd *self, uint64_t region);

/* Whether a policy is well-formed: the condition policy_valid (docs/csm-spec.md section 7). */
bool rmm_csm_policy_valid(const struct rsi_csm_policy *policy);

/* --- commands of a consumer */

/* Two realms whose CSM locks are held; the peer is pinned. */
struct rmm_csm_pair {
	struct rd *self;
	struct rd *peer; /* NULL: there is no such realm, or it is *self */
};

/*
 * RSI_CSM_RESERVE, in steps as RSI_CSM_SHARE; rmm_csm_pair_unlock() after a begin that succeeded.
 */
struct rmm_csm_reserve {
	uint64_t provider;
	uint64_t region;
	ipa_t base;
	uint64_t size;
	const struct rsi_csm_policy *policy; /* NULL: none */
};
uint64_t rmm_csm_reserve_begin(struct rd *self, const struct rmm_csm_reserve *reserve,
			       struct rmm_csm_pair *pair);
uint64_t rmm_csm_reserve_commit(const struct rmm_csm_pair *pair,
				const struct rmm_csm_reserve *reserve, struct rmi_rec_exit *exit);
void rmm_csm_pair_unlock(const struct rmm_csm_pair *pair);

/* RSI_CSM_ATTACH: *perm is what the consumer may do, CSM_PERM_...; RSI_CSM_DETACH_AND_FREE. */
uint64_t rmm_csm_attach(struct rd *self, uint64_t provider, uint64_t region, uint64_t *perm,
			struct rmi_rec_exit *exit);
uint64_t rmm_csm_detach(struct rd *self, uint64_t provider, uint64_t region,
			struct rmi_rec_exit *exit);

/* --- commands of both */

struct rmm_csm_answer {
	uint64_t region, label, size, packed, base, next; /* x1..x6 of RSI_CSM_QUERY */
};
/* RSI_CSM_QUERY: the first region of `realm` with an id above `cursor`. */
uint64_t rmm_csm_query(struct rd *self, uint64_t realm, uint64_t cursor,
		       struct rmm_csm_answer *answer);

/* RSI_CSM_DIGEST: the SHA-512 of a sealed region. */
uint64_t rmm_csm_digest(struct rd *self, uint64_t provider, uint64_t region,
			uint8_t digest[CSM_DIGEST_SIZE]);

struct rmm_csm_signal {
	uint64_t peer, provider, region, bits;
};
/* RSI_CSM_SIGNAL; RSI_CSM_SIGNAL_TAKE: bits are zero if no signal is pending. */
uint64_t rmm_csm_signal(struct rd *self, const struct rmm_csm_signal *signal,
			struct rmi_rec_exit *exit);
uint64_t rmm_csm_signal_take(struct rd *self, struct rmm_csm_signal *signal);

/* RSI_CSM_PEER: one measurement, or the RPV, of a realm that self has a sharing with. */
uint64_t rmm_csm_peer(struct rd *self, uint64_t peer, uint64_t index,
		      uint8_t value[REALM_MEASUREMENT_SIZE], uint64_t *hash_algo);

/* RSI_CSM_RECORD: the record of self that follows the one with these ids; packed 0: none. */
uint64_t rmm_csm_list_record(struct rd *self, uint64_t kind, uint64_t peer_id, uint64_t region_id,
			     struct rsi_csm_record *record);

/*
 * The sharings claim (docs/csm-spec.md section 11): SHA-512 of the realm's records as they are now;
 * of nothing for a realm without an APT. False if there are more than CSM_RECORDS_MAX. Takes the
 * CSM lock once, for at most so many hashed records. No lock is held.
 */
bool rmm_csm_sharings(struct rd *self, uint8_t hash[CSM_DIGEST_SIZE]);

#endif
