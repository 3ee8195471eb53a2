// SPDX-License-Identifier: BSD-3-Clause
/* A sharing that lives, for tests of what must not hurt it: two agents and one region. */
#ifndef HOST_CSM_LIVE_H
#define HOST_CSM_LIVE_H

#include "csm.h"

#define LIVE_PAGES 4
#define LIVE_SIZE  (LIVE_PAGES * PAGE_SIZE)
#define LIVE_OWN   (REALM_RAM_TOP - 16 * PAGE_SIZE) /* in the provider */
#define LIVE_THERE 0x10000000UL                     /* in the consumer; nothing was there */
#define LIVE_RW    (CSM_PERM_READ | CSM_PERM_WRITE)

struct live {
	struct realm *p, *c;
	struct rec *provider, *consumer;
	uint64_t pid, cid; /* realm ids */
	uint64_t region;
	uint64_t mark; /* what live_works() wrote last */
};

/* Attached. recs: of the consumer, the first of them on. */
struct live live_make(uint64_t perm, unsigned recs);
/* A region, granted, with nothing reserved. */
struct live live_granted(uint64_t perm, unsigned recs);

/* What the provider writes now is what the consumer reads, and the host cannot. */
void live_works(struct live *live);
/* The same for one page. */
void live_page_works(struct live *live, unsigned page);

/* The host's load and its store end in a granule protection fault. */
void host_out_of_reach(uint64_t page);

/* All signals that the realm has, taken; the bits of those from `peer`. */
uint64_t live_bits(struct rec *rec, uint64_t peer);

/* An access that must not succeed: it aborts in the realm, or leaves to the host. */
void live_no_access(struct rec *rec, uint64_t ipa);

/*
 * Runs the REC to the end of the order that was prepared, on any CPU, whatever others do to its
 * realm meanwhile: exits of CSM are not answered, a fault gets a table if the host can. False: the
 * REC does not get on.
 */
bool live_alone(struct rec *rec);
/* A call of a realm in this way, and again while it is not finished: ALONE(rec, fid, ...). */
struct smc_regs live_alone_args(struct rec *rec, uint64_t fid, const uint64_t *args,
				unsigned count);
#define ALONE(rec, fid, ...)                                           \
	live_alone_args((rec), (fid), (const uint64_t[]){__VA_ARGS__}, \
			sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
/* A leaf table at ipa, if the RMM takes it. */
void live_offer_table(struct realm *realm, uint64_t ipa);

#endif
