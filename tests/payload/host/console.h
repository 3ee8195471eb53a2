// SPDX-License-Identifier: BSD-3-Clause
/*
 * The console: a PL011 shared with the firmware. Output goes out in whole lines under a lock, so
 * that lines of several CPUs do not mix.
 */
#ifndef HOST_CONSOLE_H
#define HOST_CONSOLE_H

#include <stdarg.h>

/* Format (as format.h) and send text. At most 400 characters. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprint(const char *format, va_list args);

/* Called by the one CPU that will end the run: from now on the lock is not waited for. */
void console_seize(void);

#endif
