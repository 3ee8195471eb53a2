// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "packet.h"

#define IP4_LEAST    20u
#define IP6_LEAST    40u
#define TCP_LEAST    20u
#define UDP_LEAST    8u
#define TCP_CHECKSUM 16u /* offset in the TCP header */
#define UDP_CHECKSUM 6u
#define TCP_SEGMENT  48u /* Linux sends no smaller segments */
#define UDP_SEGMENTS 128u

/* A packet in parts: the header, and what it may point into. */
struct view {
	struct virtio_net_hdr header;
	const uint8_t *ip;
	size_t size;    /* of the IP packet */
	size_t network; /* bytes of the IP header, without extensions */
	bool is_ip6;
};

static bool check_network(struct view *view)
{
	if (view->size < IP4_LEAST) {
		return false;
	}
	view->is_ip6 = view->ip[0] >> 4 == 6;
	if (view->is_ip6) {
		view->network = IP6_LEAST;
		return view->size >= IP6_LEAST;
	}
	view->network = (view->ip[0] & 15u) * 4;
	return view->ip[0] >> 4 == 4 && view->network >= IP4_LEAST && view->network <= view->size;
}

/* The field that the kernel fills in lies behind the IP header and inside the packet. */
static bool check_checksum(const struct view *view)
{
	const struct virtio_net_hdr *header = &view->header;

	if (header->flags & ~(VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID)) {
		return false;
	}
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
		return true;
	}
	return header->csum_start >= view->network && header->csum_start < view->size &&
	       (size_t)header->csum_start + header->csum_offset + 2 <= view->size;
}

/* Segments of one protocol: its smallest header fits, and the segments are not too many. */
static bool check_transport(const struct view *view, size_t least, size_t checksum)
{
	const struct virtio_net_hdr *header = &view->header;

	return header->csum_offset == checksum && header->gso_size != 0 &&
	       header->csum_start + least <= view->size;
}

/*
 * Whether the offload fields ask for segments that the kernel can make of this packet: known type,
 * headers that fit, checksum left to it.
 */
static bool check_segments(const struct view *view)
{
	const struct virtio_net_hdr *header = &view->header;
	unsigned int type = header->gso_type & ~(unsigned int)VIRTIO_NET_HDR_GSO_ECN;
	bool is_ecn = header->gso_type & VIRTIO_NET_HDR_GSO_ECN;

	if (header->gso_type == VIRTIO_NET_HDR_GSO_NONE) {
		return header->gso_size == 0;
	}
	if (!(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)) {
		return false;
	}
	if (type == VIRTIO_NET_HDR_GSO_UDP_L4) {
		return !is_ecn && check_transport(view, UDP_LEAST, UDP_CHECKSUM) &&
		       view->size <= (size_t)header->gso_size * UDP_SEGMENTS;
	}
	return type == (view->is_ip6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) &&
	       header->gso_size >= TCP_SEGMENT && check_transport(view, TCP_LEAST, TCP_CHECKSUM);
}

int link_packet_check(const void *packet, size_t size)
{
	struct view view;

	if (size <= LINK_HEADER || size > LINK_PACKET) {
		return -EPROTO;
	}
	memcpy(&view.header, packet, LINK_HEADER);
	view.ip = (const uint8_t *)packet + LINK_HEADER;
	view.size = size - LINK_HEADER;
	if (!check_network(&view) || view.header.hdr_len > view.size || !check_checksum(&view) ||
	    !check_segments(&view)) {
		return -EPROTO;
	}
	return 0;
}
