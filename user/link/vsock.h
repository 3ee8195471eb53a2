/* SPDX-License-Identifier: BSD-3-Clause */
/* AF_VSOCK sockets of a link: the device of the module caec_vsock. */
#ifndef LINK_VSOCK_H
#define LINK_VSOCK_H

#include <stddef.h>
#include <stdint.h>

/* The CID of a realm in every other realm, unless the command line says otherwise. */
uint32_t vsock_cid(uint64_t realm_id);

/*
 * Opens the device for a peer; *out is a descriptor that is not blocking. Sockets can connect to
 * the CID until it is closed; connections then end with ECONNRESET. -ENOENT: there is no module;
 * -EPERM, -EACCES: not allowed; -EADDRINUSE: another peer has the CID; -EINVAL: it is none.
 */
int vsock_open(uint32_t cid, int *out);

/* Checks the shape of a packet of the peer; a private copy. 0 or -EPROTO. */
int vsock_packet_check(const void *packet, size_t size);

#endif
