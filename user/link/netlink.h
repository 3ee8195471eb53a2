/* SPDX-License-Identifier: BSD-3-Clause */
/* One netlink request at a time. */
#ifndef LINK_NETLINK_H
#define LINK_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>

#define NETLINK_ROOM 512u

/* A request: the header, a structure of `type`, attributes. */
struct netlink_request {
	_Alignas(NLMSG_ALIGNTO) unsigned char bytes[NETLINK_ROOM];
};

/* Begins a request with the structure that its type has. */
void netlink_begin(struct netlink_request *request, unsigned int type, unsigned int flags,
		   const void *structure, size_t size);

/* Adds an attribute; returns its offset. netlink_nest() closes one that holds all that follow. */
size_t netlink_add(struct netlink_request *request, unsigned int type, const void *value,
		   size_t size);
void netlink_nest(struct netlink_request *request, size_t offset);

/* A socket of a netlink protocol, or a negative errno. The caller closes it. */
int netlink_open(int protocol);

/* Sends the request and returns the kernel's answer: 0 or a negative errno. */
int netlink_ask(int fd, struct netlink_request *request);

/*
 * Sends a request with NLM_F_DUMP and calls each(arg, message) for every answer. 0 or a negative
 * errno.
 */
int netlink_dump(int fd, struct netlink_request *request,
		 void (*each)(void *arg, const struct nlmsghdr *message), void *arg);

#endif
