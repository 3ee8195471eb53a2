/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of a link: a struct virtio_net_hdr of ten bytes, as TUN has it with IFF_VNET_HDR, and an
 * IP packet.
 */
#ifndef LINK_PACKET_H
#define LINK_PACKET_H

#include <stddef.h>

#define LINK_HEADER 10u                    /* bytes of the virtio_net_hdr */
#define LINK_PACKET (LINK_HEADER + 65535u) /* bytes of the longest packet with its header */

/*
 * Checks a packet of the peer before the kernel gets it. 0, or -EPROTO: its lengths, checksum or
 * segmentation fields are none that a TUN device of the peer would produce. `packet` is a private
 * copy.
 */
int link_packet_check(const void *packet, size_t size);

#endif
