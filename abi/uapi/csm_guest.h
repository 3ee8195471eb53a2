/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * Interface between the guest module and programs in a realm:
 *
 *   /dev/csm      -> CSM_IOC_CREATE, CSM_IOC_ATTACH, CSM_IOC_OPEN (each returns a sharing file),
 *                    CSM_IOC_GET_INFO, CSM_IOC_QUERY, CSM_IOC_PEER,
 *                    CSM_IOC_NEXT_ATTACHMENT (since revision 1.1),
 *                    CSM_IOC_RECORD (since revision 1.2)
 *   sharing file  -> one own region, or one attachment of another realm's region; mmap at offset 0
 *                    (cached, MAP_SHARED only); poll for signals; the calls below
 *
 * A process that can open /dev/csm can use every sharing of the realm. A sharing ends with the last
 * of its files and mappings: a region is destroyed, an attachment is detached, whatever the peers
 * do. With CSM_IOC_PERSISTENT it stays until CSM_IOC_END, CSM_IOC_SET_PERSISTENT with 0, or the end
 * of the realm.
 *
 * The memory of a new region is zero. An access that a peer has not granted, or has withdrawn,
 * raises SIGBUS in the program; a system call on such memory fails with EFAULT. Mappings are not
 * inherited by fork, cannot be grown, moved or partly unmapped, cannot be executed (EPERM), and
 * cannot be used for direct I/O.
 *
 * Sizes are in bytes. Structures are extended at the end and never reordered. Each gap is a named
 * reserved field, which must be zero on input (EINVAL otherwise) and is zero on output. A caller
 * reads the revision with CSM_IOC_GET_INFO and uses nothing newer.
 *
 * Callers include <sys/ioctl.h> (in the kernel <linux/ioctl.h>) for the call numbers.
 *
 * Errors common to all calls:
 *
 *   ENOTTY      unknown call, or a call that this kind of file does not have
 *   EFAULT      bad user address
 *   EINVAL      reserved field not zero; an argument out of its range
 *   EACCES      no such provider, region or grant, or a policy that is not met: one errno for all
 *   EBUSY       another program is creating or ending this sharing: try again
 *   EINPROGRESS the region is being destroyed: CSM_IOC_END continues it
 *   ENOSPC      the access policy table is full
 *   ENXIO       the host gave this realm no access policy table, or took it back
 *   EHWPOISON   the host took back a page: destroy the region and create a new one
 *   ENOTCONN    the region, the grant or the peer is gone
 *   EINTR       fatal signal during a long command; the next call continues it
 *   ESHUTDOWN   the realm is shutting down
 *   EMFILE, ENFILE  no file descriptor is free
 *   EIO         the RMM returned a status that its specification does not allow there
 *
 * If a status of the RMM has several causes, the module asks RSI_CSM_QUERY which one it is.
 */
#ifndef CSM_UAPI_CSM_GUEST_H
#define CSM_UAPI_CSM_GUEST_H

#include "../types.h"

#define CSM_GUEST_REVISION_MAJOR 1
#define CSM_GUEST_REVISION_MINOR 2
#define CSM_GUEST_REVISION       ((CSM_GUEST_REVISION_MAJOR << 16) | CSM_GUEST_REVISION_MINOR)

/* Call numbers start above the generic file-system ioctls (1 and 2 are FIBMAP and FIGETBSZ). */
#define CSM_IOC_MAGIC 0xC5

/* ----------------------------------------------------------------- /dev/csm */

#define CSM_IOC_INFO_INTERRUPT (1U << 0) /* signals arrive by interrupt, otherwise by polling */
#define CSM_IOC_INFO_WINDOW    (1U << 1) /* there is room for attachments */
#define CSM_IOC_INFO_MMAP      (1U << 2) /* this kernel allows sharings to be mapped */

/**
 * struct csm_ioc_info - what the module and the RMM below it offer, and what is in use
 * @revision: CSM_GUEST_REVISION of the module
 * @flags: CSM_IOC_INFO_*
 * @csm_revision: of the RMM, (major << 16) | minor
 * @realm_id: of this realm
 * @window_size, @window_free: bytes of address space for attachments
 * @memory_limit, @memory_used: bytes of memory for regions
 * @regions, @attachments: how many exist
 * @signals_lost: signals that were dropped because no program took them in time
 */
