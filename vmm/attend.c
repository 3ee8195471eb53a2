// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

#include "attend.h"
#include "client.h"
#include "manage.h"

#define ESCAPE    0x1d /* Ctrl-] */
#define SEEN      1024 /* bytes of the log that are shown first */
#define LINGER_MS 300  /* for the answer to the last input of a pipe */
#define HELD      4096 /* bytes of input that the realm has not taken yet */

struct attendance {
	int fd;
	bool tty;
	bool escaped;
	bool left;
	struct termios saved;
	char held[HELD];
	size_t held_size;
};

static bool put_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno != EINTR) {
			return false;
		}
		data += done > 0 ? done : 0;
		size -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

/* What the console has said last, from the beginning of a line. */
static void show_past(const char *name)
{
	char path[300], data[SEEN + 1] = "";
	const char *from = data;
	FILE *file = manage_path(path, sizeof(path), name, MANAGE_LOG) ? fopen(path, "re") : NULL;
	size_t got;

	if (!file) {
		return;
	}
	if (fseek(file, -SEEN, SEEK_END) == 0) {
		got = fread(data, 1, SEEN, file);
		from = memchr(data, '\n', got);
		from = from ? from + 1 : data;
	} else { /* it is shorter than that, and its position is still 0 */
		got = fread(data, 1, SEEN, file);
	}
	put_all(STDOUT_FILENO, from, got - (size_t)(from - data));
	fclose(file);
}

/* Takes escape sequences out of keys; returns how many are left. */
static size_t filter(struct attendance *a, char *data, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < size && !a->left; i++) {
		if (a->tty && a->escaped && data[i] == 'q') {
			a->left = true;
		} else if (a->tty && !a->escaped && data[i] == ESCAPE) {
			a->escaped = true;
		} else {
			a->escaped = false;
			data[kept++] = data[i];
		}
	}
	return kept;
}

/*
 * Reads input and holds it until the realm takes it. A terminal is always read, so that Ctrl-] q is
 * seen; keys for which there is no room are lost, with a bell. False: there will be no more input.
 */
static bool take_input(struct attendance *a)
{
	char data[256];
	ssize_t got = read(STDIN_FILENO, data, sizeof(data));
	size_t room = sizeof(a->held) - a->held_size, kept;

	if (got <= 0) {
		return got < 0 && errno == EINTR;
	}
	kept = filter(a, data, (size_t)got);
	if (kept > room) {
		put_all(STDERR_FILENO, "\a", 1);
		kept = room;
	}
	memcpy(a->held + a->held_size, data, kept);
	a->held_size += kept;
	return !a->left;
}

/* Passes on as much input as the realm takes now. False: it takes no more at all. */
static bool pass_input(struct attendance *a)
{
	ssize_t done = send(a->fd, a->held, a->held_size, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (done < 0) {
		return errno == EINTR || errno == EAGAIN;
	}
	a->held_size -= (size_t)done;
	memmove(a->held, a->held + done, a->held_size);
	return true;
}

/* Whether more input can be read; that of a pipe waits until there is room for it. */
static bool has_room(const struct attendance *a)
{
	return a->tty || sizeof(a->held) - a->held_size >= 256;
}

/* False: the realm has ended, or nobody reads. */
static bool pass_output(struct attendance *a)
{
	char data[4096];
	ssize_t got = read(a->fd, data, sizeof(data));

	if (got <= 0) {
		return got < 0 && errno == EINTR;
	}
	return put_all(STDOUT_FILENO, data, (size_t)got);
}

/* Until one of the two ends. True: the realm's end. */
static bool converse(struct attendance *a)
{
	struct pollfd fds[2] = {{.events = POLLIN}, {.fd = a->fd}};
	bool more = true;

	while (!a->left) {
		int ready;

		fds[0].fd = more && has_room(a) ? STDIN_FILENO : -1;
		fds[1].events = a->held_size ? POLLIN | POLLOUT : POLLIN;
		ready = poll(fds, 2, more || a->held_size ? -1 : LINGER_MS);
		if (ready == 0) {
			return false;
		}
		if (ready < 0) {
			continue;
		}
		if ((fds[1].revents & ~POLLOUT) && !pass_output(a)) {
			return true;
		}
		if ((fds[1].revents & POLLOUT) && !pass_input(a)) {
			return true;
		}
		more = more && (!fds[0].revents || take_input(a));
	}
	return false;
}

static void begin_raw(struct attendance *a)
{
	struct termios raw;

	a->tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &a->saved) == 0;
	if (a->tty) {
		fprintf(stderr, "rvm: Ctrl-] q leaves this console\n");
		raw = a->saved;
		cfmakeraw(&raw);
		raw.c_oflag |= OPOST;
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
}

int attend_console(const char *name)
{
	struct timeval none = {0};
	struct attendance a = {0};
	bool ended;

	if (client_is_there(name) && !client_has(name, MANAGE_CONSOLE)) {
		fprintf(stderr,
			"rvm: %s: its console is elsewhere: rvm console is for realms started with "
			"--detach or --console attach\n",
			name);
		return 1;
	}
	a.fd = client_connect(name, MANAGE_CONSOLE);
	if (a.fd < 0) {
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	setsockopt(a.fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof(none));
	setsockopt(a.fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
	begin_raw(&a);
	show_past(name);
	ended = converse(&a);
	if (a.tty) {
		tcsetattr(STDIN_FILENO, TCSANOW, &a.saved);
		fprintf(stderr, "\nrvm: %s\n",
			ended ? "the realm has ended, or another rvm console has it"
			      : "left the console; the realm runs on");
	}
	close(a.fd);
	return 0;
}
