// SPDX-License-Identifier: BSD-3-Clause
/* The commands that talk to running realms through their sockets. They return exit statuses. */
#ifndef VMM_CLIENT_H
#define VMM_CLIENT_H

#include <stdbool.h>

#define CLIENT_SECONDS 10 /* what does not answer within that is said not to */

/* All realms of the run directory. One that does not answer is listed as such. */
int client_list(bool json);
int client_stop(const char *name);
/* Standard input to the realm's control channel, and back, until the realm closes it. */
int client_control(const char *name);

/* True if a realm of that name runs. It need not answer. Says nothing. */
bool client_is_there(const char *name);
/* True if the realm has a socket of that kind, MANAGE_*. */
bool client_has(const char *name, const char *suffix);

/* A connection to a socket of the realm; -1, with a message, if there is none. */
int client_connect(const char *name, const char *suffix);

/* 0, or 1 with a message when standard output could not be written in full. */
int client_flush(void);

#endif
