/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcsm: memory that realms share with each other and with nobody else.
 *
 * Every function that can fail returns a negative errno; csm_strerror() explains it. Sizes are
 * bytes, times are milliseconds, a negative time is for ever. What a call hands out through its
 * last argument belongs to the caller, who gives it back with the function named there; nothing
 * else has to be freed. A handle is used by one thread at a time, except where said otherwise.
 *
 * The other realm is not trusted: what it writes into shared memory can change at any moment. It
 * can also end the sharing at any moment, and then an access to the memory raises SIGBUS. The
 * functions of this library catch that and return -ENOTCONN; code of the caller that touches shared
 * memory runs under csm_protect(), or takes the signal. For that the library puts in a handler of
 * SIGBUS whenever it maps a region. It takes what an access to a mapped region under csm_protect()
 * raises; every other SIGBUS has the effect that it had before. A handler that a program puts in
 * later must pass on what is not its own to the one that was there.
 *
 * A child of fork() inherits no shared memory. There every call on a handle of the parent returns
 * -ESTALE and changes nothing; csm_release(), csm_channel_close() and csm_close() give back the
 * child's own copies of descriptors and memory, and leave the parent's sharings as they are. A
 * child that wants to share opens /dev/csm anew.
 *
 * Errors, besides those that stand at a function:
 *
 *   -ESTALE       the handle was opened before fork(), by the parent: any call
 *   -EINTR        a fatal signal came during a long command; calling again goes on: csm_attach(),
 *                 csm_revoke(), csm_seal(), csm_digest(), csm_end(); or a signal while csm_wait()
 * or csm_open() waited -EBUSY        another program is just making or ending this sharing, try
 * again: csm_attach(), csm_find() -EINPROGRESS  the region is being destroyed: csm_share(),
 * csm_revoke(), csm_seal(), csm_digest() -ENOTCONN     the region, the grant or the peer is gone:
 * all calls on a region but csm_release(), csm_end(), and the facts about it -ENOSPC       the
 * access policy table is full: csm_create(), csm_attach(), csm_share() -ENXIO        the host gave
 * this realm no access policy table, or took it away: all calls that the RMM answers -ESHUTDOWN the
 * realm is going down: csm_create(), csm_attach() -ENOMEM       no memory for the library's or the
 * kernel's records: csm_open(), csm_create(), csm_attach(), csm_find(), csm_map(), csm_read(),
 * csm_write(), csm_channel_open() -EMFILE, -ENFILE  no file descriptor is free: csm_open(),
 * csm_create(), csm_attach(), csm_find() -EIO          the RMM gave an answer that it may not give
 * there
 */
#ifndef LIBCSM_H
#define LIBCSM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIBCSM_VERSION "1.0"

#if defined(__GNUC__)
#define CSM_API __attribute__((visibility("default")))
#else
#define CSM_API
#endif

/* Access. Read is part of every grant. */
#define CSM_READ  1u
#define CSM_WRITE 2u
#define CSM_EXEC  4u

/* For csm_create() and csm_attach(): stays when it is closed, until csm_end(). */
#define CSM_KEEP 1u

/* For csm_share() and csm_revoke(): whoever meets the policy. */
#define CSM_ANYONE UINT64_C(0)

/* Events: bits 47 to 0 are the peers' own, these are the RMM's. */
#define CSM_EVENT_USER      ((UINT64_C(1) << 48) - 1)
#define CSM_EVENT_PAGE_LOST (UINT64_C(1) << 59)
#define CSM_EVENT_DETACHED  (UINT64_C(1) << 60)
#define CSM_EVENT_ATTACHED  (UINT64_C(1) << 61)
#define CSM_EVENT_ENDED     (UINT64_C(1) << 62) /* region destroyed or grant revoked */
#define CSM_EVENT_PEER_GONE (UINT64_C(1) << 63)

struct csm;         /* this realm's way to the RMM */
struct csm_region;  /* an own region, or another realm's region attached here */
struct csm_channel; /* messages both ways, over a region */

/* ------------------------------------------------------------------- realm */

/*
 * Opens /dev/csm. Give back with csm_close(), after all regions. -ENOENT: the guest module is not
 * loaded; -EACCES: not allowed to this user; -EPROTO: the module is of another major revision.
 */
