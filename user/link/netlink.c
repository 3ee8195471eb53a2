// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "netlink.h"

#include <linux/rtnetlink.h>

#define ANSWER_ROOM    32768u
#define ANSWER_SECONDS 10 /* the kernel answers at once; a lost answer is no reason to hang */

static struct nlmsghdr *header_of(struct netlink_request *request)
{
	return (struct nlmsghdr *)(void *)request->bytes;
}

void netlink_begin(struct netlink_request *request, unsigned int type, unsigned int flags,
		   const void *structure, size_t size)
{
	struct nlmsghdr *header = header_of(request);

	memset(request, 0, sizeof(*request));
	header->nlmsg_type = (uint16_t)type;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	header->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	memcpy(NLMSG_DATA(header), structure, size);
}

size_t netlink_add(struct netlink_request *request, unsigned int type, const void *value,
		   size_t size)
{
	struct nlmsghdr *header = header_of(request);
	size_t offset = NLMSG_ALIGN(header->nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(void *)(request->bytes + offset);

	attribute->rta_type = (unsigned short)type;
	attribute->rta_len = (unsigned short)RTA_LENGTH(size);
	if (size) {
		memcpy(RTA_DATA(attribute), value, size);
	}
	header->nlmsg_len = (uint32_t)(offset + attribute->rta_len);
	return offset;
}

void netlink_nest(struct netlink_request *request, size_t offset)
{
	struct rtattr *attribute = (struct rtattr *)(void *)(request->bytes + offset);

	attribute->rta_len = (unsigned short)(header_of(request)->nlmsg_len - offset);
}

int netlink_open(int protocol)
{
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (fd < 0) {
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static int send_request(int fd, struct netlink_request *request)
{
	const struct nlmsghdr *header = header_of(request);

	return send(fd, header, header->nlmsg_len, 0) < 0 ? -errno : 0;
}

static int error_in(const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = NLMSG_DATA(message);

	return message->nlmsg_len < NLMSG_LENGTH(sizeof(*error)) ? -EIO : error->error;
}

int netlink_ask(int fd, struct netlink_request *request)
{
	_Alignas(NLMSG_ALIGNTO) unsigned char answer[NETLINK_ROOM * 2];
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
	ssize_t size;
	int ret;

	header_of(request)->nlmsg_flags |= NLM_F_ACK;
	ret = send_request(fd, request);
	if (ret < 0) {
		return ret;
	}
	size = recv(fd, answer, sizeof(answer), 0);
	if (size < 0) {
		return -errno;
	}
	if ((size_t)size < sizeof(*message) || message->nlmsg_type != NLMSG_ERROR) {
		return -EIO;
	}
	return error_in(message);
}

/* One answer of several messages: 1 more will come, 0 that was all, or a negative errno. */
static int take_answer(const void *answer, size_t size,
		       void (*each)(void *arg, const struct nlmsghdr *message), void *arg)
{
	const struct nlmsghdr *message = answer;
	unsigned int left = (unsigned int)size;

	for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left)) {
		if (message->nlmsg_type == NLMSG_DONE) {
			return 0;
		}
		if (message->nlmsg_type == NLMSG_ERROR) {
			return error_in(message);
		}
		each(arg, message);
	}
	return 1;
}

int netlink_dump(int fd, struct netlink_request *request,
		 void (*each)(void *arg, const struct nlmsghdr *message), void *arg)
{
	_Alignas(NLMSG_ALIGNTO) static _Thread_local unsigned char answer[ANSWER_ROOM];
	int ret;

	header_of(request)->nlmsg_flags |= NLM_F_DUMP;
	ret = send_request(fd, request);
	while (ret >= 0) {
		ssize_t size = recv(fd, answer, sizeof(answer), 0);

		if (size < 0) {
			return -errno;
		}
		ret = take_answer(answer, (size_t)size, each, arg);
		if (ret == 0) {
			break;
		}
	}
	return ret;
}
