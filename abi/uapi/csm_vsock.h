/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */
/*
 * /dev/csm-vsock: AF_VSOCK sockets to another realm, whose packets a program carries.
 *
 * Callers include <sys/ioctl.h> (in the kernel <linux/ioctl.h>) for the call number.
 *
 * An open file stands for one peer once CSM_VSOCK_IOC_BIND has given it a context id (CID). Then
 * each read() returns one packet for the peer, and each write() delivers one from it. The file is
 * readable and writable as poll(2) says. Closing it resets the connections with the peer.
 *
 * A packet is a header of CSM_VSOCK_HEADER bytes (struct virtio_vsock_hdr of linux/virtio_vsock.h),
 * and up to CSM_VSOCK_PAYLOAD bytes. When a packet is written, the module sets both of its CIDs.
 *
 * read():  -EINVAL: room for less than CSM_VSOCK_PACKET bytes; -EAGAIN: none, and the file does not
 *          block; -ENOTCONN: not bound.
 * write(): -EINVAL: no packet of this shape; -EAGAIN: answers to earlier packets have not been read
 *          yet; -ENOTCONN: not bound; -ENOMEM.
 */
#ifndef ABI_UAPI_CSM_VSOCK_H
#define ABI_UAPI_CSM_VSOCK_H

#include <linux/types.h>

#define CSM_VSOCK_HEADER  44
#define CSM_VSOCK_PAYLOAD 65536
#define CSM_VSOCK_PACKET  (CSM_VSOCK_HEADER + CSM_VSOCK_PAYLOAD)

/*
 * The CID of the peer: 3 to 0xfffffffe. -EINVAL: another value, or reserved is not 0; -EADDRINUSE:
 * another file has it; -EBUSY: this file has one.
 */
struct csm_ioc_vsock_bind {
	__u32 cid;
	__u32 reserved;
};
#define CSM_VSOCK_IOC_BIND _IOW('C', 0x40, struct csm_ioc_vsock_bind)

#endif
