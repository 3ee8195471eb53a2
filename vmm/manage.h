// SPDX-License-Identifier: BSD-3-Clause
/*
 * How the processes of one machine find each other: a socket for each running realm, NAME.sock, in
 * $CAEC_RUN_DIR or /run/caec, and beside it NAME.control, the host's end of the realm's control
 * channel.
 */
#ifndef VMM_MANAGE_H
#define VMM_MANAGE_H

#include <stdbool.h>

struct machine;

/* Makes the sockets of m. False, with a message, if a realm of that name runs already. */
bool manage_open(struct machine *m);
void manage_close(struct machine *m);

/*
 * The I/O thread's part, with the machine's lock held; it never waits. Somebody is at the
 * management socket: taken in, if manage_room says so. One that was taken in has sent something, or
 * has left: answered, and gone.
 */
bool manage_room(const struct machine *m);
void manage_accept(struct machine *m);
void manage_answer(struct machine *m, unsigned int client);

/* The commands; they return exit statuses. */
int manage_list(bool json);
int manage_stop(const char *name);
/* Standard input to the realm's control channel, and back, until the realm closes it. */
int manage_control(const char *name);

#endif