CSM_API int csm_open(struct csm **out);
CSM_API void csm_close(struct csm *csm);

/* This realm's id, as in the token that attests it. */
CSM_API uint64_t csm_id(const struct csm *csm);

struct csm_info {
	uint64_t realm_id;
	uint32_t csm_major, csm_minor;      /* of the RMM */
	uint64_t window_size, window_free;  /* addresses for attachments */
	uint64_t memory_limit, memory_used; /* for own regions */
	uint32_t regions, attachments;
	bool interrupt; /* events arrive by interrupt, otherwise by polling */
	bool can_map;   /* the kernel allows regions to be mapped */
};
CSM_API int csm_get_info(struct csm *csm, struct csm_info *out);

/* One region, as this realm stands to it. */
enum csm_state { CSM_OWNED, CSM_GRANTED, CSM_RESERVED, CSM_ATTACHED, CSM_ENDED };
struct csm_entry {
	uint64_t provider_id;
	uint64_t region_id;
	uint64_t size;
	uint64_t label;
	unsigned int access;
	enum csm_state state;
	bool sealed;
	bool by_policy; /* the grant is the one to whoever meets its policy */
	bool ending;
};

/*
 * Own regions (realm_id 0 or one's own), or those that another realm offers: *cursor is 0 to start.
 * 1: there is one in *out, 0: no more. -EACCES: that realm offers nothing.
 */
CSM_API int csm_list(struct csm *csm, uint64_t realm_id, uint64_t *cursor, struct csm_entry *out);

/*
 * A measurement of a realm with which a sharing exists, as the RMM knows it. index 0 is the RIM, 1
 * to 4 the REMs, 5 the personalization value. -EACCES: no sharing with that realm.
 */
struct csm_measurement {
	unsigned int hash_bits; /* 256 or 512, of the realm's hashes */
	uint8_t value[64];
};
CSM_API int csm_peer(struct csm *csm, uint64_t peer_id, unsigned int index,
		     struct csm_measurement *out);

/* ----------------------------------------------------------------- regions */

/* What a realm demands of the other. All zero: nothing. */
struct csm_demand {
	bool check_rim, check_rpv;
	unsigned int check_rem; /* 1 to 4: that REM; 0: none */
	unsigned int hash_bits; /* 256 or 512 */
	uint8_t rim[64], rem[64], rpv[64];
};

/*
 * A new region of zeros, at least `size` bytes. Give back with csm_release(), which destroys it
 * unless CSM_KEEP is given. -EINVAL: no bytes, or unknown flags; -EDQUOT: more than the module's
 * limit leaves; -ENOMEM: no contiguous memory.
 */
CSM_API int csm_create(struct csm *csm, size_t size, uint64_t label, unsigned int flags,
		       struct csm_region **out);

/*
 * Attaches another realm's region. Give back with csm_release(), which detaches it unless CSM_KEEP
 * is given. When it is attached already, by whomever in this realm, that attachment is opened, and
 * CSM_KEEP makes it stay; with a demand the answer is -EEXIST then, because the demand was not
 * asked. -EACCES: no such realm, region or grant, or a demand is not met: the RMM does not say
 * which. -EINVAL: own region, unknown flags, a demand with wrong numbers; -ENODEV: no window for
 * attachments; -EADDRNOTAVAIL: no room in it; -ETIMEDOUT: the host has not made room there within
 * 30 seconds; -EUSERS: the region has 256 consumers; -EADDRINUSE: the RMM has an attachment of it
 * that a kernel before this one left.
 */
CSM_API int csm_attach(struct csm *csm, uint64_t provider_id, uint64_t region_id,
		       const struct csm_demand *demand, unsigned int flags,
		       struct csm_region **out);

/* An own region (provider_id 0) or attachment that exists already. -ENOENT. */
CSM_API int csm_find(struct csm *csm, uint64_t provider_id, uint64_t region_id,
		     struct csm_region **out);

/* Unmaps and closes. Never fails; NULL is fine. */
CSM_API void csm_release(struct csm_region *region);

/*
 * Destroys or detaches now, whoever else has it open here; csm_release() is still due. Again: 0.
 * -EINTR.
 */
CSM_API int csm_end(struct csm_region *region);

