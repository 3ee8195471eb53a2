// SPDX-License-Identifier: BSD-3-Clause
/*
 * virtio console with three ports: 0 is the realm's console (/dev/hvc0), 1 is the channel between
 * host and realm (/dev/vport*p1, named CONSOLE_CONTROL_NAME), 2 that of the realm's agent
 * (/dev/vport*p2, CONSOLE_EXEC_NAME). The caller serializes.
 */
#ifndef VMM_CONSOLE_H
#define VMM_CONSOLE_H

#include <linux/virtio_console.h>

#include "exec/frame.h"
#include "virtio.h"

#define CONSOLE_PORTS        3u
#define CONSOLE_CONTROL_NAME "caec.control"
#define CONSOLE_EXEC_NAME    FRAME_PORT
#define CONSOLE_BUFFER       4096u
#define CONSOLE_MESSAGES     16u

struct console_port {
	bool connected;                 /* the host's side is there */
	bool ready;                     /* the realm knows the port: it wants to hear of that */
	bool open;                      /* the realm's side is */
	uint8_t buffer[CONSOLE_BUFFER]; /* for the realm, which has not made room yet */
	size_t head;
	size_t count;
	size_t taken; /* bytes of the first waiting request of the realm that are through */
};

struct console {
	struct virtio virtio;
	struct virtio_console_config config;
	struct console_port ports[CONSOLE_PORTS];
	struct virtio_console_control
		messages[CONSOLE_MESSAGES]; /* wait for a buffer of the realm */
	unsigned int message_head;
	unsigned int message_count;
	/*
	 * The realm has sent something on a port: returns how much was taken. The rest is offered
	 * again after console_resume, however long the realm's request is.
	 */
	size_t (*output)(void *ctx, unsigned int port, const void *data, size_t size);
	/* True while output can take more; when it can again, call console_resume. */
	bool (*ready)(void *ctx, unsigned int port);
	/* The realm has closed its side, after everything that it wrote. */
	void (*closed)(void *ctx, unsigned int port);
	void *ctx;
};

/*
 * Sets up console->virtio's ops, device and config. output, ready, closed, ctx, mem and irq are the
 * caller's.
 */
void console_init(struct console *console);

/* Bytes for the realm; returns how many were taken, fewer than size when its buffer is full. */
size_t console_input(struct console *console, unsigned int port, const void *data, size_t size);

/* How many bytes console_input would take now. */
size_t console_room(const struct console *console, unsigned int port);

/* The host's side of a port has come or gone. */
void console_connect(struct console *console, unsigned int port, bool connected);

/* Output of port is possible again. */
void console_resume(struct console *console, unsigned int port);

#endif
