// SPDX-License-Identifier: BSD-3-Clause
/*
 * Records of regions, grants and attachments, and the functions that the files of csm/ share
 * (docs/csm-spec.md section 3).
 *
 * A sharing is a grant of the provider and an attachment of the consumer that are *linked*: each
 * names the other's realm and record. Linking and unlinking takes both CSM locks. So either lock
 * keeps both realms, both records and the consumer's tables while they are linked. Pages are mapped
 * only while the grant is ATTACHED.
 *
 * Long commands run in steps. *Begin* checks, and closes what the command ends; it needs the lock
 * and changes nothing that another call could miss. A *step* does bounded work and keeps its
 * progress in the record; between steps of DESTROY, REVOKE and DETACH_AND_FREE no lock is held, so
 * a step looks everything up again. *Finish* reports to the host and frees the record.
 *
 * Files call downwards only: apt; region; attachment, fault, grant; evidence, peer, seal, signal;
 * lock; check, sharing; policy, record; tree.
 */
#ifndef RMM_CSM_CSM_INTERNAL_H
#define RMM_CSM_CSM_INTERNAL_H

#include "base/assert.h"
#include "csm/csm.h"

#define RMM_CSM_RECORDS 25U /* of one APT granule */
#define RMM_CSM_NONE    0U  /* no record's number */

/* --- policies (policy.c) */

/* What is kept of a policy: enough to compare it with a realm's measurements. */
struct rmm_csm_policy_digest {
	bool present; /* false: every realm matches */
	uint8_t hash_algo;
	uint8_t flags; /* CSM_POLICY_... */
	uint8_t digest[32];
};

/* The digest of a policy that rmm_csm_policy_valid() accepted; NULL: none is required. */
struct rmm_csm_policy_digest rmm_csm_policy_digest(const struct rsi_csm_policy *policy);

/* Whether the measurements of *peer are those that the policy requires. No lock is needed. */
bool rmm_csm_policy_match(const struct rmm_csm_policy_digest *policy, struct rd *peer);

/* --- records */

enum rmm_csm_kind {
	RMM_CSM_KIND_FREE,
	RMM_CSM_KIND_REGION,
	RMM_CSM_KIND_GRANT,
	RMM_CSM_KIND_ATTACHMENT,
};

/*
 * Realm and region ids that name a record. Provider of a region and a grant, and consumer of an
 * attachment, is the realm whose APT has the record.
 */
struct rmm_csm_id {
	uint64_t provider;
	uint64_t region;   /* 0: a region that is being created and has no id yet */
	uint64_t consumer; /* region: 0; grant: CSM_REALM_ANY for the ANY grant */
};

/* A record's place in a tree (tree.c). Kind and number are the record's in each of its nodes. */
struct rmm_csm_node {
	uint8_t kind;   /* enum rmm_csm_kind */
	uint8_t height; /* of the subtree; 0: in no tree */
	uint16_t number;
	uint16_t child[2]; /* numbers; [0]: what comes before */
};

enum rmm_csm_tree {
	RMM_CSM_TREE_IDS,    /* by kind, other realm, region id: what has a region id */
	RMM_CSM_TREE_RANGES, /* by base: regions and attachments */
};

_Static_assert(RMM_CSM_TREE_RANGES + 1 == REALM_CSM_TREES, "each tree has its root");

/* What every record begins with. */
struct rmm_csm_record {
	struct rmm_csm_node node; /* by id */
	struct rmm_csm_id id;
	_Atomic uint64_t pending; /* grant, attachment: signals for the realm whose record it is */
};

/* What a region and an attachment begin with: they take a range of their realm's addresses. */
struct rmm_csm_range {
	struct rmm_csm_record record;
	struct rmm_csm_node by_base;
	uint64_t base;
	uint64_t size;
	uint64_t progress; /* of the command that the state names, in bytes from base */
};

enum rmm_csm_region_state {
	RMM_CSM_REGION_CREATING, /* [base, base + progress) has been checked to be RAM */
	RMM_CSM_REGION_LIVE,
	RMM_CSM_REGION_ENDING, /* no new sharing, no new mapping */
};

/* The step of RSI_CSM_SEAL that is under way. */
enum rmm_csm_seal {
	RMM_CSM_SEAL_IDLE,
	RMM_CSM_SEAL_CHECK,    /* all pages are present? */
	RMM_CSM_SEAL_PROVIDER, /* the provider's own entries become read-only */
	RMM_CSM_SEAL_CONSUMERS /* mappings with write permission are removed */
};

