/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libcsm: confidential shared memory (CSM) between realms.
 *
 * Conventions
 *
 * - A function that can fail returns a negative errno; csm_strerror() describes it. Zero or a
 *   positive value is success.
 * - Sizes and offsets are in bytes, timeouts in milliseconds; a negative timeout means no limit.
 * - An object that a function returns through its last argument belongs to the caller, who passes
 *   it to the function named there. Nothing else has to be freed.
 * - One thread at a time uses a handle, unless a function says otherwise.
 *
 * Trust
 *
 * The peer realm is not trusted. It can write to shared memory and end the sharing at any moment;
 * an access to memory that is gone raises SIGBUS. Functions of this library catch that signal and
 * return -ENOTCONN. A program that accesses shared memory itself does so under csm_protect(), or
 * handles the signal. The library installs a SIGBUS handler when it maps a region. The handler
 * acts on faults of mapped regions under csm_protect() only; any other SIGBUS has the effect that
 * it had before. A handler that the program installs later must call the previous handler for
 * faults that are not its own.
 *
 * fork()
 *
 * A child inherits no shared memory. In the child every call on a handle of the parent returns
 * -ESTALE and changes nothing. csm_release(), csm_channel_close() and csm_close() free the child's
 * copies of descriptors and memory; the sharings of the parent continue. A child that wants to
 * share opens /dev/csm itself.
 *
 * Errors that many functions share
 *
 *   -ESTALE       the parent opened the handle before fork(). All functions.
 *   -EINTR        a fatal signal interrupted a long command; call again to continue: csm_attach(),
 *                 csm_revoke(), csm_seal(), csm_digest(), csm_end(). Or a signal interrupted
 *                 csm_wait() or csm_open().
 *   -EBUSY        another program is creating or ending this sharing; try again: csm_attach(),
 *                 csm_find().
 *   -EINPROGRESS  the region is being destroyed: csm_share(), csm_revoke(), csm_seal(),
 *                 csm_digest().
 *   -ENOTCONN     the region, the grant or the peer is gone: all functions that take a region,
 *                 except csm_release(), csm_end() and those that only return its properties.
 *   -ENOSPC       the access policy table is full: csm_create(), csm_attach(), csm_share().
 *   -ENXIO        the host gave this realm no access policy table, or took it back: all functions
 *                 that call the RMM.
 *   -ESHUTDOWN    the realm is shutting down: csm_create(), csm_attach().
 *   -ENOMEM       no memory for records of library or kernel: csm_open(), csm_create(),
 *                 csm_attach(), csm_find(), csm_map(), csm_read(), csm_write(),
 *                 csm_channel_open().
 *   -EMFILE, -ENFILE  no file descriptor is free: csm_open(), csm_create(), csm_attach(),
 *                 csm_find().
 *   -EIO          the RMM returned a status that its specification does not allow there.
 *
 * The commands of the RMM are specified in docs/csm-spec.md, section 6.
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

/* Permissions. Every grant includes CSM_READ. */
#define CSM_READ  1u
#define CSM_WRITE 2u
#define CSM_EXEC  4u

/* For csm_create() and csm_attach(): the sharing outlives its last handle, until csm_end(). */
#define CSM_PERSISTENT 1u

/* For csm_share() and csm_revoke(): every realm that meets the policy. */
#define CSM_ANY UINT64_C(0)

/* Events. Peers send bits 47 to 0; the RMM sets the others (csm-spec.md, section 9). */
#define CSM_EVENT_USER      ((UINT64_C(1) << 48) - 1)
#define CSM_EVENT_PAGE_LOST (UINT64_C(1) << 59) /* the host took back a page of the region */
#define CSM_EVENT_DETACHED  (UINT64_C(1) << 60) /* the consumer detached */
#define CSM_EVENT_ATTACHED  (UINT64_C(1) << 61) /* a consumer attached */
#define CSM_EVENT_ENDED     (UINT64_C(1) << 62) /* the region was destroyed or the grant revoked */
#define CSM_EVENT_PEER_GONE (UINT64_C(1) << 63) /* the peer realm ended */

