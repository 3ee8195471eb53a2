// SPDX-License-Identifier: BSD-3-Clause
/* libFuzzer plays a peer that sends packets: what is accepted must be safe for the kernel. */
#include <linux/virtio_net.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct virtio_net_hdr header;
	size_t left;

	if (link_packet_check(data, size) != 0) {
		return 0;
	}
	memcpy(&header, data, LINK_HEADER);
	left = size - LINK_HEADER;
	if (header.hdr_len > left || left > 65535) {
		abort();
	}
	if (header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (size_t)header.csum_start + header.csum_offset + 2 > left) {
		abort();
	}
	if (header.gso_type != VIRTIO_NET_HDR_GSO_NONE &&
	    (header.gso_size == 0 || !(header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))) {
		abort();
	}
	return 0;
}
