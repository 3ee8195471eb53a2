// SPDX-License-Identifier: BSD-3-Clause
/* Messages of threads that others wait for. */
#ifndef VMM_SAY_H
#define VMM_SAY_H

/*
 * Writes a message to standard error, as fprintf does, without waiting: where standard error is a
 * pipe, a terminal or a socket that takes nothing at the moment, the message is lost, or its end.
 * At most 500 bytes. For every thread, whatever it holds.
 */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
