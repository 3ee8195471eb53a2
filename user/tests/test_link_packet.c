// SPDX-License-Identifier: BSD-3-Clause
/* What a link lets a peer hand to this realm's network stack. */
#include "unit.h"

#include <linux/virtio_net.h>
#include <netinet/in.h>

#include "link/packet.h"

#define V4 0x45
#define V6 0x60

/* A packet by its fields; bytes that are not named are zero. */
struct sample {
	const char *what;
	struct virtio_net_hdr header;
	uint8_t first; /* byte of the IP packet */
	size_t size;   /* of the IP packet */
	int result;
};

#define NEEDS VIRTIO_NET_HDR_F_NEEDS_CSUM
#define NONE  VIRTIO_NET_HDR_GSO_NONE
#define TCP4  VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6  VIRTIO_NET_HDR_GSO_TCPV6
#define UDP   VIRTIO_NET_HDR_GSO_UDP_L4
#define ECN   VIRTIO_NET_HDR_GSO_ECN
/* flags, type, header length, segment, where the checksum starts, where it is from there */
#define H(flags, type, length, segment, start, offset) \
	{(flags), (type), (length), (segment), (start), (offset)}

static const struct sample samples[] = {
	{"plain IPv4", H(0, NONE, 0, 0, 0, 0), V4, 84, 0},
	{"plain IPv6", H(0, NONE, 0, 0, 0, 0), V6, 104, 0},
	{"longest", H(0, NONE, 0, 0, 0, 0), V4, 65535, 0},
	{"checksum valid", H(VIRTIO_NET_HDR_F_DATA_VALID, NONE, 0, 0, 0, 0), V4, 60, 0},
	{"TCP checksum to fill in", H(NEEDS, NONE, 0, 0, 40, 16), V6, 80, 0},
	{"TCP segments, IPv4", H(NEEDS, TCP4, 52, 1448, 20, 16), V4, 64000, 0},
	{"TCP segments, IPv6", H(NEEDS, TCP6, 72, 1428, 40, 16), V6, 64000, 0},
	{"TCP segments with ECN", H(NEEDS, TCP6 | ECN, 72, 1428, 40, 16), V6, 64000, 0},
	{"UDP segments", H(NEEDS, UDP, 28, 1400, 20, 6), V4, 60000, 0},

	{"no IP packet", H(0, NONE, 0, 0, 0, 0), V4, 0, -EPROTO},
	{"too short for IPv4", H(0, NONE, 0, 0, 0, 0), V4, 19, -EPROTO},
	{"too short for IPv6", H(0, NONE, 0, 0, 0, 0), V6, 39, -EPROTO},
	{"IPv4 header shorter than its least", H(0, NONE, 0, 0, 0, 0), 0x44, 84, -EPROTO},
	{"IPv4 header longer than the packet", H(0, NONE, 0, 0, 0, 0), 0x4f, 59, -EPROTO},
	{"neither IPv4 nor IPv6", H(0, NONE, 0, 0, 0, 0), 0x05, 84, -EPROTO},
	{"too long", H(0, NONE, 0, 0, 0, 0), V4, 65536, -EPROTO},
	{"unknown flag", H(4, NONE, 0, 0, 0, 0), V4, 84, -EPROTO},
	{"header beyond the packet", H(0, NONE, 85, 0, 0, 0), V4, 84, -EPROTO},
	{"checksum inside the IPv4 header", H(NEEDS, NONE, 0, 0, 19, 0), V4, 84, -EPROTO},
	{"checksum inside the IPv6 header", H(NEEDS, NONE, 0, 0, 39, 0), V6, 84, -EPROTO},
	{"checksum beyond the packet", H(NEEDS, NONE, 0, 0, 84, 0), V4, 84, -EPROTO},
	{"checksum across the end", H(NEEDS, NONE, 0, 0, 68, 15), V4, 84, -EPROTO},
	{"checksum that wraps", H(NEEDS, NONE, 0, 0, 40, 65534), V4, 84, -EPROTO},
	{"segment size without segments", H(NEEDS, NONE, 0, 100, 20, 16), V4, 84, -EPROTO},
	{"segments without a checksum", H(0, TCP4, 52, 1448, 20, 16), V4, 64000, -EPROTO},
	{"segments of no bytes", H(NEEDS, TCP4, 52, 0, 20, 16), V4, 64000, -EPROTO},
	{"segments too small", H(NEEDS, TCP4, 52, 47, 20, 16), V4, 64000, -EPROTO},
	{"IPv6 segments of an IPv4 packet", H(NEEDS, TCP6, 52, 1448, 20, 16), V4, 64000, -EPROTO},
	{"IPv4 segments of an IPv6 packet", H(NEEDS, TCP4, 72, 1448, 40, 16), V6, 64000, -EPROTO},
	{"TCP header cut off", H(NEEDS, TCP4, 39, 1448, 20, 16), V4, 39, -EPROTO},
	{"TCP segments with a UDP checksum", H(NEEDS, TCP4, 52, 1448, 20, 6), V4, 6400, -EPROTO},
	{"too many UDP segments", H(NEEDS, UDP, 28, 10, 20, 6), V4, 60000, -EPROTO},
	{"UDP segments with ECN", H(NEEDS, UDP | ECN, 28, 1400, 20, 6), V4, 60000, -EPROTO},
	{"UDP fragments", H(NEEDS, VIRTIO_NET_HDR_GSO_UDP, 28, 1400, 20, 6), V4, 60000, -EPROTO},
	{"ECN alone", H(NEEDS, ECN, 28, 1400, 20, 16), V4, 60000, -EPROTO},
	{"unknown segments", H(NEEDS, 2, 28, 1400, 20, 16), V4, 60000, -EPROTO},
};

static void test_samples(void **state)
{
	uint8_t *packet = calloc(1, LINK_HEADER + 65536);

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		const struct sample *sample = &samples[i];

		memcpy(packet, &sample->header, LINK_HEADER);
		packet[LINK_HEADER] = sample->first;
		if (link_packet_check(packet, LINK_HEADER + sample->size) != sample->result) {
			fail_msg("%s", sample->what);
		}
	}
	free(packet);
}

static void test_short(void **state)
{
	uint8_t packet[LINK_HEADER] = {0};

	(void)state;
	for (size_t size = 0; size <= sizeof(packet); size++) {
		assert_int_equal(link_packet_check(packet, size), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("link: packets of a peer are checked for the kernel", test_samples),
		TEST("link: a packet without its header is refused", test_short),
	};

	return cmocka_run_group_tests_name("link packet", tests, NULL, NULL);
}
