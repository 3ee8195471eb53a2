/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands about the life of realms that other processes run. They return exit statuses. */
#ifndef VMM_LIFE_H
#define VMM_LIFE_H

/* Kills the rvm of a realm, also one that does not answer, and waits until it has gone. */
int life_kill(const char *name);
/* Waits until the realm has ended; 124 when that takes longer than seconds (0: no limit). */
int life_wait(const char *name, unsigned int seconds);
/* Writes what the realm's console and its rvm have said since it was started with --detach. */
int life_logs(const char *name);
/*
 * Starts the realm of each file NAME.json in a folder with --detach, in the order of their names,
 * but for realms that run. 1 when one could not be started; the others are started nevertheless.
 */
int life_up(const char *folder);

#endif