CSM_API uint64_t csm_region_id(const struct csm_region *region);
CSM_API uint64_t csm_provider_id(const struct csm_region *region);
CSM_API size_t csm_size(const struct csm_region *region);
CSM_API bool csm_is_own(const struct csm_region *region);
CSM_API unsigned int csm_access(const struct csm_region *region); /* when it was opened */

/*
 * Grants a realm access. `demand` may be NULL except for CSM_ANYONE, where it must demand the RIM
 * (-EDESTADDRREQ): REMs are the realm's own choice, and anybody can give a realm any RPV. -EEXIST:
 * it has a grant; -EPERM: write access to a sealed region; -EINVAL: this realm itself, unknown
 * access, a demand with wrong numbers; -ENOTTY: not an own region.
 */
CSM_API int csm_share(struct csm_region *region, uint64_t consumer_id, unsigned int access,
		      const struct csm_demand *demand);

/*
 * When this returns 0 the consumer reaches nothing any more. -ENOENT: it has no grant; -ENOTTY: not
 * an own region. After -EINTR access may still be there: call again.
 */
CSM_API int csm_revoke(struct csm_region *region, uint64_t consumer_id);

/*
 * From now on nobody writes to the region, not even its owner. -EALREADY: it is sealed; -EHWPOISON:
 * the host has taken a page of it; -ENOTTY: not an own region. After any error but -EALREADY the
 * region is not sealed.
 */
CSM_API int csm_seal(struct csm_region *region);

/*
 * SHA-512 of a sealed region, by the RMM. -ENODATA: not sealed; -EHWPOISON: the host took a page of
 * it before its digest was made; -EACCES: the grant is gone.
 */
CSM_API int csm_digest(struct csm_region *region, uint8_t out[64]);

/* Whether the region stays when it is closed. -ENOTCONN: it is to stay, and has been ended here. */
CSM_API int csm_keep(struct csm_region *region, bool keep);

/* ------------------------------------------------------------------ memory */

/*
 * The whole region in this process, for CSM_READ, or CSM_READ | CSM_WRITE; valid until
 * csm_release(). A second call gives the same address. -EACCES: not granted, or mapped for less;
 * -EOPNOTSUPP: this kernel cannot map shared memory (no kprobes). A region that has ended can still
 * be mapped: then each access raises SIGBUS.
 */
CSM_API int csm_map(struct csm_region *region, unsigned int access, void **out);

/*
 * Copies that survive the end of the sharing. Map the region: errors of csm_map() too. -EINVAL:
 * beyond the region; -EACCES: writing is not granted; -ENOTCONN: the memory is gone, part of it may
 * be copied.
 */
CSM_API int csm_read(struct csm_region *region, size_t offset, void *to, size_t size);
CSM_API int csm_write(struct csm_region *region, size_t offset, const void *from, size_t size);

/*
 * fn(arg), and what it returns; -ENOTCONN if it touched shared memory that is gone, in which case
 * it was left where it stood: it must not hold locks or own memory then.
 */
CSM_API int csm_protect(int (*fn)(void *arg), void *arg);

/* ------------------------------------------------------------------ events */

struct csm_event {
	uint64_t peer_id;
	uint64_t bits;
};

/*
 * Sends bits 47 to 0 to a peer of the sharing; 0 is the provider, for a consumer. -EACCES: that
 * realm is not attached, or does not exist; -EINVAL: no bits, others, or an owner that names no
 * peer.
 */
CSM_API int csm_notify(struct csm_region *region, uint64_t peer_id, uint64_t bits);

/*
 * 1: an event is in *out, 0: time is over. -ENOTCONN: the sharing has ended, and all events before
 * that have been given out. Several threads may wait; each event goes to one of them.
 */
CSM_API int csm_wait(struct csm_region *region, int timeout, struct csm_event *out);

/* For poll(2): readable while an event is there, hung up once the sharing has ended. */
CSM_API int csm_fd(const struct csm_region *region);

/* ---------------------------------------------------------------- channels */

/*
 * A channel is two rings in a region that both sides may write: one for each direction, messages of
 * any size up to csm_channel_max(). One thread may send while another receives. Only the two
 * parties of a channel use its region.
 *
 * Errors of all calls below: -EAGAIN timed out, -EPIPE the peer has closed the channel (when
 * receiving: and everything has been received), -ENOTCONN the sharing or the peer is gone, -EPROTO
 * the peer has broken the rules. After the last three that direction stays dead.
 */

