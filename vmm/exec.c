// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "exec.h"
#include "exec/frame.h"
#include "layout/values.h"
#include "manage.h"

#define PATIENCE_MS 10000 /* without a sign of the agent: then a word about that */
#define GOES_ON     (-1)  /* no status yet */

struct exec {
	const char *name;
	int fd;
	uint64_t id;
	int64_t begun;
	int64_t limit; /* ms from then, 0: none */
	bool turn;     /* the realm's rvm listens to us */
	bool asked;
	bool started;
	bool warned;
	struct frame frame;
	struct frame_reader reader;
	uint8_t wire[FRAME_WIRE];
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool over(const struct exec *e)
{
	return e->limit != 0 && now() - e->begun >= e->limit;
}

/* Waits for the socket; false when the time is over. */
static bool wait_for(struct exec *e, short events)
{
	struct pollfd p = {.fd = e->fd, .events = events};

	for (;;) {
		int64_t next = !e->started && !e->warned ? PATIENCE_MS : 0, left = -1;

		if (e->limit != 0 && (next == 0 || e->limit < next)) {
			next = e->limit;
		}
		if (next != 0) {
			left = e->begun + next - now();
			left = left < 0 ? 0 : left;
		}
		if (poll(&p, 1, (int)left) > 0) {
			return true;
		}
		if (over(e)) {
			return false;
		}
		if (!e->started && !e->warned && now() - e->begun >= PATIENCE_MS) {
			e->warned = true;
			fprintf(stderr,
				"rvm: %s: no answer yet: no caec-agent runs in the realm, or "
				"another rvm exec has it at work\n",
				e->name);
		}
	}
}

/* False, with what is missing, when the time is over or the realm has gone. */
static bool send_frame(struct exec *e, uint8_t type)
{
	size_t size, at = 0;

	e->frame.type = type;
	e->frame.id = e->id;
	size = frame_encode(&e->frame, e->wire);
	while (at < size) {
		ssize_t done = wait_for(e, POLLOUT) ? write(e->fd, e->wire + at, size - at) : 0;

		if (done > 0) {
			at += (size_t)done;
		} else if (done == 0 || (errno != EAGAIN && errno != EINTR)) {
			return false;
		}
	}
	return true;
}

/* Waits for a slow reader as long as it takes. False, with a message, when the output is lost. */
static bool write_all(int fd, const uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EAGAIN) {
			struct pollfd p = {.fd = fd, .events = POLLOUT};

			poll(&p, 1, -1);
		} else if (done < 0 && errno != EINTR) {
			fprintf(stderr, "rvm: standard output: %s\n", strerror(errno));
			return false;
		} else if (done > 0) {
			data += done;
			size -= (size_t)done;
		}
	}
	return true;
}

/* What a frame of the agent brings: a status, or GOES_ON. */
static int take_frame(struct exec *e)
{
	const struct frame *f = &e->frame;

	if (f->id != e->id) {
		return GOES_ON; /* an answer to somebody who is no longer there */
	}
	e->started = true;
	switch (f->type) {
	case FRAME_OUT:
		return write_all(STDOUT_FILENO, f->data, f->size) ? GOES_ON : EXEC_FAILED;
	case FRAME_ERR:
		return write_all(STDERR_FILENO, f->data, f->size) ? GOES_ON : EXEC_FAILED;
	case FRAME_EXIT:
		if (f->size != 4) {
			fprintf(stderr, "rvm: %s: its caec-agent sends no valid status\n", e->name);
			return EXEC_FAILED;
		}
		return f->data[0];
	default:
		return GOES_ON;
	}
}

/* Takes what the socket has. A status, or GOES_ON; EXEC_FAILED, with a message, at its end. */
static int take_bytes(struct exec *e)
{
	uint8_t bytes[4096];
	ssize_t got = read(e->fd, bytes, sizeof(bytes));
	int status = GOES_ON;

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
		fprintf(stderr, "rvm: %s: the realm or its caec-agent ended before the command\n",
			e->name);
		return EXEC_FAILED;
	}
	e->turn |= got > 0;
	for (ssize_t i = 0; i < got && status == GOES_ON; i++) {
		if (frame_take(&e->reader, bytes[i], &e->frame)) {
			status = take_frame(e);
		}
	}
	return status;
}

/* The time is over. */
static int stop(struct exec *e)
{
	fprintf(stderr, "rvm: %s: the command did not end in time%s\n", e->name,
		e->started ? " and is killed"
		: e->asked ? "; the agent has not said whether it has begun it"
			   : "; it was not even begun");
	if (e->asked) {
		/* Leaving ends it too, once the agent has seen that. */
		e->frame.size = 0;
		e->limit = now() - e->begun + 1000;
		send_frame(e, FRAME_STOP);
	}
	return EXEC_TIMEOUT;
}

/* The frame with the request is made before: what comes meanwhile is not for us. */
static int converse(struct exec *e, const struct frame *request)
{
	int status = GOES_ON;

	while (status == GOES_ON && wait_for(e, POLLIN) && !over(e)) {
		status = take_bytes(e);
		if (status == GOES_ON && e->turn && !e->asked) {
			e->frame = *request;
			e->asked = true;
			if (!send_frame(e, FRAME_RUN) && !over(e)) {
				fprintf(stderr, "rvm: %s: the realm has ended\n", e->name);
				return EXEC_FAILED;
			}
		}
	}
	return status == GOES_ON ? stop(e) : status;
}

/* The words of the command, one after the other. */
static bool put_words(struct frame *request, int count, char **words)
{
	for (int i = 0; i < count; i++) {
		size_t size = strlen(words[i]) + 1;

		if (size > FRAME_DATA - request->size) {
			fprintf(stderr, "rvm: the command is longer than %u bytes\n", FRAME_DATA);
			return false;
		}
		memcpy(request->data + request->size, words[i], size);
		request->size += size;
	}
	return true;
}

int exec_command(int count, char **words)
{
	static struct exec e;
	static struct frame request;
	unsigned int seconds = 0;
	int skip = 1, status;

	if (count >= 3 && strcmp(words[1], "--timeout") == 0) {
		if (!layout_parse_number(words[2], INT_MAX / 1000, &seconds)) {
			fprintf(stderr, "rvm: --timeout: %s is no number of seconds\n", words[2]);
			return EXEC_FAILED;
		}
		skip = 3;
	}
	if (count <= skip) {
		fprintf(stderr,
			"rvm: usage: rvm exec NAME [--timeout SECONDS] COMMAND [WORD...]\n");
		return EXEC_FAILED;
	}
	e.name = words[0];
	e.begun = now();
	e.limit = (int64_t)seconds * 1000;
	if (!put_words(&request, count - skip, words + skip) ||
	    getrandom(&e.id, sizeof(e.id), 0) != (ssize_t)sizeof(e.id)) {
		return EXEC_FAILED;
	}
	e.fd = client_connect(e.name, MANAGE_EXEC);
	if (e.fd < 0) {
		return EXEC_FAILED;
	}
	signal(SIGPIPE, SIG_IGN);
	fcntl(e.fd, F_SETFL, O_NONBLOCK);
	status = converse(&e, &request);
	close(e.fd);
	return status;
}
