// SPDX-License-Identifier: BSD-3-Clause
/* Requests and responses over a channel: one at a time, matched by number. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "deadline.h"

#define REQUEST  1u
#define RESPONSE 2u

/* In front of each message. */
struct rpc_head {
	uint64_t id;
	uint32_t kind;
	int32_t status;
};

size_t csm_rpc_max(const struct csm_channel *channel)
{
	return csm_channel_max(channel) - sizeof(struct rpc_head);
}

/* The next message as a whole in the private buffer: its length. */
static long receive(struct csm_channel *channel, int timeout)
{
	size_t room = csm_channel_max(channel);
	long size;

	if (!channel->rpc_buffer) {
		channel->rpc_buffer = malloc(room);
	}
	if (!channel->rpc_buffer) {
		return -ENOMEM;
	}
	size = csm_channel_recv(channel, channel->rpc_buffer, room, timeout);
	return size >= 0 && size < (long)sizeof(struct rpc_head) ? -EPROTO : size;
}

/* The time left for a step, as a timeout. */
static int rest(const struct csm_deadline *deadline)
{
	return deadline->never ? -1 : csm_deadline_left(deadline, INT32_MAX);
}

struct put {
	struct rpc_head head;
	const void *body;
	size_t size;
	char *to;
};

static int put(void *arg)
{
	struct put *p = arg;

	memcpy(p->to, &p->head, sizeof(p->head));
	if (p->size) {
		memcpy(p->to + sizeof(p->head), p->body, p->size);
	}
	return 0;
}

static int transmit(struct csm_channel *channel, struct put *p, const struct csm_deadline *deadline)
{
	void *to;
	int ret;

	if (p->size > csm_rpc_max(channel)) {
		return -EMSGSIZE;
	}
	ret = csm_channel_reserve(channel, sizeof(p->head) + p->size, rest(deadline), &to);
	p->to = to;
	if (ret == 0) {
		ret = csm_protect(put, p);
	}
	return ret ? ret : csm_channel_commit(channel, sizeof(p->head) + p->size, false);
}

/* -------------------------------------------------------------------- client */

/* The response to request `id`: length of what follows its head. */
static long await(struct csm_channel *channel, uint64_t id, const struct csm_deadline *deadline,
		  struct rpc_head *head)
{
	for (;;) {
		long size = receive(channel, rest(deadline));

		if (size < 0) {
			return size;
		}
		memcpy(head, channel->rpc_buffer, sizeof(*head));
		if (head->kind == REQUEST) {
			channel->rpc_held = size;
			return -EBUSY;
		}
		if (head->kind != RESPONSE || head->id > id) {
			return -EPROTO;
		}
		if (head->id == id) {
			return size - (long)sizeof(*head);
		}
	}
}

long csm_rpc_call(struct csm_channel *channel, struct csm_rpc *call, int timeout)
{
	struct csm_deadline deadline = csm_deadline_in(timeout);
	struct put p = {.head = {.kind = REQUEST}, .body = call->request, .size = call->size};
	struct rpc_head head;
	long ret;

	if (channel->rpc_held) {
		return -EBUSY;
	}
	p.head.id = ++channel->rpc_id;
	ret = transmit(channel, &p, &deadline);
	if (ret == 0) {
		ret = await(channel, p.head.id, &deadline, &head);
	}
	if (ret < 0) {
		return ret;
	}
	if ((size_t)ret > call->room) {
		return -EMSGSIZE;
	}
	if (ret > 0) {
		memcpy(call->response, (char *)channel->rpc_buffer + sizeof(head), (size_t)ret);
	}
	call->status = head.status < 0 ? head.status : 0;
	return ret;
}

/* -------------------------------------------------------------------- server */

struct service {
	csm_rpc_handler handler;
	void *arg;
	int timeout;
};

/* The handler writes into private memory, which nobody can change while it works. */
static int answer(struct csm_channel *channel, size_t size, const struct service *service)
{
	struct put p = {.head = {.kind = RESPONSE}};
	size_t room = csm_rpc_max(channel);
	struct csm_deadline deadline;
	char *body = malloc(room);
	long ret;

	if (!body) {
		return -ENOMEM;
	}
	memcpy(&p.head.id, channel->rpc_buffer, sizeof(p.head.id));
	ret = service->handler(service->arg, (char *)channel->rpc_buffer + sizeof(p.head), size,
			       body, room);
	if (ret > (long)room) {
		ret = -EMSGSIZE;
	}
	p.head.status = ret < 0 ? (int32_t)ret : 0;
	p.body = body;
	p.size = ret < 0 ? 0 : (size_t)ret;
	deadline = csm_deadline_in(service->timeout);
	ret = transmit(channel, &p, &deadline);
	free(body);
	return (int)ret;
}

/*
 * A request in the private buffer: its length. Responses to calls that were given up are dropped.
 */
static long next_request(struct csm_channel *channel, int timeout)
{
	struct csm_deadline deadline = csm_deadline_in(timeout);
	long size = channel->rpc_held;
	struct rpc_head head;

	channel->rpc_held = 0;
	if (size > 0) {
		return size;
	}
	do {
		size = receive(channel, rest(&deadline));
		if (size < 0) {
			return size;
		}
		memcpy(&head, channel->rpc_buffer, sizeof(head));
	} while (head.kind == RESPONSE && head.id <= channel->rpc_id);
	return head.kind == REQUEST ? size : -EPROTO;
}

int csm_rpc_serve(struct csm_channel *channel, csm_rpc_handler handler, void *arg, int timeout)
{
	const struct service service = {.handler = handler, .arg = arg, .timeout = timeout};
	long size = next_request(channel, timeout);

	if (size < 0) {
		return (int)size;
	}
	return answer(channel, (size_t)size - sizeof(struct rpc_head), &service);
}
