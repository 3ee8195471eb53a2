// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netlink.h"
#include "packet.h"
#include "reset.h"
#include "tun.h"

#define TUN_DEVICE "/dev/net/tun"
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif
#define OFFLOADS      (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)
#define ALSO_UDP      (TUN_F_USO4 | TUN_F_USO6)
#define NO_GENERATION 1 /* IN6_ADDR_GEN_MODE_NONE: only the addresses given here */

/* ----------------------------------------------------------------- addresses */

bool tun_parse(const char *text, struct tun_address *out)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	unsigned int most, bits = 0, digits = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(address)) {
		return false;
	}
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = 0;
	for (const char *c = slash + 1; *c >= '0' && *c <= '9' && digits < 3; c++, digits++) {
		bits = 10 * bits + (unsigned int)(*c - '0');
	}
	out->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	out->prefix = bits;
	most = out->family == AF_INET ? 32 : 128;
	return inet_pton(out->family, address, &out->v6) == 1 && digits > 0 && bits > 0 &&
	       bits <= most && slash[1 + digits] == 0;
}

struct tun_address tun_link_local(uint64_t realm_id)
{
	struct tun_address address = {.family = AF_INET6, .prefix = 64};

	address.v6.s6_addr[0] = 0xfe;
	address.v6.s6_addr[1] = 0x80;
	for (int i = 0; i < 8; i++) {
		address.v6.s6_addr[8 + i] = (uint8_t)(realm_id >> (56 - 8 * i));
	}
	return address;
}

void tun_text(const struct tun_address *address, char *out)
{
	inet_ntop(address->family, &address->v6, out, INET6_ADDRSTRLEN);
}

/* -------------------------------------------------------------------- device */

static int set_offloads(int fd)
{
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(OFFLOADS | ALSO_UDP)) == 0 ||
	    ioctl(fd, TUNSETOFFLOAD, (unsigned long)OFFLOADS) == 0) {
		return 0;
	}
	return -errno;
}

static int make(int fd, const char *name)
{
	struct ifreq request = {0};
	int header = LINK_HEADER;

	request.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &request) != 0) {
		return errno == EBUSY ? -EEXIST : -errno;
	}
	return ioctl(fd, TUNSETVNETHDRSZ, &header) != 0 ? -errno : set_offloads(fd);
}

int tun_open(const char *name, int *out)
{
	int fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int ret;

	if (fd < 0) {
		return errno == ENODEV || errno == ENXIO ? -ENOENT : -errno;
	}
	ret = make(fd, name);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	*out = fd;
	return 0;
}

/* ------------------------------------------------------------------- up, down */

static int set_up(int fd, unsigned int index, bool up)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	struct netlink_request request;

	info.ifi_change = IFF_UP;
	info.ifi_flags = up ? IFF_UP : 0;
	netlink_begin(&request, RTM_NEWLINK, 0, &info, sizeof(info));
	return netlink_ask(fd, &request);
}

/* The kernel makes up no addresses: those of a link say which realm has them. */
static int generate_none(int fd, unsigned int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index};
	uint8_t mode = NO_GENERATION;
	struct netlink_request request;
	size_t spec, family;

	netlink_begin(&request, RTM_NEWLINK, 0, &info, sizeof(info));
	spec = netlink_add(&request, IFLA_AF_SPEC, NULL, 0);
	family = netlink_add(&request, AF_INET6, NULL, 0);
	netlink_add(&request, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof(mode));
	netlink_nest(&request, family);
	netlink_nest(&request, spec);
	return netlink_ask(fd, &request);
}

/*
 * Gives the interface an address, which may be there already; 0 or a negative errno. IPv6 skips
 * duplicate detection: nobody else has a link's addresses.
 */
static int add_address(int fd, unsigned int index, const struct tun_address *address)
{
	size_t size = address->family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
	struct ifaddrmsg info = {
		.ifa_family = (uint8_t)address->family,
		.ifa_prefixlen = (uint8_t)address->prefix,
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	struct netlink_request request;

	netlink_begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &info, sizeof(info));
	netlink_add(&request, IFA_LOCAL, &address->v6, size);
	netlink_add(&request, IFA_ADDRESS, &address->v6, size);
	return netlink_ask(fd, &request);
}

int tun_up(const char *name, const struct tun_address *addresses, unsigned int count)
{
	unsigned int index = if_nametoindex(name);
	int fd = index ? netlink_open(NETLINK_ROUTE) : -ENODEV;
	int ret;

	if (fd < 0) {
		return fd;
	}
	ret = generate_none(fd, index);
	if (ret == 0) {
		ret = set_up(fd, index, true);
	}
	for (unsigned int i = 0; i < count && ret == 0; i++) {
		ret = add_address(fd, index, &addresses[i]);
	}
	close(fd);
	return ret;
}

int tun_down(const char *name)
{
	unsigned int index = if_nametoindex(name);
	int fd = index ? netlink_open(NETLINK_ROUTE) : -ENODEV;
	struct reset_addresses addresses;
	int ret;

	if (fd < 0) {
		return fd;
	}
	/* IPv6 addresses go when the interface is down. */
	reset_addresses(name, &addresses);
	ret = set_up(fd, index, false);
	close(fd);
	return ret ? ret : reset_connections(&addresses);
}
