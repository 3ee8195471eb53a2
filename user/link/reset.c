// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "reset.h"

#define ALL_BUT_LISTENING (~(1u << TCP_LISTEN))

static struct in6_addr mapped(const void *v4)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&address.s6_addr[12], v4, 4);
	return address;
}

void reset_addresses(const char *name, struct reset_addresses *out)
{
	struct ifaddrs *all = NULL;

	out->count = 0;
	if (getifaddrs(&all) != 0) {
		return;
	}
	for (const struct ifaddrs *at = all; at && out->count < RESET_MOST; at = at->ifa_next) {
		const struct sockaddr *address = at->ifa_addr;

		if (!address || strcmp(at->ifa_name, name) != 0) {
			continue;
		}
		if (address->sa_family == AF_INET) {
			out->list[out->count++] = mapped(
				&((const struct sockaddr_in *)(const void *)address)->sin_addr);
		} else if (address->sa_family == AF_INET6) {
			out->list[out->count++] =
				((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
		}
	}
	freeifaddrs(all);
}

/* Connections of one dump that are to end: they are ended after it, with a socket of their own. */
struct sockets {
	const struct reset_addresses *addresses;
	struct inet_diag_req_v2 *list;
	size_t count, room;
	bool is_full; /* no memory for more */
};

static bool is_ours(const struct sockets *sockets, const struct inet_diag_msg *socket)
{
	struct in6_addr local;

	memcpy(&local, socket->id.idiag_src, sizeof(local));
	if (socket->idiag_family == AF_INET) {
		local = mapped(socket->id.idiag_src);
	}
	for (unsigned int i = 0; i < sockets->addresses->count; i++) {
		if (memcmp(&local, &sockets->addresses->list[i], sizeof(local)) == 0) {
			return true;
		}
	}
	return false;
}

/* Makes room for one more socket. False, and the list is marked full, if memory runs out. */
static bool make_room(struct sockets *sockets)
{
	size_t room = sockets->room ? 2 * sockets->room : 16;
	void *list;

	if (sockets->count < sockets->room) {
		return true;
	}
	list = realloc(sockets->list, room * sizeof(*sockets->list));
	if (!list) {
		sockets->is_full = true;
		return false;
	}
	sockets->list = list;
	sockets->room = room;
	return true;
}

/* Of netlink_dump(): keeps a socket that has one of the addresses. Ignores short messages. */
static void remember(void *arg, const struct nlmsghdr *message)
{
	struct sockets *sockets = arg;
	const struct inet_diag_msg *socket = NLMSG_DATA(message);

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*socket)) || !is_ours(sockets, socket) ||
	    !make_room(sockets)) {
		return;
	}
	sockets->list[sockets->count++] = (struct inet_diag_req_v2){
		.sdiag_family = socket->idiag_family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ALL_BUT_LISTENING,
		.id = socket->id,
	};
}

static int list_sockets(int fd, int family, struct sockets *sockets)
{
	struct inet_diag_req_v2 all = {
		.sdiag_family = (uint8_t)family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ALL_BUT_LISTENING,
	};
	struct netlink_request request;

	netlink_begin(&request, SOCK_DIAG_BY_FAMILY, 0, &all, sizeof(all));
	return netlink_dump(fd, &request, remember, sockets);
}

/* One that has ended meanwhile, or has no more than its last acknowledgements to do, is fine. */
static int end_socket(int fd, const struct inet_diag_req_v2 *socket)
{
	struct netlink_request request;
	int ret;

	netlink_begin(&request, SOCK_DESTROY, 0, socket, sizeof(*socket));
	ret = netlink_ask(fd, &request);
	return ret == -ENOENT ? 0 : ret;
}

/*
 * Ends the connections of one address family. -EOPNOTSUPP if the kernel cannot do that, -ENOMEM if
 * memory ran out for their list, else the first error.
 */
static int end_family(int family, const struct reset_addresses *addresses)
{
	struct sockets sockets = {.addresses = addresses};
	int fd = netlink_open(NETLINK_SOCK_DIAG);
	int ret = fd < 0 ? fd : list_sockets(fd, family, &sockets);

	for (size_t i = 0; i < sockets.count; i++) {
		int ended = end_socket(fd, &sockets.list[i]);

		ret = ret ? ret : ended;
	}
	if (fd >= 0) {
		close(fd);
	}
	free(sockets.list);
	if (sockets.is_full) {
		return -ENOMEM;
	}
	return ret == -ENOENT || ret == -EPROTONOSUPPORT ? -EOPNOTSUPP : ret;
}

int reset_connections(const struct reset_addresses *addresses)
{
	int v6 = end_family(AF_INET6, addresses);
	int v4 = end_family(AF_INET, addresses);

	return v6 ? v6 : v4;
}
