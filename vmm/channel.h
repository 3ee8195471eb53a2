// SPDX-License-Identifier: BSD-3-Clause
/*
 * A stream of bytes between the realm and something on the host: the terminal, a file, or whoever
 * connects to a socket (one at a time). What the realm sends waits in a buffer for the I/O thread.
 *
 * Functions marked L need the machine's lock; the others are for the I/O thread alone.
 */
#ifndef VMM_CHANNEL_H
#define VMM_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "logfile.h"

#define CHANNEL_BUFFER 65536u

struct channel {
	int listener; /* -1 if there is none; likewise the next two */
	int in;
	int out;
	bool discard;        /* nobody listens: output is thrown away instead of waiting */
	struct logfile *log; /* gets all output, client or not; NULL: none. Not the channel's */
	bool tty;            /* standard input is a terminal, and saved its mode */
	bool raw;            /* the terminal was switched to raw mode */
	struct termios saved;
	char path[108]; /* of the socket, to be removed if it is still the one */
	dev_t dev;
	ino_t ino;
	uint8_t buffer[CHANNEL_BUFFER];
	size_t head;
	size_t count;
};

void channel_none(struct channel *c);
void channel_stdio(struct channel *c);
/*
 * From here to channel_close the terminal passes on what is typed as it is, if it is one. A process
 * in the background of its terminal leaves that alone, and has no input.
 */
void channel_raw(struct channel *c);
/* Undoes that; for any thread, also while others use the channel. */
void channel_restore(struct channel *c);
/* False with errno. discard: what the realm says while nobody is connected is lost. */
bool channel_file(struct channel *c, const char *path);
bool channel_unix(struct channel *c, const char *path, bool discard);
/* False with errno when what was written to a file is not safe. */
bool channel_close(struct channel *c);

/* L: takes what the realm sends, as much as there is room for, and returns how much that was. */
size_t channel_put(struct channel *c, const void *data, size_t size);
size_t channel_room(const struct channel *c);

/* L: copies up to size buffered bytes to data without removing them; channel_drop removes them. */
size_t channel_peek(const struct channel *c, void *data, size_t size);
void channel_drop(struct channel *c, size_t size);

/* Somebody may be waiting at the socket: true when the channel is connected afterwards. */
bool channel_accept(struct channel *c);
/* Ends the connection; a socket goes on listening. */
void channel_disconnect(struct channel *c);
bool channel_connected(const struct channel *c);

/*
 * A listening stream socket at path. It replaces a socket that nobody listens at; -1 with errno:
 * EADDRINUSE when somebody does, EEXIST when something else has that name.
 */
int channel_listen(const char *path);

#endif