struct csm;         /* an open /dev/csm */
struct csm_region;  /* an own region, or an attachment of another realm's region */
struct csm_channel; /* duplex messages over a region */

/* ------------------------------------------------------------------- realm */

/*
 * Opens /dev/csm. Close the result with csm_close() after all regions have been released.
 * -ENOENT: the guest module is not loaded; -EACCES: this user may not open the device; -EPROTO: the
 * module has another major revision.
 */
CSM_API int csm_open(struct csm **out);
CSM_API void csm_close(struct csm *csm);

/* The id of this realm. Its attestation token contains the same id. */
CSM_API uint64_t csm_id(const struct csm *csm);

struct csm_info {
	uint64_t realm_id;
	uint32_t csm_major, csm_minor;      /* revision of the RMM's CSM */
	uint64_t window_size, window_free;  /* address space for attachments, bytes */
	uint64_t memory_limit, memory_used; /* memory for own regions, bytes */
	uint32_t regions, attachments;      /* how many exist in this realm */
	bool interrupt; /* signals arrive by interrupt; otherwise the module polls */
	bool can_map;   /* this kernel allows regions to be mapped */
};
CSM_API int csm_get_info(struct csm *csm, struct csm_info *out);

/* State of a region as this realm sees it. */
enum csm_state { CSM_OWNED, CSM_GRANTED, CSM_RESERVED, CSM_ATTACHED, CSM_ENDED };
struct csm_entry {
	uint64_t provider_id;
	uint64_t region_id;
	uint64_t size; /* bytes */
	uint64_t label;
	unsigned int permissions; /* CSM_READ, CSM_WRITE, CSM_EXEC */
	enum csm_state state;
	bool sealed;
	bool any; /* the grant in force is the ANY grant */
	bool ending;
};

/*
 * Returns the region after *cursor: an own region (realm_id 0 or the own id), or one that the realm
 * realm_id offers to this realm. Set *cursor to 0 before the first call. 1: *out is filled in; 0:
 * there are no more regions. -EACCES: that realm offers nothing.
 */
CSM_API int csm_list(struct csm *csm, uint64_t realm_id, uint64_t *cursor, struct csm_entry *out);

/* A record of this realm, as its attestation token vouches for it. */
struct csm_record {
	unsigned int kind; /* 1 own region, 2 grant of one, 3 attachment; 0: none */
	uint64_t peer_id;  /* consumer of a grant (0: ANY), provider of an attachment */
	uint64_t region_id;
	uint64_t size; /* bytes */
	unsigned int permissions;
	unsigned int state; /* of enum csm_state */
	bool sealed, any, ending;
	bool has_digest; /* the RMM has computed the digest, and csm_digest() returns it */
};

/*
 * Replaces a record by the one that follows it; one that is all zero by the first. 1: *record is
 * filled in; 0: there are no more. -EOPNOTSUPP: the RMM has no records (CSM before 1.2); -ENOTTY:
 * the guest module is older than this library.
 */
CSM_API int csm_next_record(struct csm *csm, struct csm_record *record);

/*
 * Returns the next attachment of this realm, in the order of provider and region. *entry: zeros
 * before the first call, then the last answer. 1: *entry is filled in, its state CSM_ATTACHED or
 * CSM_ENDED; 0: there are no more. -ENOSYS: the module is older than this library.
 */
CSM_API int csm_list_attached(struct csm *csm, struct csm_entry *entry);

/*
 * Returns a measurement of a realm with which a sharing exists, as the RMM recorded it. index: 0
 * RIM, 1 to 4 REM 0 to 3, 5 RPV. -EACCES: there is no sharing with that realm; -EINVAL: no such
 * index.
 */
struct csm_measurement {
	unsigned int hash_bits; /* 256 or 512: hash algorithm of the realm */
	uint8_t value[64];      /* a 32-byte hash is followed by zeros */
};
CSM_API int csm_peer(struct csm *csm, uint64_t peer_id, unsigned int index,
		     struct csm_measurement *out);