/*
 * Own region: lays out the channel for the consumer peer_id. Attachment: joins, waiting for the
 * provider to have done that (peer_id 0). The region stays the caller's, and must outlive the
 * channel. -EINVAL: too small (two pages at least); -EACCES: it may not be written. Give back with
 * csm_channel_close(), which tells the peer.
 */
CSM_API int csm_channel_open(struct csm_region *region, uint64_t peer_id, int timeout,
			     struct csm_channel **out);
CSM_API void csm_channel_close(struct csm_channel *channel);

/* Bytes of the longest message. */
CSM_API size_t csm_channel_max(const struct csm_channel *channel);

/*
 * 1: the peer says that it has taken every message sent; 0: not yet. Works after its end too, as
 * long as the memory is there: -ENOTCONN it is not.
 */
CSM_API int csm_channel_is_taken(struct csm_channel *channel);

/*
 * Sends or receives one message with one copy. Receive: its length; -EMSGSIZE: longer than `size`,
 * the message stays.
 */
CSM_API int csm_channel_send(struct csm_channel *channel, const void *data, size_t size,
			     int timeout);
CSM_API long csm_channel_recv(struct csm_channel *channel, void *data, size_t size, int timeout);

/*
 * Without a copy: a place for a message of up to `size` bytes in shared memory, then its real
 * length. A reservation that is not committed is forgotten. With `more` the message is held back
 * until the next commit without it, or csm_channel_flush(): that is a batch. -EMSGSIZE: `size` is
 * more than csm_channel_max(), or more than was reserved.
 */
CSM_API int csm_channel_reserve(struct csm_channel *channel, size_t size, int timeout, void **out);
CSM_API int csm_channel_commit(struct csm_channel *channel, size_t size, bool more);
CSM_API int csm_channel_flush(struct csm_channel *channel);

/*
 * Without a copy: the next message, in shared memory, its length as result. The place and length
 * have been checked; the content can still change under the reader, so what decides anything is
 * copied first. Repeated calls give further messages; csm_channel_done() gives all of them back.
 */
CSM_API long csm_channel_peek(struct csm_channel *channel, int timeout, const void **out);
CSM_API int csm_channel_done(struct csm_channel *channel);

/* No more messages from this side; those sent can still be received. */
CSM_API int csm_channel_shutdown(struct csm_channel *channel);

/* --------------------------------------------------------- request, response */

/* Bytes of the longest request or response. */
CSM_API size_t csm_rpc_max(const struct csm_channel *channel);

/* A call: what goes out, where the answer goes, and how it went on the other side. */
struct csm_rpc {
	const void *request;
	size_t size;
	void *response;
	size_t room;
	int status; /* what the handler returned if that was negative, else 0 */
};

/*
 * Sends a request and waits for its response: its length, 0 when the handler failed. -EMSGSIZE: it
 * does not fit. Responses to earlier calls that ran out of time are dropped.
 *
 * -EBUSY: the peer calls too, and waits for this side. Its request is kept: csm_rpc_serve() is
 * next, and until then each call fails so at once, with nothing sent. The first call to fail has
 * sent its request, which the peer may serve; that response is dropped.
 */
CSM_API long csm_rpc_call(struct csm_channel *channel, struct csm_rpc *call, int timeout);

/*
 * A private copy of the request; writes at most `room` bytes of response; its length or negative.
 */
typedef long (*csm_rpc_handler)(void *arg, const void *request, size_t size, void *response,
				size_t room);

/*
 * Serves one request: 0. The same timeout applies separately to receiving and to sending. -EPROTO:
 * a message that is neither a request nor the response to a call of this side.
 */
CSM_API int csm_rpc_serve(struct csm_channel *channel, csm_rpc_handler handler, void *arg,
			  int timeout);

/* ------------------------------------------------------------------- words */

/* Up to eight characters as a label; longer ones are cut. */
CSM_API uint64_t csm_label(const char *text);
/* The other way, with \x.. for what cannot be printed. */
#define CSM_LABEL_TEXT 33
CSM_API void csm_label_text(uint64_t label, char out[CSM_LABEL_TEXT]);

/* What a result means here, for people. Static text. */
CSM_API const char *csm_strerror(int result);

#ifdef __cplusplus
}
#endif

#endif
