// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include <linux/virtio_ids.h>

#include "console.h"

#define QUEUE_CONTROL_IN  2u
#define QUEUE_CONTROL_OUT 3u

static unsigned int rx_queue(unsigned int port)
{
	return port == 0 ? 0 : 2 + 2 * port;
}

/* -------------------------------------------------------- to the realm: data */

/* Gives the realm what waits for it, as far as it has made room. Needs a burst. */
static void flush_port(struct console *c, unsigned int port)
{
	struct console_port *p = &c->ports[port];
	struct virtio_request req;
	bool pushed = false;

	while (p->count > 0 && virtio_pop(&c->virtio, rx_queue(port), &req)) {
		size_t done = 0;

		while (done < req.in_bytes && p->count > 0) {
			size_t run = CONSOLE_BUFFER - p->head;

			run = run < p->count ? run : p->count;
			run = virtio_copy_to(&req, done, p->buffer + p->head, run);
			p->head = (p->head + run) % CONSOLE_BUFFER;
			p->count -= run;
			done += run;
		}
		virtio_push(&c->virtio, rx_queue(port), &req, done);
		pushed = true;
	}
	if (pushed) {
		virtio_signal(&c->virtio);
	}
}

size_t console_room(const struct console *c, unsigned int port)
{
	return CONSOLE_BUFFER - c->ports[port].count;
}

size_t console_input(struct console *c, unsigned int port, const void *data, size_t size)
{
	struct console_port *p = &c->ports[port];
	size_t taken = 0;

	while (taken < size && p->count < CONSOLE_BUFFER) {
		p->buffer[(p->head + p->count) % CONSOLE_BUFFER] = ((const uint8_t *)data)[taken++];
		p->count++;
	}
	virtio_begin(&c->virtio);
	flush_port(c, port);
	return taken;
}

/* ----------------------------------------------------- to the realm: messages */

/* Gives the realm the messages that wait for it, one in each of its buffers. Needs a burst. */
static void flush_messages(struct console *c)
{
	struct virtio_request req;
	bool pushed = false;

	while (c->message_count > 0 && virtio_pop(&c->virtio, QUEUE_CONTROL_IN, &req)) {
		const struct virtio_console_control *m = &c->messages[c->message_head];
		size_t size = virtio_copy_to(&req, 0, m, sizeof(*m));

		if (m->event == VIRTIO_CONSOLE_PORT_NAME) {
			const char *name = m->id == 1 ? CONSOLE_CONTROL_NAME : CONSOLE_EXEC_NAME;

			size += virtio_copy_to(&req, size, name, strlen(name));
		}
		virtio_push(&c->virtio, QUEUE_CONTROL_IN, &req, size);
		c->message_head = (c->message_head + 1) % CONSOLE_MESSAGES;
		c->message_count--;
		pushed = true;
	}
	if (pushed) {
		virtio_signal(&c->virtio);
	}
}

/*
 * A realm that asks for more answers than it takes loses the newest. What it hears last of a host
 * that comes and goes is right nevertheless.
 */
static void send(struct console *c, unsigned int port, uint16_t event, uint16_t value)
{
	unsigned int at = (c->message_head + c->message_count) % CONSOLE_MESSAGES;
	struct virtio_console_control *last =
		&c->messages[(at + CONSOLE_MESSAGES - 1) % CONSOLE_MESSAGES];

	if (c->message_count == CONSOLE_MESSAGES && event == VIRTIO_CONSOLE_PORT_OPEN &&
	    last->event == VIRTIO_CONSOLE_PORT_OPEN && last->id == port) {
		last->value = value;
	} else if (c->message_count < CONSOLE_MESSAGES) {
		c->messages[at] =
			(struct virtio_console_control){.id = port, .event = event, .value = value};
		c->message_count++;
	}
}

void console_connect(struct console *c, unsigned int port, bool connected)
{
	if (c->ports[port].connected != connected) {
		c->ports[port].connected = connected;
		if (c->ports[port].ready) {
			send(c, port, VIRTIO_CONSOLE_PORT_OPEN, connected);
			virtio_begin(&c->virtio);
			flush_messages(c);
		}
	}
}

/* ------------------------------------------------------------ from the realm */

/* What the realm has not read when it closes is lost, as with a terminal that is hung up. */
static void set_open(struct console *c, unsigned int port, bool open)
{
	struct console_port *p = &c->ports[port];
	bool was = p->open;

	p->open = open;
	if (was && !open) {
		p->count = 0;
		c->closed(c->ctx, port);
	}
}

