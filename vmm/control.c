// SPDX-License-Identifier: BSD-3-Clause
/*
 * What every thread of a machine uses: the lock of the devices, wake-ups, the end, and the clock of
 * its time limits.
 */
#include <sys/eventfd.h>
#include <time.h>

#include "machine.h"

void machine_wake_io(struct machine *m)
{
	eventfd_write(m->wake, 1);
}

bool machine_ends(struct machine *m)
{
	return atomic_load(&m->end) != MACHINE_RUNS;
}

void machine_finish(struct machine *m, enum machine_end how)
{
	int runs = MACHINE_RUNS, reset = MACHINE_RESET;

	if (how == MACHINE_STOPPED) {
		atomic_compare_exchange_strong(&m->end, &reset, (int)how);
	}
	if (!atomic_compare_exchange_strong(&m->end, &runs, (int)how)) {
		return;
	}
	pthread_mutex_lock(&m->gate);
	for (unsigned int i = 0; m->alive && i < m->realm.num_vcpus; i++) {
		realm_kick(&m->realm, i);
	}
	pthread_mutex_unlock(&m->gate);
	machine_wake_io(m);
	eventfd_write(m->keeper_wake, 1);
}

int64_t machine_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void machine_lock(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
	while (atomic_load(&m->urgent) > 0) {
		pthread_cond_wait(&m->calm, &m->lock);
	}
}

void machine_lock_first(struct machine *m)
{
	atomic_fetch_add(&m->urgent, 1);
	pthread_mutex_lock(&m->lock);
	atomic_fetch_sub(&m->urgent, 1);
	pthread_cond_broadcast(&m->calm);
}

void machine_unlock(struct machine *m)
{
	pthread_mutex_unlock(&m->lock);
}
