// SPDX-License-Identifier: BSD-3-Clause
/*
 * Records of what a realm shares, and the sharing itself, between the files of csm/.
 *
 * A sharing is a grant of the provider and an attachment of the consumer that are *linked*: each
 * names the other's realm and record. Linking and unlinking takes both CSM locks; so either lock
 * keeps both realms, both records and the consumer's tables while they are linked. What is mapped
 * may be mapped only while the grant is ATTACHED.
 */
#ifndef RMM_CSM_CSM_INTERNAL_H
#define RMM_CSM_CSM_INTERNAL_H

#include "csm/csm.h"

#define CSM_RECORDS 25U /* of one APT granule */
#define CSM_NONE    0U  /* no record's number */

enum csm_kind {
	CSM_FREE,
	CSM_REGION,     /* key: region id, 0; an unfinished one has no key yet */
	CSM_GRANT,      /* key: region id, consumer id */
	CSM_ATTACHMENT, /* key: provider id, region id */
};

enum csm_state {
	/* Regions. */
	CSM_CREATING, /* RIPAS is being looked at: [base, base + progress) is RAM */
	CSM_LIVE,
	CSM_ENDING, /* nobody gets in any more */
	/* Grants. */
	CSM_IDLE,
	CSM_RESERVED, /* linked, nothing mapped; also of attachments */
	CSM_ATTACHED, /* linked, perhaps mapped; also of attachments */
	CSM_ENDED,    /* only signals are left */
	/* Attachments, on their way to ATTACHED, each from progress 0 on. */
	CSM_CHECKING, /* that nothing of the consumer is in the range */
	CSM_CLEARING, /* RIPAS EMPTY throughout */
	CSM_LENDING,  /* mapping what there is */
	CSM_DEAD,     /* not linked any more: only to be detached */
	CSM_DETACHING,
};

/* How far RSI_CSM_SEAL has come. */
enum csm_seal { CSM_SEAL_IDLE, CSM_SEAL_CHECK, CSM_SEAL_OWN, CSM_SEAL_LENT };

#define CSM_IS_SEALED 0x01U /* region: nobody writes */
#define CSM_HASHED    0x02U /* region: `hash` is the digest */
#define CSM_TOLD      0x04U /* region, ANY grant: a word that was empty got a signal */
#define CSM_SIGNALLED 0x08U /* region, attachment: and the host knows */
#define CSM_VIA_ANY   0x10U /* grant: stands for the ANY grant */
#define CSM_CLOSED    0x20U /* grant: nothing more is mapped; never set in attachments */
#define CSM_RECALLED  0x40U /* grant: SEAL still has to take back what was lent for writing */
#define CSM_REVOKED   0x80U /* grant: and it is on its way out */
#define CSM_CLEAN     0x01U /* attachment: whatever was looked at of the range is EMPTY already */
#define CSM_TOUCHED   0x80U /* attachment: the range is not what the consumer had there */

/* What a consent demands of the peer. */
struct csm_terms {
	bool present;
	uint8_t hash_algo;
	uint8_t flags; /* CSM_POLICY_... */
	uint8_t digest[32];
};

struct csm_record {
	uint8_t kind;
	uint8_t state;
	uint8_t perm; /* CSM_PERM_... of grants */
	uint8_t flags;
	uint8_t seal;            /* region: enum csm_seal */
	uint16_t number;         /* its own */
	uint16_t next_in_bucket; /* of its realm */
	uint16_t next_range;     /* region, attachment: by base */
	uint16_t next_grant;     /* region: its first grant; grant: the next one of the region */
	uint16_t region;         /* grant: record of its region */
	uint16_t attached;       /* region: grants that are ATTACHED */
	uint16_t peer_record;    /* linked */
	struct rd *peer;         /* linked: the other realm; NULL: not linked */
	uint64_t key[2];
	uint64_t base; /* of the region, or of the reservation; grant: that of the attachment */
	uint64_t size;
	uint64_t progress;
	uint64_t recall;          /* grant: progress of CSM_RECALLED */
	_Atomic uint64_t pending; /* signals for the realm whose record it is */
	union {
		struct csm_terms terms; /* grant, attachment */
		struct {                /* region */
			uint64_t label;
			uint64_t hash[8];
		};
	};
};

/* A record as somebody remembers it who does not hold the lock. */
struct csm_key {
	enum csm_kind kind;
	uint64_t key[2];
};

struct csm_apt {
	struct granule *rd; /* whose it is */
	uint32_t slot;
	uint32_t used;            /* bit n: records[n] is not FREE */
	_Atomic uint32_t pending; /* bit n: records[n] has signals, or had a moment ago */
	bool leaving;             /* RMI_APT_DESTROY has begun: nothing new comes in */
	uint8_t reserved[19];
	struct csm_record records[CSM_RECORDS];
};

_Static_assert(sizeof(struct csm_record) <= 160 && sizeof(struct csm_apt) <= GRANULE_SIZE,
	       "an APT granule has room for 25 records");
_Static_assert(REALM_APT_GRANULES == CSM_MAX_APT_GRANULES, "as the ABI says");

/* A record's number: its granule's slot and its index there; never CSM_NONE. */
#define CSM_SLOT_BITS 5U

static inline uint16_t csm_number_of(unsigned int slot, unsigned int index)
{
	return (uint16_t)((slot << CSM_SLOT_BITS) + index + 1U);
}

static inline unsigned int csm_slot_of(unsigned int number)
{
	return (number - 1U) >> CSM_SLOT_BITS;
}

static inline unsigned int csm_index_of(unsigned int number)
{
	return (number - 1U) & ((1U << CSM_SLOT_BITS) - 1U);
}

/* --- records; the CSM lock of *rd is held */