struct rmm_csm_region {
	struct rmm_csm_range range;
	enum rmm_csm_region_state state;
	enum rmm_csm_seal seal;
	bool sealed;         /* nothing more is mapped for writing, from RMM_CSM_SEAL_PROVIDER on */
	bool hashed;         /* `hash` is the digest */
	bool wakeup_pending; /* DESTROY: a consumer's word that was empty got a signal */
	bool wakeup_sent;    /* and the host got the exit */
	uint16_t first_grant;
	uint16_t attached; /* grants that are ATTACHED */
	uint64_t label;
	uint64_t hash[8]; /* the digest, or its intermediate state */
};

enum rmm_csm_grant_state {
	RMM_CSM_GRANT_IDLE,     /* not linked */
	RMM_CSM_GRANT_RESERVED, /* linked, nothing mapped */
	RMM_CSM_GRANT_ATTACHED, /* linked, pages may be mapped */
	RMM_CSM_GRANT_ENDED,    /* not linked; only its signals are left */
};

struct rmm_csm_grant {
	struct rmm_csm_record record;
	enum rmm_csm_grant_state state;
	uint8_t perm;        /* CSM_PERM_... */
	bool via_any;        /* made by the ANY grant for one consumer */
	bool closed;         /* nothing more is mapped */
	bool revoked;        /* closed by the provider, and to be freed */
	bool unmap_for_seal; /* SEAL still has to remove mappings with write permission */
	bool wakeup_pending; /* ANY grant: REVOKE set a consumer's word that was empty */
	uint16_t region;     /* its region's record */
	uint16_t next;       /* of the region's grants, as is `previous` */
	uint16_t previous;
	uint16_t attachment; /* linked: the consumer's record */
	struct rd *consumer; /* linked: the consumer; NULL: not linked */
	uint64_t base;       /* linked: of the attachment, as is `size` */
	uint64_t size;
	uint64_t unmapped; /* bytes from `base` that its end has unmapped */
	uint64_t unmapped_for_seal;
	struct rmm_csm_policy_digest policy;
};

enum rmm_csm_attachment_state {
	RMM_CSM_ATTACHMENT_RESERVED, /* linked, the range is the consumer's own */
	/* Steps of ATTACH, each from progress 0 on. */
	RMM_CSM_ATTACHMENT_CHECKING, /* the host has taken back all granules of the range? */
	RMM_CSM_ATTACHMENT_CLEARING, /* the range becomes RIPAS EMPTY */
	RMM_CSM_ATTACHMENT_MAPPING,  /* attached; maps what is present */
	RMM_CSM_ATTACHMENT_ATTACHED,
	RMM_CSM_ATTACHMENT_DEAD,      /* not linked any more; DETACH_AND_FREE frees it */
	RMM_CSM_ATTACHMENT_DETACHING, /* linked or not; nothing more is mapped */
};

struct rmm_csm_attachment {
	struct rmm_csm_range range;
	enum rmm_csm_attachment_state state;
	bool clean;          /* CHECKING: every entry so far is RIPAS EMPTY already */
	bool touched;        /* the range is not what the consumer had there any more */
	uint16_t grant;      /* linked: the provider's record */
	struct rd *provider; /* linked: the provider; NULL: not linked */
	struct rmm_csm_policy_digest policy;
};

union rmm_csm_any_record {
	struct rmm_csm_record record;
	struct rmm_csm_range range;
	struct rmm_csm_region region;
	struct rmm_csm_grant grant;
	struct rmm_csm_attachment attachment;
};

struct rmm_csm_apt {
	struct granule *rd; /* whose it is */
	uint32_t slot;
	uint32_t used;            /* bit n: records[n] is not FREE */
	_Atomic uint32_t pending; /* bit n: records[n] has signals, or had a moment ago */
	bool leaving;             /* RMI_APT_DESTROY has begun: no new records */
	uint8_t reserved[19];
	union rmm_csm_any_record records[RMM_CSM_RECORDS];
};

_Static_assert(sizeof(union rmm_csm_any_record) <= 160 &&
		       sizeof(struct rmm_csm_apt) <= GRANULE_SIZE,
	       "an APT granule has room for 25 records");
_Static_assert(REALM_APT_GRANULES == CSM_MAX_APT_GRANULES, "as the ABI says");

/* --- the record store (record.c). The CSM lock of *rd is held. */

/* A record's number: its granule's slot, and its index there plus one; never RMM_CSM_NONE. */
#define RMM_CSM_SLOT_BITS 5U

static inline uint16_t rmm_csm_number_of(unsigned int slot, unsigned int index)
{
	return (uint16_t)((slot << RMM_CSM_SLOT_BITS) | (index + 1U));
}

