// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel.h"

void channel_none(struct channel *c)
{
	c->listener = -1;
	c->in = -1;
	c->out = -1;
	c->discard = true;
}

void channel_stdio(struct channel *c)
{
	struct termios raw;

	channel_none(c);
	c->in = STDIN_FILENO;
	c->out = STDOUT_FILENO;
	c->discard = false;
	if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &c->saved) == 0) {
		raw = c->saved;
		cfmakeraw(&raw);
		raw.c_oflag |= OPOST; /* messages of rvm itself stay readable */
		c->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
	}
}

bool channel_file(struct channel *c, const char *path)
{
	channel_none(c);
	c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	c->discard = false;
	return c->out >= 0;
}

int channel_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	unlink(path);
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
	channel_none(c);
	c->listener = channel_listen(path);
	c->discard = discard;
	if (c->listener < 0) {
		return false;
	}
	snprintf(c->path, sizeof(c->path), "%s", path);
	return true;
}

void channel_close(struct channel *c)
{
	channel_disconnect(c);
	if (c->raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
		c->raw = false;
	}
	if (c->out > STDERR_FILENO) {
		close(c->out);
		c->out = -1;
	}
	if (c->listener >= 0) {
		close(c->listener);
		unlink(c->path);
		c->listener = -1;
	}
}

size_t channel_room(const struct channel *c)
{
	return CHANNEL_BUFFER - c->count;
}

void channel_put(struct channel *c, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	if (c->out < 0 && c->discard) {
		return;
	}
	for (size_t i = 0; i < size && c->count < CHANNEL_BUFFER; i++) {
		c->buffer[(c->head + c->count) % CHANNEL_BUFFER] = bytes[i];
		c->count++;
	}
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