/* The APT granule in a slot that is in use. */
struct csm_apt *csm_apt_at(const struct rd *rd, unsigned int slot);

/* The record with that number, which is one's own or linked. */
struct csm_record *csm_record(const struct rd *rd, unsigned int number);

/* Key as enum csm_kind says. NULL: there is none. */
struct csm_record *csm_find(const struct rd *rd, enum csm_kind kind, uint64_t key0, uint64_t key1);

/* The first region or attachment that touches [base, top), by address; NULL: none. */
struct csm_record *csm_range_find(const struct rd *rd, uint64_t base, uint64_t top);

/* Number of the record that follows `number` in the table, from CSM_NONE on; CSM_NONE: no more. */
unsigned int csm_next_record(const struct rd *rd, unsigned int number);

/* Whether csm_record_new() would find one. */
bool csm_has_room(const struct rd *rd);

/* A zeroed record; NULL: the APT is full. Insert it before the lock is released. */
struct csm_record *csm_record_new(struct rd *rd, enum csm_kind kind);
void csm_record_key(struct rd *rd, struct csm_record *record, uint64_t key0, uint64_t key1);
void csm_range_insert(struct rd *rd, struct csm_record *record);
void csm_grant_insert(struct csm_record *region, struct csm_record *grant);

/* Takes the record out of whatever it is in, and wipes it. A grant or attachment is not linked. */
void csm_record_free(struct rd *rd, struct csm_record *record);

/* Stops unless the records are in order; called by builds that check, at each lock and unlock. */
void csm_check(const struct rd *rd);

/* --- two realms */

/* Both locks, or that of self alone: then pair->peer is NULL. csm_pair_unlock(). */
void csm_pair_lock(struct rd *self, uint64_t peer, struct csm_pair *pair);

/* The record at the other end of a linked one. */
struct csm_record *csm_other(const struct csm_record *record);

/*
 * Both locks: a new sharing, and its end. Nothing is mapped before and after. The attachment is
 * DEAD then, unless it is DETACHING, and the grant IDLE, or ENDED if the ANY grant stands for it.
 */
void csm_link(const struct csm_pair *pair, struct csm_record *attachment, struct csm_record *grant);
void csm_unlink(struct csm_record *grant);

/*
 * What CREATE and RESERVE ask of [base, base + size), in bytes: RSI_SUCCESS, or RSI_ERROR_INPUT
 * with base_align, size_align, size_valid or rgn_bound (the protected half, without wrap-around).
 */
uint64_t csm_check_range(const struct rd *self, ipa_t base, uint64_t size);

/* --- bounded work */

struct csm_work {
	unsigned int visited; /* entries of tables */
	uint64_t also;        /* signals for the other side, beside that the sharing has ended */
	bool signalled;       /* ATTACH: the provider's word was empty before its signal */
};

/* Whether the call may take one more step; to be asked after each. */
bool csm_may_go_on(const struct csm_work *work);

/* --- sharing */

/* Whether more may be mapped for this grant, of this region. */
bool csm_is_open(const struct csm_record *region, const struct csm_record *grant);

/* What the grant gives, in CSM_PERM_..., with the region as it is now. */
uint64_t csm_perm(const struct csm_record *region, const struct csm_record *grant);

/* The loan behind an ATTACHED grant of *owner. */
struct s2_share csm_loan(const struct rd *owner, const struct csm_record *region,
			 const struct csm_record *grant);

/*
 * One step towards the end of a grant of *self, which is REVOKED already; `consumer` is from its
 * key. The caller holds no lock.
 */
enum csm_end {
	CSM_END_MORE, /* call again */
	CSM_END_DONE, /* gone */
	CSM_END_TELL, /* gone, and the consumer's word was empty: *told is its RD */
};
enum csm_end csm_grant_end(struct rd *self, uint64_t region, uint64_t consumer,
			   struct csm_work *work, struct granule **told);

/*
 * One step towards the end of a region of *self that is ENDING, or of an attachment that is
 * DETACHING. True when only the record is left. No lock is held. *told is the provider's RD when
 * its word was empty, and otherwise left alone.
 */
bool csm_region_end(struct rd *self, uint64_t region, struct csm_work *work);
bool csm_attachment_end(struct rd *self, const struct csm_key *key, struct csm_work *work,
			struct granule **told);

/* The record, if it is still there, and nothing but the record is left of it. With the lock. */
struct csm_record *csm_find_over(const struct rd *self, const struct csm_key *key);

/*
 * Begins each: nobody gets in any more. With the lock; for an attachment that is linked, with both
 * or with the consumer's alone: then more may be mapped until its end takes both.
 */
void csm_region_close(struct rd *self, struct csm_record *region);
void csm_grant_close(struct csm_record *grant);
void csm_attachment_close(struct csm_record *attachment);

/* --- policies */

struct csm_terms csm_terms_of(const struct csm_policy *policy); /* NULL: none are made */
bool csm_terms_met(const struct csm_terms *terms, struct rd *peer);

/* Whether each side meets the terms of the other. Both locks. */
bool csm_mutual(const struct csm_record *grant, struct rd *provider,
		const struct csm_record *attachment, struct rd *consumer);

/* --- signals */

/*
 * Adds bits to the word of `record` of *rd. True if it was empty. Needs the lock of *rd, or that of
 * the other side while the two are linked.
 */
bool csm_post(struct rd *rd, struct csm_record *record, uint64_t bits);

/* What the host is told: wake the realm, or all (NULL). */
void csm_tell(struct rmi_rec_exit *exit, const struct granule *receiver);

/* What the host is told of [base, base + size). */
void csm_notice(struct rmi_rec_exit *exit, uint8_t reason, const struct csm_record *range);

#endif
