// SPDX-License-Identifier: BSD-3-Clause
/*
 * How rvm exec and the agent in the realm talk over the port FRAME_PORT: frames on a byte stream
 * that either side may enter in the middle, after the last user of it was killed. A byte that
 * nothing else contains begins and ends each frame (as in SLIP, RFC 1055), a CRC shows one that was
 * cut, and an id tells to which command it belongs: what belongs to none that is asked for is
 * dropped.
 *
 * rvm run itself sends one FRAME_END to a client when the agent has the port open and it is this
 * client's turn. A client asks for nothing before that: what it leaves in a queue would be carried
 * out after it has gone.
 *
 * When a client has gone, rvm run sends FRAME_LEFT to the agent, in the stream, before anything of
 * the next client. The port itself stays connected: messages of the device that say otherwise come
 * by another queue, and Linux may handle them after bytes that were sent later.
 */
#ifndef VMM_EXEC_FRAME_H
#define VMM_EXEC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_PORT "caec.exec"
#define FRAME_END  0xc0u                         /* begins and ends each frame */
#define FRAME_DATA 32768u                        /* bytes of data in one frame */
#define FRAME_RAW  (1 + 8 + FRAME_DATA + 4)      /* with type, id and CRC */
#define FRAME_WIRE (2 + 2 * (size_t)FRAME_RAW)   /* and at worst on the stream */
#define FRAME_BARE (2 + 2 * (size_t)(1 + 8 + 4)) /* the same without data */

enum frame_type {
	FRAME_RUN = 1,     /* to the agent: words of a command, each ended by a zero byte */
	FRAME_STOP = 2,    /* to the agent: kill it */
	FRAME_STARTED = 3, /* from the agent: it has the command */
	FRAME_OUT = 4,     /* from the agent: bytes of its standard output */
	FRAME_ERR = 5,     /* and of its error output */
	FRAME_EXIT = 6, /* from the agent, the last: 4 bytes, little endian: the status as a shell
			 * gives it, 128 and the signal for a command that was killed */
	FRAME_LEFT = 7, /* to the agent, by rvm run, id 0: kill the command, its client has gone */
};

struct frame {
	uint8_t type;
	uint64_t id; /* chosen at random by who sends FRAME_RUN */
	size_t size;
	uint8_t data[FRAME_DATA];
};

struct frame_reader {
	size_t used;
	bool escaped;
	bool bad; /* too long, or a wrong escape: dropped up to the next beginning */
	uint8_t raw[FRAME_RAW];
};

/* Writes frame to wire, which has FRAME_WIRE bytes; returns how many were used. */
size_t frame_encode(const struct frame *frame, uint8_t *wire);

/* The same for a frame without data; wire has FRAME_BARE bytes. */
size_t frame_encode_bare(uint8_t type, uint64_t id, uint8_t *wire);

/* Takes one byte of the stream. True when it ends a good frame, which then is in *frame. */
bool frame_take(struct frame_reader *reader, uint8_t byte, struct frame *frame);

#endif
