/* SPDX-License-Identifier: BSD-3-Clause */
/* rvm run --detach: the realm goes on without the terminal that started it. */
#ifndef VMM_DETACH_H
#define VMM_DETACH_H

#include <stdbool.h>

/*
 * Divides the process. The parent waits until detach_done() or the end of the child, and ends with
 * status 0 or that of the child; the child returns. Until detach_done() the child's messages go
 * where they went before, and it ends with its parent. Does nothing in a process that began anew
 * (detach_again). False, with a message: no process can be made.
 */
bool detach_begin(void);

/*
 * The realm is built: standard input is empty from here on, output and messages are appended to
 * log. The parent ends.
 */
void detach_done(int log);

/* True in a process that began anew after detach_again(). */
bool detach_is_again(void);

/* Before this process begins anew by execv(): it is not divided a second time. */
void detach_again(void);

#endif