struct csm_ioc_info {
	abi_u32 revision;
	abi_u32 flags;
	abi_u64 csm_revision;
	abi_u64 realm_id;
	abi_u64 window_size;
	abi_u64 window_free;
	abi_u64 memory_limit;
	abi_u64 memory_used;
	abi_u32 regions;
	abi_u32 attachments;
	abi_u64 signals_lost;
	abi_u64 reserved[4];
};

#define CSM_IOC_PERSISTENT (1U << 0) /* the sharing outlives its last file */

/**
 * struct csm_ioc_create - CSM_IOC_CREATE: a new region; the result is its file descriptor
 * (close-on-exec)
 * @size: bytes, above zero, rounded up to whole pages on output. From 2 MiB on the region starts at
 *	a multiple of 2 MiB.
 * @label: any; by custom eight characters, the first in the lowest byte
 * @flags: CSM_IOC_PERSISTENT
 * @region_id: output
 *
 * Fails: EFAULT, EINVAL size zero, unknown flag or output not zero, EDQUOT the memory_limit of
 * the module is reached, ENOMEM no contiguous memory of that size, ENOSPC, ENXIO,
 * ESHUTDOWN, EBUSY, EMFILE, ENFILE, EIO. Nothing is left of the region then.
 */
struct csm_ioc_create {
	abi_u64 size;
	abi_u64 label;
	abi_u32 flags;
	abi_u32 reserved0;
	abi_u64 region_id;
	abi_u64 reserved1[4];
};

/**
 * struct csm_ioc_attach - CSM_IOC_ATTACH: maps another realm's region here; the result is its file
 *	descriptor (close-on-exec)
 * @provider_id, @region_id: which
 * @size: what the caller expects, or 0 for any; output: bytes
 * @policy: address of a struct rsi_csm_policy that the provider must meet, or 0
 * @flags: CSM_IOC_PERSISTENT
 * @permissions: output, CSM_PERM_* in force
 * @label: output
 *
 * Fails: EFAULT, EACCES, EEXIST attached already (CSM_IOC_OPEN gives a file), EMSGSIZE the region
 * has another size, ENODEV this realm has no window for attachments, EADDRNOTAVAIL no room in it,
 * ENOMEM no memory for the kernel's own records, EINVAL an own region, or the policy is not
 * well-formed, EUSERS 256 consumers are attached, EADDRINUSE the RMM has an attachment of the
 * region that this module did not make (left by a kernel before this one), ETIMEDOUT the host has
 * not taken its pages out of the window within 30 seconds, ENOTCONN the region ended meanwhile,
 * EBUSY, ENOSPC, ENXIO, EINTR, ESHUTDOWN, EMFILE, ENFILE, EIO. Nothing is left of the attachment
 * then.
 */
struct csm_ioc_attach {
	abi_u64 provider_id;
	abi_u64 region_id;
	abi_u64 size;
	abi_u64 policy;
	abi_u32 flags;
	abi_u32 permissions;
	abi_u64 label;
	abi_u64 reserved[4];
};

/**
 * struct csm_ioc_open - CSM_IOC_OPEN: another file of a sharing that exists here
 * @provider_id: of the region; 0 or this realm's own id for an own region
 * @region_id: which
 *
 * Fails: ENOENT no such sharing here, EBUSY, EMFILE, ENOMEM.
 */
struct csm_ioc_open {
	abi_u64 provider_id;
	abi_u64 region_id;
	abi_u64 reserved[2];
};

/**
 * struct csm_ioc_query - CSM_IOC_QUERY: one region of this realm, or one that @realm_id offers to
 * it
 * @realm_id: 0 or this realm's own id for own regions
 * @cursor: input: 0 to start, then what the last call gave; output: 0 after the last region
 * @region_id: output, 0: there is none (any more), the rest is zero then
 * @label, @size, @permissions: output
 * @state: output, CSM_STATE_*
 * @query_flags: output, CSM_FLAG_*
 *
 * Fails: EACCES that realm offers nothing, ENXIO, EIO.
 */
struct csm_ioc_query {
	abi_u64 realm_id;
	abi_u64 cursor;
	abi_u64 region_id;
	abi_u64 label;
	abi_u64 size;
	abi_u32 permissions;
	abi_u32 state;
	abi_u32 query_flags;
	abi_u32 reserved0;
	abi_u64 reserved1[3];
};

/**
 * struct csm_ioc_peer - CSM_IOC_PEER: a measurement of a realm with which a sharing exists, from
 * the RMM
 * @peer_id: which realm
 * @index: CSM_PEER_*
 * @hash_algo: output: RSI_HASH_*
 * @value: output; a 32-byte hash is followed by zeros
 *
 * Fails: EACCES no sharing with that realm, EINVAL no such index, ENXIO, EIO.
 */
