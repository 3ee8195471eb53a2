// SPDX-License-Identifier: BSD-3-Clause
/* rvm exec: a command in a realm, carried out by caec-agent there. */
#ifndef VMM_EXEC_H
#define VMM_EXEC_H

/* Exit statuses of rvm exec besides those of commands, as timeout(1) has them. */
#define EXEC_TIMEOUT 124
#define EXEC_FAILED  125

/*
 * words: NAME [--timeout SECONDS] COMMAND [WORD...]. Passes on the command's output and error
 * output as it comes, and returns its status, or one of the above with a message.
 */
int exec_command(int count, char **words);

#endif