/* ----------------------------------------------------------------- regions */

/* The measurements that a realm requires of its peer. All zero: no requirement. */
struct csm_policy {
	bool check_rim, check_rpv;
	unsigned int check_rem; /* 1 to 4: compares REM 0 to 3; 0: none */
	unsigned int hash_bits; /* 256 or 512 */
	uint8_t rim[64], rem[64], rpv[64];
};

/*
 * Creates a region of zeros of at least `size` bytes. Release it with csm_release(), which destroys
 * it unless flags contain CSM_PERSISTENT. -EINVAL: size is zero, or unknown flags; -EDQUOT: the
 * module's memory limit is reached; -ENOMEM: no contiguous memory.
 */
CSM_API int csm_create(struct csm *csm, size_t size, uint64_t label, unsigned int flags,
		       struct csm_region **out);

/*
 * Attaches another realm's region. Release it with csm_release(), which detaches it unless flags
 * contain CSM_PERSISTENT. If this realm has attached the region before, that attachment is opened,
 * and CSM_PERSISTENT makes it persistent; with a policy the call fails with -EEXIST instead,
 * because the policy was not checked. `policy` may be NULL.
 *
 * -EACCES: no such realm, region or grant, or a policy is not met (the RMM does not tell which);
 * -EINVAL: own region, unknown flags, invalid policy; -ENODEV: this realm has no window for
 * attachments; -EADDRNOTAVAIL: no room in the window; -ETIMEDOUT: the host did not take back its
 * pages within 30 seconds; -EUSERS: the region has 256 consumers; -EADDRINUSE: the RMM has an
 * attachment of this region that a previous kernel left.
 */
CSM_API int csm_attach(struct csm *csm, uint64_t provider_id, uint64_t region_id,
		       const struct csm_policy *policy, unsigned int flags,
		       struct csm_region **out);

/*
 * Opens an own region (provider_id 0) or an attachment that exists. Release it with csm_release().
 * -ENOENT: it does not exist.
 */
CSM_API int csm_find(struct csm *csm, uint64_t provider_id, uint64_t region_id,
		     struct csm_region **out);

/* Unmaps and closes a region. Cannot fail; NULL is allowed. */
CSM_API void csm_release(struct csm_region *region);

/*
 * Destroys an own region or detaches an attachment now, even if other programs have it open.
 * csm_release() is still required. Calling it again returns 0.
 */
CSM_API int csm_end(struct csm_region *region);

/* Properties of a region; they do not change while the handle is open. */
CSM_API uint64_t csm_region_id(const struct csm_region *region);
CSM_API uint64_t csm_provider_id(const struct csm_region *region);
CSM_API size_t csm_size(const struct csm_region *region); /* bytes, whole pages */
CSM_API bool csm_is_own(const struct csm_region *region);
CSM_API unsigned int csm_permissions(const struct csm_region *region); /* when it was opened */

/*
 * Grants a realm permissions on an own region. `policy` may be NULL, except for CSM_ANY, where it
 * must require the RIM (-EDESTADDRREQ): a realm chooses its REMs itself, and a host can give any
 * RPV to any realm. -EEXIST: the realm has a grant; -EPERM: write permission for a sealed region;
 * -EINVAL: the consumer is this realm, unknown permissions, invalid policy; -ENOTTY: not an own
 * region.
 */
CSM_API int csm_share(struct csm_region *region, uint64_t consumer_id, unsigned int permissions,
		      const struct csm_policy *policy);

/*
 * Ends a grant. When it returns 0, the consumer has no access. After -EINTR the consumer may still
 * have access: call again. -ENOENT: the realm has no grant; -ENOTTY: not an own region.
 */
CSM_API int csm_revoke(struct csm_region *region, uint64_t consumer_id);

/*
 * Makes an own region read-only for everybody, the owner included, until it is destroyed.
 * -EALREADY: it is sealed; -EHWPOISON: the host took back a page; -ENOTTY: not an own region. After
 * any error but -EALREADY the region is not sealed.
 */
CSM_API int csm_seal(struct csm_region *region);