struct csm_ioc_peer {
	abi_u64 peer_id;
	abi_u32 index;
	abi_u32 hash_algo;
	abi_u8 value[64];
	abi_u64 reserved[2];
};

/**
 * struct csm_ioc_record - CSM_IOC_RECORD: one record of this realm, of those that the sharings
 * claim of its token has the hash of
 * @kind: input: of the record before, 0 to start; output: CSM_RECORD_*, 0: there is none (any
 *	more), the rest is zero then
 * @peer_id, @region_id: of the record before; output: of this one
 * @size, @permissions, @state, @record_flags: output, as RSI_CSM_RECORD has them
 *
 * Fails: EINVAL output not zero, EOPNOTSUPP the RMM has CSM before 1.2, ENXIO, EIO.
 */
struct csm_ioc_record {
	abi_u64 kind;
	abi_u64 peer_id;
	abi_u64 region_id;
	abi_u64 size;
	abi_u32 permissions;
	abi_u32 state;
	abi_u32 record_flags;
	abi_u32 reserved0;
	abi_u64 reserved1[2];
};

/* ------------------------------------------------------------- sharing file */

#define CSM_IOC_SHARING_OWN        (1U << 0) /* a region of this realm, otherwise an attachment */
#define CSM_IOC_SHARING_PERSISTENT (1U << 1)
#define CSM_IOC_SHARING_SEALED     (1U << 2) /* as far as this realm has seen */
#define CSM_IOC_SHARING_ENDED      (1U << 3) /* by this side, or by the other as far as is known */

/**
 * struct csm_ioc_sharing - CSM_IOC_GET_SHARING, and CSM_IOC_NEXT_ATTACHMENT on /dev/csm
 * @provider_id, @region_id: its name
 * @size: bytes
 * @label: as the provider chose it
 * @permissions: CSM_PERM_* of this realm; an own region has read and write until it is sealed
 * @flags: CSM_IOC_SHARING_*
 *
 * CSM_IOC_NEXT_ATTACHMENT lists the attachments of this realm in the order of @provider_id, then
 * @region_id: input: both 0 to start, then those of the last answer, the rest zero; output: the
 * next attachment, or all zero after the last one. One that is being made or ended is left out.
 * Fails: EFAULT, EINVAL another field is not zero.
 */
struct csm_ioc_sharing {
	abi_u64 provider_id;
	abi_u64 region_id;
	abi_u64 size;
	abi_u64 label;
	abi_u32 permissions;
	abi_u32 flags;
	abi_u64 reserved[4];
};

/**
 * struct csm_ioc_share - CSM_IOC_SHARE: a grant. Own regions only.
 * @consumer_id: the consumer; CSM_REALM_ANY: every realm that meets the policy, which is then
 *	required
 * @policy: address of a struct rsi_csm_policy that the consumer must meet, or 0
 * @permissions: CSM_PERM_*
 *
 * Fails: EEXIST there is a grant for that consumer, EPERM write access to a sealed region, EINVAL
 * permissions, this realm's own id, a policy that is not well-formed, or CSM_REALM_ANY with a
 * policy that does not require the RIM; EINPROGRESS, ENOSPC, ENXIO, ENOTCONN, EIO.
 */
struct csm_ioc_share {
	abi_u64 consumer_id;
	abi_u64 policy;
	abi_u32 permissions;
	abi_u32 reserved0;
	abi_u64 reserved1[3];
};

/**
 * struct csm_ioc_revoke - CSM_IOC_REVOKE: ends a grant. Own regions only. After success the
 * 	consumer has no access through that grant, on any CPU.
 * @consumer_id: the consumer; CSM_REALM_ANY: the grant to every realm that meets its policy
 *
 * Fails: ENOENT no such grant, EINTR, EINPROGRESS, ENXIO, ENOTCONN, EIO.
 */
struct csm_ioc_revoke {
	abi_u64 consumer_id;
	abi_u64 reserved;
};

/**
 * struct csm_ioc_digest - CSM_IOC_DIGEST: SHA-512 of the whole region, by the RMM
 * Fails: ENODATA the region is not sealed, EHWPOISON a page was taken before the digest was made,
 * EACCES an attachment whose grant is gone, EINTR, EINPROGRESS, ENXIO, ENOTCONN, EIO.
 */
