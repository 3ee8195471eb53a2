/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link of two realms: packets in both directions through two regions. Each realm has a region of
 * its own, which the other may only read: the packets that it sends, and its positions in both
 * rings. A session begins when both realms have attached each other's region, and ends with
 * everything of it when one side ends, is killed or loses its grant. The next session has new
 * regions.
 */
#ifndef LINK_SESSION_H
#define LINK_SESSION_H

#include "abi/uapi/csm_vsock.h"
#include "libcsm/backend.h"
#include "libcsm/ring.h"
#include "packet.h"

#define LINK_LABEL    "csm-link" /* label of the regions, and that of vsock */
#define LINK_VSOCK    "csm-vsoc"
#define LINK_MAGIC    UINT64_C(0x4b4e494c2d4d5343)
#define LINK_REVISION 1u
#define LINK_PAGE     4096u      /* bytes before the ring's data */
#define LINK_SIZE     (2u << 20) /* bytes of a region: one block of the RMM's tables */
#define LINK_ROOM     CSM_VSOCK_PACKET
_Static_assert(LINK_ROOM >= LINK_PACKET, "a packet of every kind fits");

/* Shared: the first page of a region. Its owner writes it, the peer reads it. */
struct link_page {
	uint64_t magic;
	uint64_t revision;
	uint64_t session; /* a random number of this region, not 0 */
	uint64_t joined;  /* the peer's `session`, once its region is attached; 0 before */
	uint8_t pad[CSM_RING_LINE - 4 * sizeof(uint64_t)];
	struct csm_ring_line producer; /* of the ring whose data follow */
	struct csm_ring_line consumer; /* of the peer's ring */
};

/* What a wire of one of the two rings waits and signals with. */
struct link_wire {
	struct csm_region *region;
	uint64_t peer; /* 0: the provider */
};

/* What a link carries. */
struct link_kind {
	const char *label; /* of the regions */
	int (*check)(const void *packet, size_t size);
	bool is_lossless; /* a packet that cannot be delivered ends the session */
};

struct link {
	/* Set by the caller. */
	const struct link_kind *kind; /* NULL: IP packets */
	struct csm *csm;
	uint64_t peer;
	const struct csm_policy *policy; /* of the peer; NULL: none */
	int port;                        /* one packet per read and write; not blocking */
	int stop;                        /* readable when the link is to end; -1: never */

	/* Of the session. */
	struct csm_region *own, *theirs;
	struct link_page *mine;
	const struct link_page *other;
	uint64_t session;
	struct csm_ring tx, rx;
	struct link_wire tx_end, rx_end;
	struct csm_wire tx_wire, rx_wire;
	int ended;        /* eventfd: a direction has ended */
	bool stopping;    /* atomic: both directions are to end */
	int result;       /* atomic: why the first direction ended */
	uint64_t dropped; /* packets of the peer that were invalid or not taken by the port */
	uint8_t in[LINK_ROOM], out[LINK_ROOM];
	size_t in_size, out_size;
};

/*
 * Creates this side's region and offers it to the peer. 0, or a negative errno of csm_create(),
 * csm_share() or csm_map(). End the session with link_end() in either case.
 */
int link_begin(struct link *link);

/*
 * Waits until the peer has joined. 0; -EAGAIN: not within `timeout` ms (negative: no limit);
 * -ECANCELED: `stop` became readable; -EPROTO: the peer's link has another revision (which is in
 * *revision) or its region is no link; -EEXIST: another program of this realm has attached the
 * peer's region; other errors of csm_attach() that waiting does not cure.
 */
int link_join(struct link *link, int timeout, uint64_t *revision);

/*
 * Carries packets between `port` and the peer until the session ends, and returns why: -ECANCELED:
 * `stop` became readable; -ENOTCONN, -EPIPE: the peer is gone, has ended its link or has withdrawn
 * its grant; -EPROTO: the peer has violated the protocol; or an error of reading the port.
 */
int link_carry(struct link *link);

/* Ends the session and frees what it has. The peer's session ends, too. */
void link_end(struct link *link);

#endif
