/* SPDX-License-Identifier: BSD-3-Clause */
/* rvm console: a terminal at the console of a realm that runs without one. */
#ifndef VMM_ATTEND_H
#define VMM_ATTEND_H

/*
 * Connects standard input and output to the console of a realm that was started with --detach or
 * --console attach, and first shows the end of its log, where it has one. On a terminal keys are
 * passed on as they are, but for Ctrl-]: q after it leaves and the realm runs on, Ctrl-] after it
 * is passed on. Ends with 0 then, at the end of an input that is no terminal, and at the realm's
 * end; 1 after a message.
 */
int attend_console(const char *name);

#endif
