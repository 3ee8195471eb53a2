// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"

/* A channel that drops output and has no input. */
void channel_none(struct channel *c)
{
	c->listener = -1;
	c->in = -1;
	c->out = -1;
	c->discard = true;
	c->log = NULL;
}

/* A channel to the terminal of rvm. */
void channel_stdio(struct channel *c)
{
	channel_none(c);
	c->in = STDIN_FILENO;
	c->out = STDOUT_FILENO;
	c->discard = false;
	c->tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &c->saved) == 0;
}

void channel_raw(struct channel *c)
{
	struct termios raw = c->saved;
	pid_t front = c->tty ? tcgetpgrp(STDIN_FILENO) : -1; /* -1: not this process's terminal */

	/* The terminal is that of another job: to set or read it would stop this process. */
	if (c->tty && front >= 0 && front != getpgrp()) {
		c->tty = false;
		c->in = -1;
	}
	if (c->tty) {
		cfmakeraw(&raw);
		raw.c_oflag |= OPOST; /* messages of rvm itself stay readable */
		c->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
}

void channel_restore(struct channel *c)
{
	if (c->raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
	}
}

bool channel_file(struct channel *c, const char *path)
{
	channel_none(c);
	c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600);
	c->discard = false;
	if (c->out < 0 && errno == ENXIO) {
		errno = EPIPE; /* a FIFO without a reader */
	}
	return c->out >= 0;
}

static void set_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, strlen(path) + 1);
}

/* Makes way for a new socket, if what has the name is one that nobody listens at. */
static bool remove_stale(const struct sockaddr_un *address)
{
	struct stat st;
	int fd, error;

	if (lstat(address->sun_path, &st) < 0) {
		return errno == ENOENT;
	}
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return false;
	}
	error = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;
	close(fd);
	if (error != ECONNREFUSED && error != ENOENT) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(address->sun_path) == 0 || errno == ENOENT;
}

int channel_listen(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	set_address(&address, path);
	if (!remove_stale(&address)) {
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

bool channel_unix(struct channel *c, const char *path, bool discard)
{
	struct stat st;

	channel_none(c);
	c->listener = channel_listen(path);
	c->discard = discard;
	if (c->listener < 0 || lstat(path, &st) < 0) {
		return false;
	}
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	snprintf(c->path, sizeof(c->path), "%s", path);
	return true;
}

bool channel_close(struct channel *c)
{
	bool good = true;
	struct stat st;

	channel_disconnect(c);
	channel_restore(c);
	c->raw = false;
	if (c->out > STDERR_FILENO) {
		good = close(c->out) == 0;
		c->out = -1;
	}
	if (c->listener >= 0) {
		if (lstat(c->path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino) {
			unlink(c->path);
		}
		close(c->listener);
		c->listener = -1;
	}
	return good;
}

size_t channel_room(const struct channel *c)
{
	return CHANNEL_BUFFER - c->count;
}

size_t channel_put(struct channel *c, const void *data, size_t size)
{
	const uint8_t *bytes = data;
	size_t taken = 0;

	if (c->out < 0 && c->discard) {
		return size;
	}
	while (taken < size && c->count < CHANNEL_BUFFER) {
		c->buffer[(c->head + c->count) % CHANNEL_BUFFER] = bytes[taken++];
		c->count++;
	}
	return taken;
}

size_t channel_peek(const struct channel *c, void *data, size_t size)
{
	size_t n = size < c->count ? size : c->count;

	for (size_t i = 0; i < n; i++) {
		((uint8_t *)data)[i] = c->buffer[(c->head + i) % CHANNEL_BUFFER];
	}
	return n;
}

void channel_drop(struct channel *c, size_t size)
{
	c->head = (c->head + size) % CHANNEL_BUFFER;
	c->count -= size;
}

bool channel_connected(const struct channel *c)
{
	return c->out >= 0;
}

bool channel_accept(struct channel *c)
{
	int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 && channel_connected(c)) {
		close(fd); /* taken: one at a time */
	} else if (fd >= 0) {
		c->in = fd;
		c->out = fd;
	}
	return channel_connected(c);
}

void channel_disconnect(struct channel *c)
{
	if (c->listener >= 0 && c->out >= 0) {
		close(c->out);
		c->in = -1;
		c->out = -1;
	}
}
