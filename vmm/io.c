// SPDX-License-Identifier: BSD-3-Clause
/*
 * The I/O thread: input of the terminal, the control channel, the agent's port, sockets. The
 * writer: output to what may block. It has a thread of its own because nothing else may wait for
 * it.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "machine.h"
#include "say.h"

#define ESCAPE 0x1d /* Ctrl-] , then x to end, or again to send it */

enum {
	FD_WAKE,
	FD_TERMINAL_IN,
	FD_TERMINAL_LISTENER,
	FD_TERMINAL_OUT,
	FD_LINKS, /* three for each */
	FDS = FD_LINKS + 3 * MACHINE_LINKS
};

enum { LINK_IN, LINK_LISTENER, LINK_OUT };

struct io {
	struct machine *m;
	struct pollfd fds[FDS];
	bool escaped;
};

/* Where typing goes: the virtio console once the realm has opened it, until then the serial port.
 */
static bool to_console(const struct machine *m)
{
	return m->console.ports[0].open;
}

static size_t terminal_room(const struct machine *m)
{
	return to_console(m) ? console_room(&m->console, 0) : uart_room(&m->uart);
}

static void type(struct machine *m, const uint8_t *data, size_t size)
{
	if (to_console(m)) {
		console_input(&m->console, 0, data, size);
	} else {
		uart_receive(&m->uart, data, size);
	}
}

/* Takes escape sequences out of what was typed at a terminal; returns what is left. */
static size_t filter(struct io *io, uint8_t *data, size_t size)
{
	size_t kept = 0;

	for (size_t i = 0; i < size; i++) {
		if (io->escaped && data[i] == 'x') {
			machine_finish(io->m, MACHINE_STOPPED);
		}
		if (!io->escaped && data[i] == ESCAPE) {
			io->escaped = true;
			continue;
		}
		io->escaped = false;
		data[kept++] = data[i];
	}
	return kept;
}

/* There is room for output. After the end the realm's memory is out of bounds. */
static void resume(struct machine *m, unsigned int port)
{
	if (!machine_ends(m)) {
		console_resume(&m->console, port);
	}
}

/* Nobody is there any more: what the realm says does not wait for somebody, if it need not. */
static void leave_terminal(struct machine *m)
{
	channel_disconnect(&m->terminal);
	if (m->terminal.discard) {
		m->terminal.count = 0;
	}
	resume(m, 0);
}

/*
 * Passes on what was typed. The lock is free during the read, so the machine may have ended after
 * it.
 */
static void read_terminal(struct io *io)
{
	struct machine *m = io->m;
	uint8_t data[256];
	size_t room = terminal_room(m);
	ssize_t got;
	int error;

	if (room == 0) {
		return; /* since the poll: nothing read is not the end */
	}
	/* Somebody else may have read it since the poll, and then this waits. */
	machine_unlock(m);
	got = read(m->terminal.in, data, room < sizeof(data) ? room : sizeof(data));
	error = errno;
	machine_lock_first(m);
	if (machine_ends(m)) {
		return;
	}
	if (got > 0) {
		size_t size = m->terminal.raw ? filter(io, data, (size_t)got) : (size_t)got;

		type(m, data, size);
	} else if (got == 0 || (error != EAGAIN && error != EINTR)) {
		m->terminal.in = -1;
		if (m->terminal.listener >= 0) {
			leave_terminal(m);
		}
	}
}

/* What the realm has ready for the one who leaves is not for the next. */
static void drop_link(struct machine *m, struct machine_link *l)
{
	channel_disconnect(&l->channel);
	l->channel.count = 0;
	l->channel.discard = true;
	resume(m, l->port);
	l->channel.discard = false;
	l->ends = false;
	l->used = false;
	l->told = false;
	if (l->port == MACHINE_EXEC_PORT) {
		l->left = m->console.ports[l->port].open;
	} else if (!machine_ends(m)) {
		console_connect(&m->console, l->port, false);
	}
}

/* The agent hears in the stream that a client has gone, once there is room for that. */
static void tell_left(struct machine *m, struct machine_link *l)
{
	uint8_t wire[FRAME_BARE];

	if (l->left && console_room(&m->console, l->port) >= sizeof(wire)) {
		console_input(&m->console, l->port, wire, frame_encode_bare(FRAME_LEFT, 0, wire));
		l->left = false;
	}
}

static void read_link(struct machine *m, struct machine_link *l)
{
	uint8_t data[CONSOLE_BUFFER];
	ssize_t got = read(l->channel.in, data, console_room(&m->console, l->port));

	if (got > 0) {
		l->used = true;
		console_input(&m->console, l->port, data, (size_t)got);
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop_link(m, l);
	}
}

