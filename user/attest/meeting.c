// SPDX-License-Identifier: BSD-3-Clause
/* Attestation over a channel of CSM: the region for it, and the channel as the relay. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "attest_internal.h"

#define LOOK_MS 50

struct meeting {
	struct csm *csm;
	uint64_t peer_id;
	int timeout;
	struct csm_region *region;
	struct csm_channel *channel;
	bool is_heard; /* the peer's last message has come */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The region of this realm, granted to the peer. Whatever it has made is in *m after a failure. */
static int offer(struct meeting *m)
{
	int ret = csm_create(m->csm, CSM_ATTEST_SIZE, csm_label(CSM_ATTEST_LABEL), 0, &m->region);

	if (ret == 0) {
		ret = csm_share(m->region, m->peer_id, CSM_READ | CSM_WRITE, NULL);
	}
	return ret < 0 ? ret : csm_channel_open(m->region, m->peer_id, m->timeout, &m->channel);
}

/* 1: *region_id is a region that the peer offers for this; 0: it offers none; a negative errno. */
static int find_offer(struct meeting *m, uint64_t *region_id)
{
	struct csm_entry entry;
	uint64_t cursor = 0;
	int ret;

	do {
		ret = csm_list(m->csm, m->peer_id, &cursor, &entry);
		if (ret == 1 && entry.label == csm_label(CSM_ATTEST_LABEL) && !entry.ending &&
		    entry.size == CSM_ATTEST_SIZE && (entry.permissions & CSM_WRITE) != 0) {
			*region_id = entry.region_id;
			return 1;
		}
	} while (ret == 1);
	return ret == -EACCES ? 0 : ret;
}

/* Attaches the peer's region. 1; 0: there is none, or it has ended meanwhile; a negative errno. */
static int try_accept(struct meeting *m)
{
	uint64_t region_id;
	int ret = find_offer(m, &region_id);

	if (ret != 1) {
		return ret;
	}
	ret = csm_attach(m->csm, m->peer_id, region_id, NULL, 0, &m->region);
	if (ret == -EACCES || ret == -ENOTCONN || ret == -EBUSY) {
		return 0;
	}
	return ret < 0 ? ret : 1;
}

/* Waits for the peer's region and joins the channel in it. */
static int accept(struct meeting *m)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
	int64_t start = now_ms();
	int ret = try_accept(m);

	while (ret == 0) {
		if (m->timeout >= 0 && now_ms() - start >= m->timeout) {
			return -EAGAIN;
		}
		nanosleep(&pause, NULL);
		ret = try_accept(m);
	}
	return ret < 0 ? ret : csm_channel_open(m->region, 0, m->timeout, &m->channel);
}

static int give(void *ctx, enum csm_attest_message kind, const void *data, size_t size)
{
	const struct meeting *m = ctx;

	(void)kind;
	return csm_channel_send(m->channel, data, size, m->timeout);
}

/* A message that is longer than it may be is a violation of the protocol. */
static long take(void *ctx, enum csm_attest_message kind, void *data, size_t max)
{
	struct meeting *m = ctx;
	long ret = csm_channel_recv(m->channel, data, max, m->timeout);

	m->is_heard = ret >= 0 && kind == CSM_ATTEST_TOKEN;
	return ret == -EMSGSIZE ? -EPROTO : ret;
}

/*
 * Ends the meeting. After an exchange, the realm that owns the region waits until the peer has
 * closed the channel: releasing the region takes away what the peer has not received yet.
 */
static void leave(struct meeting *m)
{
	uint8_t rest;

	if (m->is_heard && csm_is_own(m->region)) {
		csm_channel_shutdown(m->channel);
		csm_channel_recv(m->channel, &rest, sizeof(rest), m->timeout);
	}
	csm_channel_close(m->channel);
	if (m->region != NULL) {
		csm_release(m->region);
	}
}

int csm_attest(struct csm *csm, uint64_t peer_id, const struct csm_attest_options *options,
	       struct csm_attested *out)
{
	struct meeting m = {.csm = csm, .peer_id = peer_id, .timeout = options->timeout};
	const struct csm_relay relay = {.give = give, .take = take, .ctx = &m};
	int ret;

	memset(out, 0, sizeof(*out));
	if (peer_id == csm_id(csm) || peer_id == CSM_ANY) {
		return csm_attest_fail(out, -EINVAL, "name another realm");
	}
	ret = csm_id(csm) < peer_id ? offer(&m) : accept(&m);
	if (ret < 0) {
		csm_attest_fail(out, ret, "no channel to realm %016" PRIx64 ": %s", peer_id,
				ret == -EAGAIN ? "it has not begun an attestation with this realm"
					       : csm_strerror(ret));
		leave(&m);
		return ret;
	}
	ret = csm_attest_relay(csm, &relay, options, out);
	leave(&m);
	if (ret == 0 && out->realm_id != peer_id) {
		uint64_t other = out->realm_id;

		memset(out, 0, sizeof(*out));
		ret = csm_attest_fail(out, -EPERM,
				      "the token is refused: it is of realm %016" PRIx64, other);
	}
	return ret;
}
