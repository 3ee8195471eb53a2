/* SPDX-License-Identifier: BSD-3-Clause */
/* The network interface of a link: a TUN device, its addresses, and the TCP connections over it. */
#ifndef LINK_TUN_H
#define LINK_TUN_H

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

/* An address of the interface. */
struct tun_address {
	int family; /* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
	unsigned int prefix; /* bits */
};

/* Parses ADDRESS/BITS. False: it is none. */
bool tun_parse(const char *text, struct tun_address *out);

/* fe80:: and the realm id as the lower 64 bits: the address of that realm on every link of it. */
struct tun_address tun_link_local(uint64_t realm_id);

/* "fe80::1", without the number of bits; `out` has room for INET6_ADDRSTRLEN bytes. */
void tun_text(const struct tun_address *address, char *out);

/*
 * Creates the interface, which is down; *out is a descriptor that is not blocking and the
 * interface's life: it goes away when that is closed. -ENOENT: there is no /dev/net/tun; -EEXIST:
 * an interface has this name; -EPERM: needs CAP_NET_ADMIN; -EINVAL: the name is none.
 */
int tun_open(const char *name, int *out);

/* Gives the interface its addresses and sets it up. A negative errno: it may be up in part. */
int tun_up(const char *name, const struct tun_address *addresses, unsigned int count);

/*
 * Sets the interface down and ends the TCP connections that have one of its addresses: both their
 * programs get an error at once. -EOPNOTSUPP: the kernel cannot end connections (tcp_diag is not
 * loaded); they end by their own timeouts.
 */
int tun_down(const char *name);

#endif