static inline unsigned int rmm_csm_slot_of(unsigned int number)
{
	return number >> RMM_CSM_SLOT_BITS;
}

/* The index plus one. */
static inline unsigned int rmm_csm_place_of(unsigned int number)
{
	return number & ((1U << RMM_CSM_SLOT_BITS) - 1U);
}

static inline unsigned int rmm_csm_index_of(unsigned int number)
{
	return rmm_csm_place_of(number) - 1U;
}

/* Sets of kinds. */
#define RMM_CSM_KINDS_RANGE ((1U << RMM_CSM_KIND_REGION) | (1U << RMM_CSM_KIND_ATTACHMENT))
#define RMM_CSM_KINDS_ALL   (RMM_CSM_KINDS_RANGE | (1U << RMM_CSM_KIND_GRANT))

/*
 * The record with a number that a tree, a list or a link of *rd gave. Stops if no record of one of
 * these kinds has it: what was freed has no number.
 */
static inline union rmm_csm_any_record *rmm_csm_record_at(const struct rd *rd, unsigned int number,
							  unsigned int kinds)
{
	unsigned int slot = rmm_csm_slot_of(number) % REALM_APT_GRANULES;
	unsigned int index = rmm_csm_index_of(number);
	struct rmm_csm_apt *apt = rd->csm.apt[slot];
	union rmm_csm_any_record *any = &apt->records[index];

	ASSERT(apt != NULL && index < RMM_CSM_RECORDS && any->record.node.number == number &&
	       (kinds >> any->record.node.kind & 1U) != 0);
	return any;
}

/* The record as what it is; NULL if it is NULL or of another kind. */
static inline struct rmm_csm_region *rmm_csm_as_region(struct rmm_csm_record *record)
{
	bool is = record != NULL && record->node.kind == RMM_CSM_KIND_REGION;

	return is ? (struct rmm_csm_region *)record : NULL;
}

static inline struct rmm_csm_grant *rmm_csm_as_grant(struct rmm_csm_record *record)
{
	bool is = record != NULL && record->node.kind == RMM_CSM_KIND_GRANT;

	return is ? (struct rmm_csm_grant *)record : NULL;
}

static inline struct rmm_csm_attachment *rmm_csm_as_attachment(struct rmm_csm_record *record)
{
	bool is = record != NULL && record->node.kind == RMM_CSM_KIND_ATTACHMENT;

	return is ? (struct rmm_csm_attachment *)record : NULL;
}

/* The APT granule in a slot that is in use. */
static inline struct rmm_csm_apt *rmm_csm_apt_at(const struct rd *rd, unsigned int slot)
{
	struct rmm_csm_apt *apt = rd->csm.apt[slot % REALM_APT_GRANULES];

	ASSERT(apt != NULL && apt->slot == slot);
	return apt;
}

/* The record with a number that a list or a link of *rd gave; stops if it is of another kind. */
struct rmm_csm_grant *rmm_csm_grant_at(const struct rd *rd, unsigned int number); /* NONE: NULL */
struct rmm_csm_region *rmm_csm_grant_region(const struct rd *rd, const struct rmm_csm_grant *grant);
struct rmm_csm_attachment *rmm_csm_grant_attachment(const struct rmm_csm_grant *grant); /* linked */
struct rmm_csm_grant *rmm_csm_attachment_grant(
	const struct rmm_csm_attachment *attachment); /* linked */

/* The other realm of a grant or attachment; 0 of a region and an ANY grant. */
static inline uint64_t rmm_csm_peer_id(const struct rmm_csm_record *record)
{
	bool attachment = record->node.kind == RMM_CSM_KIND_ATTACHMENT;

	return attachment ? record->id.provider : record->id.consumer;
}

/* The record with that id; NULL: there is none. */
struct rmm_csm_region *rmm_csm_region_find(const struct rd *rd, uint64_t region_id);
struct rmm_csm_grant *rmm_csm_grant_find(const struct rd *rd, uint64_t region_id,
					 uint64_t consumer_id);
struct rmm_csm_attachment *rmm_csm_attachment_find(const struct rd *rd, uint64_t provider_id,
						   uint64_t region_id);

/* The record of that kind and other realm with the lowest region id above `after`; NULL: none. */
struct rmm_csm_record *rmm_csm_record_after(const struct rd *rd, enum rmm_csm_kind kind,
					    uint64_t peer_id, uint64_t after);

/* The record after these ids in the order of RMM_CSM_TREE_IDS, of any kind; NULL: none. */
struct rmm_csm_record *rmm_csm_record_beyond(const struct rd *rd, enum rmm_csm_kind kind,
					     uint64_t peer_id, uint64_t region_id);