struct csm_ioc_digest {
	abi_u8 value[64];
};

/**
 * struct csm_ioc_signal - CSM_IOC_SIGNAL and CSM_IOC_TAKE
 * @peer_id: receiver or sender. CSM_IOC_SIGNAL on an attachment takes 0 for the provider.
 * @bits: CSM_IOC_SIGNAL: one or more of bits 47 to 0. CSM_IOC_TAKE: output, including bits of the
 * 	RMM.
 *
 * CSM_IOC_SIGNAL fails: EACCES the peer is not attached, EINVAL bits, or no peer named by the
 * owner; ENXIO, ENOTCONN, EIO. CSM_IOC_TAKE fails: EAGAIN nothing is pending, EFAULT: the signal
 * stays pending. poll reports POLLIN while a signal is pending, and POLLHUP after the sharing has
 * ended.
 */
struct csm_ioc_signal {
	abi_u64 peer_id;
	abi_u64 bits;
	abi_u64 reserved[2];
};

/**
 * struct csm_ioc_notify - CSM_IOC_SET_EVENTFD: a signal that becomes pending increments an eventfd
 * @fd: an eventfd, or -1 for none; replaces the previous one of this sharing
 *
 * Fails: EBADF no such descriptor, EINVAL not an eventfd.
 */
struct csm_ioc_notify {
	abi_s32 fd;
	abi_u32 reserved;
};

/* -------------------------------------------------------------------- calls */

#define CSM_IOC_GET_INFO        _IOR(CSM_IOC_MAGIC, 0x10, struct csm_ioc_info)
#define CSM_IOC_CREATE          _IOWR(CSM_IOC_MAGIC, 0x11, struct csm_ioc_create)
#define CSM_IOC_ATTACH          _IOWR(CSM_IOC_MAGIC, 0x12, struct csm_ioc_attach)
#define CSM_IOC_OPEN            _IOW(CSM_IOC_MAGIC, 0x13, struct csm_ioc_open)
#define CSM_IOC_QUERY           _IOWR(CSM_IOC_MAGIC, 0x14, struct csm_ioc_query)
#define CSM_IOC_PEER            _IOWR(CSM_IOC_MAGIC, 0x15, struct csm_ioc_peer)
#define CSM_IOC_NEXT_ATTACHMENT _IOWR(CSM_IOC_MAGIC, 0x16, struct csm_ioc_sharing)
#define CSM_IOC_RECORD          _IOWR(CSM_IOC_MAGIC, 0x17, struct csm_ioc_record)

#define CSM_IOC_GET_SHARING _IOR(CSM_IOC_MAGIC, 0x20, struct csm_ioc_sharing)
#define CSM_IOC_SHARE       _IOW(CSM_IOC_MAGIC, 0x21, struct csm_ioc_share)
#define CSM_IOC_REVOKE      _IOW(CSM_IOC_MAGIC, 0x22, struct csm_ioc_revoke)
/*
 * CSM_IOC_SEAL: makes an own region read-only for everybody, the owner included. Fails:
 * EALREADY it is sealed; EHWPOISON the host took back a page: the region is not sealed; EINTR,
 * EINPROGRESS, ENXIO, ENOTCONN, EIO: not sealed, as CSM_IOC_GET_SHARING says.
 * CSM_IOC_END: destroys the region or detaches now; its files stay open, and calls on them fail
 * with ENOTCONN. Fails: EINTR.
 * CSM_IOC_SET_PERSISTENT: sets (1) or clears (0) CSM_IOC_PERSISTENT; the argument is the value
 * itself. Fails: EINVAL another value, ENOTCONN setting it after CSM_IOC_END.
 */
#define CSM_IOC_SEAL           _IO(CSM_IOC_MAGIC, 0x23)
#define CSM_IOC_END            _IO(CSM_IOC_MAGIC, 0x24)
#define CSM_IOC_SET_PERSISTENT _IO(CSM_IOC_MAGIC, 0x25)
#define CSM_IOC_DIGEST         _IOR(CSM_IOC_MAGIC, 0x26, struct csm_ioc_digest)
#define CSM_IOC_SIGNAL         _IOW(CSM_IOC_MAGIC, 0x27, struct csm_ioc_signal)
#define CSM_IOC_TAKE           _IOR(CSM_IOC_MAGIC, 0x28, struct csm_ioc_signal)
#define CSM_IOC_SET_EVENTFD    _IOW(CSM_IOC_MAGIC, 0x29, struct csm_ioc_notify)

#endif