/*
 * Returns the SHA-512 of a sealed region, computed by the RMM. -ENODATA: not sealed; -EHWPOISON:
 * the host took back a page before the digest was computed; -EACCES: the grant is gone.
 */
CSM_API int csm_digest(struct csm_region *region, uint8_t out[64]);

/*
 * Sets or clears whether the sharing outlives its last handle. -ENOTCONN: setting it for a sharing
 * that has ended.
 */
CSM_API int csm_set_persistent(struct csm_region *region, bool persistent);

/* ------------------------------------------------------------------ memory */

/*
 * Maps the whole region with CSM_READ, or CSM_READ | CSM_WRITE. The mapping is valid until
 * csm_release(). Further calls return the same address. -EACCES: not granted, or already mapped
 * with fewer permissions; -EOPNOTSUPP: this kernel cannot map regions (no kprobes). A region that
 * has ended can still be mapped; each access then raises SIGBUS.
 */
CSM_API int csm_map(struct csm_region *region, unsigned int permissions, void **out);

/*
 * Copy from or to the region; they return an error if the sharing ends meanwhile. Both map the
 * region: see csm_map() for its errors. -EINVAL: beyond the end of the region; -EACCES: no write
 * permission; -ENOTCONN: the memory is gone, part of it may have been copied.
 */
CSM_API int csm_read(struct csm_region *region, size_t offset, void *to, size_t size);
CSM_API int csm_write(struct csm_region *region, size_t offset, const void *from, size_t size);

/*
 * Calls fn(arg) and returns its result. -ENOTCONN: fn accessed shared memory that is gone and was
 * abandoned at that access; it must therefore hold no locks and own no memory there.
 */
CSM_API int csm_protect(int (*fn)(void *arg), void *arg);

/* ------------------------------------------------------------------ events */

struct csm_event {
	uint64_t peer_id; /* the realm that caused the event */
	uint64_t bits;    /* CSM_EVENT_* and bits of the peer */
};

/*
 * Sends bits 47 to 0 to a peer of the sharing. A consumer passes peer_id 0 for the provider.
 * -EACCES: that realm does not exist or is not attached; -EINVAL: no bits, other bits, or an owner
 * that passes peer_id 0.
 */
CSM_API int csm_signal(struct csm_region *region, uint64_t peer_id, uint64_t bits);

/*
 * Waits for an event. 1: *out is filled in; 0: timed out. -ENOTCONN: the sharing has ended and all
 * earlier events have been returned. Several threads may wait; each event goes to one of them.
 */
CSM_API int csm_wait(struct csm_region *region, int timeout, struct csm_event *out);

/*
 * A descriptor for poll(2): readable while an event is pending, hung up after the sharing has
 * ended. The region owns it.
 */
CSM_API int csm_fd(const struct csm_region *region);

/* ---------------------------------------------------------------- channels */

/*
 * A channel is two rings in a region that both sides can write: one ring per direction, with
 * messages of up to csm_channel_max() bytes. One thread may send while another receives. Only the
 * two peers of the channel use its region.
 *
 * Errors of all functions below: -EAGAIN: timed out; -EPIPE: the peer has closed the channel (when
 * receiving: and all its messages have been received); -ENOTCONN: the sharing or the peer is gone;
 * -EPROTO: the peer has violated the protocol. After the last three, that direction stays unusable.
 */

/*
 * Opens a channel. On an own region it initialises the channel for the consumer peer_id. On an
 * attachment (peer_id 0) it waits until the provider has done so. The region remains the caller's
 * and must outlive the channel. Close it with csm_channel_close(), which notifies the peer.
 * -EINVAL: the region is smaller than two pages; -EACCES: no write permission.
 */
CSM_API int csm_channel_open(struct csm_region *region, uint64_t peer_id, int timeout,
			     struct csm_channel **out);
CSM_API void csm_channel_close(struct csm_channel *channel);

/* Size of the longest message, in bytes. */
CSM_API size_t csm_channel_max(const struct csm_channel *channel);

