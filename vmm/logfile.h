/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The log of a realm whose console has no terminal: NAME.log in the run directory. When it has
 * grown to LOGFILE_MAX bytes it is renamed to NAME.log.1, in place of the one before, and begun
 * anew.
 */
#ifndef VMM_LOGFILE_H
#define VMM_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LOGFILE_MAX (4u << 20)

struct logfile {
	int fd; /* -1: closed */
	char path[108];
	bool is_output; /* standard output and error go there too */
};

/* Begins the log, or goes on with it. False with errno. path: at most 100 characters. */
bool logfile_open(struct logfile *log, const char *path, bool goes_on);
/* As write(2). For one thread. A log that cannot be begun anew goes on to grow. */
ssize_t logfile_write(struct logfile *log, const void *data, size_t size);
void logfile_close(struct logfile *log);

#endif