/*
 * The first region or attachment that touches [base, top), by address; NULL: none. Remembers around
 * which gap it found none: pages there are asked for one after the other.
 */
struct rmm_csm_range *rmm_csm_range_find(struct rd *rd, uint64_t base, uint64_t top);

/* The record that follows in the APT; the first one after NULL; NULL at the end. */
struct rmm_csm_record *rmm_csm_record_next(const struct rd *rd, const struct rmm_csm_record *after);

/* All records, all grants of a region. The body frees none of them. */
#define rmm_csm_for_each_record(rd, record)                                \
	for ((record) = rmm_csm_record_next((rd), NULL); (record) != NULL; \
	     (record) = rmm_csm_record_next((rd), (record)))
#define rmm_csm_for_each_grant(rd, region, grant)                                      \
	for ((grant) = rmm_csm_grant_at((rd), (region)->first_grant); (grant) != NULL; \
	     (grant) = rmm_csm_grant_at((rd), (grant)->next))

/* Whether the APT has room for a record, at the cost of an ENDED grant if need be. */
bool rmm_csm_has_room(const struct rd *rd);

/*
 * A new record in all its lists, zero but for what is given; NULL: the APT is full. An ENDED grant
 * and its signals give way to it. A region gets its id later, once.
 */
struct rmm_csm_region *rmm_csm_region_new(struct rd *rd, uint64_t base, uint64_t size);
void rmm_csm_region_set_id(struct rd *rd, struct rmm_csm_region *region, uint64_t region_id);
struct rmm_csm_grant *rmm_csm_grant_new(struct rd *rd, struct rmm_csm_region *region,
					uint64_t consumer_id);
struct rmm_csm_attachment *rmm_csm_attachment_new(struct rd *rd, uint64_t provider_id,
						  uint64_t region_id, uint64_t base, uint64_t size);

/* Takes the record out of its lists and wipes it. It is not linked; a region has no grants. */
void rmm_csm_record_free(struct rd *rd, struct rmm_csm_record *record);

/* The granule takes no new records any more: RMI_APT_DESTROY would not end otherwise. */
void rmm_csm_apt_leave(struct rd *rd, struct rmm_csm_apt *apt);

/* --- trees of records (tree.c). The CSM lock of *rd is held. */

/* How a record compares with a key of RMM_CSM_TREE_IDS: -1 before, 0 equal, 1 after. */
int rmm_csm_compare(const struct rmm_csm_record *record, enum rmm_csm_kind kind, uint64_t peer_id,
		    uint64_t region_id);

/* Adds a record that is not in the tree, or removes one that is. No other has the same key. */
void rmm_csm_tree_add(struct rd *rd, enum rmm_csm_tree tree, union rmm_csm_any_record *any);
void rmm_csm_tree_remove(struct rd *rd, enum rmm_csm_tree tree, union rmm_csm_any_record *any);

/* Stops unless the record's node is in order with what is below it. */
void rmm_csm_tree_check(const struct rd *rd, enum rmm_csm_tree tree,
			const union rmm_csm_any_record *any);

/* Stops unless the records are in order (check.c); checking builds call it at lock and unlock. */
void rmm_csm_check(const struct rd *rd);

/* --- the locks of two realms (lock.c) */

/*
 * Takes both locks in the order of the RDs, and pins the peer; or that of self alone, and then
 * pair->peer is NULL: no realm has that id, or it is self. rmm_csm_pair_unlock().
 */
void rmm_csm_pair_lock(struct rd *self, uint64_t peer_id, struct rmm_csm_pair *pair);

/* --- sharings (sharing.c) */

static inline ipa_t rmm_csm_range_base(const struct rmm_csm_range *range)
{
	return ipa_of(range->base);
}

static inline ipa_t rmm_csm_range_top(const struct rmm_csm_range *range)
{
	return ipa_of(range->base + range->size);
}

/* Where the command that is under way goes on. */
static inline ipa_t rmm_csm_range_position(const struct rmm_csm_range *range)
{
	return ipa_of(range->base + range->progress);
}

/*
 * What CREATE and RESERVE ask of [base, base + size), in bytes: RSI_SUCCESS, or RSI_ERROR_INPUT
 * with base_align, size_align, size_valid or rgn_bound (the protected half, without wrap-around).
 */
uint64_t rmm_csm_check_range(const struct rd *self, ipa_t base, uint64_t size);

/* Fills the exit that reports the range to the host (docs/csm-spec.md section 5). */
void rmm_csm_exit_range(struct rmi_rec_exit *exit, uint8_t reason,
			const struct rmm_csm_range *range);