/* Carries out a message of the realm. One that makes no sense is ignored. */
static void handle_message(struct console *c, const struct virtio_console_control *m)
{
	if (m->event == VIRTIO_CONSOLE_DEVICE_READY) {
		for (unsigned int port = 0; m->value == 1 && port < CONSOLE_PORTS; port++) {
			send(c, port, VIRTIO_CONSOLE_PORT_ADD, 1);
		}
		return;
	}
	if (m->id >= CONSOLE_PORTS) {
		return;
	}
	if (m->event == VIRTIO_CONSOLE_PORT_READY && m->value == 1) {
		c->ports[m->id].ready = true;
		send(c, m->id, m->id == 0 ? VIRTIO_CONSOLE_CONSOLE_PORT : VIRTIO_CONSOLE_PORT_NAME,
		     1);
		if (c->ports[m->id].connected) {
			send(c, m->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
		}
	} else if (m->event == VIRTIO_CONSOLE_PORT_OPEN) {
		set_open(c, m->id, m->value == 1);
	}
}

static void take_messages(struct console *c)
{
	struct virtio_request req;
	struct virtio_console_control m;

	while (virtio_pop(&c->virtio, QUEUE_CONTROL_OUT, &req)) {
		if (virtio_copy_from(&req, 0, &m, sizeof(m)) == sizeof(m)) {
			handle_message(c, &m);
		}
		virtio_push(&c->virtio, QUEUE_CONTROL_OUT, &req, 0);
	}
	virtio_signal(&c->virtio);
	flush_messages(c);
}

/* Passes on what is left of a request. True when all of it is through. */
static bool pass_on(struct console *c, unsigned int port, const struct virtio_request *req)
{
	struct console_port *p = &c->ports[port];
	struct iovec part[VIRTIO_MAX_IOV];
	unsigned int n = virtio_slice(req->out, req->num_out, p->taken, req->out_bytes, part);

	for (unsigned int i = 0; i < n; i++) {
		size_t taken = c->output(c->ctx, port, part[i].iov_base, part[i].iov_len);

		p->taken += taken;
		if (taken < part[i].iov_len) {
			return false;
		}
	}
	p->taken = 0;
	return true;
}

/*
 * Passes on what the realm has written, as far as the host has room; the rest stays in the queue.
 */
static void take_output(struct console *c, unsigned int port)
{
	unsigned int queue = rx_queue(port) + 1;
	struct virtio_request req;
	bool pushed = false;

	while (c->ready(c->ctx, port) && virtio_pop(&c->virtio, queue, &req)) {
		if (!pass_on(c, port, &req)) {
			virtio_unpop(&c->virtio, queue);
			break;
		}
		virtio_push(&c->virtio, queue, &req, 0);
		pushed = true;
	}
	if (pushed) {
		virtio_signal(&c->virtio);
	}
}

void console_resume(struct console *c, unsigned int port)
{
	virtio_begin(&c->virtio);
	take_output(c, port);
}

/* Serves the queue that the realm has rung the bell of. Needs the machine's lock. */
static void notify(void *device, unsigned int queue)
{
	struct console *c = device;

	switch (queue) {
	case QUEUE_CONTROL_IN:
		flush_messages(c);
		break;
	case QUEUE_CONTROL_OUT:
		take_messages(c);
		break;
	default: {
		unsigned int port = queue < 2 ? 0 : queue / 2 - 1;

		if (queue % 2 == 0) {
			flush_port(c, port);
		} else {
			take_output(c, port);
		}
		break;
	}
	}
}

static void reset(void *device)
{
	struct console *c = device;

	c->message_head = 0;
	c->message_count = 0;
	for (unsigned int port = 0; port < CONSOLE_PORTS; port++) {
		set_open(c, port, false);
		c->ports[port].ready = false;
		c->ports[port].taken = 0;
	}
}

static const struct virtio_ops ops = {
	.id = VIRTIO_ID_CONSOLE,
	.num_queues = 2 + 2 * CONSOLE_PORTS,
	.features = VIRTIO_FEATURE(VIRTIO_CONSOLE_F_MULTIPORT),
	.notify = notify,
	.reset = reset,
};

void console_init(struct console *c)
{
	c->config = (struct virtio_console_config){.max_nr_ports = CONSOLE_PORTS};
	c->virtio.ops = &ops;
	c->virtio.device = c;
	c->virtio.config = &c->config;
	c->virtio.config_size = sizeof(c->config);
}
