/* SPDX-License-Identifier: BSD-3-Clause */
/* Ends TCP connections of an interface that goes down: they would wait for their peer. */
#ifndef LINK_RESET_H
#define LINK_RESET_H

#include <netinet/in.h>

#define RESET_MOST 32u /* addresses of one interface that are looked at */

/* Local addresses; an IPv4 address is stored as an IPv4-mapped IPv6 address. */
struct reset_addresses {
	unsigned int count;
	struct in6_addr list[RESET_MOST];
};

/* The addresses that an interface has at the moment. */
void reset_addresses(const char *name, struct reset_addresses *out);

/*
 * Ends every TCP connection whose local address is in the list; sockets that listen stay. A program
 * that uses such a connection gets ECONNABORTED. 0, or -EOPNOTSUPP: the kernel cannot do it
 * (modules inet_diag and tcp_diag), or a negative errno.
 */
int reset_connections(const struct reset_addresses *addresses);

#endif
