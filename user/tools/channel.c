// SPDX-License-Identifier: BSD-3-Clause
/* Commands over a channel: send, recv, echo, ping. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "csmctl.h"

#define DATA_SEED UINT64_C(0x9e3779b97f4a7c15)

struct link {
	struct csm_region *region;
	struct csm_channel *channel;
	uint8_t *buffer; /* of one longest message, for each direction */
	uint8_t *second;
	size_t room;
};

static void unlink_channel(struct link *link)
{
	csm_channel_close(link->channel);
	csm_release(link->region);
	free(link->buffer);
	free(link->second);
}

static int buffers(struct link *link)
{
	link->room = csm_channel_max(link->channel);
	link->buffer = malloc(link->room);
	link->second = malloc(link->room);
	return link->buffer && link->second ? 0 : -ENOMEM;
}

/* For an own region the peer must be named, and must have attached: else it would miss the end. */
static int wait_for_peer(struct tool *tool, struct csm_region *region, uint64_t peer)
{
	struct csm_event event = {0};
	int ret;

	do {
		ret = csm_signal(region, peer, 2);
		if (ret != -EACCES) {
			return ret;
		}
		ret = csm_wait(region, tool->options->timeout, &event);
	} while (ret > 0);
	return ret < 0 ? ret : -EAGAIN;
}

/*
 * Opens the channel of a region. For an own region waits until the peer has attached. 0, a negative
 * errno, or a status of csmctl after a message.
 */
static int open_link(struct tool *tool, struct link *link)
{
	const struct options *o = tool->options;
	uint64_t peer = 0;
	int ret = 0;

	if (csm_is_own(link->region)) {
		if (o->num_peers != 1) {
			return out_error(tool->io, CSMCTL_USAGE,
					 "%s: an own region needs one --to REALM", o->command);
		}
		peer = o->peers[0];
		ret = wait_for_peer(tool, link->region, peer);
	}
	if (ret == 0) {
		ret = csm_channel_open(link->region, peer, o->timeout, &link->channel);
	}
	return ret ? ret : buffers(link);
}

static int with_link(struct tool *tool, int (*fn)(struct tool *tool, struct link *link))
{
	struct link link = {0};
	int ret = open_region(tool, 0, &link.region);

	if (ret != 0) {
		return ret;
	}
	ret = open_link(tool, &link);
	if (ret == 0) {
		ret = fn(tool, &link);
	}
	unlink_channel(&link);
	return ret < 0 ? complain(tool->io, tool->options->command, ret) : ret;
}

/* ---------------------------------------------------------------- send, recv */

/*
 * After the last message the peer gets time to read it, because closing ends the sharing here. Only
 * a peer that has taken everything and then closes the channel has received it: one that is gone
 * (-ENOTCONN) may have died before.
 */
static int wait_for_end(struct tool *tool, struct link *link)
{
	long ret =
		csm_channel_recv(link->channel, link->buffer, link->room, tool->options->timeout);

	if (ret == -EPIPE) {
		return csm_channel_is_taken(link->channel) > 0 ? 0 : -ECONNRESET;
	}
	return ret < 0 ? (int)ret : -EPROTO;
}

/* Sends each line of the input as one message, then waits until the peer has taken all of them. */
static int send_lines(struct tool *tool, struct link *link)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	int ret = 0;

	while (ret == 0 && (size = getline(&line, &room, tool->io->in)) >= 0) {
		if (size > 0 && line[size - 1] == '\n') {
			size--;
		}
		ret = csm_channel_send(link->channel, line, (size_t)size, tool->options->timeout);
	}
	if (ret == 0 && ferror(tool->io->in)) {
		ret = complain_file(tool->io, "standard input", errno);
	}
	free(line);
	if (ret == 0) {
		ret = csm_channel_shutdown(link->channel);
	}
	return ret ? ret : wait_for_end(tool, link);
}

int cmd_send(struct tool *tool)
{
	return with_link(tool, send_lines);
}

struct piece {
	const void *from;
	void *to;
	size_t size;
};

static int copy_piece(void *arg)
{
	const struct piece *piece = arg;

	memcpy(piece->to, piece->from, piece->size);
	return 0;
}

