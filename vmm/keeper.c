// SPDX-License-Identifier: BSD-3-Clause
/*
 * The keeper: signals, rvm list and rvm stop, from the first moment to the last. It needs no lock
 * that a realm or a device could hold, and ends a process whose threads do not come back.
 */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "machine.h"
#include "manage.h"
#include "say.h"

enum { FD_WAKE, FD_SIGNAL, FD_MANAGER, FD_CLIENTS, FDS = FD_CLIENTS + MACHINE_CLIENTS };

struct keeper {
	struct machine *m;
	struct pollfd fds[FDS];
	int64_t deadline; /* of what the end has got to, 0: none */
	int phase;
	bool stop; /* somebody has asked for the end */
};

/* The kernel takes the realm apart when the process is gone. */
static void give_up(struct machine *m)
{
	channel_restore(&m->terminal);
	manage_close(m);
	say("rvm: %s: something outside (a disk, the share, a terminal) does not answer; ended "
	    "without it\r\n",
	    m->options->name);
	_exit(1);
}

static void set(struct keeper *k, int which, int fd)
{
	k->fds[which] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void prepare(struct keeper *k)
{
	struct machine *m = k->m;

	set(k, FD_WAKE, m->keeper_wake);
	set(k, FD_SIGNAL, m->signal_fd);
	set(k, FD_MANAGER, manage_room(m) ? m->manager : -1);
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		set(k, (int)(FD_CLIENTS + i), m->clients[i]);
	}
}

/* Ms until something is due, -1: nothing is. */
static int timeout(const struct keeper *k)
{
	int64_t next = manage_deadline(k->m), left;

	if (k->deadline != 0 && (next == 0 || k->deadline < next)) {
		next = k->deadline;
	}
	if (next == 0) {
		return -1;
	}
	left = next - machine_now();
	return left > 0 ? (int)left + 1 : 0;
}

/* Each phase of the end has its limit, but for the kernel's own work on a large realm. */
static void watch_end(struct keeper *k)
{
	struct machine *m = k->m;
	int phase = atomic_load(&m->phase);

	if (!machine_ends(m) && phase == PHASE_ALIVE) {
		return;
	}
	if (k->deadline == 0 && k->phase == PHASE_ALIVE && phase == PHASE_ALIVE) {
		k->deadline = machine_now() + 1000 * MACHINE_END_SECONDS;
	}
	if (phase != k->phase) {
		k->phase = phase;
		k->deadline =
			phase == PHASE_CLOSED ? machine_now() + 1000 * MACHINE_CLOSE_SECONDS : 0;
	}
	if (k->deadline != 0 && machine_now() >= k->deadline) {
		give_up(m);
	}
}

/* Serves what the poll has found: signals, then clients. Takes the gate, and no other lock. */
static void handle(struct keeper *k)
{
	struct signalfd_siginfo info;
	struct machine *m = k->m;
	eventfd_t count;

	if (k->fds[FD_WAKE].revents) {
		eventfd_read(m->keeper_wake, &count);
	}
	if (k->fds[FD_SIGNAL].revents && read(m->signal_fd, &info, sizeof(info)) > 0) {
		machine_finish(m, MACHINE_STOPPED);
	}
	pthread_mutex_lock(&m->gate);
	for (unsigned int i = 0; i < MACHINE_CLIENTS; i++) {
		if (k->fds[FD_CLIENTS + i].revents && m->clients[i] >= 0) {
			k->stop |= manage_answer(m, i);
		}
	}
	if (k->fds[FD_MANAGER].revents && m->manager >= 0) {
		manage_accept(m);
	}
	manage_expire(m);
	pthread_mutex_unlock(&m->gate);
	if (k->stop) {
		machine_finish(m, MACHINE_STOPPED);
	}
}

void *machine_keeper_thread(void *ctx)
{
	struct keeper k = {.m = ctx};

	while (atomic_load(&k.m->phase) != PHASE_DONE) {
		pthread_mutex_lock(&k.m->gate);
		prepare(&k);
		int limit = timeout(&k);

		pthread_mutex_unlock(&k.m->gate);
		if (poll(k.fds, FDS, limit) >= 0) {
			handle(&k);
		}
		watch_end(&k);
	}
	return NULL;
}
