// SPDX-License-Identifier: BSD-3-Clause
/*
 * How the processes of one machine find each other: a socket for each running realm, NAME.sock, in
 * $CAEC_RUN_DIR or /run/caec, and beside it NAME.control and NAME.exec, the host's ends of the
 * realm's control channel and of the port of its agent.
 */
#ifndef VMM_MANAGE_H
#define VMM_MANAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/*
 * Makes the sockets of m. False, with a message, if a realm of that name runs already. Two that
 * come at the same time are told apart by a lock on the directory.
 */
bool manage_open(struct machine *m);
/* Takes the gate. Twice does no harm. */
void manage_close(struct machine *m);

/*
 * The keeper's part, with the gate held; it never waits. Somebody is at the management socket:
 * taken in, if manage_room says so. One that was taken in has sent something, or has left:
 * answered, and gone; true if the realm shall end. One that says nothing for long is sent away.
 */
bool manage_room(const struct machine *m);
void manage_accept(struct machine *m);
bool manage_answer(struct machine *m, unsigned int client);
void manage_expire(struct machine *m);
/* When that is next, by machine_now; 0: nobody is there. */
int64_t manage_deadline(const struct machine *m);

/* $CAEC_RUN_DIR, or the default. */
const char *manage_run_dir(void);
/*
 * True if nobody but root and the user of this process can put sockets there: they belong to
 * realms of theirs. Else false, with a message. A directory that is not there is good.
 */
bool manage_dir_good(void);
/* The path of a socket there. False, with a message, if it is too long for one. */
bool manage_path(char *path, size_t size, const char *name, const char *suffix);

#define MANAGE_SOCKET  ".sock"
#define MANAGE_CONTROL ".control"
#define MANAGE_EXEC    ".exec"
#define MANAGE_CONSOLE ".console" /* with --console attach */
#define MANAGE_LOG     ".log"     /* struct logfile; stays after the end */

#endif