/* Output that cannot be written is lost from here on, but not silently. */
static void give_up_output(struct machine *m, int error)
{
	if (m->terminal.listener < 0 && error != EPIPE) {
		say("rvm: %s: --console %s: %s; output is lost from here on\r\n", m->options->name,
		    m->options->console, strerror(error));
	}
	m->terminal.discard = m->terminal.log == NULL;
	if (m->terminal.listener < 0) {
		m->terminal.count = 0;
		m->terminal.out = -1;
	}
	leave_terminal(m);
}

/* A log that takes no more, as on a full disk, ends; clients still get what is said. */
static void give_up_log(struct machine *m, int error)
{
	say("rvm: %s: %s: %s; the log ends here\n", m->options->name, m->terminal.log->path,
	    strerror(error));
	m->terminal.log = NULL;
	m->terminal.discard = true;
	leave_terminal(m);
}

/* To the client, and what it has taken to the log; without a client to the log alone. */
static ssize_t write_channel(struct channel *c, int fd, const uint8_t *data, size_t size)
{
	ssize_t done;

	if (fd < 0) {
		return logfile_write(c->log, data, size);
	}
	done = write(fd, data, size);
	if (done > 0 && c->log) {
		int error = errno;

		/* Should this fail, the next one without a client says so. */
		if (logfile_write(c->log, data, (size_t)done) < 0) {
			errno = error;
		}
	}
	return done;
}

/*
 * Writes out what the realm has sent. The lock is not held during the write: a slow terminal stops
 * the realm's output, not the realm. Only one thread removes from the buffer. False: not now.
 */
static bool write_out(struct machine *m, struct channel *c, unsigned int port)
{
	uint8_t data[4096];
	size_t size = channel_peek(c, data, sizeof(data));
	int fd = c->out, error;
	ssize_t done;

	machine_unlock(m);
	done = write_channel(c, fd, data, size);
	error = errno;
	machine_lock_first(m);
	if (done > 0) {
		channel_drop(c, (size_t)done);
		resume(m, port);
	} else if (done < 0 && error != EAGAIN && error != EINTR) {
		if (port > 0) {
			drop_link(m, &m->links[port - 1]);
		} else if (fd < 0) {
			give_up_log(m, error);
		} else {
			give_up_output(m, error);
		}
	}
	return done > 0 || error == EINTR;
}

/* One that does not block by itself, as a terminal that somebody has set so, is asked for again. */
static void wait_for_output(struct machine *m)
{
	struct pollfd p = {.fd = m->terminal.out, .events = POLLOUT};

	machine_unlock(m);
	poll(&p, 1, -1);
	machine_lock_first(m);
}

void *machine_writer_thread(void *ctx)
{
	struct machine *m = ctx;

	machine_lock_first(m);
	for (;;) {
		if (m->terminal.out >= 0 && m->terminal.count > 0) {
			if (!write_out(m, &m->terminal, 0) && m->terminal.out >= 0) {
				wait_for_output(m);
			}
		} else if (m->last) {
			break;
		} else {
			pthread_cond_wait(&m->output, &m->lock);
		}
	}
	machine_unlock(m);
	return NULL;
}

/* What is said before the realm listens waits in the socket. */
static bool link_wanted(const struct machine *m, const struct machine_link *l)
{
	return m->console.ports[l->port].open && !l->left && console_room(&m->console, l->port) > 0;
}

static void set(struct io *io, int which, int fd, short events)
{
	io->fds[which] = (struct pollfd){.fd = events ? fd : -1, .events = events};
}

/* It is the turn of who is connected. Output that he has not read yet tells him as well. */
static void tell_turn(struct machine *m, struct machine_link *l)
{
	const uint8_t end = FRAME_END;

	if (l->port == MACHINE_EXEC_PORT && !l->told && !l->left &&
	    channel_connected(&l->channel) && m->console.ports[l->port].open) {
		channel_put(&l->channel, &end, 1);
		l->told = true;
	}
}

/* While the realm does not listen, poll still tells (without being asked) of a client that leaves.
 */
static void set_link(struct io *io, unsigned int i)
{
	const struct machine *m = io->m;
	const struct machine_link *l = &m->links[i];
	int first = (int)(FD_LINKS + 3 * i);

	set(io, first + LINK_IN, l->channel.in, link_wanted(m, l) ? POLLIN : 0);
	if (!m->console.ports[l->port].open) {
		io->fds[first + LINK_IN].fd = l->channel.in;
	}
	/* Who comes second waits in the socket. */
	set(io, first + LINK_LISTENER, l->channel.listener,
	    channel_connected(&l->channel) ? 0 : POLLIN);
	set(io, first + LINK_OUT, l->channel.out, l->channel.count > 0 ? POLLOUT : 0);
}