/* What one call has done so far. */
struct rmm_csm_work {
	unsigned int visited; /* table entries */
	uint64_t extra_bits;  /* signals that the peer gets besides that the sharing has ended */
	bool wakeup;          /* ATTACH: the provider's word was empty before its signal */
};

/* Whether the call may do one more step: below 512 entries, and no interrupt is pending. */
bool rmm_csm_may_continue(const struct rmm_csm_work *work);

/*
 * The grant by which a realm may use a region of *provider: one that names the realm, else the ANY
 * grant; not revoked, and the realm matches its policy. NULL: there is none. Both locks.
 */
struct rmm_csm_grant *rmm_csm_grant_for(const struct rd *provider, struct rd *consumer,
					uint64_t region_id);

/* Makes an ENDED grant as a new one, IDLE and with no flag set; its signals stay pending. */
void rmm_csm_grant_reopen(struct rmm_csm_grant *grant);

/* Links a new attachment of pair->self with a grant of pair->peer; both become RESERVED. */
void rmm_csm_link(const struct rmm_csm_pair *pair, struct rmm_csm_attachment *attachment,
		  struct rmm_csm_grant *grant);

/*
 * Ends a sharing of *provider. Both locks; nothing is mapped any more. The attachment becomes DEAD,
 * unless it is DETACHING; the grant IDLE, or ENDED if it was made by the ANY grant.
 */
void rmm_csm_unlink(struct rd *provider, struct rmm_csm_grant *grant);

/* Whether pages may be mapped for this grant of this region. The provider's lock. */
bool rmm_csm_is_open(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant);

/* The permissions that the grant gives now, in CSM_PERM_...: no write if the region is sealed. */
uint64_t rmm_csm_perm(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant);

/* What follows from them for entries of the consumer: S2_READ_ONLY, S2_NO_EXEC. */
unsigned int rmm_csm_limits(const struct rmm_csm_region *region, const struct rmm_csm_grant *grant);

/* The shared mapping that a linked grant of *provider stands for. */
struct s2_share rmm_csm_mapping(const struct rd *provider, const struct rmm_csm_region *region,
				const struct rmm_csm_grant *grant);

/* --- signals (signal.c) */

/*
 * Sets bits in the pending word of a record of *rd. True if the word was empty: the host is to wake
 * the realm. Needs the lock of *rd, or that of the peer while the two are linked.
 */
bool rmm_csm_signal_post(struct rd *rd, struct rmm_csm_record *record, uint64_t bits);

/* Fills exit RMI_EXIT_CSM_SIGNAL: asks the host to wake one realm, or all realms (NULL). */
void rmm_csm_exit_signal(struct rmi_rec_exit *exit, const struct granule *receiver);

/* --- the end of a grant, a region, an attachment (grant.c, region.c, attachment.c) */

/*
 * Close begins the end: no new sharing, no new mapping. Needs the lock. Of a linked attachment the
 * consumer's lock is enough: pages may then still be mapped until its end takes both.
 */
void rmm_csm_grant_close(struct rmm_csm_grant *grant);
void rmm_csm_region_close(struct rd *self, struct rmm_csm_region *region);
void rmm_csm_attachment_close(struct rmm_csm_attachment *attachment);

enum rmm_csm_end {
	RMM_CSM_END_MORE,  /* call again */
	RMM_CSM_END_DONE,  /* the grant is gone */
	RMM_CSM_END_WAKEUP /* it is gone, and the consumer's word was empty: *wakeup is its RD */
};

/* One step towards the end of a revoked grant of *self. No lock is held. */
enum rmm_csm_end rmm_csm_grant_end(struct rd *self, uint64_t region_id, uint64_t consumer_id,
				   struct rmm_csm_work *work, struct granule **wakeup);

/*
 * One step towards the end of a region that is ENDING, or an attachment that is DETACHING. True if
 * only the record is left. No lock is held. *wakeup becomes the provider's RD if its word was
 * empty; otherwise it stays as it is.
 */
bool rmm_csm_region_end(struct rd *self, uint64_t region_id, struct rmm_csm_work *work);
bool rmm_csm_attachment_end(struct rd *self, uint64_t provider_id, uint64_t region_id,
			    struct rmm_csm_work *work, struct granule **wakeup);

/*
 * The record, if it is drained: ENDING without grants, or DETACHING and not linked. Otherwise NULL.
 * The lock of *self.
 */
struct rmm_csm_region *rmm_csm_region_find_drained(const struct rd *self, uint64_t region_id);
struct rmm_csm_attachment *rmm_csm_attachment_find_drained(const struct rd *self,
							   uint64_t provider_id,
							   uint64_t region_id);

#endif