/* The message is the peer's until it is written: then an error here is seen there too. */
static int recv_line(struct tool *tool, struct link *link)
{
	struct piece piece = {.to = link->buffer};
	FILE *out = tool->io->out;
	long size = csm_channel_peek(link->channel, tool->options->timeout, &piece.from);
	int ret;

	if (size < 0) {
		return (int)size;
	}
	piece.size = (size_t)size;
	ret = csm_protect(copy_piece, &piece);
	if (ret < 0) {
		return ret;
	}
	fwrite(link->buffer, 1, piece.size, out);
	fputc('\n', out);
	ret = out_check(tool->io);
	return ret ? ret : csm_channel_done(link->channel);
}

static int recv_lines(struct tool *tool, struct link *link)
{
	int ret;

	do {
		ret = recv_line(tool, link);
	} while (ret == 0);
	return ret == -EPIPE ? 0 : ret;
}

int cmd_recv(struct tool *tool)
{
	return with_link(tool, recv_lines);
}

/* ---------------------------------------------------------------- echo, ping */

/* Returns each message to its sender, until the peer closes the channel. */
static int echo(struct tool *tool, struct link *link)
{
	int timeout = tool->options->timeout;

	for (;;) {
		long size = csm_channel_recv(link->channel, link->buffer, link->room, timeout);
		int ret;

		if (size < 0) {
			return size == -EPIPE ? 0 : (int)size;
		}
		ret = csm_channel_send(link->channel, link->buffer, (size_t)size, timeout);
		if (ret < 0) {
			return ret;
		}
	}
}

int cmd_echo(struct tool *tool)
{
	return with_link(tool, echo);
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Content that no other message has. */
static void fill(uint8_t *data, size_t size, uint64_t number)
{
	uint64_t seed = DATA_SEED ^ number;

	for (size_t i = 0; i < size; i += sizeof(seed)) {
		uint64_t word = next(&seed);

		memcpy(data + i, &word, size - i < sizeof(word) ? size - i : sizeof(word));
	}
}

/* Sends a message and checks that the echo is equal; -EPROTO if it is not. */
static int ping_one(struct tool *tool, struct link *link, size_t size, uint64_t number)
{
	int ret;
	long got;

	fill(link->buffer, size, number);
	ret = csm_channel_send(link->channel, link->buffer, size, tool->options->timeout);
	if (ret < 0) {
		return ret;
	}
	got = csm_channel_recv(link->channel, link->second, link->room, tool->options->timeout);
	if (got < 0) {
		return (int)got;
	}
	return (size_t)got == size && memcmp(link->buffer, link->second, size) == 0 ? 0 : -EPROTO;
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Means over all messages. Throughput counts both directions; 1 MB is 1,000,000 bytes. */
static void show_ping(struct io *io, uint64_t messages, uint64_t bytes, uint64_t us)
{
	double time = us ? (double)us : 1;

	out_begin(io);
	out_number(io, "messages", messages);
	out_number(io, "bytes_each_way", bytes);
	out_number(io, "microseconds", us);
	out_decimal(io, "round_trip_us", messages ? time / (double)messages : 0);
	out_decimal(io, "mb_per_s", 2 * (double)bytes / time);
	out_end(io);
}

/* Sends --count messages of --sizes bytes and prints totals and time. */
static int ping(struct tool *tool, struct link *link)
{
	const struct options *o = tool->options;
	uint64_t seed = DATA_SEED, bytes = 0, start = now_us();

	if (o->most > link->room) {
		return out_error(tool->io, CSMCTL_FAILED,
				 "this region carries messages of up to %zu bytes", link->room);
	}
	for (uint64_t i = 0; i < o->count; i++) {
		size_t size = (size_t)(o->least + next(&seed) % (o->most - o->least + 1));
		int ret = ping_one(tool, link, size, i);

		if (ret < 0) {
			return ret;
		}
		bytes += size;
	}
	show_ping(tool->io, o->count, bytes, now_us() - start);
	return CSMCTL_OK;
}

int cmd_ping(struct tool *tool)
{
	return with_link(tool, ping);
}