/* The realm may have closed its side during the poll: what it would not hear stays in the socket.
 */
static void serve_link(struct machine *m, struct machine_link *l, short events)
{
	if (link_wanted(m, l)) {
		read_link(m, l);
	} else if (!m->console.ports[l->port].open && (events & (POLLHUP | POLLERR))) {
		drop_link(m, l);
	}
}

/* Sets up the next poll: what is asked for is what there is room for. Needs the lock. */
static void prepare(struct io *io)
{
	struct machine *m = io->m;

	m->starved = m->terminal.in >= 0 && terminal_room(m) == 0;
	for (unsigned int i = 0; i < MACHINE_LINKS; i++) {
		tell_left(m, &m->links[i]);
		m->starved |= m->links[i].left;
		m->starved |= m->links[i].channel.in >= 0 && !link_wanted(m, &m->links[i]);
		tell_turn(m, &m->links[i]);
		set_link(io, i);
	}
	set(io, FD_WAKE, m->wake, POLLIN);
	set(io, FD_TERMINAL_IN, m->terminal.in, terminal_room(m) > 0 ? POLLIN : 0);
	set(io, FD_TERMINAL_OUT,
	    m->terminal.out < 0 && m->terminal.log ? m->terminal.log->fd : m->terminal.out,
	    m->terminal.listener >= 0 && m->terminal.count > 0 ? POLLOUT : 0);
	set(io, FD_TERMINAL_LISTENER, m->terminal.listener, POLLIN);
}

static void handle_wake(struct machine *m)
{
	eventfd_t count;

	eventfd_read(m->wake, &count);
}

/* Who comes is taken in last: somebody else may just have left. */
static void handle_link(struct io *io, unsigned int i)
{
	struct machine *m = io->m;
	struct machine_link *l = &m->links[i];
	const struct pollfd *fds = &io->fds[FD_LINKS + 3 * i];

	if (fds[LINK_IN].revents && l->channel.in >= 0) {
		serve_link(m, l, fds[LINK_IN].revents);
	}
	if (fds[LINK_OUT].revents && l->channel.out >= 0) {
		write_out(m, &l->channel, l->port);
	}
	if (l->ends && l->channel.count == 0) {
		drop_link(m, l);
	}
	if (fds[LINK_LISTENER].revents && channel_accept(&l->channel) &&
	    l->port != MACHINE_EXEC_PORT) {
		console_connect(&m->console, l->port, true);
	}
}

/*
 * Serves what the poll has found. The lock is free during writes, so the machine may end
 * meanwhile.
 */
static void handle_channels(struct io *io)
{
	struct machine *m = io->m;

	if (io->fds[FD_TERMINAL_IN].revents && m->terminal.in >= 0) {
		read_terminal(io);
	}
	if (io->fds[FD_TERMINAL_OUT].revents && (m->terminal.out >= 0 || m->terminal.log)) {
		write_out(m, &m->terminal, 0);
	}
	for (unsigned int i = 0; i < MACHINE_LINKS && !machine_ends(m); i++) {
		handle_link(io, i);
	}
	if (io->fds[FD_TERMINAL_LISTENER].revents) {
		channel_accept(&m->terminal);
	}
}

/* What the realm said last is worth seeing, even after its end. */
static void drain_terminal(struct machine *m)
{
	while (m->terminal.listener >= 0 && (m->terminal.out >= 0 || m->terminal.log) &&
	       m->terminal.count > 0 && write_out(m, &m->terminal, 0)) {
	}
}

void *machine_io_thread(void *ctx)
{
	struct machine *m = ctx;
	struct io io = {.m = m};
	bool more = false;

	machine_lock_first(m);
	while (!machine_ends(m)) {
		prepare(&io);
		machine_unlock(m);
		int ready = poll(io.fds, FDS, more ? 0 : -1);

		machine_lock_first(m);
		if (machine_ends(m)) {
			break;
		}
		if (ready >= 0) {
			if (io.fds[FD_WAKE].revents) {
				handle_wake(m);
			}
			handle_channels(&io);
		}
		more = !machine_ends(m) && machine_go_on(m);
	}
	drain_terminal(m);
	machine_unlock(m);
	return NULL;
}