/*
 * 1: the peer has reported that it has taken every message sent; 0: not yet. Also works after the
 * peer has closed the channel, as long as the memory exists; -ENOTCONN otherwise.
 */
CSM_API int csm_channel_is_taken(struct csm_channel *channel);

/*
 * Send or receive one message with one copy. csm_channel_recv() returns its length. -EMSGSIZE: the
 * message is longer than csm_channel_max() or than `size`; a received message stays in the channel.
 */
CSM_API int csm_channel_send(struct csm_channel *channel, const void *data, size_t size,
			     int timeout);
CSM_API long csm_channel_recv(struct csm_channel *channel, void *data, size_t size, int timeout);

/*
 * Send without a copy. csm_channel_reserve() returns space for a message of up to `size` bytes in
 * shared memory; csm_channel_commit() sends its first `size` bytes. A reservation without a commit
 * has no effect. With `more`, the message is held back until a commit without `more` or
 * csm_channel_flush(), so that several messages form a batch. -EMSGSIZE: `size` exceeds
 * csm_channel_max() or the reserved size.
 */
CSM_API int csm_channel_reserve(struct csm_channel *channel, size_t size, int timeout, void **out);
CSM_API int csm_channel_commit(struct csm_channel *channel, size_t size, bool more);
CSM_API int csm_channel_flush(struct csm_channel *channel);

/*
 * Receive without a copy. csm_channel_peek() returns the length of the next message and its address
 * in shared memory. Address and length have been checked, but the peer can change the content at
 * any time: copy it before you validate it. Repeated calls return further messages;
 * csm_channel_done() releases all of them.
 */
CSM_API long csm_channel_peek(struct csm_channel *channel, int timeout, const void **out);
CSM_API int csm_channel_done(struct csm_channel *channel);

/* Ends sending. The peer can still receive messages that were sent before. */
CSM_API int csm_channel_shutdown(struct csm_channel *channel);

/* --------------------------------------------------------- request, response */

/* Size of the longest request or response, in bytes. */
CSM_API size_t csm_rpc_max(const struct csm_channel *channel);

/* A request, the buffer for its response, and the result of the peer's handler. */
struct csm_rpc {
	const void *request;
	size_t size; /* of the request, bytes */
	void *response;
	size_t room; /* of the response buffer, bytes */
	int status;  /* the handler's result if it was negative, otherwise 0 */
};

/*
 * Sends a request, waits for its response and returns the response's length; 0 if the handler
 * failed. Responses to earlier requests that timed out are dropped. -EMSGSIZE: request or response
 * is too long.
 *
 * -EBUSY: the peer has sent a request too and waits for its response. The library keeps the
 * peer's request: call csm_rpc_serve() next; until then further calls fail with -EBUSY and send
 * nothing. The first call that fails has sent its request, which the peer may serve; the response
 * is dropped.
 */
CSM_API long csm_rpc_call(struct csm_channel *channel, struct csm_rpc *call, int timeout);

/*
 * Handles a request. `request` is a private copy. The handler writes at most `room` bytes to
 * `response` and returns their number, or a negative value that becomes the caller's `status`.
 */
typedef long (*csm_rpc_handler)(void *arg, const void *request, size_t size, void *response,
				size_t room);

/*
 * Receives one request, calls the handler and sends the response. The timeout applies to receiving
 * and to sending separately. -EPROTO: a message that is neither a request nor a response to a
 * request of this side.
 */
CSM_API int csm_rpc_serve(struct csm_channel *channel, csm_rpc_handler handler, void *arg,
			  int timeout);

/* -------------------------------------------------------------------- text */

/* The first eight characters of `text` as a label; shorter text is followed by zeros. */
CSM_API uint64_t csm_label(const char *text);
/* Converts a label to text; characters that cannot be printed become \xNN. */
#define CSM_LABEL_TEXT 33
CSM_API void csm_label_text(uint64_t label, char out[CSM_LABEL_TEXT]);

/* Describes a result of this library in English. The text is static. */
CSM_API const char *csm_strerror(int result);

#ifdef __cplusplus
}
#endif

#endif
